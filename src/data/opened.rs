//! A data file of either format, once it is known which columns it has.
//!
//! in: a [`DataFile`] -> out: [`Opened`], its header, and its rows read into tables; E0709, E0711 and E0716 where it is no
//! such file. A file is Parquet if its name ends in `.parquet`, or if it begins and ends as such a file does; any other is
//! CSV.

use super::DataFile;
use super::file::Pieces;
use super::labels::Interner;
use super::records::{self, Header, empty, find_not_text, unreadable};
use super::rows::read_rows;
use super::whole::{Reading, Streamed};
use crate::diag::{Code, Diagnostic};
use crate::model::Model;

/// The first and the last bytes of a Parquet file.
const MAGIC: [u8; 4] = *b"PAR1";
/// The same of one whose columns cannot be told without a key.
const ENCRYPTED: [u8; 4] = *b"PARE";

/// A file whose columns are known.
pub(super) enum Opened<'f> {
    /// CSV.
    Text(Header, Box<Pieces<'f>>),
    /// Parquet.
    #[cfg(feature = "parquet")]
    Columns(Box<super::parquet::Opened>),
}

impl<'f> Opened<'f> {
    /// Opens a file; a CSV is cut into pieces of about this many bytes.
    pub(super) fn open(file: &'f DataFile, piece: usize) -> Result<Self, Box<Diagnostic>> {
        if is_parquet(file)? {
            return open_parquet(file);
        }
        let (header, pieces) = records::open(file, piece)?;
        Ok(Opened::Text(header, Box::new(pieces)))
    }

    /// The names of its columns.
    pub(super) fn names(&self) -> &[String] {
        match self {
            Opened::Text(header, _) => &header.names,
            #[cfg(feature = "parquet")]
            Opened::Columns(opened) => &opened.header.names,
        }
    }

    /// What is wrong with the whole of a file whose header does not fit.
    pub(super) fn broken(self, file: &DataFile) -> Option<Box<Diagnostic>> {
        match self {
            Opened::Text(header, pieces) => find_not_text(file, &header, *pieces),
            #[cfg(feature = "parquet")]
            Opened::Columns(_) => None,
        }
    }

    /// Reads all rows into all tables of the file; its SHA-256.
    pub(super) fn read(
        self,
        model: &Model,
        file: &DataFile,
        tables: &mut [Reading],
        interners: &mut [Interner],
        streamed: Streamed<'_, '_>,
    ) -> Result<String, Vec<Diagnostic>> {
        match self {
            Opened::Text(header, pieces) => {
                read_rows(model, file, &header, *pieces, tables, interners, streamed)
            }
            #[cfg(feature = "parquet")]
            Opened::Columns(opened) => opened.read(model, file, tables, interners, streamed),
        }
    }
}

/// Whether a file is Parquet; E0709 and E0716 where its name says so and its bytes do not.
pub(super) fn is_parquet(file: &DataFile) -> Result<bool, Box<Diagnostic>> {
    let failed = |e: std::io::Error| unreadable(&file.name, &e);
    let length = file.length().map_err(failed)?;
    let (mut first, mut last) = ([0; 4], [0; 4]);
    if length >= 12 {
        file.read_at(0, &mut first).map_err(failed)?;
        file.read_at(length - 4, &mut last).map_err(failed)?;
    }
    let name = file.name.to_ascii_lowercase();
    if [MAGIC, ENCRYPTED].contains(&last) && [MAGIC, ENCRYPTED].contains(&first) {
        if first == MAGIC && last == MAGIC {
            return Ok(true);
        }
        let why = "it cannot be read without a key";
        let encrypted = refused(file, "Parquet file is encrypted", why);
        return Err(Box::new(encrypted.help("write it without encryption")));
    }
    if !name.ends_with(".parquet") {
        return Ok(false);
    }
    if length == 0 {
        return Err(empty(&file.name));
    }
    Err(Box::new(if first == MAGIC {
        let why = "it begins as a Parquet file and does not end as one";
        refused(file, "Parquet file is cut off", why).help("write or copy the file again")
    } else {
        let why = "its name says so, but it does not begin as one";
        refused(file, "data file is not a Parquet file", why)
            .help("give a CSV file a name that ends in .csv")
    }))
}

/// E0716: a Parquet file that is not read.
pub(super) fn refused(file: &DataFile, title: &str, why: &str) -> Diagnostic {
    Diagnostic::new(Code::E0716, title).note(format!("{}: {why}", file.name))
}

#[cfg(feature = "parquet")]
fn open_parquet(file: &DataFile) -> Result<Opened<'_>, Box<Diagnostic>> {
    let opened = super::parquet::Opened::open(file)?;
    Ok(Opened::Columns(Box::new(opened)))
}

#[cfg(not(feature = "parquet"))]
fn open_parquet(file: &DataFile) -> Result<Opened<'_>, Box<Diagnostic>> {
    Err(Box::new(
        refused(
            file,
            "this pmc reads no Parquet files",
            "it was built without the feature `parquet`",
        )
        .help("build it with `cargo build --release --features parquet`, or save the table as CSV"),
    ))
}

/// A file that is CSV: a Parquet file is written as one, in memory.
///
/// # Errors
/// E0709, E0711 and E0716: the file or one of its columns cannot be read.
pub fn as_csv(file: DataFile) -> Result<DataFile, Vec<Diagnostic>> {
    if !is_parquet(&file).map_err(|e| vec![*e])? {
        return Ok(file);
    }
    let opened = open_parquet(&file).map_err(|e| vec![*e])?;
    match opened {
        #[cfg(feature = "parquet")]
        Opened::Columns(opened) => {
            let text = opened.to_csv(&file)?;
            Ok(DataFile::held(format!("{} as CSV", file.name), text))
        }
        Opened::Text(..) => Ok(file.clone()),
    }
}
