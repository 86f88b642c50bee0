//! A fit in a few tables for people.
//!
//! in: a [`Fit`] -> out: text: the method in a sentence, a table for each variable with the labels of its plates, the
//! starts. Large variables are shown in part, and it is said.

use std::fmt::Write;

use ndarray::{ArrayViewD, Axis};

use super::number::{digits, seconds};
use super::table::{clip, render};
use super::{Estimate, Fit};

/// Elements of an axis that are shown.
const SHOWN: usize = 20;
/// Tables that are shown of an array of more than two axes.
const PARTS: usize = 6;
/// Columns that are shown.
const WIDE: usize = 10;
/// Entries of a large simplex that are shown.
const TOP: usize = 8;

/// The whole summary; `data` says what was read.
pub fn text(fit: &Fit, data: &str) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}: {}", fit.model.name, sentence(fit));
    out.push_str(data);
    if let Some(how) = &fit.objective.estimate {
        let _ = writeln!(out, "batches: {how}");
    }
    if !fit.start.is_empty() {
        let _ = writeln!(out, "start: {}", fit.start.join("; "));
    }
    for (name, plate) in &fit.plates.0 {
        if let Some(order) = &plate.order {
            let _ = writeln!(out, "{name}: elements ordered {order}, largest first");
        }
    }
    for (name, e) in &fit.variables.0 {
        out.push('\n');
        out.push_str(&variable(fit, name, e));
    }
    if fit.restarts.len() > 1 {
        out.push('\n');
        out.push_str(&restarts(fit));
    }
    out
}

/// `exact EM, converged after 20 iterations, log-likelihood -1130.26`
pub fn sentence(fit: &Fit) -> String {
    let n = fit.stop.iterations;
    let iterations = format!("{n} iteration{}", if n == 1 { "" } else { "s" });
    let stop = match fit.stop.reason.as_str() {
        "converged" => format!("converged after {iterations}"),
        "max_iter" => format!("stopped at the limit of {iterations}"),
        "interrupted" => format!("interrupted after {iterations}"),
        other => format!("{other} after {iterations}"),
    };
    let value = fit.objective.value;
    let value = value.map_or(String::new(), |v| {
        format!(", {} {v:.2}", objective_words(&fit.objective.kind))
    });
    format!("{}, {stop}{value}", fit.method)
}

/// The objective as a reader says it.
pub fn objective_words(kind: &str) -> &str {
    match kind {
        "log_likelihood" => "log-likelihood",
        "log_posterior" => "log-likelihood + log prior",
        "elbo" => "ELBO",
        "log_joint" => "log joint",
        other => other,
    }
}

/// When and where the time went.
pub fn timing(fit: &Fit) -> String {
    let t = &fit.timing;
    format!(
        "read {}, compiled {}, fitted {} ({} an iteration)",
        seconds(t.load_s),
        seconds(t.compile_s),
        seconds(t.fit_s),
        seconds(t.per_iteration_ms / 1e3),
    )
}

fn restarts(fit: &Fit) -> String {
    let best = fit.objective.value;
    let header = [
        "seed",
        objective_words(&fit.objective.kind),
        "iterations",
        "",
        "",
    ];
    let rows: Vec<Vec<String>> = fit
        .restarts
        .iter()
        .map(|r| {
            vec![
                r.seed.to_string(),
                r.objective.map_or("-".into(), |l| format!("{l:.4}")),
                r.iterations.to_string(),
                r.stop.clone(),
                if r.objective.is_some() && r.objective == best {
                    "best".into()
                } else {
                    String::new()
                },
            ]
        })
        .collect();
    format!("starts\n{}", render(&header.map(String::from), &rows))
}

/// One variable.
pub fn variable(fit: &Fit, name: &str, e: &Estimate) -> String {
    let mut axes = e.axes.clone();
    let probabilities = e
        .parameters
        .as_ref()
        .filter(|_| e.values.is_some())
        .and_then(|p| p.get("probabilities"));
    let (a, what) = match (&e.value, probabilities, &e.mean) {
        (Some(v), ..) => (&v.0, ""),
        (None, Some(p), _) => (&p.0, ": probabilities"),
        (None, None, Some(m)) => (&m.0, ": mean"),
        (None, None, None) => return format!("{name}  {}, {}\n", e.role, e.family),
    };
    if probabilities.is_some() {
        axes.extend(e.values.clone());
    }
    // A file may have been edited: every axis has some name.
    axes.resize(a.ndim(), "axis".into());
    let brackets = match axes.len() {
        0 => String::new(),
        _ => format!("[{}]", axes.join(", ")),
    };
    let kind = match e.family.as_str() {
        "point" => e.domain.clone(),
        family => family.to_string(),
    };
    let sd =
        e.sd.as_ref()
            .map(|s| &s.0)
            .filter(|s| s.shape() == a.shape());
    let square = a.ndim() >= 2 && a.shape()[a.ndim() - 1] == a.shape()[a.ndim() - 2];
    let covariance = e.domain == "covariance" && square;
    let matrix = if covariance {
        ", as sd and correlation"
    } else {
        ""
    };
    let mut out = format!("{name}{brackets}  {}, {kind}{what}{matrix}\n", e.role);
    let labels: Vec<Vec<String>> = axes
        .iter()
        .zip(a.shape())
        .map(|(p, n)| fit.labels(p, *n))
        .collect();
    let shown = Shown {
        axes: &axes,
        labels: &labels,
        simplex: e.domain == "simplex" || probabilities.is_some(),
        covariance,
    };
    shown.array(&mut out, a.view(), sd.map(|s| s.view()), "", 0);
    out
}

/// How an array's axes are called.
struct Shown<'a> {
    axes: &'a [String],
    labels: &'a [Vec<String>],
    simplex: bool,
    covariance: bool,
}

impl Shown<'_> {
    fn array(
        &self,
        out: &mut String,
        a: ArrayViewD<'_, f64>,
        sd: Option<ArrayViewD<'_, f64>>,
        front: &str,
        level: usize,
    ) {
        let title = |plate: &str| match front {
            "" => plate.to_string(),
            f => f.to_string(),
        };
        match (a.ndim(), self.covariance) {
            (0, _) => {
                let x = a.first().copied().unwrap_or(f64::NAN);
                let sd = sd.and_then(|s| s.first().copied());
                let sd = sd.map_or(String::new(), |s| format!("  (sd {})", digits(s)));
                let _ = writeln!(out, "  {}{sd}", digits(x));
            }
            (1, _) => {
                let labels = &self.labels[level];
                if self.simplex && a.len() > SHOWN {
                    let _ = writeln!(out, "  {}", top(&a, labels, front));
                    return;
                }
                let mut header = vec![title(&self.axes[level]), String::new()];
                header.extend(sd.as_ref().map(|_| "sd".to_string()));
                let row = |i: usize| {
                    let mut r = vec![clip(&labels[i], 24), digits(a[[i].as_slice()])];
                    r.extend(sd.as_ref().map(|s| digits(s[[i].as_slice()])));
                    r
                };
                let rows: Vec<Vec<String>> = (0..a.len().min(SHOWN)).map(row).collect();
                out.push_str(&render(&header, &rows));
                more(out, a.len(), SHOWN, &self.axes[level]);
            }
            (2, true) => self.covariance(out, &a, &title(&self.axes[level]), level),
            (2, false) => self.matrix(out, &a, &title(&self.axes[level]), level),
            _ => {
                let n = a.len_of(Axis(0));
                for (i, part) in a.axis_iter(Axis(0)).enumerate().take(PARTS) {
                    let name = format!("{} {}", self.axes[level], clip(&self.labels[level][i], 16));
                    let name = match front {
                        "" => name,
                        f => format!("{f}, {name}"),
                    };
                    self.array(out, part, None, &name, level + 1);
                }
                more(out, n, PARTS, &self.axes[level]);
            }
        }
    }

    fn matrix(&self, out: &mut String, a: &ArrayViewD<'_, f64>, corner: &str, level: usize) {
        let (n, m) = (a.len_of(Axis(0)), a.len_of(Axis(1)));
        let (rows, columns) = (&self.labels[level], &self.labels[level + 1]);
        if self.simplex && m > WIDE {
            for (i, row) in a.axis_iter(Axis(0)).enumerate().take(SHOWN) {
                let _ = writeln!(
                    out,
                    "  {}",
                    top(&row, columns, &format!("{corner} {}", clip(&rows[i], 24)))
                );
            }
            more(out, n, SHOWN, &self.axes[level]);
            return;
        }
        let mut header = vec![corner.to_string()];
        header.extend(columns.iter().take(WIDE).map(|c| clip(c, 16)));
        let body: Vec<Vec<String>> = (0..n.min(SHOWN))
            .map(|i| {
                let mut r = vec![clip(&rows[i], 24)];
                r.extend((0..m.min(WIDE)).map(|j| digits(a[[i, j].as_slice()])));
                r
            })
            .collect();
        out.push_str(&render(&header, &body));
        more(out, n, SHOWN, &self.axes[level]);
        more(out, m, WIDE, &self.axes[level + 1]);
    }

    fn covariance(&self, out: &mut String, a: &ArrayViewD<'_, f64>, corner: &str, level: usize) {
        let n = a.len_of(Axis(0));
        let labels = &self.labels[level];
        let sd: Vec<f64> = (0..n).map(|i| a[[i, i].as_slice()].sqrt()).collect();
        let k = n.min(WIDE);
        let mut header = vec![corner.to_string(), "sd".to_string()];
        header.extend(labels.iter().take(k).map(|c| clip(c, 16)));
        let body: Vec<Vec<String>> = (0..k)
            .map(|i| {
                let mut r = vec![clip(&labels[i], 24), digits(sd[i])];
                r.extend((0..k).map(|j| {
                    let c = a[[i, j].as_slice()] / (sd[i] * sd[j]);
                    let c = if i == j { 1.0 } else { (1e4 * c).round() / 1e4 };
                    digits(c)
                }));
                r
            })
            .collect();
        out.push_str(&render(&header, &body));
        more(out, n, WIDE, &self.axes[level]);
    }
}

fn more(out: &mut String, n: usize, shown: usize, plate: &str) {
    if n > shown {
        let _ = writeln!(out, "  ... and {} more of {plate}", n - shown);
    }
}

/// The largest entries of a simplex.
fn top(a: &ArrayViewD<'_, f64>, labels: &[String], front: &str) -> String {
    let mut order: Vec<usize> = (0..a.len()).collect();
    let values: Vec<f64> = a.iter().copied().collect();
    order.sort_by(|i, j| values[*j].total_cmp(&values[*i]));
    let listed: Vec<String> = order
        .iter()
        .take(TOP)
        .map(|i| format!("{} {}", clip(&labels[*i], 24), short(values[*i])))
        .collect();
    let front = if front.is_empty() { "largest" } else { front };
    format!("{front}: {}, ...", listed.join(", "))
}

/// Three digits are enough in a list.
fn short(x: f64) -> String {
    if x >= 1e-3 {
        let text = format!("{x:.3}");
        return text;
    }
    digits(x)
}
