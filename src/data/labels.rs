//! Labels: interning while a file is read, and the order of a plate's elements.
//!
//! in: label cells in the order read -> out: small numbers, and the labels sorted: by number if all are numbers, else by
//! code point.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashMap;

use unicode_normalization::{UnicodeNormalization, is_nfc};

use super::cell;

/// Distinct labels, numbered in the order they are met.
#[derive(Debug, Default)]
pub(super) struct Interner {
    ids: HashMap<String, u32>,
    /// By number.
    pub(super) labels: Vec<String>,
    /// The last one: files often repeat a label from line to line.
    last: u32,
}

impl Interner {
    /// The number of a label.
    pub(super) fn intern(&mut self, label: &str) -> u32 {
        self.intern_normal(&normal(label))
    }

    /// The number of a label in its [`normal`] form.
    pub(super) fn intern_normal(&mut self, label: &str) -> u32 {
        if self
            .labels
            .get(self.last as usize)
            .is_some_and(|l| *l == label)
        {
            return self.last;
        }
        if let Some(id) = self.ids.get(label) {
            self.last = *id;
            return *id;
        }
        let id = self.labels.len() as u32;
        self.labels.push(label.to_string());
        self.ids.insert(label.to_string(), id);
        id
    }
}

/// Trimmed and in NFC: what two spellings of one label have in common.
pub(super) fn normal(label: &str) -> Cow<'_, str> {
    let label = label.trim();
    if label.is_ascii() || is_nfc(label) {
        Cow::Borrowed(label)
    } else {
        Cow::Owned(label.nfc().collect())
    }
}

/// Sorts texts: numerically if all are numbers, else by code point. Equal numbers in different spelling stay apart.
pub(super) fn sort_labels(labels: &mut [String]) {
    let numbers: Option<Vec<f64>> = labels.iter().map(|l| cell::number(l.as_bytes())).collect();
    match numbers {
        Some(numbers) => {
            let mut keyed: Vec<(f64, String)> = numbers
                .into_iter()
                .zip(labels.iter_mut().map(std::mem::take))
                .collect();
            keyed.sort_by(|a, b| compare(a.0, b.0).then_with(|| a.1.cmp(&b.1)));
            for (place, (_, label)) in labels.iter_mut().zip(keyed) {
                *place = label;
            }
        }
        None => labels.sort(),
    }
}

/// Orders finite numbers; -0 equals 0.
pub(super) fn compare(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or(Ordering::Equal)
}

/// Each label's position.
pub(super) fn positions(labels: &[String]) -> HashMap<&str, u32> {
    labels
        .iter()
        .enumerate()
        .map(|(i, l)| (l.as_str(), i as u32))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(labels: &[&str]) -> Vec<String> {
        let mut labels: Vec<String> = labels.iter().map(|l| (*l).to_string()).collect();
        sort_labels(&mut labels);
        labels
    }

    #[test]
    fn numbers_sort_as_numbers_only_if_all_are() {
        assert_eq!(sorted(&["10", "9", "-1", "2.5"]), ["-1", "2.5", "9", "10"]);
        assert_eq!(sorted(&["10", "9", "x"]), ["10", "9", "x"]);
        assert_eq!(sorted(&["b", "B", "a", "ä"]), ["B", "a", "b", "ä"]);
        assert_eq!(sorted(&["1.0", "1"]), ["1", "1.0"]);
    }

    #[test]
    fn spellings_of_one_label_meet() {
        let mut interner = Interner::default();
        let composed = interner.intern("Zo\u{eb}");
        assert_eq!(interner.intern(" Zoe\u{308} "), composed);
        assert_ne!(interner.intern("zo\u{eb}"), composed);
        assert_eq!(interner.labels.len(), 2);
    }
}
