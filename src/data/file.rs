//! A data file, and its bytes piece by piece: each piece ends where a record ends.
//!
//! in: a name and bytes or an open file -> out: [`Pieces`] of bounded size (longer only where one record is longer), read
//! one after the other, and the SHA-256 of the whole.
//!
//! A record ends at a line end outside quotes. In a piece without any quote that is its last line end; otherwise the
//! piece is walked through from its start, which is the start of a record. Empty lines behind the last record go to the
//! next piece, so that what stands in front of a record is always in the record's own piece. Not here: what is in a
//! record (see `records`).

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A file that was opened by the caller.
#[derive(Debug, Clone)]
pub struct DataFile {
    /// The name shown in diagnostics.
    pub name: String,
    /// Its bytes.
    pub content: Content,
    /// What tells that an ordinary file is still the same.
    pub stamp: Option<Stamp>,
}

/// Size and time of an ordinary file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// In bytes.
    pub size: u64,
    /// When it was last changed, in nanoseconds since 1970.
    pub modified: u64,
}

/// Where the bytes of a file are.
#[derive(Clone)]
pub enum Content {
    /// In memory.
    Held(Arc<Vec<u8>>),
    /// In an ordinary file, read from its start as often as needed and never held whole.
    Opened(Arc<Mutex<dyn ReadSeek>>),
}

/// What an ordinary file can do.
pub trait ReadSeek: Read + Seek + Send {}

impl<T: Read + Seek + Send> ReadSeek for T {}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Content::Held(bytes) => write!(f, "{} bytes", bytes.len()),
            Content::Opened(_) => f.write_str("an open file"),
        }
    }
}

impl DataFile {
    /// A file whose bytes are in memory.
    pub fn held(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        DataFile {
            name: name.into(),
            content: Content::Held(Arc::new(bytes.into())),
            stamp: None,
        }
    }

    /// An ordinary file, open for reading.
    pub fn opened(
        name: impl Into<String>,
        file: impl ReadSeek + 'static,
        stamp: Option<Stamp>,
    ) -> Self {
        DataFile {
            name: name.into(),
            content: Content::Opened(Arc::new(Mutex::new(file))),
            stamp,
        }
    }

    /// All bytes.
    ///
    /// # Errors
    /// An open file that cannot be read.
    pub fn bytes(&self) -> io::Result<Cow<'_, [u8]>> {
        match &self.content {
            Content::Held(bytes) => Ok(Cow::Borrowed(bytes)),
            Content::Opened(_) => {
                let mut bytes = Vec::new();
                self.reader().read_to_end(&mut bytes)?;
                Ok(Cow::Owned(bytes))
            }
        }
    }

    /// How many bytes there are.
    pub(super) fn length(&self) -> io::Result<u64> {
        match &self.content {
            Content::Held(bytes) => Ok(bytes.len() as u64),
            Content::Opened(file) => lock(file).seek(SeekFrom::End(0)),
        }
    }

    /// Bytes from this one on, as many as are asked for.
    pub(super) fn read_at(&self, at: u64, to: &mut [u8]) -> io::Result<()> {
        match &self.content {
            Content::Held(bytes) => {
                let start = usize::try_from(at).ok();
                let mut rest = start.and_then(|s| bytes.get(s..)).unwrap_or_default();
                rest.read_exact(to)
            }
            Content::Opened(file) => {
                let mut file = lock(file);
                file.seek(SeekFrom::Start(at))?;
                file.read_exact(to)
            }
        }
    }

    /// The SHA-256 of all bytes in hexadecimal.
    pub(super) fn sha256(&self) -> io::Result<String> {
        let mut reader = self.reader();
        let mut digest = Sha256::new();
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            if (&mut reader).take(1 << 20).read_to_end(&mut bytes)? == 0 {
                return Ok(format!("{:x}", digest.finalize()));
            }
            digest.update(&bytes);
        }
    }

    /// The bytes from the first on.
    pub(super) fn reader(&self) -> Box<dyn Read + Send + '_> {
        match &self.content {
            Content::Held(bytes) => Box::new(bytes.as_slice()),
            Content::Opened(file) => Box::new(Sequence { file, at: 0 }),
        }
    }
}

fn lock(file: &Mutex<dyn ReadSeek>) -> MutexGuard<'_, dyn ReadSeek + 'static> {
    file.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An open file read from the first byte on, wherever others read it.
struct Sequence<'a> {
    file: &'a Mutex<dyn ReadSeek>,
    at: u64,
}

impl Read for Sequence<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let mut file = lock(self.file);
        file.seek(SeekFrom::Start(self.at))?;
        let read = file.read(to)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// A file cut at ends of records.
pub(super) struct Pieces<'a> {
    source: Box<dyn Read + Send + 'a>,
    /// What was read and is in no piece yet.
    rest: Vec<u8>,
    /// Bytes of a piece, roughly.
    size: usize,
    digest: Option<Sha256>,
    ended: bool,
}

/// Records of a file, whole ones.
#[derive(Debug, Default)]
pub(super) struct Piece {
    /// The bytes, from the start of a record or of empty lines in front of it.
    pub(super) bytes: Vec<u8>,
}

impl<'a> Pieces<'a> {
    /// Pieces of about this many bytes.
    pub(super) fn open(file: &'a DataFile, size: usize) -> io::Result<Self> {
        let mut pieces = Pieces {
            source: file.reader(),
            rest: Vec::new(),
            size: size.max(1),
            digest: Some(Sha256::new()),
            ended: false,
        };
        while pieces.rest.len() < 3 && !pieces.ended {
            pieces.fill()?;
        }
        // a byte order mark is no part of the text
        if pieces.rest.starts_with(b"\xef\xbb\xbf") {
            pieces.rest.drain(..3);
        }
        Ok(pieces)
    }

    /// Reads the size of a piece more.
    fn fill(&mut self) -> io::Result<()> {
        let start = self.rest.len();
        let read = (&mut self.source)
            .take(self.size as u64)
            .read_to_end(&mut self.rest)?;
        self.ended = read < self.size;
        if let (Some(digest), Some(new)) = (&mut self.digest, self.rest.get(start..)) {
            digest.update(new);
        }
        Ok(())
    }

    /// The next piece; none after the last.
    pub(super) fn next_piece(&mut self) -> io::Result<Option<Piece>> {
        loop {
            if !self.ended {
                let room = 2 * self.size;
                self.rest.reserve(room.saturating_sub(self.rest.len()));
                self.fill()?;
            }
            if self.ended {
                let bytes = std::mem::take(&mut self.rest);
                return Ok((!bytes.is_empty()).then_some(Piece { bytes }));
            }
            let end = if self.rest.contains(&b'"') {
                end_of_last_record(&self.rest)
            } else {
                end_of_last_line(&self.rest)
            };
            if let Some(end) = end {
                let rest = self.rest.split_off(end);
                let bytes = std::mem::replace(&mut self.rest, rest);
                return Ok(Some(Piece { bytes }));
            }
            // a record longer than a piece: twice as much is looked at next
            self.size = self.size.max(self.rest.len());
        }
    }

    /// Puts bytes back in front of what is still to come.
    pub(super) fn put_back(&mut self, mut bytes: Vec<u8>) {
        bytes.append(&mut self.rest);
        self.rest = bytes;
    }

    /// The SHA-256 of all bytes in hexadecimal; what is not yet read is read now.
    pub(super) fn digest(mut self) -> io::Result<String> {
        while !self.ended {
            self.rest.clear();
            self.fill()?;
        }
        Ok(self
            .digest
            .take()
            .map_or_else(String::new, |d| format!("{:x}", d.finalize())))
    }
}

/// Behind the line end of the last record that has one, quotes not being special.
fn end_of_last_line(bytes: &[u8]) -> Option<usize> {
    // the last byte may be the first half of a line end
    let known = bytes.get(..bytes.len().checked_sub(1)?)?;
    let is_end = |b: &u8| matches!(b, b'\n' | b'\r');
    let last = known.iter().rposition(is_end)?;
    // back over empty lines to the record in front of them
    let text = bytes.get(..last)?.iter().rposition(|b| !is_end(b))?;
    Some(behind_line_end(bytes, text + 1))
}

/// Where the line end that starts here is over.
pub(super) fn behind_line_end(bytes: &[u8], at: usize) -> usize {
    match (bytes.get(at), bytes.get(at + 1)) {
        (Some(b'\r'), Some(b'\n')) => at + 2,
        _ => at + 1,
    }
}

/// Behind the line end of the last record that has one.
fn end_of_last_record(bytes: &[u8]) -> Option<usize> {
    let mut end = None;
    let mut at = 0;
    loop {
        while matches!(bytes.get(at), Some(b'\n' | b'\r')) {
            at += 1;
        }
        match line_end_of_record(bytes, at) {
            Some(stop) if stop + 1 < bytes.len() => at = behind_line_end(bytes, stop),
            _ => return end,
        }
        end = Some(at);
    }
}

/// Where the record that starts here has its line end.
fn line_end_of_record(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        if *bytes.get(at)? == b'"' {
            at = behind_quote(bytes, at + 1)?;
        }
        let rest = bytes.get(at..)?;
        let length = rest
            .iter()
            .position(|b| matches!(b, b',' | b'\n' | b'\r'))?;
        at += length;
        if *bytes.get(at)? != b',' {
            return Some(at);
        }
        at += 1;
    }
}

/// Behind the quote that closes a field whose text starts here; two quotes stand for one.
pub(super) fn behind_quote(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += bytes.get(at..)?.iter().position(|b| *b == b'"')? + 1;
        if bytes.get(at) != Some(&b'"') {
            return Some(at);
        }
        at += 1;
    }
}
