//! SIGKILL at each named step, and at seeded random moments: the next run completes, the result is the same, and at most what
//! was in flight is moved again.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use sandbox::Options;
use serde_json::{Value, json};
use sha2::Digest as _;

use crate::harbour::Harbour;
use crate::pack::noise;
use crate::provenance::{sign_everything, signed};
use crate::witness::stored;

/// The steps of `ship`, as it says them.
const STEPS: &[&str] =
    &["resolve", "list-files", "push", "attest", "sign", "render", "apply", "roll-out", "score", "record"];

#[test]
fn ship_killed_at_each_step_is_finished_by_the_next_run() {
    let harbour = Harbour::set_up();
    sign_everything(&harbour);
    let first = harbour.run(&["ship", "breast-cancer:1", "-o", "json"]).expect_code(0).json();
    let url = first["urls"][0].as_str().unwrap().to_owned();
    for step in STEPS {
        let line = format!("{step:<10}");
        assert!(harbour.kill_at(&["ship", "breast-cancer:2"], &line), "no step `{step}`");
        assert!(answers(&harbour, &url), "nobody answers after a kill at `{step}`");
    }
    let shipped = harbour.run(&["ship", "breast-cancer:2", "-o", "json"]).expect_code(0).json();
    assert_same_as_undisturbed(&shipped);
    let image = shipped["image"].as_str().unwrap();
    assert_eq!((signed(&harbour, image, "sig").len(), signed(&harbour, image, "att").len()), (1, 2));
}

#[test]
fn ship_killed_at_random_moments_is_finished_by_the_next_run() {
    let harbour = Harbour::set_up();
    let first = harbour.run(&["ship", "breast-cancer:1", "-o", "json"]).expect_code(0).json();
    let url = first["urls"][0].as_str().unwrap().to_owned();
    for moment in moments(10, 2500) {
        let mut child = harbour.command(&["ship", "breast-cancer:2"]).spawn().unwrap();
        std::thread::sleep(moment);
        let _ = child.kill();
        child.wait().unwrap();
        assert!(answers(&harbour, &url), "nobody answers after a kill at {moment:?}");
    }
    let shipped = harbour.run(&["ship", "breast-cancer:2", "-o", "json"]).expect_code(0).json();
    assert_same_as_undisturbed(&shipped);
}

#[test]
fn apply_killed_at_each_change_is_finished_by_the_next_run() {
    let harbour = Harbour::new();
    let plan = harbour.run(&["plan", "-o", "json"]).expect_code(4).json();
    let changes = plan["changes"].as_array().unwrap();
    assert!(changes.len() > 10);
    for change in changes {
        harbour.kill_at(&["apply"], change["key"].as_str().unwrap());
    }
    for moment in moments(5, 800) {
        let mut child = harbour.command(&["apply"]).spawn().unwrap();
        std::thread::sleep(moment);
        let _ = child.kill();
        child.wait().unwrap();
    }
    harbour.run(&["apply"]).expect_code(0);
    harbour.run(&["plan"]).expect_code(0);
}

/// Layers under way at the same time, `AT_ONCE` of the crate `oci`.
const AT_ONCE: usize = 4;
/// Files of the model that is packed and copied.
const FILES: u64 = 8;

/// A harbour that writes down what passes, with a model of some large files.
fn with_large_model(folder: &Path) -> Harbour {
    let transcript = Some(folder.join("transcript"));
    let harbour = Harbour::with(Options { transcript, ..Options::default() });
    harbour.run(&["apply"]).expect_code(0);
    let paths: Vec<String> = (0..FILES).map(|at| format!("shard-{at}.bin")).collect();
    let files: Vec<_> =
        paths.iter().zip(0..).map(|(path, seed)| (path.as_str(), noise(seed, 2 << 20))).collect();
    harbour.sandbox.world.azure.add_model("breast-cancer", "9", &[], &files, &harbour.sandbox.world.clock);
    harbour
}

/// How often each blob was taken whole by the sandbox's registry.
fn taken(folder: &Path) -> BTreeMap<String, usize> {
    let mut taken = BTreeMap::new();
    for line in std::fs::read_to_string(folder.join("transcript")).unwrap().lines() {
        let exchange: Value = serde_json::from_str(line).unwrap();
        let request = &exchange["request"];
        let upload =
            exchange["service"] == "registry" && request["path"].as_str().unwrap().contains("uploads/");
        if upload && request["method"] == "PUT" && exchange["answer"]["status"] == 201 {
            *taken.entry(request["query"].to_string()).or_default() += 1;
        }
    }
    taken
}

/// Kills a command at lines of its talk and at random moments, then lets it finish; how often it was killed.
fn killed_and_finished(harbour: &Harbour, words: &[&str], steps: &[&str], limit: u64) -> (usize, Value) {
    for step in steps {
        assert!(harbour.kill_at(words, &format!("{step:<10}")), "no step `{step}`");
    }
    let mut kills = steps.len();
    for moment in moments(20, limit) {
        let mut child = harbour.command(words).spawn().unwrap();
        std::thread::sleep(moment);
        kills += usize::from(child.try_wait().unwrap().is_none());
        let _ = child.kill();
        child.wait().unwrap();
    }
    assert!(kills >= 5, "only {kills} were killed before they were done");
    let words: Vec<&str> = words.iter().copied().chain(["-o", "json"]).collect();
    (kills, harbour.run(&words).expect_code(0).json())
}

#[track_caller]
fn assert_moved_hardly_twice(taken: &BTreeMap<String, usize>, kills: usize) {
    let again: usize = taken.values().map(|times| times - 1).sum();
    assert!(taken.len() as u64 >= FILES, "{taken:?}");
    assert!(again <= kills * AT_ONCE, "{again} blobs were taken again in {kills} kills");
    assert!(again <= taken.len(), "{again} blobs were taken again of {}", taken.len());
}

#[test]
fn pack_killed_anywhere_is_finished_by_the_next_run() {
    let folder = tempfile::tempdir().unwrap();
    let harbour = with_large_model(folder.path());
    let words = ["pack", "breast-cancer:9"];
    let (kills, packed) =
        killed_and_finished(&harbour, &words, &["resolve", "list-files", "push", "attest"], 900);
    assert_moved_hardly_twice(&taken(folder.path()), kills);
    let calm_folder = tempfile::tempdir().unwrap();
    let calm = with_large_model(calm_folder.path());
    let calmly = calm.run(&["pack", "breast-cancer:9", "-o", "json"]).expect_code(0).json();
    let layers = |harbour: &Harbour, image: &Value| {
        let (manifest, _) = stored(harbour, image["reference"].as_str().unwrap());
        manifest["layers"].clone()
    };
    assert_eq!(layers(&harbour, &packed), layers(&calm, &calmly));
    let again = harbour.run(&["pack", "breast-cancer:9", "-o", "json"]).expect_code(0).json();
    assert_eq!((&again["sent"], &again["digest"]), (&Value::from(0), &packed["digest"]));
    let journals = harbour.file(".cache/gangplank/images");
    assert_eq!(std::fs::read_dir(journals).map_or(0, Iterator::count), 0, "nothing is left behind");
}

/// An image of some large layers in a registry that asks nobody who they are; its name.
fn somebody_elses_image(harbour: &Harbour) -> (String, String) {
    let digest = |bytes: &[u8]| format!("sha256:{}", hex::encode(sha2::Sha256::digest(bytes)));
    let media = |kind: &str| format!("application/vnd.oci.image.{kind}");
    let layers: Vec<bytes::Bytes> = (0..FILES).map(|seed| noise(seed, 2 << 20)).collect();
    let descriptor = |kind: &str, bytes: &[u8]| json!({"mediaType": media(kind), "size": bytes.len(), "digest": digest(bytes)});
    let config =
        json!({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}})
            .to_string();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": media("manifest.v1+json"),
        "config": descriptor("config.v1+json", config.as_bytes()),
        "layers": layers.iter().map(|layer| descriptor("layer.v1.tar+gzip", layer)).collect::<Vec<_>>(),
    })
    .to_string();
    let name = digest(manifest.as_bytes());
    let manifest_place = format!("manifests/{name}");
    let mut things: BTreeMap<String, (String, bytes::Bytes)> = layers
        .into_iter()
        .map(|layer| (format!("blobs/{}", digest(&layer)), (media("layer.v1.tar+gzip"), layer)))
        .collect();
    things.insert(format!("blobs/{}", digest(config.as_bytes())), (media("config.v1+json"), config.into()));
    things.insert(manifest_place, (media("manifest.v1+json"), manifest.into()));
    let answer = move |uri: axum::http::Uri| {
        let found = things.iter().find(|(place, _)| uri.path().ends_with(place.as_str()));
        let (status, (kind, bytes)) = match found {
            Some((_, found)) => (axum::http::StatusCode::OK, found.clone()),
            None => (axum::http::StatusCode::NOT_FOUND, Default::default()),
        };
        async move { (status, [(axum::http::header::CONTENT_TYPE, kind)], bytes) }
    };
    let listener = harbour.runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let router = axum::Router::new().fallback(answer);
    harbour.runtime.spawn(async move { axum::serve(listener, router).await });
    (format!("{address}/library/large@{name}"), name)
}

#[test]
fn copy_killed_anywhere_is_finished_by_the_next_run() {
    let folder = tempfile::tempdir().unwrap();
    let harbour = with_large_model(folder.path());
    let packed = harbour.run(&["pack", "breast-cancer:1", "-o", "json"]).expect_code(0).json();
    let before = taken(folder.path()).len();
    let (image, digest) = somebody_elses_image(&harbour);
    let place = packed["reference"].as_str().unwrap().split('@').next().unwrap();
    let place = place.replace("/models/breast-cancer", "/models/large:1");
    let (kills, copied) = killed_and_finished(&harbour, &["copy", &image, &place], &[], 160);
    assert_eq!(copied["digest"], digest);
    let taken = taken(folder.path());
    assert!(taken.len() >= before + 8, "{taken:?}");
    assert_moved_hardly_twice(&taken, kills);
}

/// The digest is the same as on a harbour where nothing was killed.
#[track_caller]
fn assert_same_as_undisturbed(shipped: &serde_json::Value) {
    let calm = Harbour::set_up();
    let calmly = calm.run(&["ship", "breast-cancer:2", "-o", "json"]).expect_code(0).json();
    assert_eq!(shipped["digest"], calmly["digest"]);
    assert_eq!(shipped["version"], calmly["version"]);
}

fn answers(harbour: &Harbour, url: &str) -> bool {
    let sample = std::fs::read(harbour.file("samples/breast-cancer.json")).unwrap();
    let request = harbour.client().post(url).header("content-type", "application/json").body(sample);
    harbour.send(request).0 == 200
}

/// Seeded moments below `limit` milliseconds; the same in every run.
fn moments(count: usize, limit: u64) -> impl Iterator<Item = Duration> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        Duration::from_millis(state % limit)
    })
    .take(count)
}
