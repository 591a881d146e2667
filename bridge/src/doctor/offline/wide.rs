//! Settings that work and should not stay: wider than any job needs, or one step from a hole. Each is a finding of its own.

use serde_json::Value;
use trust::first_party;

use super::case::{Case, SeenProvider};
use super::grants::{On, SeenPolicy};
use crate::doctor::too_wide::{BROAD, Everybody, WideMember, admits_everybody, is_constant};
use crate::exhibit::{Exhibit, Kind};
use crate::finding::{Finding, Severity, cause};

/// Every such setting that can be seen.
pub(super) fn settings(case: &Case<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for seen in case.providers() {
        found.extend(first_party_audience(&seen));
        found.extend(open_condition(&seen));
        found.extend(constant_subject(&seen));
    }
    let policies = case.policies();
    for policy in &policies {
        found.extend(members(case, policy));
    }
    found.extend(beside_rbac(case, &policies));
    for registry in case.of(Kind::ContainerRegistry) {
        found.extend(registry_switches(registry));
    }
    found
}

fn warning(code: &'static str, summary: impl Into<String>) -> Finding {
    Finding { severity: Severity::Warning, ..Finding::new(code, cause::OTHER, summary) }
}

fn first_party_audience(seen: &SeenProvider<'_>) -> Option<Finding> {
    let audiences = seen.provider.oidc.as_ref()?.allowed_audiences.iter().enumerate();
    let (index, audience, service) =
        audiences.into_iter().find_map(|(index, it)| Some((index, it, first_party::find(it)?)))?;
    let finding = Finding {
        severity: Severity::Warning,
        ..Finding::new(
            "google/first-party-audience",
            cause::AUDIENCE_MISMATCH,
            format!(
                "the provider admits tokens made for {}, which any program of the tenant can get",
                service.name
            ),
        )
    };
    Some(
        finding
            .expected("the client id of an application of your own, and nothing else", "the provider's purpose")
            .found(audience, seen.exhibit.origin(&format!("/oidc/allowedAudiences/{index}")))
            .advice("let callers ask for a token for your own application, and take this audience out of the list"),
    )
}

/// A whole tenant, or everybody whom a shared issuer serves, comes across.
fn open_condition(seen: &SeenProvider<'_>) -> Option<Finding> {
    let everybody = admits_everybody(&seen.provider)?;
    let condition = seen.provider.attribute_condition.trim();
    let shared = everybody == Everybody::OfTheIssuer;
    let who = if shared { "everybody whom this issuer serves" } else { "every application of the tenant" };
    let expected = if shared {
        "assertion.repository_owner_id == 'ID', or another claim that is yours alone"
    } else {
        "assertion.sub in [the object ids that may come across]"
    };
    let code = if shared { "google/condition-admits-everybody" } else { "google/provider-admits-the-tenant" };
    Some(
        warning(code, format!("the provider lets {who} across"))
            .expected(expected, "the narrowest condition for the job")
            .found(
                if condition.is_empty() { "no condition" } else { condition },
                seen.exhibit.origin("/attributeCondition"),
            )
            .advice("name in the condition who may come across; the grants behind it are no second door"),
    )
}

/// A quoted expression makes the same subject of everybody.
fn constant_subject(seen: &SeenProvider<'_>) -> Option<Finding> {
    let expression = seen.provider.attribute_mapping.get("google.subject")?.trim();
    is_constant(expression).then(|| {
        warning("google/subject-is-constant", "the provider makes the same subject of every caller")
            .expected("assertion.sub", "a subject that names one caller only")
            .found(expression, seen.exhibit.origin("/attributeMapping/google.subject"))
            .advice("take the quotes away and map a claim: a grant to this subject is a grant to everybody who comes across")
    })
}

fn members(case: &Case<'_>, policy: &SeenPolicy<'_>) -> Vec<Finding> {
    let narrow = case
        .federated()
        .first()
        .map_or_else(|| "principal://…/subject/SUBJECT".to_owned(), trust::Caller::principal_string);
    let each = policy.members().into_iter().filter_map(|member| {
        let wide = WideMember::of(member.text)?;
        let (expected, of) = match &wide {
            WideMember::Pool => (narrow.clone(), "the one caller that needs it"),
            WideMember::Namespace(namespace) => {
                let one = format!("principal://…/subject/ns/{namespace}/sa/NAME");
                (one, "the one service account that needs it")
            }
            WideMember::World => ("a named member".to_owned(), "the one caller that needs it"),
        };
        let finding = warning(wide.code(), format!("{} has `{}`", wide.who(), member.role));
        Some(finding.expected(expected, of).found(member.text, member.origin).advice(wide.why()))
    });
    each.collect()
}

/// Either may allow on GKE: a broad IAM role beside a team's RBAC makes the RBAC idle.
fn beside_rbac(case: &Case<'_>, policies: &[SeenPolicy<'_>]) -> Vec<Finding> {
    let bindings: Vec<&Exhibit> = case.objects(&["RoleBinding"]).collect();
    let bound = |member: &str| {
        let name = member.split_once(':').map_or(member, |it| it.1);
        bindings.iter().find(|it| {
            it.list("/subjects").iter().any(|subject| {
                subject.get("name").and_then(Value::as_str).is_some_and(|own| own == name || own == member)
            })
        })
    };
    let projects = policies.iter().filter(|it| it.on != On::ServiceAccount);
    let members = projects.flat_map(SeenPolicy::members).filter(|member| BROAD.contains(&member.role));
    members
        .filter_map(|member| {
            let binding = bound(member.text)?;
            Some(
                warning(
                    "google/broad-cluster-role",
                    format!(
                        "{} holds in every namespace, so the binding of `{}` limits nothing",
                        member.role, member.text
                    ),
                )
                .expected("roles/container.clusterViewer, and RBAC for the rest", binding.origin("/roleRef"))
                .found(format!("{} to {}", member.role, member.text), member.origin)
                .advice("GKE asks RBAC and IAM, and either may allow"),
            )
        })
        .collect()
}

fn registry_switches(registry: &Exhibit) -> Vec<Finding> {
    let name = registry.text("/name").unwrap_or("REGISTRY");
    let mut found = Vec::new();
    if registry.flag("/adminUserEnabled") == Some(true) {
        found.push(
            warning(
                "azure/registry-admin-user",
                "the registry's admin user is on: one password that never ends, for everything",
            )
            .expected("false", "AcrPull for each identity that pulls")
            .found("true", registry.origin("/adminUserEnabled"))
            .mend(
                "switch it off once nobody uses it",
                format!("az acr update --name {name} --admin-enabled false"),
            ),
        );
    }
    if registry.flag("/anonymousPullEnabled") == Some(true) {
        found.push(
            warning(
                "azure/registry-anonymous-pull",
                "the registry gives its images to everybody in the world",
            )
            .expected("false", "AcrPull for each identity that pulls")
            .found("true", registry.origin("/anonymousPullEnabled"))
            .mend("switch it off", format!("az acr update --name {name} --anonymous-pull-enabled false")),
        );
    }
    found
}
