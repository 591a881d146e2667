//! `gangplank sandbox --data`: what was set up and shipped is there again after a restart.

use std::path::Path;

use sandbox::{Options, Sandbox};

use crate::harbour::Harbour;

fn keeping(folder: &Path) -> Harbour {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let options = Options { folder: Some(folder.to_owned()), keep: true, ..Options::default() };
    let sandbox = runtime.block_on(Sandbox::start(options)).unwrap();
    Harbour { sandbox, runtime }
}

#[test]
fn what_was_set_up_and_shipped_is_there_again() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("data");
    let harbour = keeping(&folder);
    harbour.run(&["apply"]).expect_code(0);
    let first = harbour.run(&["ship", "breast-cancer:1", "-o", "json"]).expect_code(0).json();
    let Harbour { sandbox, runtime } = harbour;
    runtime.block_on(sandbox.stop());
    drop(runtime);

    let harbour = keeping(&folder);
    let plan = harbour.run(&["plan"]).expect_code(0);
    assert_eq!(plan.stdout, "both clouds are as declared\n");
    harbour.run(&["doctor", "--team", "oncology"]).expect_code(0);
    let again = harbour.run(&["ship", "breast-cancer:1", "-o", "json"]).expect_code(0).json();
    assert_eq!((&again["digest"], &again["urls"]), (&first["digest"], &first["urls"]));
    let sample = std::fs::read(harbour.file("samples/breast-cancer.json")).unwrap();
    let url = first["urls"][0].as_str().unwrap();
    let request = harbour.client().post(url).header("content-type", "application/json").body(sample);
    assert_eq!(harbour.send(request).0, 200);

    let second = harbour.run(&["sandbox", "--data", folder.to_str().unwrap()]).expect_code(1);
    second.expect_talk("is used by another sandbox (process ");
}
