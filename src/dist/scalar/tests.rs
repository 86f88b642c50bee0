//! The evaluator against identities between its own distributions, closed forms and edges.

use super::*;

const MATRIX: &[f64] = &[1.0, 0.3, 0.3, 0.5];
const NEARBY: &[f64] = &[0.9, 0.25, 0.25, 0.5];

/// A density, and another one close by with no heavier tails.
pub(super) const EXAMPLES: &[(Density<'static>, Density<'static>)] = &[
    (
        Density::Categorical {
            p: &[0.2, 0.5, 0.3],
        },
        Density::Categorical {
            p: &[0.3, 0.4, 0.3],
        },
    ),
    (
        Density::Dirichlet {
            alpha: &[0.8, 2.0, 1.0],
        },
        Density::Dirichlet {
            alpha: &[1.0, 2.2, 1.1],
        },
    ),
    (
        Density::Gaussian { mean: 1.0, sd: 2.0 },
        Density::Gaussian { mean: 1.3, sd: 1.9 },
    ),
    (
        Density::GaussianVector {
            mean: &[1.0, -1.0],
            cov: MATRIX,
        },
        Density::GaussianVector {
            mean: &[1.1, -1.1],
            cov: NEARBY,
        },
    ),
    (
        Density::Laplace {
            mean: 0.5,
            scale: 2.0,
        },
        Density::Laplace {
            mean: 0.7,
            scale: 1.9,
        },
    ),
    (
        Density::StudentT {
            df: 3.0,
            mean: 1.0,
            scale: 2.0,
        },
        Density::StudentT {
            df: 3.5,
            mean: 1.2,
            scale: 1.9,
        },
    ),
    (
        Density::Uniform {
            low: -1.0,
            high: 3.0,
        },
        Density::Uniform {
            low: -0.5,
            high: 3.0,
        },
    ),
    (Density::Bernoulli { p: 0.3 }, Density::Bernoulli { p: 0.4 }),
    (
        Density::Binomial { p: 0.3, total: 6 },
        Density::Binomial { p: 0.35, total: 6 },
    ),
    (
        Density::Poisson { rate: 4.0 },
        Density::Poisson { rate: 3.6 },
    ),
    (
        Density::Multinomial {
            p: &[0.2, 0.5, 0.3],
            total: 5,
        },
        Density::Multinomial {
            p: &[0.25, 0.5, 0.25],
            total: 5,
        },
    ),
    (
        Density::Beta { a: 2.0, b: 0.7 },
        Density::Beta { a: 2.1, b: 0.8 },
    ),
    (
        Density::Gamma {
            shape: 2.5,
            rate: 0.5,
        },
        Density::Gamma {
            shape: 2.7,
            rate: 0.55,
        },
    ),
    (
        Density::Exponential { rate: 0.5 },
        Density::Exponential { rate: 0.6 },
    ),
    (
        Density::InverseGamma {
            shape: 2.5,
            scale: 0.5,
        },
        Density::InverseGamma {
            shape: 2.7,
            scale: 0.55,
        },
    ),
    (
        Density::Wishart {
            df: 4.5,
            scale: MATRIX,
        },
        Density::Wishart {
            df: 4.7,
            scale: NEARBY,
        },
    ),
    (
        Density::InverseWishart {
            df: 6.5,
            scale: MATRIX,
        },
        Density::InverseWishart {
            df: 6.8,
            scale: MATRIX,
        },
    ),
];

#[test]
fn one_by_one_matrices_are_gamma_distributed() {
    let wishart = Density::Wishart {
        df: 3.0,
        scale: &[0.25],
    };
    let gamma = Density::Gamma {
        shape: 1.5,
        rate: 2.0,
    };
    let inverse_wishart = Density::InverseWishart {
        df: 3.0,
        scale: &[0.5],
    };
    let inverse_gamma = Density::InverseGamma {
        shape: 1.5,
        scale: 0.25,
    };
    for v in [0.1, 0.7, 3.0] {
        for (a, b) in [(wishart, gamma), (inverse_wishart, inverse_gamma)] {
            let difference = a.log_density(&[v]).unwrap() - b.log_density(&[v]).unwrap();
            assert!(difference.abs() < 1e-12, "{a:?} at {v}");
        }
    }
}

#[test]
fn outside_the_support_the_density_is_zero() {
    for (density, value) in [
        (Density::Categorical { p: &[0.5, 0.5] }, &[2.0][..]),
        (Density::Categorical { p: &[0.5, 0.5] }, &[0.5]),
        (Density::Dirichlet { alpha: &[1.0, 1.0] }, &[0.7, 0.7]),
        (
            Density::Uniform {
                low: 0.0,
                high: 1.0,
            },
            &[1.5],
        ),
        (Density::Bernoulli { p: 0.5 }, &[0.5]),
        (Density::Bernoulli { p: 0.0 }, &[1.0]),
        (Density::Binomial { p: 0.5, total: 3 }, &[4.0]),
        (Density::Binomial { p: 1.0, total: 3 }, &[2.0]),
        (Density::Poisson { rate: 0.0 }, &[1.0]),
        (Density::Poisson { rate: 2.0 }, &[1.5]),
        (
            Density::Multinomial {
                p: &[1.0, 0.0],
                total: 2,
            },
            &[1.0, 1.0],
        ),
        (
            Density::Multinomial {
                p: &[0.5, 0.5],
                total: 2,
            },
            &[1.0, 2.0],
        ),
        (Density::Beta { a: 2.0, b: 2.0 }, &[-0.1]),
        (
            Density::Gamma {
                shape: 2.0,
                rate: 1.0,
            },
            &[-1.0],
        ),
        (Density::Exponential { rate: 1.0 }, &[-1.0]),
        (
            Density::InverseGamma {
                shape: 2.0,
                scale: 1.0,
            },
            &[0.0],
        ),
        (
            Density::Wishart {
                df: 2.0,
                scale: &[1.0],
            },
            &[-1.0],
        ),
    ] {
        assert_eq!(
            density.log_density(value),
            Ok(f64::NEG_INFINITY),
            "{density:?} at {value:?}"
        );
    }
}

#[test]
fn zero_counts_cost_nothing_at_probability_zero() {
    let certain = Density::Multinomial {
        p: &[1.0, 0.0],
        total: 2,
    };
    assert_eq!(certain.log_density(&[2.0, 0.0]), Ok(0.0));
    assert_eq!(
        Density::Binomial { p: 0.0, total: 3 }.log_density(&[0.0]),
        Ok(0.0)
    );
    assert_eq!(Density::Poisson { rate: 0.0 }.log_density(&[0.0]), Ok(0.0));
    let flat = Density::Beta { a: 1.0, b: 1.0 }.log_density(&[0.0]);
    assert!(flat.unwrap().abs() < 1e-14);
}

#[test]
fn counts_sum_to_one() {
    for density in [
        Density::Binomial { p: 0.3, total: 6 },
        Density::Poisson { rate: 3.0 },
    ] {
        let sum: f64 = (0..60)
            .map(|v| density.log_density(&[f64::from(v)]).unwrap().exp())
            .sum();
        assert!((sum - 1.0).abs() < 1e-12, "{density:?}: {sum}");
    }
}

#[test]
fn known_values() {
    // log of Student t with 3 degrees of freedom at its centre: 2 / (pi sqrt 3), over the scale.
    let t = Density::StudentT {
        df: 3.0,
        mean: 1.0,
        scale: 2.0,
    };
    let want = (2.0 / (PI * 3f64.sqrt()) / 2.0).ln();
    assert!((t.log_density(&[1.0]).unwrap() - want).abs() < 1e-13);
    // A vector of independent numbers is the sum of their densities.
    let vector = Density::GaussianVector {
        mean: &[0.0, 1.0],
        cov: &[4.0, 0.0, 0.0, 0.25],
    };
    let parts = Density::Gaussian { mean: 0.0, sd: 2.0 }
        .log_density(&[0.3])
        .unwrap()
        + Density::Gaussian { mean: 1.0, sd: 0.5 }
            .log_density(&[0.4])
            .unwrap();
    assert!((vector.log_density(&[0.3, 0.4]).unwrap() - parts).abs() < 1e-13);
}
