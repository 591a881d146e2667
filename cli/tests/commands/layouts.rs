//! Models as Azure ML has them, packed, and unpacked again by somebody else's reader; the same image wherever and whenever it is
//! packed; and what no image is made of.

use std::collections::BTreeMap;
use std::io::Read as _;

use bytes::Bytes;
use serde_json::Value;

use crate::harbour::Harbour;
use crate::pack::{noise, packed};
use crate::witness::stored;

type Files = Vec<(String, Bytes)>;

fn register(harbour: &Harbour, files: &Files) {
    let files: Vec<(&str, Bytes)> =
        files.iter().map(|(path, bytes)| (path.as_str(), bytes.clone())).collect();
    let world = &harbour.sandbox.world;
    world.azure.add_model("breast-cancer", "9", &[], &files, &world.clock);
}

/// What lies in an image's layers of files, upper ones over lower ones.
fn unpacked(harbour: &Harbour, image: &Value) -> BTreeMap<String, Bytes> {
    let reference = image["reference"].as_str().unwrap();
    let (manifest, _) = stored(harbour, reference);
    let (place, _) = reference.split_once('@').unwrap();
    let (host, repository) = place.split_once('/').unwrap();
    let token = harbour.google_log_in();
    let mut found = BTreeMap::new();
    for described in manifest["layers"].as_array().unwrap() {
        let url = format!("http://{host}/v2/{repository}/blobs/{}", described["digest"].as_str().unwrap());
        let request = harbour.client().get(url).bearer_auth(&token);
        let blob = harbour.runtime.block_on(async { request.send().await.unwrap().bytes().await.unwrap() });
        let mut layer = BTreeMap::new();
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(&blob[..]));
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let header = entry.header();
            assert_eq!((header.uid().unwrap(), header.gid().unwrap(), header.mtime().unwrap()), (0, 0, 0));
            if header.entry_type() == tar::EntryType::Regular {
                assert!(matches!(header.mode().unwrap(), 0o644 | 0o755));
                let path = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes).unwrap();
                layer.insert(path, Bytes::from(bytes));
            }
        }
        // The mark hides what lower layers have in its folder.
        for hidden in layer.keys().filter_map(|path| path.strip_suffix(".wh..wh..opq")) {
            found.retain(|path: &String, _| !path.starts_with(hidden));
        }
        found.extend(layer);
    }
    found
}

/// Packs files, and looks whether they and nothing else lie below `/models`.
#[track_caller]
fn comes_through(harbour: &Harbour, files: &Files) -> Value {
    register(harbour, files);
    let image = packed(harbour);
    let expected: BTreeMap<String, Bytes> =
        files.iter().map(|(path, bytes)| (format!("models/{path}"), bytes.clone())).collect();
    let found = unpacked(harbour, &image);
    let model =
        found.iter().filter(|(path, _)| path.starts_with("models/") && !path.ends_with(".wh..wh..opq"));
    let model: BTreeMap<String, Bytes> = model.map(|(path, bytes)| (path.clone(), bytes.clone())).collect();
    assert!(model == expected, "{:?}\n{:?}", model.keys(), expected.keys());
    let list = std::str::from_utf8(&found["gangplank.files.jsonl"]).unwrap();
    let listed = list.lines().filter(|line| line.contains("\"/models/")).count();
    assert_eq!(listed, files.len(), "{list}");
    image
}

fn text(path: &str, bytes: &'static str) -> (String, Bytes) {
    (path.to_owned(), Bytes::from_static(bytes.as_bytes()))
}

#[test]
fn a_triton_repository_lies_on_a_server_of_ones_own() {
    let harbour = Harbour::set_up();
    let base = harbour.run(&["pack", "breast-cancer:1", "-o", "json"]).expect_code(0).json();
    let (base, port) = (base["reference"].as_str().unwrap(), 8000);
    let runtime = format!("runtime: {{ image: \"{base}\", port: {port} }}");
    harbour
        .edit("model: breast-cancer:1\n    runtime: onnx", &format!("model: breast-cancer:1\n    {runtime}"));
    let files = vec![
        text("resnet/config.pbtxt", "name: \"resnet\"\nbackend: \"onnxruntime\"\n"),
        text("resnet/labels.txt", "cat\ndog\n"),
        ("resnet/1/model.onnx".to_owned(), noise(1, 2 << 20)),
        ("resnet/2/model.onnx".to_owned(), noise(2, 2 << 20)),
        text("both/config.pbtxt", "platform: \"ensemble\"\n"),
        // A version folder that must be there and holds nothing.
        text("both/1/.keep", ""),
    ];
    let image = comes_through(&harbour, &files);
    // What the base has in the same place is hidden and not mixed in.
    let found = unpacked(&harbour, &image);
    assert!(found.contains_key("models/.wh..wh..opq"));
    let (_, config) = stored(&harbour, image["reference"].as_str().unwrap());
    let environment = config["config"]["Env"].as_array().unwrap();
    assert!(
        environment.contains(&"AZUREML_MODEL_DIR=/var/azureml-app/azureml-models/breast-cancer/9".into())
    );
}

#[test]
fn one_file_that_was_registered_without_a_folder() {
    let harbour = Harbour::set_up();
    let files = vec![("model.onnx".to_owned(), noise(1, 3000)), text("model.onnx.sha256", "another's")];
    register(&harbour, &files);
    {
        let mut models = harbour.sandbox.world.azure.models();
        let version = models.versions.get_mut("breast-cancer").unwrap().last_mut().unwrap();
        version.folder.push_str("/model.onnx");
    }
    let found = unpacked(&harbour, &packed(&harbour));
    let model: Vec<_> = found.iter().filter(|(path, _)| path.starts_with("models/")).collect();
    assert_eq!(model, [(&"models/model.onnx".to_owned(), &files[0].1)]);
}

#[test]
fn names_of_every_kind_and_files_of_no_length() {
    let harbour = Harbour::set_up();
    let long = format!("{}/{}.bin", "a folder ".repeat(20).trim(), "n".repeat(200));
    let names = [
        "plain.txt",
        "with a space.txt",
        " leading and trailing ",
        "\u{fc}bung/\u{6570}/\u{6a21}\u{578b}.bin",
        "\u{1f6a2}/a%20b+c&d=e;f,g#h?i.txt",
        "100%/%41",
        "quotes \"double\" 'single' `back` $HOME *",
        "a/b/c/d/e/f/g/h/i/j/k/deep",
        "..dots../...",
        ".hidden",
        "-rf",
        "caf\u{e9}",
        &long,
    ];
    let mut files: Files =
        names.iter().map(|name| ((*name).to_owned(), Bytes::from((*name).to_owned()))).collect();
    files.push(text("empty", ""));
    files.push(text("folder/empty too", ""));
    files.push(("model.onnx".to_owned(), noise(3, 1 << 20)));
    comes_through(&harbour, &files);
}

#[test]
fn files_of_no_length_alone_are_a_model_too() {
    let harbour = Harbour::set_up();
    comes_through(&harbour, &vec![text("model.onnx", "")]);
}

#[test]
fn what_no_image_is_made_of_is_named_before_anything_is_sent() {
    let harbour = Harbour::set_up();
    for (paths, words) in [
        (["Model.onnx", "model.onnx"], "paths `Model.onnx` and `model.onnx` differ only in capitals"),
        (["A/model.onnx", "a/labels.txt"], "differ only in capitals"),
        (["model.onnx", "model.onnx/1"], "is a file, and `model.onnx/1` lies below it"),
        (["model.onnx", "sub\\windows.txt"], "has a backslash"),
        (["model.onnx", ".wh.model.onnx"], "deletes files in images"),
        (["model.onnx", "line\nbreak"], "has a control character"),
    ] {
        harbour.sandbox.world.azure.models().blobs.retain(|name, _| !name.contains("breast-cancer"));
        register(&harbour, &paths.iter().map(|path| text(path, "x")).collect());
        let refused = harbour.run(&["pack", "breast-cancer:9"]);
        assert_ne!(refused.code, 0, "{paths:?}");
        refused.expect_talk(words);
    }
}

#[test]
fn the_same_model_is_the_same_image_in_another_folder_on_another_run() {
    let (one, two) = (Harbour::set_up(), Harbour::set_up());
    let mut files: Files =
        (0..40_u64).map(|at| (format!("d{}/part {at}", at % 3), noise(at, 1 << (at % 18)))).collect();
    files.push(("weights.bin".to_owned(), noise(99, 5 << 20)));
    files.push(("model.onnx".to_owned(), Bytes::from(vec![7; 3 << 20])));
    register(&one, &files);
    // The same workspace in both worlds, to the etags and the hour of registration.
    let models = one.sandbox.world.azure.models().clone();
    *two.sandbox.world.azure.models() = models;
    let first = packed(&one);
    assert_eq!(packed(&one)["digest"], first["digest"], "again, with everything there");

    let elsewhere = two.file("deep/er");
    std::fs::create_dir_all(&elsewhere).unwrap();
    let mut command = two.command(&["pack", "-f", "../../bridge.yaml", "breast-cancer:9", "-o", "json"]);
    command.current_dir(&elsewhere).env("HOME", &elsewhere).env("TZ", "Asia/Kathmandu").env("LANG", "tr_TR");
    let second = crate::harbour::ended(command).expect_code(0).json();
    assert_eq!(second["digest"], first["digest"]);
}
