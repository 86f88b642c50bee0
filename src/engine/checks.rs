//! What must hold before anything is run: joint Gaussians of a size that can be solved, known factors that are numbers.

use crate::algebra::Known;
use crate::data::Dataset;
use crate::derive::{Block, Derivation, Form};
use crate::diag::{Code, Diagnostic};

use super::{DENSE_BYTES, DENSE_INSIDE, Engine};

impl Engine<'_> {
    /// A joint Gaussian is factored whole: its inside must be small enough for that. Coupled elements keep what terms hold of them.
    pub(super) fn check_dense(&self) -> Result<(), Vec<Diagnostic>> {
        let d = self.derivation;
        let mut errors = vec![];
        for b in &d.blocks {
            errors.extend(too_large(d, self.evaluator.data, b));
            if !matches!(b.form, Form::Gaussian | Form::GaussianGamma) {
                continue;
            }
            let inside: f64 = b
                .unknowns
                .iter()
                .zip(&b.inside_slots)
                .map(|(u, slots)| {
                    let plates = &d.unknowns.get(*u).slots;
                    slots
                        .iter()
                        .map(|s| self.plate_size(plates[*s]) as f64)
                        .product::<f64>()
                })
                .sum();
            let batch: f64 = b
                .varying()
                .map(|i| self.plate_size(b.batch[i]) as f64)
                .product();
            let bytes = batch * inside * inside * 8.0;
            if inside > DENSE_INSIDE as f64 || bytes > DENSE_BYTES {
                let names: Vec<String> = b
                    .unknowns
                    .iter()
                    .map(|u| format!("`{}`", d.unknowns.get(*u).name))
                    .collect();
                errors.push(
                    Diagnostic::new(Code::E0601, "memory above the limit")
                        .note(format!(
                            "{} form {batch} joint Gaussians of {inside} numbers each; at most {DENSE_INSIDE} numbers and {} GB of covariances are solved at once",
                            names.join(", "),
                            DENSE_BYTES / 1e9
                        ))
                        .help("use fewer rows or elements"),
                );
            }
        }
        if errors.is_empty() {
            Ok(())
        } else {
            Err(errors)
        }
    }

    /// Every known factor of every term is a number where it is not masked.
    pub(super) fn check_known(&self) -> Result<(), Vec<Diagnostic>> {
        let mut errors = vec![];
        for t in &self.derivation.terms.items {
            let masked = t.data.iter().any(|k| {
                matches!(k, Known::Present(..) | Known::PresentDefinition(..) | Known::HasLag(..))
                    || matches!(k, Known::Add(p) if p.iter().any(|x| matches!(x, Known::Multiply(_) | Known::HasLag(..))))
            });
            for k in &t.data {
                let found = self.found(k);
                let bad = found.infinite || (found.blank && !masked);
                if bad && let Some(f) = t.from.first() {
                    let d = Diagnostic::new(Code::E0710, "value outside the support")
                        .at(
                            self.derivation.model.factor(*f).span,
                            "with these data this statement has no finite log density",
                        )
                        .note(format!(
                            "the known factor {} is not a finite number for every element",
                            crate::algebra::print::known(&self.derivation.model, k)
                        ))
                        .help("check the constants and columns in it: positive where a logarithm, rate or spread is taken");
                    if !errors.contains(&d) {
                        errors.push(d);
                    }
                }
            }
        }
        if errors.is_empty() {
            Ok(())
        } else {
            Err(errors)
        }
    }
}

/// The messages to the products of a block's statistics would take too much memory.
pub(super) fn too_large(d: &Derivation, data: &Dataset, b: &Block) -> Option<Diagnostic> {
    let size = |a: &crate::model::Axis| data.plates[a.plate.index()].size as f64;
    let numbers: f64 = b
        .compounds
        .iter()
        .map(|c| c.axes.iter().map(size).product::<f64>())
        .sum();
    if 8.0 * numbers <= DENSE_BYTES {
        return None;
    }
    let names: Vec<String> = b
        .unknowns
        .iter()
        .map(|u| format!("`{}`", d.unknowns.get(*u).name))
        .collect();
    Some(
        Diagnostic::new(Code::E0601, "memory above the limit")
            .note(format!(
                "terms hold {numbers:.3e} products of coupled elements of {}; at most {} GB of them are kept",
                names.join(", "),
                DENSE_BYTES / 1e9
            ))
            .help("use fewer rows or elements"),
    )
}
