//! Which column file belongs to a data file, and whether it still holds what is in it.
//!
//! in: a data file, how a table reads it, a [`Shelf`] -> out: the table's [`Store`], if there is one of the same layout
//! from the same bytes.
//!
//! A column file is written only after its data file was read without a finding, so whatever is wrong with a data file is
//! found by reading it. It is the same if name, size and time are, or else if size and SHA-256 are.

use std::fmt;
use std::io::{self, Write};

use sha2::{Digest, Sha256};

use super::layout::Layout;
use super::raw::RawTable;
use super::store::{About, Store};
use super::{DataFile, ReadSeek};

/// Where column files are kept; the caller decides in which folder.
pub trait Shelf: Send + Sync {
    /// The file of this name.
    ///
    /// # Errors
    /// There is none, or it cannot be opened.
    fn find(&self, name: &str) -> io::Result<Box<dyn ReadSeek>>;

    /// Makes a file and calls `fill` once to write it; whole or not at all.
    ///
    /// # Errors
    /// It cannot be written, or `fill` failed.
    fn put(
        &self,
        name: &str,
        fill: &mut dyn FnMut(&mut (dyn Write + Send)) -> io::Result<()>,
    ) -> io::Result<()>;
}

/// How a table reads a file, as text: equal texts give equal rows.
pub(super) fn layout_text(raw: &RawTable, layout: &Layout) -> String {
    let columns: Vec<String> = (raw.columns.iter())
        .map(|c| {
            format!(
                "{:?} {:?} {:?} {:?}",
                c.fields, c.ty, c.default, c.may_be_blank
            )
        })
        .collect();
    format!(
        "{:?} {:?} {:?} of {:?}",
        columns, layout.by, layout.within, raw.headers
    )
}

/// The name of a column file: that of the data file, and what tells layouts and folders apart.
pub(super) fn file_name(csv: &str, layout: &str) -> String {
    let base = csv.rsplit(['/', '\\']).next().unwrap_or(csv);
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let base: String = base.chars().filter(|c| plain(*c)).take(60).collect();
    let digest = Sha256::digest(format!("{csv}\n{layout}"));
    let short: String = (digest.iter().take(8))
        .map(|b| format!("{b:02x}"))
        .collect();
    format!("{base}.{short}.columns")
}

/// The column file of a data file, if it is there, whole and of the same bytes.
pub(super) fn find(shelf: &dyn Shelf, file: &DataFile, layout: &str) -> Option<Store> {
    let store = Store::open(shelf.find(&file_name(&file.name, layout)).ok()?).ok()?;
    (store.about.layout == layout && is_same(&store.about, file)).then_some(store)
}

fn is_same(about: &About, file: &DataFile) -> bool {
    let (Some(then), Some(now)) = (about.stamp, file.stamp) else {
        return false;
    };
    if about.csv == file.name && then == now {
        return true;
    }
    then.size == now.size && file.sha256().is_ok_and(|sum| sum == about.sha256)
}

impl fmt::Debug for dyn Shelf + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a shelf of column files")
    }
}
