//! Google refuses a permission, and no policy that was seen gives it to the caller.

use trust::iam::{Decision, Reason};
use trust::principal::Caller;

use super::super::case::Case;
use super::super::grants::{On, SeenPolicy, decided};
use super::super::words;
use crate::finding::{Confidence, Finding, cause};

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let permission = words::permission(&case.said).or_else(|| implied(case))?;
    if permission.starts_with("iam.serviceAccounts.get") {
        return None;
    }
    let policies = relevant(case);
    if policies.is_empty() {
        return None;
    }
    let callers = as_whom(case);
    let Some(caller) = callers.first() else {
        return nobody(permission, &policies);
    };
    let decision = decided(&policies, caller, permission);
    if decision.allowed {
        return None;
    }
    Some(finding(permission, &caller.principal_string(), &policies, &decision))
}

/// The caller as the resource sees it: the account that is acted as, else the caller itself.
fn as_whom(case: &Case<'_>) -> Vec<Caller> {
    let callers = case.callers();
    let account = case.target().map(|it| Caller::ServiceAccount(it.0));
    let named_itself = callers.iter().any(|it| !matches!(it, Caller::Federated { .. }));
    if named_itself {
        callers.into_iter().filter(|it| !matches!(it, Caller::Federated { .. })).collect()
    } else {
        account.into_iter().chain(callers).collect()
    }
}

/// The permission that stands behind words which name none.
fn implied(case: &Case<'_>) -> Option<&'static str> {
    case.says(&["get-credentials"]).then_some("container.clusters.get")
}

fn relevant<'a>(case: &Case<'a>) -> Vec<SeenPolicy<'a>> {
    case.policies().into_iter().filter(|it| it.on != On::ServiceAccount).collect()
}

/// The caller is not known: what can be said is whether anybody has the permission.
fn nobody(permission: &str, policies: &[SeenPolicy<'_>]) -> Option<Finding> {
    let members: Vec<&str> = policies.iter().flat_map(SeenPolicy::members).map(|it| it.text).collect();
    let decision = Decision {
        allowed: false,
        settled: false,
        because: vec![Reason::NotNamed { resource: policies.first()?.resource.clone() }],
    };
    if members.iter().any(|it| it.starts_with("user:") || it.starts_with("serviceAccount:")) {
        return Some(finding(permission, "the caller", policies, &decision).confidence(Confidence::Possible));
    }
    Some(finding(permission, "the caller", policies, &decision).confidence(Confidence::Likely))
}

fn finding(permission: &str, caller: &str, policies: &[SeenPolicy<'_>], decision: &Decision) -> Finding {
    let role = narrowest(permission);
    let unknown = !decision.settled;
    let because: Vec<String> = decision.because.iter().map(ToString::to_string).collect();
    let (code, what) = if permission.ends_with("uploadArtifacts") {
        ("google/repository-write-not-granted", "may not push to the repository")
    } else {
        ("google/permission-not-granted", "has not the permission that is asked for")
    };
    let origin = policies.first().map_or_else(String::new, |it| it.exhibit.origin(it.bindings));
    let finding = Finding::new(code, cause::GRANT_MISSING, format!("{caller} {what}: `{permission}`"))
        .expected(
            format!("`{caller}` with a role that holds {permission}, as {}", role.unwrap_or("ROLE")),
            "a policy on the resource or above it",
        )
        .found(because.join("; "), origin)
        .confidence(if unknown { Confidence::Likely } else { Confidence::Certain });
    let Some(role) = role else {
        return finding.advice("give it the narrowest role that holds this permission, on this one resource");
    };
    finding
        .mend("give the narrowest role that holds it", grant(permission, role, caller))
        .advice("a new grant takes some minutes to count")
}

/// The narrowest predefined role with a permission.
fn narrowest(permission: &str) -> Option<&'static str> {
    const ROLES: [(&str, &str); 11] = [
        ("artifactregistry.repositories.uploadArtifacts", "roles/artifactregistry.writer"),
        ("artifactregistry.repositories.downloadArtifacts", "roles/artifactregistry.reader"),
        ("container.clusters.get", "roles/container.clusterViewer"),
        ("container.roles.create", "roles/container.admin"),
        ("container.roleBindings.create", "roles/container.admin"),
        ("container.clusterRoles.create", "roles/container.admin"),
        ("iam.workloadIdentityPools.create", "roles/iam.workloadIdentityPoolAdmin"),
        ("iam.workloadIdentityPoolProviders.create", "roles/iam.workloadIdentityPoolAdmin"),
        ("iam.serviceAccounts.setIamPolicy", "roles/iam.serviceAccountAdmin"),
        ("secretmanager.versions.access", "roles/secretmanager.secretAccessor"),
        ("storage.objects.get", "roles/storage.objectViewer"),
    ];
    let known = ROLES.iter().find(|(name, _)| *name == permission).map(|(_, role)| *role);
    known.or_else(|| {
        let holding = trust::iam::ROLES.iter().filter(|role| {
            trust::iam::permissions_of(role.name).is_some_and(|all| all.contains(&permission))
        });
        holding
            .min_by_key(|role| trust::iam::permissions_of(role.name).map_or(0, |all| all.len()))
            .map(|role| role.name)
    })
}

fn grant(permission: &str, role: &str, caller: &str) -> String {
    let member = if caller == "the caller" { "MEMBER" } else { caller };
    if permission.starts_with("artifactregistry.") {
        return format!(
            "gcloud artifacts repositories add-iam-policy-binding REPOSITORY --location=LOCATION --role={role} --member='{member}'"
        );
    }
    if permission.starts_with("secretmanager.") {
        return format!("gcloud secrets add-iam-policy-binding SECRET --role={role} --member='{member}'");
    }
    format!(
        "gcloud projects add-iam-policy-binding PROJECT --role={role} --member='{member}' --condition=None"
    )
}
