//! The rule that comes nearest to allowing something: one that names the caller and gives too little, else one that gives
//! it to somebody else.

use trust::iam::{Decision, Layer, Reason, permissions_of};
use trust::principal::Caller;
use trust::rbac::{self, Attributes, Objects, RoleBinding, groups_of, service_account_user};

/// The grant that comes nearest.
pub(super) fn grant(
    layers: &[Layer<'_>],
    caller: &Caller,
    permission: &str,
    decision: &Decision,
) -> Option<String> {
    // A deny rule, a false condition, or a role too small: these are about the caller already.
    let about_others = |reason: &&Reason| {
        matches!(reason, Reason::Granted { .. } | Reason::RoleLacks { .. } | Reason::NotNamed { .. })
    };
    let own = decision.because.iter().find(|reason| !about_others(reason));
    if let Some(reason) = own {
        return Some(reason.to_string());
    }
    let name = caller.principal_string();
    let mut best: Option<(usize, String)> = None;
    for layer in layers {
        for binding in layer.allow.iter().flat_map(|policy| &policy.bindings) {
            let gives = permissions_of(&binding.role).is_some_and(|all| all.contains(&permission));
            for member in binding.members.iter().filter(|_| gives) {
                let alike = same_start(member, &name);
                if best.as_ref().is_none_or(|(most, _)| alike > *most) {
                    let words = format!("`{}` on `{}` is given to `{member}`", binding.role, layer.resource);
                    best = Some((alike, words));
                }
            }
        }
    }
    let lacking = decision.because.iter().find(|reason| matches!(reason, Reason::RoleLacks { .. }));
    best.map(|(_, words)| words).or_else(|| lacking.map(ToString::to_string))
}

fn same_start(one: &str, other: &str) -> usize {
    one.chars().zip(other.chars()).take_while(|(one, other)| one == other).count()
}

/// The binding of the cluster that comes nearest: one that names the user, else one that gives it to somebody else.
pub(super) fn binding(
    objects: &Objects<'_>,
    asked: &Attributes,
    decision: &rbac::Decision,
) -> Option<String> {
    // What everybody has says nothing about the caller.
    let own = decision.because.iter().find(|reason| match reason {
        rbac::Reason::RoleLacks(grant) | rbac::Reason::MissingRole(grant) => {
            !grant.subject.starts_with("Group \"system:")
        }
        rbac::Reason::Granted(_) | rbac::Reason::NotNamed { .. } => false,
    });
    if let Some(reason) = own {
        return Some(reason.to_string());
    }
    let elsewhere = objects.role_bindings.iter().chain(objects.cluster_role_bindings);
    let mut here = elsewhere.filter(|binding| {
        let namespace = &binding.metadata.namespace;
        namespace.is_empty() || asked.namespace.as_ref().is_some_and(|asked| asked == namespace)
    });
    here.find_map(|binding| given_to_others(objects, binding, asked))
}

/// Who else gets it by this binding.
fn given_to_others(objects: &Objects<'_>, binding: &RoleBinding, asked: &Attributes) -> Option<String> {
    let subject = binding.subjects.first()?;
    let (user, groups) = match subject.kind.as_str() {
        "User" => (subject.name.clone(), groups_of(&subject.name)),
        "Group" => (String::new(), vec![subject.name.clone()]),
        _ => {
            let user = service_account_user(&subject.namespace, &subject.name);
            (user.clone(), groups_of(&user))
        }
    };
    let alone = std::slice::from_ref(binding);
    let cluster_wide = binding.metadata.namespace.is_empty();
    let objects = Objects {
        role_bindings: if cluster_wide { &[] } else { alone },
        cluster_role_bindings: if cluster_wide { alone } else { &[] },
        ..*objects
    };
    let theirs = Attributes { user, groups, ..asked.clone() };
    let granted = rbac::grants(&objects, &theirs).into_iter().next()?;
    Some(format!("{granted} allows it, and does not name the caller"))
}
