//! Tokens kept between runs, in files that are the user's alone.
//!
//! 1. [`StoreKey`] names a token by everything that decides whose it is and what for; the bridge file and the log-in are part
//!    of it, so another log-in finds nothing.
//! 2. [`Store::find`] answers from the folder. A file that somebody else could have written or read is not used.
//! 3. [`Store::lock`] lets one process fetch what many want.
//! 4. [`Store::keep`] writes beside and renames, and sweeps out what has expired.

mod fingerprint;
mod private;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::secret::{AccessToken, Secret};

pub use fingerprint::StoreKey;
pub use private::Unfit;

/// A token is renewed when this part of its life is left: one fifth.
const LEFT: i32 = 5;
/// How many lock files there are: enough that different tokens seldom wait for each other, few enough to leave lying.
const LOCKS: &str = "0123456789abcdef";
const PREFIX: &str = "token-";
const SUFFIX: &str = ".json";
/// The layout of a file.
const VERSION: u32 = 1;

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder or a file in it is not the user's alone.
    #[error("`{}` is not used: {problem}", path.display())]
    Unfit {
        /// The folder or file.
        path: PathBuf,
        /// What is wrong with it.
        problem: Unfit,
    },
    /// The file system said no.
    #[error("cannot {act} `{}`", path.display())]
    Io {
        /// What was tried.
        act: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

/// What the store has for a key.
#[derive(Debug)]
pub enum Found {
    /// A token with more than a fifth of its life left.
    Fresh(AccessToken),
    /// A token that still works but is due to be renewed.
    Aging(AccessToken),
    /// None.
    Nothing,
    /// A file that is not used; it will be replaced.
    Unfit(StoreError),
}

/// Held by the process that fetches a token.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// A folder of tokens.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    owner: u32,
}

/// The content of a file. No `Debug`: it holds a token.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Entry<'a> {
    version: u32,
    key: &'a str,
    issued_at: i64,
    expires_at: i64,
    token: &'a str,
}

impl Store {
    /// Opens the folder, making it (0700) if need be. One that is not the user's alone is refused.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let owner = private::folder(folder)?;
        Ok(Self { folder: folder.to_owned(), owner })
    }

    /// What there is for `key` at `now`.
    pub fn find(&self, key: &StoreKey, now: Timestamp) -> Found {
        let path = self.path(key);
        let text = match private::read(&path, self.owner) {
            Ok(Some(text)) => text,
            Ok(None) => return Found::Nothing,
            Err(error) => return Found::Unfit(error),
        };
        let Some((token, issued_at)) = entry(&text, key.as_str()) else {
            return Found::Unfit(StoreError::Unfit { path, problem: Unfit::Corrupt });
        };
        let life = token.expires_at.duration_since(issued_at);
        let left = token.expires_at.duration_since(now);
        // A file from the future is a wrong clock's: its token is not trusted to be fresh.
        if left <= SignedDuration::ZERO || issued_at > now {
            Found::Nothing
        } else if left > life / LEFT {
            Found::Fresh(token)
        } else {
            Found::Aging(token)
        }
    }

    /// Waits until no other process fetches what `key` names. Released when dropped, also by a process that dies.
    pub fn lock(&self, key: &StoreKey) -> Result<Lock, StoreError> {
        let shard = key.as_str().get(..1).filter(|digit| LOCKS.contains(digit)).unwrap_or("0");
        let path = self.folder.join(format!("lock-{shard}"));
        let file = private::open_lock(&path, self.owner)?;
        file.lock().map_err(|source| StoreError::Io { act: "lock", path, source })?;
        Ok(Lock { _file: file })
    }

    /// Keeps a token, and removes every one that has expired.
    pub fn keep(&self, key: &StoreKey, token: &AccessToken, now: Timestamp) -> Result<(), StoreError> {
        let entry = Entry {
            version: VERSION,
            key: key.as_str(),
            issued_at: now.as_second(),
            expires_at: token.expires_at.as_second(),
            token: token.secret.expose(),
        };
        let path = self.path(key);
        let text = serde_json::to_vec(&entry).map_err(|error| StoreError::Io {
            act: "write",
            path: path.clone(),
            source: error.into(),
        })?;
        private::replace(&path, &text)?;
        self.sweep(now);
        Ok(())
    }

    /// Removes one token; whether there was one.
    pub fn remove(&self, key: &StoreKey) -> Result<bool, StoreError> {
        private::remove(&self.path(key))
    }

    /// Removes every token; how many there were.
    pub fn forget(&self) -> Result<usize, StoreError> {
        let mut removed = 0;
        for path in self.files()? {
            removed += usize::from(private::remove(&path)?);
        }
        Ok(removed)
    }

    fn sweep(&self, now: Timestamp) {
        for path in self.files().unwrap_or_default() {
            let expired = match private::read(&path, self.owner) {
                Ok(Some(text)) => expiry(&text).is_none_or(|end| end <= now.as_second()),
                Ok(None) => false,
                Err(_) => true,
            };
            if expired {
                let _another_process_was_first = private::remove(&path);
            }
        }
    }

    fn files(&self) -> Result<Vec<PathBuf>, StoreError> {
        let failed = |source| StoreError::Io { act: "read", path: self.folder.clone(), source };
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&self.folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            let ours = name.to_str().is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX));
            if ours {
                files.push(entry.path());
            }
        }
        Ok(files)
    }

    fn path(&self, key: &StoreKey) -> PathBuf {
        self.folder.join(format!("{PREFIX}{}{SUFFIX}", key.as_str()))
    }
}

fn entry(text: &[u8], key: &str) -> Option<(AccessToken, Timestamp)> {
    let entry: Entry<'_> = serde_json::from_slice(text).ok()?;
    if entry.version != VERSION || entry.key != key {
        return None;
    }
    let secret = Secret::token(entry.token.to_owned()).ok()?;
    let expires_at = Timestamp::from_second(entry.expires_at).ok()?;
    Some((AccessToken { secret, expires_at }, Timestamp::from_second(entry.issued_at).ok()?))
}

fn expiry(text: &[u8]) -> Option<i64> {
    serde_json::from_slice::<Entry<'_>>(text).ok().map(|entry| entry.expires_at)
}
