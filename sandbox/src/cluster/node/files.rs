//! A container's files on the host: the unpacked image, and volumes over it. There is no mount namespace here, so paths
//! that mean something in the container are translated to where they lie.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::super::json::{entries, list, number, text};
use super::super::kinds::CONFIG_MAP;
use super::super::store::Key;
use super::super::{State, issuer};
use super::root::resolve;
use crate::world::Shared;

/// How long projected tokens live unless said otherwise, and at least, in seconds:
/// `kubernetes.io/docs/concepts/storage/projected-volumes/#serviceaccounttoken`.
const TOKEN_LIFE: i64 = 3600;
const SHORTEST_TOKEN_LIFE: i64 = 600;

/// Where a container's paths lie.
#[derive(Debug, Clone)]
pub(super) struct Files {
    root: PathBuf,
    /// Mount path in the container, folder on the host; the longest mount path first.
    mounts: Vec<(PathBuf, PathBuf)>,
}

impl Files {
    /// The image at `root` with the pod's `volumes` (by name) where the container mounts them.
    pub(super) fn new(root: PathBuf, container: &Value, volumes: &[(String, PathBuf)]) -> Self {
        let mut mounts: Vec<(PathBuf, PathBuf)> = list(container, "/volumeMounts")
            .iter()
            .filter_map(|mount| {
                let (_, folder) = volumes.iter().find(|(name, _)| name == text(mount, "/name"))?;
                let folder = resolve(folder, Path::new(text(mount, "/subPath"))).ok()?;
                Some((PathBuf::from(text(mount, "/mountPath")), folder))
            })
            .collect();
        mounts.sort_by_key(|(mount, _)| std::cmp::Reverse(mount.components().count()));
        Self { root, mounts }
    }

    /// The host's path of an absolute path in the container.
    pub(super) fn on_host(&self, path: &str) -> Option<PathBuf> {
        let path = Path::new(path);
        for (mount, folder) in &self.mounts {
            if let Ok(below) = path.strip_prefix(mount) {
                return resolve(folder, below).ok();
            }
        }
        resolve(&self.root, path).ok()
    }

    /// The text, or the host's path if it is an absolute path of something that is there.
    pub(super) fn translate(&self, value: &str) -> String {
        if !value.starts_with('/') || value.trim_matches('/').is_empty() {
            return value.to_owned();
        }
        match self.on_host(value).filter(|place| place.exists()) {
            Some(place) => place.display().to_string(),
            None => value.to_owned(),
        }
    }

    /// The same for lists of paths, as in `PATH`.
    pub(super) fn translate_list(&self, value: &str) -> String {
        let parts: Vec<String> = value.split(':').map(|part| self.translate(part)).collect();
        parts.join(":")
    }
}

/// Makes the folders of a pod's volumes below `folder`. Fails with what is not supported or not there.
pub(super) fn volumes(shared: &Shared, pod: &Value, folder: &Path) -> Result<Vec<(String, PathBuf)>, String> {
    let state = &shared.cluster;
    list(pod, "/spec/volumes")
        .iter()
        .map(|volume| {
            let name = text(volume, "/name").to_owned();
            let place = folder.join("volumes").join(&name);
            let failed = |error: std::io::Error| format!("volume \"{name}\": {error}");
            std::fs::create_dir_all(&place).map_err(failed)?;
            if let Some(source) = volume.get("configMap") {
                config_map(state, pod, source, &place)?;
            } else if let Some(projected) = volume.get("projected") {
                for source in list(projected, "/sources") {
                    project(shared, pod, source, &place).map_err(|why| format!("volume \"{name}\": {why}"))?;
                }
            } else if volume.get("emptyDir").is_none() {
                return Err(format!(
                    "volume \"{name}\": the sandbox's node mounts emptyDir, configMap and projected volumes only"
                ));
            }
            Ok((name, place))
        })
        .collect()
}

fn config_map(state: &State, pod: &Value, source: &Value, place: &Path) -> Result<(), String> {
    let name = text(source, "/name");
    let found = state.store.get(&Key::new(&CONFIG_MAP, text(pod, "/metadata/namespace"), name));
    let Some(map) = found else {
        let optional = super::super::json::truth(source, "/optional");
        return if optional { Ok(()) } else { Err(format!("configmap \"{name}\" not found")) };
    };
    let mode = number(source, "/defaultMode").and_then(|mode| u32::try_from(mode).ok()).unwrap_or(0o644);
    for (key, value) in entries(&map, "/data") {
        let sound = !key.contains('/') && key != "." && key != "..";
        if sound {
            let file = place.join(key);
            std::fs::write(&file, value.as_str().unwrap_or_default())
                .and_then(|()| std::fs::set_permissions(&file, Permissions::from_mode(mode)))
                .map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}

/// One source of a projected volume.
fn project(shared: &Shared, pod: &Value, source: &Value, place: &Path) -> Result<(), String> {
    if let Some(map) = source.get("configMap") {
        return config_map(&shared.cluster, pod, map, place);
    }
    let Some(wish) = source.get("serviceAccountToken") else {
        return Err("the sandbox's node projects serviceAccountToken and configMap only".to_owned());
    };
    let own = text(wish, "/audience");
    let audience =
        if own.is_empty() { shared.addresses().map(issuer::url).unwrap_or_default() } else { own.to_owned() };
    let asked = number(wish, "/expirationSeconds").unwrap_or(TOKEN_LIFE).max(SHORTEST_TOKEN_LIFE);
    let lifetime = Duration::from_secs(u64::try_from(asked).unwrap_or_default());
    let account = text(pod, "/spec/serviceAccountName");
    let account = if account.is_empty() { "default" } else { account };
    let token = issuer::mint(shared, text(pod, "/metadata/namespace"), account, &[audience], lifetime)
        .map_err(|error| error.to_string())?;
    let file = resolve(place, Path::new(text(wish, "/path"))).map_err(|error| error.to_string())?;
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
    }
    std::fs::write(&file, token)
        .and_then(|()| std::fs::set_permissions(&file, Permissions::from_mode(0o600)))
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_that_are_there_are_translated() {
        let folder = tempfile::tempdir().unwrap();
        let (root, volume) = (folder.path().join("root"), folder.path().join("volume"));
        std::fs::create_dir_all(root.join("var/models")).unwrap();
        std::fs::create_dir_all(&volume).unwrap();
        let container = json!({ "volumeMounts": [{ "name": "v", "mountPath": "/tmp" }] });
        let files = Files::new(root.clone(), &container, &[("v".to_owned(), volume.clone())]);
        let shown = |path: &Path| path.display().to_string();
        assert_eq!(files.translate("/var/models"), shown(&root.join("var/models")));
        assert_eq!(files.translate("/tmp"), shown(&volume));
        for untouched in ["/", "/score", "relative", "https://x/var/models", ""] {
            assert_eq!(files.translate(untouched), untouched);
        }
        let list = files.translate_list("/var:/nowhere");
        assert_eq!(list, format!("{}:/nowhere", shown(&root.join("var"))));
    }
}
