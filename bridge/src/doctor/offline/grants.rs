//! Who called, as whom, and what the policies that were seen give them.

use trust::iam::{Decision, Policy, decide};
use trust::principal::Caller;

use super::case::Case;
use super::words;
use crate::exhibit::{Exhibit, Kind};

/// What a policy is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum On {
    ServiceAccount,
    Project,
    Repository,
    /// Not said, and not to be seen from its roles.
    Something,
}

/// An IAM policy that was seen.
pub(super) struct SeenPolicy<'a> {
    pub(super) exhibit: &'a Exhibit,
    pub(super) policy: Policy,
    pub(super) on: On,
    /// The resource in words.
    pub(super) resource: String,
    /// The pointer to its bindings.
    pub(super) bindings: &'static str,
}

/// A member of a binding, with its place.
pub(super) struct Member<'p> {
    pub(super) role: &'p str,
    pub(super) text: &'p str,
    pub(super) origin: String,
}

impl SeenPolicy<'_> {
    /// Every member of every binding.
    pub(super) fn members(&self) -> Vec<Member<'_>> {
        let bindings = self.policy.bindings.iter().enumerate();
        bindings
            .flat_map(|(index, binding)| {
                binding.members.iter().enumerate().map(move |(at, member)| Member {
                    role: &binding.role,
                    text: member,
                    origin: self.exhibit.origin(&format!("{}/{index}/members/{at}", self.bindings)),
                })
            })
            .collect()
    }

    /// The members of the roles that let somebody act as a service account.
    pub(super) fn actors(&self) -> Vec<Member<'_>> {
        self.members().into_iter().filter(|member| ACTING.contains(&member.role)).collect()
    }
}

/// The roles that let somebody act as a service account.
pub(super) const ACTING: [&str; 2] =
    ["roles/iam.workloadIdentityUser", "roles/iam.serviceAccountTokenCreator"];

impl<'a> Case<'a> {
    /// The policies that were seen.
    pub(super) fn policies(&self) -> Vec<SeenPolicy<'a>> {
        self.of(Kind::Policy).filter_map(seen).collect()
    }

    /// The policies of service accounts; those that say nothing of what they are on are taken for one.
    pub(super) fn account_policies(&self) -> Vec<SeenPolicy<'a>> {
        let all = self.policies();
        let sure = all.iter().any(|it| it.on == On::ServiceAccount);
        all.into_iter().filter(|it| it.on == On::ServiceAccount || !sure && it.on == On::Something).collect()
    }

    /// Who called, where the evidence tells: federated, named by the environment, the log, or the text.
    pub(super) fn callers(&self) -> Vec<Caller> {
        let mut callers = self.federated();
        let accounts = [
            self.fact("account").map(|it| it.0),
            self.fact("core/account").map(|it| it.0),
            self.variable("CLOUDSDK_CORE_ACCOUNT").map(|it| it.0),
            self.of(Kind::AuditEntry)
                .find_map(|it| it.text("/protoPayload/authenticationInfo/principalEmail")),
            self.of(Kind::TokenInfo).find_map(|it| it.text("/email")),
            words::quoted_after(&self.said, "User ").filter(|it| it.contains('@')),
        ];
        for account in accounts.into_iter().flatten() {
            let caller = named(account);
            if !callers.contains(&caller) {
                callers.push(caller);
            }
        }
        callers
    }

    /// The Google service account that is acted as, with where it is named.
    pub(super) fn target(&self) -> Option<(String, String)> {
        const ANNOTATION: &str = "/metadata/annotations/iam.gke.io~1gcp-service-account";
        let file = self.of(Kind::CredentialFile).find_map(|it| {
            let url = it.text("/service_account_impersonation_url")?;
            Some((
                words::service_account(url)?.trim_end_matches(":generateAccessToken").to_owned(),
                it.origin("/service_account_impersonation_url"),
            ))
        });
        let annotated = || {
            let it = self.objects(&["ServiceAccount"]).find(|it| it.text(ANNOTATION).is_some())?;
            Some((it.text(ANNOTATION)?.to_owned(), it.origin(ANNOTATION)))
        };
        let variable = || {
            let all = self.variables();
            let (_, value, origin) = all.iter().find(|(name, value, _)| {
                name.to_ascii_uppercase().contains("SERVICE_ACCOUNT")
                    && value.ends_with("gserviceaccount.com")
            })?;
            Some(((*value).to_owned(), origin.clone()))
        };
        let said =
            || Some((words::service_account(&self.said)?.to_owned(), self.said_in("gserviceaccount.com")));
        let described = || {
            let it = self.of(Kind::GoogleServiceAccount).next()?;
            Some((it.text("/email")?.to_owned(), it.origin("/email")))
        };
        file.or_else(annotated).or_else(variable).or_else(said).or_else(described)
    }
}

/// A caller by its e-mail address.
fn named(account: &str) -> Caller {
    if account.ends_with("gserviceaccount.com") || account.contains(".svc.id.goog[") {
        Caller::ServiceAccount(account.to_owned())
    } else {
        Caller::User(account.to_owned())
    }
}

/// What all of these policies together say about one permission.
pub(super) fn decided(policies: &[SeenPolicy<'_>], caller: &Caller, permission: &str) -> Decision {
    let layers: Vec<(&str, &Policy)> = policies.iter().map(|it| (it.resource.as_str(), &it.policy)).collect();
    decide(&layers, caller, permission)
}

fn seen(exhibit: &Exhibit) -> Option<SeenPolicy<'_>> {
    let (inner, bindings) = match exhibit.get("/policy") {
        Some(policy) => (policy.clone(), "/policy/bindings"),
        None => (exhibit.value.clone(), "/bindings"),
    };
    let policy: Policy = serde_json::from_value(inner).ok()?;
    let named = exhibit.text("/resource");
    let on = on(named.unwrap_or(&exhibit.file), &policy);
    let resource = named.map_or_else(|| in_words(exhibit, on), str::to_owned);
    Some(SeenPolicy { exhibit, policy, on, resource, bindings })
}

/// What a policy is on: by the resource's name, the file's, else by its roles.
fn on(name: &str, policy: &Policy) -> On {
    let name = name.to_ascii_lowercase();
    let says = |needles: &[&str]| needles.iter().any(|needle| name.contains(needle));
    if says(&[
        "serviceaccount",
        "service-account",
        "service_account",
        "gserviceaccount",
        "sa-policy",
        "sa.policy",
    ]) {
        return On::ServiceAccount;
    }
    if says(&["repositor", "artifact-registry"]) {
        return On::Repository;
    }
    let roles: Vec<&str> = policy.bindings.iter().map(|it| it.role.as_str()).collect();
    if !roles.is_empty()
        && roles.iter().all(|role| ACTING.contains(role) || *role == "roles/iam.serviceAccountUser")
        && !says(&["project"])
    {
        return On::ServiceAccount;
    }
    if says(&["project", "folder", "organization"])
        || roles.iter().any(|role| matches!(*role, "roles/owner" | "roles/editor" | "roles/viewer"))
    {
        return On::Project;
    }
    On::Something
}

fn in_words(exhibit: &Exhibit, on: On) -> String {
    let what = match on {
        On::ServiceAccount => "the service account",
        On::Project => "the project",
        On::Repository => "the repository",
        On::Something => "the resource",
    };
    format!("{what} ({})", exhibit.file)
}
