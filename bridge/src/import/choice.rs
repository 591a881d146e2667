//! Which provider is to be the bridge's trust, and by what name the bridge goes.

use super::{LeftOut, Seen, Survey};
use crate::resource::{Application, Provider, Resource};

/// What somebody said about it beforehand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// The bridge's name.
    pub name: Option<String>,
    /// Pool id.
    pub pool: Option<String>,
    /// Provider id.
    pub provider: Option<String>,
    /// The repository that teams share.
    pub repository: Option<String>,
}

/// What the bridge trusts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trust {
    /// The bridge's name: what its mark says, or what was asked for.
    pub name: String,
    /// Pool id.
    pub pool: String,
    /// Provider id.
    pub provider: String,
    /// The provider, if there is one.
    pub found: Option<Provider>,
    /// The application whose tokens it takes, once it is known.
    pub application: Option<Application>,
    /// The repository that teams share, if somebody said so.
    pub repository: Option<String>,
    /// What this choice left aside.
    pub left_out: Vec<LeftOut>,
}

/// Something that only somebody can say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}: {}", .candidates.join(", "))]
pub struct Undecided {
    /// What is not decided.
    pub problem: String,
    /// What there is.
    pub candidates: Vec<String>,
    /// The flags that decide it.
    pub flags: &'static str,
}

/// How the bridge is called that nobody named.
const NAME: &str = "gangplank";
/// How pool and provider are called that are not there.
const POOL: &str = "gangplank";
const PROVIDER: &str = "entra";

/// Picks the provider that trusts `tenant`: the one that was named, the only one, or the only one with a mark.
pub fn choose(survey: &Survey, tenant: &str, choice: &Choice) -> Result<Trust, Undecided> {
    let all: Vec<(&Seen, &Provider)> = providers(survey).collect();
    let named = |provider: &Provider| {
        choice.pool.as_ref().is_none_or(|pool| *pool == provider.pool)
            && choice.provider.as_ref().is_none_or(|id| *id == provider.id)
    };
    let trusting = all.iter().filter(|(_, provider)| provider.issuer.to_ascii_lowercase().contains(tenant));
    let candidates: Vec<&(&Seen, &Provider)> = trusting.filter(|(_, provider)| named(provider)).collect();
    let marked: Vec<&(&Seen, &Provider)> =
        candidates.iter().copied().filter(|(seen, _)| seen.mark.is_some()).collect();
    let found = match (candidates.as_slice(), marked.as_slice()) {
        ([], _) if choice.pool.is_some() || choice.provider.is_some() => {
            return Err(Undecided {
                problem: format!(
                    "no such provider trusts tenant `{tenant}`{}",
                    if all.is_empty() { "; there is none at all" } else { "; there is" }
                ),
                candidates: all.iter().map(|(_, provider)| title(provider)).collect(),
                flags: "--pool and --provider",
            });
        }
        ([], _) => None,
        ([one], _) | (_, [one]) => Some(*one),
        (several, _) => {
            return Err(Undecided {
                problem: format!("several providers trust tenant `{tenant}`"),
                candidates: several.iter().map(|(_, provider)| title(provider)).collect(),
                flags: "--pool and --provider",
            });
        }
    };
    let others = candidates.iter().filter(|(_, provider)| found.is_none_or(|(_, it)| it != provider));
    let left_out = others.map(|(_, provider)| {
        LeftOut::new(
            title(provider),
            "trusts the tenant as well, and a bridge has one provider; it stays as it is",
        )
    });
    let or = |given: &Option<String>, otherwise: &str| given.clone().unwrap_or_else(|| otherwise.to_owned());
    Ok(Trust {
        name: choice.name.clone().or_else(|| mark(survey, found)).unwrap_or_else(|| NAME.to_owned()),
        pool: found.map_or_else(|| or(&choice.pool, POOL), |(_, it)| it.pool.clone()),
        provider: found.map_or_else(|| or(&choice.provider, PROVIDER), |(_, it)| it.id.clone()),
        found: found.map(|(_, provider)| (*provider).clone()),
        application: None,
        repository: choice.repository.clone(),
        left_out: left_out.collect(),
    })
}

impl Trust {
    /// With the application that the provider takes tokens of; what else the provider takes is left out.
    #[must_use]
    pub fn with_application(mut self, survey: &Survey) -> Self {
        let name = self.name.clone();
        let admits = |application: &Application| {
            let ids = survey.applications.get(&application.display_name);
            self.audiences().any(|audience| {
                *audience == application.identifier_uri || ids.is_some_and(|ids| *audience == ids.app_id)
            })
        };
        let all = survey.applications(|seen| seen.mark.as_ref() == Some(&name));
        let (admitted, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|it| admits(it));
        // Without a provider there is nothing to go by but our own mark and name.
        let chosen = match &self.found {
            Some(_) => admitted.first().copied(),
            None => others.first().copied(),
        };
        let known: Vec<String> = admitted.iter().flat_map(|it| ids_of(survey, it)).collect();
        let strange: Vec<LeftOut> = self
            .audiences()
            .filter(|audience| !known.contains(*audience))
            .map(|audience| {
                LeftOut::new(
                    format!("audience `{audience}` of {}", self.title()),
                    "a bridge admits tokens of one application of the tenant, by its client id, and this is none",
                )
            })
            .chain(admitted.iter().skip(1).map(|it| {
                LeftOut::new(
                    format!("application `{}`, whose tokens {} admits", it.display_name, self.title()),
                    "a bridge has one application",
                )
            }))
            .collect();
        let chosen = chosen.cloned();
        self.left_out.extend(strange);
        self.application = chosen;
        self
    }

    /// Whether something carries the bridge's mark.
    pub(super) fn is_ours(&self, seen: &Seen) -> bool {
        seen.mark.as_ref() == Some(&self.name)
    }

    /// What the provider takes tokens for.
    pub fn audiences(&self) -> impl Iterator<Item = &String> {
        self.found.iter().flat_map(|provider| &provider.audiences)
    }

    /// The provider, in words.
    pub(super) fn title(&self) -> String {
        format!("provider `{}` of pool `{}`", self.provider, self.pool)
    }

    /// How the principals of the pool begin, after `principal:` or `principalSet:`.
    pub(super) fn principals(&self, survey: &Survey) -> String {
        format!(
            "//iam.googleapis.com/projects/{}/locations/global/workloadIdentityPools/{}/",
            survey.project_number, self.pool
        )
    }
}

fn ids_of(survey: &Survey, application: &Application) -> Vec<String> {
    let ids = survey.applications.get(&application.display_name).map(|ids| ids.app_id.clone());
    ids.into_iter().chain([application.identifier_uri.clone()]).collect()
}

fn providers(survey: &Survey) -> impl Iterator<Item = (&Seen, &Provider)> {
    survey.seen.iter().filter_map(|seen| match &seen.resource {
        Resource::Provider(provider) => Some((seen, provider)),
        _ => None,
    })
}

/// The mark on the provider, or else on its pool.
fn mark(survey: &Survey, found: Option<&(&Seen, &Provider)>) -> Option<String> {
    let (seen, provider) = found?;
    let pool = survey
        .seen
        .iter()
        .find(|it| matches!(&it.resource, Resource::Pool(pool) if pool.id == provider.pool));
    seen.mark.clone().or_else(|| pool?.mark.clone())
}

fn title(provider: &Provider) -> String {
    format!("provider `{}` of pool `{}`", provider.id, provider.pool)
}
