//! Starting values: those given, then whatever breaks the symmetry of exchangeable elements, then prior expectations.
//!
//! A discrete latent whose globals are not known starts from a random q: rows are drawn to prototypes chosen like k-means++
//! in their numeric features, labels get random tables, a label of the latent's own plate pulls towards itself; where some
//! cells of the latent are known, those rows decide. Real unknowns
//! that are multiplied with each other start at random. What else is read before it was updated has its prior's expectation
//! where that is proper, else 0, 1, or equal probabilities.

use ndarray::{ArrayD, Axis as Dim, Dimension, IxDyn};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::algebra::{Origin, Subscript, UnknownId};
use crate::data::{BLANK, Init, InitValue};
use crate::derive::{BlockId, Form, MomentKind, Target};
use crate::diag::{Code, Diagnostic};
use crate::family::{Parameter, StatisticKind};
use crate::model::{Domain, PlateId, Role};
use crate::numeric::log_or_floor;
use crate::plan::{Planned, Step};

use super::Engine;
use super::bind::BoundBlock;
use super::pass::Source;
use super::prototypes::{fill_gathered, normal, prototypes};
use super::state::State;

/// Sets the state to its start and says in words what it did.
///
/// # Errors
/// E0714: a given value that the model cannot take.
pub fn start(
    engine: &Engine<'_>,
    state: &mut State,
    given: Option<&Init>,
    seed: u64,
) -> Result<Vec<String>, Vec<Diagnostic>> {
    let mut said = vec![];
    if let Some(init) = given {
        let mut errors = vec![];
        for (name, value) in &init.values {
            match apply(engine, state, name, value) {
                Ok(()) => said.push(format!("{name} as given")),
                Err(e) => errors.push(e),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    for (p, blocks) in engine.bound.iter().enumerate() {
        for (i, b) in blocks.iter().enumerate() {
            if state.blocks[b.block.index()].initialised
                || reads_known(engine, state, b.block)
                || told_apart(engine, state, b.block)
            {
                continue;
            }
            let what = start_rows(engine, state, p, i, b, &mut rng);
            said.push(format!("{} {what}", block_names(engine, b.block)));
        }
    }
    for i in 0..engine.derivation.blocks.len() {
        let id = BlockId(i as u32);
        let block = engine.derivation.block(id);
        if block.rows.is_some()
            || state.blocks[i].initialised
            || !matches!(block.form, Form::Discrete)
            || reads_known(engine, state, id)
        {
            continue;
        }
        let what = start_discrete(engine, state, id, &mut rng);
        said.push(format!("{} {what}", block_names(engine, id)));
    }
    // Whatever is still open and read by others gets a value; it does not count as initialised, so that it is updated first.
    for i in 0..engine.derivation.blocks.len() {
        let id = BlockId(i as u32);
        if engine.derivation.block(id).rows.is_some() {
            continue;
        }
        if !state.blocks[i].initialised && start_block(engine, state, id, &mut rng) {
            said.push(format!("{} at random", block_names(engine, id)));
        }
    }
    Ok(said)
}

fn block_names(engine: &Engine<'_>, id: BlockId) -> String {
    engine
        .derivation
        .block(id)
        .unknowns
        .iter()
        .map(|u| engine.derivation.unknowns.get(*u).name.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}

/// True if every block that shares a term with this one has a value.
fn reads_known(engine: &Engine<'_>, state: &State, id: BlockId) -> bool {
    engine
        .derivation
        .block(id)
        .couplings
        .iter()
        .all(|c| state.blocks[c.block.index()].initialised)
}

/// True if a given value differs between the elements of a discrete latent and meets data of the row beside it: then q
/// follows from it, and a random start would only overwrite what was given.
fn told_apart(engine: &Engine<'_>, state: &State, id: BlockId) -> bool {
    let d = engine.derivation;
    let block = d.block(id);
    let given = |u: UnknownId| {
        d.block_of(u)
            .is_some_and(|b| state.blocks[b.index()].initialised)
    };
    let differs = |u: UnknownId, plate: PlateId| {
        let slots = &d.unknowns.get(u).slots;
        [StatisticKind::Value, StatisticKind::Log]
            .iter()
            .filter_map(|k| state.moments.get(&MomentKind::Statistic(u, *k)))
            .any(|a| {
                slots.iter().take(a.ndim()).enumerate().any(|(i, p)| {
                    *p == plate
                        && a.lanes(Dim(i))
                            .into_iter()
                            .any(|l| l.iter().any(|x| *x != l[0]))
                })
            })
    };
    block.unknowns.iter().any(|z| {
        d.unknowns.get(*z).element_plate().is_some_and(|plate| {
            d.terms.items.iter().any(|t| {
                t.stats.iter().any(|s| s.of == *z)
                    && t.stats.iter().any(|s| {
                        let gathered = s.index.iter().any(|i| matches!(i, Subscript::Column(..)));
                        (gathered || !t.data.is_empty()) && given(s.of) && differs(s.of, plate)
                    })
            })
        })
    })
}

/// The step at which the first sweep begins: the first block without a value all of whose neighbours have one; else the
/// first without a value that reads some initialised block; else the first.
pub fn entry(engine: &Engine<'_>, state: &State) -> usize {
    let open = |s: &Step, strict: bool| -> bool {
        let ids: Vec<BlockId> = match s {
            Step::Pass(p) => engine.plan.passes[*p].blocks.clone(),
            Step::Update(b) => vec![*b],
        };
        ids.iter().any(|b| {
            !state.blocks[b.index()].initialised
                && if strict {
                    reads_known(engine, state, *b)
                } else {
                    engine
                        .derivation
                        .block(*b)
                        .couplings
                        .iter()
                        .any(|c| state.blocks[c.block.index()].initialised)
                }
        })
    };
    let steps = &engine.plan.steps;
    steps
        .iter()
        .position(|s| open(s, true))
        .or_else(|| steps.iter().position(|s| open(s, false)))
        .unwrap_or(0)
}

fn mismatch(name: &str, why: impl Into<String>) -> Diagnostic {
    Diagnostic::new(Code::E0714, format!("init of `{name}` does not match"))
        .note(why)
        .help("see `pmc explain` for the blocks and their families")
}

fn apply(
    engine: &Engine<'_>,
    state: &mut State,
    name: &str,
    value: &InitValue,
) -> Result<(), Diagnostic> {
    let d = engine.derivation;
    let Some(u) = d.unknowns.ids().find(|u| d.unknowns.get(*u).name == name) else {
        return Err(mismatch(
            name,
            "no unknown of this name takes part in inference",
        ));
    };
    let Some(id) = d.block_of(u) else {
        return Ok(());
    };
    let block = d.block(id);
    if matches!(block.form, Form::Discrete) {
        return apply_discrete(engine, state, name, u, id, value);
    }
    match value {
        InitValue::Value(v) => {
            let mut v = v.clone();
            if let Some(c) = engine.centre(u) {
                v -= &c;
            }
            publish_point(engine, state, u, v).map_err(|why| mismatch(name, why))?;
        }
        InitValue::Parameters(list) => {
            if block.unknowns.len() > 1 {
                // A joint block starts from the means of its parts.
                let Some(mut mean) = joint_mean(list) else {
                    return Err(mismatch(
                        name,
                        "its block is joint with other unknowns: give its mean or value",
                    ));
                };
                if let Some(c) = engine.centre(u) {
                    mean -= &c;
                }
                publish_point(engine, state, u, mean).map_err(|why| mismatch(name, why))?;
                state.blocks[id.index()].initialised = true;
                return Ok(());
            }
            publish_parameters(engine, state, u, id, list).map_err(|why| mismatch(name, why))?;
        }
        InitValue::Labels(_) => {
            return Err(mismatch(name, "labels are for discrete latents"));
        }
    }
    state.blocks[id.index()].initialised = true;
    Ok(())
}

/// The mean of one part of a joint block from its textbook parameters: `df * inverse_scale^-1` of a precision matrix,
/// `shape / rate` of a precision.
fn joint_mean(list: &[(String, ArrayD<f64>)]) -> Option<ArrayD<f64>> {
    let get = |n: &str| list.iter().find(|(x, _)| x == n).map(|(_, a)| a);
    if let Some(m) = get("mean").or_else(|| get("value")) {
        return Some(m.clone());
    }
    if let (Some(shape), Some(rate)) = (get("shape"), get("rate")) {
        return Some(shape / rate);
    }
    let (df, scale) = (get("df")?, get("inverse_scale")?);
    let n = *scale.shape().last()?;
    let mut out = scale.as_standard_layout().into_owned();
    let flat = out.as_slice_mut()?;
    for (m, df) in flat.chunks_mut((n * n).max(1)).zip(df.iter()) {
        let mut inverse = vec![0.0; n * n];
        crate::numeric::linalg::inverse_spd(m, n, &mut inverse).ok()?;
        for (x, y) in m.iter_mut().zip(inverse) {
            *x = df * y;
        }
    }
    Some(out)
}

fn apply_discrete(
    engine: &Engine<'_>,
    state: &mut State,
    name: &str,
    u: UnknownId,
    id: BlockId,
    value: &InitValue,
) -> Result<(), Diagnostic> {
    let block = engine.derivation.block(id);
    let shape = engine.moment_shape(MomentKind::Statistic(u, StatisticKind::Indicator));
    let k = shape.last().copied().unwrap_or(1);
    let q: ArrayD<f64> = match value {
        InitValue::Value(v) if v.shape() == shape.as_slice() => v.clone(),
        InitValue::Parameters(list) => match list.iter().find(|(n, _)| n == "probabilities") {
            Some((_, v)) if v.shape() == shape.as_slice() => v.clone(),
            _ => {
                return Err(mismatch(
                    name,
                    "expected probabilities over its plates and values",
                ));
            }
        },
        InitValue::Labels(l) if l.shape() == &shape[..shape.len() - 1] => {
            ArrayD::from_shape_fn(IxDyn(&shape), |i| {
                let n = i.ndim() - 1;
                f64::from(u8::from(l[IxDyn(&i.slice()[..n])] as usize == i[n]))
            })
        }
        InitValue::Value(_) | InitValue::Labels(_) => {
            return Err(mismatch(
                name,
                "its shape is not that of its plates and values",
            ));
        }
    };
    let flat: Vec<f64> = q.iter().copied().collect();
    for row in flat.chunks(k.max(1)) {
        let s: f64 = row.iter().sum();
        if !(s - 1.0).abs().le(&1e-6) || row.iter().any(|p| *p < 0.0) {
            return Err(mismatch(
                name,
                "probabilities must be at least 0 and sum to 1 for each element",
            ));
        }
    }
    if block.rows.is_none() {
        state.moments.insert(
            MomentKind::Statistic(u, StatisticKind::Indicator),
            q.clone(),
        );
        let s = &mut state.blocks[id.index()];
        s.initialised = true;
        s.updated = true;
        s.entropy = flat.iter().filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum();
        s.parameters = vec![(0, "probabilities", q)];
        return Ok(());
    }
    if block.unknowns.len() > 1 {
        return Err(mismatch(
            name,
            "its states are enumerated jointly with other unknowns; start values for a part are not taken",
        ));
    }
    for (p, blocks) in engine.bound.iter().enumerate() {
        for (i, b) in blocks.iter().enumerate() {
            if b.block == id {
                engine.give_rows(state, p, i, &flat);
            }
        }
    }
    Ok(())
}

/// Publishes the statistics of a value; for a latent that is q as if it were a point there.
pub(super) fn publish_point(
    engine: &Engine<'_>,
    state: &mut State,
    u: UnknownId,
    value: ArrayD<f64>,
) -> Result<(), String> {
    let d = engine.derivation;
    let shape = engine.shape(u);
    if value.shape() != shape.as_slice() {
        return Err(format!(
            "it has {} numbers along its slots, its plates have {}",
            sizes(value.shape()),
            sizes(&shape)
        ));
    }
    let value = value.as_standard_layout().into_owned();
    let unknown = d.unknowns.get(u);
    let flat = value.as_slice().unwrap_or(&[]);
    let ok = match unknown.domain {
        // A rate may be 0, as an update may leave it; what some term inverts may not.
        Domain::Positive => {
            let inverted = d
                .terms
                .items
                .iter()
                .flat_map(|t| &t.stats)
                .any(|s| s.of == u && matches!(s.kind, StatisticKind::Power(p) if p < 0));
            flat.iter().all(|x| *x > 0.0 || (*x == 0.0 && !inverted))
        }
        Domain::Probability | Domain::Simplex => flat.iter().all(|x| (0.0..=1.0).contains(x)),
        _ => flat.iter().all(|x| x.is_finite()),
    };
    if !ok {
        return Err("a value lies outside its domain".into());
    }
    if unknown.domain == Domain::Simplex {
        let k = shape.last().copied().unwrap_or(1).max(1);
        if flat
            .chunks(k)
            .any(|row| (row.iter().sum::<f64>() - 1.0).abs() > 1e-6)
        {
            return Err("its probabilities do not sum to 1".into());
        }
    }
    let Some(id) = d.block_of(u) else {
        return Ok(());
    };
    let put = |state: &mut State, kind: MomentKind, v: Vec<f64>| {
        if let Ok(a) = ArrayD::from_shape_vec(IxDyn(&engine.moment_shape(kind)), v) {
            state.moments.insert(kind, a);
        }
    };
    let single = |k| MomentKind::Statistic(u, k);
    match unknown.domain {
        Domain::Covariance | Domain::Precision => {
            let n = shape.last().copied().unwrap_or(0);
            let (mut logs, mut inverses) = (vec![], vec![]);
            for m in flat.chunks((n * n).max(1)) {
                let mut inv = vec![0.0; n * n];
                let log = crate::numeric::linalg::inverse_spd(m, n, &mut inv)
                    .map_err(|_| "a matrix is not symmetric positive definite".to_string())?;
                logs.push(log);
                inverses.extend(inv);
            }
            put(state, single(StatisticKind::Log), logs);
            put(state, single(StatisticKind::Power(-1)), inverses);
        }
        Domain::Positive => {
            put(
                state,
                single(StatisticKind::Log),
                flat.iter().map(|x| log_or_floor(*x)).collect(),
            );
            for p in [-2i8, -1, 2] {
                put(
                    state,
                    single(StatisticKind::Power(p)),
                    flat.iter().map(|x| x.powi(i32::from(p))).collect(),
                );
            }
        }
        Domain::Probability | Domain::Simplex => {
            put(
                state,
                single(StatisticKind::Log),
                flat.iter().map(|x| log_or_floor(*x)).collect(),
            );
            put(
                state,
                single(StatisticKind::Log1m),
                flat.iter()
                    .map(|x| {
                        if *x == 1.0 {
                            log_or_floor(0.0)
                        } else {
                            (-x).ln_1p()
                        }
                    })
                    .collect(),
            );
        }
        _ => put(
            state,
            single(StatisticKind::Abs),
            flat.iter().map(|x| x.abs()).collect(),
        ),
    }
    state
        .moments
        .insert(single(StatisticKind::Value), value.clone());
    let block = d.block(id);
    if matches!(block.form, Form::GaussianWishart | Form::GaussianGamma) {
        publish_scale_point(engine, state, id);
    }
    let i = block.unknowns.iter().position(|x| *x == u).unwrap_or(0);
    state.blocks[id.index()].parameters.push((
        i,
        if block.role == Role::Latent {
            "mean"
        } else {
            "value"
        },
        value,
    ));
    Ok(())
}

/// V w and w' V w of a mean and a precision that are points; a part that is not given yet counts as its default.
fn publish_scale_point(engine: &Engine<'_>, state: &mut State, id: BlockId) {
    let block = engine.derivation.block(id);
    let (w, v) = (block.unknowns[0], block.unknowns[1]);
    let value = |u: UnknownId| {
        state
            .moments
            .get(&MomentKind::Statistic(u, StatisticKind::Value))
            .map(|a| a.iter().copied().collect::<Vec<f64>>())
    };
    let mean = value(w).unwrap_or_else(|| vec![0.0; engine.shape(w).iter().product()]);
    let Some(precision) = value(v) else {
        return;
    };
    let (means, inside) = engine.layout(id, 0);
    let (precisions, _) = engine.layout(id, 1);
    let matrix = matches!(block.form, Form::GaussianWishart);
    let d = if matrix { inside } else { 1 };
    let mut cross = vec![0.0; mean.len()];
    let mut square = vec![];
    for (b, p) in precisions.iter().enumerate() {
        let at = |k: usize| means[b * inside + k];
        let first = p / (d * d).max(1) * d * d;
        let v = &precision[first..first + d * d];
        if matrix {
            let mut total = 0.0;
            for i in 0..inside {
                let vm: f64 = (0..inside).map(|j| v[i * d + j] * mean[at(j)]).sum();
                cross[at(i)] = vm;
                total += vm * mean[at(i)];
            }
            square.push(total);
        } else {
            for i in 0..inside {
                cross[at(i)] = v[0] * mean[at(i)];
                for j in 0..inside {
                    square.push(v[0] * mean[at(i)] * mean[at(j)]);
                }
            }
        }
    }
    for (kind, values) in [
        (MomentKind::Cross(w), cross),
        (MomentKind::Quadratic(w), square),
    ] {
        if let Ok(a) = ArrayD::from_shape_vec(IxDyn(&engine.moment_shape(kind)), values) {
            state.moments.insert(kind, a);
        }
    }
}

fn sizes(shape: &[usize]) -> String {
    if shape.is_empty() {
        return "1".into();
    }
    shape
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" x ")
}

fn publish_parameters(
    engine: &Engine<'_>,
    state: &mut State,
    u: UnknownId,
    id: BlockId,
    list: &[(String, ArrayD<f64>)],
) -> Result<(), String> {
    let d = engine.derivation;
    let block = d.block(id);
    let unknown = d.unknowns.get(u);
    let shape = engine.shape(u);
    let plates = unknown.plates().len();
    let count: usize = shape[..plates].iter().product();
    let size = if unknown.domain.value_slots() > 0 {
        shape[plates]
    } else {
        1
    };
    let Form::Family(family) = &block.form else {
        if let Some((_, mean)) = list.iter().find(|(n, _)| n == "mean" || n == "value") {
            let mut mean = mean.clone();
            if let Some(c) = engine.centre(u) {
                mean -= &c;
            }
            return publish_point(engine, state, u, mean);
        }
        return Err("give its `mean`".into());
    };
    let flat: Vec<(&str, Vec<f64>)> = list
        .iter()
        .map(|(n, a)| (n.as_str(), a.iter().copied().collect()))
        .collect();
    let lengths = family.lengths(size);
    let total: usize = lengths.iter().sum();
    let mut published: Vec<Vec<f64>> = vec![vec![]; lengths.len()];
    let mut statistics = vec![0.0; total];
    let mut entropy = 0.0;
    for i in 0..count {
        let parameters: Vec<Parameter> = flat
            .iter()
            .filter_map(|(n, v)| {
                let len = v.len() / count.max(1);
                Some(Parameter {
                    name: known_parameter(n)?,
                    shape: vec![len],
                    values: v.get(i * len..(i + 1) * len)?.to_vec(),
                })
            })
            .collect();
        let eta = family
            .natural(&parameters, size)
            .map_err(|e| e.reason.clone())?;
        let log_z = family
            .expectations(&eta, size, &mut statistics)
            .map_err(|e| e.reason.clone())?;
        entropy += log_z - eta.iter().zip(&statistics).map(|(a, b)| a * b).sum::<f64>();
        let mut at = 0;
        for (out, len) in published.iter_mut().zip(&lengths) {
            out.extend_from_slice(&statistics[at..at + len]);
            at += len;
        }
    }
    for (k, v) in family.signature().iter().zip(published) {
        if *k != StatisticKind::Pair {
            let kind = MomentKind::Statistic(u, *k);
            if let Ok(a) = ArrayD::from_shape_vec(IxDyn(&engine.moment_shape(kind)), v) {
                state.moments.insert(kind, a);
            }
        }
    }
    state.blocks[id.index()].entropy = entropy;
    state.blocks[id.index()].updated = true;
    Ok(())
}

fn known_parameter(n: &str) -> Option<&'static str> {
    [
        "concentration",
        "shape",
        "rate",
        "scale",
        "mean",
        "covariance",
        "variance",
        "df",
        "inverse_scale",
        "probabilities",
        "probability",
        "a",
        "b",
    ]
    .into_iter()
    .find(|x| *x == n)
}

/// q of a local block before anything is known.
fn start_rows(
    engine: &Engine<'_>,
    state: &mut State,
    pass: usize,
    block: usize,
    b: &BoundBlock,
    rng: &mut ChaCha8Rng,
) -> String {
    let clamped = b
        .rows
        .clamps
        .iter()
        .any(|c| c.values.iter().any(|v| *v != BLANK));
    let numeric: Vec<usize> = (0..b.keys.len())
        .filter(|i| {
            let key = &engine.plan.keys[b.keys[*i].index()];
            let k = &b.rows.keys[*i];
            k.selectors.is_empty()
                && key
                    .data
                    .iter()
                    .zip(&k.data)
                    .filter(|(_, c)| !c.values.iter().all(|v| *v == 0.0 || *v == 1.0))
                    .count()
                    == 1
        })
        .collect();
    let mut tables: Vec<Vec<f64>> = b.rows.keys.iter().map(|k| vec![0.0; k.len]).collect();
    let what;
    if clamped {
        for t in &mut tables {
            for x in t.iter_mut() {
                *x = 0.01 * normal(rng);
            }
        }
        what = "from the rows whose cells are known".to_string();
    } else if numeric.is_empty() {
        for (i, t) in tables.iter_mut().enumerate() {
            let key = &engine.plan.keys[b.keys[i].index()];
            fill_gathered(engine, key, t, rng);
        }
        what = "from random tables of the labels it meets".to_string();
    } else {
        prototypes(b, &numeric, &mut tables, rng);
        for (i, t) in tables.iter_mut().enumerate() {
            let key = &engine.plan.keys[b.keys[i].index()];
            if !key.selectors.is_empty() {
                for x in t.iter_mut() {
                    *x = 0.1 * normal(rng);
                }
            }
        }
        what = "by distance to rows drawn as in k-means++".to_string();
    }
    if clamped {
        let (_, mut rows) = b.rows.run(Source::Tables(&tables), true);
        lighten_unknown(b, &mut rows.q);
        engine.give_rows(state, pass, block, &rows.q);
    } else {
        engine.give_tables(state, pass, block, &tables);
    }
    what
}

/// Lets the rows whose cells are all known decide: the others together weigh a tenth as much, at least one row.
///
/// Counted in full, many unknown rows would start the elements nearly alike, and chance would settle what the known rows
/// say. A little of them keeps a scale open that only one known row supports. The first pass computes the whole q anew.
fn lighten_unknown(b: &BoundBlock, q: &mut [f64]) {
    let cells = b.rows.rows * b.rows.elements;
    let known = |i: usize| {
        b.rows.clamps.iter().all(|c| {
            let at = if c.values.len() == b.rows.rows {
                i / b.rows.elements.max(1)
            } else {
                i
            };
            c.values.get(at).is_some_and(|v| *v != BLANK)
        })
    };
    let there = (0..cells).filter(|i| known(*i)).count();
    if there == 0 || there == cells {
        return;
    }
    let weight = ((0.1 * there as f64).max(1.0) / (cells - there) as f64).min(1.0);
    for (i, row) in q.chunks_mut(b.rows.states.max(1)).enumerate() {
        if !known(i) {
            for x in row {
                *x *= weight;
            }
        }
    }
}

/// q of a discrete block that is not row by row.
fn start_discrete(
    engine: &Engine<'_>,
    state: &mut State,
    id: BlockId,
    rng: &mut ChaCha8Rng,
) -> String {
    let block = engine.derivation.block(id);
    let u = block.unknowns[0];
    let kind = MomentKind::Statistic(u, StatisticKind::Indicator);
    let shape = engine.moment_shape(kind);
    let k = shape.last().copied().unwrap_or(1).max(1);
    let mut votes = ArrayD::<f64>::zeros(IxDyn(&shape));
    let mut voted = false;
    let plate = engine.derivation.unknowns.get(u).element_plate();
    for m in &engine.plan.messages[id.index()] {
        let (Target::Single(..), Planned::Rows { row, direct, .. }) = (m.target, &m.how) else {
            continue;
        };
        // A label of the latent's own plate that the same row holds is a vote for it.
        for moment in &direct.moments {
            for s in &moment.index {
                if let Subscript::Column(c, _) = s
                    && matches!(engine.derivation.model.column(*c).ty, crate::model::ColumnType::Label(p) if Some(p) == plate)
                    && let Some((_, front)) = direct.target.split_last()
                {
                    let mut target = front.to_vec();
                    target.push(s.clone());
                    super::rows::add_rows(
                        &engine.evaluator,
                        1.0,
                        &[],
                        *row,
                        &[],
                        &target,
                        true,
                        &mut votes,
                    );
                    voted = true;
                }
            }
        }
    }
    let mut q = votes;
    if let Some(flat) = q.as_slice_mut() {
        for row in flat.chunks_mut(k) {
            for x in row.iter_mut() {
                *x += if voted {
                    0.5
                } else {
                    // Gamma(1/2) draws, normalised: a Dirichlet(1/2).
                    0.5 * normal(rng).powi(2) + 1e-3
                };
            }
            let s: f64 = row.iter().sum();
            for x in row.iter_mut() {
                *x /= s;
            }
        }
    }
    state.moments.insert(kind, q);
    state.blocks[id.index()].initialised = true;
    if voted {
        "by the majority of its labels".into()
    } else {
        "at random".into()
    }
}

/// A value for a block that others may read before its first update. True if it is random.
fn start_block(engine: &Engine<'_>, state: &mut State, id: BlockId, rng: &mut ChaCha8Rng) -> bool {
    let d = engine.derivation;
    let block = d.block(id);
    let mut random = false;
    if block.role == Role::Latent && prior_expectation(engine, state, id) && !multiplied(engine, id)
    {
        return false;
    }
    for u in &block.unknowns {
        if state
            .moments
            .contains_key(&MomentKind::Statistic(*u, StatisticKind::Value))
            && !multiplied(engine, id)
        {
            continue;
        }
        let shape = engine.shape(*u);
        let k = shape.last().copied().unwrap_or(1).max(1);
        let value = match d.unknowns.get(*u).domain {
            Domain::Real if multiplied(engine, id) => {
                random = true;
                ArrayD::from_shape_fn(IxDyn(&shape), |_| normal(rng))
            }
            Domain::Positive => ArrayD::from_elem(IxDyn(&shape), 1.0),
            Domain::Probability => ArrayD::from_elem(IxDyn(&shape), 0.5),
            Domain::Simplex => ArrayD::from_elem(IxDyn(&shape), 1.0 / k as f64),
            Domain::Covariance | Domain::Precision => ArrayD::from_shape_fn(IxDyn(&shape), |i| {
                let n = i.ndim();
                f64::from(u8::from(i[n - 1] == i[n - 2]))
            }),
            _ => ArrayD::zeros(IxDyn(&shape)),
        };
        // A default value is inside its domain by construction.
        let _ = publish_point(engine, state, *u, value);
        if let Origin::Column(_) = d.unknowns.get(*u).origin {
            continue;
        }
    }
    state.blocks[id.index()].parameters.clear();
    random
}

/// Some term holds a value of the block beside a real value of another block: at 0 both would stay there.
fn multiplied(engine: &Engine<'_>, id: BlockId) -> bool {
    let d = engine.derivation;
    let block = d.block(id);
    matches!(block.form, Form::Gaussian)
        && d.terms.items.iter().any(|t| {
            let real = |s: &&crate::algebra::Statistic| {
                s.kind == StatisticKind::Value && d.unknowns.get(s.of).domain == Domain::Real
            };
            let mine = t
                .stats
                .iter()
                .filter(real)
                .filter(|s| block.unknowns.contains(&s.of))
                .count();
            let others = t
                .stats
                .iter()
                .filter(real)
                .filter(|s| !block.unknowns.contains(&s.of))
                .count();
            mine == 2 && others == 2
        })
}

/// Updates a latent block from those of its terms that hold nothing else unknown: its prior. False if that is improper.
fn prior_expectation(engine: &Engine<'_>, state: &mut State, id: BlockId) -> bool {
    let backup = state.clone();
    let mut trial = state.clone();
    // Without data and without neighbours: every accumulated statistic is absent.
    trial.accumulated = vec![None; trial.accumulated.len()];
    trial.moments.clear();
    let before = engine.plan.messages[id.index()]
        .iter()
        .any(|m| matches!(&m.how, Planned::Global(c) if c.moments.is_empty()));
    if !before {
        return false;
    }
    match engine.update_from_prior(&mut trial, id) {
        Ok(()) => {
            *state = backup;
            for (k, v) in trial.moments {
                state.moments.insert(k, v);
            }
            true
        }
        Err(_) => false,
    }
}
