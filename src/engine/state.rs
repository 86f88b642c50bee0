//! What a fit holds between updates: published expectations, parameters of q, accumulated statistics.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, Ordering};

use ndarray::ArrayD;

use crate::derive::MomentKind;

use super::network::Solved;

/// The current q and params.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// Published expectations, each over its own dimensions.
    pub moments: Moments,
    /// For each block, what its last update left.
    pub blocks: Vec<BlockState>,
    /// For each key, its accumulated statistic.
    pub accumulated: Vec<Option<ArrayD<f64>>>,
    /// For each pass: sum of w log Z, and the entropy of its local blocks.
    pub passes: Vec<PassState>,
    /// A run goes on, in which blocks may publish a map from the data of the row in place of row-level means.
    pub pushing: bool,
}

/// Published expectations. Whoever may change them gives them a new version, so that what was made of them can be kept by it.
#[derive(Debug, Clone, Default)]
pub struct Moments {
    arrays: BTreeMap<MomentKind, ArrayD<f64>>,
    version: u64,
    /// The version of each array that was put here since anything else was changed.
    changed: BTreeMap<MomentKind, u64>,
    /// The version of all others.
    others: u64,
}

static VERSIONS: AtomicU64 = AtomicU64::new(1);

impl Moments {
    /// The arrays alone.
    pub fn into_arrays(self) -> BTreeMap<MomentKind, ArrayD<f64>> {
        self.arrays
    }

    /// A number that no other contents have.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// A number that no other contents of this array have.
    pub fn version_of(&self, kind: MomentKind) -> u64 {
        self.changed.get(&kind).copied().unwrap_or(self.others)
    }

    /// Puts an array here; the versions of others stay.
    pub fn insert(&mut self, kind: MomentKind, array: ArrayD<f64>) -> Option<ArrayD<f64>> {
        self.version = VERSIONS.fetch_add(1, Ordering::Relaxed);
        self.changed.insert(kind, self.version);
        self.arrays.insert(kind, array)
    }
}

impl Deref for Moments {
    type Target = BTreeMap<MomentKind, ArrayD<f64>>;

    fn deref(&self) -> &Self::Target {
        &self.arrays
    }
}

impl DerefMut for Moments {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.version = VERSIONS.fetch_add(1, Ordering::Relaxed);
        self.others = self.version;
        self.changed.clear();
        &mut self.arrays
    }
}

/// What the last update of a block left.
#[derive(Debug, Clone, Default)]
pub struct BlockState {
    /// It has a value (given or updated).
    pub initialised: bool,
    /// It was updated at least once, so its entropy is known.
    pub updated: bool,
    /// Entropy of q, summed over elements (0 for points).
    pub entropy: f64,
    /// Textbook parameters of q, or the value of a point: (unknown's position in the block, name, array).
    pub parameters: Vec<(usize, &'static str, ArrayD<f64>)>,
    /// It published such a map.
    pub mapped: bool,
    /// Marginals of a network's q.
    pub network: Option<Solved>,
}

/// What the last run of a pass left.
#[derive(Debug, Clone, Copy, Default)]
pub struct PassState {
    /// It was run.
    pub run: bool,
    /// Sum over rows of w log Z; NaN where q was given instead of computed.
    pub log_z: f64,
    /// Sum over rows of w H(q_n).
    pub entropy: f64,
}
