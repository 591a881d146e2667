//! Azure ML beyond the default datastore: the registry with its signed references, environments, the second datastore.

use reqwest::Method;
use serde_json::{Value, json};

use crate::quay::sandbox::seed;
use crate::quay::{BLOB_READER, Quay, READER};

const REGISTRY_USER: &str = "1823dd4f-9b8c-4ab6-ab4e-7397a3684615";
const MANAGEMENT: &str = "https://management.azure.com";

fn registry(rest: &str) -> String {
    format!(
        "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.MachineLearningServices/registries/{}{rest}",
        seed::SUBSCRIPTION,
        seed::RESOURCE_GROUP,
        seed::ML_REGISTRY
    )
}

fn workspace(rest: &str) -> String {
    format!(
        "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.MachineLearningServices/workspaces/{}{rest}",
        seed::SUBSCRIPTION,
        seed::RESOURCE_GROUP,
        seed::WORKSPACE
    )
}

/// What `cellar-ci` is told about the version's files.
async fn reference(quay: &Quay, token: &str) -> (String, String) {
    let version = quay.arm_url(&registry("/models/breast-cancer-shared/versions/2"));
    let (status, body) = quay.send(Method::GET, &version, token, None).await;
    assert_eq!(status, 200, "{body}");
    let uri = body["properties"]["modelUri"].as_str().unwrap().to_owned();
    let asset = format!("azureml://registries/{}/models/breast-cancer-shared/versions/2", seed::ML_REGISTRY);
    let url = quay.arm_url(&registry("/datareferences/breast-cancer-shared/versions/2"));
    let (status, body) =
        quay.send(Method::POST, &url, token, Some(json!({ "assetId": asset, "blobUri": uri }))).await;
    assert_eq!(status, 200, "{body}");
    let credential = &body["blobReferenceForConsumption"]["credential"];
    assert_eq!(credential["credentialType"], "SAS");
    (uri, credential["sasUri"].as_str().unwrap().to_owned())
}

async fn get(quay: &Quay, url: &str) -> (u16, String) {
    let reply = quay.client.get(url).send().await.unwrap();
    (reply.status().as_u16(), reply.text().await.unwrap())
}

#[tokio::test]
async fn a_registry_is_found_and_read_by_its_users() {
    let quay = Quay::new().await;
    let token = quay.token(&seed::CELLAR_CI, MANAGEMENT).await;
    let address = quay.sandbox.addresses().resource_manager;
    let find =
        format!("https://{address}/registrymanagement/v1.0/registries/{}/discovery", seed::ML_REGISTRY);
    let (status, body) = quay.send(Method::GET, &find, &token, None).await;
    assert_eq!((status.as_u16(), body["error"]["code"].as_str()), (403, Some("AuthorizationFailed")));
    quay.assign(seed::CELLAR_CI.object_id, REGISTRY_USER, &registry("")).await;
    let (status, found) = quay.send(Method::GET, &find, &token, None).await;
    assert_eq!(status, 200);
    assert_eq!(found["resourceGroup"], seed::RESOURCE_GROUP);
    let front = format!(
        "{}mferp/managementfrontend{}?api-version=2021-10-01-dataplanepreview",
        found["primaryRegionResourceProviderUri"].as_str().unwrap(),
        registry("/models")
    );
    let (status, models) =
        quay.send(Method::GET, &front.replace("dataplanepreview", "preview"), &token, None).await;
    assert_eq!(status, 200, "{models}");
    assert_eq!(models["value"][0]["name"], "breast-cancer-shared");
    let list = quay.arm_url(&registry("/models/breast-cancer-shared/versions"));
    let (_, versions) = quay.send(Method::GET, &list, &token, None).await;
    let numbers: Vec<&str> =
        versions["value"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(numbers, ["2", "1"]);
    let absent = quay.arm_url(&registry("/models/breast-cancer-shared/versions/9"));
    assert_eq!(quay.send(Method::GET, &absent, &token, None).await.0, 404);
}

#[tokio::test]
async fn a_signed_url_reads_its_container_until_it_ends() {
    let quay = Quay::new().await;
    quay.assign(seed::CELLAR_CI.object_id, REGISTRY_USER, &registry("")).await;
    let token = quay.token(&seed::CELLAR_CI, MANAGEMENT).await;
    let (uri, signed) = reference(&quay, &token).await;
    let (_, query) = signed.split_once('?').unwrap();
    let file = format!("{uri}/labels.json");
    let (status, body) = get(&quay, &format!("{file}?{query}")).await;
    let seeded = seed::REGISTRY_MODELS[1].files[0].1;
    assert_eq!((status, body.as_bytes()), (200, seeded));
    let container = uri.rsplit_once('/').unwrap().0;
    let (status, listed) = get(&quay, &format!("{container}?restype=container&comp=list&{query}")).await;
    assert_eq!(status, 200, "{listed}");
    assert!(listed.contains("model.onnx</Name>"), "{listed}");

    let elsewhere = quay.blob_url(&format!("/x?{query}"));
    for (url, words) in [
        (format!("{file}?{}", query.replace("sp=rl", "sp=rwl")), "Signature did not match"),
        (format!("{file}?{}", query.replace("se=2", "se=3")), "Signature did not match"),
        (elsewhere, "Signature did not match"),
    ] {
        let (status, body) = get(&quay, &url).await;
        assert_eq!(status, 403, "{body}");
        assert!(body.contains("AuthenticationFailed") && body.contains(words), "{body}");
    }
    let storage = quay.token(&seed::CELLAR_CI, "https://storage.azure.com").await;
    let by_token = quay.client.get(&file).bearer_auth(&storage).header("x-ms-version", "2024-11-04");
    assert_eq!(by_token.send().await.unwrap().status(), 403);
    assert!(quay.sandbox.world.minted.all().iter().any(|it| signed.contains(it.as_str())));
    quay.sandbox.world.clock.advance(std::time::Duration::from_hours(2));
    let (status, body) = get(&quay, &format!("{file}?{query}")).await;
    assert_eq!(status, 403);
    assert!(body.contains("Signature not valid in the specified time frame"), "{body}");
}

#[tokio::test]
async fn a_reference_is_given_for_what_is_there_alone() {
    let quay = Quay::new().await;
    let token = quay.administrator("management");
    let url = quay.arm_url(&registry("/datareferences/breast-cancer-shared/versions/2"));
    let asset = format!("azureml://registries/{}/models/breast-cancer-shared/versions/2", seed::ML_REGISTRY);
    for (asset, place) in
        [("azureml://registries/x/models/y/versions/1", "x"), (&asset, "https://elsewhere/x")]
    {
        let body = json!({ "assetId": asset, "blobUri": place });
        let (status, body) = quay.send(Method::POST, &url, &token, Some(body)).await;
        assert_eq!((status.as_u16(), body["error"]["code"].as_str()), (400, Some("UserError")), "{body}");
    }
    let stranger = quay.token(&seed::STRANGER, MANAGEMENT).await;
    assert_eq!(quay.send(Method::POST, &url, &stranger, Some(Value::Null)).await.0, 403);
}

#[tokio::test]
async fn environments_and_datastores_are_the_workspaces() {
    let quay = Quay::new().await;
    quay.assign(seed::CELLAR_CI.object_id, READER, &workspace("")).await;
    let token = quay.token(&seed::CELLAR_CI, MANAGEMENT).await;
    let (name, version) = seed::PACKAGE_ENVIRONMENT;
    let url = quay.arm_url(&workspace(&format!("/environments/{name}/versions/{version}")));
    let (status, body) = quay.send(Method::GET, &url, &token, None).await;
    assert_eq!(status, 200, "{body}");
    let image = body["properties"]["image"].as_str().unwrap();
    let expected = format!("{}.azurecr.io/{}@sha256:", seed::CONTAINER_REGISTRY, seed::PACKAGED_REPOSITORY);
    assert!(image.starts_with(&expected), "{image}");
    assert_eq!(body["properties"]["inferenceConfig"]["scoringRoute"]["port"], 5001);

    let (_, all) = quay.send(Method::GET, &quay.arm_url(&workspace("/datastores")), &token, None).await;
    assert_eq!(all["value"].as_array().unwrap().len(), 2);
    let job = quay.arm_url(&workspace("/models/breast-cancer-job/versions/1"));
    let (_, job) = quay.send(Method::GET, &job, &token, None).await;
    let uri = job["properties"]["modelUri"].as_str().unwrap();
    assert!(uri.contains("/datastores/workspaceartifactstore/paths/ExperimentRun/"), "{uri}");
    let (_, path) = uri.split_once("/paths/").unwrap();
    let blob = quay.blob_url("").replace(seed::CONTAINER, seed::ARTIFACT_CONTAINER);
    let blob = format!("{blob}/{path}/labels.json");
    let scope = format!(
        "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Storage/storageAccounts/{}/blobServices/default/\
         containers/{}",
        seed::SUBSCRIPTION,
        seed::RESOURCE_GROUP,
        seed::STORAGE_ACCOUNT,
        seed::ARTIFACT_CONTAINER
    );
    let storage = quay.token(&seed::CELLAR_CI, "https://storage.azure.com").await;
    let read = async || {
        let request = quay.client.get(&blob).bearer_auth(&storage).header("x-ms-version", "2024-11-04");
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(read().await, 403);
    quay.assign(seed::CELLAR_CI.object_id, BLOB_READER, &scope).await;
    assert_eq!(read().await, 200);
}
