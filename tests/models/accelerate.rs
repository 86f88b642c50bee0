//! Accelerated runs: the same optimum in fewer iterations, never a lower objective, and the plain run where none is asked for.

use pmc::check;
use pmc::engine::run::{Options, Stop};
use serde_json::{Value, json};

use crate::fixture::{Fitted, data, exactly, fit, model, near, run_engine, with_engine};

fn accelerated(max_iter: usize, tol: f64) -> Options {
    Options {
        max_iter,
        tol,
        accelerate: true,
        ..Options::default()
    }
}

/// Every iteration has its entry, and none is lower than the one before it.
fn assert_climbs(what: &str, f: &Fitted) {
    let o = &f.outcome;
    assert_eq!(o.trace.len() + o.trace_start, o.iterations + 1, "{what}");
    for (i, w) in o.trace.windows(2).enumerate() {
        assert!(
            w[1] >= w[0] - 1e-11 * w[0].abs(),
            "{what}, iteration {i}: {} after {}",
            w[1],
            w[0]
        );
    }
}

/// The first iteration whose objective is at least `goal`.
fn reaches(f: &Fitted, goal: f64) -> usize {
    let o = &f.outcome;
    let at = o.trace.iter().position(|l| *l >= goal);
    at.unwrap_or_else(|| panic!("{} is below {goal}", f.last())) + o.trace_start
}

const SIGNAL: &str = "\
model signal
data row { x : real }
param   m : real
param   v : positive
latent  h[row] ~ Gaussian(m, var = v)
observe x[row] ~ Gaussian(h, var = 1)
";

/// x ~ N(m, v + 1): the maximum is at the mean and the variance less 1, and EM is slow where v is small.
#[test]
fn small_variance_beside_noise() {
    let x: Vec<f64> = (0..40).map(|i| 0.1 * f64::from(i) - 0.02).collect();
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    let spread = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
    assert!(spread > 1.2 && spread < 1.5, "{spread}");
    let csv: String = x.iter().map(|x| format!("{x}\n")).collect();
    let csv = format!("x\n{csv}").into_bytes();
    let start = json!({"m": 0.0, "v": 3.0});
    let best = -0.5 * n * ((2.0 * std::f64::consts::PI * spread).ln() + 1.0);
    let plain = fit(SIGNAL, csv.clone(), Some(start.clone()), &exactly(400));
    let fast = fit(SIGNAL, csv, Some(start), &accelerated(400, 1e-14));
    assert_climbs("signal", &fast);
    let goal = best - 1e-9 * best.abs();
    let (slow, quick) = (reaches(&plain, goal), reaches(&fast, goal));
    assert!(2 * quick <= slow, "{quick} against {slow} iterations");
    near("log likelihood", fast.last(), best, 1e-12);
    near("m", fast.get("m", "value")[[]], mean, 1e-6);
    near("v", fast.get("v", "value")[[]], spread - 1.0, 1e-5);
}

/// Rows less spread than their noise: v goes to 0, where its logarithm has no end.
#[test]
fn variance_on_its_way_to_zero() {
    let x: Vec<f64> = (0..40).map(|i| 0.04 * f64::from(i)).collect();
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    let squares = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
    let csv: String = x.iter().map(|x| format!("{x}\n")).collect();
    let csv = format!("x\n{csv}").into_bytes();
    let best = -0.5 * (n * (2.0 * std::f64::consts::PI).ln() + squares);
    let start = json!({"m": 0.0, "v": 1.0});
    // That nothing falls beyond rounding is asserted by every fit; here the logarithms themselves lose digits.
    let f = fit(SIGNAL, csv, Some(start), &accelerated(150, 0.0));
    f.assert_finite("signal");
    assert!(f.last() <= best + 1e-9 * best.abs());
    near("log likelihood", f.last(), best, 1e-6);
}

/// Classes that differ little: plain EM creeps. Both runs end where a sweep changes nothing, at the same height.
#[test]
fn shipped_models_reach_the_plain_optimum() {
    for (name, fewer) in [
        ("gmm", false),
        ("gmm_tied", false),
        ("latent_class", true),
        ("dawid_skene", false),
        ("naive_bayes", false),
        ("normal_gamma", false),
        ("bayesian_gmm", false),
    ] {
        let plain = fit(&model(name), data(name), None, &exactly(300));
        let fast = fit(&model(name), data(name), None, &accelerated(300, 1e-13));
        assert_climbs(name, &fast);
        fast.assert_finite(name);
        near(name, fast.last(), plain.last(), 1e-6);
        let goal = fast.last().min(plain.last());
        let goal = goal - 1e-8 * goal.abs();
        let (quick, slow) = (reaches(&fast, goal), reaches(&plain, goal));
        assert!(quick <= slow, "{name}: {quick} against {slow}");
        assert!(!fewer || 2 * quick <= slow, "{name}: {quick} for {slow}");
    }
}

/// Two clusters that overlap, a third of the rows in the first.
fn overlapping() -> Vec<u8> {
    let mut state = 1u64;
    let mut uniform = || {
        // Knuth's linear congruential generator.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    // A sum of three uniforms is near enough to a bell.
    let mut bell = || 2.0 * (uniform() + uniform() + uniform()) - 3.0;
    let mut csv = String::from("a,b\n");
    for i in 0..600 {
        let shift = if i % 3 == 0 { 1.3 } else { 0.0 };
        csv += &format!("{},{}\n", bell() + shift, bell() - shift);
    }
    csv.into_bytes()
}

const OVERLAP: &str = "\
model overlap
data row { x[feature] : real = (a, b) }
plate cluster(2)
param   weight         : simplex over cluster
param   mu[cluster]    : real over feature
param   Sigma[cluster] : covariance over feature
latent  z[row] ~ Categorical(weight)
observe x[row] ~ Gaussian(mu[z], cov = Sigma[z]) over feature
";

/// At the top no leap gains anything: the guard refuses them, and what it refuses is counted.
#[test]
fn refused_leaps_leave_no_trace_but_their_count() {
    let mut refused = 0;
    for seed in 0..4 {
        let options = Options {
            seed,
            ..accelerated(300, 0.0)
        };
        let f = fit(OVERLAP, overlapping(), None, &options);
        assert_climbs("overlap", &f);
        assert_eq!(f.outcome.iterations, 300);
        refused += f.outcome.trace.windows(2).filter(|w| w[0] == w[1]).count();
    }
    assert!(refused > 0);
}

/// A run that says it converged has: one more plain sweep from its end changes no more than the tolerance.
#[test]
fn converged_means_converged() {
    for tol in [1e-5, 1e-7, 1e-9] {
        let f = fit(OVERLAP, overlapping(), None, &accelerated(5000, tol));
        assert_eq!(f.outcome.stop, Stop::Converged);
        let init = json!({
            "weight": nested(f.get("weight", "value")),
            "mu": nested(f.get("mu", "value")),
            "Sigma": nested(f.get("Sigma", "value")),
        });
        let on = fit(OVERLAP, overlapping(), Some(init), &exactly(1));
        let change = on.outcome.trace[1] - on.outcome.trace[0];
        let allowed = tol * f.last().abs();
        assert!((0.0..=allowed).contains(&change), "{change} at {tol}");
    }
}

fn nested(a: &ndarray::ArrayD<f64>) -> Value {
    if a.ndim() == 0 {
        return json!(a.first());
    }
    a.outer_iter().map(|r| nested(&r.to_owned())).collect()
}

/// A probability that starts at 0 is 0 in every plain iteration; leaps keep it there.
#[test]
fn zeros_stay() {
    let start = |k: usize| match k {
        0 => [0.0, 0.3, 0.7],
        1 => [0.2, 0.3, 0.5],
        _ => [0.5, 0.3, 0.2],
    };
    let text = model("latent_class");
    let bytes = data("latent_class");
    let table = crate::fixture::Table::read(&bytes);
    let items = table.header.iter().filter(|h| h.starts_with("q_")).count();
    let p: Vec<Vec<[f64; 3]>> = (0..3)
        .map(|k| {
            (0..items)
                // Only the first item has the zero, so that no row is impossible.
                .map(|j| if j == 0 { start(k) } else { start(k.max(1)) })
                .collect()
        })
        .collect();
    let init = json!({"weight": [0.3, 0.3, 0.4], "p": p});
    let f = fit(&text, bytes, Some(init), &accelerated(60, 0.0));
    assert_climbs("latent_class", &f);
    let p = f.get("p", "value");
    assert_eq!(p[[0, 0, 0]], 0.0);
    for row in p.rows() {
        assert!((row.sum() - 1.0).abs() < 1e-12);
    }
}

/// Few iterations are not exceeded, and the last one is never one in vain.
#[test]
fn no_more_iterations_than_allowed() {
    for n in 0..25 {
        let f = fit(OVERLAP, overlapping(), None, &accelerated(n, 0.0));
        assert_eq!(f.outcome.iterations, n);
        let o = &f.outcome.trace;
        assert!(n < 2 || o[o.len() - 1] > o[o.len() - 2], "{n}: {o:?}");
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    for (name, iterations) in [("gmm", 25), ("bayesian_gmm", 25), ("plsa", 25)] {
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .expect("threads");
            pool.install(|| {
                let options = check::Options::default();
                with_engine(&model(name), &options, data(name), |engine, _| {
                    run_engine(engine, None, &accelerated(iterations, 0.0))
                        .expect("a fit")
                        .outcome
                        .trace
                })
            })
        };
        let bits = |t: Vec<f64>| t.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(run(1)), bits(run(3)), "{name}");
    }
}

#[test]
fn plain_where_not_asked() {
    assert!(!Options::default().accelerate);
    let plain = fit(OVERLAP, overlapping(), None, &exactly(40));
    let fast = fit(OVERLAP, overlapping(), None, &accelerated(40, 0.0));
    assert!(fast.last() > plain.last());
    // Until the first leap the two are one.
    assert_eq!(plain.outcome.trace[..3], fast.outcome.trace[..3]);
}

/// What is made of points follows them where they are extrapolated: the degrees of freedom stand under a log Gamma.
#[test]
fn functions_follow_extrapolated_points() {
    let model = "model tails
data row { y : real }
param m : real
param s : positive
param nu : positive
observe y[row] ~ StudentT(nu, m, scale = s)
";
    // Quantiles of a distribution with heavy tails.
    let y: Vec<f64> = (1..60)
        .map(|i| (std::f64::consts::PI * (f64::from(i) / 60.0 - 0.5)).tan())
        .map(|t| 2.0 + t.signum() * t.abs().powf(0.6))
        .collect();
    let csv: String = y.iter().map(|y| format!("{y}\n")).collect();
    let csv = format!("y\n{csv}").into_bytes();
    let plain = fit(model, csv.clone(), None, &exactly(2000));
    let fast = fit(model, csv, None, &accelerated(2000, 1e-14));
    assert_climbs("tails", &fast);
    near("log likelihood", fast.last(), plain.last(), 1e-8);
}

/// Topics have many maxima, and a leap far from one could land beneath another: leaps wait until the sweeps are short.
#[test]
fn topics_end_no_lower_than_plain() {
    let (model, bytes) = (model("lda"), data("plsa"));
    let (mut quick, mut slow) = (0, 0);
    for seed in 0..4 {
        let run = |accelerate: bool| {
            let options = Options {
                seed,
                accelerate,
                ..accelerated(1000, 1e-9)
            };
            fit(&model, bytes.clone(), None, &options)
        };
        let (plain, fast) = (run(false), run(true));
        assert_climbs("topics", &fast);
        assert!(
            fast.last() >= plain.last() - 1e-8 * plain.last().abs(),
            "seed {seed}: {} beneath {}",
            fast.last(),
            plain.last()
        );
        let goal = plain.last() - 1e-8 * plain.last().abs();
        quick += reaches(&fast, goal);
        slow += reaches(&plain, goal);
    }
    assert!(10 * quick <= 8 * slow, "{quick} against {slow}");
}
