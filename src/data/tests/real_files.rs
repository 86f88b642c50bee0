//! Published data sets, read from the folder that `PMC_TEST_DATA` names; skipped with a line where it is not set.

use std::path::{Path, PathBuf};

use super::build::{Build, numbers};
use crate::data::{DataFile, Files, bind};
use crate::model::{ColumnType, Source};

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("PMC_TEST_DATA").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("PMC_TEST_DATA names no folder: skipped");
    }
    folder
}

fn open(path: &Path) -> DataFile {
    DataFile::held(
        path.display().to_string(),
        std::fs::read(path).expect("the file can be read"),
    )
}

/// Rows as the sources of the data sets state them.
const ROWS: [(&str, usize); 8] = [
    ("bluebirds", 4212),
    ("diabetes", 442),
    ("digits", 1797),
    ("faithful", 272),
    ("iris", 150),
    ("karate", 78),
    ("nile", 100),
    ("reuters", 60114),
];

#[test]
fn every_file_reads_as_labels_and_by_type() {
    let Some(folder) = folder() else { return };
    let entries = std::fs::read_dir(folder).expect("a folder");
    for entry in entries {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|e| e != "csv") {
            continue;
        }
        let mut b = Build::new();
        let t = b.table("row");
        let cell = b.plate("cell", crate::model::PlateKind::Labels(Vec::new()));
        b.group(t, "x", "column", ColumnType::Label(cell), Source::Rest);
        let files = Files {
            main: Some(open(&path)),
            by_table: Vec::new(),
        };
        let bound = bind(&b.model, &files).unwrap_or_else(|e| panic!("{path:?}: {e:#?}"));
        let stem = path.file_stem().and_then(|s| s.to_str()).unwrap_or("");
        for (name, rows) in ROWS {
            if name == stem {
                assert_eq!(bound.dataset.tables[0].rows, rows, "{name}");
            }
        }
    }
}

#[test]
fn reuters_and_faithful_by_type() {
    let Some(folder) = folder() else { return };
    let mut b = Build::new();
    let t = b.table("token");
    b.label(t, "doc", "doc");
    let word = b.label(t, "word", "word");
    b.observe(word);
    let count = b.column(t, "count", ColumnType::Weight);
    let files = Files {
        main: Some(open(&folder.join("reuters.csv"))),
        by_table: Vec::new(),
    };
    let data = bind(&b.model, &files).expect("binds").dataset;
    assert_eq!(b.labels(&data, "doc").len(), 395);
    assert_eq!(b.labels(&data, "doc")[..3], ["0", "1", "2"]);
    assert_eq!(b.labels(&data, "word").len(), 4258);
    assert_eq!(numbers(&data, count).iter().sum::<f64>(), 84010.0);

    let mut b = Build::new();
    let t = b.table("eruption");
    let x = b.group(
        t,
        "x",
        "feature",
        ColumnType::Real,
        Source::List(vec!["eruptions".into(), "waiting".into()]),
    );
    let files = Files {
        main: Some(open(&folder.join("faithful.csv"))),
        by_table: Vec::new(),
    };
    let data = bind(&b.model, &files).expect("binds").dataset;
    let x = numbers(&data, x);
    assert_eq!((x.len(), x[0], x[1]), (544, 3.6, 79.0));
}
