//! Plans for worlds in which something is missing, differs, or is not ours.

use super::*;

#[test]
fn from_nothing() {
    let (bridge, facts) = harbour();
    let (resources, obstacles) = wanted(&bridge, &facts);
    let plan = plan(&bridge, &resources, obstacles, &Inventory::default());
    insta::assert_snapshot!(summaries(&plan));
    assert!(!plan.is_empty());
}

#[test]
fn an_audience_of_microsofts_own_is_an_obstacle() {
    let (bridge, facts) = harbour();
    let (mut resources, obstacles) = wanted(&bridge, &facts);
    for audience in ["https://management.azure.com/", "00000003-0000-0000-c000-000000000000"] {
        for resource in &mut resources {
            if let Resource::Provider(provider) = resource {
                provider.audiences = vec![audience.to_owned()];
            }
        }
        let plan = plan(&bridge, &resources, obstacles.clone(), &Inventory::default());
        let text = summaries(&plan);
        assert!(text.contains(&format!("`{audience}` is the audience of")), "{text}");
        assert!(!text.contains("create google/provider"), "{text}");
    }
}

#[test]
fn in_step() {
    assert_eq!(after(|_| {}), Plan::default());
    assert!(Plan::default().is_empty());
}

#[test]
fn drift_names_exactly_what_differs() {
    let plan = after(|world| {
        if let Resource::Provider(provider) = &mut edit(world, "google/provider/gangplank/entra").resource {
            provider.audiences.push("https://management.azure.com/".into());
            provider.condition = "true".into();
        }
        if let Resource::Grant(grant) =
            &mut edit(world, "google/grant/repository/models/roles/artifactregistry.writer").resource
        {
            grant.members.pop_first();
            grant.members.insert("principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/gangplank/*".into());
        }
        object(world, "kubernetes/ResourceQuota/oncology/gangplank")["spec"]["hard"]["requests.cpu"] =
            json!("80");
        object(world, "kubernetes/NetworkPolicy/wine/gangplank-default-deny")["spec"]["ingress"] =
            json!([{}]);
        object(world, "kubernetes/Role/wine/gangplank-deployer")["rules"]
            .as_array_mut()
            .unwrap()
            .push(json!({"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}));
        object(world, "kubernetes/Namespace/wine")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] =
            json!("privileged");
    });
    insta::assert_json_snapshot!(
        plan.changes
            .iter()
            .map(|change| match &change.action {
                Action::Update { differences, .. } =>
                    json!({ "update": change.key, "differences": differences }),
                other => json!({ other.verb(): change.key }),
            })
            .collect::<Vec<_>>()
    );
}

#[test]
fn a_plan_as_json() {
    let plan = after(|world| {
        if let Resource::Pool(pool) = &mut edit(world, "google/pool/gangplank").resource {
            pool.disabled = true;
        }
        world.found.remove(&ResourceKey("google/service-account/gp-cellar".into()));
    });
    insta::assert_json_snapshot!(plan);
}

#[test]
fn what_is_not_ours_is_in_the_way() {
    let plan = after(|world| {
        for key in [
            "google/repository/europe-west4/models",
            "kubernetes/Namespace/wine",
            "google/pool/gangplank",
            "entra/application/gangplank-harbour",
        ] {
            edit(world, key).marked = false;
        }
    });
    assert_eq!(plan.changes, []);
    assert!(!plan.is_empty());
    insta::assert_snapshot!(summaries(&plan));
}

#[test]
fn soft_deleted_things_are_undeleted() {
    let plan = after(|world| {
        edit(world, "google/pool/gangplank").state = State::SoftDeleted;
        edit(world, "google/provider/gangplank/entra").state = State::SoftDeleted;
        let old = Resource::Pool(Pool { id: "old-pool".into(), disabled: false });
        world.found.insert(old.key(), Observed { state: State::SoftDeleted, ..observed(old) });
    });
    assert_eq!(summaries(&plan), "undelete google/pool/gangplank\nundelete google/provider/gangplank/entra");
}

#[test]
fn what_never_changes_is_made_anew() {
    let assignment = |scope: &str| {
        Resource::RoleAssignment(RoleAssignment {
            name: crate::name::guid(&[scope]),
            scope: scope.into(),
            role_definition: "acdd72a7-3385-48ef-bd42-f606fba81ae7".into(),
            role: "Reader".into(),
            principal_id: "p".into(),
            principal_type: "ServicePrincipal".into(),
        })
    };
    let (bridge, _) = harbour();
    let plan = plan(&bridge, &[assignment("/new/w")], Vec::new(), &inventory([assignment("/old/w")]));
    assert_eq!(summaries(&plan), "delete azure/role/Reader/w/p\ncreate azure/role/Reader/w/p");
}
