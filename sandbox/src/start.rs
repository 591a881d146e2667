//! Starting and stopping a sandbox: ports, certificates, the seeded world, the services, the cluster, the folder.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use crate::clock::Clock;
use crate::data::{self, DataError, Saved};
use crate::folder::{Folder, FolderError, Renewal};
use crate::load::{self, Problem};
use crate::propagation::Lagging;
use crate::scenario::{self, PatchError};
use crate::serve::{self, Authority, CertificateError, Listening, Wire};
use crate::services::Scheme;
use crate::signing::SigningError;
use crate::transcript::{self, Transcript};
use crate::world::{Addresses, Faults, Minted, SERVICES, Shared, World};
use crate::{azure, cluster, google, pipelines, services};

/// How often the tokens in the folder are made anew; they live an hour.
const RENEW_EVERY: Duration = Duration::from_mins(20);

/// Where consecutive ports that are to stay are looked for: below those that systems give out by themselves.
const FIRST_PORTS: std::ops::Range<u16> = 21_000..32_000;
/// From one try to the next.
const FIRST_PORTS_STEP: usize = 50;

/// How a sandbox is to be started.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The first of as many consecutive ports as there are services ([`SERVICES`]); `None` lets the system choose.
    pub base_port: Option<u16>,
    /// Where tokens, certificates and the ready-made bridge file are left; `None` makes a fresh private folder that
    /// goes away with the sandbox.
    pub folder: Option<PathBuf>,
    /// Keep everything that is set up in the folder, and begin with what was kept there. Without a folder it does nothing.
    pub keep: bool,
    /// Where to write every request and its answer, without secrets.
    pub transcript: Option<PathBuf>,
}

/// Why a sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A fixed port is somebody else's.
    #[error(
        "port {port} for `{service}` is taken; choose another first port, or none to let the system choose"
    )]
    PortTaken {
        /// The service that wanted it.
        service: &'static str,
        /// The port.
        port: u16,
    },
    /// The last of the consecutive ports would be beyond 65535.
    #[error("no room for {} consecutive ports from {first} on, expected a first port of 1 to {}", SERVICES.len(), last_base())]
    NoRoom {
        /// The first port asked for.
        first: u16,
    },
    /// Listening failed for another reason.
    #[error("cannot listen on loopback for `{service}`")]
    Listen {
        /// The service.
        service: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// No certificates.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// No signing keys.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// The transcript cannot be written.
    #[error("cannot write the transcript `{}`", path.display())]
    Transcript {
        /// Its file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The folder cannot be written.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The seeded package's image cannot be stored.
    #[error("cannot store the seeded package's image in the container registry")]
    Package(#[source] io::Error),
    /// What was kept cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A port that issuers and endpoints hold is somebody else's now.
    #[error(
        "port {port} for `{service}` is taken, and what is kept in `{}` names it; end who uses it, or choose another folder",
        folder.display()
    )]
    KeptPortTaken {
        /// The service that wants it.
        service: &'static str,
        /// The port.
        port: u16,
        /// The data folder.
        folder: PathBuf,
    },
    /// Another first port than what is kept was made with.
    #[error("what is kept in `{}` has its ports; start it without a first port", folder.display())]
    KeptPorts {
        /// The data folder.
        folder: PathBuf,
    },
    /// The cluster did not come up.
    #[error("the cluster did not start: {0}")]
    Cluster(String),
}

/// Both clouds, running. [`Sandbox::stop`] ends it; dropping it ends the cluster's processes and, with the runtime's
/// next turn, the listeners.
pub struct Sandbox {
    /// What the sandbox knows. Tests look and change here.
    pub world: Shared,
    folder: Folder,
    listening: Option<Listening>,
    renewing: AbortHandle,
    answering: Vec<AbortHandle>,
    keeping: Option<AbortHandle>,
}

impl Sandbox {
    /// Starts every service; returns once all of them answer and the cluster's node is ready.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let keep = options.keep && options.folder.is_some();
        let (folder, bound, saved) = if keep {
            let folder = Folder::open(options.folder)?;
            let saved = data::read(folder.path())?;
            let bound = bind_kept(options.base_port, saved.as_ref(), folder.path()).await?;
            (folder, bound, saved)
        } else {
            let bound = bind_all(options.base_port).await?;
            (Folder::open(options.folder)?, bound, None)
        };
        let transcript = options.transcript.map(begin).transpose()?;
        let restored = saved.is_some();
        let world = Arc::new(world(&folder, &bound, (transcript, saved))?);
        azure::settle(&world, restored)?;
        let listening = Some(serve_all(bound, &world));
        let renewing = tokio::spawn(renew(folder.renewal(), Arc::clone(&world))).abort_handle();
        let answering = Vec::new();
        let mut sandbox = Self { world, folder, listening, renewing, answering, keeping: None };
        cluster::start(Arc::clone(&sandbox.world)).await?;
        sandbox.folder.fill(&sandbox.world)?;
        for questions in sandbox.folder.questions().await? {
            sandbox.answering.push(tokio::spawn(questions.answer(Arc::clone(&sandbox.world))).abort_handle());
        }
        if keep {
            data::write(&sandbox.world)?;
            sandbox.keeping = Some(tokio::spawn(data::keep(Arc::clone(&sandbox.world))).abort_handle());
        }
        Ok(sandbox)
    }

    /// Where the services listen.
    ///
    /// # Panics
    /// Never: addresses are known before a sandbox exists.
    #[expect(clippy::expect_used, reason = "`start` fills the addresses before it makes a sandbox")]
    pub fn addresses(&self) -> &Addresses {
        self.world.addresses().expect("a started sandbox has addresses")
    }

    /// Where tokens, certificates and the ready-made bridge file lie.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The environment that makes command line tools, SDKs and `gangplank` use the sandbox, `PATH` apart (see
    /// [`Self::tools`]).
    pub fn environment(&self) -> Vec<(String, String)> {
        self.folder.environment(&self.world)
    }

    /// The folder to put in front of `PATH`: it holds `az`.
    pub fn tools(&self) -> PathBuf {
        self.folder.path().join("bin")
    }

    /// Writes fresh tokens into the folder at once: for tests that put the clock forward. Otherwise the sandbox does it
    /// by itself, long before they end.
    pub fn renew_tokens(&self) -> Result<(), StartError> {
        Ok(self.folder.renew(&self.world)?)
    }

    /// Brings the world that `text` describes in: a file as docs/worlds.md describes it.
    pub async fn load(&self, text: &str) -> Result<(), Vec<Problem>> {
        load::load(&self.world, text).await
    }

    /// What `${NAME}` stands for in a world file: name and value.
    pub fn places(&self) -> Vec<(String, String)> {
        load::places(&self.world)
    }

    /// Changes the folder's bridge file by a merge patch in YAML, in which every `${NAME}` is filled in.
    pub fn patch_bridge(&self, patch: &str) -> Result<(), PatchError> {
        let mut patch = patch.to_owned();
        for (name, value) in self.places() {
            patch = patch.replace(&format!("${{{name}}}"), &value);
        }
        scenario::patch_file(&self.folder().join("bridge.yaml"), &patch)
    }

    fn stop_serving_the_folder(&self) {
        self.renewing.abort();
        self.answering.iter().for_each(AbortHandle::abort);
    }

    /// Keeps the state a last time, if it is kept at all.
    fn stop_keeping(&mut self) {
        let Some(keeping) = self.keeping.take() else { return };
        keeping.abort();
        if let Err(error) = data::write(&self.world) {
            tracing::warn!(%error, "the sandbox's last state is not kept");
        }
    }

    /// Ends everything: the cluster's processes, the listeners, and the folder if it was the sandbox's own.
    pub async fn stop(mut self) {
        self.stop_serving_the_folder();
        // Before the cluster stops: its pods are to come back.
        self.stop_keeping();
        cluster::stopped(&self.world).await;
        if let Some(listening) = self.listening.take() {
            listening.stop().await;
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop_serving_the_folder();
        self.stop_keeping();
        cluster::stop(&self.world);
    }
}

/// Renews the folder's tokens until aborted.
async fn renew(renewal: Renewal, world: Shared) {
    loop {
        tokio::time::sleep(RENEW_EVERY).await;
        if let Err(error) = renewal.renew(&world) {
            tracing::warn!(%error, "the folder's tokens were not renewed");
        }
    }
}

type Bound = Vec<(TcpListener, SocketAddr)>;

/// The highest first port that leaves room for all.
fn last_base() -> u16 {
    SERVICES.iter().skip(1).fold(u16::MAX, |port, _| port - 1)
}

async fn bind_all(base: Option<u16>) -> Result<Bound, StartError> {
    if let Some(base) = base
        && (base == 0 || base > last_base())
    {
        return Err(StartError::NoRoom { first: base });
    }
    let mut bound = Vec::new();
    for (service, offset) in SERVICES.into_iter().zip(0_u16..) {
        let port = base.map(|base| base + offset);
        bound.push(serve::bind(port).await.map_err(|source| match port {
            Some(port) if source.kind() == io::ErrorKind::AddrInUse => {
                StartError::PortTaken { service, port }
            }
            _ => StartError::Listen { service, source },
        })?);
    }
    Ok(bound)
}

fn begin(path: PathBuf) -> Result<Transcript, StartError> {
    Transcript::begin(&path).map_err(|source| StartError::Transcript { path, source })
}

/// Binds the ports that were kept; at first, consecutive ones that the system does not give out by itself, so that they
/// are free the next time, too.
async fn bind_kept(base: Option<u16>, saved: Option<&Saved>, folder: &Path) -> Result<Bound, StartError> {
    let Some(saved) = saved else {
        if base.is_some() {
            return bind_all(base).await;
        }
        for base in FIRST_PORTS.step_by(FIRST_PORTS_STEP) {
            if let Ok(bound) = bind_all(Some(base)).await {
                return Ok(bound);
            }
        }
        return bind_all(None).await;
    };
    if base.is_some() {
        return Err(StartError::KeptPorts { folder: folder.to_owned() });
    }
    let mut bound = Vec::new();
    for service in SERVICES {
        let port = saved.ports.get(service).copied();
        bound.push(serve::bind(port).await.map_err(|source| match port {
            Some(port) if source.kind() == io::ErrorKind::AddrInUse => {
                StartError::KeptPortTaken { service, port, folder: folder.to_owned() }
            }
            _ => StartError::Listen { service, source },
        })?);
    }
    Ok(bound)
}

fn world(
    folder: &Folder,
    bound: &Bound,
    (transcript, saved): (Option<Transcript>, Option<Saved>),
) -> Result<World, StartError> {
    let clock = Clock::default();
    let (authority, azure, google, cluster) = if let Some(saved) = saved {
        clock.advance(Duration::from_secs(saved.ahead_seconds));
        let azure = azure::State::restored(saved.azure, &clock)?;
        let google = google::State::restored(saved.google, &clock)?;
        let cluster = cluster::State::restored(saved.cluster, &clock)?;
        (Authority::restored(saved.authority)?, azure, google, cluster)
    } else {
        let (azure, google) = (azure::State::seeded(&clock)?, google::State::seeded(&clock)?);
        (Authority::generate()?, azure, google, cluster::State::seeded(&clock)?)
    };
    let addresses = OnceLock::new();
    let order: Vec<SocketAddr> = bound.iter().map(|(_, address)| *address).collect();
    if let Some(known) = Addresses::from_order(&order) {
        let _first_and_only = addresses.set(known);
    }
    Ok(World {
        addresses,
        client: authority.client()?,
        authority,
        folder: folder.path().to_owned(),
        faults: Faults::default(),
        lagging: Lagging::default(),
        changed: tokio::sync::Notify::new(),
        minted: Minted::default(),
        transcript,
        azure,
        google,
        pipelines: pipelines::State::seeded(),
        cluster,
        clock,
    })
}

fn serve_all(bound: Bound, world: &Shared) -> Listening {
    let mut listening = Listening::new();
    for ((listener, _), service) in bound.into_iter().zip(SERVICES) {
        let shared = Arc::clone(world);
        let wire = match services::scheme(service) {
            Scheme::Https => Wire::Https(world.authority.server()),
            Scheme::Http => Wire::Http,
        };
        let router = serve::in_front(service, Arc::clone(world), services::router(service, shared));
        let router = transcript::in_front(service, Arc::clone(world), router);
        listening.serve(listener, wire, router);
    }
    listening
}
