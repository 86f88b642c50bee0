//! Blank cells that something depends on: evidence with the blank part integrated out by hand, EM by hand, closed forms.

use serde_json::json;

use crate::exact::{Exact, Shape, mixture};
use crate::fixture::{fit, same, same_list};
use crate::special::{inverse, ln_gamma_pdf, ln_mvn, ln_normal, ln_poisson};

/// x and y of a regression on a column with blanks.
const XY: [(Option<f64>, Option<f64>); 9] = [
    (Some(1.2), Some(2.0)),
    (None, Some(-1.5)),
    (Some(-0.7), Some(0.1)),
    (Some(2.5), None),
    (None, None),
    (None, Some(4.2)),
    (Some(0.3), Some(1.9)),
    (Some(-1.8), Some(-2.2)),
    (None, Some(0.4)),
];

const REGRESSION: &str = "data row { x : real  y : real  w : weight }
    param m : real
    param s : positive
    param a : real
    param b : real
    param t : positive
    observe x[row] ~ Gaussian(m, var = s)
    observe y[row] ~ Gaussian(a * x + b, var = t)";

fn cell(x: Option<f64>) -> String {
    x.map_or(String::new(), |x| x.to_string())
}

fn regression_csv() -> String {
    let mut csv = String::from("x,y,w\n");
    for (n, (x, y)) in XY.iter().enumerate() {
        csv += &format!("{},{},{}\n", cell(*x), cell(*y), [1.0, 0.5, 2.0][n % 3]);
    }
    csv
}

#[test]
fn a_regression_on_a_column_with_blanks() {
    let l = |p: &[f64]| {
        let [m, s, a, b, t] = p else { unreachable!() };
        let row = |x: Option<f64>, y: Option<f64>| match (x, y) {
            (Some(x), Some(y)) => ln_normal(x, *m, *s) + ln_normal(y, a * x + b, *t),
            (Some(x), None) => ln_normal(x, *m, *s),
            (None, Some(y)) => ln_normal(y, a * m + b, a * a * s + t),
            (None, None) => 0.0,
        };
        let rows = XY.iter().enumerate();
        rows.map(|(n, (x, y))| [1.0, 0.5, 2.0][n % 3] * row(*x, *y))
            .sum::<f64>()
    };
    let csv = regression_csv();
    let case = Exact {
        model: REGRESSION,
        csv: &csv,
        init: json!({"m": 0.2, "s": 1.5, "a": 0.8, "b": 0.3, "t": 0.9}),
        params: &[
            ("m", Shape::Free(1)),
            ("s", Shape::Free(1)),
            ("a", Shape::Free(1)),
            ("b", Shape::Free(1)),
            ("t", Shape::Free(1)),
        ],
        method: "exact EM",
        objective: "log_likelihood",
        log_likelihood: &l,
    };
    case.trace();
    let f = case.fit(0);
    let (m, s, a, b, t) = (0.2, 1.5, 0.8, 0.3, 0.9);
    let (mean, variance) = (f.get("x", "mean"), f.get("x", "variance"));
    for (n, (x, y)) in XY.iter().enumerate() {
        let gain = a * s / (a * a * s + t);
        let want = match (x, y) {
            (Some(x), _) => (*x, 0.0),
            (None, Some(y)) => (m + gain * (y - a * m - b), s - gain * a * s),
            (None, None) => (m, s),
        };
        same("E[x]", mean[n], want.0, 1e-12);
        same("Var[x]", variance[n], want.1, 1e-12);
    }
}

/// Rows of three numbers, blank in several patterns.
fn vectors() -> Vec<[Option<f64>; 3]> {
    let x = [
        [1.0, 2.0, 0.5],
        [0.2, 1.1, -0.3],
        [2.2, 2.9, 1.9],
        [-1.0, 0.4, -0.9],
        [0.6, 0.9, 1.4],
        [1.7, 3.1, 0.2],
        [-0.4, 0.1, 0.3],
        [0.9, 1.2, -1.1],
        [1.4, 2.2, 0.8],
        [0.0, -0.5, 0.1],
    ];
    let there = [
        "111", "110", "111", "011", "101", "111", "100", "111", "000", "110",
    ];
    x.iter()
        .zip(there)
        .map(|(x, t)| {
            let mut t = t.chars();
            x.map(|x| (t.next() == Some('1')).then_some(x))
        })
        .collect()
}

/// EM of one Gaussian with blanks: the log-likelihood before each step, mu and Sigma at the end.
fn hand_em(steps: usize) -> (Vec<f64>, Vec<f64>, Vec<Vec<f64>>) {
    let mut mu = vec![0.5, 1.0, 0.2];
    let mut sigma = vec![
        vec![1.0, 0.3, 0.1],
        vec![0.3, 1.5, 0.2],
        vec![0.1, 0.2, 0.8],
    ];
    let mut trace = vec![];
    for step in 0..=steps {
        let mut l = 0.0;
        let mut filled: Vec<Vec<f64>> = vec![];
        let mut spread = vec![vec![0.0; 3]; 3];
        for x in vectors() {
            let there: Vec<usize> = (0..3).filter(|d| x[*d].is_some()).collect();
            let blank: Vec<usize> = (0..3).filter(|d| x[*d].is_none()).collect();
            let part = |a: &[usize], b: &[usize]| -> Vec<Vec<f64>> {
                a.iter()
                    .map(|i| b.iter().map(|j| sigma[*i][*j]).collect())
                    .collect()
            };
            let v = inverse(&part(&there, &there));
            let y: Vec<f64> = there.iter().map(|d| x[*d].expect("there")).collect();
            let m: Vec<f64> = there.iter().map(|d| mu[*d]).collect();
            if !there.is_empty() {
                l += ln_mvn(&y, &m, &part(&there, &there));
            }
            let cross = part(&blank, &there);
            let mut full: Vec<f64> = (0..3).map(|d| x[d].unwrap_or(0.0)).collect();
            for (i, d) in blank.iter().enumerate() {
                full[*d] = mu[*d];
                for j in 0..there.len() {
                    for k in 0..there.len() {
                        full[*d] += cross[i][j] * v[j][k] * (y[k] - m[k]);
                    }
                }
                for (h, e) in blank.iter().enumerate() {
                    let mut c = sigma[*d][*e];
                    for j in 0..there.len() {
                        for k in 0..there.len() {
                            c -= cross[i][j] * v[j][k] * cross[h][k];
                        }
                    }
                    spread[*d][*e] += c;
                }
            }
            filled.push(full);
        }
        trace.push(l);
        if step == steps {
            break;
        }
        let n = filled.len() as f64;
        mu = (0..3)
            .map(|d| filled.iter().map(|x| x[d]).sum::<f64>() / n)
            .collect();
        sigma = (0..3)
            .map(|d| {
                (0..3)
                    .map(|e| {
                        let s: f64 = filled.iter().map(|x| (x[d] - mu[d]) * (x[e] - mu[e])).sum();
                        (s + spread[d][e]) / n
                    })
                    .collect()
            })
            .collect();
    }
    (trace, mu, sigma)
}

#[test]
fn a_full_gaussian_with_blank_cells() {
    let model = "data row { x[feature] : real = rest }
        param mu : real over feature
        param Sigma : covariance over feature
        observe x[row] ~ Gaussian(mu, cov = Sigma) over feature";
    let mut csv = String::from("a,b,c\n");
    for x in vectors() {
        csv += &format!("{},{},{}\n", cell(x[0]), cell(x[1]), cell(x[2]));
    }
    let start = json!({"mu": [0.5, 1.0, 0.2],
        "Sigma": [[1.0, 0.3, 0.1], [0.3, 1.5, 0.2], [0.1, 0.2, 0.8]]});
    let (trace, mu, sigma) = hand_em(6);
    let f = fit(model, &csv, Some(start), 6);
    assert_eq!((f.method, f.objective), ("exact EM", "log_likelihood"));
    same_list("log-likelihood", &f.outcome.trace, &trace, 1e-11);
    same_list("mu", &f.get("mu", "value"), &mu, 1e-10);
    same_list("Sigma", &f.get("Sigma", "value"), &sigma.concat(), 1e-10);
}

#[test]
fn far_from_zero_blank_cells_lose_nothing() {
    let model = "data row { x[feature] : real = rest }
        param mu : real over feature
        param Sigma : covariance over feature
        observe x[row] ~ Gaussian(mu, cov = Sigma) over feature";
    let shift = 1048576.0;
    let csv = |shift: f64| {
        let mut csv = String::from("a,b,c\n");
        for x in vectors() {
            let x = x.map(|x| cell(x.map(|x| x + shift)));
            csv += &(x.join(",") + "\n");
        }
        csv
    };
    let sigma = [[1.0, 0.3, 0.1], [0.3, 1.5, 0.2], [0.1, 0.2, 0.8]];
    let start = |s: f64| Some(json!({"mu": [0.5 + s, 1.0 + s, 0.25 + s], "Sigma": sigma}));
    let near = fit(model, &csv(0.0), start(0.0), 20);
    let far = fit(model, &csv(shift), start(shift), 20);
    same("log-likelihood", far.last(), near.last(), 1e-8);
    let both = [&far, &near].map(|f| f.get("Sigma", "value"));
    same_list("Sigma", &both[0], &both[1], 1e-7);
}

#[test]
fn blank_positive_numbers() {
    let rows = [
        (Some(1.5), 2.0),
        (None, 4.0),
        (Some(0.4), 0.0),
        (None, 0.0),
        (Some(3.0), 5.0),
    ];
    let mut csv = String::from("x,n\n");
    rows.iter()
        .for_each(|(x, n)| csv += &format!("{},{n}\n", cell(*x)));
    // The blank x integrated out: Gamma(2, rate r) and Poisson(x) give n a negative binomial distribution.
    let l = |p: &[f64]| -> f64 {
        let r = p[0];
        let row = |x: Option<f64>, n: f64| match x {
            Some(x) => ln_gamma_pdf(x, 2.0, r) + ln_poisson(n, x),
            // Gamma(2 + n) / (Gamma(2) n!) = n + 1
            None => (n + 1.0).ln() + 2.0 * r.ln() - (2.0 + n) * (r + 1.0).ln(),
        };
        rows.iter().map(|(x, n)| row(*x, *n)).sum()
    };
    let case = Exact {
        model: "data row { x : positive  n : count }
            param r : positive
            observe x[row] ~ Gamma(2, rate = r)
            observe n[row] ~ Poisson(x)",
        csv: &csv,
        init: json!({"r": 0.7}),
        params: &[("r", Shape::Free(1))],
        method: "exact EM",
        objective: "log_likelihood",
        log_likelihood: &l,
    };
    case.trace();
}

#[test]
fn an_autoregression_with_gaps() {
    let x = [
        Some(0.5),
        None,
        Some(1.4),
        Some(0.2),
        None,
        None,
        Some(-1.0),
    ];
    let mut csv = String::from("t,x\n");
    for (t, x) in x.iter().enumerate() {
        csv += &format!("{t},{}\n", cell(*x));
    }
    // The joint Gaussian of all steps, and its marginal over those that are there.
    let l = |p: &[f64]| -> f64 {
        let (phi, q) = (p[0], p[1]);
        let mut c = vec![vec![0.0; 7]; 7];
        for i in 0..7 {
            c[i][i] = if i == 0 {
                2.0
            } else {
                phi * phi * c[i - 1][i - 1] + q
            };
            for j in i + 1..7 {
                c[i][j] = phi.powi((j - i) as i32) * c[i][i];
                c[j][i] = c[i][j];
            }
        }
        let there: Vec<usize> = (0..7).filter(|i| x[*i].is_some()).collect();
        let y: Vec<f64> = there.iter().map(|i| x[*i].expect("there")).collect();
        let c: Vec<Vec<f64>> = there
            .iter()
            .map(|i| there.iter().map(|j| c[*i][*j]).collect())
            .collect();
        ln_mvn(&y, &vec![0.0; y.len()], &c)
    };
    let case = Exact {
        model: "data step ordered by t { x : real }
            param phi : real
            param q : positive
            observe x[step] ~ Gaussian(phi * x[step-1], var = q) first Gaussian(0, var = 2)",
        csv: &csv,
        init: json!({"phi": 0.6, "q": 0.8}),
        params: &[("phi", Shape::Free(1)), ("q", Shape::Free(1))],
        method: "exact EM",
        objective: "log_likelihood",
        log_likelihood: &l,
    };
    case.trace();
}

#[test]
fn vectors_with_blanks_in_a_mixture() {
    let rows = vectors();
    let mut csv = String::from("a,b,c,w\n");
    let weight = |n: usize| [1.0, 0.5, 2.0][n % 3];
    for (n, x) in rows.iter().enumerate() {
        let x = x.map(cell);
        csv += &format!("{},{}\n", x.join(","), weight(n));
    }
    // weight, mu, Sigma; the cells that are there have a marginal Gaussian under each component.
    let l = |p: &[f64]| {
        let joint = |n: usize, k: usize| {
            let there: Vec<usize> = (0..3).filter(|d| rows[n][*d].is_some()).collect();
            if there.is_empty() {
                return p[k].ln();
            }
            let y: Vec<f64> = there.iter().map(|d| rows[n][*d].expect("there")).collect();
            let m: Vec<f64> = there.iter().map(|d| p[2 + 3 * k + d]).collect();
            let s = &p[8 + 9 * k..17 + 9 * k];
            let s: Vec<Vec<f64>> = there
                .iter()
                .map(|d| there.iter().map(|e| s[3 * d + e]).collect())
                .collect();
            p[k].ln() + ln_mvn(&y, &m, &s)
        };
        mixture(rows.len(), 2, weight, joint).0
    };
    let case = Exact {
        model: "data row { x[feature] : real = (a, b, c)  w : weight }
            plate k(2)
            param p : simplex over k
            param mu[k] : real over feature
            param Sigma[k] : covariance over feature
            latent z[row] ~ Categorical(p)
            observe x[row] ~ Gaussian(mu[z], cov = Sigma[z]) over feature",
        csv: &csv,
        init: json!({"p": [0.4, 0.6], "mu": [[0.5, 1, 0], [1, 1.5, 0.5]],
            "Sigma": [[[2, 0.3, 0.1], [0.3, 2, 0.2], [0.1, 0.2, 2]],
                [[3, 0, 0.5], [0, 3, 0], [0.5, 0, 3]]]}),
        params: &[
            ("p", Shape::Simplex(1, 2)),
            ("mu", Shape::Free(6)),
            ("Sigma", Shape::Matrix(2, 3)),
        ],
        method: "exact EM",
        objective: "log_likelihood",
        log_likelihood: &l,
    };
    case.trace();
}

/// A blank in a fold along a group leaves nothing of that row's value; a fold over rows leaves the blank row out.
#[test]
fn folds_skip_blanks_along_rows_alone() {
    let model = "data row { x[d] : real = (a, b) }
        let m[row] = mean(x over d)
        let s[row] = sum(x over d)
        param u : real
        param v : real
        observe m[row] ~ Gaussian(u, var = 2)
        observe s[row] ~ Gaussian(v, var = 3)";
    let f = fit(model, "a,b\n1,2\n3,\n4,7\n,\n", None, 2);
    let (m, s) = ([1.5, 5.5], [3.0, 11.0]);
    crate::fixture::same("u", f.points(&["u"])[0], 3.5, 1e-12);
    crate::fixture::same("v", f.points(&["v"])[0], 7.0, 1e-12);
    let ln = crate::special::ln_normal;
    let want: f64 = m.iter().map(|x| ln(*x, 3.5, 2.0)).sum::<f64>()
        + s.iter().map(|x| ln(*x, 7.0, 3.0)).sum::<f64>();
    crate::fixture::same("log likelihood", f.last(), want, 1e-12);
}
