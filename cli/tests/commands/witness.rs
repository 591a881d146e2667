//! What others said of a packed image and of its copy (`witness/registry/`), replayed: the same model packed here has the same layers,
//! labels and configuration. The scorer differs from build to build, and with it the first layer and the last, which lists every
//! file with its digest: the model's layers between them are compared.

use serde_json::Value;

use crate::harbour::Harbour;

#[test]
fn a_packed_image_is_what_skopeo_saw() {
    let harbour = Harbour::set_up();
    let pushed = harbour.run(&["pack", "breast-cancer:1", "-o", "json"]).expect_code(0).json();
    let (manifest, config) = stored(&harbour, pushed["reference"].as_str().unwrap());
    let inspected = recorded("skopeo-inspect.json");
    let layers = inspected["Layers"].as_array().unwrap();
    let packed: Vec<&Value> = manifest["layers"].as_array().unwrap().iter().map(|it| &it["digest"]).collect();
    assert_eq!(of_the_model(&packed), of_the_model(&layers.iter().collect::<Vec<_>>()));
    assert_eq!(config["config"]["Labels"], inspected["Labels"]);
    let seen = recorded("skopeo-config.json");
    let diff_ids = |config: &Value| of_the_model(config["rootfs"]["diff_ids"].as_array().unwrap()).to_vec();
    assert_eq!(diff_ids(&config), diff_ids(&seen));
    for field in ["User", "ExposedPorts", "Env", "Entrypoint"] {
        assert_eq!(config["config"][field], seen["config"][field], "{field}");
    }
}

#[test]
fn what_is_packed_and_what_is_copied_is_taken_by_crane_skopeo_oras_and_podman() {
    let answers = std::fs::read_to_string(folder().join("answers.txt")).unwrap();
    let expected = gangplank::command::oracle::expected("breast-cancer", "1").unwrap();
    for (image, scored) in [("PACKED", "podman-packed.json"), ("COPIED", "podman-copied.json")] {
        let of = |command: &str| {
            let mut asked = answers.split("$ ").filter(|it| it.starts_with(command) && it.contains(image));
            asked.next().unwrap_or_else(|| panic!("`{command}` was not asked of {image}"))
        };
        assert!(of("crane validate").contains("\nPASS: "), "{answers}");
        assert!(of("skopeo inspect --raw").ends_with("\nthe digest that pack said\n"), "{answers}");
        for kind in ["application/vnd.cyclonedx+json", "application/vnd.in-toto+json"] {
            assert!(of("oras discover").contains(kind), "{kind}: {answers}");
        }
        gangplank::command::oracle::compare(&expected, &recorded(scored)).unwrap();
    }
}

/// Without the scorer's layer below and the list of files above.
pub(crate) fn of_the_model<T>(layers: &[T]) -> &[T] {
    let [_, model @ .., _] = layers else { panic!("expected a scorer, a model and a list") };
    assert!(!model.is_empty(), "the model has a layer");
    model
}

fn folder() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../witness/registry")
}

fn recorded(name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(folder().join(name)).unwrap()).unwrap()
}

/// Manifest and configuration of an image in the sandbox's registry, read as the administrator.
pub(crate) fn stored(harbour: &Harbour, reference: &str) -> (Value, Value) {
    let (place, digest) = reference.split_once('@').unwrap();
    let (host, repository) = place.split_once('/').unwrap();
    let token = harbour.google_log_in();
    let read = |what: String| {
        let url = format!("http://{host}/v2/{repository}/{what}");
        let (status, body) = harbour.send(harbour.client().get(url).bearer_auth(&token));
        assert_eq!(status, 200, "{body}");
        serde_json::from_str::<Value>(&body).unwrap()
    };
    let manifest = read(format!("manifests/{digest}"));
    let config = read(format!("blobs/{}", manifest["config"]["digest"].as_str().unwrap()));
    (manifest, config)
}
