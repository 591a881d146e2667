//! Behind the exchange: accounts, grants, the cluster.

use super::*;

#[test]
fn grants_are_named_exactly_and_no_wider() {
    let mut world = World::sound();
    world.account = grant("roles/iam.workloadIdentityUser", "user:other@example.com".to_owned());
    let finding = world.finding();
    assert_eq!(finding.expected.as_ref().unwrap().value, member());
    assert_eq!(finding.found.as_ref().unwrap().value, "user:other@example.com");
    assert_eq!(
        commands(&finding),
        format!(
            "gangplank apply\ngcloud iam service-accounts add-iam-policy-binding \
             gp-cellar@harbour.iam.gserviceaccount.com --project=harbour --role=roles/iam.workloadIdentityUser \
             --member='{}'",
            member()
        )
    );
    let mut world = World::sound();
    world.repository = Policy::default();
    let finding = world.finding();
    assert_eq!(finding.found.as_ref().unwrap().value, "nobody");
    let command =
        "artifacts repositories add-iam-policy-binding models --project=harbour --location=europe-west4 ";
    assert!(commands(&finding).contains(command));
    world.bridge.google.location = "europe-west4-a".to_owned();
    assert!(commands(&world.finding()).contains(command), "a zone's repository is in its region");
}

#[test]
fn a_right_that_is_not_declared_is_not_proposed() {
    let mut world = World::sound();
    world.bridge.identities[0].may.clear();
    world.account = Policy::default();
    let finding = world.finding();
    assert_eq!(commands(&finding), "");
    assert!(finding.mend[0].what.contains("without `deploy:cellar`"), "{finding:#?}");
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn every_fault_of_the_google_side_has_its_name() {
    let rows: [(Break, &str, &str); 17] = [
        (|w| w.pool.disabled = true, "google/provider-not-live", "object-missing"),
        (|w| w.provider.state = State::Deleted, "google/provider-not-live", "object-missing"),
        (
            |w| w.provider.attribute_mapping = [("google.subject".into(), "assertion.email".into())].into(),
            "google/mapping-unusable",
            "claim-unusable",
        ),
        (
            |w| {
                w.provider.attribute_mapping =
                    [("google.subject".into(), "assertion.sub == 'a'".into())].into();
            },
            "google/mapping-unusable",
            "claim-unusable",
        ),
        (
            |w| {
                let long = format!("'{}' + assertion.sub", "x".repeat(100));
                w.provider.attribute_mapping = [("google.subject".into(), long)].into();
            },
            "google/subject-too-long",
            "limit",
        ),
        (
            |w| {
                let text = "The target service indicated by the \"audience\" parameters is invalid.";
                w.bridge.google.project_number = "1".into();
                w.refused.push((Hop::Exchange, error(Refused::Invalid, text)));
            },
            "google/project-number-differs",
            "resource-name",
        ),
        (
            |w| {
                let text = "The target service indicated by the \"audience\" parameters is invalid.";
                w.refused.push((Hop::Exchange, error(Refused::Invalid, text)));
            },
            "google/provider-not-honoured-yet",
            "propagation",
        ),
        (
            |w| {
                let text = "ID Token issued at 1 is stale to sign-in.";
                w.refused.push((Hop::Exchange, error(Refused::Invalid, text)));
            },
            "google/token-out-of-time",
            "token-expired",
        ),
        (
            |w| {
                oidc(w).jwks_json = Some("{}".into());
                let text = "Error connecting to the given credential's issuer.";
                w.refused.push((Hop::Exchange, error(Refused::Invalid, text)));
            },
            "google/issuer-keys-unusable",
            "keys",
        ),
        (
            |w| {
                w.disabled = true;
                w.refused.push((Hop::Impersonation, error(Refused::Invalid, "Service account is disabled.")));
            },
            "google/service-account-disabled",
            "object-missing",
        ),
        (
            |w| w.account = grant("roles/iam.workloadIdentityUser", member().replace(NUMBER, "harbour")),
            "google/member-names-project-id",
            "resource-name",
        ),
        (
            |w| {
                w.account = grant(
                    "roles/iam.workloadIdentityUser",
                    member().to_uppercase().replace(
                        "PRINCIPAL://IAM.GOOGLEAPIS.COM/PROJECTS",
                        "principal://iam.googleapis.com/projects",
                    ),
                );
            },
            "google/member-differs",
            "literal-mismatch",
        ),
        (
            |w| {
                w.repository =
                    readable(grant("roles/artifactregistry.writer", member().replace("c3d2", "c3d3")));
            },
            "google/member-differs",
            "literal-mismatch",
        ),
        (
            |w| w.repository = grant("roles/artifactregistry.writer", member()),
            "google/node-may-not-pull",
            "grant-missing",
        ),
        (
            |w| w.node.pools = vec![pool("old", "logging.write"), pool("new", "cloud-platform")],
            "google/node-scope-too-narrow",
            "scope",
        ),
        (
            |w| {
                let gone = "deleted:serviceAccount:gp-cellar@harbour.iam.gserviceaccount.com?uid=1";
                w.project = grant("roles/container.clusterViewer", gone.into());
                let text = "Required \"container.clusters.get\" permission(s) for \"projects/harbour\"";
                w.refused.push((Hop::Cluster, error(Refused::Denied, text)));
            },
            "google/grant-names-a-ghost",
            "object-missing",
        ),
        (
            |w| {
                let binding = json!({
                    "metadata": { "name": "gangplank-deployer", "namespace": "cellar" },
                    "subjects": [{ "kind": "User", "name": "somebody@else" }],
                });
                w.space.bindings = vec![serde_json::from_value(binding).unwrap()];
                let text = "deployments.apps is forbidden: User \"gp-cellar@x\" cannot list resource";
                w.refused.push((Hop::Cluster, error(Refused::Denied, text)));
            },
            "kubernetes/binding-names-another",
            "rbac-subject",
        ),
    ];
    for (index, (break_it, code, cause)) in rows.into_iter().enumerate() {
        let mut world = World::sound();
        break_it(&mut world);
        let finding = world.finding();
        assert_eq!((finding.code, finding.cause), (code, cause), "row {index}");
        assert!(!finding.mend.is_empty(), "row {index}");
    }
}

#[test]
fn a_number_as_user_is_a_matter_of_scope() {
    let mut world = World::sound();
    let text = "deployments.apps is forbidden: User \"104815162342\" cannot list resource";
    world.refused.push((Hop::Cluster, error(Refused::Denied, text)));
    let finding = world.finding();
    assert_eq!((finding.code, finding.cause), ("kubernetes/user-is-a-number", "scope"));
}
