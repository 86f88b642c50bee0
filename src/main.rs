use pmc::*;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let src = source::SourceFile::new(&a[1], std::fs::read_to_string(&a[1]).unwrap());
    let die = |e: Vec<diag::Diagnostic>| -> ! {
        for d in &e {
            println!("{d:?}");
        }
        std::process::exit(1)
    };
    let mut o = check::Options::default();
    for x in &a[4..] {
        let (k, v) = x.split_once('=').unwrap();
        match k {
            "param" => o.param = v.split(',').map(String::from).collect(),
            "flat" => o.flat = v.split(',').map(String::from).collect(),
            _ => o.set.push((k.into(), v.parse().unwrap())),
        }
    }
    let (m, _) = compile::model(&src, &o).unwrap_or_else(|e| die(e));
    let files = data::Files {
        main: Some(data::DataFile {
            name: a[2].clone(),
            bytes: std::fs::read(&a[2]).unwrap(),
        }),
        by_table: vec![],
    };
    let b = data::bind(&m, &files).unwrap_or_else(|e| die(e));
    let (d, p) = compile::compile(&m, Some(&b.dataset)).unwrap_or_else(|e| die(e));
    println!("{} {}", d.method.name(), d.objective.name());
    for b in &d.blocks {
        println!(
            "{:?} {:?} {} batch {:?} rows {:?} {}",
            b.unknowns
                .iter()
                .map(|u| d.unknowns.get(*u).name.clone())
                .collect::<Vec<_>>(),
            b.role,
            b.form.name(),
            b.batch,
            b.rows,
            b.exactness.word()
        );
    }
    println!("{:?}", p.steps);
    for k in &p.keys {
        println!(
            "key data {} sel {} local {} axes {}",
            k.data.len(),
            k.selectors.len(),
            k.local.len(),
            k.axes.len()
        );
    }
    let e = engine::Engine::new(&d, &p, &b.dataset, None).unwrap_or_else(|e| die(e));
    let init = if a.len() > 3 && a[3] != "-" {
        Some(
            data::read_init(
                &m,
                &b.dataset.plates,
                &data::DataFile {
                    name: a[3].clone(),
                    bytes: std::fs::read(&a[3]).unwrap(),
                },
                &|f| std::fs::read(f),
            )
            .unwrap_or_else(|e| die(e)),
        )
    } else {
        None
    };
    let t = std::time::Instant::now();
    let (out, table) = engine::run::run(
        &e,
        init.as_ref(),
        &engine::run::Options {
            max_iter: 10,
            tol: 0.0,
            seed: 0,
            restarts: 1,
        },
        &mut |_| true,
    )
    .unwrap_or_else(|e| die(e));
    println!("{:?} {:?}", t.elapsed(), out.start);
    for l in &out.trace {
        println!("{l:.9}");
    }
    println!("{:?} {:?}", table, out.decreased);
    for (i, b) in out.state.blocks.iter().enumerate() {
        for (u, n, a) in &b.parameters {
            if a.len() < 20 {
                println!(
                    "{} {n} {:?}",
                    d.unknowns.get(d.blocks[i].unknowns[*u]).name,
                    a.iter().collect::<Vec<_>>()
                );
            }
        }
    }
}
