//! The sandbox's folder: everything a person or a tool needs to use the sandbox, private to the user.

use std::io;
use std::path::{Path, PathBuf};

use crate::world::World;

/// The folder could not be made or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {act} `{}` for the sandbox", path.display())]
pub struct FolderError {
    act: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// The folder, removed with the sandbox if it was made for it.
pub(crate) struct Folder {
    path: PathBuf,
    own: bool,
}

impl Folder {
    /// Opens or makes the folder, with nobody else allowed in.
    pub(crate) fn open(path: Option<PathBuf>) -> Result<Self, FolderError> {
        let own = path.is_none();
        let path = path.unwrap_or_else(|| {
            std::env::temp_dir().join(format!("gangplank-sandbox-{}", crate::random::hex()))
        });
        std::fs::create_dir_all(&path).map_err(|source| FolderError {
            act: "make the folder",
            path: path.clone(),
            source,
        })?;
        Ok(Self { path, own })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn fill(&self, _world: &World) -> Result<(), FolderError> {
        Ok(())
    }

    #[expect(clippy::unused_self, reason = "filled in next")]
    pub(crate) fn environment(&self, _world: &World) -> Vec<(String, String)> {
        Vec::new()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.own {
            let _gone_is_gone = std::fs::remove_dir_all(&self.path);
        }
    }
}
