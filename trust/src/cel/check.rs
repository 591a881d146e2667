//! Refuses, before any token is seen, what no token could make valid: `1 + 'a'`, `'a' in 3`, `size(true)`.
//! <https://github.com/google/cel-spec/blob/master/doc/langdef.md#gradual-type-checking>

use super::names::dotted_type;
use super::overload;
use super::problem::Problem;
use super::syntax::{Comprehension, Expression, Kind, Macro, Operator};
use super::types::Type;

/// The type of `expression`, whose variables are all of type `variable`.
pub(super) fn check(expression: &Expression, variable: &Type) -> Result<Type, Problem> {
    Check { variable, bound: Vec::new() }.of(expression)
}

struct Check<'e> {
    variable: &'e Type,
    /// Variables of the comprehensions around.
    bound: Vec<(&'e str, Type)>,
}

fn refused(operation: &str, types: &[&Type]) -> Problem {
    let types: Vec<String> = types.iter().map(ToString::to_string).collect();
    Problem::NoOverload { operation: operation.to_owned(), types: types.join(", ") }
}

fn require_bool(operation: &str, found: &Type) -> Result<(), Problem> {
    if matches!(found, Type::Bool | Type::Dyn) { Ok(()) } else { Err(refused(operation, &[found])) }
}

impl<'e> Check<'e> {
    fn of(&mut self, expression: &'e Expression) -> Result<Type, Problem> {
        match &expression.kind {
            Kind::Literal(value) => Ok(Type::of(value)),
            Kind::Name(name) => Ok(self.name(name)),
            Kind::Select(operand, field) if dotted_type(operand, field).is_some() => Ok(Type::Meta),
            Kind::Select(operand, field) => self.select(operand, field),
            Kind::Has(operand, field) => self.select(operand, field).map(|_| Type::Bool),
            Kind::Index(operand, key) => self.index(operand, key),
            Kind::Not(operand) => {
                let found = self.of(operand)?;
                require_bool("!", &found).map(|()| Type::Bool)
            }
            Kind::Negate(operand) => match self.of(operand)? {
                known @ (Type::Int | Type::Double | Type::Dyn) => Ok(known),
                other => Err(refused("-", &[&other])),
            },
            Kind::Chain(first, rest) => self.chain(first, rest),
            Kind::All(parts) => self.logic("&&", parts),
            Kind::Any(parts) => self.logic("||", parts),
            Kind::Choice(ways, otherwise) => self.choice(ways, otherwise),
            Kind::List(elements) => Ok(Type::List(self.common(elements.iter())?.into())),
            Kind::Map(entries) => {
                let key = self.common(entries.iter().map(|(key, _)| key))?;
                let value = self.common(entries.iter().map(|(_, value)| value))?;
                Ok(Type::Map(key.into(), value.into()))
            }
            Kind::Call { target, name, arguments } => self.call(target.as_deref(), name, arguments),
            Kind::Comprehension(inner) => self.comprehension(inner),
        }
    }

    fn name(&self, name: &str) -> Type {
        if let Some((_, known)) = self.bound.iter().rev().find(|(bound, _)| *bound == name) {
            return known.clone();
        }
        if super::value::TYPES.contains(&name) { Type::Meta } else { self.variable.clone() }
    }

    fn select(&mut self, operand: &'e Expression, field: &str) -> Result<Type, Problem> {
        match self.of(operand)? {
            Type::Map(_, value) => Ok((*value).clone()),
            Type::Dyn => Ok(Type::Dyn),
            other => Err(refused(&format!(".{field}"), &[&other])),
        }
    }

    fn index(&mut self, operand: &'e Expression, key: &'e Expression) -> Result<Type, Problem> {
        let (operand, key) = (self.of(operand)?, self.of(key)?);
        match &operand {
            Type::List(element) if Type::Int.agrees(&key) => Ok((**element).clone()),
            Type::Map(known, value) if known.agrees(&key) => Ok((**value).clone()),
            Type::Dyn => Ok(Type::Dyn),
            _ => Err(refused("[]", &[&operand, &key])),
        }
    }

    fn logic(&mut self, operation: &str, parts: &'e [Expression]) -> Result<Type, Problem> {
        for part in parts {
            let found = self.of(part)?;
            require_bool(operation, &found)?;
        }
        Ok(Type::Bool)
    }

    fn choice(
        &mut self,
        ways: &'e [(Expression, Expression)],
        otherwise: &'e Expression,
    ) -> Result<Type, Problem> {
        let mut result = self.of(otherwise)?;
        for (condition, then) in ways.iter().rev() {
            let found = self.of(condition)?;
            require_bool("?:", &found)?;
            let then = self.of(then)?;
            if !then.agrees(&result) {
                return Err(refused("?:", &[&then, &result]));
            }
            result = then.joined(&result);
        }
        Ok(result)
    }

    /// The one type of all; anything if they differ.
    fn common(&mut self, elements: impl Iterator<Item = &'e Expression>) -> Result<Type, Problem> {
        let mut common = None;
        for element in elements {
            let found = self.of(element)?;
            common = Some(match common {
                None => found,
                Some(known) => Type::joined(known, &found),
            });
        }
        Ok(common.unwrap_or(Type::Dyn))
    }

    fn chain(&mut self, first: &'e Expression, rest: &'e [(Operator, Expression)]) -> Result<Type, Problem> {
        let mut left = self.of(first)?;
        for (operator, operand) in rest {
            let right = self.of(operand)?;
            left = operate(*operator, &left, &right)
                .ok_or_else(|| refused(operator.symbol(), &[&left, &right]))?;
        }
        Ok(left)
    }

    fn call(
        &mut self,
        target: Option<&'e Expression>,
        name: &str,
        arguments: &'e [Expression],
    ) -> Result<Type, Problem> {
        let passed: Result<Vec<Type>, Problem> =
            target.into_iter().chain(arguments).map(|one| self.of(one)).collect();
        let passed = passed?;
        let fits = |takes: &[overload::Takes]| {
            takes.len() == passed.len() && takes.iter().zip(&passed).all(|(takes, found)| takes.admits(found))
        };
        let fitting = overload::named(name, target.is_some()).filter(|overload| fits(overload.takes));
        let results = fitting.map(|overload| overload.gives.as_type());
        results.reduce(|known, other| known.joined(&other)).ok_or_else(|| {
            let types: Vec<&Type> = passed.iter().collect();
            refused(name, &types)
        })
    }

    fn comprehension(&mut self, inner: &'e Comprehension) -> Result<Type, Problem> {
        let element = match self.of(&inner.range)? {
            Type::List(element) => (*element).clone(),
            Type::Map(key, _) => (*key).clone(),
            Type::Dyn => Type::Dyn,
            other => return Err(refused(inner.macro_.name(), &[&other])),
        };
        self.bound.push((&inner.variable, element.clone()));
        let condition = inner.condition.as_ref().map(|condition| self.of(condition)).transpose();
        let body = inner.body.as_ref().map(|body| self.of(body)).transpose();
        self.bound.pop();
        if let Some(found) = condition? {
            require_bool(inner.macro_.name(), &found)?;
        }
        Ok(match inner.macro_ {
            Macro::All | Macro::Exists | Macro::ExistsOne => Type::Bool,
            Macro::Filter => Type::List(element.into()),
            Macro::Map => Type::List(body?.unwrap_or(Type::Dyn).into()),
        })
    }
}

/// The type of `left operator right`; nothing if there is none.
fn operate(operator: Operator, left: &Type, right: &Type) -> Option<Type> {
    match operator {
        Operator::Equal | Operator::Unequal => left.agrees(right).then_some(Type::Bool),
        Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual => {
            let comparable = left.agrees(right) || (left.is_number() && right.is_number());
            (comparable && left.ordered() && right.ordered()).then_some(Type::Bool)
        }
        Operator::In => match right {
            Type::List(element) => left.agrees(element).then_some(Type::Bool),
            Type::Map(key, _) => left.agrees(key).then_some(Type::Bool),
            Type::Dyn => Some(Type::Bool),
            _ => None,
        },
        Operator::Add => add(left, right),
        Operator::Subtract => subtract(left, right),
        Operator::Multiply | Operator::Divide => {
            arithmetic(left, right, &[Type::Int, Type::Uint, Type::Double])
        }
        Operator::Remainder => arithmetic(left, right, &[Type::Int, Type::Uint]),
    }
}

/// Two of one of `types`.
fn arithmetic(left: &Type, right: &Type, types: &[Type]) -> Option<Type> {
    match (left, right) {
        (Type::Dyn, Type::Dyn) => Some(Type::Dyn),
        (Type::Dyn, known) | (known, Type::Dyn) => types.contains(known).then(|| known.clone()),
        _ => (left == right && types.contains(left)).then(|| left.clone()),
    }
}

fn add(left: &Type, right: &Type) -> Option<Type> {
    match (left, right) {
        (Type::List(a), Type::List(b)) if a.agrees(b) => Some(left.clone().joined(right).or_list()),
        (Type::List(_), Type::Dyn) | (Type::Dyn, Type::List(_)) => Some(Type::List(Type::Dyn.into())),
        (Type::Timestamp, Type::Duration | Type::Dyn) | (Type::Duration | Type::Dyn, Type::Timestamp) => {
            Some(Type::Timestamp)
        }
        // A timestamp or a duration.
        (Type::Duration, Type::Dyn) | (Type::Dyn, Type::Duration) => Some(Type::Dyn),
        _ => {
            let types = [Type::Int, Type::Uint, Type::Double, Type::Text, Type::Bytes, Type::Duration];
            arithmetic(left, right, &types)
        }
    }
}

fn subtract(left: &Type, right: &Type) -> Option<Type> {
    match (left, right) {
        (Type::Timestamp | Type::Dyn, Type::Timestamp) | (Type::Duration, Type::Dyn) => Some(Type::Duration),
        (Type::Timestamp, Type::Duration) => Some(Type::Timestamp),
        (Type::Timestamp, Type::Dyn) | (Type::Dyn, Type::Duration) => Some(Type::Dyn),
        _ => arithmetic(left, right, &[Type::Int, Type::Uint, Type::Double, Type::Duration]),
    }
}
