//! Simulated tables of sequences and of a network.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::simulate::pick;
use crate::simulate_rows::normal;

/// The tables of this file by folder.
pub fn tables() -> [(&'static str, String); 5] {
    [
        ("hmm_categorical", casino()),
        ("bayesian_hmm", nights()),
        ("linear_dynamical_system", pendulum()),
        ("factorial_hmm", meter()),
        ("stochastic_block_model", friends()),
    ]
}

/// 2000 throws of a die; at times a loaded one (half sixes) is in play.
fn casino() -> String {
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let mut loaded = false;
    let mut out = String::from("face,true_die\n");
    for _ in 0..2000 {
        loaded = rng.random::<f64>() < if loaded { 0.96 } else { 0.02 };
        let p = if loaded {
            [0.1, 0.1, 0.1, 0.1, 0.1, 0.5]
        } else {
            [1.0 / 6.0; 6]
        };
        let name = if loaded { "loaded" } else { "fair" };
        out += &format!("{},{name}\n", 1 + pick(&mut rng, &p));
    }
    out
}

/// Heart rates of eight nights, a value every six minutes: light sleep, deep sleep, awake.
fn nights() -> String {
    let mut rng = ChaCha8Rng::seed_from_u64(10);
    let stay = [[0.90, 0.07, 0.03], [0.10, 0.90, 0.0], [0.25, 0.0, 0.75]];
    let (mean, sd) = ([58.0, 50.0, 72.0], [2.0, 1.2, 5.0]);
    let mut out = String::from("night,t,rate,true_state\n");
    for night in 1..=8 {
        let mut k = 2;
        for t in 1..=60 {
            if t > 1 {
                k = pick(&mut rng, &stay[k]);
            }
            let rate = mean[k] + sd[k] * normal(&mut rng);
            out += &format!("{night},{t},{rate:.1},{}\n", ["light", "deep", "awake"][k]);
        }
    }
    out
}

/// Four sensors on a damped rotation in the plane that is pushed about: A = 0.98 times a turn by the angle of (0.96, 0.28).
fn pendulum() -> String {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let sensor = [[1.0, 0.0], [0.0, 1.0], [0.8, 0.6], [-0.6, 1.2]];
    let sd = [0.3, 0.5, 0.4, 0.8];
    let mut h = [normal(&mut rng), normal(&mut rng)];
    let mut out = String::from("t,y_east,y_north,y_slope,y_far\n");
    for t in 1..=200 {
        if t > 1 {
            let turned = [0.96 * h[0] - 0.28 * h[1], 0.28 * h[0] + 0.96 * h[1]];
            h = turned.map(|x| 0.98 * x + 0.3 * normal(&mut rng));
        }
        let y: Vec<String> = (0..4)
            .map(|d| {
                let m = sensor[d][0] * h[0] + sensor[d][1] * h[1];
                format!("{:.2}", m + sd[d] * normal(&mut rng))
            })
            .collect();
        out += &format!("{t},{}\n", y.join(","));
    }
    out
}

/// A meter over three appliances that switch on and off: 100, 250 and 600 watts, on a base load of 80.
fn meter() -> String {
    let mut rng = ChaCha8Rng::seed_from_u64(12);
    let watts = [100.0, 250.0, 600.0];
    let (on, off) = ([0.05, 0.04, 0.03], [0.05, 0.06, 0.08]);
    let mut state = [false; 3];
    let mut out = String::from("minute,watts,true_on\n");
    for t in 1..=500 {
        let mut total = 80.0;
        for c in 0..3 {
            let u: f64 = rng.random();
            state[c] = if state[c] { u >= off[c] } else { u < on[c] };
            if state[c] {
                total += watts[c];
            }
        }
        let list: Vec<String> = (0..3)
            .filter(|c| state[*c])
            .map(|c| format!("{}", watts[c]))
            .collect();
        out += &format!(
            "{t},{:.0},{}\n",
            total + 15.0 * normal(&mut rng),
            list.join("+")
        );
    }
    out
}

/// Friendships among 45 people of three clubs of 20, 15 and 10: within a club 0.45, between the first two 0.10, else 0.03.
fn friends() -> String {
    let mut rng = ChaCha8Rng::seed_from_u64(13);
    let club = |i: usize| usize::from(i >= 20) + usize::from(i >= 35);
    // Numbers say nothing about the club: person i is called 7 i + 3 modulo 45, plus 1.
    let name = |i: usize| (7 * i + 3) % 45 + 1;
    let mut out = String::from("source,target\n");
    for i in 0..45 {
        for j in i + 1..45 {
            let p = match (club(i), club(j)) {
                (a, b) if a == b => 0.45,
                (0, 1) => 0.10,
                _ => 0.03,
            };
            if rng.random::<f64>() < p {
                out += &format!("{},{}\n", name(i), name(j));
            }
        }
    }
    out
}
