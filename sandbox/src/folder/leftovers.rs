//! Folders of sandboxes that were killed and could not remove them. The next sandbox that makes one for itself does.

use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

/// What the names of folders begin with that a sandbox makes for itself.
pub(super) const PREFIX: &str = "gangplank-sandbox-";

/// Younger folders are left alone: somebody may be about to take theirs.
const AGE: Duration = Duration::from_mins(10);

/// Removes what is in `parent` and nobody's any more: of the same user as `own`, with a lock that no process holds. What
/// cannot be looked at or removed stays.
pub(super) fn sweep(parent: &Path, own: &Path) {
    let (Ok(entries), Ok(own)) = (std::fs::read_dir(parent), std::fs::symlink_metadata(own)) else { return };
    for entry in entries.flatten() {
        let named = entry.file_name().to_string_lossy().starts_with(PREFIX);
        let Ok(found) = std::fs::symlink_metadata(entry.path()) else { continue };
        if named && found.is_dir() && found.uid() == own.uid() {
            remove_if_left(&entry.path());
        }
    }
}

fn remove_if_left(folder: &Path) {
    let Ok(lock) = File::open(folder.join("lock")) else { return };
    if lock.metadata().is_ok_and(|it| is_old(&it)) && lock.try_lock().is_ok() {
        super::unlock(folder);
        let _stays_if_it_must = std::fs::remove_dir_all(folder);
    }
}

fn is_old(lock: &Metadata) -> bool {
    lock.modified().ok().and_then(|at| at.elapsed().ok()).is_some_and(|age| age > AGE)
}
