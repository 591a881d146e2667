//! A container's files on the host: the unpacked image, and volumes over it. There is no mount namespace here, so paths
//! that mean something in the container are translated to where they lie.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::super::State;
use super::super::json::{entries, list, text};
use super::super::kinds::CONFIG_MAP;
use super::super::store::Key;
use super::root::resolve;

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
pub(super) fn volumes(state: &State, pod: &Value, folder: &Path) -> Result<Vec<(String, PathBuf)>, String> {
    list(pod, "/spec/volumes")
        .iter()
        .map(|volume| {
            let name = text(volume, "/name").to_owned();
            let place = folder.join("volumes").join(&name);
            let failed = |error: std::io::Error| format!("volume \"{name}\": {error}");
            std::fs::create_dir_all(&place).map_err(failed)?;
            if let Some(source) = volume.get("configMap") {
                config_map(state, pod, source, &place)?;
            } else if volume.get("emptyDir").is_none() {
                return Err(format!(
                    "volume \"{name}\": the sandbox's node mounts emptyDir and configMap volumes only"
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
    for (key, value) in entries(&map, "/data") {
        let sound = !key.contains('/') && key != "." && key != "..";
        if sound {
            std::fs::write(place.join(key), value.as_str().unwrap_or_default())
                .map_err(|error| error.to_string())?;
        }
    }
    Ok(())
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
