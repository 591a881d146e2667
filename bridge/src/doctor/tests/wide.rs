//! What works and lets in too much.

use super::*;

/// Opens a world somewhere.
type Widen = Box<dyn Fn(&mut World)>;

#[test]
fn what_lets_in_too_much_is_a_warning_although_every_hop_holds() {
    let everybody =
        format!("{}/*", member().split("/subject/").next().unwrap().replace("principal:", "principalSet:"));
    let pods = everybody.replace("/*", "/namespace/team");
    let rows: [(&str, Widen); 8] = [
        ("azure/shared-key-disabled", Box::new(|w| w.store.dead_key = Some("AccountKey".into()))),
        (
            "google/first-party-audience",
            Box::new(|w| oidc(w).allowed_audiences.push("https://management.azure.com/".into())),
        ),
        (
            "google/provider-admits-the-tenant",
            Box::new(|w| w.provider.attribute_condition = format!("assertion.tid == '{TENANT}'")),
        ),
        (
            "google/subject-is-constant",
            Box::new(|w| {
                w.provider.attribute_mapping = [("google.subject".into(), format!("'{OBJECT}'"))].into();
            }),
        ),
        (
            "google/pool-wide-grant",
            Box::new(move |w| {
                w.account
                    .bindings
                    .extend(grant("roles/iam.workloadIdentityUser", everybody.clone()).bindings);
            }),
        ),
        (
            "google/namespace-wide-grant",
            Box::new(move |w| {
                w.repository.bindings.extend(grant("roles/artifactregistry.writer", pods.clone()).bindings);
            }),
        ),
        (
            "google/anonymous-member",
            Box::new(|w| {
                w.repository
                    .bindings
                    .extend(grant("roles/artifactregistry.reader", "allUsers".into()).bindings);
            }),
        ),
        (
            "google/broad-cluster-role",
            Box::new(|w| {
                let account = "serviceAccount:gp-cellar@harbour.iam.gserviceaccount.com";
                w.project = grant("roles/container.developer", account.into());
            }),
        ),
    ];
    for (code, widen) in rows {
        let mut world = World::sound();
        widen(&mut world);
        let diagnosis = world.diagnosis();
        let codes: Vec<&str> = diagnosis.findings.iter().map(|it| it.code).collect();
        assert_eq!(codes, [code]);
        assert_eq!(diagnosis.findings[0].severity, Severity::Warning, "{code}");
        assert!(!diagnosis.is_broken(), "{code}");
        assert_eq!(diagnosis.hops.iter().filter(|hop| hop.outcome == Outcome::Risky).count(), 1, "{code}");
        assert!(diagnosis.limits.is_empty(), "{code}");
    }
    let mut world = World::sound();
    world.blind = true;
    assert_eq!(world.diagnosis().limits.len(), 4, "what could not be looked at is said");
}
