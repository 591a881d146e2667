//! Azure Storage's refusals: XML, with the code repeated in a header.

use std::borrow::Cow;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, Method, StatusCode, header};

use super::xml;
use crate::azure::bearer::Unauthenticated;
use crate::azure::first_party::STORAGE;
use crate::world::Shared;
use crate::{random, seed};

/// A "no" of Azure Storage.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: &'static str,
    detail: Option<Cow<'static, str>>,
    length: Option<u64>,
}

impl Refusal {
    const fn new(status: StatusCode, code: &'static str, message: &'static str) -> Self {
        Self { status, code, message, detail: None, length: None }
    }

    pub(crate) const BLOB_NOT_FOUND: Self =
        Self::new(StatusCode::NOT_FOUND, "BlobNotFound", "The specified blob does not exist.");
    pub(crate) const CONTAINER_NOT_FOUND: Self =
        Self::new(StatusCode::NOT_FOUND, "ContainerNotFound", "The specified container does not exist.");
    pub(crate) const RESOURCE_NOT_FOUND: Self =
        Self::new(StatusCode::NOT_FOUND, "ResourceNotFound", "The specified resource does not exist.");
    pub(crate) const DENIED: Self = Self::new(
        StatusCode::FORBIDDEN,
        "AuthorizationPermissionMismatch",
        "This request is not authorized to perform this operation using this permission.",
    );
    pub(crate) const NETWORK: Self = Self::new(
        StatusCode::FORBIDDEN,
        "AuthorizationFailure",
        "This request is not authorized to perform this operation.",
    );
    /// <https://learn.microsoft.com/azure/storage/common/shared-key-authorization-prevent>
    pub(crate) const KEYS_ARE_OFF: Self = Self::new(
        StatusCode::FORBIDDEN,
        "KeyBasedAuthenticationNotPermitted",
        "Key based authentication is not permitted on this storage account.",
    );
    pub(crate) const CONDITION: Self = Self::new(
        StatusCode::PRECONDITION_FAILED,
        "ConditionNotMet",
        "The condition specified using HTTP conditional header(s) is not met.",
    );
    pub(crate) const METHOD: Self = Self::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "UnsupportedHttpVerb",
        "The resource doesn't support specified Http Verb.",
    );
    pub(crate) const QUERY: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "InvalidQueryParameterValue",
        "Value for one of the query parameters specified in the request URI is invalid.",
    );
    pub(crate) const HEADER: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "InvalidHeaderValue",
        "The value for one of the HTTP headers is not in the correct format.",
    );

    /// The range begins beyond the blob's end.
    pub(crate) const fn range(length: u64) -> Self {
        let message = "The range specified is invalid for the current size of the resource.";
        let mut refusal = Self::new(StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange", message);
        refusal.length = Some(length);
        refusal
    }

    pub(crate) fn unauthenticated(why: &Unauthenticated) -> Self {
        let message = "Server failed to authenticate the request. Please refer to the information in the \
                       www-authenticate header.";
        let (code, detail) = match why {
            Unauthenticated::Missing => ("NoAuthenticationInformation", None),
            Unauthenticated::Malformed => {
                ("InvalidAuthenticationInfo", Some("IDX10729: Unable to decode the token."))
            }
            Unauthenticated::Signature => ("InvalidAuthenticationInfo", Some("Signature validation failed.")),
            Unauthenticated::Issuer => {
                ("InvalidAuthenticationInfo", Some("Issuer validation failed. Issuer did not match."))
            }
            Unauthenticated::Audience(_) => {
                ("InvalidAuthenticationInfo", Some("Audience validation failed. Audience did not match."))
            }
            Unauthenticated::Expired { .. } => {
                ("InvalidAuthenticationInfo", Some("Lifetime validation failed. The token is expired."))
            }
        };
        let detail = detail.map(Cow::Borrowed);
        Self { detail, ..Self::new(StatusCode::UNAUTHORIZED, code, message) }
    }

    /// A shared access signature that does not hold.
    pub(super) fn signature(detail: String) -> Self {
        let message = "Server failed to authenticate the request. Make sure the value of Authorization header is formed \
                       correctly including the signature.";
        let refusal = Self::new(StatusCode::FORBIDDEN, "AuthenticationFailed", message);
        Self { detail: Some(Cow::Owned(detail)), ..refusal }
    }

    pub(crate) fn respond(&self, shared: &Shared, method: &Method) -> Response {
        let request = random::uuid();
        let body =
            if *method == Method::HEAD { Body::empty() } else { Body::from(self.body(shared, &request)) };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        headers.insert("x-ms-error-code", HeaderValue::from_static(self.code));
        insert(headers, "x-ms-request-id", &request);
        if let Some(length) = self.length {
            insert(headers, "content-range", &format!("bytes */{length}"));
        }
        if self.status == StatusCode::UNAUTHORIZED
            && let Some(addresses) = shared.addresses()
        {
            let resource = STORAGE.resources.first().copied().unwrap_or_default();
            let challenge = format!(
                "Bearer authorization_uri=https://{}/{}/oauth2/authorize resource_id={resource}",
                addresses.entra,
                seed::TENANT
            );
            insert(headers, "www-authenticate", &challenge);
        }
        response
    }

    fn body(&self, shared: &Shared, request: &str) -> String {
        let time = shared.clock.now();
        let message = format!("{}\nRequestId:{request}\nTime:{time:.7}", self.message);
        let mut inner = format!("{}{}", xml::element("Code", self.code), xml::element("Message", &message));
        if let Some(detail) = &self.detail {
            inner.push_str(&xml::element("AuthenticationErrorDetail", detail));
        }
        format!("{}<Error>{inner}</Error>", xml::DECLARATION)
    }
}

/// Sets a header whose value is known to be printable.
pub(super) fn insert(headers: &mut http::HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
