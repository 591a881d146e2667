//! Text into an expression: <https://github.com/google/cel-spec/blob/master/doc/langdef.md#syntax>. Descends no deeper
//! than [`MAX_DEPTH`], and loops over chains.

use std::ops::Range;
use std::rc::Rc;

use super::MAX_DEPTH;
use super::macros;
use super::problem::Problem;
use super::syntax::{Expression, Kind, Operator};
use super::token::{RESERVED, Token, tokens};
use super::value::Value;

/// Parses all of `source`.
pub(super) fn parse(source: &str) -> Result<Expression, Problem> {
    let tokens = tokens(source).map_err(|(place, what)| syntax(source, place, what))?;
    let mut parser = Parser { source, tokens, next: 0, depth: 0 };
    let expression = parser.expression()?;
    match parser.peek() {
        Token::End => Ok(expression),
        _ => Err(parser.fault("expected an operator or the end")),
    }
}

/// A syntax error at a byte of `source`.
fn syntax(source: &str, place: usize, what: &'static str) -> Problem {
    let before = source.get(..place).unwrap_or(source);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Problem::Syntax { line, column, what }
}

/// Operators between values, the loosest first.
const RANKS: [&[(&str, Operator)]; 3] = [
    &[
        ("==", Operator::Equal),
        ("!=", Operator::Unequal),
        ("<", Operator::Less),
        ("<=", Operator::LessOrEqual),
        (">", Operator::Greater),
        (">=", Operator::GreaterOrEqual),
        ("in", Operator::In),
    ],
    &[("+", Operator::Add), ("-", Operator::Subtract)],
    &[("*", Operator::Multiply), ("/", Operator::Divide), ("%", Operator::Remainder)],
];

struct Parser<'s> {
    source: &'s str,
    tokens: Vec<(Token, Range<usize>)>,
    next: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> &Token {
        self.tokens.get(self.next).map_or(&Token::End, |(token, _)| token)
    }

    /// Where the next token begins.
    fn start(&self) -> usize {
        self.tokens.get(self.next).map_or(self.source.len(), |(_, place)| place.start)
    }

    /// Where the last token ended.
    fn end(&self) -> usize {
        self.next.checked_sub(1).and_then(|last| self.tokens.get(last)).map_or(0, |(_, place)| place.end)
    }

    fn take(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Token::Symbol(next) if *next == symbol);
        self.next += usize::from(found);
        found
    }

    fn require(&mut self, symbol: &str, what: &'static str) -> Result<(), Problem> {
        if self.take(symbol) { Ok(()) } else { Err(self.fault(what)) }
    }

    fn fault(&self, what: &'static str) -> Problem {
        syntax(self.source, self.start(), what)
    }

    fn make(&self, kind: Kind, start: usize) -> Result<Expression, Problem> {
        let made = Expression::new(kind, start..self.end());
        if made.depth > MAX_DEPTH { Err(Problem::TooDeep) } else { Ok(made) }
    }

    /// `condition ? then : otherwise`, or anything tighter.
    fn expression(&mut self) -> Result<Expression, Problem> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Problem::TooDeep);
        }
        let start = self.start();
        let mut ways = Vec::new();
        let mut last = self.any()?;
        while self.take("?") {
            let then = self.any()?;
            self.require(":", "expected `:` of a choice")?;
            ways.push((last, then));
            last = self.any()?;
        }
        self.depth -= 1;
        if ways.is_empty() { Ok(last) } else { self.make(Kind::Choice(ways, Box::new(last)), start) }
    }

    fn any(&mut self) -> Result<Expression, Problem> {
        let start = self.start();
        let first = self.all()?;
        let mut parts = vec![first];
        while self.take("||") {
            parts.push(self.all()?);
        }
        self.one_or(parts, Kind::Any, start)
    }

    fn all(&mut self) -> Result<Expression, Problem> {
        let start = self.start();
        let first = self.chain(0)?;
        let mut parts = vec![first];
        while self.take("&&") {
            parts.push(self.chain(0)?);
        }
        self.one_or(parts, Kind::All, start)
    }

    fn one_or(
        &self,
        mut parts: Vec<Expression>,
        kind: fn(Vec<Expression>) -> Kind,
        start: usize,
    ) -> Result<Expression, Problem> {
        if parts.len() == 1
            && let Some(only) = parts.pop()
        {
            return Ok(only);
        }
        self.make(kind(parts), start)
    }

    /// Operators of one rank, from the left.
    fn chain(&mut self, rank: usize) -> Result<Expression, Problem> {
        let Some(operators) = RANKS.get(rank) else { return self.unary() };
        let start = self.start();
        let first = self.chain(rank + 1)?;
        let mut rest = Vec::new();
        while let Some(operator) = self.operator(operators) {
            rest.push((operator, self.chain(rank + 1)?));
        }
        if rest.is_empty() { Ok(first) } else { self.make(Kind::Chain(Box::new(first), rest), start) }
    }

    fn operator(&mut self, operators: &[(&str, Operator)]) -> Option<Operator> {
        let found =
            operators.iter().find(|(symbol, _)| matches!(self.peek(), Token::Symbol(next) if next == symbol));
        let operator = found.map(|(_, operator)| *operator);
        self.next += usize::from(operator.is_some());
        operator
    }

    /// `!` or `-`, any number of times: an even number cancels, as in cel-go.
    fn unary(&mut self) -> Result<Expression, Problem> {
        let start = self.start();
        let symbol = if self.take("!") {
            "!"
        } else if self.take("-") {
            "-"
        } else {
            return self.postfix();
        };
        let mut odd = true;
        while self.take(symbol) {
            odd = !odd;
        }
        if symbol == "-"
            && odd
            && let Token::Int(digits) = *self.peek()
        {
            return self.negative(digits, start);
        }
        let operand = self.postfix()?;
        match (odd, symbol) {
            (false, _) => Ok(operand),
            (true, "!") => self.make(Kind::Not(Box::new(operand)), start),
            (true, _) => self.make(Kind::Negate(Box::new(operand)), start),
        }
    }

    /// A number with its sign, since the least integer has no positive.
    fn negative(&mut self, digits: u64, start: usize) -> Result<Expression, Problem> {
        let number =
            i64::try_from(-i128::from(digits)).map_err(|_| self.fault("a number that is too large"))?;
        self.next += 1;
        let literal = self.make(Kind::Literal(Value::Int(number)), start)?;
        self.follow(literal, start)
    }

    fn postfix(&mut self) -> Result<Expression, Problem> {
        let start = self.start();
        let operand = self.primary()?;
        self.follow(operand, start)
    }

    /// Selections, calls and indices after `operand`.
    fn follow(&mut self, mut operand: Expression, start: usize) -> Result<Expression, Problem> {
        loop {
            if self.take(".") {
                let field = self.field()?;
                let kind = if self.take("(") {
                    let arguments = self.list(")", "expected `,` or `)` of a call")?;
                    macros::expand(operand, &field, arguments)
                        .map_err(|(place, what)| syntax(self.source, place, what))?
                } else {
                    Kind::Select(Box::new(operand), field)
                };
                operand = self.make(kind, start)?;
            } else if self.take("[") {
                let key = self.expression()?;
                self.require("]", "expected `]`")?;
                operand = self.make(Kind::Index(Box::new(operand), Box::new(key)), start)?;
            } else if matches!(self.peek(), Token::Symbol("{")) {
                return Err(self.fault("an object of a message type, and there are none here"));
            } else {
                return Ok(operand);
            }
        }
    }

    fn field(&mut self) -> Result<Rc<str>, Problem> {
        let (Token::Identifier(name) | Token::Quoted(name)) = self.peek() else {
            return Err(self.fault("expected the name of a field or function"));
        };
        let name = Rc::clone(name);
        self.next += 1;
        Ok(name)
    }

    fn primary(&mut self) -> Result<Expression, Problem> {
        let start = self.start();
        let token = self.peek().clone();
        self.next += usize::from(!matches!(token, Token::End));
        let kind = match token {
            Token::Literal(value) => Kind::Literal(value),
            Token::Int(digits) => {
                let number = i64::try_from(digits)
                    .map_err(|_| syntax(self.source, start, "a number that is too large"))?;
                Kind::Literal(Value::Int(number))
            }
            Token::Symbol("(") => {
                let mut inner = self.expression()?;
                self.require(")", "expected an operator or `)`")?;
                inner.place = start..self.end();
                return Ok(inner);
            }
            Token::Symbol("[") => Kind::List(self.list("]", "expected `,` or `]` of a list")?),
            Token::Symbol("{") => Kind::Map(self.entries()?),
            Token::Symbol(".") => return self.rooted(start),
            Token::Identifier(name) => return self.named(name, start),
            Token::Quoted(_) | Token::Symbol(_) | Token::End => {
                return Err(syntax(self.source, start, "expected a value"));
            }
        };
        self.make(kind, start)
    }

    /// `.name`: a name that no variable of a macro hides; here it is the name alone.
    fn rooted(&mut self, start: usize) -> Result<Expression, Problem> {
        let Token::Identifier(name) = self.peek().clone() else { return Err(self.fault("expected a name")) };
        self.next += 1;
        self.named(name, start)
    }

    /// A variable, or the call of a function.
    fn named(&mut self, name: Rc<str>, start: usize) -> Result<Expression, Problem> {
        if RESERVED.contains(&&*name) {
            return Err(syntax(self.source, start, "a reserved word, expected a value"));
        }
        if !self.take("(") {
            return self.make(Kind::Name(name), start);
        }
        let arguments = self.list(")", "expected `,` or `)` of a call")?;
        let kind =
            macros::has(&name, arguments, start).map_err(|(place, what)| syntax(self.source, place, what))?;
        self.make(kind, start)
    }

    /// Expressions with commas between them, up to `closing`.
    fn list(&mut self, closing: &str, what: &'static str) -> Result<Vec<Expression>, Problem> {
        let mut elements = Vec::new();
        if self.take(closing) {
            return Ok(elements);
        }
        loop {
            elements.push(self.expression()?);
            if self.take(closing) {
                return Ok(elements);
            }
            self.require(",", what)?;
            // A list may end with a comma, a call may not.
            if closing == "]" && self.take(closing) {
                return Ok(elements);
            }
        }
    }

    fn entries(&mut self) -> Result<Vec<(Expression, Expression)>, Problem> {
        let mut entries = Vec::new();
        while !self.take("}") {
            let key = self.expression()?;
            self.require(":", "expected `:` of a map's entry")?;
            entries.push((key, self.expression()?));
            if !self.take(",") {
                self.require("}", "expected `,` or `}` of a map")?;
                break;
            }
        }
        Ok(entries)
    }
}
