//! Arguments of a call against the table of its distribution.
//!
//! in: a call as written and its [`Signature`] -> out: each given argument with its parameter, in the table's order.

use super::{Checker, errors};
use crate::diag::nearest;
use crate::dist::{Choice, Parameter, Signature};
use crate::model::ArgumentName;
use crate::syntax::ast;

/// An argument and the parameter that it fills.
pub(super) type Matched<'t> = (&'static Parameter, &'t ast::Expr);

impl Checker<'_> {
    /// Matches the arguments of a call. `observed` lets optional ones be absent. What is missing, doubled or unknown is
    /// reported; then there is no match.
    pub(super) fn arguments<'t>(
        &mut self,
        signature: &'static Signature,
        call: &'t ast::DistributionCall,
        observed: bool,
    ) -> Option<Vec<Matched<'t>>> {
        let choices = signature.choices;
        let mut filled: Vec<Option<Matched<'t>>> = vec![None; choices.len()];
        let mut right = true;
        let mut unnamed_spread = false;
        let mut positions = (0..choices.len()).filter(|&i| choices[i].positional);
        for argument in &call.arguments {
            let value = &argument.value;
            let (position, parameter) = match &argument.name {
                Some(name) => match find(choices, &name.text) {
                    Some(found) => found,
                    None => {
                        let words: Vec<&str> = words(choices);
                        let near = nearest(&name.text, words.iter().copied());
                        self.report(errors::unknown_argument(name, signature.name, &words, near));
                        right = false;
                        continue;
                    }
                },
                None => match positions.next().map(|i| (i, &choices[i])) {
                    Some((i, choice)) => match choice.alternatives.first() {
                        Some(first) => (i, first),
                        None => continue,
                    },
                    None => {
                        right = false;
                        let open = (0..choices.len())
                            .find(|&i| !choices[i].positional && filled[i].is_none());
                        match open {
                            Some(i) if !unnamed_spread => {
                                unnamed_spread = true;
                                let words = alternatives(&choices[i], call);
                                let text = self.source.slice(value.span);
                                let text = if text.len() <= 30 { text } else { "..." };
                                let error =
                                    errors::spread_not_named(call, value.span, &words, text);
                                self.report(error);
                            }
                            _ => self.report(errors::too_many_arguments(call, value.span)),
                        }
                        continue;
                    }
                },
            };
            if let Some((before, expr)) = filled[position] {
                let span = argument.name.as_ref().map_or(value.span, |n| n.span);
                let (now, then) = (parameter.name.word(), before.name.word());
                self.report(errors::argument_twice(span, now, then, expr.span));
                right = false;
                continue;
            }
            filled[position] = Some((parameter, value));
        }
        for (i, choice) in choices.iter().enumerate() {
            let excused = choice.optional && observed || unnamed_spread && !choice.positional;
            if filled[i].is_none() && !excused && right {
                let words = alternatives(choice, call);
                self.report(errors::argument_missing(call, &words, choice.positional));
                right = false;
            }
        }
        right.then(|| filled.into_iter().flatten().collect())
    }
}

/// The choice and parameter of an argument's name.
fn find(choices: &'static [Choice], word: &str) -> Option<(usize, &'static Parameter)> {
    choices.iter().enumerate().find_map(|(i, c)| {
        let found = c.alternatives.iter().find(|p| p.name.word() == word);
        found.map(|p| (i, p))
    })
}

/// The names that a call may use.
fn words(choices: &'static [Choice]) -> Vec<&'static str> {
    let all = choices.iter().flat_map(|c| c.alternatives);
    all.map(|p| p.name.word()).collect()
}

/// The names of a choice's alternatives that this call could take: `cov` under `over` only.
fn alternatives(choice: &Choice, call: &ast::DistributionCall) -> Vec<&'static str> {
    let usable = choice
        .alternatives
        .iter()
        .filter(|p| p.name != ArgumentName::Cov || call.over.is_some());
    usable.map(|p| p.name.word()).collect()
}
