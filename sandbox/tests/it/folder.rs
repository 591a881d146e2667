//! What the sandbox leaves in its folder, and that tools can use it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::quay::sandbox::seed;
use crate::quay::{Quay, az, workspace};

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A folder as a killed sandbox leaves it; very old, or new.
fn left_behind(name: &str, old: bool) -> (std::path::PathBuf, std::fs::File) {
    let folder = std::env::temp_dir().join(format!("gangplank-sandbox-{name}-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("node")).unwrap();
    let lock = std::fs::File::create(folder.join("lock")).unwrap();
    if old {
        lock.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    }
    (folder, lock)
}

#[tokio::test]
async fn what_killed_sandboxes_left_is_removed_and_nothing_else() {
    let (left, _) = left_behind("left", true);
    let (young, _) = left_behind("young", false);
    let (used, held) = left_behind("used", true);
    held.try_lock().unwrap();
    let quay = Quay::new().await;
    assert!(!left.exists(), "nobody's any more");
    assert!(young.exists(), "somebody may be about to take it");
    assert!(used.exists(), "another process has it");
    assert!(quay.sandbox.folder().join("lock").exists());
    for folder in [young, used] {
        std::fs::remove_dir_all(folder).unwrap();
    }
}

#[tokio::test]
async fn everything_is_there_and_private() {
    let quay = Quay::new().await;
    let folder = quay.sandbox.folder();
    for name in [
        "env",
        "addresses.json",
        "ca.pem",
        "bundle.pem",
        "bridge.yaml",
        "adc.json",
        "kubeconfig",
        "cluster-admin.token",
        "oncology-ci.token",
        "cellar-ci.env",
        "stranger.env",
        "github-ci.env",
        "devops-ci.env",
        "google-ci.env",
        "certificate-ci.env",
        "certificate-ci.pem",
        "hold.env",
        "trainer.env",
        "dana.env",
        "hold-app-service.env",
        "hold-job.env",
        "az/management.json",
        "az/graph.json",
        "az/storage.json",
        "az/account.json",
        "az/dana/management.json",
        "az/dana/account.json",
    ] {
        assert!(!read(folder, name).is_empty(), "{name}");
        let mode = std::fs::metadata(folder.join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name}");
    }
    for (model, sample) in seed::SAMPLES {
        assert_eq!(read(folder, &format!("samples/{model}.json")).as_bytes(), *sample);
    }
    assert!(read(folder, "bundle.pem").ends_with(&read(folder, "ca.pem")));
    let adc: Value = serde_json::from_str(&read(folder, "adc.json")).unwrap();
    assert_eq!(adc["type"], "authorized_user");
    assert_eq!(adc["token_uri"], format!("http://{}/token", quay.sandbox.addresses().oauth2));
    let kubeconfig: Value = serde_json::from_str(&read(folder, "kubeconfig")).unwrap();
    let server = kubeconfig["clusters"][0]["cluster"]["server"].as_str().unwrap();
    assert_eq!(server, format!("https://{}", quay.sandbox.addresses().cluster));
    let bridge = read(folder, "bridge.yaml");
    assert!(bridge.contains(&format!("  blob: https://{}/{{account}}\n", quay.sandbox.addresses().blob)));
}

#[tokio::test]
async fn the_environment_can_be_sourced() {
    let quay = Quay::new().await;
    let script = format!(
        ". '{}/env' && echo \"$AZURE_CLIENT_ID|$NO_PROXY|$GANGPLANK_FILE\" && command -v az",
        quay.sandbox.folder().display()
    );
    let output = Command::new("/bin/sh").args(["-c", &script]).env("NO_PROXY", "intranet").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let folder = quay.sandbox.folder().display().to_string();
    let id = seed::ONCOLOGY_CI.client_id;
    assert_eq!(text, format!("{id}|127.0.0.1,localhost,intranet|{folder}/bridge.yaml\n{folder}/bin/az\n"));
}

#[tokio::test]
async fn az_hands_out_the_administrators_tokens() {
    let quay = Quay::new().await;
    let scope = "https://management.azure.com/.default";
    let line = format!("account get-access-token -o json --scope {scope} --tenant {}", seed::TENANT);
    let output = az(&quay, None, &line).await;
    let reply: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(reply["tokenType"], "Bearer");
    assert!(reply["expires_on"].as_i64().unwrap() > quay.sandbox.world.clock.seconds());
    let token = reply["accessToken"].as_str().unwrap();
    let (status, body) = quay.send(reqwest::Method::GET, &quay.arm_url(&workspace()), token, None).await;
    assert_eq!(status, 200, "{body}");

    let line = "account get-access-token --resource=https://graph.microsoft.com --query accessToken -o tsv";
    let plain = az(&quay, None, line).await;
    assert_eq!(String::from_utf8(plain.stdout).unwrap().trim(), quay.administrator("graph"));
    let account: Value = serde_json::from_slice(&az(&quay, None, "account show").await.stdout).unwrap();
    assert_eq!(account["tenantId"], seed::TENANT);
    for (line, why) in [
        ("account get-access-token --tenant contoso", "AADSTS90002"),
        ("account get-access-token --resource api://x", "AADSTS500011"),
        ("account get-access-token --colour red", "unrecognized arguments: --colour"),
        ("vm list", "knows only"),
    ] {
        let output = az(&quay, None, line).await;
        assert_eq!(output.status.code(), Some(1), "{line}");
        assert!(String::from_utf8(output.stderr).unwrap().contains(why), "{line}");
    }
}
