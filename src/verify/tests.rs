//! Densities, entropies, draws and rules against each other, statrs and the scalar densities of the language.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use statrs::distribution::{Beta, Continuous, ContinuousCDF, Gamma, InverseGamma, Normal};

use super::factor::Q;
use super::line::{Exponent, Line};
use super::precision::Precision;
use super::square::log_det;
use crate::dist::scalar::Density;
use crate::numeric::linalg::inverse_spd;

fn close(a: f64, b: f64, tolerance: f64) {
    assert!((a - b).abs() <= tolerance * (1.0 + b.abs()), "{a} and {b}");
}

fn gamma(shape: f64, rate: f64, inverse: bool) -> Q {
    Q::Precision(Precision::alone(1, 2.0 * shape, vec![2.0 * rate], inverse))
}

fn wishart(inverse: bool) -> Precision {
    Precision::alone(2, 5.3, vec![1.4, 0.3, 0.3, 0.8], inverse)
}

fn gaussian_wishart() -> Precision {
    Precision {
        count: 1,
        mean: vec![0.4, -1.2],
        pairs: vec![2.5],
        ..wishart(false)
    }
}

fn gaussian_gamma() -> Precision {
    Precision {
        count: 2,
        mean: vec![0.4, -1.2],
        pairs: vec![2.5, 0.4, 0.4, 1.1],
        ..Precision::alone(1, 6.4, vec![3.0], false)
    }
}

fn truncated() -> Line {
    let k = Exponent {
        log: 0.0,
        value: 0.7,
        square: -0.9,
        inverse: 0.0,
        size: 0.0,
        whole: false,
        polya_gamma: false,
    };
    Line::new(k).unwrap()
}

fn all() -> Vec<Q> {
    vec![
        Q::Table(vec![0.1, 0.0, 0.25, 0.2, 0.3, 0.15], vec![2, 3]),
        Q::Gaussian(vec![0.3, -2.0], vec![1.5, 0.4, 0.4, 0.7]),
        Q::Simplex {
            a: vec![0.6, 2.0, 3.5],
            single: false,
        },
        Q::Simplex {
            a: vec![0.9, 4.0],
            single: true,
        },
        gamma(0.7, 2.0, false),
        gamma(3.2, 2.0, true),
        Q::Precision(wishart(false)),
        Q::Precision(wishart(true)),
        Q::Precision(gaussian_wishart()),
        Q::Precision(gaussian_gamma()),
        Q::States(
            vec![0.3, 0.7],
            vec![vec![1.0, 0.2], vec![-1.0, 0.4]],
            vec![vec![1.5, 0.4, 0.4, 0.7], vec![0.3, 0.1, 0.1, 0.9]],
        ),
    ]
}

#[test]
fn densities_are_those_of_statrs() {
    for x in [0.05, 0.4, 0.9] {
        let q = gamma(0.7, 2.0, false).log_density(&[x]).unwrap();
        close(q, Gamma::new(0.7, 2.0).unwrap().ln_pdf(x), 1e-12);
        let q = gamma(3.2, 2.0, true).log_density(&[x]).unwrap();
        close(q, InverseGamma::new(3.2, 2.0).unwrap().ln_pdf(x), 1e-12);
        let beta = Q::Simplex {
            a: vec![0.9, 4.0],
            single: true,
        };
        let q = beta.log_density(&[x]).unwrap();
        close(q, Beta::new(0.9, 4.0).unwrap().ln_pdf(x), 1e-12);
        let q = Q::Gaussian(vec![0.3], vec![4.0]).log_density(&[x]).unwrap();
        close(q, Normal::new(0.3, 2.0).unwrap().ln_pdf(x), 1e-12);
    }
}

#[test]
fn matrix_and_simplex_densities_are_those_of_the_language() {
    let value = [2.0, 0.5, 0.5, 1.2];
    let (w, i) = (wishart(false), wishart(true));
    let mut scale = vec![0.0; 4];
    inverse_spd(&w.scale, 2, &mut scale).unwrap();
    let density = Density::Wishart {
        df: 5.3,
        scale: &scale,
    };
    let q = Q::Precision(w).log_density(&value).unwrap();
    close(q, density.log_density(&value).unwrap(), 1e-12);
    let density = Density::InverseWishart {
        df: 5.3,
        scale: &i.scale,
    };
    let q = Q::Precision(i.clone()).log_density(&value).unwrap();
    close(q, density.log_density(&value).unwrap(), 1e-12);
    let alpha = [0.6, 2.0, 3.5];
    let p = [0.2, 0.5, 0.3];
    let q = Q::Simplex {
        a: alpha.to_vec(),
        single: false,
    };
    let density = Density::Dirichlet { alpha: &alpha };
    close(
        q.log_density(&p).unwrap(),
        density.log_density(&p).unwrap(),
        1e-12,
    );
    // w given V beside V: the product of the two densities.
    let joint = Q::Precision(gaussian_wishart());
    let values = [0.1, -0.7, 2.0, 0.5, 0.5, 1.2];
    let mut cov: Vec<f64> = value.iter().map(|x| 2.5 * x).collect();
    let precision = cov.clone();
    inverse_spd(&precision, 2, &mut cov).unwrap();
    let w = Density::GaussianVector {
        mean: &[0.4, -1.2],
        cov: &cov,
    };
    let v = Density::Wishart {
        df: 5.3,
        scale: &scale,
    };
    let want = w.log_density(&values[..2]).unwrap() + v.log_density(&value).unwrap();
    close(joint.log_density(&values).unwrap(), want, 1e-12);
}

/// Mean of f over draws with its standard error.
fn average(q: &Q, f: &dyn Fn(&[f64]) -> f64) -> (f64, f64) {
    let n = 20_000;
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let (mut sum, mut square) = (0.0, 0.0);
    for _ in 0..n {
        let x = f(&q.draw(&mut rng).unwrap());
        sum += x;
        square += x * x;
    }
    let m = sum / f64::from(n);
    (m, ((square / f64::from(n) - m * m) / f64::from(n)).sqrt())
}

#[test]
fn entropies_are_averages_of_minus_log_q_over_draws() {
    for q in all() {
        let (m, error) = average(&q, &|x| -q.log_density(x).unwrap());
        let h = q.entropy().unwrap();
        assert!((m - h).abs() < 5.0 * error + 1e-12, "{q:?}: {m} and {h}");
    }
}

#[test]
fn rules_have_the_expected_statistics_of_their_family() {
    type Statistic = Box<dyn Fn(&[f64]) -> f64>;
    let log_det_of =
        |from: usize| -> Statistic { Box::new(move |x| log_det(&x[from..], 2).unwrap()) };
    let entry = |i: usize| -> Statistic { Box::new(move |x| x[i]) };
    let inverse_entry: Statistic = Box::new(|x: &[f64]| {
        let mut v = vec![0.0; 4];
        inverse_spd(x, 2, &mut v).unwrap();
        v[1]
    });
    let pairs: Vec<(Q, Vec<Statistic>)> = all()
        .into_iter()
        .skip(1)
        .zip([
            vec![
                entry(0),
                Box::new(|x: &[f64]| x[0] * x[1]),
                Box::new(|x: &[f64]| x[1] * x[1]),
            ],
            vec![
                Box::new(|x: &[f64]| x[0].ln()) as Statistic,
                Box::new(|x: &[f64]| x[2].ln()),
            ],
            vec![
                Box::new(|x: &[f64]| x[0].ln()) as Statistic,
                Box::new(|x: &[f64]| (1.0 - x[0]).ln()),
            ],
            vec![entry(0), Box::new(|x: &[f64]| x[0].ln())],
            vec![
                Box::new(|x: &[f64]| 1.0 / x[0]) as Statistic,
                Box::new(|x: &[f64]| x[0].ln()),
            ],
            vec![entry(0), entry(1), log_det_of(0)],
            vec![inverse_entry, log_det_of(0)],
            vec![
                log_det_of(2),
                entry(3),
                Box::new(|x: &[f64]| x[2] * x[0] + x[3] * x[1]),
                Box::new(|x: &[f64]| {
                    x[2] * x[0] * x[0] + 2.0 * x[3] * x[0] * x[1] + x[5] * x[1] * x[1]
                }),
            ],
            vec![
                Box::new(|x: &[f64]| x[2].ln()) as Statistic,
                Box::new(|x: &[f64]| x[2] * x[1]),
                Box::new(|x: &[f64]| x[2] * x[0] * x[1]),
            ],
        ])
        .collect();
    for (q, statistics) in pairs {
        let sites: Vec<usize> = (0..q.centre().unwrap().len()).collect();
        let rule = q.points(&sites, &[]).unwrap();
        close(rule.iter().map(|(w, _)| w).sum(), 1.0, 1e-12);
        for t in statistics {
            let (m, error) = average(&q, &t);
            let exact: f64 = rule.iter().map(|(w, x)| w * t(x)).sum();
            assert!((m - exact).abs() < 5.0 * error, "{q:?}: {m} and {exact}");
        }
    }
}

#[test]
fn lines_integrate_to_known_distributions() {
    // exp(b x + c x^2) on x > 0 is a Gaussian cut off at 0.
    let line = truncated();
    let (sd, mean) = ((0.5 / 0.9_f64).sqrt(), 0.7 / 1.8);
    let normal = Normal::new(mean, sd).unwrap();
    let mass = 1.0 - normal.cdf(0.0);
    let q = Q::Line(line.clone());
    for x in [0.01, 0.5, 2.0] {
        let want = normal.ln_pdf(x) - mass.ln();
        close(q.log_density(&[x]).unwrap(), want, 1e-10);
    }
    let ratio = normal.pdf(0.0) / mass;
    let few = line.few;
    assert!(few.len() <= 3);
    let sum = |f: &dyn Fn(f64) -> f64| -> f64 { few.iter().map(|(w, x)| w * f(x[0])).sum() };
    close(sum(&|x| x), mean + sd * sd * ratio, 1e-10);
    close(
        sum(&|x| x * x),
        mean * mean + sd * sd + mean * sd * sd * ratio,
        1e-10,
    );
    // A generalised inverse Gaussian without 1/x is a Gamma; very sharp and very flat ones too.
    for (shape, rate) in [(2.5, 3.0), (4000.0, 10.0), (0.4, 0.01)] {
        let line = Line::new(Exponent {
            log: shape - 1.0,
            value: -rate,
            square: 0.0,
            inverse: 0.0,
            size: 0.0,
            whole: false,
            polya_gamma: false,
        })
        .unwrap();
        let want = Gamma::new(shape, rate).unwrap();
        let x = shape / rate;
        let q = Q::Line(line.clone());
        close(q.log_density(&[x]).unwrap(), want.ln_pdf(x), 1e-9);
        let same = gamma(shape, rate, false);
        // ln Γ(4000) is 29,000: its last digits are what the entropies differ by.
        let tolerance = 1e-9_f64.max(1e-11 * shape);
        close(q.entropy().unwrap(), same.entropy().unwrap(), tolerance);
        let mean: f64 = line.few.iter().map(|(w, x)| w * x[0]).sum();
        close(mean, x, 1e-9);
    }
    // exp(-|x|) is a Laplace distribution: entropy 1 + log 2, E|x| = 1.
    let laplace = Line::new(Exponent {
        log: 0.0,
        value: 0.0,
        square: -1e-12,
        inverse: 0.0,
        size: -1.0,
        whole: true,
        polya_gamma: false,
    })
    .unwrap();
    close(laplace.entropy(), 1.0 + 2f64.ln(), 1e-9);
    let few = laplace.few;
    close(few.iter().map(|(w, x)| w * x[0].abs()).sum(), 1.0, 1e-9);
    close(few.iter().map(|(w, x)| w * x[0]).sum(), 0.0, 1e-9);
}

#[test]
fn a_table_is_conditioned_on_what_is_decided() {
    let q = Q::Table(vec![0.1, 0.0, 0.25, 0.2, 0.3, 0.15], vec![2, 3]);
    let p = q.conditional(&[], 0);
    close(p[0], 0.35, 1e-15);
    let p = q.conditional(&[(0, 1)], 1);
    close(p[1], 0.3 / 0.65, 1e-15);
    let p = q.conditional(&[(1, 1)], 0);
    assert_eq!(p, [0.0, 1.0]);
}

#[test]
fn digamma_has_its_known_values() {
    use super::digamma::digamma;
    const EULER: f64 = 0.577_215_664_901_532_9;
    assert!((digamma(1.0) + EULER).abs() < 1e-15);
    assert!((digamma(0.5) + EULER + 2.0 * 2f64.ln()).abs() < 1e-14);
    for x in [0.01, 0.7, 3.3, 40.0, 4000.0, 1e7] {
        // 1 / x cancels against ψ(x).
        close(
            digamma(x + 1.0),
            digamma(x) + 1.0 / x,
            1e-14 * (1.0 + 1.0 / x),
        );
        close(digamma(x), statrs::function::gamma::digamma(x), 1e-9);
    }
}
