//! What is no JSON and no YAML that we know: a bare token, variables, a form, or an error somebody copied.

use serde_json::{Map, Value, json};

/// `NAME=VALUE` lines, as `env` prints them, `NAME==VERSION` lines, as `pip freeze` does, and `NAME VERSION` lines, as
/// `gcloud version` does. All lines must be of one of these kinds.
pub(super) fn environment(text: &str) -> Option<Value> {
    let mut variables = Map::new();
    let mut versions = Map::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some((name, version)) = line.split_once("==") {
            versions.insert(name.trim().to_owned(), json!(version.trim()));
        } else if let Some((name, value)) = variable(line) {
            variables.insert(name.to_owned(), json!(value.trim_matches(['"', '\''])));
        } else {
            let (name, version) = version(line)?;
            versions.insert(name.to_owned(), json!(version));
        }
    }
    if variables.is_empty() && versions.is_empty() {
        return None;
    }
    let mut found = Map::new();
    if !variables.is_empty() {
        found.insert("env".to_owned(), Value::Object(variables));
    }
    if !versions.is_empty() {
        found.insert("versions".to_owned(), Value::Object(versions));
    }
    Some(Value::Object(found))
}

fn variable(line: &str) -> Option<(&str, &str)> {
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, value) = line.split_once('=')?;
    let named = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    named.then_some((name, value))
}

fn version(line: &str) -> Option<(&str, &str)> {
    let (name, version) = line.rsplit_once([' ', ':'])?;
    let name = name.trim_end_matches([':', ' ']).trim_end_matches("version").trim();
    let bare = version.trim().trim_start_matches('v');
    let numbers = bare.split(['.', '-', '+']).next()?;
    let good = !numbers.is_empty() && numbers.chars().all(|c| c.is_ascii_digit()) && bare.contains('.');
    (good && name.split_whitespace().count() <= 4 && !name.is_empty()).then_some((name, bare))
}

/// A request's form, `grant_type=…&audience=…`, perhaps with line breaks between its fields.
pub(super) fn form(text: &str) -> Option<Value> {
    let text = text.trim();
    if !text.contains("grant_type=") && !text.contains("grantType=") {
        return None;
    }
    let mut fields = Map::new();
    let joined: String = text.lines().map(str::trim).collect();
    if joined.contains(char::is_whitespace) {
        return None;
    }
    for (name, value) in url::form_urlencoded::parse(joined.as_bytes()) {
        fields.insert(name.into_owned(), json!(value));
    }
    Some(Value::Object(fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_and_versions() {
        let table = [
            ("A=1\nexport B_C=\"x y\"\n# no\n", Some(json!({"env": {"A": "1", "B_C": "x y"}}))),
            (
                "azure-ai-ml==1.19.0\nmsal==1.2",
                Some(json!({"versions": {"azure-ai-ml": "1.19.0", "msal": "1.2"}})),
            ),
            (
                "Google Cloud SDK 450.0.0\nkubectl v1.28.3",
                Some(json!({"versions": {"Google Cloud SDK": "450.0.0", "kubectl": "1.28.3"}})),
            ),
            ("EMPTY=", Some(json!({"env": {"EMPTY": ""}}))),
            ("denied: Permission x denied on resource y=1", None),
            ("error 403", None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(environment(text), expected, "{text}");
        }
    }

    #[test]
    fn forms() {
        let found = form("grant_type=access_token&service=r.azurecr.io").unwrap();
        assert_eq!(found, json!({"grant_type": "access_token", "service": "r.azurecr.io"}));
        assert_eq!(form("the grant_type= was wrong"), None);
    }
}
