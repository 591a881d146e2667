//! What declared rights lead to: roles in Azure, grants in Google, rules in the cluster.

use super::*;

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
