//! A blob store in this process with one file, and faults that await its requests by number.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use azure_core::error::ErrorKind;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crc_fast::CrcAlgorithm;
use futures_util::stream::{self, StreamExt};

use super::window::Window;
use super::{Access, Blobs};
use crate::azure::reference::Reference;
use crate::azure::rest::Rest;

/// Bytes of the file.
pub(super) const SIZE: usize = 400_000;
/// Bytes of one part.
pub(super) const PART: u64 = 100 << 10;
/// How long a line may stand still.
const STALL: Duration = Duration::from_millis(700);

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// 503, with as many seconds of `Retry-After`.
    Busy(u64),
    /// 500.
    Error,
    /// The connection dies after so many bytes.
    Cut(usize),
    /// One byte is missing, and the length says so.
    Short,
    /// There is one byte more, and the length says so.
    Long,
    /// As a store answers that knows no checksums.
    Unsummed,
    /// The first byte is another.
    Altered,
    /// The same, and the connection dies after so many bytes.
    CutAltered(usize),
    /// So many bytes come, the others one by one with pauses.
    Drip(usize),
    /// No answer comes.
    Mute,
    /// The bytes of another range.
    OtherRange,
    /// The whole file.
    NoRange,
    /// The file is another one now.
    Changed,
    /// The signature has run out.
    SignedOut,
    /// The caller may not read.
    Forbidden,
    /// The bytes are at another port.
    Redirect(u16),
}

#[derive(Default)]
struct World {
    faults: BTreeMap<usize, Fault>,
    /// First byte asked for, by request.
    asked: Vec<usize>,
    signatures: u32,
    /// What is listed, as XML, page by page.
    listing: Vec<String>,
}

#[derive(Clone)]
pub(super) struct Store {
    world: Arc<Mutex<World>>,
    pub(super) address: String,
}

impl Store {
    pub(super) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let store = Self { world: Arc::default(), address };
        let router = Router::new().fallback(serve).with_state(store.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        store
    }

    /// Lets a fault strike a request, counted from the next one on.
    pub(super) fn fault(&self, at: usize, fault: Fault) {
        let mut world = self.world.lock().unwrap();
        let at = world.asked.len() + at;
        world.faults.insert(at, fault);
    }

    /// The first byte that each request asked for.
    pub(super) fn asked(&self) -> Vec<usize> {
        self.world.lock().unwrap().asked.clone()
    }

    /// Lists these blobs, as XML, in pages.
    pub(super) fn list(&self, pages: &[&str]) {
        self.world.lock().unwrap().listing = pages.iter().map(|page| (*page).to_owned()).collect();
    }

    /// Blob storage that is opened by the signatures of this store.
    pub(super) fn blobs(&self) -> Blobs {
        let management = Rest::scripted("Azure ML", &self.address, Arc::new(NoLogIn));
        let (uri, prefix) = (String::new(), format!("{}/account/container", self.address));
        let (path, asset) = ("/reference".to_owned(), "asset".to_owned());
        let reference = Reference::new(management, path, asset, (uri, prefix));
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let endpoint = format!("{}/{{account}}", self.address);
        let mut blobs = Blobs::new(endpoint, Access::Signed(Arc::new(reference)), &http);
        // Small parts, so that the file has several.
        blobs.window = Window::new(2, PART);
        blobs.pause = Duration::from_millis(1);
        blobs.streaming(http, STALL)
    }

    pub(super) fn port(&self) -> u16 {
        self.address.rsplit(':').next().unwrap().parse().unwrap()
    }
}

/// A log-in that nobody asks for.
#[derive(Debug)]
struct NoLogIn;

#[async_trait::async_trait]
impl TokenCredential for NoLogIn {
    async fn get_token(
        &self,
        _: &[&str],
        _: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        Err(azure_core::Error::with_message(ErrorKind::Credential, "no log-in"))
    }
}

/// The file.
pub(super) fn bytes() -> Vec<u8> {
    (0..SIZE).map(|at| u8::try_from(at % 251).unwrap()).collect()
}

async fn serve(State(store): State<Store>, request: Request) -> Response {
    if request.uri().path() == "/reference" {
        return reference(&store);
    }
    if let Some(query) = request.uri().query().filter(|query| query.contains("comp=list")) {
        return listing(&store, query);
    }
    let range = request.headers().get("x-ms-range").or_else(|| request.headers().get("range"));
    let (from, to) =
        range.unwrap().to_str().unwrap().strip_prefix("bytes=").unwrap().split_once('-').unwrap();
    let (from, to): (usize, usize) = (from.parse().unwrap(), to.parse().unwrap());
    let summed = request.headers().contains_key("x-ms-range-get-content-crc64");
    let fault = {
        let mut world = store.world.lock().unwrap();
        let at = world.asked.len();
        world.asked.push(from);
        world.faults.remove(&at)
    };
    let range = (from, to.min(SIZE - 1));
    let mut response = answer(fault, range).await;
    if summed && response.status() == 206 {
        let sum = crc_fast::checksum(CrcAlgorithm::Crc64Nvme, &bytes()[range.0..=range.1]);
        let sum = STANDARD.encode(sum.to_le_bytes()).parse().unwrap();
        response.headers_mut().insert("x-ms-content-crc64", sum);
    }
    response
}

async fn answer(fault: Option<Fault>, (from, to): (usize, usize)) -> Response {
    match fault {
        _ if from >= SIZE => refusal(416, "InvalidRange", "The range is invalid."),
        Some(Fault::Mute) => std::future::pending().await,
        Some(fault) => refused(fault).unwrap_or_else(|| spoilt(fault, (from, to))),
        None => partial((from, to), Body::from(bytes()[from..=to].to_vec())),
    }
}

/// Leave to read, by another signature every time.
fn reference(store: &Store) -> Response {
    let mut world = store.world.lock().unwrap();
    world.signatures += 1;
    let uri = format!("{}/account/container?sig=secret{}", store.address, world.signatures);
    let body = serde_json::json!({ "blobReferenceForConsumption": { "credential": { "sasUri": uri } } });
    Response::builder().header("content-type", "application/json").body(Body::from(body.to_string())).unwrap()
}

/// A page, and the mark of the next one.
fn listing(store: &Store, query: &str) -> Response {
    let pages = store.world.lock().unwrap().listing.clone();
    let marker = query.split('&').find_map(|pair| pair.strip_prefix("marker=page")).unwrap_or("0");
    let at: usize = marker.parse().unwrap();
    let next = if at + 1 < pages.len() { format!("page{}", at + 1) } else { String::new() };
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults ServiceEndpoint=\"{}\" ContainerName=\"container\">\
         <Blobs>{}</Blobs><NextMarker>{next}</NextMarker></EnumerationResults>",
        store.address, pages[at]
    );
    Response::builder().header("content-type", "application/xml").body(Body::from(body)).unwrap()
}

fn partial((from, to): (usize, usize), body: Body) -> Response {
    let builder = Response::builder().status(206).header("etag", "\"one\"");
    builder.header("content-range", format!("bytes {from}-{to}/{SIZE}")).body(body).unwrap()
}

fn refusal(status: u16, code: &str, words: &str) -> Response {
    let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{words}</Message></Error>");
    let builder = Response::builder().status(status).header("x-ms-error-code", code);
    builder.header("content-type", "application/xml").body(Body::from(body)).unwrap()
}

fn refused(fault: Fault) -> Option<Response> {
    Some(match fault {
        Fault::Busy(seconds) => {
            let mut response = refusal(503, "ServerBusy", "The server is busy.");
            response.headers_mut().insert("retry-after", seconds.into());
            response
        }
        Fault::Error => refusal(500, "InternalError", "The server encountered an internal error."),
        Fault::Unsummed => {
            refusal(500, "FeatureNotSupported", "x-ms-range-get-content-crc64 is not supported.")
        }
        Fault::Changed => refusal(412, "ConditionNotMet", "The condition is not met."),
        Fault::SignedOut => refusal(403, "AuthenticationFailed", "Signature not valid in this time."),
        Fault::Forbidden => {
            refusal(403, "AuthorizationPermissionMismatch", "This request is not authorized.")
        }
        Fault::Redirect(port) => {
            let location = format!("http://127.0.0.1:{port}/account/container/weights.bin");
            Response::builder().status(307).header("location", location).body(Body::empty()).unwrap()
        }
        Fault::NoRange => Response::new(Body::from(bytes())),
        _ => return None,
    })
}

fn spoilt(fault: Fault, (from, to): (usize, usize)) -> Response {
    let mut bytes = bytes()[from..=to].to_vec();
    if matches!(fault, Fault::Altered | Fault::CutAltered(_)) {
        bytes[0] ^= 1;
    }
    match fault {
        Fault::Altered => partial((from, to), Body::from(bytes)),
        Fault::OtherRange => partial((from + 1, to), Body::from(bytes)),
        Fault::Cut(after) | Fault::CutAltered(after) => {
            bytes.truncate(after);
            let cut = stream::once(async {
                // So that what was sent before is on the wire.
                tokio::time::sleep(Duration::from_millis(100)).await;
                Err(std::io::Error::other("cut"))
            });
            partial((from, to), Body::from_stream(stream::iter([Ok(Bytes::from(bytes))]).chain(cut)))
        }
        Fault::Drip(after) => {
            let rest = bytes.split_off(after.min(bytes.len()));
            let drops = stream::iter(rest).then(|byte| async move {
                tokio::time::sleep(Duration::from_millis(100)).await;
                Bytes::from(vec![byte])
            });
            let all = stream::iter([Bytes::from(bytes)]).chain(drops);
            partial((from, to), Body::from_stream(all.map(Ok::<_, std::io::Error>)))
        }
        Fault::Short => {
            bytes.pop();
            partial((from, to), Body::from(bytes))
        }
        _ => {
            bytes.push(7);
            partial((from, to), Body::from(bytes))
        }
    }
}
