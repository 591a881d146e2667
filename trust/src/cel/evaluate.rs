//! An expression into its value: <https://github.com/google/cel-spec/blob/master/doc/langdef.md#evaluation>. Every node
//! takes a step, and what works on more than one thing takes more.

use std::rc::Rc;

use super::function;
use super::meter::Meter;
use super::names::dotted_type;
use super::operate::{negate, operate};
use super::pattern::Patterns;
use super::problem::Problem;
use super::syntax::{Comprehension, Expression, Kind, Macro};
use super::value::{Key, Map, TYPES, Value};

/// One evaluation.
pub(super) struct Evaluation<'b, 'm> {
    bindings: &'b [(String, Value)],
    /// Variables of the comprehensions around, the innermost last.
    locals: Vec<(Rc<str>, Value)>,
    patterns: Patterns,
    meter: &'m mut Meter,
}

impl<'b, 'm> Evaluation<'b, 'm> {
    pub(super) fn new(bindings: &'b [(String, Value)], meter: &'m mut Meter) -> Self {
        Self { bindings, locals: Vec::new(), patterns: Patterns::default(), meter }
    }

    pub(super) fn value(&mut self, expression: &Expression) -> Result<Value, Problem> {
        self.meter.spend(1)?;
        match &expression.kind {
            Kind::Literal(value) => Ok(value.clone()),
            Kind::Name(name) => self.name(name),
            Kind::Select(operand, field) => match dotted_type(operand, field) {
                Some(name) => Ok(Value::Type(name)),
                None => self.select(operand, field),
            },
            Kind::Has(operand, field) => self.has(operand, field),
            Kind::Index(operand, key) => self.index(operand, key),
            Kind::Not(operand) => self.not(operand),
            Kind::Negate(operand) => negate(&self.value(operand)?),
            Kind::Chain(first, rest) => {
                let mut left = self.value(first)?;
                for (operator, operand) in rest {
                    let right = self.value(operand)?;
                    left = operate(*operator, &left, &right, self.meter)?;
                }
                Ok(left)
            }
            Kind::All(parts) => self.logic("&&", false, parts.iter()),
            Kind::Any(parts) => self.logic("||", true, parts.iter()),
            Kind::Choice(ways, otherwise) => self.choice(ways, otherwise),
            Kind::List(elements) => {
                let values: Result<Vec<Value>, Problem> =
                    elements.iter().map(|one| self.value(one)).collect();
                values.map(|values| Value::List(values.into()))
            }
            Kind::Map(entries) => self.map(entries),
            Kind::Call { target, name, arguments } => self.call(target.as_deref(), name, arguments),
            Kind::Comprehension(inner) => self.comprehension(inner),
        }
    }

    fn name(&self, name: &str) -> Result<Value, Problem> {
        let local = self.locals.iter().rev().find(|(local, _)| &**local == name).map(|(_, value)| value);
        let bound = || self.bindings.iter().find(|(bound, _)| bound == name).map(|(_, value)| value);
        if let Some(value) = local.or_else(bound) {
            return Ok(value.clone());
        }
        let known = TYPES.iter().find(|known| **known == name);
        known.map(|known| Value::Type(known)).ok_or_else(|| Problem::UnknownName(name.to_owned()))
    }

    fn select(&mut self, operand: &Expression, field: &Rc<str>) -> Result<Value, Problem> {
        match self.value(operand)? {
            Value::Map(entries) => {
                let found = entries.get(&Key::Text(Rc::clone(field)));
                found.cloned().ok_or_else(|| Problem::Missing(field.as_ref().to_owned()))
            }
            other => Err(Problem::no_overload(&format!(".{field}"), &[other.type_name()])),
        }
    }

    fn has(&mut self, operand: &Expression, field: &Rc<str>) -> Result<Value, Problem> {
        match self.value(operand)? {
            Value::Map(entries) => Ok(Value::Bool(entries.contains_key(&Key::Text(Rc::clone(field))))),
            other => Err(Problem::no_overload(&format!(".{field}"), &[other.type_name()])),
        }
    }

    fn index(&mut self, operand: &Expression, key: &Expression) -> Result<Value, Problem> {
        let (operand, key) = (self.value(operand)?, self.value(key)?);
        match &operand {
            Value::Map(entries) => {
                let found = Key::sought(&key).and_then(|sought| entries.get(&sought));
                found.cloned().ok_or_else(|| Problem::Missing(key.to_string()))
            }
            Value::List(elements) => {
                let place = match Key::sought(&key) {
                    Some(Key::Int(place)) => usize::try_from(place).ok(),
                    Some(Key::Uint(place)) => usize::try_from(place).ok(),
                    Some(Key::Bool(_) | Key::Text(_)) | None => {
                        return Err(Problem::no_overload("[]", &[operand.type_name(), key.type_name()]));
                    }
                };
                let found = place.and_then(|place| elements.get(place));
                found.cloned().ok_or_else(|| Problem::evaluation("the list has no such element"))
            }
            other => Err(Problem::no_overload("[]", &[other.type_name(), key.type_name()])),
        }
    }

    fn not(&mut self, operand: &Expression) -> Result<Value, Problem> {
        match self.value(operand)? {
            Value::Bool(flag) => Ok(Value::Bool(!flag)),
            other => Err(Problem::no_overload("!", &[other.type_name()])),
        }
    }

    /// `&&` and `||`: the part that is `decisive` decides, whatever fails beside it.
    fn logic<'e>(
        &mut self,
        operation: &str,
        decisive: bool,
        parts: impl Iterator<Item = &'e Expression>,
    ) -> Result<Value, Problem> {
        let mut failed = None;
        for part in parts {
            let outcome = self.value(part);
            match self.truth(operation, outcome) {
                Ok(flag) if flag == decisive => return Ok(Value::Bool(flag)),
                Ok(_) => {}
                Err(problem) => failed = failed.or(Some(problem)),
            }
        }
        failed.map_or(Ok(Value::Bool(!decisive)), Err)
    }

    #[expect(clippy::unused_self, reason = "reads as the other questions do")]
    fn truth(&self, operation: &str, outcome: Result<Value, Problem>) -> Result<bool, Problem> {
        match outcome? {
            Value::Bool(flag) => Ok(flag),
            other => Err(Problem::no_overload(operation, &[other.type_name()])),
        }
    }

    fn choice(
        &mut self,
        ways: &[(Expression, Expression)],
        otherwise: &Expression,
    ) -> Result<Value, Problem> {
        for (condition, then) in ways {
            let outcome = self.value(condition);
            if self.truth("?:", outcome)? {
                return self.value(then);
            }
        }
        self.value(otherwise)
    }

    fn map(&mut self, entries: &[(Expression, Expression)]) -> Result<Value, Problem> {
        let mut made = Map::new();
        for (key, value) in entries {
            let (key, value) = (self.value(key)?, self.value(value)?);
            let name = Key::of(&key)
                .ok_or_else(|| Problem::evaluation(format!("{} is no key of a map", key.kind())))?;
            if made.insert(name, value).is_some() {
                return Err(Problem::evaluation(format!("the map has the key {key} twice")));
            }
        }
        Ok(Value::Map(Rc::new(made)))
    }

    fn call(
        &mut self,
        target: Option<&Expression>,
        name: &str,
        arguments: &[Expression],
    ) -> Result<Value, Problem> {
        let values: Result<Vec<Value>, Problem> =
            target.into_iter().chain(arguments).map(|one| self.value(one)).collect();
        function::call(name, target.is_some(), &values?, self.meter, &mut self.patterns)
    }

    fn comprehension(&mut self, inner: &Comprehension) -> Result<Value, Problem> {
        let elements: Rc<[Value]> = match self.value(&inner.range)? {
            Value::List(elements) => elements,
            Value::Map(entries) => {
                self.meter.spend(entries.len())?;
                entries.keys().map(Key::value).collect()
            }
            other => return Err(Problem::no_overload(inner.macro_.name(), &[other.type_name()])),
        };
        match inner.macro_ {
            Macro::All => self.quantify(inner, &elements, false),
            Macro::Exists => self.quantify(inner, &elements, true),
            Macro::ExistsOne => self.exactly_one(inner, &elements),
            Macro::Filter | Macro::Map => self.collect(inner, &elements),
        }
    }

    /// `part` where the macro's variable is `element`.
    fn with(&mut self, inner: &Comprehension, element: &Value, part: &Expression) -> Result<Value, Problem> {
        self.locals.push((Rc::clone(&inner.variable), element.clone()));
        let outcome = self.value(part);
        self.locals.pop();
        outcome
    }

    /// Does the condition hold for `element`? A `map` without one takes all.
    fn holds(&mut self, inner: &Comprehension, element: &Value) -> Result<bool, Problem> {
        let Some(condition) = &inner.condition else { return Ok(true) };
        let outcome = self.with(inner, element, condition);
        self.truth(inner.macro_.name(), outcome)
    }

    fn quantify(
        &mut self,
        inner: &Comprehension,
        elements: &[Value],
        decisive: bool,
    ) -> Result<Value, Problem> {
        let mut failed = None;
        for element in elements {
            self.meter.spend(1)?;
            match self.holds(inner, element) {
                Ok(flag) if flag == decisive => return Ok(Value::Bool(flag)),
                Ok(_) => {}
                Err(problem) => failed = failed.or(Some(problem)),
            }
        }
        failed.map_or(Ok(Value::Bool(!decisive)), Err)
    }

    fn exactly_one(&mut self, inner: &Comprehension, elements: &[Value]) -> Result<Value, Problem> {
        let mut count = 0_usize;
        for element in elements {
            self.meter.spend(1)?;
            count += usize::from(self.holds(inner, element)?);
        }
        Ok(Value::Bool(count == 1))
    }

    fn collect(&mut self, inner: &Comprehension, elements: &[Value]) -> Result<Value, Problem> {
        let mut made = Vec::new();
        for element in elements {
            self.meter.spend(1)?;
            if self.holds(inner, element)? {
                made.push(match &inner.body {
                    Some(body) => self.with(inner, element, body)?,
                    None => element.clone(),
                });
            }
        }
        Ok(Value::List(made.into()))
    }
}
