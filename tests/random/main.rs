//! Random well-typed models with data, run through everything that can be said to be right about them.
mod arguments;
mod cells;
mod grow;
mod observe;
mod print;
mod random;
mod scope;
mod tables;
mod tree;

#[test]
fn look() {
    let mut codes = std::collections::BTreeMap::new();
    let mut ok = 0;
    for seed in 0..2000 {
        let spec = grow::model(seed);
        let text = print::model(&spec);
        let source = pmc::source::SourceFile::new("m.pmod", text.clone());
        match pmc::compile::model(&source, &Default::default()) {
            Ok(_) => ok += 1,
            Err(e) => {
                let c = e[0].code.as_str();
                let n = codes.entry(c).or_insert(0);
                *n += 1;
                if *n <= 2 {
                    println!("--- {seed}\n{}\n{}", text, pmc::diag::render_plain(&e, &source));
                }
            }
        }
        if seed < 12 {
            println!("=== {seed}\n{}", print::whole(&spec));
        }
    }
    println!("{ok} {codes:?}");
}
