//! Every shape that the tools print is known for what it is.

use super::*;

fn kinds(name: &str, text: &str) -> Vec<Kind> {
    gather(&[Paper { name, text }]).all.iter().map(|exhibit| exhibit.kind).collect()
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn kinds_are_told_by_shape() {
    let table = [
        (
            r#"{"name": "projects/1/locations/global/workloadIdentityPools/p/providers/a", "oidc": {"issuerUri": "x"}}"#,
            Kind::Provider,
        ),
        (
            r#"[{"name": "projects/1/locations/global/workloadIdentityPools/p", "state": "ACTIVE"}]"#,
            Kind::Pool,
        ),
        (r#"{"bindings": [{"role": "roles/x", "members": []}], "etag": "x"}"#, Kind::Policy),
        (r#"{"etag": "ACAB"}"#, Kind::Policy),
        (r#"{"resource": "//iam.googleapis.com/x", "policy": {"bindings": []}}"#, Kind::Policy),
        (r#"{"email": "a@p.iam.gserviceaccount.com", "uniqueId": "1"}"#, Kind::GoogleServiceAccount),
        (r#"[{"config": {"name": "iam.googleapis.com"}, "state": "ENABLED"}]"#, Kind::EnabledService),
        (r#"[{"issuer": "x", "subject": "y", "audiences": ["z"], "name": "n"}]"#, Kind::FederatedCredential),
        (
            r#"[{"properties": {"issuer": "x", "subject": "y", "audiences": ["z"]}}]"#,
            Kind::FederatedCredential,
        ),
        (r#"[{"principalId": "x", "roleDefinitionName": "AcrPull", "scope": "/"}]"#, Kind::RoleAssignment),
        (
            r#"{"appId": "x", "identifierUris": [], "api": {"requestedAccessTokenVersion": 2}}"#,
            Kind::Application,
        ),
        (r#"{"loginServer": "r.azurecr.io", "adminUserEnabled": true}"#, Kind::ContainerRegistry),
        (r#"{"name": "s", "allowSharedKeyAccess": false}"#, Kind::StorageAccount),
        (r#"{"name": "d", "type": "azure_blob", "credentials": {}}"#, Kind::Datastore),
        (
            r#"{"name": "c", "type": "amlcompute", "identity": {"type": "system_assigned"}}"#,
            Kind::AzureIdentity,
        ),
        (r#"{"oidcIssuerProfile": {"issuerUrl": "x"}}"#, Kind::AksCluster),
        ("apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: x\n", Kind::Kubernetes),
        ("apiVersion: v1\nkind: Config\nclusters: []\nusers: []\n", Kind::Kubeconfig),
        (r#"{"auths": {}}"#, Kind::DockerConfig),
        (r#"{"type": "external_account", "audience": "x"}"#, Kind::CredentialFile),
        (r#"{"audience": "x", "subject_token_type": "y"}"#, Kind::TokenRequest),
        ("grant_type=access_token&service=r.azurecr.io", Kind::TokenRequest),
        (r#"{"scope": null, "lifetime": "3600s"}"#, Kind::ImpersonationRequest),
        (
            r#"{"name": "c", "location": "l", "workloadIdentityConfig": {"workloadPool": "p.svc.id.goog"}}"#,
            Kind::GkeCluster,
        ),
        (r#"{"manifests": [{"platform": {"architecture": "amd64", "os": "linux"}}]}"#, Kind::Image),
        (r#"{"env": {"A": "b"}, "versions": {}}"#, Kind::Environment),
        ("A=b\n", Kind::Environment),
        (r#"{"iss": "x", "sub": "y"}"#, Kind::Token),
        (r#"{"header": {"alg": "RS256"}, "payload": {"iss": "x"}}"#, Kind::Token),
        ("denied: Permission \"x\" denied on resource", Kind::ErrorText),
        (r#"{"error": "invalid_grant", "error_description": "no"}"#, Kind::ErrorText),
        ("AADSTS700213: No matching federated identity record", Kind::ErrorText),
        ("apiVersion: gangplank.dev/v1alpha1\nkind: Bridge\nservices:\n- name: s\n", Kind::Bridge),
        (r#"{"name": "policies/x/denypolicies/y", "rules": []}"#, Kind::DenyPolicy),
        (r#"{"attempts": [{"ask": "exchange", "outcome": "seen"}]}"#, Kind::Attempts),
        (r#"["v1", "v2"]"#, Kind::Tag),
        (r#"[{"name": "m", "version": "14", "id": "azureml:m:14"}]"#, Kind::Model),
        ("on: push\npermissions:\n  contents: read\njobs: {}\n", Kind::Workflow),
    ];
    for (text, expected) in table {
        assert_eq!(kinds("anything", text), [expected], "{text}");
    }
}

#[test]
fn a_list_of_many_kinds_comes_apart() {
    let text = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n- apiVersion: v1\n  kind: Node\n---\napiVersion: v1\nkind: Event\n";
    let found = gather(&[Paper { name: "all.yaml", text }]);
    let kinds: Vec<_> = found.all.iter().map(|it| it.text("/kind").unwrap()).collect();
    assert_eq!(kinds, ["Pod", "Node", "Event"]);
    assert_eq!(found.all[1].origin("/kind"), "all.yaml:7, `kind`");
    assert_eq!(found.all[2].origin("/kind"), "all.yaml:10, `kind`");
}

#[test]
fn a_bare_token_leaves_only_its_claims() {
    let text = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsxIn0.eyJzdWIiOiJhIn0.c2lnbmF0dXJlLXNpZ25hdHVyZQ\n";
    let found = gather(&[Paper { name: "token", text }]);
    assert_eq!(found.all[0].text("/claims/sub"), Some("a"));
    assert_eq!(found.all[0].text("/header/kid"), Some("k1"));
    assert!(!format!("{found:?}").contains("c2lnbmF0dXJl"), "{found:?}");
}

#[test]
fn what_is_not_known_is_named_and_no_failure() {
    let found = gather(&[
        Paper { name: "x.json", text: r#"{"colour": "blue", "size": 4}"# },
        Paper { name: "empty", text: "  " },
        Paper { name: "list.json", text: "[]" },
    ]);
    let unread: Vec<_> = found.unread.iter().map(|it| (it.file.as_str(), it.why.as_str())).collect();
    assert_eq!(unread[0], ("x.json", "no shape that the doctor knows, its fields are colour, size"));
    assert_eq!(unread[1].0, "empty");
    assert!(unread[2].1.contains("the list is empty"), "{unread:?}");
    assert_eq!(kinds("federated-credentials.json", "[]"), [Kind::FederatedCredential]);
}

#[test]
fn a_secret_in_a_file_is_said_and_not_kept() {
    let text = r#"{"type": "service_account", "private_key": "-----BEGIN PRIVATE KEY-----abc"}"#;
    let found = gather(&[Paper { name: "key.json", text }]);
    assert_eq!(found.holding_secrets, ["key.json"]);
    assert_eq!(found.all[0].text("/private_key"), Some(DROPPED));
}

#[test]
fn values_below_properties_are_found_with_their_place() {
    let text = "{\n \"properties\": {\n  \"issuer\": \"x\",\n  \"subject\": \"y\", \"audiences\": []}}";
    let found = gather(&[Paper { name: "f.json", text }]);
    assert_eq!(found.all[0].text("/issuer"), Some("x"));
    assert_eq!(found.all[0].origin("/issuer"), "f.json:3, `properties.issuer`");
}
