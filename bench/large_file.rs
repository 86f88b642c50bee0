//! Writes a table of Gaussian clusters twice, as FOLDER/large.csv and FOLDER/large.parquet: large_file FOLDER ROWS.
//!
//! Ten columns around ten centres, with all digits: about 190 bytes a row as CSV, 80 as Parquet. The same numbers for
//! the same ROWS, on any machine.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::DoubleType;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use rayon::iter::{IntoParallelIterator, ParallelIterator};

const COLUMNS: usize = 10;
const CLUSTERS: u64 = 10;
/// Rows of a row group.
const GROUP: usize = 500_000;

/// Bits of a number mixed until nothing of its order is left (Steele, Lea and Flood 2014).
fn mixed(n: u64) -> u64 {
    let mut x = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

fn uniform(n: u64) -> f64 {
    ((mixed(n) >> 11) as f64 + 0.5) / (1u64 << 53) as f64
}

/// The cell of a row: a centre of its cluster and noise (Box and Muller 1958).
fn cell(row: u64, column: u64) -> f64 {
    let cluster = mixed(row ^ 0x5bd1_e995) % CLUSTERS;
    let centre = 12.0 * uniform((cluster << 8 | column) ^ (1 << 60)) - 6.0;
    let n = (row * COLUMNS as u64 + column) * 2;
    let (u, v) = (uniform(n), uniform(n + 1));
    centre + libm::sqrt(-2.0 * libm::log(u)) * libm::cos(std::f64::consts::TAU * v)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, rows] = arguments.as_slice() else {
        return Err("usage: large_file FOLDER ROWS".into());
    };
    let (folder, rows) = (PathBuf::from(folder), rows.parse::<usize>()?);
    let names: Vec<String> = (0..COLUMNS).map(|c| format!("x{c}")).collect();
    let mut csv = BufWriter::new(File::create(folder.join("large.csv"))?);
    writeln!(csv, "{}", names.join(","))?;
    let fields: Vec<String> = names
        .iter()
        .map(|n| format!("required double {n};"))
        .collect();
    let schema = parse_message_type(&format!("message m {{ {} }}", fields.join(" ")))?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_dictionary_enabled(false)
        .build();
    let parquet = File::create(folder.join("large.parquet"))?;
    let mut parquet = SerializedFileWriter::new(parquet, Arc::new(schema), Arc::new(properties))?;
    for from in (0..rows).step_by(GROUP) {
        let to = rows.min(from + GROUP);
        let columns: Vec<Vec<f64>> = (0..COLUMNS as u64)
            .into_par_iter()
            .map(|c| (from..to).map(|row| cell(row as u64, c)).collect())
            .collect();
        let pieces: Vec<usize> = (0..to - from).step_by(10_000).collect();
        let texts: Vec<String> = pieces
            .into_par_iter()
            .map(|start| {
                let mut text = String::new();
                for row in start..(to - from).min(start + 10_000) {
                    for (at, column) in columns.iter().enumerate() {
                        let comma = if at == 0 { "" } else { "," };
                        let _ = write!(text, "{comma}{}", column[row]);
                    }
                    text.push('\n');
                }
                text
            })
            .collect();
        for text in texts {
            csv.write_all(text.as_bytes())?;
        }
        let mut group = parquet.next_row_group()?;
        for values in &columns {
            let Some(mut column) = group.next_column()? else {
                return Err("a column is missing".into());
            };
            column
                .typed::<DoubleType>()
                .write_batch(values, None, None)?;
            column.close()?;
        }
        group.close()?;
    }
    csv.flush()?;
    parquet.close()?;
    Ok(())
}
