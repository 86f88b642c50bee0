//! What plans keep between updates: nothing of size rows x elements, but for numbers that a later update reads by row.

use pmc::data::{self, DataFile, Files};
use pmc::diag::render_plain;
use pmc::model::Role;
use pmc::plan::Rewrite;
use pmc::source::SourceFile;
use pmc::{check, compile};

use crate::fixture::{data, model, names};

/// Forms whose q of a row is not made anew from tables: codes with active sets, chains of numbers, states that a Gaussian is
/// given, coupled elements of several unknowns.
const KEPT: [&str; 4] = [
    "penalised Gaussian",
    "Gaussian in each state",
    "Categorical",
    "Gaussian",
];

#[test]
fn no_plan_of_a_shipped_model_holds_rows_by_elements() {
    let mut kept = vec![];
    for n in names() {
        let source = SourceFile::new("model.pmod", model(&n));
        let die =
            |e: Vec<pmc::diag::Diagnostic>| -> ! { panic!("{n}: {}", render_plain(&e, &source)) };
        let (m, _) = compile::model(&source, &check::Options::default()).unwrap_or_else(|e| die(e));
        let files = Files {
            main: Some(DataFile::held("data.csv", data(&n))),
            by_table: vec![],
        };
        let bound = data::bind(&m, &files).unwrap_or_else(|e| die(e));
        let (d, plan) = compile::compile(&m, Some(&bound.dataset)).unwrap_or_else(|e| die(e));
        assert!(plan.rewrites.has(Rewrite::Affine));
        for (i, b) in d.blocks.iter().enumerate() {
            let rows =
                |p: &pmc::model::PlateId| m.tables.iter().any(|t| t.plate == *p && t.key.is_none());
            let by_element = b.unknowns.iter().any(|u| {
                let u = d.unknowns.get(*u);
                u.slots.iter().any(&rows) && (u.slots.len() > 1 || u.element_plate().is_some())
            });
            if !by_element || b.rows.is_some() || plan.affine[i].is_some() {
                continue;
            }
            assert!(
                KEPT.contains(&b.form.name()) && b.role != Role::Param
                    || b.form.name() == "Gaussian",
                "{n}: {}",
                b.form.name()
            );
            kept.push(n.clone());
        }
        // A discrete latent alone in its row, and chains of one, are always passes.
        for b in &d.blocks {
            if let [u] = b.unknowns.as_slice() {
                let u = d.unknowns.get(*u);
                let alone = u.slots.len() == 1 && u.slots.iter().all(|p| m.table_of(*p).is_some());
                let latent = b.role == Role::Latent
                    && u.element_plate().is_some()
                    // What stands for copies of itself is kept element by element.
                    && u.copies.is_none();
                if alone && latent && b.form.name() == "Categorical" {
                    assert!(b.rows.is_some(), "{n}: `{}` is kept", u.name);
                }
            }
        }
    }
    let mixtures = [
        "gmm",
        "gmm_diag",
        "gmm_tied",
        "bayesian_gmm",
        "hmm_gaussian",
        "hmm_categorical",
        "bayesian_hmm",
        "lda",
        "naive_bayes",
        "latent_class",
        "plsa",
        "mixture_of_regressions",
        "ppca",
        "factor_analysis",
        "ard_regression",
    ];
    for n in mixtures {
        assert!(!kept.iter().any(|k| k == n), "{n}");
    }
}
