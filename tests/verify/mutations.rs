//! What is wrong is found: every term of a derivation, one at a time, with another coefficient.

use pmc::compile;
use pmc::derive::Derivation;
use pmc::derive::moments::BlockOf;
use pmc::plan;
use pmc::verify::{Kind, Options, Report, verify_derived};

use crate::fixture::{bound, model};

const MIXTURE: &str = "
const K = 2
data row { x : real }
plate cluster(K)
param   weight      ~ Dirichlet(2) over cluster
param   mu[cluster] ~ Gaussian(0, var = 9)
param   s2[cluster] ~ InverseGamma(3, scale = 2)
latent  z[row]      ~ Categorical(weight)
observe x[row]      ~ Gaussian(mu[z], var = s2[z])
";

const REGRESSION: &str = "
data row { u : real  x : real }
latent  tau    ~ Gamma(2, rate = 3)
latent  a      ~ Gaussian(0.5, var = 4)
latent  b      ~ Gaussian(0, precision = 0.7)
observe x[row] ~ Gaussian(a + b * u, precision = tau)
";

const WISHART: &str = "
const K = 2
data row { x[feature] : real = (x, u) }
plate cluster(K)
latent  weight          ~ Dirichlet(1.5) over cluster
latent  Lambda[cluster] ~ Wishart(4, inverse_scale = 0.8 * identity) over feature
latent  mu[cluster]     ~ Gaussian(0.3, precision = 0.5 * Lambda) over feature
latent  z[row]          ~ Categorical(weight)
observe x[row]          ~ Gaussian(mu[z], precision = Lambda[z]) over feature
";

const FACTORS: &str = "
const K = 1
data row { x[feature] : real = (x, u) }
plate factor(K)
param   W[feature, factor] ~ Gaussian(0, var = 2)
param   m[feature]         : real
param   s2                 : positive
latent  h[row, factor]     ~ Gaussian(0, var = 1)
observe x[row, feature]    ~ Gaussian(m + sum(W * h over factor), var = s2)
";

const CHAIN: &str = "
data step ordered { x : real }
plate state(2)
param   start       ~ Dirichlet(2) over state
param   move[state] ~ Dirichlet(1.5) over state
param   mu[state]   ~ Gaussian(0, var = 9)
latent  z[step]     ~ Categorical(move[z[step-1]]) first Categorical(start)
observe x[step]     ~ Gaussian(mu[z], var = 0.8)
";

const LEVELS: &str = "
data step ordered { x : real }
latent  tau      ~ Gamma(3, rate = 2)
latent  h[step]  ~ Gaussian(0.9 * h[step-1], var = 0.5) first Gaussian(0.2, var = 2)
observe x[step]  ~ Gaussian(h, precision = tau)
";

const ANALYSERS: &str = "
data row { x[feature] : real = (x, u) }
plate cluster(2)
plate factor(1)
param   weight                      ~ Dirichlet(2) over cluster
param   W[cluster, feature, factor] ~ Gaussian(0, var = 2)
param   b[cluster, feature]         ~ Gaussian(0, var = 3)
latent  z[row]                      ~ Categorical(weight)
latent  h[row, factor]              ~ Gaussian(0, var = 1)
observe x[row, feature]             ~ Gaussian(sum(W[z] * h over factor) + b[z], var = 0.6)
";

const CSV: &str =
    "u,x\n0.3,1.4\n-1.1,-0.6\n2.0,3.1\n0.9,0.2\n-0.4,1.9\n1.6,-1.2\n-1.9,0.8\n0.1,-2.1\n";

/// The terms with the coefficient of one multiplied; in the messages, in the expectation, or in both.
fn mutated(d: &Derivation, term: usize, by: f64, messages: bool, terms: bool) -> Derivation {
    let mut out = d.clone();
    out.terms.items[term].coef *= by;
    if messages {
        let of = BlockOf {
            blocks: &d.blocks,
            unknowns: &d.unknowns,
        };
        for (b, block) in d.blocks.iter().enumerate() {
            let all = out.terms.items.iter();
            let all = all.map(|t| of.messages(block, t).expect("messages as before"));
            out.blocks[b].messages = all.flatten().collect();
        }
    }
    if !terms {
        out.terms = d.terms.clone();
    }
    out
}

fn check(d: &Derivation, data: &pmc::data::Dataset) -> Report {
    let plan = plan::plan(d).expect("a plan");
    let options = Options {
        starts: 2,
        threads: false,
        ..Options::default()
    };
    verify_derived(d, &plan, data, &options, &mut |_, _| {}).expect("a report")
}

/// Everything passed, and no start ended early.
fn unnoticed(r: &Report) -> bool {
    r.passed() && r.notes.is_empty()
}

#[test]
fn every_wrong_coefficient_is_found() {
    for (name, text) in [
        ("mixture", MIXTURE),
        ("regression", REGRESSION),
        ("wishart", WISHART),
        ("factors", FACTORS),
        ("chain", CHAIN),
        ("levels", LEVELS),
        ("analysers", ANALYSERS),
    ] {
        let model = model(text, &[]);
        let data = bound(&model, CSV);
        let (d, _) = compile::compile(&model, Some(&data)).expect("a derivation");
        let right = check(&d, &data);
        println!("{}", right.text());
        assert!(unnoticed(&right), "{name}\n{}", right.text());
        let (mut missed, mut nothing) = (vec![], vec![]);
        for t in 0..d.terms.items.len() {
            let words = pmc::algebra::print::term(&d.model, &d.unknowns, &d.terms.items[t]);
            // A term that is 0 with these data may have any coefficient.
            if unnoticed(&check(&mutated(&d, t, 2.0, true, true), &data)) {
                nothing.push(words);
                continue;
            }
            // Both sides alike: the engine climbs another model without noticing.
            let both = check(&mutated(&d, t, 1.01, true, true), &data);
            if unnoticed(&both) {
                missed.push(format!("{words} in both"));
            }
            // The objective alone.
            if unnoticed(&check(&mutated(&d, t, 1.01, false, true), &data)) {
                missed.push(format!("{words} in the objective"));
            }
            // The messages alone, where the term sends any.
            let only = mutated(&d, t, 2.0, true, false);
            let stored = |b: &pmc::derive::Block| b.rows.is_none();
            let heard = d.terms.items[t]
                .stats
                .iter()
                .any(|s| d.block_of(s.of).is_some_and(|b| stored(d.block(b))));
            let r = check(&only, &data);
            let found = r.failures().any(|c| c.kind == Kind::Update);
            if heard && !found && r.notes.is_empty() {
                missed.push(format!("{words} in the messages"));
            }
        }
        println!("{name}: 0 with these data: {nothing:?}");
        assert!(nothing.len() <= 2, "{name}: {nothing:?}");
        assert!(
            missed.is_empty(),
            "{name}: {missed:?} of {}",
            d.terms.items.len()
        );
    }
}

#[test]
fn a_wrong_expectation_is_found() {
    let model = model(REGRESSION, &[]);
    let data = bound(&model, CSV);
    let (d, plan) = compile::compile(&model, Some(&data)).expect("a derivation");
    let options = Options {
        starts: 1,
        threads: false,
        ..Options::default()
    };
    let names: Vec<_> = {
        let mut seen = vec![];
        let mut look = |s: &mut pmc::engine::state::State, _| {
            for k in s.moments.keys() {
                if !seen.contains(k) {
                    seen.push(*k);
                }
            }
        };
        verify_derived(&d, &plan, &data, &options, &mut look).expect("a report");
        seen
    };
    assert!(names.len() >= 5, "{names:?}");
    for kind in names {
        let mut tamper = |s: &mut pmc::engine::state::State, _| {
            if let Some(a) = s.moments.get_mut(&kind) {
                a.mapv_inplace(|x| 1.001 * x);
            }
        };
        let r = verify_derived(&d, &plan, &data, &options, &mut tamper).expect("a report");
        assert!(!r.passed(), "{kind:?} times 1.001 passes:\n{}", r.text());
    }
}
