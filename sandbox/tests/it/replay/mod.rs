//! Transcripts of official clients (`witness/*/transcript.jsonl`), replayed against a fresh sandbox: the same requests must
//! still get the answers that those clients took for their cloud's.

mod likeness;
mod words;

use std::io::Read as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use self::likeness::differences;
use self::words::Words;
use crate::quay::{self, sandbox};
use sandbox::{Options, Sandbox};

/// The families with a transcript; each has a test below.
const FAMILIES: [&str; 5] = ["azure-python", "distribution", "google-python", "javascript", "tools"];

#[tokio::test]
async fn azure_python() {
    replay("azure-python").await;
}

#[tokio::test]
async fn distribution() {
    replay("distribution").await;
}

#[tokio::test]
async fn google_python() {
    replay("google-python").await;
}

#[tokio::test]
async fn javascript() {
    replay("javascript").await;
}

#[tokio::test]
async fn tools() {
    replay("tools").await;
}

#[test]
fn every_transcript_is_replayed() {
    let mut found: Vec<String> = std::fs::read_dir(witness())
        .unwrap()
        .flatten()
        .filter(|entry| entry.path().join("transcript.jsonl").exists())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    found.sort();
    assert_eq!(found, FAMILIES);
}

#[tokio::test]
async fn a_changed_answer_is_noticed() {
    let exchanges = transcript("azure-python");
    let kept = exchanges.iter().take(12).cloned();
    let tampered: Vec<Value> = kept
        .map(|mut exchange| {
            if exchange["answer"]["status"] == 400 {
                exchange["answer"]["body"]["json"]["error"] = json!("something_else");
            }
            exchange
        })
        .collect();
    let found = run(&tampered).await;
    assert!(!found.is_empty() && found.iter().all(|it| it.contains("something_else")), "{found:#?}");
}

fn witness() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../witness")
}

fn transcript(family: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(witness().join(family).join("transcript.jsonl")).unwrap();
    let mut exchanges: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    exchanges.sort_by_key(|exchange| exchange["number"].as_u64());
    exchanges
}

async fn replay(family: &str) {
    let found = run(&transcript(family)).await;
    assert!(found.is_empty(), "{} differences:\n{}", found.len(), found.join("\n"));
}

/// Asks everything again and says what is different.
async fn run(exchanges: &[Value]) -> Vec<String> {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    let client = quay::client(&sandbox);
    let mut words = Words::of(&sandbox);
    let mut all = Vec::new();
    for exchange in exchanges.iter().filter(|exchange| can_be_asked_again(exchange)) {
        let request = request(&client, &sandbox, exchange, &mut words);
        let answer = request.send().await.unwrap();
        let found = compared(exchange, answer, &mut words).await;
        let service = exchange["service"].as_str().unwrap();
        let asked = &exchange["request"];
        let which = format!("{} {service} {} {}", exchange["number"], asked["method"], asked["path"]);
        all.extend(found.into_iter().map(|difference| format!("{which}: {difference}")));
    }
    sandbox.stop().await;
    all
}

/// Not what a client signed by itself: its signature is for another sandbox, and over by now.
fn can_be_asked_again(exchange: &Value) -> bool {
    !exchange["request"].to_string().contains("${jwt}")
}

fn request(
    client: &reqwest::Client,
    sandbox: &Sandbox,
    exchange: &Value,
    words: &mut Words,
) -> reqwest::RequestBuilder {
    let asked = &exchange["request"];
    let service = exchange["service"].as_str().unwrap();
    let addresses = serde_json::to_value(sandbox.addresses()).unwrap();
    let secure = sandbox::world::is_secure(service);
    let scheme = if secure { "https" } else { "http" };
    let path = words.filled(asked["path"].as_str().unwrap());
    let mut url =
        reqwest::Url::parse(&format!("{scheme}://{}{path}", addresses[service].as_str().unwrap())).unwrap();
    if let Some(pairs) = asked["query"].as_array() {
        let pairs: Vec<(String, String)> = pairs.iter().map(|pair| words.pair(pair)).collect();
        url.query_pairs_mut().extend_pairs(pairs);
    }
    let method = asked["method"].as_str().unwrap().parse().unwrap();
    let mut request = client.request(method, url);
    for (name, value) in asked["headers"].as_object().unwrap() {
        request = request.header(name, words.header(value.as_str().unwrap()));
    }
    let Some((form, body)) = asked["body"].as_object().and_then(|body| body.iter().next()) else {
        return request;
    };
    request.body(match form.as_str() {
        "json" => serde_json::to_vec(&words.value(body)).unwrap(),
        "text" => words.filled(body.as_str().unwrap()).into_bytes(),
        "base64" => STANDARD.decode(body.as_str().unwrap()).unwrap(),
        "gzip" => unpacked(body),
        "form" => {
            let pairs: Vec<(String, String)> =
                body.as_array().unwrap().iter().map(|pair| words.pair(pair)).collect();
            let mut url = reqwest::Url::parse("http://form").unwrap();
            url.query_pairs_mut().extend_pairs(pairs);
            url.query().unwrap_or_default().as_bytes().to_vec()
        }
        other => panic!("a body of the kind `{other}` cannot be sent again"),
    })
}

/// A long text, which transcripts hold compressed.
fn unpacked(body: &Value) -> Vec<u8> {
    let gzip = STANDARD.decode(body.as_str().unwrap()).unwrap();
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(&gzip[..]).read_to_end(&mut text).unwrap();
    text
}

/// How an answer differs from the recorded one.
async fn compared(exchange: &Value, answer: reqwest::Response, words: &mut Words) -> Vec<String> {
    let recorded = &exchange["answer"];
    let status = answer.status().as_u16();
    let headers = answer.headers().clone();
    let bytes = answer.bytes().await.unwrap();
    if recorded["status"] != status {
        let text = String::from_utf8_lossy(&bytes);
        return vec![format!("status {} became {status}: {text}", recorded["status"])];
    }
    let mut found = Vec::new();
    for (name, value) in recorded["headers"].as_object().unwrap() {
        let value = value.as_str().unwrap();
        match headers.get(name).and_then(|it| it.to_str().ok()) {
            Some(now) if words.matches(value, now) => {}
            now => found.push(format!("header {name}: `{value}` became {now:?}")),
        }
    }
    match recorded["body"].as_object().and_then(|body| body.iter().next()) {
        None if bytes.is_empty() => {}
        None => found.push(format!("no body became {} bytes", bytes.len())),
        Some((kind, body)) if kind == "json" => match serde_json::from_slice(&bytes) {
            Ok(now) => found.extend(differences(body, &now, words)),
            Err(_) => found.push(format!("JSON became {:?}", String::from_utf8_lossy(&bytes))),
        },
        Some((kind, body)) if kind == "text" => {
            let now = String::from_utf8_lossy(&bytes);
            if !words.matches(body.as_str().unwrap(), &now) {
                found.push(format!("text {body} became {now:?}"));
            }
        }
        Some((kind, body)) if kind == "base64" || kind == "gzip" => {
            let recorded = if kind == "gzip" {
                unpacked(body)
            } else {
                STANDARD.decode(body.as_str().unwrap()).unwrap()
            };
            if recorded != bytes {
                found.push(format!("the bytes are others, {} of them", bytes.len()));
            }
        }
        Some(_) => {
            let by_digest = json!({ "size": bytes.len(), "sha256": words::sha256(&bytes) });
            if recorded["body"] != by_digest {
                found.push(format!("{} became {by_digest}", recorded["body"]));
            }
        }
    }
    found
}
