//! One cell: is it blank, which number or truth value does it hold, is that of the column's type.
//!
//! in: the bytes of a cell, quotes removed -> out: a value or nothing. Not here: labels (see `labels`), messages.

use crate::model::ColumnType;

/// Whether a cell says that nothing is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blank {
    /// It holds something.
    No,
    /// Nothing or white space: blank, quoted or not.
    Empty,
    /// `NA`, `NaN` or `?`: blank unless quoted.
    Word,
}

/// Decides from the text alone.
pub(super) fn blank(cell: &[u8]) -> Blank {
    match cell.trim_ascii() {
        b"" => Blank::Empty,
        b"NA" | b"NaN" | b"?" => Blank::Word,
        _ => Blank::No,
    }
}

/// The finite number in a cell.
pub(super) fn number(cell: &[u8]) -> Option<f64> {
    let parsed = fast_float2::parse::<f64, _>(cell)
        .or_else(|_| fast_float2::parse::<f64, _>(cell.trim_ascii()));
    parsed.ok().filter(|v| v.is_finite())
}

/// 0 or 1: as a number, or as no and yes, false and true in any case.
pub(super) fn binary(cell: &[u8]) -> Option<u32> {
    let cell = cell.trim_ascii();
    let is = |word: &str| cell.eq_ignore_ascii_case(word.as_bytes());
    if is("false") || is("no") {
        return Some(0);
    }
    if is("true") || is("yes") {
        return Some(1);
    }
    match number(cell) {
        Some(0.0) => Some(0),
        Some(1.0) => Some(1),
        _ => None,
    }
}

/// True if a finite number is of this type.
pub(super) fn fits(ty: ColumnType, value: f64) -> bool {
    match ty {
        ColumnType::Real => true,
        ColumnType::Positive => value > 0.0,
        ColumnType::Probability => (0.0..=1.0).contains(&value),
        ColumnType::Count => value >= 0.0 && value.fract() == 0.0,
        ColumnType::Weight => value >= 0.0,
        ColumnType::Binary => value == 0.0 || value == 1.0,
        ColumnType::Label(_) => false,
    }
}

/// The type's word in the language.
pub(super) fn type_word(ty: ColumnType) -> &'static str {
    match ty {
        ColumnType::Real => "real",
        ColumnType::Positive => "positive",
        ColumnType::Probability => "probability",
        ColumnType::Count => "count",
        ColumnType::Binary => "binary",
        ColumnType::Label(_) => "label",
        ColumnType::Weight => "weight",
    }
}

/// What a cell of the type holds, in words.
pub(super) fn expected(ty: ColumnType) -> &'static str {
    match ty {
        ColumnType::Real => "a finite number with a decimal point",
        ColumnType::Positive => "a number above 0",
        ColumnType::Probability => "a number from 0 to 1",
        ColumnType::Count => "a whole number, 0 or more",
        ColumnType::Binary => "0 or 1, false or true, no or yes",
        ColumnType::Label(_) => "a label",
        ColumnType::Weight => "a finite number, 0 or more",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_finite_and_use_the_decimal_point() {
        for (text, value) in [
            ("2", 2.0),
            (" -0.5 ", -0.5),
            ("1e-6", 1e-6),
            ("+3", 3.0),
            ("5.", 5.0),
        ] {
            assert_eq!(number(text.as_bytes()), Some(value), "{text}");
        }
        for text in [
            "", "NaN", "inf", "-inf", "1,5", "1 000", "abc", "0x10", "1e999",
        ] {
            assert_eq!(number(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn binary_takes_words_in_any_case() {
        for text in ["0", "0.0", "no", "FALSE", " No "] {
            assert_eq!(binary(text.as_bytes()), Some(0), "{text}");
        }
        for text in ["1", "1.0", "Yes", "true"] {
            assert_eq!(binary(text.as_bytes()), Some(1), "{text}");
        }
        for text in ["2", "y", "t", "", "0.5"] {
            assert_eq!(binary(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn types_bound_their_numbers() {
        assert!(fits(ColumnType::Positive, 1e-300) && !fits(ColumnType::Positive, 0.0));
        assert!(fits(ColumnType::Probability, 1.0) && !fits(ColumnType::Probability, 1.0 + 1e-9));
        assert!(fits(ColumnType::Count, 0.0) && !fits(ColumnType::Count, 1.5));
        assert!(!fits(ColumnType::Count, -1.0) && !fits(ColumnType::Weight, -1.0));
    }

    #[test]
    fn blanks_are_three_words_or_nothing() {
        assert_eq!(blank(b"  "), Blank::Empty);
        for word in ["NA", "NaN", "?", " ? "] {
            assert_eq!(blank(word.as_bytes()), Blank::Word);
        }
        for word in ["na", "nan", "N/A", "??", "None"] {
            assert_eq!(blank(word.as_bytes()), Blank::No);
        }
    }
}
