//! Access tokens: opaque text in a table, with who holds it, which scopes it has and when it ends.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use trust::principal::Caller;

use crate::random;
use crate::world::World;

/// How long an ended token is still told apart from one that never was.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24);

/// The scope that makes a service account's e-mail known to the cluster; without it only its numeric id is.
pub const USERINFO_EMAIL: &str = "https://www.googleapis.com/auth/userinfo.email";

/// Who a token speaks for, and how far.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The caller.
    pub caller: Caller,
    /// OAuth scopes.
    pub scopes: Vec<String>,
    /// When the token ends.
    pub expires: Timestamp,
    /// The numeric id, for a service account.
    pub unique_id: Option<String>,
}

impl Identity {
    /// Whether the token was given `scope`.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|held| held == scope)
    }
}

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthError {
    /// Never given out, or its account or pool is gone.
    Unknown,
    /// Its time is over.
    Expired,
}

/// What a token may be used for.
#[derive(Debug, Clone)]
enum Use {
    /// Everything Google.
    Google,
    /// Only the registry that gave it, and there only this.
    Registry(Vec<RegistryGrant>),
}

/// What a registry token allows on one image name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RegistryGrant {
    pub(crate) name: String,
    pub(crate) actions: Vec<String>,
}

struct Entry {
    identity: Identity,
    use_: Use,
}

/// The table.
#[derive(Default)]
pub(crate) struct Tokens(HashMap<String, Entry>);

impl Tokens {
    fn put(&mut self, token: String, entry: Entry, now: Timestamp) {
        self.0.retain(|_, old| now.duration_since(old.identity.expires) < REMEMBERED);
        self.0.insert(token, entry);
    }

    fn get(&self, token: &str, now: Timestamp) -> Result<&Entry, AuthError> {
        let entry = self.0.get(token).ok_or(AuthError::Unknown)?;
        if entry.identity.expires <= now { Err(AuthError::Expired) } else { Ok(entry) }
    }
}

/// The identity behind a Google access token. `aged` makes a good token count as expired.
pub fn authenticate(world: &World, bearer: &str, aged: bool) -> Result<Identity, AuthError> {
    let (identity, use_) = look_up(world, bearer, aged)?;
    match use_ {
        Use::Google => Ok(identity),
        Use::Registry(_) => Err(AuthError::Unknown),
    }
}

/// The identity behind a token shown to the registry, which takes its own and Google's; `None` as grants means all.
pub(crate) fn authenticate_registry(
    world: &World,
    bearer: &str,
    aged: bool,
) -> Result<(Identity, Option<Vec<RegistryGrant>>), AuthError> {
    let (identity, use_) = look_up(world, bearer, aged)?;
    match use_ {
        Use::Google => Ok((identity, None)),
        Use::Registry(grants) => Ok((identity, Some(grants))),
    }
}

fn look_up(world: &World, bearer: &str, aged: bool) -> Result<(Identity, Use), AuthError> {
    let (identity, use_) = {
        let tokens = world.google.tokens();
        let entry = tokens.get(bearer, world.clock.now())?;
        (entry.identity.clone(), entry.use_.clone())
    };
    if !world.google.resources_in_force().is_alive(&identity) {
        return Err(AuthError::Unknown);
    }
    if aged { Err(AuthError::Expired) } else { Ok((identity, use_)) }
}

/// Makes a Google access token for `identity`.
pub(crate) fn mint(world: &World, identity: Identity) -> String {
    let kind = match &identity.caller {
        Caller::User(_) => "a0",
        Caller::ServiceAccount(_) => "c",
        Caller::Federated { .. } => "d",
    };
    let token = format!("ya29.{kind}.{}{}", random::secret(), random::secret());
    remember(world, token, Entry { identity, use_: Use::Google })
}

/// Makes a registry token that allows `grants` to `identity`.
pub(crate) fn mint_registry(world: &World, identity: Identity, grants: Vec<RegistryGrant>) -> String {
    let token = format!("AH{}{}", random::secret(), random::secret());
    remember(world, token, Entry { identity, use_: Use::Registry(grants) })
}

fn remember(world: &World, token: String, entry: Entry) -> String {
    world.minted.remember(&token);
    world.google.tokens().put(token.clone(), entry, world.clock.now());
    token
}

/// A token for the service account `email`, good for `lifetime`; `None` if there is no such account.
pub(crate) fn mint_service_account(
    world: &World,
    email: &str,
    scopes: Vec<String>,
    lifetime: SignedDuration,
) -> Option<(String, Timestamp)> {
    let unique_id = world.google.resources().service_account(email)?.unique_id.clone();
    let now = world.clock.now();
    let expires = now.checked_add(lifetime).unwrap_or(now);
    let caller = Caller::ServiceAccount(email.to_owned());
    Some((mint(world, Identity { caller, scopes, expires, unique_id: Some(unique_id) }), expires))
}

/// A token of the cluster's node, as its metadata server would give it; `None` once its pool or its service account is
/// gone. The node is of the oldest pool.
pub fn mint_node_token(world: &World) -> Option<String> {
    let pool = world.google.resources().node_pools.first().cloned()?;
    let lifetime = SignedDuration::from_hours(1);
    mint_service_account(world, &pool.service_account, pool.scopes, lifetime).map(|(token, _)| token)
}
