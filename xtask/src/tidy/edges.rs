//! Crate edges: who may know whom, among our own crates and in the world outside.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};

use crate::source;

/// Our crates and which of ours each may use, in tests too. The table in `ARCHITECTURE.md` says why.
const EDGES: &[(&str, &[&str])] = &[
    ("trust", &[]),
    ("bridge", &["trust"]),
    ("identity", &["trust"]),
    ("oci", &[]),
    ("clouds", &["bridge", "trust", "identity", "oci"]),
    ("sandbox", &["trust"]),
    ("scorer", &[]),
    ("cli", &["bridge", "clouds", "identity", "oci", "sandbox", "trust"]),
    ("xtask", &[]),
];

/// Crates that do IO; none may be reachable from the pure half.
const IMPURE: &[&str] = &[
    "async-std",
    "axum",
    "azure_core",
    "google-cloud-auth",
    "hyper",
    "indicatif",
    "kube",
    "kube-client",
    "mio",
    "miette",
    "reqwest",
    "rustls",
    "socket2",
    "tokio",
];

/// The crates of the pure half, by package name.
const PURE: &[&str] = &["gangplank-trust", "gangplank-bridge"];

/// Everything that `trust` pulls in, through any number of crates: none touches network, files, environment or terminal in
/// what `trust` asks of it. A new one has to be written down here, by somebody who has looked. `jiff` could read the
/// system's time zones; `trust` knows none, and clippy forbids its clock.
const TRUST: &[&str] = &[
    "aho-corasick",
    "base64",
    "equivalent",
    "foldhash",
    "gangplank-trust",
    "hashbrown",
    "indexmap",
    "itoa",
    "jiff",
    "jiff-core",
    "memchr",
    "proc-macro2",
    "quote",
    "regex",
    "regex-automata",
    "regex-syntax",
    "serde",
    "serde_core",
    "serde_derive",
    "serde_json",
    "syn",
    "thiserror",
    "thiserror-impl",
    "unicode-ident",
    "zmij",
];

/// Checks every manifest against [`EDGES`].
pub(crate) fn check(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut broken = Vec::new();
    for (name, allowed) in EDGES {
        let manifest = source::read(&root.join(name).join("Cargo.toml"))?;
        broken.extend(forbidden(name, allowed, &manifest));
    }
    Ok(broken)
}

/// The edges of one manifest that the table does not allow.
fn forbidden(name: &str, allowed: &[&str], manifest: &str) -> Vec<String> {
    let is_ours = |used: &String| EDGES.iter().any(|(ours, _)| ours == used);
    let uses =
        dependencies(manifest).into_iter().filter(is_ours).filter(|used| !allowed.contains(&used.as_str()));
    uses.map(|used| format!("{name}/Cargo.toml: `{name}` must not use `{used}` (allowed: {})", list(allowed)))
        .collect()
}

/// Asks cargo what the pure half pulls in, through any number of crates.
pub(crate) fn check_pure_half(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut broken = Vec::new();
    for package in PURE {
        for used in reachable(root, package)? {
            if IMPURE.contains(&used.as_str()) {
                broken.push(format!("`{package}` is pure and must not pull in `{used}` (see: cargo tree -p {package} -i {used})"));
            }
        }
    }
    broken.extend(unlisted(&reachable(root, "gangplank-trust")?));
    Ok(broken)
}

/// Differences between what `trust` pulls in and [`TRUST`].
fn unlisted(used: &BTreeSet<String>) -> Vec<String> {
    let new = used.iter().filter(|used| !TRUST.contains(&used.as_str())).map(|new| {
        format!("`gangplank-trust` pulls in `{new}`, which xtask/src/tidy/edges.rs does not list (see: cargo tree -p gangplank-trust -i {new})")
    });
    let gone = TRUST.iter().filter(|listed| !used.contains(**listed)).map(|gone| {
        format!("`gangplank-trust` does not pull in `{gone}` any more: take it off the list in xtask/src/tidy/edges.rs")
    });
    new.chain(gone).collect()
}

fn reachable(root: &Path, package: &str) -> anyhow::Result<BTreeSet<String>> {
    let output = Command::new(option_env!("CARGO").unwrap_or("cargo"))
        .current_dir(root)
        .args(["tree", "--package", package, "--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .output()
        .context("cannot run cargo tree")?;
    ensure!(output.status.success(), "cargo tree failed: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect())
}

/// The dependency names of a manifest, of every kind.
fn dependencies(manifest: &str) -> Vec<String> {
    let mut inside = false;
    let mut names = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            inside = line.trim_matches(['[', ']']).ends_with("dependencies");
        } else if inside && !line.starts_with('#') {
            let name = line.split(['.', '=', ' ']).next().unwrap_or_default().trim_matches('"');
            if !name.is_empty() {
                let name = name.strip_prefix("gangplank-").unwrap_or(name);
                names.push(name.to_owned());
            }
        }
    }
    names
}

fn list(names: &[&str]) -> String {
    if names.is_empty() { "none of ours".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_forbidden_edge_is_named() {
        let manifest =
            "[dependencies]\ntrust.workspace = true\n[dev-dependencies]\nclouds.workspace = true\n";
        let broken = super::forbidden("sandbox", &["trust"], manifest);
        assert_eq!(broken, ["sandbox/Cargo.toml: `sandbox` must not use `clouds` (allowed: trust)"]);
    }

    #[test]
    fn what_trust_pulls_in_is_written_down() {
        let listed = || super::TRUST.iter().map(|name| (*name).to_owned());
        assert!(super::unlisted(&listed().collect()).is_empty());
        let new = super::unlisted(&listed().chain(["socket2".to_owned()]).collect());
        assert!(matches!(new.as_slice(), [one] if one.contains("pulls in `socket2`")), "{new:?}");
        let gone = super::unlisted(&listed().filter(|name| name != "regex").collect());
        assert!(matches!(gone.as_slice(), [one] if one.contains("does not pull in `regex`")), "{gone:?}");
    }

    #[test]
    fn every_spelling_of_a_dependency_is_seen() {
        let manifest = "[package]\nname = \"x\"\n[dependencies]\na.workspace = true\n# c = 1\n\
             b = { path = \"../b\" }\n[target.'cfg(unix)'.dependencies]\nd = \"1\"\n[dev-dependencies]\ngangplank-oci.workspace = true\n[lints]\nworkspace = true";
        assert_eq!(super::dependencies(manifest), ["a", "b", "d", "oci"]);
    }
}
