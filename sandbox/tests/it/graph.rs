//! Microsoft Graph: registering, finding, changing, assigning, and who may not.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::quay::Quay;
use crate::quay::sandbox::seed;

async fn create(quay: &Quay, body: Value) -> Value {
    let (status, body) = quay.graph(Method::POST, "applications", Some(body)).await;
    assert_eq!(status, 201, "{body}");
    body
}

fn code(reply: &(StatusCode, Value)) -> (u16, &str) {
    (reply.0.as_u16(), reply.1["error"]["code"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn applications_are_found_by_tag_name_and_key() {
    let quay = Quay::new().await;
    let made = create(&quay, json!({ "displayName": "bridge", "tags": ["gangplank:harbour"] })).await;
    let (id, app_id) = (made["id"].as_str().unwrap(), made["appId"].as_str().unwrap());
    for filter in [
        "tags/any(t:t eq 'gangplank:harbour')".to_owned(),
        "displayName eq 'Bridge' and tags/any(x:x eq 'gangplank:harbour')".to_owned(),
        format!("appId eq '{app_id}'"),
        "startswith(displayName,'bri')".to_owned(),
    ] {
        let (status, found) = quay.graph(Method::GET, &format!("applications?$filter={filter}"), None).await;
        assert_eq!(
            (status.as_u16(), found["value"].as_array().map(Vec::len)),
            (200, Some(1)),
            "{filter}: {found}"
        );
        assert_eq!(found["value"][0]["id"], id);
    }
    for key in [format!("applications/{id}"), format!("applications(appId='{app_id}')")] {
        let (status, found) = quay.graph(Method::GET, &key, None).await;
        assert_eq!((status.as_u16(), &found["displayName"]), (200, &json!("bridge")));
    }
    let refused = quay.graph(Method::GET, "applications?$filter=displayName ne 'x'", None).await;
    assert_eq!(code(&refused), (400, "Request_UnsupportedQuery"));
    let refused = quay.graph(Method::GET, "applications/00000000-0000-0000-0000-000000000009", None).await;
    assert_eq!(code(&refused), (404, "Request_ResourceNotFound"));
}

#[tokio::test]
async fn applications_change_and_go_with_their_principal() {
    let quay = Quay::new().await;
    let made = create(&quay, json!({ "displayName": "bridge" })).await;
    let path = format!("applications/{}", made["id"].as_str().unwrap());
    let role = json!({ "id": "r", "value": "A", "displayName": "A", "description": "A",
        "allowedMemberTypes": ["Application"], "isEnabled": true });
    let change = json!({ "api": { "requestedAccessTokenVersion": 2 }, "appRoles": [role],
        "identifierUris": [format!("api://{}/bridge", seed::TENANT)] });
    assert_eq!(quay.graph(Method::PATCH, &path, Some(change)).await.0, 204);
    let (_, now) = quay.graph(Method::GET, &path, None).await;
    assert_eq!(
        (&now["api"]["requestedAccessTokenVersion"], &now["appRoles"][0]["value"]),
        (&json!(2), &json!("A"))
    );

    let refused = quay.graph(Method::PATCH, &path, Some(json!({ "appRoles": [] }))).await;
    assert_eq!(code(&refused), (400, "CannotDeleteOrUpdateEnabledEntitlement"));
    let refused = quay.graph(Method::PATCH, &path, Some(json!({ "colour": "red" }))).await;
    assert_eq!(refused.1["error"]["message"], "Invalid property 'colour'.");
    let refused =
        quay.graph(Method::PATCH, &path, Some(json!({ "identifierUris": ["https://contoso.com/x"] }))).await;
    assert_eq!(code(&refused), (400, "Request_BadRequest"));
    let other =
        json!({ "displayName": "other", "identifierUris": [format!("api://{}/bridge", seed::TENANT)] });
    assert_eq!(
        code(&quay.graph(Method::POST, "applications", Some(other)).await),
        (400, "Request_BadRequest")
    );

    let body = json!({ "appId": made["appId"] });
    let (_, principal) = quay.graph(Method::POST, "servicePrincipals", Some(body.clone())).await;
    assert_eq!(principal["appRoles"][0]["value"], "A");
    let twice = quay.graph(Method::POST, "servicePrincipals", Some(body)).await;
    assert_eq!(code(&twice), (409, "Request_MultipleObjectsWithSameKeyValue"));
    let without = quay.graph(Method::POST, "servicePrincipals", Some(json!({ "appId": "x" }))).await;
    assert_eq!(code(&without), (400, "NoBackingApplicationObject"));

    assert_eq!(quay.graph(Method::DELETE, &path, None).await.0, 204);
    let gone = format!("servicePrincipals/{}", principal["id"].as_str().unwrap());
    assert_eq!(quay.graph(Method::GET, &gone, None).await.0, 404);
}

#[tokio::test]
async fn roles_are_assigned_once_and_taken_back() {
    let quay = Quay::new().await;
    let role = json!({ "id": "11111111-2222-4333-8444-555555555555", "value": "A", "displayName": "A",
        "description": "A", "allowedMemberTypes": ["Application"], "isEnabled": true });
    let made = create(&quay, json!({ "displayName": "bridge", "appRoles": [role] })).await;
    let body = json!({ "appId": made["appId"] });
    let (_, principal) = quay.graph(Method::POST, "servicePrincipals", Some(body)).await;
    let path = format!("servicePrincipals/{}/appRoleAssignedTo", principal["id"].as_str().unwrap());
    let wanted = json!({ "principalId": seed::CELLAR_CI.object_id, "resourceId": principal["id"],
        "appRoleId": "11111111-2222-4333-8444-555555555555" });
    let (status, assignment) = quay.graph(Method::POST, &path, Some(wanted.clone())).await;
    assert_eq!((status.as_u16(), &assignment["principalType"]), (201, &json!("ServicePrincipal")));
    assert_eq!(
        code(&quay.graph(Method::POST, &path, Some(wanted.clone())).await),
        (400, "Request_BadRequest")
    );
    let mut wrong = wanted.clone();
    wrong["appRoleId"] = json!("99999999-2222-4333-8444-555555555555");
    let (_, refused) = quay.graph(Method::POST, &path, Some(wrong)).await;
    assert!(
        refused["error"]["message"].as_str().unwrap().starts_with("Permission being assigned was not found")
    );
    let mut nobody = wanted;
    nobody["principalId"] = json!("99999999-2222-4333-8444-555555555555");
    assert_eq!(code(&quay.graph(Method::POST, &path, Some(nobody)).await), (404, "Request_ResourceNotFound"));

    let held = format!("servicePrincipals/{}/appRoleAssignments", seed::CELLAR_CI.object_id);
    let (_, list) = quay.graph(Method::GET, &held, None).await;
    assert_eq!(list["value"].as_array().unwrap().len(), 1);
    let one = format!("{path}/{}", assignment["id"].as_str().unwrap());
    assert_eq!(quay.graph(Method::DELETE, &one, None).await.0, 204);
    assert_eq!(quay.graph(Method::DELETE, &one, None).await.0, 404);
}

#[tokio::test]
async fn federated_credentials_have_limits() {
    let quay = Quay::new().await;
    let path = format!("applications/{}/federatedIdentityCredentials", seed::STRANGER.application_object_id);
    let credential = |name: &str, subject: &str| json!({ "name": name, "issuer": "https://issuer.example", "subject": subject, "audiences": ["a"] });
    for number in 0..20 {
        let body = credential(&format!("name-{number}"), &format!("subject-{number}"));
        assert_eq!(quay.graph(Method::POST, &path, Some(body)).await.0, 201);
    }
    let cases = [
        (credential("name-0", "new"), (409, "Request_MultipleObjectsWithSameKeyValue")),
        (credential("new", "subject-0"), (400, "InvalidFederatedIdentityCredentialValue")),
        (credential("new", "new"), (400, "Request_BadRequest")),
        (credential("x", "new"), (400, "InvalidFederatedIdentityCredentialValue")),
        (credential("-new", "new"), (400, "InvalidFederatedIdentityCredentialValue")),
        (credential("new name", "new"), (400, "InvalidFederatedIdentityCredentialValue")),
        (json!({ "name": "new" }), (400, "InvalidFederatedIdentityCredentialValue")),
    ];
    for (body, expected) in cases {
        assert_eq!(code(&quay.graph(Method::POST, &path, Some(body)).await), expected);
    }
    let one = format!("{path}/name-1");
    for (body, status) in [
        (json!({ "subject": "subject-1b" }), 204),
        (json!({ "name": "other" }), 400),
        (json!({ "subject": "subject-2" }), 400),
        (json!({ "audiences": ["a", "b"] }), 400),
    ] {
        assert_eq!(quay.graph(Method::PATCH, &one, Some(body.clone())).await.0, status, "{body}");
    }
    assert_eq!(quay.graph(Method::GET, &one, None).await.1["subject"], "subject-1b");
    let mut url = format!("https://{}/v1.0/{path}?$top=7", quay.sandbox.addresses().graph);
    let mut seen = 0;
    let mut pages = 0;
    loop {
        let (_, page) = quay.send(Method::GET, &url, &quay.administrator("graph"), None).await;
        seen += page["value"].as_array().unwrap().len();
        pages += 1;
        match page["@odata.nextLink"].as_str() {
            Some(next) => next.clone_into(&mut url),
            None => break,
        }
    }
    assert_eq!((seen, pages), (20, 3));
    assert_eq!(quay.graph(Method::DELETE, &format!("{path}/name-3"), None).await.0, 204);
}

#[tokio::test]
async fn machines_without_permissions_and_wrong_tokens_are_refused() {
    let quay = Quay::new().await;
    let url = format!("https://{}/v1.0/applications", quay.sandbox.addresses().graph);
    let stranger = quay.token(&seed::STRANGER, "https://graph.microsoft.com").await;
    let refused = quay.send(Method::GET, &url, &stranger, None).await;
    assert_eq!(code(&refused), (403, "Authorization_RequestDenied"));
    assert_eq!(refused.1["error"]["message"], "Insufficient privileges to complete the operation.");

    let wrong = quay.administrator("management");
    let refused = quay.send(Method::GET, &url, &wrong, None).await;
    assert_eq!(code(&refused), (401, "InvalidAuthenticationToken"));
    assert!(refused.1["error"]["message"].as_str().unwrap().contains("audience"));
    let refused = quay.send(Method::GET, &url, "rubbish", None).await;
    assert_eq!(code(&refused), (401, "InvalidAuthenticationToken"));

    // The same machine, once it holds the application permission.
    let graph = "3b1f4c7e-90a2-4d5b-8c6e-7f0a1b2c3d02";
    let body = json!({ "principalId": seed::STRANGER.object_id, "resourceId": graph,
        "appRoleId": "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30" });
    let path = format!("servicePrincipals/{graph}/appRoleAssignedTo");
    assert_eq!(quay.graph(Method::POST, &path, Some(body)).await.0, 201);
    let token = quay.token(&seed::STRANGER, "https://graph.microsoft.com").await;
    assert_eq!(quay.send(Method::GET, &url, &token, None).await.0, 200);
    assert_eq!(quay.send(Method::POST, &url, &token, Some(json!({ "displayName": "x" }))).await.0, 403);
}

#[tokio::test]
async fn groups_are_read() {
    let quay = Quay::new().await;
    let (status, group) = quay.graph(Method::GET, &format!("groups/{}", seed::ONCOLOGY_GROUP), None).await;
    assert_eq!((status.as_u16(), &group["displayName"]), (200, &json!("oncology")));
    assert_eq!(quay.graph(Method::GET, "groups/x", None).await.0, 404);
}
