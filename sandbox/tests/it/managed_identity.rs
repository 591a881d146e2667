//! Managed identities and their federated credentials: made, limited, written one at a time, and logged in with.

use reqwest::Method;
use serde_json::{Value, json};

use crate::quay::sandbox::seed;
use crate::quay::{Quay, group};

fn identity(name: &str) -> String {
    format!("{}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}", group())
}

fn credential(identity_name: &str, name: &str) -> String {
    format!("{}/federatedIdentityCredentials/{name}", identity(identity_name))
}

fn trusts(subject: &str) -> Value {
    json!({ "properties": {
        "issuer": "https://issuer", "subject": subject, "audiences": ["api://AzureADTokenExchange"],
    } })
}

async fn ask(quay: &Quay, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
    let (status, reply) = quay.arm(method, path, body).await;
    (status.as_u16(), reply)
}

async fn made(quay: &Quay, name: &str) -> Value {
    let body = json!({ "location": seed::REGION, "tags": { "team": "cellar" } });
    let (status, reply) = ask(quay, Method::PUT, &identity(name), Some(body)).await;
    assert_eq!(status, 201, "{reply}");
    reply
}

fn said(reply: &(u16, Value)) -> (u16, String) {
    let text = |field: &str| reply.1["error"][field].as_str().unwrap_or_default().to_owned();
    (reply.0, format!("{}: {}", text("code"), text("message")))
}

#[tokio::test]
async fn an_identity_is_made_listed_and_removed() {
    let quay = Quay::new().await;
    let one = made(&quay, "reader").await;
    assert_eq!(one["tags"], json!({ "team": "cellar" }));
    let (status, again) = ask(&quay, Method::GET, &identity("READER"), None).await;
    assert_eq!((status, &again["properties"]), (200, &one["properties"]));
    let list = identity("").trim_end_matches('/').to_owned();
    let (_, all) = ask(&quay, Method::GET, &list, None).await;
    assert!(all["value"].as_array().unwrap().iter().any(|it| it["name"] == "reader"), "{all}");
    // Graph knows its service principal.
    let object_id = one["properties"]["principalId"].as_str().unwrap().to_owned();
    let directory_has = || {
        let directory = quay.sandbox.world.azure.directory();
        directory.service_principal(&object_id).map(|it| it.service_principal_type.clone())
    };
    assert_eq!(directory_has().as_deref(), Some("ManagedIdentity"));
    assert_eq!(ask(&quay, Method::DELETE, &identity("reader"), None).await.0, 200);
    assert_eq!(ask(&quay, Method::DELETE, &identity("reader"), None).await.0, 204);
    assert_eq!(directory_has(), None);
}

#[tokio::test]
async fn wrong_requests_get_the_words_of_the_live_service() {
    let quay = Quay::new().await;
    made(&quay, "reader").await;
    let elsewhere = json!({ "location": "mars" });
    for (path, body, expected) in [
        (identity("another"), json!({}), (400, "LocationRequired: The location property is required")),
        (
            identity("reader"),
            elsewhere,
            (409, "InvalidResourceLocation: The resource 'reader' already exists in location"),
        ),
        (credential("nobody", "taster"), trusts("s"), (404, "ResourceNotFound: The Resource")),
        (
            credential("reader", "a b"),
            trusts("s"),
            (400, "BadRequest: Federated Identity Credential name 'a b' is invalid."),
        ),
        (
            credential("reader", "taster"),
            json!({ "properties": { "issuer": "https://issuer", "audiences": ["a"] } }),
            (400, "BadRequest: Federated Identity Credential from HTTP body has empty properties"),
        ),
        (
            credential("reader", "taster"),
            json!({ "properties": { "issuer": "https://issuer", "subject": "s", "audiences": ["a", "b"] } }),
            (400, "BadRequest: Federated identity credentials must have exactly 1 audience."),
        ),
    ] {
        let (status, text) = said(&ask(&quay, Method::PUT, &path.replace(' ', "%20"), Some(body)).await);
        assert_eq!(status, expected.0, "{text}");
        assert!(text.starts_with(expected.1), "{text}");
    }
    assert_eq!(ask(&quay, Method::PUT, &credential("reader", "one"), Some(trusts("s"))).await.0, 201);
    assert_eq!(ask(&quay, Method::PUT, &credential("reader", "one"), Some(trusts("s"))).await.0, 200);
    let twice = said(&ask(&quay, Method::PUT, &credential("reader", "two"), Some(trusts("s"))).await);
    assert_eq!(
        twice.1,
        "BadRequest: Issuer and subject combination already exists for this Managed Identity."
    );
}

#[tokio::test]
async fn twenty_credentials_and_no_more() {
    let quay = Quay::new().await;
    made(&quay, "reader").await;
    for number in 0..20 {
        let path = credential("reader", &format!("taster-{number}"));
        assert_eq!(ask(&quay, Method::PUT, &path, Some(trusts(&number.to_string()))).await.0, 201);
    }
    let path = credential("reader", "taster-20");
    let refused = said(&ask(&quay, Method::PUT, &path, Some(trusts("20"))).await);
    assert_eq!(refused.0, 400, "{}", refused.1);
    assert_eq!(ask(&quay, Method::DELETE, &credential("reader", "taster-3"), None).await.0, 200);
    assert_eq!(ask(&quay, Method::PUT, &path, Some(trusts("20"))).await.0, 201);
    let (_, all) = ask(&quay, Method::GET, credential("reader", "").trim_end_matches('/'), None).await;
    assert_eq!(all["value"].as_array().unwrap().len(), 20);
}

#[tokio::test]
async fn two_writes_at_once_are_one_too_many() {
    let quay = Quay::new().await;
    made(&quay, "reader").await;
    let write = |name: &'static str| {
        let quay = &quay;
        async move { said(&ask(quay, Method::PUT, &credential("reader", name), Some(trusts(name))).await) }
    };
    let replies = futures_util::future::join_all(
        ["taster-1", "taster-2", "taster-3", "taster-4", "taster-5"].map(&write),
    )
    .await;
    let refused: Vec<_> = replies.iter().filter(|reply| reply.0 == 409).collect();
    assert!(!refused.is_empty(), "{replies:?}");
    let code =
        "ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity: Too many Federated Identity";
    assert!(refused.iter().all(|reply| reply.1.starts_with(code)), "{refused:?}");
    assert_eq!(replies.len() - refused.len(), replies.iter().filter(|reply| reply.0 == 201).count());
}
