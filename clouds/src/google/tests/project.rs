//! The project itself: its facts, and what one may do in it.

use super::*;

#[tokio::test]
async fn the_project_must_be_the_one_the_bridge_means() {
    let other = json!({"name": "projects/43", "projectId": "harbour"});
    let script = Script::play(vec![line("GET /v3/projects/harbour", 200, other)]).await;
    let refusal = script.set_up.facts(&script.bridge, &mut Facts::default()).await.unwrap_err();
    assert!(refusal.message.contains("`43`") && refusal.message.contains("`42`"), "{refusal}");
}

#[tokio::test]
async fn facts_outlast_a_busy_service() {
    let cluster = json!({"name": "ship", "nodeConfig": {"serviceAccount": "default"}});
    let script = Script::play(vec![
        refused("GET /v3/projects/harbour", 503, "UNAVAILABLE"),
        refused("GET /v3/projects/harbour", 401, "UNAUTHENTICATED"),
        line("GET /v3/projects/harbour", 200, json!({"name": "projects/42", "projectId": "harbour"})),
        refused("GET /v1/projects/harbour/locations/europe-west4/clusters/ship", 429, "RESOURCE_EXHAUSTED"),
        line("GET /v1/projects/harbour/locations/europe-west4/clusters/ship", 200, cluster),
    ])
    .await;
    let mut facts = Facts::default();
    script.set_up.facts(&script.bridge, &mut facts).await.unwrap();
    assert_eq!(facts.node_service_account, "42-compute@developer.gserviceaccount.com");
}

#[tokio::test]
async fn lacking_permissions_are_named_with_who_and_how() {
    let granted = json!({"permissions": ["iam.serviceAccounts.create"]});
    let script = Script::play(vec![line("POST /v3/projects/harbour:testIamPermissions", 200, granted)]).await;
    let need = |permission: &str| Need::Google { permission: permission.to_owned() };
    let needs = [need("iam.serviceAccounts.create"), need("iam.workloadIdentityPools.create")];
    let missing = script.set_up.missing(&script.bridge, &needs).await.unwrap();
    assert_eq!(missing.len(), 1);
    assert_eq!((&missing[0].need, missing[0].who.as_str()), (&needs[1], "the tester"));
    assert!(missing[0].mend.contains("roles/iam.workloadIdentityPoolAdmin"), "{}", missing[0].mend);
}

#[tokio::test]
async fn permissions_on_pools_are_asked_for_in_the_other_spelling_if_one_is_not_known() {
    let granted = json!({"permissions": ["iam.googleapis.com/workloadIdentityPools.create", "iam.serviceAccounts.create"]});
    let script = Script::play(vec![
        refused("POST /v3/projects/harbour:testIamPermissions", 400, "INVALID_ARGUMENT"),
        line("POST /v3/projects/harbour:testIamPermissions", 200, granted),
    ])
    .await;
    let names = [
        "iam.serviceAccounts.create",
        "iam.workloadIdentityPools.create",
        "iam.workloadIdentityPools.delete",
    ];
    let needs = names.map(|permission| Need::Google { permission: permission.to_owned() });
    let missing = script.set_up.missing(&script.bridge, &needs).await.unwrap();
    let missing: Vec<&Need> = missing.iter().map(|missing| &missing.need).collect();
    assert_eq!(missing, [&needs[2]]);
}
