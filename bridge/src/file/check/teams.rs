//! The tenants of the cluster.

use std::collections::BTreeMap;

use super::{Judge, Place, syntax};
use crate::file::format::{QuotaFile, TeamFile, TextOrNumber};
use crate::file::shape::Flaw;
use crate::pattern::{common_name, matches};
use crate::quantity::Quantity;
use crate::spec::{Quota, Team};

/// Namespaces that belong to Kubernetes, to Google or to everybody; `*` at the end matches any rest.
const FORBIDDEN_NAMESPACES: [&str; 5] = ["default", "kube-*", "gke-*", "gmp-*", "gangplank-system"];

/// Label domains that belong to Kubernetes or to us. Among them is what switches pod security off.
const RESERVED_LABEL_DOMAINS: [&str; 3] = ["kubernetes.io", "k8s.io", "gangplank.dev"];

pub(super) fn teams(judge: &mut Judge<'_>, place: &Place, files: &[TeamFile], shared: &str) -> Vec<Team> {
    let teams: Vec<Team> =
        files.iter().enumerate().map(|(index, file)| team(judge, &place.item(index), file)).collect();
    let at = |index: usize| place.item(index);
    judge.unique(
        "team",
        teams.iter().enumerate().map(|(index, team)| (at(index).key("name"), team.name.as_str())),
    );
    let namespaces = teams.iter().enumerate().map(|(index, team)| {
        let written = files.get(index).is_some_and(|file| file.namespace.is_some());
        (at(index).key(if written { "namespace" } else { "name" }), team.namespace.as_str())
    });
    judge.unique("namespace", namespaces);
    overlaps(judge, place, &teams);
    repositories(judge, place, &teams, shared);
    teams
}

/// A repository that two may push to isolates nobody.
fn repositories(judge: &mut Judge<'_>, place: &Place, teams: &[Team], shared: &str) {
    let own = |(index, team): (usize, &Team)| {
        team.repository.clone().map(|repository| (place.item(index).key("repository"), repository))
    };
    let own: Vec<(Place, String)> = teams.iter().enumerate().filter_map(own).collect();
    for (place, _) in own.iter().filter(|(_, repository)| repository == shared) {
        let flaw = Flaw::new(judge.span(place), format!("repository `{shared}` is the one that teams share"))
            .expected("a repository of the team's own, or no `repository` at all");
        judge.flaw(flaw);
    }
    judge.unique("repository", own.iter().map(|(place, repository)| (place.clone(), repository.as_str())));
}

fn team(judge: &mut Judge<'_>, place: &Place, file: &TeamFile) -> Team {
    let name = judge.text(&place.key("name"), &file.name, &syntax::TEAM_NAME);
    let namespace = match &file.namespace {
        Some(namespace) => own_namespace(judge, &place.key("namespace"), namespace),
        None => own_namespace(judge, &place.key("name"), &name),
    };
    Team {
        name,
        namespace,
        labels: labels(judge, &place.key("labels"), &file.labels),
        models: texts(judge, &place.key("models"), &file.models, &syntax::MODEL_PATTERN),
        quota: file.quota.as_ref().map(|file| quota(judge, &place.key("quota"), file)),
        callers: texts(judge, &place.key("callers"), &file.callers, &syntax::NAMESPACE),
        repository: file
            .repository
            .as_ref()
            .map(|repository| judge.text(&place.key("repository"), repository, &syntax::REPOSITORY)),
    }
}

fn own_namespace(judge: &mut Judge<'_>, place: &Place, namespace: &str) -> String {
    if FORBIDDEN_NAMESPACES.iter().any(|pattern| matches(pattern, namespace)) {
        let flaw = Flaw::new(judge.span(place), format!("namespace `{namespace}` cannot be a team's own"))
            .expected("a namespace that belongs to nobody else");
        judge.flaw(flaw);
    }
    judge.text(place, namespace, &syntax::NAMESPACE)
}

fn texts(judge: &mut Judge<'_>, place: &Place, texts: &[String], rule: &syntax::Rule) -> Vec<String> {
    judge.unique(rule.what, texts.iter().enumerate().map(|(index, text)| (place.item(index), text.as_str())));
    texts.iter().enumerate().map(|(index, text)| judge.text(&place.item(index), text, rule)).collect()
}

fn labels(
    judge: &mut Judge<'_>,
    place: &Place,
    labels: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    for (key, value) in labels {
        let place = place.key(key);
        if !(syntax::LABEL_KEY.holds)(key) {
            let flaw = Flaw::new(judge.key_span(&place), format!("`{key}` is no {}", syntax::LABEL_KEY.what))
                .expected(syntax::LABEL_KEY.expected);
            judge.flaw(flaw);
        }
        if is_reserved(key) {
            let flaw = Flaw::new(judge.key_span(&place), format!("label `{key}` is reserved"))
                .expected("a label of your own, without a domain or under your own domain");
            judge.flaw(flaw);
        }
        judge.text(&place, value, &syntax::LABEL_VALUE);
    }
    labels.clone()
}

/// Whether a label is not the user's to give.
pub(crate) fn is_reserved(key: &str) -> bool {
    let Some((domain, _)) = key.split_once('/') else { return false };
    RESERVED_LABEL_DOMAINS.iter().any(|reserved| {
        domain == *reserved || domain.strip_suffix(reserved).is_some_and(|rest| rest.ends_with('.'))
    })
}

fn quota(judge: &mut Judge<'_>, place: &Place, file: &QuotaFile) -> Quota {
    Quota {
        cpu: quantity(judge, &place.key("cpu"), &file.cpu),
        memory: quantity(judge, &place.key("memory"), &file.memory),
        pods: file.pods,
    }
}

/// Checks an amount of something; nothing is no amount.
pub(super) fn quantity(judge: &mut Judge<'_>, place: &Place, TextOrNumber(text): &TextOrNumber) -> String {
    if !Quantity::parse(text).is_some_and(Quantity::is_positive) {
        judge.wrong(place, text, "quantity", "an amount above zero, as in `2`, `500m`, `16Gi`");
    }
    text.clone()
}

/// A model that two teams may serve belongs to neither.
fn overlaps(judge: &mut Judge<'_>, place: &Place, teams: &[Team]) {
    let mut patterns = Vec::new();
    for (index, team) in teams.iter().enumerate() {
        let place = place.item(index).key("models");
        patterns.extend(
            team.models.iter().enumerate().map(|(at, pattern)| (index, place.item(at), team, pattern)),
        );
    }
    for (position, (index, place, team, pattern)) in patterns.iter().enumerate() {
        for (other_index, other_place, other_team, other) in patterns.iter().take(position) {
            if index == other_index {
                continue;
            }
            let Some(name) = common_name(other, pattern) else { continue };
            let message = format!(
                "`{pattern}` of team `{}` and `{other}` of team `{}` both match `{name}`",
                team.name, other_team.name
            );
            let flaw = Flaw::new(judge.span(place), message)
                .expected("patterns that have no name in common")
                .related(judge.span(other_place), format!("the pattern of team `{}`", other_team.name));
            judge.flaw(flaw);
        }
    }
}
