//! What an expression refers to: free variables, functions, and the fields it reads of its variables. Each name is held
//! against a list, since an evaluation would notice only those that it happens to pass.

use std::collections::BTreeSet;

use super::overload;
use super::problem::Problem;
use super::syntax::{Expression, Kind};
use super::value::{DURATION, TIMESTAMP, TYPES};

/// What an expression refers to.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Variables that no comprehension binds.
    pub(crate) variables: BTreeSet<String>,
    /// Functions.
    functions: BTreeSet<String>,
    /// Fields read of free variables: `assertion.tid` is `("assertion", "tid")`.
    pub(crate) fields: BTreeSet<(String, String)>,
}

impl Names {
    /// Refuses what neither `variables` nor the dialect knows.
    pub(super) fn require_known(&self, variables: &[&str]) -> Result<(), Problem> {
        for name in &self.variables {
            if !variables.contains(&name.as_str()) && !TYPES.contains(&name.as_str()) {
                return Err(Problem::UnknownName(name.clone()));
            }
        }
        match self.functions.iter().find(|name| !overload::is_function(name)) {
            Some(unknown) => Err(Problem::UnknownFunction(unknown.clone())),
            None => Ok(()),
        }
    }
}

/// Everything `expression` refers to.
pub(super) fn collect(expression: &Expression) -> Names {
    let mut walk = Walk::default();
    walk.visit(expression);
    walk.names
}

/// The type that `operand.field` names, for the two types whose names have dots.
pub(super) fn dotted_type(operand: &Expression, field: &str) -> Option<&'static str> {
    let Kind::Select(root, middle) = &operand.kind else { return None };
    let Kind::Name(root) = &root.kind else { return None };
    match (&**root, &**middle, field) {
        ("google", "protobuf", "Timestamp") => Some(TIMESTAMP),
        ("google", "protobuf", "Duration") => Some(DURATION),
        _ => None,
    }
}

#[derive(Default)]
struct Walk<'e> {
    names: Names,
    /// Variables of the comprehensions around the current place.
    bound: Vec<&'e str>,
}

impl<'e> Walk<'e> {
    fn visit(&mut self, expression: &'e Expression) {
        match &expression.kind {
            Kind::Name(name) if !self.bound.contains(&&**name) => {
                self.names.variables.insert(name.as_ref().to_owned());
            }
            Kind::Select(operand, field) if dotted_type(operand, field).is_some() => {}
            Kind::Select(operand, field) | Kind::Has(operand, field) => {
                if let Kind::Name(name) = &operand.kind
                    && !self.bound.contains(&&**name)
                {
                    self.names.fields.insert((name.as_ref().to_owned(), field.as_ref().to_owned()));
                }
                self.visit(operand);
            }
            Kind::Comprehension(inner) => {
                self.visit(&inner.range);
                self.bound.push(&inner.variable);
                inner.condition.iter().chain(&inner.body).for_each(|part| self.visit(part));
                self.bound.pop();
            }
            other => {
                if let Kind::Call { name, .. } = other {
                    self.names.functions.insert(name.as_ref().to_owned());
                }
                other.each_part(&mut |part| self.visit(part));
            }
        }
    }
}
