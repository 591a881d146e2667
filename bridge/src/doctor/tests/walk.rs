//! The walk itself: its order, what it does with what cannot be seen, and one fault for each hop.

use super::*;

#[test]
fn a_sound_chain_has_no_finding() {
    let world = World::sound();
    let diagnosis = world.diagnosis();
    assert!(!diagnosis.is_broken(), "{diagnosis:#?}");
    assert!(diagnosis.hops.iter().all(|hop| hop.outcome == Outcome::Sound), "{diagnosis:#?}");
    let asked = world.asked.lock().unwrap();
    let each: std::collections::BTreeSet<_> = asked.iter().collect();
    assert_eq!(each.len(), asked.len(), "nothing is asked for twice");
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn one_fault_one_finding() {
    let rows: [(Break, &str, Hop); 12] = [
        (
            |w| oidc(w).allowed_audiences = vec!["other".to_owned()],
            "google/audience-not-admitted",
            Hop::Exchange,
        ),
        (
            |w| w.claims["aud"] = json!("https://management.azure.com/"),
            "google/audience-not-admitted",
            Hop::Exchange,
        ),
        (
            |w| {
                w.claims["iss"] = json!(format!("https://sts.windows.net/{TENANT}/"));
                w.claims["ver"] = json!("1.0");
            },
            "google/issuer-differs",
            Hop::Exchange,
        ),
        (
            |w| oidc(w).issuer_uri = format!("https://sts.windows.net/{TENANT}/"),
            "google/issuer-differs",
            Hop::Exchange,
        ),
        (
            |w| w.provider.attribute_condition = "assertion.sub in ['somebody-else']".to_owned(),
            "google/condition-rejects-subject",
            Hop::Exchange,
        ),
        (|w| w.account = Policy::default(), "google/impersonation-not-granted", Hop::Impersonation),
        (
            |w| w.account = grant("roles/iam.workloadIdentityUser", member().replace(OBJECT, "other")),
            "google/impersonation-not-granted",
            Hop::Impersonation,
        ),
        (
            |w| w.repository = readable(Policy::default()),
            "google/repository-write-not-granted",
            Hop::Registry,
        ),
        (
            |w| w.repository = readable(grant("roles/artifactregistry.reader", member())),
            "google/repository-write-not-granted",
            Hop::Registry,
        ),
        (|w| w.pool.state = State::Deleted, "google/provider-not-live", Hop::Exchange),
        (|w| w.claims["exp"] = json!(NOW - 3600), "google/token-out-of-time", Hop::Exchange),
        (
            |w| {
                let text = "Required \"container.clusters.get\" permission(s) for \"projects/harbour\"";
                w.refused.push((Hop::Cluster, error(Refused::Denied, text)));
            },
            "google/cluster-get-not-granted",
            Hop::Cluster,
        ),
    ];
    for (index, (break_it, code, hop)) in rows.into_iter().enumerate() {
        let mut world = World::sound();
        break_it(&mut world);
        let diagnosis = world.diagnosis();
        let codes: Vec<_> = diagnosis.findings.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, [code], "row {index}");
        assert!(CODES.contains(&code), "{code} is not listed");
        for report in &diagnosis.hops {
            let expected = match report.hop.cmp(&hop) {
                std::cmp::Ordering::Less => Outcome::Sound,
                std::cmp::Ordering::Equal => Outcome::Broken,
                std::cmp::Ordering::Greater => Outcome::NotReached,
            };
            assert_eq!(report.outcome, expected, "row {index}: {report:?}");
        }
    }
}

#[test]
fn blind_it_trusts_the_services_words_less() {
    let rows: [(Break, &str); 5] = [
        (|w| oidc(w).allowed_audiences = vec!["other".to_owned()], "google/audience-not-admitted"),
        (|w| oidc(w).issuer_uri = "https://other/".to_owned(), "google/issuer-differs"),
        (|w| w.provider.attribute_condition = "false".to_owned(), "google/condition-rejects-subject"),
        (|w| w.account = Policy::default(), "google/impersonation-not-granted"),
        (|w| w.repository = Policy::default(), "google/repository-write-not-granted"),
    ];
    for (break_it, code) in rows {
        let mut world = World::sound();
        break_it(&mut world);
        world.blind = true;
        let finding = world.finding();
        assert_eq!(finding.code, code);
        assert_eq!(finding.confidence, Confidence::Likely, "{code}");
        let told = finding.mend.iter().any(|mend| mend.what.contains("roles/iam."));
        assert!(told, "{code}: which right would let us see: {finding:#?}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn unexplained_refusals_stay_honest() {
    let denied = "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist).";
    let rows = [
        (
            Hop::FirstToken,
            error(Refused::Unauthenticated, "no log-in"),
            "azure/first-token-failed",
            "credential-absent",
        ),
        (
            Hop::EntraToken,
            PortError {
                code: Some("AADSTS7000215".to_owned()),
                ..error(Refused::Unauthenticated, "Invalid client secret")
            },
            "azure/credential-refused",
            "credential-absent",
        ),
        (
            Hop::EntraToken,
            error(Refused::Invalid, "AADSTS700211: No matching federated identity record found"),
            "azure/no-federated-credential",
            "issuer-mismatch",
        ),
        (Hop::EntraToken, error(Refused::Invalid, "AADSTS9: who knows"), "azure/entra-token-failed", "other"),
        (
            Hop::Exchange,
            error(Refused::Invalid, "Unable to verify the ID Token signature."),
            "google/issuer-keys-unusable",
            "keys",
        ),
        (Hop::Impersonation, error(Refused::Denied, denied), "google/grant-not-honoured-yet", "propagation"),
        (
            Hop::Impersonation,
            error(
                Refused::Denied,
                "IAM Service Account Credentials API has not been used in project 1 before",
            ),
            "google/api-disabled",
            "api-disabled",
        ),
        (
            Hop::Impersonation,
            error(Refused::NotFound, "Unknown service account."),
            "google/service-account-missing",
            "object-missing",
        ),
        (
            Hop::Registry,
            error(Refused::NotFound, "name unknown"),
            "google/repository-missing",
            "object-missing",
        ),
        (
            Hop::Cluster,
            PortError { status: None, ..error(Refused::Unavailable, "dial tcp: i/o timeout") },
            "google/cluster-failed",
            "network",
        ),
        (
            Hop::Cluster,
            error(Refused::Denied, "deployments.apps is forbidden: User \"gp\" cannot list resource"),
            "kubernetes/namespace-not-granted",
            "grant-missing",
        ),
    ];
    for (hop, error, code, cause) in rows {
        let mut world = World::sound();
        let text = error.message.clone();
        world.refused.push((hop, error));
        let finding = world.finding();
        assert_eq!((finding.code, finding.cause), (code, cause), "{text}");
        if finding.confidence != Confidence::Certain {
            assert_eq!(finding.found.as_ref().unwrap().value, text, "the service's own words");
        }
    }
}

#[test]
fn what_cannot_be_seen_is_no_fault() {
    struct Nothing;
    impl Probe for Nothing {
        async fn fetch(&self, ask: &Ask) -> Answer {
            ask.unseen("not collected")
        }
    }
    let (bridge, team) = (fixture::bridge(), fixture::team());
    let diagnosis = now(examine(&Walk::declared(&bridge, &team, time()), &Nothing));
    assert!(!diagnosis.is_broken());
    assert!(
        diagnosis
            .hops
            .iter()
            .all(|hop| hop.outcome == Outcome::Unseen && hop.detail.contains("not collected"))
    );
}

#[test]
fn a_configuration_alone_can_be_judged() {
    /// Claims and configuration were collected; nothing was tried.
    struct Collected(World);
    impl Probe for Collected {
        async fn fetch(&self, ask: &Ask) -> Answer {
            match ask {
                Ask::EntraToken { .. } | Ask::Pool { .. } | Ask::Provider { .. } => self.0.fetch(ask).await,
                _ => ask.unseen("not collected"),
            }
        }
    }
    let diagnose = |world: World| {
        let (bridge, team) = (fixture::bridge(), fixture::team());
        now(examine(&Walk::declared(&bridge, &team, time()), &Collected(world)))
    };
    assert!(!diagnose(World::sound()).is_broken());
    let mut world = World::sound();
    oidc(&mut world).allowed_audiences = vec!["other".to_owned()];
    assert_eq!(diagnose(world).findings[0].code, "google/audience-not-admitted");
}

#[test]
fn a_probe_that_answers_something_else_is_not_asked_forever() {
    struct Deaf(Mutex<u32>);
    impl Probe for Deaf {
        async fn fetch(&self, _: &Ask) -> Answer {
            *self.0.lock().unwrap() += 1;
            Answer::Cluster(Sight::Seen(()))
        }
    }
    let (bridge, team) = (fixture::bridge(), fixture::team());
    let deaf = Deaf(Mutex::new(0));
    let diagnosis = now(examine(&Walk::declared(&bridge, &team, time()), &deaf));
    assert!(!diagnosis.is_broken());
    assert!(*deaf.0.lock().unwrap() <= 20);
}

#[test]
fn a_walk_to_one_hop_looks_no_further() {
    let world = World::sound();
    let team = fixture::team();
    let walk = Walk::declared(&world.bridge, &team, time()).until(Some(Hop::Exchange));
    let diagnosis = now(examine(&walk, &world));
    let hops: Vec<Hop> = diagnosis.hops.iter().map(|hop| hop.hop).collect();
    assert_eq!(hops, [Hop::FirstToken, Hop::EntraToken, Hop::Exchange]);
    assert_eq!(world.asked.lock().unwrap().len(), 3);
}
