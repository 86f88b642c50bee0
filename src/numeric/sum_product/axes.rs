//! Walks a row-major table over some sites beside a table over a part of them.
//!
//! sites of the large table, sites of the small one -> pairs of entries that agree
//!
//! ```text
//! large entry = sum over its sites of state * stride;   small entry = the same sum with the small table's strides, 0 where absent
//! ```

/// The walk; its buffers serve one pair of tables after another.
#[derive(Default)]
pub(super) struct Axes {
    /// Per axis of the large table: its length, and how far a step along it goes in the small one.
    shape: Vec<(usize, usize)>,
    digits: Vec<usize>,
}

impl Axes {
    /// Prepares the walk. A site that the small table has not is summed over or repeated; one that only it has counts as 0.
    pub(super) fn set(&mut self, states: &[usize], large: &[u32], small: &[u32]) {
        self.shape.clear();
        self.shape
            .extend(large.iter().map(|&v| (states[v as usize], 0)));
        let mut stride = 1;
        for &s in small.iter().rev() {
            for (axis, &v) in self.shape.iter_mut().zip(large) {
                if v == s {
                    axis.1 += stride;
                }
            }
            stride *= states[s as usize];
        }
    }

    /// Calls `visit` with every entry of the large table, in order, and the entry of the small one that it agrees with.
    pub(super) fn each(&mut self, mut visit: impl FnMut(usize, usize)) {
        let Some((&(width, step), outer)) = self.shape.split_last() else {
            visit(0, 0);
            return;
        };
        if width == 0 || outer.iter().any(|axis| axis.0 == 0) {
            return;
        }
        self.digits.clear();
        self.digits.resize(outer.len(), 0);
        let (mut big, mut row) = (0, 0);
        loop {
            for k in 0..width {
                visit(big + k, row + k * step);
            }
            big += width;
            // The next row: the last axis that has a state left moves on, those after it start again.
            let mut axis = outer.len();
            loop {
                let Some(a) = axis.checked_sub(1) else {
                    return;
                };
                axis = a;
                let (length, step) = outer[a];
                self.digits[a] += 1;
                if self.digits[a] < length {
                    row += step;
                    break;
                }
                row -= step * (length - 1);
                self.digits[a] = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_agree_on_every_shared_site() {
        let states = [2, 3, 1, 4];
        let cases: [(&[u32], &[u32]); 6] = [
            (&[0, 1, 3], &[3, 0]),
            (&[3, 1, 0], &[1]),
            (&[2, 1], &[1, 2]),
            (&[1], &[]),
            (&[], &[]),
            (&[1, 3], &[1, 3]),
        ];
        for (large, small) in cases {
            let mut axes = Axes::default();
            axes.set(&states, large, small);
            let mut next = 0;
            axes.each(|big, entry| {
                assert_eq!(big, next);
                next += 1;
                let mut rest = big;
                let mut state = [0; 4];
                for &v in large.iter().rev() {
                    state[v as usize] = rest % states[v as usize];
                    rest /= states[v as usize];
                }
                let want = small
                    .iter()
                    .fold(0, |e, &v| e * states[v as usize] + state[v as usize]);
                assert_eq!(entry, want, "{large:?} {small:?}");
            });
            let all: usize = large.iter().map(|&v| states[v as usize]).product();
            assert_eq!(next, all);
        }
    }
}
