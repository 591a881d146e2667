//! The only door to the CEL engine. Attribute mappings and conditions come from people and files, so:
//! 1. length and nesting are counted before the engine sees the text;
//! 2. parsing and evaluation run on a thread with a grown stack, since both recurse;
//! 3. names and functions are held against a list, since the engine would notice only the ones it happens to evaluate;
//! 4. what went wrong is said in our words, never in the engine's debug output.

use std::sync::{Arc, OnceLock};
use std::thread;

use ::cel::extractors::This;
use ::cel::{Context, Env, ExecutionError, FunctionContext, Program, Value as Raw, extensions};
use serde_json::Value as Json;

mod extract;
mod names;
mod scan;

pub(crate) use names::Names;

/// Brackets, unary operators and the like may nest this deep.
const MAX_NESTING: usize = 24;
/// Operators, selections and brackets in one expression. A chain of them recurses as deep as it is long; a debug build
/// overflows the grown stack at about 1750.
const MAX_OPERATORS: usize = 800;
/// `exists`, `map` and the like may nest this deep: each level multiplies the work.
const MAX_COMPREHENSIONS: usize = 3;
/// Enough for the deepest tree that the limits above let through, in a debug build.
const STACK_BYTES: usize = 64 << 20;

/// Proof of running on the grown stack.
pub(crate) struct GrownStack(());

/// The value of an expression, as far as a mapping or condition can use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Text(String),
    Texts(Vec<String>),
    /// Anything else, by the name of its type.
    Other(&'static str),
}

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    #[error("the expression has {length} characters, expected at most {limit}")]
    TooLong { length: usize, limit: usize },
    #[error("the expression nests deeper than {MAX_NESTING} brackets")]
    TooDeep,
    #[error("the expression has {found} operators and brackets, expected at most {MAX_OPERATORS}")]
    TooManyOperators { found: usize },
    #[error("`exists`, `all`, `map` and `filter` nest deeper than {MAX_COMPREHENSIONS}")]
    ComprehensionsTooDeep,
    #[error("syntax error at line {line}, column {column}")]
    Syntax { line: usize, column: usize },
    #[error("unknown name `{0}`")]
    UnknownName(String),
    #[error("unknown function `{0}`")]
    UnknownFunction(String),
    #[error("there is no `{0}`")]
    Missing(String),
    #[error("{0}")]
    Evaluation(String),
    #[error("the expression could not be evaluated")]
    Engine,
}

impl Value {
    /// The type, for people.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Text(_) => "a text",
            Self::Texts(_) => "a list of texts",
            Self::Other(kind) => kind,
        }
    }
}

/// Runs `work` on the grown stack; nothing if the thread cannot start or the engine panics.
pub(crate) fn with_stack<T: Send>(work: impl FnOnce(&GrownStack) -> T + Send) -> Option<T> {
    thread::scope(|scope| {
        let builder = thread::Builder::new().name("cel".to_owned()).stack_size(STACK_BYTES);
        let running = builder.spawn_scoped(scope, || work(&GrownStack(()))).ok()?;
        running.join().ok()
    })
}

/// What `source` refers to, if it is an expression over `variables`.
pub(crate) fn check(
    _: &GrownStack,
    source: &str,
    limit: usize,
    variables: &[&str],
) -> Result<Names, Problem> {
    let (_, names) = compile(source, limit, variables)?;
    Ok(names)
}

/// The value of `source`.
pub(crate) fn evaluate(
    _: &GrownStack,
    source: &str,
    limit: usize,
    bindings: &[(&str, &Json)],
) -> Result<Value, Problem> {
    let variables: Vec<&str> = bindings.iter().map(|(name, _)| *name).collect();
    let (program, _) = compile(source, limit, &variables)?;
    let context = context(bindings)?;
    program.execute(&context).map(|raw| value(&raw)).map_err(|error| explain(&error))
}

/// Which operand of a false condition is the one that is not true, with the values it looked at.
pub(crate) fn first_false_operand(stack: &GrownStack, source: &str, bindings: &[(&str, &Json)]) -> String {
    let operands = scan::conjuncts(source);
    let several = operands.len() > 1;
    for operand in operands {
        let outcome = evaluate(stack, operand, usize::MAX, bindings);
        if outcome == Ok(Value::Bool(true)) {
            continue;
        }
        let verdict = match outcome {
            Err(problem) => problem.to_string(),
            Ok(_) if several => format!("`{operand}` is false"),
            Ok(_) => "false".to_owned(),
        };
        let seen = seen_by(operand, bindings);
        return if seen.is_empty() { verdict } else { format!("{verdict}: {seen}") };
    }
    "false".to_owned()
}

/// The values that `operand` looked at, as `assertion.tid is "…"`.
fn seen_by(operand: &str, bindings: &[(&str, &Json)]) -> String {
    let variables: Vec<&str> = bindings.iter().map(|(name, _)| *name).collect();
    let Ok((_, names)) = compile(operand, usize::MAX, &variables) else { return String::new() };
    let mut seen = Vec::new();
    for (variable, field) in &names.fields {
        let binding = bindings.iter().find(|(name, _)| name == variable).map(|(_, json)| *json);
        let shown = match binding.and_then(|json| json.get(field)) {
            Some(json) => format!("{variable}.{field} is {json}"),
            None => format!("{variable}.{field} is absent"),
        };
        seen.push(shown);
    }
    seen.join(", ")
}

fn compile(source: &str, limit: usize, variables: &[&str]) -> Result<(Program, Names), Problem> {
    let length = source.chars().count();
    if length > limit {
        return Err(Problem::TooLong { length, limit });
    }
    let shape = scan::shape(source);
    if shape.nesting > MAX_NESTING {
        return Err(Problem::TooDeep);
    }
    if shape.operators > MAX_OPERATORS {
        return Err(Problem::TooManyOperators { found: shape.operators });
    }
    let program = environment().compile(source).map_err(|errors| {
        let place = errors.errors.first().map_or((0, 0), |error| error.pos);
        Problem::Syntax { line: at_least_one(place.0), column: at_least_one(place.1) }
    })?;
    let names = names::collect(program.expression());
    if names.comprehensions > MAX_COMPREHENSIONS {
        return Err(Problem::ComprehensionsTooDeep);
    }
    names.require_known(variables)?;
    Ok((program, names))
}

fn at_least_one(place: isize) -> usize {
    usize::try_from(place).unwrap_or(1).max(1)
}

/// CEL's standard library and its string functions; the same for every expression.
fn environment() -> &'static Arc<Env> {
    static ENVIRONMENT: OnceLock<Arc<Env>> = OnceLock::new();
    ENVIRONMENT.get_or_init(|| {
        let mut environment = Env::stdlib();
        // Fails only on a name declared twice; then the functions are missing and every use of them says so.
        let _ = environment.add_extension(extensions::strings);
        Arc::new(environment)
    })
}

fn context<'p>(bindings: &[(&str, &Json)]) -> Result<Context<'p, 'p>, Problem> {
    let mut context = Context::with_env(Arc::clone(environment()));
    for (name, json) in bindings {
        let raw = ::cel::to_value(json).map_err(|_| Problem::Engine)?;
        context.add_variable_from_value(*name, raw);
    }
    context.add_function("extract", extract_function).map_err(|_| Problem::Engine)?;
    Ok(context)
}

#[expect(clippy::needless_pass_by_value, reason = "the signature the engine asks for")]
fn extract_function(
    call: &FunctionContext<'_, '_>,
    This(text): This<Arc<String>>,
    template: Arc<String>,
) -> Result<Raw, ExecutionError> {
    match extract::extract(&text, &template) {
        Some(part) => Ok(Raw::String(Arc::new(part.to_owned()))),
        None => Err(call.error("the template of `extract` needs exactly one `{name}`")),
    }
}

fn value(raw: &Raw) -> Value {
    match raw {
        Raw::Null => Value::Null,
        Raw::Bool(flag) => Value::Bool(*flag),
        Raw::String(text) => Value::Text(text.as_ref().clone()),
        Raw::List(elements) => {
            let texts: Option<Vec<String>> = elements.iter().map(text_of).collect();
            texts.map_or(Value::Other("a list with elements that are no texts"), Value::Texts)
        }
        Raw::Map(_) => Value::Other("a map"),
        Raw::Int(_) | Raw::UInt(_) | Raw::Float(_) => Value::Other("a number"),
        Raw::Bytes(_) => Value::Other("bytes"),
        Raw::Function(..) | Raw::Opaque(_) | Raw::Struct(_) => Value::Other("a value of another type"),
    }
}

fn text_of(raw: &Raw) -> Option<String> {
    if let Raw::String(text) = raw { Some(text.as_ref().clone()) } else { None }
}

/// The engine's error in our words: its own hold debug output of whole values.
#[expect(clippy::wildcard_enum_match_arm, reason = "the engine adds kinds of errors in every version")]
fn explain(error: &ExecutionError) -> Problem {
    match error {
        ExecutionError::NoSuchKey(key) => Problem::Missing(key.to_string()),
        ExecutionError::UndeclaredReference(name) => Problem::UnknownName(name.to_string()),
        ExecutionError::NoSuchOverload(overload) => Problem::Evaluation(format!(
            "`{}` does not take ({})",
            operator_name(overload.function()),
            overload.argument_types().join(", ")
        )),
        ExecutionError::FunctionError { function, message } => {
            Problem::Evaluation(format!("`{function}`: {message}"))
        }
        ExecutionError::UnexpectedType { got, want } => {
            Problem::Evaluation(format!("found {got}, expected {want}"))
        }
        ExecutionError::InvalidArgumentCount { expected, actual } => {
            Problem::Evaluation(format!("found {actual} arguments, expected {expected}"))
        }
        ExecutionError::IndexOutOfBounds(_) => Problem::Evaluation("the list has no such element".to_owned()),
        ExecutionError::ValuesNotComparable(..) => {
            Problem::Evaluation("values of two types cannot be compared".to_owned())
        }
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            Problem::Evaluation("division by zero".to_owned())
        }
        ExecutionError::Overflow(..) => Problem::Evaluation("a number is too large".to_owned()),
        _ => Problem::Evaluation("a value has the wrong type".to_owned()),
    }
}

/// `_==_` is written `==`.
fn operator_name(name: &str) -> &str {
    let bare = name.trim_matches(|character| character == '_' || character == '@');
    if bare.is_empty() { name } else { bare }
}

#[cfg(test)]
mod tests;
