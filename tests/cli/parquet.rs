//! Parquet data files: the same columns, fits and findings as from the CSV of the same content.

use parquet::basic::Compression;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use pmc::data::{Cells, DataFile, Dataset, Files, bind};
use pmc::source::SourceFile;

use crate::parquet_file::Written;
use crate::{MIXTURE, Numbers, Place, err, timeless, two_clusters};

const TYPES: &str = "\
model types
data row {
  real    : real        = \"d\"
  float   : real        = \"f\"
  whole   : real        = \"w\"
  count   : count       = \"c\"
  share   : probability = \"p\"
  truth   : binary      = \"b\"
  digit   : binary      = \"i\"
  name    : label       = \"s\"
  number  : label       = \"n\"
  big     : label       = \"u\"
  yes     : label       = \"b\"
  written : real        = \"t\"
  x[part] : real        = (d, \"w\", p)
}
param p1 : simplex over name
param p2 : simplex over number
param p3 : simplex over big
param p4 : simplex over yes
observe real[row]    ~ Gaussian(0, var = 1)
observe float[row]   ~ Gaussian(0, var = 1)
observe whole[row]   ~ Gaussian(0, var = 1)
observe count[row]   ~ Poisson(1)
observe share[row]   ~ Beta(1, 1)
observe truth[row]   ~ Bernoulli(0.5)
observe digit[row]   ~ Bernoulli(0.5)
observe written[row] ~ Gaussian(0, var = 1)
observe name[row]    ~ Categorical(p1)
observe number[row]  ~ Categorical(p2)
observe big[row]     ~ Categorical(p3)
observe yes[row]     ~ Categorical(p4)
observe x[row]       ~ Gaussian(0, var = 1) over part
";

const SCHEMA: &str = "optional double d; optional float f; optional int64 w; required int32 c (UINT_8); optional double p; \
    optional boolean b; optional int32 i; optional binary s (UTF8); optional int64 n; optional int64 u (UINT_64); \
    optional binary t (UTF8);";

/// Rows with blanks in every column but one, in the types of the schema.
fn typed(rows: usize) -> String {
    let mut r = Numbers::new(3);
    let mut csv = String::from("d,f,w,c,p,b,i,s,n,u,t\n");
    for n in 0..rows {
        let cells = [
            format!("{:e}", r.bell() * 10f64.powi(n as i32 % 40 - 20)),
            format!("{}", (r.bell() * 64.0).round() / 16.0),
            // beyond 2^53 a number is the nearest one, as the CSV says it
            format!(
                "{}",
                9_007_199_254_740_993 - (n as i64 % 7) * 1_000_000_000_000_001
            ),
            format!("{}", n % 250),
            format!("{}", r.draw()),
            format!("{}", n % 3 == 0),
            format!("{}", n % 2),
            ["red", "b\u{e9}b\u{e9}", "NA", " green", "?", "10"][n % 6].to_string(),
            format!("{}", 9_007_199_254_740_992 + n as i64 % 5),
            format!("{}", u64::MAX - n as u64 % 3),
            [" 1.5", "2e3", "NA", "-4"][n % 4].to_string(),
        ];
        let blank = |at: usize| at != 3 && (n + at).is_multiple_of(5);
        let cells = (cells.iter().enumerate()).map(|(at, c)| if blank(at) { "" } else { c });
        csv += &(cells.collect::<Vec<_>>().join(",") + "\n");
    }
    csv
}

fn read(model: &str, name: &str, bytes: Vec<u8>) -> Result<Dataset, String> {
    let source = SourceFile::new("m.pmod", model);
    let (model, _) = pmc::compile::model(&source, &Default::default()).expect("a model");
    let files = Files {
        main: Some(DataFile::held(name, bytes)),
        by_table: vec![],
    };
    bind(&model, &files).map(|b| b.dataset).map_err(|found| {
        let text = |d: &pmc::diag::Diagnostic| {
            format!(
                "{} {} {} {}\n",
                d.code.as_str(),
                d.title,
                d.notes.join("; "),
                d.help.join("; ")
            )
        };
        found.iter().map(text).collect()
    })
}

/// Columns as bits, so that blanks are equal.
fn bits(data: &Dataset) -> Vec<Vec<u64>> {
    let bits = |cells: &Cells| match cells {
        Cells::Numbers(v) => v.iter().map(|x| x.to_bits()).collect(),
        Cells::Elements(v) => v.iter().map(|x| u64::from(*x)).collect(),
    };
    data.columns.iter().map(bits).collect()
}

fn same(a: &Dataset, b: &Dataset, how: &str) {
    assert_eq!(a.plates, b.plates, "{how}");
    assert!(bits(a) == bits(b), "{how}");
    let missing = |d: &Dataset| {
        d.tables
            .iter()
            .map(|t| t.missing.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(missing(a), missing(b), "{how}");
}

#[test]
fn columns_of_all_types_read_as_those_of_the_csv() {
    let csv = typed(997);
    let from_csv = read(TYPES, "d.csv", csv.clone().into_bytes()).expect("a CSV");
    let codecs = [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::ZSTD(Default::default()),
        Compression::GZIP(Default::default()),
        Compression::LZ4_RAW,
    ];
    for codec in codecs {
        for (dictionary, version, group) in [
            (true, WriterVersion::PARQUET_1_0, 5000),
            (false, WriterVersion::PARQUET_1_0, 100),
            (true, WriterVersion::PARQUET_2_0, 997),
            (false, WriterVersion::PARQUET_2_0, 250),
        ] {
            let properties = WriterProperties::builder()
                .set_compression(codec)
                .set_dictionary_enabled(dictionary)
                .set_writer_version(version)
                .set_data_page_row_count_limit(64);
            let file = Written {
                schema: SCHEMA,
                group,
                properties,
            };
            let how = format!("{codec} {dictionary} {version:?} {group}");
            // the format is told from the bytes too
            let bytes = file.of(&csv);
            for name in ["d.parquet", "d"] {
                let read = read(TYPES, name, bytes.clone()).expect(&how);
                same(&read, &from_csv, &how);
                assert!(read.tables[0].lines.iter().eq(1..=997), "{how}");
            }
        }
    }
}

#[test]
fn dates_moments_and_decimals_are_texts_of_a_fixed_form() {
    let model = "model m\ndata step ordered by t within s { y : real\n day : label\n cost : real }\nparam p : simplex over day\n\
                 observe y[step] ~ Gaussian(cost, var = 1)\nobserve day[step] ~ Categorical(p)\n";
    let csv = "t,s,y,day,cost\n2024-02-29 10:00:00.5,a,1.25,2024-02-29,-0.05\n2024-02-29 09:00:00,a,-2,1969-12-31,12.00\n\
               2024-02-29 10:00:00,b,3,2024-02-29,0.10\n";
    let stored = "t,s,y,day,cost\n1709200800500,a,1.25,19782,-5\n1709197200000,a,-2,-1,1200\n1709200800000,b,3,19782,10\n";
    for cost in [
        "int32 cost (DECIMAL(9,2))",
        "int64 cost (DECIMAL(9,2))",
        "fixed_len_byte_array(8) cost (DECIMAL(9,2))",
    ] {
        let schema = format!(
            "required int64 t (TIMESTAMP(MILLIS,true)); required binary s (UTF8); required double y; \
             optional int32 day (DATE); optional {cost};"
        );
        let parquet = Written::new(&schema).of(stored);
        let parquet = read(model, "d.parquet", parquet).expect("Parquet");
        same(
            &parquet,
            &read(model, "d.csv", csv.into()).expect("CSV"),
            cost,
        );
        assert_eq!(parquet.tables[0].lines, [2, 1, 3]);
    }
}

const NUMBERS: &str = "required double a; required double b;";

/// A fit without its times, and without the digest of the file.
fn fitted(place: &Place, file: &str) -> serde_json::Value {
    let mut fit = timeless(&place.read(file));
    for table in fit["data"].as_object_mut().expect("tables").values_mut() {
        assert!(
            table
                .as_object_mut()
                .and_then(|t| t.remove("sha256"))
                .is_some()
        );
    }
    fit
}

fn mixture(rows: usize, group: usize) -> Place {
    let csv = two_clusters(rows);
    let place = Place::new(&[("m.pmod", MIXTURE), ("d.csv", &csv)]);
    let file = Written {
        group,
        ..Written::new(NUMBERS)
    };
    std::fs::write(place.path("d.parquet"), file.of(&csv)).expect("writes");
    place
}

#[test]
fn a_fit_is_that_from_the_csv_for_any_number_of_threads() {
    let place = mixture(30_000, 7_000);
    place.ok("fit m.pmod d.csv -o a.json");
    for threads in 1..=3 {
        place.ok(&format!(
            "fit m.pmod d.parquet -o b.json --threads {threads}"
        ));
        assert_eq!(fitted(&place, "a.json"), fitted(&place, "b.json"));
    }
    let fit = timeless(&place.read("b.json"));
    let bytes = std::fs::read(place.path("d.parquet")).expect("reads");
    assert_eq!(
        fit["data"]["row"]["sha256"],
        pmc::fit::learn::sha256(&bytes)
    );
    let scores = ["d.csv", "d.parquet"].map(|d| place.ok(&format!("score a.json {d}")));
    assert_eq!(scores[0], scores[1]);
    // rows of a CSV are named by their lines, of which the first is the header
    let [csv, parquet] = ["d.csv", "d.parquet"].map(|d| place.ok(&format!("predict a.json {d}")));
    for (n, (a, b)) in csv
        .lines()
        .zip(parquet.lines())
        .enumerate()
        .skip(1)
        .step_by(501)
    {
        let (a, b) = (a.split_once(','), b.split_once(','));
        let ((line, a), (row, b)) = (a.expect("cells"), b.expect("cells"));
        assert_eq!(
            (line, row, a),
            ((n + 1).to_string().as_str(), n.to_string().as_str(), b)
        );
    }
    let summaries = ["d.csv", "d.parquet"].map(|d| place.ok(&format!("check m.pmod {d}")));
    assert_eq!(summaries[0].replace("d.csv", "d.parquet"), summaries[1]);
}

#[test]
fn rows_from_disk_give_the_fit_in_memory() {
    let place = mixture(150_000, 40_000);
    let options = "--max-iter 6 --no-rewrite collapse";
    place.ok(&format!("fit m.pmod d.csv -o a.json {options}"));
    place.ok(&format!(
        "fit m.pmod d.parquet -o b.json {options} --memory 1kB"
    ));
    assert_eq!(fitted(&place, "a.json"), fitted(&place, "b.json"));
    // the second time the column file is read instead
    for _ in 0..2 {
        place.ok(&format!(
            "fit m.pmod d.parquet -o b.json {options} --memory 1kB --cache kept"
        ));
        assert_eq!(fitted(&place, "a.json"), fitted(&place, "b.json"));
        place.ok(&format!(
            "fit m.pmod d.parquet -o b.json {options} --cache kept"
        ));
        assert_eq!(fitted(&place, "a.json"), fitted(&place, "b.json"));
        assert_eq!(
            std::fs::read_dir(place.path("kept"))
                .expect("lists")
                .count(),
            1
        );
    }
}

#[test]
fn other_commands_take_it_too() {
    let place = mixture(60, 25);
    let start = r#"{"weight": [0.5, 0.5], "mu": [[0, 0], [9, 9]], "s": [1, 1]}"#;
    std::fs::write(place.path("i.json"), start).expect("writes");
    place.ok("verify m.pmod d.parquet");
    let drawn = place.ok("simulate m.pmod --data d.parquet --seed 3 --init i.json");
    let again = place.ok("simulate m.pmod --data d.csv --seed 3 --init i.json");
    assert_eq!(drawn, again);
    place.ok("fit m.pmod --data row=d.parquet -o f.json");
}

#[test]
fn what_is_wrong_is_named() {
    let y =
        "model m\ndata row { y : real }\nparam m : real\nobserve y[row] ~ Gaussian(m, var = 1)\n";
    let good = || Written::new("required double y;").of("y\n1\n2\n");
    let patched = || {
        // the compression of the column, behind its path in the description at the end: gzip made Brotli
        let properties =
            WriterProperties::builder().set_compression(Compression::GZIP(Default::default()));
        let file = Written {
            properties,
            ..Written::new("required double y;")
        };
        let mut bytes = file.of("y\n1\n2\n");
        let path = b"\x19\x18\x01y\x15\x04";
        let at = bytes
            .windows(path.len())
            .rposition(|w| w == path)
            .expect("the codec")
            + 5;
        bytes[at] = 8;
        bytes
    };
    let list = "optional group y (LIST) { repeated group list { optional double element; } }";
    for (bytes, expected) in [
        (
            b"y\n1\n2\n".to_vec(),
            "E0716 data file is not a Parquet file",
        ),
        (
            good()[..good().len() - 9].to_vec(),
            "E0716 Parquet file is cut off",
        ),
        (vec![], "E0709 data file is empty"),
        (
            Written::new("required double y;").of("y\n"),
            "E0709 data file has no rows",
        ),
        (
            Written::new("required double x;").of("x\n1\n"),
            "E0702 data file has no column `y`",
        ),
        (
            Written::new("optional binary y (UTF8);").of("y\n1\nmany\n"),
            "E0703 `many` in `y` is not of type real d.parquet, row 2, column `y`: `many`",
        ),
        (
            Written::new("required double y;").of("y\n1\ninf\n"),
            "E0703 `inf` in `y`",
        ),
        (
            Written::new("required boolean y;").of("y\ntrue\n"),
            "E0703 `true` in `y`",
        ),
        (Written::new(list).of("y\n1\n"), "E0716 `y` holds lists"),
        (
            Written::new("required int32 y (TIME_MILLIS);").of("y\n1\n"),
            "E0716 `y` holds times of day",
        ),
        (
            Written::new("required int32 y (DATE);").of("y\n2147483647\n"),
            "E0716 Parquet file is damaged d.parquet: a date is not in the years",
        ),
        (patched(), "E0716 Brotli compression is not read"),
    ] {
        let found = read(y, "d.parquet", bytes).expect_err(expected);
        assert!(found.starts_with(expected), "{found}");
    }
    // NaN is blank, as in a CSV, where blanks may be
    let nan = Written::new("required double y;").of("y\n1\nNaN\n");
    let read_nan = read(y, "d.parquet", nan).expect("a blank");
    same(
        &read_nan,
        &read(y, "d.csv", "y\n1\nNaN\n".into()).expect("a blank"),
        "NaN",
    );
    // what no column of the model needs may be of any type
    let schema = format!("required double y; {}", list.replace(" y ", " z "));
    let beside = Written::new(&schema);
    read(y, "d.parquet", beside.of("y,z\n1,2\n")).expect("reads y");
    let place = Place::new(&[("m.pmod", y)]);
    std::fs::write(place.path("d.parquet"), &good()[..20]).expect("writes");
    let out = place.run("fit m.pmod d.parquet");
    assert_eq!(out.status.code(), Some(1));
    assert!(err(&out).contains("error[E0716]"), "{}", err(&out));
}

#[test]
fn damaged_bytes_are_an_error_or_other_values() {
    let csv = typed(40);
    let whole = read(TYPES, "d.csv", csv.clone().into_bytes()).expect("a CSV");
    for (codec, dictionary) in [
        (Compression::SNAPPY, true),
        (Compression::UNCOMPRESSED, false),
    ] {
        let file = Written {
            group: 25,
            properties: WriterProperties::builder()
                .set_compression(codec)
                .set_dictionary_enabled(dictionary)
                .set_statistics_enabled(EnabledStatistics::None),
            ..Written::new(SCHEMA)
        };
        let bytes = file.of(&csv);
        for end in (0..bytes.len()).step_by(3) {
            read(TYPES, "d.parquet", bytes[..end].to_vec()).expect_err("cut off");
        }
        let mut draw = Numbers::new(11);
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << ((draw.draw() * 8.0) as u32);
            if let Ok(data) = read(TYPES, "d.parquet", damaged) {
                assert_eq!(data.tables[0].rows, 40, "byte {at}");
                let shapes = data.columns.iter().zip(&whole.columns);
                for (a, b) in shapes {
                    match (a, b) {
                        (Cells::Numbers(a), Cells::Numbers(b)) => assert_eq!(a.shape(), b.shape()),
                        (Cells::Elements(a), Cells::Elements(b)) => {
                            assert_eq!(a.shape(), b.shape())
                        }
                        _ => panic!("another type"),
                    }
                }
            }
        }
    }
}
