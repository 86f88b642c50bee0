//! Cases that say which diagnostics they lead to, and where.
//!
//! The first lines of a case are its expectations, `// error[E0308] 7:9` (line and column of the primary label) or
//! `// error[E0710]` where there is no place. Cases named after stages 03 and 04 are checked; those of later stages are
//! derived too, and run where they bring data: `// data: y,group | 1,a | 2,b`, the header and the rows of a CSV file.

use crate::common::{findings, model, pmod_files, read, root};
use pmc::diag::{Diagnostic, Severity};
use pmc::source::SourceFile;

fn expected(text: &str) -> Vec<String> {
    let lines = text.lines().map_while(|l| l.strip_prefix("// "));
    let wanted = lines.filter(|l| l.starts_with("error[") || l.starts_with("warning["));
    wanted.map(str::to_string).collect()
}

fn csv(text: &str) -> Option<String> {
    let rows = text.lines().find_map(|l| l.strip_prefix("// data: "))?;
    let lines: Vec<&str> = rows.split('|').map(str::trim).collect();
    Some(lines.join("\n") + "\n")
}

fn seen(found: &[Diagnostic], source: &SourceFile) -> Vec<String> {
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
fn cases_lead_to_the_codes_and_places_they_say() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for path in pmod_files(&root().join("tests/diagnostics")) {
        let source = read(&path);
        let name = &source.name;
        let wanted = expected(&source.text);
        if wanted.is_empty() {
            wrong.push(format!("{name}: no expectation in its first line"));
            continue;
        }
        let (checked, mut found) = model(&source);
        let errors = found.iter().any(|d| d.severity == Severity::Error);
        assert_eq!(checked.is_none(), errors, "{name}");
        if let (Some(m), Some('5'..='7')) = (&checked, name.chars().nth(2)) {
            found.extend(findings(m, csv(&source.text).as_deref()));
        }
        let got = seen(&found, &source);
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
        count += 1;
        if std::env::var_os("PMC_SHOW").is_some() {
            println!("{}", pmc::diag::render_plain(&found, &source));
        }
    }
    assert!(count > 140, "{count}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
