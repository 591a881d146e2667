//! What the example bridge wants.

mod condition;
mod people;
mod rights;

use std::collections::BTreeMap;

use super::*;
use crate::inventory::{ApplicationIds, Datastore, Principal};
use crate::resource::{Grant, GrantTarget};
use crate::spec::{ModelHome, Right, Runtime, Who};

/// The example bridge of the file tests, and a world that knows its people.
pub(crate) fn harbour() -> (Bridge, Facts) {
    static HARBOUR: std::sync::LazyLock<(Bridge, Facts)> = std::sync::LazyLock::new(read_harbour);
    HARBOUR.clone()
}

fn read_harbour() -> (Bridge, Facts) {
    let bridge = crate::file::parse("bridge.yaml", include_str!("../../file/examples/harbour.yaml")).unwrap();
    let principal = |object_id: &str, principal_type: &str, display_name: &str| Principal {
        object_id: object_id.into(),
        principal_type: principal_type.into(),
        display_name: display_name.into(),
    };
    let principals = BTreeMap::from([
        (
            "a1f0c3d2-7b64-4e19-9c58-d20e6f7a8b01".to_owned(),
            principal("c3d2e5f4-9d86-403b-9e7a-f42081ac0d03", "ServicePrincipal", "oncology-ci"),
        ),
        (
            "d4c3f6a5-ae97-414c-8f8b-0531920d1e04".to_owned(),
            principal("f6a5b8c7-c0b9-436e-81ad-275314bf3006", "ServicePrincipal", "cellar-ci"),
        ),
        (
            "29d8ebfa-f3ec-4691-94d0-5a8647e26309".to_owned(),
            principal("29d8ebfa-f3ec-4691-94d0-5a8647e26309", "Group", "auditors"),
        ),
    ]);
    let scope = "/subscriptions/7d9b2f40-1c3e-4a5d-8b6f-2e0c9a8d5b31/resourceGroups/rg-quay/providers/Microsoft.Storage/storageAccounts/quaystore/blobServices/default/containers/azureml";
    let facts = Facts {
        project_number: "412907655821".into(),
        node_service_account: "ship-nodes@harbour-prod.iam.gserviceaccount.com".into(),
        datastore: Datastore {
            account: "quaystore".into(),
            container: "azureml".into(),
            scope: scope.into(),
        },
        principals,
        datastores: BTreeMap::new(),
        registries: BTreeMap::new(),
        container_registry: None,
        application: None,
        issuer: "https://login.microsoftonline.com/0f3a7c1e-5b52-4c8e-9d1a-6f2b8e4d7a10/v2.0".into(),
        ..Facts::default()
    };
    (bridge, facts)
}

/// An app role that nobody holds.
fn app_role(role: &str) -> Who {
    Who::AppRole { role: role.to_owned(), members: Vec::new(), people: Vec::new(), groups: Vec::new() }
}

/// The same bridge, with a person and a group who deploy for oncology by an app role. Their people are known.
pub(crate) fn with_people() -> (Bridge, Facts) {
    let (mut bridge, mut facts) = harbour();
    let crew = "3ad9fc0b-04fd-47a2-a5e1-6b97f358e410";
    bridge.identities.push(crate::spec::Identity {
        name: "data scientists".to_owned(),
        who: Who::AppRole {
            role: "Oncology.Scientist".to_owned(),
            members: Vec::new(),
            people: vec!["dana@harbour.example".to_owned()],
            groups: vec![crew.to_owned()],
        },
        may: vec![Right::Push, Right::Deploy("oncology".to_owned())],
    });
    for (named, id, kind) in
        [("dana@harbour.example", "6d2e0f81-405c-4e3b-9f7d-1c8b2f3e4d51", "User"), (crew, crew, "Group")]
    {
        let (object_id, principal_type) = (id.to_owned(), kind.to_owned());
        let principal = Principal { object_id, principal_type, display_name: named.to_owned() };
        facts.principals.insert(named.to_owned(), principal);
    }
    (bridge, facts)
}

fn grant<'a>(resources: &'a [Resource], target: &GrantTarget, role: &str) -> Option<&'a Grant> {
    resources.iter().find_map(|resource| match resource {
        Resource::Grant(grant) if grant.target == *target && grant.role == role => Some(grant),
        _ => None,
    })
}

/// What the exchange makes of a token of the tenant with these claims beside the usual ones.
fn exchange(
    bridge: &Bridge,
    facts: &Facts,
    claims: serde_json::Value,
) -> Result<trust::provider::Mapped, trust::provider::Refusal> {
    let (resources, _) = wanted(bridge, facts);
    let provider = resources.iter().find_map(|resource| match resource {
        Resource::Provider(provider) => Some(provider),
        _ => None,
    });
    let provider = provider.unwrap();
    let live = trust::provider::Provider {
        attribute_mapping: provider.mapping.clone(),
        attribute_condition: provider.condition.clone(),
        oidc: Some(trust::provider::Oidc {
            issuer_uri: provider.issuer.clone(),
            allowed_audiences: provider.audiences.clone(),
            jwks_json: None,
        }),
        ..Default::default()
    };
    let mut all = serde_json::json!({
        "iss": facts.issuer, "aud": provider.audiences[0], "tid": bridge.azure.tenant,
        "iat": 1_000, "nbf": 1_000, "exp": 4_000, "azp": "a1f0c3d2-7b64-4e19-9c58-d20e6f7a8b01",
        "sub": "00000000-0000-4000-8000-000000000000",
    });
    let serde_json::Value::Object(claims) = claims else { panic!("claims are an object") };
    all.as_object_mut().unwrap().extend(claims);
    let claims = trust::Claims::from_value(all).unwrap();
    let now = jiff::Timestamp::from_second(2_000).unwrap();
    trust::provider::exchange(&trust::provider::Pool::default(), &live, &claims, now)
}

#[test]
fn harbour_wants() {
    let (bridge, facts) = harbour();
    let (resources, obstacles) = wanted(&bridge, &facts);
    assert_eq!(obstacles, []);
    insta::assert_json_snapshot!(resources);
}

#[test]
fn everything_stands_after_what_it_refers_to() {
    let (bridge, facts) = harbour();
    let (resources, _) = wanted(&bridge, &facts);
    for (position, resource) in resources.iter().enumerate() {
        for later in &resources[position + 1..] {
            assert!(!resource.depends_on(later), "{} before {}", resource.key(), later.key());
        }
    }
    let keys: std::collections::BTreeSet<_> = resources.iter().map(Resource::key).collect();
    assert_eq!(keys.len(), resources.len(), "keys are unique");
}

#[test]
fn the_application_is_named_once_it_exists() {
    let (bridge, mut facts) = harbour();
    let text = |facts: &Facts| serde_json::to_string(&wanted(&bridge, facts).0).unwrap();
    assert!(text(&facts).contains("${application.appId}"));
    facts.application = Some(ApplicationIds {
        app_id: "11111111-2222-4333-8444-555555555555".into(),
        object_id: "22222222-2222-4333-8444-555555555555".into(),
        service_principal_id: None,
    });
    assert!(!text(&facts).contains("${"));
    assert!(text(&facts).contains(r#""audiences":["11111111-2222-4333-8444-555555555555"]"#));
}

#[test]
fn whoever_entra_does_not_know_is_an_obstacle() {
    let (bridge, mut facts) = harbour();
    facts.principals.clear();
    let (resources, obstacles) = wanted(&bridge, &facts);
    let problems: Vec<&str> = obstacles.iter().map(|obstacle| obstacle.key.0.as_str()).collect();
    assert_eq!(
        problems,
        ["entra/identity/oncology-ci", "entra/identity/cellar deployers", "entra/identity/auditors"]
    );
    assert!(
        obstacles[0].problem.contains("a1f0c3d2-7b64-4e19-9c58-d20e6f7a8b01"),
        "{}",
        obstacles[0].problem
    );
    assert!(obstacles[0].mend.contains("az ad sp show"), "{}", obstacles[0].mend);
    // Nothing is wanted for them: no role, no subject.
    assert!(!resources.iter().any(|resource| matches!(resource, Resource::RoleAssignment(_))));
}

#[test]
fn another_project_number_is_an_obstacle() {
    let (bridge, mut facts) = harbour();
    facts.project_number = "1".into();
    let (_, obstacles) = wanted(&bridge, &facts);
    assert_eq!(obstacles[0].key.0, "google/project/harbour-prod");
    assert!(obstacles[0].mend.contains("projectNumber: \"1\""), "{}", obstacles[0].mend);
}
