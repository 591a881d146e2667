//! One call of a Google JSON API: its parts read, its caller known, its answer made in one go.
//!
//! The bearer token becomes an [`Identity`]; path, custom verb, query and body are taken apart; the service's `answer`
//! decides; its value or refusal becomes JSON.

use std::collections::BTreeMap;

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use http::{HeaderMap, header};
use serde_json::{Value, json};

use super::error::{ApiError, Code};
use super::tokens::{self, AuthError, Identity};
use crate::registry::path::decode;
use crate::serve::Expired;
use crate::world::{Shared, World};

/// No request of these services is anywhere near this large.
const LARGEST_BODY: usize = 1 << 20;

/// The scope that every one of these services takes.
pub(crate) const CLOUD_PLATFORM: &str = "https://www.googleapis.com/auth/cloud-platform";
/// IAM's own scope.
const IAM: &str = "https://www.googleapis.com/auth/iam";
/// Service Usage's own scope.
const SERVICE_MANAGEMENT: &str = "https://www.googleapis.com/auth/service.management";

/// One of Google's JSON services.
#[derive(Clone, Copy)]
pub(crate) struct Service {
    /// The public host, which error details name.
    pub(crate) host: &'static str,
    /// Decides one call.
    pub(crate) answer: fn(&World, &Call) -> Result<Value, ApiError>,
}

impl Service {
    /// The scopes of which a token must have one. Impersonation is asked for with IAM's own, by Google's libraries too.
    /// <https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken>
    fn scopes(self) -> &'static [&'static str] {
        match self.host {
            "iamcredentials.googleapis.com" => &[CLOUD_PLATFORM, IAM],
            "serviceusage.googleapis.com" => &[CLOUD_PLATFORM, SERVICE_MANAGEMENT],
            _ => &[CLOUD_PLATFORM],
        }
    }
}

/// One authenticated request.
pub(crate) struct Call {
    pub(crate) method: String,
    path: Vec<String>,
    verb: String,
    query: BTreeMap<String, String>,
    pub(crate) body: Value,
    pub(crate) identity: Identity,
}

impl Call {
    /// Method, path segments and custom verb (empty if none), ready to be matched.
    pub(crate) fn route(&self) -> (&str, Vec<&str>, &str) {
        (&self.method, self.path.iter().map(String::as_str).collect(), &self.verb)
    }

    /// A query parameter; an empty one counts as absent.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A string field of the body, empty if absent.
    pub(crate) fn text(&self, field: &str) -> &str {
        self.body.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    /// The paths of `updateMask` (query, else body), in camel case.
    pub(crate) fn update_mask(&self) -> Vec<String> {
        let mask = self.query("updateMask").unwrap_or_else(|| self.text("updateMask"));
        mask.split(',').map(str::trim).filter(|path| !path.is_empty()).map(camel_case).collect()
    }
}

/// A router for `service`.
pub(crate) fn router(shared: Shared, service: Service) -> Router {
    Router::new().fallback(respond).with_state((shared, service))
}

async fn respond(State((shared, service)): State<(Shared, Service)>, request: Request) -> Response {
    let call = match read(&shared, service, request).await {
        Ok(call) => call,
        Err(error) => return error.into_response(),
    };
    match (service.answer)(&shared, &call) {
        Ok(value) => Json(value).into_response(),
        Err(error) => error.into_response(),
    }
}

async fn read(world: &World, service: Service, request: Request) -> Result<Call, ApiError> {
    let (parts, body) = request.into_parts();
    let aged = parts.extensions.get::<Expired>().is_some();
    let identity = authenticate(world, service, &parts.headers, aged)?;
    world.google.resources().organisation.require_enabled(service.host)?;
    let mut path: Vec<String> = parts.uri.path().split('/').skip(1).map(decode).collect();
    let verb = path.last_mut().map(split_verb).unwrap_or_default();
    let query =
        url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let bytes = to_bytes(body, LARGEST_BODY).await.map_err(|_| ApiError::invalid_argument())?;
    let body = if bytes.is_empty() { Value::Null } else { parse(&bytes)? };
    Ok(Call { method: parts.method.to_string(), path, verb, query, body, identity })
}

fn parse(bytes: &[u8]) -> Result<Value, ApiError> {
    serde_json::from_slice(bytes).map_err(|error| {
        ApiError::new(Code::InvalidArgument, format!("Invalid JSON payload received. {error}"))
    })
}

fn authenticate(
    world: &World,
    service: Service,
    headers: &HeaderMap,
    aged: bool,
) -> Result<Identity, ApiError> {
    let metadata = json!({ "service": service.host });
    let token = bearer(headers).ok_or_else(|| {
        unauthenticated("Request is missing required authentication credential.").with_info(
            "CREDENTIALS_MISSING",
            "googleapis.com",
            &metadata,
        )
    })?;
    let identity = tokens::authenticate(world, token, aged).map_err(|error| {
        let reason = match error {
            AuthError::Expired => "ACCESS_TOKEN_EXPIRED",
            AuthError::Unknown => "ACCESS_TOKEN_TYPE_UNSUPPORTED",
        };
        unauthenticated("Request had invalid authentication credentials.").with_info(
            reason,
            "googleapis.com",
            &metadata,
        )
    })?;
    let enough = |scope: &&str| identity.has_scope(scope);
    if service.scopes().iter().any(enough) {
        Ok(identity)
    } else {
        Err(ApiError::new(Code::PermissionDenied, "Request had insufficient authentication scopes.")
            .with_info("ACCESS_TOKEN_SCOPE_INSUFFICIENT", "googleapis.com", &metadata))
    }
}

/// The token of an `Authorization: Bearer` header.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()).filter(|token| !token.is_empty())
}

fn unauthenticated(beginning: &str) -> ApiError {
    ApiError::new(
        Code::Unauthenticated,
        format!(
            "{beginning} Expected OAuth 2 access token, login cookie or other valid authentication credential. \
             See https://developers.google.com/identity/sign-in/web/devconsole-project."
        ),
    )
}

/// Takes `:verb` off the end of a segment. The colon of a digest is not one of a verb.
fn split_verb(segment: &mut String) -> String {
    match segment.rsplit_once(':') {
        Some((head, verb)) if verb.len() < 40 && verb.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
            let (head, verb) = (head.to_owned(), verb.to_owned());
            *segment = head;
            verb
        }
        _ => String::new(),
    }
}

/// Field masks come in both spellings.
fn camel_case(path: &str) -> String {
    let mut camel = String::with_capacity(path.len());
    let mut upper = false;
    for letter in path.chars() {
        match letter {
            '_' => upper = true,
            letter if upper => {
                camel.push(letter.to_ascii_uppercase());
                upper = false;
            }
            letter => camel.push(letter),
        }
    }
    camel
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_leave_the_last_segment_and_digests_stay() {
        let mut segment = "harbour-sandbox:getIamPolicy".to_owned();
        assert_eq!(split_verb(&mut segment), "getIamPolicy");
        assert_eq!(segment, "harbour-sandbox");
        let mut segment = format!("image@sha256:{}", "a".repeat(64));
        assert_eq!(split_verb(&mut segment), "");
    }

    #[test]
    fn masks_and_escapes() {
        assert_eq!(camel_case("oidc.allowed_audiences"), "oidc.allowedAudiences");
        assert_eq!(decode("a%40b%2Fc%zz%"), "a@b/c%zz%");
    }
}
