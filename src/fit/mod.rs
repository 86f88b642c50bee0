//! A fit: what was learned, kept so that it loads without running anything.
//!
//! in: a model, its data, settings -> out: a [`Fit`] (file format `pmc.fit/1`); a [`Fit`] and new rows -> predictions and
//! held-out scores.
//!
//! The file holds the model's source and the switches it was compiled with, the labels of its plates, for each variable its
//! value or the textbook parameters of q, and the expected statistics that updates of other blocks read. Not here: opening
//! and writing files, printing (see `cli`).

pub mod apply;
mod blank_cells;
pub mod collect;
pub mod draw;
pub mod elements;
pub mod entropy;
mod infer;
pub mod json;
pub mod learn;
pub mod load;
pub mod local;
pub mod number;
pub mod order;
pub mod predict;
mod record;
mod row_names;
pub mod score;
mod statistic;
pub mod summary;
mod table;

pub use json::{Nested, Ordered};
pub use learn::{Data, Learned, Request, Settings, fit, fit_with};
pub use predict::{Prediction, Predictions, predict};
pub use score::{Score, ScoreKind, TableScore, score};

use serde::{Deserialize, Serialize};

/// The format's name and version, the first field of every fit file.
pub const FORMAT: &str = "pmc.fit/1";

/// A fit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    /// [`FORMAT`].
    pub format: String,
    /// The version that made it.
    pub pmc: String,
    /// The model.
    pub model: ModelText,
    /// What the command line changed about it.
    pub options: Switches,
    /// Number constants, after the switches.
    pub constants: Ordered<f64>,
    /// Each variable's role: param, flat (a param whose prior was dropped), latent, dirac; of auxiliaries the role in q.
    pub roles: Ordered<String>,
    /// The seed of the first start.
    pub seed: u64,
    /// The derived algorithm.
    pub method: String,
    /// For each latent, how far its q is from the posterior given the params.
    pub exactness: Ordered<String>,
    /// What was climbed, and how high.
    pub objective: ObjectiveRecord,
    /// What the start did, in words.
    pub start: Vec<String>,
    /// Why the run ended.
    pub stop: StopRecord,
    /// Every start.
    pub restarts: Vec<RestartRecord>,
    /// The data, by block.
    pub data: Ordered<TableRecord>,
    /// The plates.
    pub plates: Ordered<PlateRecord>,
    /// The results.
    pub variables: Ordered<Estimate>,
    /// Numbers that the fitted data decide and new rows use again (means, spreads), by their expression.
    pub known: Ordered<KnownRecord>,
    /// How long it took.
    pub timing: Timing,
    /// What to look at.
    pub warnings: Vec<WarningRecord>,
}

/// The model's text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelText {
    /// Its name.
    pub name: String,
    /// The whole file.
    pub source: String,
    /// SHA-256 of the source.
    pub sha256: String,
}

/// `--set`, `--param`, `--latent`, `--flat`, `--accelerate`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Switches {
    /// Constants that were set.
    pub set: Ordered<f64>,
    /// Variables made points.
    pub param: Vec<String>,
    /// Variables integrated out.
    pub latent: Vec<String>,
    /// Variables made points without their prior.
    pub flat: Vec<String>,
    /// The run extrapolated between iterations.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub accelerate: bool,
}

/// The objective.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ObjectiveRecord {
    /// log_likelihood, log_posterior, elbo, log_joint.
    pub kind: String,
    /// The last value; none where no iteration was run.
    pub value: Option<f64>,
    /// The iteration of `trace[0]`: 0 where the start determines an objective.
    pub trace_start: usize,
    /// One value an iteration.
    pub trace: Vec<f64>,
    /// Of a run batch by batch: what the trace is an estimate from, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<String>,
}

/// Why a run ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StopRecord {
    /// converged, max_iter, interrupted, failed.
    pub reason: String,
    /// Iterations run.
    pub iterations: usize,
}

/// One start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RestartRecord {
    /// Its seed.
    pub seed: u64,
    /// What it reached.
    pub objective: Option<f64>,
    /// Iterations run.
    pub iterations: usize,
    /// Why it ended.
    pub stop: String,
}

/// A data block as it was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableRecord {
    /// Rows.
    pub rows: usize,
    /// SHA-256 of the file.
    pub sha256: String,
    /// Blank cells of each observed column.
    pub missing: Ordered<usize>,
}

/// A plate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlateRecord {
    /// Elements.
    pub size: usize,
    /// Their labels, where they have names of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
    /// By what interchangeable elements were sorted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
}

/// What was learned of a variable.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Estimate {
    /// param, latent, dirac; auxiliary for what the compiler added.
    pub role: String,
    /// Its slots: the plates of its brackets, then its axes.
    pub axes: Vec<String>,
    /// The plate of its values, for a discrete variable: the last axis of `probabilities`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<String>,
    /// The support of an element: real, positive, probability, simplex, covariance, precision, binary, label, count.
    pub domain: String,
    /// The family of q; `point` for a param.
    pub family: String,
    /// The point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Nested>,
    /// Textbook parameters of q. A covariance has the independent plates first, then the coupled ones twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Ordered<Nested>>,
    /// The mean of q.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<Nested>,
    /// The standard deviation of q, element by element.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sd: Option<Nested>,
    /// Expected statistics as other blocks read them; those of a centred variable are relative to the centre.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expectations: Option<Ordered<Nested>>,
    /// The statistics are relative to the centre of the data.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub centred: bool,
}

/// An array that the fitted data decide.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KnownRecord {
    /// Its sizes.
    pub shape: Vec<usize>,
    /// Row by row.
    pub values: Vec<f64>,
}

/// Seconds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Timing {
    /// Reading the data.
    pub load_s: f64,
    /// From text to plan.
    pub compile_s: f64,
    /// All starts.
    pub fit_s: f64,
    /// Of all starts, by iteration.
    pub per_iteration_ms: f64,
}

/// A warning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WarningRecord {
    /// Its code.
    pub code: String,
    /// What it says.
    pub message: String,
}

impl Fit {
    /// The file's text.
    pub fn to_json(&self) -> String {
        json::to_text(self)
    }

    /// A variable's value or the mean of its q.
    pub fn estimate(&self, name: &str) -> Option<&ndarray::ArrayD<f64>> {
        let v = self.variables.get(name)?;
        v.value.as_ref().or(v.mean.as_ref()).map(|a| &a.0)
    }

    /// The labels of a plate's `n` elements; positions from 1 where they have none.
    pub fn labels(&self, plate: &str, n: usize) -> Vec<String> {
        if plate == "binary" {
            return (0..n).map(|i| i.to_string()).collect();
        }
        match self.plates.get(plate).and_then(|p| p.labels.as_ref()) {
            Some(l) if l.len() == n => l.clone(),
            _ => (1..=n).map(|i| i.to_string()).collect(),
        }
    }
}
