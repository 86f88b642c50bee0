//! What was checked, how far two numbers were apart, and whether that is too far.

use serde::Serialize;

/// What a check is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// E_q[log p]
    Expectation,
    /// H(q)
    Entropy,
    /// A block after its update.
    Update,
    /// log p(v, h) - log q(h)
    Posterior,
    /// log p(v)
    Evidence,
    /// The gradient of log p(v)
    Gradient,
    /// The objective from update to update.
    Monotone,
    /// One thread and two.
    Threads,
}

impl Kind {
    /// As printed.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Expectation => "expectation",
            Kind::Entropy => "entropy",
            Kind::Update => "update",
            Kind::Posterior => "posterior",
            Kind::Evidence => "evidence",
            Kind::Gradient => "gradient",
            Kind::Monotone => "monotone",
            Kind::Threads => "threads",
        }
    }

    /// The largest relative difference that counts as equal.
    pub fn tolerance(self) -> f64 {
        match self {
            Kind::Expectation | Kind::Entropy | Kind::Posterior | Kind::Evidence => 1e-9,
            Kind::Update => 1e-8,
            Kind::Gradient => 1e-6,
            Kind::Monotone => 1e-9,
            Kind::Threads => 0.0,
        }
    }
}

/// How a check ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Equal within the tolerance.
    Ok,
    /// Too far apart; where and what.
    Failed(String),
    /// Not made; why.
    Skipped(String),
}

/// One line of the report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// What it is about.
    pub kind: Kind,
    /// What was compared.
    pub what: String,
    /// How many comparisons.
    pub count: usize,
    /// The worst relative difference.
    pub worst: f64,
    /// The largest one that counts as equal.
    pub tolerance: f64,
    /// How it ended.
    pub outcome: Outcome,
}

/// All checks of one model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The model.
    pub model: String,
    /// The derived algorithm.
    pub method: String,
    /// The checks, in order of kind.
    pub checks: Vec<Check>,
    /// Starts that ended early, with the reason.
    pub notes: Vec<String>,
}

impl Report {
    pub(super) fn new(model: &str, method: &str) -> Report {
        Report {
            model: model.into(),
            method: method.into(),
            checks: vec![],
            notes: vec![],
        }
    }

    /// True if no check failed.
    pub fn passed(&self) -> bool {
        self.failures().next().is_none()
    }

    /// The checks that failed.
    pub fn failures(&self) -> impl Iterator<Item = &Check> {
        let failed = |c: &&Check| matches!(c.outcome, Outcome::Failed(_));
        self.checks.iter().filter(failed)
    }

    fn slot(&mut self, kind: Kind, what: &str) -> &mut Check {
        let found = self
            .checks
            .iter()
            .position(|c| c.kind == kind && c.what == what);
        let at = found.unwrap_or_else(|| {
            self.checks.push(Check {
                kind,
                what: what.into(),
                count: 0,
                worst: 0.0,
                tolerance: kind.tolerance(),
                outcome: Outcome::Skipped("nothing was compared".into()),
            });
            self.checks.len() - 1
        });
        &mut self.checks[at]
    }

    /// Two numbers and what their difference is measured by.
    pub(super) fn compare(
        &mut self,
        kind: Kind,
        what: &str,
        engine: f64,
        naive: f64,
        scale: f64,
        place: &str,
    ) {
        let difference = (engine - naive).abs() / scale;
        let words = format!("{place}: {engine} by the engine, {naive} evaluated plainly");
        self.measure(kind, what, difference, &words);
    }

    /// A relative difference; NaN is a failure.
    pub(super) fn measure(&mut self, kind: Kind, what: &str, difference: f64, words: &str) {
        let c = self.slot(kind, what);
        c.count += 1;
        let failed = matches!(c.outcome, Outcome::Failed(_));
        let bad = !difference.le(&c.tolerance);
        if bad && (!failed || difference > c.worst) {
            c.outcome = Outcome::Failed(words.into());
        } else if !bad && !failed {
            c.outcome = Outcome::Ok;
        }
        c.worst = if difference.is_nan() || c.worst.is_nan() {
            f64::NAN
        } else {
            c.worst.max(difference)
        };
    }

    /// A check that cannot be made; one that was made elsewhere stays as it is.
    pub(super) fn skip(&mut self, kind: Kind, what: &str, why: &str) {
        let c = self.slot(kind, what);
        if c.count == 0 {
            c.outcome = Outcome::Skipped(why.into());
        }
    }

    pub(super) fn note(&mut self, text: String) {
        if !self.notes.contains(&text) {
            self.notes.push(text);
        }
    }

    pub(super) fn finish(&mut self) {
        self.checks.sort_by_key(|c| c.kind);
    }

    /// A table for a terminal.
    pub fn text(&self) -> String {
        let rows: Vec<[String; 5]> = self
            .checks
            .iter()
            .map(|c| {
                let (worst, tolerance) = match c.outcome {
                    Outcome::Skipped(_) => (String::new(), String::new()),
                    _ => (number(c.worst), number(c.tolerance)),
                };
                let end = match &c.outcome {
                    Outcome::Ok => "ok".to_string(),
                    Outcome::Failed(why) => format!("FAILED  {why}"),
                    Outcome::Skipped(why) => format!("skipped: {why}"),
                };
                [c.kind.name().into(), c.what.clone(), worst, tolerance, end]
            })
            .collect();
        let head = ["check", "compared", "worst", "tolerance", "result"].map(String::from);
        let mut width = [0; 5];
        for row in rows.iter().chain([&head]) {
            for (w, cell) in width.iter_mut().zip(row) {
                *w = (*w).max(cell.chars().count());
            }
        }
        let mut text = format!("{}: {}\n\n", self.model, self.method);
        for row in [&head].into_iter().chain(&rows) {
            let mut line = String::new();
            for (cell, w) in row.iter().zip(width) {
                line.push_str(&format!("{cell:w$}  "));
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        for n in &self.notes {
            text.push_str(&format!("note: {n}\n"));
        }
        let failed = self.failures().count();
        let skipped = |c: &&Check| matches!(c.outcome, Outcome::Skipped(_));
        let skipped = self.checks.iter().filter(skipped).count();
        text.push_str(&format!(
            "\n{} ok, {failed} failed, {skipped} skipped\n",
            self.checks.len() - failed - skipped
        ));
        text
    }
}

fn number(x: f64) -> String {
    if x == 0.0 {
        "0".into()
    } else {
        format!("{x:.1e}")
    }
}
