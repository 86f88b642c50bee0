//! How the fit file is laid out: maps in order, arrays as nested lists, one line for each array.
//!
//! in: maps and arrays -> out: JSON text, and back; an array whose lists differ in length is an error, never a panic.

use std::fmt;
use std::io;

use ndarray::{ArrayD, ArrayViewD, Axis, IxDyn};
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::ser::{CompactFormatter, Formatter};

/// A map that keeps its order.
#[derive(Debug, Clone, PartialEq)]
pub struct Ordered<T>(pub Vec<(String, T)>);

impl<T> Default for Ordered<T> {
    fn default() -> Self {
        Ordered(vec![])
    }
}

impl<T> Ordered<T> {
    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v)
    }

    /// Adds a value.
    pub fn push(&mut self, name: impl Into<String>, value: T) {
        self.0.push((name.into(), value));
    }

    /// True if nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T> FromIterator<(String, T)> for Ordered<T> {
    fn from_iter<I: IntoIterator<Item = (String, T)>>(items: I) -> Self {
        Ordered(items.into_iter().collect())
    }
}

impl<T: Serialize> Serialize for Ordered<T> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(Some(self.0.len()))?;
        for (k, v) in &self.0 {
            map.serialize_entry(k, v)?;
        }
        map.end()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Ordered<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Entries<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Ordered<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ordered<T>, A::Error> {
                let mut out = Ordered::default();
                while let Some((k, v)) = map.next_entry::<String, T>()? {
                    out.push(k, v);
                }
                Ok(out)
            }
        }
        d.deserialize_map(Entries(std::marker::PhantomData))
    }
}

/// An array as nested lists; a number where it has no axes.
#[derive(Debug, Clone, PartialEq)]
pub struct Nested(pub ArrayD<f64>);

impl Serialize for Nested {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        View(self.0.view()).serialize(s)
    }
}

struct View<'a>(ArrayViewD<'a, f64>);

impl Serialize for View<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if self.0.ndim() == 0 {
            return s.serialize_f64(self.0.first().copied().unwrap_or(f64::NAN));
        }
        let mut list = s.serialize_seq(Some(self.0.len_of(Axis(0))))?;
        for part in self.0.axis_iter(Axis(0)) {
            list.serialize_element(&View(part))?;
        }
        list.end()
    }
}

impl<'de> Deserialize<'de> for Nested {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let mut read = Read::default();
        Level {
            read: &mut read,
            depth: 0,
        }
        .deserialize(d)?;
        let depth = read.depth.unwrap_or(read.shape.len());
        let shape: Vec<usize> = read.shape.iter().take(depth).copied().collect();
        ArrayD::from_shape_vec(IxDyn(&shape), read.values)
            .map(Nested)
            .map_err(D::Error::custom)
    }
}

/// What was read of an array: values in order, and the length of each level once it is known.
#[derive(Default)]
struct Read {
    values: Vec<f64>,
    shape: Vec<usize>,
    known: Vec<bool>,
    depth: Option<usize>,
}

struct Level<'a> {
    read: &'a mut Read,
    depth: usize,
}

impl Level<'_> {
    fn number<E: Error>(self, x: f64) -> Result<(), E> {
        if self.read.depth.is_some_and(|d| d != self.depth) {
            return Err(E::custom("lists and numbers side by side"));
        }
        self.read.depth = Some(self.depth);
        self.read.values.push(x);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Level<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number or nested lists of numbers")
    }
    fn visit_f64<E: Error>(self, x: f64) -> Result<(), E> {
        self.number(x)
    }
    fn visit_u64<E: Error>(self, x: u64) -> Result<(), E> {
        self.number(x as f64)
    }
    fn visit_i64<E: Error>(self, x: i64) -> Result<(), E> {
        self.number(x as f64)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        if self.read.depth.is_some_and(|d| d <= self.depth) {
            return Err(A::Error::custom("lists and numbers side by side"));
        }
        if self.read.shape.len() == self.depth {
            self.read.shape.push(0);
            self.read.known.push(false);
        }
        let mut n = 0;
        while list
            .next_element_seed(Level {
                read: self.read,
                depth: self.depth + 1,
            })?
            .is_some()
        {
            n += 1;
        }
        if self.read.known[self.depth] && self.read.shape[self.depth] != n {
            return Err(A::Error::custom("lists of unequal length"));
        }
        self.read.known[self.depth] = true;
        self.read.shape[self.depth] = n;
        Ok(())
    }
}

/// Objects over several lines, whatever stands in a list on one line.
struct Layout {
    objects: usize,
    lists: usize,
    empty: bool,
}

impl Layout {
    fn line<W: ?Sized + io::Write>(&self, w: &mut W) -> io::Result<()> {
        w.write_all(b"\n")?;
        for _ in 0..self.objects {
            w.write_all(b"  ")?;
        }
        Ok(())
    }
}

impl Formatter for Layout {
    /// Whole numbers without `.0`: 2 clusters, not 2.0.
    fn write_f64<W: ?Sized + io::Write>(&mut self, w: &mut W, x: f64) -> io::Result<()> {
        if x.fract() == 0.0 && x.abs() < 1e15 && !(x == 0.0 && x.is_sign_negative()) {
            return write!(w, "{x:.0}");
        }
        CompactFormatter.write_f64(w, x)
    }
    fn begin_array<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.lists += 1;
        w.write_all(b"[")
    }
    fn end_array<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.lists -= 1;
        w.write_all(b"]")
    }
    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        w: &mut W,
        first: bool,
    ) -> io::Result<()> {
        w.write_all(if first { b"" } else { b", " })
    }
    fn begin_object<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.objects += 1;
        self.empty = true;
        w.write_all(b"{")
    }
    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        w: &mut W,
        first: bool,
    ) -> io::Result<()> {
        w.write_all(if first { b"" } else { b"," })?;
        self.empty = false;
        if self.lists == 0 {
            self.line(w)
        } else {
            w.write_all(b" ")
        }
    }
    fn begin_object_value<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        w.write_all(b": ")
    }
    fn end_object<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.objects -= 1;
        if !self.empty {
            if self.lists == 0 {
                self.line(w)?;
            } else {
                w.write_all(b" ")?;
            }
        }
        self.empty = false;
        w.write_all(b"}")
    }
}

/// A value as JSON text in this layout, with a line end.
pub fn to_text<T: Serialize>(value: &T) -> String {
    let mut out = Vec::new();
    let layout = Layout {
        objects: 0,
        lists: 0,
        empty: false,
    };
    let mut s = serde_json::Serializer::with_formatter(&mut out, layout);
    // Maps with text keys and numbers always have a JSON form, and a vector takes every byte.
    let written = value.serialize(&mut s);
    debug_assert!(written.is_ok());
    out.push(b'\n');
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_come_back_as_they_went() {
        for shape in [vec![], vec![3], vec![2, 3], vec![2, 1, 2]] {
            let n: usize = shape.iter().product();
            let values = (0..n).map(|i| (i as f64).sqrt() - 1e-17).collect();
            let a = Nested(ArrayD::from_shape_vec(IxDyn(&shape), values).expect("shape"));
            let text = to_text(&a);
            let b: Nested = serde_json::from_str(&text).expect("reads");
            assert_eq!(a, b);
        }
    }

    #[test]
    fn ragged_arrays_are_errors() {
        for text in [
            "[[1,2],[3]]",
            "[1,[2]]",
            "[[1],2]",
            "[null]",
            "{}",
            "\"x\"",
            "[[1,2],[]]",
        ] {
            assert!(serde_json::from_str::<Nested>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn objects_are_spread_and_lists_are_not() {
        let mut m: Ordered<Nested> = Ordered::default();
        m.push("b", Nested(ArrayD::zeros(IxDyn(&[2, 1]))));
        m.push("a", Nested(ArrayD::zeros(IxDyn(&[]))));
        assert_eq!(to_text(&m), "{\n  \"b\": [[0], [0]],\n  \"a\": 0\n}\n");
    }
}
