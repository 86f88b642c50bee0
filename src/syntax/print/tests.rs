use super::*;

fn formatted(text: &str) -> String {
    let source = SourceFile::new("case.pmod", text);
    format(&source)
        .unwrap_or_else(|found| panic!("{text}\n{}", crate::diag::render_plain(&found, &source)))
}

/// Formatting keeps the tree and the comments, and a second time changes nothing.
fn check_faithful(text: &str) -> String {
    let before = SourceFile::new("case.pmod", text);
    let after = SourceFile::new("case.pmod", formatted(text));
    let tree =
        |s: &SourceFile| print_ast(&parse(s).unwrap_or_else(|e| panic!("{}\n{e:#?}", s.text)));
    assert_eq!(tree(&before), tree(&after), "{text}\n->\n{}", after.text);
    let comments = |s: &SourceFile| {
        let (tokens, _) = tokenize(s);
        let comments = tokens.into_iter().filter(|t| t.kind == TokenKind::Comment);
        comments
            .map(|t| s.slice(t.span).trim_end().to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(comments(&before), comments(&after), "{text}");
    assert_eq!(formatted(&after.text), after.text, "second time");
    after.text
}

#[test]
fn show_zoo() {
    for source in crate::syntax::parser::tests::zoo() {
        let text = check_faithful(&source.text);
        if text != source.text && std::env::var_os("PMC_SHOW").is_some() {
            std::fs::write(format!("/tmp/fmt/{}", source.name), &text).unwrap();
        }
    }
}
