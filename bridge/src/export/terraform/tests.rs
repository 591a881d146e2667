//! The exported file: everything wanted is in it, and everything it refers to is there.

use std::collections::BTreeSet;

use super::*;
use crate::spec::{Via, Workload, WorkloadRight};
use crate::want::tests::{harbour, with_people};

fn both_ways() -> (Bridge, Facts) {
    let (mut bridge, mut facts) = harbour();
    for (name, via) in [("reader", Via::Cluster), ("taster", Via::Google)] {
        bridge.workloads.push(Workload {
            name: name.to_owned(),
            team: "cellar".to_owned(),
            service_account: name.to_owned(),
            may: BTreeSet::from([WorkloadRight::ReadModels]),
            via,
        });
    }
    facts.region = "westeurope".to_owned();
    facts.cluster_issuer =
        Some("https://container.googleapis.com/v1/projects/p/locations/l/clusters/c".to_owned());
    facts.workload_pool = Some("harbour-prod.svc.id.goog".to_owned());
    (bridge, facts)
}

/// Terraform and the providers' schemas were asked about this very text: see `witness/terraform/`.
#[test]
fn the_harbour_is_what_was_witnessed() {
    let (bridge, facts) = both_ways();
    let written = terraform(&bridge, &facts).unwrap();
    let witnessed = include_str!("../../../../witness/terraform/harbour.tf");
    assert!(written == witnessed, "`witness/terraform/harbour.tf` should be (then ask `run.sh`):\n{written}");
}

#[test]
fn the_azure_cli_is_preauthorised_where_people_cross() {
    let (bridge, facts) = with_people();
    let written = terraform(&bridge, &facts).unwrap();
    let id = crate::want::delegated_permission(&bridge).id;
    for part in [
        "oauth2_permission_scope {",
        "resource \"azuread_application_pre_authorized\" \"azure_cli\" {",
        "authorized_client_id = \"04b07795-8ddb-461a-bbee-02f9e1bf7b46\"",
        "\"User\"",
    ] {
        assert!(written.contains(part), "{part}\n{written}");
    }
    assert_eq!(written.matches(&id).count(), 2, "the permission, and the leave for it\n{written}");
}

#[test]
fn every_reference_leads_somewhere() {
    let (bridge, facts) = both_ways();
    let written = terraform(&bridge, &facts).unwrap();
    let declared: BTreeSet<String> = written
        .lines()
        .filter_map(|line| line.strip_prefix("resource "))
        .map(|line| line.trim_end_matches(" {").replace("\" \"", ".").replace('"', ""))
        .collect();
    assert_eq!(declared.len(), written.matches("\nresource ").count(), "no name twice");
    let mut references = 0;
    let starts = ["azuread_", "azurerm_", "google_", "kubernetes_"];
    let words = written.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.'));
    for word in words.filter(|word| word.contains('.') && starts.iter().any(|start| word.starts_with(start)))
    {
        let address: Vec<&str> = word.splitn(3, '.').take(2).collect();
        assert!(declared.contains(&address.join(".")), "{word}");
        references += 1;
    }
    assert!(references > 20, "{references}");
    assert!(
        !written.contains("${application")
            && !written.contains("${identity")
            && !written.contains("${account")
    );
}

#[test]
fn what_cannot_be_wanted_cannot_be_exported() {
    let (bridge, mut facts) = both_ways();
    facts.principals.clear();
    assert!(!terraform(&bridge, &facts).unwrap_err().is_empty());
}

#[test]
fn identifiers() {
    for (text, expected) in
        [("gp-fraud", "gp_fraud"), ("Storage Blob", "storage_blob"), ("1a", "n_1a"), ("", "n_")]
    {
        assert_eq!(identifier(text), expected);
    }
}
