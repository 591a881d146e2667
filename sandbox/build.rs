//! Lists the scenarios below `scenarios/`, so that an installed binary can play them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// The files that a scenario's folder may hold, and the fields of `Scenario` that hold their texts. The first two must be
/// there.
const FILES: [(&str, &str); 4] = [
    ("README.md", "readme"),
    ("expected.yaml", "expected"),
    ("bridge.yaml", "bridge"),
    ("world.yaml", "world"),
];

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=scenarios");
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("scenarios");
    let mut list = String::from("&[\n");
    for folder in sorted(&root)?.into_iter().filter(|path| path.is_dir()) {
        list.push_str(&entry(&folder)?);
    }
    list.push_str("]\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("scenarios.rs"), list)
}

fn entry(folder: &Path) -> io::Result<String> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut entry = format!("    Scenario {{ name: {name:?}, ");
    for (index, (file, field)) in FILES.into_iter().enumerate() {
        let path = folder.join(file);
        let text = format!("include_str!({:?})", path.display().to_string());
        let text = match (index < 2, path.is_file()) {
            (true, _) => text,
            (false, true) => format!("Some({text})"),
            (false, false) => "None".to_owned(),
        };
        // Writing into a string cannot fail.
        let _ = write!(entry, "{field}: {text}, ");
    }
    entry.push_str("evidence: &[");
    let evidence = folder.join("evidence");
    for path in if evidence.is_dir() { sorted(&evidence)? } else { Vec::new() } {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let _ = write!(entry, "({file:?}, include_str!({:?})), ", path.display().to_string());
    }
    entry.push_str("] },\n");
    Ok(entry)
}

fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}
