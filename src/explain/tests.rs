//! Explanations against the equations that textbooks print, over models whose text stands here.

use super::*;
use crate::algebra::canonical::canonicalise;
use crate::check;
use crate::compile;
use crate::derive::{self, Blanks};
use crate::plan;

const GMM: &str = "model gmm
const K = 2
data eruption { x[feature] : real = (eruptions, waiting) }
plate cluster(K)
param   weight         : simplex over cluster
param   mu[cluster]    : real over feature
param   Sigma[cluster] : covariance over feature
latent  z[eruption]    ~ Categorical(weight)
observe x[eruption]    ~ Gaussian(mu[z], cov = Sigma[z]) over feature
";
const LDA: &str = "model lda
const K = 20
const alpha = 0.1
const eta = 0.01
data token { doc : label  word : label  count : weight }
plate topic(K)
latent  theta[topic] ~ Dirichlet(eta)   over word
latent  pi[doc]      ~ Dirichlet(alpha) over topic
latent  z[token]     ~ Categorical(pi[doc])
observe word[token]  ~ Categorical(theta[z])
";
const COIN: &str = "model coin
const a0 = 3
const b0 = 2
data toss { heads : binary }
latent p ~ Beta(a0, b0)
observe heads[toss] ~ Bernoulli(p)
";
const NORMAL_GAMMA: &str = "model normal_gamma
data year { volume : real }
latent tau ~ Gamma(2, rate = 1e4)
latent mu  ~ Gaussian(900, precision = 0.01 * tau)
observe volume[year] ~ Gaussian(mu, precision = tau)
";
const BAYESIAN_GMM: &str = "model bayesian_gmm
const K = 6
const m0[feature] = [3.5, 70]
const V0[feature, feature] = [[1, 0], [0, 100]]
data eruption { x[feature] : real = (eruptions, waiting) }
plate cluster(K)
latent  weight          ~ Dirichlet(1 / K) over cluster
latent  Lambda[cluster] ~ Wishart(4, inverse_scale = V0) over feature
latent  mu[cluster]     ~ Gaussian(m0, precision = 0.1 * Lambda) over feature
latent  z[eruption]     ~ Categorical(weight)
observe x[eruption]     ~ Gaussian(mu[z], precision = Lambda[z]) over feature
";
const DAWID_SKENE: &str = "model dawid_skene
data vote {
  item   : label = \"image\"
  worker : label
  answer : label of class = \"label\"
}
param   prior                    : simplex over class
param   confusion[worker, class] ~ Dirichlet(2) over class
latent  truth[item]  ~ Categorical(prior)
observe answer[vote] ~ Categorical(confusion[worker, truth])
";
const LATENT_CLASS: &str = "model latent_class
data person { answer[item] : label of choice = \"q_*\" }
plate class(3)
param   weight         : simplex over class
param   p[class, item] : simplex over choice
latent  z[person]      ~ Categorical(weight)
observe answer[person, item] ~ Categorical(p[z])
";
const SPRINKLER: &str = "model sprinkler
const p_sprinkler[binary]   = [0.5, 0.1]
const p_rain[binary]        = [0.2, 0.8]
const p_wet[binary, binary] = [[0, 0.9], [0.9, 0.99]]
data day { cloudy : binary  sprinkler : binary  rain : binary  wet : binary }
observe cloudy[day]    ~ Bernoulli(0.5)
observe sprinkler[day] ~ Bernoulli(p_sprinkler[cloudy])
observe rain[day]      ~ Bernoulli(p_rain[cloudy])
observe wet[day]       ~ Bernoulli(p_wet[sprinkler, rain])
";
const PPCA: &str = "model ppca
data row { x[feature] : real = rest }
plate factor(2)
latent  h[row, factor]     ~ Gaussian(0, var = 1)
param   W[feature, factor] : real
param   b[feature]         : real
param   noise              : positive
observe x[row, feature]    ~ Gaussian(sum(W * h over factor) + b, var = noise)
";
const AUTOREGRESSION: &str = "model ar
data step ordered by t { y : real }
param a  : real
param s2 : positive
observe y[step] ~ Gaussian(a * y[step-1], var = s2) first Gaussian(0, var = 100)
";
const ARD: &str = "model ard
data row { y : real  x[feature] : real = rest }
plate unit(3)
latent alpha[unit] ~ Gamma(0.1, rate = 0.2)
latent h[row, unit] ~ Gaussian(0, var = 1)
latent w[feature, unit] ~ Gaussian(0, precision = alpha)
observe x[row, feature] ~ Gaussian(sum(w * h over unit), var = 1)
";

/// All models, with whether every observed column may hold blanks.
const ALL: &[(&str, bool)] = &[
    (GMM, false),
    (LDA, false),
    (COIN, false),
    (NORMAL_GAMMA, false),
    (BAYESIAN_GMM, false),
    (DAWID_SKENE, false),
    (LATENT_CLASS, false),
    (LATENT_CLASS, true),
    (SPRINKLER, true),
    (PPCA, false),
    (PPCA, true),
    (AUTOREGRESSION, false),
    (ARD, false),
];

fn derived(text: &str, blank: bool) -> (SourceFile, Derivation, Plan) {
    let source = SourceFile::new("model.pmod", text);
    let (model, _) = compile::model(&source, &check::Options::default()).expect("a checked model");
    let d = derive::derive(
        &model,
        &Blanks {
            column: &|_| blank,
            definition: &|_| blank,
            width: &|_| crate::derive::Width::Narrow,
        },
    )
    .expect("a derivation");
    let p = plan::plan(&d).expect("a plan");
    (source, d, p)
}

fn explained(text: &str, blank: bool) -> Explanation {
    let (source, d, p) = derived(text, blank);
    explain(&source, &d, &p)
}

/// Every line of equations, without breaks.
fn equations(e: &Explanation) -> Vec<String> {
    e.blocks
        .iter()
        .flat_map(|b| {
            std::iter::once(b.start.text())
                .chain(b.equations.iter().map(|e| e.formula.text()))
                .chain(b.definitions.iter().map(Formula::text))
                .chain(b.read.iter().map(|e| e.formula.text()))
        })
        .collect()
}

#[track_caller]
fn holds(text: &str, blank: bool, wanted: &[&str]) {
    let found = equations(&explained(text, blank));
    for w in wanted {
        assert!(
            found.iter().any(|f| f == w),
            "no equation\n  {w}\namong\n  {}",
            found.join("\n  ")
        );
    }
}

#[test]
fn gaussian_mixture_by_em() {
    // Bishop, section 9.2.2.
    holds(
        GMM,
        false,
        &[
            "r_nk = q(z_n = k) = rho_nk / Σ_j rho_nj",
            "ln rho_nk = ln weight_k - 1/2 ln|Sigma_k| - 1/2 (x_n - mu_k)' Sigma_k^-1 (x_n - mu_k)",
            "weight_k = N_k / Σ_j N_j",
            "N_k = Σ_n r_nk",
            "mu_k = (Σ_n r_nk x_n) / N_k",
            "Sigma_k = (Σ_n r_nk (x_n - mu_k) (x_n - mu_k)') / N_k",
        ],
    );
}

#[test]
fn topics_by_variational_bayes() {
    // Blei, Ng and Jordan 2003, section 5, with counts as weights.
    holds(
        LDA,
        false,
        &[
            "ln rho_nk = E[ln pi_{doc_n, k}] + E[ln theta_{k, word_n}]",
            "q(pi_d) = Dirichlet(concentration)",
            "concentration[pi_dk] = alpha + N_dk",
            "N_dk = Σ_{n: doc_n = d} count_n r_nk",
            "concentration[theta_kw] = eta + N_kw",
            "N_kw = Σ_{n: word_n = w} count_n r_nk",
            "E[ln pi_dk] = ψ(concentration[pi_dk]) - ψ(Σ_j concentration[pi_dj])",
        ],
    );
    let e = explained(LDA, false);
    assert!(
        e.why
            .iter()
            .any(|s| s
                == "(pi) and (z) share terms of line 9, so q(pi, z) is split into q(pi) q(z): pi[doc] is a parent of z[token]."),
        "{:?}",
        e.why
    );
}

#[test]
fn coin_is_exact() {
    holds(
        COIN,
        false,
        &[
            "q(p) = Beta(a, b)",
            "a[p] = a0 + Σ_n heads_n",
            "b[p] = b0 + N - Σ_n heads_n",
        ],
    );
    let e = explained(COIN, false);
    assert_eq!(e.method, "exact posterior");
    assert_eq!(e.blocks[0].exactness, "exact");
}

#[test]
fn mean_and_precision_together() {
    // Murphy 2007, section 3.3: kappa_n, mu_n, alpha_n, beta_n; 14050 = 1e4 + 0.01 * 900^2 / 2.
    holds(
        NORMAL_GAMMA,
        false,
        &[
            "beta[mu] = 0.01 + N",
            "E[mu] = (9 + Σ_n volume_n) / beta[mu]",
            "shape[tau] = 2 + 1/2 N",
            "rate[tau] = 14050 + 1/2 Σ_n volume_n^2 - 1/2 beta[mu] E[mu]^2",
        ],
    );
    let e = explained(NORMAL_GAMMA, false);
    assert!(
        e.why.iter().any(|s| s.contains("original units")),
        "{:?}",
        e.why
    );
}

#[test]
fn bayesian_mixture() {
    // Bishop, equations 10.58 to 10.64.
    holds(
        BAYESIAN_GMM,
        false,
        &[
            "ln rho_nk = E[ln weight_k] + 1/2 E[ln|Lambda_k|] - 1/2 E[(x_n - mu_k)' Lambda_k (x_n - mu_k)]",
            "concentration[weight_k] = 1 / K + N_k",
            "beta[mu_k] = 0.1 + N_k",
            "E[mu_k] = (0.1 m0 + Σ_n r_nk x_n) / beta[mu_k]",
            "df[Lambda_k] = 4 + N_k",
            "inverse scale[Lambda_k] = V0 + 0.1 m0 m0' + Σ_n r_nk x_n x_n' - beta[mu_k] E[mu_k] E[mu_k]'",
        ],
    );
}

#[test]
fn gathers_become_conditions() {
    holds(
        DAWID_SKENE,
        false,
        &[
            "ln rho_ic = ln prior_c + Σ_{n: item_n = i} ln confusion_{worker_n, c, answer_n}",
            "prior_c = N_c / Σ_{c'} N_c'",
            "N_c = Σ_i r_ic",
            "confusion_wcc' = (1 + N_wcc') / Σ_{c''} (1 + N_wcc'')",
            "N_wcc' = Σ_{n: worker_n = w, answer_n = c'} r_{item_n, c}",
        ],
    );
    holds(
        LATENT_CLASS,
        false,
        &[
            "ln rho_nk = ln weight_k + Σ_d ln p_{k, d, answer_nd}",
            "p_kdc = N_kdc / Σ_{c'} N_kdc'",
            "N_kdc = Σ_{n: answer_nd = c} r_nk",
        ],
    );
}

#[test]
fn joint_states_of_a_network() {
    holds(
        SPRINKLER,
        true,
        &[
            "q(cloudy_n = c, sprinkler_n = s, rain_n = r) = rho_ncsr / Σ_{c', s', r'} rho_nc's'r'",
            "ln rho_ncsr = 1[s = 1] ln p_sprinkler[c] \
             + 1[s = 0] ln(1 - p_sprinkler[c]) + 1[r = 1] ln p_rain[c] \
             + 1[r = 0] ln(1 - p_rain[c]) + seen(wet_n) wet_n ln p_wet[s, r] \
             + seen(wet_n) (1 - wet_n) ln(1 - p_wet[s, r]) - ln 2",
        ],
    );
}

#[test]
fn factors_and_loadings() {
    // Tipping and Bishop 1999, with a free mean.
    holds(
        PPCA,
        false,
        &[
            "Cov[h]^-1 = I + (Σ_d W_d W_d') / noise",
            "E[h_n] = (Cov[h] Σ_d W_d (x_nd - b_d)) / noise",
            "(Σ_n E[h_n])' W_d + N b_d = Σ_n x_nd",
            "noise = (Σ_{nd} E[(x_nd - Σ_k W_dk h_nk - b_d)^2]) / (N D)",
            "E[h_n h_n'] = Cov[h] + E[h_n] E[h_n]'",
        ],
    );
    holds(
        ARD,
        false,
        &[
            "Cov[w_d]^-1 = diag(E[alpha]) + Σ_n E[h_n h_n']",
            "shape[alpha_k] = 0.1 + 1/2 D",
            "rate[alpha_k] = 0.2 + 1/2 Σ_d E[w_dk^2]",
        ],
    );
}

#[test]
fn lags_keep_their_square() {
    holds(
        AUTOREGRESSION,
        false,
        &[
            "a = (Σ_{t: t > 1} y_t y_{t - 1}) / Σ_{t: t > 1} y_{t - 1}^2",
            "s2 = (Σ_{t: t > 1} (y_t - y_{t - 1} a)^2) / Σ_t 1[t > 1]",
        ],
    );
}

#[test]
fn statements_read_as_generative() {
    let e = explained(BAYESIAN_GMM, false);
    let lines: Vec<(usize, String)> = e
        .statements
        .iter()
        .map(|s| (s.source.line, s.formula.text()))
        .collect();
    assert_eq!(
        lines,
        [
            (7, "weight ~ Dirichlet(1 / K)".into()),
            (8, "Lambda_k ~ Wishart(4, inverse_scale = V0)".into()),
            (
                9,
                "mu_k | Lambda ~ Gaussian(m0, precision = 0.1 Lambda_k)".into()
            ),
            (10, "z_n | weight ~ Categorical(weight)".into()),
            (
                11,
                "x_n | mu, z, Lambda ~ Gaussian(mu_{z_n}, precision = Lambda_{z_n})".into()
            ),
        ]
    );
}

#[test]
fn items_add_up_to_the_terms() {
    for (text, blank) in ALL {
        let (_, d, _) = derived(text, *blank);
        let mut all: Vec<crate::algebra::Term> =
            items::items(&d).into_iter().flat_map(|i| i.terms).collect();
        // Centres do not change the model: the terms about 0 are what the statements say.
        let uncentred: Vec<crate::algebra::Term> = d
            .terms
            .items
            .iter()
            .map(items::uncentred)
            .map(|mut t| {
                t.coef = -t.coef;
                t
            })
            .collect();
        all.extend(uncentred);
        let left = canonicalise(all, &d.unknowns).items;
        assert!(left.iter().all(|t| t.coef.abs() < 1e-9), "{left:?}");
    }
}

#[test]
fn every_page_is_clean_and_the_same_twice() {
    for (source_text, blank) in ALL {
        let e = explained(source_text, *blank);
        let pages = [text(&e), markdown(&e), latex(&e), json(&e).to_string()];
        assert_eq!(e, explained(source_text, *blank));
        for p in &pages {
            for bad in [
                "Known",
                "Number(",
                "Axis {",
                "Subscript",
                "FactorId",
                "Some(",
                "[]",
                "NaN",
                "?}",
            ] {
                let found = p.contains(bad) && !(bad == "[]" && p.starts_with('{'));
                assert!(!found, "{bad} in\n{p}");
            }
        }
        for b in &e.blocks {
            assert!(!b.equations.is_empty(), "{:?} has no update", b.unknowns);
            for eq in &b.equations {
                let Formula::Relation(_, _, right) = &eq.formula else {
                    panic!("{} is no equation", eq.formula.text());
                };
                assert!(!right.text().is_empty() && **right != Formula::Number(0.0));
            }
        }
        // Nothing is wider than a wide terminal but statements that cannot be broken.
        let wide = pages[0].lines().filter(|l| l.chars().count() > 110).count();
        assert!(wide <= 1, "{}", pages[0]);
    }
}

#[test]
fn latex_balances() {
    for (text, blank) in ALL {
        let page = latex(&explained(text, *blank));
        let mut depth = 0i64;
        let mut escaped = false;
        for c in page.chars() {
            match c {
                _ if escaped => {}
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            escaped = c == '\\' && !escaped;
            assert!(depth >= 0, "{page}");
        }
        assert_eq!(depth, 0, "{page}");
        let count = |s: &str| page.matches(s).count();
        assert_eq!(count("\\left"), count("\\right"), "{page}");
        assert_eq!(count("\\begin{"), count("\\end{"));
        assert!(page.is_ascii(), "{page}");
    }
}

#[test]
fn printers_of_stages_are_plain_words() {
    for (text, blank) in ALL {
        let (_, d, p) = derived(text, *blank);
        let pages = [
            crate::algebra::print::terms(&d.model, &d.unknowns, &d.terms),
            crate::derive::print::derivation(&d),
            crate::plan::print::plan(&d, &p),
            crate::graph::print_graph(&d.model),
            crate::graph::to_dot(&d.model, Some(&d)),
            crate::graph::to_svg(&d.model, Some(&d)),
            crate::graph::to_mermaid(&d.model, &crate::graph::build(&d.model)),
        ];
        for page in &pages {
            assert!(!page.is_empty());
            for bad in ["Known", "Axis", "Subscript", "Id(", "Some("] {
                assert!(!page.contains(bad), "{bad} in\n{page}");
            }
        }
    }
}

#[test]
fn blocks_are_told_by_the_paths_that_couple_them() {
    let said = |text: &str| {
        let e = explained(text, false);
        let mut all = e.why.clone();
        all.extend(e.blocks.iter().flat_map(|b| b.sentences.clone()));
        all
    };
    let has = |all: &[String], part: &str| {
        assert!(all.iter().any(|s| s.contains(part)), "{part}\n{all:#?}");
    };
    let topics = said(LDA);
    has(
        &topics,
        "theta[topic] and z[token] are both parents of word[token], which is observed (explaining away).",
    );
    has(
        &topics,
        "The posterior couples them (z[token] <- pi[doc] -> z[token']); q leaves this out.",
    );
    let factors = said(
        "model ppca
data row { x[feature] : real = rest }
plate factor(2)
latent  h[row, factor]     ~ Gaussian(0, var = 1)
param   W[feature, factor] : real
param   noise              : positive
observe x[row, feature]    ~ Gaussian(sum(W * h over factor), var = noise)
",
    );
    has(
        &factors,
        "independent in the posterior too: the paths to h[row', factor] lead through W and noise, which are known.",
    );
    has(
        &factors,
        "h[row, factor] and h[row, factor'] are both parents of x[row, feature], which is observed",
    );
    let schools = said(
        "model schools
data school { y : real  sigma : positive }
latent mu ~ Gaussian(0, var = 25)
latent tau ~ Gamma(2, rate = 50)
latent theta[school] ~ Gaussian(mu, precision = tau)
observe y[school] ~ Gaussian(theta, sd = sigma)
",
    );
    has(
        &schools,
        "mu and tau are both parents of theta[school], and y[school] below it is observed (explaining away).",
    );
}

#[test]
fn markov_blankets_are_parents_children_and_co_parents() {
    let e = explained(BAYESIAN_GMM, false);
    let node = |name: &str| e.graph.iter().find(|n| n.name == name).expect("a quantity");
    let mu = node("mu[cluster, feature]");
    assert_eq!(mu.parents, ["Lambda"]);
    assert_eq!(mu.children, ["x"]);
    assert_eq!(mu.co_parents, ["Lambda", "z"]);
    assert_eq!(mu.blanket, ["Lambda", "z", "x"]);
    assert_eq!(node("weight").blanket, ["z"]);
}
