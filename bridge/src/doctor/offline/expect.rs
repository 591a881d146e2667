//! What the exhibits are held against: a bridge file among them, else what they name themselves.

use jiff::Timestamp;
use trust::provider::ResourceName;
use trust::token::Claims;

use super::case::{Case, Seen, completed};
use super::link::{self, Link};
use crate::doctor::{Chain, Shown, Way, teams_of};
use crate::exhibit::{Kind, Unread};
use crate::spec::{Bridge, Team};

/// A bridge among the exhibits, with the team whose chain is walked.
pub(super) struct Expected {
    pub(super) bridge: Bridge,
    /// Which of its teams; none if the exhibits do not say.
    pub(super) team: Option<Team>,
}

/// A team was asked for that there is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoSuchTeam {
    /// No bridge file is among the exhibits.
    #[error("`{0}` is a team of no bridge: there is no bridge file among the evidence")]
    NoBridge(String),
    /// The bridge file declares other teams.
    #[error("the bridge file among the evidence declares no team `{team}`; its teams are: {known}")]
    Unknown {
        /// What was asked for.
        team: String,
        /// What there is.
        known: String,
    },
}

impl Expected {
    /// Reads the bridge file; one that cannot be read is said so in `unread`.
    pub(super) fn read(
        case: &Case<'_>,
        team: Option<&str>,
        unread: &mut Vec<Unread>,
    ) -> Result<Option<Self>, NoSuchTeam> {
        let no_bridge = || team.map_or(Ok(None), |team| Err(NoSuchTeam::NoBridge(team.to_owned())));
        let bridge = match case.exhibits.bridge() {
            None => return no_bridge(),
            Some(Ok(bridge)) => bridge,
            Some(Err(problem)) => {
                unread.push(problem);
                return no_bridge();
            }
        };
        let team = match team {
            Some(name) => Some(named(&bridge, name)?),
            None => case
                .fact("team")
                .and_then(|(name, _)| named(&bridge, name).ok())
                .or_else(|| only(case, &bridge)),
        };
        Ok(Some(Self { bridge, team }))
    }

    /// The chain that it declares.
    pub(super) fn chain(&self, now: Timestamp) -> Option<Chain<'_>> {
        let team = self.team.as_ref()?;
        Some(Chain::Declared(Way { bridge: &self.bridge, team, now }))
    }
}

fn named(bridge: &Bridge, name: &str) -> Result<Team, NoSuchTeam> {
    let found = bridge.teams.iter().find(|team| team.name == name).cloned();
    found.ok_or_else(|| {
        let known: Vec<&str> = bridge.teams.iter().map(|team| team.name.as_str()).collect();
        NoSuchTeam::Unknown { team: name.to_owned(), known: known.join(", ") }
    })
}

/// The only team there is, or the only one that the token's caller deploys for. Whom nobody declared is turned away before
/// it comes to any team.
fn only(case: &Case<'_>, bridge: &Bridge) -> Option<Team> {
    if let [team] = bridge.teams.as_slice() {
        return Some(team.clone());
    }
    let token = case.presented()?;
    match teams_of(bridge, &token.claims).as_deref() {
        None => bridge.teams.first().cloned(),
        Some([only]) => Some((*only).clone()),
        Some(_) => None,
    }
}

impl<'a> Case<'a> {
    /// The chain that the exhibits themselves name.
    pub(super) fn shown(&self) -> Shown {
        let seen = self.provider();
        let named = self.audience().map(|(audience, origin)| (audience.to_owned(), origin));
        let by_client = named
            .as_ref()
            .and_then(|(audience, _)| ResourceName::parse_audience(audience.trim_start_matches("https:")));
        let providers = self.providers();
        let file = providers.first().map(|it| it.exhibit.file.clone());
        let none = || self.none_of(Kind::Provider).map(|it| it.file.clone());
        Shown {
            provider: seen.as_ref().and_then(|it| ResourceName::parse(&it.provider.name)).or(by_client),
            provider_file: seen
                .as_ref()
                .map(|it| it.exhibit.file.clone())
                .or(file)
                .or_else(none)
                .unwrap_or_default(),
            providers: providers.into_iter().map(|it| it.provider).collect(),
            named,
            application: self.of(Kind::Application).find_map(|it| it.text("/appId")).map(str::to_owned),
            aws: seen.as_ref().is_some_and(|it| it.exhibit.get("/aws").is_some()),
            account: self.target().map(|it| it.0),
            caller: self.callers().into_iter().next(),
            now: self.now(),
        }
    }

    /// When it failed, else when the token was made: no token is called expired by the time that somebody looks.
    pub(super) fn now(&self) -> Timestamp {
        let made = || {
            let token = self.presented()?;
            let whole = self.provider().map(|seen| completed(&token, &seen.provider).0);
            let claims = whole.unwrap_or(token.claims);
            claims.issued_at().or_else(|| claims.not_before())
        };
        self.moment.or_else(made).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// The token that Google is shown. Somebody may have laid tokens of several hops on the table: the one that comes
    /// furthest is taken for it.
    pub(super) fn presented(&self) -> Option<Seen<'a>> {
        let tokens = self.tokens();
        let Some(seen) = self.provider() else {
            return tokens.into_iter().find(|it| !is_for_entra(&it.claims));
        };
        let far = |token: &Seen<'a>| match self.exchange(token, &seen.provider) {
            Ok(_) => None,
            Err(refusal) => Some(std::cmp::Reverse(refusal.stage)),
        };
        tokens.into_iter().min_by_key(far)
    }

    /// The token that the caller logs in to Entra with, if that was laid on the table as well.
    /// Where Entra refused, it is a token with another audience, if there is no better.
    pub(super) fn first_token(&self) -> Option<Seen<'a>> {
        let tokens = self.tokens();
        let refused = link::said(self).contains(&Link::Entra) && self.provider().is_none();
        let any = || tokens.first().filter(|_| refused).cloned();
        tokens.iter().find(|it| is_for_entra(&it.claims)).cloned().or_else(any)
    }
}

/// Whether a token is one that federated credentials of Entra's admit.
fn is_for_entra(claims: &Claims) -> bool {
    claims.audiences().iter().any(|it| it.starts_with("api://AzureADTokenExchange"))
}
