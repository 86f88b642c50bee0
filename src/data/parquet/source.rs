//! The bytes of a data file as the `parquet` crate asks for them, and pages that are checked before they are decoded.
//!
//! Sizes that a damaged file states are held against what there is before anything is allocated for them.

use std::io::{self, BufReader, Read};

use ::parquet::basic::{Encoding, Type};
use ::parquet::column::page::{Page, PageMetadata, PageReader};
use ::parquet::errors::{ParquetError, Result};
use ::parquet::file::reader::{ChunkReader, Length};
use bytes::Bytes;

use super::super::DataFile;

/// A file, read from wherever a column is.
pub(super) struct Source {
    file: DataFile,
    length: u64,
}

impl Source {
    pub(super) fn new(file: &DataFile) -> io::Result<Self> {
        Ok(Source {
            file: file.clone(),
            length: file.length()?,
        })
    }
}

impl Length for Source {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Source {
    type T = BufReader<From>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        let from = From {
            file: self.file.clone(),
            at: start,
            length: self.length,
        };
        // what is read like this are headers of pages, some dozens of bytes
        Ok(BufReader::with_capacity(512, from))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let end = start.checked_add(length as u64);
        if end.is_none_or(|end| end > self.length) {
            let why = "part of it would lie behind its end";
            return Err(ParquetError::General(why.to_string()));
        }
        let mut bytes = vec![0; length];
        self.file.read_at(start, &mut bytes)?;
        Ok(bytes.into())
    }
}

/// A file read onwards from some byte.
pub(super) struct From {
    file: DataFile,
    at: u64,
    length: u64,
}

impl Read for From {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let left = self.length.saturating_sub(self.at);
        let n = to.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let to = to.get_mut(..n).unwrap_or_default();
        self.file.read_at(self.at, to)?;
        self.at += n as u64;
        Ok(n)
    }
}

/// The pages of a column that say how much is in them, and no more than can be.
pub(super) struct Checked {
    pages: Box<dyn PageReader>,
    /// Bytes of a value, where each has as many.
    width: Option<usize>,
    /// Values, blank ones too, that the column has yet.
    left: u64,
}

impl Checked {
    pub(super) fn new(pages: Box<dyn PageReader>, ty: Type, length: i32, values: u64) -> Self {
        let width = match ty {
            Type::INT32 | Type::FLOAT => Some(4),
            Type::INT64 | Type::DOUBLE => Some(8),
            Type::INT96 => Some(12),
            Type::FIXED_LEN_BYTE_ARRAY => usize::try_from(length).ok(),
            Type::BOOLEAN | Type::BYTE_ARRAY => None,
        };
        Checked {
            pages,
            width,
            left: values,
        }
    }

    fn check(&mut self, page: &Page) -> Result<()> {
        let fails = |why: &str| Err(ParquetError::General(why.to_string()));
        let values = page.num_values() as usize;
        match page {
            Page::DictionaryPage { buf, encoding, .. } => {
                // a dictionary is allocated before it is read; a text has four bytes for its length
                let fits = match self.width {
                    Some(width) => values.checked_mul(width) == Some(buf.len()),
                    None => values.checked_mul(4).is_some_and(|n| n <= buf.len()),
                };
                let plain = matches!(encoding, Encoding::PLAIN | Encoding::PLAIN_DICTIONARY);
                if plain && !fits {
                    return fails("a dictionary has another length than it says");
                }
            }
            Page::DataPage { .. } | Page::DataPageV2 { .. } => {
                let Some(left) = self.left.checked_sub(values as u64) else {
                    return fails("a page has more values than its column");
                };
                self.left = left;
            }
        }
        Ok(())
    }
}

impl Iterator for Checked {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Checked {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let page = self.pages.get_next_page()?;
        if let Some(page) = &page {
            self.check(page)?;
        }
        Ok(page)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.pages.skip_next_page()
    }
}
