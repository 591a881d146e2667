//! Evidence collected in files: what somebody who was called at night can lay on the table. A file's kind is told by its
//! shape. Tokens are read for their claims and dropped; no other secret is read at all.
//!
//! text → [`parse`] documents → [`secrets`] taken out → [`kind`] → [`Exhibit`], with the file and line of every value.

pub(crate) mod attempt;
mod azure;
mod client;
mod gather;
mod google;
mod kind;
mod kubernetes;
mod parse;
mod secrets;
pub mod snapshot;
#[cfg(test)]
mod tests;
mod text;

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::file::{self, Problem};
use crate::spec::Bridge;

pub use self::gather::gather;
pub use self::kind::Kind;
pub use self::secrets::{DROPPED, without_secrets};

/// A file as it was handed in.
#[derive(Debug, Clone, Copy)]
pub struct Paper<'a> {
    /// Its name, for messages.
    pub name: &'a str,
    /// What is in it.
    pub text: &'a str,
}

/// Everything that was made of the files.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Exhibits {
    /// What was recognised, in the order of the files.
    pub all: Vec<Exhibit>,
    /// What was not.
    pub unread: Vec<Unread>,
    /// Files that hold a secret which was not kept.
    pub holding_secrets: Vec<String>,
}

/// A file or a part of one that nothing was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unread {
    /// Which.
    pub file: String,
    /// Why.
    pub why: String,
}

/// One thing that a file shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Exhibit {
    /// What it is.
    pub kind: Kind,
    /// Its fields.
    pub value: Value,
    /// The file.
    pub file: String,
    /// Where in the file it stands, as a JSON pointer.
    base: String,
    lines: Arc<parse::Lines>,
}

impl Exhibit {
    /// The value at a JSON pointer; below `properties`, too, where Azure's resource manager has it.
    pub fn get(&self, pointer: &str) -> Option<&Value> {
        let found = self.value.pointer(pointer).or_else(|| self.value.get("properties")?.pointer(pointer));
        found.filter(|value| !value.is_null())
    }

    /// A text at a pointer.
    pub fn text(&self, pointer: &str) -> Option<&str> {
        self.get(pointer).and_then(Value::as_str)
    }

    /// A text at the first of these pointers that has one.
    pub fn text_of(&self, pointers: &[&str]) -> Option<&str> {
        pointers.iter().find_map(|pointer| self.text(pointer))
    }

    /// The texts of a list at a pointer, or the one text that stands there.
    pub fn texts(&self, pointer: &str) -> Vec<&str> {
        match self.get(pointer) {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// A list at a pointer.
    pub fn list(&self, pointer: &str) -> &[Value] {
        self.get(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether a switch is on, off, or not there.
    pub fn flag(&self, pointer: &str) -> Option<bool> {
        self.get(pointer).and_then(Value::as_bool)
    }

    /// The whole exhibit as one of our types.
    pub fn as_type<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_value(self.value.clone()).ok()
    }

    /// Where a value stands: `file:line, field`, or without the line where it is not known.
    pub fn origin(&self, pointer: &str) -> String {
        let pointer = if self.value.pointer(pointer).is_none() && self.get(pointer).is_some() {
            format!("/properties{pointer}")
        } else {
            pointer.to_owned()
        };
        let file = &self.file;
        let line = self.line(&pointer).map(|line| format!(":{line}")).unwrap_or_default();
        match dotted(&pointer) {
            field if field.is_empty() => format!("{file}{line}"),
            field => format!("{file}{line}, `{field}`"),
        }
    }

    /// The line of the value, else that of the nearest thing around it.
    fn line(&self, pointer: &str) -> Option<usize> {
        let mut whole = format!("{}{pointer}", self.base);
        loop {
            if let Some(line) = self.lines.get(&whole) {
                return Some(*line);
            }
            let cut = whole.rfind('/')?;
            whole.truncate(cut);
        }
    }
}

impl Exhibits {
    /// The bridge file among them; or its name, and why it cannot be read. None if there is none.
    pub fn bridge(&self) -> Option<Result<Bridge, Unread>> {
        let exhibit = self.of(Kind::Bridge).next()?;
        let problem = |problems: Vec<Problem>| {
            let why = problems.first().map_or_else(String::new, ToString::to_string);
            Unread { file: exhibit.file.clone(), why }
        };
        Some(file::parse(&exhibit.file, &exhibit.value.to_string()).map_err(problem))
    }

    /// Every exhibit of a kind.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = &Exhibit> {
        self.all.iter().filter(move |exhibit| exhibit.kind == kind)
    }

    /// The Kubernetes objects of a kind.
    pub fn objects<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Exhibit> {
        self.of(Kind::Kubernetes).filter(move |exhibit| exhibit.text("/kind") == Some(kind))
    }
}

/// `/oidc/allowedAudiences/0` → `oidc.allowedAudiences[0]`.
fn dotted(pointer: &str) -> String {
    let mut out = String::new();
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        if part.chars().all(|c| c.is_ascii_digit()) {
            out.push('[');
            out.push_str(&part);
            out.push(']');
        } else {
            if !out.is_empty() {
                out.push('.');
            }
            out.push_str(&part);
        }
    }
    out
}
