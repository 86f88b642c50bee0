use super::*;
use crate::diag::render_plain;
use crate::syntax::parser::tests::zoo;

fn formatted(text: &str) -> String {
    let source = SourceFile::new("case.pmod", text);
    match format(&source) {
        Ok(text) => text,
        Err(found) => panic!("{text}\n{}", render_plain(&found, &source)),
    }
}

/// Formatting keeps the tree and the comments, and a second time changes nothing.
fn check_faithful(text: &str) -> String {
    let before = SourceFile::new("case.pmod", text);
    let after = SourceFile::new("case.pmod", formatted(text));
    let tree = |source: &SourceFile| match parse(source) {
        Ok(file) => print_ast(&file),
        Err(found) => panic!("{}", render_plain(&found, source)),
    };
    assert_eq!(tree(&before), tree(&after), "{text}\n->\n{}", after.text);
    let comments = |source: &SourceFile| -> Vec<String> {
        let (tokens, _) = tokenize(source);
        let comments = tokens.iter().filter(|t| t.kind == TokenKind::Comment);
        comments
            .map(|t| source.slice(t.span).trim_end().to_string())
            .collect()
    };
    assert_eq!(comments(&before), comments(&after), "{text}");
    assert_eq!(formatted(&after.text), after.text, "formatted twice");
    after.text
}

#[test]
fn all_example_models_keep_their_meaning() {
    for source in zoo() {
        check_faithful(&source.text);
    }
}

/// Any blank of a model may become a line break or a comment, and any line break a blank, without changing its tree.
#[test]
fn layout_means_nothing() {
    for source in zoo() {
        let (tokens, _) = tokenize(&source);
        for filler in [
            "\n",
            "\n\n\n",
            " // remark\n",
            "\n  // remark\n",
            "\n\n// a\n\n// b\n\n",
            "\t",
        ] {
            let is_first = |idx: usize| idx == 0 || idx + 1 == tokens.len();
            let text: String = tokens
                .iter()
                .enumerate()
                .map(|(idx, token)| match token.kind {
                    TokenKind::Comment => "",
                    TokenKind::Blank if !is_first(idx) => filler,
                    _ => source.slice(token.span),
                })
                .collect();
            check_faithful(&text);
        }
    }
}

#[test]
fn the_house_layout() {
    let before = "

// head
model   m   // the model



const K=2 const  alpha = 1e-6
const p[a,b]over c=[[0.5,-0.5],
   [1, 2*(3-4)], // row
   [-x^2, 2^-1] ]
data d ordered by t,u within s every a<b{ x:real else -1,y [ f ]:label of q=\"a b\" , z : count = listed }
data e {
// first

  x : real // c1
  long_name : count = (a,\"b c\",d)   // c2


  y : real = rest
      // last
} plate q{a,\"b c\",3}
plate big { a,
  b }
let y[i in d]=sum(W[ i - 1,z[ j ]]*h over a,k in b)-(3+ -x)/2^3^2 - identity[a]
latent h[d]:binary
latent z[d,q]~Gaussian ( 0,var=-1 )over j in q first Gaussian(0,var=1) , symmetric,unit norm over q as dirac
observe v ~ case w {
 0: Poisson(0) // zero

 1: case u { x: Poisson(1)  y: Beta(1,1) } }

potential[a] x*y - z
potential[a,b]-x*y
potential (a+b)*c
infer{joint a,b order z , pi factorise h over atom,b}
observe x[d] ~ // why
  Gaussian(0,
   var = 1)
// end";
    let after = "\
// head
model m     // the model

const K              = 2
const alpha          = 1e-6
const p[a, b] over c = [[0.5, -0.5],
  [1, 2 * (3 - 4)],  // row
  [-x^2, 2^-1]]
data d ordered by t, u within s every a < b { x : real else -1   y[f] : label of q = \"a b\"   z : count = listed }
data e {
  // first

  x         : real  // c1
  long_name : count = (a, \"b c\", d) // c2

  y : real = rest
  // last
}
plate q   { a, \"b c\", 3 }
plate big { a,
  b }
let     y[i in d] = sum(W[i-1, z[j]] * h over a, k in b) - (3 + -x) / 2^3^2 - identity[a]
latent  h[d]    : binary
latent  z[d, q] ~ Gaussian(0, var = -1) over j in q first Gaussian(0, var = 1), symmetric, unit norm over q as dirac
observe v       ~ case w {
  0: Poisson(0)  // zero

  1: case u { x: Poisson(1)   y: Beta(1, 1) }
}

potential[a]    x * y - z
potential[a, b] -x * y
potential       (a + b) * c
infer { joint a, b   order z, pi   factorise h over atom, b }
observe x[d] ~ // why
  Gaussian(0, var = 1)
// end
";
    let got = check_faithful(before);
    assert_eq!(got, after, "\n{got}");
}

#[test]
fn a_long_statement_keeps_its_breaks_and_a_short_one_does_not() {
    let short = "latent z ~ Gaussian(0,\n  var = 1)\n";
    assert_eq!(formatted(short), "latent z ~ Gaussian(0, var = 1)\n");
    let name = "a_rather_long_name".repeat(6);
    let long = format!("latent z ~ Gaussian({name},\n    var = 1)\n");
    assert_eq!(
        formatted(&long),
        format!("latent z ~ Gaussian({name},\n  var = 1)\n")
    );
}

#[test]
fn runs_end_at_blank_lines_and_comments() {
    let text = "param a : real\nlatent long[x] ~ Beta(1, 1)\n\nparam b : real\n// c\nparam cc : real\nparam d : real\n";
    let expected = "param  a       : real\nlatent long[x] ~ Beta(1, 1)\n\nparam b : real\n// c\nparam cc : real\nparam d  : real\n";
    assert_eq!(formatted(text), expected);
}

#[test]
fn an_empty_file_stays_empty() {
    assert_eq!(formatted(""), "");
    assert_eq!(formatted(" \n\n"), "");
    assert_eq!(formatted("\n// only a remark"), "// only a remark\n");
}

#[test]
fn tokens_are_listed_with_place_and_kind() {
    let source = SourceFile::new("m.pmod", "const K = 1. // two\n\"x");
    let expected = "1:1     word     const\n1:7     word     K\n1:9     mark     =\n1:11    E0102    1.\n1:14    comment  // two\n2:1     E0103    \"x\n";
    assert_eq!(print_tokens(&source), expected);
}

#[test]
fn operators_bind_as_the_language_says() {
    let tree = |text: &str| {
        let source = SourceFile::new("m.pmod", format!("let y = {text}"));
        let printed = print_ast(&parse(&source).unwrap());
        printed.lines().nth(1).unwrap().trim().to_string()
    };
    assert_eq!(tree("-x^2"), "(negate (power x 2.0))");
    assert_eq!(tree("2^3^2"), "(power 2.0 (power 3.0 2.0))");
    assert_eq!(tree("2^-1"), "(power 2.0 (negate 1.0))");
    assert_eq!(tree("2^-x^2"), "(power 2.0 (negate (power x 2.0)))");
    assert_eq!(tree("a - b - c"), "(subtract (subtract a b) c)");
    assert_eq!(
        tree("a / b / c * d"),
        "(multiply (divide (divide a b) c) d)"
    );
    assert_eq!(
        tree("a - b * -c + d"),
        "(add (subtract a (multiply b (negate c))) d)"
    );
    assert_eq!(tree("--x"), "(negate (negate x))");
    assert_eq!(tree("(a + b) * c"), "(multiply [(add a b)] c)");
    assert_eq!(
        tree("sum(W[i-1, z[j]] * h over a, k in b)"),
        "(sum (multiply W[i-1, z[j]] h) over a, k in b)"
    );
}
