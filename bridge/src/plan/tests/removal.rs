//! What goes, what stays all the same, and what is left when all is over.

use super::*;

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
