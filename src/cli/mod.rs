//! The command line: the only place with files, printing and exit codes.
//!
//! ```text
//! standard output   the result            exit 0  done (a closed pipe too)
//! standard error    progress, findings         1  the model or the data is wrong
//!                                              2  usage or files
//!                                              3  interrupted; what was reached is written
//! ```

mod check;
mod emit;
mod explain;
mod files;
mod fit;
mod format;
mod new;
mod options;
mod output;
mod predict;
mod progress;
mod score;
mod simulate;
mod timings;
mod verify;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use options::{
    CheckArgs, EmitArgs, ExplainArgs, FitArgs, FormatArgs, PredictArgs, ScoreArgs, SimulateArgs,
    VerifyArgs,
};
use output::{Failure, Output};

/// A probabilistic model compiler: declare a model, and pmc derives and runs its inference algorithm.
#[derive(Debug, Parser)]
#[command(name = "pmc", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Learn a model from data; writes MODEL-name.fit.json unless -o
    Fit(Box<FitArgs>),
    /// Every finding about a model, and about data for it; nothing is run
    Check(Box<CheckArgs>),
    /// What was derived, from which lines, and why
    Explain(Box<ExplainArgs>),
    /// What a fit says of new rows: q of local variables, most probable labels, blank cells filled in
    Predict(PredictArgs),
    /// Held-out log predictive density of new rows
    Score(ScoreArgs),
    /// The derivation against an evaluation that shares no code with it
    Verify(Box<VerifyArgs>),
    /// Data drawn from a model or a fit
    Simulate(Box<SimulateArgs>),
    /// A stage of the compilation
    Emit(Box<EmitArgs>),
    /// Format model files in place
    Fmt(FormatArgs),
    /// Write a small model to start from
    New {
        /// Its name; NAME.pmod is written
        name: String,
    },
    /// Completions for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            // A closed pipe while help is printed is no failure.
            let _ = e.print();
            return ExitCode::from(if e.use_stderr() { 2 } else { 0 });
        }
    };
    let mut out = Output::new();
    let done = run(cli.command, &mut out).and_then(|()| out.flush());
    match done {
        Ok(()) | Err(Failure::Closed) => ExitCode::SUCCESS,
        Err(Failure::Wrong) => ExitCode::from(1),
        Err(Failure::Interrupted) => ExitCode::from(3),
        Err(Failure::Usage(text)) => {
            output::say(&format!("error: {text}"));
            ExitCode::from(2)
        }
    }
}

fn run(command: Command, out: &mut Output) -> Result<(), Failure> {
    match command {
        Command::Fit(args) => fit::run(&args, out),
        Command::Check(args) => check::run(&args, out),
        Command::Explain(args) => explain::run(&args, out),
        Command::Predict(args) => predict::run(&args, out),
        Command::Score(args) => score::run(&args, out),
        Command::Verify(args) => verify::run(&args, out),
        Command::Simulate(args) => simulate::run(&args, out),
        Command::Emit(args) => emit::run(&args, out),
        Command::Fmt(args) => format::run(&args, out),
        Command::New { name } => new::run(&name, out),
        Command::Completions { shell } => {
            let mut script = vec![];
            clap_complete::generate(shell, &mut Cli::command(), "pmc", &mut script);
            out.write(&String::from_utf8_lossy(&script))
        }
    }
}
