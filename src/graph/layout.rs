//! Where the nodes and boxes of a plate diagram stand.
//!
//! in: a [`Diagram`] -> out: a [`Layout`]: a rectangle for every node and box.
//!
//! A box is laid out before the box around it, which sees it as one item. Items stand in layers, each below the items
//! that point to it (Sugiyama, Tagawa and Toda 1981): longest paths give the layers, medians of neighbours the order in
//! a layer. So a box holds its own nodes and no others.

use std::collections::{BTreeMap, BTreeSet};

use super::plates::{Diagram, Shape};

/// A rectangle by its centre and half its sides.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Rect {
    /// Centre.
    pub x: f64,
    /// Centre; down is positive.
    pub y: f64,
    /// Half the width.
    pub w: f64,
    /// Half the height.
    pub h: f64,
}

/// The positions.
#[derive(Debug, Clone, Default)]
pub struct Layout {
    /// By node: the figure and its name.
    pub nodes: Vec<Rect>,
    /// By box.
    pub boxes: Vec<Rect>,
    /// Width and height of the whole, from (0, 0).
    pub size: (f64, f64),
}

/// Between items of a layer.
const GAP_X: f64 = 26.0;
/// Between layers.
const GAP_Y: f64 = 42.0;
/// Between a box and what it holds.
const PAD: f64 = 16.0;
/// The strip of a box that holds its name.
pub const CAPTION: f64 = 18.0;
/// Beside a node with an arrow to itself.
pub const LOOP: f64 = 26.0;

/// Width of a text of 14 pixels, on the wide side.
pub fn text_width(text: &str) -> f64 {
    8.0 * text.chars().count() as f64
}

/// Half the sides of a node's figure, its name left out where that stands outside.
pub fn figure(shape: Shape, label: &str) -> (f64, f64) {
    match shape {
        Shape::Latent | Shape::Dirac | Shape::Observed => {
            ((text_width(label) / 2.0 + 9.0).max(20.0), 20.0)
        }
        Shape::Given => (text_width(label) / 2.0 + 6.0, 12.0),
        Shape::Param => (6.0, 6.0),
        Shape::Potential => (6.0, 6.0),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Item {
    Node(usize),
    Box(usize),
}

/// Lays a diagram out.
pub fn layout(d: &Diagram) -> Layout {
    let mut out = Layout {
        nodes: vec![Rect::default(); d.nodes.len()],
        boxes: vec![Rect::default(); d.boxes.len()],
        size: (0.0, 0.0),
    };
    for (i, n) in d.nodes.iter().enumerate() {
        let (mut w, mut h) = figure(n.shape, &n.label);
        if n.shape == Shape::Param {
            w = (text_width(&n.label) / 2.0).max(w);
            h = 17.0;
        }
        if d.arrows.iter().any(|a| a.back && a.to == i) {
            w += LOOP;
        }
        if let Some(r) = out.nodes.get_mut(i) {
            (r.w, r.h) = (w, h);
        }
    }
    // Inner boxes stand after the boxes around them.
    for b in (0..d.boxes.len()).rev() {
        let (w, h) = arrange(d, &mut out, Some(b));
        let caption = d.boxes.get(b).map_or(0.0, |x| text_width(&x.label));
        if let Some(r) = out.boxes.get_mut(b) {
            r.w = w.max(caption) / 2.0 + PAD;
            r.h = (h + CAPTION) / 2.0 + PAD;
        }
    }
    out.size = arrange(d, &mut out, None);
    // Positions are relative to the box around: make them absolute, outer boxes first.
    let origin = |out: &Layout, inside: Option<usize>| match inside.and_then(|b| out.boxes.get(b)) {
        Some(r) => (r.x, r.y - CAPTION / 2.0),
        None => (out.size.0 / 2.0, out.size.1 / 2.0),
    };
    for (b, x) in d.boxes.iter().enumerate() {
        let (dx, dy) = origin(&out, x.inside);
        if let Some(r) = out.boxes.get_mut(b) {
            (r.x, r.y) = (r.x + dx, r.y + dy);
        }
    }
    for (i, n) in d.nodes.iter().enumerate() {
        let (dx, dy) = origin(&out, n.plate);
        if let Some(r) = out.nodes.get_mut(i) {
            (r.x, r.y) = (r.x + dx, r.y + dy);
        }
    }
    out
}

/// Places the items of a box around its centre; width and height of what they take.
fn arrange(d: &Diagram, out: &mut Layout, inside: Option<usize>) -> (f64, f64) {
    let mut items: Vec<Item> = vec![];
    items.extend(
        (0..d.nodes.len())
            .filter(|i| d.nodes.get(*i).is_some_and(|n| n.plate == inside))
            .map(Item::Node),
    );
    items.extend(
        (0..d.boxes.len())
            .filter(|b| d.boxes.get(*b).is_some_and(|x| x.inside == inside))
            .map(Item::Box),
    );
    if items.is_empty() {
        return (0.0, 0.0);
    }
    let at = |i: &Item| items.iter().position(|x| x == i);
    let mut edges: BTreeSet<(usize, usize)> = BTreeSet::new();
    for a in d.arrows.iter().filter(|a| !a.back) {
        let ends = (item_of(d, a.from, inside), item_of(d, a.to, inside));
        if let (Some(x), Some(y)) = ends
            && x != y
            && let (Some(i), Some(j)) = (at(&x), at(&y))
        {
            edges.insert((i, j));
        }
    }
    let edges = without_cycles(items.len(), &edges);
    let layer = layers(items.len(), &edges);
    let mut rows: Vec<Vec<usize>> = vec![vec![]; layer.iter().max().map_or(0, |m| m + 1)];
    for (i, l) in layer.iter().enumerate() {
        if let Some(row) = rows.get_mut(*l) {
            row.push(i);
        }
    }
    let rect = |out: &Layout, i: usize| match items.get(i) {
        Some(Item::Node(n)) => out.nodes.get(*n).copied().unwrap_or_default(),
        Some(Item::Box(b)) => out.boxes.get(*b).copied().unwrap_or_default(),
        None => Rect::default(),
    };
    let half: Vec<f64> = (0..items.len()).map(|i| rect(out, i).w).collect();
    let x = columns(&rows, &edges, &half);
    let height = |row: &Vec<usize>| row.iter().map(|i| rect(out, *i).h).fold(0.0, f64::max);
    let heights: Vec<f64> = rows.iter().map(height).collect();
    let total: f64 = heights.iter().map(|h| 2.0 * h).sum::<f64>()
        + GAP_Y * heights.len().saturating_sub(1) as f64;
    let left = (0..items.len())
        .map(|i| x[i] - half[i])
        .fold(f64::INFINITY, f64::min);
    let right = (0..items.len())
        .map(|i| x[i] + half[i])
        .fold(f64::NEG_INFINITY, f64::max);
    let mut y = -total / 2.0;
    for (row, h) in rows.iter().zip(&heights) {
        y += h;
        for i in row {
            let place = (x[*i] - (left + right) / 2.0, y);
            let slot = match items.get(*i) {
                Some(Item::Node(n)) => out.nodes.get_mut(*n),
                Some(Item::Box(b)) => out.boxes.get_mut(*b),
                None => None,
            };
            if let Some(r) = slot {
                (r.x, r.y) = place;
            }
        }
        y += h + GAP_Y;
    }
    (right - left, total)
}

/// The item of a box in which a node stands, at whatever depth.
fn item_of(d: &Diagram, node: usize, inside: Option<usize>) -> Option<Item> {
    let mut item = Item::Node(node);
    let mut holder = d.nodes.get(node)?.plate;
    while holder != inside {
        let b = holder?;
        item = Item::Box(b);
        holder = d.boxes.get(b)?.inside;
    }
    Some(item)
}

/// Drops the edges that close a circle: boxes may point at each other although their nodes form none.
fn without_cycles(n: usize, edges: &BTreeSet<(usize, usize)>) -> BTreeSet<(usize, usize)> {
    let mut kept: BTreeSet<(usize, usize)> = BTreeSet::new();
    for (a, b) in edges {
        let mut seen = vec![false; n];
        let mut stack = vec![*b];
        while let Some(v) = stack.pop() {
            if !std::mem::replace(&mut seen[v], true) {
                stack.extend(kept.range((v, 0)..(v + 1, 0)).map(|(_, w)| *w));
            }
        }
        if !seen[*a] {
            kept.insert((*a, *b));
        }
    }
    kept
}

/// Longest path from the top; what nothing points to stands just above what it points to.
fn layers(n: usize, edges: &BTreeSet<(usize, usize)>) -> Vec<usize> {
    let mut layer = vec![0usize; n];
    for _ in 0..n {
        for (a, b) in edges {
            layer[*b] = layer[*b].max(layer[*a] + 1);
        }
    }
    for v in 0..n {
        if !edges.iter().any(|(_, b)| *b == v) {
            let below = edges
                .iter()
                .filter(|(a, _)| *a == v)
                .map(|(_, b)| layer[*b])
                .min();
            if let Some(l) = below {
                layer[v] = l.saturating_sub(1);
            }
        }
    }
    layer
}

/// Orders each row by where its neighbours stand, then moves items towards them as far as there is room.
fn columns(rows: &[Vec<usize>], edges: &BTreeSet<(usize, usize)>, half: &[f64]) -> Vec<f64> {
    let mut rows = rows.to_vec();
    let mut x = vec![0.0; half.len()];
    for row in &rows {
        spread(row, half, &mut x, &BTreeMap::new());
    }
    let near = |v: usize, x: &[f64]| -> Option<f64> {
        let mut of: Vec<f64> = vec![];
        for (a, b) in edges {
            if *a == v {
                of.push(x[*b]);
            } else if *b == v {
                of.push(x[*a]);
            }
        }
        (!of.is_empty()).then(|| of.iter().sum::<f64>() / of.len() as f64)
    };
    for pass in 0..8 {
        let mut which: Vec<usize> = (0..rows.len()).collect();
        if pass % 2 == 1 {
            which.reverse();
        }
        for r in which {
            let wish: BTreeMap<usize, f64> = rows[r]
                .iter()
                .map(|v| (*v, near(*v, &x).unwrap_or(x[*v])))
                .collect();
            if pass < 4 {
                rows[r].sort_by(|a, b| wish[a].total_cmp(&wish[b]).then(a.cmp(b)));
            }
            spread(&rows[r], half, &mut x, &wish);
        }
    }
    x
}

/// Items from left to right with gaps, as near to where they would be as their order allows.
fn spread(row: &[usize], half: &[f64], x: &mut [f64], wish: &BTreeMap<usize, f64>) {
    let mut edge = f64::NEG_INFINITY;
    let mut drift = 0.0;
    for v in row {
        let want = wish.get(v).copied().unwrap_or(0.0);
        let at = want.max(edge + GAP_X + half[*v]);
        x[*v] = at;
        drift += want - at;
        edge = at + half[*v];
    }
    let shift = drift / row.len().max(1) as f64;
    for v in row {
        x[*v] += shift;
    }
}
