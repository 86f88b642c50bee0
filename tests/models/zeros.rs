//! Probabilities of exactly 0 and 1: defined results, never NaN.

use serde_json::json;

use crate::fixture::{Table, data, elements, exactly, fit, labels, model, try_fit};

/// A start that gives each class its own rows leaves symbols that a class never shows.
#[test]
fn symbol_never_seen_in_a_class() {
    let csv = b"q_1,q_2\nagree,agree\nagree,agree\nagree,unsure\ndisagree,disagree\ndisagree,disagree\n,disagree\n".to_vec();
    let text = model("latent_class").replace("const K = 3", "const K = 2");
    let init = json!({"z": {"label": [0, 0, 0, 1, 1, 1]}});
    let f = fit(&text, csv, Some(init), &exactly(20));
    f.assert_finite("latent_class");
    let p: Vec<f64> = f.get("p", "value").iter().copied().collect();
    assert!(p.contains(&0.0) && p.contains(&1.0), "{p:?}");
    // Each class is certain of itself: 3 of 6 rows each; q_2 splits 2 to 1 in the first class.
    let want = 6.0 * 0.5f64.ln() + 2.0 * (2.0f64 / 3.0).ln() + (1.0f64 / 3.0).ln();
    assert!(
        (f.last() - want).abs() < 1e-12,
        "{} instead of {want}",
        f.last()
    );
}

fn plsa_start(zero: bool) -> (serde_json::Value, usize) {
    let t = Table::read(&data("plsa"));
    let docs = labels(&t.column("doc"));
    let words = labels(&t.column("word"));
    let theta: Vec<Vec<f64>> = (0..4)
        .map(|k| {
            let v: Vec<f64> = (0..words.len())
                .map(|w| {
                    if zero && w % 4 != k && w % 3 == 0 {
                        0.0
                    } else {
                        1.0 + (w % 7) as f64
                    }
                })
                .collect();
            let s: f64 = v.iter().sum();
            v.iter().map(|x| x / s).collect()
        })
        .collect();
    let pi: Vec<[f64; 4]> = (0..docs.len())
        .map(|d| {
            if d % 23 == 0 {
                [0.0, 0.4, 0.3, 0.3]
            } else {
                [0.4, 0.3, 0.2, 0.1]
            }
        })
        .collect();
    (json!({"theta": theta, "pi": pi}), words.len())
}

#[test]
fn topics_with_words_of_probability_zero() {
    let (init, _) = plsa_start(true);
    let t = Table::read(&data("plsa"));
    let (docs, words) = (t.column("doc"), t.column("word"));
    let (dl, wl) = (labels(&docs), labels(&words));
    let (d, w) = (elements(&docs, &dl), elements(&words, &wl));
    let count = t.numbers(&["count"]);
    let mut theta: Vec<Vec<f64>> = serde_json::from_value(init["theta"].clone()).expect("numbers");
    let mut pi: Vec<Vec<f64>> = serde_json::from_value(init["pi"].clone()).expect("numbers");
    // Impossible rows would be an error: words at 0 in all topics of a document are taken out.
    let possible: Vec<usize> = (0..t.rows.len())
        .filter(|n| {
            let (d, w) = (d[*n].expect("a label"), w[*n].expect("a label"));
            (0..4).any(|k| pi[d][k] * theta[k][w] > 0.0)
        })
        .collect();
    assert!(possible.len() < t.rows.len());
    let kept = Table {
        header: t.header.clone(),
        rows: possible.iter().map(|n| t.rows[*n].clone()).collect(),
    };
    assert_eq!(
        labels(&kept.column("word")).len(),
        wl.len(),
        "all words remain"
    );
    let f = fit(
        &model("plsa"),
        kept.bytes(),
        Some(init.clone()),
        &exactly(5),
    );
    f.assert_finite("plsa");
    // The same five iterations by loops.
    let mut want = vec![];
    loop {
        let mut l = 0.0;
        let mut a = vec![vec![0.0; wl.len()]; 4];
        let mut b = vec![[0.0; 4]; dl.len()];
        for n in &possible {
            let (d, w, c) = (
                d[*n].expect("a label"),
                w[*n].expect("a label"),
                count[*n][0],
            );
            let p: Vec<f64> = (0..4).map(|k| pi[d][k] * theta[k][w]).collect();
            let s: f64 = p.iter().sum();
            l += c * s.ln();
            for k in 0..4 {
                a[k][w] += c * p[k] / s;
                b[d][k] += c * p[k] / s;
            }
        }
        want.push(l);
        if want.len() == 6 {
            break;
        }
        for k in 0..4 {
            let s: f64 = a[k].iter().sum();
            theta[k] = a[k].iter().map(|x| x / s).collect();
        }
        for (p, b) in pi.iter_mut().zip(&b) {
            let s: f64 = b.iter().sum();
            *p = b.iter().map(|x| x / s).collect();
        }
    }
    crate::fixture::same_trace("plsa", &f.outcome.trace, &want, 1e-10);
    for (x, y) in f.get("theta", "value").iter().zip(theta.iter().flatten()) {
        assert!((x - y).abs() < 1e-12);
        assert_eq!(*x == 0.0, *y == 0.0, "zero stays zero");
    }
    // With the impossible rows in: a diagnostic.
    let options = pmc::check::Options::default();
    let e = try_fit(
        &model("plsa"),
        &options,
        data("plsa"),
        Some(init),
        &exactly(5),
    );
    let e = e.map(|f| f.last()).expect_err("rows of probability 0");
    assert_eq!(e[0].code.as_str(), "E0710", "{e:?}");
}

/// A coin that never shows tails; a class that all rows share.
#[test]
fn certainties() {
    let text =
        "data toss { heads : binary }\nparam p : probability\nobserve heads[toss] ~ Bernoulli(p)";
    let f = fit(text, b"heads\n1\n1\n1\n".to_vec(), None, &exactly(3));
    f.assert_finite("coin");
    assert_eq!(f.get("p", "value").first(), Some(&1.0));
    assert_eq!(f.last(), 0.0);
    let f = fit(
        &model("latent_class"),
        b"q_1,q_2\nagree,agree\nagree,agree\n".to_vec(),
        None,
        &exactly(30),
    );
    f.assert_finite("one answer");
    assert!(f.last().abs() < 1e-12, "{}", f.last());
}
