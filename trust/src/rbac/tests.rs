//! Tables for RBAC decisions and the words of a 403.

use super::*;
use serde_json::json;

struct World {
    roles: Vec<Role>,
    cluster_roles: Vec<ClusterRole>,
    role_bindings: Vec<RoleBinding>,
    cluster_role_bindings: Vec<ClusterRoleBinding>,
}

impl World {
    fn objects(&self) -> Objects<'_> {
        Objects {
            roles: &self.roles,
            cluster_roles: &self.cluster_roles,
            role_bindings: &self.role_bindings,
            cluster_role_bindings: &self.cluster_role_bindings,
            aggregation: Aggregation::Done,
        }
    }
}

fn world() -> World {
    serde_json::from_value::<Vec<serde_json::Value>>(json!([
        [{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
          "metadata": {"name": "gangplank-deployer", "namespace": "oncology", "uid": "1"},
          "rules": [
            {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "patch"]},
            {"apiGroups": [""], "resources": ["pods/log", "services/proxy"], "verbs": ["get", "create"]},
            {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["shipment-a"], "verbs": ["*"]},
            {"apiGroups": ["*"], "resources": ["*/scale"], "verbs": ["update"]}
          ]}],
        [{"metadata": {"name": "view-all"}, "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["list"]}]},
         {"metadata": {"name": "discovery"}, "rules": [{"nonResourceURLs": ["/version", "/api/*"], "verbs": ["get"]}]},
         {"metadata": {"name": "empty"}, "rules": null}],
        [{"metadata": {"name": "deployer", "namespace": "oncology"},
          "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "gangplank-deployer"},
          "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "gp-oncology@p"}]},
         {"metadata": {"name": "viewer", "namespace": "cellar"},
          "roleRef": {"kind": "ClusterRole", "name": "view-all"},
          "subjects": [{"kind": "Group", "name": "watchers"}, {"kind": "ServiceAccount", "name": "app"}]},
         {"metadata": {"name": "dangling", "namespace": "cellar"},
          "roleRef": {"kind": "Role", "name": "gone"}, "subjects": [{"kind": "User", "name": "lost"}]}],
        [{"metadata": {"name": "discovery"}, "roleRef": {"kind": "ClusterRole", "name": "discovery"},
          "subjects": [{"kind": "Group", "name": "system:authenticated"}]},
         {"metadata": {"name": "node"}, "roleRef": {"kind": "ClusterRole", "name": "view-all"},
          "subjects": [{"kind": "ServiceAccount", "name": "node", "namespace": "kube-system"}]}]
    ]))
    .map(|parts| {
        let mut parts = parts.into_iter();
        let mut next = || parts.next().unwrap();
        World {
            roles: serde_json::from_value(next()).unwrap(),
            cluster_roles: serde_json::from_value(next()).unwrap(),
            role_bindings: serde_json::from_value(next()).unwrap(),
            cluster_role_bindings: serde_json::from_value(next()).unwrap(),
        }
    })
    .unwrap()
}

/// `user[,group] verb resource[/sub][.group] namespace[/name]`, or a path in the resource's place.
fn attributes(line: &str) -> Attributes {
    let words: Vec<&str> = line.split(' ').collect();
    let [who, verb, what, place] = words.as_slice() else { panic!("four words: {line}") };
    let mut names = who.split(',').map(str::to_owned);
    let user = names.next().unwrap();
    let common =
        Attributes { user, groups: names.collect(), verb: (*verb).to_owned(), ..Attributes::default() };
    if what.starts_with('/') {
        return Attributes { non_resource_url: Some((*what).to_owned()), ..common };
    }
    let (resource, group) = what.split_once('.').unwrap_or((what, ""));
    let (resource, subresource) =
        resource.split_once('/').map_or((resource, None), |(plural, sub)| (plural, Some(sub.to_owned())));
    let (namespace, name) =
        place.split_once('/').map_or((*place, None), |(space, name)| (space, Some(name.to_owned())));
    Attributes {
        api_group: group.to_owned(),
        resource: resource.to_owned(),
        subresource,
        namespace: (namespace != "-").then(|| namespace.to_owned()),
        name,
        ..common
    }
}

#[test]
fn decides_as_kubernetes_does() {
    let world = world();
    let table = [
        ("gp-oncology@p patch deployments.apps oncology/web", true),
        ("gp-oncology@p patch deployments.apps cellar/web", false),
        ("gp-oncology@p patch deployments.apps -", false),
        ("gp-oncology@p delete deployments.apps oncology/web", false),
        ("gp-oncology@p get deployments oncology/web", false),
        ("gp-oncology@p get pods/log oncology/web", true),
        ("gp-oncology@p get pods oncology/web", false),
        ("gp-oncology@p create services/proxy oncology/web", true),
        ("gp-oncology@p delete configmaps oncology/shipment-a", true),
        ("gp-oncology@p delete configmaps oncology/shipment-b", false),
        ("gp-oncology@p create configmaps oncology", false),
        ("gp-oncology@p update deployments/scale.apps oncology/web", true),
        ("someone,watchers list secrets cellar", true),
        ("someone,watchers list secrets oncology", false),
        ("system:serviceaccount:cellar:app list pods cellar", true),
        ("system:serviceaccount:oncology:app list pods cellar", false),
        ("system:serviceaccount:kube-system:node list nodes -", true),
        ("anybody,system:authenticated get /version -", true),
        ("anybody,system:authenticated get /api/v1 -", true),
        ("anybody,system:authenticated get /apis -", false),
        ("anybody,system:authenticated post /version -", false),
        ("lost get pods cellar", false),
        ("root,system:masters delete nodes -/n1", true),
    ];
    for (line, expected) in table {
        assert_eq!(decide(&world.objects(), &attributes(line)).allowed, expected, "{line}");
    }
}

#[test]
fn gives_reasons() {
    let world = world();
    let table = [
        (
            "gp-oncology@p patch deployments.apps oncology/web",
            "RoleBinding `deployer` of Role `gangplank-deployer` to User \"gp-oncology@p\" allows it",
        ),
        (
            "gp-oncology@p delete deployments.apps oncology/web",
            "RoleBinding `deployer` of Role `gangplank-deployer` to User \"gp-oncology@p\" does not allow it",
        ),
        (
            "lost get pods cellar",
            "RoleBinding `dangling` of Role `gone` to User \"lost\" gives nothing: there is no such role",
        ),
        ("nobody get pods cellar", "no binding in namespace `cellar` or of the cluster names the user"),
        ("nobody get nodes -", "no binding of the cluster names the user"),
    ];
    for (line, expected) in table {
        let because = decide(&world.objects(), &attributes(line)).because;
        assert_eq!(because.first().unwrap().to_string(), expected, "{line}");
    }
    assert_eq!(rules_for(&world.objects(), &attributes("gp-oncology@p get x oncology")).len(), 4);
}

#[test]
fn words_a_403_as_the_api_server_does() {
    let table = [
        (
            "jane list pods default",
            None,
            "pods is forbidden: User \"jane\" cannot list resource \"pods\" in API group \"\" in the namespace \"default\"",
        ),
        (
            "gp@p patch deployments.apps oncology/web",
            Some("container.deployments.update"),
            "deployments.apps \"web\" is forbidden: User \"gp@p\" cannot patch resource \"deployments\" in API group \
             \"apps\" in the namespace \"oncology\": requires one of [\"container.deployments.update\"] permission(s).",
        ),
        (
            "jane get nodes -",
            None,
            "nodes is forbidden: User \"jane\" cannot get resource \"nodes\" in API group \"\" at the cluster scope",
        ),
        (
            "jane get pods/log default/web",
            None,
            "pods \"web\" is forbidden: User \"jane\" cannot get resource \"pods/log\" in API group \"\" in the namespace \
             \"default\"",
        ),
        ("jane get /metrics -", None, "forbidden: User \"jane\" cannot get path \"/metrics\""),
    ];
    for (line, permission, expected) in table {
        assert_eq!(forbidden_text(&attributes(line), permission), expected, "{line}");
    }
}

#[test]
fn names_the_permission_gke_asks_for() {
    let table = [
        ("u create deployments.apps n", Some("container.deployments.create")),
        ("u patch deployments.apps n/d", Some("container.deployments.update")),
        ("u watch pods n", Some("container.pods.list")),
        ("u get pods/log n/p", Some("container.pods.getLogs")),
        ("u create services/proxy n/s", Some("container.services.proxy")),
        (
            "u patch horizontalpodautoscalers.autoscaling n/h",
            Some("container.horizontalPodAutoscalers.update"),
        ),
        ("u create roles.rbac.authorization.k8s.io n", Some("container.roles.create")),
        ("u get bridges.gangplank.dev n/b", Some("container.thirdPartyObjects.get")),
        ("u get /version -", None),
    ];
    for (line, expected) in table {
        assert_eq!(gke_permission(&attributes(line)).as_deref(), expected, "{line}");
    }
    for role in ["roles/container.admin", "roles/owner"] {
        let permissions = crate::iam::permissions_of(role).unwrap();
        for line in [
            "u patch networkpolicies.networking.k8s.io n/x",
            "u patch resourcequotas n/x",
            "u patch roles.rbac.authorization.k8s.io n/x",
        ] {
            let wanted = gke_permission(&attributes(line)).unwrap();
            assert!(permissions.contains(&wanted.as_str()), "{role} {wanted}");
        }
    }
}
