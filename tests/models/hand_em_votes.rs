//! EM for latent classes and for annotators as plain loops over probabilities, against the derived algorithm.

// Indices as in the formulae: these loops are to be read beside them.
#![allow(clippy::needless_range_loop)]

use serde_json::json;

use crate::fixture::{Table, data, elements, exactly, fit, labels, model, near, same_trace};

#[test]
fn latent_class() {
    let t = Table::read(&data("latent_class"));
    let items: Vec<Vec<&str>> = t.header.iter().map(|h| t.column(h)).collect();
    let choices = labels(&items.concat());
    assert_eq!(choices, ["agree", "disagree", "unsure"]);
    let answer: Vec<Vec<Option<usize>>> = items.iter().map(|c| elements(c, &choices)).collect();
    assert!(answer.iter().flatten().any(Option::is_none));
    let mut weight = vec![0.4, 0.35, 0.25];
    // Slightly different tables break the symmetry.
    let mut p: Vec<Vec<Vec<f64>>> = (0..3)
        .map(|k| {
            (0..6)
                .map(|i| {
                    let v: Vec<f64> = (0..3)
                        .map(|c| 1.0 + ((k * 5 + i * 3 + c * 7) % 4) as f64)
                        .collect();
                    let s: f64 = v.iter().sum();
                    v.iter().map(|x| x / s).collect()
                })
                .collect()
        })
        .collect();
    let init = json!({"weight": weight, "p": p});
    let f = fit(
        &model("latent_class"),
        data("latent_class"),
        Some(init),
        &exactly(5),
    );
    let mut want = vec![];
    for _ in 0..=5 {
        let mut l = 0.0;
        let mut n_k = [0.0; 3];
        let mut counts = vec![vec![vec![0.0; 3]; 6]; 3];
        for n in 0..t.rows.len() {
            let q: Vec<f64> = (0..3)
                .map(|k| {
                    let mut v = weight[k];
                    for i in 0..6 {
                        if let Some(c) = answer[i][n] {
                            v *= p[k][i][c];
                        }
                    }
                    v
                })
                .collect();
            let s: f64 = q.iter().sum();
            l += s.ln();
            for k in 0..3 {
                n_k[k] += q[k] / s;
                for i in 0..6 {
                    if let Some(c) = answer[i][n] {
                        counts[k][i][c] += q[k] / s;
                    }
                }
            }
        }
        want.push(l);
        weight = n_k.iter().map(|v| v / t.rows.len() as f64).collect();
        for (p, c) in p.iter_mut().flatten().zip(counts.iter().flatten()) {
            let s: f64 = c.iter().sum();
            *p = c.iter().map(|v| v / s).collect();
        }
    }
    assert!(want[5] > want[0] + 1.0, "{want:?}");
    same_trace("latent_class", &f.outcome.trace, &want, 1e-9);
}

/// The confusion rows have a Dirichlet(2) prior: one more count in each cell, and its density in the objective.
#[test]
fn dawid_skene() {
    let t = Table::read(&data("dawid_skene"));
    let (items, workers, answers) = (t.column("item"), t.column("worker"), t.column("answer"));
    let (il, wl, cl) = (labels(&items), labels(&workers), labels(&answers));
    assert_eq!((il.len(), wl.len(), cl.len()), (100, 12, 3));
    let at = |cells: &[&str], l: &[String]| -> Vec<usize> {
        elements(cells, l)
            .into_iter()
            .map(|e| e.expect("a label"))
            .collect()
    };
    let (item, worker, answer) = (at(&items, &il), at(&workers, &wl), at(&answers, &cl));
    let mut prior = vec![0.4, 0.3, 0.3];
    let one: Vec<Vec<f64>> = (0..3)
        .map(|t| (0..3).map(|a| if a == t { 0.7 } else { 0.15 }).collect())
        .collect();
    let mut confusion = vec![one; 12];
    let init = json!({"prior": prior, "confusion": confusion});
    let f = fit(
        &model("dawid_skene"),
        data("dawid_skene"),
        Some(init),
        &exactly(5),
    );
    let mut want = vec![];
    for _ in 0..=5 {
        let mut q = vec![prior.clone(); 100];
        for n in 0..t.rows.len() {
            for k in 0..3 {
                q[item[n]][k] *= confusion[worker[n]][k][answer[n]];
            }
        }
        let mut l = 0.0;
        for q in &mut q {
            let s: f64 = q.iter().sum();
            l += s.ln();
            q.iter_mut().for_each(|v| *v /= s);
        }
        // log Dirichlet(2, 2, 2) = ln 5! + sum ln p
        for row in confusion.iter().flatten() {
            l += 120f64.ln() + row.iter().map(|v| v.ln()).sum::<f64>();
        }
        want.push(l);
        for k in 0..3 {
            prior[k] = q.iter().map(|q| q[k]).sum::<f64>() / 100.0;
        }
        let mut counts = vec![vec![vec![1.0; 3]; 3]; 12];
        for n in 0..t.rows.len() {
            for k in 0..3 {
                counts[worker[n]][k][answer[n]] += q[item[n]][k];
            }
        }
        for (p, c) in confusion.iter_mut().flatten().zip(counts.iter().flatten()) {
            let s: f64 = c.iter().sum();
            *p = c.iter().map(|v| v / s).collect();
        }
    }
    same_trace("dawid_skene", &f.outcome.trace, &want, 1e-9);
    // From the default start it finds out who errs, and how: worker 11 takes cats for dogs.
    let f = fit(
        &model("dawid_skene"),
        data("dawid_skene"),
        None,
        &exactly(60),
    );
    let c = f.get("confusion", "value");
    assert!(
        c[[11, 1, 2]] > 0.5 && c[[11, 2, 1]] > 0.5 && c[[11, 0, 0]] > 0.5,
        "{c}"
    );
    for w in 0..6 {
        assert!((0..3).all(|k| c[[w, k, k]] > 0.5), "worker {w}");
    }
    near("prior", f.get("prior", "value").sum(), 1.0, 1e-12);
}
