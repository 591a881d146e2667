//! Settings that work and let in more than they should, or hit others than us: looked for once every hop holds, with severity `warning`.

use trust::iam::Policy;
use trust::provider::Provider;

use super::evidence::Sight;
use super::too_wide::{self, BROAD, WideMember, is_constant};
use super::{Ask, Evidence, Hop, Way, first_party_audience, models};
use crate::finding::{Finding, Severity, cause};

/// Roles whose members the bridge declares where they are looked at.
const DECLARED: [&str; 2] = ["roles/iam.workloadIdentityUser", "roles/artifactregistry.writer"];

/// What a look for wide settings gives.
pub(super) enum Wide {
    /// It needs this first.
    Need(Ask),
    /// All that is wide, each with the hop it is about, and what could not be looked at.
    Seen { findings: Vec<(Hop, Finding)>, limits: Vec<String> },
}

pub(super) fn look(way: &Way<'_>, evidence: &Evidence) -> Wide {
    let google = &way.bridge.google;
    let (project, pool) = (google.project.clone(), way.bridge.federation.pool.clone());
    let provider = way.bridge.federation.provider.clone();
    let service_account = way.bridge.service_account_email(&way.team.name);
    let (location, repository) = (google.region().to_owned(), way.bridge.repository_of(way.team).to_owned());
    let Some(provider) = &evidence.provider else {
        return Wide::Need(Ask::Provider { project, pool, provider });
    };
    let Some(account) = &evidence.service_account_policy else {
        return Wide::Need(Ask::ServiceAccountPolicy { project, service_account });
    };
    let Some(images) = &evidence.repository_policy else {
        return Wide::Need(Ask::RepositoryPolicy { project, location, repository });
    };
    let Some(whole) = &evidence.project_policy else { return Wide::Need(Ask::ProjectPolicy { project }) };
    let mut limits = Vec::new();
    let mut findings = Vec::new();
    if let Some(provider) = seen("the provider", provider, "whom it admits besides you", &mut limits) {
        findings.extend(of_provider(way, evidence, provider).map(|it| (Hop::Exchange, it)));
    }
    if let Some(policy) = seen("the service account's policy", account, "who else may act as it", &mut limits)
    {
        let on = format!(
            "gcloud iam service-accounts remove-iam-policy-binding {service_account} --project={project}"
        );
        findings.extend(of_members(way, policy, &service_account, &on).map(|it| (Hop::Impersonation, it)));
    }
    if let Some(policy) = seen("the repository's policy", images, "who else may push", &mut limits) {
        let on = format!(
            "gcloud artifacts repositories remove-iam-policy-binding {repository} --project={project} --location={location}"
        );
        findings.extend(of_members(way, policy, &repository, &on).map(|it| (Hop::Registry, it)));
    }
    if let Some(policy) = seen("the project's policy", whole, "whether RBAC is gone around", &mut limits) {
        findings.extend(around_rbac(way, policy, &service_account).map(|it| (Hop::Cluster, it)));
    }
    findings.extend(models::dead_key(evidence).map(|it| (Hop::Storage, it)));
    for (_, finding) in &mut findings {
        finding.severity = Severity::Warning;
    }
    Wide::Seen { findings, limits }
}

fn seen<'a, T>(what: &str, sight: &'a Sight<T>, unknown: &str, limits: &mut Vec<String>) -> Option<&'a T> {
    let why = match sight {
        Sight::Seen(thing) => return Some(thing),
        Sight::Unseen { why } => why.clone(),
        Sight::Refused(error) => error.to_string(),
    };
    limits.push(format!("{what} could not be seen, so {unknown} is not known: {why}"));
    None
}

/// The first thing that is wide about the provider.
fn of_provider(way: &Way<'_>, evidence: &Evidence, provider: &Provider) -> Option<Finding> {
    first_party_audience::admitted(way, evidence)
        .or_else(|| constant_subject(way, provider))
        .or_else(|| admits_the_tenant(way, provider))
}

/// The mapping makes everybody the same subject.
fn constant_subject(way: &Way<'_>, provider: &Provider) -> Option<Finding> {
    let mapping = provider.attribute_mapping.get("google.subject")?;
    if !is_constant(mapping) {
        return None;
    }
    let finding = Finding::new(
        "google/subject-is-constant",
        cause::CLAIM_UNUSABLE,
        format!("provider `{}` makes everybody the same subject", way.bridge.federation.provider),
    )
    .expected("assertion.sub", "the bridge")
    .found(mapping, "provider, `attributeMapping`, `google.subject`")
    .mend("put the mapping back to what the bridge declares", "gangplank apply")
    .advice("no grant can tell callers apart, and no log says who it was; an expression in quotes is a text, and not evaluated");
    Some(finding)
}

/// The condition says nothing about who is let in, but for the tenant.
fn admits_the_tenant(way: &Way<'_>, provider: &Provider) -> Option<Finding> {
    let condition = &provider.attribute_condition;
    if !too_wide::admits_the_tenant(condition) {
        return None;
    }
    let finding = Finding::new(
        "google/provider-admits-the-tenant",
        cause::OTHER,
        format!("provider `{}` admits every application of the tenant", way.bridge.federation.provider),
    )
    .expected("a condition that names the callers or their roles", "the bridge")
    .found(
        if condition.is_empty() { "no condition" } else { condition.as_str() },
        "provider, `attributeCondition`",
    )
    .mend("put the condition back to what the bridge declares", "gangplank apply")
    .advice("Entra gives any program of the tenant a token for any application that requires no assignment: the audience keeps nobody out");
    Some(finding)
}

/// The first member that stands for more than callers and their groups.
fn of_members(way: &Way<'_>, policy: &Policy, named: &str, remove: &str) -> Option<Finding> {
    let members =
        policy.bindings.iter().flat_map(|it| it.members.iter().map(|member| (it.role.as_str(), member)));
    members.into_iter().find_map(|(role, member)| wide_member(way, (role, member), named, remove))
}

fn wide_member(way: &Way<'_>, (role, member): (&str, &str), named: &str, remove: &str) -> Option<Finding> {
    let wide = WideMember::of(member)?;
    let summary = format!("{} has `{role}` on `{named}`", wide.who());
    let finding = Finding::new(wide.code(), cause::OTHER, summary)
        .expected("`principal://` of one subject, or `principalSet://` of one role or group", "the bridge")
        .found(member, format!("members of {role} on {named}"));
    let ours = format!("/workloadIdentityPools/{}/", way.bridge.federation.pool);
    // `apply` takes away what the bridge does not declare of its own pool; the rest is somebody else's.
    let finding = if member.contains(&ours) && DECLARED.contains(&role) {
        finding.mend("put the grants back to what the bridge declares", "gangplank apply")
    } else {
        finding.mend("take that one grant away", format!("{remove} --role={role} --member='{member}'"))
    };
    Some(finding.advice(wide.why()))
}

/// The team's account may act in the cluster by IAM, so that RBAC does not fence it in.
fn around_rbac(way: &Way<'_>, policy: &Policy, account: &str) -> Option<Finding> {
    let google = &way.bridge.google;
    let member = format!("serviceAccount:{account}");
    let holds = |binding: &&trust::iam::Binding| {
        BROAD.contains(&binding.role.as_str()) && binding.members.contains(&member)
    };
    let role = &policy.bindings.iter().find(holds)?.role;
    let finding = Finding::new(
        "google/broad-cluster-role",
        cause::OTHER,
        format!("team `{}` may act in every namespace: its account has `{role}` on the project", way.team.name),
    )
    .expected("roles/container.clusterViewer, and RBAC for the rest", "the bridge")
    .found(role, format!("roles of {account} on project `{}`", google.project))
    .mend(
        "take that role away",
        format!("gcloud projects remove-iam-policy-binding {} --role={role} --member='{member}' --condition=None", google.project),
    )
    .advice("GKE asks IAM and RBAC, and either may allow: the team's RoleBinding limits nothing while it has this role");
    Some(finding)
}
