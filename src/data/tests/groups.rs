//! Column groups: patterns, lists, rest.

use super::build::{Build, elements, numbers};
use crate::data::Cells;
use crate::diag::Code;
use crate::model::{ColumnType, Source};

fn pattern(text: &str) -> Source {
    Source::Pattern(text.to_string())
}

fn list(names: &[&str]) -> Source {
    Source::List(names.iter().map(|n| (*n).to_string()).collect())
}

#[test]
fn a_pattern_names_elements_by_what_the_star_matches() {
    let mut b = Build::new();
    let t = b.table("image");
    let x = b.group(t, "x", "pixel", ColumnType::Real, pattern("px_*_v"));
    let data = b.data("px_b_v,other,px_a_v,px__v\n1,2,3,9\n4,5,6,9\n");
    assert_eq!(b.labels(&data, "pixel"), ["b", "a"], "file order");
    assert_eq!(numbers(&data, x), [1.0, 3.0, 4.0, 6.0]);
    let Cells::Numbers(array) = &data.columns[x.index()] else {
        panic!("numbers");
    };
    assert_eq!(array.shape(), [2, 2]);
    b.fails(Code::E0707, "other\n1\n");
}

#[test]
fn rest_is_what_the_block_does_not_name() {
    let mut b = Build::new();
    let t = b.table("row");
    b.order(t, &["t"], &["who"]);
    let y = b.column(t, "y", ColumnType::Real);
    b.source(y, Source::Header("target".to_string()));
    b.group(t, "x", "feature", ColumnType::Real, Source::Rest);
    b.group(t, "s", "side", ColumnType::Real, list(&["home", "away"]));
    b.group(t, "v", "wave", ColumnType::Real, pattern("w*"));
    let data = b.data("a,target,t,who,home,b,away,w1\n1,2,3,4,5,6,7,8\n");
    assert_eq!(b.labels(&data, "feature"), ["a", "b"]);
    assert_eq!(b.labels(&data, "side"), ["home", "away"]);
    b.fails(Code::E0707, "target,t,who,home,away,w1\n1,2,3,4,5,6\n");
}

#[test]
fn names_of_group_columns_are_there_and_differ() {
    let mut b = Build::new();
    let t = b.table("row");
    b.group(t, "x", "feature", ColumnType::Real, Source::Rest);
    b.fails(Code::E0711, "a,a\n1,2\n");
    b.fails(Code::E0711, ",a\n1,2\n");
    let mut b = Build::new();
    let t = b.table("row");
    b.group(t, "x", "feature", ColumnType::Real, list(&["a", "c"]));
    let found = b.fails(Code::E0702, "a,b\n1,2\n");
    assert!(found.title.contains("`c`"));
}

#[test]
fn a_second_group_follows_the_plate_of_the_first() {
    let mut b = Build::new();
    let t = b.table("person");
    let x = b.group(t, "x", "wave", ColumnType::Real, pattern("x*"));
    let y = b.group(t, "y", "wave", ColumnType::Real, pattern("y*"));
    let data = b.data("x1,x2,y2,y1\n1,2,3,4\n");
    assert_eq!(numbers(&data, x), [1.0, 2.0]);
    assert_eq!(numbers(&data, y), [4.0, 3.0], "by element, not by place");
    let found = b.fails(Code::E0707, "x1,x2,y2,y3\n1,2,3,4\n");
    assert!(found.notes[0].contains("no column for `1`"), "{found:?}");
    assert!(found.notes[1].contains("columns for `3`"), "{found:?}");
}

#[test]
fn a_group_on_a_declared_plate_has_its_elements() {
    let mut b = Build::new();
    b.counted("pixel", 3);
    let t = b.table("image");
    let x = b.group(t, "x", "pixel", ColumnType::Real, pattern("p*"));
    let data = b.data("p3,p1,p2\n30,10,20\n");
    assert_eq!(numbers(&data, x), [10.0, 20.0, 30.0]);
    b.fails(Code::E0707, "p3,p1\n30,10\n");
}

#[test]
fn a_group_of_labels_shares_one_plate() {
    let mut b = Build::new();
    let t = b.table("person");
    b.plate("choice", crate::model::PlateKind::Labels(Vec::new()));
    let choice = b.find_plate("choice").expect("plate");
    let answer = b.group(
        t,
        "answer",
        "item",
        ColumnType::Label(choice),
        pattern("q_*"),
    );
    b.observe(answer);
    let data = b.data("q_1,q_2\nyes,no\n,maybe\n");
    assert_eq!(b.labels(&data, "choice"), ["maybe", "no", "yes"]);
    assert_eq!(elements(&data, answer), [2, 1, crate::data::BLANK, 0]);
    assert_eq!(data.tables[0].missing, [("answer".to_string(), 1)]);
}
