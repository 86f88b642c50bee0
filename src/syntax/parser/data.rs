//! The grammar's pairs to data blocks.
//!
//! in: the parts of a `data_statement` -> out: [`Data`].

use super::Rule;
use super::build::{Builder, Built, Pair, Parts};
use super::word::Role;
use crate::syntax::ast::{Column, Data, Every, Ordered, Source};

impl Builder<'_> {
    pub(super) fn data(&mut self, mut parts: Parts) -> Built<Data> {
        let name = self.name(&parts.required(Rule::name)?);
        let ordered = parts
            .optional(Rule::ordered)
            .map(|p| self.ordered(p))
            .transpose()?;
        let every = parts
            .optional(Rule::every)
            .map(|p| self.every(p))
            .transpose()?;
        let columns: Built<Vec<Column>> = parts
            .all(Rule::column)
            .into_iter()
            .map(|c| self.column(c))
            .collect();
        Ok(Data {
            name,
            ordered,
            every,
            columns: columns?,
        })
    }

    fn ordered(&mut self, pair: Pair) -> Built<Ordered> {
        let mut parts = self.parts(pair);
        let span = self.span(&parts.required(Rule::kw_ordered)?);
        let mut list = |rule| match parts.optional(rule) {
            Some(clause) => self.names(self.parts(clause).all(Rule::column_name)),
            None => Vec::new(),
        };
        let by = list(Rule::ordered_by);
        let within = list(Rule::ordered_within);
        Ok(Ordered { span, by, within })
    }

    fn every(&mut self, pair: Pair) -> Built<Every> {
        let mut parts = self.parts(pair);
        parts.required(Rule::kw_every)?;
        let Some(pair) = parts.optional(Rule::every_pair) else {
            return Ok(Every::All(self.names(parts.all(Rule::column_name))));
        };
        let mut parts = self.parts(pair);
        let left = self.name(&parts.required(Rule::column_name)?);
        let less = parts.any()?.as_rule() == Rule::less;
        let right = self.name(&parts.required(Rule::column_name)?);
        Ok(if less {
            Every::Less(left, right)
        } else {
            Every::Unequal(left, right)
        })
    }

    fn column(&mut self, pair: Pair) -> Built<Column> {
        let mut parts = self.parts(pair);
        let span = parts.span;
        let name = self.name(&parts.required(Rule::column_name)?);
        let plates = self.plates(&mut parts)?;
        parts.required(Rule::colon)?;
        let ty = self.name(&parts.required(Rule::type_name)?);
        self.verify_word(&ty, Role::Type);
        let of = self.of(&mut parts)?;
        let source = if parts.skip(Rule::equals) {
            Some(self.source(parts.required(Rule::source)?)?)
        } else {
            None
        };
        let default = match parts.optional(Rule::otherwise) {
            Some(pair) => {
                let mut inner = self.parts(pair);
                inner.required(Rule::kw_else)?;
                let minus = inner.optional(Rule::minus).map(|m| self.span(&m));
                let (value, at) = self.number(&inner.required(Rule::number)?);
                Some(minus.map_or((value, at), |m| (-value, m.to(at))))
            }
            None => None,
        };
        Ok(Column {
            name,
            plates,
            ty,
            of,
            source,
            default,
            span,
        })
    }

    fn source(&mut self, pair: Pair) -> Built<Source> {
        let inner = self.parts(pair).any()?;
        let span = self.span(&inner);
        Ok(match inner.as_rule() {
            Rule::text => Source::Header(self.quoted(&inner)),
            Rule::kw_rest => Source::Rest(span),
            Rule::kw_listed => Source::Listed(span),
            _ => Source::List(
                self.parts(inner)
                    .pairs
                    .filter(|p| matches!(p.as_rule(), Rule::column_name | Rule::text))
                    .map(|p| self.quoted(&p))
                    .collect(),
            ),
        })
    }
}
