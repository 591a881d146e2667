//! Pushing, pulling and being refused, through the router.

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Request;
use serde_json::{Value, json};

use crate::google::testing::{Answer, Fixture, POOL, send};
use crate::registry::storage::digest;
use crate::serve::Expired;

const NAME: &str = "harbour-sandbox/models/fraud-detector";

struct Registry {
    fixture: Fixture,
    router: axum::Router,
    writer: String,
}

impl Registry {
    async fn new() -> Self {
        let fixture = Fixture::new().with_pool().await;
        let fixture =
            fixture.with_repository(&format!("principal://iam.googleapis.com/{POOL}/subject/ci")).await;
        let router = super::router(fixture.world.clone());
        let writer = fixture.federated("ci");
        Self { fixture, router, writer }
    }

    async fn with(&self, token: &str, (method, path): (&str, &str), body: impl Into<Body>) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "127.0.0.1:5000")
            .header("authorization", format!("Bearer {token}"));
        send(&self.router, request.body(body.into()).unwrap()).await
    }

    async fn call(&self, method: &str, path: &str, body: impl Into<Body>) -> Answer {
        self.with(&self.writer, (method, path), body).await
    }

    async fn begin(&self) -> String {
        let begun = self.call("POST", &format!("/v2/{NAME}/blobs/uploads/"), "").await;
        assert_eq!(begun.status, 202);
        begun.header("location").to_owned()
    }

    async fn push_blob(&self, bytes: &'static [u8]) -> String {
        let location = self.begin().await;
        let digest = digest(bytes);
        assert_eq!(self.call("PUT", &format!("{location}?digest={digest}"), bytes).await.status, 201);
        digest
    }
}

fn first(answer: &Answer) -> (String, String) {
    let error = answer.json()["errors"][0].clone();
    let text = |field: &str| error[field].as_str().unwrap().to_owned();
    (text("code"), text("message"))
}

fn image(config: &str, layer: &str) -> Value {
    let part = |kind: &str, digest: &str, size: usize| json!({ "mediaType": format!("application/vnd.oci.image.{kind}"), "digest": digest, "size": size });
    json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": part("config.v1+json", config, 2),
        "layers": [part("layer.v1.tar", layer, 5)],
    })
}

#[tokio::test]
async fn an_image_goes_in_and_comes_out() {
    let registry = Registry::new().await;
    let location = registry.begin().await;
    assert!(
        location.starts_with("/artifacts-uploads/namespaces/harbour-sandbox/repositories/models/uploads/")
    );
    assert_eq!(registry.call("PATCH", &location, "layer").await.status, 202);
    let layer = digest(b"layer");
    let put = registry.call("PUT", &format!("{location}?digest={layer}"), "").await;
    assert_eq!((put.status.as_u16(), put.header("docker-content-digest")), (201, layer.as_str()));
    let config = registry.push_blob(b"{}").await;

    let manifest = serde_json::to_vec(&image(&config, &layer)).unwrap();
    let pushed = registry.call("PUT", &format!("/v2/{NAME}/manifests/v1"), manifest.clone()).await;
    assert_eq!(pushed.status, 201);
    let head = registry.call("HEAD", &format!("/v2/{NAME}/manifests/v1"), "").await;
    assert_eq!(head.header("docker-content-digest"), digest(&manifest));
    assert_eq!(head.header("content-length"), manifest.len().to_string());
    let by_digest = registry.call("GET", &format!("/v2/{NAME}/manifests/{}", digest(&manifest)), "").await;
    assert_eq!(by_digest.bytes, manifest);
    assert_eq!(by_digest.header("content-type"), "application/vnd.oci.image.manifest.v1+json");
    let tags = registry.call("GET", &format!("/v2/{NAME}/tags/list?n=1"), "").await;
    assert_eq!(tags.json(), json!({ "name": NAME, "tags": ["v1"] }));

    let whole = registry.call("GET", &format!("/v2/{NAME}/blobs/{layer}"), "").await;
    assert_eq!((whole.status.as_u16(), &whole.bytes[..]), (200, &b"layer"[..]));
    assert_eq!(
        registry.call("HEAD", &format!("/v2/{NAME}/blobs/{layer}"), "").await.header("content-length"),
        "5"
    );
}

#[tokio::test]
async fn blobs_are_read_by_range() {
    let registry = Registry::new().await;
    let layer = registry.push_blob(b"layer").await;
    let request = Request::get(format!("/v2/{NAME}/blobs/{layer}"))
        .header("authorization", format!("Bearer {}", registry.writer))
        .header("range", "bytes=1-2");
    let part = send(&registry.router, request.body(Body::empty()).unwrap()).await;
    assert_eq!((part.status.as_u16(), &part.bytes[..]), (206, &b"ay"[..]));
    assert_eq!(part.header("content-range"), "bytes 1-2/5");
}

#[tokio::test]
async fn what_was_sent_must_be_what_was_said() {
    let registry = Registry::new().await;
    let location = registry.begin().await;
    let wrong = registry.call("PUT", &format!("{location}?digest={}", digest(b"other")), "layer").await;
    assert_eq!((wrong.status.as_u16(), first(&wrong).0.as_str()), (400, "DIGEST_INVALID"));
    let gone = registry.call("PUT", &format!("{location}?digest={}", digest(b"layer")), "layer").await;
    assert_eq!((gone.status.as_u16(), first(&gone).0.as_str()), (404, "BLOB_UPLOAD_UNKNOWN"));
    let left: Vec<_> = std::fs::read_dir(registry.fixture.world.folder.join("registry")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn a_blob_comes_in_one_piece() {
    let registry = Registry::new().await;
    let location = registry.begin().await;
    assert_eq!(registry.call("PATCH", &location, "lay").await.status, 202);
    let second = registry.call("PATCH", &location, "er").await;
    assert_eq!((second.status.as_u16(), first(&second).0.as_str()), (400, "UNSUPPORTED"));
    let end = registry.call("PUT", &format!("{location}?digest={}", digest(b"layer")), "er").await;
    assert_eq!(end.status, 400);
}

#[tokio::test]
async fn a_blob_is_taken_over_from_an_image_that_the_caller_may_read() {
    let registry = Registry::new().await;
    let layer = registry.push_blob(b"layer").await;
    let other = NAME.replace("fraud-detector", "other");
    let mount = |from: &str| format!("/v2/{other}/blobs/uploads/?mount={layer}&from={from}");
    let readable = registry.call("POST", &mount(NAME), "").await;
    assert_eq!(readable.status, 201);
    assert_eq!(registry.call("HEAD", &format!("/v2/{other}/blobs/{layer}"), "").await.status, 200);
    let elsewhere = registry.call("POST", &mount("elsewhere/models/x"), "").await;
    assert_eq!(elsewhere.status, 202);
}

#[tokio::test]
async fn a_manifest_refers_only_to_what_is_there() {
    let registry = Registry::new().await;
    let config = registry.push_blob(b"{}").await;
    let path = format!("/v2/{NAME}/manifests/v1");
    let unknown = registry.call("PUT", &path, image(&config, &digest(b"layer")).to_string()).await;
    assert_eq!((unknown.status.as_u16(), first(&unknown).0.as_str()), (400, "MANIFEST_BLOB_UNKNOWN"));
    let layer = registry.push_blob(b"layer").await;
    let mut wrong_size = image(&config, &layer);
    wrong_size["layers"][0]["size"] = json!(6);
    let mut odd_type = image(&config, &layer);
    odd_type["mediaType"] = json!("application/json");
    for bad in [wrong_size.to_string(), odd_type.to_string(), "{}".to_owned(), "nonsense".to_owned()] {
        let answer = registry.call("PUT", &path, bad).await;
        assert_eq!((answer.status.as_u16(), first(&answer).0.as_str()), (400, "MANIFEST_INVALID"));
    }
    let by_digest = format!("/v2/{NAME}/manifests/{}", digest(b"else"));
    let answer = registry.call("PUT", &by_digest, image(&config, &layer).to_string()).await;
    assert_eq!(first(&answer).0, "DIGEST_INVALID");
    let absent = registry.call("GET", &format!("/v2/{NAME}/manifests/v9"), "").await;
    assert_eq!(first(&absent), ("MANIFEST_UNKNOWN".to_owned(), "Failed to fetch \"v9\"".to_owned()));
}

#[tokio::test]
async fn refusals_say_what_is_missing_where() {
    let registry = Registry::new().await;
    let stranger = registry.fixture.federated("stranger");
    let resource = "projects/harbour-sandbox/locations/europe-west4/repositories";
    let denied = |permission: &str, repository: &str| {
        format!(
            "Permission \"artifactregistry.repositories.{permission}\" denied on resource \
             \"{resource}/{repository}\" (or it may not exist)"
        )
    };
    let absent = NAME.replace("models", "absent");
    let table = [
        (&stranger, "POST", format!("/v2/{NAME}/blobs/uploads/"), 403, "DENIED", denied("uploadArtifacts", "models")),
        (&stranger, "GET", format!("/v2/{NAME}/manifests/v1"), 403, "DENIED", denied("downloadArtifacts", "models")),
        (&stranger, "GET", format!("/v2/{absent}/manifests/v1"), 403, "DENIED", denied("downloadArtifacts", "absent")),
        (
            &registry.fixture.admin(),
            "POST",
            format!("/v2/{absent}/blobs/uploads/"),
            404,
            "NAME_UNKNOWN",
            "Repository \"absent\" not found".to_owned(),
        ),
        (
            &stranger,
            "GET",
            "/v2/fraud-detector/manifests/v1".to_owned(),
            400,
            "NAME_INVALID",
            "Missing image name. Pushes should be of the form docker push HOST-NAME/PROJECT-ID/REPOSITORY/IMAGE".to_owned(),
        ),
    ];
    for (token, method, path, status, code, message) in table {
        let answer = registry.with(token, (method, &path), "").await;
        assert_eq!((answer.status.as_u16(), first(&answer)), (status, (code.to_owned(), message)), "{path}");
    }
}

#[tokio::test]
async fn the_door_challenges_and_the_token_endpoint_answers() {
    let registry = Registry::new().await;
    let anonymous = Request::get("/v2/").header("host", "127.0.0.1:5000").body(Body::empty()).unwrap();
    let refused = send(&registry.router, anonymous).await;
    assert_eq!(refused.status, 401);
    assert_eq!(
        refused.header("www-authenticate"),
        "Bearer realm=\"http://127.0.0.1:5000/v2/token\",service=\"127.0.0.1:5000\""
    );
    let path = format!("/v2/token?service=127.0.0.1:5000&scope=repository:{NAME}:pull,push");
    let no_credential = send(&registry.router, Request::get(&path).body(Body::empty()).unwrap()).await;
    assert_eq!(no_credential.status, 403);
    assert!(
        first(&no_credential)
            .1
            .starts_with("Unauthenticated request. Unauthenticated requests do not have permission")
    );

    let basic = |user: &str, secret: &str| {
        let value = format!("Basic {}", STANDARD.encode(format!("{user}:{secret}")));
        Request::get(&path).header("authorization", value).body(Body::empty()).unwrap()
    };
    let json_key = send(&registry.router, basic("_json_key", "{}")).await;
    assert_eq!((json_key.status.as_u16(), first(&json_key).1.as_str()), (401, "Unable to parse json key."));
    let stranger =
        send(&registry.router, basic("oauth2accesstoken", &registry.fixture.federated("stranger"))).await;
    assert_eq!(stranger.status, 403);
    let given = send(&registry.router, basic("oauth2accesstoken", &registry.writer)).await;
    assert_eq!(given.status, 200);
    let token = given.json()["token"].as_str().unwrap().to_owned();
    assert!(registry.fixture.world.minted.all().contains(&token));
    assert_eq!(registry.with(&token, ("POST", &format!("/v2/{NAME}/blobs/uploads/")), "").await.status, 202);
    let other = NAME.replace("fraud-detector", "other");
    let beyond = registry.with(&token, ("POST", &format!("/v2/{other}/blobs/uploads/")), "").await;
    assert!(beyond.header("www-authenticate").ends_with("error=\"insufficient_scope\""));
}

#[tokio::test]
async fn versions_with_tags_stay_and_writers_delete_nothing() {
    let registry = Registry::new().await;
    let (config, layer) = (registry.push_blob(b"{}").await, registry.push_blob(b"layer").await);
    let manifest = image(&config, &layer).to_string();
    let version = format!("/v2/{NAME}/manifests/{}", digest(manifest.as_bytes()));
    let tag = format!("/v2/{NAME}/manifests/v1");
    registry.call("PUT", &tag, manifest).await;
    assert_eq!(registry.call("DELETE", &tag, "").await.status, 403);
    let admin = registry.fixture.admin();
    let dangling = registry.with(&admin, ("DELETE", &version), "").await;
    assert_eq!(first(&dangling).0, "GOOGLE_MANIFEST_DANGLING_TAG");
    assert_eq!(registry.with(&admin, ("DELETE", &tag), "").await.status, 202);
    assert_eq!(registry.with(&admin, ("DELETE", &version), "").await.status, 202);
    assert_eq!(registry.call("GET", &version, "").await.status, 404);
}

#[tokio::test]
async fn a_token_that_ends_in_mid_transfer_costs_no_more_than_the_request() {
    let registry = Registry::new().await;
    let location = registry.begin().await;
    let mut request = Request::patch(&location)
        .header("host", "127.0.0.1:5000")
        .header("authorization", format!("Bearer {}", registry.writer))
        .body(Body::from("layer"))
        .unwrap();
    request.extensions_mut().insert(Expired);
    let refused = send(&registry.router, request).await;
    assert_eq!((refused.status.as_u16(), first(&refused).0.as_str()), (401, "UNAUTHORIZED"));
    assert!(refused.header("www-authenticate").ends_with(&format!("scope=\"repository:{NAME}:pull,push\"")));
    assert_eq!(registry.call("PATCH", &location, "layer").await.status, 202);
}

#[tokio::test]
async fn what_is_about_a_manifest_is_listed_by_kind() {
    let registry = Registry::new().await;
    let config = registry.push_blob(b"{}").await;
    let (subject, never_pushed) = (digest(b"subject"), digest(b"never pushed"));
    for (kind, about) in
        [("application/sbom", &subject), ("application/signature", &subject), ("x/y", &never_pushed)]
    {
        let mut artifact = image(&config, &config);
        artifact["layers"] = json!([]);
        artifact["artifactType"] = json!(kind);
        artifact["annotations"] = json!({ "kind": kind });
        artifact["subject"] = json!({ "mediaType": "a/b", "digest": about, "size": 7 });
        let bytes = serde_json::to_vec(&artifact).unwrap();
        let pushed = registry.call("PUT", &format!("/v2/{NAME}/manifests/{}", digest(&bytes)), bytes).await;
        assert_eq!((pushed.status.as_u16(), pushed.header("oci-subject")), (201, about.as_str()));
    }
    let cases = [
        (&subject, "", vec!["application/sbom", "application/signature"], None),
        (&subject, "?artifactType=application/sbom", vec!["application/sbom"], Some("artifactType")),
        (&subject, "?artifactType=other", vec![], Some("artifactType")),
        (&digest(b"nobody"), "", vec![], None),
    ];
    for (about, query, expected, filtered) in cases {
        let listed = registry.call("GET", &format!("/v2/{NAME}/referrers/{about}{query}"), "").await;
        assert_eq!(listed.header("content-type"), "application/vnd.oci.image.index.v1+json");
        let mut kinds: Vec<String> = listed.json()["manifests"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| {
                assert_eq!(it["annotations"]["kind"], it["artifactType"]);
                it["artifactType"].as_str().unwrap().to_owned()
            })
            .collect();
        kinds.sort();
        assert_eq!(kinds, expected, "{query}");
        let applied = listed.headers.get("oci-filters-applied").map(|it| it.to_str().unwrap());
        assert_eq!(applied, filtered, "{query}");
    }
}
