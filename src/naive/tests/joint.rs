//! The log joint of small models, each written out as sums of textbook formulas.

use super::{array, assign, bound, close};
use crate::model::FactorId;
use crate::naive::{
    Problem, log_density_of_element, log_density_of_statement, log_joint, log_joint_by_factor,
};

/// log N(x; m, v)
fn gaussian(x: f64, m: f64, v: f64) -> f64 {
    -0.5 * (2.0 * std::f64::consts::PI * v).ln() - (x - m) * (x - m) / (2.0 * v)
}

/// log N(x; m, S) for two numbers, S by its determinant and its inverse written out.
fn gaussian_2(x: [f64; 2], m: [f64; 2], s: [f64; 4]) -> f64 {
    let [a, b] = [x[0] - m[0], x[1] - m[1]];
    let det = s[0] * s[3] - s[1] * s[2];
    let square = (s[3] * a * a - (s[1] + s[2]) * a * b + s[0] * b * b) / det;
    -(2.0 * std::f64::consts::PI).ln() - 0.5 * det.ln() - 0.5 * square
}

/// log of the gamma function at whole and half numbers, by its recursion.
fn ln_gamma(x: f64) -> f64 {
    if x == 1.0 {
        0.0
    } else if x == 0.5 {
        0.5 * std::f64::consts::PI.ln()
    } else {
        (x - 1.0).ln() + ln_gamma(x - 1.0)
    }
}

#[test]
fn a_mixture_of_gaussians() {
    let (model, data) = bound(
        "const K = 2
         data row { x[feature] : real = (a, b) }
         plate cluster(K)
         param   weight         : simplex over cluster
         param   mu[cluster]    : real over feature
         param   Sigma[cluster] : covariance over feature
         latent  z[row]         ~ Categorical(weight)
         observe x[row]         ~ Gaussian(mu[z], cov = Sigma[z]) over feature",
        "a,b\n1,2\n-0.5,0.3\n4,1\n",
    );
    let values = assign(
        &model,
        &[
            ("weight", &[2], &[0.3, 0.7]),
            ("mu", &[2, 2], &[0.0, 1.0, 3.0, 0.5]),
            (
                "Sigma",
                &[2, 2, 2],
                &[1.0, 0.2, 0.2, 2.0, 0.5, -0.1, -0.1, 0.4],
            ),
            ("z", &[3], &[0.0, 0.0, 1.0]),
        ],
    );
    let labels = 0.3f64.ln() * 2.0 + 0.7f64.ln();
    let first = [1.0, 0.2, 0.2, 2.0];
    let cells = gaussian_2([1.0, 2.0], [0.0, 1.0], first)
        + gaussian_2([-0.5, 0.3], [0.0, 1.0], first)
        + gaussian_2([4.0, 1.0], [3.0, 0.5], [0.5, -0.1, -0.1, 0.4]);
    close(log_joint(&model, &data, &values), labels + cells);
    let shares = log_joint_by_factor(&model, &data, &values).unwrap();
    close(shares[0], labels);
    close(shares[1], cells);
    let one = log_density_of_element(&model, &data, &values, FactorId(1), &[2]).unwrap();
    close(
        one,
        gaussian_2([4.0, 1.0], [3.0, 0.5], [0.5, -0.1, -0.1, 0.4]),
    );
}

#[test]
fn topics_with_weighted_rows() {
    let (model, data) = bound(
        "data token { doc : label  word : label  count : weight }
         plate topic(2)
         latent  theta[topic] ~ Dirichlet(0.5) over word
         latent  pi[doc]      ~ Dirichlet(2)   over topic
         latent  z[token]     ~ Categorical(pi[doc])
         observe word[token]  ~ Categorical(theta[z])",
        "doc,word,count\nd2,b,3\nd1,a,1\nd1,c,0\nd1,b,2.5\n",
    );
    let values = assign(
        &model,
        &[
            ("theta", &[2, 3], &[0.2, 0.3, 0.5, 0.6, 0.1, 0.3]),
            ("pi", &[2, 2], &[0.4, 0.6, 0.9, 0.1]),
            ("z", &[4], &[1.0, 0.0, 1.0, 1.0]),
        ],
    );
    // Dirichlet(2, 2): density 6 p q; Dirichlet(1/2, 1/2, 1/2): Gamma(3/2) / Gamma(1/2)^3 times product^-1/2
    let half = ln_gamma(1.5) - 3.0 * ln_gamma(0.5);
    let theta = 2.0 * half - 0.5 * (0.2f64 * 0.3 * 0.5).ln() - 0.5 * (0.6f64 * 0.1 * 0.3).ln();
    let pi = (6.0f64 * 0.4 * 0.6).ln() + (6.0f64 * 0.9 * 0.1).ln();
    // the first row is of document d2 and counts three times, the third not at all
    let z = 3.0 * 0.1f64.ln() + 0.4f64.ln() + 2.5 * 0.6f64.ln();
    let word = 3.0 * 0.1f64.ln() + 0.2f64.ln() + 2.5 * 0.1f64.ln();
    let shares = log_joint_by_factor(&model, &data, &values).unwrap();
    for (found, wanted) in shares.iter().zip([theta, pi, z, word]) {
        close(*found, wanted);
    }
    close(log_joint(&model, &data, &values), theta + pi + z + word);
}

#[test]
fn chains_begin_anew_in_each_group() {
    let (model, data) = bound(
        "data step ordered by t within session { y : real }
         plate state(2)
         param   start       : simplex over state
         param   move[state] : simplex over state
         param   mu[state]   : real
         latent  z[step] ~ Categorical(move[z[step-1]]) first Categorical(start)
         observe y[step] ~ Gaussian(mu[z], var = 0.25)",
        // the second session stands between rows of the first, which come in the wrong order; t leaves out numbers
        "session,t,y\nA,9,0.7\nB,1,-1\nA,2,0.1\nA,4,1.2\nB,5,\n",
    );
    // in order: A2 = 0.1, A4 = 1.2, A9 = 0.7, B1 = -1, B5 = blank
    let values = assign(
        &model,
        &[
            ("start", &[2], &[0.6, 0.4]),
            ("move", &[2, 2], &[0.9, 0.1, 0.2, 0.8]),
            ("mu", &[2], &[0.0, 1.0]),
            ("z", &[5], &[0.0, 1.0, 1.0, 1.0, 0.0]),
        ],
    );
    let chain = (0.6f64 * 0.1 * 0.8).ln() + (0.4f64 * 0.2).ln();
    let cells = gaussian(0.1, 0.0, 0.25)
        + gaussian(1.2, 1.0, 0.25)
        + gaussian(0.7, 1.0, 0.25)
        + gaussian(-1.0, 1.0, 0.25);
    close(log_joint(&model, &data, &values), chain + cells);
}

#[test]
fn lags_of_columns_and_of_counted_plates() {
    let (model, data) = bound(
        "data step ordered { y : real }
         plate knot(3)
         latent  h[knot] ~ Gaussian(0.5 * h[knot-1], var = 2) first Gaussian(1, var = 4)
         param   a : real
         observe y[step] ~ Gaussian(a * y[step-2] + y[step-1], var = 1) first Gaussian(sum(h over knot), var = 9)",
        "y\n1\n2\n4\n7\n",
    );
    let values = assign(
        &model,
        &[("h", &[3], &[3.0, 1.0, -2.0]), ("a", &[], &[0.5])],
    );
    let h = gaussian(3.0, 1.0, 4.0) + gaussian(1.0, 1.5, 2.0) + gaussian(-2.0, 0.5, 2.0);
    // the second row has one row before it, not two
    let first = gaussian(1.0, 2.0, 9.0) + gaussian(2.0, 2.0, 9.0);
    let usual = gaussian(4.0, 0.5 + 2.0, 1.0) + gaussian(7.0, 1.0 + 4.0, 1.0);
    close(log_joint(&model, &data, &values), h + first + usual);
}

#[test]
fn regression_on_standardised_columns() {
    let (model, data) = bound(
        "data person { y : real   x[feature] : real = (p, q)   n : weight }
         let     u[person, feature] = (x - mean(x over person)) / sd(x over person)
         latent  alpha[feature] ~ Gamma(2, rate = 3)
         latent  w[feature]     ~ Gaussian(0, precision = alpha)
         latent  tau            ~ Exponential(scale = 0.5)
         observe y[person]      ~ Gaussian(sum(w * u over feature) + 0.25, precision = tau)",
        "y,p,q,n\n1,2,0,1\n0.5,4,1,2\n-2,9,5,1\n",
    );
    let values = assign(
        &model,
        &[
            ("alpha", &[2], &[0.5, 2.0]),
            ("w", &[2], &[1.5, -0.75]),
            ("tau", &[], &[1.25]),
        ],
    );
    // p: 2, 4, 4, 9 and q: 0, 1, 1, 5 as weighted rows
    let p_mean = 19.0 / 4.0;
    let p_sd = ((4.0 + 16.0 + 16.0 + 81.0) / 4.0f64 - p_mean * p_mean).sqrt();
    let q_mean = 7.0 / 4.0;
    let q_sd = ((1.0 + 1.0 + 25.0) / 4.0f64 - q_mean * q_mean).sqrt();
    let mean = |p: f64, q: f64| 1.5 * (p - p_mean) / p_sd - 0.75 * (q - q_mean) / q_sd + 0.25;
    // Gamma(2, rate 3): 9 a e^-3a; Exponential with mean 1/2: 2 e^-2t
    let alpha = (9.0f64 * 0.5).ln() - 1.5 + (9.0f64 * 2.0).ln() - 6.0;
    let w = gaussian(1.5, 0.0, 2.0) + gaussian(-0.75, 0.0, 0.5);
    let tau = 2.0f64.ln() - 2.5;
    let y = gaussian(1.0, mean(2.0, 0.0), 0.8)
        + 2.0 * gaussian(0.5, mean(4.0, 1.0), 0.8)
        + gaussian(-2.0, mean(9.0, 5.0), 0.8);
    close(log_joint(&model, &data, &values), alpha + w + tau + y);
}

#[test]
fn a_choice_of_families_and_listed_elements() {
    let (model, data) = bound(
        "data row { x : real }
         plate kind { signal, noise }
         latent  z[row] ~ Categorical(share)
         const   share over kind = [0.9, 0.1]
         param   mu : real
         observe x[row] ~ case z { noise: Uniform(-100, 100)  signal: Gaussian(mu, sd = 2) }",
        "x\n3\n50\n",
    );
    let values = assign(&model, &[("z", &[2], &[0.0, 1.0]), ("mu", &[], &[2.5])]);
    let wanted = 0.9f64.ln() + 0.1f64.ln() + gaussian(3.0, 2.5, 4.0) - 200f64.ln();
    close(log_joint(&model, &data, &values), wanted);
}

#[test]
fn wishart_priors_and_scaled_precisions() {
    let (model, data) = bound(
        "data row { x[f] : real = (a, b) }
         plate k(1)
         const scale over f = [2, 0.5]
         latent  L[k]  ~ Wishart(5, inverse_scale = diagonal(scale)) over f
         latent  S[k]  ~ InverseWishart(4, scale = 3 * identity) over f
         latent  m[k]  ~ Gaussian(0, precision = 0.1 * L) over f
         latent  z[row] ~ Categorical(one)
         const   one over k = [1]
         observe x[row] ~ Gaussian(m[z], cov = S[z]) over f",
        "a,b\n1,2\n",
    );
    let (l, s) = ([1.5, 0.4, 0.4, 0.8], [2.0, -0.3, -0.3, 1.0]);
    let values = assign(
        &model,
        &[
            ("L", &[1, 2, 2], &l),
            ("S", &[1, 2, 2], &s),
            ("m", &[1, 2], &[0.5, 1.0]),
            ("z", &[1], &[0.0]),
        ],
    );
    let det = |m: [f64; 4]| m[0] * m[3] - m[1] * m[2];
    let multi = |a: f64| 0.5 * std::f64::consts::PI.ln() + ln_gamma(a) + ln_gamma(a - 0.5);
    // |V|^((n-d-1)/2) e^(-tr(B V)/2) |B|^(n/2) / (2^(nd/2) Gamma_2(n/2)), B the inverse scale
    let wishart = det(l).ln() - 0.5 * (2.0 * l[0] + 0.5 * l[3]) + 2.5 * 1.0f64.ln()
        - 5.0 * 2f64.ln()
        - multi(2.5);
    // |V|^(-(n+d+1)/2) e^(-tr(B V^-1)/2) |B|^(n/2) / (2^(nd/2) Gamma_2(n/2)), tr V^-1 = (a + d) / det
    let inverse = -3.5 * det(s).ln() - 1.5 * (s[0] + s[3]) / det(s) + 2.0 * 9f64.ln()
        - 4.0 * 2f64.ln()
        - multi(2.0);
    // (0.1 L)^-1 = 10 / det times the adjugate
    let by = 10.0 / det(l);
    let cov = [by * l[3], -by * l[1], -by * l[2], by * l[0]];
    let wanted = wishart
        + inverse
        + gaussian_2([0.5, 1.0], [0.0, 0.0], cov)
        + gaussian_2([1.0, 2.0], [0.5, 1.0], s);
    close(log_joint(&model, &data, &values), wanted);
}

#[test]
fn blanks_are_masked_or_given() {
    let (model, mut data) = bound(
        "data row { x[f] : real = (a, b)   g : label }
         param   m[f] : real
         const   C[f, f] = [[2, 0.5], [0.5, 1]]
         param   p : simplex over g
         observe g[row] ~ Categorical(p)
         observe x[row] ~ Gaussian(m, cov = C) over f",
        "a,b,g\n1,,u\n,2,\n,,v\n3,4,u\n",
    );
    let values = assign(
        &model,
        &[("m", &[2], &[0.5, 1.0]), ("p", &[2], &[0.25, 0.75])],
    );
    let labels = 0.25f64.ln() * 2.0 + 0.75f64.ln();
    let cells = gaussian(1.0, 0.5, 2.0)
        + gaussian(2.0, 1.0, 1.0)
        + gaussian_2([3.0, 4.0], [0.5, 1.0], [2.0, 0.5, 0.5, 1.0]);
    close(log_joint(&model, &data, &values), labels + cells);

    // where blanks are unknowns, their values stand in for the column
    let x = model.columns.iter().position(|c| c.name == "x").unwrap();
    let mut given = values.clone();
    let filled = [1.0, -1.0, 0.0, 2.0, 9.0, 8.0, 3.0, 4.0];
    given.cells.insert(x.into(), array(&[4, 2], &filled));
    let all: f64 = filled
        .chunks(2)
        .map(|v| gaussian_2([v[0], v[1]], [0.5, 1.0], [2.0, 0.5, 0.5, 1.0]))
        .sum();
    close(log_joint(&model, &data, &given), labels + all);
    data.columns.truncate(1);
    assert!(log_joint(&model, &data, &given).is_nan());
}

#[test]
fn a_symmetric_prior_counts_each_pair_once() {
    let (model, data) = bound(
        "data pair every a < b { a : label of node = \"source\"   b : label of node = \"target\"   linked : binary = listed }
         plate block(2)
         latent  weight          ~ Dirichlet(1) over block
         latent  p[block, block] ~ Beta(2, 1), symmetric
         latent  z[node]         ~ Categorical(weight)
         observe linked[pair]    ~ Bernoulli(p[z[a], z[b]])",
        "source,target\nn2,n1\nn3,n2\n",
    );
    let values = assign(
        &model,
        &[
            ("weight", &[2], &[0.4, 0.6]),
            ("p", &[2, 2], &[0.8, 0.1, 0.1, 0.7]),
            ("z", &[3], &[1.0, 0.0, 1.0]),
        ],
    );
    let weight = 0.0; // Dirichlet(1, 1) is uniform on a simplex of measure 1
    let p = (2.0f64 * 0.8).ln() + (2.0f64 * 0.1).ln() + (2.0f64 * 0.7).ln();
    let z = 2.0 * 0.6f64.ln() + 0.4f64.ln();
    // pairs (n1, n2) and (n2, n3) are linked across blocks, (n1, n3) is not within block 2
    let linked = 2.0 * 0.1f64.ln() + 0.3f64.ln();
    close(log_joint(&model, &data, &values), weight + p + z + linked);
    let mut one_sided = values.clone();
    let lower = array(&[2, 2], &[0.8, 0.1, f64::NAN, 0.7]);
    assert!(one_sided.set(&model, "p", lower));
    close(
        log_joint(&model, &data, &one_sided),
        weight + p + z + linked,
    );
}

#[test]
fn folds_run_over_the_rows_of_the_element() {
    let (model, data) = bound(
        "data token { doc : label  n : weight }
         data doc { doc : label  score : real }
         plate topic(2)
         param   effect[topic] : real
         const   half over topic = [0.5, 0.5]
         latent  z[token] ~ Categorical(half)
         observe score[doc] ~ Gaussian(mean(effect[z] over token), var = 1)",
        "doc,n,score\nA,1,2\nB,2,3\nA,3,2\nB,1,3\n",
    );
    let values = assign(
        &model,
        &[
            ("effect", &[2], &[1.0, 5.0]),
            ("z", &[4], &[0.0, 1.0, 1.0, 0.0]),
        ],
    );
    let tokens = 7.0 * 0.5f64.ln();
    let scores =
        gaussian(2.0, (1.0 + 3.0 * 5.0) / 4.0, 1.0) + gaussian(3.0, (2.0 * 5.0 + 1.0) / 3.0, 1.0);
    close(log_joint(&model, &data, &values), tokens + scores);
}

#[test]
fn observed_definitions_and_blank_values() {
    let (model, data) = bound(
        "data row { x : positive  s : real }
         let     lx[row] = log(x)
         param   m : real
         observe lx[row] ~ Gaussian(m + mean(s over row), var = 2)",
        "x,s\n1,2\n,\n2.5,4\n",
    );
    let values = assign(&model, &[("m", &[], &[-1.0])]);
    let wanted = gaussian(0.0, 2.0, 2.0) + gaussian(2.5f64.ln(), 2.0, 2.0);
    close(log_joint(&model, &data, &values), wanted);
}

#[test]
fn links_and_the_other_distributions() {
    let (model, data) = bound(
        "data row { n : count  k : count  b : binary  c : binary  r : positive  q : probability  t : real  l : label
                    m[w] : count = (m1, m2)  d : count }
         param   e : real
         observe n[row] ~ Poisson(log = e)
         observe k[row] ~ Binomial(logit = e, total = 5)
         observe b[row] ~ Bernoulli(logit = e)
         observe c[row] ~ Bernoulli(probit = e)
         observe r[row] ~ InverseGamma(3, scale = 2)
         observe q[row] ~ Beta(2, 3)
         observe t[row] ~ StudentT(3, e, scale = 2)
         const   w0 over w = [0.25, 0.75]
         observe m[row] ~ Multinomial(w0)
         param   s[l] : real
         observe l[row] ~ Categorical(logit = s[l2]) over l2 in l
         observe d[row] ~ Binomial(0.25, total = 4)",
        "n,k,b,c,r,q,t,l,m1,m2,d\n3,2,1,0,0.5,0.25,4,u,1,2,1\n0,5,0,1,2,0.5,1,v,0,0,4\n",
    );
    let e: f64 = 0.5;
    let values = assign(&model, &[("e", &[], &[e]), ("s", &[2], &[0.5, -1.0])]);
    let p = 1.0 / (1.0 + (-e).exp());
    let poisson = (3.0 * e - e.exp() - 6f64.ln()) - e.exp();
    let binomial = (10.0 * p * p * (1.0 - p).powi(3)).ln() + 5.0 * p.ln();
    let logit = p.ln() + (1.0 - p).ln();
    // Phi(1/2) to 16 digits
    let phi: f64 = 0.691_462_461_274_013_1;
    let probit = (1.0 - phi).ln() + phi.ln();
    let inverse_gamma = |v: f64| 3.0 * 2f64.ln() - 2f64.ln() - 4.0 * v.ln() - 2.0 / v;
    let beta = |v: f64| (12.0 * v * (1.0 - v) * (1.0 - v)).ln();
    let student = |v: f64| {
        let constant = ln_gamma(2.0) - ln_gamma(1.5) - 0.5 * (3.0 * std::f64::consts::PI).ln();
        constant - 2f64.ln() - 2.0 * (1.0 + ((v - e) / 2.0).powi(2) / 3.0).ln()
    };
    let multinomial = (3.0f64 * 0.25 * 0.75 * 0.75).ln();
    let soft =
        0.5 - (0.5f64.exp() + (-1f64).exp()).ln() - 1.0 - (0.5f64.exp() + (-1f64).exp()).ln();
    let known = (4.0f64 * 0.25 * 0.75f64.powi(3)).ln() + 4.0 * 0.25f64.ln();
    let wanted = [
        poisson,
        binomial,
        logit,
        probit,
        inverse_gamma(0.5) + inverse_gamma(2.0),
        beta(0.25) + beta(0.5),
        student(4.0) + student(1.0),
        multinomial,
        soft,
        known,
    ];
    let shares = log_joint_by_factor(&model, &data, &values).unwrap();
    for (i, (found, wanted)) in shares.iter().zip(wanted).enumerate() {
        assert!(
            (found - wanted).abs() < 1e-10,
            "statement {i}: {found} is not {wanted}"
        );
    }
}

#[test]
fn potentials_and_undirected_variables() {
    let (model, data) = bound(
        "data image { v[pixel] : binary = (a, b) }
         plate unit(1)
         param   W[pixel, unit] : real
         latent  h[image, unit] : binary
         observe v[image, pixel]
         potential[image, pixel, unit] W * v * h",
        "a,b\n1,0\n1,1\n",
    );
    let values = assign(
        &model,
        &[("W", &[2, 1], &[0.5, -2.0]), ("h", &[2, 1], &[1.0, 1.0])],
    );
    close(log_joint(&model, &data, &values), 0.5 + 0.5 - 2.0);
}

#[test]
fn what_is_not_given_is_named() {
    let (model, data) = bound(
        "data row { x : real }
         latent  m ~ Gaussian(0, var = 1)
         latent  s ~ Gamma(2, rate = 1)
         observe x[row] ~ Gaussian(m, var = s)",
        "x\n1\n",
    );
    let mut values = assign(&model, &[("m", &[], &[0.0])]);
    let found = log_density_of_statement(&model, &data, &values, FactorId(1));
    assert!(matches!(found, Err(Problem::NoValue(..))), "{found:?}");
    assert!(log_joint(&model, &data, &values).is_nan());
    values.set(&model, "s", array(&[], &[-1.0]));
    let found = log_density_of_statement(&model, &data, &values, FactorId(2));
    assert!(matches!(found, Err(Problem::Argument(_))), "{found:?}");
    let found = log_density_of_element(&model, &data, &values, FactorId(2), &[7]);
    assert!(matches!(found, Err(Problem::Element(_))), "{found:?}");
}
