//! What the example bridge wants.

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
    let bridge = crate::file::parse("bridge.yaml", include_str!("../file/examples/harbour.yaml")).unwrap();
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

#[test]
fn harbour_wants() {
    let (bridge, facts) = harbour();
    let (resources, obstacles) = wanted(&bridge, &facts);
    assert_eq!(obstacles, []);
    insta::assert_json_snapshot!(resources);
}

/// Who is given what beyond the workspace: role, last name of the scope, object id.
fn given(bridge: &Bridge, facts: &Facts) -> Vec<(String, String, String)> {
    let (resources, _) = wanted(bridge, facts);
    let assignments = resources.into_iter().filter_map(|resource| match resource {
        Resource::RoleAssignment(it) => {
            Some((it.role, it.scope.rsplit('/').next().unwrap().to_owned(), it.principal_id))
        }
        _ => None,
    });
    assignments.filter(|(role, scope, _)| role != "Reader" && scope != "azureml").collect()
}

#[test]
fn sources_beyond_the_workspace_are_for_those_who_ship_from_them() {
    let (mut bridge, mut facts) = harbour();
    facts.registries.insert("shared".into(), "/r/shared".into());
    facts.container_registry = Some("/r/acr".into());
    let datastore = Datastore { scope: "/s/artifacts".into(), ..Datastore::default() };
    facts.datastores.insert("workspaceartifactstore".into(), datastore);
    assert_eq!(given(&bridge, &facts), [], "nothing that is not declared");

    let (oncology, cellar) = ("c3d2e5f4-9d86-403b-9e7a-f42081ac0d03", "f6a5b8c7-c0b9-436e-81ad-275314bf3006");
    bridge.services[0].model.home = ModelHome::Registry("shared".into());
    bridge.services[1].runtime = Runtime::Package { environment: "e".into(), version: "1".into() };
    let row = |role: &str, scope: &str, who: &str| (role.to_owned(), scope.to_owned(), who.to_owned());
    let services = [row("AzureML Registry User", "shared", oncology), row("AcrPull", "acr", cellar)];
    assert_eq!(given(&bridge, &facts), services);

    bridge.azure.datastores = vec!["workspaceartifactstore".into()];
    let all = given(&bridge, &facts);
    for who in [oncology, cellar] {
        assert!(all.contains(&row("Storage Blob Data Reader", "artifacts", who)), "{all:?}");
    }
    bridge.identities[0].may = vec![Right::Push];
    assert!(
        given(&bridge, &facts).contains(&row("AcrPull", "acr", oncology)),
        "who only pushes packs for all"
    );
    bridge.identities[0].may = vec![Right::Read];
    assert!(given(&bridge, &facts).iter().all(|(_, _, who)| who != oncology), "who reads carries nothing");
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

#[test]
fn a_condition_that_google_would_refuse_is_an_obstacle() {
    let (mut bridge, facts) = harbour();
    for number in 0..120 {
        bridge.identities.push(crate::spec::Identity {
            name: format!("people-{number}"),
            who: app_role(&format!("Quite.A.Long.Name.Of.A.Role.{number}")),
            may: vec![Right::Read],
        });
    }
    let (_, obstacles) = wanted(&bridge, &facts);
    assert_eq!(obstacles.len(), 1);
    assert!(obstacles[0].problem.contains("4096"), "{}", obstacles[0].problem);
}

#[test]
fn conditions_and_mappings() {
    let (mut bridge, facts) = harbour();
    assert_eq!(
        attribute_condition(&bridge, &facts),
        "assertion.tid == '0f3a7c1e-5b52-4c8e-9d1a-6f2b8e4d7a10' \
         && (assertion.sub in ['c3d2e5f4-9d86-403b-9e7a-f42081ac0d03'] \
         || '29d8ebfa-f3ec-4691-94d0-5a8647e26309' in google.groups \
         || 'Cellar.Deployer' in google.groups)"
    );
    assert_eq!(
        attribute_mapping(&bridge)["google.groups"],
        "(has(assertion.roles) ? assertion.roles : []) + (has(assertion.groups) ? assertion.groups : [])"
    );
    bridge.identities.clear();
    assert_eq!(attribute_mapping(&bridge)["google.groups"], "has(assertion.roles) ? assertion.roles : []");
    assert_eq!(
        attribute_condition(&bridge, &facts),
        "assertion.tid == '0f3a7c1e-5b52-4c8e-9d1a-6f2b8e4d7a10' && false"
    );
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
fn only_declared_identities_cross() {
    use serde_json::json;
    let (bridge, facts) = harbour();
    let auditors = "29d8ebfa-f3ec-4691-94d0-5a8647e26309";
    let oncology = "c3d2e5f4-9d86-403b-9e7a-f42081ac0d03";
    for (who, claims, crosses) in [
        ("a declared service principal", json!({"sub": oncology}), true),
        ("a holder of the role", json!({"roles": ["Cellar.Deployer"]}), true),
        ("a member of the group", json!({"groups": [auditors]}), true),
        ("a holder of several roles", json!({"roles": ["X", "Cellar.Deployer"], "groups": ["y"]}), true),
        ("a stranger of the tenant", json!({}), false),
        ("a stranger with another role", json!({"roles": ["Cellar.Reader"]}), false),
        (
            "a member of the role, who was not given it",
            json!({"sub": "f6a5b8c7-c0b9-436e-81ad-275314bf3006"}),
            false,
        ),
        (
            "the right subject of another tenant",
            json!({"sub": oncology, "tid": "00000000-0000-4000-8000-000000000001"}),
            false,
        ),
        ("a subject that differs in case", json!({"sub": oncology.to_uppercase()}), false),
    ] {
        let result = exchange(&bridge, &facts, claims);
        assert_eq!(result.is_ok(), crosses, "{who}: {result:?}");
    }
    let mapped =
        exchange(&bridge, &facts, json!({"sub": oncology, "roles": ["r"], "groups": ["g"]})).unwrap();
    assert_eq!(mapped.subject, oncology);
    assert_eq!(mapped.groups, ["r", "g"]);
    assert_eq!(mapped.attributes["client_id"], "a1f0c3d2-7b64-4e19-9c58-d20e6f7a8b01");
    let mut nobody = bridge.clone();
    nobody.identities.clear();
    assert!(exchange(&nobody, &facts, json!({"sub": oncology, "roles": ["Cellar.Deployer"]})).is_err());
}

#[test]
fn people_cross_by_role_and_never_by_their_subject() {
    use serde_json::json;
    let (bridge, facts) = with_people();
    let dana = "6d2e0f81-405c-4e3b-9f7d-1c8b2f3e4d51";
    let pairwise = "dx-4lf-0loB3c3uVrULnZ2VTLuRRWYff0q7-QlIfYU4";
    let token = |more: serde_json::Value| {
        let mut claims = json!({"azp": AZURE_CLI, "oid": dana, "sub": pairwise, "scp": CROSS});
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        claims
    };
    for (who, claims, crosses) in [
        ("a holder of the role", token(json!({"roles": ["Oncology.Scientist"]})), true),
        (
            "a member of a declared group",
            token(json!({"groups": ["29d8ebfa-f3ec-4691-94d0-5a8647e26309"]})),
            true,
        ),
        (
            "a member of the group, who was not given its role",
            token(json!({"groups": ["3ad9fc0b-04fd-47a2-a5e1-6b97f358e410"]})),
            false,
        ),
        ("somebody with the permission alone", token(json!({})), false),
        ("her object id as subject", token(json!({"sub": dana})), false),
    ] {
        let result = exchange(&bridge, &facts, claims);
        assert_eq!(result.is_ok(), crosses, "{who}: {result:?}");
    }
    let mapped = exchange(&bridge, &facts, token(json!({"roles": ["Oncology.Scientist"]}))).unwrap();
    assert_eq!(mapped.subject, pairwise);
    let (resources, _) = wanted(&bridge, &facts);
    let named = serde_json::to_string(
        &resources
            .iter()
            .filter(|it| matches!(it, Resource::Grant(_) | Resource::Provider(_)))
            .collect::<Vec<_>>(),
    )
    .unwrap();
    assert!(!named.contains(dana) && named.contains("group/Oncology.Scientist"), "{named}");
}

#[test]
fn people_are_given_what_service_principals_are() {
    let (bridge, facts) = with_people();
    let (resources, obstacles) = wanted(&bridge, &facts);
    assert_eq!(obstacles, []);
    for (id, kind) in
        [("6d2e0f81-405c-4e3b-9f7d-1c8b2f3e4d51", "User"), ("3ad9fc0b-04fd-47a2-a5e1-6b97f358e410", "Group")]
    {
        let roles: Vec<&str> = resources
            .iter()
            .filter_map(|resource| match resource {
                Resource::AppRoleAssignment(it) if it.principal_id == id => Some(it.role.as_str()),
                Resource::RoleAssignment(it) if it.principal_id == id => {
                    assert_eq!(it.principal_type, kind);
                    Some(it.role.as_str())
                }
                _ => None,
            })
            .collect();
        assert_eq!(roles, ["Oncology.Scientist", "Reader", "Storage Blob Data Reader"], "{kind}");
    }
    let mut facts = facts;
    facts.principals.remove("dana@harbour.example");
    let (_, obstacles) = wanted(&bridge, &facts);
    assert_eq!(obstacles[0].key.0, "entra/identity/data scientists");
    assert!(
        obstacles[0].problem.contains("`dana@harbour.example`")
            && obstacles[0].mend.contains("az ad user show")
    );
}

#[test]
fn the_application_lets_in_whom_the_bridge_names() {
    use crate::resource::MemberType::{Application, User};
    let group = |includes_people| Who::Group { id: "g".to_owned(), includes_people };
    let role = |members: &[&str], people: &[&str], groups: &[&str]| {
        let [members, people, groups] =
            [members, people, groups].map(|ids| ids.iter().map(|&id| id.to_owned()).collect());
        Who::AppRole { role: "R".to_owned(), members, people, groups }
    };
    for (who, member_types, people) in [
        (role(&[], &[], &[]), Some(vec![Application]), false),
        (role(&["m"], &[], &[]), Some(vec![Application]), false),
        (role(&[], &["p"], &[]), Some(vec![User]), true),
        (role(&[], &[], &["g"]), Some(vec![User]), true),
        (role(&["m"], &["p"], &[]), Some(vec![Application, User]), true),
        (group(false), None, false),
        (group(true), None, true),
        (Who::ServicePrincipal("s".to_owned()), None, false),
    ] {
        let (mut bridge, facts) = harbour();
        bridge.identities =
            vec![crate::spec::Identity { name: "x".into(), who: who.clone(), may: vec![Right::Read] }];
        let (resources, _) = wanted(&bridge, &facts);
        let application = resources.iter().find_map(|resource| match resource {
            Resource::Application(it) => Some(it),
            _ => None,
        });
        let application = application.unwrap();
        let types =
            application.app_roles.get("R").map(|it| it.allowed_member_types.iter().copied().collect());
        assert_eq!(types, member_types, "{who:?}");
        assert_eq!(application.delegated.is_some(), people, "{who:?}");
        if let Some(permission) = &application.delegated {
            assert_eq!(permission.consent, "Admin", "nobody lets another client in by herself");
            assert!(permission.clients.iter().eq([AZURE_CLI]));
        }
    }
}

/// Whatever a declared name holds, it admits only whoever carries exactly it. The file refuses such names; this is the
/// second lock.
#[test]
fn no_name_opens_the_condition() {
    use serde_json::json;
    let (mut bridge, facts) = harbour();
    for role in ["' || true || '", "\\", "\\' || true || '", "a\nb", "x'] || true || 'y' in ['y", "ü\u{202e}"]
    {
        bridge.identities.clear();
        bridge.identities.push(crate::spec::Identity {
            name: "x".into(),
            who: app_role(role),
            may: vec![Right::Read],
        });
        assert!(exchange(&bridge, &facts, json!({})).is_err(), "{role:?}");
        assert!(exchange(&bridge, &facts, json!({"roles": [role]})).is_ok(), "{role:?}");
    }
}

#[test]
fn rights_lead_to_grants() {
    let (bridge, facts) = harbour();
    let (resources, _) = wanted(&bridge, &facts);
    let pool = "iam.googleapis.com/projects/412907655821/locations/global/workloadIdentityPools/gangplank";
    let oncology = format!("principal://{pool}/subject/c3d2e5f4-9d86-403b-9e7a-f42081ac0d03");
    let cellar = format!("principalSet://{pool}/group/Cellar.Deployer");
    let auditors = format!("principalSet://{pool}/group/29d8ebfa-f3ec-4691-94d0-5a8647e26309");
    let nodes = "serviceAccount:ship-nodes@harbour-prod.iam.gserviceaccount.com".to_owned();
    let repository = GrantTarget::Repository("models".into());
    for (target, role, members) in [
        (repository.clone(), "roles/artifactregistry.writer", vec![&oncology, &cellar]),
        (repository, "roles/artifactregistry.reader", vec![&auditors, &nodes]),
        (
            GrantTarget::ServiceAccount("gp-oncology".into()),
            "roles/iam.workloadIdentityUser",
            vec![&oncology],
        ),
        (GrantTarget::ServiceAccount("gp-cellar".into()), "roles/iam.workloadIdentityUser", vec![&cellar]),
    ] {
        let grant = grant(&resources, &target, role).unwrap_or_else(|| panic!("{target:?} {role}"));
        assert_eq!(grant.members, members.into_iter().cloned().collect(), "{target:?} {role}");
    }
    let viewers = grant(&resources, &GrantTarget::Project, "roles/container.clusterViewer").unwrap();
    assert_eq!(viewers.members.len(), 2);
    let roles: std::collections::BTreeSet<&str> = resources
        .iter()
        .filter_map(|resource| match resource {
            Resource::Grant(grant) => Some(grant.role.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(roles.len(), 4, "no other role is ever granted: {roles:?}");
}

#[test]
fn readers_of_images_get_nothing_in_azure() {
    let (mut bridge, facts) = harbour();
    for identity in &mut bridge.identities {
        identity.may = vec![Right::Read];
    }
    let (resources, _) = wanted(&bridge, &facts);
    assert!(!resources.iter().any(|resource| matches!(resource, Resource::RoleAssignment(_))));
    assert!(
        grant(
            &resources,
            &GrantTarget::ServiceAccount("gp-oncology".into()),
            "roles/iam.workloadIdentityUser"
        )
        .is_none()
    );
}

/// The deployer can do what is listed here, and whoever widens it has to look at this test.
#[test]
fn the_deployer_holds_no_dangerous_right() {
    let (bridge, facts) = harbour();
    let (resources, _) = wanted(&bridge, &facts);
    let mut rights = 0;
    for resource in &resources {
        let Resource::Kubernetes(object) = resource else { continue };
        for rule in object.object["rules"].as_array().into_iter().flatten() {
            let text = rule.to_string();
            for dangerous in [
                "\"*\"",
                "secrets",
                "exec",
                "portforward",
                "rolebindings",
                "roles",
                "impersonate",
                "escalate",
                "bind",
                "deletecollection",
                "update",
            ] {
                assert!(!text.contains(dangerous), "{dangerous} in {text}");
            }
            rights += 1;
        }
        assert!(!["ClusterRole", "ClusterRoleBinding"].contains(&object.object["kind"].as_str().unwrap()));
    }
    assert!(rights > 0);
}

/// The example with so many callers that no condition can name them.
fn crowd(count: usize) -> (Bridge, Facts) {
    let (mut bridge, mut facts) = harbour();
    for number in 0..count {
        let id = crate::name::guid(&["client", &number.to_string()]);
        let object_id = crate::name::guid(&["object", &number.to_string()]);
        let principal_type = "ServicePrincipal".to_owned();
        facts.principals.insert(
            id.clone(),
            Principal { object_id, principal_type, display_name: format!("caller-{number}") },
        );
        bridge.identities.push(crate::spec::Identity {
            name: format!("caller-{number}"),
            who: Who::ServicePrincipal(id),
            may: vec![Right::Push],
        });
    }
    (bridge, facts)
}

#[test]
fn a_condition_that_would_be_too_long_admits_by_role() {
    use serde_json::json;
    for (count, by_role) in [(0, false), (90, false), (110, true), (1000, true)] {
        let (bridge, facts) = crowd(count);
        let (resources, obstacles) = wanted(&bridge, &facts);
        assert_eq!(obstacles, [], "{count}");
        let condition = attribute_condition(&bridge, &facts);
        assert!(condition.len() <= 4096, "{count}: {}", condition.len());
        assert_eq!(condition.contains(CALLER_ROLE), by_role, "{count}");
        let holders: Vec<&str> = resources
            .iter()
            .filter_map(|resource| match resource {
                Resource::AppRoleAssignment(it) if it.role == CALLER_ROLE => Some(it.principal_id.as_str()),
                _ => None,
            })
            .collect();
        // Everybody declared by an id, and nobody else.
        assert_eq!(holders.len(), if by_role { count + 1 } else { 0 }, "{count}");
        let plan = crate::plan::plan(&bridge, &resources, obstacles, &crate::inventory::Inventory::default());
        assert_eq!(plan.notes.len(), usize::from(by_role));
        // The role admits, and gives nothing by itself.
        let given = resources.iter().any(|resource| match resource {
            Resource::Grant(grant) => grant.members.iter().any(|member| member.contains(CALLER_ROLE)),
            _ => false,
        });
        assert!(!given);
        if by_role {
            let first = crate::name::guid(&["object", "0"]);
            assert!(exchange(&bridge, &facts, json!({"sub": first, "roles": [CALLER_ROLE]})).is_ok());
            assert!(exchange(&bridge, &facts, json!({"sub": first})).is_err());
            assert!(exchange(&bridge, &facts, json!({"roles": ["Cellar.Deployer"]})).is_ok());
        }
    }
}

#[test]
fn a_team_with_a_repository_of_its_own_pushes_there_alone() {
    let (mut bridge, facts) = harbour();
    bridge.teams[0].repository = Some("oncology-models".into());
    bridge.identities[0].may = vec![Right::PushFor(bridge.teams[0].name.clone())];
    let (resources, _) = wanted(&bridge, &facts);
    let own = GrantTarget::Repository("oncology-models".into());
    let shared = GrantTarget::Repository("models".into());
    let writers =
        |target| grant(&resources, target, "roles/artifactregistry.writer").map(|it| it.members.clone());
    let [own_writers, shared_writers] = [writers(&own).unwrap(), writers(&shared).unwrap()];
    assert_eq!(own_writers.len(), 1);
    assert!(own_writers.is_disjoint(&shared_writers));
    let readers = grant(&resources, &own, "roles/artifactregistry.reader").unwrap();
    assert!(readers.members.iter().any(|member| member.contains("ship-nodes")), "nodes pull from it");
    let repositories = resources.iter().filter(|it| matches!(it, Resource::Repository(_))).count();
    assert_eq!(repositories, 2);
}
