//! Blocks of coupled elements: the exponent of q as products of statistics times what they collect, and how it is solved.
//!
//! ```text
//! q(z) proportional to exp( sum over products of statistics:  product * message )
//! ```

use crate::algebra::formula::Formula;
use crate::algebra::letters::Names;
use crate::algebra::piece::Piece;
use crate::algebra::{Statistic, Subscript};
use crate::derive::{Form, Structure};
use crate::model::{Axis, Role};

use super::message::Target;
use super::update::{Collected, Equation};

/// The equation of q, led by what computes it, and what it collects.
pub fn exponent(c: &Collected<'_, '_>) -> Vec<Equation> {
    let mut parts = vec![];
    let mut definitions = vec![];
    for (at, compound) in c.block.compounds.iter().enumerate() {
        let pieces = c.message(&Target::Compound(at), 1.0);
        if pieces.is_empty() {
            continue;
        }
        let letters = c.slots.of_compound(c.block, at);
        let names = c.names.bind(c.page.writer.letters, letters.iter().copied());
        let map: Vec<(Axis, Subscript)> = compound
            .axes
            .iter()
            .copied()
            .zip(letters.iter().map(|a| Subscript::Axis(*a)))
            .collect();
        let mut factors: Vec<Formula> = compound
            .stats
            .iter()
            .map(|s| {
                let s = Statistic {
                    index: s.index.iter().map(|i| i.substitute(&map)).collect(),
                    ..s.clone()
                };
                c.page.writer.statistic(&s, &names)
            })
            .collect();
        if let [x, y] = factors.as_slice()
            && x == y
        {
            factors = vec![x.clone().power(Formula::Number(2.0))];
        }
        let below: Vec<Formula> = letters
            .iter()
            .filter_map(|a| names.get(*a).map(Formula::name))
            .collect();
        let score = scores(c, &pieces, &names);
        // Long sums go by a letter of their own.
        factors.push(if pieces.len() == 1 {
            score
        } else {
            let name = Formula::Symbol(symbol(c, definitions.len()), below.clone());
            definitions.push(Equation::new("", Formula::equation(name.clone(), score)));
            name
        });
        parts.push(Formula::total(below, vec![], Formula::product(factors)));
    }
    let own: Vec<Formula> = c
        .block
        .unknowns
        .iter()
        .map(|u| Formula::name(&c.page.d.unknowns.get(*u).name))
        .collect();
    let sum = Formula::sum(parts);
    let head = match c.block.role {
        Role::Latent => Formula::relation(
            Formula::Apply("q".into(), own),
            "∝",
            Formula::Apply("exp".into(), vec![sum]),
        ),
        _ => {
            let left = match own.as_slice() {
                [one] => one.clone(),
                _ => Formula::Apply(String::new(), own),
            };
            Formula::equation(left, Formula::Apply("argmax".into(), vec![sum]))
        }
    };
    let mut out = vec![Equation::new(how(c), head)];
    out.extend(definitions);
    out
}

fn scores(c: &Collected<'_, '_>, pieces: &[Piece], names: &Names) -> Formula {
    Formula::sum(pieces.iter().map(|p| c.page.writer.piece(p, names)))
}

fn symbol(c: &Collected<'_, '_>, i: usize) -> String {
    let wanted = ["eta", "zeta", "xi", "omega"];
    let name = wanted.get(i).copied().unwrap_or("omega");
    c.page.unused(&[name])
}

/// What computes the marginals.
fn how(c: &Collected<'_, '_>) -> String {
    let plate = |p| c.page.d.model.plate(p).name.clone();
    let latent = c.block.role == Role::Latent;
    match (&c.block.form, c.block.structure) {
        (Form::Network, Structure::Chain(p)) if latent => {
            format!("a chain along {}: marginals by forward-backward", plate(p))
        }
        (Form::Network, Structure::Chain(p)) => {
            format!("a chain along {}: the best path by Viterbi", plate(p))
        }
        (Form::Network, Structure::Elimination) => {
            "its elements are eliminated one by one: marginals by sum-product".into()
        }
        (Form::Network, _) => {
            "elements one after the other, each given the newest marginals of those it meets; chains stay whole".into()
        }
        (Form::GaussianNetwork, Structure::Chain(p)) => {
            format!("a chain along {}: means and covariances by Kalman smoothing", plate(p))
        }
        (Form::GaussianNetwork, Structure::Sequential) => {
            "elements one after the other, each given the newest means of those it meets".into()
        }
        (Form::GaussianNetwork, _) => {
            "means and covariances by eliminating elements one by one".into()
        }
        _ => "for each value of the discrete unknown a Gaussian, whose normaliser weighs the value".into(),
    }
}
