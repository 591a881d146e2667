//! How lists and maps of Kubernetes objects merge, as data: the `x-kubernetes-list-type` and `patchMergeKey` facts of the
//! fields we meet. What is not listed is an atomic list, or a map merged field by field.

/// How a list merges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListKind {
    /// Replaced as a whole.
    Atomic,
    /// A set of scalars.
    Set,
    /// Items named by these fields.
    Keyed(&'static [KeyField]),
}

/// A field that names an item, with the value it has when left out. For strategic merge patch the first one counts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct KeyField {
    pub(crate) name: &'static str,
    pub(crate) default: Option<&'static str>,
}

const fn key(name: &'static str) -> KeyField {
    KeyField { name, default: None }
}

const PROTOCOL: KeyField = KeyField { name: "protocol", default: Some("TCP") };
const BY_NAME: ListKind = ListKind::Keyed(&[key("name")]);

/// Lists by the field that holds them and, where that is ambiguous, the field above it.
const LISTS: &[(Option<&str>, &str, ListKind)] = &[
    (None, "containers", BY_NAME),
    (None, "initContainers", BY_NAME),
    (None, "volumes", BY_NAME),
    (None, "env", BY_NAME),
    (None, "imagePullSecrets", BY_NAME),
    (None, "volumeMounts", ListKind::Keyed(&[key("mountPath")])),
    (Some("containers"), "ports", ListKind::Keyed(&[key("containerPort"), PROTOCOL])),
    (Some("initContainers"), "ports", ListKind::Keyed(&[key("containerPort"), PROTOCOL])),
    (Some("spec"), "ports", ListKind::Keyed(&[key("port"), PROTOCOL])),
    (None, "topologySpreadConstraints", ListKind::Keyed(&[key("topologyKey"), key("whenUnsatisfiable")])),
    (None, "hostAliases", ListKind::Keyed(&[key("ip")])),
    (None, "conditions", ListKind::Keyed(&[key("type")])),
    (Some("metadata"), "ownerReferences", ListKind::Keyed(&[key("uid")])),
    (Some("metadata"), "finalizers", ListKind::Set),
];

/// Maps that are replaced as a whole.
const ATOMIC_MAPS: &[&str] = &[
    "selector",
    "podSelector",
    "namespaceSelector",
    "labelSelector",
    "nodeSelector",
    "fieldRef",
    "resourceFieldRef",
    "configMapKeyRef",
    "secretKeyRef",
    "roleRef",
    "scaleTargetRef",
];

/// How the list at `parent`.`field` merges.
pub(crate) fn list_kind(parent: &str, field: &str) -> ListKind {
    LISTS
        .iter()
        .find(|(above, name, _)| *name == field && above.is_none_or(|above| above == parent))
        .map_or(ListKind::Atomic, |(_, _, kind)| *kind)
}

/// Whether the map at `field` is replaced as a whole.
pub(crate) fn is_atomic_map(field: &str) -> bool {
    ATOMIC_MAPS.contains(&field)
}
