//! Whom the provider's condition lets cross, and what its mapping makes of them.

use super::*;

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
