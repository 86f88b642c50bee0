//! A fit file to a [`Fit`], checked as far as that goes without data.
//!
//! in: bytes -> out: a [`Fit`], or E0714: not JSON, another format, fields missing, a source that is not the one fitted.

use serde::Deserialize;

use super::learn::sha256;
use super::{FORMAT, Fit};
use crate::check;
use crate::diag::{Code, Diagnostic};
use crate::source::SourceFile;

fn refused(why: impl Into<String>) -> Vec<Diagnostic> {
    vec![
        Diagnostic::new(Code::E0714, "no fit file that can be read")
            .note(why)
            .help("`pmc fit` writes fit files"),
    ]
}

impl Fit {
    /// Reads a fit file.
    ///
    /// # Errors
    /// E0714.
    pub fn load(bytes: &[u8]) -> Result<Fit, Vec<Diagnostic>> {
        #[derive(Deserialize)]
        struct Head {
            format: String,
        }
        let head: Head = serde_json::from_slice(bytes)
            .map_err(|e| refused(format!("it has no field `format`: {e}")))?;
        if head.format != FORMAT {
            return Err(refused(format!(
                "its format is `{}`, this version reads `{FORMAT}`",
                head.format
            )));
        }
        let fit: Fit = serde_json::from_slice(bytes).map_err(|e| refused(e.to_string()))?;
        if sha256(fit.model.source.as_bytes()) != fit.model.sha256 {
            return Err(refused(
                "the model's source in it was changed after the fit",
            ));
        }
        let sizes = fit.plates.0.iter();
        for (name, p) in sizes {
            if p.labels.as_ref().is_some_and(|l| l.len() != p.size) {
                return Err(refused(format!(
                    "plate `{name}` has not as many labels as elements"
                )));
            }
        }
        for (name, k) in &fit.known.0 {
            let n = k.shape.iter().try_fold(1usize, |n, s| n.checked_mul(*s));
            if n != Some(k.values.len()) {
                return Err(refused(format!(
                    "`{name}` has not as many numbers as its shape says"
                )));
            }
        }
        Ok(fit)
    }

    /// The model's text under a name that gives the model the name it had.
    pub fn source(&self) -> SourceFile {
        SourceFile::new(
            format!("{}.pmod", self.model.name),
            self.model.source.clone(),
        )
    }

    /// The switches it was compiled with.
    pub fn switches(&self) -> check::Options {
        check::Options {
            set: self.options.set.0.clone(),
            param: self.options.param.clone(),
            latent: self.options.latent.clone(),
            flat: self.options.flat.clone(),
        }
    }
}
