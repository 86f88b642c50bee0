//! Simulated tables of exchangeable rows: exam marks, schools, deliveries, ratings.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

pub fn normal(rng: &mut ChaCha8Rng) -> f64 {
    StandardNormal.sample(rng)
}

/// The tables of this file by folder.
pub fn tables() -> [(&'static str, String); 4] {
    [
        ("factor_analysis", exams()),
        ("eight_schools", schools()),
        ("mixture_of_regressions", deliveries()),
        ("matrix_factorisation", ratings()),
    ]
}

/// Marks of 250 pupils in six exams: a mean, two abilities by their loadings, a noise of the exam's own.
fn exams() -> String {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let mean = [62.0, 58.0, 65.0, 50.0, 54.0, 57.0];
    let loading = [
        [8.0, 0.0],
        [9.0, 1.0],
        [6.0, 2.0],
        [1.0, 11.0],
        [0.0, 9.0],
        [3.0, 8.0],
    ];
    let sd = [5.0, 4.0, 8.0, 4.0, 7.0, 5.0];
    let mut out = String::from("english,french,history,algebra,geometry,physics\n");
    for _ in 0..250 {
        let h = [normal(&mut rng), normal(&mut rng)];
        let cells: Vec<String> = (0..6)
            .map(|d| {
                let m = mean[d] + loading[d][0] * h[0] + loading[d][1] * h[1];
                format!("{:.0}", m + sd[d] * normal(&mut rng))
            })
            .collect();
        out += &cells.join(",");
        out += "\n";
    }
    out
}

/// Eight schools: an effect of mean 6 and standard deviation 5, measured with a standard error between 8 and 18.
fn schools() -> String {
    let mut rng = ChaCha8Rng::seed_from_u64(16);
    let mut out = String::from("school,y,sigma\n");
    for name in ["A", "B", "C", "D", "E", "F", "G", "H"] {
        let sigma = rng.random_range(8..=18);
        let effect = 6.0 + 5.0 * normal(&mut rng);
        let y = effect + f64::from(sigma) * normal(&mut rng);
        out += &format!("{name},{y:.0},{sigma}\n");
    }
    out
}

/// Deliveries by bicycle (5 minutes and 4 a kilometre) and by car (15 and 1.5); nobody wrote down which.
fn deliveries() -> String {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut out = String::from("km,minutes,true_means\n");
    for _ in 0..200 {
        let car = rng.random::<f64>() < 0.4;
        let km = 0.5 + 9.5 * rng.random::<f64>();
        let (start, pace, sd) = if car {
            (15.0, 1.5, 3.0)
        } else {
            (5.0, 4.0, 1.5)
        };
        let minutes = start + pace * km + sd * normal(&mut rng);
        let name = if car { "car" } else { "bicycle" };
        out += &format!("{km:.2},{minutes:.1},{name}\n");
    }
    out
}

/// 80 users rate about a third of 40 movies: 3.4, a bias of the user, an appeal of the movie (newer is better), a product of
/// two tastes; to the nearest half star from 0.5 to 5.
fn ratings() -> String {
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let movies: Vec<(u32, f64, [f64; 2])> = (0..40)
        .map(|_| {
            let year = rng.random_range(1950..2020);
            let age = (f64::from(year) - 1985.0) / 20.0;
            let appeal = 0.2 * age + 0.3 * normal(&mut rng);
            (year, appeal, [normal(&mut rng), normal(&mut rng)])
        })
        .collect();
    let mut out = String::from("user,movie,year,stars\n");
    for user in 0..80 {
        let bias = 0.4 * normal(&mut rng);
        let taste = [0.6 * normal(&mut rng), 0.4 * normal(&mut rng)];
        for (i, (year, appeal, v)) in movies.iter().enumerate() {
            if rng.random::<f64>() > 0.35 {
                continue;
            }
            let mean = 3.4 + bias + appeal + taste[0] * v[0] + taste[1] * v[1];
            let stars = ((mean + 0.4 * normal(&mut rng)) * 2.0).round() / 2.0;
            let stars = stars.clamp(0.5, 5.0);
            out += &format!("u{user:02},m{i:02},{year},{stars:.1}\n");
        }
    }
    out
}
