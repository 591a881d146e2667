//! What a sandbox keeps between two runs: `state.json` in its data folder, written whole beside the old one and then
//! renamed, so that a crash leaves one or the other.

mod saving;

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::serve;
use crate::world::Shared;
use crate::{azure, cluster, google};
pub(crate) use saving::{bytes, is_shown, pairs, saving};

/// The file's name.
const FILE: &str = "state.json";
/// How the file is laid out; a change of it that older sandboxes cannot read is another version.
const VERSION: u64 = 1;
/// How soon after a change the state is written.
const SOON: Duration = Duration::from_millis(300);

/// The state cannot be kept, or what was kept cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The system said no.
    #[error("cannot {act} `{}`", path.display())]
    Io {
        /// What was tried.
        act: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another version of the sandbox wrote it.
    #[error(
        "`{}` is of version {found}, expected version {VERSION}: another gangplank wrote it; use that one, or another folder",
        path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
    },
    /// It is not what a sandbox writes.
    #[error("`{}` is not what a sandbox keeps: {why}; use another folder", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

/// Everything that is kept.
#[derive(Serialize, Deserialize)]
pub(crate) struct Saved {
    version: u64,
    /// By service: issuers and endpoints hold ports, so that a sandbox must come back where it was.
    pub(crate) ports: BTreeMap<String, u16>,
    pub(crate) ahead_seconds: u64,
    pub(crate) authority: serve::SavedAuthority,
    pub(crate) azure: azure::Saved,
    pub(crate) google: google::Saved,
    pub(crate) cluster: cluster::Saved,
}

/// What was kept in `folder`, if anything was.
pub(crate) fn read(folder: &Path) -> Result<Option<Saved>, DataError> {
    let path = folder.join(FILE);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(DataError::Io { act: "read", path, source }),
    };
    let unreadable =
        |error: serde_json::Error| DataError::Unreadable { path: path.clone(), why: error.to_string() };
    let value: serde_json::Value = serde_json::from_slice(&text).map_err(unreadable)?;
    match value.get("version").and_then(serde_json::Value::as_u64) {
        Some(VERSION) => serde_json::from_value(value).map(Some).map_err(unreadable),
        Some(found) => Err(DataError::Version { path, found }),
        None => Err(DataError::Unreadable { path, why: "it has no `version`".to_owned() }),
    }
}

/// Keeps the state of `world` in its folder.
pub(crate) fn write(world: &Shared) -> Result<(), DataError> {
    let ports = json!(world.addresses());
    let ports = ports.as_object().into_iter().flatten().filter_map(|(service, address)| {
        let address: std::net::SocketAddr = address.as_str()?.parse().ok()?;
        Some((service.clone(), address.port()))
    });
    let saved = Saved {
        version: VERSION,
        ports: ports.collect(),
        ahead_seconds: world.clock.ahead().as_secs(),
        authority: world.authority.saved(),
        azure: world.azure.saved(),
        google: world.google.saved(),
        cluster: world.cluster.saved(),
    };
    let path = world.folder.join(FILE);
    let text = saving(|| serde_json::to_vec(&saved));
    let text = text.map_err(|error| DataError::Unreadable { path: path.clone(), why: error.to_string() })?;
    replace(&path, &text).map_err(|source| DataError::Io { act: "write", path, source })
}

/// Writes beside, to the disk, and renames.
fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("json.new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// Keeps the state soon after every change, until aborted.
pub(crate) async fn keep(world: Shared) {
    let mut cluster = world.cluster.changes();
    loop {
        tokio::select! {
            () = world.changed.notified() => {}
            changed = cluster.changed() => if changed.is_err() { return },
        }
        tokio::time::sleep(SOON).await;
        cluster.mark_unchanged();
        if let Err(error) = write(&world) {
            tracing::warn!(%error, "the sandbox's state is not kept");
        }
    }
}
