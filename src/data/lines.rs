//! Where rows come from: a number for each row of a table, that costs nothing where the numbers simply count up.
//!
//! in: numbers pushed in the order of the rows -> out: the number of each row. Used for lines of a file (1-based) and for
//! rows of a file (1-based); 0 stands for a row that `every` added.

/// A number for each row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lines {
    /// `first`, `first + 1`, ... for `rows` rows.
    Consecutive {
        /// That of the first row.
        first: u64,
        /// How many rows there are.
        rows: usize,
    },
    /// One by one.
    Listed(Vec<u64>),
}

impl Default for Lines {
    fn default() -> Self {
        Lines::Consecutive { first: 0, rows: 0 }
    }
}

impl Lines {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        match self {
            Lines::Consecutive { rows, .. } => *rows,
            Lines::Listed(lines) => lines.len(),
        }
    }

    /// True for a table without rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of a row.
    pub fn get(&self, row: usize) -> Option<u64> {
        match self {
            Lines::Consecutive { first, rows } => {
                (row < *rows).then(|| first.saturating_add(row as u64))
            }
            Lines::Listed(lines) => lines.get(row).copied(),
        }
    }

    /// All numbers in the order of the rows.
    pub fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        (0..self.len()).map(|row| self.get(row).unwrap_or(0))
    }

    /// Rows that are in no file.
    pub fn added(&self) -> usize {
        match self {
            Lines::Consecutive { first, rows } => usize::from(*first == 0 && *rows > 0),
            Lines::Listed(lines) => lines.iter().filter(|l| **l == 0).count(),
        }
    }

    /// Adds the number of the next row.
    pub(super) fn push(&mut self, line: u64) {
        match self {
            Lines::Consecutive { first, rows } if *rows == 0 => (*first, *rows) = (line, 1),
            Lines::Consecutive { first, rows } if *first + *rows as u64 == line => *rows += 1,
            Lines::Consecutive { first, rows } => {
                let listed = (*first..*first + *rows as u64).chain([line]).collect();
                *self = Lines::Listed(listed);
            }
            Lines::Listed(lines) => lines.push(line),
        }
    }

    /// Adds the numbers of further rows, each greater by `by`.
    pub(super) fn append(&mut self, more: &Lines, by: u64) {
        match (&mut *self, more) {
            (_, Lines::Consecutive { rows: 0, .. }) => {}
            (
                Lines::Consecutive { first, rows },
                Lines::Consecutive {
                    first: next,
                    rows: n,
                },
            ) if *rows == 0 || *first + *rows as u64 == next + by => {
                if *rows == 0 {
                    *first = next + by;
                }
                *rows += n;
            }
            _ => more.iter().for_each(|line| self.push(line + by)),
        }
    }

    /// The numbers of these rows; 0 where there is no such row.
    pub(super) fn select(&self, rows: impl Iterator<Item = u32>) -> Lines {
        let mut chosen = Lines::default();
        rows.for_each(|row| chosen.push(self.get(row as usize).unwrap_or(0)));
        chosen
    }
}

impl<const N: usize> PartialEq<[u64; N]> for Lines {
    fn eq(&self, other: &[u64; N]) -> bool {
        self.iter().eq(other.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(numbers: &[u64]) -> Lines {
        let mut lines = Lines::default();
        numbers.iter().for_each(|n| lines.push(*n));
        lines
    }

    #[test]
    fn numbers_that_count_up_are_not_listed() {
        let mut counted = lines(&[2, 3, 4]);
        assert_eq!(counted, Lines::Consecutive { first: 2, rows: 3 });
        counted.append(&lines(&[1, 2]), 4);
        assert_eq!(counted, Lines::Consecutive { first: 2, rows: 5 });
        assert_eq!(counted, [2, 3, 4, 5, 6]);
        counted.append(&lines(&[1]), 9);
        assert_eq!(counted, [2, 3, 4, 5, 6, 10]);
        assert_eq!((counted.get(5), counted.get(6)), (Some(10), None));
    }

    #[test]
    fn added_rows_are_counted_wherever_they_are() {
        for numbers in [&[0, 1, 2][..], &[0], &[3, 0, 0, 4], &[2, 3], &[]] {
            let zeros = numbers.iter().filter(|n| **n == 0).count();
            assert_eq!(lines(numbers).added(), zeros, "{numbers:?}");
            assert_eq!(lines(numbers).len(), numbers.len());
            assert!(lines(numbers).iter().eq(numbers.iter().copied()));
        }
    }
}
