//! The plate diagram as a picture: SVG with boxes, shaded nodes, arrows and a legend of the blocks.
//!
//! in: a model, its derivation where there is one -> out: SVG 1.1, the same text for the same model.

use std::fmt::Write;

use crate::derive::Derivation;
use crate::model::Model;

use super::layout::{CAPTION, LOOP, Layout, Rect, figure, layout, text_width};
use super::plates::{Arrow, COLOURS, Diagram, Drawn, OBSERVED, Shape, diagram};

const MARGIN: f64 = 20.0;
const TITLE: f64 = 30.0;
const LINE: f64 = 20.0;

/// The plate diagram as SVG.
pub fn to_svg(model: &Model, derivation: Option<&Derivation>) -> String {
    let d = diagram(model, derivation);
    let l = layout(&d);
    let legend = legend(&d);
    let rows = legend.len();
    let wide = legend
        .iter()
        .map(|(_, t)| text_width(t) + 30.0)
        .fold(text_width(&d.title) * 1.2, f64::max);
    let width = l.size.0.max(wide) + 2.0 * MARGIN;
    let top = TITLE + MARGIN;
    let height = top + l.size.1 + MARGIN + rows as f64 * LINE + MARGIN;
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"14\">\n",
        number(width),
        number(height)
    );
    out.push_str("  <defs><marker id=\"head\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\"><path d=\"M0,1 L10,5 L0,9 z\" fill=\"#333333\"/></marker></defs>\n");
    out.push_str("  <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n");
    let _ = writeln!(
        out,
        "  <text x=\"{}\" y=\"{}\" font-weight=\"bold\">{}</text>",
        number(MARGIN),
        number(TITLE - 4.0),
        escape(&d.title)
    );
    let _ = writeln!(
        out,
        "  <g transform=\"translate({},{})\">",
        number((width - l.size.0) / 2.0),
        number(top)
    );
    for (b, r) in d.boxes.iter().zip(&l.boxes) {
        let _ = writeln!(
            out,
            "    <rect class=\"plate\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"7\" fill=\"none\" stroke=\"#666666\"/>",
            number(r.x - r.w),
            number(r.y - r.h),
            number(2.0 * r.w),
            number(2.0 * r.h)
        );
        let _ = writeln!(
            out,
            "    <text x=\"{}\" y=\"{}\" text-anchor=\"end\" font-size=\"12\" font-style=\"italic\" fill=\"#444444\">{}</text>",
            number(r.x + r.w - 7.0),
            number(r.y + r.h - CAPTION / 2.0 + 1.0),
            escape(&b.label)
        );
    }
    for a in &d.arrows {
        arrow(&mut out, &d, &l, a);
    }
    for (n, r) in d.nodes.iter().zip(&l.nodes) {
        node(&mut out, n, r);
    }
    out.push_str("  </g>\n");
    let mut y = top + l.size.1 + MARGIN + LINE / 2.0;
    for (swatch, text) in &legend {
        let x = MARGIN + 10.0;
        match swatch {
            Swatch::Colour(i) => {
                let _ = writeln!(
                    out,
                    "  <rect x=\"{}\" y=\"{}\" width=\"16\" height=\"12\" fill=\"{}\" stroke=\"#333333\"/>",
                    number(x - 8.0),
                    number(y - 6.0),
                    colour(*i)
                );
            }
            Swatch::Shape(shape) => {
                let key = Drawn {
                    id: String::new(),
                    label: String::new(),
                    shape: *shape,
                    block: None,
                    plate: None,
                };
                draw(&mut out, &key, x, y, 8.0, 6.0);
            }
            Swatch::None => {}
        }
        let _ = writeln!(
            out,
            "  <text x=\"{}\" y=\"{}\" font-size=\"12\">{}</text>",
            number(x + 16.0),
            number(y + 4.0),
            escape(text)
        );
        y += LINE;
    }
    out.push_str("</svg>\n");
    out
}

enum Swatch {
    None,
    Colour(usize),
    Shape(Shape),
}

fn legend(d: &Diagram) -> Vec<(Swatch, String)> {
    let mut out = vec![];
    for (i, b) in d.blocks.iter().enumerate() {
        out.push((Swatch::Colour(i), format!("{}: {}", b.names, b.text)));
    }
    if let Some(m) = &d.method {
        out.push((Swatch::None, format!("method: {m}")));
    }
    for (shape, words) in [
        (Shape::Observed, "observed"),
        (Shape::Latent, "latent"),
        (Shape::Dirac, "latent as dirac: a point"),
        (Shape::Param, "param: a point"),
        (Shape::Given, "given"),
        (Shape::Potential, "potential"),
    ] {
        if d.nodes.iter().any(|n| n.shape == shape) {
            out.push((Swatch::Shape(shape), words.to_string()));
        }
    }
    out
}

fn colour(block: usize) -> &'static str {
    COLOURS
        .get(block % COLOURS.len())
        .copied()
        .unwrap_or("#ffffff")
}

fn fill(n: &Drawn) -> &'static str {
    match (n.shape, n.block) {
        (Shape::Observed, _) => OBSERVED,
        (Shape::Given, _) => "#eeeeee",
        (Shape::Potential, _) | (Shape::Param, None) => "#222222",
        (_, Some(b)) => colour(b),
        (_, None) => "#ffffff",
    }
}

/// The centre and half sides of what arrows touch.
fn body(n: &Drawn, r: &Rect) -> Rect {
    let (w, h) = figure(n.shape, &n.label);
    let y = if n.shape == Shape::Param {
        r.y + r.h - h
    } else {
        r.y
    };
    Rect { x: r.x, y, w, h }
}

fn draw(out: &mut String, n: &Drawn, x: f64, y: f64, w: f64, h: f64) {
    let fill = fill(n);
    let ellipse = |out: &mut String, w: f64, h: f64| {
        let _ = writeln!(
            out,
            "    <ellipse cx=\"{}\" cy=\"{}\" rx=\"{}\" ry=\"{}\" fill=\"{fill}\" stroke=\"#222222\"/>",
            number(x),
            number(y),
            number(w),
            number(h)
        );
    };
    match n.shape {
        Shape::Latent | Shape::Observed => ellipse(out, w, h),
        Shape::Dirac => {
            ellipse(out, w, h);
            ellipse(out, w - 3.0, h - 3.0);
        }
        Shape::Param => ellipse(out, h.min(6.0), h.min(6.0)),
        Shape::Given | Shape::Potential => {
            let dash = if n.shape == Shape::Given {
                " stroke-dasharray=\"3,2\""
            } else {
                ""
            };
            let side = if n.shape == Shape::Given { w } else { h };
            let _ = writeln!(
                out,
                "    <rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{fill}\" stroke=\"#222222\"{dash}/>",
                number(x - side),
                number(y - h),
                number(2.0 * side),
                number(2.0 * h)
            );
        }
    }
}

fn node(out: &mut String, n: &Drawn, r: &Rect) {
    let b = body(n, r);
    let kind = match n.shape {
        Shape::Latent => "latent",
        Shape::Dirac => "latent-as-dirac",
        Shape::Param => "param",
        Shape::Observed => "observed",
        Shape::Given => "given",
        Shape::Potential => "potential",
    };
    let _ = writeln!(out, "    <g class=\"{kind}\">");
    draw(out, n, b.x, b.y, b.w, b.h);
    let y = if n.shape == Shape::Param {
        b.y - b.h - 5.0
    } else {
        b.y + 5.0
    };
    if !n.label.is_empty() {
        let _ = writeln!(
            out,
            "    <text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            number(b.x),
            number(y),
            escape(&n.label)
        );
    }
    out.push_str("    </g>\n");
}

type Point = (f64, f64);

fn arrow(out: &mut String, d: &Diagram, l: &Layout, a: &Arrow) {
    let at = |i: usize| Some(body(d.nodes.get(i)?, l.nodes.get(i)?));
    let (Some(from), Some(to)) = (at(a.from), at(a.to)) else {
        return;
    };
    let head = if a.plain {
        ""
    } else {
        " marker-end=\"url(#head)\""
    };
    if a.back {
        let (x, y) = (to.x + to.w * 0.8, to.h * 0.6);
        let _ = writeln!(
            out,
            "    <path d=\"M{0},{1} C{2},{3} {2},{4} {0},{5}\" fill=\"none\" stroke=\"#333333\"{head}/>",
            number(x),
            number(to.y - y),
            number(to.x + to.w + LOOP * 1.3),
            number(to.y - 26.0),
            number(to.y + 26.0),
            number(to.y + y)
        );
        return;
    }
    // Past other nodes on a curve.
    let (dx, dy) = (to.x - from.x, to.y - from.y);
    let length = dx.hypot(dy).max(1.0);
    let bend = |s: f64| {
        (
            (from.x + to.x) / 2.0 - dy / length * s,
            (from.y + to.y) / 2.0 + dx / length * s,
        )
    };
    let clear = |s: f64| {
        let c = bend(s);
        (1..40).all(|k| {
            let p = along((from.x, from.y), c, (to.x, to.y), f64::from(k) / 40.0);
            l.nodes.iter().enumerate().all(|(i, r)| {
                i == a.from
                    || i == a.to
                    || (p.0 - r.x).abs() > r.w + 3.0
                    || (p.1 - r.y).abs() > r.h + 3.0
            })
        })
    };
    let s = [0.0, 40.0, -40.0, 80.0, -80.0, 130.0, -130.0]
        .into_iter()
        .find(|s| clear(*s))
        .unwrap_or(0.0);
    let c = bend(s);
    let (p, q) = (border(&from, c), border(&to, c));
    let _ = writeln!(
        out,
        "    <path d=\"M{},{} Q{},{} {},{}\" fill=\"none\" stroke=\"#333333\"{head}/>",
        number(p.0),
        number(p.1),
        number(c.0),
        number(c.1),
        number(q.0),
        number(q.1)
    );
}

/// A point of a quadratic curve.
fn along(p: Point, c: Point, q: Point, t: f64) -> Point {
    let at = |p: f64, c: f64, q: f64| (1.0 - t).powi(2) * p + 2.0 * t * (1.0 - t) * c + t * t * q;
    (at(p.0, c.0, q.0), at(p.1, c.1, q.1))
}

/// Where the line from the centre of a figure to a point leaves it.
fn border(r: &Rect, to: Point) -> Point {
    let (dx, dy) = (to.0 - r.x, to.1 - r.y);
    let scale = (dx / r.w).hypot(dy / r.h);
    if scale < 1e-9 {
        return (r.x, r.y);
    }
    (r.x + dx / scale, r.y + dy / scale)
}

/// One decimal, none where it is 0.
fn number(x: f64) -> String {
    let t = format!("{x:.1}");
    let t = t.strip_suffix(".0").map_or(t.clone(), str::to_string);
    if t == "-0" { "0".into() } else { t }
}

/// Text inside XML.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
