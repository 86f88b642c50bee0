//! Standard output, standard error, files and exit codes of each command.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::{Place, err, out_text, timeless};

#[test]
fn fit_writes_a_file_and_says_what_was_found() {
    let p = Place::mixture();
    let out = p.run("fit m.pmod d.csv");
    assert_eq!(out.status.code(), Some(0), "{}", err(&out));
    let said = out_text(&out);
    assert!(
        said.starts_with("mixture: exact EM, converged after "),
        "{said}"
    );
    assert!(said.contains("row: 90 rows from d.csv"), "{said}");
    assert!(
        said.contains("cluster: elements ordered by weight"),
        "{said}"
    );
    assert!(said.contains("mu[cluster, feature]"), "{said}");
    assert!(said.contains("mixture.fit.json"), "{said}");
    assert!(!said.contains("iteration 1,"), "progress is no result");
    assert!(
        err(&out).contains("iteration 1, objective"),
        "{}",
        err(&out)
    );
    assert_eq!(p.names(), ["d.csv", "m.pmod", "mixture.fit.json"]);
}

#[test]
fn quiet_says_nothing_and_json_is_one_object() {
    let p = Place::mixture();
    let out = p.run("fit m.pmod d.csv -q -o f.json");
    assert_eq!((out_text(&out).as_str(), err(&out).as_str()), ("", ""));
    let v: serde_json::Value =
        serde_json::from_str(&p.ok("fit m.pmod d.csv --json -o f.json")).expect("JSON");
    assert_eq!(v["method"], "exact EM");
    assert_eq!(v["file"], "f.json");
    assert_eq!(v["objective"]["kind"], "log_likelihood");
    assert_eq!(v["plates"]["feature"]["labels"][1], "b");
    assert_eq!(
        v["variables"]["mu"]["value"][0].as_array().map(Vec::len),
        Some(2)
    );
}

#[test]
fn clusters_are_ordered_by_weight_and_the_means_are_those_of_the_clusters() {
    let p = Place::mixture();
    for seed in 0..4 {
        p.ok(&format!("fit m.pmod d.csv -q -o f.json --seed {seed}"));
        let v: serde_json::Value = serde_json::from_str(&p.read("f.json")).expect("JSON");
        let value = |name: &str| v["variables"][name]["value"].clone();
        let w: Vec<f64> = serde_json::from_value(value("weight")).expect("numbers");
        let mu: Vec<Vec<f64>> = serde_json::from_value(value("mu")).expect("numbers");
        assert!(
            (w[0] - 2.0 / 3.0).abs() < 1e-6 && (w[1] - 1.0 / 3.0).abs() < 1e-6,
            "{w:?}"
        );
        // Separated so far, each mean is the mean of its rows.
        let rows = crate::numbers(&p.read("d.csv"));
        for (k, first) in [(0, false), (1, true)] {
            let mine: Vec<&Vec<f64>> = rows
                .iter()
                .enumerate()
                .filter(|(i, _)| (i % 3 == 0) == first)
                .map(|(_, r)| r)
                .collect();
            for j in 0..2 {
                let mean = mine.iter().map(|r| r[j]).sum::<f64>() / mine.len() as f64;
                assert!((mu[k][j] - mean).abs() < 1e-6, "{mu:?}");
            }
        }
    }
}

#[test]
fn threads_and_repetition_change_nothing() {
    let p = Place::new(&[
        ("m.pmod", crate::MIXTURE),
        ("d.csv", &crate::two_clusters(5000)),
    ]);
    for (options, file) in [
        ("--threads 1", "one.json"),
        ("--threads 2", "two.json"),
        ("--threads 1", "again.json"),
    ] {
        p.ok(&format!(
            "fit m.pmod d.csv -q --restarts 2 --tol 0 --max-iter 5 {options} -o {file}"
        ));
    }
    let one = timeless(&p.read("one.json"));
    assert_eq!(one, timeless(&p.read("two.json")));
    assert_eq!(one, timeless(&p.read("again.json")));
}

#[test]
fn acceleration_is_asked_for_and_recorded() {
    let p = Place::mixture();
    let run = |options: &str| {
        p.ok(&format!("fit m.pmod d.csv -q {options} -o f.json"));
        timeless(&p.read("f.json"))
    };
    let (plain, fast) = (run(""), run("--accelerate"));
    assert_eq!(plain["options"]["accelerate"], serde_json::Value::Null);
    assert_eq!(fast["options"]["accelerate"], true);
    // The last of the two flags counts.
    assert_eq!(run("--accelerate --no-accelerate"), plain);
    assert_eq!(run("--no-accelerate --accelerate"), fast);
}

#[test]
fn seeds_and_restarts_are_recorded() {
    let p = Place::mixture();
    let said = p.ok("fit m.pmod d.csv --restarts 3 --seed 5 --set K=3 -o f.json");
    assert!(said.contains("\nstarts\n"), "{said}");
    assert!(said.contains("best"), "{said}");
    let v = timeless(&p.read("f.json"));
    assert_eq!(v["constants"]["K"], 3);
    assert_eq!(v["options"]["set"]["K"], 3);
    let table = v["restarts"].as_array().expect("list");
    let seeds: Vec<u64> = table.iter().filter_map(|r| r["seed"].as_u64()).collect();
    assert_eq!(seeds, [5, 6, 7]);
    let best = table
        .iter()
        .filter_map(|r| r["objective"].as_f64())
        .fold(f64::NEG_INFINITY, f64::max);
    assert_eq!(v["objective"]["value"].as_f64(), Some(best));
}

#[test]
fn roles_switch() {
    let p = Place::mixture();
    let model = crate::MIXTURE.replace(
        "param   weight      : simplex over cluster",
        "latent  weight ~ Dirichlet(3) over cluster",
    );
    std::fs::write(p.path("m.pmod"), model).expect("writes");
    for (switch, method, role) in [
        ("", "variational EM", "latent"),
        ("--param weight", "exact EM", "param"),
        ("--flat weight", "exact EM", "flat"),
    ] {
        p.ok(&format!("fit m.pmod d.csv -q -o f.json {switch}"));
        let v = timeless(&p.read("f.json"));
        assert_eq!(v["method"], method);
        assert_eq!(v["roles"]["weight"], role);
    }
    let w = |v: serde_json::Value| {
        v["variables"]["weight"]["value"][0]
            .as_f64()
            .expect("number")
    };
    let flat = w(timeless(&p.read("f.json")));
    p.ok("fit m.pmod d.csv -q -o f.json --param weight");
    let prior = w(timeless(&p.read("f.json")));
    // Dirichlet(3) adds 2 to each count.
    assert!((flat - 60.0 / 90.0).abs() < 1e-6, "{flat}");
    assert!((prior - 62.0 / 94.0).abs() < 1e-6, "{prior}");
}

#[test]
fn kept_rows_are_stored() {
    let p = Place::mixture();
    p.ok("fit m.pmod d.csv -q -o f.json");
    assert!(timeless(&p.read("f.json"))["variables"].get("z").is_none());
    p.ok("fit m.pmod d.csv -q -o f.json --keep z");
    let v = timeless(&p.read("f.json"));
    let q: Vec<Vec<f64>> =
        serde_json::from_value(v["variables"]["z"]["parameters"]["probabilities"].clone())
            .expect("numbers");
    assert_eq!(q.len(), 90);
    for (i, row) in q.iter().enumerate() {
        let k = usize::from(i % 3 == 0);
        assert!(row[k] > 0.999, "row {i}: {row:?}");
    }
}

#[test]
fn a_closed_pipe_is_success() {
    let p = Place::mixture();
    for arguments in [
        "completions bash",
        "emit tokens m.pmod",
        "fit m.pmod d.csv -o f.json",
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let out = p
            .command(arguments)
            .stdout(writer)
            .stderr(Stdio::piped())
            .output()
            .expect("runs");
        assert_eq!(out.status.code(), Some(0), "{arguments}: {}", err(&out));
        assert!(!err(&out).contains("panicked"), "{}", err(&out));
    }
    // The result is written although nobody reads the summary.
    assert!(p.path("f.json").exists());
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_writes_what_it_reached() {
    let p = Place::new(&[
        ("m.pmod", crate::MIXTURE),
        ("d.csv", &crate::two_clusters(3000)),
    ]);
    let mut child = p
        .command("fit m.pmod d.csv --tol 0 --max-iter 100000000 -o f.json")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    let stderr = child.stderr.take().expect("piped");
    let mut lines = BufReader::new(stderr).lines();
    let first = lines.next().expect("a line").expect("text");
    assert!(first.starts_with("iteration 1,"), "{first}");
    let id = child.id().to_string();
    let sent = std::process::Command::new("kill")
        .args(["-INT", &id])
        .status();
    assert!(sent.expect("kill runs").success());
    let rest: Vec<String> = lines.map_while(Result::ok).collect();
    assert_eq!(child.wait().expect("ends").code(), Some(3), "{rest:?}");
    assert!(
        rest.iter().any(|l| l.starts_with("interrupted after")),
        "{rest:?}"
    );
    let fit = pmc::fit::Fit::load(p.read("f.json").as_bytes()).expect("loads");
    assert_eq!(fit.stop.reason, "interrupted");
}

#[test]
fn check_runs_nothing_and_says_the_method() {
    let p = Place::mixture();
    assert_eq!(p.ok("check m.pmod"), "mixture: no errors; exact EM\n");
    let said = p.ok("check m.pmod d.csv");
    assert!(
        said.contains("row: 90 rows") && said.contains("no errors"),
        "{said}"
    );
    assert_eq!(p.names(), ["d.csv", "m.pmod"]);
}

#[test]
fn stages_are_emitted() {
    let p = Place::mixture();
    assert!(p.ok("emit tokens m.pmod").contains("weight"));
    assert!(p.ok("emit ast m.pmod").contains("cluster"));
    let model = p.ok("emit model m.pmod --set K=5");
    assert!(model.starts_with("model mixture\n"), "{model}");
    assert!(model.contains('5'), "{model}");
}

#[test]
fn models_are_explained_in_every_format() {
    let p = Place::mixture();
    for (format, text) in [
        ("text", "exact EM"),
        ("markdown", "exact EM"),
        ("latex", "\\begin{document}"),
        ("dot", "graph"),
        ("mermaid", "graph TD"),
    ] {
        let said = p.ok(&format!("explain m.pmod --format {format}"));
        assert!(said.contains(text), "{said}");
    }
    let json = p.ok("explain m.pmod --format json");
    assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok());
    assert!(p.ok("emit graph m.pmod").contains("mu"));
    assert!(p.ok("emit terms m.pmod").contains("ln weight"));
    assert_eq!(p.run("explain m.pmod --format word").status.code(), Some(2));
}

#[test]
fn format_changes_only_what_is_not_formatted() {
    let p = Place::new(&[
        ("m.pmod", "model   m\nconst K=2 \n"),
        ("broken.pmod", "model (\n"),
    ]);
    let out = p.run("fmt --check m.pmod");
    assert_eq!(
        (out.status.code(), out_text(&out).as_str()),
        (Some(1), "m.pmod\n")
    );
    assert_eq!(p.read("m.pmod"), "model   m\nconst K=2 \n");
    assert_eq!(p.ok("fmt m.pmod"), "");
    assert_eq!(p.ok("fmt --check m.pmod"), "");
    assert!(p.read("m.pmod").starts_with("model m\n"));
    let out = p.run("fmt broken.pmod");
    assert_eq!(out.status.code(), Some(1));
    assert!(err(&out).contains("error[E0"), "{}", err(&out));
    assert_eq!(p.read("broken.pmod"), "model (\n");
}

#[test]
fn a_new_model_can_be_fitted_at_once() {
    let p = Place::mixture();
    p.ok("new start");
    p.ok("fit start.pmod d.csv -q --set K=2");
    assert!(p.path("start.fit.json").exists());
    assert_eq!(p.run("new start").status.code(), Some(2), "it exists");
    assert_eq!(p.run("new latent").status.code(), Some(2), "reserved");
    assert_eq!(p.run("new ../up").status.code(), Some(2), "no name");
    for shell in ["bash", "zsh", "fish"] {
        assert!(p.ok(&format!("completions {shell}")).contains("pmc"));
    }
}
