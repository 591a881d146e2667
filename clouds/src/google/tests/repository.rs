//! Repositories: where they are, and when they stay.

use super::*;

/// A zone is no location of Artifact Registry's: <https://docs.cloud.google.com/artifact-registry/docs/repositories/repo-locations>.
#[tokio::test]
async fn a_cluster_in_a_zone_has_its_repository_in_the_region() {
    let here = "GET /v1/projects/harbour/locations/europe-west4/repositories";
    let repositories = json!({"repositories": [{"name": "projects/harbour/locations/europe-west4/repositories/models",
        "format": "DOCKER", "labels": {"gangplank-bridge": "crossing"}}]});
    let packages = "GET /v1/projects/harbour/locations/europe-west4/repositories/models/packages";
    let policy = "GET /v1/projects/harbour/locations/europe-west4/repositories/models:getIamPolicy";
    let reader = json!({"etag": "ZTE=", "bindings": [
        {"role": "roles/artifactregistry.reader", "members": ["serviceAccount:nodes@p"]}]});
    let mut script = Script::play(observed_by([
        line(here, 200, repositories),
        line(packages, 200, json!({})),
        line(policy, 200, reader),
    ]))
    .await;
    script.bridge.google.location = "europe-west4-a".to_owned();
    let seen: Vec<ResourceKey> = script.observe(&[]).await.found.into_keys().collect();
    let expected = [
        "google/grant/repository/models/roles/artifactregistry.reader",
        "google/repository/europe-west4/models",
    ];
    assert_eq!(seen.iter().map(|key| key.0.as_str()).collect::<Vec<_>>(), expected);
    script.bridge.endpoints = Endpoints::default();
    assert_eq!(Addresses::of(&script.bridge).registry, "https://europe-west4-docker.pkg.dev");
}

#[tokio::test]
async fn a_repository_that_got_images_after_the_plan_stays() {
    let script = Script::play(vec![
        line(
            "GET /v1/projects/harbour/locations/europe-west4/repositories/models",
            200,
            json!({"name": "projects/harbour/locations/europe-west4/repositories/models", "labels": {}}),
        ),
        line(
            "GET /v1/projects/harbour/locations/europe-west4/repositories/models/packages",
            200,
            json!({"packages": [{"name": "m"}]}),
        ),
    ])
    .await;
    let found =
        Resource::Repository(Repository { id: "models".to_owned(), location: "europe-west4".to_owned() });
    let refusal = script.perform(Action::Delete { found }).await.unwrap_err();
    assert_eq!(refusal.kind, Refused::Conflict);
    assert!(script.lines().iter().all(|line| line.starts_with("GET")), "{:?}", script.lines());
}
