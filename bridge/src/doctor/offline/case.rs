//! One case: the exhibits, what was said when it failed, and when that was.

use jiff::Timestamp;
use serde_json::Value;
use trust::principal::Caller;
use trust::provider::{Mapped, Pool, Provider, Refusal, ResourceName, exchange};
use trust::token::Claims;

use super::words;
use crate::exhibit::{Exhibit, Exhibits, Kind};

/// Everything the checks look at.
pub(in super::super) struct Case<'a> {
    pub(super) exhibits: &'a Exhibits,
    /// All error texts.
    pub(super) said: String,
    /// The same in lower case.
    low: String,
    /// When it failed, where the evidence tells.
    pub(super) moment: Option<Timestamp>,
}

/// A token that was seen.
#[derive(Clone)]
pub(super) struct Seen<'a> {
    pub(super) exhibit: &'a Exhibit,
    pub(super) claims: Claims,
}

/// A provider that was seen.
#[derive(Clone)]
pub(super) struct SeenProvider<'a> {
    pub(super) exhibit: &'a Exhibit,
    pub(super) provider: Provider,
}

impl<'a> Case<'a> {
    pub(super) fn new(exhibits: &'a Exhibits) -> Self {
        let texts: Vec<&str> = exhibits.of(Kind::ErrorText).filter_map(|it| it.value.as_str()).collect();
        let said = texts.join("\n");
        let mut case = Self { exhibits, low: said.to_lowercase(), said, moment: None };
        case.moment = case.told_time();
        case
    }

    /// The time of the failure: told by the environment, else by Entra, which prints its own.
    fn told_time(&self) -> Option<Timestamp> {
        let written = self.fact("time").and_then(|(value, _)| value.parse().ok());
        let printed = || words::between(&self.said, "Current time: ", ", assertion")?.parse().ok();
        written.or_else(printed)
    }

    /// Whether the error texts hold one of these, capitals aside. The needles are in lower case.
    pub(super) fn says(&self, needles: &[&str]) -> bool {
        needles.iter().any(|needle| self.low.contains(needle))
    }

    /// Where the error text stands that holds this.
    pub(super) fn said_in(&self, needle: &str) -> String {
        let holds =
            |it: &&Exhibit| it.value.as_str().is_some_and(|text| text.to_lowercase().contains(needle));
        let found = self.exhibits.of(Kind::ErrorText).find(holds);
        found.map_or_else(|| "the error text".to_owned(), |it| it.file.clone())
    }

    /// Where the first error text stands.
    pub(super) fn talk(&self) -> String {
        let found = self.exhibits.of(Kind::ErrorText).next();
        found.map_or_else(|| "the error text".to_owned(), |it| it.file.clone())
    }

    /// Every exhibit of a kind that shows something: not those that say there is none.
    pub(super) fn of(&self, kind: Kind) -> impl Iterator<Item = &'a Exhibit> {
        self.exhibits.of(kind).filter(|it| it.value.get("none").is_none())
    }

    /// Whether a list was given, and it was empty.
    pub(super) fn none_of(&self, kind: Kind) -> Option<&'a Exhibit> {
        let empty = self.exhibits.of(kind).find(|it| it.value.get("none").is_some());
        empty.filter(|_| self.of(kind).next().is_none())
    }

    /// Kubernetes objects of one of these kinds.
    pub(super) fn objects(&self, kinds: &'a [&'a str]) -> impl Iterator<Item = &'a Exhibit> {
        self.exhibits
            .of(Kind::Kubernetes)
            .filter(move |it| it.text("/kind").is_some_and(|kind| kinds.contains(&kind)))
    }

    /// The tokens, in the order of the files.
    pub(super) fn tokens(&self) -> Vec<Seen<'a>> {
        let seen = |exhibit: &'a Exhibit| {
            let claims = Claims::from_value(exhibit.get("/claims")?.clone())?;
            Some(Seen { exhibit, claims })
        };
        self.of(Kind::Token).filter_map(seen).collect()
    }

    /// A variable of the environment, with its place.
    pub(super) fn variable(&self, name: &str) -> Option<(&'a str, String)> {
        let pointer = format!("/env/{name}");
        self.of(Kind::Environment).find_map(|it| Some((it.text(&pointer)?, it.origin(&pointer))))
    }

    /// All variables of the environment, with their places.
    pub(super) fn variables(&self) -> Vec<(&'a str, &'a str, String)> {
        let each = self.of(Kind::Environment).filter_map(|it| Some((it, it.get("/env")?.as_object()?)));
        each.flat_map(|(it, fields)| {
            fields.iter().filter_map(move |(name, value)| {
                Some((name.as_str(), value.as_str()?, it.origin(&format!("/env/{name}"))))
            })
        })
        .collect()
    }

    /// A fact of the environment that is no variable: `time`, `account`, `egressIp`, …
    pub(super) fn fact(&self, name: &str) -> Option<(&'a str, String)> {
        let pointer = format!("/{name}");
        self.of(Kind::Environment).find_map(|it| Some((it.text(&pointer)?, it.origin(&pointer))))
    }

    /// The providers that were seen.
    pub(super) fn providers(&self) -> Vec<SeenProvider<'a>> {
        let seen = |exhibit: &'a Exhibit| Some(SeenProvider { exhibit, provider: exhibit.as_type()? });
        self.of(Kind::Provider).filter_map(seen).collect()
    }

    /// The provider that is in use: the one that the client names, else the only one.
    pub(super) fn provider(&self) -> Option<SeenProvider<'a>> {
        let all = self.providers();
        let named = self
            .audience()
            .and_then(|(audience, _)| ResourceName::parse_audience(audience.trim_start_matches("https:")));
        let by_name = named.and_then(|name| {
            let same = |it: &&SeenProvider<'_>| {
                let own = ResourceName::parse(&it.provider.name);
                own.is_some_and(|own| own.provider == name.provider && own.pool == name.pool)
            };
            all.iter().find(same).cloned()
        });
        let only = || if all.len() == 1 { all.first().cloned() } else { None };
        by_name.or_else(only)
    }

    /// The `audience` that the client sends to Google's STS, with its place.
    pub(super) fn audience(&self) -> Option<(&'a str, String)> {
        let in_file = |kind: Kind| {
            let about_sts = move |it: &&Exhibit| {
                it.text("/audience").is_some()
                    && (kind == Kind::CredentialFile
                        || it
                            .text_of(&["/grant_type", "/grantType"])
                            .is_none_or(|it| it.contains("token-exchange")))
            };
            self.of(kind).find(about_sts).and_then(|it| Some((it.text("/audience")?, it.origin("/audience"))))
        };
        in_file(Kind::TokenRequest).or_else(|| in_file(Kind::CredentialFile))
    }

    /// The pool of a provider, or one that is well.
    pub(super) fn pool_of(&self, provider: &Provider) -> Pool {
        let same = |pool: &Pool| provider.name.starts_with(&format!("{}/providers/", pool.name));
        let mut pools = self.of(Kind::Pool).filter_map(Exhibit::as_type::<Pool>);
        pools.find(same).unwrap_or_default()
    }

    /// What Google would make of a token. What an excerpt of a token leaves out is taken to be right.
    pub(super) fn exchange(&self, token: &Seen<'_>, provider: &Provider) -> Result<Mapped, Refusal> {
        let (claims, provider) = completed(token, provider);
        let at = claims.issued_at().or_else(|| claims.not_before()).unwrap_or(Timestamp::UNIX_EPOCH);
        exchange(&self.pool_of(&provider), &provider, &claims, self.moment.unwrap_or(at))
    }

    /// Whether the client names a provider that is not among those that there are.
    pub(super) fn is_named_elsewhere(&self) -> bool {
        let named =
            self.audience().and_then(|(it, _)| ResourceName::parse_audience(it.trim_start_matches("https:")));
        let Some(named) = named else { return self.none_of(Kind::Provider).is_some() };
        let known = self.providers();
        let same = |seen: &SeenProvider<'_>| {
            ResourceName::parse(&seen.provider.name).is_some_and(|own| {
                let by_id = own.project.starts_with(|c: char| !c.is_ascii_digit());
                own.provider == named.provider
                    && own.pool == named.pool
                    && (own.project == named.project || by_id)
            })
        };
        !known.iter().any(same) && (!known.is_empty() || self.none_of(Kind::Provider).is_some())
    }

    /// Whom Google makes of the tokens that were seen.
    pub(super) fn federated(&self) -> Vec<Caller> {
        let Some(seen) = self.provider() else { return Vec::new() };
        let pool = ResourceName::parse(&seen.provider.name).map(|name| name.pool_name());
        let Some(pool_resource) = pool else { return Vec::new() };
        let mapped = self.tokens().into_iter().filter_map(|token| self.exchange(&token, &seen.provider).ok());
        mapped.map(|mapped| Caller::Federated { pool_resource: pool_resource.clone(), mapped }).collect()
    }

    /// Whether anything was said or shown that has to do with Microsoft's side of a token exchange.
    pub(super) fn is_about_entra(&self) -> bool {
        self.says(&[
            "aadsts",
            "federated identity",
            "microsoftonline",
            "azure_federated",
            "workload identity webhook",
        ]) || self.exhibits.of(Kind::FederatedCredential).next().is_some()
    }
}

/// A token and a provider, with what excerpts of them leave out.
pub(super) fn completed(token: &Seen<'_>, provider: &Provider) -> (Claims, Provider) {
    let provider = whole(provider, &token.claims);
    (filled(&token.claims, &provider), provider)
}

/// A provider as it would decide about an excerpt: AWS's has neither issuer nor audience to compare.
fn whole(provider: &Provider, claims: &Claims) -> Provider {
    let mut provider = provider.clone();
    if provider.attribute_mapping.is_empty() {
        provider.attribute_mapping.insert("google.subject".to_owned(), "assertion.sub".to_owned());
    }
    if provider.oidc.is_none() {
        let oidc = trust::provider::Oidc {
            issuer_uri: claims.issuer().unwrap_or("https://sts.amazonaws.com").to_owned(),
            allowed_audiences: claims.audiences().into_iter().map(str::to_owned).collect(),
            ..Default::default()
        };
        provider.oidc = Some(oidc);
    }
    provider
}

/// Claims with what an excerpt left out and every token has.
fn filled(claims: &Claims, provider: &Provider) -> Claims {
    let mut map = claims.as_map().clone();
    let mut fill = |name: &str, value: Value| {
        map.entry(name.to_owned()).or_insert(value);
    };
    fill("iss", provider.issuer().into());
    fill("aud", provider.admitted_audiences().first().cloned().unwrap_or_default().into());
    let times = ["iat", "exp", "nbf"].iter().any(|name| claims.get(name).is_some());
    if !times {
        fill("iat", 1_700_000_000_i64.into());
        fill("exp", 4_000_000_000_i64.into());
    } else if claims.get("exp").is_none() {
        let begun = claims.issued_at().or_else(|| claims.not_before()).map_or(0, Timestamp::as_second);
        fill("exp", (begun + 3600).into());
    } else if claims.get("iat").is_none() {
        let ends = claims.expires_at().map_or(0, Timestamp::as_second);
        fill("iat", (ends - 3600).into());
    }
    Claims::from_map(map)
}
