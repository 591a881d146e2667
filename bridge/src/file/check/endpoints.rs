//! Addresses that differ from the public clouds'. Tokens are sent to them, so they are https, or do not leave the
//! machine.

use url::{Host, Url};

use super::{Judge, Place, syntax};
use crate::file::format::EndpointsFile;
use crate::file::shape::Flaw;
use crate::spec::Endpoints;

pub(super) fn endpoints(judge: &mut Judge<'_>, place: &Place, file: &EndpointsFile) -> Endpoints {
    let ca_bundle =
        file.ca_bundle.as_ref().map(|path| judge.text(&place.key("caBundle"), path, &syntax::PATH));
    let mut address = |key: &str, value: &Option<String>| {
        value.as_ref().map(|value| endpoint(judge, &place.key(key), value, key))
    };
    Endpoints {
        ca_bundle,
        entra: address("entra", &file.entra),
        graph: address("graph", &file.graph),
        resource_manager: address("resourceManager", &file.resource_manager),
        blob: address("blob", &file.blob),
        acr: address("acr", &file.acr),
        ml_registry: address("mlRegistry", &file.ml_registry),
        sts: address("sts", &file.sts),
        iam: address("iam", &file.iam),
        iam_credentials: address("iamCredentials", &file.iam_credentials),
        cloud_resource_manager: address("cloudResourceManager", &file.cloud_resource_manager),
        artifact_registry: address("artifactRegistry", &file.artifact_registry),
        registry: address("registry", &file.registry),
        container: address("container", &file.container),
        accounts: address("accounts", &file.accounts),
        cloud_kms: address("cloudKms", &file.cloud_kms),
    }
}

/// Gives the address without a slash at its end.
fn endpoint(judge: &mut Judge<'_>, place: &Place, text: &str, key: &str) -> String {
    if let Err(expected) = check(text, key) {
        let flaw =
            Flaw::new(judge.span(place), format!("`{text}` is no address for `{key}`")).expected(expected);
        judge.flaw(flaw);
    }
    text.trim_end_matches('/').to_owned()
}

fn check(text: &str, key: &str) -> Result<(), &'static str> {
    // Only blobs have an address for each account, and only container registries one for each registry.
    let filled = match key {
        "blob" => text.replace("{account}", "account"),
        "acr" => text.replace("{registry}", "registry"),
        _ => text.to_owned(),
    };
    let url = Url::parse(&filled).map_err(|_| "a URL, as in `https://graph.microsoft.com`")?;
    let host = url.host().ok_or("a URL with a host")?;
    let loopback = match host {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    match url.scheme() {
        "https" => {}
        "http" if loopback => {}
        "http" => return Err("https: tokens are sent there; http only to this machine itself"),
        _ => return Err("a URL that begins with `https://`"),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a URL without a user or a password: nothing secret belongs into this file");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("a URL without `?` and `#`");
    }
    if filled.contains(['{', '}']) {
        return Err("a URL without braces; only `blob` may hold `{account}`, and `acr` `{registry}`");
    }
    if matches!(key, "registry" | "acr") && url.path() != "/" {
        return Err("a URL without a path: an image's path begins with the project");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (key, text) in [
            ("graph", "https://graph.microsoft.com"),
            ("graph", "https://127.0.0.1:8443/"),
            ("sts", "http://127.0.0.1:8080"),
            ("sts", "http://127.9.9.9:1"),
            ("sts", "http://[::1]:8080"),
            ("sts", "http://localhost:8080"),
            ("blob", "https://{account}.blob.core.usgovcloudapi.net"),
            ("blob", "https://127.0.0.1:8443"),
            ("blob", "https://127.0.0.1:8443/{account}"),
            ("registry", "https://europe-docker.pkg.dev/"),
            ("acr", "https://{registry}.azurecr.us"),
            ("acr", "http://127.0.0.1:5000"),
        ] {
            assert_eq!(check(text, key), Ok(()), "{text}");
        }
        for (key, text, expected) in [
            ("graph", "graph.microsoft.com", "a URL"),
            ("graph", "", "a URL"),
            ("graph", "http://graph.microsoft.com", "https:"),
            ("graph", "http://127.0.0.1.example.com", "https:"),
            ("graph", "http://localhost.example.com", "https:"),
            ("graph", "ftp://127.0.0.1", "a URL that begins"),
            ("graph", "https://user:secret@host", "a URL without a user"),
            ("graph", "https://host/?a=b", "a URL without `?`"),
            ("graph", "https://{account}.host", "a URL"),
            ("registry", "https://host/path", "a URL without a path"),
            ("acr", "https://host/{registry}", "a URL without a path"),
            ("acr", "https://{account}.host", "a URL"),
        ] {
            let error = check(text, key).unwrap_err();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
    }
}
