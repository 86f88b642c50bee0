//! The program as a user runs it, and fits as they are kept and used again.

mod batches;
mod bits;
mod blank_cells;
mod cache;
mod commands;
mod entropies;
mod fit_file;
mod memory;
mod new_rows;
#[cfg(feature = "parquet")]
mod parquet;
#[cfg(feature = "parquet")]
mod parquet_file;
mod simulate;
mod why;
mod wrong_input;

use std::path::PathBuf;
use std::process::{Command, Output};

use tempfile::TempDir;

/// A mixture of two spherical clusters.
pub const MIXTURE: &str = "\
model mixture
const K = 2
data row { x[feature] : real = (a, b) }
plate cluster(K)
param   weight      : simplex over cluster
param   mu[cluster] : real over feature
param   s[cluster]  : positive
latent  z[row] ~ Categorical(weight)
observe x[row] ~ Gaussian(mu[z], var = s[z]) over feature
";

/// A folder with a model and data, in which the program is run.
pub struct Place {
    folder: TempDir,
}

impl Place {
    pub fn new(files: &[(&str, &str)]) -> Place {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).expect("writes");
        }
        Place { folder }
    }

    /// The mixture and two well separated clusters, a third of the rows in the first.
    pub fn mixture() -> Place {
        Place::new(&[("m.pmod", MIXTURE), ("d.csv", &two_clusters(90))])
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("reads")
    }

    pub fn command(&self, arguments: &str) -> Command {
        let mut c = Command::new(env!("CARGO_BIN_EXE_pmc"));
        c.args(arguments.split_whitespace())
            .current_dir(self.folder.path());
        c
    }

    pub fn run(&self, arguments: &str) -> Output {
        self.command(arguments).output().expect("runs")
    }

    /// Runs and expects success; the standard output.
    pub fn ok(&self, arguments: &str) -> String {
        let out = self.run(arguments);
        assert_eq!(out.status.code(), Some(0), "{arguments}: {}", err(&out));
        out_text(&out)
    }

    /// Names of the files in the folder.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.folder.path())
            .expect("lists")
            .map(|e| e.expect("entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

pub fn err(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

pub fn out_text(out: &Output) -> String {
    String::from_utf8_lossy(&out.stdout).into_owned()
}

/// Numbers in 0 to 1 from a fixed sequence.
pub struct Numbers(u64);

impl Numbers {
    pub fn new(seed: u64) -> Numbers {
        Numbers(seed)
    }

    pub fn draw(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Roughly Gaussian.
    pub fn bell(&mut self) -> f64 {
        (0..12).map(|_| self.draw()).sum::<f64>() - 6.0
    }
}

/// Rows of clusters at (0, 0) (every third row) and (20, 30).
pub fn two_clusters(n: usize) -> String {
    let mut r = Numbers::new(7);
    let mut text = String::from("a,b\n");
    for i in 0..n {
        let (a, b) = if i % 3 == 0 { (0.0, 0.0) } else { (20.0, 30.0) };
        text.push_str(&format!("{},{}\n", a + r.bell(), b + 2.0 * r.bell()));
    }
    text
}

/// The rows of a CSV text as numbers.
pub fn numbers(text: &str) -> Vec<Vec<f64>> {
    text.lines()
        .skip(1)
        .map(|l| l.split(',').map(|x| x.parse().expect("a number")).collect())
        .collect()
}

/// A fit without the only part that depends on the clock.
pub fn timeless(text: &str) -> serde_json::Value {
    let mut v: serde_json::Value = serde_json::from_str(text).expect("JSON");
    v.as_object_mut().expect("object").remove("timing");
    v
}

/// A model fitted by at most so many iterations.
fn fitted(model: &str, csv: &str, max_iter: usize) -> pmc::fit::Fit {
    let settings = pmc::fit::Settings {
        run: pmc::engine::run::Options {
            max_iter,
            ..Default::default()
        },
        ..Default::default()
    };
    let source = pmc::source::SourceFile::new("m.pmod", model);
    pmc::fit::fit(&source, pmc::fit::Data::csv("d.csv", csv), &settings)
        .unwrap_or_else(|e| panic!("{e:?}"))
        .fit
}
