//! People: how they cross, and what the application lets in for them.

use super::*;

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
