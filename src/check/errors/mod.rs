//! Facts to prose: one function per finding of the checker.
//!
//! in: names, places and plates -> out: a [`Diagnostic`](crate::diag::Diagnostic).
//!
//! `names` declarations and look-ups, `indices` slots and scopes, `calls` distributions and their arguments, `values`
//! types, tables and constraints, `supports` what arguments may be.

mod calls;
mod indices;
mod names;
mod supports;
mod values;

pub(super) use calls::*;
pub(super) use indices::*;
pub(super) use names::*;
pub(super) use supports::*;
pub(super) use values::*;

/// "`a`", "`a` or `b`", "`a`, `b` or `c`".
fn alternatives<S: AsRef<str>>(words: &[S], last: &str) -> String {
    let quoted: Vec<String> = words.iter().map(|w| format!("`{}`", w.as_ref())).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((end, rest)) => format!("{} {last} {end}", rest.join(", ")),
    }
}

/// The help where there is a near name.
fn did_you_mean(near: Option<&str>) -> Option<String> {
    near.map(|n| format!("a similar name exists: write `{n}`"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn words_are_listed_with_a_last_conjunction() {
        assert_eq!(super::alternatives(&["a"], "or"), "`a`");
        assert_eq!(
            super::alternatives(&["a", "b", "c"], "or"),
            "`a`, `b` or `c`"
        );
        assert_eq!(super::alternatives::<&str>(&[], "or"), "");
    }
}
