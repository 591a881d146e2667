//! The walk's questions, answered from exhibits: what somebody else tried or looked at. What no exhibit shows could not be
//! seen, and is no fault.

use serde_json::Value;
use trust::iam::Policy;

use super::case::{Case, Seen, completed};
use super::grants::{On, SeenPolicy};
use super::link::{self, Link};
use crate::doctor::{
    Account, Answer, Ask, Chain, Diagnosis, Evidence, FirstToken, Hop, Node, NodePool, Sight, Space, Step,
    Thing, Walk,
};
use crate::exhibit::{Exhibit, Kind, attempt};
use crate::port::{PortError, Refused};

const UNSEEN: &str = "no exhibit shows it";

/// The longest error text that is taken whole.
const LONG: usize = 1_000;

/// Walks a chain with what the exhibits show.
pub(super) fn walk(case: &Case<'_>, chain: Chain<'_>, by_text: bool) -> Diagnosis {
    let answers = Answers::new(case, by_text, chain.way().is_none());
    let walk = Walk { chain, until: None };
    let mut evidence = answers.at_hand();
    // A walk asks for each thing once; the bound is for one that does not.
    for _ in 0..64 {
        match walk.next(&evidence) {
            Step::Done(diagnosis) => return diagnosis,
            Step::Ask(ask) => answers.answer(&ask, &mut evidence),
        }
    }
    Diagnosis { findings: Vec::new(), hops: Vec::new(), limits: Vec::new() }
}

/// Who answers.
struct Answers<'c, 'a> {
    case: &'c Case<'a>,
    /// The attempt that was refused, by the error text.
    refused: Option<(Hop, PortError)>,
    /// The rows of a snapshot.
    attempts: &'a [Value],
    /// The token that Google is shown.
    token: Option<Seen<'a>>,
    /// Whether nobody declares the chain, so that its links need not stand on each other.
    shown: bool,
}

impl<'c, 'a> Answers<'c, 'a> {
    /// `by_text`: whether the error text tells how attempts went.
    fn new(case: &'c Case<'a>, by_text: bool, shown: bool) -> Self {
        let attempts = case.of(Kind::Attempts).next().map(|it| it.list("/attempts")).unwrap_or_default();
        let refused = by_text.then(|| refused(case)).flatten().filter(|_| attempts.is_empty());
        Self { case, refused, attempts, token: case.presented(), shown }
    }

    /// What is on the table without being asked for.
    fn at_hand(&self) -> Evidence {
        let mut evidence = Evidence::default();
        if let Some(said) = self.case.of(Kind::ErrorText).next() {
            evidence.places.keep(Thing::Refusal, said);
        }
        if let Some(policy) = self.policy(On::Project, "") {
            evidence.places.keep(Thing::ProjectPolicy, policy.exhibit);
            evidence.add(Answer::ProjectPolicy(Sight::Seen(policy.policy)));
        }
        evidence
    }

    /// Adds the answer to one question, with where it stands.
    fn answer(&self, ask: &Ask, evidence: &mut Evidence) {
        let answer = match ask {
            Ask::FirstToken => Answer::FirstToken(self.first_token(evidence)),
            Ask::EntraToken { .. } => Answer::EntraToken(self.token(evidence)),
            Ask::Exchange { .. } => Answer::Exchange(self.attempt(ask, Hop::Exchange)),
            Ask::Impersonation { .. } => Answer::Impersonation(self.attempt(ask, Hop::Impersonation)),
            Ask::Upload { .. } => Answer::Upload(self.attempt(ask, Hop::Registry)),
            Ask::Cluster { .. } => Answer::Cluster(self.attempt(ask, Hop::Cluster)),
            Ask::Storage { .. } => Answer::Storage(self.attempt(ask, Hop::Storage)),
            Ask::Workspace { .. } => {
                let row = self.row(ask).map(attempt::store).unwrap_or_default();
                Answer::Workspace(self.attempt(ask, Hop::Workspace).map(|()| row))
            }
            Ask::Pool { pool, .. } => Answer::Pool(self.pool(ask, pool, evidence)),
            Ask::Provider { .. } => Answer::Provider(self.provider(ask, evidence)),
            Ask::ServiceAccount { service_account, .. } => {
                Answer::ServiceAccount(self.account(ask, service_account, evidence))
            }
            Ask::ServiceAccountPolicy { service_account, .. } => {
                Answer::ServiceAccountPolicy(self.policy_of(
                    ask,
                    (On::ServiceAccount, service_account),
                    Thing::ServiceAccountPolicy,
                    evidence,
                ))
            }
            Ask::RepositoryPolicy { repository, .. } => Answer::RepositoryPolicy(self.policy_of(
                ask,
                (On::Repository, repository),
                Thing::RepositoryPolicy,
                evidence,
            )),
            Ask::ProjectPolicy { project } => Answer::ProjectPolicy(self.policy_of(
                ask,
                (On::Project, project),
                Thing::ProjectPolicy,
                evidence,
            )),
            Ask::Space { namespace, .. } => Answer::Space(self.space(ask, namespace)),
            Ask::Node { .. } => Answer::Node(self.node(ask)),
        };
        evidence.add(answer);
    }

    /// The row of a snapshot about a question.
    fn row(&self, ask: &Ask) -> Option<&'a Value> {
        let name = attempt::name(ask);
        self.attempts.iter().find(|row| row.get("ask").and_then(Value::as_str) == Some(&name))
    }

    /// How a snapshot says that it went, unless it was seen: then it stands in a file of its own.
    fn told<T>(&self, ask: &Ask) -> Sight<T> {
        let unseen = || Sight::Unseen { why: UNSEEN.to_owned() };
        match self.row(ask).and_then(attempt::outcome) {
            Some(Sight::Refused(error)) => Sight::Refused(error),
            Some(Sight::Unseen { why }) => Sight::Unseen { why },
            Some(Sight::Seen(())) | None => unseen(),
        }
    }

    /// How an attempt went: by a snapshot, else by the error text. What the refused one stands on went well.
    fn attempt(&self, ask: &Ask, hop: Hop) -> Sight<()> {
        if let Some(sight) = self.row(ask).and_then(attempt::outcome) {
            return sight;
        }
        match &self.refused {
            Some((refused, error)) if *refused == hop => Sight::Refused(error.clone()),
            Some((refused, _)) if before(*refused).contains(&hop) || self.shown && hop < *refused => {
                Sight::Seen(())
            }
            _ => Sight::Unseen { why: UNSEEN.to_owned() },
        }
    }

    fn first_token(&self, evidence: &mut Evidence) -> Sight<FirstToken> {
        if let Some(row) = self.row(&Ask::FirstToken)
            && let Some(outcome) = attempt::outcome(row)
        {
            let text = row.get("source").and_then(Value::as_str).unwrap_or("a log-in");
            let claims = row.get("claims").cloned().and_then(trust::Claims::from_value);
            return outcome.map(|()| FirstToken { source: text.to_owned(), claims });
        }
        let Some(token) = self.case.first_token() else { return Sight::Unseen { why: UNSEEN.to_owned() } };
        evidence.places.keep(Thing::FirstToken, token.exhibit);
        let source = token.exhibit.file.clone();
        Sight::Seen(FirstToken { source, claims: Some(token.claims) })
    }

    fn token(&self, evidence: &mut Evidence) -> Sight<trust::Claims> {
        let ask = Ask::EntraToken { scope: String::new() };
        let attempt = self.attempt(&ask, Hop::EntraToken);
        match &self.token {
            _ if attempt.refusal().is_some() => attempt.map(|()| trust::Claims::default()),
            Some(token) => {
                evidence.places.keep(Thing::Token, token.exhibit);
                let provider = self.case.provider();
                let claims = provider.map(|it| completed(token, &it.provider).0);
                Sight::Seen(claims.unwrap_or_else(|| token.claims.clone()))
            }
            None => self.told(&ask),
        }
    }

    fn pool(&self, ask: &Ask, pool: &str, evidence: &mut Evidence) -> Sight<trust::provider::Pool> {
        let ends = format!("/workloadIdentityPools/{pool}");
        let found =
            self.case.of(Kind::Pool).find(|it| it.text("/name").is_some_and(|name| name.ends_with(&ends)));
        if let Some((exhibit, seen)) = found.and_then(|it| Some((it, it.as_type()?))) {
            evidence.places.keep(Thing::Pool, exhibit);
            return Sight::Seen(seen);
        }
        if self.case.none_of(Kind::Pool).is_some() {
            return absent("there is no pool");
        }
        self.told(ask)
    }

    fn provider(&self, ask: &Ask, evidence: &mut Evidence) -> Sight<trust::provider::Provider> {
        let seen = self.case.provider();
        if self.case.is_named_elsewhere() {
            return absent("the provider that is named is not among those that there are");
        }
        let Some(seen) = seen else { return self.told(ask) };
        evidence.places.keep(Thing::Provider, seen.exhibit);
        let whole = self.token.as_ref().map(|token| completed(token, &seen.provider).1);
        Sight::Seen(whole.unwrap_or(seen.provider))
    }

    fn account(&self, ask: &Ask, email: &str, evidence: &mut Evidence) -> Sight<Account> {
        let all: Vec<&Exhibit> = self.case.of(Kind::GoogleServiceAccount).collect();
        let same = |it: &&&Exhibit| it.text("/email").is_some_and(|own| own.eq_ignore_ascii_case(email));
        if let Some(found) = all.iter().find(same) {
            evidence.places.keep(Thing::ServiceAccount, found);
            return Sight::Seen(Account { disabled: found.flag("/disabled") == Some(true) });
        }
        // One account alone is no list of those there are.
        if all.len() > 1 || self.case.none_of(Kind::GoogleServiceAccount).is_some() {
            return absent("the account is not among those that there are");
        }
        self.told(ask)
    }

    fn policy_of(
        &self,
        ask: &Ask,
        (on, named): (On, &str),
        thing: Thing,
        evidence: &mut Evidence,
    ) -> Sight<Policy> {
        let Some(seen) = self.policy(on, named) else { return self.told(ask) };
        evidence.places.keep(thing, seen.exhibit);
        Sight::Seen(seen.policy)
    }

    /// The policy on a resource of this kind: the one that names it, else the first that names none.
    fn policy(&self, on: On, named: &str) -> Option<SeenPolicy<'a>> {
        let mut all = match on {
            On::ServiceAccount => self.case.account_policies(),
            _ => self.case.policies().into_iter().filter(|it| it.on == on).collect(),
        };
        let at = all.iter().position(|it| !named.is_empty() && it.resource.ends_with(named));
        let other = || all.iter().position(|it| !it.resource.contains("//"));
        let any = || (!all.is_empty()).then_some(0);
        let at = at.or_else(other).or_else(any)?;
        Some(all.swap_remove(at))
    }

    fn space(&self, ask: &Ask, namespace: &str) -> Sight<Space> {
        if let Some(Sight::Refused(error)) = self.row(ask).and_then(attempt::outcome) {
            return Sight::Refused(error);
        }
        let own = |it: &&Exhibit| it.text("/metadata/namespace") == Some(namespace);
        let bindings: Vec<_> =
            self.case.objects(&["RoleBinding"]).filter(own).filter_map(Exhibit::as_type).collect();
        let named = |it: &Exhibit| it.text("/metadata/name") == Some(namespace);
        let there = self.case.objects(&["Namespace"]).any(named);
        let seen = self.row(ask).and_then(attempt::outcome).is_some_and(|it| it.seen().is_some());
        if bindings.is_empty() && !there && !seen {
            return self.told(ask);
        }
        Sight::Seen(Space { bindings })
    }

    fn node(&self, ask: &Ask) -> Sight<Node> {
        let nodes = self.case.of(Kind::GkeCluster).find_map(|it| {
            let named = it.list("/nodePools").iter().filter_map(|pool| {
                Some((pool.get("name").and_then(Value::as_str).unwrap_or_default(), pool.get("config")?))
            });
            // A cluster that is shown without its pools shows what the first of them was made with.
            let first = it.get("/nodeConfig").filter(|_| it.list("/nodePools").is_empty());
            let configs: Vec<(&str, &Value)> =
                named.chain(first.map(|config| ("default-pool", config))).collect();
            let account = |config: &Value| config.get("serviceAccount")?.as_str().map(str::to_owned);
            let mut accounts = configs.iter().filter_map(|(_, config)| account(config));
            Some(Node {
                service_account: accounts.find(|it| it.contains('@'))?,
                pools: configs.iter().filter_map(|(name, config)| pool(name, config)).collect(),
            })
        });
        nodes.map_or_else(|| self.told(ask), Sight::Seen)
    }
}

/// A pool whose scopes are shown.
fn pool(name: &str, config: &Value) -> Option<NodePool> {
    let scopes = config.get("oauthScopes")?.as_array()?;
    let scopes: Vec<String> = scopes.iter().filter_map(|it| it.as_str().map(str::to_owned)).collect();
    (!scopes.is_empty()).then(|| NodePool { name: name.to_owned(), scopes })
}

fn absent<T>(message: &str) -> Sight<T> {
    Sight::Refused(PortError {
        service: "Google IAM",
        kind: Refused::NotFound,
        status: None,
        code: None,
        message: message.to_owned(),
        retry_after: None,
    })
}

/// What went well if an attempt was made that was refused at this hop.
fn before(hop: Hop) -> &'static [Hop] {
    match hop {
        Hop::FirstToken | Hop::EntraToken | Hop::Workspace | Hop::Storage | Hop::Pull => &[],
        Hop::Exchange => &[Hop::EntraToken],
        Hop::Impersonation | Hop::Registry => &[Hop::EntraToken, Hop::Exchange],
        Hop::Cluster => &[Hop::EntraToken, Hop::Exchange, Hop::Impersonation],
    }
}

/// The hop that the error text says was refused, in its words.
fn refused(case: &Case<'_>) -> Option<(Hop, PortError)> {
    let links = link::said(case);
    let hop = links.first().and_then(|link| hop(*link))?;
    let kind = kind(case, hop);
    let message = if case.said.len() <= LONG { case.said.clone() } else { telling(case) };
    let error =
        PortError { service: "the error text", kind, status: None, code: None, message, retry_after: None };
    Some((hop, error))
}

/// The hop of the walk that a link of any chain is.
pub(super) fn hop(link: Link) -> Option<Hop> {
    match link {
        Link::Entra => Some(Hop::EntraToken),
        Link::Exchange => Some(Hop::Exchange),
        Link::Impersonation => Some(Hop::Impersonation),
        Link::Registry => Some(Hop::Registry),
        Link::Cluster => Some(Hop::Cluster),
        Link::AzureMl => Some(Hop::Workspace),
        Link::Storage => Some(Hop::Storage),
        Link::SetUp | Link::Client | Link::Pod | Link::GoogleApi | Link::ContainerRegistry => None,
    }
}

/// What kind of refusal the words are; words that do not say it are those of a token service, or of a missing right.
fn kind(case: &Case<'_>, hop: Hop) -> Refused {
    let kinds: [(&[&str], Refused); 4] = [
        (&["unknown service account", "returned 404", "http 404"], Refused::NotFound),
        (
            &["denied", "403", "forbidden", "does not have", "not authorized", "authorizationfailed"],
            Refused::Denied,
        ),
        (&["not_found", "not found", "404"], Refused::NotFound),
        (&["timed out", "timeout", "connection refused", "no such host"], Refused::Unavailable),
    ];
    let other = if hop <= Hop::Exchange { Refused::Invalid } else { Refused::Denied };
    kinds.iter().find(|(words, _)| case.says(words)).map_or(other, |(_, kind)| *kind)
}

/// Of a long text, the lines that tell of a refusal.
fn telling(case: &Case<'_>) -> String {
    const TELLING: [&str; 8] =
        ["error", "denied", "invalid", "aadsts", "forbidden", "failed", "token", "permission"];
    let mut length = 0;
    let lines = case.said.lines().filter(|line| {
        let low = line.to_ascii_lowercase();
        TELLING.iter().any(|word| low.contains(word))
    });
    let shown: Vec<&str> = lines
        .take_while(|line| {
            length += line.len();
            length <= LONG
        })
        .collect();
    shown.join("\n")
}
