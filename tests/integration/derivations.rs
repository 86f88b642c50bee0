//! What is derived and what is refused, over whole models.

use crate::common::{findings, model, zoo};
use pmc::compile;
use pmc::diag::render_plain;
use pmc::source::SourceFile;

/// Models of the zoo that must have a derivation.
const DERIVED: &[&str] = &[
    "ard_regression",
    "autoregression",
    "bayesian_gmm",
    "bayesian_gmm_diag",
    "bayesian_hmm",
    "bayesian_lasso",
    "bayesian_pca",
    "bernoulli_mixture",
    "beta_bernoulli",
    "binary_sparse_coding",
    "binomial_trials",
    "correlated_topics",
    "dawid_skene",
    "eight_schools",
    "factor_analysis",
    "factorial_hmm",
    "gmm",
    "gmm_diag",
    "gmm_spherical",
    "gmm_tied",
    "hmm_categorical",
    "hmm_gaussian",
    "hmm_wide",
    "ica",
    "ica_laplace",
    "interactions",
    "item_response",
    "lasso",
    "latent_class",
    "lca_items",
    "lda",
    "lda_wide",
    "linear_dynamical_system",
    "linear_dynamical_system_full",
    "local_level",
    "logistic_regression",
    "matrix_factorisation",
    "mixed_membership",
    "mixed_records",
    "mixture_of_experts",
    "mixture_of_factor_analysers",
    "mixture_of_regressions",
    "multinomial_mixture",
    "naive_bayes",
    "normal_gamma",
    "normal_mean_precision",
    "outliers",
    "plsa",
    "poisson_factorisation",
    "poisson_mixture",
    "ppca",
    "rats",
    "robust_regression",
    "schools_in_districts",
    "skill_rating",
    "softmax_regression",
    "sparse_coding",
    "sparse_coding_nonnegative",
    "sprinkler",
    "stochastic_block_model",
    "student_t_regression",
    "switching_lds",
    "weather",
    "zero_inflated_poisson",
];

#[test]
fn the_zoo_is_derived_or_refused_with_a_reason() {
    let mut derived = Vec::new();
    let mut wrong = Vec::new();
    let models = zoo();
    for source in &models {
        let (checked, found) = model(source);
        let Some(m) = checked else {
            wrong.push(render_plain(&found, source));
            continue;
        };
        match compile::compile(&m, None) {
            Ok(_) => derived.push(source.name.trim_end_matches(".pmod").to_string()),
            Err(found) => {
                let reasons = ["E0501", "E0503", "E0504", "E0506", "E0508"];
                if !found
                    .iter()
                    .all(|d| reasons.contains(&d.code.as_str()) && d.primary.is_some())
                {
                    wrong.push(render_plain(&found, source));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    if models.is_empty() {
        println!("no zoo beside the repository: not tested");
        return;
    }
    for name in DERIVED {
        assert!(derived.iter().any(|d| d == name), "{name} is not derived");
    }
}

/// The models that refusals point to in their place.
#[test]
fn what_refusals_offer_instead_is_derived() {
    let offers = [
        (
            "StudentT",
            "data row { y : real   x : real }
             const nu = 4
             param a : real
             param b : real
             param s : positive
             latent u[row] ~ Gamma(nu / 2, rate = nu / 2)
             observe y[row] ~ Gaussian(a + b * x, precision = u / s^2)",
        ),
        (
            "a chain",
            "data step ordered by t { y : real }
             latent h[step] ~ Gaussian(h[step-1], var = 1) first Gaussian(0, var = 1)
             observe y[step] ~ Gaussian(h, var = 1)",
        ),
        (
            "two latents of one element",
            "data answer { person : label   right : binary }
             plate skill(2)
             plate mood(2)
             const ws over skill = [0.5, 0.5]
             param wm[skill] : simplex over mood
             param p[skill, mood] : probability
             latent s[person] ~ Categorical(ws)
             latent m[person] ~ Categorical(wm[s]) as factorised
             observe right[answer] ~ Bernoulli(p[s, m])",
        ),
        (
            "logit",
            "data row { won : binary   group : label }
             latent p[group] ~ Beta(1, 1)
             observe won[row] ~ Bernoulli(p)",
        ),
        (
            "a Poisson of a sum",
            "data row { n : count   exposure : positive }
             plate source(2)
             param w : simplex over source
             latent rate[source] ~ Gamma(1, rate = 1)
             latent z[row] ~ Categorical(w)
             observe n[row] ~ Poisson(exposure * rate[z])",
        ),
        (
            "a matrix expression",
            "data row { x[feature] : real = rest }
             param v[feature] : positive
             observe x[row] ~ Gaussian(0, var = v) over feature",
        ),
        (
            "sd of a latent",
            "data row { y : real }
             latent v ~ InverseGamma(2, scale = 1)
             observe y[row] ~ Gaussian(0, var = v)",
        ),
        (
            "non-Gaussian codes",
            "data patch { x[pixel] : real = rest }
             plate atom(8)
             param W[pixel, atom] : real
             latent h[patch, atom] ~ Gaussian(0, var = 1) as dirac
             observe x[patch, pixel] ~ Gaussian(sum(W * h over atom), var = 1)",
        ),
        (
            "coupled label-plate latents",
            "data pair { a : label of node   b : label of node   linked : binary }
             plate block(2)
             const w over block = [0.5, 0.5]
             latent p[block, block] ~ Beta(1, 1)
             latent za[pair] ~ Categorical(w)
             latent zb[pair] ~ Categorical(w)
             observe linked[pair] ~ Bernoulli(p[za, zb])",
        ),
    ];
    for (of, text) in offers {
        let source = SourceFile::new("offer.pmod", text);
        let (checked, found) = model(&source);
        let m = checked.unwrap_or_else(|| panic!("{of}: {}", render_plain(&found, &source)));
        let found = findings(&m, None);
        assert!(found.is_empty(), "{of}: {}", render_plain(&found, &source));
    }
}

/// Every constraint is respected or refused, never dropped.
#[test]
fn a_constraint_is_never_ignored() {
    // As many rows fall on an element as do: the curvature of a vector along groups is not the same for its elements.
    let shapes = [
        (
            "param w[group] : real, unit norm over group",
            &["E0508"][..],
        ),
        ("param w[group] : real, unit ball over group", &["E0508"]),
        ("param w[group] : real, increasing over group", &[]),
        (
            "param w[group] ~ Gaussian(0, var = 1), increasing over group",
            &[],
        ),
    ];
    for (declared, want) in shapes {
        let text = format!(
            "plate group {{ low, high }}
             data row {{ y : real   group : label }}
             {declared}
             observe y[row] ~ Gaussian(w, var = 1)"
        );
        let source = SourceFile::new("constrained.pmod", text);
        let (checked, found) = model(&source);
        let m = checked.unwrap_or_else(|| panic!("{declared}: {found:#?}"));
        let found = findings(&m, None);
        let codes: Vec<&str> = found.iter().map(|d| d.code.as_str()).collect();
        assert_eq!(codes, want, "{declared}");
    }
}
