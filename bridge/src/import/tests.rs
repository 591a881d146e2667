//! What a bridge wants, seen as both clouds would show it, is that bridge again; what others made is named.

use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::inventory::Facts;
use crate::manifest::{Rendering, fixture, render};
use crate::resource::{FederatedCredential, GrantTarget, KubernetesObject, ManagedIdentity, ServiceAccount};
use crate::spec::{Bridge, Right, Via, Who, WorkloadRight};
use crate::want::tests::harbour;
use crate::want::wanted;

const ONCOLOGY: &str = "c3d2e5f4-9d86-403b-9e7a-f42081ac0d03";

/// The example bridge, with all a file can say but services, which are not set up but shipped.
fn declared() -> (Bridge, Facts) {
    let (mut bridge, mut facts) = harbour();
    for (name, via) in [("reader", Via::Cluster), ("taster", Via::Google)] {
        bridge.workloads.push(Workload {
            name: name.to_owned(),
            team: "cellar".to_owned(),
            service_account: format!("{name}-sa"),
            may: [WorkloadRight::ReadModels].into(),
            via,
        });
    }
    bridge.services.clear();
    facts.cluster_issuer = Some("https://container.googleapis.com/v1/ship".to_owned());
    facts.workload_pool = Some("harbour-prod.svc.id.goog".to_owned());
    facts.application =
        Some(ApplicationIds { app_id: "the-app".into(), object_id: "o".into(), service_principal_id: None });
    (bridge, facts)
}

/// Both clouds once the bridge is applied.
fn applied(bridge: &Bridge, facts: &Facts) -> Survey {
    let (wanted, obstacles) = wanted(bridge, facts);
    assert_eq!(obstacles, []);
    let mark = Some(bridge.name.clone());
    let known = |(id, principal): (&String, &crate::inventory::Principal)| {
        let kind = match principal.principal_type.as_str() {
            "Group" => Kind::Group,
            "User" => Kind::User,
            _ => Kind::Application,
        };
        let known = Known {
            kind,
            client_id: (kind == Kind::Application).then(|| id.clone()),
            user_principal_name: (kind == Kind::User).then(|| id.clone()),
            display_name: principal.display_name.clone(),
        };
        (principal.object_id.clone(), known)
    };
    Survey {
        project_number: facts.project_number.clone(),
        node_service_account: facts.node_service_account.clone(),
        seen: wanted.into_iter().map(|resource| Seen { resource, mark: mark.clone() }).collect(),
        applications: BTreeMap::from([(
            bridge.federation.application.clone(),
            facts.application.clone().unwrap(),
        )]),
        principals: facts.principals.iter().map(known).collect(),
        datastore: facts.datastore.clone(),
        datastores: facts.datastores.clone(),
        odd: Vec::new(),
    }
}

fn starter(bridge: &Bridge) -> Starter {
    Starter {
        name: "unknown".to_owned(),
        cloud: bridge.azure.cloud,
        tenant: bridge.azure.tenant.clone(),
        subscription: bridge.azure.subscription.clone(),
        resource_group: bridge.azure.resource_group.clone(),
        workspace: bridge.azure.workspace.clone(),
        project: bridge.google.project.clone(),
        project_number: "10000".to_owned(),
        location: bridge.google.location.clone(),
        cluster: bridge.google.cluster.clone(),
        repository: "unknown".to_owned(),
        pool: "unknown".to_owned(),
        provider: "unknown".to_owned(),
        application: None,
        datastores: Vec::new(),
        team: None,
        endpoints: None,
    }
}

fn imported(bridge: &Bridge, survey: &Survey, choice: &Choice) -> (Bridge, Imported) {
    let trust = choose(survey, &bridge.azure.tenant, choice).unwrap().with_application(survey);
    let imported = import(&starter(bridge), survey, &trust).unwrap();
    let read = crate::file::parse("bridge.yaml", &imported.text)
        .unwrap_or_else(|problems| panic!("{problems:?}\n{}", imported.text));
    (read, imported)
}

/// Everything wanted, whatever the order of teams and callers in the file.
fn in_order(bridge: &Bridge, facts: &Facts) -> Vec<Resource> {
    let (mut wanted, obstacles) = wanted(bridge, facts);
    assert_eq!(obstacles, []);
    wanted.sort_by_key(Resource::key);
    wanted
}

#[track_caller]
fn wants_the_same(bridge: &Bridge, facts: &Facts) {
    let (read, imported) = imported(bridge, &applied(bridge, facts), &Choice::default());
    assert_eq!(in_order(&read, facts), in_order(bridge, facts), "{}", imported.text);
    assert_eq!(imported.left_out, [], "{}", imported.text);
}

#[test]
fn what_is_applied_and_imported_wants_the_same() {
    let (bridge, facts) = declared();
    wants_the_same(&bridge, &facts);
}

#[test]
fn the_same_with_people() {
    let (mut bridge, mut facts) = crate::want::tests::with_people();
    bridge.services.clear();
    let application =
        ApplicationIds { app_id: "the-app".into(), object_id: "o".into(), service_principal_id: None };
    facts.application = Some(application);
    wants_the_same(&bridge, &facts);
    // A person is written down by her log-in name, and found by her object id as well.
    let dana = "6d2e0f81-405c-4e3b-9f7d-1c8b2f3e4d51";
    let mut survey = applied(&bridge, &facts);
    assert!(
        imported(&bridge, &survey, &Choice::default()).1.text.contains("people: [\"dana@harbour.example\"]")
    );
    survey.principals.remove(dana);
    let (_, imported) = imported(&bridge, &survey, &Choice::default());
    assert!(imported.left_out.iter().any(|it| it.what.contains(dana)), "{:?}", imported.left_out);
    // A group alone that lets people across says so.
    let (mut bridge, facts) = declared();
    for identity in &mut bridge.identities {
        if let Who::Group { includes_people, .. } = &mut identity.who {
            *includes_people = true;
        }
    }
    wants_the_same(&bridge, &facts);
}

#[test]
fn the_same_with_repositories_of_teams_and_other_datastores() {
    let (mut bridge, mut facts) = declared();
    bridge.teams[0].repository = Some("models-oncology".to_owned());
    bridge.identities[0].may.push(Right::PushFor("oncology".to_owned()));
    bridge.azure.datastores = vec!["artifacts".to_owned()];
    let datastore = Datastore { scope: "/s/containers/artifacts".into(), ..Datastore::default() };
    facts.datastores.insert("artifacts".to_owned(), datastore);
    wants_the_same(&bridge, &facts);
}

#[test]
fn the_same_for_callers_that_a_condition_cannot_name() {
    let (mut bridge, mut facts) = declared();
    for number in 0..120 {
        let id = format!("00000000-0000-4000-8000-{number:012}");
        let principal = facts.principals["a1f0c3d2-7b64-4e19-9c58-d20e6f7a8b01"].clone();
        let display_name = format!("robot {number}");
        facts.principals.insert(
            id.clone(),
            crate::inventory::Principal {
                object_id: id.clone(),
                display_name: display_name.clone(),
                ..principal
            },
        );
        let who = Who::ServicePrincipal(id);
        bridge.identities.push(Identity { name: display_name, who, may: vec![Right::Push] });
    }
    wants_the_same(&bridge, &facts);
}

#[test]
fn who_is_a_managed_identity_is_said_to_be_one() {
    let (bridge, facts) = declared();
    let mut survey = applied(&bridge, &facts);
    survey.principals.get_mut(ONCOLOGY).unwrap().kind = Kind::ManagedIdentity;
    let (read, _) = imported(&bridge, &survey, &Choice::default());
    assert!(read.identities.iter().any(|it| it.who == Who::ManagedIdentity(ONCOLOGY.to_owned())));
}

fn seen(resource: Resource) -> Seen {
    Seen { resource, mark: None }
}

fn grant(target: GrantTarget, role: &str, member: &str) -> Seen {
    seen(Resource::Grant(Grant { target, role: role.to_owned(), members: [member.to_owned()].into() }))
}

/// A row for everything that a bridge file has no words for.
#[test]
fn what_cannot_be_said_is_named_in_the_file_and_grants_nothing() {
    let (bridge, facts) = declared();
    let pool = "//iam.googleapis.com/projects/412907655821/locations/global/workloadIdentityPools/gangplank";
    let repository = || GrantTarget::Repository("models".to_owned());
    let subject = format!("principal:{pool}/subject/{ONCOLOGY}");
    let credential = |identity: &str| FederatedCredential {
        identity: identity.to_owned(),
        resource_group: "/g".to_owned(),
        name: "stray".to_owned(),
        issuer: "https://elsewhere".to_owned(),
        subject: "repo:a/b".to_owned(),
        audiences: Vec::new(),
    };
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": { "name": "admins", "namespace": "wine" },
        "subjects": [{ "kind": "User", "name": "ada@example.org" }],
    });
    let table = [
        (
            grant(repository(), "roles/artifactregistry.repoAdmin", &subject),
            "roles/artifactregistry.repoAdmin",
        ),
        (grant(GrantTarget::Project, "roles/owner", &subject), "roles/owner"),
        (
            grant(repository(), "roles/artifactregistry.writer", "user:ada@example.org"),
            "user:ada@example.org",
        ),
        (
            grant(repository(), "roles/artifactregistry.writer", &format!("principalSet:{pool}/*")),
            "workloadIdentityPools/gangplank/*",
        ),
        (
            grant(repository(), "roles/artifactregistry.writer", &format!("principal:{pool}/subject/gone")),
            "subject `gone`",
        ),
        (
            grant(repository(), "roles/artifactregistry.writer", &format!("principalSet:{pool}/group/Odd")),
            "group `Odd`",
        ),
        (
            grant(GrantTarget::ServiceAccount("deployer".into()), "roles/iam.workloadIdentityUser", &subject),
            "service account `deployer`",
        ),
        (
            grant(
                GrantTarget::ServiceAccount("gp-cellar".into()),
                "roles/iam.serviceAccountTokenCreator",
                "user:ada@example.org",
            ),
            "roles/iam.serviceAccountTokenCreator",
        ),
        (seen(Resource::FederatedCredential(credential("theirs"))), "managed identity `theirs`"),
        (seen(Resource::Kubernetes(KubernetesObject { object: binding })), "RoleBinding `admins`"),
    ];
    let (plain, _) = imported(&bridge, &applied(&bridge, &facts), &Choice::default());
    for (extra, name) in table {
        let mut survey = applied(&bridge, &facts);
        survey.seen.push(extra);
        let (read, imported) = imported(&bridge, &survey, &Choice::default());
        assert_eq!(read, plain, "{name}: nothing more is said");
        assert!(imported.left_out.iter().any(|it| it.what.contains(name)), "{name}: {:?}", imported.left_out);
        assert!(
            imported.text.lines().any(|it| it.starts_with("# - ") && it.contains(name)),
            "{}",
            imported.text
        );
    }
}

#[test]
fn a_reader_of_some_repositories_is_not_made_a_reader_of_all() {
    let (mut bridge, facts) = declared();
    bridge.teams[0].repository = Some("models-oncology".to_owned());
    let mut survey = applied(&bridge, &facts);
    for seen in &mut survey.seen {
        if let Resource::Grant(grant) = &mut seen.resource
            && grant.target == GrantTarget::Repository("models-oncology".to_owned())
        {
            grant.members.retain(|member| !member.contains("/group/"));
        }
    }
    let (read, imported) = imported(&bridge, &survey, &Choice::default());
    assert!(read.identities.iter().all(|it| !it.may.contains(&Right::Read)), "{}", imported.text);
    assert!(
        imported.left_out.iter().any(|it| it.what.contains("on models alone")),
        "{:?}",
        imported.left_out
    );
}

#[test]
fn what_nobody_marked_is_the_bridge_that_it_looks_like() {
    let (bridge, facts) = declared();
    let mut survey = applied(&bridge, &facts);
    survey.seen.iter_mut().for_each(|seen| seen.mark = None);
    for seen in &mut survey.seen {
        if let Resource::Kubernetes(it) = &mut seen.resource {
            it.object["metadata"]["labels"] = json!({});
        }
    }
    let (read, imported) = imported(&bridge, &survey, &Choice::default());
    assert_eq!(read.name, "gangplank");
    let teams: Vec<_> = read.teams.iter().map(|it| (it.name.as_str(), it.namespace.as_str())).collect();
    assert_eq!(teams, [("cellar", "wine"), ("oncology", "oncology")], "{}", imported.text);
    assert_eq!(read.identities.len(), 3);
    assert_eq!(read.federation.application, "gangplank-harbour");
    assert_eq!(read.workloads, [], "identities of others stay theirs");
}

#[test]
fn services_that_are_shipped_stay_declared() {
    let (bridge, facts) = declared();
    let mut survey = applied(&bridge, &facts);
    let fixture =
        (fixture::bridge(), fixture::team(), fixture::service(), fixture::version(), fixture::image());
    let (whole, team, service, version, image) = &fixture;
    let rendering = Rendering { bridge: whole, team, service, version, image, replicas: Some(1) };
    let rendered = render(&rendering).unwrap();
    let service = rendered[0]["metadata"]["name"].as_str().unwrap().to_owned();
    for mut object in rendered {
        object["metadata"]["namespace"] = json!("oncology");
        object["metadata"]["labels"]["gangplank.dev/bridge"] = json!("harbour");
        let resource = Resource::Kubernetes(KubernetesObject { object });
        survey.seen.push(Seen { resource, mark: Some("harbour".to_owned()) });
    }
    let (read, imported) = imported(&bridge, &survey, &Choice::default());
    let [found] = read.services.as_slice() else { panic!("{}", imported.text) };
    assert_eq!((found.name.as_str(), found.team.as_str()), (service.as_str(), "oncology"));
    assert!(read.team("oncology").unwrap().models.contains(&found.model.name), "{}", imported.text);

    survey
        .seen
        .retain(|it| !matches!(&it.resource, Resource::Kubernetes(it) if it.object["kind"] == "Deployment"));
    let (read, imported) = self::imported(&bridge, &survey, &Choice::default());
    assert!(read.services.is_empty() && imported.left_out.iter().any(|it| it.what.contains(&service)));
}

#[test]
fn what_only_somebody_can_say_is_asked() {
    let (bridge, facts) = declared();
    let mut survey = applied(&bridge, &facts);
    let other = survey.seen.iter().find_map(|seen| match &seen.resource {
        Resource::Provider(it) => Some(crate::resource::Provider { pool: "other".into(), ..it.clone() }),
        _ => None,
    });
    survey.seen.push(Seen { resource: Resource::Provider(other.unwrap()), mark: Some("harbour".to_owned()) });
    let tenant = &bridge.azure.tenant;
    let undecided = choose(&survey, tenant, &Choice::default()).unwrap_err();
    assert_eq!((undecided.candidates.len(), undecided.flags), (2, "--pool and --provider"));
    let named = Choice { pool: Some("gangplank".to_owned()), ..Choice::default() };
    assert_eq!(choose(&survey, tenant, &named).unwrap().pool, "gangplank");
    let nobody = Choice { pool: Some("nobody".to_owned()), ..Choice::default() };
    assert!(choose(&survey, tenant, &nobody).unwrap_err().to_string().contains("no such provider"));
    survey.seen.last_mut().unwrap().mark = None;
    let trust = choose(&survey, tenant, &Choice::default()).unwrap();
    assert_eq!(trust.pool, "gangplank", "the only one with a mark");
    assert!(trust.left_out[0].what.contains("pool `other`"));

    for id in ["models-a", "models-b"] {
        let resource =
            Resource::Repository(crate::resource::Repository { id: id.into(), location: "l".into() });
        survey.seen.push(Seen { resource, mark: Some("harbour".to_owned()) });
    }
    let undecided = import(&starter(&bridge), &survey, &trust).unwrap_err();
    assert_eq!((undecided.candidates.len(), undecided.flags), (3, "--repository"));
    let trust = Trust { repository: Some("models".to_owned()), ..trust };
    let imported = import(&starter(&bridge), &survey, &trust).unwrap();
    assert!(imported.left_out.iter().any(|it| it.what == "repository `models-a`"));
}

#[test]
fn clouds_without_a_bridge_give_a_file_without_people() {
    let (bridge, _) = declared();
    let account = ServiceAccount { id: "gp-theirs".to_owned(), display_name: String::new() };
    let identity = ManagedIdentity {
        name: "gp-x-1".into(),
        resource_group: "/g".into(),
        team: String::new(),
        rights: String::new(),
    };
    let survey = Survey {
        project_number: "412907655821".to_owned(),
        seen: vec![seen(Resource::ServiceAccount(account)), seen(Resource::ManagedIdentity(identity))],
        ..Survey::default()
    };
    let (read, imported) = imported(&bridge, &survey, &Choice::default());
    assert!(read.teams.is_empty() && read.identities.is_empty(), "{}", imported.text);
    assert_eq!((read.federation.pool.as_str(), read.google.repository.as_str()), ("gangplank", "models"));
    assert_eq!(imported.left_out, []);
}

#[test]
fn no_name_of_others_becomes_anything_but_a_name() {
    let (bridge, facts) = declared();
    let mut survey = applied(&bridge, &facts);
    survey.principals.get_mut(ONCOLOGY).unwrap().display_name = "a: \"b\"\nmay: [x] # é".to_owned();
    survey.odd.push(LeftOut::new("two\nlines: x", "why"));
    let (read, imported) = imported(&bridge, &survey, &Choice::default());
    assert_eq!(in_order(&read, &facts), in_order(&bridge, &facts), "{}", imported.text);
    assert!(imported.text.contains("# - two lines: x: why"));
}
