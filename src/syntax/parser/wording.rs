//! The grammar's rules in the language's words.
//!
//! in: the rules that might have followed -> out: what to write after "expected".

use super::Rule;
use super::explain::Failure;

/// The rules tried, in the language's words: kinds of thing first, then marks and words.
pub(super) fn expected_list(failure: &Failure) -> Vec<String> {
    let mut things: Vec<&str> = Vec::new();
    let mut marks: Vec<&str> = Vec::new();
    let mut hidden: Vec<Rule> = Vec::new();
    if failure.expects_value() {
        things.push("an expression");
        hidden.extend([
            Rule::number,
            Rule::left_parenthesis,
            Rule::minus,
            Rule::left_bracket,
        ]);
        hidden.extend([
            Rule::name,
            Rule::identity,
            Rule::function_name,
            Rule::argument_name,
        ]);
    }
    let after_value = failure.expects(Rule::plus) || failure.expects(Rule::star);
    if after_value {
        hidden.extend([
            Rule::plus,
            Rule::minus,
            Rule::star,
            Rule::slash,
            Rule::caret,
        ]);
        hidden.extend([Rule::left_bracket, Rule::left_parenthesis]);
    }
    if failure.expects(Rule::EOI) {
        hidden.push(Rule::EOI);
    }
    if failure.expects(Rule::number) || failure.expects(Rule::plate_name) {
        // `of` and `else` have also been tried as names of columns
        hidden.extend([Rule::colon, Rule::left_bracket]);
    }
    if failure.expected.len() > 1 {
        hidden.push(Rule::kw_in);
    }
    for &rule in &failure.expected {
        if hidden.contains(&rule) {
            continue;
        }
        let (word, is_thing) = wording(rule);
        let list = if is_thing { &mut things } else { &mut marks };
        if !list.contains(&word) {
            list.push(word);
        }
    }
    let mut all: Vec<String> = things.into_iter().map(str::to_string).collect();
    all.extend(marks.into_iter().map(|m| format!("`{m}`")));
    if after_value {
        all.push("an operator".to_string());
    }
    if failure.expects(Rule::EOI) {
        all.push("the next statement".to_string());
    }
    all
}

/// A rule in words, and whether that is a kind of thing rather than a mark.
fn wording(rule: Rule) -> (&'static str, bool) {
    match rule {
        Rule::name => ("a name", true),
        Rule::plate_name | Rule::binder => ("a plate", true),
        Rule::column_name | Rule::column => ("a column", true),
        Rule::type_name => ("a type", true),
        Rule::domain_name | Rule::domain => ("a domain", true),
        Rule::function_name => ("a function", true),
        Rule::argument_name => ("an argument", true),
        Rule::constraint_word | Rule::constraint => ("a constraint", true),
        Rule::rule_word | Rule::inference_rule => ("a rule", true),
        Rule::treatment_word => ("`dirac` or `factorised`", true),
        Rule::distribution_name => ("a distribution", true),
        Rule::number => ("a number", true),
        Rule::integer => ("a whole number", true),
        Rule::text => ("a text in quotes", true),
        Rule::label => ("a label", true),
        Rule::left_parenthesis => ("(", false),
        Rule::right_parenthesis => (")", false),
        Rule::left_bracket => ("[", false),
        Rule::right_bracket => ("]", false),
        Rule::left_brace => ("{", false),
        Rule::right_brace => ("}", false),
        Rule::comma => (",", false),
        Rule::colon => (":", false),
        Rule::tilde => ("~", false),
        Rule::equals => ("=", false),
        Rule::unequal => ("!=", false),
        Rule::less => ("<", false),
        Rule::plus => ("+", false),
        Rule::minus => ("-", false),
        Rule::star => ("*", false),
        Rule::slash => ("/", false),
        Rule::caret => ("^", false),
        Rule::kw_over => ("over", false),
        Rule::kw_in => ("in", false),
        Rule::kw_as => ("as", false),
        Rule::kw_first => ("first", false),
        Rule::kw_case => ("case", false),
        Rule::kw_ordered => ("ordered", false),
        Rule::kw_by => ("by", false),
        Rule::kw_within => ("within", false),
        Rule::kw_every => ("every", false),
        Rule::kw_of => ("of", false),
        Rule::kw_else => ("else", false),
        Rule::kw_rest => ("rest", false),
        Rule::kw_listed => ("listed", false),
        Rule::identity => ("identity", false),
        Rule::EOI => ("the next statement", true),
        Rule::over => ("over", false),
        Rule::of => ("of", false),
        Rule::table => ("a table", true),
        Rule::plates | Rule::indices => ("[", false),
        Rule::otherwise => ("else", false),
        Rule::treatment => ("as", false),
        Rule::ordered => ("ordered", false),
        Rule::ordered_by => ("by", false),
        Rule::ordered_within => ("within", false),
        Rule::every => ("every", false),
        Rule::arguments | Rule::parenthesised | Rule::source_list | Rule::plate_count => {
            ("(", false)
        }
        Rule::plate_labels => ("{", false),
        Rule::fold | Rule::rule_over => ("over", false),
        Rule::flat => (":", false),
        Rule::conditional => ("~", false),
        Rule::distribution | Rule::choice | Rule::call => ("a distribution", true),
        Rule::branch => ("a branch", true),
        Rule::source => ("a source", true),
        Rule::every_pair => ("a column", true),
        _ => ("an expression", true),
    }
}

/// `a, b or c`; of many, the first few.
pub(super) fn listed(items: &[String]) -> String {
    const SHOWN: usize = 6;
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [init @ .., last] if init.len() < SHOWN => format!("{} or {last}", init.join(", ")),
        _ => {
            let shown: Vec<&str> = items.iter().take(SHOWN).map(String::as_str).collect();
            format!("{}, ...", shown.join(", "))
        }
    }
}
