//! Arguments as typed values; what clap refuses exits with 2.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::numeric::vector;
use crate::plan::{Rewrite, Rewrites};
use crate::{check, engine, fit};

/// What changes a model without editing it.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub(super) struct SwitchArgs {
    /// Another value of a number constant
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_set)]
    pub set: Vec<(String, f64)>,
    /// Make these variables points, their prior kept
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub param: Vec<String>,
    /// Integrate these variables out
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub latent: Vec<String>,
    /// Make these variables points, their prior dropped
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub flat: Vec<String>,
}

impl SwitchArgs {
    /// As the checker takes them.
    pub(super) fn options(&self) -> check::Options {
        check::Options {
            set: self.set.clone(),
            param: self.param.clone(),
            latent: self.latent.clone(),
            flat: self.flat.clone(),
        }
    }
}

/// Which other ways to compute the same numbers are left out.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub(super) struct RewriteArgs {
    /// Do without these rewrites of the plan, or without `all`; the result does not depend on it
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = parse_rewrite)]
    pub no_rewrite: Vec<Without>,
}

/// What `--no-rewrite` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Without {
    /// Every rewrite.
    All,
    /// One.
    One(Rewrite),
}

impl RewriteArgs {
    /// Those that are left.
    pub(super) fn rewrites(&self) -> Rewrites {
        let all = Rewrites::default();
        self.no_rewrite.iter().fold(all, |left, w| match w {
            Without::All => Rewrites::none(),
            Without::One(r) => left.without(*r),
        })
    }
}

/// Where results may differ.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub(super) struct BitsArgs {
    /// The same bits on machines with other vector instructions; slower
    #[arg(long)]
    pub deterministic: bool,
}

impl BitsArgs {
    /// Makes it so, for the whole process.
    pub(super) fn apply(&self) {
        vector::set_deterministic(self.deterministic);
    }
}

/// Which files the data blocks read.
#[derive(Debug, Clone, Args)]
pub(super) struct DataArgs {
    /// The file of one data block; the others read DATA
    #[arg(long = "data", value_name = "BLOCK=FILE", value_parser = parse_block)]
    pub blocks: Vec<(String, PathBuf)>,
}

/// `pmc fit`
#[derive(Debug, Clone, Args)]
pub(super) struct FitArgs {
    /// The model file (.pmod)
    pub model: PathBuf,
    /// The data file (.csv, .parquet); `-` is standard input
    pub data: Option<PathBuf>,
    #[command(flatten)]
    pub blocks: DataArgs,
    /// Where the fit is written
    #[arg(short, long, value_name = "FIT")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub switches: SwitchArgs,
    /// Starting values, or an earlier fit
    #[arg(long, value_name = "FILE")]
    pub init: Option<PathBuf>,
    /// Seed of the first start; the others count on from it
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Number of starts; the best one is kept
    #[arg(long, value_name = "R", default_value_t = 1, value_parser = parse_positive)]
    pub restarts: usize,
    /// At most this many iterations
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub max_iter: usize,
    /// Stop at this relative change of the objective (1e-6; with --batch 1e-3); 0 runs all iterations
    #[arg(long, value_parser = parse_tolerance, allow_negative_numbers = true)]
    pub tol: Option<f64>,
    /// Extrapolate between iterations wherever that does not lower the objective
    #[arg(long, overrides_with = "no_accelerate")]
    pub accelerate: bool,
    /// Plain iterations (the default)
    #[arg(long, overrides_with = "accelerate")]
    pub no_accelerate: bool,
    #[command(flatten)]
    pub rewrites: RewriteArgs,
    #[command(flatten)]
    pub bits: BitsArgs,
    /// Threads; the result does not depend on it
    #[arg(long, value_name = "N", value_parser = parse_positive)]
    pub threads: Option<usize>,
    /// A folder for column files: a CSV file is converted once and read from there as long as it stays the same
    #[arg(long, value_name = "FOLDER")]
    pub cache: Option<PathBuf>,
    /// Read rows from disk in every iteration where their columns need more than this (`512MB`, `4GB`)
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes)]
    pub memory: Option<u64>,
    /// Learn from so many elements at a time; an iteration is then an epoch, in which each is seen once
    ///
    /// Elements are those of the only plate of labels whose elements have unknowns of their own (documents of words); else
    /// rows; else, where rows are coupled, those of the only plate of labels that no coupling crosses (sessions).
    /// Step t has the length (t + delay)^-forgetting.
    #[arg(long, value_name = "N", value_parser = parse_positive, conflicts_with = "accelerate")]
    pub batch: Option<usize>,
    /// With --batch: the plate whose elements make batches
    #[arg(long, value_name = "PLATE", requires = "batch")]
    pub batch_by: Option<String>,
    /// With --batch: how fast steps grow short, above 0.5 and at most 1
    #[arg(long, value_name = "KAPPA", default_value_t = 0.6, value_parser = parse_forgetting, requires = "batch")]
    pub forgetting: f64,
    /// With --batch: steps before the first one (0; 1 where some unknown of all elements is a `param`)
    #[arg(long, value_name = "TAU", value_parser = parse_tolerance, requires = "batch")]
    pub delay: Option<f64>,
    /// With --batch: the share of the elements that takes no part in steps and gives the trace
    #[arg(long, value_name = "SHARE", default_value_t = 0.05, value_parser = parse_share, requires = "batch")]
    pub hold_out: f64,
    /// Row-level variables whose q the fit also keeps
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub keep: Vec<String>,
    /// The summary as one JSON object
    #[arg(long)]
    pub json: bool,
    /// Neither summary nor progress
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Also the derived blocks
    #[arg(short, long)]
    pub verbose: bool,
    /// On standard error: the seconds of each stage, and of an iteration
    #[arg(long)]
    pub timings: bool,
}

impl FitArgs {
    /// As the library takes them.
    pub(super) fn settings(&self) -> fit::Settings {
        let run = engine::run::Options::default();
        fit::Settings {
            switches: self.switches.options(),
            run: engine::run::Options {
                max_iter: self.max_iter,
                tol: self.tol.unwrap_or(match self.batch {
                    Some(_) => engine::batch::TOLERANCE,
                    None => run.tol,
                }),
                seed: self.seed,
                restarts: self.restarts,
                accelerate: self.accelerate,
            },
            keep: self.keep.clone(),
            rewrites: self.rewrites.rewrites(),
            batch: self.batch.map(|size| engine::batch::Options {
                size,
                by: self.batch_by.clone(),
                forgetting: self.forgetting,
                delay: self.delay,
                hold_out: self.hold_out,
            }),
        }
    }
}

/// `pmc check`
#[derive(Debug, Clone, Args)]
pub(super) struct CheckArgs {
    /// The model file (.pmod)
    pub model: PathBuf,
    /// The data file (.csv, .parquet)
    pub data: Option<PathBuf>,
    #[command(flatten)]
    pub blocks: DataArgs,
    #[command(flatten)]
    pub switches: SwitchArgs,
}

/// `pmc verify`
#[derive(Debug, Clone, Args)]
pub(super) struct VerifyArgs {
    /// The model file (.pmod)
    pub model: PathBuf,
    /// A small data file (.csv, .parquet); without one, data are drawn from the model
    pub data: Option<PathBuf>,
    #[command(flatten)]
    pub blocks: DataArgs,
    #[command(flatten)]
    pub switches: SwitchArgs,
    /// Seed of the data drawn and of the starts
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Random starts
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = parse_positive)]
    pub starts: usize,
    /// Sweeps of each start
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = parse_positive)]
    pub sweeps: usize,
    /// Rows of each table drawn [default: 24, or 8 where discrete elements are coupled]
    #[arg(long, value_name = "N", value_parser = parse_positive)]
    pub rows: Option<usize>,
    /// Labels and group columns of each plate drawn, where the model does not list them
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = parse_positive)]
    pub labels: usize,
    /// The report as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `pmc predict`
#[derive(Debug, Clone, Args)]
pub(super) struct PredictArgs {
    /// The fit file
    pub fit: PathBuf,
    /// New rows (.csv, .parquet)
    pub data: Option<PathBuf>,
    #[command(flatten)]
    pub blocks: DataArgs,
    /// Where the table is written, instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Only these variables
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub only: Vec<String>,
    #[command(flatten)]
    pub bits: BitsArgs,
}

/// `pmc score`
#[derive(Debug, Clone, Args)]
pub(super) struct ScoreArgs {
    /// The fit file
    pub fit: PathBuf,
    /// New rows (.csv, .parquet)
    pub data: Option<PathBuf>,
    #[command(flatten)]
    pub blocks: DataArgs,
    /// A table with the score of each row
    #[arg(long)]
    pub per_row: bool,
    /// As one JSON object
    #[arg(long, conflicts_with = "per_row")]
    pub json: bool,
    #[command(flatten)]
    pub bits: BitsArgs,
}

/// `pmc simulate`
#[derive(Debug, Clone, Args)]
pub(super) struct SimulateArgs {
    /// The model file (.pmod), or a fit
    pub model: PathBuf,
    /// Rows of the tables, or of one data block; labels are made up and split over them
    #[arg(long, value_name = "[BLOCK=]N", value_parser = parse_rows)]
    pub rows: Vec<(Option<String>, usize)>,
    /// How many labels a plate has (or columns, for a plate of columns)
    #[arg(long, value_name = "PLATE=N", value_parser = parse_size)]
    pub plate: Vec<(String, usize)>,
    /// Rows to draw into: the columns that no statement generates; observed ones may be absent
    #[arg(long, value_name = "[BLOCK=]FILE", value_parser = parse_file)]
    pub data: Vec<(Option<String>, PathBuf)>,
    /// Values of variables; a param without a prior needs one
    #[arg(long, value_name = "FILE")]
    pub init: Option<PathBuf>,
    /// Seed of the draws
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Where the data are written; with several data blocks a folder, or FILE.csv for FILE.BLOCK.csv
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Where the values of the variables are written, as --init reads them
    #[arg(long, value_name = "FILE")]
    pub truth: Option<PathBuf>,
    #[command(flatten)]
    pub switches: SwitchArgs,
}

/// `pmc emit`
#[derive(Debug, Clone, Args)]
pub(super) struct EmitArgs {
    /// Which stage
    pub stage: Stage,
    /// The model file (.pmod)
    pub model: PathBuf,
    #[command(flatten)]
    pub switches: SwitchArgs,
    #[command(flatten)]
    pub rewrites: RewriteArgs,
}

/// A stage of the compilation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Stage {
    /// The tokens of the text
    Tokens,
    /// The syntax tree
    Ast,
    /// The typed model: every index written
    Model,
    /// The factor graph
    Graph,
    /// The terms of the log joint
    Terms,
    /// Blocks, families and messages
    Derivation,
    /// Passes, keys and steps
    Plan,
}

/// `pmc explain`
#[derive(Debug, Clone, Args)]
pub(super) struct ExplainArgs {
    /// The model file (.pmod)
    pub model: PathBuf,
    /// How it is written
    #[arg(long, value_enum, default_value_t = ExplainFormat::Text)]
    pub format: ExplainFormat,
    /// Whether two quantities are independent given the data, and by which path not; one name: its Markov blanket
    #[arg(long, value_name = "NAME", num_args = 1..=2, conflicts_with = "format")]
    pub why: Vec<String>,
    /// With --why: these quantities are known too
    #[arg(long, value_name = "NAMES", value_delimiter = ',', requires = "why")]
    pub given: Vec<String>,
    /// These observed columns have blank cells, which are unknown
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub blank: Vec<String>,
    #[command(flatten)]
    pub switches: SwitchArgs,
}

/// How an explanation is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ExplainFormat {
    /// For a terminal
    Text,
    /// Markdown with formulas
    Markdown,
    /// A LaTeX document
    Latex,
    /// One JSON object
    Json,
    /// The plate diagram for Graphviz
    Dot,
    /// The plate diagram as a picture
    Svg,
    /// The factor graph for Mermaid
    Mermaid,
}

/// `pmc fmt`
#[derive(Debug, Clone, Args)]
pub(super) struct FormatArgs {
    /// Write nothing; list the files that would change and exit with 1 if there are any
    #[arg(long)]
    pub check: bool,
    /// The model files; `-` formats standard input to standard output
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
}

fn parse_set(text: &str) -> Result<(String, f64), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    let number: f64 = value
        .trim()
        .parse()
        .map_err(|_| format!("`{value}` is no number"))?;
    if !number.is_finite() {
        return Err(format!("`{value}` is not finite"));
    }
    Ok((name.trim().to_string(), number))
}

fn parse_rewrite(text: &str) -> Result<Without, String> {
    if text == "all" {
        return Ok(Without::All);
    }
    let names = Rewrite::ALL.map(Rewrite::name).join(", ");
    Rewrite::named(text)
        .map(Without::One)
        .ok_or_else(|| format!("expected all or one of {names}"))
}

fn parse_block(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, file)) if !name.is_empty() && !file.is_empty() => {
            Ok((name.to_string(), PathBuf::from(file)))
        }
        _ => Err("expected BLOCK=FILE".into()),
    }
}

fn parse_rows(text: &str) -> Result<(Option<String>, usize), String> {
    match text.split_once('=') {
        Some((name, n)) => Ok((Some(name.trim().to_string()), parse_positive(n)?)),
        None => Ok((None, parse_positive(text)?)),
    }
}

fn parse_size(text: &str) -> Result<(String, usize), String> {
    let (name, n) = text.split_once('=').ok_or("expected PLATE=N")?;
    Ok((name.trim().to_string(), parse_positive(n)?))
}

fn parse_file(text: &str) -> Result<(Option<String>, PathBuf), String> {
    match text.split_once('=') {
        Some((name, file)) if !name.is_empty() && !file.is_empty() => {
            Ok((Some(name.to_string()), PathBuf::from(file)))
        }
        Some(_) => Err("expected FILE or BLOCK=FILE".into()),
        None => Ok((None, PathBuf::from(text))),
    }
}

/// Bytes: a whole number with an optional `kB`, `MB` or `GB`.
fn parse_bytes(text: &str) -> Result<u64, String> {
    let units = [
        ("GB", 1_000_000_000),
        ("MB", 1_000_000),
        ("kB", 1000),
        ("B", 1),
    ];
    let (number, unit) = units
        .iter()
        .find_map(|(name, size)| Some((text.strip_suffix(name)?, *size)))
        .unwrap_or((text, 1u64));
    let number: u64 = number
        .trim()
        .parse()
        .map_err(|_| "a whole number of bytes, kB, MB or GB, such as 512MB".to_string())?;
    number
        .checked_mul(unit)
        .filter(|n| *n > 0)
        .ok_or_else(|| "a size above 0 that a machine can have".to_string())
}

fn parse_positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n) if n >= 1 => Ok(n),
        _ => Err("expected a whole number, 1 or more".into()),
    }
}

fn parse_forgetting(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(x) if x > 0.5 && x <= 1.0 => Ok(x),
        _ => Err("expected a number above 0.5 and at most 1".into()),
    }
}

fn parse_share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(x) if (0.0..1.0).contains(&x) => Ok(x),
        _ => Err("expected a number from 0, below 1".into()),
    }
}

fn parse_tolerance(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(x) if x >= 0.0 && x.is_finite() => Ok(x),
        _ => Err("expected a number, 0 or more".into()),
    }
}
