//! A Google service account's ID token as log-in, from the metadata server of a Google machine or pod: the way back, from
//! GKE to Azure. <https://docs.cloud.google.com/compute/docs/instances/verifying-instance-identity>

use std::time::Duration;

use async_trait::async_trait;

use super::assertion::Assertion;
use super::issuer::Issuer;
use super::login::{CLIENT_ID, Login, Opened, setup};
use super::{SourceError, SourceKind, machine};
use crate::answer::{Patience, is_busy};
use crate::http::machine_address;
use crate::secret::Secret;

/// Names another metadata server, as Google's libraries read it.
pub(super) const METADATA_HOST: &str = "GCE_METADATA_HOST";
const HOST: &str = "metadata.google.internal";
const PATH: &str = "/computeMetadata/v1/instance/service-accounts/default/identity";
const FLAVOR: (&str, &str) = ("Metadata-Flavor", "Google");

/// The server is on the machine, or nowhere.
const PATIENCE: Patience =
    Patience { tries: 3, pause: Duration::from_millis(200), again: is_busy, unreachable: false };

pub(super) fn found(login: &Login) -> Result<String, String> {
    login.all_set(&[CLIENT_ID])
}

pub(super) fn open(login: &Login) -> Result<Opened, SourceError> {
    let missing = || SourceError::NotHere {
        name: super::SourceName::Google,
        reason: format!("`{CLIENT_ID}` is not set; it names the Azure identity to become"),
    };
    let client_id = login.get(CLIENT_ID).map(str::to_owned).ok_or_else(missing)?;
    let host = login.get(METADATA_HOST).unwrap_or(HOST).to_owned();
    let mut address = machine_address(&format!("http://{host}{PATH}")).map_err(|error| setup(&error))?;
    address
        .query_pairs_mut()
        .append_pair("audience", login.exchange_audience())
        .append_pair("format", "full");
    let kind = SourceKind::Google { client_id: client_id.clone(), host };
    let (who, http) = (kind.to_string(), machine::client()?);
    let issuer = Issuer { service: "Google's metadata server", who, address, http };
    login.by_assertion(kind, client_id, ServiceAccount { issuer })
}

/// The machine's service account.
#[derive(Debug)]
struct ServiceAccount {
    issuer: Issuer,
}

#[async_trait]
impl Assertion for ServiceAccount {
    async fn assertion(&self) -> Result<Secret, SourceError> {
        let ask = || self.issuer.http.get(self.issuer.address.clone()).header(FLAVOR.0, FLAVOR.1);
        let answer = self.issuer.ask(PATIENCE, ask).await?;
        if !answer.is_success() {
            return Err(self.issuer.refused(&answer));
        }
        // Somebody else's server at that address would not say so.
        if answer.headers.get(FLAVOR.0).is_none_or(|flavor| flavor != FLAVOR.1) {
            return Err(self.issuer.malformed("it does not carry the header `Metadata-Flavor: Google`"));
        }
        self.issuer.token(answer.text.trim())
    }
}
