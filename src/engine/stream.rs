//! Rows that stay on disk: passes and sums of data read them a block at a time.
//!
//! in: a plan, a [`Stream`] of rows and a sample of them -> out: an [`Engine`] that runs as any other.
//!
//! The engine itself is bound to the sample: evenly spaced rows, which its starts look at. Whatever is a sum over rows is taken
//! from the stream: numbers of all rows (means, spreads), sums of data alone once, passes in every iteration. The next block is
//! read while one is worked on. Blocks are as long as those in memory, so the sums have the same bits.

use std::sync::mpsc::sync_channel;

use ndarray::ArrayD;

use crate::algebra::{Known, Subscript};
use crate::data::{Dataset, Stream};
use crate::derive::Derivation;
use crate::diag::{Code, Diagnostic};
use crate::model::PlateId;
use crate::plan::{KeyId, Plan, Planned};

use super::Engine;
use super::bind::bind_block;
use super::evaluate::{Evaluator, Fitted, FoldSums};
use super::pass::{PassResult, Source};
use super::rows::BLOCK;

/// Rows that starts look at.
pub const SAMPLE: usize = 10_000;

/// Rows of a block while numbers of all rows are made.
const FOLDED: usize = 1 << 16;

/// The rows of one plate, on disk.
#[derive(Clone, Copy)]
pub struct Streamed<'a> {
    /// Their plate.
    pub plate: PlateId,
    /// Where they come from.
    pub stream: &'a Stream<'a>,
}

impl Streamed<'_> {
    /// Calls with each block of rows; the next one is read meanwhile.
    ///
    /// # Errors
    /// Those of reading and of the caller.
    pub fn each(
        &self,
        rows: usize,
        f: &mut dyn FnMut(usize, &Dataset) -> Result<(), Vec<Diagnostic>>,
    ) -> Result<(), Vec<Diagnostic>> {
        std::thread::scope(|scope| {
            let (send, receive) = sync_channel(1);
            let stream = self.stream;
            scope.spawn(move || {
                for (from, to) in stream.blocks(rows) {
                    // Nobody listens after an error.
                    if send.send((from, stream.block(from, to))).is_err() {
                        break;
                    }
                }
            });
            for (from, block) in receive {
                f(from, &block?)?;
            }
            Ok(())
        })
    }

    /// Evenly spaced rows, at most [`SAMPLE`], as data of their own.
    ///
    /// # Errors
    /// Those of reading.
    pub fn sample(&self) -> Result<Dataset, Vec<Diagnostic>> {
        let all = self.stream.rows;
        let count = all.min(SAMPLE);
        let step = all as f64 / count.max(1) as f64;
        let rows: Vec<usize> = (0..count).map(|i| (i as f64 * step) as usize).collect();
        self.stream.rows_at(&rows)
    }
}

/// The numbers of all rows that a derivation's known factors need.
///
/// # Errors
/// Those of reading.
pub fn fitted(
    derivation: &Derivation,
    rows: Streamed<'_>,
    sample: &Dataset,
) -> Result<Fitted, Vec<Diagnostic>> {
    let model = &derivation.model;
    let mut fitted = Fitted::new();
    let mut open: Vec<(Known, String)> = vec![];
    loop {
        if open.is_empty() {
            let e = Evaluator::asking(model, sample, fitted.clone());
            for k in derivation.terms.items.iter().flat_map(|t| &t.data) {
                e.evaluate(k);
            }
            for (u, c) in &derivation.centres {
                let slots = &derivation.unknowns.get(*u).slots;
                let axis = |s: usize| crate::model::Axis {
                    plate: slots[s],
                    id: (1 << 27) + s as u32,
                };
                let of = c.slots.iter();
                let index = of.map(|s| s.map(|s| Subscript::Axis(axis(s)))).collect();
                e.evaluate(&Known::Centre(c.column, index));
            }
            open = e.take_missing();
            if open.is_empty() {
                return Ok(fitted);
            }
        }
        // What stands inside another comes first.
        let e = Evaluator::asking(model, sample, fitted.clone());
        let (mut ready, mut inside) = (vec![], vec![]);
        for (k, name) in &open {
            let mut sums = e.fold_sums(k);
            e.add_fold(k, &mut sums);
            let missing = e.take_missing();
            match missing.is_empty() {
                true => ready.push((k.clone(), name.clone(), e.fold_sums(k))),
                false => inside.extend(missing),
            }
        }
        if ready.is_empty() {
            open = inside;
            continue;
        }
        add_all(derivation, rows, &fitted, &mut ready, false)?;
        let mut again: Vec<_> = vec![];
        for (k, name, mut sums) in ready {
            match sums.look_again(&k) {
                true => again.push((k, name, sums)),
                false => {
                    fitted.insert(name, sums.finish(&k));
                }
            }
        }
        add_all(derivation, rows, &fitted, &mut again, true)?;
        for (k, name, sums) in again {
            fitted.insert(name, sums.finish(&k));
        }
        open.clear();
    }
}

fn add_all(
    derivation: &Derivation,
    rows: Streamed<'_>,
    fitted: &Fitted,
    folds: &mut [(Known, String, FoldSums)],
    again: bool,
) -> Result<(), Vec<Diagnostic>> {
    if folds.is_empty() {
        return Ok(());
    }
    // Folds over other tables do not know of the stream: their rows are in every block.
    let streamed = |k: &Known| match k {
        Known::Fold { axes, .. } => axes.iter().any(|a| a.plate == rows.plate),
        Known::Centre(c, _) => derivation.model.column(*c).slots.first() == Some(&rows.plate),
        _ => false,
    };
    let mut first = true;
    let _ = again;
    rows.each(FOLDED, &mut |_, data| {
        let e = Evaluator::with_fitted(&derivation.model, data, fitted.clone());
        for (k, _, sums) in folds.iter_mut() {
            if first || streamed(k) {
                e.add_fold(k, sums);
            }
        }
        first = false;
        Ok(())
    })
}

impl<'a> Engine<'a> {
    /// An engine whose rows of one plate stay on disk.
    ///
    /// # Errors
    /// E0603 where some update needs the rows in memory; else as [`Engine::new`].
    pub fn streaming(
        derivation: &'a Derivation,
        plan: &'a Plan,
        sample: &'a Dataset,
        fitted: Fitted,
        rows: Streamed<'a>,
    ) -> Result<Engine<'a>, Vec<Diagnostic>> {
        let mut engine = Engine::bound_to(derivation, plan, sample, Some(fitted), Some(rows))?;
        engine.can_stream(rows.plate)?;
        engine.sum_stream(rows)?;
        Ok(engine)
    }

    /// Rows of a plate, wherever they are.
    pub(super) fn rows_of(&self, plate: PlateId) -> usize {
        match &self.streamed {
            Some(s) if s.plate == plate => s.stream.rows,
            _ => self.plate_size(plate),
        }
    }

    /// E0603 where rows are needed one by one.
    fn can_stream(&self, plate: PlateId) -> Result<(), Vec<Diagnostic>> {
        let d = self.derivation;
        let refuse = |note: String| {
            Err(vec![
                Diagnostic::new(Code::E0603, "this model needs its rows in memory")
                    .note(note)
                    .help("leave `--memory` out, or fit a part of the rows"),
            ])
        };
        for (i, b) in d.blocks.iter().enumerate() {
            let by_row = b
                .unknowns
                .iter()
                .any(|u| d.unknowns.get(*u).slots.contains(&plate));
            let in_pass = b.rows == Some(plate);
            if by_row && !in_pass && self.pushed[i].is_none() {
                let names: Vec<&str> = b
                    .unknowns
                    .iter()
                    .map(|u| d.unknowns.get(*u).name.as_str())
                    .collect();
                return refuse(format!(
                    "q of `{}` is kept for every row",
                    names.join("`, `")
                ));
            }
        }
        for b in self.bound.iter().flatten() {
            let own = d.block(b.block).rows == Some(plate);
            if own && (b.rows.chain.is_some() || !b.rows.clamps.is_empty()) {
                return refuse("rows are coupled, or their latents are partly known".into());
            }
        }
        if self.evaluator.cut.get() {
            return refuse("a sum over the rows is taken for every row or label".into());
        }
        let sizes = |k: &Known| format!("{k:?}").contains(&format!("Size({plate:?})"));
        if d.terms.items.iter().flat_map(|t| &t.data).any(sizes) {
            return refuse("an expression holds the number of rows".into());
        }
        // A map takes no messages by row.
        let messages = self.plan.messages.iter().zip(&self.pushed);
        let all = messages
            .filter(|(_, pushed)| pushed.is_none())
            .map(|(m, _)| m)
            .chain(&self.plan.slopes)
            .flatten()
            .map(|m| &m.how)
            .chain(self.plan.predictors.iter().flatten())
            .chain(self.plan.values.iter().flatten())
            .chain(&self.plan.expectation);
        for p in all {
            let Planned::Rows { row, hoisted, .. } = p else {
                continue;
            };
            let summed = |k: &KeyId| {
                self.hoisted[k.index()].is_some()
                    || self
                        .plan
                        .sums
                        .iter()
                        .any(|s| s.key == *k && s.pushed.is_some())
            };
            if row.plate == plate && !hoisted.as_ref().is_some_and(|(k, _, _)| summed(k)) {
                return refuse("a message is summed over the rows in every iteration".into());
            }
        }
        Ok(())
    }

    /// Sums of data alone, from the stream in place of the sample.
    fn sum_stream(&mut self, rows: Streamed<'a>) -> Result<(), Vec<Diagnostic>> {
        let keys: Vec<KeyId> = (0..self.plan.keys.len())
            .map(|i| KeyId(i as u32))
            .filter(|k| {
                self.plan.keys[k.index()].plate == rows.plate && self.hoisted[k.index()].is_some()
            })
            .collect();
        let mut sums: Vec<ArrayD<f64>> = keys
            .iter()
            .filter_map(|k| self.hoisted[k.index()].as_ref())
            .map(|a| ArrayD::zeros(a.raw_dim()))
            .collect();
        let mut weight = 0.0;
        let fitted = self.evaluator.fitted();
        rows.each(BLOCK, &mut |_, data| {
            let part = Engine::bare(self.derivation, self.plan, data, fitted.clone());
            part.check_known()?;
            for (k, sum) in keys.iter().zip(&mut sums) {
                part.add_hoisted(*k, sum);
            }
            weight += match part.evaluator.weights(rows.plate) {
                Some(w) => w.iter().sum::<f64>(),
                None => part.plate_size(rows.plate) as f64,
            };
            Ok(())
        })?;
        for (k, sum) in keys.iter().zip(sums) {
            self.hoisted[k.index()] = Some(sum);
        }
        for (i, p) in self.pushed.iter_mut().enumerate() {
            let own = self.plan.affine[i].as_ref().map(|a| a.plate) == Some(rows.plate);
            if let Some(p) = p.as_mut().filter(|_| own) {
                p.weight = weight;
            }
        }
        Ok(())
    }

    /// True for a pass whose rows are on disk.
    pub(super) fn is_streamed(&self, pass: usize) -> bool {
        self.streamed.map(|s| s.plate) == Some(self.plan.passes[pass].plate)
    }

    /// Runs the rows of a bound block, wherever they are.
    ///
    /// # Errors
    /// E0710: a row with no possible state; where rows are on disk, those of reading them.
    pub(super) fn run_rows(
        &self,
        pass: usize,
        block: usize,
        source: Source<'_>,
    ) -> Result<PassResult, Diagnostic> {
        let b = &self.bound[pass][block];
        let rows = match &self.streamed {
            Some(s) if self.is_streamed(pass) => s,
            _ => {
                let rows = b.collapsed.as_ref().map_or(&b.rows, |(rows, _)| rows);
                let (result, _) = rows.run(source, false);
                return match result.impossible {
                    Some(n) => {
                        let n = b.collapsed.as_ref().map_or(n, |(_, first)| first[n]);
                        Err(self.impossible(b, n))
                    }
                    None => Ok(result),
                };
            }
        };
        let fitted = self.evaluator.fitted();
        let mut total: Option<PassResult> = None;
        let ran = rows.each(b.rows.block_rows(), &mut |from, data| {
            let part = Engine::bare(self.derivation, self.plan, data, fitted.clone());
            let bound = bind_block(&part, b.block, &b.keys)?;
            let (result, _) = bound.rows.run(source, false);
            if let Some(n) = result.impossible {
                return Err(vec![self.impossible(b, from + n)]);
            }
            match &mut total {
                Some(t) => t.add(&result),
                None => total = Some(result),
            }
            Ok(())
        });
        if let Err(e) = ran {
            return Err(e.into_iter().next().unwrap_or_else(|| {
                Diagnostic::new(Code::E0711, "the rows cannot be read any more")
            }));
        }
        Ok(total.unwrap_or_default())
    }
}
