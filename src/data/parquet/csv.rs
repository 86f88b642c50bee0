//! A Parquet file written as CSV, for what takes a file apart as text.

use super::super::DataFile;
use super::super::records::unreadable;
use super::{Opened, Rows};
use crate::diag::Diagnostic;

impl Opened {
    /// The file as CSV: a header, and the values of each row as they are read.
    pub(in crate::data) fn to_csv(&self, file: &DataFile) -> Result<Vec<u8>, Vec<Diagnostic>> {
        let wanted = self.wanted(file, 0..self.header.names.len())?;
        self.rows(file)?;
        let mut out = Vec::new();
        let failed = |e: std::io::Error| vec![*unreadable(&file.name, &e)];
        out.extend(line(self.header.names.iter().map(String::as_str)).map_err(failed)?);
        let mut wrong = None;
        self.batches(file, &wanted, |rows| text(&rows), &mut |part| {
            match part {
                Ok(lines) => out.extend(lines),
                Err(error) => wrong = Some(error),
            }
            wrong.is_none()
        })?;
        match wrong {
            Some(error) => Err(failed(error)),
            None => Ok(out),
        }
    }
}

fn line<'t>(cells: impl Iterator<Item = &'t str>) -> std::io::Result<Vec<u8>> {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    writer.write_record(cells)?;
    writer.into_inner().map_err(|e| e.into_error())
}

fn text(rows: &Rows) -> std::io::Result<Vec<u8>> {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    let mut room = String::new();
    for row in 0..rows.rows {
        for column in &rows.columns {
            writer.write_field(column.map_or("", |c| c.text(row, &mut room)))?;
        }
        writer.write_record(None::<&[u8]>)?;
    }
    writer.into_inner().map_err(|e| e.into_error())
}
