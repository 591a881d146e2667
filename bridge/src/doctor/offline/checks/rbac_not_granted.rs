//! Neither RBAC nor IAM lets the user do this in the cluster.

use trust::rbac::{self, Aggregation, Attributes, Objects, Reason, Role, RoleBinding};

use super::super::case::Case;
use super::super::grants::{On, decided};
use super::super::words;
use crate::exhibit::Exhibit;
use crate::finding::{Confidence, Finding, cause};
use trust::principal::Caller;

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let attributes = asked(case)?;
    let all = |kind: &'static [&'static str]| case.objects(kind);
    let roles: Vec<Role> = all(&["Role"]).filter_map(Exhibit::as_type).collect();
    let cluster_roles: Vec<Role> = all(&["ClusterRole"]).filter_map(Exhibit::as_type).collect();
    let role_bindings: Vec<RoleBinding> = all(&["RoleBinding"]).filter_map(Exhibit::as_type).collect();
    let cluster_role_bindings: Vec<RoleBinding> =
        all(&["ClusterRoleBinding"]).filter_map(Exhibit::as_type).collect();
    let seen = !role_bindings.is_empty() || !cluster_role_bindings.is_empty();
    let objects = Objects {
        roles: &roles,
        cluster_roles: &cluster_roles,
        role_bindings: &role_bindings,
        cluster_role_bindings: &cluster_role_bindings,
        // What kubectl prints, the cluster has gathered already.
        aggregation: Aggregation::Done,
    };
    let decision = rbac::decide(&objects, &attributes);
    let permission = rbac::gke_permission(&attributes);
    let policies: Vec<_> = case.policies().into_iter().filter(|it| it.on != On::ServiceAccount).collect();
    let caller = if attributes.user.contains("gserviceaccount.com") {
        Caller::ServiceAccount(attributes.user.clone())
    } else {
        Caller::User(attributes.user.clone())
    };
    let by_iam = permission.as_ref().is_some_and(|it| decided(&policies, &caller, it).allowed);
    if decision.allowed || by_iam || !seen && policies.is_empty() {
        return None;
    }
    let roles_missing =
        decision.because.iter().any(|it| matches!(it, Reason::MissingRole(_) | Reason::RoleLacks(_)));
    let near = near_subject(case, &attributes.user).filter(|_| !roles_missing);
    Some(finding(&attributes, &decision, permission.as_deref(), near, seen))
}

fn finding(
    asked: &Attributes,
    decision: &rbac::Decision,
    permission: Option<&str>,
    near: Option<(String, String)>,
    seen: bool,
) -> Finding {
    let because: Vec<String> = decision.because.iter().map(ToString::to_string).collect();
    let what = format!("{} {}", asked.verb, asked.resource);
    let namespace = asked.namespace.as_deref();
    if let Some((subject, origin)) = near {
        return Finding::new(
            "kubernetes/binding-names-another",
            cause::RBAC_SUBJECT,
            format!("a binding names nearly this user, and so another: `{}` may not {what}", asked.user),
        )
        .expected(&asked.user, "the refusal of the API server")
        .found(subject, origin)
        .advice("write the user into the binding's `subjects` as the API server names it, letter by letter");
    }
    let place = namespace.map_or_else(|| "--all-namespaces".to_owned(), |it| format!("--namespace={it}"));
    let finding = Finding::new(
        "kubernetes/not-granted",
        cause::GRANT_MISSING,
        format!("neither RBAC nor IAM lets `{}` {what}", asked.user),
    )
    .expected(
        format!(
            "a Role with the verb {} on {}, bound to the user, or {} by IAM",
            asked.verb,
            asked.resource,
            permission.unwrap_or("no permission")
        ),
        namespace.map_or_else(|| "the cluster".to_owned(), |it| format!("namespace {it}")),
    )
    .found(
        because.join("; "),
        if seen { "the role bindings" } else { "IAM alone; no role binding was given" },
    )
    .confidence(if seen { Confidence::Certain } else { Confidence::Likely });
    if matches!(asked.resource.as_str(), "roles" | "rolebindings" | "clusterroles" | "clusterrolebindings") {
        return finding
            .advice("roles/container.developer holds nothing on RBAC objects: let somebody with roles/container.admin apply the Role and RoleBinding once")
            .mend("to see what it may do", format!("kubectl auth can-i --list --as={} {place}", asked.user));
    }
    finding.mend(
        "give the one verb in the one namespace",
        format!("kubectl create role NAME --verb={} --resource={} {place} && kubectl create rolebinding NAME --role=NAME --user='{}' {place}", asked.verb, asked.resource, asked.user),
    )
}

/// What the API server refused, read from its own words.
fn asked(case: &Case<'_>) -> Option<Attributes> {
    let said = case.said.replace("\\\"", "\"");
    let from = said.find("is forbidden: User ")?;
    let text = said.get(from..)?;
    let user = words::quoted_after(text, "User ")?.to_owned();
    let verb = words::between(text, "cannot ", " resource")?.trim().to_owned();
    let whole = words::quoted_after(text, "resource ")?;
    let (resource, subresource) =
        whole.split_once('/').map_or((whole, None), |(one, sub)| (one, Some(sub.to_owned())));
    let api_group = match (words::quoted_after(text, "API group "), group_of(&said, resource)) {
        (Some(group), _) => group.to_owned(),
        (None, Some(group)) => group,
        (None, None) => String::new(),
    };
    let namespace = words::quoted_after(text, "in the namespace ").map(str::to_owned);
    let groups = if user.starts_with("system:serviceaccount:") {
        let space = user.split(':').nth(2).unwrap_or_default();
        vec![
            "system:serviceaccounts".to_owned(),
            format!("system:serviceaccounts:{space}"),
            "system:authenticated".to_owned(),
        ]
    } else {
        vec!["system:authenticated".to_owned()]
    };
    Some(Attributes {
        user,
        groups,
        verb,
        api_group,
        resource: resource.to_owned(),
        subresource,
        namespace,
        ..Attributes::default()
    })
}

/// The group in front of `is forbidden`: `roles.rbac.authorization.k8s.io`.
fn group_of(said: &str, resource: &str) -> Option<String> {
    let mark = format!("{resource}.");
    let word = words::words(said).find(|word| word.starts_with(&mark))?;
    word.strip_prefix(&mark).map(str::to_owned)
}

/// A subject that equals the user but for capitals, kind or domain.
fn near_subject(case: &Case<'_>, user: &str) -> Option<(String, String)> {
    case.objects(&["RoleBinding", "ClusterRoleBinding"]).find_map(|binding| {
        binding.list("/subjects").iter().enumerate().find_map(|(index, subject)| {
            let name = subject.get("name")?.as_str()?;
            let near = name != user
                && (name.eq_ignore_ascii_case(user)
                    || user.starts_with("principal") && words_of(user).is_some_and(|it| it == name));
            let kind = subject.get("kind").and_then(serde_json::Value::as_str);
            let misplaced = name == user && kind != Some("User");
            (near || misplaced).then(|| {
                (format!("{} {name}", kind.unwrap_or("?")), binding.origin(&format!("/subjects/{index}")))
            })
        })
    })
}

/// The subject of a `principal://` user name.
fn words_of(user: &str) -> Option<&str> {
    user.split_once("/subject/").map(|it| it.1)
}
