//! World files: what they bring in, and how they are told what is wrong.

use reqwest::Method;
use serde_json::json;

use crate::quay::sandbox::seed;
use crate::quay::{Quay, reply};

const BEGINNING: &str = "apiVersion: gangplank.dev/v1alpha1\nkind: World\n";

#[tokio::test]
async fn a_world_is_brought_in_and_brought_in_again() {
    let quay = Quay::new().await;
    let text = format!(
        r#"{BEGINNING}
people:
  - {{ name: Ada Lovelace, userPrincipalName: ada@harbour.example }}
groups:
  - {{ name: crowd, count: 250, members: [ada@harbour.example, oncology-ci] }}
applications:
  - name: risk
    set: {{ tags: [theirs] }}
    federatedCredentials:
      - {{ name: one, issuer: "https://${{cluster}}", subject: x, audiences: ["api://AzureADTokenExchange"] }}
roleAssignments:
  - {{ principal: risk, role: acdd72a7-3385-48ef-bd42-f606fba81ae7, scope: "/subscriptions/${{subscription}}" }}
pools:
  - id: gangplank
    set: {{ description: theirs }}
    deleted: true
    providers:
      - id: entra
        set:
          oidc: {{ issuerUri: "https://${{entra}}/${{tenant}}/v2.0", allowedAudiences: [x] }}
          attributeMapping: {{ google.subject: assertion.sub }}
serviceAccounts:
  - {{ id: somebody, set: {{ displayName: Somebody }}, disabled: true }}
repositories:
  - {{ id: models, set: {{ labels: {{ team: theirs }} }} }}
grants:
  - {{ on: project, role: roles/viewer, members: ["serviceAccount:somebody@${{project}}.iam.gserviceaccount.com"] }}
models:
  - {{ name: large, version: "1", size: 5000000000 }}
objects:
  - {{ apiVersion: v1, kind: Namespace, metadata: {{ name: theirs }} }}
requests:
  - {{ service: iam, method: GET, path: "/v1/projects/${{project}}/serviceAccounts" }}
organisation: {{ issuers: [], noNewServiceAccounts: true, apis: {{ container.googleapis.com: false }} }}
blocked: [risk]
faults:
  - {{ service: blob, fault: cut, after: 5, times: 2 }}
advance: 60
"#
    );
    // A second time changes nothing and is no mistake; an application's credentials have names that are taken then.
    let again = text.replace("    federatedCredentials:\n", "").replace("      - { name: one, ", "#");
    for text in [&text, &again] {
        quay.sandbox.load(text).await.unwrap();
    }
    let world = &quay.sandbox.world;
    let directory = world.azure.directory();
    assert_eq!(directory.groups_of(seed::ONCOLOGY_CI.object_id).len(), 251);
    let risk: Vec<_> = directory.applications.iter().filter(|it| it.display_name == "risk").collect();
    assert_eq!((risk.len(), risk[0].federated_credentials.len()), (1, 1));
    assert!(world.azure.models().version("large", "1").is_some());
    assert_eq!(world.faults.armed()["blob"][0].times, Some(2));
    let blocked: Vec<&str> = directory
        .service_principals
        .iter()
        .filter(|it| it.blocked_by_policy)
        .map(|it| it.display_name.as_str())
        .collect();
    assert_eq!(blocked, ["risk"]);
}

#[tokio::test]
async fn what_is_wrong_is_named_with_its_place() {
    let quay = Quay::new().await;
    for (text, expected) in [
        (
            "apiVersion: gangplank.dev/v1alpha1\nkind: Bridge\n".to_owned(),
            "2:7: `kind` is `Bridge`, expected `World`",
        ),
        (format!("{BEGINNING}people:\n  - {{ name: x }}\n"), "4:"),
        (format!("{BEGINNING}peple: []\n"), "3:"),
        (format!("{BEGINNING}# ${{moon}}\n"), "3:3: `${moon}` is not known, expected one of tenant"),
        (format!("{BEGINNING}faults:\n  - {{ service: moon, fault: reset }}\n"), "4:5: no service `moon`"),
        (
            format!("{BEGINNING}faults:\n  - {{ service: sts, fault: thunder }}\n"),
            "4:5: not a fault: unknown variant",
        ),
        (
            format!("{BEGINNING}requests:\n  - {{ service: moon, method: GET, path: / }}\n"),
            "4:5: no service `moon`",
        ),
        (
            format!("{BEGINNING}groups:\n  - {{ name: x, members: [nobody] }}\n"),
            "4:5: nobody is called `nobody`, expected an object id",
        ),
        (
            format!("{BEGINNING}pools:\n\n  - {{ id: x }}\n"),
            "5:5: iam refuses it with 400: workload_identity_pool_id must be 4-32 characters",
        ),
        (format!("{BEGINNING}models:\n  - {{ name: x, version: \"1\" }}\n"), "4:5: model `x:1` needs either"),
        (
            format!("{BEGINNING}organisation: {{ apis: {{ moon.googleapis.com: false }} }}\n"),
            "3:15: no API `moon.googleapis.com`, expected one of iam.googleapis.com",
        ),
        (
            format!("{BEGINNING}blocked:\n  - admin@harbour.example\n"),
            "4:5: `admin@harbour.example` is no service",
        ),
        (format!("{BEGINNING}objects:\n  - {{ kind: Moon }}\n"), "4:5: expected a Kubernetes object"),
    ] {
        let problems = quay.sandbox.load(&text).await.unwrap_err();
        assert!(problems[0].to_string().starts_with(expected), "{} for\n{text}", problems[0]);
    }
}

#[tokio::test]
async fn a_world_comes_in_over_the_control_door() {
    let quay = Quay::new().await;
    let url = format!("http://{}/world", quay.sandbox.addresses().control);
    let load = |text: String| quay.client.post(&url).body(text);
    assert_eq!(reply(load(format!("{BEGINNING}groups:\n  - {{ name: x }}\n"))).await.0, 204);
    let (_, groups) = quay.graph(Method::GET, "groups", None).await;
    assert!(groups["value"].as_array().unwrap().iter().any(|group| group["displayName"] == "x"), "{groups}");
    let (status, refused) = reply(load(format!("{BEGINNING}moon: 1\n"))).await;
    assert_eq!((status.as_u16(), &refused["problems"][0]["line"]), (400, &json!(3)));
}
