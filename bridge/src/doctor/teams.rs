//! For which teams a caller deploys, as the bridge declares it: whose chain is walked when no team is named.

use trust::token::Claims;

use crate::spec::{Bridge, Right, Team, Who};

/// The teams that the holder of an Entra token may deploy for, in the bridge's order. `None` if the bridge declares
/// nobody that the token shows.
pub fn teams_of<'b>(bridge: &'b Bridge, claims: &Claims) -> Option<Vec<&'b Team>> {
    let mut identities = bridge.identities.iter().filter(|it| is_caller(&it.who, claims)).peekable();
    identities.peek()?;
    let rights: Vec<&Right> = identities.flat_map(|identity| &identity.may).collect();
    let deploys =
        |team: &&Team| rights.iter().any(|it| matches!(it, Right::Deploy(name) if *name == team.name));
    Some(bridge.teams.iter().filter(deploys).collect())
}

/// Whether a token shows this identity. Who is to hold an app role and does not have it in the token yet, counts.
pub(super) fn is_caller(who: &Who, claims: &Claims) -> bool {
    match who {
        Who::ServicePrincipal(client_id) => own_client(claims) == Some(client_id),
        Who::ManagedIdentity(object_id) => claims.object_id() == Some(object_id),
        Who::AppRole { role, .. } => claims.roles().contains(&role.as_str()) || is_holder(who, claims),
        Who::Group { id, .. } => claims.groups().contains(&id.as_str()),
    }
}

/// Whether the bridge file names the token's owner among an app role's holders. Who belongs to a group, it does not say.
pub(super) fn is_holder(who: &Who, claims: &Claims) -> bool {
    let Who::AppRole { members, people, .. } = who else { return false };
    let is = |id: Option<&str>, named: &[String]| {
        id.is_some_and(|id| named.iter().any(|one| one.eq_ignore_ascii_case(id)))
    };
    is(own_client(claims), members)
        || (claims.is_delegated()
            && (is(claims.object_id(), people) || is(claims.user_principal_name(), people)))
}

/// The client, if the token is its own: in a person's token it is only the tool that she uses.
pub(super) fn own_client(claims: &Claims) -> Option<&str> {
    claims.client_id().filter(|_| !claims.is_delegated())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::manifest::fixture::{self, CLIENT};
    use crate::spec::Identity;

    #[test]
    fn the_teams_are_those_that_the_token_is_declared_for() {
        let mut bridge = fixture::bridge();
        let team = bridge.teams[0].clone();
        bridge.teams = ["a", "b", "c"].map(|name| Team { name: name.to_owned(), ..team.clone() }).to_vec();
        let identity = |who: Who, may: &[&str]| Identity {
            name: "x".to_owned(),
            who,
            may: may.iter().map(|team| Right::Deploy((*team).to_owned())).chain([Right::Push]).collect(),
        };
        bridge.identities = vec![
            identity(Who::ServicePrincipal(CLIENT.to_owned()), &["c", "a"]),
            identity(Who::ManagedIdentity("object".to_owned()), &["b"]),
            identity(
                Who::AppRole {
                    role: "R".to_owned(),
                    members: vec!["member".to_owned()],
                    people: vec!["dana@harbour.example".to_owned(), "person".to_owned()],
                    groups: vec!["crew".to_owned()],
                },
                &["a"],
            ),
            identity(Who::Group { id: "group".to_owned(), includes_people: true }, &[]),
        ];
        for (claims, expected) in [
            (json!({ "azp": CLIENT }), Some(vec!["a", "c"])),
            (json!({ "azp": CLIENT, "oid": "object" }), Some(vec!["a", "b", "c"])),
            (json!({ "roles": ["R"] }), Some(vec!["a"])),
            (json!({ "azp": "member" }), Some(vec!["a"])),
            (json!({ "groups": ["group"] }), Some(vec![])),
            (
                json!({ "azp": "cli", "scp": "x", "preferred_username": "Dana@Harbour.example" }),
                Some(vec!["a"]),
            ),
            (json!({ "azp": "cli", "scp": "x", "oid": "person" }), Some(vec!["a"])),
            (json!({ "azp": "cli", "scp": "x", "groups": ["crew"] }), None),
            (json!({ "azp": CLIENT, "scp": "x", "oid": "somebody" }), None),
            (json!({ "azp": "somebody", "roles": ["S"] }), None),
        ] {
            let token: Claims = serde_json::from_value(claims.clone()).unwrap();
            let teams = teams_of(&bridge, &token);
            let names = teams.map(|teams| teams.iter().map(|it| it.name.as_str()).collect::<Vec<_>>());
            assert_eq!(names, expected, "{claims}");
        }
    }
}
