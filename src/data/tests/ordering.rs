//! `ordered by .. within ..`.

use super::build::{Build, numbers};
use crate::data::BLANK;
use crate::diag::Code;
use crate::model::{ColumnId, ColumnType};

fn steps(by: &[&str], within: &[&str]) -> (Build, ColumnId) {
    let mut b = Build::new();
    let t = b.table("step");
    b.order(t, by, within);
    let y = b.column(t, "y", ColumnType::Real);
    (b, y)
}

#[test]
fn groups_are_contiguous_and_positions_are_numbers() {
    let (b, y) = steps(&["t"], &["s"]);
    let data = b.data("s,t,y\n10,2,1\n9,10,2\n10,1,3\n9,9,4\n9,11.5,5\n");
    // session 9 before 10, and 9 before 10 before 11.5 inside it
    assert_eq!(numbers(&data, y), [4.0, 2.0, 5.0, 3.0, 1.0]);
    assert_eq!(data.tables[0].previous, [BLANK, 0, 1, BLANK, 3]);
    assert_eq!(data.tables[0].lines, [5, 3, 6, 4, 2]);
}

#[test]
fn texts_sort_by_code_point_if_one_is_no_number() {
    let (b, y) = steps(&["t"], &["s"]);
    let data = b.data("s,t,y\nb,10,1\nb,9,2\na,x,3\n");
    assert_eq!(numbers(&data, y), [3.0, 1.0, 2.0]);
    assert_eq!(data.tables[0].previous, [BLANK, BLANK, 1]);
}

#[test]
fn without_by_the_file_orders() {
    let (b, y) = steps(&[], &["s"]);
    let data = b.data("s,y\nb,1\na,2\nb,3\na,4\n");
    assert_eq!(numbers(&data, y), [2.0, 4.0, 1.0, 3.0]);
    assert_eq!(data.tables[0].previous, [BLANK, 0, BLANK, 2]);
    let (b, y) = steps(&[], &[]);
    let data = b.data("y\n3\n1\n2\n");
    assert_eq!(numbers(&data, y), [3.0, 1.0, 2.0]);
    assert_eq!(data.tables[0].previous, [BLANK, 0, 1]);
}

#[test]
fn several_keys_count_from_the_left() {
    let (b, y) = steps(&["day", "hour"], &["site", "room"]);
    let text = "site,room,day,hour,y\nA,2,1,5,1\nA,1,2,1,2\nA,1,1,9,3\nA,2,1,4,4\n";
    let data = b.data(text);
    assert_eq!(numbers(&data, y), [3.0, 2.0, 4.0, 1.0]);
    assert_eq!(data.tables[0].previous, [BLANK, 0, BLANK, 2]);
}

#[test]
fn positions_are_there_and_differ() {
    let (b, _) = steps(&["t"], &["s"]);
    let blank = b.fails(Code::E0712, "s,t,y\na,1,1\na,,2\n");
    assert!(
        blank.notes[0].contains("row 2 (line 3), column `t`"),
        "{blank:?}"
    );
    b.fails(Code::E0712, "s,t,y\na,1,1\nNA,2,2\n");
    let twice = b.fails(Code::E0712, "s,t,y\na,1,1\nb,1,2\na,1.0,3\n");
    assert!(
        twice.notes[0].contains("row 1 (line 2) and row 3 (line 4)"),
        "{twice:?}"
    );
    assert!(twice.notes[0].contains("within s `a`"), "{twice:?}");
    let (b, _) = steps(&["t"], &[]);
    let twice = b.fails(Code::E0712, "t,y\n1,1\n1,2\n");
    assert!(twice.help[0].contains("within"));
    b.fails(Code::E0702, "time,y\n1,1\n");
}
