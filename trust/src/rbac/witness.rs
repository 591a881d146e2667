//! What a real kube-apiserver answered (`witness/rbac/`), replayed: decisions, their reasons, the words of refusals, the
//! groups of users, and the rules that kube-controller-manager gathered.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::*;

#[derive(Deserialize)]
struct Record {
    base: Vec<Value>,
    worlds: Vec<World>,
}

#[derive(Deserialize)]
struct World {
    objects: Vec<Value>,
    gathered: BTreeMap<String, Vec<Rule>>,
    reasons: Vec<String>,
    questions: Vec<Value>,
    requests: Vec<(Value, Option<String>)>,
}

#[derive(Default)]
#[expect(clippy::struct_field_names, reason = "the kinds of Kubernetes are called so")]
struct Cluster {
    roles: Vec<Role>,
    cluster_roles: Vec<ClusterRole>,
    role_bindings: Vec<RoleBinding>,
    cluster_role_bindings: Vec<ClusterRoleBinding>,
}

impl Cluster {
    fn new<'a>(objects: impl Iterator<Item = &'a Value>) -> Self {
        let mut cluster = Self::default();
        for object in objects {
            match object["kind"].as_str().unwrap() {
                "Role" => cluster.roles.push(Role::deserialize(object).unwrap()),
                "ClusterRole" => cluster.cluster_roles.push(Role::deserialize(object).unwrap()),
                "RoleBinding" => cluster.role_bindings.push(RoleBinding::deserialize(object).unwrap()),
                "ClusterRoleBinding" => {
                    cluster.cluster_role_bindings.push(RoleBinding::deserialize(object).unwrap());
                }
                other => panic!("{other}"),
            }
        }
        cluster
    }

    fn objects(&self, aggregation: Aggregation) -> Objects<'_> {
        Objects {
            roles: &self.roles,
            cluster_roles: &self.cluster_roles,
            role_bindings: &self.role_bindings,
            cluster_role_bindings: &self.cluster_role_bindings,
            aggregation,
        }
    }
}

fn record() -> Record {
    serde_json::from_str(include_str!("../../../witness/rbac/answers.json")).unwrap()
}

fn worlds(record: &Record) -> impl Iterator<Item = (&World, Cluster)> {
    record.worlds.iter().map(|world| (world, Cluster::new(record.base.iter().chain(&world.objects))))
}

/// `[user, groups, verb, path]`, or `[user, groups, verb, group, resource, subresource, namespace, name]`; what follows is
/// the answer.
fn attributes(question: &Value, length: usize) -> Attributes {
    let text = |place: usize| question[place].as_str().unwrap().to_owned();
    let user = text(0);
    let groups = serde_json::from_value(question[1].clone()).unwrap_or_else(|_| groups_of(&user));
    let common = Attributes { user, groups, verb: text(2), ..Attributes::default() };
    if length == 4 {
        return Attributes { non_resource_url: Some(text(3)), ..common };
    }
    Attributes {
        api_group: text(3),
        resource: text(4),
        subresource: Some(text(5)),
        namespace: Some(text(6)),
        name: Some(text(7)),
        ..common
    }
}

#[test]
fn decides_as_a_real_api_server_did() {
    let record = record();
    let mut tally = BTreeMap::from([(true, 0), (false, 0)]);
    for (world, cluster) in worlds(&record) {
        let objects = cluster.objects(Aggregation::Pending);
        for question in &world.questions {
            let length = question.as_array().unwrap().len() - 2;
            let asked = attributes(question, length);
            let decision = decide(&objects, &asked);
            let expected = question[length].as_bool().unwrap();
            assert_eq!(decision.allowed, expected, "{question} {:?}", decision.because);
            let place = usize::try_from(question[length + 1].as_u64().unwrap()).unwrap();
            same_reason(&objects, &asked, &decision, &world.reasons[place]);
            *tally.entry(expected).or_default() += 1;
        }
    }
    assert!(tally[&true] >= 400 && tally[&true] + tally[&false] >= 2_000, "{tally:?}");
}

/// Where several bindings allow it the server names any one of them; where several roles are missing, in any order.
fn same_reason(objects: &Objects<'_>, asked: &Attributes, decision: &Decision, expected: &str) {
    if decision.allowed {
        let ours: Vec<String> = grants(objects, asked).iter().map(Grant::kubernetes_reason).collect();
        let masters = expected.is_empty() && asked.groups.iter().any(|group| group == "system:masters");
        assert!(masters || ours.iter().any(|reason| reason == expected), "{expected} {ours:?}");
        return;
    }
    let ours = missing_roles_text(decision).unwrap_or_default();
    assert_eq!(parts(&ours), parts(expected), "{asked:?}");
}

fn parts(reason: &str) -> BTreeSet<&str> {
    reason.split(|character| "[],".contains(character)).map(str::trim).collect()
}

#[test]
fn words_refusals_and_knows_groups_as_a_real_api_server_did() {
    let record = record();
    let mut refused = 0;
    for (world, cluster) in worlds(&record) {
        let objects = cluster.objects(Aggregation::Pending);
        for (question, text) in &world.requests {
            let asked = attributes(question, question.as_array().unwrap().len());
            let ours: BTreeSet<String> = groups_of(&asked.user).into_iter().collect();
            assert_eq!(ours, asked.groups.iter().cloned().collect(), "{question}");
            let decision = decide(&objects, &asked);
            assert_eq!(decision.allowed, text.is_none(), "{question} {text:?}");
            let Some(text) = text else { continue };
            refused += 1;
            let plain = forbidden_text(&asked, None);
            match missing_roles_text(&decision) {
                None => assert_eq!(plain, *text),
                Some(missing) => assert_eq!(parts(&format!("{plain}: {missing}")), parts(text)),
            }
        }
    }
    assert!(refused >= 100, "{refused}");
}

#[test]
fn gathers_rules_as_a_real_controller_did() {
    let record = record();
    let mut gathering = 0;
    for (world, cluster) in worlds(&record) {
        for role in cluster.cluster_roles.iter().filter(|role| role.aggregation_rule.is_some()) {
            let Some(expected) = world.gathered.get(&role.metadata.name) else { continue };
            let ours: BTreeSet<&Rule> = aggregated_rules(role, &cluster.cluster_roles).into_iter().collect();
            assert_eq!(ours, expected.iter().collect(), "{}", role.metadata.name);
            gathering += 1;
        }
    }
    // Kubernetes' own `admin`, `edit` and `view`, as the cluster had them.
    let base = Cluster::new(record.base.iter());
    for role in base.cluster_roles.iter().filter(|role| role.aggregation_rule.is_some()) {
        let ours: BTreeSet<&Rule> = aggregated_rules(role, &base.cluster_roles).into_iter().collect();
        assert_eq!(ours, role.rules.iter().collect(), "{}", role.metadata.name);
        gathering += 1;
    }
    assert!(gathering >= 40, "{gathering}");
}
