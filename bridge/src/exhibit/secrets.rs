//! Nothing secret is kept: tokens are read for their claims and dropped, other secrets are dropped unread.

use serde_json::Value;
use trust::token::{self, Token};

use crate::manifest::secret_kind;

/// What stands in a secret's place.
pub const DROPPED: &str = "(secret, not kept)";
/// What stands in the place of a token that was read for its claims.
const TOKEN: &str = "(token, only its claims kept)";

/// Field names whose values are secrets, whatever they look like. Lower case, without `_` and `-`.
const NAMES: [&str; 19] = [
    "accesskey",
    "accesstoken",
    "accountkey",
    "auth",
    "authorization",
    "clientassertion",
    "clientkeydata",
    "clientsecret",
    "connectionstring",
    "identitytoken",
    "password",
    "primarykey",
    "privatekey",
    "refreshtoken",
    "registrytoken",
    "sastoken",
    "secondarykey",
    "secrettext",
    "token",
];

/// What was taken out of one file.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// Tokens, without text and signature, and the pointer to where they stood.
    pub(super) tokens: Vec<(String, Token)>,
    /// Pointers to other secrets.
    pub(super) secrets: Vec<String>,
}

/// Takes every secret out of a value.
pub(super) fn take(value: &mut Value, pointer: &str, taken: &mut Taken) {
    match value {
        Value::String(text) => text_at(text, pointer, taken),
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                take(item, &format!("{pointer}/{index}"), taken);
            }
        }
        Value::Object(fields) => {
            let kubernetes_secret = fields.get("kind").and_then(Value::as_str) == Some("Secret");
            for (name, field) in fields.iter_mut() {
                let below = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
                if kubernetes_secret && matches!(name.as_str(), "data" | "stringData") {
                    taken.secrets.push(below);
                    *field = Value::String(DROPPED.to_owned());
                } else {
                    take(field, &below, taken);
                    by_name(name, field, &below, taken);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn by_name(name: &str, field: &mut Value, pointer: &str, taken: &mut Taken) {
    let plain = name.to_ascii_lowercase().replace(['_', '-'], "");
    let Value::String(text) = field else { return };
    if text.is_empty() || text.starts_with('(') || text.contains("${") || !NAMES.contains(&plain.as_str()) {
        return;
    }
    DROPPED.clone_into(text);
    taken.secrets.push(pointer.to_owned());
}

fn text_at(text: &mut String, pointer: &str, taken: &mut Taken) {
    if let Ok(token) = token::decode(text.trim()) {
        taken.tokens.push((pointer.to_owned(), token));
        TOKEN.clone_into(text);
    } else if secret_kind(text).is_some() {
        *text = without_secrets(text);
        taken.secrets.push(pointer.to_owned());
    }
}

/// A text with every word that looks like a secret taken out, and the whole text if a secret is spread over words.
pub fn without_secrets(text: &str) -> String {
    let words = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ',' | '(' | ')' | '<' | '>');
    let mut out = String::with_capacity(text.len());
    for piece in text.split_inclusive(words) {
        let word = piece.trim_end_matches(words);
        if secret_kind(word).is_some() {
            out.push_str(DROPPED);
            out.push_str(piece.get(word.len()..).unwrap_or_default());
        } else {
            out.push_str(piece);
        }
    }
    if secret_kind(&out).is_some() { DROPPED.to_owned() } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const JWT: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsxIn0.eyJzdWIiOiJhIn0.c2lnbmF0dXJlLXNpZ25hdHVyZQ";

    #[test]
    fn tokens_are_read_and_everything_secret_goes() {
        let mut value = json!({
            "subject_token": JWT, "client_secret": "hunter2", "a": {"private_key": "x"},
            "auths": {"h": {"auth": "dXNlcjpwYXNz"}}, "kind": "x", "token": "",
            "log": format!("Authorization: Bearer {JWT} and more")
        });
        let mut taken = Taken::default();
        take(&mut value, "", &mut taken);
        let shown = value.to_string();
        for secret in [JWT, "hunter2", "dXNlcjpwYXNz", "c2lnbmF0dXJl"] {
            assert!(!shown.contains(secret), "{shown}");
        }
        assert_eq!(taken.tokens.len(), 1);
        assert_eq!(taken.tokens[0].0, "/subject_token");
        assert_eq!(taken.tokens[0].1.claims.subject(), Some("a"));
        assert_eq!(taken.secrets, ["/client_secret", "/a/private_key", "/auths/h/auth", "/log"]);
        assert!(shown.contains("and more"), "{shown}");
    }

    #[test]
    fn a_kubernetes_secret_is_dropped_whole() {
        let mut value = json!({"apiVersion": "v1", "kind": "Secret", "data": {"innocent": "YQ=="}});
        take(&mut value, "", &mut Taken::default());
        assert_eq!(value["data"], DROPPED);
    }
}
