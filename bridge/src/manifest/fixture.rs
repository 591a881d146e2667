//! A small bridge for tests: one team, one service, one model version.

use std::collections::BTreeMap;
use std::future::Future;
use std::task::{Context, Poll, Waker};

use crate::port::{ModelVersion, Origin};
use crate::spec::{
    Azure, AzureCloud, Bridge, Endpoints, Expose, Federation, Google, Identity, ModelRef, Quota, Resources,
    Right, Runtime, Scaling, Service, Team, Tuning, VersionRef, Who,
};

/// Tenant of the bridge.
pub(crate) const TENANT: &str = "0f3a7c1e-5b52-4c8e-9d1a-6f2b8e4d7a10";
/// Client id of the declared service principal.
pub(crate) const CLIENT: &str = "a1f0c3d2-7b64-4e19-9c58-d20e6f7a8b01";
/// Project number.
pub(crate) const NUMBER: &str = "412907655821";

pub(crate) fn bridge() -> Bridge {
    Bridge {
        name: "harbour".to_owned(),
        azure: Azure {
            cloud: AzureCloud::Public,
            tenant: TENANT.to_owned(),
            subscription: "7d9b2f40-1c3e-4a5d-8b6f-2e0c9a8d5b31".to_owned(),
            resource_group: "rg-quay".to_owned(),
            workspace: "quay".to_owned(),
            datastores: Vec::new(),
        },
        google: Google {
            project: "harbour".to_owned(),
            project_number: NUMBER.to_owned(),
            location: "europe-west4".to_owned(),
            cluster: "ship".to_owned(),
            repository: "models".to_owned(),
            signing_key: None,
        },
        federation: Federation {
            pool: "azure".to_owned(),
            provider: "entra".to_owned(),
            application: "gangplank".to_owned(),
        },
        identities: vec![
            Identity {
                name: "cellar-ci".to_owned(),
                who: Who::ServicePrincipal(CLIENT.to_owned()),
                may: vec![Right::Push, Right::Deploy("cellar".to_owned())],
            },
            Identity {
                name: "tasters".to_owned(),
                who: Who::AppRole {
                    role: "Cellar.Taster".to_owned(),
                    members: vec!["taster".to_owned()],
                    people: Vec::new(),
                    groups: Vec::new(),
                },
                may: vec![Right::Push, Right::Deploy("cellar".to_owned())],
            },
            Identity {
                name: "reader".to_owned(),
                who: Who::ManagedIdentity("reader-object".to_owned()),
                may: vec![Right::Read],
            },
        ],
        teams: vec![team()],
        services: vec![service()],
        workloads: Vec::new(),
        endpoints: Endpoints::default(),
    }
}

pub(crate) fn team() -> Team {
    Team {
        repository: None,
        name: "cellar".to_owned(),
        namespace: "cellar".to_owned(),
        labels: BTreeMap::from([("cost-centre".to_owned(), "42".to_owned())]),
        models: vec!["Wine_*".to_owned()],
        quota: Some(Quota { cpu: "4".to_owned(), memory: "8Gi".to_owned(), pods: 20 }),
        callers: vec!["shop".to_owned()],
    }
}

pub(crate) fn service() -> Service {
    Service {
        name: "wine".to_owned(),
        team: "cellar".to_owned(),
        model: ModelRef::in_workspace("Wine_Cultivar", VersionRef::Latest),
        runtime: Runtime::Onnx,
        scaling: Scaling { min: 2, max: 6, cpu_percent: 70 },
        expose: Expose::Cluster,
        resources: Resources { cpu: "250m".to_owned(), memory: "256Mi".to_owned() },
        sample: None,
        tuning: Tuning::default(),
    }
}

pub(crate) fn version() -> ModelVersion {
    ModelVersion {
        name: "Wine_Cultivar".to_owned(),
        version: "1".to_owned(),
        asset_id: "/subscriptions/s/models/Wine_Cultivar/versions/1".to_owned(),
        model_type: "custom_model".to_owned(),
        uri: "azureml://datastores/d/paths/wine/1".to_owned(),
        tags: BTreeMap::from([("stage".to_owned(), "production".to_owned())]),
        created: Some("2026-01-02T03:04:05Z".parse().unwrap()),
        workspace: "quay".to_owned(),
        origin: Origin::default(),
    }
}

pub(crate) fn image() -> String {
    format!("europe-west4-docker.pkg.dev/harbour/models/wine@sha256:{}", "ab".repeat(32))
}

/// Runs a future that never waits.
pub(crate) fn now<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}
