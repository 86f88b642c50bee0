//! What only the numbers can tell.

use super::build::Build;
use crate::diag::Code;
use crate::model::{
    Argument, ArgumentName, Axis, Case, ColumnId, ColumnType, Conditional, Distribution,
    DistributionKind, Expr, FactorKind, Index, Source,
};
use crate::source::Span;

fn statement(
    b: &mut Build,
    value: ColumnId,
    kind: DistributionKind,
    arguments: Vec<(ArgumentName, Expr)>,
    axes: &[Axis],
    over: Option<Axis>,
) {
    let scalar = |(name, expr)| (name, Argument::Scalar(expr), Span::default());
    let conditional = Conditional {
        usual: Case::Always(Distribution {
            kind,
            arguments: arguments.into_iter().map(scalar).collect(),
            over,
            span: Span::default(),
        }),
        first: None,
        lags: Vec::new(),
    };
    b.model.columns[value.index()].observed = true;
    b.factor(FactorKind::ObservedColumn(value, conditional), axes);
}

#[test]
fn a_known_spread_is_above_0() {
    let mut b = Build::new();
    let t = b.table("school");
    b.label(t, "school", "school");
    let y = b.column(t, "y", ColumnType::Real);
    let sigma = b.column(t, "sigma", ColumnType::Real);
    let axis = b.row_axis(y);
    let sd = Expr::Column(sigma, vec![Index::Axis(axis)]);
    let arguments = vec![
        (ArgumentName::Mean, Expr::Number(0.0)),
        (ArgumentName::Sd, sd),
    ];
    statement(
        &mut b,
        y,
        DistributionKind::Gaussian,
        arguments,
        &[axis],
        None,
    );
    b.data("school,y,sigma\nA,1,2\nB,2,0.5\n");
    let found = b.fails(Code::E0710, "school,y,sigma\nA,1,2\nB,2,-2\n");
    assert_eq!(found.title, "`sd` is -2 here");
    assert_eq!(found.notes, ["at school `B` (t.csv, line 3)"]);
}

#[test]
fn a_binomial_count_is_at_most_its_total() {
    let mut b = Build::new();
    let t = b.table("row");
    let deaths = b.column(t, "deaths", ColumnType::Count);
    let total = b.column(t, "n", ColumnType::Count);
    let axis = b.row_axis(deaths);
    let n = Expr::Column(total, vec![Index::Axis(axis)]);
    let arguments = vec![
        (ArgumentName::P, Expr::Number(0.5)),
        (ArgumentName::Total, n),
    ];
    statement(
        &mut b,
        deaths,
        DistributionKind::Binomial,
        arguments,
        &[axis],
        None,
    );
    b.data("deaths,n\n3,3\n0,7\n,7\n");
    let found = b.fails(Code::E0710, "deaths,n\n3,3\n,2\n8,7\n");
    assert_eq!(found.notes, ["at row 3 (t.csv, line 4)"]);
}

#[test]
fn a_uniform_holds_its_values() {
    let mut b = Build::new();
    let t = b.table("row");
    let y = b.column(t, "y", ColumnType::Real);
    let axis = b.row_axis(y);
    let low = Expr::Negate(Box::new(Expr::Number(1.0)));
    let arguments = vec![
        (ArgumentName::Low, low),
        (ArgumentName::High, Expr::Number(1.0)),
    ];
    statement(
        &mut b,
        y,
        DistributionKind::Uniform,
        arguments,
        &[axis],
        None,
    );
    b.data("y\n-1\n1\n");
    b.fails(Code::E0710, "y\n-1\n1.01\n");
}

#[test]
fn multinomial_counts_sum_to_their_total() {
    let mut b = Build::new();
    let t = b.table("doc");
    let n = b.group(
        t,
        "n",
        "word",
        ColumnType::Count,
        Source::Pattern("w*".into()),
    );
    let total = b.column(t, "total", ColumnType::Count);
    let axis = b.row_axis(n);
    let word = b.find_plate("word").expect("plate");
    let over = b.model.fresh_axis(word);
    let at = vec![Index::Axis(axis)];
    let arguments = vec![(ArgumentName::Total, Expr::Column(total, at))];
    statement(
        &mut b,
        n,
        DistributionKind::Multinomial,
        arguments,
        &[axis],
        Some(over),
    );
    b.data("w1,w2,total\n1,2,3\n0,0,0\n");
    b.fails(Code::E0710, "w1,w2,total\n1,2,3\n1,1,1\n");
}
