//! Which identity each workload becomes, and what follows.

use proptest::prelude::*;

use super::*;
use crate::plan::Outputs;
use crate::want::tests::harbour;

const ISSUER: &str =
    "https://container.googleapis.com/v1/projects/harbour-prod/locations/europe-west4/clusters/ship";

fn workload(name: &str, team: &str, via: Via) -> Workload {
    Workload {
        name: name.to_owned(),
        team: team.to_owned(),
        service_account: format!("{name}-sa"),
        may: BTreeSet::from([WorkloadRight::ReadModels]),
        via,
    }
}

fn world(workloads: &[(&str, &str, Via)]) -> (Bridge, Facts) {
    let (mut bridge, mut facts) = harbour();
    bridge.workloads = workloads.iter().map(|(name, team, via)| workload(name, team, *via)).collect();
    facts.cluster_issuer = Some(ISSUER.to_owned());
    facts.workload_pool = Some("harbour-prod.svc.id.goog".to_owned());
    (bridge, facts)
}

fn places(bridge: &Bridge, facts: &Facts) -> BTreeMap<String, String> {
    placed(bridge, facts).into_iter().map(|it| (it.workload.name.clone(), it.identity)).collect()
}

/// The identities that there are once these wishes are made.
fn made(bridge: &Bridge, facts: &Facts) -> BTreeMap<String, Shard> {
    let mut shards: BTreeMap<String, Shard> = BTreeMap::new();
    for place in placed(bridge, facts) {
        let Group { team, rights } = group(place.workload);
        let shard = shards.entry(place.identity.clone()).or_insert_with(|| Shard {
            client_id: format!("client-of-{}", place.identity),
            principal_id: format!("principal-of-{}", place.identity),
            team,
            rights,
            credentials: BTreeSet::new(),
        });
        shard.credentials.insert(place.workload.name.clone());
    }
    shards
}

#[test]
fn teams_never_share_an_identity() {
    let (bridge, facts) = world(&[
        ("one", "oncology", Via::Cluster),
        ("two", "cellar", Via::Cluster),
        ("three", "oncology", Via::Google),
    ]);
    let places = places(&bridge, &facts);
    assert_eq!(places["one"], places["three"]);
    assert_ne!(places["one"], places["two"]);
}

#[test]
fn everything_for_the_way_back() {
    let (bridge, mut facts) = world(&[("one", "oncology", Via::Cluster), ("two", "cellar", Via::Google)]);
    let (resources, obstacles) = crate::want::wanted(&bridge, &facts);
    assert_eq!(obstacles, []);
    let before: BTreeSet<ResourceKey> =
        super::super::wanted(&harbour().0, &facts).0.iter().map(Resource::key).collect();
    let added: Vec<&Resource> = resources.iter().filter(|it| !before.contains(&it.key())).collect();
    insta::assert_json_snapshot!(added);
    facts.shards = made(&bridge, &facts);
    facts.unique_ids.insert("gpw-two".to_owned(), "1122".to_owned());
    let (resources, _) = crate::want::wanted(&bridge, &facts);
    let text = serde_json::to_string(&resources).unwrap();
    assert!(!text.contains("${identity") && !text.contains("${account"), "{text}");
    // What stood for the id and the id lead to the same.
    let known = Outputs::known(&facts);
    assert_eq!(known.resolve(&unique_id_of("gpw-two")).unwrap(), "1122");
    assert_eq!(known.resolve(&principal_id_of("gp-harbour-1")).unwrap(), "principal-of-gp-harbour-1");
    assert_eq!(known.resolve("a ${identity.x.clientId} b").unwrap_err().0, "${identity.x.clientId}");
}

#[test]
fn the_account_of_a_workload_can_do_nothing_else() {
    let (bridge, facts) = world(&[("two", "cellar", Via::Google)]);
    let (resources, _) = crate::want::wanted(&bridge, &facts);
    let grants = resources.iter().filter_map(|it| match it {
        Resource::Grant(grant) => Some(grant),
        _ => None,
    });
    let account = "gpw-two";
    for grant in grants {
        let text = serde_json::to_string(grant).unwrap();
        if text.contains(account) || text.contains("svc.id.goog") {
            assert_eq!(grant.target, crate::resource::GrantTarget::ServiceAccount(account.into()), "{text}");
            let only = "serviceAccount:harbour-prod.svc.id.goog[wine/two-sa]".to_owned();
            assert_eq!(grant.members, BTreeSet::from([only]), "{text}");
        }
    }
}

#[test]
fn what_is_not_known_is_an_obstacle() {
    let (bridge, mut facts) = world(&[("one", "oncology", Via::Cluster), ("two", "cellar", Via::Google)]);
    (facts.cluster_issuer, facts.workload_pool) = (None, None);
    let (_, obstacles) = wanted(&bridge, &facts);
    let keys: Vec<&str> = obstacles.iter().map(|it| it.key.0.as_str()).collect();
    assert_eq!(
        keys,
        ["azure/federated-credential/gp-harbour-2/one", "azure/federated-credential/gp-harbour-1/two"]
    );
}

#[test]
fn one_that_leaves_keeps_its_place_until_it_is_gone() {
    let names: Vec<String> = (0..20).map(|number| format!("old-{number:02}")).collect();
    let all: Vec<(&str, &str, Via)> =
        names.iter().map(|name| (name.as_str(), "cellar", Via::Cluster)).collect();
    let (mut bridge, mut facts) = world(&all);
    facts.shards = made(&bridge, &facts);
    bridge.workloads.remove(3);
    bridge.workloads.push(workload("new", "cellar", Via::Cluster));
    assert_eq!(places(&bridge, &facts)["new"], "gp-harbour-2");
    // Once it is gone there is room again.
    facts.shards.get_mut("gp-harbour-1").unwrap().credentials.remove("old-03");
    assert_eq!(places(&bridge, &facts)["new"], "gp-harbour-1");
}

proptest! {
    /// Whoever has a credential stays where it is, no identity holds more than twenty, and none holds two teams'.
    #[test]
    fn sharding_is_stable(
        first in prop::collection::btree_map(0_u8..90, any::<bool>(), 0..60),
        then in prop::collection::btree_map(0_u8..90, any::<bool>(), 0..60),
    ) {
        let teams = |numbers: &BTreeMap<u8, bool>| -> Vec<Workload> {
            let team = |cellar: bool| if cellar { "cellar" } else { "oncology" };
            numbers.iter().map(|(n, cellar)| workload(&format!("w-{n:03}"), team(*cellar), Via::Cluster)).collect()
        };
        let (mut bridge, mut facts) = world(&[]);
        bridge.workloads = teams(&first);
        let before = places(&bridge, &facts);
        facts.shards = made(&bridge, &facts);
        prop_assert_eq!(&places(&bridge, &facts), &before);
        bridge.workloads = teams(&then);
        let after = places(&bridge, &facts);
        for (name, identity) in &after {
            let same_team = first.iter().any(|(n, team)| format!("w-{n:03}") == *name && then.get(n) == Some(team));
            if same_team {
                prop_assert_eq!(before.get(name), Some(identity));
            }
        }
        let mut held: BTreeMap<&String, BTreeSet<&String>> = BTreeMap::new();
        for (name, shard) in &facts.shards {
            held.entry(name).or_default().extend(&shard.credentials);
        }
        for (name, identity) in &after {
            held.entry(identity).or_default().insert(name);
        }
        prop_assert!(held.values().all(|credentials| credentials.len() <= MOST));
        let mut teams_of: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for place in placed(&bridge, &facts) {
            teams_of.entry(place.identity).or_default().insert(place.team.name.clone());
        }
        prop_assert!(teams_of.values().all(|teams| teams.len() == 1));
    }
}
