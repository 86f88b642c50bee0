//! Independence where statements hold functions of sums, or auxiliaries: what stands in one sum is joined, and nothing else.

use pmc::check;
use pmc::compile;
use pmc::graph::why::{Question, why};
use pmc::source::SourceFile;

/// The answer of `pmc explain --why a b`.
fn answer(model: &str, names: [&str; 2]) -> String {
    let source = SourceFile::new("model.pmod", model.to_string());
    let (model, _) = compile::model(&source, &check::Options::default()).expect("a model");
    let question = Question {
        names: names.map(String::from).to_vec(),
        ..Question::default()
    };
    let line = |s| source.line_of(s).0;
    let derive = |_: &[pmc::model::ColumnId]| {
        let derived = compile::compile(&model, None);
        derived.ok().map(|(d, _)| d)
    };
    why(&model, &line, &derive, &question).expect("an answer")
}

fn dependent(model: &str, names: [&str; 2]) -> bool {
    let a = answer(model, names);
    assert_ne!(
        a.contains("are dependent"),
        a.contains("are independent"),
        "{a}"
    );
    a.contains("are dependent")
}

#[test]
fn all_unknowns_of_a_sum_under_a_function_are_joined() {
    let log_rate = "model rates
data row { y : count  x : real  z : real }
param a : real
param b : real
param c : real
observe y[row] ~ Poisson(log = a + b * x + c * z)
";
    for names in [["a", "b"], ["a", "c"], ["b", "c"]] {
        assert!(dependent(log_rate, names), "{names:?}");
    }
}

#[test]
fn an_auxiliary_joins_what_it_meets() {
    // log u and log v stand in different terms; which addend a count comes from joins them.
    let topics = "model topics
data doc { n[word] : count = rest }
plate topic(3)
latent theta[topic] ~ Dirichlet(0.1) over word
latent pi[doc] ~ Dirichlet(0.1) over topic
observe n[doc] ~ Multinomial(sum(pi * theta over topic)) over word
";
    assert!(dependent(topics, ["theta", "pi"]));
    let logistic = "model logistic
data row { y : binary  x : real }
latent a ~ Gaussian(0, var = 1)
latent b ~ Gaussian(0, var = 1)
observe y[row] ~ Bernoulli(logit = a + b * x)
";
    assert!(dependent(logistic, ["a", "b"]));
}

#[test]
fn sums_of_different_statements_stay_apart() {
    let two = "model two
data row { y : binary  z : binary  x : real }
latent a ~ Gaussian(0, var = 1)
latent b ~ Gaussian(0, var = 1)
observe y[row] ~ Bernoulli(logit = a * x)
observe z[row] ~ Bernoulli(probit = b * x)
";
    assert!(!dependent(two, ["a", "b"]));
    let groups = "model groups
data row { g : label  y : count }
latent v[g] ~ Gaussian(0, var = 1)
observe y[row] ~ Poisson(log = v[g])
";
    assert!(!dependent(groups, ["v", "v"]));
}
