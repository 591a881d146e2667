//! The scorer over the committed models: in process through its router, and as the binary with its signals.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use scorer::locate::locate;
use scorer::model::{LoadError, Model};
use scorer::server::{MAX_BODY_BYTES, router};
use serde_json::{Value, json};
use tower::ServiceExt;

const VERSIONS: [(&str, &str); 4] =
    [("breast-cancer", "1"), ("breast-cancer", "2"), ("Wine_Cultivar", "1"), ("Wine_Cultivar", "2")];

fn models() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../sandbox/models")
}

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn load(name: &str, version: &str) -> Router {
    let located = locate(&models().join(name).join(version), None).unwrap();
    router(Model::load(&located).unwrap(), 2)
}

async fn send(router: &Router, request: Request<Body>) -> (Response<()>, Vec<u8>) {
    let (parts, body) = router.clone().oneshot(request).await.unwrap().into_parts();
    (Response::from_parts(parts, ()), body.collect().await.unwrap().to_bytes().to_vec())
}

async fn score(router: &Router, body: impl Into<Body>) -> (StatusCode, Value) {
    let (response, body) = send(router, Request::post("/score").body(body.into()).unwrap()).await;
    (response.status(), serde_json::from_slice(&body).unwrap())
}

#[tokio::test]
async fn answers_as_scikit_learn_does() {
    for (name, version) in VERSIONS {
        let sample = std::fs::read(models().join(name).join("sample.json")).unwrap();
        let expected = read_json(&models().join(name).join("expected.json"))[version].clone();
        let (status, answer) = score(&load(name, version), sample).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        assert_eq!(answer["predictions"], expected["classes"], "{name} {version}");
        let rows = |json: &Value| json["probabilities"].as_array().unwrap().clone();
        let (found, wanted) = (rows(&answer), rows(&expected));
        assert_eq!(found.len(), wanted.len());
        for (found, wanted) in found.iter().zip(&wanted) {
            let pairs = found.as_array().unwrap().iter().zip(wanted.as_array().unwrap());
            for (found, wanted) in pairs {
                let distance = (found.as_f64().unwrap() - wanted.as_f64().unwrap()).abs();
                assert!(distance < 1e-5, "{name} {version}: {found} against {wanted}");
            }
        }
    }
}

#[tokio::test]
async fn every_form_of_a_request_gives_the_same_answer() {
    let router = load("Wine_Cultivar", "2");
    let rows = read_json(&models().join("Wine_Cultivar/sample.json"))["data"].clone();
    let (_, expected) = score(&router, json!({"data": rows}).to_string()).await;
    let columns: Vec<usize> = (0..13).collect();
    let forms = [
        json!({"input_data": rows}),
        json!({"input_data": {"columns": columns, "index": [0, 1, 2, 3, 4], "data": rows}}),
        json!({"data": {"features": rows}}),
        json!({"input_data": {"features": rows}, "params": {}}),
    ];
    for form in forms {
        assert_eq!(score(&router, form.to_string()).await, (StatusCode::OK, expected.clone()));
    }
}

#[tokio::test]
async fn wrong_requests_get_a_status_a_code_and_a_reason() {
    let router = load("breast-cancer", "1");
    let wrong = |rows: usize, columns: usize| json!({"data": vec![vec![0; columns]; rows]}).to_string();
    let table = [
        (wrong(2, 29), "InvalidShape", "input `features`: expected [N,30], got [2,29]"),
        (
            json!({"data": vec![0; 30]}).to_string(),
            "InvalidShape",
            "input `features`: expected [N,30], got [30]; put a single row into a list of its own",
        ),
        (wrong(0, 0), "InvalidShape", "`data` is empty, expected at least one row"),
        (r#"{"data": [["a"]]}"#.to_owned(), "InvalidValue", "`data[0][0]` is a text, expected a number"),
        (
            r#"{"data": [[NaN]]}"#.to_owned(),
            "InvalidJson",
            "the body is no JSON: unexpected character at line 1, column 12; NaN and Infinity are no JSON numbers",
        ),
        (String::new(), "InvalidJson", "the body is empty, expected JSON as {\"data\": [[…], …]}"),
        (
            "{}".to_owned(),
            "InvalidRequest",
            "the body has neither `data` nor `input_data`, expected `data` or `input_data`, as {\"data\": [[…], …]}",
        ),
    ];
    for (body, code, message) in table {
        let expected = json!({"error": {"code": code, "message": message}});
        assert_eq!(score(&router, body).await, (StatusCode::BAD_REQUEST, expected));
    }
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused_with_and_without_a_length() {
    let router = load("breast-cancer", "1");
    let large = vec![b' '; MAX_BODY_BYTES + 1];
    // Mapped frames may have any length, so that none is announced.
    let unmeasured = Body::new(Full::new(Bytes::from(large.clone())).map_frame(|frame| frame));
    assert_eq!(unmeasured.size_hint().exact(), None);
    for body in [Body::from(large), unmeasured] {
        let (status, answer) = score(&router, body).await;
        assert_eq!(
            (status, &answer["error"]["code"]),
            (StatusCode::PAYLOAD_TOO_LARGE, &json!("PayloadTooLarge"))
        );
    }
}

#[tokio::test]
async fn other_paths_and_methods_say_what_would_do() {
    let router = load("breast-cancer", "1");
    let (health, body) = send(&router, Request::get("/").body(Body::empty()).unwrap()).await;
    assert_eq!((health.status(), body.as_slice()), (StatusCode::OK, b"Healthy".as_slice()));
    let (missing, body) = send(&router, Request::get("/v1/models").body(Body::empty()).unwrap()).await;
    let message = "there is nothing at `/v1/models`, expected `/`, `/score` or `/swagger.json`";
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    assert_eq!(
        serde_json::from_slice::<Value>(&body).unwrap(),
        json!({"error": {"code": "NotFound", "message": message}})
    );
    for (method, path, allow) in
        [("GET", "/score", "POST"), ("POST", "/", "GET,HEAD"), ("DELETE", "/swagger.json", "GET,HEAD")]
    {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let (response, body) = send(&router, request).await;
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(response.headers()[header::ALLOW], allow, "{method} {path}");
        let expected =
            format!("`{method}` is not for `{path}`, expected `{}`", &allow[..allow.find(',').unwrap_or(4)]);
        assert_eq!(serde_json::from_slice::<Value>(&body).unwrap()["error"]["message"], expected.as_str());
    }
}

#[tokio::test]
async fn every_answer_names_its_request() {
    let router = load("breast-cancer", "1");
    let given = Request::get("/").header("x-ms-request-id", "mine").header("x-ms-client-request-id", "c-1");
    let (response, _) = send(&router, given.body(Body::empty()).unwrap()).await;
    assert_eq!(response.headers()["x-ms-request-id"], "mine");
    assert_eq!(response.headers()["x-ms-client-request-id"], "c-1");
    let mut fresh = Vec::new();
    for path in ["/", "/nothing"] {
        let (response, _) = send(&router, Request::get(path).body(Body::empty()).unwrap()).await;
        fresh.push(response.headers()["x-ms-request-id"].to_str().unwrap().to_owned());
    }
    assert_eq!(fresh[0].len(), 36);
    assert_ne!(fresh[0], fresh[1]);
}

#[tokio::test]
async fn the_openapi_document_has_the_models_own_names_and_shapes() {
    let (_, body) =
        send(&load("breast-cancer", "2"), Request::get("/swagger.json").body(Body::empty()).unwrap()).await;
    let document: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(document["openapi"], "3.0.3");
    assert_eq!(document["info"]["description"], "features [N,30] → probabilities [N,2]");
    let schemas = &document["components"]["schemas"];
    let row = json!({"type": "array", "minItems": 30, "maxItems": 30, "items": {"type": "number", "format": "float"}});
    assert_eq!(schemas["Data"]["anyOf"][0], json!({"type": "array", "minItems": 1, "items": row}));
    assert_eq!(schemas["Answer"]["properties"]["probabilities"]["items"]["maxItems"], 2);
    assert_eq!(
        schemas["Answer"]["properties"]["predictions"]["items"]["enum"],
        json!(["malignant", "benign"])
    );
    let example =
        document["paths"]["/score"]["post"]["requestBody"]["content"]["application/json"]["example"].clone();
    let (status, _) = score(&load("breast-cancer", "2"), example.to_string()).await;
    assert_eq!(status, StatusCode::OK);
}

#[test]
fn models_that_cannot_be_served_say_why() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("model.onnx"), b"not a model").unwrap();
    let broken = Model::load(&locate(folder.path(), None).unwrap()).err().unwrap();
    assert!(matches!(broken, LoadError::Engine { .. }), "{broken}");
    std::fs::copy(models().join("Wine_Cultivar/1/model.onnx"), folder.path().join("model.onnx")).unwrap();
    std::fs::write(folder.path().join("labels.json"), "[\"a\", \"b\"]").unwrap();
    let labels = Model::load(&locate(folder.path(), None).unwrap()).err().unwrap().to_string();
    assert_eq!(labels, "`labels.json` names 2 classes, and output `probabilities` of the model has 3");
}

/// The binary, with a kill at the end.
struct Running {
    child: Child,
    talk: BufReader<std::process::ChildStderr>,
    address: String,
}

impl Running {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_gangplank-scorer"))
            .env("AZUREML_MODEL_DIR", models().join("breast-cancer/2"))
            .env("GANGPLANK_LISTEN", "127.0.0.1:0")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut talk = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        let address = loop {
            line.clear();
            assert!(talk.read_line(&mut line).unwrap() > 0, "ended before it listened");
            if let Some(address) = line.trim().strip_prefix("listening on ") {
                break address.to_owned();
            }
        };
        Self { child, talk, address }
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_stop_lets_the_request_in_flight_finish() {
    for name in ["-TERM", "-INT"] {
        let mut running = Running::start();
        let body = std::fs::read(models().join("breast-cancer/sample.json")).unwrap();
        let mut stream = TcpStream::connect(&running.address).unwrap();
        write!(
            stream,
            "POST /score HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
            body.len()
        )
        .unwrap();
        // The interim answer shows that the request is in the house, waiting for its body.
        let mut interim = [0; 25];
        stream.read_exact(&mut interim).unwrap();
        assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
        running.signal(name);
        // Refused connections show that the stop has been heard.
        while TcpStream::connect(&running.address).is_ok() {
            std::thread::yield_now();
        }
        stream.write_all(&body).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("\"predictions\":[\"benign\""),
            "{answer}"
        );
        assert!(running.child.wait().unwrap().success());
        let mut rest = String::new();
        running.talk.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "stopped\n");
    }
}

#[test]
fn an_idle_server_stops_at_once_though_a_connection_is_kept_open() {
    let mut running = Running::start();
    let mut stream = TcpStream::connect(&running.address).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut first = [0; 15];
    stream.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    running.signal("-TERM");
    assert!(running.child.wait().unwrap().success());
}

#[test]
fn a_bad_environment_ends_in_one_clear_line() {
    let empty = tempfile::tempdir().unwrap();
    let good = models().join("breast-cancer/1");
    let several = models().join("breast-cancer");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let table: [(Option<&Path>, &str, String); 6] = [
        (
            None,
            "127.0.0.1:0",
            "AZUREML_MODEL_DIR is not set, expected the folder that holds the model".to_owned(),
        ),
        (
            Some(empty.path()),
            "127.0.0.1:0",
            format!("there is no file `*.onnx` below `{}`", empty.path().display()),
        ),
        (Some(&several), "127.0.0.1:0", "there are 2 files `*.onnx` below".to_owned()),
        (Some(Path::new("/nowhere")), "127.0.0.1:0", "the model folder `/nowhere` cannot be read".to_owned()),
        (
            Some(&good),
            "localhost",
            "GANGPLANK_LISTEN is `localhost`, expected ADDRESS:PORT, as 0.0.0.0:5001".to_owned(),
        ),
        (Some(&good), &address, format!("cannot listen on {address}: ")),
    ];
    for (folder, listen, expected) in table {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gangplank-scorer"));
        command
            .env_remove("AZUREML_MODEL_DIR")
            .env_remove("AZUREML_MODEL_FILE")
            .env("GANGPLANK_LISTEN", listen);
        if let Some(folder) = folder {
            command.env("AZUREML_MODEL_DIR", folder);
        }
        let output = command.output().unwrap();
        let talk = String::from_utf8(output.stderr).unwrap();
        let last = talk.lines().last().unwrap_or_default();
        assert!(last.starts_with(&format!("gangplank-scorer: {expected}")), "{talk}");
        assert_eq!(output.status.code(), Some(1));
    }
}

#[test]
fn arguments_are_refused_but_for_help_and_version() {
    let run =
        |argument: &str| Command::new(env!("CARGO_BIN_EXE_gangplank-scorer")).arg(argument).output().unwrap();
    assert!(String::from_utf8(run("--help").stdout).unwrap().contains("AZUREML_MODEL_DIR"));
    assert!(String::from_utf8(run("--version").stdout).unwrap().starts_with("gangplank-scorer "));
    assert_eq!(run("serve").status.code(), Some(2));
}
