//! The evaluator against sums written out by hand, draws against closed forms.

mod distributions;
mod draw;
mod joint;

use ndarray::{ArrayD, IxDyn};

use super::Assignment;
use crate::check::Options;
use crate::compile;
use crate::data::{self, DataFile, Dataset, Files};
use crate::model::Model;
use crate::source::SourceFile;

/// A checked model and its data.
pub(super) fn bound(model: &str, csv: &str) -> (Model, Dataset) {
    let source = SourceFile::new("model.pmod", model);
    let show = |e: Vec<crate::diag::Diagnostic>| crate::diag::render_plain(&e, &source);
    let (model, _) = compile::model(&source, &Options::default())
        .map_err(show)
        .unwrap();
    let main = DataFile::held("data.csv", csv.as_bytes().to_vec());
    let files = Files {
        main: Some(main),
        by_table: vec![],
    };
    let data = data::bind(&model, &files).map_err(show).unwrap().dataset;
    (model, data)
}

/// Numbers in a shape.
pub(super) fn array(shape: &[usize], values: &[f64]) -> ArrayD<f64> {
    ArrayD::from_shape_vec(IxDyn(shape), values.to_vec()).unwrap()
}

/// An assignment by names.
pub(super) fn assign(model: &Model, values: &[(&str, &[usize], &[f64])]) -> Assignment {
    let mut out = Assignment::empty(model);
    for (name, shape, numbers) in values {
        assert!(out.set(model, name, array(shape, numbers)), "no {name}");
    }
    out
}

#[track_caller]
pub(super) fn close(found: f64, wanted: f64) {
    let scale = 1.0 + wanted.abs();
    assert!(
        (found - wanted).abs() < 1e-11 * scale,
        "{found} is not {wanted}"
    );
}
