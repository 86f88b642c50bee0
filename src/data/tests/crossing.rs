//! `every`: full tables of combinations.

use super::build::{Build, elements, numbers};
use crate::data::{BLANK, summary};
use crate::diag::Code;
use crate::model::{ColumnId, ColumnType, Every, Source};

struct Pairs {
    b: Build,
    a: ColumnId,
    z: ColumnId,
    linked: ColumnId,
}

fn pairs(every: impl Fn(ColumnId, ColumnId) -> Every) -> Pairs {
    let mut b = Build::new();
    let t = b.table("pair");
    let a = b.label(t, "a", "node");
    let z = b.label(t, "z", "node");
    let linked = b.column(t, "linked", ColumnType::Binary);
    b.source(linked, Source::Listed);
    b.observe(linked);
    b.every(t, every(a, z));
    Pairs { b, a, z, linked }
}

/// The pairs in order and which of them are linked, by brute force over a condition.
fn expected(
    n: u32,
    keep: impl Fn(u32, u32) -> bool,
    listed: impl Fn(u32, u32) -> bool,
) -> (Vec<u32>, Vec<u32>, Vec<u32>) {
    let all = (0..n).flat_map(|a| (0..n).map(move |z| (a, z)));
    let kept: Vec<(u32, u32)> = all.filter(|(a, z)| keep(*a, *z)).collect();
    (
        kept.iter().map(|p| p.0).collect(),
        kept.iter().map(|p| p.1).collect(),
        kept.iter()
            .map(|(a, z)| u32::from(listed(*a, *z)))
            .collect(),
    )
}

#[test]
fn unordered_pairs_once_and_turned_round() {
    let p = pairs(Every::Less);
    let data = p.b.data("a,z\n4,1\n2,3\n1,3\n");
    let links = [(0, 3), (1, 2), (0, 2)];
    let wanted = expected(4, |a, z| a < z, |a, z| links.contains(&(a, z)));
    let found = (
        elements(&data, p.a),
        elements(&data, p.z),
        elements(&data, p.linked),
    );
    assert_eq!(found, wanted);
    // (1,2) is not listed, (1,3) is on line 4, (1,4) on line 2, (2,3) on line 3
    assert_eq!(data.tables[0].lines, [0, 4, 2, 3, 0, 0]);
    assert_eq!(
        summary(&p.b.model, &data),
        "pair: 6 rows from t.csv (3 added by `every`)\nplates: node 4\n"
    );
    let twice = p.b.fails(Code::E0708, "a,z\n1,2\n3,1\n2,1\n");
    assert!(
        twice.notes[0].contains("row 1 (line 2) and row 3 (line 4)"),
        "{twice:?}"
    );
    let own = p.b.fails(Code::E0708, "a,z\n1,2\n3,3\n");
    assert!(own.notes[0].contains("row 2 (line 3): `3`, `3`"), "{own:?}");
}

#[test]
fn ordered_pairs_without_self() {
    let p = pairs(Every::Unequal);
    let data = p.b.data("a,z\n3,1\n1,3\n2,3\n");
    let links = [(2, 0), (0, 2), (1, 2)];
    let wanted = expected(3, |a, z| a != z, |a, z| links.contains(&(a, z)));
    let found = (
        elements(&data, p.a),
        elements(&data, p.z),
        elements(&data, p.linked),
    );
    assert_eq!(found, wanted);
    p.b.fails(Code::E0708, "a,z\n1,2\n2,2\n");
    p.b.fails(Code::E0708, "a,z\n1,2\n1,2\n");
}

#[test]
fn all_combinations_with_fillers() {
    let mut b = Build::new();
    let t = b.table("cell");
    b.listed("item", &["x", "y"]);
    let user = b.label(t, "user", "user");
    let item = b.label(t, "item", "item");
    let n = b.column(t, "n", ColumnType::Count);
    let seen = b.column(t, "seen", ColumnType::Real);
    b.otherwise(n, 0.0);
    b.observe(n);
    b.observe(seen);
    b.every(t, Every::All(vec![user, item]));
    let data = b.data("user,item,n,seen\nv,y,3,0.5\nu,y,,\n");
    assert_eq!(elements(&data, user), [0, 0, 1, 1]);
    assert_eq!(elements(&data, item), [0, 1, 0, 1]);
    assert_eq!(numbers(&data, n), [0.0, 0.0, 0.0, 3.0]);
    let seen = numbers(&data, seen);
    assert_eq!(seen[3], 0.5);
    assert!(seen[..3].iter().all(|v| v.is_nan()));
    let missing = [("n".to_string(), 0), ("seen".to_string(), 3)];
    assert_eq!(data.tables[0].missing, missing);
    b.fails(Code::E0708, "user,item,n,seen\nv,y,3,1\nv,y,4,1\n");
}

#[test]
fn an_added_row_needs_a_value_where_it_is_conditioned_on() {
    let mut b = Build::new();
    let t = b.table("cell");
    let user = b.label(t, "user", "user");
    let item = b.label(t, "item", "item");
    let price = b.column(t, "price", ColumnType::Real);
    b.condition(price);
    b.every(t, Every::All(vec![user, item]));
    let found = b.fails(Code::E0704, "user,item,price\nu,x,1\nv,y,2\n");
    assert!(found.notes[0].contains("`u`, `y`"), "{found:?}");
    b.data("user,item,price\nu,x,1\nu,y,1\n");
}

/// A number can stand for what is not listed, a label cannot.
#[test]
fn the_way_out_of_an_added_row_fits_the_type() {
    for (ty, way) in [("price", "else 0"), ("shop", "list a row")] {
        let mut b = Build::new();
        let t = b.table("cell");
        let user = b.label(t, "user", "user");
        let item = b.label(t, "item", "item");
        let column = match ty {
            "shop" => b.label(t, "shop", "shop"),
            name => b.column(t, name, ColumnType::Real),
        };
        b.condition(column);
        b.every(t, Every::All(vec![user, item]));
        let text = format!("user,item,{ty}\nu,x,1\nv,y,2\n");
        let found = b.fails(Code::E0704, &text);
        let help = found.help.clone();
        assert!(format!("{help:?}").contains(way), "{found:?}");
    }
}

#[test]
fn a_crossed_column_is_never_blank() {
    let mut p = pairs(Every::Less);
    p.b.observe(p.a);
    p.b.fails(Code::E0704, "a,z\n1,2\n,2\n");
}

#[test]
fn a_panel_is_filled_and_ordered() {
    let mut b = Build::new();
    let t = b.table("obs");
    let unit = b.label(t, "unit", "unit");
    let time = b.label(t, "time", "time");
    let y = b.column(t, "y", ColumnType::Real);
    b.observe(y);
    b.every(t, Every::All(vec![unit, time]));
    b.order(t, &["time"], &["unit"]);
    let data = b.data("unit,time,y\nB,10,1\nA,9,2\nA,10,3\n");
    assert_eq!(elements(&data, unit), [0, 0, 1, 1]);
    assert_eq!(elements(&data, time), [0, 1, 0, 1]);
    assert_eq!(data.tables[0].previous, [BLANK, 0, BLANK, 2]);
    assert_eq!(numbers(&data, y)[..2], [2.0, 3.0]);
    assert_eq!(data.tables[0].lines, [3, 4, 0, 2]);
    // a position that only the file knows is blank in the rows that are added
    b.order(t, &["when"], &["unit"]);
    b.fails(
        Code::E0712,
        "unit,time,y,when\nB,10,1,1\nA,9,2,2\nA,10,3,3\n",
    );
}
