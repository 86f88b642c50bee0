//! survey
use pmc::*;
#[test]
fn survey() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/zoo");
    let mut p: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    p.sort();
    for p in p {
        let t = std::fs::read_to_string(&p).unwrap();
        let s = source::SourceFile::new(p.file_name().unwrap().to_string_lossy(), t);
        let (m, w) = compile::model(&s, &check::Options::default()).unwrap();
        assert!(w.is_empty());
        match compile::compile(&m, None) {
            Ok((d, _)) => {
                println!("OK {} {} {}", s.name, d.method.name(), d.objective.name());
                print!("{}", diag::render_plain(&d.warnings, &s));
            }
            Err(e) => {
                println!(
                    "NO {} {:?}",
                    s.name,
                    e.iter().map(|d| d.code.as_str()).collect::<Vec<_>>()
                );
                print!("{}", diag::render_plain(&e, &s));
            }
        }
    }
}
