//! Data at the edge: one row, constant columns, components without weight, blank rows, impossible rows.

use serde_json::json;

use crate::exact::logsumexp;
use crate::fixture::{fit, refusal, same, same_list};
use crate::special::ln_normal;

const FULL: &str = "data row { x[f] : real = (a, b) }
    plate k(2)
    param weight : simplex over k
    param mu[k] : real over f
    param S[k] : covariance over f
    latent z[row] ~ Categorical(weight)
    observe x[row] ~ Gaussian(mu[z], cov = S[z]) over f";

const DIAGONAL: &str = "data row { y : real }
    plate k(2)
    param weight : simplex over k
    param mu[k] : real
    param s2[k] : positive
    latent z[row] ~ Categorical(weight)
    observe y[row] ~ Gaussian(mu[z], var = s2[z])";

#[test]
fn a_constant_column_has_no_bounded_objective() {
    let start = json!({"weight": [0.5, 0.5], "mu": [[0, 7], [2, 7]],
        "S": [[[1, 0], [0, 1]], [[1, 0], [0, 1]]]});
    for init in [None, Some(start)] {
        let (codes, text) = refusal(FULL, "a,b\n0,7\n1,7\n2,7\n3,7\n5,7\n", init, 20);
        assert_eq!(codes, ["E0715"], "{text}");
        assert!(text.contains("S[k = "), "{text}");
    }
}

#[test]
fn one_row_under_a_free_variance() {
    let (codes, text) = refusal(DIAGONAL, "y\n3\n", None, 20);
    assert_eq!(codes, ["E0715"], "{text}");
}

#[test]
fn one_row_under_known_variances() {
    let model = "data row { y : real }
        plate k(2)
        param weight : simplex over k
        param mu[k] : real
        latent z[row] ~ Categorical(weight)
        observe y[row] ~ Gaussian(mu[z], var = 2)";
    let init = json!({"weight": [0.5, 0.5], "mu": [0, 1]});
    let f = fit(model, "y\n3\n", Some(init), 30);
    same_list("mu", &f.get("mu", "value"), &[3.0, 3.0], 1e-9);
    same("l", f.last(), ln_normal(3.0, 3.0, 2.0), 1e-9);
}

#[test]
fn a_component_without_weight_keeps_its_value() {
    let init = json!({"weight": [1.0, 0.0], "mu": [1.0, 40.0], "s2": [2.0, 3.0]});
    let f = fit(DIAGONAL, "y\n0\n1\n2\n4\n", Some(init), 3);
    same_list("weight", &f.get("weight", "value"), &[1.0, 0.0], 1e-12);
    same_list("mu", &f.get("mu", "value"), &[1.75, 40.0], 1e-10);
    same_list("s2", &f.get("s2", "value"), &[2.1875, 3.0], 1e-10);
    let l: f64 = [0.0, 1.0, 2.0, 4.0]
        .map(|y| ln_normal(y, 1.75, 2.1875))
        .iter()
        .sum();
    same("l", f.last(), l, 1e-10);
    assert!(
        f.warnings().iter().any(|w| w == "W0701"),
        "{:?}",
        f.warnings()
    );
}

#[test]
fn a_full_component_without_weight_keeps_its_value() {
    let init = json!({"weight": [1.0, 0.0], "mu": [[1, 1], [40, 41]],
        "S": [[[2, 0], [0, 2]], [[3, 1], [1, 3]]]});
    let f = fit(FULL, "a,b\n0,1\n1,3\n2,2\n4,0\n1,1\n", Some(init), 3);
    same_list("mu", &f.get("mu", "value")[2..], &[40.0, 41.0], 1e-10);
    same_list("S", &f.get("S", "value")[4..], &[3.0, 1.0, 1.0, 3.0], 1e-10);
    assert!(
        f.warnings().iter().any(|w| w == "W0701"),
        "{:?}",
        f.warnings()
    );
}

#[test]
fn a_blank_row_keeps_the_prior() {
    let model = "data row { y : real  n : count }
        plate k(2)
        param weight : simplex over k
        param mu[k] : real
        param rate[k] : positive
        latent z[row] ~ Categorical(weight)
        observe y[row] ~ Gaussian(mu[z], var = 1)
        observe n[row] ~ Poisson(rate[z])";
    let init = json!({"weight": [0.3, 0.7], "mu": [0, 4], "rate": [1, 5]});
    let without = "y,n\n0.5,1\n3,4\n5,7\n";
    let with = "y,n\n0.5,1\n,\n3,4\nNA,?\n5,7\n";
    let a = fit(model, without, Some(init.clone()), 0);
    let b = fit(model, with, Some(init.clone()), 0);
    same("l", b.last(), a.last(), 1e-12);
    let (a, b) = (
        fit(model, without, Some(init.clone()), 1),
        fit(model, with, Some(init), 1),
    );
    // the blank rows count for the weights only, at the prior
    let (wa, wb) = (a.get("weight", "value"), b.get("weight", "value"));
    let want: Vec<f64> = wa
        .iter()
        .zip([0.3, 0.7])
        .map(|(w, p)| (3.0 * w + 2.0 * p) / 5.0)
        .collect();
    same_list("weight", &wb, &want, 1e-10);
    for p in ["mu", "rate"] {
        same_list(p, &a.get(p, "value"), &b.get(p, "value"), 1e-10);
    }
}

#[test]
fn nothing_but_blanks() {
    let f = fit(
        "data row { y : real }
        latent mu ~ Gaussian(1, var = 3)
        observe y[row] ~ Gaussian(mu, var = 2)",
        "y,other\n,1\n,2\n",
        None,
        2,
    );
    same("evidence", f.last(), 0.0, 1e-12);
    same_list("mean", &f.get("mu", "mean"), &[1.0], 1e-12);
    same_list("variance", &f.get("mu", "variance"), &[3.0], 1e-12);
}

#[test]
fn an_impossible_row_is_named() {
    let model = "data row { v : binary  u : binary }
        plate k(2)
        param weight : simplex over k
        param p[k] : probability
        param q[k] : probability
        latent z[row] ~ Categorical(weight)
        observe v[row] ~ Bernoulli(p[z])
        observe u[row] ~ Bernoulli(q[z])";
    let init = json!({"weight": [0.5, 0.5], "p": [0, 1], "q": [0, 1]});
    let (codes, text) = refusal(model, "v,u\n0,0\n1,1\n0,1\n1,1\n", Some(init), 3);
    assert_eq!(codes, ["E0710"], "{text}");
    assert!(text.contains("row") && text.contains('3'), "{text}");
}

#[test]
fn an_impossible_row_of_no_weight_is_none() {
    let model = "data row { v : binary  u : binary  w : weight }
        plate k(2)
        param weight : simplex over k
        param p[k] : probability
        param q[k] : probability
        latent z[row] ~ Categorical(weight)
        observe v[row] ~ Bernoulli(p[z])
        observe u[row] ~ Bernoulli(q[z])";
    let init = json!({"weight": [0.25, 0.75], "p": [0, 1], "q": [0, 1]});
    let f = fit(model, "v,u,w\n0,0,1\n1,1,1\n0,1,0\n1,1,2\n", Some(init), 0);
    same("l", f.last(), 0.25f64.ln() + 3.0 * 0.75f64.ln(), 1e-12);
}

#[test]
fn probabilities_may_reach_the_boundary() {
    // every success in one class: p goes to 0 and 1 exactly
    let model = "data row { v : binary }
        param p : probability
        observe v[row] ~ Bernoulli(p)";
    for (csv, want) in [("v\n1\n1\n", 1.0), ("v\n0\n0\n0\n", 0.0)] {
        let f = fit(model, csv, None, 3);
        same_list("p", &f.get("p", "value"), &[want], 1e-15);
        same("l", f.last(), 0.0, 1e-12);
    }
}

#[test]
fn a_prior_below_one_puts_the_mode_on_the_boundary() {
    let model = "plate letter { x, y, z }
        data row { letter : label }
        param p ~ Dirichlet(0.5) over letter
        observe letter[row] ~ Categorical(p)";
    let f = fit(model, "letter\nx\ny\nx\nx\n", None, 3);
    same_list(
        "p",
        &f.get("p", "value"),
        &[2.5 / 3.0, 0.5 / 3.0, 0.0],
        1e-12,
    );
    assert_eq!(f.warnings(), ["W0502"]);
}

#[test]
fn counts_that_are_all_zero() {
    let model = "data row { n : count  e : positive }
        param rate : positive
        observe n[row] ~ Poisson(e * rate)";
    let f = fit(model, "n,e\n0,1\n0,2\n", None, 3);
    same_list("rate", &f.get("rate", "value"), &[0.0], 1e-15);
    same("l", f.last(), 0.0, 1e-12);
}

#[test]
fn a_count_that_one_component_never_shows() {
    // b is 0 wherever a is small: started apart, its rate in the first component is 0 for good
    let model = "data row { n[side] : count = (a, b) }
        plate k(2)
        param weight : simplex over k
        param rate[k, side] : positive
        latent z[row] ~ Categorical(weight)
        observe n[row, side] ~ Poisson(rate[z])";
    let init = json!({"z": {"label": [0, 0, 1, 1, 0]}});
    let rows = [(1.0, 0.0), (0.0, 0.0), (9.0, 7.0), (12.0, 4.0), (2.0, 0.0)];
    let csv: String = rows.iter().map(|(a, b)| format!("{b},{a}\n")).collect();
    let f = fit(model, &format!("b,a\n{csv}"), Some(init), 5);
    let (w, r) = (f.get("weight", "value"), f.get("rate", "value"));
    assert_eq!(r[1], 0.0);
    let ln = crate::special::ln_poisson;
    let l: f64 = rows
        .iter()
        .map(|(a, b)| {
            let e = |k: usize| w[k].ln() + ln(*a, r[2 * k]) + ln(*b, r[2 * k + 1]);
            logsumexp(&[e(0), e(1)])
        })
        .sum();
    same("l", f.last(), l, 1e-10);
    // such a fit is a start like any other
    let again = json!({"weight": w, "rate": [[r[0], r[1]], [r[2], r[3]]]});
    let g = fit(model, &format!("b,a\n{csv}"), Some(again), 0);
    same("from there", g.last(), l, 1e-10);
}

#[test]
fn a_variance_of_zero_is_no_start() {
    let init = json!({"weight": [0.5, 0.5], "mu": [1, 2], "s2": [0, 1]});
    let (codes, text) = refusal(DIAGONAL, "y\n0\n1\n2\n4\n", Some(init), 3);
    assert_eq!(codes, ["E0714"], "{text}");
}

#[test]
fn a_part_of_the_start_is_enough() {
    // the means alone: equal weights and variances of 1 beside them, and no random assignment that overwrites them
    let y = [0.0, 1.0, 2.0, 4.0, 5.0, 6.5, 0.5];
    let csv = "y\n0\n1\n2\n4\n5\n6.5\n0.5\n";
    let l = |t: &[f64]| {
        let e = |y: f64, k: usize| t[k].ln() + ln_normal(y, t[2 + k], t[4 + k]);
        y.iter()
            .map(|y| logsumexp(&[e(*y, 0), e(*y, 1)]))
            .sum::<f64>()
    };
    let f = fit(DIAGONAL, csv, Some(json!({"mu": [0.5, 5]})), 8);
    let start = [0.5, 0.5, 0.5, 5.0, 1.0, 1.0];
    same("start", f.outcome.trace[0], l(&start), 1e-10);
    same("l", f.last(), l(&f.points(&["weight", "mu", "s2"])), 1e-10);
}

#[test]
fn a_start_that_tells_no_components_apart_is_completed() {
    let csv = "y\n0\n1\n2\n4\n5\n6.5\n0.5\n3\n";
    for init in [json!({"s2": [2, 2]}), json!({"weight": [0.4, 0.6]})] {
        let model = DIAGONAL.replace(
            "param s2[k] : positive",
            "param s2[k] ~ InverseGamma(2, scale = 1)",
        );
        let f = fit(&model, csv, Some(init), 20);
        let mu = f.get("mu", "value");
        assert!((mu[0] - mu[1]).abs() > 0.5, "{mu:?}");
    }
}

#[test]
fn zeros_of_a_mixed_table_do_not_make_a_row_impossible() {
    // a simplex entry of exactly 0 beside a blank label: the blank row is possible everywhere
    let model = "plate letter { x, y }
        data row { letter : label  w : weight }
        plate k(2)
        param weight : simplex over k
        param p[k] : simplex over letter
        latent z[row] ~ Categorical(weight)
        observe letter[row] ~ Categorical(p[z])";
    let init = json!({"weight": [0.25, 0.75], "p": [[1, 0], [0, 1]]});
    let f = fit(model, "letter,w\nx,1\n,2\ny,1\n", Some(init), 2);
    same_list(
        "weight",
        &f.get("weight", "value"),
        &[0.4375, 0.5625],
        1e-12,
    );
    let l = 0.4375f64.ln() + 0.5625f64.ln();
    same("l", f.last(), l, 1e-12);
}

#[test]
fn a_prior_that_pulls_a_rate_to_zero_is_unbounded() {
    let model = "data row { n : count }
        param rate ~ Gamma(0.5, rate = 1)
        observe n[row] ~ Poisson(rate)";
    let (codes, text) = refusal(model, "n\n0\n0\n", None, 3);
    assert_eq!(codes, ["E0715"], "{text}");
}

#[test]
fn more_components_than_rows() {
    let model = "data row { n[side] : count = (a, b) }
        plate k(5)
        param weight : simplex over k
        param rate[k, side] : positive
        latent z[row] ~ Categorical(weight)
        observe n[row, side] ~ Poisson(rate[z])";
    let f = fit(model, "a,b\n3,1\n7,2\n", None, 50);
    assert!(f.last().is_finite());
    // no better than a rate for each cell, no worse than one for all rows
    let ln = |n: f64, rate: f64| crate::special::ln_poisson(n, rate);
    let cells = [(3.0, 5.0), (1.0, 1.5), (7.0, 5.0), (2.0, 1.5)];
    let best: f64 = cells.iter().map(|(n, _)| ln(*n, *n)).sum();
    let worst: f64 = cells.iter().map(|(n, r)| ln(*n, *r)).sum();
    let l = f.last();
    assert!(l <= best + 1e-9 && l >= worst - 1e-3, "{worst} {l} {best}");
}

#[test]
fn collinear_columns_have_a_least_norm_solution() {
    let model = "data row { y : real  x[f] : real = (a, b) }
        param w[f] : real
        param s2 : positive
        observe y[row] ~ Gaussian(sum(w * x over f), var = s2)";
    let f = fit(model, "y,a,b\n1,1,2\n2.5,2,4\n2.8,3,6\n", None, 3);
    // a + 2b is what the data decide: sum x y / sum x^2 of x = a
    let w = f.get("w", "value");
    let slope = (1.0 + 5.0 + 8.4) / 14.0;
    same("w_a + 2 w_b", w[0] + 2.0 * w[1], slope, 1e-8);
    same_list("least norm", &w, &[slope / 5.0, 2.0 * slope / 5.0], 1e-6);
}

/// Four equal rows draw one component in until only rounding is left of its spread: that is no objective that falls, and no
/// fit either.
#[test]
fn a_component_on_equal_rows_is_unbounded() {
    let same = "12.59,13.36\n".repeat(4);
    let csv = format!("a,b\n{same}5.21,8.43\n11.2,5.71\n8.26,8.91\n18.15,7.83\n8.91,7.0\n");
    for tilt in [0.0, 0.3, 0.6] {
        let init = json!({"weight": [0.5, 0.5], "mu": [[12.5 + tilt, 13], [10, 8]],
            "S": [[[4, 0.5], [0.5, 4]], [[20, 1], [1, 9]]]});
        let (codes, text) = refusal(FULL, &csv, Some(init), 200);
        assert_eq!(codes, ["E0715"], "{text}");
        assert!(text.contains("S[k = 1]"), "{text}");
    }
}

/// One row gives a covariance of rank one, which rounding may leave just definite.
#[test]
fn a_covariance_of_rank_one_is_unbounded() {
    let model = "data row { x[f] : real = (a, b) }
        param C : covariance over f
        observe x[row] ~ Gaussian(0, cov = C) over f";
    for row in ["-1.47,0.32", "0.1,0.7", "3,0.3"] {
        let (codes, text) = refusal(model, &format!("a,b\n0,0\n{row}\n"), None, 6);
        assert_eq!(codes, ["E0715"], "{text}");
    }
}

/// Spreads that are small beside those they began with, but not gone, are a fit.
#[test]
fn small_spreads_are_no_collapse() {
    let noise = [[1.0, -2.0, 1.5, 0.5], [-1.0, 0.0, 2.0, 4.0]];
    let rows = noise.iter().zip([0.0, 10.0]);
    let csv: String = rows
        .flat_map(|(list, at)| list.iter().map(move |e| format!("{}\n", at + 1e-3 * e)))
        .collect();
    let init = json!({"weight": [0.5, 0.5], "mu": [4, 6], "s2": [30, 30]});
    let f = fit(DIAGONAL, &format!("y\n{csv}"), Some(init), 60);
    let variance = |v: &[f64]| {
        let m = v.iter().sum::<f64>() / 4.0;
        1e-6 * v.iter().map(|x| (x - m).powi(2)).sum::<f64>() / 4.0
    };
    let want: Vec<f64> = noise.iter().map(|v| variance(v)).collect();
    same_list("s2", &f.get("s2", "value"), &want, 1e-12);
}
