//! Who is at the registry's door, and whether what was shown admits what is wanted.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header;
use http::request::Parts;
use serde_json::json;

use super::tokens::{self, Access, MESSAGE, Shown};
use crate::registry::error::RegistryError;
use crate::serve::Expired;
use crate::world::Shared;

/// The user name that says the password is a refresh token.
pub(super) const NULL_USER: &str = "00000000-0000-0000-0000-000000000000";

/// What somebody wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Pull,
    Push,
    Delete,
    Catalog,
    /// Tags and manifests of a repository, by the registry's own API.
    Look,
}

impl Action {
    /// Its word in scopes.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "push",
            Self::Delete => "delete",
            Self::Catalog => "*",
            Self::Look => tokens::METADATA_READ,
        }
    }

    fn kind(self) -> &'static str {
        if self == Self::Catalog { "registry" } else { "repository" }
    }

    /// What a challenge asks for: pushing needs pulling, too.
    fn words(self) -> &'static [&'static str] {
        match self {
            Self::Pull => &["pull"],
            Self::Push => &["pull", "push"],
            Self::Delete => &["delete"],
            Self::Catalog => &["*"],
            Self::Look => &[tokens::METADATA_READ],
        }
    }
}

/// Somebody with a good token.
pub(super) struct Visitor(Shown);

impl Visitor {
    /// Whether the token admits `action` on `name`.
    pub(super) fn may(&self, name: &str, action: Action) -> bool {
        match &self.0 {
            Shown::Access(all) => all.iter().any(|it| it.admits(action.kind(), name, action.word())),
            Shown::Refresh(rights) => {
                let looks = matches!(action, Action::Catalog | Action::Look);
                let right = if looks { "pull" } else { action.word() };
                rights.iter().any(|it| it == right)
            }
        }
    }
}

impl Access {
    fn admits(&self, kind: &str, name: &str, action: &str) -> bool {
        self.kind == kind && self.name == name && self.actions.iter().any(|it| it == action)
    }
}

/// Reads the request's credential, which must admit what is `wanted`.
pub(super) fn visitor(
    shared: &Shared,
    parts: &Parts,
    wanted: Option<(&str, Action)>,
) -> Result<Visitor, RegistryError> {
    let refused = |error: Option<&str>| refusal(parts, wanted, error);
    let aged = parts.extensions.get::<Expired>().is_some();
    let value = parts.headers.get(header::AUTHORIZATION).ok_or_else(|| refused(None))?;
    let (scheme, secret) =
        value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(|| refused(None))?;
    let shown = match scheme.to_ascii_lowercase().as_str() {
        "bearer" => tokens::read_access(shared, parts, secret.trim(), aged).map(Shown::Access),
        "basic" => basic(secret)
            .and_then(|token| tokens::read_refresh(shared, parts, &token, aged))
            .map(Shown::Refresh),
        _ => None,
    };
    let visitor = Visitor(shown.ok_or_else(|| refused(Some("invalid_token")))?);
    match wanted {
        Some((name, action)) if !visitor.may(name, action) => Err(refused(Some("insufficient_scope"))),
        _ => Ok(visitor),
    }
}

/// The refresh token of a Basic log-in as the null user.
pub(super) fn basic(encoded: &str) -> Option<String> {
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, token) = decoded.split_once(':')?;
    (user == NULL_USER).then(|| token.to_owned())
}

/// 401 with a challenge, and what was wanted in the body (`Azure/acr#841`).
fn refusal(parts: &Parts, wanted: Option<(&str, Action)>, error: Option<&str>) -> RegistryError {
    let host = tokens::host(parts);
    let mut challenge = format!("Bearer realm=\"http://{host}/oauth2/token\",service=\"{host}\"");
    if let Some((name, action)) = wanted {
        let scope = format!(",scope=\"{}:{name}:{}\"", action.kind(), action.words().join(","));
        challenge.push_str(&scope);
    }
    if let Some(error) = error {
        challenge.extend([",error=\"", error, "\""]);
    }
    let refusal = RegistryError::unauthorized(MESSAGE, challenge);
    let Some((name, action)) = wanted else { return refusal };
    let detail = |word: &&str| json!({ "Type": action.kind(), "Name": name, "Action": word });
    refusal.with_detail(action.words().iter().map(detail).collect())
}
