//! What a request asks for: its address taken apart into verb, kind, namespace, name, subresource, and its query.

use std::collections::BTreeMap;

use http::{Method, Uri};

use super::kinds::{self, Kind};

/// What an address names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// Objects of a kind.
    Objects(Objects),
    /// A fixed document: discovery, version, health, the issuer.
    Document(String),
}

/// Objects of one kind, or one of them, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Objects {
    pub(crate) kind: &'static Kind,
    /// `None`: cluster-scoped, or all namespaces.
    pub(crate) namespace: Option<String>,
    pub(crate) name: Option<String>,
    /// `status`, `scale`, `log`, `proxy`, `token`.
    pub(crate) subresource: Option<String>,
    /// What follows the subresource, for `proxy`.
    pub(crate) rest: String,
}

/// The query of a request, decoded; of repeated names the last one counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query(BTreeMap<String, String>);

impl Target {
    /// Takes the path apart. `None`: nothing is served there.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        match parts.as_slice() {
            ["api", version, rest @ ..] if !rest.is_empty() => objects("", version, rest).map(Self::Objects),
            ["apis", group, version, rest @ ..] if !rest.is_empty() => {
                objects(group, version, rest).map(Self::Objects)
            }
            _ => Some(Self::Document(format!("/{}", parts.join("/")))),
        }
    }
}

fn objects(group: &str, version: &str, rest: &[&str]) -> Option<Objects> {
    // A namespace is an object itself and the folder of others.
    if let ["namespaces", namespace, plural, rest @ ..] = rest
        && !(group.is_empty() && *plural == "status")
    {
        let kind = kinds::find(group, version, plural).filter(|kind| kind.namespaced)?;
        return Some(within(kind, Some(decode(namespace)), rest));
    }
    let (plural, rest) = rest.split_first()?;
    let kind = kinds::find(group, version, plural)?;
    if kind.namespaced && !rest.is_empty() {
        return None;
    }
    Some(within(kind, None, rest))
}

fn within(kind: &'static Kind, namespace: Option<String>, rest: &[&str]) -> Objects {
    let mut parts = rest.iter();
    let name = parts.next().map(|name| decode(name));
    let subresource = parts.next().map(|part| (*part).to_owned());
    let rest: Vec<&str> = parts.copied().collect();
    Objects { kind, namespace, name, subresource, rest: rest.join("/") }
}

/// Undoes percent-encoding in one path segment.
fn decode(segment: &str) -> String {
    let as_query = format!("x={}", segment.replace('+', "%2B"));
    url::form_urlencoded::parse(as_query.as_bytes())
        .next()
        .map_or_else(String::new, |(_, value)| value.into_owned())
}

impl Query {
    pub(crate) fn of(uri: &Uri) -> Self {
        let pairs = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// The value of `name`, or the empty text.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.get(name).map(String::as_str).unwrap_or_default()
    }

    /// Whether `name` says yes.
    pub(crate) fn truth(&self, name: &str) -> bool {
        matches!(self.text(name), "true" | "1" | "True" | "TRUE")
    }

    /// The query as text again.
    pub(crate) fn encoded(&self) -> String {
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }

    /// The number of `name`.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.text(name).parse().ok()
    }
}

/// The verb by which authorization knows the request.
pub(crate) fn verb(method: &Method, objects: &Objects, query: &Query) -> &'static str {
    let one = objects.name.is_some();
    match (method.as_str(), one) {
        ("GET" | "HEAD", true) => "get",
        ("GET" | "HEAD", _) if query.truth("watch") => "watch",
        ("GET" | "HEAD", _) => "list",
        ("POST", _) => "create",
        ("PUT", _) => "update",
        ("PATCH", _) => "patch",
        ("DELETE", true) => "delete",
        ("DELETE", false) => "deletecollection",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(path: &str) -> String {
        match Target::parse(path) {
            None => "nothing".to_owned(),
            Some(Target::Document(path)) => format!("document {path}"),
            Some(Target::Objects(it)) => format!(
                "{:?} in {} named {} part {} rest {}",
                it.kind,
                it.namespace.as_deref().unwrap_or("-"),
                it.name.as_deref().unwrap_or("-"),
                it.subresource.as_deref().unwrap_or("-"),
                it.rest
            ),
        }
    }

    #[test]
    fn addresses_are_taken_apart() {
        let cases = [
            ("/api/v1/pods", "pods in - named - part - rest "),
            ("/api/v1/namespaces", "namespaces in - named - part - rest "),
            ("/api/v1/namespaces/a", "namespaces in - named a part - rest "),
            ("/api/v1/namespaces/a/status", "namespaces in - named a part status rest "),
            ("/api/v1/namespaces/a/pods/b/log", "pods in a named b part log rest "),
            (
                "/apis/apps/v1/namespaces/a/deployments/b/scale",
                "deployments.apps in a named b part scale rest ",
            ),
            (
                "/api/v1/namespaces/a/services/b:http/proxy/x/y",
                "services in a named b:http part proxy rest x/y",
            ),
            ("/api/v1/namespaces/a/services/b%3Ahttp/proxy/", "services in a named b:http part proxy rest "),
            ("/apis/apps/v1/deployments/b", "nothing"),
            ("/apis/apps/v2/deployments", "nothing"),
            ("/apis/apps/v1", "document /apis/apps/v1"),
            ("/version", "document /version"),
        ];
        for (path, expected) in cases {
            assert_eq!(shown(path), expected, "{path}");
        }
    }
}
