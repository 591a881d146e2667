//! Which source is taken: the one asked for by name, else the first that is there; and why not the others.

use super::login::{Login, Opened};
use super::{
    EntraSource, PassedOver, Preference, SourceError, SourceName, azure_cli, azure_pipelines,
    client_certificate, client_secret, github, google_account, managed_identity, refusal, workload,
};
use std::sync::Arc;

/// Takes a source.
pub(super) fn choose(
    login: &Login,
    preference: Preference,
    named: Option<SourceName>,
) -> Result<EntraSource, SourceError> {
    if let Some(name) = named {
        return by_name(login, name);
    }
    let order = SourceName::order(preference);
    for name in &order {
        if let Ok(why) = found(*name, login) {
            let others = SourceName::ALL.into_iter().filter(|other| other != name);
            let passed_over = others.map(|other| passed(other, login, &order, *name)).collect();
            return Ok(source(login, open(*name, login)?, why, passed_over));
        }
    }
    last_resort(login, preference)
}

fn by_name(login: &Login, name: SourceName) -> Result<EntraSource, SourceError> {
    // Whether these two are there is only known when they are asked.
    if !matches!(name, SourceName::ManagedIdentity | SourceName::Google) {
        found(name, login).map_err(|reason| SourceError::NotHere { name, reason })?;
    }
    let reason = |other| match found(other, login) {
        Ok(there) => format!("{there}, but `{name}` was asked for"),
        Err(reason) => reason,
    };
    let others = SourceName::ALL.into_iter().filter(|other| *other != name);
    let passed_over = others.map(|source| PassedOver { source, reason: reason(source) }).collect();
    Ok(source(login, open(name, login)?, "asked for by name".to_owned(), passed_over))
}

/// Nothing was found that can be seen without asking anybody: what remains is the instance metadata endpoint.
fn last_resort(login: &Login, preference: Preference) -> Result<EntraSource, SourceError> {
    let there = SourceName::ManagedIdentity;
    let reason = |name| match found(name, login) {
        Ok(there) => there,
        Err(reason) => reason,
    };
    let all: Vec<PassedOver> = SourceName::ALL
        .into_iter()
        .map(|source| match source {
            SourceName::Google => PassedOver { source, reason: by_name_alone() },
            _ => PassedOver { source, reason: reason(source) },
        })
        .collect();
    let passed_over: Vec<PassedOver> = all.iter().filter(|passed| passed.source != there).cloned().collect();
    let advice = advice(preference);
    let otherwise = move |reason: String| {
        let mut passed_over = all.clone();
        for passed in passed_over.iter_mut().filter(|passed| passed.source == there) {
            passed.reason.clone_from(&reason);
        }
        SourceError::NothingFound { passed_over, advice }
    };
    let opened = managed_identity::last_resort(login, otherwise)?;
    let why = "no other log-in was found, so the instance metadata endpoint is asked".to_owned();
    Ok(source(login, opened, why, passed_over))
}

fn advice(preference: Preference) -> &'static str {
    match preference {
        Preference::Caller => {
            "set the variables of one of them, or install the Azure CLI and run `az login`; see docs/signing-in.md"
        }
        Preference::Administrator => {
            "install the Azure CLI and run `az login`, or set the variables of one of them; see docs/signing-in.md"
        }
    }
}

fn by_name_alone() -> String {
    "taken only by `--as google`".to_owned()
}

fn passed(name: SourceName, login: &Login, order: &[SourceName], taken: SourceName) -> PassedOver {
    let reason = match found(name, login) {
        _ if !order.contains(&name) => by_name_alone(),
        Ok(there) => format!("{there}, but `{taken}` comes first"),
        Err(reason) => reason,
    };
    PassedOver { source: name, reason }
}

fn source(login: &Login, opened: Opened, why: String, passed_over: Vec<PassedOver>) -> EntraSource {
    let Opened { kind, credential, presents } = opened;
    let (authority, tenant) = (login.authority.clone(), login.tenant.clone());
    let credential = Arc::new(refusal::Typed::new(credential, kind.clone(), &authority, &tenant));
    EntraSource { credential, kind, authority, tenant, why, passed_over, presents }
}

/// By what a source is there, or why it is not; nobody is asked for it.
fn found(name: SourceName, login: &Login) -> Result<String, String> {
    match name {
        SourceName::WorkloadIdentity => workload::found(login),
        SourceName::Github => github::found(login),
        SourceName::AzurePipelines => azure_pipelines::found(login),
        SourceName::ClientCertificate => client_certificate::found(login),
        SourceName::ClientSecret => client_secret::found(login),
        SourceName::ManagedIdentity => managed_identity::found(login),
        SourceName::Google => google_account::found(login),
        SourceName::AzureCli => azure_cli::found(login),
    }
}

fn open(name: SourceName, login: &Login) -> Result<Opened, SourceError> {
    match name {
        SourceName::WorkloadIdentity => workload::open(login),
        SourceName::Github => github::open(login),
        SourceName::AzurePipelines => azure_pipelines::open(login),
        SourceName::ClientCertificate => client_certificate::open(login),
        SourceName::ClientSecret => client_secret::open(login),
        SourceName::ManagedIdentity => managed_identity::open(login),
        SourceName::Google => google_account::open(login),
        SourceName::AzureCli => azure_cli::open(login),
    }
}
