//! d-separation against conditional independence found by enumeration, and diagrams that hold what they must.

use std::collections::BTreeSet;

use super::ground::{Ground, Network};
use super::separation::Separation;
use super::{build, layout, plates, to_dot, to_svg};
use crate::compile;
use crate::model::Model;
use crate::source::SourceFile;

struct Draws(u64);

impl Draws {
    fn unit(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// A network of binary variables: parents, and p(v = 1) by the states of the parents.
struct Binary {
    parents: Vec<Vec<usize>>,
    ones: Vec<Vec<f64>>,
}

impl Binary {
    fn draw(r: &mut Draws, n: usize, density: f64) -> Binary {
        // A random order, so that numbers say nothing about directions.
        let mut order: Vec<usize> = (0..n).collect();
        for i in (1..n).rev() {
            order.swap(i, (r.unit() * (i + 1) as f64) as usize);
        }
        let mut parents = vec![vec![]; n];
        for (i, v) in order.iter().enumerate() {
            for p in &order[..i] {
                if r.unit() < density && parents[*v].len() < 3 {
                    parents[*v].push(*p);
                }
            }
        }
        let ones = parents
            .iter()
            .map(|p| (0..1 << p.len()).map(|_| 0.05 + 0.9 * r.unit()).collect())
            .collect();
        Binary { parents, ones }
    }

    /// The probability of every joint state.
    fn joint(&self) -> Vec<f64> {
        let n = self.parents.len();
        (0..1usize << n)
            .map(|state| {
                (0..n)
                    .map(|v| {
                        let bits = self.parents[v].iter().enumerate();
                        let row: usize = bits.map(|(k, p)| (state >> p & 1) << k).sum();
                        let one = self.ones[v][row];
                        if state >> v & 1 == 1 { one } else { 1.0 - one }
                    })
                    .product()
            })
            .collect()
    }
}

/// max |p(x, y, z) p(z) - p(x, z) p(y, z)| / p(z)^2
fn dependence(joint: &[f64], x: usize, y: usize, z: usize) -> f64 {
    let sum = |mask: usize, value: usize| -> f64 {
        let fits = joint.iter().enumerate().filter(|(s, _)| s & mask == value);
        fits.map(|(_, p)| p).sum()
    };
    let (bx, by) = (1 << x, 1 << y);
    let mut most: f64 = 0.0;
    for state in (0..joint.len()).filter(|s| s & !z == 0) {
        let pz = sum(z, state);
        let both = sum(z | bx | by, state | bx | by);
        let difference = both * pz - sum(z | bx, state | bx) * sum(z | by, state | by);
        most = most.max((difference / (pz * pz)).abs());
    }
    most
}

fn below(parents: &[Vec<usize>], v: usize) -> BTreeSet<usize> {
    let mut out = BTreeSet::from([v]);
    loop {
        let before = out.len();
        for (c, list) in parents.iter().enumerate() {
            if list.iter().any(|p| out.contains(p)) {
                out.insert(c);
            }
        }
        if out.len() == before {
            return out;
        }
    }
}

#[test]
fn separation_is_independence_in_random_networks() {
    let mut r = Draws(20_240_611);
    let (mut open, mut closed) = (0, 0);
    for round in 0..60 {
        let n = 6;
        let net = Binary::draw(&mut r, n, [0.25, 0.4, 0.6][round % 3]);
        let joint = net.joint();
        assert!((joint.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        for x in 0..n {
            for y in (0..n).filter(|y| *y != x) {
                for z in (0..1usize << n).filter(|z| z >> x & 1 == 0 && z >> y & 1 == 0) {
                    let given: Vec<bool> = (0..n).map(|v| z >> v & 1 == 1).collect();
                    let s = Separation::new(&net.parents, given.clone());
                    let d = dependence(&joint, x, y, z);
                    match s.open_trail(x, y) {
                        None => {
                            closed += 1;
                            assert!(d < 1e-12, "{:?} {x} {y} {z:b}: {d}", net.parents);
                        }
                        Some(t) => {
                            open += 1;
                            assert!(d > 1e-10, "{:?} {x} {y} {z:b}: {d}", net.parents);
                            is_open(&net.parents, &given, &t, x, y);
                            assert!((0..t.len()).all(|i| !s.closes(&t, i)));
                        }
                    }
                }
            }
        }
    }
    assert!(open > 1000 && closed > 1000, "{open} {closed}");
}

/// The definition, node by node.
fn is_open(parents: &[Vec<usize>], given: &[bool], t: &[usize], x: usize, y: usize) {
    assert_eq!((t.first(), t.last()), (Some(&x), Some(&y)));
    assert_eq!(t.iter().collect::<BTreeSet<_>>().len(), t.len(), "{t:?}");
    for w in t.windows(2) {
        assert!(parents[w[0]].contains(&w[1]) || parents[w[1]].contains(&w[0]));
    }
    for w in t.windows(3) {
        let collider = parents[w[1]].contains(&w[0]) && parents[w[1]].contains(&w[2]);
        if collider {
            assert!(below(parents, w[1]).iter().any(|v| given[*v]), "{t:?}");
        } else {
            assert!(!given[w[1]], "{t:?}");
        }
    }
}

fn model(text: &str) -> Model {
    let source = SourceFile::new("m.pmod", text);
    match compile::model(&source, &crate::check::Options::default()) {
        Ok((m, _)) => m,
        Err(e) => panic!("{}", crate::diag::render_plain(&e, &source)),
    }
}

const TOPICS: &str = "model lda
data token { doc : label  word : label }
plate topic(3)
latent theta[topic] ~ Dirichlet(0.1) over word
latent pi[doc] ~ Dirichlet(0.1) over topic
latent z[token] ~ Categorical(pi[doc])
observe word[token] ~ Categorical(theta[z])
";

#[test]
fn a_label_selects_one_parent_and_a_latent_index_all() {
    let m = model(TOPICS);
    let net = Network::of(&m, &build(&m), &BTreeSet::new());
    let names: Vec<Vec<String>> = net
        .parents
        .iter()
        .map(|list| {
            let name = |p: &usize| match &net.nodes[*p] {
                Ground::Quantity(n, _) => super::name(&m, *n).to_string(),
                Ground::Potential(..) => String::new(),
            };
            list.iter().map(name).collect()
        })
        .collect();
    let mut docs = BTreeSet::new();
    for (i, g) in net.nodes.iter().enumerate() {
        let Ground::Quantity(n, _) = g else { continue };
        match super::name(&m, *n) {
            "z" => {
                assert_eq!(names[i], ["pi"]);
                docs.insert(net.parents[i].clone());
            }
            "word" => {
                assert_eq!(names[i].iter().filter(|n| *n == "theta").count(), 2);
                assert_eq!(names[i].iter().filter(|n| *n == "z").count(), 1);
            }
            _ => assert!(names[i].is_empty()),
        }
    }
    assert_eq!(docs.len(), 2, "tokens of both documents");
}

#[test]
fn models_with_many_indices_are_walked_in_part() {
    let mut text = String::from("model wide\ndata row { y : real }\n");
    let names: Vec<String> = (0..16).map(|i| format!("p{i}")).collect();
    for n in &names {
        text.push_str(&format!("plate {n}(3)\n"));
    }
    let all = names.join(", ");
    text.push_str(&format!("latent a[{all}] ~ Gaussian(0, var = 1)\n"));
    text.push_str(&format!(
        "observe y[row] ~ Gaussian(sum(a over {all}), var = 1)\n"
    ));
    let m = model(&text);
    let net = Network::of(&m, &build(&m), &BTreeSet::new());
    assert!(
        !net.whole && net.nodes.len() < 1 << 15,
        "{}",
        net.nodes.len()
    );
    assert!(Network::of(&model(FACTORS), &build(&model(FACTORS)), &BTreeSet::new()).whole);
    assert!(to_svg(&m, None).contains(">a</text>"));
}

/// Tags are closed in order, attributes quoted, no bare & or <.
fn well_formed(text: &str) {
    let mut open: Vec<String> = vec![];
    let mut rest = text
        .strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>")
        .expect("a declaration");
    while let Some(at) = rest.find('<') {
        let between = &rest[..at];
        assert!(!between.contains('>'), "{between}");
        for part in between.split('&').skip(1) {
            let entity = part.split(';').next().unwrap();
            assert!(["amp", "lt", "gt", "quot"].contains(&entity), "{between}");
        }
        let end = at + rest[at..].find('>').expect("a tag ends");
        let tag = &rest[at + 1..end];
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        let name: String = tag
            .chars()
            .take_while(|c| !c.is_whitespace() && *c != '/')
            .collect();
        if let Some(closing) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(closing));
        } else if !tag.ends_with('/') {
            assert!(!(open.is_empty() && name != "svg"));
            open.push(name);
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty() && rest.trim().is_empty(), "{open:?}");
}

const FACTORS: &str = "model ppca
data row { x[feature] : real = rest }
plate factor(2)
latent  h[row, factor]     ~ Gaussian(0, var = 1)
param   W[feature, factor] : real
param   b[feature]         : real
param   noise              : positive
observe x[row, feature]    ~ Gaussian(sum(W * h over factor) + b, var = noise)
";

const CHAIN: &str = "model chain
data step ordered by t within session { y : real  u : real }
plate state(3)
param   start       : simplex over state
param   move[state] : simplex over state
param   mu[state]   : real
latent  z[step] ~ Categorical(move[z[step-1]]) first Categorical(start)
observe y[step] ~ Gaussian(mu[z] + u, var = 1)
";

const MACHINE: &str = "model machine
data image { v[pixel] : binary = \"p*\" }
plate unit(4)
param   W[pixel, unit] : real
latent  h[image, unit] : binary
observe v[image, pixel]
potential[image, pixel, unit] W * v * h
";

const SPARSE: &str = "model sparse
data patch { x[pixel] : real = \"p*\" }
plate atom(4)
param   W[pixel, atom]  : real, unit norm over pixel
latent  h[patch, atom]  ~ Laplace(0, scale = 1) as dirac
observe x[patch, pixel] ~ Gaussian(sum(W * h over atom), precision = 10)
";

#[test]
fn pictures_are_well_formed_and_hold_every_quantity() {
    for text in [TOPICS, FACTORS, CHAIN, MACHINE, SPARSE] {
        let m = model(text);
        let derivation = compile::compile(&m, None).ok().map(|(d, _)| d);
        let svg = to_svg(&m, derivation.as_ref());
        assert_eq!(svg, to_svg(&m, derivation.as_ref()));
        well_formed(&svg);
        for v in &m.variables {
            assert!(svg.contains(&format!(">{}</text>", v.name)), "{}", v.name);
        }
        for part in svg.split("<g class=\"observed\">").skip(1) {
            let shape = part.split("</g>").next().unwrap();
            assert!(shape.contains(plates::OBSERVED), "{shape}");
        }
        let observed = m.columns.iter().filter(|c| c.observed).count();
        assert_eq!(svg.matches("<g class=\"observed\">").count(), observed);
        let dot = to_dot(&m, derivation.as_ref());
        assert_eq!(dot.matches('{').count(), dot.matches('}').count());
        let boxes = plates::diagram(&m, None).boxes.len();
        assert_eq!(dot.matches("subgraph cluster_").count(), boxes);
        assert_eq!(svg.matches("class=\"plate\"").count(), boxes);
    }
}

#[test]
fn boxes_hold_their_own_nodes_and_no_others() {
    for text in [TOPICS, FACTORS, CHAIN, MACHINE, SPARSE] {
        let d = plates::diagram(&model(text), None);
        let l = layout::layout(&d);
        let around = |mut at: Option<usize>| {
            let mut out = BTreeSet::new();
            while let Some(b) = at {
                out.insert(b);
                at = d.boxes[b].inside;
            }
            out
        };
        for (i, n) in d.nodes.iter().enumerate() {
            let (r, own) = (l.nodes[i], around(n.plate));
            assert!(
                r.x - r.w >= -0.01 && r.x + r.w <= l.size.0 + 0.01,
                "{}",
                n.label
            );
            for (b, x) in l.boxes.iter().enumerate() {
                let (dx, dy) = ((r.x - x.x).abs(), (r.y - x.y).abs());
                let inside = dx + r.w <= x.w + 0.01 && dy + r.h <= x.h + 0.01;
                let outside = dx >= r.w + x.w - 0.01 || dy >= r.h + x.h - 0.01;
                assert!(
                    if own.contains(&b) { inside } else { outside },
                    "{}",
                    n.label
                );
            }
            for (j, o) in l.nodes.iter().enumerate() {
                let apart = (r.x - o.x).abs() >= r.w + o.w || (r.y - o.y).abs() >= r.h + o.h;
                assert!(i == j || apart, "{} {}", n.label, d.nodes[j].label);
            }
        }
    }
}

#[test]
fn plates_nest_and_blocks_have_colours() {
    let m = model(TOPICS);
    let (d, _) = compile::compile(&m, None).expect("a derivation");
    let p = plates::diagram(&m, Some(&d));
    let node = |name: &str| p.nodes.iter().find(|n| n.label == name).expect("drawn");
    let path = |name: &str| {
        let mut out = vec![];
        let mut at = node(name).plate;
        while let Some(b) = at {
            out.insert(0, p.boxes[b].label.as_str());
            at = p.boxes[b].inside;
        }
        out
    };
    assert_eq!(path("z"), ["doc", "token"]);
    assert_eq!(path("pi"), ["doc"]);
    assert_eq!(path("theta"), ["topic (3)"]);
    assert!(
        p.nodes.iter().all(|n| n.label != "doc"),
        "a label that only selects"
    );
    let blocks: BTreeSet<Option<usize>> = ["z", "pi", "theta"].map(|n| node(n).block).into();
    assert_eq!(blocks.len(), 3);
    assert_eq!(node("word").block, None);
    // Rows that refer to two plates lie in neither, and name both.
    let votes = model(
        "model votes
data vote { item : label  worker : label  answer : label of class }
param   prior                    : simplex over class
param   confusion[worker, class] : simplex over class
latent  truth[item]  ~ Categorical(prior)
observe answer[vote] ~ Categorical(confusion[worker, truth])
",
    );
    let boxes = plates::diagram(&votes, None).boxes;
    let outer = boxes.iter().filter(|b| b.inside.is_none());
    let labels: BTreeSet<&str> = outer.map(|b| b.label.as_str()).collect();
    assert!(labels.contains("vote (item x worker)"), "{labels:?}");
    assert!(labels.contains("item"), "{labels:?}");
    // W and b are solved for together.
    let m = model(FACTORS);
    let (d, _) = compile::compile(&m, None).expect("a derivation");
    let p = plates::diagram(&m, Some(&d));
    let block = |name: &str| {
        p.nodes
            .iter()
            .find(|n| n.label == name)
            .and_then(|n| n.block)
    };
    assert_eq!(block("W"), block("b"));
    assert_ne!(block("W"), block("noise"));
    assert_eq!(
        p.blocks[block("h").expect("a block")].text,
        "Gaussian, exact"
    );
}
