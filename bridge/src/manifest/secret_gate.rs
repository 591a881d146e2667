//! The hard gate: no object that carries a secret leaves this crate. It errs on the side of refusing, and never repeats
//! what it found.

use serde_json::Value;

/// An object that would carry a secret. Names the place, never the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{object} would carry {kind} at `{field}`; nothing was applied. Let the workload fetch it with its own identity"
)]
pub struct Leak {
    /// `KIND/NAME`.
    pub object: String,
    /// Path of the field.
    pub field: String,
    /// What it looks like.
    pub kind: LeakKind,
}

/// What a leaking value looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LeakKind {
    /// A Kubernetes Secret.
    #[error("a Secret")]
    Secret,
    /// A JSON web token.
    #[error("a signed token")]
    SignedToken,
    /// A shared access signature.
    #[error("a shared access signature")]
    SharedAccessSignature,
    /// A storage or service-bus key in a connection string.
    #[error("an account key")]
    AccountKey,
    /// A private key in PEM form.
    #[error("a private key")]
    PrivateKey,
    /// A Google access token.
    #[error("a Google access token")]
    GoogleToken,
    /// A Google API key.
    #[error("a Google API key")]
    GoogleKey,
    /// An Entra client secret.
    #[error("an Entra client secret")]
    EntraSecret,
    /// A password in a URL.
    #[error("a password in a URL")]
    UrlPassword,
    /// A literal value under a name that says it is a secret.
    #[error("a literal value under a secret's name")]
    SecretName,
}

/// Refuses objects of kind Secret and objects with values that look like one.
pub fn refuse_secrets(objects: &[Value]) -> Result<(), Leak> {
    objects.iter().try_for_each(|object| {
        let text = |pointer| object.pointer(pointer).and_then(Value::as_str).unwrap_or("?");
        find(object, "").map_or(Ok(()), |(field, kind)| {
            let object = format!("{}/{}", text("/kind"), text("/metadata/name"));
            Err(Leak { object, field, kind })
        })
    })
}

/// The first secret in a value, with its path.
fn find(value: &Value, path: &str) -> Option<(String, LeakKind)> {
    match value {
        Value::String(text) => kind_of(text).map(|kind| (path.to_owned(), kind)),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(index, item)| find(item, &format!("{path}[{index}]")))
        }
        Value::Object(fields) => named(fields, path).or_else(|| {
            fields.iter().find_map(|(name, value)| {
                // A key can hold a secret as well as a value, and must then not be shown in the path.
                if let Some(kind) = kind_of(name) {
                    return Some((format!("{path}.(a key)").trim_start_matches('.').to_owned(), kind));
                }
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                find(value, &path)
            })
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// Secrets that a field's name gives away: a Secret, an environment variable, a ConfigMap's key.
fn named(fields: &serde_json::Map<String, Value>, path: &str) -> Option<(String, LeakKind)> {
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    if text("kind") == Some("Secret") && fields.contains_key("apiVersion") {
        return Some((below("kind"), LeakKind::Secret));
    }
    if let (Some(name), Some(value)) = (text("name"), text("value"))
        && is_secret_name(name)
        && !value.is_empty()
    {
        return Some((below("value"), LeakKind::SecretName));
    }
    if text("kind") == Some("ConfigMap") {
        let data = fields.get("data").and_then(Value::as_object)?;
        let (name, _) = data.iter().find(|(name, _)| is_secret_name(name))?;
        return Some((below(&format!("data.{name}")), LeakKind::SecretName));
    }
    None
}

fn is_secret_name(name: &str) -> bool {
    const WORDS: [&str; 7] = ["PASSWORD", "PASSWD", "SECRET", "TOKEN", "KEY", "CREDENTIAL", "SAS"];
    let name = name.to_ascii_uppercase().replace(['-', '.'], "_");
    WORDS
        .iter()
        .any(|word| name.strip_suffix(word).is_some_and(|rest| rest.is_empty() || rest.ends_with('_')))
}

/// Recognises one kind of secret in a text.
type Test = fn(&str) -> bool;

/// What kind of secret a text holds, if any.
pub(crate) fn kind_of(text: &str) -> Option<LeakKind> {
    let tests: [(Test, LeakKind); 8] = [
        (is_private_key, LeakKind::PrivateKey),
        (has_signed_token, LeakKind::SignedToken),
        (|text| follows(text, "sig=", 20, is_signature), LeakKind::SharedAccessSignature),
        (|text| follows(text, "accountkey=", 16, is_signature), LeakKind::AccountKey),
        (|text| follows(text, "sharedaccesskey=", 16, is_signature), LeakKind::AccountKey),
        (|text| follows(text, "ya29.", 10, is_token), LeakKind::GoogleToken),
        (has_entra_secret, LeakKind::EntraSecret),
        (has_url_password, LeakKind::UrlPassword),
    ];
    if let Some((_, kind)) = tests.into_iter().find(|(test, _)| test(text)) {
        return Some(kind);
    }
    let google_key = words(text).any(|word| word.starts_with("AIza") && word.len() == 39);
    google_key.then_some(LeakKind::GoogleKey)
}

fn is_private_key(text: &str) -> bool {
    text.contains("-----BEGIN") && text.contains("PRIVATE KEY")
}

/// Three dot-separated parts of base64url, the first of which begins a JSON object.
fn has_signed_token(text: &str) -> bool {
    text.split(|c: char| !is_token(c)).any(|word| {
        let start = word.find("eyJ").and_then(|at| word.get(at..)).unwrap_or_default();
        let mut parts = start.split('.');
        let long = |part: Option<&str>, least| part.is_some_and(|part| part.len() >= least);
        long(parts.next(), 10) && long(parts.next(), 4) && long(parts.next(), 10)
    })
}

/// Entra's client secrets: three characters, a digit, `Q~`, and more than thirty characters.
fn has_entra_secret(text: &str) -> bool {
    text.match_indices("Q~").any(|(at, mark)| {
        let before = text.get(..at).unwrap_or_default();
        let digit = before.chars().last().is_some_and(|c| c.is_ascii_digit());
        let after = text.get(at + mark.len()..).unwrap_or_default();
        let length = after.chars().take_while(|c| c.is_ascii_alphanumeric() || "~_.-".contains(*c)).count();
        digit && before.len() >= 4 && length >= 30
    })
}

fn has_url_password(text: &str) -> bool {
    text.match_indices("://").any(|(at, mark)| {
        let rest = text.get(at + mark.len()..).unwrap_or_default();
        let authority = rest.split(['/', '?', '#', ' ']).next().unwrap_or_default();
        let password = authority.rsplit_once('@').and_then(|(user, _)| user.split_once(':'));
        password.is_some_and(|(_, password)| !password.is_empty())
    })
}

/// Whether `mark` (in lower case) is followed by at least `least` characters that `admits`.
fn follows(text: &str, mark: &str, least: usize, admits: fn(char) -> bool) -> bool {
    // Only ASCII is lowered, so that positions stay the same in both texts.
    let lower = text.to_ascii_lowercase();
    lower.match_indices(mark).any(|(at, mark)| {
        let rest = text.get(at + mark.len()..).unwrap_or_default();
        rest.chars().take_while(|c| admits(*c)).count() >= least
    })
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'))
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}

fn is_signature(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '%' | '+' | '/' | '=' | '_' | '-')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn leak_of(text: &str) -> Option<LeakKind> {
        let object = json!({"kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": [text]}});
        refuse_secrets(&[object]).err().map(|leak| {
            assert_eq!((leak.object.as_str(), leak.field.as_str()), ("ConfigMap/c", "data.a[0]"));
            assert!(text.len() < 12 || !leak.to_string().contains(text), "{leak}");
            leak.kind
        })
    }

    #[test]
    fn values() {
        let jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJlLXNpZ25hdHVyZQ";
        let rows = [
            (jwt.to_owned(), Some(LeakKind::SignedToken)),
            (format!("Authorization: Bearer {jwt}"), Some(LeakKind::SignedToken)),
            ("eyJhbGciOiJSUzI1NiJ9".to_owned(), None),
            (
                "?sv=2024&sig=abcdefghij%2Bklmnopqrstuvwxyz%3D".to_owned(),
                Some(LeakKind::SharedAccessSignature),
            ),
            ("design=abcdefghijklmnopqrstuvwxyz".to_owned(), None),
            ("sig=".to_owned(), None),
            (
                "DefaultEndpointsProtocol=https;AccountKey=abcdefghijklmnopqrstuv==".to_owned(),
                Some(LeakKind::AccountKey),
            ),
            ("-----BEGIN RSA PRIVATE KEY-----\nx".to_owned(), Some(LeakKind::PrivateKey)),
            ("-----BEGIN CERTIFICATE-----".to_owned(), None),
            ("ya29.a0AfH6SMBxxxxxxxxx".to_owned(), Some(LeakKind::GoogleToken)),
            (format!("AIza{}", "x".repeat(35)), Some(LeakKind::GoogleKey)),
            ("AIza".to_owned(), None),
            (format!("abc8Q~{}", "x".repeat(34)), Some(LeakKind::EntraSecret)),
            ("https://user:hunter2@host/x".to_owned(), Some(LeakKind::UrlPassword)),
            ("https://host:8080/a@b".to_owned(), None),
            ("europe-docker.pkg.dev/p/r/i@sha256:0123".to_owned(), None),
        ];
        for (text, expected) in rows {
            assert_eq!(leak_of(&text), expected, "{text}");
        }
    }

    #[test]
    fn kinds_and_names() {
        let env = |name: &str, value: Value| {
            json!({"kind": "Deployment", "metadata": {"name": "d"},
                "spec": {"containers": [{"env": [{"name": name, "value": value}]}]}})
        };
        let rows = [
            (json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}), Some("kind")),
            (
                json!({"kind": "List", "items": [{"apiVersion": "v1", "kind": "Secret"}]}),
                Some("items[0].kind"),
            ),
            (env("DB_PASSWORD", json!("x")), Some("spec.containers[0].env[0].value")),
            (env("token", json!("x")), Some("spec.containers[0].env[0].value")),
            (env("API_KEY", json!("x")), Some("spec.containers[0].env[0].value")),
            (env("API_KEY", json!("")), None),
            (env("AZURE_FEDERATED_TOKEN_FILE", json!("/var/run/token")), None),
            (env("MONKEY", json!("x")), None),
            (json!({"kind": "ConfigMap", "data": {"db-password": "x"}}), Some("data.db-password")),
            (json!({"env": [{"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "s"}}}]}), None),
        ];
        for (object, expected) in rows {
            let leak = refuse_secrets(std::slice::from_ref(&object)).err();
            assert_eq!(leak.as_ref().map(|leak| leak.field.as_str()), expected, "{object}");
        }
    }

    #[test]
    fn a_key_that_is_a_secret_is_not_shown() {
        let key = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJlLXNpZ25hdHVyZQ";
        let leak = refuse_secrets(&[json!({"kind": "X", "data": {key: 1}})]).unwrap_err();
        assert_eq!(leak.field, "data.(a key)");
    }
}
