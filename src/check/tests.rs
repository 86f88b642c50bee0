//! The checker over whole models: the zoo, the diagnostics cases, resolved indices.

use std::path::{Path, PathBuf};

use super::{Options, check};
use crate::diag::{Diagnostic, Severity};
use crate::model::{Model, Role, print_model};
use crate::source::SourceFile;
use crate::syntax;

fn run(name: &str, text: &str, options: &Options) -> (Option<Model>, Vec<Diagnostic>) {
    let source = SourceFile::new(name, text);
    match syntax::parse(&source) {
        Ok(file) => check(&file, &source, options),
        Err(found) => (None, found),
    }
}

fn model(text: &str) -> Model {
    with(text, &Options::default())
}

fn with(text: &str, options: &Options) -> Model {
    let (model, found) = run("test.pmod", text, options);
    model.unwrap_or_else(|| panic!("{found:#?}"))
}

/// The factors as printed, one a line.
fn factors(text: &str) -> Vec<String> {
    let printed = print_model(&model(text));
    let section = printed.split("factors\n").nth(1).unwrap_or_default();
    let lines = section.lines().take_while(|l| l.starts_with("  "));
    lines.map(|l| l.trim().to_string()).collect()
}

fn pmod_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|e| e.path()).collect();
    files.retain(|p| p.extension().is_some_and(|e| e == "pmod"));
    files.sort();
    files
}

/// Example models beside the repository.
fn zoo() -> Vec<PathBuf> {
    let shared = std::env::var_os("PMC_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
        PathBuf::from,
    );
    pmod_files(&shared.join("zoo"))
}

#[test]
fn all_models_of_the_zoo_check() {
    let files = zoo();
    if files.is_empty() {
        println!("no zoo beside the repository: not tested");
        return;
    }
    let mut wrong = Vec::new();
    for path in &files {
        let text = std::fs::read_to_string(path).unwrap();
        let (model, found) = run(&path.to_string_lossy(), &text, &Options::default());
        if model.is_none() || !found.is_empty() {
            wrong.push(format!("{}: {found:#?}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A case says what it shows in its first lines: `// error[E0308] 7:9`.
fn expected(text: &str) -> Vec<String> {
    let lines = text.lines().map_while(|l| l.strip_prefix("// "));
    let wanted = lines.filter(|l| l.starts_with("error[") || l.starts_with("warning["));
    wanted.map(str::to_string).collect()
}

fn as_expected(found: &[Diagnostic], source: &SourceFile) -> Vec<String> {
    let line = |d: &Diagnostic| {
        let kind = match d.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let place = d.primary.as_ref().map(|l| source.line_column(l.span.start));
        let place = place.map_or(String::new(), |(l, c)| format!(" {l}:{c}"));
        format!("{kind}[{}]{place}", d.code.as_str())
    };
    found.iter().map(line).collect()
}

#[test]
fn diagnostics_have_the_codes_and_places_that_their_cases_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagnostics");
    let mut wrong = Vec::new();
    let mut own = 0;
    for path in pmod_files(&folder) {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        // Later stages have their own runner, in tests/integration.
        if ["E05", "W05", "E06", "E07", "W07"]
            .iter()
            .any(|s| name.starts_with(s))
        {
            continue;
        }
        let wanted = expected(&text);
        if wanted.is_empty() {
            wrong.push(format!("{name}: no expectation in its first line"));
            continue;
        }
        let source = SourceFile::new(&name, &text);
        let (model, found) = run(&name, &text, &Options::default());
        let errors = found.iter().any(|d| d.severity == Severity::Error);
        assert_eq!(model.is_none(), errors, "{name}");
        let got = as_expected(&found, &source);
        if got != wanted {
            wrong.push(format!("{name}: wanted {wanted:?}, found {got:?}"));
        }
        for d in &found {
            let title = d.title.chars().count();
            if title > 60 || d.help.is_empty() {
                wrong.push(format!(
                    "{name}: {title} characters or no help: {}",
                    d.title
                ));
            }
        }
        own += 1;
    }
    assert!(own > 90, "{own}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn damaged_models_are_reported_and_never_panic() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = pmod_files(&root.join("tests/diagnostics"));
    files.extend(zoo());
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        let words: Vec<&str> = text
            .split_inclusive([' ', '[', ']', '(', ')', ','])
            .collect();
        for i in 0..words.len() {
            let other = words[(i * 7 + 3) % words.len()];
            for replaced in ["", other] {
                let mut damaged = words.clone();
                damaged[i] = replaced;
                run("damaged.pmod", &damaged.concat(), &Options::default());
            }
        }
    }
}

#[test]
fn every_slot_gets_its_index() {
    let lines = factors(
        "data rating { user : label  movie : label  stars : real }
         data movie { movie : label  year : real }
         plate factor(3)
         let age[movie] = year - mean(year over movie)
         latent appeal[movie] ~ Gaussian(age, var = 1)
         latent u[user, factor] ~ Gaussian(0, var = 1)
         latent v[movie, factor] ~ Gaussian(0, var = 1)
         observe stars[rating] ~ Gaussian(appeal + sum(u * v over factor), var = 1)",
    );
    assert_eq!(
        lines[3],
        "observe stars[rating] ~ Gaussian(mean = appeal[movie[rating]] + \
         sum(u[user[rating], factor] * v[movie[rating], factor] over factor), var = 1)"
    );
}

#[test]
fn an_index_may_go_through_several_tables() {
    let lines = factors(
        "data pupil { school : label  score : real }
         data school { school : label  district : label }
         latent d[district] ~ Gaussian(0, var = 1)
         observe score[pupil] ~ Gaussian(d[district], var = 1)",
    );
    assert_eq!(
        lines[1],
        "observe score[pupil] ~ Gaussian(mean = d[district[school[pupil]]], var = 1)"
    );
}

#[test]
fn the_axis_left_out_of_a_categorical_is_the_category() {
    let lines = factors(
        "data row { y : real }
         plate state(3)
         param move[state] : simplex over state
         latent next[i in state] ~ Categorical(move[i])
         observe y[row] ~ Gaussian(0, var = 1)",
    );
    assert_eq!(
        lines[0],
        "next[state] ~ Categorical(p = move[state, state2]) over state2"
    );
}

#[test]
fn folds_over_rows_run_over_the_rows_of_the_bound_element() {
    let lines = factors(
        "data token { doc : label  word : label }
         data doc { doc : label  rating : real }
         plate topic(2)
         param effect[topic] : real
         param pi[doc] : simplex over topic
         param theta[topic] : simplex over word
         latent z[token] ~ Categorical(pi)
         observe word[token] ~ Categorical(theta[z])
         observe rating[doc] ~ Gaussian(mean(effect[z] over token), var = 1)",
    );
    assert_eq!(
        lines[2],
        "observe rating[doc] ~ Gaussian(mean = \
         mean(effect[z[token]] over token where doc[token] = doc), var = 1)"
    );
}

#[test]
fn named_elements_and_inner_levels_are_told_apart() {
    let lines = factors(
        "data step ordered { y[sensor] : real = rest }
         plate dim(2)
         param A[dim, dim] : real
         latent h[step, i in dim] ~ Gaussian(sum(A[i, j] * h[step-1, j] over j in dim), var = 1)
                                    first Gaussian(0, var = 1)
         observe y[step, sensor] ~ Gaussian(sum(h over dim), var = 1)",
    );
    assert_eq!(
        lines[0],
        "h[step, dim] ~ Gaussian(mean = sum(A[dim, dim2] * h[step-1, dim2] over dim2), var = 1) \
         first Gaussian(mean = 0, var = 1)"
    );
}

#[test]
fn options_switch_roles_and_set_constants() {
    let text = "const K = 2
        data row { y : real }
        plate group(K)
        param weight ~ Dirichlet(2) over group
        latent mu[group] ~ Gaussian(0, var = 10)
        param s2 : positive
        latent z[row] ~ Categorical(weight)
        observe y[row] ~ Gaussian(mu[z], var = s2)";
    let names = |list: &[&str]| list.iter().map(|n| n.to_string()).collect::<Vec<_>>();
    let switched = with(
        text,
        &Options {
            set: vec![("K".into(), 5.0)],
            param: names(&["mu"]),
            latent: names(&["weight"]),
            flat: names(&[]),
        },
    );
    let role = |m: &Model, name: &str| m.variables.iter().find(|v| v.name == name).unwrap().role;
    assert_eq!(role(&switched, "mu"), Role::Param);
    assert_eq!(role(&switched, "weight"), Role::Latent);
    assert!(print_model(&switched).contains("group: 1..5"));
    assert_eq!(switched.factors.len(), 4);

    let flat = with(
        text,
        &Options {
            flat: names(&["mu", "weight"]),
            ..Options::default()
        },
    );
    let weight = &flat.variables[0];
    assert_eq!((weight.role, weight.prior), (Role::Param, None));
    assert_eq!(weight.domain, crate::model::Domain::Simplex);
    assert_eq!(flat.factors.len(), 2);

    let codes = |options: Options| {
        let (model, found) = run("test.pmod", text, &options);
        assert!(model.is_none());
        found.iter().map(|d| d.code.as_str()).collect::<Vec<_>>()
    };
    let latent = names(&["s2"]);
    assert_eq!(
        codes(Options {
            latent,
            ..Options::default()
        }),
        ["E0507"]
    );
    let set = vec![("k".into(), 1.0), ("y".into(), 1.0)];
    assert_eq!(
        codes(Options {
            set,
            ..Options::default()
        }),
        ["E0301", "E0301"]
    );
    let param = names(&["nu"]);
    assert_eq!(
        codes(Options {
            param,
            ..Options::default()
        }),
        ["E0301"]
    );
}

#[test]
fn columns_know_whether_blanks_are_missing_values() {
    let m = model(
        "data row { x : real  y : real  s : label  t : label }
         let u[row] = (y - mean(y over row)) / sd(y over row)
         param w[t] : real
         param p : simplex over t
         param q[t] : simplex over s
         observe u[row] ~ Gaussian(w[t] + x, var = 1)
         observe t[row] ~ Categorical(p)
         observe s[row] ~ Categorical(q[t])",
    );
    let flags: Vec<(&str, bool, bool)> = m
        .columns
        .iter()
        .map(|c| (c.name.as_str(), c.observed, c.used))
        .collect();
    let wanted = [
        ("x", false, true),
        ("y", true, true),
        ("s", true, false),
        ("t", true, true),
    ];
    assert_eq!(flags, wanted);
}

#[test]
fn definitions_are_sorted_by_use_and_constants_evaluated() {
    let m = model(
        "const c = b * 2
         const b = size(p) + 1
         plate p(2 * half)
         const half = 2
         data row { y : real }
         plate q(c)
         observe y[row] ~ Gaussian(size(q), var = 1)",
    );
    let names: Vec<&str> = m.definitions.iter().map(|d| d.name.as_str()).collect();
    let place = |n| names.iter().position(|m| *m == n).unwrap();
    assert!(place("b") < place("c"));
    let printed = print_model(&m);
    assert!(
        printed.contains("p: 1..4") && printed.contains("q: 1..10"),
        "{printed}"
    );
}

#[test]
fn mixtures_of_simplices_are_simplices() {
    let accepted = |p: &str| {
        let text = format!(
            "data doc {{ n[word] : count = rest }}
             plate topic(2)
             plate style(2)
             param pi[doc] : simplex over topic
             param rho[topic] : simplex over style
             param theta[topic, style] : simplex over word
             param phi[topic] : simplex over word
             observe n[doc] ~ Multinomial({p}) over word"
        );
        let (_, found) = run("test.pmod", &text, &Options::default());
        !found.iter().any(|d| d.severity == Severity::Error)
    };
    assert!(accepted("sum(pi * phi over topic)"));
    assert!(accepted("sum(pi * rho * theta over topic, style)"));
    assert!(!accepted("sum(phi over topic)"));
    assert!(!accepted("sum(pi * pi * phi over topic)"));
    assert!(!accepted("2 * sum(pi * phi over topic)"));
    assert!(!accepted("sum(rho * theta over topic, style)"));
}

#[test]
fn a_latent_may_stand_in_a_potential_through_a_let() {
    let m = model(
        "data row { v[pixel] : binary = rest }
         plate unit(3)
         param W[pixel, unit] : real
         latent h[row, unit] : binary
         let e[row, pixel, unit] = W * v * h
         observe v[row, pixel]
         potential[row, pixel, unit] e",
    );
    assert!(!m.definitions[0].known);
    assert!(m.columns[0].observed);
}
