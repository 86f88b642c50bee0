//! Blocks: which unknowns are updated together, along which plates independently, and by what family.

use crate::algebra::canonical::canonical_form;
use crate::algebra::{Known, Statistic, Subscript, Term, UnknownId, Unknowns};
use crate::family::{Family, StatisticKind};
use crate::model::{Auxiliary, Axis, PlateId, Role};

/// A block, by position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlockId(pub u32);

impl BlockId {
    /// The position in its vector.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Unknowns that share one factor of q.
#[derive(Debug, Clone)]
pub struct Block {
    /// The unknowns in declaration order.
    pub unknowns: Vec<UnknownId>,
    /// Distribution or point.
    pub role: Role,
    /// Plates along which elements are independent given the rest.
    pub batch: Vec<PlateId>,
    /// For each unknown, the slot of each batch plate.
    pub batch_slots: Vec<Vec<usize>>,
    /// For each unknown, the slots that are not in the batch: coupled elements.
    pub inside_slots: Vec<Vec<usize>>,
    /// Positions in the batch along which the covariance of a Gaussian is one and the same.
    pub shared: Vec<usize>,
    /// The family and how it is solved.
    pub form: Form,
    /// The row plate, for a block updated chunk by chunk in a pass over rows.
    pub rows: Option<PlateId>,
    /// How its coupled elements are solved.
    pub structure: Structure,
    /// Products of its statistics that terms hold, for a form whose messages and moments are kept by product.
    pub compounds: Vec<Compound>,
    /// Whether q is exact given the params.
    pub exactness: Exactness,
    /// Blocks it is split from, and through which statements.
    pub couplings: Vec<Coupling>,
    /// The natural parameter, as messages.
    pub messages: Vec<Message>,
    /// The sums under functions that are made of its unknowns.
    pub predictors: Vec<UnknownId>,
    /// What the slopes of its predictors say to its unknowns.
    pub slopes: Vec<Message>,
}

impl Block {
    /// Its points say where a bound on a log density touches: no parameters of the model.
    pub fn touches_bound(&self, unknowns: &Unknowns) -> bool {
        let of = |u: &UnknownId| unknowns.get(*u).auxiliary;
        let bound = |a| matches!(a, Some(Auxiliary::Centre | Auxiliary::Width));
        !self.unknowns.is_empty() && self.unknowns.iter().all(|u| bound(of(u)))
    }

    /// It is one of its unknowns, or a predictor made of them.
    pub fn holds(&self, u: UnknownId) -> bool {
        self.unknowns.contains(&u) || self.predictors.contains(&u)
    }

    /// Positions in the batch along which the covariance varies.
    pub fn varying(&self) -> impl Iterator<Item = usize> {
        (0..self.batch.len()).filter(|i| !self.shared.contains(i))
    }
}

/// The kind of factor.
#[derive(Clone)]
pub enum Form {
    /// An exponential family, element by element.
    Family(&'static dyn Family),
    /// A multivariate Gaussian over all inside elements of all unknowns.
    Gaussian,
    /// Mean vector (first unknown) and its precision (second) jointly.
    GaussianWishart,
    /// Mean (first unknown) and its scalar precision (second) jointly.
    GaussianGamma,
    /// All joint states of the element's discrete unknowns.
    Discrete,
    /// Discrete elements coupled with each other: a graph of tables.
    Network,
    /// Gaussian elements coupled along a chain, a tree or few neighbours: a graph of precisions.
    GaussianNetwork,
    /// A discrete unknown (the first) and, given each of its values, a Gaussian over the others.
    Conditional,
    /// A standard deviation as a point: {log, power -2}.
    Deviation,
    /// Quadratic, with |v| in the exponent or v > 0 for some of its numbers: sparse codes, the lasso, non-negative least squares.
    Penalised,
    /// Quadratic points that are vectors of norm 1 along a plate, or at most 1.
    UnitVectors,
    /// Points that do not decrease along a plate.
    Increasing,
    /// Points whose terms match no family: raised by a quasi-Newton or Newton method on the expected log joint.
    Optimised,
    /// Quadratic points under absolute values of predictors: least absolute deviations.
    LeastAbsolute,
    /// A scalar latent whose statistics match no family: exp E[log p] normalised by quadrature.
    Quadrature,
}

/// How the coupled elements of a block are solved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Structure {
    /// No element is coupled with another.
    Parallel,
    /// All inside elements at once.
    Dense,
    /// Coupled along `i-k` of an ordered plate only: forward-backward, Kalman smoothing.
    Chain(PlateId),
    /// Variables are eliminated one by one on the graph of coupled elements.
    Elimination,
    /// The graph is too wide for that: parts that can be solved exactly, one after the other.
    Sequential,
}

/// A product of statistics of one block, as terms hold it.
#[derive(Debug, Clone, PartialEq)]
pub struct Compound {
    /// The factors, in canonical axes.
    pub stats: Vec<Statistic>,
    /// Its axes: first those that pick elements, then those that run over values only.
    pub axes: Vec<Axis>,
    /// How many of the axes pick elements.
    pub places: usize,
}

impl Compound {
    /// The product that some statistics form, and each of its axes in their names.
    pub fn of(stats: &[&Statistic], unknowns: &Unknowns) -> (Compound, Vec<Axis>) {
        let mut t = Term {
            coef: 1.0,
            data: vec![],
            stats: stats.iter().map(|s| (*s).clone()).collect(),
            axes: vec![],
            from: vec![],
        };
        t.axes = t.carried_axes();
        let (form, map) = canonical_form(&t, unknowns);
        let mut places = vec![];
        let mut values = vec![];
        for s in &form.stats {
            let last = s.index.len().wrapping_sub(1);
            for (i, sub) in s.index.iter().enumerate() {
                let value = s.kind == StatisticKind::Indicator
                    && i == last
                    && matches!(sub, Subscript::Axis(_));
                sub.visit_axes(&mut |a| {
                    let list = if value { &mut values } else { &mut places };
                    if !list.contains(&a) {
                        list.push(a);
                    }
                });
            }
        }
        values.retain(|a| !places.contains(a));
        let count = places.len();
        places.extend(values);
        let own = places
            .iter()
            .map(|a| map.iter().find(|(_, b)| a == b).map_or(*a, |(x, _)| *x))
            .collect();
        let compound = Compound {
            stats: form.stats,
            axes: places,
            places: count,
        };
        (compound, own)
    }
}

impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Block {
    /// True if messages and moments are kept by product of statistics.
    pub fn by_compound(&self) -> bool {
        matches!(
            self.form,
            Form::Network | Form::GaussianNetwork | Form::Conditional
        )
    }

    /// The position of a product of statistics, and each of its axes in their names.
    pub fn compound(&self, stats: &[&Statistic], unknowns: &Unknowns) -> Option<(u32, Vec<Axis>)> {
        let (c, axes) = Compound::of(stats, unknowns);
        let at = self.compounds.iter().position(|x| *x == c)?;
        Some((at as u32, axes))
    }
}

impl Form {
    /// The family's name.
    pub fn name(&self) -> &'static str {
        match self {
            Form::Family(f) => f.name(),
            Form::Gaussian => "Gaussian",
            Form::GaussianWishart => "Gaussian-Wishart",
            Form::GaussianGamma => "Gaussian-Gamma",
            Form::Discrete => "Categorical",
            Form::Network => "Categorical",
            Form::GaussianNetwork => "Gaussian",
            Form::Conditional => "Gaussian in each state",
            Form::Deviation => "standard deviation",
            Form::Penalised => "penalised Gaussian",
            Form::UnitVectors => "unit vectors",
            Form::Increasing => "increasing",
            Form::Optimised => "optimised",
            Form::LeastAbsolute => "least absolute deviations",
            Form::Quadrature => "by quadrature",
        }
    }
}

/// How far a factor of q is from the posterior.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exactness {
    /// The posterior of the block given the params.
    Exact,
    /// Split from blocks it is coupled to.
    MeanField,
    /// A point.
    Mode,
}

impl Exactness {
    /// As printed.
    pub fn word(self) -> &'static str {
        match self {
            Exactness::Exact => "exact",
            Exactness::MeanField => "mean-field",
            Exactness::Mode => "mode",
        }
    }
}

/// Two blocks that some term holds together.
#[derive(Debug, Clone, PartialEq)]
pub struct Coupling {
    /// The other block.
    pub block: BlockId,
    /// The statements whose terms hold both.
    pub through: Vec<crate::model::FactorId>,
}

/// The statistic of a block that a message is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// A statistic of one unknown.
    Single(UnknownId, StatisticKind),
    /// v_I v_J of a Gaussian block: (row unknown, column unknown).
    Pair(UnknownId, UnknownId),
    /// V w of a Gaussian-Wishart block.
    Cross,
    /// w' V w of a Gaussian-Wishart block.
    Quadratic,
    /// A product of statistics, by position in [`Block::compounds`].
    Compound(u32),
}

/// `d E[log p] / d E[statistic]`, one term of it: the term without the statistic, summed over the axes the target lacks.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Which statistic.
    pub target: Target,
    /// Where it goes: subscripts of the statistic (varying batch, inside of the first, inside of the second for pairs).
    pub index: Vec<Subscript>,
    /// What is left of the term.
    pub rest: Term,
}

/// An expected statistic that a block publishes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// Which.
    pub kind: MomentKind,
    /// Subscripts of its array.
    pub index: Vec<Subscript>,
}

/// The kinds of published expectation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MomentKind {
    /// `E[t]` over the unknown's slots.
    Statistic(UnknownId, StatisticKind),
    /// Cov(u_I, v_J) over the batch as far as it varies, inside of u, inside of v.
    Covariance(UnknownId, UnknownId),
    /// E[V w] of a Gaussian-Wishart block: batch, value axis.
    Cross(UnknownId),
    /// E[w' V w]: batch.
    Quadratic(UnknownId),
    /// Var(v) over the unknown's slots, where elements are split from each other.
    Variance(UnknownId),
    /// A product of statistics over its own axes, by the block's first unknown and position in [`Block::compounds`]: its
    /// expectation, for a [`Form::GaussianNetwork`] its covariance.
    Compound(UnknownId, u32),
    /// The map from the j-th data of a row to the mean of a Gaussian whose means are linear in them (see `plan::rewrite`):
    /// over the unknown's slots without the row, then the axes of the data.
    Map(UnknownId, u32),
}

impl MomentKind {
    /// The unknown that it is an expectation of; of two, the first.
    pub fn unknown(&self) -> UnknownId {
        match self {
            MomentKind::Statistic(u, _)
            | MomentKind::Covariance(u, _)
            | MomentKind::Cross(u)
            | MomentKind::Quadratic(u)
            | MomentKind::Variance(u)
            | MomentKind::Compound(u, _)
            | MomentKind::Map(u, _) => *u,
        }
    }
}

/// A product of known factors and published expectations, summed over axes into a target.
#[derive(Debug, Clone, PartialEq)]
pub struct Contraction {
    /// Number in front.
    pub coef: f64,
    /// Known factors.
    pub data: Vec<Known>,
    /// Expectations.
    pub moments: Vec<Moment>,
    /// Statistics of the local block of a row pass; they become the key's own axes.
    pub local: Vec<Statistic>,
    /// All axes of the term.
    pub axes: Vec<Axis>,
    /// Where the sum goes; empty for a number.
    pub target: Vec<Subscript>,
}

impl Contraction {
    /// The same with axes replaced; what replaces an axis carries no sum of its own.
    #[must_use]
    pub fn substitute(self, map: &[(Axis, Subscript)]) -> Contraction {
        if map.is_empty() {
            return self;
        }
        let f = |s: &Subscript| s.substitute(map);
        Contraction {
            coef: self.coef,
            data: self.data.iter().map(|k| k.map(&f)).collect(),
            moments: self
                .moments
                .iter()
                .map(|m| Moment {
                    kind: m.kind,
                    index: m.index.iter().map(f).collect(),
                })
                .collect(),
            local: self
                .local
                .iter()
                .map(|s| Statistic {
                    index: s.index.iter().map(f).collect(),
                    ..s.clone()
                })
                .collect(),
            axes: self
                .axes
                .iter()
                .copied()
                .filter(|a| map.iter().all(|(b, _)| a != b))
                .collect(),
            target: self.target.iter().map(f).collect(),
        }
    }
}
