//! People: what the Azure CLI gets for whoever is logged in, and what Entra wants of an application for it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use serde_json::{Value, json};

use crate::quay::sandbox::seed;
use crate::quay::{Quay, az};

const ROLE: &str = "9f0c1d2e-3a4b-4c5d-8e6f-708192a3b4c5";
const SCOPE: &str = "8e0c1d2e-3a4b-4c5d-8e6f-708192a3b4c5";
const CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
const GROUP: &str = "3ad9fc0b-04fd-47a2-a5e1-6b97f358e410";

/// The claims that the person's CLI gets for the bridge's application, or what it says.
async fn ask(quay: &Quay, who: Option<&str>) -> Result<Value, String> {
    let resource = format!("api://{}/gangplank-bridge/.default", seed::TENANT);
    let output = az(quay, who, &format!("account get-access-token -o json --scope {resource}")).await;
    if !output.status.success() {
        return Err(String::from_utf8(output.stderr).unwrap());
    }
    let reply: Value = serde_json::from_slice(&output.stdout).unwrap();
    let token = reply["accessToken"].as_str().unwrap();
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    Ok(serde_json::from_slice(&claims).unwrap())
}

/// An application with a role for people: its object id, client id, and its service principal's object id.
async fn application(quay: &Quay) -> (String, String, String) {
    let role =
        json!({ "id": ROLE, "value": "Scientist", "displayName": "x", "allowedMemberTypes": ["User"] });
    let body = json!({
        "displayName": "gangplank-bridge",
        "identifierUris": [format!("api://{}/gangplank-bridge", seed::TENANT)],
        "api": { "requestedAccessTokenVersion": 2 },
        "appRoles": [role],
    });
    let (status, made) = quay.graph(Method::POST, "applications", Some(body)).await;
    assert_eq!(status, 201, "{made}");
    let text = |value: &Value, field: &str| value[field].as_str().unwrap().to_owned();
    let app_id = text(&made, "appId");
    let (_, principal) =
        quay.graph(Method::POST, "servicePrincipals", Some(json!({ "appId": app_id }))).await;
    (text(&made, "id"), app_id, text(&principal, "id"))
}

async fn change(quay: &Quay, application: &str, api: Value) -> (u16, Value) {
    let path = format!("applications/{application}");
    let (status, body) = quay.graph(Method::PATCH, &path, Some(json!({ "api": api }))).await;
    (status.as_u16(), body)
}

fn scope() -> Value {
    json!({ "id": SCOPE, "value": "Cross", "type": "Admin", "adminConsentDisplayName": "x", "adminConsentDescription": "x", "isEnabled": true })
}

/// Lets the CLI in.
async fn admit(quay: &Quay, application: &str) {
    let (status, body) = change(quay, application, json!({ "oauth2PermissionScopes": [scope()] })).await;
    assert_eq!(status, 204, "{body}");
    let clients = json!([{ "appId": CLI, "delegatedPermissionIds": [SCOPE] }]);
    let (status, body) = change(quay, application, json!({ "preAuthorizedApplications": clients })).await;
    assert_eq!(status, 204, "{body}");
}

async fn assign(quay: &Quay, principal: &str, holder: &str) {
    let body = json!({ "principalId": holder, "resourceId": principal, "appRoleId": ROLE });
    let path = format!("servicePrincipals/{principal}/appRoleAssignedTo");
    let (status, body) = quay.graph(Method::POST, &path, Some(body)).await;
    assert_eq!(status, 201, "{body}");
}

#[tokio::test]
async fn an_application_admits_the_cli_or_nobody_crosses_by_it() {
    let quay = Quay::new().await;
    let (object, app_id, principal) = application(&quay).await;
    let words = format!(
        "AADSTS65001: The user or administrator has not consented to use the application with ID '{CLI}' named 'Microsoft Azure CLI'."
    );
    assert!(ask(&quay, Some("dana")).await.unwrap_err().contains(&words));
    let (status, _) = change(&quay, &object, json!({ "oauth2PermissionScopes": [scope()] })).await;
    assert_eq!(status, 204);
    assert!(
        ask(&quay, Some("dana")).await.unwrap_err().contains("AADSTS65001"),
        "a permission alone is no consent"
    );
    admit(&quay, &object).await;

    let claims = ask(&quay, Some("dana")).await.unwrap();
    for (name, value) in [
        ("aud", json!(app_id)),
        ("azp", json!(CLI)),
        ("azpacr", json!("0")),
        ("scp", json!("Cross")),
        ("ver", json!("2.0")),
        ("oid", json!(seed::DANA_OBJECT_ID)),
        ("preferred_username", json!(seed::DANA)),
        ("name", json!("Dana Scientist")),
        ("roles", Value::Null),
        ("groups", Value::Null),
    ] {
        assert_eq!(claims[name], value, "{name}");
    }
    let sub = claims["sub"].as_str().unwrap();
    assert!(sub != seed::DANA_OBJECT_ID && sub.len() == 43, "pairwise: {sub}");
    assert_ne!(ask(&quay, None).await.unwrap()["sub"], claims["sub"], "the administrator is somebody else");

    assign(&quay, &principal, seed::DANA_OBJECT_ID).await;
    assert_eq!(ask(&quay, Some("dana")).await.unwrap()["roles"], json!(["Scientist"]));
    let disabled = json!([{ "id": SCOPE, "value": "Cross", "type": "Admin", "adminConsentDisplayName": "x", "adminConsentDescription": "x", "isEnabled": false }]);
    assert_eq!(change(&quay, &object, json!({ "oauth2PermissionScopes": disabled })).await.0, 204);
    assert!(
        ask(&quay, Some("dana")).await.unwrap_err().contains("AADSTS65001"),
        "a disabled permission is none"
    );
}

#[tokio::test]
async fn assignment_counts_by_name_and_by_direct_membership() {
    let quay = Quay::new().await;
    let (object, _, principal) = application(&quay).await;
    admit(&quay, &object).await;
    let required = json!({ "appRoleAssignmentRequired": true });
    quay.graph(Method::PATCH, &format!("servicePrincipals/{principal}"), Some(required)).await;
    assign(&quay, &principal, GROUP).await;
    let refused = ask(&quay, Some("dana")).await.unwrap_err();
    assert!(
        refused.contains("AADSTS50105: Your administrator has configured the application gangplank-bridge")
            && refused.contains("The signed in user 'dana@harbour.example' is blocked"),
        "{refused}"
    );
    let join = |members: Vec<String>, inner: Option<Vec<String>>| {
        let mut directory = quay.sandbox.world.azure.directory();
        let outer = directory.groups.iter_mut().find(|it| it.id == GROUP).unwrap();
        outer.members = members;
        let inner = inner.map(|members| crate::quay::sandbox::azure::directory::Group {
            id: "inner".to_owned(),
            display_name: "inner".to_owned(),
            security_enabled: true,
            members,
        });
        directory.groups.extend(inner);
    };
    join(vec!["inner".to_owned()], Some(vec![seed::DANA_OBJECT_ID.to_owned()]));
    assert!(ask(&quay, Some("dana")).await.is_err(), "a group in a group is not looked into");
    join(vec![seed::DANA_OBJECT_ID.to_owned()], None);
    let claims = ask(&quay, Some("dana")).await.unwrap();
    assert_eq!((&claims["roles"], &claims["groups"]), (&json!(["Scientist"]), &Value::Null));
    let asked = json!({ "groupMembershipClaims": "SecurityGroup" });
    quay.graph(Method::PATCH, &format!("applications/{object}"), Some(asked)).await;
    assert_eq!(ask(&quay, Some("dana")).await.unwrap()["groups"], json!([GROUP, "inner"]));
}

#[tokio::test]
async fn people_are_found_by_id_and_by_log_in_name() {
    let quay = Quay::new().await;
    for path in [format!("users/{}", seed::DANA), format!("users/{}", seed::DANA_OBJECT_ID)] {
        let (status, body) = quay.graph(Method::GET, &path, None).await;
        assert_eq!((status.as_u16(), &body["userPrincipalName"]), (200, &json!(seed::DANA)), "{path}");
    }
    let (_, listed) = quay
        .graph(
            Method::GET,
            "users?$filter=userPrincipalName%20in%20('dana@harbour.example','x@y.example')",
            None,
        )
        .await;
    assert_eq!(listed["value"][0]["id"], json!(seed::DANA_OBJECT_ID), "{listed}");
    let body = json!({ "ids": [seed::DANA_OBJECT_ID, GROUP], "types": ["user"] });
    let (_, found) = quay.graph(Method::POST, "directoryObjects/getByIds", Some(body)).await;
    assert_eq!(found["value"].as_array().unwrap().len(), 1);
    assert_eq!(found["value"][0]["@odata.type"], "#microsoft.graph.user");
    let strangers = quay.token(&seed::STRANGER, "https://graph.microsoft.com").await;
    let url = format!("https://{}/v1.0/users", quay.sandbox.addresses().graph);
    assert_eq!(quay.send(Method::GET, &url, &strangers, None).await.0, 403, "a machine needs a permission");
}

#[tokio::test]
async fn whoever_is_logged_in_is_shown() {
    let quay = Quay::new().await;
    for (who, name) in [(None, seed::AZURE_ADMIN), (Some("dana"), seed::DANA)] {
        let account: Value = serde_json::from_slice(&az(&quay, who, "account show").await.stdout).unwrap();
        assert_eq!(account["user"]["name"], name);
    }
    let output = az(&quay, Some("nobody"), "account show").await;
    assert!(String::from_utf8(output.stderr).unwrap().contains("Please run 'az login'"));
}
