//! Where the files of a model version are: the forms of URI that Azure ML writes, and the storage behind a datastore.

use bridge::port::{PortResult, Refused};
use url::Url;

use crate::error;

const SERVICE: &str = "Azure ML";

/// A container and a path in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Storage account.
    pub(super) account: String,
    /// Container.
    pub(super) container: String,
    /// A blob, or the folder of several; no slash at either end.
    pub(super) path: String,
}

/// What a model version's URI says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Location {
    /// A path in a datastore of the workspace.
    Datastore {
        /// The datastore's name.
        datastore: String,
        /// The path.
        path: String,
    },
    /// A path in a container.
    Container(Place),
}

impl Location {
    /// Reads `azureml://[subscriptions/…/]datastores/NAME/paths/PATH` or `https://ACCOUNT.blob.…/CONTAINER/PATH`.
    pub(super) fn parse(uri: &str) -> PortResult<Self> {
        let location = match uri.strip_prefix("azureml://") {
            Some(rest) => Self::datastore(rest),
            None => Self::container(uri),
        };
        location.ok_or_else(|| {
            let problem = format!(
                "the model's files are at `{uri}`; expected `azureml://…/datastores/NAME/paths/PATH` or \
                 `https://ACCOUNT.blob.…/CONTAINER/PATH`"
            );
            error::own(SERVICE, Refused::Invalid, problem)
        })
    }

    fn datastore(rest: &str) -> Option<Self> {
        let at = if rest.starts_with("datastores/") { 0 } else { rest.find("/datastores/")? + 1 };
        let (_, after) = rest.get(at..)?.split_once('/')?;
        let (datastore, path) = after.split_once("/paths/")?;
        let path = clean(path)?;
        let plain = !datastore.is_empty() && !datastore.contains('/');
        plain.then(|| Self::Datastore { datastore: datastore.to_owned(), path })
    }

    fn container(uri: &str) -> Option<Self> {
        let url = Url::parse(uri).ok().filter(|url| url.scheme() == "https")?;
        let host = url.host_str()?;
        let decoded = decoded(url.path())?;
        let path = decoded.trim_start_matches('/');
        // `ACCOUNT.blob.core.windows.net`, or path style: an address, then the account.
        let (account, path) = match host.split_once('.') {
            Some((account, service)) if service.starts_with("blob.") => (account, path),
            _ => path.split_once('/')?,
        };
        let (container, path) = path.split_once('/')?;
        let place =
            Place { account: account.to_owned(), container: container.to_owned(), path: clean(path)? };
        (!place.account.is_empty() && !place.container.is_empty()).then_some(Self::Container(place))
    }
}

/// The URL of a container. `endpoint` holds `{account}`, or the account comes first in the path.
pub(super) fn container_url(endpoint: &str, account: &str, container: &str) -> PortResult<Url> {
    let endpoint = endpoint.trim_end_matches('/');
    let text = if endpoint.contains("{account}") {
        format!("{}/{container}", endpoint.replace("{account}", account))
    } else {
        format!("{endpoint}/{account}/{container}")
    };
    identity::http::service_address(&text)
        .map_err(|problem| error::own("Azure Blob Storage", Refused::Invalid, problem.to_string()))
}

/// The URL of a blob: its name's slashes are slashes of the path.
pub(super) fn blob_url(container: &Url, name: &str) -> Option<Url> {
    let mut url = container.clone();
    url.path_segments_mut().ok()?.extend(name.split('/'));
    Some(url)
}

fn clean(path: &str) -> Option<String> {
    let path = path.trim_matches('/');
    (!path.is_empty()).then(|| path.to_owned())
}

fn decoded(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn datastore(name: &str, path: &str) -> Location {
        Location::Datastore { datastore: name.to_owned(), path: path.to_owned() }
    }

    fn container(account: &str, container: &str, path: &str) -> Location {
        let (account, container, path) = (account.to_owned(), container.to_owned(), path.to_owned());
        Location::Container(Place { account, container, path })
    }

    #[test]
    fn every_form_of_uri_is_read() {
        let long = "azureml://subscriptions/S/resourceGroups/RG/workspaces/W/datastores/workspaceblobstore/paths/a/b.onnx";
        for (uri, expected) in [
            (long, datastore("workspaceblobstore", "a/b.onnx")),
            ("azureml://datastores/store/paths/LocalUpload/1/m/", datastore("store", "LocalUpload/1/m")),
            ("https://quay.blob.core.windows.net/models/a/b%20c", container("quay", "models", "a/b c")),
            ("https://127.0.0.1:1234/quay/models/a", container("quay", "models", "a")),
        ] {
            assert_eq!(Location::parse(uri).unwrap(), expected, "{uri}");
        }
    }

    #[test]
    fn other_uris_are_refused() {
        for uri in [
            "",
            "azureml://datastores/store/paths/",
            "azureml://datastores//paths/a",
            "azureml://jobs/j/outputs/o",
            "http://quay.blob.core.windows.net/models/a",
            "https://quay.blob.core.windows.net/models",
            "https://quay.blob.core.windows.net/models/%zz",
            "runs:/1/model",
        ] {
            assert_eq!(Location::parse(uri).unwrap_err().kind, Refused::Invalid, "{uri}");
        }
    }

    #[test]
    fn containers_are_below_the_account_or_its_host() {
        let public = container_url("https://{account}.blob.core.windows.net", "quay", "models").unwrap();
        assert_eq!(public.as_str(), "https://quay.blob.core.windows.net/models");
        let style = container_url("https://127.0.0.1:1/", "quay", "models").unwrap();
        assert_eq!(style.as_str(), "https://127.0.0.1:1/quay/models");
        assert!(container_url("http://blob.example", "quay", "models").is_err());
        let blob = blob_url(&style, "a b/c?d").unwrap();
        assert_eq!(blob.as_str(), "https://127.0.0.1:1/quay/models/a%20b/c%3Fd");
    }
}
