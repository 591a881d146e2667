//! Taking over what others made.

use super::*;

fn foreign_world(keys: &[&str]) -> (crate::spec::Bridge, Vec<Resource>, Inventory) {
    let (bridge, facts) = harbour();
    let (resources, _) = wanted(&bridge, &facts);
    let mut world = inventory(resources.clone());
    for key in keys {
        edit(&mut world, key).marked = false;
    }
    (bridge, resources, world)
}

fn adopting(keys: &[&str], resources: &[Resource]) -> std::collections::BTreeSet<ResourceKey> {
    let keys: Vec<String> = keys.iter().map(|&key| key.to_owned()).collect();
    adoption(&keys, resources).unwrap()
}

#[test]
fn what_others_made_is_taken_over_only_by_its_key() {
    let keys = [
        "entra/application/gangplank-harbour",
        "google/pool/gangplank",
        "google/provider/gangplank/entra",
        "google/service-account/gp-oncology",
        "google/repository/europe-west4/models",
        "kubernetes/Namespace/wine",
        "azure/role/Reader/quay/c3d2e5f4-9d86-403b-9e7a-f42081ac0d03",
    ];
    let (bridge, resources, mut world) = foreign_world(&keys);
    object(&mut world, "kubernetes/Namespace/wine")["metadata"]["labels"]["gangplank.dev/team"] =
        json!("other");
    let without = plan(&bridge, &resources, Vec::new(), &world);
    assert_eq!((without.changes.len(), without.obstacles.len()), (0, keys.len()));
    assert!(without.obstacles.iter().all(|it| it.mend.contains(&it.key.0) && it.mend.contains("--adopt")));
    for key in keys {
        let adopted = plan_adopting(&bridge, &resources, Vec::new(), &world, &adopting(&[key], &resources));
        let summaries: Vec<String> = adopted.changes.iter().map(Change::summary).collect();
        assert_eq!(summaries, [format!("adopt {key}")]);
        assert_eq!(adopted.obstacles.len(), keys.len() - 1);
        let differs = !adopted.changes[0].action.differences().is_empty();
        assert_eq!(differs, key == "kubernetes/Namespace/wine", "{key}");
    }
}

#[test]
fn keys_that_name_nothing_are_refused_with_the_nearest() {
    let (_, resources, _) = foreign_world(&[]);
    for (key, near) in [
        ("google/pool/gangplnk", Some("google/pool/gangplank")),
        ("kubernetes/Namespace/vine", Some("kubernetes/Namespace/wine")),
        ("entra/service-principal", None),
        ("everything", None),
        ("", None),
    ] {
        let refused = adoption(&[key.to_owned()], &resources).unwrap_err();
        assert_eq!(refused.nearest.as_deref(), near, "{key}");
    }
}

#[test]
fn an_adopted_application_brings_its_parts() {
    let application = "entra/application/gangplank-harbour";
    let parts =
        ["entra/service-principal", "entra/app-role/Cellar.Deployer/f6a5b8c7-c0b9-436e-81ad-275314bf3006"];
    let (bridge, resources, mut world) = foreign_world(&[application, parts[0], parts[1]]);
    let surplus = Resource::AppRoleAssignment(crate::resource::AppRoleAssignment {
        principal_id: "somebody".into(),
        app_role_id: "r".into(),
        role: "Cellar.Deployer".into(),
    });
    let unmarked = Observed { marked: false, ..observed(surplus.clone()) };
    world.found.insert(surplus.key(), unmarked);
    // Its obstacle is one, and nothing of it is touched.
    let without = plan(&bridge, &resources, Vec::new(), &world);
    assert_eq!((without.changes.len(), without.obstacles.len()), (0, 1));
    let adopted =
        plan_adopting(&bridge, &resources, Vec::new(), &world, &adopting(&[application], &resources));
    let summaries: Vec<String> = adopted.changes.iter().map(Change::summary).collect();
    assert_eq!(summaries, [format!("adopt {application}"), format!("delete {}", surplus.key())]);
}

#[test]
fn members_of_somebody_elses_pool_stay() {
    let (bridge, resources, world) = foreign_world(&["google/pool/gangplank"]);
    let member = "principalSet://iam.googleapis.com/projects/412907655821/locations/global/workloadIdentityPools/gangplank/group/x";
    let grant = Resource::Grant(Grant {
        target: GrantTarget::Project,
        role: "roles/viewer".into(),
        members: [member.to_owned()].into(),
    });
    let mut theirs = world.clone();
    theirs.found.insert(grant.key(), observed(grant.clone()));
    assert!(destroy_plan(&theirs).changes.iter().all(|change| change.key != grant.key()));
    let adopted = plan_adopting(
        &bridge,
        &resources,
        Vec::new(),
        &theirs,
        &adopting(&["google/pool/gangplank"], &resources),
    );
    assert!(adopted.changes.iter().any(|change| change.summary() == format!("delete {}", grant.key())));
}

#[test]
fn a_deleted_foreign_pool_is_undeleted_only_on_request() {
    let (bridge, resources, mut world) = foreign_world(&["google/pool/gangplank"]);
    edit(&mut world, "google/pool/gangplank").state = State::SoftDeleted;
    let without = plan(&bridge, &resources, Vec::new(), &world);
    assert!(without.obstacles[0].problem.contains("was deleted"), "{:?}", without.obstacles);
    let adopted = plan_adopting(
        &bridge,
        &resources,
        Vec::new(),
        &world,
        &adopting(&["google/pool/gangplank"], &resources),
    );
    assert!(matches!(adopted.changes[0].action, Action::Adopt { deleted: true, .. }));
    assert!(
        needs(&adopted).contains(&Need::Google { permission: "iam.workloadIdentityPools.undelete".into() })
    );
}
