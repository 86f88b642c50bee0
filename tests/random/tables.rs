//! Plates and data blocks of a random model, before anything is said about them.

use crate::random::Random;
use crate::tree::{Column, Every, Ordered, Plate, Source, Spec, Table, Type};

fn column(name: &str, kind: Type) -> Column {
    Column {
        name: name.into(),
        kind,
        of: None,
        group: None,
        source: Source::List,
        listed: false,
        otherwise: None,
        cells: vec![],
        observed: false,
    }
}

/// A label column; its plate is `of`, or has the column's name.
fn label(name: &str, of: Option<&str>) -> Column {
    Column {
        of: of.map(str::to_string),
        ..column(name, Type::Label)
    }
}

fn number_type(r: &mut Random) -> Type {
    let types = [
        Type::Real,
        Type::Positive,
        Type::Probability,
        Type::Count,
        Type::Binary,
    ];
    types[r.weighted(&[50, 10, 4, 14, 14])]
}

/// Names of elements: in order of code points, numbers whose order is not that of their text, words that mean a blank.
fn labels(r: &mut Random, n: usize) -> Vec<String> {
    let lists: [&[&str]; 5] = [
        &["NA", "n", "?"],
        &["a", "b", "c"],
        &["2", "10", "9"],
        &["very red", "Blue", "green"],
        &["x", "10", "y"],
    ];
    r.pick(&lists)[..n].iter().map(|s| s.to_string()).collect()
}

/// Plates and tables with empty columns, and for each label plate its labels.
pub fn draw(r: &mut Random) -> (Spec, Vec<(String, Vec<String>)>) {
    let mut spec = Spec {
        plates: vec![],
        tables: vec![],
        statements: vec![],
        rules: vec![],
        switch: None,
        flat: false,
    };
    let mut label_plates = vec![];
    for name in &["k", "l", "m"][..r.weighted(&[15, 50, 30, 5])] {
        let size = r.between(2, 3);
        spec.plates.push(if r.chance(70) {
            Plate::Counted {
                name: (*name).into(),
                size: if r.chance(5) { 1 } else { size },
            }
        } else {
            Plate::Listed {
                name: (*name).into(),
                labels: labels(r, size),
            }
        });
    }
    let kind = r.weighted(&[52, 18, 12, 10, 8]);
    let rows = r.between(3, 8);
    let mut main = Table {
        name: "row".into(),
        ordered: None,
        every: None,
        columns: vec![],
        rows,
        undeclared: vec![],
    };
    match kind {
        // A table, perhaps with label columns.
        0 => {
            for name in &["g", "h"][..r.weighted(&[45, 40, 15])] {
                main.columns.push(label(name, None));
                let n = r.between(2, 3);
                label_plates.push(((*name).to_string(), labels(r, n)));
            }
        }
        // Rows in groups that have a table of their own.
        1 => {
            main.columns.push(label("school", None));
            let n = r.between(2, 3);
            label_plates.push(("school".into(), labels(r, n)));
            let mut school = Table {
                name: "school".into(),
                rows: n,
                ..main.clone()
            };
            if r.chance(40) {
                school.columns.push(label("town", None));
                let towns = r.between(1, 2);
                label_plates.push(("town".into(), labels(r, towns)));
            }
            if r.chance(50) {
                school.columns.push(column("u0", number_type(r)));
            }
            spec.tables.push(school);
            spec.flat = r.chance(40);
        }
        // A sequence, or several.
        2 => {
            let by = r.chance(70);
            let within = r.chance(50);
            main.ordered = Some(Ordered {
                by: by.then(|| "t".into()),
                within: within.then(|| "part".into()),
            });
            if by {
                main.undeclared.push(column("t", Type::Real));
            }
            if within {
                if r.chance(30) {
                    main.columns.push(label("part", None));
                } else {
                    main.undeclared.push(label("part", None));
                }
                label_plates.push(("part".into(), labels(r, 2)));
            }
            main.rows = r.between(3, 6);
        }
        // Two columns over one plate.
        3 => {
            main.columns.push(label("a", Some("node")));
            main.columns.push(label("b", Some("node")));
            label_plates.push(("node".into(), labels(r, 3)));
        }
        // Every pair.
        _ => {
            main.columns.push(label("a", Some("node")));
            main.columns.push(label("b", Some("node")));
            label_plates.push(("node".into(), labels(r, 3)));
            let (a, b) = ("a".to_string(), "b".to_string());
            main.every = Some(match r.below(3) {
                0 => Every::Less(a, b),
                1 => Every::Differ(a, b),
                _ => Every::All(vec![a, b]),
            });
            main.rows = r.between(1, 3);
        }
    }
    if main.ordered.is_none() && main.every.is_none() && r.chance(15) {
        main.columns.push(column("count", Type::Weight));
    }
    // A column over a counted or listed plate.
    if let Some(p) = spec.plates.first()
        && r.chance(10)
    {
        // Pairs that are not listed would have a blank one.
        if main.every.is_none() {
            main.columns.push(label("c", Some(p.name())));
        }
    }
    let every = main.every.is_some();
    let n = r.weighted(&[0, 50, 35, 15]);
    for i in 0..n {
        let mut c = column(&format!("y{i}"), number_type(r));
        if every {
            match r.below(3) {
                0 => {
                    c.kind = Type::Binary;
                    c.listed = true;
                }
                1 => c.otherwise = Some(1.0),
                _ => {}
            }
        }
        main.columns.push(c);
    }
    if r.chance(12) && !every {
        main.columns.push(label("y_label", None));
        let n = r.between(2, 3);
        label_plates.push(("y_label".into(), labels(r, n)));
    }
    if r.chance(30) && !every {
        let elements: Vec<String> = ["p", "q", "s"][..r.between(2, 3)]
            .iter()
            .map(|s| s.to_string())
            .collect();
        let source = [Source::Star, Source::List, Source::Rest][r.weighted(&[60, 25, 15])];
        // The columns of the other table would be among the rest.
        let source = if spec.flat { Source::Star } else { source };
        let kinds = [
            Type::Real,
            Type::Count,
            Type::Binary,
            Type::Positive,
            Type::Label,
        ];
        let group = |name: &str, kind: Type, source: Source| Column {
            group: Some(("d".into(), elements.clone())),
            source,
            ..column(name, kind)
        };
        let kind = kinds[r.weighted(&[60, 20, 10, 5, 5])];
        let mut c = group("x", kind, source);
        if kind == Type::Label {
            c.of = Some("answer".into());
            label_plates.push(("answer".into(), labels(r, 2)));
        }
        main.columns.push(c);
        if source == Source::Star && r.chance(20) {
            let kind = kinds[r.below(3)];
            main.columns.push(group("w", kind, source));
        }
    }
    spec.tables.push(main);
    // A key names the rows; the other tables refer to it.
    r.shuffle(&mut spec.tables);
    (spec, label_plates)
}
