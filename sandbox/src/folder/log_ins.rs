//! Shell lines that log in as one of the seeded machines, or as a person, in place of the one that `env` logs in as.

use std::fmt::Write as _;
use std::path::Path;

use super::azure_cli;
use super::text::quote;
use crate::pipelines;
use crate::seed::{self, Machine};
use crate::world::{Addresses, Shared};

/// Everything that any way of logging in reads. Each file unsets what it does not set, so that one way is left.
const READ: [&str; 19] = [
    "AZURE_CLIENT_ID",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "SYSTEM_OIDCREQUESTURI",
    "SYSTEM_ACCESSTOKEN",
    "AZURESUBSCRIPTION_CLIENT_ID",
    "AZURESUBSCRIPTION_TENANT_ID",
    "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID",
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    "MSI_ENDPOINT",
    "MSI_SECRET",
    "GCE_METADATA_HOST",
    "AZURE_CONFIG_DIR",
    "GANGPLANK_AS",
];

/// One file: its name without `.env`, and what it sets.
pub(super) struct LogIn {
    pub(super) name: &'static str,
    pub(super) sets: Vec<(&'static str, String)>,
}

impl LogIn {
    /// The lines.
    pub(super) fn lines(&self) -> String {
        let mut text = String::new();
        let others = READ.iter().filter(|name| !self.sets.iter().any(|(set, _)| set == *name));
        for name in others {
            let _never_fails = writeln!(text, "unset {name}");
        }
        for (name, value) in &self.sets {
            let _never_fails = writeln!(text, "export {name}={}", quote(value));
        }
        text
    }
}

/// All of them.
pub(super) fn all(world: &Shared, addresses: &Addresses, folder: &Path) -> Vec<LogIn> {
    let mut all = vec![
        secret(world, &seed::CELLAR_CI),
        secret(world, &seed::STRANGER),
        certificate(folder),
        github(world, addresses),
        azure_pipelines(world, addresses),
        google(addresses),
        dana(folder),
    ];
    all.extend(managed_identities(world, addresses));
    all
}

fn secret(world: &Shared, machine: &Machine) -> LogIn {
    let secret = world.azure.client_secret(machine.client_id).unwrap_or_default();
    let sets = vec![("AZURE_CLIENT_ID", machine.client_id.to_owned()), ("AZURE_CLIENT_SECRET", secret)];
    LogIn { name: machine.name, sets }
}

fn certificate(folder: &Path) -> LogIn {
    let file = folder.join("certificate-ci.pem").display().to_string();
    let sets = vec![
        ("AZURE_CLIENT_ID", seed::CERTIFICATE_CI.client_id.to_owned()),
        ("AZURE_CLIENT_CERTIFICATE_PATH", file),
    ];
    LogIn { name: seed::CERTIFICATE_CI.name, sets }
}

fn github(world: &Shared, addresses: &Addresses) -> LogIn {
    let sets = vec![
        ("AZURE_CLIENT_ID", seed::GITHUB_CI.client_id.to_owned()),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", pipelines::github_request_url(addresses)),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", world.pipelines.github_request_token.clone()),
    ];
    LogIn { name: seed::GITHUB_CI.name, sets }
}

fn azure_pipelines(world: &Shared, addresses: &Addresses) -> LogIn {
    let sets = vec![
        ("SYSTEM_OIDCREQUESTURI", pipelines::system_oidc_request_uri(addresses)),
        ("SYSTEM_ACCESSTOKEN", world.pipelines.system_access_token.clone()),
        ("AZURESUBSCRIPTION_CLIENT_ID", seed::DEVOPS_CI.client_id.to_owned()),
        ("AZURESUBSCRIPTION_TENANT_ID", seed::TENANT.to_owned()),
        ("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID", seed::DEVOPS_CONNECTION.1.to_owned()),
    ];
    LogIn { name: seed::DEVOPS_CI.name, sets }
}

fn google(addresses: &Addresses) -> LogIn {
    let sets = vec![
        ("AZURE_CLIENT_ID", seed::GOOGLE_CI.client_id.to_owned()),
        ("GCE_METADATA_HOST", addresses.google_metadata.to_string()),
        ("GANGPLANK_AS", "google".to_owned()),
    ];
    LogIn { name: seed::GOOGLE_CI.name, sets }
}

/// A person: the Azure CLI's stand-in, which is on `PATH`, finds her log-in as the real one finds its own.
fn dana(folder: &Path) -> LogIn {
    let logged_in = folder.join(azure_cli::DANA.folder).display().to_string();
    LogIn { name: "dana", sets: vec![("AZURE_CONFIG_DIR", logged_in)] }
}

/// The same two identities in the forms of a virtual machine, App Service, and an Azure ML job.
fn managed_identities(world: &Shared, addresses: &Addresses) -> [LogIn; 4] {
    let base = format!("http://{}", addresses.instance_metadata);
    let secret = world.azure.host().secret.clone();
    let trainer = ("AZURE_CLIENT_ID", seed::TRAINER.client_id.to_owned());
    let by_name = ("GANGPLANK_AS", "managed-identity".to_owned());
    let machine = ("AZURE_POD_IDENTITY_AUTHORITY_HOST", base.clone());
    let app_service =
        vec![("IDENTITY_ENDPOINT", format!("{base}/msi/token")), ("IDENTITY_HEADER", secret.clone())];
    let job = vec![("MSI_ENDPOINT", format!("{base}/v1/token/msi/xds")), ("MSI_SECRET", secret)];
    [
        // The sandbox's `az` is on `PATH`, and the instance metadata service is asked after it.
        LogIn { name: "hold", sets: vec![machine.clone(), by_name.clone()] },
        LogIn { name: "trainer", sets: vec![machine, trainer, by_name] },
        LogIn { name: "hold-app-service", sets: app_service },
        LogIn { name: "hold-job", sets: job },
    ]
}
