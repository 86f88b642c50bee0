//! Where cells may be blank, and what a blank is.

use super::build::{Build, elements, numbers};
use crate::data::BLANK;
use crate::diag::Code;
use crate::model::{
    Argument, ArgumentName, Body, Case, ColumnType, Conditional, Definition, DefinitionId,
    Distribution, DistributionKind, Expr, FactorKind, Fold, Index,
};
use crate::source::Span;

#[test]
fn observed_columns_have_blanks_and_count_them() {
    let mut b = Build::new();
    let t = b.table("row");
    let y = b.column(t, "y", ColumnType::Real);
    let z = b.label(t, "z", "z");
    let f = b.column(t, "f", ColumnType::Binary);
    for column in [y, z, f] {
        b.observe(column);
    }
    let data = b.data("y,z,f\n1,a,1\nNA,\"NA\",?\n,?, \n NaN ,NA,0\n");
    let y = numbers(&data, y);
    assert_eq!(y[0], 1.0);
    assert!(y[1..].iter().all(|v| v.is_nan()), "{y:?}");
    assert_eq!(b.labels(&data, "z"), ["NA", "a"], "a quoted NA is a label");
    assert_eq!(elements(&data, z), [1, 0, BLANK, BLANK]);
    assert_eq!(elements(&data, f), [1, BLANK, BLANK, 0]);
    let missing = [("y", 3), ("z", 2), ("f", 2)].map(|(n, c)| (n.to_string(), c));
    assert_eq!(data.tables[0].missing, missing);
}

#[test]
fn a_quoted_blank_word_is_no_number() {
    let mut b = Build::new();
    let t = b.table("row");
    let y = b.column(t, "y", ColumnType::Real);
    b.observe(y);
    let found = b.fails(Code::E0703, "y\n1\n\"NA\"\n");
    assert!(found.help[0].contains("unquoted"));
    let lower = b.fails(Code::E0703, "y\n1\nnan\n");
    assert!(lower.help[0].contains("NaN"));
}

#[test]
fn blanks_that_are_conditioned_on() {
    for ty in [ColumnType::Real, ColumnType::Binary] {
        let mut b = Build::new();
        let t = b.table("row");
        let x = b.column(t, "x", ty);
        b.condition(x);
        let found = b.fails(Code::E0704, "x\n1\n?\n");
        assert!(
            found.notes[0].contains("row 2 (line 3), column `x`: a blank cell"),
            "{found:?}"
        );
        assert!(found.help[0].contains("else 0"));
        b.otherwise(x, 0.0);
        b.data("x\n1\n?\n");
    }
    let mut b = Build::new();
    let t = b.table("row");
    let z = b.label(t, "z", "z");
    b.condition(z);
    b.fails(Code::E0704, "z,k\na,1\n,2\n");
}

#[test]
fn keys_and_weights_are_never_blank() {
    let mut b = Build::new();
    let t = b.table("school");
    b.label(t, "school", "school");
    b.fails(Code::E0704, "school,k\na,1\n,2\n");
    let mut b = Build::new();
    let t = b.table("row");
    b.column(t, "n", ColumnType::Weight);
    b.fails(Code::E0704, "n,k\n1,1\n,2\n");
}

#[test]
fn a_column_that_nothing_refers_to_may_be_blank() {
    let mut b = Build::new();
    let t = b.table("row");
    let z = b.label(t, "party", "party");
    let data = b.data("party,k\nx,1\n,2\n");
    assert_eq!(elements(&data, z), [0, BLANK]);
    assert_eq!(data.tables[0].missing, [("party".to_string(), 1)]);
}

#[test]
fn else_replaces_blanks() {
    let mut b = Build::new();
    let t = b.table("row");
    let n = b.column(t, "n", ColumnType::Count);
    let f = b.column(t, "f", ColumnType::Binary);
    b.otherwise(n, 4.0);
    b.otherwise(f, 1.0);
    b.condition(n);
    b.observe(f);
    let data = b.data("n,f\nNA,\n2,0\n");
    assert_eq!(numbers(&data, n), [4.0, 2.0]);
    assert_eq!(elements(&data, f), [1, 0]);
    assert_eq!(data.tables[0].missing, [("f".to_string(), 0)]);
}

/// `let u[row] = x - mean(x over row)`, observed or conditioned on.
fn centred(conditioned: bool) -> (Build, crate::model::ColumnId) {
    let mut b = Build::new();
    let t = b.table("row");
    let x = b.column(t, "x", ColumnType::Real);
    let (row, inner) = (b.row_axis(x), b.row_axis(x));
    let at = |axis| Expr::Column(x, vec![Index::Axis(axis)]);
    let mean = Expr::Fold {
        fold: Fold::Mean,
        axes: vec![inner],
        restriction: None,
        body: Box::new(at(inner)),
    };
    let body = if conditioned {
        Expr::Subtract(Box::new(at(row)), Box::new(mean.clone()))
    } else {
        mean.clone()
    };
    b.model.definitions.push(Definition {
        name: "u".to_string(),
        constant: false,
        known: true,
        axes: vec![row],
        brackets: 1,
        body: Body::Expr(body),
        span: Span::default(),
    });
    (b, x)
}

fn gaussian(mean: Expr) -> Conditional {
    Conditional {
        usual: Case::Always(Distribution {
            kind: DistributionKind::Gaussian,
            arguments: vec![(ArgumentName::Mean, Argument::Scalar(mean), Span::default())],
            over: None,
            span: Span::default(),
        }),
        first: None,
        lags: Vec::new(),
    }
}

#[test]
fn a_let_of_a_blank_is_blank_where_it_is_observed() {
    let text = "x,k\n1,1\n,2\n";
    // nothing, or an observation of the `let`: fine
    let (mut b, x) = centred(true);
    assert!(numbers(&b.data(text), x)[1].is_nan());
    let kind = FactorKind::ObservedDefinition(DefinitionId(0), gaussian(Expr::Number(0.0)));
    b.factor(kind, &[]);
    b.data(text);
    // as an argument: conditioned on
    let (mut b, x) = centred(true);
    let axis = b.row_axis(x);
    let reference = Expr::Definition(DefinitionId(0), vec![Index::Axis(axis)]);
    b.factor(FactorKind::Potential(reference), &[axis]);
    b.fails(Code::E0704, text);
    // inside a fold over the table blanks are skipped
    let (mut b, x) = centred(false);
    let axis = b.row_axis(x);
    let reference = Expr::Definition(DefinitionId(0), vec![Index::Axis(axis)]);
    b.factor(FactorKind::Potential(reference), &[axis]);
    b.data(text);
}
