//! Kubernetes objects as the resources that HashiCorp's provider has for their kinds: fields in the provider's spelling,
//! objects as blocks. Unlike `kubernetes_manifest` they need no cluster before the plan is made, and the provider checks
//! every field of them.

use serde_json::Value;

use super::hcl::{Block, Expression};
use crate::port::ObjectKind;

/// The kinds that set-up makes, with the provider's name for them:
/// <https://registry.terraform.io/providers/hashicorp/kubernetes/latest/docs>.
const TYPES: [(&str, &str, &str); 6] = [
    ("v1", "Namespace", "kubernetes_namespace_v1"),
    ("v1", "ResourceQuota", "kubernetes_resource_quota_v1"),
    ("v1", "ServiceAccount", "kubernetes_service_account_v1"),
    ("rbac.authorization.k8s.io/v1", "Role", "kubernetes_role_v1"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding", "kubernetes_role_binding_v1"),
    ("networking.k8s.io/v1", "NetworkPolicy", "kubernetes_network_policy_v1"),
];

/// Lists that the provider spells as repeated blocks of another name.
const RENAMED: [(&str, &str); 3] = [("rules", "rule"), ("subjects", "subject"), ("roleRef", "role_ref")];

/// Objects whose fields are not the provider's but the user's.
const MAPS: [&str; 4] = ["labels", "annotations", "hard", "matchLabels"];

/// The provider's type for objects of this kind, if it has one that we write.
pub(super) fn resource_type(kind: &ObjectKind) -> Option<&'static str> {
    let is_it = |(version, name, _): &&(&str, &str, &str)| *version == kind.api_version && *name == kind.kind;
    TYPES.iter().find(is_it).map(|(_, _, resource)| *resource)
}

/// The object as a resource that has no labels yet. `text` makes texts, `namespace` refers to a namespace.
pub(super) fn typed(
    object: &Value,
    text: &impl Fn(&str) -> Expression,
    namespace: &impl Fn(&str) -> Expression,
) -> Block {
    let mut resource = Block::new("resource", &[]);
    for (name, value) in fields(object).filter(|(name, _)| !["apiVersion", "kind"].contains(name)) {
        resource = put(resource, name, value, text, namespace);
    }
    resource
}

/// The fields of an object: those that become attributes first, then those that become blocks.
fn fields(object: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let all = || object.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value));
    all()
        .filter(|(name, value)| !is_block(name, value))
        .chain(all().filter(|(name, value)| is_block(name, value)))
}

fn is_block(name: &str, value: &Value) -> bool {
    match value {
        Value::Object(_) => !MAPS.contains(&name),
        // A list without items says nothing of its items, and is as good as none.
        Value::Array(items) => items.is_empty() || items.iter().any(Value::is_object),
        _ => false,
    }
}

/// The block with one more field.
fn put(
    block: Block,
    name: &str,
    value: &Value,
    text: &impl Fn(&str) -> Expression,
    namespace: &impl Fn(&str) -> Expression,
) -> Block {
    match value {
        Value::String(value) if name == "namespace" => block.with(name, namespace(value)),
        Value::Array(items) if is_block(name, value) => {
            items.iter().fold(block, |block, item| block.holding(nested(name, item, text, namespace)))
        }
        Value::Object(_) if is_block(name, value) => block.holding(nested(name, value, text, namespace)),
        value => block.with(spelled(name), Expression::from_json(value, text)),
    }
}

fn nested(
    name: &str,
    value: &Value,
    text: &impl Fn(&str) -> Expression,
    namespace: &impl Fn(&str) -> Expression,
) -> Block {
    fields(value)
        .fold(Block::new(spelled(name), &[]), |block, (name, value)| put(block, name, value, text, namespace))
}

/// A field's name in the provider's spelling.
fn spelled(name: &str) -> String {
    if let Some((_, other)) = RENAMED.iter().find(|(field, _)| *field == name) {
        return (*other).to_owned();
    }
    let mut spelled = String::with_capacity(name.len() + 4);
    for character in name.chars() {
        if character.is_ascii_uppercase() {
            spelled.push('_');
        }
        spelled.push(character.to_ascii_lowercase());
    }
    spelled
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::hcl;
    use super::*;

    fn written(object: &Value) -> String {
        let mut out = String::new();
        let namespace = |name: &str| hcl::reference(format!("namespace.{name}"));
        typed(object, &|value: &str| hcl::text(value), &namespace).write(0, &mut out);
        out
    }

    #[test]
    fn objects_are_blocks_and_the_users_maps_stay_maps() {
        let policy = json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": { "name": "callers", "namespace": "wine", "labels": { "a.b/C": "d" } },
            "spec": {
                "podSelector": {},
                "policyTypes": ["Ingress"],
                "ingress": [{ "from": [{ "podSelector": {} }, { "namespaceSelector": { "matchLabels": { "x": "y" } } }] }],
            },
        });
        let expected = "\
resource {
  metadata {
    name      = \"callers\"
    namespace = namespace.wine
    labels = {
      \"a.b/C\" = \"d\"
    }
  }

  spec {
    policy_types = [
      \"Ingress\",
    ]

    pod_selector {
    }

    ingress {
      from {
        pod_selector {
        }
      }

      from {
        namespace_selector {
          match_labels = {
            \"x\" = \"y\"
          }
        }
      }
    }
  }
}
";
        assert_eq!(written(&policy), expected);
    }

    #[test]
    fn an_empty_list_of_openings_opens_nothing() {
        let deny = json!({ "spec": { "policyTypes": ["Ingress"], "ingress": [] } });
        assert!(!written(&deny).contains("ingress {"), "{}", written(&deny));
    }

    #[test]
    fn every_kind_has_its_name() {
        let kind =
            |version: &str, kind: &str| ObjectKind { api_version: version.to_owned(), kind: kind.to_owned() };
        assert_eq!(resource_type(&kind("v1", "Namespace")), Some("kubernetes_namespace_v1"));
        assert_eq!(resource_type(&kind("apps/v1", "Deployment")), None);
        for (name, expected) in [("roleRef", "role_ref"), ("rules", "rule"), ("apiGroups", "api_groups")] {
            assert_eq!(spelled(name), expected);
        }
    }
}
