//! Images: plans of bridge's made and pushed by oci, logged in by identity.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bridge::image::{
    self, Attested, Contents, FileDigest, ImageFacts, ImagePlan, LayerPlan, Referrer, SignatureVerdict,
    Testimony, TrustedKey,
};
use bridge::port::{Event, ImageStore, ModelFile, ModelSource, PortError, PortResult, Refused, Watch};
use bridge::signing_key::SigningKey;
use futures_util::TryStreamExt;
use futures_util::stream::StreamExt;
use http::HeaderValue;
use identity::acr::{AcrError, AcrLogin};
use identity::{AccessToken, Bearer};
use oci::authorizer::{Ask, Purpose};
use oci::copy::{CopyError, Destination, Options, Origin, Platform};
use oci::image::{Base, Image, ImageError, Journal, Run};
use oci::layer::{Content, Entry, Layer, MalformedLayer, Mode};
use oci::progress::{Progress, Skip};
use oci::reference::Reference;
use oci::registry::Patience;
use oci::{Anonymous, Authorizer, BoxError, Endpoint, Registry};
use serde_json::Value;

use crate::error;
use crate::google::kms::Kms;
use crate::limits::Deadline;

const SERVICE: &str = "Artifact Registry";
const AZURE_SERVICE: &str = "Azure Container Registry";

/// Where the scorer lies in an image.
const SCORER_FOLDER: &str = "/usr/local/bin";
const SCORER_NAME: &str = "gangplank-scorer";
const SCORER_PORT: u16 = 5001;
/// Nobody in particular, and not root.
const SCORER_USER: &str = "65532";

/// Google's own registries, which take the same log-in.
const GOOGLES: [&str; 3] = [".pkg.dev", ".gcr.io", "gcr.io"];

/// The image registry, spoken to as one caller.
#[derive(Clone)]
pub struct Images {
    registry: Registry,
    transport: Transport,
    pub(crate) deadline: Deadline,
    bearer: Bearer,
    scorer: Option<PathBuf>,
    azure: Option<AzureRegistries>,
    pub(crate) kms: Option<Kms>,
    /// Where it is kept what went into images that are not finished.
    journals: Option<PathBuf>,
}

/// How registries are reached. Both clients follow redirects, which registries use for downloads.
#[derive(Clone)]
pub(crate) struct Transport {
    /// For questions and small answers.
    pub(crate) small: reqwest::Client,
    /// For the bytes of blobs: HTTP/1.1 alone, so that every blob has a connection.
    pub(crate) bulk: reqwest::Client,
    /// How long lines may stand still.
    pub(crate) stall: Duration,
    /// How long everything may take.
    pub(crate) deadline: Duration,
}

impl Transport {
    fn registry(&self, endpoint: Endpoint, login: Arc<dyn Authorizer>) -> Registry {
        let patience = Patience { stall: self.stall, ..Patience::default() };
        Registry::with_patience(self.small.clone(), endpoint, login, patience).with_bulk(self.bulk.clone())
    }
}

/// Azure's container registries: where they are, and the caller's log-in to them.
#[derive(Clone)]
struct AzureRegistries {
    /// The address, with `{registry}` unless it is that of the only one.
    address: String,
    login: Arc<AcrLogin>,
}

/// The hosts of Azure's container registries in images' names, by cloud.
const AZURES: [&str; 3] = [".azurecr.io", ".azurecr.us", ".azurecr.cn"];

impl AzureRegistries {
    /// The address of the registry that an image's name begins with, if it is one of Azure's.
    fn address_of(&self, host: &str) -> Option<String> {
        let name = AZURES.iter().find_map(|azure| host.strip_suffix(azure))?;
        let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        plain.then(|| self.address.replace("{registry}", name))
    }
}

impl Images {
    /// The registry at `address`, as `bearer`. `scorer` is the executable that images for our own runtime are made of.
    pub(crate) fn new(
        address: &str,
        bearer: Bearer,
        transport: Transport,
        scorer: Option<PathBuf>,
    ) -> PortResult<Self> {
        identity::http::service_address(address).map_err(|problem| invalid(&problem))?;
        let endpoint = Endpoint::parse(address).map_err(|problem| invalid(&problem))?;
        let login = Arc::new(BearerLogin(bearer.clone()));
        let registry = transport.registry(endpoint, login);
        let deadline = Deadline::after(transport.deadline);
        Ok(Self { registry, transport, deadline, bearer, scorer, azure: None, kms: None, journals: None })
    }

    /// The same, able to read images in Azure's container registries, which are at `address` (with `{registry}`).
    #[must_use]
    pub fn with_azure(self, address: String, login: AcrLogin) -> Self {
        Self { azure: Some(AzureRegistries { address, login: Arc::new(login) }), ..self }
    }

    /// The same, keeping in a folder what went into images that are not finished, for the run after one that was killed.
    #[must_use]
    pub fn with_journals(self, folder: Option<PathBuf>) -> Self {
        Self { journals: folder, ..self }
    }

    /// The same, able to sign with keys in Cloud KMS.
    #[must_use]
    pub(crate) fn with_kms(self, kms: Kms) -> Self {
        Self { kms: Some(kms), ..self }
    }

    /// The registry's host, as image references begin with it.
    pub fn host(&self) -> &str {
        self.registry.host()
    }

    /// A refresh token of the Azure container registry at `host`, for a tool that logs in by itself; `None` if it is none of
    /// Azure's.
    pub async fn azure_refresh_token(&self, host: &str) -> PortResult<Option<AccessToken>> {
        let Some(azure) = &self.azure else { return Ok(None) };
        let own = azure.address.split_once("://").is_some_and(|(_, own)| own == host);
        let address = if own { Some(azure.address.clone()) } else { azure.address_of(host) };
        let Some(address) = address else { return Ok(None) };
        let token = azure.login.refresh_token(&address, host).await;
        token.map(Some).map_err(|refused| acr_refusal(&refused))
    }

    /// A client of the registry that an image is in.
    pub(crate) fn registry_of(&self, reference: &Reference) -> PortResult<Registry> {
        let host = reference.host.as_str();
        let named = Endpoint::parse(host).map_err(|problem| invalid(&problem))?;
        if named.host() == self.registry.host() {
            return Ok(self.registry.clone());
        }
        if let Some(azure) = &self.azure
            && let Some(address) = azure.address_of(host)
        {
            identity::http::service_address(&address).map_err(|problem| invalid(&problem))?;
            let endpoint = Endpoint::parse(&address).map_err(|problem| invalid(&problem))?;
            let login = Arc::new(AzureLogin { login: azure.login.clone(), host: endpoint.host().to_owned() });
            return Ok(self.transport.registry(endpoint, login));
        }
        let login: Arc<dyn Authorizer> = if GOOGLES.iter().any(|google| host.ends_with(google)) {
            Arc::new(BearerLogin(self.bearer.clone()))
        } else {
            Arc::new(Anonymous)
        };
        Ok(self.transport.registry(named, login))
    }

    async fn scorer_layer(&self) -> PortResult<Layer<'static>> {
        let missing = || {
            let problem = "no scorer executable to put into the image; name it with `--scorer`";
            error::own(SERVICE, Refused::Invalid, problem)
        };
        let file: &Path = self.scorer.as_deref().ok_or_else(missing)?;
        let entry = Entry::from_file(SCORER_NAME, file, Mode::Program).await;
        let entry = entry.map_err(|unreadable| invalid(&unreadable))?;
        Layer::new(SCORER_FOLDER, vec![entry]).map_err(|malformed| invalid(&malformed))
    }

    async fn push_plan(
        &self,
        plan: &ImagePlan,
        (base, base_name): (Base<'_>, Option<String>),
        layers: Vec<Layer<'_>>,
        progress: &dyn Progress,
    ) -> PortResult<image::PushedImage> {
        let image = Image {
            repository: &plan.repository,
            tag: &plan.tag,
            base,
            layers,
            list: Some(image::LIST),
            env: plan.env.clone(),
            labels: plan.labels.clone(),
            annotations: plan.annotations.clone(),
        };
        let name = format!("{}/{}:{}", self.registry.host(), plan.repository, plan.tag);
        let journal = self.journals.as_deref().map(|folder| Journal::of(folder, &name));
        let pushed = oci::image::push(&self.registry, &image, progress, journal.as_ref()).await;
        let pushed = pushed.map_err(|failed| error::image(SERVICE, &failed))?;
        let contents = Contents { files: files(&image.layers), base: base_name };
        Ok(image::PushedImage {
            reference: format!("{}/{}@{}", self.registry.host(), plan.repository, pushed.digest),
            digest: pushed.digest.to_string(),
            sent: pushed.tally.sent,
            present: pushed.tally.present + pushed.tally.mounted,
            contents,
            referrers: Vec::new(),
        })
    }
}

impl ImageStore for Images {
    async fn find(&self, repository: &str, reference: &str) -> PortResult<Option<ImageFacts>> {
        let found = self.registry.manifest(repository, reference).await;
        let Some(found) = found.map_err(|failed| error::registry(SERVICE, &failed))? else { return Ok(None) };
        let manifest: Value = serde_json::from_slice(&found.bytes).map_err(|problem| invalid(&problem))?;
        let annotations = manifest.get("annotations").and_then(Value::as_object);
        let annotations = annotations.into_iter().flatten();
        let text = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
        Ok(Some(ImageFacts {
            digest: found.digest.to_string(),
            annotations: annotations.filter_map(text).collect(),
        }))
    }

    async fn push<S: ModelSource, W: Watch>(
        &self,
        plan: &ImagePlan,
        source: &S,
        watch: &W,
    ) -> PortResult<image::PushedImage> {
        let mut layers: Vec<Layer<'_>> = Vec::new();
        let origin;
        let base = match &plan.base {
            image::Base::Scorer => {
                layers.push(self.scorer_layer().await?);
                (Base::Scratch(scorer_run()), None)
            }
            image::Base::Image(name) => {
                origin = self.pinned(name).await?;
                let (registry, reference) = &origin;
                let version = reference.version.as_str();
                let origin = Origin { registry, repository: &reference.repository, version };
                (Base::Image(origin), Some(reference.to_string()))
            }
        };
        if let Some(link) = &plan.link {
            // What a base of the user's has there is not the model's.
            let hides = matches!(plan.base, image::Base::Image(_)).then_some(image::ROOT);
            let layer = Layer::link(&link.path, &link.target, hides);
            layers.push(layer.map_err(|malformed| invalid(&malformed))?);
        }
        for layer in &plan.layers {
            layers.push(model_layer(layer, source).map_err(|malformed| invalid(&malformed))?);
        }
        let told = Told(watch);
        self.deadline.bound(SERVICE, Box::pin(self.push_plan(plan, base, layers, &told))).await
    }

    async fn copy<W: Watch>(
        &self,
        image: &str,
        repository: &str,
        tag: &str,
        watch: &W,
    ) -> PortResult<image::PushedImage> {
        let told = Told(watch);
        self.deadline.bound(SERVICE, Box::pin(self.copied(image, repository, tag, &told))).await
    }

    async fn sign<W: Watch>(
        &self,
        image: &image::PushedImage,
        testimony: Option<&Testimony>,
        key: &SigningKey,
        watch: &W,
    ) -> PortResult<Vec<Referrer>> {
        let told = Told(watch);
        self.deadline.bound(SERVICE, Box::pin(self.sign_with(image, testimony, key, &told))).await
    }

    async fn signed(&self, image: &str, key: &TrustedKey) -> PortResult<SignatureVerdict> {
        self.signed_with(image, key).await
    }

    async fn attest<W: Watch>(
        &self,
        image: &image::PushedImage,
        testimony: &Testimony,
        watch: &W,
    ) -> PortResult<Attested> {
        let told = Told(watch);
        self.deadline.bound(SERVICE, Box::pin(self.attested(image, testimony, &told))).await
    }
}

impl Images {
    async fn copied(
        &self,
        image: &str,
        repository: &str,
        tag: &str,
        progress: &dyn Progress,
    ) -> PortResult<image::PushedImage> {
        let reference = Reference::parse(image).map_err(|problem| invalid(&problem))?;
        let registry = self.registry_of(&reference)?;
        let version = reference.version.as_str();
        let origin = Origin { registry: &registry, repository: &reference.repository, version };
        let service = if is_azures(&reference.host) { AZURE_SERVICE } else { "image registry" };
        let failed = |service, failed: CopyError| error::image(service, &ImageError::Base(failed));
        let resolved = oci::copy::resolve(origin).await.map_err(|refused| failed(service, refused))?;
        let there = self.registry.manifest(repository, tag).await;
        let there = there.map_err(|refused| error::registry(SERVICE, &refused))?;
        if let Some(there) = there.filter(|there| there.digest != resolved.found.digest) {
            let problem = format!(
                "tag `{tag}` of `{repository}` holds another image, {}, and copying would take the tag from it; delete \
                 that tag, or register the package's model under a new version",
                there.digest
            );
            return Err(error::own(SERVICE, Refused::Conflict, problem));
        }
        let destination = Destination { registry: &self.registry, repository, tag };
        let options = Options::one(Platform::linux_amd64());
        let copied = oci::copy::image(origin, destination, &options, progress).await;
        let copied = copied.map_err(|refused| failed(SERVICE, refused))?;
        Ok(image::PushedImage {
            reference: format!("{}/{repository}@{}", self.registry.host(), copied.digest),
            digest: copied.digest.to_string(),
            sent: copied.tally.sent,
            present: copied.tally.present + copied.tally.mounted,
            contents: Contents {
                files: Vec::new(),
                base: Some(format!("{}/{}@{}", reference.host, reference.repository, copied.digest)),
            },
            referrers: Vec::new(),
        })
    }
}

/// The digests of the files that were laid into an image, in path order.
fn files(layers: &[Layer<'_>]) -> Vec<FileDigest> {
    let known = layers.iter().flat_map(Layer::files_known);
    let mut files: Vec<_> =
        known.map(|file| FileDigest { path: file.path, digest: file.digest.to_string() }).collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn is_azures(host: &str) -> bool {
    AZURES.iter().any(|azure| host.ends_with(azure))
}

fn scorer_run() -> Run {
    Run {
        user: SCORER_USER.to_owned(),
        entrypoint: vec![format!("{SCORER_FOLDER}/{SCORER_NAME}")],
        ports: vec![SCORER_PORT],
        directory: "/".to_owned(),
    }
}

fn model_layer<'a, S: ModelSource>(plan: &'a LayerPlan, source: &'a S) -> Result<Layer<'a>, MalformedLayer> {
    let entries = plan.files.iter().map(|file| Entry {
        path: file.path.clone(),
        size: file.size,
        mode: Mode::Data,
        fingerprint: file.etag.clone(),
        content: Box::new(ModelContent { source, file }),
    });
    Layer::new(&plan.root, entries.collect())
}

pub(crate) fn invalid(problem: &dyn std::error::Error) -> PortError {
    error::own(SERVICE, Refused::Invalid, error::with_causes(problem))
}

/// A file of a model version, read from where the model lives.
struct ModelContent<'a, S> {
    source: &'a S,
    file: &'a ModelFile,
}

#[async_trait::async_trait]
impl<S: ModelSource> Content for ModelContent<'_, S> {
    async fn open(&self, range: Range<u64>) -> Result<oci::ByteStream<'static>, BoxError> {
        let bytes = self.source.read(self.file, range).await?;
        Ok(bytes.map_err(BoxError::from).boxed())
    }
}

/// Logs in with the caller's own token, which the registry takes as it is.
struct BearerLogin(Bearer);

#[async_trait::async_trait]
impl Authorizer for BearerLogin {
    async fn authorize(&self, ask: &Ask<'_>) -> Result<Option<HeaderValue>, BoxError> {
        if matches!(ask.purpose, Purpose::Exchange { .. }) {
            return Ok(None);
        }
        if ask.refused {
            self.0.renew().await;
        }
        Ok(Some(self.0.header().await?))
    }
}

/// Logs in to one of Azure's registries: its token service takes a log-in of its own, the registry what that gives.
struct AzureLogin {
    login: Arc<AcrLogin>,
    /// The registry's host: a log-in goes to no other.
    host: String,
}

#[async_trait::async_trait]
impl Authorizer for AzureLogin {
    async fn authorize(&self, ask: &Ask<'_>) -> Result<Option<HeaderValue>, BoxError> {
        let Purpose::Exchange { realm } = ask.purpose else { return Ok(None) };
        let here = Endpoint::parse(&realm.origin().ascii_serialization())?;
        if here.host() != self.host {
            let problem = format!(
                "the registry at `{}` names a token service elsewhere, at `{}`; nothing was sent there",
                self.host,
                here.host()
            );
            return Err(error::own(AZURE_SERVICE, Refused::Invalid, problem).into());
        }
        let service = ask.challenge.and_then(|challenge| challenge.parameters.get("service"));
        let service = service.map_or(self.host.as_str(), String::as_str);
        Ok(Some(self.login.header(realm, service).await.map_err(|refused| acr_refusal(&refused))?))
    }
}

/// A log-in that one of Azure's registries refused, as a port says it.
fn acr_refusal(refused: &AcrError) -> PortError {
    match refused {
        AcrError::Token(refused) => error::no_token(refused),
        AcrError::Refused { status, code, .. } => PortError {
            status: Some(*status),
            code: code.clone(),
            ..error::own(
                AZURE_SERVICE,
                error::kind(*status),
                format!(
                    "{refused}; the caller needs `AcrPull` on it, which `gangplank apply` gives to those who ship a \
                     package"
                ),
            )
        },
        AcrError::Malformed { .. } => error::own(AZURE_SERVICE, Refused::Invalid, refused.to_string()),
        AcrError::Unreachable { .. } => error::own(AZURE_SERVICE, Refused::Unavailable, refused.to_string()),
    }
}

/// Passes on what a transfer tells.
pub(crate) struct Told<'a, W>(pub(crate) &'a W);

impl<W: Watch> Progress for Told<'_, W> {
    fn event(&self, event: oci::Event<'_>) {
        let event = match event {
            oci::Event::Bytes { what, done, total } => Event::Bytes { what: what.to_owned(), done, total },
            oci::Event::Skipped { what, size, why } => {
                let why = match why {
                    Skip::Present => "present",
                    Skip::Mounted => "mounted",
                };
                Event::Skipped { what: what.to_owned(), size, why }
            }
            oci::Event::Retry { what, why } => Event::Retry { what: what.to_owned(), why },
            oci::Event::Layer { .. } => return,
        };
        self.0.event(event);
    }
}
