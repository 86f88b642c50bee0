//! Pages of models with auxiliaries, predictors, penalties and constraints: what a reader must find on them.
//!
//! Every expected line was derived by hand from the log density of its statement.

use pmc::explain::{Explanation, json, latex, markdown, text};
use pmc::source::SourceFile;

use super::explained;

fn told(model: &str) -> Explanation {
    explained(&SourceFile::new("model.pmod", model.to_string()), &[])
}

/// The text of a page on one line, so that broken lines do not matter.
fn page(model: &str) -> String {
    let e = told(model);
    let all = text(&e);
    all.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn has(page: &str, parts: &[&str]) {
    for part in parts {
        assert!(page.contains(part), "{part}\n{page}");
    }
}

const LOGISTIC: &str = "model logistic
data person { y : binary  x[feature] : real = rest }
latent w[feature] ~ Gaussian(0, var = 1)
latent w0 ~ Gaussian(0, var = 100)
observe y[person] ~ Bernoulli(logit = sum(w * x over feature) + w0)
";
const LOGISTIC_POINTS: &str = "model logistic
data person { y : binary  x[feature] : real = rest }
param w[feature] : real
param w0 : real
observe y[person] ~ Bernoulli(logit = sum(w * x over feature) + w0)
";
const BINOMIAL: &str = "model binomial
data trial { y : count  n : count  x : real }
latent a ~ Gaussian(0, var = 100)
latent b ~ Gaussian(0, var = 1)
observe y[trial] ~ Binomial(total = n, logit = a + b * x)
";
const PROBIT: &str = "model skills
data match { winner : label of player  loser : label of player  won : binary = listed }
latent skill[player] ~ Gaussian(0, var = 1)
observe won[match] ~ Bernoulli(probit = skill[winner] - skill[loser])
";
const SOFTMAX_POINTS: &str = "model softmax
data flower { species : label  x[feature] : real = rest }
param w[species, feature] ~ Gaussian(0, var = 1)
param w0[species] ~ Gaussian(0, var = 100)
observe species[flower] ~ Categorical(logit = sum(w * x over feature) + w0) over species
";
const SOFTMAX: &str = "model softmax
data flower { species : label  x[feature] : real = rest }
latent w[species, feature] ~ Gaussian(0, var = 1)
latent w0[species] ~ Gaussian(0, var = 100)
observe species[flower] ~ Categorical(logit = sum(w * x over feature) + w0) over species
";
const FACTORISATION: &str = "model counts
data cell every user, item { user : label  item : label  n : count else 0 }
plate factor(10)
latent u[user, factor] ~ Gamma(0.3, rate = 1)
latent v[item, factor] ~ Gamma(0.3, rate = 1)
observe n[cell] ~ Poisson(sum(u * v over factor))
";
const EXPERTS: &str = "model experts
data row { y : real  x[feature] : real = rest }
plate expert(3)
param g[expert, feature] ~ Gaussian(0, var = 1)
param g0[expert] ~ Gaussian(0, var = 1)
param w[expert, feature] : real
param w0[expert] : real
param s2[expert] : positive
latent z[row] ~ Categorical(logit = sum(g * x over feature) + g0) over expert
observe y[row] ~ Gaussian(sum(w[z] * x over feature) + w0[z], var = s2[z])
";
const STUDENT: &str = "model student
data row { y : real  x : real }
param a : real
param b : real
param s : positive
param nu : positive
observe y[row] ~ StudentT(nu, a + b * x, scale = s)
";
const LAPLACE_LATENT: &str = "model robust
data row { y : real  x[feature] : real = rest }
latent w[feature] ~ Gaussian(0, var = 1)
param s : positive
observe y[row] ~ Laplace(sum(w * x over feature), scale = s)
";
const MEDIAN: &str = "model median
data row { y : real }
param mu : real
param s : positive
observe y[row] ~ Laplace(mu, scale = s)
";
const DEVIATIONS: &str = "model deviations
data row { y : real  x : real }
param a : real
param b : real
param s : positive
observe y[row] ~ Laplace(a + b * x, scale = s)
";
const CODES: &str = "model codes
const lambda = 1
const beta = 10
data patch { x[pixel] : real = \"p*\" }
plate atom(64)
param W[pixel, atom] : real, unit norm over pixel
latent h[patch, atom] ~ Laplace(0, scale = 1 / lambda) as dirac
observe x[patch, pixel] ~ Gaussian(sum(W * h over atom), precision = beta)
";
const POSITIVE_CODES: &str = "model codes
const lambda = 1
const beta = 10
data patch { x[pixel] : real = \"p*\" }
plate atom(16)
param W[pixel, atom] : real, unit ball over pixel
latent h[patch, atom] ~ Exponential(rate = lambda) as dirac
observe x[patch, pixel] ~ Gaussian(sum(W * h over atom), precision = beta)
";
const BAYESIAN_LASSO: &str = "model lasso
const lambda = 1
data person { y : real  x[feature] : real = rest }
latent w[feature] ~ Laplace(0, scale = 1 / lambda)
latent tau ~ Gamma(0.01, rate = 0.01)
observe y[person] ~ Gaussian(sum(w * x over feature), precision = tau)
";
const SHIFTED: &str = "model shifted
data row { y : real }
param m ~ Laplace(2, scale = 3)
param k ~ Laplace(1, scale = 1)
observe y[row] ~ Gaussian(m + k, var = 1)
";
const LOCATED: &str = "model located
data row { y : real }
latent m ~ Laplace(2, scale = 3)
observe y[row] ~ Gaussian(m, var = 1)
";
const INCREASING: &str = "model dose
data animal { dose : label  y : real }
plate dose { low, middle, high }
param mu[dose] : real, increasing over dose
param s2 : positive
observe y[animal] ~ Gaussian(mu[dose], var = s2)
";
const INCREASING_RATE: &str = "model dose
data animal { dose : label  y : count }
plate dose { low, middle, high }
param rate[dose] : positive, increasing over dose
observe y[animal] ~ Poisson(rate[dose])
";
const CONCENTRATION: &str = "model concentration
data token { doc : label  word : label }
plate topic(3)
param alpha[topic] : positive
latent pi[doc] ~ Dirichlet(alpha) over topic
param theta[topic] : simplex over word
latent z[token] ~ Categorical(pi[doc])
observe word[token] ~ Categorical(theta[z])
";
const QUADRATURE: &str = "model quadrature
data row { g : label  y : count }
param m : real
param s2 : positive
latent v[g] ~ Gaussian(m, var = s2)
observe y[row] ~ Poisson(log = v[g])
";

const ALL: &[&str] = &[
    LOGISTIC,
    LOGISTIC_POINTS,
    BINOMIAL,
    PROBIT,
    SOFTMAX_POINTS,
    SOFTMAX,
    FACTORISATION,
    EXPERTS,
    STUDENT,
    LAPLACE_LATENT,
    MEDIAN,
    DEVIATIONS,
    CODES,
    POSITIVE_CODES,
    BAYESIAN_LASSO,
    SHIFTED,
    LOCATED,
    INCREASING,
    INCREASING_RATE,
    CONCENTRATION,
    QUADRATURE,
];

#[test]
fn auxiliaries_are_no_quantities_of_the_model() {
    for model in ALL {
        let e = told(model);
        for n in e.graph.iter().flat_map(|n| {
            let names = [&n.blanket, &n.parents, &n.children, &n.co_parents];
            std::iter::once(&n.name).chain(names.into_iter().flatten())
        }) {
            let stem = n.split('[').next().expect("a name");
            for added in e.auxiliaries.iter().flat_map(|a| &a.names) {
                assert_ne!(stem, added.split('[').next().expect("a name"), "{model}");
            }
        }
        let written = model.lines().filter(|l| {
            ["param", "latent", "observe"]
                .iter()
                .any(|w| l.starts_with(w))
        });
        assert_eq!(e.statements.len(), written.count(), "{model}");
    }
}

#[test]
fn every_format_holds_the_auxiliaries_and_no_words_of_the_program() {
    for model in ALL {
        let e = told(model);
        let pages = [text(&e), markdown(&e), latex(&e), json(&e).to_string()];
        for page in &pages {
            for word in [
                "log sum exp",
                "slope(",
                "Slope",
                "Softplus",
                "[value = ",
                "element]",
                "NaN",
            ] {
                assert!(!page.contains(word), "{word}\n{page}");
            }
            assert_eq!(
                page.matches("stands for").count() > 0,
                e.auxiliaries
                    .iter()
                    .any(|a| a.sentences.iter().any(|s| s.contains("stands for"))),
            );
            for a in &e.auxiliaries {
                let first = a.names[0].split(['[', '_']).next().expect("a name");
                assert!(page.contains(first), "{first}\n{page}");
            }
        }
        // What pdfLaTeX cannot set stands in no document.
        let odd: Vec<char> = pages[2].chars().filter(|c| !c.is_ascii()).collect();
        assert!(odd.is_empty(), "{odd:?}\n{}", pages[2]);
    }
}

#[test]
fn logistic_regression_by_polya_gamma_variables() {
    has(
        &page(LOGISTIC),
        &[
            "y_n | w, w0 ~ Bernoulli(logit = Σ_d w_d x_nd + w0)",
            "1 / (1 + exp(-eta_n)) = 1/2 exp(eta_n / 2) E[exp(-1/2 omega_y[n] eta_n^2)]",
            "= (y_n - 1/2) eta_n - 1/2 omega_y[n] eta_n^2 - ln 2 + ln PolyaGamma(omega_y[n] | 1, 0)",
            "Exact: summed out, it gives the statement back as it is written.",
            "q splits omega_y from (w, w0), so the objective is a lower bound of the log evidence.",
            "A[w, w] = I + Σ_n E[omega_y[n]] x_n x_n'",
            "b[w] = Σ_n y_n x_n - 1/2 Σ_n x_n",
            "A[w0, w0] = 0.01 + Σ_n E[omega_y[n]]",
            "tilt[omega_y[n]]^2 = E[(Σ_d x_nd w_d + w0)^2]",
            "E[omega_y[n]] = tanh(tilt[omega_y[n]] / 2) / (2 tilt[omega_y[n]])",
        ],
    );
    // n copies of one variable: q is that of one of them.
    has(
        &page(BINOMIAL),
        &[
            "Each omega_y stands for n_m copies that share one q.",
            "tilt[omega_y[m]]^2 = E[(a + x_m b)^2]",
            "A[a, b] = Σ_m n_m x_m E[omega_y[m]]",
            "g[b] = Σ_m y_m x_m - 1/2 Σ_m n_m x_m",
        ],
    );
}

#[test]
fn points_under_functions_have_an_objective_and_its_gradient() {
    has(
        &page(LOGISTIC_POINTS),
        &[
            "Σ_n y_n eta_n - Σ_n ln(1 + exp(eta_n))",
            "eta_n = Σ_d x_nd w_d + w0",
            "∂F/∂eta_n = y_n - 1 / (1 + exp(-eta_n))",
            "∂F/∂w_d = Σ_n x_nd ∂F/∂eta_n",
            "∂F/∂w0 = Σ_n ∂F/∂eta_n",
            "L-BFGS",
        ],
    );
    has(
        &page(SOFTMAX_POINTS),
        &[
            "F(w, w0) = -1/2 Σ_{sd} w_sd^2 - 0.005 Σ_s w0_s^2 + Σ_n eta_{n, species_n} - Σ_n ln(Σ_s exp(eta_ns))",
            "∂F/∂eta_ns = 1[species_n = s] - exp(eta_ns) / Σ_{s'} exp(eta_ns')",
            "∂F/∂w_sd = -w_sd + Σ_n x_nd ∂F/∂eta_ns",
            "∂F/∂w0_s = -0.01 w0_s + Σ_n ∂F/∂eta_ns",
        ],
    );
    let experts = page(EXPERTS);
    has(
        &experts,
        &[
            "generalised EM",
            "ln rho_nk = eta_nk - 1/2 ln s2_k - 1/2 (y_n - Σ_d x_nd w_kd - w0_k)^2 / s2_k",
            "∂F/∂eta_nk = r_nk - exp(eta_nk) / Σ_j exp(eta_nj)",
            "∂F/∂g_kd = -g_kd + Σ_n x_nd ∂F/∂eta_nk",
        ],
    );
    has(
        &page(CONCENTRATION),
        &[
            "eta = Σ_k alpha_k",
            "F(alpha) = D ln Γ(eta) - D Σ_k ln Γ(alpha_k) + Σ_{kd} alpha_k E[ln pi_dk]",
            "∂F/∂alpha_k = ∂F/∂eta + Σ_d E[ln pi_dk] - D ψ(alpha_k)",
            "Positive numbers are raised in their logarithm.",
        ],
    );
}

#[test]
fn mixtures_bounds_and_addends() {
    has(
        &page(STUDENT),
        &[
            "y_n | nu, a, b, s ~ StudentT(nu, a + b x_n, scale = s)",
            "u_y[n] ~ Gamma(nu / 2, rate = nu / 2)",
            "y_n | u_y[n] ~ Gaussian(a + b x_n, precision = u_y[n] / s^2)",
            "q(u_y) is its posterior given the parameters, so nothing is lost.",
            "shape[u_y[n]] = 1/2 + 1/2 nu",
            "rate[u_y[n]] = 1/2 nu + 1/2 (y_n - a - x_n b)^2 / s^2",
            "s^2 = (Σ_n E[u_y[n]] (y_n - a - x_n b)^2) / N",
            "∂F/∂eta = -N ψ(eta)",
            "nu matches no family and is raised by the gradient",
        ],
    );
    has(
        &page(PROBIT),
        &[
            "p(won_n | eta_n) = Φ((2 won_n - 1) eta_n)",
            "p(won_n, g_won[n] | eta_n) = Gaussian(g_won[n] | (2 won_n - 1) eta_n, var = 1)",
            "r_n = (2 won_n - 1) (E[skill_{winner_n}] - E[skill_{loser_n}])",
            "E[g_won[n]] = r_n + 1 / Z",
        ],
    );
    has(
        &page(SOFTMAX),
        &[
            "ln(Σ_s exp(eta_ns)) ≤ centre_species[n] + Σ_s ln(1 + exp(eta_ns - centre_species[n]))",
            "A bound: the objective holds it in place of the statement, so it is a lower bound.",
            "centre_species[n] = (1/2 S - 1 + Σ_{sd} x_nd E[w_sd] E[omega_species[n, s]] + Σ_s E[w0_s] E[omega_species[n, s]]) / Σ_s E[omega_species[n, s]]",
            "tilt[omega_species[n, s]]^2 = E[(Σ_d x_nd w_sd + w0_s - centre_species[n])^2]",
        ],
    );
    has(
        &page(LAPLACE_LATENT),
        &[
            "|d_n| ≤ 1/2 (d_n^2 / xi_y[n] + xi_y[n])",
            "with equality at xi_y[n] = |d_n|",
            "xi_y[n] = sqrt(E[(y_n - Σ_d x_nd w_d)^2])",
            "Cov[w]^-1 = I + (Σ_n x_n x_n' / xi_y[n]) / s",
            "s = (1/2 Σ_n xi_y[n] + 1/2 Σ_n E[(y_n - Σ_d x_nd w_d)^2] / xi_y[n]) / N",
            "bounds stand in place of statements, and s is maximised",
        ],
    );
    has(
        &page(FACTORISATION),
        &[
            "Each z_n stands for n_m copies that share one q.",
            "ln(Σ_k a_mk) ≥ Σ_k q(z_n[m] = k) (ln a_mk - ln q(z_n[m] = k))",
            "ln rho_mk = E[ln u_{user_m, k}] + E[ln v_{item_m, k}]",
            "shape[u_sk] = 0.3 + Σ_{m: user_m = s} r_mk n_m",
            "rate[u_sk] = 1 + Σ_{m: user_m = s} E[v_{item_m, k}]",
        ],
    );
}

#[test]
fn penalised_points_and_latents() {
    has(
        &page(CODES),
        &[
            "h_n = argmax(b_n' h_n - 1/2 h_n' A h_n - lambda Σ_k |h_nk|)",
            "A = beta Σ_d W_d W_d'",
            "b_n = beta Σ_d x_nd W_d",
            "r_nk = b_nk - Σ_{j ≠ k} A_kj h_nj",
            "h_nk = sign(r_nk) max(|r_nk| - lambda, 0) / A_kk",
            "|r_nk| ≤ lambda",
            "A_kj = beta Σ_n h_nk h_nj",
            "r_k = b_k - Σ_{j ≠ k} A_kj W_j",
            "W_k = r_k / |r_k|",
            "W0701",
        ],
    );
    has(
        &page(POSITIVE_CODES),
        &[
            "the maximum over h_nk ≥ 0",
            "b_nk = -lambda + beta Σ_d x_nd W_dk",
            "h_nk = max(r_nk, 0) / A_kk",
            "W_k = r_k / max(A_kk, |r_k|)",
        ],
    );
    has(
        &page(BAYESIAN_LASSO),
        &[
            "A = E[tau] Σ_n x_n x_n'",
            "r_d = b_d - Σ_{e ≠ d} A_de E[w_e]",
            "q(w_d) ∝ exp(r_d w_d - 1/2 A_dd w_d^2 - lambda |w_d|)",
            "Z_{+} = sqrt(pi / (2 A_dd)) erfcx((lambda - r_d) / sqrt(2 A_dd))",
            "m_{+} = (r_d - lambda) / A_dd + 1 / (A_dd Z_{+})",
            "m_{-} = (r_d + lambda) / A_dd - 1 / (A_dd Z_{-})",
            "E[|w_d|] = s m_{+} - (1 - s) m_{-}",
            "E[w_d^2] = (1 + r_d E[w_d] - lambda E[|w_d|]) / A_dd",
            "and its own elements from each other",
        ],
    );
    // Locations are those of the model as written, whatever the numbers are computed about.
    let located = page(LOCATED);
    has(
        &located,
        &[
            "q(m) ∝ exp(r m - 1/2 A m^2 - 1/3 |m - 2|)",
            "erfcx((1/3 - (r - 2 A)) / sqrt(2 A))",
        ],
    );
    assert!(!located.contains("mean(y) -"), "{located}");
    has(
        &page(SHIFTED),
        &[
            "- 1/3 |m - 2| - |k - 1|",
            "o_i its location (2 for m and 1 for k, else 0)",
            "v_i = o_i + sign(r_i - A_ii o_i) max(|r_i - A_ii o_i| - l_i, 0) / A_ii",
        ],
    );
}

#[test]
fn medians_orders_and_quadrature() {
    has(
        &page(MEDIAN),
        &[
            "a weighted median: mu = argmin((Σ_n |eta_n|) / s)",
            "with eta_n = y_n - mu",
        ],
    );
    has(
        &page(DEVIATIONS),
        &[
            "least absolute deviations: (a, b) = argmin((Σ_n |eta_n|) / s)",
            "eta_n = y_n - a - x_n b",
            "s = (Σ_n |eta_n|) / N",
        ],
    );
    has(
        &page(INCREASING),
        &[
            "isotonic regression under mu_1 ≤ mu_2 ≤ ...",
            "b_d = Σ_{n: dose_n = d} y_n",
            "(Σ_{d' ∈ pool(d)} b_d') / Σ_{d' ∈ pool(d)} a_d'",
            "pool adjacent violators",
        ],
    );
    has(
        &page(INCREASING_RATE),
        &[
            "rate_d = (Σ_{n: dose_n = d} y_n) / N_d",
            "a pool has the mode of its added terms",
        ],
    );
    has(
        &page(QUADRATURE),
        &[
            "ln q(v) = -(1/2 Σ_a (v_a - m)^2) / s2 + Σ_n y_n v_{g_n} - Σ_n exp(v_{g_n}) - ln Z",
            "adaptive quadrature over the real line",
            "m = (Σ_a E[v_a]) / A",
        ],
    );
}
