//! Who the caller is to Google and to the bridge: which identity of the bridge, and by which IAM member strings Google
//! knows it.

use trust::iam::{self, Decision, Policy, Reason};
use trust::principal::Caller as Principal;
use trust::provider::{Mapped, ResourceName};
use trust::token::Claims;

use super::chain::{Chain, Way};
use super::teams::{is_holder, own_client};
use super::{Evidence, Sight};
use crate::finding::Confidence;
use crate::spec::{Identity, Right, Who};

/// The caller as the evidence shows it.
pub(super) struct Caller<'a> {
    chain: &'a Chain<'a>,
    evidence: &'a Evidence,
    claims: Option<&'a Claims>,
}

/// What the bridge declares about a caller and one right.
pub(super) enum Declared<'a> {
    /// This identity has the right, and the member string stands for it.
    Has {
        /// Which.
        identity: &'a Identity,
        /// `principal://…` or `principalSet://…`.
        member: String,
    },
    /// This identity has the right by an app role, which the caller's token does not carry.
    RoleNotInToken {
        /// Which.
        identity: &'a Identity,
        /// The role's value.
        role: &'a str,
    },
    /// The caller is declared, but without the right.
    Lacks {
        /// As which identity.
        identity: &'a Identity,
    },
    /// No identity of the bridge is this caller, as far as its token shows.
    Nobody,
    /// There is no bridge to say.
    Unstated,
}

impl<'a> Caller<'a> {
    pub(super) fn new(chain: &'a Chain<'a>, evidence: &'a Evidence) -> Self {
        Self { chain, evidence, claims: evidence.entra_token.as_ref().and_then(Sight::seen) }
    }

    /// What the bridge declares about this caller and any right that `wanted` admits.
    pub(super) fn declared(&self, wanted: impl Fn(&Right) -> bool) -> Declared<'a> {
        let Chain::Declared(way) = self.chain else { return Declared::Unstated };
        let mut role_missing = None;
        let mut without = None;
        for identity in &way.bridge.identities {
            let has = identity.may.iter().any(&wanted);
            match (self.member(way, identity), &identity.who) {
                (Some(member), _) if has => return Declared::Has { identity, member },
                (Some(_), _) => without = without.or(Some(identity)),
                (None, Who::AppRole { role, .. }) if has && self.is_holder(&identity.who) => {
                    role_missing = Some(Declared::RoleNotInToken { identity, role });
                }
                (None, _) => {}
            }
        }
        role_missing.or(without.map(|identity| Declared::Lacks { identity })).unwrap_or(Declared::Nobody)
    }

    /// The member string of the caller as this identity, if it is the caller.
    fn member(&self, way: &Way<'_>, identity: &Identity) -> Option<String> {
        let claims = self.claims?;
        let bridge = way.bridge;
        let number = &bridge.google.project_number;
        let subject = || Some(bridge.subject_member(number, &self.mapped()?.subject));
        let group = |name: &str| Some(bridge.group_member(number, name));
        match &identity.who {
            Who::ServicePrincipal(client_id) if own_client(claims) == Some(client_id) => subject(),
            Who::ManagedIdentity(object_id) if claims.object_id() == Some(object_id) => subject(),
            Who::AppRole { role, .. } if claims.roles().contains(&role.as_str()) => group(role),
            Who::Group { id, .. } if claims.groups().contains(&id.as_str()) => group(id),
            Who::ServicePrincipal(_) | Who::ManagedIdentity(_) | Who::AppRole { .. } | Who::Group { .. } => {
                None
            }
        }
    }

    fn is_holder(&self, who: &Who) -> bool {
        self.claims.is_some_and(|claims| is_holder(who, claims))
    }

    /// Whom Google makes of the token: by the live mapping where it could be seen, else by the declared one.
    fn mapped(&self) -> Option<Mapped> {
        let claims = self.claims?;
        let provider = self.evidence.provider.as_ref().and_then(Sight::seen);
        let pool = self.evidence.pool.as_ref().and_then(Sight::seen).cloned().unwrap_or_default();
        let live =
            provider.and_then(|it| trust::provider::exchange(&pool, it, claims, self.chain.now()).ok());
        live.or_else(|| {
            Some(Mapped {
                subject: claims.subject()?.to_owned(),
                groups: claims.roles().into_iter().chain(claims.groups()).map(str::to_owned).collect(),
                ..Mapped::default()
            })
        })
    }

    /// Who calls, to Google: whom the token stands for, else who is named.
    pub(super) fn principal(&self) -> Option<Principal> {
        let pool_resource = match self.chain {
            Chain::Declared(way) => {
                let audience = way.bridge.provider_name(&way.bridge.google.project_number);
                ResourceName::parse_audience(&audience)?.pool_name()
            }
            Chain::Shown(shown) => return shown.caller.clone(),
        };
        Some(Principal::Federated { pool_resource, mapped: self.mapped()? })
    }

    /// What policies alone say about this caller and a permission.
    pub(super) fn decide(&self, layers: &[(&str, &Policy)], permission: &str) -> Option<Decision> {
        Some(iam::decide(layers, &self.principal()?, permission))
    }

    /// The caller in words: a person's log-in name, a machine's client id, or whatever else its token says.
    pub(super) fn name(&self) -> String {
        let claim = |name: &str| Some(format!("`{name}` {}", self.claims?.text(name)?));
        let named = || match self.chain.shown()?.caller.as_ref()? {
            Principal::User(email) | Principal::ServiceAccount(email) => Some(format!("`{email}`")),
            Principal::Federated { .. } => None,
        };
        let person = self.claims.is_some_and(Claims::is_delegated);
        let of_a_person = |name: &str| person.then(|| claim(name)).flatten();
        of_a_person("preferred_username")
            .or_else(|| of_a_person("upn"))
            .or_else(|| of_a_person("oid"))
            .or_else(|| claim("azp"))
            .or_else(|| claim("appid"))
            .or_else(|| claim("sub"))
            .or_else(named)
            .unwrap_or_else(|| "a caller whose token could not be read".to_owned())
    }
}

/// The members that a policy gives one of these roles to, in words.
pub(super) fn members(policy: &Policy, roles: &[&str]) -> String {
    let mut members: Vec<&str> = policy
        .bindings
        .iter()
        .filter(|it| roles.contains(&it.role.as_str()))
        .flat_map(|it| it.members.iter().map(String::as_str))
        .collect();
    members.sort_unstable();
    members.dedup();
    if members.is_empty() { "nobody".to_owned() } else { members.join(", ") }
}

/// How sure a "no" is: a role or a condition that could not be judged leaves room for another explanation.
pub(super) fn confidence(decision: &Decision) -> Confidence {
    let open = |reason: &Reason| matches!(reason, Reason::UnknownRole { .. } | Reason::Conditional { .. });
    if decision.because.iter().any(open) { Confidence::Likely } else { Confidence::Certain }
}
