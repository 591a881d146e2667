//! No secret is shown: every command at its most talkative, and everything it said and left is searched for every secret
//! the sandbox minted.

use std::path::Path;

use crate::harbour::{Ended, Harbour};

#[test]
fn no_command_shows_a_secret() {
    let harbour = Harbour::new();
    let taster = "{ name: taster, team: cellar, serviceAccount: taster, may: [read-models], via: google }";
    harbour.edit("\nendpoints:", &format!("\nworkloads:\n  - {taster}\nendpoints:"));
    let mut said = Vec::new();
    let commands: &[&[&str]] = &[
        &["plan"],
        &["apply"],
        &["plan", "-o", "json"],
        &["whoami"],
        &["whoami", "-o", "json"],
        &["models"],
        &["models", "breast-cancer"],
        &["ship", "breast-cancer:1"],
        &["render", "breast-cancer:1"],
        &["doctor"],
        &["doctor", "-o", "json"],
        &["snapshot"],
        &["doctor", "--evidence", "gangplank-snapshot"],
        &["doctor", "--workload", "taster"],
        &["render", "--workload", "taster"],
        &["can", "oncology-ci", "push", "repository/models"],
        &["scorer", "push"],
        &["destroy", "--yes"],
    ];
    for words in commands {
        let mut arguments = words.to_vec();
        arguments.push("-vvvv");
        said.push((words.join(" "), harbour.run(&arguments).expect_code_in(&[0, 3, 4])));
    }
    let secrets = harbour.sandbox.world.minted.all();
    assert!(secrets.len() > 20, "the search has something to look for: {}", secrets.len());
    for secret in secrets.iter().filter(|secret| secret.len() > 8) {
        for (command, ended) in &said {
            assert!(!ended.stdout.contains(secret.as_str()), "`{command}` printed a secret");
            assert!(!ended.stderr.contains(secret.as_str()), "`{command}` said a secret");
        }
    }
    assert_files_are_private(harbour.sandbox.folder());
}

/// Whatever lies in the sandbox's folder is the user's alone.
fn assert_files_are_private(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(folder).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o700, "{}", folder.display());
    for name in ["adc.json", "kubeconfig", "cluster-admin.token", "oncology-ci.token", "env"] {
        let mode = std::fs::metadata(folder.join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name}");
    }
}

impl Ended {
    #[track_caller]
    fn expect_code_in(self, codes: &[i32]) -> Self {
        assert!(codes.contains(&self.code), "{self:?}");
        self
    }
}
