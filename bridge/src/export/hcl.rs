//! Writing Terraform's language: blocks, attributes, expressions. What is text stays text, whatever it holds.

use std::fmt::Write as _;

use serde_json::Value;

/// The right side of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    /// Text and references in turn; written as a template, or as the bare reference if it is one alone.
    Text(Vec<Part>),
    /// `true` or `false`.
    Flag(bool),
    /// A number, as written.
    Number(String),
    /// `null`.
    Nothing,
    /// A list.
    List(Vec<Expression>),
    /// A map; keys are text.
    Map(Vec<(String, Expression)>),
}

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// Text as it is.
    Literal(String),
    /// Another resource's attribute, `google_service_account.gp_fraud.email`.
    Reference(String),
}

/// A block.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Block {
    pub(super) kind: String,
    pub(super) labels: Vec<String>,
    pub(super) items: Vec<Item>,
}

/// What stands in a block.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Item {
    Attribute(String, Expression),
    Block(Block),
}

/// A text without references.
pub(super) fn text(text: impl Into<String>) -> Expression {
    Expression::Text(vec![Part::Literal(text.into())])
}

/// A reference alone.
pub(super) fn reference(to: impl Into<String>) -> Expression {
    Expression::Text(vec![Part::Reference(to.into())])
}

impl Block {
    pub(super) fn new(kind: impl Into<String>, labels: &[&str]) -> Self {
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        Self { kind: kind.into(), labels, items: Vec::new() }
    }

    #[must_use]
    pub(super) fn with(mut self, name: impl Into<String>, value: Expression) -> Self {
        self.items.push(Item::Attribute(name.into(), value));
        self
    }

    #[must_use]
    pub(super) fn holding(mut self, block: Self) -> Self {
        self.items.push(Item::Block(block));
        self
    }

    /// The block as `terraform fmt` leaves it.
    pub(super) fn write(&self, depth: usize, out: &mut String) {
        let indent = "  ".repeat(depth);
        out.push_str(&indent);
        out.push_str(&self.kind);
        for label in &self.labels {
            out.push(' ');
            out.push_str(&quoted(label));
        }
        out.push_str(" {\n");
        let mut before = None;
        for (position, item) in self.items.iter().enumerate() {
            match item {
                Item::Attribute(name, value) => {
                    let width = self.width(position);
                    if before == Some(Kind::Block) {
                        out.push('\n');
                    }
                    let _ = write!(out, "{indent}  {name:width$} = ");
                    value.write(depth + 1, out);
                    out.push('\n');
                    before = Some(Kind::Attribute);
                }
                Item::Block(block) => {
                    if before.is_some() {
                        out.push('\n');
                    }
                    block.write(depth + 1, out);
                    before = Some(Kind::Block);
                }
            }
        }
        let _ = writeln!(out, "{indent}}}");
    }

    /// The width of the names that stand in one run of one-line attributes with the one at `position`.
    fn width(&self, position: usize) -> usize {
        let one_line = |item: &Item| match item {
            Item::Attribute(name, value) if !value.is_long() => Some(name.len()),
            _ => None,
        };
        let Some(own) = self.items.get(position).and_then(one_line) else { return 0 };
        let (before, after) = self.items.split_at(position);
        let before = before.iter().rev().map_while(one_line);
        let after = after.iter().map_while(one_line);
        before.chain(after).fold(own, usize::max)
    }
}

#[derive(PartialEq)]
enum Kind {
    Attribute,
    Block,
}

impl Expression {
    /// Whether it takes several lines.
    fn is_long(&self) -> bool {
        match self {
            Self::List(items) => !items.is_empty(),
            Self::Map(entries) => !entries.is_empty(),
            _ => false,
        }
    }

    fn write(&self, depth: usize, out: &mut String) {
        let indent = "  ".repeat(depth);
        match self {
            Self::Text(parts) => out.push_str(&template(parts)),
            Self::Flag(flag) => out.push_str(if *flag { "true" } else { "false" }),
            Self::Number(number) => out.push_str(number),
            Self::Nothing => out.push_str("null"),
            Self::List(items) if items.is_empty() => out.push_str("[]"),
            Self::Map(entries) if entries.is_empty() => out.push_str("{}"),
            Self::List(items) => {
                out.push_str("[\n");
                for item in items {
                    let _ = write!(out, "{indent}  ");
                    item.write(depth + 1, out);
                    out.push_str(",\n");
                }
                let _ = write!(out, "{indent}]");
            }
            Self::Map(entries) => {
                out.push_str("{\n");
                for (position, (key, value)) in entries.iter().enumerate() {
                    let width = map_width(entries, position);
                    let _ = write!(out, "{indent}  {:width$} = ", quoted(key));
                    value.write(depth + 1, out);
                    out.push('\n');
                }
                let _ = write!(out, "{indent}}}");
            }
        }
    }

    /// A JSON value as it is, with texts made by `text`.
    pub(super) fn from_json(value: &Value, text: &impl Fn(&str) -> Self) -> Self {
        match value {
            Value::Null => Self::Nothing,
            Value::Bool(flag) => Self::Flag(*flag),
            Value::Number(number) => Self::Number(number.to_string()),
            Value::String(value) => text(value),
            Value::Array(items) => Self::List(items.iter().map(|item| Self::from_json(item, text)).collect()),
            Value::Object(fields) => Self::Map(
                fields.iter().map(|(name, value)| (name.clone(), Self::from_json(value, text))).collect(),
            ),
        }
    }
}

/// The width of the keys in one run of one-line entries.
fn map_width(entries: &[(String, Expression)], position: usize) -> usize {
    let one_line =
        |(key, value): &(String, Expression)| (!value.is_long()).then(|| quoted(key).chars().count());
    let Some(own) = entries.get(position).and_then(one_line) else { return 0 };
    let (before, after) = entries.split_at(position);
    before.iter().rev().map_while(one_line).chain(after.iter().map_while(one_line)).fold(own, usize::max)
}

fn template(parts: &[Part]) -> String {
    if let [Part::Reference(to)] = parts {
        return to.clone();
    }
    let inner: String = parts
        .iter()
        .map(|part| match part {
            Part::Literal(text) => escaped(text),
            Part::Reference(to) => format!("${{{to}}}"),
        })
        .collect();
    format!("\"{inner}\"")
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// The escapes of a quoted template: <https://developer.hashicorp.com/terraform/language/expressions/strings>.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // A sign that begins a template is doubled.
            '$' | '%' if rest.peek() == Some(&'{') => {
                out.push(character);
                out.push(character);
            }
            control if control.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_code() {
        for (plain, written) in [
            ("plain", "\"plain\""),
            ("${file(\"/etc/passwd\")}", "\"$${file(\\\"/etc/passwd\\\")}\""),
            ("%{ if true }", "\"%%{ if true }\""),
            ("$${x}", "\"$$${x}\""),
            ("50% of $5", "\"50% of $5\""),
            ("a\"b\\c\nd\u{7}", "\"a\\\"b\\\\c\\nd\\u0007\""),
        ] {
            assert_eq!(quoted(plain), written);
        }
        let parts = [Part::Literal("${a} ".to_owned()), Part::Reference("x.y.z".to_owned())];
        assert_eq!(template(&parts), "\"$${a} ${x.y.z}\"");
        assert_eq!(template(&parts[1..]), "x.y.z");
    }

    #[test]
    fn names_are_aligned_in_runs() {
        let block = Block::new("resource", &["a", "b"])
            .with("id", text("1"))
            .with("longer", Expression::Flag(true))
            .with("list", Expression::List(vec![text("x")]))
            .with("z", Expression::Nothing)
            .holding(Block::new("inner", &[]).with("n", Expression::Number("2".to_owned())));
        let mut out = String::new();
        block.write(0, &mut out);
        let expected = "resource \"a\" \"b\" {\n  id     = \"1\"\n  longer = true\n  list = [\n    \"x\",\n  ]\n  z = null\n\n  inner {\n    n = 2\n  }\n}\n";
        assert_eq!(out, expected);
    }
}
