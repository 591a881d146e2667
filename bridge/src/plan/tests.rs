//! Plans: what is wanted against what is there.

use serde_json::{Value, json};

use super::*;
use crate::inventory::{Inventory, Observed, State};
use crate::resource::{Grant, GrantTarget, KubernetesObject, Pool, RoleAssignment, ServiceAccount};
use crate::want::tests::harbour;
use crate::want::wanted;

fn observed(resource: Resource) -> Observed {
    Observed { resource, marked: true, state: State::Live, holds: None }
}

fn inventory(resources: impl IntoIterator<Item = Resource>) -> Inventory {
    let found = resources.into_iter().map(|resource| (resource.key(), observed(resource)));
    Inventory { found: found.collect() }
}

fn summaries(plan: &Plan) -> String {
    let mut lines: Vec<String> = plan.changes.iter().map(Change::summary).collect();
    lines.extend(plan.kept.iter().map(|kept| format!("keep {}: {}", kept.key, kept.why)));
    lines.extend(plan.obstacles.iter().map(|it| format!("obstacle {}: {}; {}", it.key, it.problem, it.mend)));
    lines.join("\n")
}

/// The plan for the example bridge after something happened to a world that was in step with it.
fn after(happens: impl FnOnce(&mut Inventory)) -> Plan {
    let (bridge, facts) = harbour();
    let (resources, obstacles) = wanted(&bridge, &facts);
    let mut inventory = inventory(resources.clone());
    happens(&mut inventory);
    plan(&bridge, &resources, obstacles, &inventory)
}

fn edit<'a>(inventory: &'a mut Inventory, key: &str) -> &'a mut Observed {
    inventory.found.get_mut(&ResourceKey(key.to_owned())).unwrap_or_else(|| panic!("{key}"))
}

fn object<'a>(inventory: &'a mut Inventory, key: &str) -> &'a mut Value {
    let Resource::Kubernetes(object) = &mut edit(inventory, key).resource else { panic!("{key}") };
    &mut object.object
}

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
fn what_is_declared_no_longer_goes_in_reverse() {
    let (mut bridge, facts) = harbour();
    let before = inventory(wanted(&bridge, &facts).0);
    bridge.teams.retain(|team| team.name == "oncology");
    bridge.identities.retain(|identity| identity.name == "oncology-ci");
    bridge.services.retain(|service| service.team == "oncology");
    let (resources, obstacles) = wanted(&bridge, &facts);
    insta::assert_snapshot!(summaries(&plan(&bridge, &resources, obstacles, &before)));
}

#[test]
fn what_holds_things_of_others_stays() {
    let mut world = inventory([
        Resource::ServiceAccount(ServiceAccount { id: "gp-old".into(), display_name: String::new() }),
        Resource::Kubernetes(KubernetesObject {
            object: json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "old"}}),
        }),
    ]);
    edit(&mut world, "kubernetes/Namespace/old").holds = Some("pod `postgres-0`, which is not ours".into());
    let (bridge, _) = harbour();
    let plan = plan(&bridge, &[], Vec::new(), &world);
    assert_eq!(
        summaries(&plan),
        "delete google/service-account/gp-old\nkeep kubernetes/Namespace/old: pod `postgres-0`, which is not ours"
    );
}

#[test]
fn shipped_objects_stay_as_long_as_their_service_is_declared() {
    let shipped = |kind: &str, namespace: &str, name: &str, service: &str| {
        let labels = json!({"gangplank.dev/service": service});
        let metadata = json!({"name": name, "namespace": namespace, "labels": labels});
        Resource::Kubernetes(KubernetesObject {
            object: json!({"apiVersion": "x/v1", "kind": kind, "metadata": metadata}),
        })
    };
    let unlabelled = |kind: &str, name: &str| {
        Resource::Kubernetes(KubernetesObject {
            object: json!({"apiVersion": "x/v1", "kind": kind, "metadata": {"name": name, "namespace": "wine"}}),
        })
    };
    let world = inventory([
        shipped("Deployment", "wine", "cultivar", "cultivar"),
        shipped("NetworkPolicy", "wine", "cultivar", "cultivar"),
        shipped("ConfigMap", "wine", "shipment-cultivar", "cultivar"),
        shipped("Deployment", "oncology", "cultivar", "cultivar"),
        shipped("Deployment", "wine", "vintage", "vintage"),
        shipped("ConfigMap", "wine", "shipment-vintage", "vintage"),
        unlabelled("ConfigMap", "by-hand"),
        unlabelled("NetworkPolicy", "by-hand"),
        unlabelled("NetworkPolicy", "gangplank-old"),
    ]);
    let (bridge, _) = harbour();
    assert_eq!(
        summaries(&plan(&bridge, &[], Vec::new(), &world)),
        "delete kubernetes/ConfigMap/wine/shipment-vintage\n\
         delete kubernetes/Deployment/oncology/cultivar\n\
         delete kubernetes/Deployment/wine/vintage\n\
         delete kubernetes/NetworkPolicy/wine/gangplank-old"
    );
    assert_eq!(destroy_plan(&world).changes.len(), 9);
}

#[test]
fn destroying_takes_everything_of_ours() {
    let (bridge, facts) = harbour();
    let mut world = inventory(wanted(&bridge, &facts).0);
    edit(&mut world, "google/repository/europe-west4/models").holds = Some("12 images".into());
    edit(&mut world, "kubernetes/Namespace/wine").marked = false;
    insta::assert_snapshot!(summaries(&destroy_plan(&world)));
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

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn kubernetes_objects() {
    let policy = |spec: Value| json!({"kind": "NetworkPolicy", "spec": spec});
    let deployment = |containers: Value| json!({"kind": "Deployment", "spec": {"template": {"spec": {"containers": containers}}}});
    let quota = |hard: Value| json!({"kind": "ResourceQuota", "spec": {"hard": hard}});
    for (name, wanted, found, differing) in [
        (
            "defaults are not drift",
            deployment(json!([{"name": "a", "image": "x"}])),
            deployment(json!([{"name": "a", "image": "x", "imagePullPolicy": "IfNotPresent"}])),
            vec![],
        ),
        (
            "a foreign side-car is not ours",
            deployment(json!([{"name": "a"}])),
            deployment(json!([{"name": "proxy"}, {"name": "a"}])),
            vec![],
        ),
        (
            "items are told apart by name",
            deployment(json!([{"name": "a", "image": "x"}])),
            deployment(json!([{"name": "b"}, {"name": "a", "image": "y"}])),
            vec!["spec.template.spec.containers[name=a].image"],
        ),
        (
            "an item is missing",
            deployment(json!([{"name": "a"}])),
            deployment(json!([{"name": "b"}])),
            vec!["spec.template.spec.containers[name=a]"],
        ),
        (
            "quantities",
            quota(json!({"requests.cpu": "1000m", "requests.memory": "1Gi", "pods": 20})),
            quota(json!({"requests.cpu": "1", "requests.memory": "1024Mi", "pods": "20"})),
            vec![],
        ),
        (
            "other quantities",
            quota(json!({"pods": "20"})),
            quota(json!({"pods": "21"})),
            vec!["spec.hard.pods"],
        ),
        (
            "labels are not quantities",
            json!({"metadata": {"labels": {"a": "1000m"}}}),
            json!({"metadata": {"labels": {"a": "1"}}}),
            vec!["metadata.labels.a"],
        ),
        (
            "empty is absent",
            policy(json!({"podSelector": {}, "ingress": []})),
            policy(json!({"podSelector": {}})),
            vec![],
        ),
        (
            "an opened policy",
            policy(json!({"ingress": []})),
            policy(json!({"ingress": [{}]})),
            vec!["spec.ingress"],
        ),
        (
            "a narrowed selector",
            policy(json!({"podSelector": {}})),
            policy(json!({"podSelector": {"matchLabels": {"a": "b"}}})),
            vec!["spec.podSelector"],
        ),
        (
            "a further opening",
            policy(json!({"ingress": [{"from": [{"podSelector": {}}]}]})),
            policy(json!({"ingress": [{"from": [{"podSelector": {}}, {"namespaceSelector": {}}]}]})),
            vec!["spec.ingress[0].from"],
        ),
        (
            "a port is an opening in a policy",
            policy(json!({"ports": [{"port": 1}]})),
            policy(json!({"ports": [{"port": 1}, {"port": 2}]})),
            vec!["spec.ports"],
        ),
        (
            "a service's own port",
            json!({"kind": "Service", "spec": {"ports": [{"port": 1}]}}),
            json!({"kind": "Service", "spec": {"ports": [{"port": 2}, {"port": 1, "protocol": "TCP"}]}}),
            vec![],
        ),
        (
            "api version and kind",
            json!({"kind": "X", "apiVersion": "a/v2"}),
            json!({"kind": "X", "apiVersion": "a/v1"}),
            vec![],
        ),
    ] {
        let found: Vec<String> =
            kubernetes_differences(&wanted, &found).into_iter().map(|it| it.field).collect();
        assert_eq!(found, differing, "{name}");
    }
}

#[test]
fn fields_that_we_own_and_declare_no_longer() {
    let owned = |fields: Value| json!([{"manager": "gangplank", "operation": "Apply", "fieldsV1": fields}, {"manager": "kubectl", "operation": "Apply", "fieldsV1": {"f:metadata": {"f:labels": {"f:theirs": {}}}}}]);
    let found = json!({
        "kind": "Deployment",
        "metadata": {
            "labels": {"kept": "1", "dropped": "2", "theirs": "3"},
            "managedFields": owned(json!({
                "f:metadata": {"f:labels": {".": {}, "f:kept": {}, "f:dropped": {}, "f:gone": {}}},
                "f:spec": {"f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"a\"}": {".": {}, "f:image": {}, "f:args": {}}, "k:{\"name\":\"b\"}": {"f:image": {}}}}}},
            })),
        },
        "spec": {"template": {"spec": {"containers": [{"name": "a", "image": "x", "args": ["-v"]}, {"name": "b", "image": "y"}]}}},
    });
    let wanted = json!({
        "kind": "Deployment",
        "metadata": {"labels": {"kept": "1"}},
        "spec": {"template": {"spec": {"containers": [{"name": "a", "image": "x"}]}}},
    });
    let found: Vec<String> =
        kubernetes_differences(&wanted, &found).iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "metadata.labels.dropped: `2` should not be there",
            "spec.template.spec.containers[name=a].args: `[\"-v\"]` should not be there",
            "spec.template.spec.containers[name=b]: `{\"name\":\"b\",\"image\":\"y\"}` should not be there",
        ]
    );
}

#[test]
fn needs_of_the_first_apply() {
    let (bridge, facts) = harbour();
    let (resources, obstacles) = wanted(&bridge, &facts);
    let plan = plan(&bridge, &resources, obstacles, &Inventory::default());
    let lines: Vec<String> = needs(&plan)
        .iter()
        .map(|need| match need {
            Need::Google { permission } => format!("google {permission}"),
            Need::Azure { action, scope } => format!("azure {action} on {scope}"),
            Need::Graph { any_of } => format!("graph {}", any_of.join(" or ")),
            Need::Kubernetes { verb, group, resource } => format!("kubernetes {verb} {resource}.{group}"),
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
    assert_eq!(needs(&Plan::default()), []);
}

#[test]
fn needs_of_other_changes() {
    let pool = Resource::Pool(Pool { id: "p".into(), disabled: false });
    let grant = Resource::Grant(Grant {
        target: GrantTarget::Project,
        role: "roles/container.clusterViewer".into(),
        members: ["serviceAccount:x".to_owned()].into(),
    });
    let change = |action: Action| Change { key: action.resource().key(), action };
    let plan = Plan {
        changes: vec![
            change(Action::Undelete { wanted: pool.clone() }),
            change(Action::Delete { found: pool }),
            change(Action::Delete { found: grant }),
        ],
        ..Plan::default()
    };
    let google = |permission: &str| Need::Google { permission: permission.into() };
    assert_eq!(
        needs(&plan),
        [
            google("iam.workloadIdentityPools.delete"),
            google("iam.workloadIdentityPools.undelete"),
            google("iam.workloadIdentityPools.update"),
            google("resourcemanager.projects.getIamPolicy"),
            google("resourcemanager.projects.setIamPolicy"),
        ]
    );
}

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

#[test]
fn a_later_plan_may_do_less_and_not_more() {
    let shown = after(|world| {
        world.found.remove(&ResourceKey("google/service-account/gp-cellar".into()));
        if let Resource::Pool(pool) = &mut edit(world, "google/pool/gangplank").resource {
            pool.disabled = true;
        }
    });
    assert_eq!(shown.unshown(&Plan::default()), []);
    assert_eq!(shown.unshown(&shown), []);
    let more = after(|world| {
        if let Resource::Provider(provider) = &mut edit(world, "google/provider/gangplank/entra").resource {
            provider.condition = "true".into();
        }
    });
    assert_eq!(shown.unshown(&more).len(), 1);
    // What this plan was to make is there meanwhile, and differs: whoever made it is not overruled.
    let other_hand = after(|world| {
        if let Resource::ServiceAccount(account) =
            &mut edit(world, "google/service-account/gp-cellar").resource
        {
            account.display_name = "other".into();
        }
    });
    assert_eq!(shown.unshown(&other_hand).len(), 1);
    assert_eq!(other_hand.unshown(&shown).len(), 1);
}
