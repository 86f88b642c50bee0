use std::path::PathBuf;

use super::*;

/// The example models, where they are at hand.
pub(crate) fn zoo() -> Vec<SourceFile> {
    let shared = std::env::var_os("PMC_SHARED").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"),
        PathBuf::from,
    );
    let Ok(folder) = std::fs::read_dir(shared.join("zoo")) else {
        println!("no example models here: set PMC_SHARED");
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = folder.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "pmod"));
    paths.sort();
    let read = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        SourceFile::new(name, std::fs::read_to_string(path).unwrap())
    };
    paths.iter().map(read).collect()
}

#[test]
fn all_example_models_parse() {
    for source in zoo() {
        if let Err(found) = parse(&source) {
            panic!("{}: {found:#?}", source.name);
        }
    }
}
