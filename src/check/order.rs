//! Sorting by use: what others use comes first, circles are found.
//!
//! in: for each of n things those it uses -> out: an order in which each uses earlier ones only, and the circles.

use std::collections::BTreeSet;

/// An order of the things that are in no circle and use none, and the circles.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Sorted {
    /// Users after what they use; ties in the order given.
    pub order: Vec<usize>,
    /// Each circle once, along its uses, from its first thing.
    pub circles: Vec<Vec<usize>>,
}

/// Sorts `0..uses.len()`. Iterative, so that a long chain of uses cannot exhaust the stack.
pub(super) fn sort_by_use(uses: &[BTreeSet<usize>]) -> Sorted {
    let n = uses.len();
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); n];
    let mut open = vec![0_usize; n];
    for (i, used) in uses.iter().enumerate() {
        for &j in used {
            if let Some(list) = users.get_mut(j) {
                list.push(i);
                open[i] += 1;
            }
        }
    }
    let mut ready: BTreeSet<usize> = (0..n).filter(|&i| open[i] == 0).collect();
    let mut sorted = Sorted::default();
    while let Some(i) = ready.pop_first() {
        sorted.order.push(i);
        for &user in &users[i] {
            open[user] -= 1;
            if open[user] == 0 {
                ready.insert(user);
            }
        }
    }
    let mut rest: BTreeSet<usize> = (0..n).filter(|&i| open[i] > 0).collect();
    while let Some(circle) = first_circle(uses, &mut rest) {
        for i in &circle {
            rest.remove(i);
        }
        sorted.circles.push(circle);
    }
    sorted
}

/// Follows uses inside `rest` until a thing comes back. Things that lead nowhere are removed from `rest`.
fn first_circle(uses: &[BTreeSet<usize>], rest: &mut BTreeSet<usize>) -> Option<Vec<usize>> {
    while let Some(&start) = rest.first() {
        let mut path = vec![start];
        let mut on_path = BTreeSet::from([start]);
        while let Some(&last) = path.last() {
            let next = uses
                .get(last)
                .and_then(|u| u.iter().find(|j| rest.contains(j)));
            match next {
                None => {
                    rest.remove(&last);
                    on_path.remove(&last);
                    path.pop();
                }
                Some(next) if on_path.contains(next) => {
                    let from = path.iter().position(|i| i == next).unwrap_or(0);
                    let mut circle = path.split_off(from);
                    let least = circle.iter().enumerate().min_by_key(|(_, i)| **i);
                    let turn = least.map_or(0, |(at, _)| at);
                    circle.rotate_left(turn);
                    return Some(circle);
                }
                Some(&next) => {
                    path.push(next);
                    on_path.insert(next);
                }
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sort(uses: &[&[usize]]) -> Sorted {
        let uses: Vec<BTreeSet<usize>> = uses.iter().map(|u| u.iter().copied().collect()).collect();
        sort_by_use(&uses)
    }

    #[test]
    fn used_things_come_first_and_ties_keep_their_order() {
        assert_eq!(sort(&[&[2], &[], &[1], &[]]).order, [1, 2, 0, 3]);
    }

    #[test]
    fn circles_are_found_once_and_their_users_are_left_out() {
        let s = sort(&[&[1], &[2], &[1], &[], &[4]]);
        assert_eq!(s.order, [3]);
        assert_eq!(s.circles, [vec![1, 2], vec![4]]);
    }

    #[test]
    fn a_long_chain_is_no_recursion() {
        let uses: Vec<BTreeSet<usize>> = (0..200_000).map(|i| BTreeSet::from([i + 1])).collect();
        assert_eq!(sort_by_use(&uses).order.len(), 200_000);
    }
}
