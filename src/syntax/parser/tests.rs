use std::path::PathBuf;

use super::*;

/// The models of this repository, and the example models where they are at hand.
pub(crate) fn zoo() -> Vec<SourceFile> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let shared =
        std::env::var_os("PMC_SHARED").map_or_else(|| root.join("../shared"), PathBuf::from);
    let list = |folder: PathBuf| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).collect()
    };
    let mut paths = list(shared.join("zoo"));
    if paths.is_empty() {
        println!("no example models here: set PMC_SHARED");
    }
    paths.extend(list(root.join("models")).into_iter().flat_map(list));
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

/// Codes and spans of a text whose expected spans are marked `«CODE:` ... `»`.
fn check(marked: &str) {
    let mut text = String::new();
    let mut expected: Vec<(String, Span)> = Vec::new();
    let mut open: Vec<(String, usize)> = Vec::new();
    let mut rest = marked;
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("«") {
            let (code, after) = after.split_once(':').unwrap();
            open.push((code.to_string(), text.len()));
            rest = after;
        } else if let Some(after) = rest.strip_prefix("»") {
            let (code, start) = open.pop().unwrap();
            expected.push((code, Span::new(start, text.len())));
            rest = after;
        } else {
            text.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    let source = SourceFile::new("case.pmod", text);
    let found = parse(&source).err().unwrap_or_default();
    if std::env::var_os("PMC_SHOW").is_some() {
        println!("{}", crate::diag::render_plain(&found, &source));
    }
    let got: Vec<(String, Span)> = found
        .iter()
        .map(|d| {
            (
                d.code.as_str().to_string(),
                d.primary.as_ref().unwrap().span,
            )
        })
        .collect();
    expected.sort_by_key(|(_, span)| span.start);
    assert_eq!(
        got,
        expected,
        "\n{marked}\n{}",
        crate::diag::render_plain(&found, &source)
    );
    for d in &found {
        assert!(d.title.chars().count() <= 60, "{}", d.title);
        assert!(
            !d.title.ends_with('.') && !d.title.contains(" you"),
            "{}",
            d.title
        );
    }
}

#[test]
fn expected_and_found() {
    check("«E0201:laten» z ~ Gaussian(0, var = 1)");
    check("const K = 2 «E0201:3»\nplate a(K)");
    check("const K = «E0201:plate» a(3)");
    check("const K =\n«E0201:plate» a(3)");
    check("model m\nconst K = 2\n«E0201:latnt» z ~ Gaussian(0, var = 1)");
    check("const K «E0201::» 2");
    check("param x «E0201:=» 2");
    check("param x : «E0201:over» a");
    check("observe x[a] «E0201::» real");
    check("latent x ~ Gaussian(0 «E0201:var» = 1)");
    check("latent x ~ Gaussian(0, var =«E0201:=» 1)");
    check("let y = a *«E0201:*» 2");
    check("let y = max(a«E0201:,» b)");
    check("let y = 2 «E0201:a»");
    check("let y = (a + b)«E0201:)»");
    check("let y = [1, 2, «E0201:]»");
    check("param W[a, b] : real «E0201:unit» norm over a");
    check("param W[a, b] : real,«E0201:»");
    check("plate a «E0201:3»");
    check("plate a { x «E0201:y» }");
    check("plate«E0201:»");
    check("«E0201:x»");
    check("data d { x «E0201:real» }");
    check("data d { x : real = «E0201:3» }");
    check("data d { x : real else «E0201:no» }");
    check("infer { joint «E0201:}»");
    check("latent x ~ case z { a: Gaussian(0, var = 1)«E0201:,» b: Gaussian(1, var = 1) }");
    check("latent x[«E0201:2»] ~ Gaussian(0, var = 1)");
    check("latent x «E0201:<»- Gaussian(0, var = 1)");
    check("latent x ~ «E0201:3»");
    check("let y = sum(«E0201:over» a)");
    check("let y = x[«E0201:]»");
}

#[test]
fn lexical_errors_come_out_together() {
    check(
        "const a = «E0102:1.»\nconst b = «E0102:.5»\nconst c = «E0102:1e»\nconst d = 2 «E0101:;» const e = 1",
    );
    check("const a = «E0102:2x» * 3\nconst b = «E0102:1.2.3»\nconst c = «E0102:1e-»");
    check("const a = «E0104:1e999»\nconst b = «E0104:1e-999»\nconst c = 0e-999");
    check("data d { x : real = «E0103:\"abc }»\n y : real }");
    check("plate p { «E0101:'very rainy'» }\nconst µ = 1 «E0101:§§»");
    check("const a = 2 «E0101:−» 1\ndata d every a «E0101:>» b { x : real }");
    // the rest of the file is read all the same
    check("const a = «E0102:1.»\nlatent z «E0201:=» 3");
}

#[test]
fn bytes_that_are_no_text() {
    let (source, found) = crate::syntax::decode("m.pmod", b"model m\nconst k\xe9 = 1");
    assert_eq!(source.text, "model m\nconst k\u{fffd} = 1");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].code, Code::E0105);
    assert_eq!(found[0].primary.as_ref().unwrap().span, Span::new(15, 18));
    let (source, found) = crate::syntax::decode("m.pmod", "\u{feff}model é".as_bytes());
    assert_eq!((source.text.as_str(), found.len()), ("model é", 0));
}

#[test]
fn reserved_words_as_names() {
    check("const «E0202:data» = 3");
    check("const «E0202:first» = 3\nconst b = 1");
    check("plate «E0202:in»(3)");
    check("latent «E0202:Beta» ~ Gaussian(0, var = 1)");
    check(
        "data d {\n  «E0202:model» : label\n  «E0202:Gamma» : real\n  y «E0201:=» real\n}\nplate a«E0201:»",
    );
    check("let y = a * «E0202:data» + 1\nconst b = 2");
    check("let y = «E0202:Gaussian»(0, 1)");
    check("data d { x : real = «E0201:y» }");
    check("latent x[a] ~ Gaussian(«E0202:Beta», var = 1)");
    check("plate a { x, «E0202:over» }");
    check("observe «E0202:data»[row] ~ Gaussian(0, var = 1)");
    check("model «E0202:plate»\nconst K = 2");
    check("infer { joint a, «E0202:let» }");
    check("data d { x : real = «E0202:plate» }");
    check("observe x ~ case z { «E0202:in»: Beta(1, 1)  out: Beta(2, 2) }");
    let help = |text: &str| parse(&SourceFile::new("m.pmod", text)).unwrap_err()[0].help[0].clone();
    assert_eq!(
        help("plate a { in }"),
        "write it in quotes, `\"in\"`, or use another name"
    );
    assert_eq!(
        help("data d { x : real = plate }"),
        "write it in quotes, `\"plate\"`, or use another name"
    );
    assert_eq!(
        help("data d { first : real }"),
        "name the column `first_` and read it by `first_ : TYPE = \"first\"`"
    );
    assert_eq!(help("const in = 1"), "use another name, for example `in_`");
    // a forgotten name is not a reserved one
    check("const\n«E0201:latent» z ~ Gaussian(0, var = 1)");
}

#[test]
fn brackets_not_closed() {
    check("latent z[row «E0203:~» Gaussian(0, var = 1)");
    check("latent z ~ Gaussian(0, var = 1«E0203:»");
    check("data d { x : real\n«E0203:plate» topic(3)");
    check("let y = sum(x[i«E0203:)» + 1");
    check("let y = (a + (b + c)«E0203:»");
    check("plate a { b, c «E0203:const» K = 2");
    check("observe x ~ case z { a: Gaussian(0, var = 1)«E0203:»");
    let source = SourceFile::new("case.pmod", "let y = (a + (b + c)");
    let found = parse(&source).unwrap_err();
    assert_eq!(found[0].secondary[0].span, Span::new(8, 9));
}

#[test]
fn positional_after_named() {
    check("latent x ~ Gaussian(var = 1, «E0204:0»)");
    check("latent x ~ Gamma(shape = 1, «E0204:a + b», rate = 2, «E0204:f(x)»)");
}

#[test]
fn clauses_out_of_order() {
    check("data d ordered within s «E0205:by» t { x : real }");
    check("data d every a, b «E0205:ordered» by t { x : real }");
    check("latent x ~ Gaussian(0, var = 1) as dirac«E0205:,» symmetric");
    check("latent x ~ Gaussian(0, var = 1) as dirac «E0205:first» Gaussian(0, var = 1)");
    check("latent x ~ Gaussian(0, var = 1), symmetric «E0205:first» Gaussian(0, var = 1)");
    check("data d { x : real else 0 «E0205:=» \"y\" }");
    check("data d { x : label = \"y\" «E0205:of» node }\nconst a = «E0102:1.»");
    check("data d { x : label of node = \"y\"  z : label else 0 «E0205:of» node }");
    check("const p over weather«E0205:[»season] = 3");
    check("const p[season] = [1, 2] «E0205:over» weather");
    check("latent x ~ Gaussian(0, var = 1)«E0205:[»row]");
}

#[test]
fn indices_are_names() {
    check(
        "let y[i in a] = x[«E0206:i+1»] + x[«E0206:2»] + x[«E0206:i-k»] + x[i-2] + x[z[«E0206:2*i»]]",
    );
    check(
        "let y[i in a] = x[«E0206:-1», i] + x[«E0206:(i)»] + x[«E0206:i-1-1»] + x[«E0206:i - 0»]",
    );
    check("let y[i in a] = x[«E0206:i - 1.0»] + x[«E0206:i-99999999999»]");
}

#[test]
fn unknown_words_of_the_language() {
    check("param x : «E0207:reel»\ndata d { x : «E0207:string»  y : «E0207:cuont» }");
    check("param x : real, «E0207:unit nrom» over a, «E0207:symetric», «E0207:sorted» over b");
    check("infer { «E0207:jiont» a, b  order c  «E0207:freeze» d }");
    check("latent x ~ Gaussian(0, var = 1) as «E0207:point»");
    check("param x : real, unit norm«E0201:»");
    check("param x : real, «E0201:symmetric over a»");
    let source = SourceFile::new("case.pmod", "param x : reel");
    let found = parse(&source).unwrap_err();
    assert_eq!(found[0].help, ["did you mean `real`?"]);
}

#[test]
fn model_once_and_first() {
    check("const K = 2\n«E0208:model m»");
    check("model a\nconst K = 2\n«E0208:model b»");
}

#[test]
fn nesting_is_bounded() {
    let deep = |n: usize, open: &str, close: &str| {
        let text = format!("let y = {}x{}", open.repeat(n), close.repeat(n));
        parse(&SourceFile::new("case.pmod", text))
    };
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("f(", ")"),
        ("-", ""),
        ("x[", "]"),
        ("2^", ""),
        ("(-", ")"),
    ] {
        let n = if open == "(-" { 32 } else { 64 };
        assert!(deep(n, open, close).is_ok(), "{open}");
        for n in [65, 1000, 100_000] {
            let found = deep(n, open, close).unwrap_err();
            assert_eq!(found.len(), 1, "{open} {n}");
            assert_eq!(found[0].code, Code::E0209);
        }
    }
    for operator in ["+", "*", "- 2 *", "/", "+ x ^ 2 +"] {
        let chain = |n: usize| {
            let text = format!("let y = {}x", format!("x {operator} ").repeat(n));
            parse(&SourceFile::new("case.pmod", text))
        };
        assert!(chain(100).is_ok(), "{operator}");
        assert_eq!(
            chain(100_000).unwrap_err()[0].code,
            Code::E0209,
            "{operator}"
        );
    }
    let place = "let y = ".len() + 64;
    let found = deep(70, "(", ")").unwrap_err();
    assert_eq!(
        found[0].primary.as_ref().unwrap().span,
        Span::new(place, place + 1)
    );
}

#[test]
fn tokens_tile_the_text_and_terminals_are_whole_tokens() {
    fn leaves(pair: pest::iterators::Pair<Rule>, out: &mut Vec<(usize, usize)>) {
        let (start, end) = (pair.as_span().start(), pair.as_span().end());
        let mut inner = pair.into_inner().peekable();
        if inner.peek().is_none() && start < end {
            out.push((start, end));
        }
        inner.for_each(|p| leaves(p, out));
    }
    for source in zoo() {
        let (tokens, found) = tokenize(&source);
        assert!(found.is_empty());
        let mut at = 0;
        for token in &tokens {
            assert_eq!(token.span.start, at, "{}", source.name);
            assert!(token.span.end > at);
            at = token.span.end;
        }
        assert_eq!(at, source.text.len());

        let mut terminals = Vec::new();
        let pairs = Grammar::parse(Rule::file, &source.text).unwrap();
        pairs.for_each(|p| leaves(p, &mut terminals));
        let significant: Vec<(usize, usize)> = tokens
            .iter()
            .filter(|t| !t.kind.is_trivia())
            .map(|t| (t.span.start, t.span.end))
            .collect();
        assert_eq!(terminals, significant, "{}", source.name);
    }
}

#[test]
fn the_grammar_and_the_tokens_reserve_the_same_words() {
    let grammar = include_str!("../../../grammar/pmod.pest");
    let words = |rule: &str| -> Vec<&str> {
        let (_, body) = grammar.split_once(&format!("\n{rule} = _{{")).unwrap();
        let (body, _) = body.split_once('}').unwrap();
        body.split('"').skip(1).step_by(2).collect()
    };
    let mut keywords = words("keyword");
    let mut known = [
        crate::syntax::STATEMENT_WORDS.as_slice(),
        crate::syntax::CLAUSE_WORDS.as_slice(),
    ]
    .concat();
    keywords.sort_unstable();
    known.sort_unstable();
    assert_eq!(keywords, known);
    assert_eq!(words("distribution_word"), crate::syntax::DISTRIBUTIONS);
    for word in keywords.into_iter().chain(words("distribution_word")) {
        assert!(Grammar::parse(Rule::name, word).is_err(), "{word}");
        assert!(
            Grammar::parse(Rule::name, &format!("{word}x")).is_ok(),
            "{word}"
        );
    }
}

#[test]
fn words_of_a_place_are_names_elsewhere() {
    let text = "model weight\n\
        data of { of : label  else : real  by : count  rest : real = rest  listed : binary = listed }\n\
        latent mean[of] ~ Gaussian(sum, var = var, sd = unit)\n\
        param symmetric : real over every, symmetric\n\
        let joint = sum(sum[real] over within)\n\
        infer { joint joint, order order order factorise factorise }";
    let file = parse(&SourceFile::new("m.pmod", text)).unwrap();
    assert_eq!(file.statements.len(), 6);
}

#[test]
fn names_are_normalised_and_places_are_bytes() {
    let text = "const e\u{301}tat = 1 // µ\nconst 日本_2 = é\u{301}";
    let file = parse(&SourceFile::new("m.pmod", text)).unwrap();
    let names: Vec<(String, Span)> = file
        .statements
        .iter()
        .filter_map(|s| match &s.kind {
            StatementKind::Definition(d) => Some((d.name.text.clone(), d.name.span)),
            _ => None,
        })
        .collect();
    assert_eq!(names[0], ("\u{e9}tat".to_string(), Span::new(6, 12)));
    let start = text.find('日').unwrap();
    assert_eq!(
        names[1],
        ("日本_2".to_string(), Span::new(start, start + 8))
    );
    assert_eq!(
        file.statements[0].span,
        Span::new(0, text.find(" //").unwrap())
    );
}

/// Reads, formats and renders whatever comes; only that it returns matters, and that findings lie in the file.
fn survives(text: &str) {
    let source = SourceFile::new("broken.pmod", text);
    if let Err(found) = parse(&source) {
        assert!(!found.is_empty());
        for d in &found {
            let place = d.primary.as_ref().unwrap().span;
            assert!(place.start <= place.end && place.end <= text.len(), "{d:?}");
            assert!(d.title.chars().count() <= 60, "{}", d.title);
        }
        let shown = crate::diag::render_plain(&found, &source);
        assert_eq!(shown.matches("broken.pmod").count(), found.len(), "{shown}");
    } else {
        crate::syntax::format(&source).unwrap();
    }
}

#[test]
fn broken_files_are_answered() {
    for source in zoo() {
        for (at, c) in source.text.char_indices() {
            survives(&source.text[..at]);
            let rest = &source.text[at + c.len_utf8()..];
            survives(&format!("{}{rest}", &source.text[..at]));
        }
    }
}

#[test]
fn files_of_shuffled_tokens_are_answered() {
    let mut state = 1_u64;
    let mut random = |n: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    };
    let words = [
        "model",
        "const",
        "data",
        "plate",
        "let",
        "param",
        "latent",
        "observe",
        "potential",
        "infer",
        "over",
        "in",
        "as",
        "first",
        "case",
        "identity",
        "Gaussian",
        "Beta",
        "real",
        "x",
        "y[",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "~",
        "=",
        "!=",
        "<",
        "+",
        "-",
        "*",
        "/",
        "^",
        "1",
        "2.5",
        "1.",
        "\"a\"",
        "\"",
        "'",
        "é",
        "\u{2028}",
        "//c\n",
        "\n",
        "of",
        "else",
        "by",
        "within",
        "every",
        "ordered",
        "unit norm",
        "joint",
        "sum(",
        "\u{301}",
        "\r",
    ];
    for _ in 0..4000 {
        let n = random(30);
        let text: Vec<&str> = (0..n).map(|_| words[random(words.len())]).collect();
        survives(&text.join(" "));
    }
}
