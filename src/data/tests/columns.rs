//! Column files: the same rows, labels and findings as from the CSV; whatever happens to them.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Write};
use std::sync::Mutex;

use proptest::prelude::*;

use super::build::Build;
use crate::data::{DataFile, Files, ReadSeek, Shelf, Stamp, bind, bind_cached};
use crate::model::ColumnType;

/// Column files in memory.
#[derive(Default)]
pub struct Memory {
    pub files: Mutex<BTreeMap<String, Vec<u8>>>,
    /// How many were made.
    pub made: Mutex<usize>,
}

impl Shelf for Memory {
    fn find(&self, name: &str) -> io::Result<Box<dyn ReadSeek>> {
        let files = self.files.lock().unwrap();
        let bytes = files.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(Cursor::new(bytes.clone())))
    }

    fn put(
        &self,
        name: &str,
        fill: &mut dyn FnMut(&mut (dyn Write + Send)) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut bytes = Vec::new();
        fill(&mut bytes)?;
        self.files.lock().unwrap().insert(name.to_string(), bytes);
        *self.made.lock().unwrap() += 1;
        Ok(())
    }
}

/// An open file that was last changed at this time.
pub fn file(text: &str, modified: u64) -> Files {
    let stamp = Stamp {
        size: text.len() as u64,
        modified,
    };
    Files {
        main: Some(DataFile::opened(
            "t.csv",
            Cursor::new(text.as_bytes().to_vec()),
            Some(stamp),
        )),
        by_table: Vec::new(),
    }
}

/// A table of rows and a keyed one, ordered, with labels that both hold.
fn model() -> Build {
    let mut b = Build::new();
    let row = b.table("row");
    let y = b.column(row, "y", ColumnType::Real);
    b.observe(y);
    b.label(row, "school", "school");
    b.order(row, &["t"], &["school"]);
    let school = b.table("school");
    b.label(school, "school", "school");
    b.column(school, "size", ColumnType::Count);
    b
}

const TEXT: &str = "t,school,y,size\n2,b,1.5,3\n1,b,NA,3\n\n1,\"a\nx\",7,4\n";

/// As text, where NaN equals NaN.
fn fresh(b: &Build, files: &Files) -> String {
    format!("{:?}", bind(&b.model, files).expect("binds"))
}

fn cached(b: &Build, files: &Files, shelf: &Memory) -> String {
    format!("{:?}", bind_cached(&b.model, files, shelf).expect("binds"))
}

#[test]
fn a_column_file_is_made_once_and_gives_the_same() {
    let (b, shelf) = (model(), Memory::default());
    let csv = fresh(&b, &file(TEXT, 1));
    for _ in 0..3 {
        assert_eq!(cached(&b, &file(TEXT, 1), &shelf), csv);
    }
    assert_eq!(*shelf.made.lock().unwrap(), 2, "one for each table");
    // the same bytes at another time
    assert_eq!(cached(&b, &file(TEXT, 2), &shelf), csv);
    assert_eq!(*shelf.made.lock().unwrap(), 2);
}

#[test]
fn a_file_that_has_changed_is_read_again() {
    let (b, shelf) = (model(), Memory::default());
    cached(&b, &file(TEXT, 1), &shelf);
    let other = TEXT.replace("1.5", "2.5");
    let now = cached(&b, &file(&other, 2), &shelf);
    assert_eq!(now, fresh(&b, &file(&other, 2)));
    assert!(now.contains("2.5"));
    assert_eq!(*shelf.made.lock().unwrap(), 4);
}

#[test]
fn findings_are_those_of_the_file_and_make_no_column_file() {
    let (b, shelf) = (model(), Memory::default());
    for text in [
        TEXT.replace("1.5", "x"),
        TEXT.replace("\n1,b", "\n2,b"),
        TEXT.replace("y,size", "z,size"),
    ] {
        let found = bind(&b.model, &file(&text, 1)).expect_err("findings");
        for _ in 0..2 {
            let cached = bind_cached(&b.model, &file(&text, 1), &shelf);
            assert_eq!(cached.expect_err("findings"), found);
        }
    }
}

proptest! {
    #[test]
    fn damage_is_noticed(at in 0usize..10_000, change in 1u8..255, cut in prop::bool::ANY) {
        let (b, shelf) = (model(), Memory::default());
        let csv = fresh(&b, &file(TEXT, 1));
        cached(&b, &file(TEXT, 1), &shelf);
        for bytes in shelf.files.lock().unwrap().values_mut() {
            let at = at % bytes.len();
            if cut {
                bytes.truncate(at);
            } else {
                bytes[at] ^= change;
            }
        }
        prop_assert_eq!(cached(&b, &file(TEXT, 1), &shelf), csv);
        prop_assert_eq!(*shelf.made.lock().unwrap(), 4, "both were made again");
    }
}
