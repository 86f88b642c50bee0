//! Distributions of a statement: `DIST`, `case`, `first`, `over` (language rules 8, 10).
//!
//! in: an [`ast::Conditional`], the scope of its brackets, what it is about -> out: a [`Conditional`].

use std::collections::BTreeMap;

use super::expr::{Leaf, visit};
use super::fit::Target;
use super::headers::implied_reference;
use super::index::Named;
use super::names::{Kind, Value};
use super::scope::{Bound, BoundBy, Lookup, Scope};
use super::{Checker, errors};
use crate::dist::{Over, Shape, Signature};
use crate::model::{
    Argument, ArgumentName, Axis, Case, Conditional, Distribution, Expr, Index, PlateId, PlateKind,
};
use crate::source::Span;
use crate::syntax::ast;

impl Checker<'_> {
    /// `dist [first dist]`
    pub(super) fn conditional(
        &mut self,
        c: &ast::Conditional,
        scope: &mut Scope,
        target: &Target,
    ) -> Option<Conditional> {
        let usual = self.case(&c.distribution, scope, target);
        let lags = std::mem::take(&mut scope.lags);
        let first = c.first.as_ref().map(|d| (d, self.case(d, scope, target)));
        if let Some((_, _, span)) = std::mem::take(&mut scope.lags).first() {
            self.report(errors::lag_in_first(*span));
        }
        match (&first, lags.first()) {
            (None, Some((axis, _, span))) => {
                let plate = self.plate_name(axis.plate).to_string();
                self.report(errors::lag_without_first(*span, Some(&plate)));
            }
            (Some((d, _)), None) if usual.is_some() => {
                self.report(errors::first_without_lag(distribution_span(d)));
            }
            _ => {}
        }
        let mut largest: BTreeMap<Axis, u32> = BTreeMap::new();
        for (axis, k, _) in lags {
            let most = largest.entry(axis).or_default();
            *most = k.max(*most);
        }
        let first = match first {
            None => None,
            Some((_, found)) => Some(found?),
        };
        Some(Conditional {
            usual: usual?,
            first,
            lags: largest.into_iter().collect(),
        })
    }

    /// One distribution, or a choice.
    fn case(&mut self, d: &ast::Distribution, scope: &mut Scope, target: &Target) -> Option<Case> {
        let case = match d {
            ast::Distribution::Call(call) => {
                return self.distribution(call, scope, target).map(Case::Always);
            }
            ast::Distribution::Case(case) => case,
        };
        let selector = ast::Index {
            reference: case.selector.clone(),
            lag: 0,
            span: case.selector.span,
        };
        let selector = self.index(&selector, scope);
        let branches: Vec<(&ast::Name, Option<Case>)> = case
            .branches
            .iter()
            .map(|(label, d)| (label, self.case(d, scope, target)))
            .collect();
        let (selector, plate) = selector?;
        let elements = self.branch_elements(case, plate)?;
        let mut found = Vec::new();
        for (position, (_, branch)) in elements.into_iter().zip(branches) {
            found.push((position, branch?));
        }
        found.sort_by_key(|(position, _)| *position);
        Some(Case::By {
            selector,
            branches: found,
            span: case.span,
        })
    }

    /// The element of each branch; every element of the plate once.
    fn branch_elements(&mut self, case: &ast::Case, plate: PlateId) -> Option<Vec<u32>> {
        let known = matches!(
            self.model.plate(plate).kind,
            PlateKind::Binary | PlateKind::Counted { .. } | PlateKind::Listed(_)
        );
        let size = self.plate_size(plate).filter(|_| known);
        let (name, span) = (
            self.plate_name(plate).to_string(),
            self.model.plate(plate).span,
        );
        let Some(size) = size else {
            self.report(errors::case_of_unknown_elements(
                case.selector.span,
                &name,
                span,
            ));
            return None;
        };
        // A counted plate may be long: name no more elements than a message can hold.
        let shown: Vec<String> = (0..size.min(50))
            .map(|i| self.element_name(plate, i))
            .collect();
        let mut seen: BTreeMap<u32, Span> = BTreeMap::new();
        let mut elements = Vec::new();
        let mut right = true;
        for (label, _) in &case.branches {
            let position = self.element_position(plate, size, &label.text);
            let Some(position) = position else {
                self.report(errors::branch_of_no_element(label, &name, &shown, span));
                right = false;
                continue;
            };
            if let Some(first) = seen.get(&position) {
                self.report(errors::branch_twice(label, *first));
                right = false;
            }
            seen.insert(position, label.span);
            elements.push(position);
        }
        if right && seen.len() < size {
            let missing = (0..size).filter(|i| !seen.contains_key(&(*i as u32)));
            let missing: Vec<String> = missing
                .take(5)
                .map(|i| self.element_name(plate, i))
                .collect();
            self.report(errors::branches_missing(case.span, &name, &missing, span));
            right = false;
        }
        right.then_some(elements)
    }

    fn element_position(&self, plate: PlateId, size: usize, label: &str) -> Option<u32> {
        match &self.model.plate(plate).kind {
            PlateKind::Listed(labels) => {
                let position = labels.iter().position(|l| l == label)?;
                u32::try_from(position).ok()
            }
            PlateKind::Binary => ["0", "1"]
                .iter()
                .position(|l| *l == label)
                .map(|p| p as u32),
            _ => {
                let n: u32 = label.parse().ok()?;
                (n >= 1 && n as usize <= size).then(|| n - 1)
            }
        }
    }

    /// One call.
    fn distribution(
        &mut self,
        call: &ast::DistributionCall,
        scope: &mut Scope,
        target: &Target,
    ) -> Option<Distribution> {
        let signature = self.signature(call)?;
        let over = self.over(call, signature, scope);
        let matched = self.arguments(signature, call, target.observed());
        let (over, matched) = (over?, matched?);
        let implied = signature.over == Over::Implied && call.over.is_none();
        if let (Some(bound), false) = (&over, implied)
            && let Some(outer) = scope.levels.first_mut()
        {
            outer.push(bound.clone());
        }
        let mut arguments = Vec::new();
        let mut right = true;
        for (n, (parameter, value)) in matched.iter().enumerate() {
            let found = match (&over, parameter.shape) {
                (Some(bound), _) if implied && n == 0 => self.implied_argument(call, bound, scope),
                (Some(bound), Shape::Matrix) => {
                    self.matrix(value, bound, scope).map(Argument::Matrix)
                }
                (Some(bound), Shape::Either) if self.is_matrix(value, bound) => {
                    self.matrix(value, bound, scope).map(Argument::Matrix)
                }
                (None, Shape::Matrix) => {
                    let word = parameter.name.word();
                    self.report(errors::matrix_without_over(call, value.span, word));
                    None
                }
                _ => self.number(value, scope).map(Argument::Scalar),
            };
            if let (Some(Argument::Scalar(e)), Some(bound), false) =
                (&found, &over, parameter.varies)
            {
                right &= self.does_not_vary(e, bound, parameter.name, value.span);
            }
            match found {
                Some(argument) => arguments.push((parameter.name, argument, value.span)),
                None => right = false,
            }
        }
        if let (Some(_), false) = (&over, implied)
            && let Some(outer) = scope.levels.first_mut()
        {
            outer.pop();
        }
        let choice = |name: &ArgumentName| {
            let mut all = signature.choices.iter().flat_map(|c| c.alternatives);
            all.position(|p| p.name == *name)
        };
        arguments.sort_by_key(|(name, _, _)| choice(name));
        let found = Distribution {
            kind: signature.kind,
            arguments,
            over: over.map(|b| b.axis),
            span: call.span,
        };
        let fits = self.fits(target, &found, signature, call);
        (right && fits).then_some(found)
    }

    /// The element bound by `over`, written or implied. `Some(None)`: the distribution takes none.
    fn over(
        &mut self,
        call: &ast::DistributionCall,
        signature: &Signature,
        scope: &Scope,
    ) -> Option<Option<Bound>> {
        match (&call.over, signature.over) {
            (None, Over::Never | Over::Optional) => Some(None),
            (Some(binder), Over::Never) => {
                self.report(errors::over_not_taken(
                    binder.plate.span,
                    signature.name,
                    &binder.plate.text,
                    "",
                ));
                None
            }
            (Some(binder), _) => {
                let bound = self
                    .bind(std::slice::from_ref(binder), BoundBy::Over)?
                    .pop()?;
                if let (Some(own), Lookup::One(other)) = (&binder.name, scope.named(&bound.name)) {
                    self.report(errors::declared_twice(own, other.span, "element"));
                    return None;
                }
                Some(Some(bound))
            }
            (None, Over::Needed) => {
                self.report(errors::over_missing(call, signature.name));
                None
            }
            (None, Over::Implied) => {
                let plate = self.implied_over(call)?;
                let axis = self.model.fresh_axis(plate);
                let span = call.arguments.first().map_or(call.span, |a| a.value.span);
                Some(Some(Bound {
                    name: self.plate_name(plate).to_string(),
                    axis,
                    span,
                    by: BoundBy::Over,
                }))
            }
        }
    }

    /// The argument of a Categorical or Multinomial without `over`: its one axis is the category.
    fn implied_argument(
        &mut self,
        call: &ast::DistributionCall,
        over: &Bound,
        scope: &mut Scope,
    ) -> Option<Argument> {
        let reference = implied_reference(call)?;
        let Named::Value(value) = self.named(&reference.name, scope)? else {
            self.report(errors::over_missing(call, &call.name.text));
            return None;
        };
        if self.kind(value) != Kind::Number {
            self.report(errors::over_missing(call, &call.name.text));
            return None;
        }
        let mut indices = self.fill(value, reference, 1, scope)?;
        indices.push(Index::Axis(over.axis));
        Some(Argument::Scalar(match value {
            Value::Definition(d) => Expr::Definition(d, indices),
            Value::Variable(v) => Expr::Variable(v, indices),
            Value::Column(c) => Expr::Column(c, indices),
        }))
    }

    /// `df` and `total` belong to the whole vector or matrix.
    fn does_not_vary(&mut self, e: &Expr, over: &Bound, name: ArgumentName, span: Span) -> bool {
        let mut varies = false;
        visit(e, &mut |leaf| varies |= leaf == Leaf::Axis(over.axis));
        if varies {
            let plate = self.plate_name(over.axis.plate).to_string();
            self.report(errors::argument_varies(span, name.word(), &plate));
        }
        !varies
    }
}

fn distribution_span(d: &ast::Distribution) -> Span {
    match d {
        ast::Distribution::Call(call) => call.span,
        ast::Distribution::Case(case) => case.span,
    }
}
