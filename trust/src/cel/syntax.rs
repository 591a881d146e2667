//! An expression, taken apart.

use std::ops::Range;
use std::rc::Rc;

use super::value::Value;

/// One node, with where it stands and how deep it is.
#[derive(Debug, Clone)]
pub(super) struct Expression {
    pub(super) kind: Kind,
    /// Bytes of the source.
    pub(super) place: Range<usize>,
    /// Nodes on the longest way down; a leaf has one.
    pub(super) depth: usize,
}

/// What a node is. Chains of operators are one node, so that a long one is not a deep one.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    Literal(Value),
    Name(Rc<str>),
    /// `operand.field`
    Select(Box<Expression>, Rc<str>),
    /// `has(operand.field)`
    Has(Box<Expression>, Rc<str>),
    /// `operand[key]`
    Index(Box<Expression>, Box<Expression>),
    /// `!operand`
    Not(Box<Expression>),
    /// `-operand`
    Negate(Box<Expression>),
    /// `a + b - c`: operators of one rank, from the left.
    Chain(Box<Expression>, Vec<(Operator, Expression)>),
    /// `a && b && c`
    All(Vec<Expression>),
    /// `a || b || c`
    Any(Vec<Expression>),
    /// `condition ? then : condition ? then : otherwise`
    Choice(Vec<(Expression, Expression)>, Box<Expression>),
    List(Vec<Expression>),
    Map(Vec<(Expression, Expression)>),
    /// `name(arguments)` or `target.name(arguments)`
    Call {
        target: Option<Box<Expression>>,
        name: Rc<str>,
        arguments: Vec<Expression>,
    },
    Comprehension(Box<Comprehension>),
}

/// An operator between two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
}

impl Operator {
    pub(super) fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
            Self::Equal => "==",
            Self::Unequal => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::In => "in",
        }
    }
}

/// `range.macro(variable, condition, body)`.
#[derive(Debug, Clone)]
pub(super) struct Comprehension {
    pub(super) macro_: Macro,
    pub(super) range: Expression,
    pub(super) variable: Rc<str>,
    /// Of `map` only where it has one, of the others always.
    pub(super) condition: Option<Expression>,
    /// Of `map` only.
    pub(super) body: Option<Expression>,
}

/// What is made of the elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Macro {
    All,
    Exists,
    ExistsOne,
    Filter,
    Map,
}

impl Macro {
    /// As it is written.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Exists => "exists",
            Self::ExistsOne => "exists_one",
            Self::Filter => "filter",
            Self::Map => "map",
        }
    }
}

impl Expression {
    /// A node and the depth that its parts give it.
    pub(super) fn new(kind: Kind, place: Range<usize>) -> Self {
        let mut deepest = 0;
        kind.each_part(&mut |part| deepest = deepest.max(part.depth));
        Self { kind, place, depth: deepest + 1 }
    }
}

impl Kind {
    /// Visits every part, in the order of the source.
    pub(super) fn each_part<'e>(&'e self, visit: &mut dyn FnMut(&'e Expression)) {
        match self {
            Self::Literal(_) | Self::Name(_) => {}
            Self::Select(operand, _) | Self::Has(operand, _) | Self::Not(operand) | Self::Negate(operand) => {
                visit(operand);
            }
            Self::Index(operand, key) => {
                visit(operand);
                visit(key);
            }
            Self::Chain(first, rest) => {
                visit(first);
                for (_, operand) in rest {
                    visit(operand);
                }
            }
            Self::All(parts) | Self::Any(parts) | Self::List(parts) => parts.iter().for_each(&mut *visit),
            Self::Choice(ways, otherwise) => {
                for (condition, then) in ways {
                    visit(condition);
                    visit(then);
                }
                visit(otherwise);
            }
            Self::Map(entries) => {
                for (key, value) in entries {
                    visit(key);
                    visit(value);
                }
            }
            Self::Call { target, arguments, .. } => {
                if let Some(target) = target {
                    visit(target);
                }
                arguments.iter().for_each(visit);
            }
            Self::Comprehension(inner) => {
                visit(&inner.range);
                inner.condition.iter().chain(&inner.body).for_each(visit);
            }
        }
    }
}
