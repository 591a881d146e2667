//! Objects of the cluster, compared field by field.

use super::*;

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
