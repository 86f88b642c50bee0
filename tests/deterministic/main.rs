//! The same bits whatever vector instructions there are. The settings are of the process, so this is one test in one program.

use std::fmt::Write;

use pmc::engine::run::Options;
use pmc::fit::{Data, Settings, fit};
use pmc::numeric::vector::{
    InstructionSet, digamma_in_place, dot, exp_in_place, limit_instruction_set,
    ln_gamma_and_digamma, ln_gamma_in_place, log_in_place, machine_has, set_deterministic, sum,
};
use pmc::source::SourceFile;

const SETS: [InstructionSet; 3] = [
    InstructionSet::Baseline,
    InstructionSet::Avx2,
    InstructionSet::Avx512,
];

type Kernel = fn(&mut [f64]);

fn grid(from: f64, to: f64, n: u32) -> Vec<f64> {
    (0..=n)
        .map(|i| from + (to - from) * f64::from(i) / f64::from(n))
        .collect()
}

/// What all kernels make of the same slices, whose length is no multiple of any width.
fn kernels() -> Vec<u64> {
    let wide = grid(-750.0, 715.0, 4_003);
    let near = grid(1e-3, 20.0, 4_003);
    let mut positive = grid(-305.0, 305.0, 4_003);
    positive.iter_mut().for_each(|e| *e = 10f64.powi(*e as i32));
    let both = |x: &mut [f64]| {
        let mut l = vec![0.0; x.len()];
        ln_gamma_and_digamma(x, &mut l);
        x.iter_mut().zip(&l).for_each(|(x, l)| *x += l);
    };
    let all: [(Kernel, &[f64]); 8] = [
        (exp_in_place, &wide),
        (log_in_place, &positive),
        (log_in_place, &near),
        (digamma_in_place, &positive),
        (digamma_in_place, &near),
        (ln_gamma_in_place, &positive),
        (ln_gamma_in_place, &near),
        (both, &near),
    ];
    let mut out = vec![];
    for (kernel, inputs) in all {
        let mut x = inputs.to_vec();
        kernel(&mut x);
        out.extend(x.iter().map(|v| v.to_bits()));
    }
    for n in [0, 1, 7, 8, 9, 1000] {
        out.push(sum(&near[..n]).to_bits());
        out.push(dot(&near[..n], &wide[..n]).to_bits());
    }
    out
}

/// Numbers without structure in (-1, 1), by a linear congruence.
fn numbers(seed: u64) -> impl FnMut() -> f64 {
    let mut s = seed;
    move || {
        s = s
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (s >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

/// Rows of two groups of correlated columns, and the model's text.
fn mixture() -> (&'static str, String) {
    let mut next = numbers(1);
    let mut csv = (0..12)
        .map(|j| format!("x{j}"))
        .collect::<Vec<_>>()
        .join(",");
    for i in 0..300 {
        let common = next();
        let row: Vec<String> = (0..12)
            .map(|_| format!("{:.6}", f64::from(i % 2) * 3.0 + common + next()))
            .collect();
        let _ = write!(csv, "\n{}", row.join(","));
    }
    let model = "
data row { x[feature] : real = rest }
plate cluster(2)
param   weight         : simplex over cluster
param   mu[cluster]    : real over feature
param   Sigma[cluster] : covariance over feature
latent  z[row] ~ Categorical(weight)
observe x[row] ~ Gaussian(mu[z], cov = Sigma[z]) over feature";
    (model, csv)
}

const FACTORS: &str = "
data row { x[feature] : real = rest }
plate factor(10)
latent  h[row, factor]     ~ Gaussian(0, var = 1)
latent  alpha[factor]      ~ Gamma(1e-3, rate = 1e-3)
latent  W[feature, factor] ~ Gaussian(0, precision = alpha)
latent  tau                ~ Gamma(1e-3, rate = 1e-3)
observe x[row, feature]    ~ Gaussian(sum(W * h over factor), precision = tau)";

const TOPICS: &str = "
data token { doc : label  word : label  count : weight }
plate topic(3)
latent  theta[topic] ~ Dirichlet(0.1) over word
latent  pi[doc]      ~ Dirichlet(0.5) over topic
latent  z[token]     ~ Categorical(pi[doc])
observe word[token]  ~ Categorical(theta[z])";

fn counts() -> String {
    let mut next = numbers(2);
    let mut csv = "doc,word,count".to_string();
    for doc in 0..20 {
        for word in 0..30 {
            let n = (2.5 * next() + if doc % 3 == word % 3 { 2.0 } else { 0.0 }).round();
            if n > 0.0 {
                let _ = write!(csv, "\nd{doc},w{word},{n}");
            }
        }
    }
    csv
}

const CHAINS: &str = "
data step ordered by t within session { y : real }
plate state(3)
param   start        : simplex over state
param   move[state]  : simplex over state
param   mu[state]    : real
param   s2[state]    : positive
latent  z[step] ~ Categorical(move[z[step-1]]) first Categorical(start)
observe y[step] ~ Gaussian(mu[z], var = s2[z])";

fn steps() -> String {
    let mut next = numbers(3);
    let mut csv = "session,t,y".to_string();
    for session in 0..12 {
        for t in 0..25 {
            let _ = write!(
                csv,
                "\ns{session},{t},{:.6}",
                4.0 * f64::from(t / 5 % 3) + next()
            );
        }
    }
    csv
}

/// The fit files of some models, without the times.
fn fits() -> Vec<String> {
    let (mixture, rows) = mixture();
    let jobs = [
        (mixture, rows.clone()),
        (FACTORS, rows),
        (TOPICS, counts()),
        (CHAINS, steps()),
    ];
    let settings = Settings {
        run: Options {
            max_iter: 8,
            tol: 0.0,
            ..Options::default()
        },
        ..Settings::default()
    };
    jobs.into_iter()
        .map(|(model, csv)| {
            let source = SourceFile::new("model.pmod", model);
            let mut learned = fit(&source, Data::csv("data.csv", csv), &settings).expect("fits");
            learned.fit.timing = Default::default();
            learned.fit.to_json()
        })
        .collect()
}

#[test]
fn instruction_sets_agree_bit_for_bit_when_asked_to() {
    let run = |deterministic: bool| {
        SETS.map(|set| {
            limit_instruction_set(set);
            set_deterministic(deterministic);
            (kernels(), fits())
        })
    };
    let portable = run(true);
    for other in &portable[1..] {
        assert!(portable[0].0 == other.0, "kernels");
        for (i, (a, b)) in portable[0].1.iter().zip(&other.1).enumerate() {
            assert!(a == b, "fit {i}");
        }
    }
    let fast = run(false);
    // Without the instruction nothing is fused; with it, its width changes nothing.
    assert!(fast[0].0 == portable[0].0);
    assert!(fast[1].0 == fast[2].0 || !machine_has(InstructionSet::Avx512));
    // What the setting is for.
    if machine_has(InstructionSet::Avx2) {
        assert!(fast[0].0 != fast[1].0);
        assert!(fast[0].1 != fast[1].1);
    }
}
