//! Every folder of models/: it is complete, its model is in the house layout, it fits its data on any number of threads.

use pmc::check::Options;
use pmc::source::SourceFile;
use pmc::syntax;

use crate::fixture::{Fitted, data, exactly, fit, folder, model, names, try_fit};

#[test]
fn folders_are_complete() {
    let names = names();
    assert!(names.len() >= 38, "only {names:?}");
    for n in &names {
        for f in ["model.pmod", "data.csv", "README.md"] {
            assert!(folder().join(n).join(f).is_file(), "models/{n}/{f}");
        }
        let readme = std::fs::read_to_string(folder().join(n).join("README.md")).expect("a text");
        let command = format!("pmc fit models/{n}/model.pmod models/{n}/data.csv");
        assert!(
            readme.contains(&command),
            "{n}: the README lacks `{command}`"
        );
    }
}

#[test]
fn models_are_formatted() {
    for n in names() {
        let text = model(&n);
        let source = SourceFile::new("model.pmod", text.clone());
        let formatted = syntax::format(&source).unwrap_or_else(|e| panic!("{n}: {e:?}"));
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(folder().join(&n).join("model.pmod"), &formatted).expect("written");
            continue;
        }
        assert_eq!(formatted, text, "{n}: UPDATE=1 formats it");
        assert!(text.contains(&format!("model {n}\n")), "{n}: its name");
    }
}

fn on_threads(n: &str, threads: usize) -> Fitted {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .expect("a pool");
    // The largest table needs no more than a few iterations to show a difference.
    let iterations = if n == "lda" { 3 } else { 20 };
    pool.install(|| fit(&model(n), data(n), None, &exactly(iterations)))
}

/// `fit` itself asserts that the objective never fell.
#[test]
fn every_model_fits_alike_on_one_thread_and_on_two() {
    for n in names() {
        let (a, b) = (on_threads(&n, 1), on_threads(&n, 2));
        a.assert_finite(&n);
        assert!(!a.outcome.trace.is_empty(), "{n}");
        println!(
            "{n}: {}, {} {} after {} iterations; {:?}",
            a.method,
            a.objective,
            a.last(),
            a.outcome.iterations,
            a.outcome.start
        );
        let bits = |t: &[f64]| t.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(
            bits(&a.outcome.trace),
            bits(&b.outcome.trace),
            "{n}: objective by number of threads"
        );
        assert_eq!(a.values.len(), b.values.len());
        for ((name, p, x), (_, _, y)) in a.values.iter().zip(&b.values) {
            assert!(
                x.iter().zip(y).all(|(x, y)| x.to_bits() == y.to_bits()),
                "{n}: {p} of {name} by number of threads"
            );
        }
    }
}

#[test]
fn methods() {
    let list: [(&str, &[&str], &[&str], &[(&str, f64)], &str, &str); 38] = [
        ("beta_bernoulli", &[], &[], &[], "exact posterior", "elbo"),
        ("normal_gamma", &[], &[], &[], "exact posterior", "elbo"),
        ("sprinkler", &[], &[], &[], "exact posterior", "elbo"),
        ("gmm", &[], &[], &[], "exact EM", "log_likelihood"),
        ("gmm_diag", &[], &[], &[], "exact EM", "log_likelihood"),
        ("gmm_tied", &[], &[], &[], "exact EM", "log_likelihood"),
        ("latent_class", &[], &[], &[], "exact EM", "log_likelihood"),
        ("naive_bayes", &[], &[], &[], "exact EM", "log_likelihood"),
        ("dawid_skene", &[], &[], &[], "exact EM", "log_posterior"),
        ("bayesian_gmm", &[], &[], &[], "variational Bayes", "elbo"),
        ("plsa", &[], &[], &[], "exact EM", "log_likelihood"),
        ("ppca", &[], &[], &[], "exact EM", "log_likelihood"),
        (
            "factor_analysis",
            &[],
            &[],
            &[],
            "exact EM",
            "log_likelihood",
        ),
        ("ard_regression", &[], &[], &[], "variational Bayes", "elbo"),
        ("eight_schools", &[], &[], &[], "variational Bayes", "elbo"),
        ("local_level", &[], &[], &[], "exact EM", "log_likelihood"),
        (
            "mixture_of_regressions",
            &[],
            &[],
            &[],
            "exact EM",
            "log_likelihood",
        ),
        (
            "matrix_factorisation",
            &[],
            &[],
            &[],
            "variational EM",
            "elbo",
        ),
        ("bayesian_pca", &[], &[], &[], "variational Bayes", "elbo"),
        ("hmm_gaussian", &[], &[], &[], "exact EM", "log_likelihood"),
        (
            "hmm_categorical",
            &[],
            &[],
            &[],
            "exact EM",
            "log_likelihood",
        ),
        ("bayesian_hmm", &[], &[], &[], "variational Bayes", "elbo"),
        (
            "linear_dynamical_system",
            &[],
            &[],
            &[],
            "exact EM",
            "log_likelihood",
        ),
        ("factorial_hmm", &[], &[], &[], "exact EM", "log_likelihood"),
        (
            "mixture_of_factor_analysers",
            &[],
            &[],
            &[],
            "exact EM",
            "log_likelihood",
        ),
        (
            "stochastic_block_model",
            &[],
            &[],
            &[],
            "variational Bayes",
            "elbo",
        ),
        ("sparse_coding", &[], &[], &[], "MAP", "log_joint"),
        ("ica_laplace", &[], &[], &[], "MAP", "log_joint"),
        ("lasso", &[], &[], &[], "MAP", "log_posterior"),
        ("bayesian_lasso", &[], &[], &[], "variational Bayes", "elbo"),
        (
            "binary_sparse_coding",
            &[],
            &[],
            &[],
            "variational EM",
            "elbo",
        ),
        (
            "robust_regression",
            &[],
            &[],
            &[],
            "maximum likelihood",
            "log_likelihood",
        ),
        (
            "student_t_regression",
            &[],
            &[],
            &[],
            "generalised EM",
            "log_likelihood",
        ),
        (
            "logistic_regression",
            &[],
            &[],
            &[],
            "variational Bayes",
            "elbo",
        ),
        ("probit_ratings", &[], &[], &[], "variational Bayes", "elbo"),
        (
            "poisson_factorisation",
            &[],
            &[],
            &[],
            "variational Bayes",
            "elbo",
        ),
        (
            "dirichlet_concentration",
            &[],
            &[],
            &[],
            "variational EM",
            "elbo",
        ),
        (
            "dawid_skene",
            &[],
            &["confusion"],
            &[],
            "exact EM",
            "log_likelihood",
        ),
    ];
    for (n, param, flat, set, method, objective) in list {
        let f = switched(n, param, flat, set, data(n), 1);
        assert_eq!((f.method, f.objective), (method, objective), "{n}");
    }
}

/// The one file of topics is three algorithms; the flat one is PLSA to the bit.
#[test]
fn lda_by_role() {
    let few = || data("plsa");
    let vb = switched("lda", &[], &[], &[], few(), 3);
    assert_eq!((vb.method, vb.objective), ("variational Bayes", "elbo"));
    let set = [("alpha", 1.1), ("eta", 1.1)];
    let map = switched("lda", &["pi", "theta"], &[], &set, few(), 3);
    assert_eq!((map.method, map.objective), ("exact EM", "log_posterior"));
    let ml = switched("lda", &[], &["pi", "theta"], &[("K", 4.0)], few(), 10);
    assert_eq!((ml.method, ml.objective), ("exact EM", "log_likelihood"));
    let plsa = switched("plsa", &[], &[], &[], few(), 10);
    assert_eq!(ml.outcome.trace, plsa.outcome.trace);
    // With priors of 1 the log posterior is the log likelihood and a constant.
    let set = [("alpha", 1.0), ("eta", 1.0), ("K", 4.0)];
    let even = switched("lda", &["pi", "theta"], &[], &set, few(), 10);
    let gap = |i: usize| even.outcome.trace[i] - plsa.outcome.trace[i];
    for i in 0..=10 {
        assert!((gap(i) - gap(0)).abs() < 1e-8 * plsa.last().abs(), "{i}");
    }
}

fn switched(
    n: &str,
    param: &[&str],
    flat: &[&str],
    set: &[(&str, f64)],
    bytes: Vec<u8>,
    iterations: usize,
) -> Fitted {
    let list = |l: &[&str]| l.iter().map(|s| (*s).to_string()).collect();
    let options = Options {
        param: list(param),
        flat: list(flat),
        set: set.iter().map(|(n, v)| ((*n).to_string(), *v)).collect(),
        ..Options::default()
    };
    try_fit(&model(n), &options, bytes, None, &exactly(iterations))
        .unwrap_or_else(|e| panic!("{n}: {e:?}"))
}
