//! The simulated tables in models/: drawn from their model, parameters and seed as stated in each README.
//!
//! `UPDATE=1 cargo test --test models simulated` writes them again.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::fixture::folder;

pub fn pick(rng: &mut ChaCha8Rng, p: &[f64]) -> usize {
    let mut u: f64 = rng.random();
    for (i, x) in p.iter().enumerate() {
        if u < *x {
            return i;
        }
        u -= x;
    }
    p.len() - 1
}

fn tosses() -> String {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut out = String::from("heads\n");
    for _ in 0..40 {
        out += &format!("{}\n", u8::from(rng.random::<f64>() < 0.3));
    }
    out
}

/// Agree with most items, disagree with most, or agree with the first three alone; one answer in ten is blank.
fn answers() -> String {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let agree = [0.80, 0.12, 0.08];
    let disagree = [0.15, 0.75, 0.10];
    let unsure = [0.10, 0.60, 0.30];
    let mut out = String::from("q_1,q_2,q_3,q_4,q_5,q_6\n");
    for _ in 0..300 {
        let class = pick(&mut rng, &[0.5, 0.3, 0.2]);
        let cells: Vec<&str> = (0..6)
            .map(|item| {
                let p = match (class, item) {
                    (0, _) | (2, 0..3) => agree,
                    (1, _) => disagree,
                    _ => unsure,
                };
                let answer = ["agree", "disagree", "unsure"][pick(&mut rng, &p)];
                if rng.random::<f64>() < 0.1 {
                    ""
                } else {
                    answer
                }
            })
            .collect();
        out += &cells.join(",");
        out += "\n";
    }
    out
}

/// Three species; the class is blank but in every tenth row, three cells in a hundred of the others are.
fn birds() -> String {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let mean = [[62.0, 12.5, 11.0], [68.0, 15.5, 14.0], [75.0, 14.5, 19.0]];
    let sd = [[2.0, 0.7, 0.9], [2.2, 0.8, 1.1], [2.5, 0.8, 1.5]];
    let mut out = String::from("species,sex,wing_mm,bill_mm,mass_g,true_species\n");
    for n in 0..200 {
        let k = pick(&mut rng, &[0.5, 0.3, 0.2]);
        let name = ["marsh", "reed", "sand"][k];
        let female = [0.5, 0.5, 0.7][k];
        let blank = |s: String, rng: &mut ChaCha8Rng| {
            if rng.random::<f64>() < 0.03 {
                String::new()
            } else {
                s
            }
        };
        let sex = if rng.random::<f64>() < female {
            "f"
        } else {
            "m"
        };
        let mut cells = vec![
            if n % 10 == 0 { name } else { "" }.to_string(),
            blank(sex.to_string(), &mut rng),
        ];
        for d in 0..3 {
            let e: f64 = StandardNormal.sample(&mut rng);
            cells.push(blank(format!("{:.1}", mean[k][d] + sd[k][d] * e), &mut rng));
        }
        cells.push(name.to_string());
        out += &cells.join(",");
        out += "\n";
    }
    out
}

/// Twelve workers: six good (0.85), four fair (0.65), one who guesses, one who takes cats for dogs and dogs for cats.
fn votes() -> String {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let classes = ["bird", "cat", "dog"];
    let mut out = String::from("item,worker,answer,true_class\n");
    for item in 0..100 {
        let truth = pick(&mut rng, &[0.5, 0.3, 0.2]);
        let mut workers: Vec<usize> = (0..12).collect();
        for i in 0..5 {
            let j = rng.random_range(i..12);
            workers.swap(i, j);
        }
        workers.truncate(5);
        workers.sort_unstable();
        for w in workers {
            let right: f64 = match w {
                0..6 => 0.85,
                6..10 => 0.65,
                10 => 1.0 / 3.0,
                _ => 0.85,
            };
            // The last one answers by a swapped class.
            let believed = if w == 11 { [0, 2, 1][truth] } else { truth };
            let p: Vec<f64> = (0..3)
                .map(|a| {
                    if a == believed {
                        right
                    } else {
                        (1.0 - right) / 2.0
                    }
                })
                .collect();
            out += &format!(
                "i{item:03},w{w:02},{},{}\n",
                classes[pick(&mut rng, &p)],
                classes[truth]
            );
        }
    }
    out
}

#[test]
fn simulated_tables_are_those_in_the_folders() {
    let mut tables = vec![
        ("beta_bernoulli", tosses()),
        ("latent_class", answers()),
        ("naive_bayes", birds()),
        ("dawid_skene", votes()),
    ];
    tables.extend(crate::simulate_rows::tables());
    tables.extend(crate::simulate_chains::tables());
    for (name, text) in tables {
        let path = folder().join(name).join("data.csv");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, &text).expect("written");
        }
        let there = std::fs::read_to_string(&path).expect("a table");
        assert_eq!(
            there.replace("\r\n", "\n"),
            text,
            "{name}: UPDATE=1 writes it again"
        );
    }
}
