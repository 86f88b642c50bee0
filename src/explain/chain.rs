//! A chain of discrete elements: what one element and what two neighbours collect, and the recursion for their marginals.
//!
//! ```text
//! ln q(z) = Σ_tk 1[z_t = k] ln rho_tk + Σ_tjk 1[z_{t-1} = j] 1[z_t = k] ln tau_tjk - ln Z
//! alpha_tk = rho_tk Σ_j alpha_{t-1, j} tau_tjk        beta_tj = Σ_k tau_{t+1, jk} rho_{t+1, k} beta_{t+1, k}
//! q(z_t = k) = alpha_tk beta_tk / Z                   Bishop 2006, 13.2.2
//! ```

use crate::algebra::formula::Formula;
use crate::algebra::layout::Layout;
use crate::algebra::letters::Names;
use crate::algebra::piece::Piece;
use crate::algebra::{Statistic, Subscript};
use crate::derive::{Form, Structure};
use crate::model::{Axis, Role};

use super::message::Target;
use super::update::{Collected, Equation};

/// A product of the chain's indicators with what it collects.
struct Collects {
    stats: Vec<Statistic>,
    axes: Vec<Axis>,
    pieces: Vec<Piece>,
    names: Names,
}

fn line(a: Formula, b: Formula) -> Equation {
    Equation::new("", Formula::equation(a, b))
}

/// The equations of a chain of one discrete latent along one plate; `None` for other structures.
pub fn chain(c: &Collected<'_, '_>) -> Option<Vec<Equation>> {
    let (Form::Network, Structure::Chain(p), Role::Latent) =
        (&c.block.form, c.block.structure, c.block.role)
    else {
        return None;
    };
    let inside = c.slots.inside(c.block, 0);
    let ([_], [t], [Some(value)]) = (
        c.block.unknowns.as_slice(),
        inside.as_slice(),
        c.slots.value.as_slice(),
    ) else {
        return None;
    };
    let mut list = collects(c);
    list.sort_by_key(|x| x.stats.len());
    let [one, two] = list.as_slice() else {
        return None;
    };
    if (one.stats.len(), two.stats.len()) != (1, 2) {
        return None;
    }
    let (rho, tau) = (
        c.page.unused(&["rho", "lambda", "phi"]),
        c.page.unused(&["tau", "kappa", "chi"]),
    );
    let mut exponent = vec![];
    let mut out = vec![];
    for (x, name) in [(one, &rho), (two, &tau)] {
        let below: Vec<Formula> = x
            .axes
            .iter()
            .filter_map(|a| x.names.get(*a).map(Formula::name))
            .collect();
        let factor = Formula::Symbol(name.clone(), below.clone()).log();
        let events = x.stats.iter().map(|s| c.page.writer.statistic(s, &x.names));
        let product = Formula::product(events.chain([factor.clone()]));
        exponent.push(Formula::total(below, vec![], product));
        let f = c.page.sum(&x.pieces, &x.names, Layout::Index);
        out.push(line(factor, f.unwrap_or(Formula::Number(0.0))));
    }
    let z = Formula::name(c.page.unused(&["Z", "norm"]));
    exponent.push(z.clone().log().negated());
    let left = Formula::Apply("q".into(), vec![c.whole(0)]).log();
    let lead = format!(
        "a chain along {}, solved by forward-backward",
        c.page.d.model.plate(p).name
    );
    out.insert(
        0,
        Equation::new(lead, Formula::equation(left, Formula::sum(exponent))),
    );
    out.extend(forward_backward(
        c,
        one,
        two,
        (*t, *value),
        [&rho, &tau],
        z,
    )?);
    Some(out)
}

/// The compounds of the block that collect something, at the letters of the page.
fn collects(c: &Collected<'_, '_>) -> Vec<Collects> {
    let compounds = c.block.compounds.iter().enumerate();
    compounds
        .filter_map(|(at, compound)| {
            let pieces = c.message(&Target::Compound(at), 1.0);
            if pieces.is_empty() {
                return None;
            }
            let axes = c.slots.of_compound(c.block, at);
            let map: Vec<(Axis, Subscript)> = compound
                .axes
                .iter()
                .copied()
                .zip(axes.iter().map(|a| Subscript::Axis(*a)))
                .collect();
            let at = |s: &Statistic| Statistic {
                index: s.index.iter().map(|i| i.substitute(&map)).collect(),
                ..s.clone()
            };
            Some(Collects {
                stats: compound.stats.iter().map(at).collect(),
                names: c.names.bind(c.page.writer.letters, axes.iter().copied()),
                axes,
                pieces,
            })
        })
        .collect()
}

/// The value axis of the statistic at this step, and of that at the step before.
fn values(two: &Collects, t: Axis) -> Option<(Axis, Axis)> {
    let value = |s: &Statistic| match s.index.last() {
        Some(Subscript::Axis(a)) => Some(*a),
        _ => None,
    };
    let here = |s: &&Statistic| s.index.contains(&Subscript::Axis(t));
    let now = two.stats.iter().find(here)?;
    let before = two.stats.iter().find(|s| !here(s))?;
    Some((value(now)?, value(before)?))
}

/// Forward from the first step, backward from the last, then the marginals of an element and of two neighbours.
fn forward_backward(
    c: &Collected<'_, '_>,
    one: &Collects,
    two: &Collects,
    (t, value): (Axis, Axis),
    [rho, tau]: [&str; 2],
    z: Formula,
) -> Option<Vec<Equation>> {
    let (now, before) = values(two, t)?;
    let [letter, k, j] = [t, now, before].map(|a| two.names.get(a).map(Formula::name));
    let (letter, k, j) = (letter?, k?, j?);
    // An array at a step later or earlier, with the letters of its values.
    let at = |name: &str, x: &Collects, later: f64, this: &Formula, last: &Formula| {
        let below = x.axes.iter().filter_map(|a| {
            let own = || x.names.get(*a).map(Formula::name);
            match *a {
                a if a == t && later != 0.0 => Some(Formula::sum([own()?, Formula::Number(later)])),
                a if a == now || a == value => Some(this.clone()),
                a if a == before => Some(last.clone()),
                _ => own(),
            }
        });
        Formula::Symbol(name.into(), below.collect())
    };
    let (alpha, beta) = (
        c.page.unused(&["alpha", "forward"]),
        c.page.unused(&["beta", "backward"]),
    );
    let single = |name: &str, later: f64, v: &Formula| at(name, one, later, v, v);
    let over = |v: &Formula, body: Formula| Formula::total(vec![v.clone()], vec![], body);
    let first = |f: Formula| f.replace(&letter, &Formula::Number(1.0));
    let size = c.page.writer.letters.size(t.plate);
    let last = |f: Formula| f.replace(&letter, &size);
    let marginal = |x: &Collects| {
        let list: Vec<&Statistic> = x.stats.iter().collect();
        c.page.writer.probability(&list, &x.names)
    };
    Some(vec![
        Equation::new(
            "forward",
            Formula::equation(first(single(&alpha, 0.0, &k)), first(single(rho, 0.0, &k))),
        ),
        line(
            single(&alpha, 0.0, &k),
            Formula::product([
                single(rho, 0.0, &k),
                over(
                    &j,
                    Formula::product([single(&alpha, -1.0, &j), at(tau, two, 0.0, &k, &j)]),
                ),
            ]),
        ),
        line(z.clone(), over(&k, last(single(&alpha, 0.0, &k)))),
        Equation::new(
            "backward",
            Formula::equation(last(single(&beta, 0.0, &k)), Formula::Number(1.0)),
        ),
        line(
            single(&beta, 0.0, &j),
            over(
                &k,
                Formula::product([
                    at(tau, two, 1.0, &k, &j),
                    single(rho, 1.0, &k),
                    single(&beta, 1.0, &k),
                ]),
            ),
        ),
        Equation::new(
            "marginals",
            Formula::equation(
                marginal(one),
                Formula::ratio(
                    Formula::product([single(&alpha, 0.0, &k), single(&beta, 0.0, &k)]),
                    z.clone(),
                ),
            ),
        ),
        line(
            marginal(two),
            Formula::ratio(
                Formula::product([
                    single(&alpha, -1.0, &j),
                    at(tau, two, 0.0, &k, &j),
                    single(rho, 0.0, &k),
                    single(&beta, 0.0, &k),
                ]),
                z,
            ),
        ),
    ])
}
