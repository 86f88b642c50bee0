//! `fit --cache`: the same fit from column files as from the CSV.

use crate::{Place, err};

fn without_times(fit: &str) -> serde_json::Value {
    let mut fit: serde_json::Value = serde_json::from_str(fit).expect("a fit");
    let fit_object = fit.as_object_mut().expect("an object");
    assert!(fit_object.remove("timing").is_some());
    fit
}

#[test]
fn a_fit_from_column_files_is_the_fit_from_the_csv() {
    let place = Place::mixture();
    place.ok("fit m.pmod d.csv -o a.json");
    let files = || {
        let names = std::fs::read_dir(place.path("kept")).expect("lists");
        let names = names.map(|e| e.expect("entry").path());
        names.collect::<Vec<_>>()
    };
    for _ in 0..2 {
        place.ok("fit m.pmod d.csv -o b.json --cache kept");
        assert_eq!(
            without_times(&place.read("b.json")),
            without_times(&place.read("a.json"))
        );
        assert_eq!(files().len(), 1);
    }
    // a column file that is damaged is made again
    let whole = std::fs::read(&files()[0]).expect("reads");
    std::fs::write(&files()[0], &whole[..whole.len() / 2]).expect("writes");
    place.ok("fit m.pmod d.csv -o b.json --cache kept");
    assert_eq!(std::fs::read(&files()[0]).expect("reads"), whole);
    assert_eq!(
        without_times(&place.read("b.json")),
        without_times(&place.read("a.json"))
    );
}

#[test]
fn without_it_nothing_is_left_behind() {
    let place = Place::mixture();
    place.ok("fit m.pmod d.csv -o a.json");
    assert_eq!(place.names(), ["a.json", "d.csv", "m.pmod"]);
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let place = Place::mixture();
    let out = place.run("fit m.pmod d.csv --cache d.csv/kept");
    assert_eq!(out.status.code(), Some(2), "{}", err(&out));
    assert!(err(&out).contains("d.csv/kept"), "{}", err(&out));
}
