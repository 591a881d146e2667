//! IAM policies as their services keep them: bindings, an etag that every change renews, and what a change may hold.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use trust::iam::Binding;
use trust::principal::{ParsePrincipalError, Principal};

use super::call::Call;
use super::error::{ApiError, Code};
use super::resources::Resources;
use crate::propagation;
use crate::seed;

/// The etag of a policy that was never set.
const NEVER_SET: &str = "ACAB";

/// A resource's policy.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Policy {
    bindings: Vec<Binding>,
    generation: u64,
}

/// What `setIamPolicy` sends.
#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    bindings: Vec<Binding>,
    #[serde(default)]
    etag: String,
    #[serde(default)]
    version: i64,
}

impl Policy {
    /// A policy that grants `role` to `member`.
    pub(crate) fn granting(role: &str, member: &str) -> Self {
        let binding = Binding { role: role.to_owned(), members: vec![member.to_owned()], condition: None };
        Self { bindings: vec![binding], generation: 1 }
    }

    fn etag(&self) -> String {
        match self.generation {
            0 => NEVER_SET.to_owned(),
            generation => STANDARD.encode((0x0706_5a00_0000_0000 + generation).to_be_bytes()),
        }
    }

    /// The policy as the APIs show it, and as `trust` decides over it.
    pub(crate) fn read(&self) -> trust::iam::Policy {
        let conditional = self.bindings.iter().any(|binding| binding.condition.is_some());
        let version = if conditional { 3 } else { 1 };
        trust::iam::Policy { version, etag: self.etag(), bindings: self.bindings.clone() }
    }

    /// The policy in JSON; one without bindings shows its etag alone.
    pub(crate) fn to_json(&self) -> Value {
        if self.bindings.is_empty() { json!({ "etag": self.etag() }) } else { json!(self.read()) }
    }

    /// Puts `wanted` in place unless somebody else was faster.
    fn replace(&mut self, wanted: Wanted) -> Result<(), ApiError> {
        if !wanted.etag.is_empty() && wanted.etag != self.etag() {
            return Err(ApiError::new(
                Code::Aborted,
                "There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff.",
            ));
        }
        self.bindings = normal(wanted.bindings);
        self.generation += 1;
        Ok(())
    }

    /// What becomes of a deleted service account's grants: they name its ghost, and not its successor.
    pub(crate) fn bury(&mut self, email: &str, unique_id: &str) {
        let member = format!("serviceAccount:{email}");
        let members = self.bindings.iter_mut().flat_map(|binding| &mut binding.members);
        let mut changed = false;
        for found in members.filter(|found| **found == member) {
            *found = format!("deleted:{member}?uid={unique_id}");
            changed = true;
        }
        self.generation += u64::from(changed);
    }
}

/// Bindings without members go, those of one role and condition become one, members are sorted and unique.
fn normal(bindings: Vec<Binding>) -> Vec<Binding> {
    let mut kept: Vec<Binding> = Vec::new();
    for binding in bindings.into_iter().filter(|binding| !binding.members.is_empty()) {
        let same = kept.iter_mut().find(|one| one.role == binding.role && one.condition == binding.condition);
        match same {
            Some(one) => one.members.extend(binding.members),
            None => kept.push(binding),
        }
    }
    for binding in &mut kept {
        binding.members = binding.members.iter().map(|member| canonical(member)).collect();
        binding.members.sort();
        binding.members.dedup();
    }
    kept.sort_by(|one, other| one.role.cmp(&other.role));
    kept
}

/// E-mail addresses know no case.
fn canonical(member: &str) -> String {
    match member.parse() {
        Ok(
            Principal::User(_) | Principal::ServiceAccount(_) | Principal::Group(_) | Principal::Domain(_),
        ) => member.split_once(':').map_or_else(
            || member.to_owned(),
            |(kind, address)| format!("{kind}:{}", address.to_ascii_lowercase()),
        ),
        _ => member.to_owned(),
    }
}

/// `setIamPolicy`: checks the policy in `call` and lets `find` say whose it becomes.
pub(crate) fn set(
    resources: &mut Resources,
    call: &Call,
    find: impl FnOnce(&mut Resources) -> Option<&mut Policy>,
) -> Result<Value, ApiError> {
    let policy = call.body.get("policy").cloned().unwrap_or(Value::Null);
    let wanted: Wanted = serde_json::from_value(policy).map_err(|_| ApiError::invalid_argument())?;
    for binding in &wanted.bindings {
        check(resources, binding)?;
    }
    if wanted.version < 3 && wanted.bindings.iter().any(|binding| binding.condition.is_some()) {
        let message = "Policy version must be set to 3 when a binding has a condition.";
        return Err(ApiError::new(Code::InvalidArgument, message));
    }
    let organisation = resources.organisation.clone();
    let policy = find(resources).ok_or_else(ApiError::not_found)?;
    let held: Vec<&String> = policy.bindings.iter().flat_map(|binding| &binding.members).collect();
    let named = wanted.bindings.iter().flat_map(|binding| &binding.members);
    organisation.require_members(named.filter(|member| !held.contains(member)))?;
    policy.replace(wanted)?;
    Ok(policy.to_json())
}

/// `testIamPermissions`: those of the permissions asked about that the caller has.
pub(crate) fn test(resources: &Resources, call: &Call, own: Option<&Policy>) -> Value {
    let asked = call.body.get("permissions").and_then(Value::as_array);
    let asked = asked.into_iter().flatten().filter_map(Value::as_str);
    let held: Vec<&str> =
        asked.filter(|permission| resources.allows(&call.identity.caller, permission, own)).collect();
    if held.is_empty() { json!({}) } else { json!({ "permissions": held }) }
}

fn check(resources: &Resources, binding: &Binding) -> Result<(), ApiError> {
    if trust::iam::permissions_of(&binding.role).is_none() {
        let message = format!("Role {} is not supported for this resource.", binding.role);
        return Err(ApiError::new(Code::InvalidArgument, message));
    }
    binding.members.iter().try_for_each(|member| check_member(resources, member))
}

/// Whoever a policy names must be somebody: IAM knows accounts and pools, and takes people on trust.
fn check_member(resources: &Resources, member: &str) -> Result<(), ApiError> {
    let seen = propagation::view();
    let resources = seen.as_ref().map_or(resources, |seen| &seen.resources);
    let invalid = |message: String| Err(ApiError::new(Code::InvalidArgument, message));
    let no_pool = |pool: &str| {
        invalid(format!(
            "Identity Pool does not exist ({pool}). Please check that you specified a valid resource name as returned \
             in the `name` attribute in the configuration API."
        ))
    };
    match member.parse::<Principal>() {
        // Google's page of members has the number alone (`https://cloud.google.com/iam/docs/principal-identifiers`), and who
        // maintains its action for workflows says that the product takes no ids (`google-github-actions/auth`, issue 341).
        // Whether `setIamPolicy` refuses such a member is said nowhere that was found (looked for on 2026-11-28). Here it is
        // accepted, shown, and nobody's: the case that no error gives away.
        Err(ParsePrincipalError::ProjectId { project, .. }) if project == seed::PROJECT => Ok(()),
        Err(error) => invalid(format!("Invalid member: {error}.")),
        Ok(Principal::ServiceAccount(email))
            if is_ours(&email) && resources.service_account(&email).is_none() =>
        {
            invalid(format!("Service account {email} does not exist."))
        }
        Ok(Principal::KubernetesServiceAccount { project, .. }) if project != seed::PROJECT => {
            no_pool(&format!("{project}.svc.id.goog"))
        }
        Ok(
            Principal::Subject { pool, .. }
            | Principal::FederatedGroup { pool, .. }
            | Principal::Attribute { pool, .. }
            | Principal::Pool { pool }
            | Principal::Namespace { pool, .. }
            | Principal::Cluster { pool, .. },
        ) if !resources.has_pool(&pool) => no_pool(&pool),
        Ok(_) => Ok(()),
    }
}

/// Whether an e-mail is one of the project's service accounts, there or not.
fn is_ours(email: &str) -> bool {
    email.to_ascii_lowercase().ends_with(&format!("@{}.iam.gserviceaccount.com", seed::PROJECT))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(etag: &str, bindings: &Value) -> Wanted {
        serde_json::from_value(json!({ "etag": etag, "bindings": bindings })).unwrap()
    }

    #[test]
    fn the_second_writer_with_the_same_etag_loses() {
        let mut policy = Policy::default();
        assert_eq!(policy.to_json(), json!({ "etag": "ACAB" }));
        let etag = policy.etag();
        policy
            .replace(wanted(&etag, &json!([{ "role": "roles/viewer", "members": ["user:A@b.c"] }])))
            .unwrap();
        assert!(policy.replace(wanted(&etag, &json!([]))).is_err());
        assert_eq!(
            policy.to_json()["bindings"],
            json!([{ "role": "roles/viewer", "members": ["user:a@b.c"] }])
        );
        policy.replace(wanted("", &json!([]))).unwrap();
        assert_ne!(policy.etag(), NEVER_SET);
    }

    #[test]
    fn bindings_of_one_role_become_one() {
        let one =
            |member: &str| Binding { role: "roles/a".into(), members: vec![member.into()], condition: None };
        let joined = normal(vec![one("user:b@x"), one("user:a@x"), one("user:b@x")]);
        assert_eq!(joined.len(), 1);
        assert_eq!(joined[0].members, ["user:a@x", "user:b@x"]);
    }

    #[test]
    fn the_dead_keep_their_grants_to_themselves() {
        let mut policy = Policy::granting("roles/viewer", "serviceAccount:a@b.c");
        policy.bury("a@b.c", "17");
        assert_eq!(
            policy.to_json()["bindings"][0]["members"],
            json!(["deleted:serviceAccount:a@b.c?uid=17"])
        );
    }
}
