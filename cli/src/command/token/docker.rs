//! `gangplank token docker`: a credential helper for docker, podman, skopeo and crane, for Azure's and Google's registries
//! alike: <https://github.com/docker/docker-credential-helpers#development>.

use std::io::Read as _;
use std::path::PathBuf;

use identity::{AZURE_REGISTRY_USER, Form, GOOGLE_REGISTRY_USER};
use serde_json::{Map, Value};

use super::broker::Broker;
use super::named_file;
use super::wanted::{RegistryKind, Wanted, bare, registry_kind};
use crate::args::DockerAct;
use crate::output::out;
use crate::report::{Exit, Failure};

/// The words by which docker knows that a helper has nothing for a server, and goes on without a log-in:
/// <https://github.com/docker/docker-credential-helpers/blob/master/credentials/error.go>.
const NOT_FOUND: &str = "credentials not found in native keychain";
/// A server's name has no more bytes than a URL.
const LONGEST: u64 = 4096;

/// Answers docker. What goes wrong is said on stdout too, in one line: docker shows that and not stderr.
pub(super) fn run(
    act: DockerAct,
    named: Option<&PathBuf>,
    broker: impl Fn(PathBuf) -> Result<Broker, Failure>,
) -> Result<Exit, Failure> {
    let open = || broker(named_file(named.cloned(), "docker")?);
    let answered = match act {
        DockerAct::Version => {
            out(&format!("docker-credential-gangplank {}\n", env!("CARGO_PKG_VERSION")));
            return Ok(Exit::Fine);
        }
        DockerAct::Get => get(&open),
        DockerAct::Erase => erase(&open),
        DockerAct::List => list(&open),
        DockerAct::Store => Err(Failure::failed("nothing is stored: log-ins are made when they are needed")
            .hint("`docker login` is not needed for this registry")),
    };
    answered.inspect_err(|failure| out(&format!("{}\n", one_line(failure))))
}

fn one_line(failure: &Failure) -> String {
    let why = failure.causes.last().map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{}{why}", failure.what).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn get(open: &impl Fn() -> Result<Broker, Failure>) -> Result<Exit, Failure> {
    let server = server()?;
    let broker = open()?;
    let host = bare(&server).to_owned();
    let Some(kind) = registry_kind(&broker.context()?.bridge, &host) else {
        return Err(Failure::failed(NOT_FOUND));
    };
    let username = match kind {
        RegistryKind::Google => GOOGLE_REGISTRY_USER,
        RegistryKind::Azure => AZURE_REGISTRY_USER,
    };
    broker.hand_over(&Wanted::Registry { host }, Form::DockerCredential { server, username })
}

/// Docker says that a log-in is no longer wanted, for example since the registry refused it.
fn erase(open: &impl Fn() -> Result<Broker, Failure>) -> Result<Exit, Failure> {
    let host = bare(&server()?).to_owned();
    open()?.forget(&Wanted::Registry { host })?;
    Ok(Exit::Fine)
}

/// The registries that are known by name; any of Azure's would be answered.
fn list(open: &impl Fn() -> Result<Broker, Failure>) -> Result<Exit, Failure> {
    let bridge = open()?.context()?.bridge;
    let own = clouds::google::Addresses::of(&bridge).registry;
    let mut known = Map::new();
    known.insert(bare(&own).to_owned(), GOOGLE_REGISTRY_USER.into());
    out(&format!("{}\n", Value::Object(known)));
    Ok(Exit::Fine)
}

fn server() -> Result<String, Failure> {
    let mut server = String::new();
    let read = std::io::stdin().lock().take(LONGEST).read_to_string(&mut server);
    read.map_err(|error| Failure::failed("cannot read the server's name from stdin").because(&error))?;
    let server = server.trim().to_owned();
    if server.is_empty() {
        // The words of docker's own helpers for this case.
        return Err(Failure::failed("no credentials server URL"));
    }
    Ok(server)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docker_gets_what_and_why_in_one_line() {
        let failure =
            Failure { causes: vec!["a".to_owned(), "b\n  c".to_owned()], ..Failure::failed("no token") };
        assert_eq!(one_line(&failure), "no token: b c");
        assert_eq!(one_line(&Failure::failed(NOT_FOUND)), NOT_FOUND);
    }
}
