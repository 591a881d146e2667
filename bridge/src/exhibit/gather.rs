//! From files to exhibits.

use std::sync::Arc;

use serde_json::{Value, json};
use trust::token::{self, Token};

use super::kind::{self, Kind};
use super::parse::{self, Document, Lines};
use super::secrets::{Taken, take, without_secrets};
use super::{Exhibit, Exhibits, Paper, Unread, text};

/// Everything that can be made of the files. Never fails: what is not understood is said in [`Exhibits::unread`].
pub fn gather(papers: &[Paper<'_>]) -> Exhibits {
    let mut found = Exhibits::default();
    for paper in papers {
        paper_into(&mut found, paper);
    }
    found
}

fn paper_into(found: &mut Exhibits, paper: &Paper<'_>) {
    let trimmed = paper.text.trim();
    if trimmed.is_empty() {
        return unread(found, paper, "the file is empty");
    }
    let bare = trimmed.strip_prefix("Bearer ").unwrap_or(trimmed);
    if let Ok(token) = token::decode(bare) {
        found.all.push(token_exhibit(paper.name, "", &token));
        return;
    }
    let known = text::form(trimmed).or_else(|| text::environment(trimmed));
    if let Some(value) = known {
        let document = Document { lines: variable_lines(paper.text), value };
        document_into(found, paper, document);
        return;
    }
    match parse::documents(paper.text) {
        Ok(documents) if documents.iter().any(|it| it.value.is_object() || it.value.is_array()) => {
            let before = (found.all.len(), found.unread.len());
            for document in documents {
                document_into(found, paper, document);
            }
            // A line like `denied: …` is YAML as well, though nobody meant it so.
            if found.all.len() == before.0 && is_talk(trimmed) {
                found.unread.truncate(before.1);
                found.all.push(talk(paper));
            }
        }
        Err(why) if trimmed.starts_with(['{', '[']) && !is_talk(trimmed) => unread(found, paper, &why),
        Ok(_) | Err(_) => found.all.push(talk(paper)),
    }
}

fn unread(found: &mut Exhibits, paper: &Paper<'_>, why: &str) {
    found.unread.push(Unread { file: paper.name.to_owned(), why: why.to_owned() });
}

/// Whether a text that is no document of a known kind is an error that somebody copied.
fn is_talk(text: &str) -> bool {
    if !text.starts_with(['{', '[']) {
        return true;
    }
    let start: String = text.chars().take(2000).collect::<String>().to_ascii_lowercase();
    ["\"error", "\"code\"", "\"message\"", "\"errors\"", "[error", "[warn", "[info", "[debug"]
        .iter()
        .any(|it| start.contains(it))
}

fn talk(paper: &Paper<'_>) -> Exhibit {
    exhibit(Kind::ErrorText, paper.name, Value::String(without_secrets(paper.text)), "", &Arc::default())
}

fn exhibit(kind: Kind, file: &str, value: Value, base: &str, lines: &Arc<Lines>) -> Exhibit {
    Exhibit { kind, value, file: file.to_owned(), base: base.to_owned(), lines: Arc::clone(lines) }
}

fn token_exhibit(file: &str, base: &str, token: &Token) -> Exhibit {
    let header = json!({"alg": token.header.alg, "kid": token.header.kid, "typ": token.header.typ});
    let value = json!({"claims": token.claims.as_value(), "header": header});
    exhibit(Kind::Token, file, value, base, &Arc::default())
}

fn document_into(found: &mut Exhibits, paper: &Paper<'_>, document: Document) {
    let Document { mut value, lines } = document;
    let lines = Arc::new(lines);
    let mut taken = Taken::default();
    take(&mut value, "", &mut taken);
    for (pointer, token) in taken.tokens {
        found.all.push(token_exhibit(paper.name, &pointer, &token));
    }
    if !taken.secrets.is_empty() && !found.holding_secrets.iter().any(|it| it == paper.name) {
        found.holding_secrets.push(paper.name.to_owned());
    }
    if value.is_null() {
        return;
    }
    value_into(found, paper, value, "", &lines);
}

/// A value, or the items of the list it is.
fn value_into(found: &mut Exhibits, paper: &Paper<'_>, value: Value, base: &str, lines: &Arc<Lines>) {
    if let Some((at, items)) = items(&value) {
        if items.is_empty() {
            return nothing_of(found, paper, &value, lines);
        }
        if let Some(all) = names(items) {
            let shown = json!({ "names": all });
            found.all.push(exhibit(Kind::Tag, paper.name, shown, base, lines));
            return;
        }
        for (index, item) in items.iter().enumerate() {
            value_into(found, paper, item.clone(), &format!("{base}{at}/{index}"), lines);
        }
        return;
    }
    match kind::of(&value) {
        Some(Kind::Token) => {
            let value = json!({ "claims": value });
            let lines = Arc::new(below_claims(lines, base));
            found.all.push(exhibit(Kind::Token, paper.name, value, base, &lines));
        }
        Some(kind) => found.all.push(exhibit(kind, paper.name, value, base, lines)),
        None => match decoded(&value) {
            Some(value) => found.all.push(exhibit(Kind::Token, paper.name, value, base, lines)),
            None => unread(found, paper, &unknown(&value, base)),
        },
    }
}

/// The items of a list, with the pointer to it: a bare list, a Kubernetes `List`, Graph's `value`.
fn items(value: &Value) -> Option<(&'static str, &[Value])> {
    if let Value::Array(items) = value {
        return Some(("", items));
    }
    let fields = value.as_object()?;
    // A bridge file has `services` as well, and is one thing.
    if kind::of(value) == Some(Kind::Bridge) {
        return None;
    }
    let list = |name: &str| fields.get(name).and_then(Value::as_array).map(Vec::as_slice);
    let kubernetes = fields.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List"));
    if kubernetes {
        return list("items").map(|it| ("/items", it));
    }
    let wrapped = [
        ("workloadIdentityPoolProviders", "/workloadIdentityPoolProviders"),
        ("workloadIdentityPools", "/workloadIdentityPools"),
        ("services", "/services"),
        ("value", "/value"),
    ];
    let plain = |name: &str| {
        name != "value" || fields.keys().all(|it| it == "value" || it.starts_with('@') || it == "nextLink")
    };
    wrapped.iter().find_map(|(name, at)| list(name).filter(|_| plain(name)).map(|items| (*at, items)))
}

/// A list of plain names is how `az acr repository show-tags` prints tags.
fn names(items: &[Value]) -> Option<Vec<String>> {
    items.iter().map(|it| it.as_str().map(str::to_owned)).collect()
}

/// An empty list says that there is nothing of a kind. Its shape says it only where Graph names what was asked for; else
/// the file's name is taken for a hint.
fn nothing_of(found: &mut Exhibits, paper: &Paper<'_>, value: &Value, lines: &Arc<Lines>) {
    let asked = value.get("@odata.context").and_then(Value::as_str).unwrap_or(paper.name);
    let plain = asked.to_ascii_lowercase().replace(['-', '_', ' '], "");
    let hints = [
        ("federatedidentitycredential", Kind::FederatedCredential),
        ("federatedcredential", Kind::FederatedCredential),
        ("fic", Kind::FederatedCredential),
        ("roleassignment", Kind::RoleAssignment),
        ("denypolic", Kind::DenyPolicy),
        ("provider", Kind::Provider),
        ("pool", Kind::Pool),
        ("serviceaccount", Kind::GoogleServiceAccount),
        ("service", Kind::EnabledService),
        ("tag", Kind::Tag),
        ("model", Kind::Model),
    ];
    match hints.iter().find(|(hint, _)| plain.contains(hint)) {
        Some((_, kind)) => {
            let empty = json!({"none": true, "asked": asked});
            found.all.push(exhibit(*kind, paper.name, empty, "", lines));
        }
        None => unread(
            found,
            paper,
            "the list is empty, and nothing says of what; name the file after it, as `federated-credentials.json`",
        ),
    }
}

/// `{"header": …, "payload": …}`, as token viewers show it.
fn decoded(value: &Value) -> Option<Value> {
    let claims = value.get("payload").or_else(|| value.get("claims")).filter(|it| it.is_object())?;
    Some(json!({"claims": claims, "header": value.get("header")}))
}

/// The lines of a claims file, moved to where the claims stand in the exhibit.
fn below_claims(lines: &Lines, base: &str) -> Lines {
    let moved = |(pointer, line): (&String, &usize)| {
        Some((format!("{base}/claims{}", pointer.strip_prefix(base)?), *line))
    };
    lines.iter().filter_map(moved).collect()
}

/// The line of each variable of a plain list of them.
fn variable_lines(text: &str) -> Lines {
    let named = |(index, line): (usize, &str)| {
        let line = line.trim();
        let name = line.strip_prefix("export ").unwrap_or(line).split('=').next()?;
        Some((format!("/env/{name}"), index + 1))
    };
    text.lines().enumerate().filter_map(named).collect()
}

fn unknown(value: &Value, base: &str) -> String {
    let at = if base.is_empty() { String::new() } else { format!("at `{base}`: ") };
    match value.as_object() {
        Some(fields) => {
            let names: Vec<&str> = fields.keys().take(6).map(String::as_str).collect();
            format!("{at}no shape that the doctor knows, its fields are {}", names.join(", "))
        }
        None => format!("{at}no object, expected one as a cloud's tool prints it"),
    }
}
