//! Files, headers, cell types, labels, keys.

use super::build::{Build, csv, elements, main, numbers};
use crate::data::{Files, bind, summary};
use crate::diag::Code;
use crate::model::{ColumnType, Expr, PlateKind, Source, TableId};

#[test]
fn a_table_without_a_file() {
    let mut b = Build::new();
    let t = b.table("row");
    b.column(t, "y", ColumnType::Real);
    let found = bind(&b.model, &Files::default()).expect_err("no file");
    assert_eq!(found[0].code, Code::E0701);
    assert!(found[0].help[0].contains("--data row=FILE"));
}

#[test]
fn a_column_that_is_not_in_the_file() {
    let mut b = Build::new();
    let t = b.table("row");
    b.column(t, "waitng", ColumnType::Real);
    b.column(t, "other", ColumnType::Real);
    let found = b.bind("eruptions,waiting\n1,2\n").expect_err("missing");
    assert_eq!(found.len(), 2, "both are reported");
    assert!(found.iter().all(|d| d.code == Code::E0702));
    assert_eq!(found[0].help, ["did you mean `waiting`?"]);
    assert!(found[0].notes[0].contains("`eruptions`, `waiting`"));
    assert!(found[1].help.is_empty());

    let semicolons = b.fails(Code::E0702, "waitng;other\n1;2\n");
    assert!(semicolons.help[0].contains("commas"));
}

#[test]
fn cells_of_every_type() {
    let mut b = Build::new();
    let t = b.table("row");
    let r = b.column(t, "r", ColumnType::Real);
    let p = b.column(t, "p", ColumnType::Positive);
    let q = b.column(t, "q", ColumnType::Probability);
    let c = b.column(t, "c", ColumnType::Count);
    let f = b.column(t, "f", ColumnType::Binary);
    let w = b.column(t, "w", ColumnType::Weight);
    let l = b.label(t, "l", "l");
    let data =
        b.data("l,w,f,c,q,p,r\n b ,2,yes,3,0.5,1e-3,-1.5\n\"a, z\",0,FALSE,0,1,\" 7\",\"2\"\n");
    assert_eq!(numbers(&data, r), [-1.5, 2.0]);
    assert_eq!(numbers(&data, p), [1e-3, 7.0]);
    assert_eq!(numbers(&data, q), [0.5, 1.0]);
    assert_eq!(numbers(&data, c), [3.0, 0.0]);
    assert_eq!(elements(&data, f), [1, 0]);
    assert_eq!(numbers(&data, w), [2.0, 0.0]);
    assert_eq!(elements(&data, l), [1, 0]);
    assert_eq!(b.labels(&data, "l"), ["a, z", "b"]);
    assert_eq!(b.labels(&data, "binary"), ["0", "1"]);
    assert_eq!(data.tables[0].rows, 2);
    assert_eq!(data.tables[0].lines, [2, 3]);
}

#[test]
fn a_wrong_cell_is_named_with_row_column_and_value() {
    for (ty, cell) in [
        (ColumnType::Real, "abc"),
        (ColumnType::Real, "inf"),
        (ColumnType::Positive, "0"),
        (ColumnType::Probability, "1.5"),
        (ColumnType::Count, "2.5"),
        (ColumnType::Binary, "2"),
        (ColumnType::Weight, "-1"),
    ] {
        let mut b = Build::new();
        let t = b.table("row");
        b.column(t, "y", ty);
        let found = b.fails(Code::E0703, &format!("x,y\n1,1\n2,{cell}\n"));
        assert!(
            found.notes[0].contains("t.csv, row 2 (line 3), column `y`"),
            "{found:?}"
        );
        assert!(found.notes[0].contains(&format!("`{cell}`")), "{found:?}");
    }
}

#[test]
fn many_wrong_cells_are_counted() {
    let mut b = Build::new();
    let t = b.table("row");
    b.column(t, "y", ColumnType::Real);
    let found = b.fails(Code::E0703, &format!("y\n{}", "x\n".repeat(22)));
    assert_eq!(found.notes.len(), 6);
    assert_eq!(found.notes[5], "and 17 more in this column");
}

#[test]
fn labels_share_a_plate_and_sort_by_number() {
    let mut b = Build::new();
    let t = b.table("edge");
    let from = b.label(t, "from", "node");
    let to = b.label(t, "to", "node");
    let data = b.data("from,to\n10,9\n2,10\n");
    assert_eq!(b.labels(&data, "node"), ["2", "9", "10"]);
    assert_eq!(elements(&data, from), [2, 0]);
    assert_eq!(elements(&data, to), [1, 2]);
}

#[test]
fn fixed_plates_fix_their_labels() {
    let mut b = Build::new();
    b.listed("weather", &["sunny", "very rainy"]);
    b.counted("grade", 3);
    let t = b.table("day");
    let weather = b.label(t, "weather", "weather");
    let grade = b.label(t, "grade", "grade");
    let data = b.data("weather,grade\nvery rainy,3\nsunny,1\n");
    assert_eq!(elements(&data, weather), [1, 0]);
    assert_eq!(elements(&data, grade), [2, 0]);
    let found = b.fails(Code::E0705, "weather,grade\nsuny,1\n");
    assert_eq!(found.help, ["did you mean `sunny`?"]);
    assert!(found.notes[0].contains("row 1 (line 2), column `weather`"));
    b.fails(Code::E0705, "weather,grade\nsunny,4\n");
}

#[test]
fn a_key_names_rows_and_repeats_must_agree() {
    let mut b = Build::new();
    let pupil = b.table("pupil");
    let school = b.table("school");
    let pupil_school = b.label(pupil, "school", "school");
    let score = b.column(pupil, "score", ColumnType::Real);
    let key = b.label(school, "school", "school");
    let district = b.label(school, "district", "district");
    // the plate of the pupils' column is the keyed table's
    assert!(matches!(
        b.model.plate(b.find_plate("school").expect("plate")).kind,
        PlateKind::Keyed(..)
    ));
    let text = "school,district,score\nS2,north,1\nS1,south,2\nS2,north,3\n";
    let data = b.data(text);
    assert_eq!(data.tables[0].rows, 3);
    assert_eq!(data.tables[1].rows, 2);
    assert_eq!(b.labels(&data, "school"), ["S2", "S1"]);
    assert_eq!(elements(&data, key), [0, 1]);
    assert_eq!(elements(&data, pupil_school), [0, 1, 0]);
    assert_eq!(elements(&data, district), [0, 1]);
    assert_eq!(numbers(&data, score), [1.0, 2.0, 3.0]);
    assert_eq!(data.tables[1].lines, [2, 3]);

    let found = b.fails(
        Code::E0706,
        "school,district,score\nS2,north,1\nS2,south,2\n",
    );
    assert!(
        found.notes[0].contains("row 1 (line 2) and row 2 (line 3)"),
        "{found:?}"
    );
    assert!(found.notes[0].contains("`S2`") && found.notes[0].contains("`district`"));
}

#[test]
fn a_keyed_table_of_its_own_file_fixes_labels() {
    let mut b = Build::new();
    let rating = b.table("rating");
    let movie = b.table("movie");
    let column = b.label(rating, "movie", "movie");
    b.label(movie, "movie", "movie");
    let mut files = main("movie\nAlien\nAlien\nHeat\n");
    files.by_table.push((movie, csv("movie\nHeat\nAlien\n")));
    let data = bind(&b.model, &files).expect("binds").dataset;
    assert_eq!(elements(&data, column), [1, 1, 0]);
    files.main = Some(csv("movie\nAlein\n"));
    let found = bind(&b.model, &files).expect_err("unknown movie");
    assert_eq!(found[0].code, Code::E0705);
    assert_eq!(found[0].help, ["did you mean `Alien`?"]);
}

#[test]
fn broken_files() {
    let mut b = Build::new();
    let t = b.table("row");
    b.column(t, "y", ColumnType::Real);
    b.fails(Code::E0709, "");
    b.fails(Code::E0709, "y\n");
    b.fails(Code::E0711, "y,y\n1,2\n");
    let ragged = b.fails(Code::E0711, "x,y\n1,2\n3\n4,5,6\n");
    assert!(
        ragged.notes[1].contains("row 2 (line 3): 1 cells"),
        "{ragged:?}"
    );
    assert!(
        ragged.notes[2].contains("row 3 (line 4): 3 cells"),
        "{ragged:?}"
    );
    // a repeated name that nothing refers to does no harm
    assert_eq!(b.data("x,x,y\n1,2,3\n").tables[0].rows, 1);
}

#[test]
fn a_size_that_depends_on_the_data() {
    let mut b = Build::new();
    let t = b.table("row");
    b.label(t, "site", "site");
    let site = b.find_plate("site").expect("plate");
    let half = Expr::Divide(Box::new(Expr::Size(site)), Box::new(Expr::Number(2.0)));
    b.plate(
        "part",
        PlateKind::Counted {
            expr: half,
            size: None,
        },
    );
    let data = b.data("site\na\nb\nc\nd\n");
    assert_eq!(b.labels(&data, "part"), ["1", "2"]);
    b.fails(Code::E0409, "site\na\nb\nc\n");
}

#[test]
fn a_listed_column_is_one_and_the_digest_is_of_the_bytes() {
    let mut b = Build::new();
    let t = b.table("match");
    let won = b.column(t, "won", ColumnType::Binary);
    b.label(t, "winner", "player");
    b.source(won, Source::Listed);
    let data = b.data("winner\nx\ny\n");
    assert_eq!(elements(&data, won), [1, 1]);
    // sha256sum of the eleven bytes
    assert_eq!(data.tables[0].file, "t.csv");
    assert_eq!(data.tables[0].sha256.len(), 64);
    assert_ne!(
        data.tables[0].sha256,
        b.data("winner\nx\nz\n").tables[0].sha256
    );
    assert_eq!(TableId::from(0), t);
}

#[test]
fn the_summary_counts_rows_plates_and_blanks() {
    let mut b = Build::new();
    let t = b.table("reply");
    b.label(t, "person", "person");
    let y = b.column(t, "y", ColumnType::Real);
    b.observe(y);
    let data = b.data("person,y\na,1\nb,\na,NA\n");
    assert_eq!(
        summary(&b.model, &data),
        "reply: 3 rows from t.csv, blank cells: y 2\nplates: person 2\n"
    );
}
