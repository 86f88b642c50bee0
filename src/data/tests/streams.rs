//! Rows some at a time are the rows that binding everything gives.

use super::build::Build;
use super::columns::{Memory, file};
use crate::data::{Cells, Dataset, Files, Stream, bind};
use crate::diag::{Code, Diagnostic};
use crate::model::{
    Axis, ColumnId, ColumnType, Every, Expr, FactorKind, Fold, Index, Source, TableId,
};

/// Rows with labels, a weight, a group, and a keyed table of the same file.
fn model() -> (Build, TableId) {
    let mut b = Build::new();
    let row = b.table("row");
    let y = b.column(row, "y", ColumnType::Real);
    b.observe(y);
    b.column(row, "n", ColumnType::Weight);
    b.label(row, "school", "school");
    let pattern = Source::Pattern("x_*".into());
    b.group(row, "x", "feature", ColumnType::Binary, pattern);
    let school = b.table("school");
    b.label(school, "school", "school");
    b.column(school, "size", ColumnType::Count);
    (b, row)
}

fn text(rows: usize) -> String {
    let row = |i: usize| {
        let y = if i % 7 == 3 {
            String::new()
        } else {
            format!("{i}.5")
        };
        let school = (i * i) % 11;
        let gap = if i % 5 == 4 { "\n" } else { "" };
        format!(
            "{gap}{y},{},s{school},{},{},{school}\n",
            i % 3,
            i % 2,
            (i / 2) % 2
        )
    };
    let rows: String = (0..rows).map(row).collect();
    format!("y,n,school,x_a,x_b,size\n{rows}")
}

fn files(text: &str) -> Files {
    file(text, 1)
}

fn cells(data: &Dataset, column: ColumnId) -> Vec<u64> {
    match &data.columns[column.index()] {
        Cells::Numbers(v) => v.iter().map(|x| x.to_bits()).collect(),
        Cells::Elements(v) => v.iter().map(|x| u64::from(*x)).collect(),
    }
}

#[test]
fn blocks_make_up_the_table() {
    let (b, row) = model();
    let text = text(100);
    let whole = bind(&b.model, &files(&text)).expect("binds").dataset;
    let shelf = Memory::default();
    for _ in 0..2 {
        let stream = Stream::open(&b.model, &files(&text), Some(row), &shelf).expect("opens");
        assert_eq!(stream.rows, 100);
        assert_eq!(stream.frame.plates, whole.plates);
        assert_eq!(stream.frame.tables[0].missing, whole.tables[0].missing);
        assert_eq!(stream.frame.tables[1], whole.tables[1]);
        for size in [1, 7, 33, 100, 1000] {
            let mut found: Vec<Vec<u64>> = vec![Vec::new(); b.model.columns.len()];
            let mut lines = Vec::new();
            for (from, to) in stream.blocks(size) {
                let block = stream.block(from, to).expect("reads");
                assert_eq!(block.tables[0].rows, to - from);
                assert_eq!(block.plates[1].size, to - from);
                assert_eq!(block.tables[1], whole.tables[1]);
                lines.extend(block.tables[0].lines.iter());
                for (i, column) in b.model.columns.iter().enumerate() {
                    if column.table == row {
                        found[i].extend(cells(&block, ColumnId::from(i)));
                    }
                }
            }
            assert!(whole.tables[0].lines.iter().eq(lines));
            for (i, column) in b.model.columns.iter().enumerate() {
                if column.table == row {
                    assert_eq!(
                        found[i],
                        cells(&whole, ColumnId::from(i)),
                        "{}",
                        column.name
                    );
                }
            }
        }
    }
    assert_eq!(
        *shelf.made.lock().unwrap(),
        2,
        "written once, for each table"
    );
}

#[test]
fn findings_are_those_of_binding() {
    let (mut b, row) = model();
    b.listed("fixed", &["s0", "s1", "s4", "s9"]);
    b.label(row, "school", "fixed");
    let found = |text: &str| {
        let whole = bind(&b.model, &files(text)).expect_err("findings");
        let stream = Stream::open(&b.model, &files(text), Some(row), &Memory::default());
        (whole, stream.err().expect("findings"))
    };
    let strange = text(60);
    let wrong = strange.replace(",1,s", ",-1,s");
    for text in [strange, wrong, "y,n\n1,2\n".into(), text(0)] {
        let (whole, stream) = found(&text);
        assert_eq!(whole, stream);
    }
}

#[test]
fn coupled_rows_are_refused() {
    let refused = |b: &Build, t: TableId| -> Diagnostic {
        let found = Stream::open(&b.model, &files("x,y\n1,2\n"), Some(t), &Memory::default());
        let found = found.err().expect("refused");
        assert_eq!(found[0].code, Code::E0603);
        found[0].clone()
    };
    let plain = || {
        let mut b = Build::new();
        let t = b.table("row");
        let y = b.column(t, "y", ColumnType::Real);
        (b, t, y)
    };
    let (mut b, t, _) = plain();
    b.order(t, &["x"], &[]);
    refused(&b, t);

    let (mut b, t, _) = plain();
    let x = b.label(t, "x", "thing");
    b.every(t, Every::All(vec![x]));
    refused(&b, t);

    let (mut b, t, y) = plain();
    let axis: Axis = b.row_axis(y);
    let body = Box::new(Expr::Column(y, vec![Index::Axis(axis)]));
    let fold = Expr::Fold {
        fold: Fold::Sum,
        axes: vec![axis],
        restriction: None,
        body,
    };
    b.factor(FactorKind::Potential(fold), &[]);
    refused(&b, t);

    let (mut b, t, y) = plain();
    let size = Expr::Size(b.row_axis(y).plate);
    b.factor(FactorKind::Potential(size), &[]);
    refused(&b, t);

    let (b, t, _) = plain();
    assert!(Stream::open(&b.model, &files("x,y\n1,2\n"), Some(t), &Memory::default()).is_ok());
}
