//! The graph and the algebra see the same independences, over whole models.

use crate::common::{model, zoo};
use pmc::compile;
use pmc::derive::Exactness;
use pmc::graph::coupling::{in_one_factor, joined, quantity};
use pmc::graph::trail::Study;
use pmc::graph::{build, to_svg};
use pmc::model::Role;

/// What terms join, an open trail joins; an exact factor of q leaves out nothing that terms join.
#[test]
fn terms_and_trails_agree() {
    let mut looked = 0;
    for source in zoo() {
        let (Some(m), _) = model(&source) else {
            continue;
        };
        let Ok((d, _)) = compile::compile(&m, None) else {
            continue;
        };
        let g = build(&m);
        let line = |s| source.line_of(s).0;
        let study = Study::new(&m, &g, &line);
        let latent: Vec<_> = d
            .unknowns
            .ids()
            .filter(|u| d.unknowns.get(*u).role == Role::Latent)
            .collect();
        for (i, u) in latent.iter().enumerate() {
            for v in &latent[i..] {
                // What the compiler added is no node of the model.
                let (Some(a), Some(b)) = (quantity(&d, *u), quantity(&d, *v)) else {
                    continue;
                };
                let xs = study.net.of_quantity(a);
                let ys = study.net.of_quantity(b);
                let pairs = xs.iter().flat_map(|x| ys.iter().map(move |y| (*x, *y)));
                for (x, y) in pairs.filter(|(x, y)| x != y).take(24) {
                    let known = |k: usize| study.known(k).is_some();
                    let Some(terms) = joined(&d, &study.net, &known, x, y) else {
                        continue;
                    };
                    looked += 1;
                    let open = study.open(x, y).is_some();
                    assert!(open || !terms, "{}: {x} {y}", source.name);
                    let block = d.block(d.block_of(*u).unwrap());
                    if block.exactness == Exactness::Exact && !in_one_factor(&d, &study.net, x, y) {
                        assert!(!terms, "{}: {x} {y}", source.name);
                    }
                }
            }
        }
    }
    if zoo().is_empty() {
        println!("no example models beside the repository");
    } else {
        assert!(looked > 500, "{looked}");
    }
}

#[test]
fn every_model_has_a_picture() {
    for source in zoo() {
        let (Some(m), _) = model(&source) else {
            continue;
        };
        let derivation = compile::compile(&m, None).ok().map(|(d, _)| d);
        let svg = to_svg(&m, derivation.as_ref());
        for v in &m.variables {
            assert!(
                svg.contains(&format!(">{}</text>", v.name)),
                "{}: {}",
                source.name,
                v.name
            );
        }
        let infinite = svg
            .split(|c: char| !c.is_alphanumeric())
            .any(|word| word == "NaN" || word == "inf");
        assert!(!infinite, "{}", source.name);
    }
}
