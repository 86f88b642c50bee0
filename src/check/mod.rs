//! Syntax tree to typed model: names, plates, indices, shapes, supports, roles.
//!
//! in: an [`ast::File`] and the [`Options`] of the command line -> out: a [`Model`], or diagnostics E03xx, E04xx, W03xx.
//!
//! The stages, each of which reports all it finds and leaves out of the model what it could not understand:
//!
//! ```text
//! plates       declared plates, tables, label columns, column groups      -> PlateId
//! data         columns                                                    -> ColumnId
//! definitions  const, let and plate sizes, sorted by use                  -> DefinitionId
//! headers      slots and domain of every param and latent                 -> VariableId
//! statements   arguments: every reference gets one index per slot         -> Factor
//! support      signs and supports of arguments, values of constants
//! graph        circles, names that nothing uses
//! ```
//!
//! Not here: data files (see `data`), whether a model can be fitted (see `derive`).

mod arguments;
mod bounds;
mod constant;
mod data;
mod definitions;
mod depth;
mod distribution;
mod errors;
mod expr;
mod fit;
mod graph;
mod headers;
mod index;
mod matrix;
mod names;
mod order;
mod plates;
mod range;
mod roles;
mod scope;
mod simplex;
mod statements;
mod support;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::diag::{Diagnostic, Diagnostics};
use crate::model::{DefinitionId, Model, Plate, PlateId, PlateKind, VariableId};
use crate::source::{SourceFile, Span};
use crate::syntax::ast;

use constant::Constants;
use graph::Uses;
use names::{Symbol, Value};

/// What the command line changes about a model.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options {
    /// `--set NAME=VALUE`: other values of number constants.
    pub set: Vec<(String, f64)>,
    /// `--param`: latents that become points, their prior kept.
    pub param: Vec<String>,
    /// `--latent`: params with a prior that are integrated out.
    pub latent: Vec<String>,
    /// `--flat`: variables that become points without their prior.
    pub flat: Vec<String>,
}

/// Checks a file. The model is there iff no finding is an error; the findings are sorted by place.
pub fn check(
    file: &ast::File,
    source: &SourceFile,
    options: &Options,
) -> (Option<Model>, Vec<Diagnostic>) {
    let mut checker = Checker::new(file, source, options);
    checker.declare_plates();
    checker.declare_tables();
    checker.declare_definitions();
    checker.declare_variables();
    checker.check_definitions();
    checker.check_depth();
    checker.check_statements();
    checker.check_rules();
    checker.check_supports();
    checker.check_graph();
    let Checker { model, found, .. } = checker;
    let model = (!found.has_errors()).then_some(model);
    (model, found.sorted())
}

/// The state of one check: the model as far as it is known and the tables of names.
struct Checker<'a> {
    file: &'a ast::File,
    source: &'a SourceFile,
    options: &'a Options,
    model: Model,
    found: Diagnostics,
    /// Plates by name.
    plate_names: BTreeMap<String, PlateId>,
    /// Plates that a statement mentions.
    plates_used: BTreeSet<PlateId>,
    /// Values by name, and where each is first declared.
    symbols: BTreeMap<String, (Symbol, Span)>,
    /// The definition of a statement, by its position in the file.
    definition_of: BTreeMap<usize, DefinitionId>,
    /// The variable of a statement, by its position in the file.
    variable_of: BTreeMap<usize, VariableId>,
    /// Definitions and counted plates, by position in the file, sorted by use.
    definition_order: Vec<usize>,
    /// Values of constants, as far as sizes are known.
    constants: Constants,
    /// Who mentions whom.
    uses: Uses,
    /// What the statement that is being read is about.
    about: Option<Value>,
}

impl<'a> Checker<'a> {
    fn new(file: &'a ast::File, source: &'a SourceFile, options: &'a Options) -> Self {
        let declared = file.statements.iter().find_map(|s| match &s.kind {
            ast::StatementKind::Model(name) => Some(name.text.clone()),
            _ => None,
        });
        let binary = Plate {
            name: "binary".into(),
            kind: PlateKind::Binary,
            span: Span::default(),
        };
        Checker {
            file,
            source,
            options,
            model: Model {
                name: declared.unwrap_or_else(|| stem(&source.name)),
                plates: vec![binary],
                tables: Vec::new(),
                columns: Vec::new(),
                definitions: Vec::new(),
                variables: Vec::new(),
                factors: Vec::new(),
                directives: Vec::new(),
                next_axis: 0,
            },
            found: Diagnostics::new(),
            plate_names: BTreeMap::from([("binary".to_string(), crate::model::BINARY)]),
            plates_used: BTreeSet::new(),
            symbols: BTreeMap::new(),
            definition_of: BTreeMap::new(),
            variable_of: BTreeMap::new(),
            definition_order: Vec::new(),
            constants: Constants::default(),
            uses: Uses::default(),
            about: None,
        }
    }

    /// Adds a finding; what is built in has no place to point at.
    fn report(&mut self, mut diagnostic: Diagnostic) {
        diagnostic.secondary.retain(|l| l.span != Span::default());
        self.found.push(diagnostic);
    }

    fn plate_name(&self, plate: PlateId) -> &str {
        &self.model.plate(plate).name
    }
}

/// A file's name without folders and extension.
fn stem(path: &str) -> String {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let stem = name.split('.').next().unwrap_or(name);
    if stem.is_empty() {
        "model".into()
    } else {
        stem.into()
    }
}
