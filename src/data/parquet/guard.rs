//! Calls into the `parquet` crate, whose reaction to damaged bytes is not always an error.
//!
//! The crate asserts what a well-formed file promises (bit widths, offsets, dictionaries that come first), so that
//! damaged pages can make it panic. What a user gives must never end the program: a panic in here is an error that says
//! that the file is damaged, and it is not printed. Readers that were at work then are not used again.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use ::parquet::errors::ParquetError;

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

static QUIET: Once = Once::new();

/// The result of a call into the crate, or what went wrong, in words.
///
/// `call` hands no work to other threads: a panic is looked for in this one only.
pub(super) fn guarded<T>(call: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, String> {
    QUIET.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !GUARDED.get() {
                before(info);
            }
        }));
    });
    GUARDED.set(true);
    let result = panic::catch_unwind(AssertUnwindSafe(call));
    GUARDED.set(false);
    match result {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(in_words(&error)),
        Err(_) => Err("its bytes are not as they should be".to_string()),
    }
}

/// The reason without the crate's word for its kind.
fn in_words(error: &ParquetError) -> String {
    let text = error.to_string();
    let reason = text.split_once(": ").map_or(text.as_str(), |(_, why)| why);
    reason.trim().to_string()
}
