//! Who may do what: tokens, RBAC, IAM beside it, and the cluster's own issuer.

use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use reqwest::Method;
use serde_json::{Value, json};

use super::Ship;
use crate::quay::sandbox::seed::{GOOGLE_ADMIN, PROJECT};
use crate::quay::sandbox::{google, signing};

const PODS: &str = "/api/v1/namespaces/team/pods";
const CLOUD_PLATFORM: &str = "https://www.googleapis.com/auth/cloud-platform";

/// Makes a Google service account; returns its e-mail and number.
async fn account(ship: &Ship, id: &str) -> (String, String) {
    let base = format!("http://{}/v1/projects", ship.quay.sandbox.addresses().iam);
    let url = format!("{base}/{PROJECT}/serviceAccounts");
    let admin = ship.google().await;
    let (status, account) =
        ship.quay.send(Method::POST, &url, &admin, Some(json!({ "accountId": id }))).await;
    assert_eq!(status, 200, "{account}");
    let email = account["email"].as_str().unwrap().to_owned();
    let member = format!("user:{GOOGLE_ADMIN}");
    let bindings = json!([{ "role": "roles/iam.serviceAccountTokenCreator", "members": [member] }]);
    let url = format!("{base}/{PROJECT}/serviceAccounts/{email}:setIamPolicy");
    let policy = json!({ "policy": { "bindings": bindings } });
    let (status, body) = ship.quay.send(Method::POST, &url, &admin, Some(policy)).await;
    assert_eq!(status, 200, "{body}");
    (email, account["uniqueId"].as_str().unwrap().to_owned())
}

/// A token of a Google service account.
async fn token(ship: &Ship, email: &str, scopes: &[&str]) -> String {
    let host = ship.quay.sandbox.addresses().iam_credentials;
    let url = format!("http://{host}/v1/projects/-/serviceAccounts/{email}:generateAccessToken");
    let admin = ship.google().await;
    let (status, body) = ship.quay.send(Method::POST, &url, &admin, Some(json!({ "scope": scopes }))).await;
    assert_eq!(status, 200, "{body}");
    body["accessToken"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn strangers_are_not_known() {
    let ship = Ship::new().await;
    for wrong in ["nonsense", &format!("{}x", ship.admin())] {
        let (status, body) = ship.ask(Method::GET, PODS, wrong, None).await;
        assert_eq!((status, body["reason"].as_str()), (401, Some("Unauthorized")));
    }
    let url = format!("https://{}{PODS}", ship.quay.sandbox.addresses().cluster);
    assert_eq!(ship.quay.client.get(url).send().await.unwrap().status(), 401);
    ship.quay.sandbox.stop().await;
}

#[tokio::test]
async fn rbac_or_iam_may_allow_and_the_refusal_names_both() {
    let ship = Ship::new().await;
    let (email, number) = account(&ship, "gp-team").await;
    let known = token(&ship, &email, &[CLOUD_PLATFORM, google::USERINFO_EMAIL]).await;
    let numbered = token(&ship, &email, &[CLOUD_PLATFORM]).await;
    for (token, name) in [(&known, &email), (&numbered, &number)] {
        let (status, body) = ship.ask(Method::GET, PODS, token, None).await;
        assert_eq!(status, 403);
        let text = format!(
            "pods is forbidden: User \"{name}\" cannot list resource \"pods\" in API group \"\" in the namespace \
             \"team\": requires one of [\"container.pods.list\"] permission(s)."
        );
        assert_eq!(body["message"], text);
    }

    let rules = json!([
        { "apiGroups": [""], "resources": ["pods"], "verbs": ["list"] },
        { "apiGroups": [""], "resources": ["configmaps"], "verbs": ["patch"] },
    ]);
    let role = json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": { "name": "r" }, "rules": rules });
    ship.apply::<Role>("r", &role).await.unwrap();
    let group = "rbac.authorization.k8s.io";
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": { "name": "r" },
        "roleRef": { "apiGroup": group, "kind": "Role", "name": "r" },
        "subjects": [{ "apiGroup": group, "kind": "User", "name": email }],
    });
    ship.apply::<RoleBinding>("r", &binding).await.unwrap();
    assert_eq!(ship.ask(Method::GET, PODS, &known, None).await.0, 200);
    assert_eq!(ship.ask(Method::GET, PODS, &numbered, None).await.0, 403);

    let maps = "/api/v1/namespaces/team/configmaps";
    let map = json!({ "metadata": { "name": "m" } });
    assert_eq!(ship.ask(Method::POST, maps, &known, Some(map.clone())).await.0, 403);
    let path = format!("{maps}/m?fieldManager=test");
    let (status, body) = ship.patch(&path, &known, &map).await;
    assert_eq!(status, 403);
    let text = "requires one of [\"container.configMaps.create\"] permission(s).";
    assert!(body["message"].as_str().unwrap().ends_with(text), "{body}");

    let url =
        format!("http://{}/v3/projects/{PROJECT}", ship.quay.sandbox.addresses().cloud_resource_manager);
    let admin = ship.google().await;
    let (_, mut policy) =
        ship.quay.send(Method::POST, &format!("{url}:getIamPolicy"), &admin, Some(json!({}))).await;
    let grant =
        json!({ "role": "roles/container.developer", "members": [format!("serviceAccount:{email}")] });
    policy["bindings"].as_array_mut().unwrap().push(grant);
    let set = Some(json!({ "policy": policy }));
    let (status, body) = ship.quay.send(Method::POST, &format!("{url}:setIamPolicy"), &admin, set).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(ship.ask(Method::POST, maps, &known, Some(map)).await.0, 201);
    ship.quay.sandbox.stop().await;
}

#[tokio::test]
async fn service_accounts_get_tokens_that_the_issuer_vouches_for() {
    let ship = Ship::new().await;
    let path = "/api/v1/namespaces/ci/serviceaccounts/oncology-ci/token";
    let ask = |audiences: Value| json!({ "spec": { "audiences": audiences } });
    let (status, body) = ship.ask(Method::POST, path, &ship.admin(), Some(ask(json!([])))).await;
    assert_eq!(status, 201, "{body}");
    let own = body["status"]["token"].as_str().unwrap().to_owned();

    let review = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    let (status, body) = ship.ask(Method::POST, review, &own, Some(json!({}))).await;
    assert_eq!(status, 201, "{body}");
    assert_eq!(body["status"]["userInfo"]["username"], "system:serviceaccount:ci:oncology-ci");
    let groups = json!(["system:serviceaccounts", "system:serviceaccounts:ci", "system:authenticated"]);
    assert_eq!(body["status"]["userInfo"]["groups"], groups);

    let (_, body) = ship.ask(Method::POST, path, &ship.admin(), Some(ask(json!(["elsewhere"])))).await;
    let foreign = body["status"]["token"].as_str().unwrap().to_owned();
    assert_eq!(ship.ask(Method::POST, review, &foreign, Some(json!({}))).await.0, 401);

    let issuer = format!("https://{}", ship.quay.sandbox.addresses().cluster);
    let keys = signing::fetch_key_set(&ship.quay.client, &issuer).await.unwrap();
    let claims = signing::verify(&keys, &foreign).unwrap();
    assert_eq!((claims["iss"].as_str(), &claims["aud"]), (Some(issuer.as_str()), &json!(["elsewhere"])));
    assert_eq!(claims["sub"], "system:serviceaccount:ci:oncology-ci");
    ship.quay.sandbox.stop().await;
}

#[tokio::test]
async fn anybody_known_may_ask_what_they_may() {
    let ship = Ship::new().await;
    let (email, _) = account(&ship, "asker-one").await;
    let asker = token(&ship, &email, &[CLOUD_PLATFORM, google::USERINFO_EMAIL]).await;
    let review = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let question = json!({ "spec": { "resourceAttributes": { "verb": "create", "resource": "pods", "namespace": "team" } } });
    for (token, expected) in [(&asker, false), (&ship.admin(), true)] {
        let (status, body) = ship.ask(Method::POST, review, token, Some(question.clone())).await;
        assert_eq!((status, &body["status"]["allowed"]), (201, &json!(expected)));
    }
    ship.quay.sandbox.stop().await;
}
