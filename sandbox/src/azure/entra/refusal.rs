//! Entra's refusals: number, OAuth error, status and text of each, in the shape of the live token endpoint.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::azure::directory::KeyCredential;
use crate::azure::wire::{american_date, spaced_date};
use crate::random;
use crate::seed;
use crate::world::Shared;

/// A "no" of the token endpoint.
#[derive(Debug)]
pub(crate) struct Refusal {
    code: u32,
    error: &'static str,
    status: StatusCode,
    text: String,
}

impl Refusal {
    pub(crate) fn tenant_not_found(tenant: &str) -> Self {
        let text = format!(
            "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the \
             correct cloud. Check with your subscription administrator, this may happen if there are no active \
             subscriptions for the tenant."
        );
        Self::bad_request(90002, "invalid_request", text)
    }

    pub(crate) fn missing_parameter(name: &str) -> Self {
        let text = format!("The request body must contain the following parameter: '{name}'.");
        Self::bad_request(900_144, "invalid_request", text)
    }

    pub(crate) fn unsupported_grant(grant: &str) -> Self {
        let text = format!("The app requested an unsupported grant type '{grant}'.");
        Self::bad_request(70003, "unsupported_grant_type", text)
    }

    pub(crate) fn scope(scope: &str) -> Self {
        let text = format!(
            "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with \
             /.default suffixed to the resource identifier (application ID URI)."
        );
        Self::bad_request(1_002_012, "invalid_scope", text)
    }

    pub(crate) fn application_not_found(client_id: &str, tenant: &str) -> Self {
        let text = format!(
            "Application with identifier '{client_id}' was not found in the directory '{tenant}'. This can happen if \
             the application has not been installed by the administrator of the tenant or consented to by any user in \
             the tenant. You may have sent your authentication request to the wrong tenant."
        );
        Self::bad_request(700_016, "unauthorized_client", text)
    }

    /// Registered, here or elsewhere, but not taken into this tenant.
    pub(crate) fn no_service_principal(client_id: &str) -> Self {
        let text = format!(
            "The client application {client_id} is missing service principal in the tenant {}. See instructions here: \
             https://go.microsoft.com/fwlink/?linkid=2225119",
            seed::TENANT
        );
        Self::client(7_000_229, text)
    }

    /// A Conditional Access policy for workload identities says no:
    /// `learn.microsoft.com/entra/identity/conditional-access/workload-identity`.
    pub(crate) fn blocked_by_policy() -> Self {
        let text = "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.";
        Self::bad_request(53003, "access_denied", text.to_owned())
    }

    pub(crate) fn resource_disabled(resource: &str) -> Self {
        let text = format!(
            "The service principal for resource '{resource}' is disabled. This indicate that a subscription within the \
             tenant has lapsed, or that the administrator for this tenant has disabled the application, preventing tokens \
             from being issued for it."
        );
        Self::bad_request(500_014, "invalid_resource", text)
    }

    pub(crate) fn no_credential() -> Self {
        let text =
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
        Self::client(7_000_218, text.to_owned())
    }

    pub(crate) fn wrong_secret(client_id: &str) -> Self {
        let text = format!(
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, \
             not the client secret ID, for a secret added to app '{client_id}'."
        );
        Self::client(7_000_215, text)
    }

    pub(crate) fn expired_secret(client_id: &str) -> Self {
        let text = format!("The provided client secret keys for app '{client_id}' are expired.");
        Self::client(7_000_222, text)
    }

    pub(crate) fn disabled(client_id: &str, name: &str) -> Self {
        let text = format!("Application '{client_id}'({name}) is disabled.");
        Self::bad_request(7_000_112, "unauthorized_client", text)
    }

    pub(crate) fn resource_not_found(resource: &str, tenant: &str) -> Self {
        let text = format!(
            "The resource principal named {resource} was not found in the tenant named {tenant}. This can happen if \
             the application has not been installed by the administrator of the tenant or consented to by any user in \
             the tenant. You might have sent your authentication request to the wrong tenant."
        );
        Self::bad_request(500_011, "invalid_resource", text)
    }

    pub(crate) fn not_assigned(client: (&str, &str), resource: (&str, &str)) -> Self {
        let text = format!(
            "Application '{}'({}) is not assigned to a role for the application '{}'({}).",
            client.0, client.1, resource.0, resource.1
        );
        Self::bad_request(501_051, "invalid_grant", text)
    }

    /// Nobody consented to the client for this resource, and the resource does not admit it of its own accord. The words:
    /// <https://github.com/Azure/azure-cli/issues/15056>.
    pub(crate) fn no_consent(client_id: &str, name: &str) -> Self {
        let text = format!(
            "The user or administrator has not consented to use the application with ID '{client_id}' named '{name}'. Send an \
             interactive authorization request for this user and resource."
        );
        Self::bad_request(65001, "invalid_grant", text)
    }

    /// Whoever logged in is gone from the tenant.
    pub(crate) fn no_such_user(person: &str, tenant: &str) -> Self {
        let text = format!(
            "The user account {person} does not exist in the {tenant} directory. To sign into this application, the account must be added to the directory."
        );
        Self::bad_request(50034, "invalid_grant", text)
    }

    /// The resource admits only whom it is assigned to, and this person is not.
    pub(crate) fn person_not_assigned(person: &str, resource: (&str, &str)) -> Self {
        let text = format!(
            "Your administrator has configured the application {} ('{}') to block users unless they are specifically granted \
             ('assigned') access to the application. The signed in user '{person}' is blocked because they are not a direct \
             member of a group with access, nor had access directly assigned by an administrator. Please contact your \
             administrator to assign access to this application.",
            resource.0, resource.1
        );
        Self::bad_request(50105, "invalid_grant", text)
    }

    pub(crate) fn issuer_unreachable() -> Self {
        Self::bad_request(50166, "invalid_request", "Request to External OIDC endpoint failed.".to_owned())
    }

    pub(crate) fn key_not_found(key: &str, issuer: &str) -> Self {
        let text = format!(
            "The certificate with identifier '{key}' used to sign the federated credential could not be found in the \
             metadata of identity provider '{issuer}'."
        );
        Self::client(7_000_272, text)
    }

    pub(crate) fn wrong_signature() -> Self {
        Self::client(7_000_274, "The signature of the federated credential is not valid.".to_owned())
    }

    pub(crate) fn malformed_assertion() -> Self {
        Self::client(50027, "JWT token is invalid or malformed.".to_owned())
    }

    pub(crate) fn wrong_algorithm() -> Self {
        let text = "Client assertion contains an invalid signature. The algorithm in the header is not supported, expected \
                    RS256 or PS256.";
        Self::client(50027, text.to_owned())
    }

    /// The key that signed is none of the application's.
    pub(crate) fn certificate_not_registered(client_id: &str, thumbprint: &str, now: Timestamp) -> Self {
        let text = format!(
            "The certificate with identifier used to sign the client assertion is not registered on application. [Reason - \
             The key was not found., Thumbprint of key used by client: '{thumbprint}', Please visit the Azure Portal, Graph \
             Explorer or directly use MS Graph to see configured keys for app Id '{client_id}'. Review the documentation at \
             https://docs.microsoft.com/en-us/graph/deployments to determine the corresponding service endpoint and \
             https://docs.microsoft.com/en-us/graph/api/application-get?view=graph-rest-1.0&tabs=http to build a query \
             request URL, such as 'https://graph.microsoft.com/beta/applications/{client_id}']. Current time: {now:.7}."
        );
        Self::client(700_027, text)
    }

    /// The key is the application's, the signature is not the key's.
    pub(crate) fn certificate_signature(client_id: &str, thumbprint: &str, now: Timestamp) -> Self {
        let text = format!(
            "Client assertion contains an invalid signature. [Reason - The provided signature value did not match the \
             expected signature value., Thumbprint of key used by client: '{thumbprint}', Please visit the Azure Portal, \
             Graph Explorer or directly use MS Graph to see configured keys for app Id '{client_id}'.] Current time: \
             {now:.7}."
        );
        Self::client(700_027, text)
    }

    /// The key is the application's, but its time is over.
    pub(crate) fn certificate_expired(
        client_id: &str,
        thumbprint: &str,
        key: &KeyCredential,
        now: Timestamp,
    ) -> Self {
        let text = format!(
            "Client assertion failed signature validation. [Reason - The key used is expired., Thumbprint of key used by \
             client: '{thumbprint}', Found key 'Start={start}, End={end}', Please visit the Azure Portal, Graph Explorer or \
             directly use MS Graph to see configured keys for app Id '{client_id}'.]. Current time: {now:.7}.",
            start = american_date(key.start_date_time),
            end = american_date(key.end_date_time),
        );
        Self::client(700_027, text)
    }

    pub(crate) fn assertion_audience(audience: &str, accepted: &[String]) -> Self {
        let text = format!(
            "Client assertion audience claim does not match Realm issuer. Review the documentation at \
             https://docs.microsoft.com/azure/active-directory/develop/active-directory-certificate-credentials . Received \
             '{audience}', expected '{}'.",
            accepted.join("' or '")
        );
        Self::client(700_023, text)
    }

    pub(crate) fn assertion_time(now: Timestamp, begins: Timestamp, expires: Timestamp) -> Self {
        let text = format!(
            "Client assertion is not within its valid time range. Current time: {now:.7}, assertion valid from {begins:.7}, \
             expiry time of assertion {expires:.7}. Review the documentation at \
             https://learn.microsoft.com/entra/identity-platform/certificate-credentials ."
        );
        Self::client(700_024, text)
    }

    /// A refusal of an assertion, in words that `trust` owns.
    pub(crate) fn assertion(code: u32, text: String) -> Self {
        Self::client(code, text)
    }

    pub(crate) fn internal() -> Self {
        Self {
            code: 90033,
            error: "temporarily_unavailable",
            status: StatusCode::SERVICE_UNAVAILABLE,
            text: "A transient error has occurred. Please try again.".to_owned(),
        }
    }

    fn client(code: u32, text: String) -> Self {
        Self { code, error: "invalid_client", status: StatusCode::UNAUTHORIZED, text }
    }

    fn bad_request(code: u32, error: &'static str, text: String) -> Self {
        Self { code, error, status: StatusCode::BAD_REQUEST, text }
    }

    /// The status it is answered with.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// Number and text with trace, correlation and time, as people paste it.
    pub(crate) fn description(&self, shared: &Shared) -> String {
        self.describe(&random::uuid(), &random::uuid(), &spaced_date(shared.clock.now()))
    }

    /// Error and description alone, as the instance metadata service passes them on.
    pub(crate) fn short(&self, shared: &Shared) -> Value {
        json!({ "error": self.error, "error_description": self.description(shared) })
    }

    fn describe(&self, trace: &str, correlation: &str, timestamp: &str) -> String {
        format!(
            "AADSTS{}: {} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {timestamp}",
            self.code, self.text
        )
    }

    pub(crate) fn respond(&self, shared: &Shared) -> Response {
        let (trace, correlation) = (random::uuid(), random::uuid());
        let timestamp = spaced_date(shared.clock.now());
        let host = shared.addresses().map(|addresses| addresses.entra.to_string()).unwrap_or_default();
        let body = json!({
            "error": self.error,
            "error_description": self.describe(&trace, &correlation, &timestamp),
            "error_codes": [self.code],
            "timestamp": timestamp,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": format!("https://{host}/error?code={}", self.code),
        });
        (self.status, Json(body)).into_response()
    }
}
