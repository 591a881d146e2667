//! Who is at the registry's door, and what they may do with an image: Google tokens by Bearer or Basic, the registry's
//! own tokens, and the endpoint that gives those out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;
use http::{HeaderMap, header};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::name::ImageName;
use crate::google::call::{CLOUD_PLATFORM, bearer};
use crate::google::tokens::{self, AuthError, Identity, RegistryGrant};
use crate::registry::error::RegistryError;
use crate::serve::Expired;
use crate::world::World;

/// The user name that says the password is a Google access token.
const TOKEN_USER: &str = "oauth2accesstoken";

/// What somebody wants to do with an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Pull,
    Push,
    DeleteTag,
    DeleteVersion,
}

impl Action {
    /// The IAM permission it takes.
    pub(crate) fn permission(self) -> &'static str {
        match self {
            Self::Pull => "artifactregistry.repositories.downloadArtifacts",
            Self::Push => "artifactregistry.repositories.uploadArtifacts",
            Self::DeleteTag => "artifactregistry.tags.delete",
            Self::DeleteVersion => "artifactregistry.versions.delete",
        }
    }

    /// Its word in a token's scope.
    fn word(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "push",
            Self::DeleteTag | Self::DeleteVersion => "delete",
        }
    }

    fn of_word(word: &str) -> Option<Self> {
        match word {
            "pull" => Some(Self::Pull),
            "push" => Some(Self::Push),
            "delete" | "*" => Some(Self::DeleteVersion),
            _ => None,
        }
    }

    /// The OAuth scopes of which one is needed.
    fn oauth_scopes(self) -> &'static [&'static str] {
        const WRITE: &[&str] = &[
            CLOUD_PLATFORM,
            "https://www.googleapis.com/auth/devstorage.read_write",
            "https://www.googleapis.com/auth/devstorage.full_control",
        ];
        const READ: &[&str] = &[
            CLOUD_PLATFORM,
            "https://www.googleapis.com/auth/cloud-platform.read-only",
            "https://www.googleapis.com/auth/devstorage.read_only",
            "https://www.googleapis.com/auth/devstorage.read_write",
            "https://www.googleapis.com/auth/devstorage.full_control",
        ];
        if self == Self::Pull { READ } else { WRITE }
    }
}

/// Somebody with a good token.
pub(crate) struct Visitor {
    identity: Identity,
    /// What a registry token was given; `None` for a Google token, which is not limited to an image.
    grants: Option<Vec<RegistryGrant>>,
    challenge: String,
}

/// Reads the request's credential. `wanted` words the refusal of somebody who shows none.
pub(crate) fn visitor(
    world: &World,
    parts: &Parts,
    wanted: Option<(&ImageName, Action)>,
) -> Result<Visitor, RegistryError> {
    let challenge = challenge(&parts.headers, wanted);
    let Some(token) =
        shown_token(&parts.headers).map_err(|text| RegistryError::unauthorized(text, challenge.clone()))?
    else {
        return Err(RegistryError::unauthorized(anonymous(wanted), challenge));
    };
    let aged = parts.extensions.get::<Expired>().is_some();
    match tokens::authenticate_registry(world, &token, aged) {
        Ok((identity, grants)) => Ok(Visitor { identity, grants, challenge }),
        Err(AuthError::Unknown | AuthError::Expired) => Err(RegistryError::unauthorized(
            "authentication failed: the access token is invalid or expired",
            challenge,
        )),
    }
}

impl Visitor {
    /// Whether this visitor may do `action` to `name`, and whether the repository is there.
    pub(crate) fn permit(
        &self,
        world: &World,
        name: &ImageName,
        action: Action,
    ) -> Result<(), RegistryError> {
        self.require_grant(name, action)?;
        self.require_iam(world, name, action)?;
        let resources = world.google.resources();
        match resources.repository(&name.project, crate::seed::LOCATION, &name.repository) {
            Some(_) => Ok(()),
            None => Err(RegistryError::unknown(
                "NAME_UNKNOWN",
                format!("Repository \"{}\" not found", name.repository),
            )),
        }
    }

    fn require_grant(&self, name: &ImageName, action: Action) -> Result<(), RegistryError> {
        let Some(grants) = &self.grants else { return Ok(()) };
        let path = name.path();
        let holds = |word: &String| word == action.word() || word == "*";
        if grants.iter().any(|grant| grant.name == path && grant.actions.iter().any(holds)) {
            return Ok(());
        }
        let challenge = format!("{},error=\"insufficient_scope\"", self.challenge);
        Err(RegistryError::unauthorized("the token was not given this scope", challenge))
    }

    fn require_iam(&self, world: &World, name: &ImageName, action: Action) -> Result<(), RegistryError> {
        if !action.oauth_scopes().iter().any(|scope| self.identity.has_scope(scope)) {
            return Err(RegistryError::denied("Request had insufficient authentication scopes."));
        }
        let permission = action.permission();
        let resource = name.resource();
        let resources = world.google.resources_in_force();
        if resources.allows_on_repository(&self.identity.caller, permission, &resource) {
            return Ok(());
        }
        Err(RegistryError::denied(format!(
            "Permission \"{permission}\" denied on resource \"{resource}\" (or it may not exist)"
        )))
    }
}

/// `GET /v2/token`: a registry token for the scopes asked for, if the caller may use the first of them.
pub(crate) fn give_token(world: &World, parts: &Parts) -> Result<Value, RegistryError> {
    let query = parts.uri.query().unwrap_or_default();
    let scopes = url::form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == "scope");
    let mut asked = Vec::new();
    for (_, value) in scopes {
        for scope in value.split_ascii_whitespace() {
            asked.extend(parse_scope(scope)?);
        }
    }
    let first = asked.first().and_then(|(name, actions)| Some((name, *actions.last()?)));
    if !parts.headers.contains_key(header::AUTHORIZATION) {
        return Err(RegistryError::denied(anonymous(first)));
    }
    let visitor = visitor(world, parts, first)?;
    if visitor.grants.is_some() {
        return Err(RegistryError::unauthorized(
            "a registry token gets no registry token",
            visitor.challenge,
        ));
    }
    let grants = grants(world, &visitor, &asked)?;
    let now = world.clock.now();
    let end = now.checked_add(SignedDuration::from_hours(1)).unwrap_or(now).min(visitor.identity.expires);
    let identity = Identity { expires: end, ..visitor.identity };
    let token = tokens::mint_registry(world, identity, grants);
    Ok(
        json!({ "token": token, "expires_in": end.duration_since(now).as_secs(), "issued_at": now.to_string() }),
    )
}

/// The first scope must be allowed whole; of the others (mount sources) only what is allowed is given.
fn grants(
    world: &World,
    visitor: &Visitor,
    asked: &[(ImageName, Vec<Action>)],
) -> Result<Vec<RegistryGrant>, RegistryError> {
    let mut grants = Vec::new();
    for (index, (name, actions)) in asked.iter().enumerate() {
        let mut given = Vec::new();
        for action in actions {
            match visitor.require_iam(world, name, *action) {
                Ok(()) => given.push(action.word().to_owned()),
                Err(refusal) if index == 0 => return Err(refusal),
                Err(_) => {}
            }
        }
        grants.push(RegistryGrant { name: name.path(), actions: given });
    }
    Ok(grants)
}

/// `repository:NAME:pull,push`; scopes of other kinds are passed over.
fn parse_scope(scope: &str) -> Result<Option<(ImageName, Vec<Action>)>, RegistryError> {
    let Some((name, actions)) = scope.strip_prefix("repository:").and_then(|rest| rest.rsplit_once(':'))
    else {
        return Ok(None);
    };
    Ok(Some((ImageName::parse(name)?, actions.split(',').filter_map(Action::of_word).collect())))
}

/// The token in the request, whichever way it is carried.
fn shown_token(headers: &HeaderMap) -> Result<Option<String>, &'static str> {
    if let Some(token) = bearer(headers) {
        return Ok(Some(token.to_owned()));
    }
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let unusable = "authentication failed: expected a bearer token, or Basic with user oauth2accesstoken";
    let (scheme, encoded) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(unusable)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(unusable);
    }
    let decoded = STANDARD.decode(encoded.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    match decoded.as_deref().and_then(|text| text.split_once(':')) {
        Some((TOKEN_USER, token)) => Ok(Some(token.to_owned())),
        Some(("_json_key" | "_json_key_base64", _)) => Err("Unable to parse json key."),
        _ => Err(unusable),
    }
}

fn anonymous(wanted: Option<(&ImageName, Action)>) -> String {
    let Some((name, action)) = wanted else { return "Unauthenticated request.".to_owned() };
    let (permission, resource) = (action.permission(), name.resource());
    format!(
        "Unauthenticated request. Unauthenticated requests do not have permission \"{permission}\" on resource \
         \"{resource}\" (or it may not exist)"
    )
}

fn challenge(headers: &HeaderMap, wanted: Option<(&ImageName, Action)>) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1");
    let scope = match wanted {
        None => String::new(),
        Some((name, Action::Pull)) => format!(",scope=\"repository:{}:pull\"", name.path()),
        Some((name, Action::Push)) => format!(",scope=\"repository:{}:pull,push\"", name.path()),
        Some((name, _)) => format!(",scope=\"repository:{}:delete\"", name.path()),
    };
    format!("Bearer realm=\"http://{host}/v2/token\",service=\"{host}\"{scope}")
}
