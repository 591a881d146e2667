//! Who may come across.

use std::collections::BTreeSet;

use super::{Judge, Place, syntax};
use crate::file::format::IdentityFile;
use crate::file::nearest::nearest;
use crate::file::shape::{Flaw, one_of};
use crate::spec::{Identity, Right, Team, Who};
use crate::want::{CALLER_ROLE, CROSS};

pub(super) fn identities(
    judge: &mut Judge<'_>,
    place: &Place,
    files: &[IdentityFile],
    teams: &[Team],
) -> Vec<Identity> {
    let mut identities = Vec::new();
    for (index, file) in files.iter().enumerate() {
        let place = place.item(index);
        let name = judge.text(&place.key("name"), &file.name, &syntax::IDENTITY_NAME);
        let who = who(judge, &place, file);
        let may = rights(judge, &place.key("may"), &file.may, teams);
        // Without a `who` there is a flaw already, and the result will not count.
        identities.extend(who.map(|who| Identity { name, who, may }));
    }
    let names =
        files.iter().enumerate().map(|(index, file)| (place.item(index).key("name"), file.name.as_str()));
    judge.unique("identity", names);
    unique_principals(judge, place, files);
    identities
}

fn who(judge: &mut Judge<'_>, place: &Place, file: &IdentityFile) -> Option<Who> {
    without_holder(judge, place, file);
    let mut given = Vec::new();
    if let Some(id) = &file.service_principal {
        given.push((
            "servicePrincipal",
            Who::ServicePrincipal(judge.guid(&place.key("servicePrincipal"), id)),
        ));
    }
    if let Some(id) = &file.managed_identity {
        given.push(("managedIdentity", Who::ManagedIdentity(judge.guid(&place.key("managedIdentity"), id))));
    }
    if let Some(role) = &file.app_role {
        given.push(("appRole", app_role(judge, place, role, file)));
    }
    if let Some(id) = &file.group {
        let id = judge.guid(&place.key("group"), id);
        given.push(("group", Who::Group { id, includes_people: file.includes_people }));
    }
    let expected = "one of `servicePrincipal`, `managedIdentity`, `appRole` and `group`";
    match given.as_slice() {
        [] => {
            let message = format!("identity `{}` names nobody", file.name);
            let flaw = Flaw::new(judge.span(place), message).expected(expected);
            judge.flaw(flaw);
        }
        [_] => {}
        [(first, _), others @ ..] => {
            for (other, _) in others {
                let flaw = Flaw::new(
                    judge.key_span(&place.key(other)),
                    format!("both `{first}` and `{other}` are given"),
                )
                .expected(expected)
                .related(judge.key_span(&place.key(first)), "the other one");
                judge.flaw(flaw);
            }
        }
    }
    given.into_iter().next().map(|(_, who)| who)
}

/// Says so if a key is there without the one that it belongs to.
fn without_holder(judge: &mut Judge<'_>, place: &Place, file: &IdentityFile) {
    let of_a_role =
        [("members", &file.members), ("people", &file.people), ("groups", &file.groups)].map(|(key, ids)| {
            let expected = format!("{key} of an app role; who belongs to a group is up to Entra");
            (key, "appRole", file.app_role.is_none() && !ids.is_empty(), expected)
        });
    let of_a_group = (
        "includesPeople",
        "group",
        file.group.is_none() && file.includes_people,
        "the key of a group; the holders of an app role are named by `people` and `groups`".to_owned(),
    );
    for (key, holder, missing, expected) in of_a_role.into_iter().chain([of_a_group]) {
        if missing {
            let flaw = Flaw::new(judge.key_span(&place.key(key)), format!("`{key}` without `{holder}`"));
            judge.flaw(flaw.expected(expected));
        }
    }
}

fn app_role(judge: &mut Judge<'_>, place: &Place, role: &str, file: &IdentityFile) -> Who {
    let reserved = match role {
        CALLER_ROLE => Some("another name: this one is given to callers that a condition cannot name"),
        CROSS => Some("another name: this one is the delegated permission by which people cross"),
        _ => None,
    };
    if let Some(expected) = reserved {
        let flaw = Flaw::new(judge.span(&place.key("appRole")), format!("app role `{role}` is reserved"));
        judge.flaw(flaw.expected(expected));
    }
    let role = judge.text(&place.key("appRole"), role, &syntax::APP_ROLE);
    let members = holders(judge, &place.key("members"), ("member", &file.members), Judge::guid);
    let people = holders(judge, &place.key("people"), ("person", &file.people), |judge, place, person| {
        judge.text(place, person, &syntax::PERSON).to_lowercase()
    });
    let groups = holders(judge, &place.key("groups"), ("group", &file.groups), Judge::guid);
    Who::AppRole { role, members, people, groups }
}

/// A list of holders in the form that Entra's answers are compared in, each once.
fn holders<'j>(
    judge: &mut Judge<'j>,
    place: &Place,
    (what, written): (&str, &[String]),
    check: impl Fn(&mut Judge<'j>, &Place, &str) -> String,
) -> Vec<String> {
    let items = || written.iter().enumerate().map(|(index, one)| (place.item(index), one));
    let checked: Vec<String> = items().map(|(place, one)| check(judge, &place, one)).collect();
    judge.unique(what, items().zip(&checked).map(|((place, _), one)| (place, one.as_str())));
    checked
}

fn rights(judge: &mut Judge<'_>, place: &Place, texts: &[String], teams: &[Team]) -> Vec<Right> {
    if texts.is_empty() {
        let flaw = Flaw::new(judge.span(place), "this identity may do nothing".to_owned())
            .expected("at least one of `push`, `push:TEAM`, `read` and `deploy:TEAM`");
        judge.flaw(flaw);
    }
    judge.unique("right", texts.iter().enumerate().map(|(index, text)| (place.item(index), text.as_str())));
    let rights = texts.iter().enumerate();
    rights.filter_map(|(index, text)| right(judge, &place.item(index), text, teams)).collect()
}

fn right(judge: &mut Judge<'_>, place: &Place, text: &str, teams: &[Team]) -> Option<Right> {
    match text.split_once(':').map_or((text, None), |(verb, team)| (verb, Some(team.trim()))) {
        ("push", None) => Some(Right::Push),
        ("read", None) => Some(Right::Read),
        ("deploy", Some(team)) => {
            known_team(judge, place, team, teams);
            Some(Right::Deploy(team.to_owned()))
        }
        ("push", Some(team)) => {
            known_team(judge, place, team, teams);
            own_repository(judge, place, team, teams);
            Some(Right::PushFor(team.to_owned()))
        }
        _ => {
            let other = text;
            let near = nearest(other, ["push", "read", "deploy"].into_iter());
            let near = near.map(|near| if near == "deploy" { "deploy:TEAM" } else { near });
            let flaw = Flaw::new(judge.span(place), format!("`{other}` is no right"))
                .expected("`push`, `push:TEAM`, `read` or `deploy:TEAM`")
                .help(near.map(|near| format!("did you mean `{near}`?")));
            judge.flaw(flaw);
            None
        }
    }
}

/// Says so if a team shares its repository with others: then `push:TEAM` would promise what it does not hold.
fn own_repository(judge: &mut Judge<'_>, place: &Place, name: &str, teams: &[Team]) {
    let shares = teams.iter().any(|team| team.name == name && team.repository.is_none());
    if shares {
        let flaw = Flaw::new(judge.span(place), format!("team `{name}` has no repository of its own"))
            .expected(format!("`push`, or a `repository` of team `{name}`"));
        judge.flaw(flaw);
    }
}

/// Says so if a team is not declared.
pub(super) fn known_team(judge: &mut Judge<'_>, place: &Place, name: &str, teams: &[Team]) {
    let names = || teams.iter().map(|team| team.name.as_str());
    if names().any(|known| known == name) {
        return;
    }
    let known: BTreeSet<String> = names().map(|name| format!("`{name}`")).collect();
    let known: Vec<String> = known.into_iter().collect();
    let expected = if known.is_empty() { "a team declared under `teams`".to_owned() } else { one_of(&known) };
    let flaw = Flaw::new(judge.span(place), format!("no team `{name}` is declared"))
        .expected(expected)
        .help(nearest(name, names()).map(|near| format!("did you mean `{near}`?")));
    judge.flaw(flaw);
}

/// A principal in two identities would have the rights of both, which nobody sees who reads only one.
fn unique_principals(judge: &mut Judge<'_>, place: &Place, files: &[IdentityFile]) {
    let mut principals = Vec::new();
    for (index, file) in files.iter().enumerate() {
        let place = place.item(index);
        let own = [
            ("servicePrincipal", &file.service_principal),
            ("managedIdentity", &file.managed_identity),
            ("appRole", &file.app_role),
            ("group", &file.group),
        ];
        for (key, value) in own {
            let folded = |value: &String| if key == "appRole" { value.clone() } else { value.to_lowercase() };
            principals
                .extend(value.as_ref().map(|value| (place.key(key), format!("{key}: {}", folded(value)))));
        }
    }
    judge
        .unique("principal", principals.iter().map(|(place, principal)| (place.clone(), principal.as_str())));
}
