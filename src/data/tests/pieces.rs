//! Reading in pieces, in parallel, against the csv crate reading from the first byte to the last.

use proptest::prelude::*;

use super::build::{Build, main};
use crate::data::DataFile;
use crate::data::file::Pieces;
use crate::data::read::{How, read_files};
use crate::data::records::{each_row, open};
use crate::model::ColumnType;

/// A record as the csv crate sees it: cells, and the line on which it starts.
type Record = (Vec<String>, u64);

fn reference(text: &str) -> Vec<Record> {
    let mut reader = ::csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut all = Vec::new();
    for record in reader.byte_records() {
        let record = record.expect("text in memory is readable");
        let at = record.position().map_or(0, |p| p.byte() as usize);
        let ends = text.as_bytes()[at..].iter();
        let ends = ends.take_while(|b| matches!(b, b'\r' | b'\n')).count();
        let before = &text.as_bytes()[..at + ends];
        let line = 1 + before.iter().filter(|b| **b == b'\n').count() as u64;
        let cells = record.iter().map(|c| String::from_utf8_lossy(c).into());
        all.push((cells.collect(), line));
    }
    all
}

fn in_pieces(text: &str, size: usize) -> Vec<Record> {
    let file = DataFile::held("t.csv", text);
    let (header, pieces) = open(&file, size).expect("it has a record");
    let mut all = vec![(header.names.clone(), 0)];
    // an empty line or an open quote is told of behind what was read
    let _ = each_row(&file, &header, pieces, |row, line| {
        let cell = |c| String::from_utf8_lossy(row.cell(c)).into_owned();
        all.push(((0..row.len()).map(cell).collect(), line));
    });
    all
}

/// Text made of what matters to the splitting.
fn texts() -> impl Strategy<Value = String> {
    let bits = prop::sample::select(vec![
        "a",
        "1.5",
        "\u{fc}",
        ",",
        ",",
        "\"",
        "\"\"",
        "\n",
        "\r\n",
        "\r",
        "\n\n",
        " ",
        "NA",
        "\"x,\ny\"",
        "\"x\r\n\"\"y\"",
    ]);
    prop::collection::vec(bits, 0..60).prop_map(|bits| bits.concat())
}

/// Rows of three cells, some of them wrong, blank or quoted.
fn tables() -> impl Strategy<Value = String> {
    let bits = prop::sample::select(vec![
        "1", "-2.5", "", "NA", "\"NA\"", "x", "\"4\"", "u,v", "\"u,v\"", "\"a\nb\"", "b", "c", "?",
    ]);
    let end = prop::sample::select(vec!["\n", "\n", "\r\n", "\n\n"]);
    let row = (bits.clone(), bits.clone(), bits, end)
        .prop_map(|(a, b, c, end)| format!("{a},{b},{c}{end}"));
    prop::collection::vec(row, 0..40).prop_map(|rows| format!("x,g,h\n{}", rows.concat()))
}

proptest! {
    #[test]
    fn records_are_those_of_the_csv_crate(text in texts(), size in 1usize..40) {
        let text = format!("h,i\n{text}");
        let (expected, found) = (reference(&text), in_pieces(&text, size));
        prop_assert_eq!(&found[1..], &expected[1..], "{:?}", text);
    }

    #[test]
    fn pieces_are_whole_records_and_make_up_the_file(text in texts(), size in 1usize..40) {
        let file = DataFile::held("t.csv", text.as_str());
        let mut pieces = Pieces::open(&file, size).expect("memory is readable");
        let (mut all, mut records) = (Vec::new(), 0);
        while let Some(piece) = pieces.next_piece().expect("memory is readable") {
            records += reference(std::str::from_utf8(&piece.bytes).expect("text")).len();
            all.extend(piece.bytes);
        }
        prop_assert_eq!(all, text.as_bytes());
        prop_assert_eq!(records, reference(&text).len());
    }

    #[test]
    fn tables_do_not_depend_on_the_size_of_pieces(text in tables(), size in 1usize..60) {
        let b = three_columns();
        prop_assert_eq!(read(&b, &text, size), read(&b, &text, 1 << 20), "{:?}", text);
    }

    #[test]
    fn empty_lines_of_one_column_are_found_anywhere(
        ends in prop::collection::vec(prop::sample::select(vec!["\n", "\r\n", "\n\n", "\r"]), 0..12),
        size in 1usize..20,
    ) {
        let mut b = Build::new();
        let t = b.table("row");
        b.column(t, "x", ColumnType::Real);
        let rows: Vec<String> = ends.iter().enumerate().map(|(i, end)| format!("{i}{end}")).collect();
        let text = format!("x\n{}", rows.concat());
        let found = read(&b, &text, size);
        prop_assert_eq!(&found, &read(&b, &text, 1 << 20), "{:?}", text);
        let empty = ends.iter().rev().skip(1).any(|end| *end == "\n\n");
        prop_assert_eq!(found.contains("empty line between rows"), empty, "{:?}", text);
    }
}

fn three_columns() -> Build {
    let mut b = Build::new();
    let t = b.table("row");
    b.column(t, "x", ColumnType::Real);
    b.label(t, "g", "label");
    b.label(t, "h", "label");
    b
}

/// Everything that reading gives: rows, cells, labels in the order met, digests, or the findings in order.
fn read(b: &Build, text: &str, size: usize) -> String {
    let how = How {
        piece: size,
        ..How::default()
    };
    match read_files(&b.model, &main(text), &how) {
        Ok(read) => {
            let labels: Vec<&Vec<String>> = read.interners.iter().map(|i| &i.labels).collect();
            format!("{:?} {:?} {labels:?}", read.raw, read.files)
        }
        Err(found) => format!("{found:?}"),
    }
}
