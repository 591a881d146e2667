//! The two sides of a bridge and the trust between them.

use super::{Judge, Place, syntax};
use crate::file::format::{AzureFile, CloudFile, FederationFile, GoogleFile};
use crate::signing_key::SigningKey;
use crate::spec::{Azure, AzureCloud, Federation, Google};

pub(super) fn bridge_name(judge: &mut Judge<'_>, place: &Place, name: &str) -> String {
    judge.text(place, name, &syntax::BRIDGE_NAME)
}

pub(super) fn azure(judge: &mut Judge<'_>, place: &Place, file: &AzureFile) -> Azure {
    Azure {
        cloud: match file.cloud {
            CloudFile::Public => AzureCloud::Public,
            CloudFile::UsGovernment => AzureCloud::UsGovernment,
            CloudFile::China => AzureCloud::China,
        },
        tenant: judge.guid(&place.key("tenant"), &file.tenant),
        subscription: judge.guid(&place.key("subscription"), &file.subscription),
        resource_group: judge.text(
            &place.key("resourceGroup"),
            &file.resource_group,
            &syntax::RESOURCE_GROUP,
        ),
        workspace: judge.text(&place.key("workspace"), &file.workspace, &syntax::WORKSPACE),
        datastores: datastores(judge, &place.key("datastores"), &file.datastores),
    }
}

fn datastores(judge: &mut Judge<'_>, place: &Place, names: &[String]) -> Vec<String> {
    judge.unique(
        "datastore",
        names.iter().enumerate().map(|(index, name)| (place.item(index), name.as_str())),
    );
    let checked = names.iter().enumerate();
    checked.map(|(index, name)| judge.text(&place.item(index), name, &syntax::DATASTORE)).collect()
}

pub(super) fn google(judge: &mut Judge<'_>, place: &Place, file: &GoogleFile) -> Google {
    Google {
        project: judge.text(&place.key("project"), &file.project, &syntax::PROJECT),
        project_number: judge.text(
            &place.key("projectNumber"),
            &file.project_number.0,
            &syntax::PROJECT_NUMBER,
        ),
        location: judge.text(&place.key("location"), &file.location, &syntax::LOCATION),
        cluster: judge.text(&place.key("cluster"), &file.cluster, &syntax::CLUSTER),
        repository: judge.text(&place.key("repository"), &file.repository, &syntax::REPOSITORY),
        signing_key: file.signing_key.as_ref().and_then(|text| {
            let text = judge.text(&place.key("signingKey"), text, &syntax::SIGNING_KEY);
            SigningKey::parse(&text).ok()
        }),
    }
}

pub(super) fn federation(
    judge: &mut Judge<'_>,
    place: &Place,
    file: &FederationFile,
    bridge_name: &str,
) -> Federation {
    let mut text = |key: &str, value: &Option<String>, default: &str, rule| match value {
        Some(value) => judge.text(&place.key(key), value, rule),
        None => default.to_owned(),
    };
    let application = format!("gangplank-{bridge_name}");
    Federation {
        pool: text("pool", &file.pool, "gangplank", &syntax::FEDERATION_ID),
        provider: text("provider", &file.provider, "entra", &syntax::FEDERATION_ID),
        application: text("application", &file.application, &application, &syntax::APPLICATION),
    }
}
