//! Pods that go the other way, from GKE to Azure.

use std::collections::BTreeSet;

use super::identities::known_team;
use super::{Judge, Place, syntax};
use crate::file::format::{BridgeFile, ViaFile, WorkloadFile};
use crate::file::nearest::nearest;
use crate::file::shape::Flaw;
use crate::spec::{Team, Via, Workload, WorkloadRight};

/// The one right there is so far.
const READ_MODELS: &str = "read-models";

pub(super) fn workloads(
    judge: &mut Judge<'_>,
    place: &Place,
    file: &BridgeFile,
    teams: &[Team],
) -> Vec<Workload> {
    let workloads: Vec<Workload> = file
        .workloads
        .iter()
        .enumerate()
        .map(|(index, file)| workload(judge, &place.item(index), file, teams))
        .collect();
    let at = |index: usize, key: &str| place.item(index).key(key);
    let names = workloads.iter().enumerate().map(|(index, it)| (at(index, "name"), it.name.as_str()));
    judge.unique("workload", names);
    let accounts: Vec<String> =
        workloads.iter().map(|it| format!("{}` of team `{}", it.service_account, it.team)).collect();
    let accounts = accounts.iter().enumerate().map(|(index, it)| (at(index, "serviceAccount"), it.as_str()));
    judge.unique("service account", accounts);
    for (index, workload) in workloads.iter().enumerate() {
        not_of_a_service(judge, &at(index, "serviceAccount"), workload, file);
    }
    workloads
}

fn workload(judge: &mut Judge<'_>, place: &Place, file: &WorkloadFile, teams: &[Team]) -> Workload {
    known_team(judge, &place.key("team"), &file.team, teams);
    let account = place.key("serviceAccount");
    if file.service_account == "default" {
        let message = "service account `default` cannot be a workload's own".to_owned();
        let flaw = Flaw::new(judge.span(&account), message)
            .expected("a service account of its own: `default` is every pod's that names none");
        judge.flaw(flaw);
    }
    Workload {
        name: judge.text(&place.key("name"), &file.name, &syntax::WORKLOAD_NAME),
        team: file.team.clone(),
        service_account: judge.text(&account, &file.service_account, &syntax::SERVICE_ACCOUNT),
        may: rights(judge, &place.key("may"), &file.may),
        via: match file.via {
            ViaFile::Cluster => Via::Cluster,
            ViaFile::Google => Via::Google,
        },
    }
}

fn rights(judge: &mut Judge<'_>, place: &Place, texts: &[String]) -> BTreeSet<WorkloadRight> {
    if texts.is_empty() {
        let flaw = Flaw::new(judge.span(place), "this workload may do nothing".to_owned())
            .expected(format!("`{READ_MODELS}`"));
        judge.flaw(flaw);
    }
    judge.unique("right", texts.iter().enumerate().map(|(index, text)| (place.item(index), text.as_str())));
    for (index, text) in texts.iter().enumerate().filter(|(_, text)| *text != READ_MODELS) {
        let near = nearest(text, [READ_MODELS].into_iter());
        let flaw = Flaw::new(judge.span(&place.item(index)), format!("`{text}` is no right of a workload"))
            .expected(format!("`{READ_MODELS}`"))
            .help(near.map(|near| format!("did you mean `{near}`?")));
        judge.flaw(flaw);
    }
    BTreeSet::from([WorkloadRight::ReadModels])
}

/// `ship` makes a service account for each service, under the service's name, that can do nothing.
fn not_of_a_service(judge: &mut Judge<'_>, place: &Place, workload: &Workload, file: &BridgeFile) {
    let taken = |it: &&crate::file::format::ServiceFile| {
        it.name == workload.service_account && it.team == workload.team
    };
    if let Some(service) = file.services.iter().find(taken) {
        let message = format!("`{}` is the service account of service `{}`", service.name, service.name);
        let flaw = Flaw::new(judge.span(place), message).expected("a service account of the workload's own");
        judge.flaw(flaw);
    }
}
