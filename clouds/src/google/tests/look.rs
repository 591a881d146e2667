//! What is seen of a project.

use super::*;

#[tokio::test]
async fn everything_with_our_mark_is_seen_and_foreign_things_only_if_wanted() {
    let pools = json!({"workloadIdentityPools": [
        {"name": "projects/42/locations/global/workloadIdentityPools/old", "state": "ACTIVE", "description": MARK},
        {"name": "projects/42/locations/global/workloadIdentityPools/theirs", "state": "ACTIVE"}]});
    let accounts = json!({"accounts": [
        {"email": "gp-a@harbour.iam.gserviceaccount.com", "displayName": "A", "description": MARK},
        {"email": "gp-b@harbour.iam.gserviceaccount.com", "displayName": "B", "description": "gangplank:other"},
        {"email": "theirs@harbour.iam.gserviceaccount.com", "displayName": "T"},
        {"email": "42-compute@developer.gserviceaccount.com"}]});
    let repositories = json!({"repositories": [
        {"name": "projects/harbour/locations/europe-west4/repositories/models", "format": "DOCKER",
         "labels": {"gangplank-bridge": "crossing"}},
        {"name": "projects/harbour/locations/europe-west4/repositories/theirs", "format": "DOCKER"}]});
    let principal =
        "principal://iam.googleapis.com/projects/42/locations/global/workloadIdentityPools/quay/subject/s";
    let policy = json!({"etag": "ZTE=", "bindings": [
        {"role": "roles/artifactregistry.reader", "members": ["serviceAccount:nodes@p", "user:ada@x", principal]},
        {"role": "roles/artifactregistry.writer", "members": ["user:ada@x"]}]});
    let script = Script::play(vec![
        line("GET /v1/projects/harbour/locations/global/workloadIdentityPools", 200, pools),
        line("GET /v1/projects/harbour/locations/global/workloadIdentityPools/old/providers", 200, json!({})),
        line("GET /v1/projects/harbour/serviceAccounts", 200, accounts),
        line("GET /v1/projects/harbour/locations/europe-west4/repositories", 200, repositories),
        line("GET /v1/projects/harbour/locations/europe-west4/repositories/models/packages", 200,
            json!({"packages": [{"name": "projects/harbour/locations/europe-west4/repositories/models/packages/m"}]})),
        line("GET /v1/projects/harbour/locations/europe-west4/repositories/models:getIamPolicy", 200, policy),
        line("POST /v3/projects/harbour:getIamPolicy", 200, json!({"etag": "ZTE="})),
    ])
    .await;
    let wanted = ServiceAccount { id: "gp-b".to_owned(), display_name: "B".to_owned() };
    let seen = script.observe(&[Resource::ServiceAccount(wanted)]).await;
    let seen: Vec<(&str, bool)> =
        seen.found.iter().map(|(key, observed)| (key.0.as_str(), observed.marked)).collect();
    let expected = [
        ("google/grant/repository/models/roles/artifactregistry.reader", true),
        ("google/pool/old", true),
        ("google/repository/europe-west4/models", true),
        ("google/service-account/gp-a", true),
        ("google/service-account/gp-b", false),
    ];
    assert_eq!(seen, expected);
}
