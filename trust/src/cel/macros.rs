//! `has`, `all`, `exists`, `exists_one`, `filter` and `map`: calls that are not calls.
//! <https://github.com/google/cel-spec/blob/master/doc/langdef.md#macros>

use std::rc::Rc;

use super::syntax::{Comprehension, Expression, Kind, Macro};
use super::token::Fault;

/// `name(arguments)`: the macro `has`, or a call.
pub(super) fn has(name: &Rc<str>, mut arguments: Vec<Expression>, start: usize) -> Result<Kind, Fault> {
    if &**name != "has" || arguments.len() != 1 {
        return Ok(Kind::Call { target: None, name: Rc::clone(name), arguments });
    }
    match arguments.pop().map(|argument| argument.kind) {
        Some(Kind::Select(operand, field)) => Ok(Kind::Has(operand, field)),
        _ => Err((start, "`has` takes a selection, as `has(assertion.email)`")),
    }
}

/// `target.name(arguments)`: a macro over the elements of `target`, or a call.
pub(super) fn expand(target: Expression, name: &Rc<str>, arguments: Vec<Expression>) -> Result<Kind, Fault> {
    let macro_ = match (&**name, arguments.len()) {
        ("all", 2) => Macro::All,
        ("exists", 2) => Macro::Exists,
        ("exists_one" | "existsOne", 2) => Macro::ExistsOne,
        ("filter", 2) => Macro::Filter,
        ("map", 2 | 3) => Macro::Map,
        _ => {
            let target = Some(Box::new(target));
            return Ok(Kind::Call { target, name: Rc::clone(name), arguments });
        }
    };
    let mut arguments = arguments.into_iter();
    let variable = match arguments.next() {
        Some(Expression { kind: Kind::Name(name), .. }) => name,
        other => {
            let place = other.map_or(target.place.end, |argument| argument.place.start);
            return Err((place, "expected the name of a variable"));
        }
    };
    let (mut condition, mut body) = (arguments.next(), arguments.next());
    if macro_ == Macro::Map && body.is_none() {
        (condition, body) = (None, condition);
    }
    Ok(Kind::Comprehension(Box::new(Comprehension { macro_, range: target, variable, condition, body })))
}
