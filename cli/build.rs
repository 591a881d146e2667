//! Makes a table of the pages of all findings, so that `gangplank explain CODE` has them wherever it runs.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    // Asked when it runs: a checkout that was moved is not compiled anew.
    let here = std::env::var_os("CARGO_MANIFEST_DIR").ok_or("cargo names no CARGO_MANIFEST_DIR")?;
    let findings = Path::new(&here).join("../docs/findings");
    println!("cargo::rerun-if-changed={}", findings.display());
    let mut table = String::from("&[\n");
    for cloud in listed(&findings)? {
        println!("cargo::rerun-if-changed={}", cloud.display());
        for page in listed(&cloud)? {
            println!("cargo::rerun-if-changed={}", page.display());
            let stem = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let (code, path) = (format!("{}/{}", stem(&cloud), stem(&page)), page.display().to_string());
            writeln!(table, "({code:?}, include_str!({path:?})),")?;
        }
    }
    table.push(']');
    let out = std::env::var_os("OUT_DIR").ok_or("cargo names no OUT_DIR")?;
    Ok(std::fs::write(Path::new(&out).join("pages.rs"), table)?)
}

fn listed(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut paths = std::fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()?;
    paths.retain(|path| path.is_dir() || path.extension().is_some_and(|extension| extension == "md"));
    paths.sort();
    Ok(paths)
}
