//! Index letters: one per plate, the same on a whole page, with further ones where a formula needs two.
//!
//! in: a model -> out: [`Letters`], and [`Names`] for the axes of one formula.
//!
//! Rows are n, m (t, s where ordered), counted plates k, j, groups of columns d, e, others the first letter of their name that
//! is free. A letter that is a value's name in the model is never an index. Sizes are the capital: n = 1..N.

use crate::model::{Axis, Expr, Model, PlateId, PlateKind};

use super::formula::Formula;

/// The letters of every plate.
#[derive(Debug, Clone, PartialEq)]
pub struct Letters {
    plates: Vec<PlateLetters>,
}

#[derive(Debug, Clone, PartialEq)]
struct PlateLetters {
    letters: Vec<String>,
    size: Formula,
}

/// A line of the legend.
#[derive(Debug, Clone, PartialEq)]
pub struct LetterMeaning {
    /// The plate.
    pub plate: PlateId,
    /// Its letters: `n`.
    pub letter: String,
    /// The plate's name and what its elements are.
    pub meaning: String,
    /// `n = 1..N`
    pub range: Formula,
}

impl Letters {
    /// Chooses the letters of a model.
    pub fn of(model: &Model) -> Letters {
        let mut taken: Vec<String> = vec![];
        for name in model
            .variables
            .iter()
            .map(|v| &v.name)
            .chain(model.columns.iter().map(|c| &c.name))
            .chain(model.definitions.iter().map(|d| &d.name))
        {
            if name.chars().count() == 1 {
                taken.push(name.clone());
            }
        }
        let mut chosen: Vec<Vec<String>> = vec![vec![]; model.plates.len()];
        let mut order: Vec<usize> = (0..model.plates.len()).collect();
        order.sort_by_key(|i| match model.plates[*i].kind {
            PlateKind::Rows(_) | PlateKind::Keyed(..) => 0,
            PlateKind::Counted { .. } => 1,
            PlateKind::Group(_) => 2,
            PlateKind::Labels(_) | PlateKind::Listed(_) => 3,
            PlateKind::Binary => 4,
        });
        for i in order {
            let plate = &model.plates[i];
            let own: Vec<String> = plate
                .name
                .chars()
                .map(|c| c.to_ascii_lowercase())
                // r is a responsibility.
                .filter(|c| c.is_ascii_alphabetic() && *c != 'r')
                .map(|c| c.to_string())
                .collect();
            let (wanted, many): (&[&str], bool) = match plate.kind {
                PlateKind::Rows(t) | PlateKind::Keyed(t, _) => {
                    if model.table(t).ordered.is_some() {
                        (&["t", "s", "u"], true)
                    } else {
                        (&["n", "m", "i"], true)
                    }
                }
                PlateKind::Counted { .. } => (&["k", "j", "l", "c", "g", "h"], true),
                PlateKind::Group(_) => (&["d", "e", "f", "p", "q"], true),
                PlateKind::Labels(_) | PlateKind::Listed(_) => (&[], false),
                PlateKind::Binary => (&["v", "u"], false),
            };
            let mut pool: Vec<String> = wanted.iter().map(|s| (*s).to_string()).collect();
            pool.extend(own);
            pool.extend(('a'..='z').filter(|c| *c != 'r').map(|c| c.to_string()));
            let Some(first) = pool.iter().find(|l| !taken.contains(l)).cloned() else {
                chosen[i] = vec![format!("i{i}")];
                continue;
            };
            taken.push(first.clone());
            chosen[i].push(first.clone());
            // A second letter of its own where the textbook has one.
            if many
                && let Some(at) = wanted.iter().position(|w| *w == first)
                && let Some(second) = wanted.get(at + 1)
                && !taken.iter().any(|t| t == second)
            {
                taken.push((*second).to_string());
                chosen[i].push((*second).to_string());
            }
        }
        let names: Vec<&String> = model
            .variables
            .iter()
            .map(|v| &v.name)
            .chain(model.columns.iter().map(|c| &c.name))
            .chain(model.definitions.iter().map(|d| &d.name))
            .collect();
        let plates = chosen
            .into_iter()
            .zip(&model.plates)
            .map(|(letters, plate)| PlateLetters {
                size: size_symbol(model, &letters, plate, &names),
                letters,
            })
            .collect();
        Letters { plates }
    }

    /// The i-th letter of a plate; primes where its letters run out.
    pub fn letter(&self, plate: PlateId, i: usize) -> String {
        let letters = &self.plates[plate.index()].letters;
        match letters.get(i) {
            Some(l) => l.clone(),
            None => {
                let first = letters.first().map_or("i", String::as_str);
                format!("{first}{}", "'".repeat(i + 1 - letters.len()))
            }
        }
    }

    /// The symbol for the number of elements.
    pub fn size(&self, plate: PlateId) -> Formula {
        self.plates[plate.index()].size.clone()
    }

    /// What each letter of these plates stands for.
    pub fn legend(&self, model: &Model, plates: &[PlateId]) -> Vec<LetterMeaning> {
        plates
            .iter()
            .map(|p| {
                let plate = model.plate(*p);
                let columns = |c: &[crate::model::ColumnId]| {
                    let names: Vec<String> = c
                        .iter()
                        .map(|c| format!("`{}`", model.column(*c).name))
                        .collect();
                    names.join(", ")
                };
                let what = match &plate.kind {
                    PlateKind::Binary => "0 and 1".to_string(),
                    PlateKind::Counted { size, .. } => match size {
                        Some(n) => format!("{n} elements"),
                        None => "counted".to_string(),
                    },
                    PlateKind::Listed(labels) => labels.join(", "),
                    PlateKind::Rows(_) | PlateKind::Keyed(..) => "the rows of the table".into(),
                    PlateKind::Labels(c) => format!("the labels in {}", columns(c)),
                    PlateKind::Group(c) => format!("the columns of {}", columns(c)),
                };
                let first = self.letter(*p, 0);
                let second = self.plates[p.index()].letters.get(1);
                let (from, to) = match plate.kind {
                    PlateKind::Binary => (Formula::Number(0.0), Formula::Number(1.0)),
                    _ => (Formula::Number(1.0), self.size(*p)),
                };
                LetterMeaning {
                    plate: *p,
                    letter: second.map_or_else(|| first.clone(), |s| format!("{first}, {s}")),
                    meaning: format!("{} ({what})", plate.name),
                    range: Formula::equation(
                        Formula::name(first),
                        Formula::Apply("..".into(), vec![from, to]),
                    ),
                }
            })
            .collect()
    }
}

/// The capital of the letter, the constant that sets the size, or the name between bars where neither is free.
fn size_symbol(
    model: &Model,
    letters: &[String],
    plate: &crate::model::Plate,
    names: &[&String],
) -> Formula {
    match &plate.kind {
        PlateKind::Counted {
            expr: Expr::Definition(d, _),
            ..
        } => return Formula::name(model.definition(*d).name.clone()),
        PlateKind::Counted { size: Some(n), .. } => return Formula::Number(*n as f64),
        PlateKind::Listed(l) => return Formula::Number(l.len() as f64),
        PlateKind::Binary => return Formula::Number(2.0),
        _ => {}
    }
    let capital = letters
        .first()
        .map(|l| l.to_ascii_uppercase())
        .unwrap_or_default();
    if names.iter().any(|n| **n == capital) {
        Formula::Bars(Box::new(Formula::Word(plate.name.clone())))
    } else {
        Formula::name(capital)
    }
}

/// The letters of the axes in scope; an axis without a letter is hidden (a vector or matrix stands for all its elements).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Names(Vec<(Axis, Option<String>)>);

impl Names {
    /// The axis's letter, `None` where it is hidden or unknown.
    pub fn get(&self, a: Axis) -> Option<&str> {
        self.0
            .iter()
            .rev()
            .find(|(b, _)| *b == a)
            .and_then(|(_, l)| l.as_deref())
    }

    /// True if the axis is named or hidden.
    pub fn has(&self, a: Axis) -> bool {
        self.0.iter().any(|(b, _)| *b == a)
    }

    /// True if some axis goes by this letter.
    pub fn uses(&self, letter: &str) -> bool {
        self.0.iter().any(|(_, l)| l.as_deref() == Some(letter))
    }

    /// The same with an axis hidden.
    #[must_use]
    pub fn hiding(&self, a: Axis) -> Names {
        let mut n = self.clone();
        n.0.push((a, None));
        n
    }

    /// The same with an axis named as asked.
    #[must_use]
    pub fn with(&self, a: Axis, letter: impl Into<String>) -> Names {
        let mut n = self.clone();
        n.0.push((a, Some(letter.into())));
        n
    }

    /// The same with each new axis named by the first letter of its plate that is not in use.
    #[must_use]
    pub fn bind(&self, letters: &Letters, axes: impl IntoIterator<Item = Axis>) -> Names {
        let mut n = self.clone();
        for a in axes {
            if n.has(a) {
                continue;
            }
            let mut i = 0;
            let letter = loop {
                let l = letters.letter(a.plate, i);
                if !n.0.iter().any(|(_, x)| x.as_ref() == Some(&l)) {
                    break l;
                }
                i += 1;
            };
            n.0.push((a, Some(letter)));
        }
        n
    }
}
