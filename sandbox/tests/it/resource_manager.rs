//! Resource Manager: Azure ML's lists and versions, role assignments, and authorization by action and scope.

use bytes::Bytes;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::quay::sandbox::{random, seed};
use crate::quay::{BLOB_READER, Quay, READER, assignment, container, group, reply, subscription, workspace};

fn code(reply: &(StatusCode, Value)) -> (u16, &str) {
    (reply.0.as_u16(), reply.1["error"]["code"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn models_and_versions_are_listed_in_pages() {
    let quay = Quay::new().await;
    let azure = &quay.sandbox.world.azure;
    for version in 1..=7 {
        let version = version.to_string();
        let file = [("model.onnx", Bytes::from_static(b"x"))];
        azure.add_model("Paged", &version, &[("number", &version)], &file, &quay.sandbox.world.clock);
    }
    azure.models().versions.get_mut("Paged").unwrap()[6].archived = true;
    azure.set_page_size(2);
    let mut url = quay.arm_url(&format!("{}/models/Paged/versions", workspace()));
    let mut versions = Vec::new();
    loop {
        let (status, page) = quay.send(Method::GET, &url, &quay.administrator("management"), None).await;
        assert_eq!(status, 200, "{page}");
        versions.extend(
            page["value"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap().to_owned()),
        );
        match page["nextLink"].as_str() {
            Some(next) => next.clone_into(&mut url),
            None => break,
        }
    }
    assert_eq!(versions, ["6", "5", "4", "3", "2", "1"]);
    let path =
        format!("{}/models/Paged/versions?$orderBy=createdtime asc&listViewType=All&$top=1", workspace());
    let (_, page) = quay.arm(Method::GET, &path, None).await;
    assert_eq!((page["value"].as_array().unwrap().len(), &page["value"][0]["name"]), (1, &json!("1")));
    let path = format!("{}/models/Paged/versions?tags=number=4", workspace());
    assert_eq!(quay.arm(Method::GET, &path, None).await.1["value"][0]["name"], "4");
}

#[tokio::test]
async fn a_version_names_its_place_in_the_default_datastore() {
    let quay = Quay::new().await;
    let file = [("deep/er/model.onnx", Bytes::from_static(b"weights"))];
    quay.sandbox.world.azure.add_model("My_Model", "3", &[("stage", "x")], &file, &quay.sandbox.world.clock);
    let (status, version) =
        quay.arm(Method::GET, &format!("{}/models/My_Model/versions/3", workspace()), None).await;
    assert_eq!(status, 200, "{version}");
    assert_eq!(version["id"], format!("{}/models/My_Model/versions/3", workspace()));
    let properties = &version["properties"];
    assert_eq!(
        (&properties["modelType"], &properties["tags"]["stage"]),
        (&json!("custom_model"), &json!("x"))
    );
    let uri = properties["modelUri"].as_str().unwrap();
    let start = format!(
        "azureml://subscriptions/{}/resourceGroups/{}/workspaces/{}/datastores/workspaceblobstore/paths/LocalUpload/",
        seed::SUBSCRIPTION,
        seed::RESOURCE_GROUP,
        seed::WORKSPACE
    );
    assert!(uri.starts_with(&start) && uri.ends_with("/My_Model"), "{uri}");
    let folder = uri.split_once("/paths/").unwrap().1;
    let token = quay.blob_reader().await;
    let url = quay.blob_url(&format!("/{folder}/deep/er/model.onnx"));
    assert_eq!(quay.send(Method::GET, &url, &token, None).await.1, json!("weights"));

    let (_, stores) =
        quay.arm(Method::GET, &format!("{}/datastores?isDefault=true", workspace()), None).await;
    let store = &stores["value"][0]["properties"];
    assert_eq!(
        (&store["accountName"], &store["containerName"]),
        (&json!(seed::STORAGE_ACCOUNT), &json!(seed::CONTAINER))
    );
    let missing = quay.arm(Method::GET, &format!("{}/models/My_Model/versions/4", workspace()), None).await;
    assert_eq!(missing.0, 404);
    assert!(
        missing.1["error"]["message"]
            .as_str()
            .unwrap()
            .contains("Model with name My_Model, version 4 not found")
    );
}

#[tokio::test]
async fn rights_come_from_assignments_at_the_scope_or_above() {
    let quay = Quay::new().await;
    let token = quay.token(&seed::CELLAR_CI, "https://management.azure.com").await;
    let url = quay.arm_url(&workspace());
    let refused = quay.send(Method::GET, &url, &token, None).await;
    assert_eq!(code(&refused), (403, "AuthorizationFailed"));
    assert_eq!(
        refused.1["error"]["message"],
        format!(
            "The client '{}' with object id '{}' does not have authorization to perform action \
             'Microsoft.MachineLearningServices/workspaces/read' over scope '{}' or the scope is invalid. If access was \
             recently granted, please refresh your credentials.",
            seed::CELLAR_CI.client_id,
            seed::CELLAR_CI.object_id,
            workspace()
        )
    );
    quay.assign(seed::CELLAR_CI.object_id, READER, &workspace()).await;
    assert_eq!(quay.send(Method::GET, &url, &token, None).await.0, 200);
    let models = quay.arm_url(&format!("{}/models", workspace()));
    assert_eq!(quay.send(Method::GET, &models, &token, None).await.0, 200);
    // Not beside, not above.
    assert_eq!(quay.send(Method::GET, &quay.arm_url(&group()), &token, None).await.0, 403);

    // A group's role is its members' role.
    let stranger = quay.token(&seed::STRANGER, "https://management.azure.com").await;
    assert_eq!(quay.send(Method::GET, &url, &stranger, None).await.0, 403);
    quay.sandbox.world.azure.directory().groups[0].members.push(seed::STRANGER.object_id.to_owned());
    quay.assign(seed::ONCOLOGY_GROUP, READER, &subscription()).await;
    assert_eq!(quay.send(Method::GET, &url, &stranger, None).await.0, 200);

    // What one may do can be asked.
    let permissions = format!("{}/providers/Microsoft.Authorization/permissions", workspace());
    let (_, held) = quay.send(Method::GET, &quay.arm_url(&permissions), &token, None).await;
    assert_eq!(held["value"][0]["actions"], json!(["*/read"]));
    let (_, held) = quay.arm(Method::GET, &permissions, None).await;
    assert_eq!(held["value"][0]["actions"], json!(["*"]));
}

#[tokio::test]
async fn role_assignments_are_made_once_and_refused_in_azures_words() {
    let quay = Quay::new().await;
    let at = |name: &str| format!("{}/providers/Microsoft.Authorization/roleAssignments/{name}", container());
    let (name, body) = (random::uuid(), assignment(seed::CELLAR_CI.object_id, BLOB_READER));
    let (status, made) = quay.arm(Method::PUT, &at(&name), Some(body.clone())).await;
    assert_eq!(status, 201, "{made}");
    assert_eq!(made["properties"]["principalType"], "ServicePrincipal");
    assert_eq!(made["properties"]["description"], "a test's");
    assert_eq!(quay.arm(Method::PUT, &at(&name), Some(body.clone())).await.0, 200);
    let other = assignment(seed::CELLAR_CI.object_id, READER);
    let updated = quay.arm(Method::PUT, &at(&name), Some(other)).await;
    assert_eq!(code(&updated), (400, "RoleAssignmentUpdateNotPermitted"));
    let twice = quay.arm(Method::PUT, &at(&random::uuid()), Some(body.clone())).await;
    assert_eq!(code(&twice), (409, "RoleAssignmentExists"));
    assert_eq!(code(&quay.arm(Method::PUT, &at("x"), Some(body)).await), (400, "InvalidRoleAssignmentId"));
    let nobody = assignment("99999999-2222-4333-8444-555555555555", READER);
    assert_eq!(
        code(&quay.arm(Method::PUT, &at(&random::uuid()), Some(nobody)).await),
        (400, "PrincipalNotFound")
    );
    let no_role = assignment(seed::STRANGER.object_id, "99999999-2222-4333-8444-555555555555");
    let refused = quay.arm(Method::PUT, &at(&random::uuid()), Some(no_role)).await;
    assert_eq!(code(&refused), (404, "RoleDefinitionDoesNotExist"));

    let list = |scope: String, filter: &str| {
        format!("{scope}/providers/Microsoft.Authorization/roleAssignments?$filter={filter}")
    };
    let count =
        async |path: String| quay.arm(Method::GET, &path, None).await.1["value"].as_array().unwrap().len();
    assert_eq!(count(list(container(), "atScope()")).await, 2);
    assert_eq!(count(list(group(), "atScope()")).await, 1);
    let ours = format!("principalId eq '{}'", seed::CELLAR_CI.object_id);
    assert_eq!(count(list(group(), &ours)).await, 1);
    let odd = quay.arm(Method::GET, &list(group(), "colour eq 'red'"), None).await;
    assert_eq!(code(&odd), (400, "UnsupportedQueryOption"));

    assert_eq!(quay.arm(Method::DELETE, &at(&name), None).await.0, 200);
    assert_eq!(quay.arm(Method::DELETE, &at(&name), None).await.0, 204);
    assert_eq!(quay.arm(Method::GET, &at(&name), None).await.0, 404);
}

#[tokio::test]
async fn bad_requests_and_bad_tokens() {
    let quay = Quay::new().await;
    let base = format!("https://{}", quay.sandbox.addresses().resource_manager);
    let token = quay.administrator("management");
    let get = async |path: &str| quay.send(Method::GET, &format!("{base}{path}"), &token, None).await;
    assert_eq!(code(&get(&workspace()).await), (400, "MissingApiVersionParameter"));
    let odd = get(&format!("{}?api-version=newest", workspace())).await;
    assert_eq!(code(&odd), (400, "InvalidApiVersionParameter"));
    let elsewhere = get("/subscriptions/11111111-2222-4333-8444-555555555555?api-version=2022-12-01").await;
    assert_eq!(code(&elsewhere), (404, "SubscriptionNotFound"));
    let no_group = get(&format!("{}/resourceGroups/none?api-version=2022-12-01", subscription())).await;
    assert_eq!(code(&no_group), (404, "ResourceGroupNotFound"));
    let no_workspace = get(&format!("{}x?api-version=2025-12-01", workspace())).await;
    assert_eq!(code(&no_workspace), (404, "ResourceNotFound"));
    // Case of path segments does not matter.
    assert_eq!(get(&format!("{}?api-version=2025-12-01", workspace().to_uppercase())).await.0, 200);

    let anonymous = reply(quay.client.get(quay.arm_url(&workspace()))).await;
    assert_eq!(code(&anonymous), (401, "AuthenticationFailed"));
    let wrong = quay.send(Method::GET, &quay.arm_url(&workspace()), &quay.administrator("graph"), None).await;
    assert_eq!(code(&wrong), (401, "InvalidAuthenticationTokenAudience"));
    quay.sandbox.world.clock.advance(std::time::Duration::from_hours(2));
    let late = quay.send(Method::GET, &quay.arm_url(&workspace()), &token, None).await;
    assert_eq!(code(&late), (401, "ExpiredAuthenticationToken"));
    quay.sandbox.renew_tokens().unwrap();
    assert_eq!(quay.arm(Method::GET, &workspace(), None).await.0, 200);
}

#[tokio::test]
async fn subscriptions_are_those_in_which_the_caller_has_a_role() {
    let quay = Quay::new().await;
    let token = quay.token(&seed::STRANGER, "https://management.core.windows.net/").await;
    let url = quay.arm_url("/subscriptions");
    let none = quay.send(Method::GET, &url, &token, None).await;
    assert_eq!((none.0.as_u16(), &none.1["value"]), (200, &json!([])));
    quay.assign(seed::STRANGER.object_id, READER, &group()).await;
    let one = quay.send(Method::GET, &url, &token, None).await;
    assert_eq!(one.1["value"][0]["subscriptionId"], seed::SUBSCRIPTION);
}

#[tokio::test]
async fn a_storage_account_that_takes_no_keys_refuses_them_and_no_token() {
    let quay = Quay::new().await;
    let account =
        format!("{}/providers/Microsoft.Storage/storageAccounts/{}", group(), seed::STORAGE_ACCOUNT);
    let datastore = format!("{}/datastores/workspaceblobstore", workspace());
    let keyed = json!({ "properties": { "credentials": { "credentialsType": "AccountKey" } } });
    let (status, shown) = quay.arm(Method::PUT, &datastore, Some(keyed)).await;
    assert_eq!((status.as_u16(), &shown["properties"]["accountName"]), (200, &json!(seed::STORAGE_ACCOUNT)));
    let shown = quay.arm(Method::GET, &datastore, None).await.1;
    assert_eq!(shown["properties"]["credentials"], json!({ "credentialsType": "AccountKey" }));
    let odd = json!({ "properties": { "credentials": { "credentialsType": "Certificate" } } });
    assert_eq!(quay.arm(Method::PUT, &datastore, Some(odd)).await.0, 400);
    assert_eq!(quay.arm(Method::GET, &account, None).await.1["properties"]["allowSharedKeyAccess"], true);
    let list = quay.blob_url("?restype=container&comp=list");
    let with_a_key = async || {
        let asked = quay.client.get(&list).header("authorization", "SharedKey quaystore:c2ln");
        let refused = asked.send().await.unwrap();
        refused.headers()["x-ms-error-code"].to_str().unwrap().to_owned()
    };
    assert_ne!(with_a_key().await, "KeyBasedAuthenticationNotPermitted");
    let off = json!({ "properties": { "allowSharedKeyAccess": false } });
    assert_eq!(
        quay.arm(Method::PATCH, &account, Some(off)).await.1["properties"]["allowSharedKeyAccess"],
        false
    );
    assert_eq!(with_a_key().await, "KeyBasedAuthenticationNotPermitted");
    let token = quay.blob_reader().await;
    assert_eq!(quay.client.get(&list).bearer_auth(token).send().await.unwrap().status(), 200);
    let stranger = quay.token(&seed::STRANGER, "https://management.core.windows.net/").await;
    assert_eq!(quay.send(Method::GET, &quay.arm_url(&account), &stranger, None).await.0, 403);
}
