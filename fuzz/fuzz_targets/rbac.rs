//! `{"roles": […], "cluster_roles": […], "role_bindings": […], "cluster_role_bindings": […], "attributes": …}` through the
//! RBAC decision: read and decided, or no such input; a yes names a binding, and a no has its words.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde::Deserialize;
use trust::rbac::{
    Aggregation, Attributes, ClusterRole, ClusterRoleBinding, Objects, Reason, Role, RoleBinding, decide,
    forbidden_text, gke_permission, groups_of, missing_roles_text,
};

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Input {
    roles: Vec<Role>,
    cluster_roles: Vec<ClusterRole>,
    role_bindings: Vec<RoleBinding>,
    cluster_role_bindings: Vec<ClusterRoleBinding>,
    attributes: Attributes,
}

fuzz_target!(|text: &str| {
    let Ok(input) = serde_json::from_str::<Input>(text) else { return };
    let mut attributes = input.attributes;
    attributes.groups.extend(groups_of(&attributes.user));
    for aggregation in [Aggregation::Done, Aggregation::Pending] {
        let objects = Objects {
            roles: &input.roles,
            cluster_roles: &input.cluster_roles,
            role_bindings: &input.role_bindings,
            cluster_role_bindings: &input.cluster_role_bindings,
            aggregation,
        };
        let decision = decide(&objects, &attributes);
        let granted = matches!(decision.because.as_slice(), [Reason::Granted(_)]);
        assert_eq!(decision.allowed, granted, "a yes has one reason, a no never that one");
        assert!(decision.because.iter().all(|reason| !reason.to_string().is_empty()));
        let missing = missing_roles_text(&decision);
        assert!(missing.is_none_or(|text| text.starts_with("RBAC: ")));
    }
    let permission = gke_permission(&attributes);
    let text = forbidden_text(&attributes, permission.as_deref());
    assert!(text.contains("forbidden: User \""), "{text}");
});
