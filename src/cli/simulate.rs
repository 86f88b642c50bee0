//! `pmc simulate`: data drawn from a model or a fit, and the values they were drawn with.

use std::path::{Path, PathBuf};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::files;
use super::options::SimulateArgs;
use super::output::{Failure, Output, refuse, say};
use crate::compile;
use crate::data::{self, DataFile, Dataset, Files, InitValue, PlateData};
use crate::fit::draw as from_fit;
use crate::model::{Model, TableId};
use crate::naive::{self, Assignment, Node, Problem, Sizes};
use crate::source::SourceFile;

pub(super) fn run(args: &SimulateArgs, out: &mut Output) -> Result<(), Failure> {
    let bytes = files::read(&args.model)?;
    let is_fit = bytes.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{');
    let fit = match is_fit {
        true => Some(super::predict::load(&args.model)?),
        false => None,
    };
    let (source, options) = match &fit {
        Some(_) if args.switches != Default::default() => {
            let what = "a fit keeps its model as it was fitted: --set, --param, --latent and --flat go with a model";
            return Err(Failure::Usage(what.into()));
        }
        Some(fit) => (fit.source(), fit.switches()),
        None => (files::model(&args.model)?, args.switches.options()),
    };
    let (model, _) = compile::model(&source, &options).map_err(|e| refuse(&e, &source))?;
    let to = targets(args, &model)?;
    let mut rng = ChaCha8Rng::seed_from_u64(args.seed);

    let fitted = match &fit {
        Some(fit) => Some(from_fit::plates(&model, fit).map_err(|e| refuse(&e, &source))?),
        None => None,
    };
    let texts = inputs(args, &source, &model, fitted.as_deref(), &mut rng)?;
    let files = Files {
        main: None,
        by_table: texts.clone(),
    };
    let bound = match &fitted {
        Some(plates) => data::bind_new(&model, plates, &files),
        None => data::bind(&model, &files),
    };
    let dataset = bound.map_err(|e| refuse(&e, &source))?.dataset;

    let mut given = match &fit {
        Some(fit) => {
            from_fit::given(&model, fit, &dataset, &mut rng).map_err(|e| refuse(&e, &source))?
        }
        None => Assignment::empty(&model),
    };
    if let Some(path) = &args.init {
        read_init(path, &model, &source, &dataset, &mut given)?;
    }
    check_given(&model, &given)?;
    let values = naive::simulate(&model, &dataset, &given, &mut rng)
        .map_err(|p| Failure::Usage(in_words(&model, &p)))?;

    warn(&model, &dataset, &values);
    for ((table, file), path) in texts.iter().zip(&to) {
        let bytes = files::bytes(file)?;
        let text = naive::table_csv(&model, &dataset, &values, *table, &bytes)
            .map_err(|p| Failure::Usage(in_words(&model, &p)))?;
        match path {
            Some(path) => {
                files::write(path, text.as_bytes())?;
                say(&format!(
                    "{} written to {}",
                    model.table(*table).name,
                    path.display()
                ));
            }
            None => out.write(&text)?,
        }
    }
    if let Some(path) = &args.truth {
        let mut text = crate::fit::json::to_text(&naive::truth_json(&model, &values));
        if !text.ends_with('\n') {
            text.push('\n');
        }
        files::write(path, text.as_bytes())?;
        say(&format!("the drawn values written to {}", path.display()));
    }
    Ok(())
}

/// Where each table goes; `None` is standard output.
fn targets(args: &SimulateArgs, model: &Model) -> Result<Vec<Option<PathBuf>>, Failure> {
    if let Some(path) = &args.truth {
        files::check_writable(path)?;
    }
    let several = model.tables.len() > 1;
    let Some(path) = &args.output else {
        if several {
            let names: Vec<&str> = model.tables.iter().map(|t| t.name.as_str()).collect();
            let what = format!(
                "one file for each of {}: -o FOLDER or -o FILE.csv",
                names.join(", ")
            );
            return Err(Failure::Usage(what));
        }
        return Ok(vec![None; model.tables.len()]);
    };
    let of = |name: &str| match (path.is_dir(), several) {
        (true, _) => path.join(format!("{name}.csv")),
        (false, false) => path.clone(),
        (false, true) => {
            let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("csv");
            path.with_extension(format!("{name}.{extension}"))
        }
    };
    let paths: Vec<PathBuf> = model.tables.iter().map(|t| of(&t.name)).collect();
    for path in &paths {
        files::check_writable(path)?;
    }
    Ok(paths.into_iter().map(Some).collect())
}

/// The file of each table: given, with place holders for what is observed, or made up.
fn inputs(
    args: &SimulateArgs,
    source: &SourceFile,
    model: &Model,
    fitted: Option<&[PlateData]>,
    rng: &mut ChaCha8Rng,
) -> Result<Vec<(TableId, DataFile)>, Failure> {
    let usage = |e: naive::SizeProblem| Failure::Usage(e.to_string());
    let mut sizes = Sizes::default();
    for (name, n) in &args.rows {
        match name {
            None => sizes.rows = Some(*n),
            Some(name) => {
                sizes.rows_of.insert(name.clone(), *n);
            }
        }
    }
    sizes.plates = args.plate.iter().cloned().collect();
    let mut main = None;
    let mut blocks = Vec::new();
    for (name, path) in &args.data {
        let file = data::as_csv(files::data_file(path)?).map_err(|e| refuse(&e, source))?;
        match name {
            None => main = Some(file),
            Some(name) if model.tables.iter().any(|t| t.name == *name) => {
                blocks.push((name.clone(), file));
            }
            Some(name) => {
                return Err(Failure::Usage(format!(
                    "the model has no data block `{name}`"
                )));
            }
        }
    }
    let given = |name: &str| {
        let own = blocks.iter().find(|(n, _)| n == name).map(|(_, f)| f);
        own.or(main.as_ref())
    };
    let made = naive::skeleton(model, fitted, &sizes, &|name| given(name).is_some(), rng);
    let made = made.map_err(usage)?;
    let mut texts = Vec::new();
    for (table, text) in made {
        let name = &model.table(table).name;
        let file = match (given(name), text) {
            (Some(file), _) => {
                let bytes = files::bytes(file)?;
                let bytes = naive::with_missing_columns(model, fitted, &sizes, table, &bytes);
                DataFile::held(&file.name, bytes.map_err(usage)?)
            }
            (None, text) => DataFile::held(format!("{name}.csv"), text.unwrap_or_default()),
        };
        texts.push((table, file));
    }
    Ok(texts)
}

/// Values of `--init`; those of an array of elements are positions.
fn read_init(
    path: &Path,
    model: &Model,
    source: &SourceFile,
    dataset: &Dataset,
    given: &mut Assignment,
) -> Result<(), Failure> {
    let file = files::data_file(path)?;
    let init = data::read_init(model, &dataset.plates, &file, &|name| std::fs::read(name));
    for (name, value) in init.map_err(|e| refuse(&e, source))?.values {
        let variable = model.variables.iter().find(|v| v.name == name);
        let dimensions = variable.map_or(0, |v| v.slots.len());
        let value = match value {
            InitValue::Value(value) if value.ndim() == dimensions => value,
            InitValue::Labels(labels) => labels.mapv(f64::from),
            InitValue::Value(_) | InitValue::Parameters(_) => {
                let what = format!(
                    "{}: `{name}` is given by a distribution; simulate takes a value, or {{ \"label\": [...] }}",
                    path.display()
                );
                return Err(Failure::Usage(what));
            }
        };
        given.set(model, &name, value);
    }
    Ok(())
}

/// A flat param has no distribution to draw it from.
fn check_given(model: &Model, given: &Assignment) -> Result<(), Failure> {
    let variables = model.variables.iter().zip(&given.variables);
    let missing: Vec<String> = variables
        .filter(|(v, value)| v.prior.is_none() && value.is_none())
        .map(|(v, _)| format!("`{}`", v.name))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let what = format!(
        "no prior to draw {} from: give a value with --init FILE, or a fit instead of the model",
        missing.join(", ")
    );
    Err(Failure::Usage(what))
}

fn in_words(model: &Model, problem: &Problem) -> String {
    match problem {
        Problem::NoValue(Node::Variable(v), _) => {
            format!("`{}` has no value and no prior", model.variable(*v).name)
        }
        Problem::NoValue(Node::Column(c), _) => {
            format!("`{}` has no value", model.column(*c).name)
        }
        other => other.to_string(),
    }
}

/// What keeps the files from being read back as they are.
fn warn(model: &Model, dataset: &Dataset, values: &Assignment) {
    for (column, cells) in &values.cells {
        let outside = cells
            .iter()
            .filter(|v| !naive::fits(model, *column, **v))
            .count();
        if outside > 0 {
            let name = &model.column(*column).name;
            say(&format!(
                "note: {outside} draws of `{name}` are outside the type of the column"
            ));
        }
    }
    for (plate, unused) in naive::unused_labels(model, dataset, values) {
        say(&format!(
            "note: {unused} elements of `{plate}` occur in no row"
        ));
    }
}
