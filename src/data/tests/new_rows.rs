//! Binding new rows to the plates of a fit.

use super::build::{Build, check_found, elements, numbers};
use crate::data::{BLANK, Dataset};
use crate::diag::Code;
use crate::model::{ColumnId, ColumnType, Domain, PlateId, Role, Source};

fn tokens() -> (Build, ColumnId, ColumnId) {
    let mut b = Build::new();
    let t = b.table("token");
    let doc = b.label(t, "doc", "doc");
    let word = b.label(t, "word", "word");
    b.observe(word);
    (b, doc, word)
}

fn plate(b: &Build, name: &str) -> PlateId {
    b.find_plate(name).expect("plate exists")
}

const FITTED: &str = "doc,word\n2,b\n10,a\n";

fn fit(b: &Build) -> Dataset {
    b.data(FITTED)
}

#[test]
fn label_plates_keep_their_elements_and_gain_at_the_end() {
    let (b, doc, word) = tokens();
    let fitted = fit(&b);
    let bound = b.bind_new(&fitted.plates, "doc,word\n7,a\n10,c\n3,a\n");
    let bound = bound.expect("binds");
    assert_eq!(b.labels(&bound.dataset, "doc"), ["2", "10", "3", "7"]);
    assert_eq!(elements(&bound.dataset, doc), [3, 1, 2]);
    assert_eq!(elements(&bound.dataset, word), [0, 2, 0]);
    assert_eq!(
        bound.gained,
        [(plate(&b, "doc"), 2), (plate(&b, "word"), 1)]
    );
}

#[test]
fn a_new_word_is_blank_where_a_simplex_runs_over_words() {
    let (mut b, _, word) = tokens();
    let over = plate(&b, "word");
    b.variable("theta", &[over], 1, Domain::Simplex);
    let fitted = fit(&b);
    let bound = b
        .bind_new(&fitted.plates, "doc,word\n2,a\n2,c\n")
        .expect("binds");
    assert_eq!(elements(&bound.dataset, word), [0, BLANK]);
    assert_eq!(bound.warnings.len(), 1);
    assert_eq!(bound.warnings[0].code, Code::W0702);
    assert!(bound.warnings[0].notes[0].contains("row 2 (line 3), column `word`: `c`"));
    assert!(bound.gained.is_empty());
}

#[test]
fn a_param_of_a_new_element_is_an_error_and_a_latent_is_none() {
    let (mut b, _, _) = tokens();
    let doc = plate(&b, "doc");
    b.variable("pi", &[doc], 0, Domain::Real);
    let fitted = fit(&b);
    let text = "doc,word\n2,a\n3,a\n";
    let found = check_found(Code::E0713, b.bind_new(&fitted.plates, text));
    assert!(found.notes[0].contains("`3`"), "{found:?}");
    b.model.variables[0].role = Role::Latent;
    assert!(b.bind_new(&fitted.plates, text).is_ok());
}

#[test]
fn groups_and_listed_plates_stay_as_they_were() {
    let mut b = Build::new();
    b.listed("sky", &["clear", "grey"]);
    let t = b.table("day");
    b.label(t, "sky", "sky");
    let x = b.group(
        t,
        "x",
        "sensor",
        ColumnType::Real,
        Source::Pattern("x_*".into()),
    );
    let fitted = b.data("sky,x_1,x_2\nclear,1,2\n");
    let bound = b
        .bind_new(&fitted.plates, "x_2,sky,x_1\n20,grey,10\n")
        .expect("binds");
    assert_eq!(numbers(&bound.dataset, x), [10.0, 20.0]);
    let unequal = b.bind_new(&fitted.plates, "x_2,sky,x_3\n20,grey,10\n");
    check_found(Code::E0707, unequal);
    let strange = b.bind_new(&fitted.plates, "x_2,sky,x_1\n20,pink,10\n");
    check_found(Code::E0705, strange);
}
