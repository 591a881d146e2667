//! Whether a document has the shape of a bridge file: known keys, each once, of the right kinds. The JSON Schema says
//! what is right, so that the two cannot disagree, and all problems are found at once.

use std::ops::Range;

use serde_json::Value;

use super::nearest::nearest;
use super::problem::Spot;
use super::tree::{Content, Entry, Node};

/// A problem, before it knows its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Flaw {
    pub(crate) span: Range<usize>,
    pub(crate) message: String,
    pub(crate) expected: Option<String>,
    pub(crate) help: Option<String>,
    pub(crate) related: Vec<(Range<usize>, String)>,
}

impl Flaw {
    pub(crate) fn new(span: Range<usize>, message: String) -> Self {
        Self { span, message, expected: None, help: None, related: Vec::new() }
    }

    pub(crate) fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    pub(crate) fn help(mut self, help: Option<String>) -> Self {
        self.help = help;
        self
    }

    pub(crate) fn related(mut self, span: Range<usize>, what: impl Into<String>) -> Self {
        self.related.push((span, what.into()));
        self
    }
}

/// Checks a document and gives it as JSON without the parts that are wrong in shape, so that the rest can be judged.
/// `None` in the place of the JSON if too much is missing for that.
pub(crate) fn check(text: &str, root: &Node, schema: &Value) -> (Option<Value>, Vec<Flaw>) {
    let mut checker = Checker { text, schema, flaws: Vec::new() };
    let json = checker.node(root, schema, &first_line(text, &(root.span.start..text.len())));
    (json, checker.flaws)
}

/// A long value is pointed at by its first line.
fn first_line(text: &str, span: &Range<usize>) -> Range<usize> {
    let line = text.get(span.clone()).unwrap_or_default().lines().next().unwrap_or_default();
    span.start..span.start + line.len()
}

/// How many of a map's keys a schema has.
fn known_keys(value: &Content, schema: &Value) -> usize {
    let (Content::Map(entries), Some(properties)) = (value, schema.get("properties")) else { return 0 };
    entries.iter().filter(|entry| properties.get(&entry.key).is_some()).count()
}

struct Checker<'a> {
    text: &'a str,
    schema: &'a Value,
    flaws: Vec<Flaw>,
}

impl<'a> Checker<'a> {
    /// Checks one value. `holder` is the place of what holds it: its key, where it has one.
    fn node(&mut self, node: &Node, schema: &'a Value, holder: &Range<usize>) -> Option<Value> {
        let branches = self.branches(schema);
        let fitting = branches.iter().filter(|branch| kinds(branch).any(|kind| fits(&node.value, kind)));
        // Of two kinds of map the one that knows more of the keys is meant; of equals, the first.
        let fitting = fitting.rev().max_by_key(|branch| known_keys(&node.value, branch));
        let Some(&schema) = fitting else { return self.wrong_kind(node, &branches, holder) };
        match &node.value {
            Content::Map(entries) if schema.get("properties").is_some() => {
                self.fields(entries, schema, holder)
            }
            Content::Map(entries) => self.free_map(entries, schema),
            Content::List(items) => self.items(items, schema, holder),
            Content::Null => Some(Value::Null),
            Content::Bool(value) => Some(Value::Bool(*value)),
            Content::Number(number) => self.in_range(node, number, schema),
            Content::Text(text) => self.allowed(node, text, schema),
        }
    }

    /// Follows a reference to its definition.
    fn resolve(&self, schema: &'a Value) -> &'a Value {
        let pointer =
            schema.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix('#'));
        pointer.and_then(|pointer| self.schema.pointer(pointer)).unwrap_or(schema)
    }

    /// The alternatives that a schema gives, and those that they give; itself, if it gives none.
    fn branches(&self, schema: &'a Value) -> Vec<&'a Value> {
        let schema = self.resolve(schema);
        match schema.get("anyOf").and_then(Value::as_array) {
            Some(branches) => branches.iter().flat_map(|branch| self.branches(branch)).collect(),
            None => vec![schema],
        }
    }

    fn fields(&mut self, entries: &[Entry], schema: &'a Value, holder: &Range<usize>) -> Option<Value> {
        let properties = schema.get("properties").and_then(Value::as_object)?;
        let mut fields = serde_json::Map::new();
        let mut complete = true;
        let mut meant = Vec::new();
        for entry in self.once(entries) {
            match properties.get(&entry.key) {
                None => meant.extend(self.unknown_key(entry, properties.keys())),
                // A key with nothing after it is as good as absent.
                Some(_) if matches!(entry.node.value, Content::Null) => {}
                Some(property) => match self.node(&entry.node, property, &entry.key_span) {
                    Some(value) => drop(fields.insert(entry.key.clone(), value)),
                    None => complete = false,
                },
            }
        }
        let given = |name: &str| entries.iter().find(|entry| entry.key == name);
        for name in
            schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
        {
            let (span, what) = match given(name) {
                Some(entry) if matches!(entry.node.value, Content::Null) => (&entry.key_span, "has no value"),
                Some(_) => continue,
                None => (holder, "is missing"),
            };
            complete = false;
            if meant.contains(&name) {
                // One mistake, one message.
                continue;
            }
            let flaw = Flaw::new(span.clone(), format!("`{name}` {what}"));
            self.flaws.push(match properties.get(name).and_then(description) {
                Some(description) => flaw.expected(description),
                None => flaw,
            });
        }
        complete.then_some(Value::Object(fields))
    }

    fn free_map(&mut self, entries: &[Entry], schema: &'a Value) -> Option<Value> {
        let values = schema.get("additionalProperties")?;
        let mut fields = serde_json::Map::new();
        for entry in self.once(entries) {
            if let Some(value) = self.node(&entry.node, values, &entry.key_span) {
                fields.insert(entry.key.clone(), value);
            }
        }
        Some(Value::Object(fields))
    }

    fn items(&mut self, items: &[Node], schema: &'a Value, holder: &Range<usize>) -> Option<Value> {
        let of = schema.get("items")?;
        let mut values = Vec::new();
        for item in items {
            let holder =
                if matches!(item.value, Content::Null) { holder.clone() } else { self.start_of(item) };
            // A broken item keeps its place, so that the others keep their numbers.
            values.push(self.node(item, of, &holder).unwrap_or(Value::Null));
        }
        let complete = !values.contains(&Value::Null);
        complete.then_some(Value::Array(values))
    }

    /// Where an item of a list begins: its first key, if it has keys.
    fn start_of(&self, item: &Node) -> Range<usize> {
        match &item.value {
            Content::Map(entries) => {
                entries.first().map_or(item.span.clone(), |entry| entry.key_span.clone())
            }
            _ => first_line(self.text, &item.span),
        }
    }

    /// The first entry of each key; the others are flaws.
    fn once<'e>(&mut self, entries: &'e [Entry]) -> Vec<&'e Entry> {
        let mut kept: Vec<&Entry> = Vec::new();
        for entry in entries {
            match kept.iter().find(|first| first.key == entry.key) {
                None => kept.push(entry),
                Some(first) => self.flaws.push(
                    Flaw::new(entry.key_span.clone(), format!("`{}` is given twice", entry.key))
                        .expected("each key once")
                        .related(first.key_span.clone(), "given here first"),
                ),
            }
        }
        kept
    }

    /// Gives the key that was probably meant.
    fn unknown_key<'k>(
        &mut self,
        entry: &Entry,
        known: impl Iterator<Item = &'k String> + Clone,
    ) -> Option<&'k str> {
        let near = nearest(&entry.key, known.clone().map(String::as_str));
        let help = near.map(|near| format!("did you mean `{near}`?"));
        let known: Vec<String> = known.map(|key| format!("`{key}`")).collect();
        self.flaws.push(
            Flaw::new(entry.key_span.clone(), format!("unknown key `{}`", entry.key))
                .expected(one_of(&known))
                .help(help),
        );
        near
    }

    fn wrong_kind(&mut self, node: &Node, branches: &[&Value], holder: &Range<usize>) -> Option<Value> {
        let kinds = branches.iter().flat_map(|branch| kinds(branch)).filter(|kind| *kind != "null");
        let mut expected: Vec<&str> = kinds.map(kind_in_words).collect();
        expected.dedup();
        let source = self.text.get(node.span.clone()).unwrap_or_default().lines().next().unwrap_or_default();
        let (span, found) = match &node.value {
            Content::Null => (holder.clone(), "there is no value".to_owned()),
            Content::List(_) => (holder.clone(), "this is a list".to_owned()),
            Content::Map(_) => (holder.clone(), "this is a map of keys".to_owned()),
            Content::Text(_) => (first_line(self.text, &node.span), format!("`{source}` is text")),
            Content::Bool(_) => (node.span.clone(), format!("`{source}` is a truth value")),
            Content::Number(_) => (node.span.clone(), format!("`{source}` is a number")),
        };
        let quotable =
            matches!(node.value, Content::Bool(_) | Content::Number(_)) && expected.contains(&"text");
        let help = quotable.then(|| format!("put it in quotes: `\"{source}\"`"));
        let described = branches.first().and_then(|branch| description(branch));
        let expected = match described.filter(|_| branches.len() == 1) {
            Some(described) => format!("{}: {described}", expected.join(" or ")),
            None => expected.join(" or "),
        };
        self.flaws.push(Flaw::new(span, found).expected(expected).help(help));
        None
    }

    fn in_range(&mut self, node: &Node, number: &serde_json::Number, schema: &Value) -> Option<Value> {
        let limit = |name: &str| schema.get(name).and_then(Value::as_f64);
        let (least, most) = (limit("minimum"), limit("maximum"));
        let value = number.as_f64().unwrap_or(f64::NAN);
        let fits_type =
            schema.get("format").and_then(Value::as_str) != Some("uint32") || value <= f64::from(u32::MAX);
        if fits_type && least.is_none_or(|least| value >= least) && most.is_none_or(|most| value <= most) {
            return Some(Value::Number(number.clone()));
        }
        let expected = match (least.unwrap_or_default(), most) {
            (least, Some(most)) => format!("{least} to {most}"),
            (least, None) if value < least => format!("{least} or more"),
            _ => "a smaller number".to_owned(),
        };
        self.flaws
            .push(Flaw::new(node.span.clone(), format!("`{number}` is out of range")).expected(expected));
        None
    }

    fn allowed(&mut self, node: &Node, text: &str, schema: &'a Value) -> Option<Value> {
        let allowed = choices(schema);
        if allowed.is_empty() || allowed.contains(&text) {
            return Some(Value::String(text.to_owned()));
        }
        let help = nearest(text, allowed.iter().copied()).map(|near| format!("did you mean `{near}`?"));
        let allowed: Vec<String> = allowed.iter().map(|choice| format!("`{choice}`")).collect();
        self.flaws.push(
            Flaw::new(node.span.clone(), format!("`{text}` is not known here"))
                .expected(one_of(&allowed))
                .help(help),
        );
        None
    }
}

/// The JSON types that a schema allows.
fn kinds(schema: &Value) -> impl Iterator<Item = &str> {
    let kinds = match schema.get("type") {
        Some(Value::String(kind)) => vec![kind.as_str()],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        // Enumerations with a description for each choice say their type there.
        _ => vec!["string"],
    };
    kinds.into_iter()
}

fn fits(value: &Content, kind: &str) -> bool {
    match value {
        Content::Null => kind == "null",
        Content::Bool(_) => kind == "boolean",
        Content::Number(number) => kind == "number" || kind == "integer" && !number.is_f64(),
        Content::Text(_) => kind == "string",
        Content::List(_) => kind == "array",
        Content::Map(_) => kind == "object",
    }
}

fn kind_in_words(kind: &str) -> &str {
    match kind {
        "string" => "text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "`true` or `false`",
        "array" => "a list",
        "object" => "a map of keys",
        other => other,
    }
}

/// The texts that a schema enumerates.
fn choices(schema: &Value) -> Vec<&str> {
    let listed = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
    let described = schema.get("oneOf").and_then(Value::as_array).into_iter().flatten();
    let constants = std::iter::once(schema).chain(described).filter_map(|choice| choice.get("const"));
    let more = schema.get("oneOf").and_then(Value::as_array).into_iter().flatten();
    let more = more.filter_map(|choice| choice.get("enum").and_then(Value::as_array)).flatten();
    listed.chain(constants).chain(more).filter_map(Value::as_str).collect()
}

/// The first sentence of a description, as the end of "expected …".
fn description(schema: &Value) -> Option<String> {
    let text = schema.get("description").and_then(Value::as_str)?;
    let sentence = text.split(['.', ';', '\n']).next().unwrap_or(text);
    let is_name = |word: &str| {
        ["Artifact", "Azure", "Cloud", "Entra", "Google", "Kubernetes", "Microsoft"].contains(&word)
            || word.chars().all(char::is_uppercase)
    };
    let mut characters = sentence.chars();
    let first = characters.next()?;
    let keeps = sentence.split(' ').next().is_some_and(is_name);
    Some(if keeps { sentence.to_owned() } else { format!("{}{}", first.to_lowercase(), characters.as_str()) })
}

/// `a`, `b` or `c`.
pub(crate) fn one_of(choices: &[String]) -> String {
    match choices {
        [] => "nothing".to_owned(),
        [only] => only.clone(),
        [before @ .., last] => format!("{} or {last}", before.join(", ")),
    }
}

impl Flaw {
    /// The flaw as a problem of a file.
    pub(crate) fn into_problem(self, file: &str, text: &str) -> super::Problem {
        let related = self.related.into_iter().map(|(span, what)| (Spot::of(text, span), what)).collect();
        super::Problem {
            file: file.to_owned(),
            spot: Spot::of(text, self.span),
            message: self.message,
            expected: self.expected,
            help: self.help,
            related,
        }
    }
}
