//! Single steps: they are sweeps where they see everything, parts add up, and the posterior is where they stand still.

use super::super::{Elements, cut, first_updates};
use super::*;
use crate::algebra::Origin;
use crate::derive::MomentKind;
use crate::engine::init;
use crate::engine::state::State;
use crate::family::StatisticKind;
use crate::plan::Step;

fn same_moments(text: &str, a: &State, b: &State) {
    assert_eq!(a.moments.len(), b.moments.len());
    for (kind, x) in a.moments.iter() {
        let y = &b.moments[kind];
        assert_eq!(x.shape(), y.shape(), "{text}: {kind:?}");
        for (x, y) in x.iter().zip(y) {
            assert!(close(*x, *y, 1e-10), "{text}: {kind:?}: {x} {y}");
        }
    }
}

/// A start, a pass over everything, and the updates that follow it.
fn begun(batches: &Batches<'_, '_>) -> State {
    let mut state = batches.engine.empty_state();
    init::start(batches.engine, &mut state, None, 3).expect("starts");
    first_updates(batches, &mut state).expect("updates");
    batches.settle_all(&mut state, rounds(1)).expect("passes");
    batches.update_globals(&mut state).expect("updates");
    state
}

/// Models of the kinds that can be cut, each with data.
fn kinds() -> Vec<(&'static str, String)> {
    vec![
        (MIXTURE, clusters(200)),
        (BAYESIAN, clusters(200)),
        (FACTORS, factors(200)),
        (EFFECTS, effects(60)),
        (HYPER, effects(60)),
        (BLANKS, with_blanks(200)),
        (SLOPES, effects(60)),
        (REGRESSION, effects(60)),
        (ROBUST, effects(60)),
        (CHAINS, sessions(12)),
    ]
}

#[test]
fn one_step_with_all_rows_and_full_length_is_one_sweep() {
    let topics = (TOPICS, documents(30));
    for (text, csv) in kinds().into_iter().chain([topics]) {
        on(text, &csv, |engine| {
            let done = cut(engine, None, &mut |batches| {
                let start = begun(batches);
                let mut stepped = start.clone();
                let visit = batches.visit(&mut stepped, &all(batches), rounds(1), false);
                batches.mix(&mut stepped, visit.expect("visits"), 1.0);
                batches.update_globals(&mut stepped).expect("updates");
                // The engine that knows nothing of batches.
                let mut swept = start;
                swept.accumulated.truncate(engine.plan.keys.len());
                let p = &batches.parts;
                for s in p.local_steps.iter().chain(&p.global_steps) {
                    match s {
                        Step::Pass(p) => engine.run_pass(&mut swept, *p).expect("passes"),
                        Step::Update(b) => {
                            engine.update(&mut swept, *b).expect("updates");
                        }
                    }
                }
                same_moments(text, &swept, &stepped);
            });
            done.expect("has batches");
        });
    }
}

#[test]
fn parts_add_up_to_the_whole() {
    for (text, csv) in kinds() {
        cut_on(text, &csv, |batches| {
            let engine = batches.engine;
            let mut state = begun(batches);
            let list = all(batches);
            let whole = batches.visit(&mut state, &list, rounds(1), false);
            let whole = whole.expect("visits");
            let (mut objective, mut sums) = (0.0, vec![]);
            // The elements in two parts, taken by turns.
            for part in [0, 1] {
                let part: Vec<usize> = list.iter().copied().filter(|i| i % 2 == part).collect();
                let visit = batches.visit(&mut state, &part, rounds(1), true);
                let visit = visit.expect("visits");
                objective += visit.objective.0;
                assert!(visit.scale.iter().all(|s| *s > 1.0));
                sums.push(visit.sums);
            }
            for ((a, b), c) in sums[0].iter().zip(&sums[1]).zip(&whole.sums) {
                for ((a, b), c) in a.iter().zip(b).zip(c) {
                    assert!(close(a + b, *c, 1e-9), "{text}: {a} + {b} is not {c}");
                }
            }
            objective += batches.global_objective(&state);
            batches.settle_all(&mut state, rounds(1)).expect("ends");
            let l = engine.objective(&state);
            assert!(close(objective, l, 1e-9), "{text}: {objective} {l}");
        });
    }
}

#[test]
fn steps_stand_still_at_the_posterior() {
    // By conjugacy: Beta(2 + heads, 2 + tails), and the mean of mu is (0.1 * 1 + sum of x) / (0.1 + rows).
    let heads = |csv: &str| csv.lines().skip(1).filter(|l| *l == "1").count() as f64;
    let total = |csv: &str| -> f64 {
        csv.lines()
            .skip(1)
            .filter_map(|l| l.parse::<f64>().ok())
            .sum()
    };
    let coins = tosses(400);
    let level = levels(400);
    let cases = [
        (COINS, &coins, "p", (2.0 + heads(&coins)) / 404.0),
        (LEVEL, &level, "mu", (0.1 + total(&level)) / 400.1),
    ];
    for (text, csv, name, exact) in cases {
        cut_on(text, csv, |batches| {
            let engine = batches.engine;
            let mut state = begun(batches);
            let mut elements = Elements::new(400, 0.0, 7);
            let mut t = 0.0;
            for _ in 0..40 {
                for list in elements.epoch(20) {
                    t += 1.0;
                    let visit = batches.visit(&mut state, &list, rounds(1), false);
                    batches.mix(&mut state, visit.expect("visits"), 1.0 / t);
                    batches.update_globals(&mut state).expect("updates");
                }
            }
            let d = engine.derivation;
            let named = |u: &crate::algebra::UnknownId| {
                d.unknowns.get(*u).name == name
                    && matches!(d.unknowns.get(*u).origin, Origin::Variable(_))
            };
            let u = d.unknowns.ids().find(named).expect("is there");
            let b = d.block_of(u).expect("has a block");
            // Steps of length 1/t weigh all batches alike: whole epochs give the posterior itself.
            let value = MomentKind::Statistic(u, StatisticKind::Value);
            let centre = engine.centre(u).and_then(|c| c.first().copied());
            let mean = state.moments.get(&value).and_then(|a| a.first().copied());
            let mean = mean.map(|m| m + centre.unwrap_or(0.0));
            let mean = mean.unwrap_or_else(|| {
                let p = |n: &str| {
                    let all = &state.blocks[b.index()].parameters;
                    let found = all
                        .iter()
                        .find(|(_, name, _)| *name == n)
                        .expect("a parameter");
                    found.2.first().copied().expect("a number")
                };
                p("a") / (p("a") + p("b"))
            });
            assert!(close(mean, exact, 1e-9), "{text}: {mean} for {exact}");
        });
    }
}

#[test]
fn an_epoch_sees_every_element_once() {
    let mut e = Elements::new(103, 0.1, 5);
    assert_eq!((e.held_out.len(), e.rest.len()), (10, 93));
    for _ in 0..2 {
        let lists = e.epoch(25);
        assert!(lists.iter().all(|l| l.len() == 23 || l.len() == 24));
        let mut seen: Vec<usize> = lists.concat();
        seen.extend(&e.held_out);
        seen.sort_unstable();
        assert_eq!(seen, (0..103).collect::<Vec<_>>());
    }
}

#[test]
fn the_first_updates_take_the_sums_of_the_start() {
    cut_on(TOPICS, &documents(20), |batches| {
        let engine = batches.engine;
        let mut state = engine.empty_state();
        init::start(engine, &mut state, None, 0).expect("starts");
        first_updates(batches, &mut state).expect("updates");
        let updated: Vec<bool> = state.blocks.iter().map(|b| b.updated).collect();
        let local = &batches.parts.local;
        let global = updated.iter().zip(local).filter(|(_, l)| !**l);
        assert!(global.clone().count() > 0 && global.clone().all(|(u, _)| *u));
    });
}
