//! Draws against closed forms: means and frequencies within five standard errors, seeds fixed.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{array, assign, bound, close};
use crate::data::{Cells, Dataset};
use crate::model::{ColumnId, Model};
use crate::naive::{Assignment, Problem, log_joint, log_joint_by_factor, simulate, with_observed};

fn draw(model: &Model, data: &Dataset, given: &Assignment, seed: u64) -> Assignment {
    simulate(model, data, given, &mut ChaCha8Rng::seed_from_u64(seed)).unwrap()
}

fn column(model: &Model, name: &str) -> ColumnId {
    let place = model.columns.iter().position(|c| c.name == name);
    ColumnId::from(place.unwrap())
}

fn cells(model: &Model, values: &Assignment, name: &str) -> Vec<f64> {
    values.cells[&column(model, name)].iter().copied().collect()
}

fn variable(model: &Model, values: &Assignment, name: &str) -> Vec<f64> {
    let place = model.variables.iter().position(|v| v.name == name);
    let found = values.variables[place.unwrap()].as_ref().unwrap();
    found.iter().copied().collect()
}

/// The mean of draws whose standard deviation is `sd` is within five standard errors of `wanted`.
#[track_caller]
fn mean_is(draws: impl IntoIterator<Item = f64>, wanted: f64, sd: f64) {
    let draws: Vec<f64> = draws.into_iter().collect();
    let n = draws.len() as f64;
    assert!(n > 200.0, "{n} draws");
    let mean = draws.iter().sum::<f64>() / n;
    let error = sd / n.sqrt();
    assert!(
        (mean - wanted).abs() < 5.0 * error,
        "{mean} is not {wanted} +- {error}"
    );
}

#[track_caller]
fn frequency_is(draws: impl IntoIterator<Item = bool>, p: f64) {
    let draws = draws.into_iter().map(|b| f64::from(u8::from(b)));
    mean_is(draws, p, (p * (1.0 - p)).sqrt());
}

fn rows(header: &str, row: &str, n: usize) -> String {
    format!("{header}\n{}", format!("{row}\n").repeat(n))
}

#[test]
fn a_mixture_has_its_shares_means_and_covariances() {
    let (model, data) = bound(
        "data row { x[f] : real = (a, b) }
         plate k(2)
         param   w    : simplex over k
         param   m[k] : real over f
         param   C[k] : covariance over f
         latent  z[row] ~ Categorical(w)
         observe x[row] ~ Gaussian(m[z], cov = C[z]) over f",
        &rows("a,b", "0,0", 4000),
    );
    let given = assign(
        &model,
        &[
            ("w", &[2], &[0.2, 0.8]),
            ("m", &[2, 2], &[0.0, 5.0, -3.0, 1.0]),
            ("C", &[2, 2, 2], &[1.0, 0.5, 0.5, 2.0, 0.3, 0.0, 0.0, 0.4]),
        ],
    );
    let found = draw(&model, &data, &given, 1);
    let z = variable(&model, &found, "z");
    let x = cells(&model, &found, "x");
    frequency_is(z.iter().map(|z| *z == 1.0), 0.8);
    let of = |k: f64| {
        let pairs = x.chunks(2).zip(&z).filter(move |(_, z)| **z == k);
        pairs.map(|(x, _)| (x[0], x[1])).collect::<Vec<_>>()
    };
    mean_is(of(0.0).iter().map(|x| x.1), 5.0, 2f64.sqrt());
    mean_is(of(1.0).iter().map(|x| x.0), -3.0, 0.3f64.sqrt());
    // the product of two centred Gaussians has mean c and variance a b + c^2
    mean_is(
        of(0.0).iter().map(|x| x.0 * (x.1 - 5.0)),
        0.5,
        2.25f64.sqrt(),
    );
    mean_is(
        of(1.0).iter().map(|x| (x.0 + 3.0) * (x.1 - 1.0)),
        0.0,
        0.12f64.sqrt(),
    );
    // given values are kept, and the same seed draws the same
    assert_eq!(found.variables[1], given.variables[1]);
    assert_eq!(found, draw(&model, &data, &given, 1));
    assert_ne!(found, draw(&model, &data, &given, 2));
}

#[test]
fn chains_start_and_move_as_stated() {
    let mut csv = "s,t,y\n".to_string();
    for s in 0..400 {
        for t in 0..12 {
            csv += &format!("{s},{t},0\n");
        }
    }
    let (model, data) = bound(
        "data step ordered by t within s { y : real }
         observe y[step] ~ Gaussian(mu[z], var = 0.01)
         latent  z[step] ~ Categorical(move[z[step-1]]) first Categorical(start)
         plate state(2)
         const   start over state = [0.1, 0.9]
         const   move[state] over state = [[0.7, 0.3], [0.4, 0.6]]
         const   mu[state] = [-1, 1]",
        &csv,
    );
    let found = draw(&model, &data, &Assignment::empty(&model), 3);
    let z = variable(&model, &found, "z");
    let chains: Vec<&[f64]> = z.chunks(12).collect();
    frequency_is(chains.iter().map(|c| c[0] == 1.0), 0.9);
    let steps = || chains.iter().flat_map(|c| c.windows(2));
    let from = |k: f64| steps().filter(move |s| s[0] == k).map(|s| s[1] == 1.0);
    frequency_is(from(0.0), 0.3);
    frequency_is(from(1.0), 0.6);
    // a session ends in state 1 with 4/7 of the limit left over from the start: 3/7 + (0.9 - 3/7) 0.3^11
    frequency_is(chains.iter().map(|c| c[11] == 1.0), 3.0 / 7.0);
    let y = cells(&model, &found, "y");
    mean_is(y.iter().zip(&z).map(|(y, z)| y - (2.0 * z - 1.0)), 0.0, 0.1);
}

#[test]
fn columns_may_use_each_others_past() {
    let (model, data) = bound(
        "data step ordered { x : real  y : real }
         observe x[step] ~ Gaussian(0.5 * y[step-1], var = 1) first Gaussian(0, var = 1)
         observe y[step] ~ Gaussian(x - 0.5 * x[step-1], var = 1) first Gaussian(x, var = 1)",
        &rows("x,y", "0,0", 3000),
    );
    let found = draw(&model, &data, &Assignment::empty(&model), 4);
    let (x, y) = (cells(&model, &found, "x"), cells(&model, &found, "y"));
    let x_noise = (1..3000).map(|t| x[t] - 0.5 * y[t - 1]);
    let y_noise = |t: usize| y[t] - x[t] + 0.5 * x[t - 1];
    mean_is(x_noise.clone().map(|e| e * e), 1.0, 2f64.sqrt());
    mean_is((1..3000).map(|t| y_noise(t) * y_noise(t)), 1.0, 2f64.sqrt());
    mean_is(x_noise.zip(1..3000).map(|(e, t)| e * y_noise(t)), 0.0, 1.0);
    let shares = log_joint_by_factor(&model, &data, &found).unwrap();
    mean_is(
        vec![shares[0] / 3000.0; 3000],
        -1.418_938_533_204_672_7,
        0.5f64.sqrt(),
    );
}

#[test]
fn priors_have_their_means() {
    let (model, data) = bound(
        "data row { y : real }
         plate n(3000)
         latent  g[n] ~ Gamma(3, rate = 2)
         latent  h[n] ~ Gaussian(g, precision = g)
         latent  d[n] ~ Dirichlet(a) over c
         plate c(2)
         const   a over c = [0.5, 1.5]
         latent  W[n] ~ Wishart(4, scale = 0.5 * identity) over c
         latent  V[n] ~ InverseWishart(7, scale = identity) over c
         latent  v[n] ~ Gaussian(1, precision = W) over c
         latent  i[n] ~ InverseGamma(4, scale = 6)
         latent  e[n] ~ Exponential(scale = 0.25)
         latent  l[n] ~ Laplace(1, rate = 2)
         observe y[row] ~ Gaussian(mean(g over n), var = 1)",
        "y\n0\n",
    );
    let found = draw(&model, &data, &Assignment::empty(&model), 5);
    let of = |name: &str| variable(&model, &found, name);
    let (g, h) = (of("g"), of("h"));
    mean_is(g.clone(), 1.5, 0.75f64.sqrt());
    mean_is(h.iter().zip(&g).map(|(h, g)| (h - g) * g.sqrt()), 0.0, 1.0);
    // Beta(1/2, 3/2): mean 1/4, variance 1/16
    mean_is(of("d").chunks(2).map(|d| d[0]), 0.25, 0.25);
    // Wishart: mean df * scale, variance of a diagonal entry 2 df scale^2, of the other df scale^2
    mean_is(of("W").chunks(4).map(|w| w[0]), 2.0, 2f64.sqrt());
    mean_is(of("W").chunks(4).map(|w| w[1]), 0.0, 1.0);
    // InverseWishart: mean scale / (df - d - 1) = 1/4, variance of a diagonal entry 2 / (4^2 (4 - 2))
    mean_is(of("V").chunks(4).map(|v| v[3]), 0.25, 0.25);
    mean_is(of("i"), 2.0, 2f64.sqrt());
    mean_is(of("e"), 0.25, 0.25);
    mean_is(of("l"), 1.0, 0.5f64.sqrt());
    let squares = of("v");
    let squares = squares
        .chunks(2)
        .zip(of("W").chunks(4).map(<[f64]>::to_vec).collect::<Vec<_>>());
    let square = squares.map(|(v, w)| {
        let (a, b) = (v[0] - 1.0, v[1] - 1.0);
        w[0] * a * a + 2.0 * w[1] * a * b + w[3] * b * b
    });
    // chi-squared with 2 degrees of freedom
    mean_is(square, 2.0, 2.0);
}

#[test]
fn the_mean_log_joint_is_minus_the_entropy() {
    let (model, data) = bound(
        "data row { y : real  b : binary }
         latent  m[row] ~ Gaussian(2, var = 3)
         observe y[row] ~ Gaussian(m, var = 0.5)
         observe b[row] ~ Bernoulli(0.3)",
        &rows("y,b", ",", 5000),
    );
    let found = draw(&model, &data, &Assignment::empty(&model), 6);
    let shares = log_joint_by_factor(&model, &data, &found).unwrap();
    let entropy = |v: f64| 0.5 * (2.0 * std::f64::consts::PI * std::f64::consts::E * v).ln();
    let binary = -(0.3 * 0.3f64.ln() + 0.7 * 0.7f64.ln());
    let spread = (0.21 * (0.3f64 / 0.7).ln().powi(2)).sqrt();
    let wanted = [
        (entropy(3.0), 0.5f64.sqrt()),
        (entropy(0.5), 0.5f64.sqrt()),
        (binary, spread),
    ];
    for (share, (entropy, sd)) in shares.iter().zip(wanted) {
        mean_is(vec![-share / 5000.0; 5000], entropy, sd);
    }
}

#[test]
fn drawn_cells_stand_in_for_the_data() {
    let (model, data) = bound(
        "data token { doc : label  word : label  n : weight }
         plate topic(2)
         latent  theta[topic] ~ Dirichlet(1) over word
         latent  pi[doc]      ~ Dirichlet(1) over topic
         latent  z[token]     ~ Categorical(pi[doc])
         observe word[token]  ~ Categorical(theta[z])",
        "doc,word,n\nA,u,1\nA,v,2\nB,w,1\nB,,3\n",
    );
    let found = draw(&model, &data, &Assignment::empty(&model), 7);
    let joint = log_joint(&model, &data, &found);
    assert!(joint.is_finite());
    let replaced = with_observed(&model, &data, &found);
    let unknowns = Assignment {
        cells: Default::default(),
        ..found.clone()
    };
    close(log_joint(&model, &replaced, &unknowns), joint);
    assert_eq!(data.tables[0].missing, [("word".to_string(), 1)]);
    assert_eq!(replaced.tables[0].missing, [("word".to_string(), 0)]);
    let doc = column(&model, "doc");
    assert_eq!(replaced.columns[doc.index()], data.columns[doc.index()]);
    assert!(matches!(
        replaced.columns[column(&model, "word").index()],
        Cells::Elements(_)
    ));
}

#[test]
fn choices_totals_and_observed_definitions() {
    let (model, data) = bound(
        "data row { x : real  r : positive  m[w] : count = (m1, m2) }
         plate kind { low, high }
         const   share over kind = [0.25, 0.75]
         latent  z[row] ~ Categorical(share)
         observe x[row] ~ case z { low: Uniform(-2, -1)  high: Uniform(1, 2) }
         let     lr[row] = (3 - log(r)) / 2
         observe lr[row] ~ Gaussian(x, var = 0.25)
         const   p over w = [0.2, 0.8]
         observe m[row] ~ Multinomial(p)",
        &rows("x,r,m1,m2", "0,1,4,6", 1500),
    );
    let found = draw(&model, &data, &Assignment::empty(&model), 8);
    let (x, r, m) = (
        cells(&model, &found, "x"),
        cells(&model, &found, "r"),
        cells(&model, &found, "m"),
    );
    frequency_is(x.iter().map(|x| *x > 0.0), 0.75);
    assert!(x.iter().all(|x| (1.0..2.0).contains(&x.abs())));
    mean_is(
        r.iter().zip(&x).map(|(r, x)| (3.0 - r.ln()) / 2.0 - x),
        0.0,
        0.5,
    );
    assert!(m.chunks(2).all(|m| m[0] + m[1] == 10.0));
    mean_is(m.chunks(2).map(|m| m[0]), 2.0, 1.6f64.sqrt());
    assert!(log_joint(&model, &data, &found).is_finite());
}

#[test]
fn single_elements_may_be_given_and_pairs_agree() {
    let (model, data) = bound(
        "data row { y : real }
         plate k(3)
         latent  p[k, k] ~ Beta(2, 2), symmetric
         param   u[k]    ~ Gaussian(0, var = 1), unit norm over k
         latent  m[k]    ~ Gaussian(0, var = 1)
         observe y[row]  ~ Gaussian(sum(m * u over k), var = 1)",
        "y\n0\n",
    );
    let nan = f64::NAN;
    let given = assign(&model, &[("m", &[3], &[nan, 7.5, nan])]);
    let found = draw(&model, &data, &given, 9);
    let m = variable(&model, &found, "m");
    assert_eq!(m[1], 7.5);
    assert!(m[0].abs() < 6.0 && m[2].abs() < 6.0 && m[0] != m[2]);
    let p = variable(&model, &found, "p");
    assert!(p.iter().all(|p| *p > 0.0 && *p < 1.0));
    assert_eq!((p[1], p[2], p[5]), (p[3], p[6], p[7]));
    let u = variable(&model, &found, "u");
    close(u.iter().map(|u| u * u).sum(), 1.0);
}

#[test]
fn what_cannot_be_drawn_is_said() {
    let refuse = |text: &str, csv: &str| {
        let (model, data) = bound(text, csv);
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        simulate(&model, &data, &Assignment::empty(&model), &mut rng).unwrap_err()
    };
    let flat = "data row { x : real } param m : real observe x[row] ~ Gaussian(m, var = 1)";
    assert!(matches!(refuse(flat, "x\n1\n"), Problem::NoValue(..)));
    let standardised = "data row { x : real }
        let u[row] = (x - mean(x over row)) / 2  observe u[row] ~ Gaussian(0, var = 1)";
    assert!(matches!(
        refuse(standardised, "x\n1\n2\n"),
        Problem::Unsupported(_)
    ));
    let vague = "data row { x : real }
        latent s ~ Gamma(1e-6, rate = 1e-6)  observe x[row] ~ Gaussian(0, precision = s)";
    let Problem::Argument(found) = refuse(vague, "x\n1\n") else {
        panic!("not refused");
    };
    assert!(found.starts_with("`s`: "), "{found}");
    let wrong = "data row { x : real } latent m ~ Gaussian(0, var = 1) observe x[row] ~ Gaussian(m, var = 1)";
    let (model, data) = bound(wrong, "x\n1\n");
    let mut given = Assignment::empty(&model);
    given.set(&model, "m", array(&[2], &[1.0, 2.0]));
    let found = simulate(&model, &data, &given, &mut ChaCha8Rng::seed_from_u64(0));
    assert!(matches!(found, Err(Problem::Argument(_))));
}
