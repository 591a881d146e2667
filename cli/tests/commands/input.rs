//! Bad input at every door: a clear message, the right exit code, nothing lost.

use crate::harbour::{Harbour, ended};

#[test]
fn the_bridge_file() {
    let harbour = Harbour::new();
    let missing = harbour.run(&["plan", "-f", "nowhere.yaml"]).expect_code(2);
    missing.expect_talk("cannot read `nowhere.yaml`").expect_talk("-f FILE");
    std::fs::write(harbour.file("binary.yaml"), [0xff, 0xfe, 0x00]).unwrap();
    harbour.run(&["plan", "-f", "binary.yaml"]).expect_code(2).expect_talk("not UTF-8");
    std::fs::write(harbour.file("empty.yaml"), "").unwrap();
    harbour.run(&["plan", "-f", "empty.yaml"]).expect_code(2).expect_talk("empty.yaml");
    harbour.edit("workspace:", "workspaze:");
    let unknown = harbour.run(&["plan"]).expect_code(2);
    unknown.expect_talk("workspaze").expect_talk("bridge.yaml:");
}

#[test]
fn the_certificate_authorities() {
    let harbour = Harbour::new();
    harbour.edit("caBundle: ca.pem", "caBundle: gone.pem");
    harbour.run(&["whoami"]).expect_code(2).expect_talk("gone.pem").expect_talk("`endpoints.caBundle`");
    harbour.edit("caBundle: gone.pem", "caBundle: bridge.yaml");
    let none = harbour.run(&["whoami"]).expect_code(2);
    none.expect_talk("bridge.yaml").expect_talk("no certificate in it").expect_talk("`endpoints.caBundle`");
    harbour.edit("caBundle: bridge.yaml", "");
    let mut bare = harbour.command(&["whoami"]);
    bare.env("SSL_CERT_FILE", "/nowhere").env("SSL_CERT_DIR", "/nowhere");
    ended(bare).expect_code(1).expect_talk("`ca-certificates`").expect_talk("`endpoints.caBundle`");
}

#[test]
fn names_that_nothing_has() {
    let harbour = Harbour::set_up();
    harbour.run(&["plan", "--kubeconfig", "nowhere"]).expect_code(2).expect_talk("no kubeconfig `nowhere`");
    harbour.edit("workspace: quay", "workspace: quai");
    // Resource Manager tells a caller with rights on one workspace nothing of others, not even that they are not there.
    harbour.run(&["models"]).expect_code(3).expect_talk("`azure.workspace`");
    harbour.edit("workspace: quai", "workspace: quay");
    harbour.edit("cluster: ship", "cluster: shop");
    harbour.run(&["ship", "breast-cancer:1"]).expect_code(2).expect_talk("`google.cluster`");
}

#[test]
fn models_and_versions() {
    let harbour = Harbour::set_up();
    harbour.run(&["ship", "no-such-model:1"]).expect_code(2).expect_talk("no service");
    let version = harbour.run(&["ship", "breast-cancer:99"]).expect_code(2);
    version.expect_talk("99").expect_talk("`2`, `1`");
    harbour.run(&["ship", "breast-cancer:"]).expect_code(2);
    harbour
        .run(&["models", "breast-cancr"])
        .expect_code(2)
        .expect_talk("it has: Wine_Cultivar, breast-cancer");
    harbour.run(&["ship", "breast-cancer:1", "--timeout", "soon"]).expect_code(2).expect_talk("`90s`");
    let scorer = harbour.run(&["ship", "breast-cancer:1", "--scorer", "bridge.yaml"]).expect_code(2);
    scorer.expect_talk("no 64-bit Linux executable");
    harbour.add_model("breast-cancer", "3", &[]);
    harbour.run(&["ship", "breast-cancer:3"]).expect_code(1).expect_talk("no files");
    harbour.add_model("breast-cancer", "4", &[("a/../../etc/passwd", "x")]);
    harbour.run(&["ship", "breast-cancer:4"]).expect_code(1).expect_talk("..");
    harbour.add_model("breast-cancer", "5", &[("Model.onnx", "x"), ("model.onnx", "y")]);
    harbour.run(&["ship", "breast-cancer:5"]).expect_code(1).expect_talk("Model.onnx");
}

#[test]
fn log_ins() {
    let harbour = Harbour::set_up();
    let mut nobody = harbour.command(&["ship", "breast-cancer:1"]);
    for name in ["AZURE_FEDERATED_TOKEN_FILE", "AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET"] {
        nobody.env_remove(name);
    }
    nobody.env("PATH", "/usr/bin:/bin").env("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:9");
    ended(nobody).expect_code(3).expect_talk("AZURE_FEDERATED_TOKEN_FILE");
    let mut nowhere = harbour.command(&["ship", "breast-cancer:1"]);
    nowhere.env("AZURE_FEDERATED_TOKEN_FILE", "/nonexistent/token");
    ended(nowhere).expect_code(3).expect_talk("/nonexistent/token");
    let mut administrator = harbour.command(&["plan"]);
    administrator.env_remove("GOOGLE_APPLICATION_CREDENTIALS");
    ended(administrator).expect_code(3).expect_talk("application-default");
}

#[test]
fn a_taken_port_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let harbour = Harbour::new();
    harbour.run(&["sandbox", "--base-port", &port]).expect_code(1).expect_talk(&format!("port {port}"));
}

#[test]
fn a_sandbox_leaves_nothing_behind() {
    let harbour = Harbour::new();
    let temporary = harbour.file("temporary");
    std::fs::create_dir(&temporary).unwrap();
    let mut command = harbour.command(&["sandbox"]);
    command.env("TMPDIR", &temporary);
    let mut child = command.spawn().unwrap();
    let mut first = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.as_mut().unwrap()), &mut first)
        .unwrap();
    assert!(first.starts_with("export "), "{first}");
    let killed = std::process::Command::new("kill").arg("-INT").arg(child.id().to_string()).status().unwrap();
    assert!(killed.success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0);
}

#[test]
fn faults_are_typed_rightly_or_refused_as_usage() {
    let harbour = Harbour::new();
    let refused = |arguments: &[&str], talk: &str| {
        let all: Vec<&str> = ["sandbox"].iter().chain(arguments).copied().collect();
        harbour.run(&all).expect_code(2).expect_talk(talk);
    };
    refused(&["fault", "moon", "reset"], "possible values: entra, graph");
    refused(&["fault", "sts", "thunder"], "possible values: throttle");
    refused(&["fault", "sts", "error", "--amount", "404"], "expected 500 to 599");
    refused(&["fault", "sts", "cut", "--amount", "-1"], "`--amount -1`");
    refused(&["fault", "sts", "propagation"], "cannot be armed for `sts`, expected one of graph");
    harbour.run(&["sandbox", "fault", "sts", "reset", "--times", "2"]).expect_code(0);
    harbour.run(&["sandbox", "fault", "iam", "propagation", "--amount", "90"]).expect_code(0);
    let armed = harbour.run(&["sandbox", "faults", "-o", "json"]).expect_code(0).json();
    assert_eq!(armed["sts"][0]["times"], 2, "{armed}");
    let listed = harbour.run(&["sandbox", "faults", "iam"]).expect_code(0).stdout;
    assert_eq!(listed, "iam                     propagation, seconds 90, until cleared\n");
    harbour.run(&["sandbox", "faults", "--clear"]).expect_code(0);
    assert_eq!(harbour.run(&["sandbox", "faults"]).expect_code(0).stdout, "no fault is armed\n");
    let before = harbour.run(&["sandbox", "clock", "-o", "json"]).expect_code(0).json();
    assert_eq!(before["ahead_seconds"], 0);
    let after = harbour.run(&["sandbox", "clock", "--advance", "90", "-o", "json"]).expect_code(0).json();
    assert_eq!(after["ahead_seconds"], 90);
}

#[test]
fn a_start_that_is_interrupted_leaves_nothing_behind() {
    let harbour = Harbour::new();
    let temporary = harbour.file("temporary");
    std::fs::create_dir(&temporary).unwrap();
    for milliseconds in [0, 5, 20, 60, 150, 400] {
        let mut command = harbour.command(&["sandbox", "-o", "json"]);
        let mut child = command.env("TMPDIR", &temporary).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(milliseconds));
        // Whoever started the test may have had it ignore the signal, until the sandbox listens for it.
        while child.try_wait().unwrap().is_none() {
            let pid = child.id().to_string();
            let _may_be_gone = std::process::Command::new("kill").arg("-INT").arg(pid).status().unwrap();
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0, "after {milliseconds} ms");
    }
}
