//! The sandbox's folder: everything a person or a tool needs to use the sandbox, private to the user (0700, files 0600).

mod azure_cli;
mod leftovers;
mod log_ins;
mod text;

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::world::Shared;
use crate::{cluster, random, seed};
use azure_cli::Questions;

/// How long the service-account token of the pipeline lives, as a kubelet would project it.
const TOKEN_LIFETIME: Duration = Duration::from_hours(1);
/// The permissions of everybody but the owner.
const OTHERS: u32 = 0o077;
/// Where operating systems keep the certificate authorities they trust.
const SYSTEM_ROOTS: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The folder could not be made or written.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
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
    /// The folder is somebody's, with things in it that others may read.
    #[error(
        "the folder `{}` is open to other users and not empty, expected an empty or a private one; choose a new folder, \
         or `chmod 700` this one",
        path.display()
    )]
    Open {
        /// The folder.
        path: PathBuf,
    },
    /// Another sandbox uses it.
    #[error("the folder `{}` is used by another sandbox (process {process}); end that one, or choose another folder", path.display())]
    Used {
        /// The folder.
        path: PathBuf,
        /// Whose it is.
        process: String,
    },
    /// Something in it could not be made.
    #[error("no {what} can be made for the folder: {why}")]
    Content {
        /// What.
        what: &'static str,
        /// Why not.
        why: String,
    },
}

/// The folder, removed with the sandbox if it was made for it.
pub(crate) struct Folder {
    path: PathBuf,
    own: bool,
    /// Held as long as the folder is used.
    lock: File,
}

impl Folder {
    /// Opens or makes the folder, with nobody else allowed in.
    pub(crate) fn open(path: Option<PathBuf>) -> Result<Self, FolderError> {
        let Some(path) = path else {
            let parent = std::env::temp_dir();
            let path = parent.join(format!("{}{}", leftovers::PREFIX, random::hex()));
            make(&path)?;
            let lock = lock(&path)?;
            leftovers::sweep(&parent, &path);
            return Ok(Self { path, own: true, lock });
        };
        let absolute = std::path::absolute(&path).map_err(io_error("find", &path))?;
        match std::fs::metadata(&absolute) {
            Ok(found) if found.is_dir() => close_to_others(&absolute, &found.permissions())?,
            Ok(_) => {
                let not_a_folder = io::Error::from(io::ErrorKind::NotADirectory);
                return Err(io_error("use the folder", &absolute)(not_a_folder));
            }
            Err(_) => make(&absolute)?,
        }
        let lock = lock(&absolute)?;
        Ok(Self { path: absolute, own: false, lock })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes everything.
    pub(crate) fn fill(&self, world: &Shared) -> Result<(), FolderError> {
        let addresses =
            world.addresses().ok_or_else(|| content("address list", &"the sandbox has no addresses"))?;
        for folder in ["bin", "samples"] {
            let path = self.path.join(folder);
            if !path.is_dir() {
                make(&path)?;
            }
        }
        self.write("ca.pem", &world.authority.certificate)?;
        self.write("bundle.pem", &bundle(&world.authority.certificate))?;
        self.write("addresses.json", &pretty(&json!(addresses)))?;
        self.write("bridge.yaml", &text::bridge(addresses))?;
        self.write("adc.json", &pretty(&application_default_credentials(world)?))?;
        self.write("kubeconfig", &text::kubeconfig(addresses, &world.authority.certificate, &self.path))?;
        self.write("env", &text::environment(&self.environment(world), &self.path.join("bin")))?;
        for log_in in log_ins::all(world, addresses, &self.path) {
            self.write(&format!("{}.env", log_in.name), &log_in.lines())?;
        }
        self.write("certificate-ci.pem", &world.azure.certificate.pem)?;
        for (model, sample) in seed::SAMPLES {
            self.write(&format!("samples/{model}.json"), &String::from_utf8_lossy(sample))?;
        }
        azure_cli::prepare(&self.path)?;
        self.write("bin/az", &azure_cli::script(&self.path))?;
        let az = self.path.join("bin/az");
        std::fs::set_permissions(&az, Permissions::from_mode(0o700))
            .map_err(io_error("make executable", &az))?;
        self.renew(world)
    }

    /// Opens what the Azure CLI's stand-in asks through.
    pub(crate) async fn questions(&self) -> Result<Vec<Questions>, FolderError> {
        azure_cli::listen(&self.path).await
    }

    /// Writes fresh tokens in the place of those that age.
    pub(crate) fn renew(&self, world: &Shared) -> Result<(), FolderError> {
        Renewal { path: self.path.clone() }.renew(world)
    }

    /// What renews the tokens, for a task that outlives the borrow.
    pub(crate) fn renewal(&self) -> Renewal {
        Renewal { path: self.path.clone() }
    }

    /// See [`crate::Sandbox::environment`].
    pub(crate) fn environment(&self, world: &Shared) -> Vec<(String, String)> {
        let file = |name: &str| self.path.join(name).display().to_string();
        let address = |pick: fn(&crate::world::Addresses) -> std::net::SocketAddr| {
            world.addresses().map(|it| pick(it).to_string()).unwrap_or_default()
        };
        let pairs = [
            ("GANGPLANK_FILE", file("bridge.yaml")),
            ("GANGPLANK_SANDBOX", format!("http://{}", address(|it| it.control))),
            ("SSL_CERT_FILE", file("bundle.pem")),
            ("REQUESTS_CA_BUNDLE", file("bundle.pem")),
            ("NO_PROXY", "127.0.0.1,localhost".to_owned()),
            ("AZURE_TENANT_ID", seed::TENANT.to_owned()),
            ("AZURE_CLIENT_ID", seed::ONCOLOGY_CI.client_id.to_owned()),
            ("AZURE_FEDERATED_TOKEN_FILE", file("oncology-ci.token")),
            ("AZURE_AUTHORITY_HOST", format!("https://{}/", address(|it| it.entra))),
            ("GOOGLE_APPLICATION_CREDENTIALS", file("adc.json")),
            ("KUBECONFIG", file("kubeconfig")),
        ];
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn write(&self, name: &str, text: &str) -> Result<(), FolderError> {
        write(&self.path.join(name), text)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Closing is not enough: a process that is just being started may have a copy of the file for a moment.
        let _given_back_by_closing = self.lock.unlock();
        if self.own && std::fs::remove_dir_all(&self.path).is_err() {
            unlock(&self.path);
            let _gone_or_somebody_elses = std::fs::remove_dir_all(&self.path);
        }
    }
}

/// Writes fresh tokens into a folder.
pub(crate) struct Renewal {
    path: PathBuf,
}

impl Renewal {
    /// Writes every token anew.
    pub(crate) fn renew(&self, world: &Shared) -> Result<(), FolderError> {
        let token = cluster::service_account_token(
            world,
            "ci",
            "oncology-ci",
            "api://AzureADTokenExchange",
            TOKEN_LIFETIME,
        )
        .map_err(|error| content("service-account token", &error))?;
        write(&self.path.join("oncology-ci.token"), &token)?;
        world.minted.remember(&world.cluster.admin_token);
        write(&self.path.join("cluster-admin.token"), &world.cluster.admin_token)?;
        azure_cli::renew(&self.path, world)
    }
}

fn io_error(act: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FolderError {
    let path = path.to_owned();
    move |source| FolderError::Io { act, path, source }
}

fn content(what: &'static str, why: &impl ToString) -> FolderError {
    FolderError::Content { what, why: why.to_string() }
}

fn make(path: &Path) -> Result<(), FolderError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io_error("make the folder", path))
}

/// Takes the folder for this process; the system gives it back when the process ends, however it ends.
fn lock(folder: &Path) -> Result<File, FolderError> {
    let path = folder.join("lock");
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let mut file = options.open(&path).map_err(io_error("open", &path))?;
    if file.try_lock().is_err() {
        let process = std::fs::read_to_string(&path).unwrap_or_default();
        return Err(FolderError::Used { path: folder.to_owned(), process: process.trim().to_owned() });
    }
    let written = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
    written.map_err(io_error("write", &path))?;
    Ok(file)
}

/// An empty folder is made private; a private one is fine; anything else is left alone.
fn close_to_others(path: &Path, permissions: &Permissions) -> Result<(), FolderError> {
    if permissions.mode() & OTHERS == 0 {
        return Ok(());
    }
    let mut entries = std::fs::read_dir(path).map_err(io_error("read the folder", path))?;
    if entries.next().is_some() {
        return Err(FolderError::Open { path: path.to_owned() });
    }
    std::fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(io_error("make private", path))
}

/// Writes beside and renames, so that a reader sees the old text or the new, and a full disk spoils neither.
fn write(path: &Path, text: &str) -> Result<(), FolderError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", random::hex()));
    let beside = PathBuf::from(beside);
    let written =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            std::fs::rename(&beside, path)
        });
    if written.is_err() {
        let _was_never_there = std::fs::remove_file(&beside);
    }
    written.map_err(io_error("write", path))
}

/// Unpacked images may hold folders that forbid removing what is in them.
fn unlock(folder: &Path) {
    let _still_locked = std::fs::set_permissions(folder, Permissions::from_mode(0o700));
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            unlock(&entry.path());
        }
    }
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

/// The system's certificate authorities and ours: `SSL_CERT_FILE` replaces the system's, it does not add to them.
fn bundle(certificate: &str) -> String {
    let system = SYSTEM_ROOTS.iter().find_map(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
    format!("{}\n{certificate}", system.trim_end())
}

fn application_default_credentials(world: &Shared) -> Result<Value, FolderError> {
    let credentials = world.google.administrator_credentials();
    let mut file = serde_json::to_value(credentials)
        .map_err(|error| content("application-default credentials", &error))?;
    let oauth2 = world.addresses().map(|it| format!("http://{}/token", it.oauth2));
    if let Some(file) = file.as_object_mut() {
        file.insert("token_uri".to_owned(), json!(oauth2));
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_free_again_although_a_child_has_a_copy_of_its_lock() {
        let outer = tempfile::tempdir().unwrap();
        let open = || Folder::open(Some(outer.path().join("kept")));
        let folder = open().unwrap();
        let copy = folder.lock.try_clone().unwrap();
        assert!(matches!(open(), Err(FolderError::Used { .. })));
        drop(folder);
        open().unwrap();
        drop(copy);
    }

    #[test]
    fn a_folder_of_ones_own_is_private_and_goes_away() {
        let folder = Folder::open(None).unwrap();
        let path = folder.path().to_owned();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        folder.write("x", "secret").unwrap();
        assert_eq!(std::fs::metadata(path.join("x")).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::create_dir(path.join("locked")).unwrap();
        std::fs::write(path.join("locked/file"), "").unwrap();
        std::fs::set_permissions(path.join("locked"), Permissions::from_mode(0o500)).unwrap();
        drop(folder);
        assert!(!path.exists());
    }

    #[test]
    fn a_given_folder_must_be_empty_or_private() {
        let outer = tempfile::tempdir().unwrap();
        let open = outer.path().join("open");
        std::fs::create_dir(&open).unwrap();
        std::fs::set_permissions(&open, Permissions::from_mode(0o755)).unwrap();
        drop(Folder::open(Some(open.clone())).unwrap());
        assert_eq!(std::fs::metadata(&open).unwrap().permissions().mode() & 0o777, 0o700);

        std::fs::write(open.join("diary"), "").unwrap();
        std::fs::set_permissions(&open, Permissions::from_mode(0o755)).unwrap();
        assert!(matches!(Folder::open(Some(open.clone())), Err(FolderError::Open { .. })));
        assert!(matches!(Folder::open(Some(open.join("diary"))), Err(FolderError::Io { .. })));
        let below_a_file = open.join("diary/below");
        let error = Folder::open(Some(below_a_file)).err().unwrap().to_string();
        assert!(error.starts_with("cannot make the folder `"), "{error}");
    }
}
