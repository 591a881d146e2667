//! Rules about files: each says what it is for, and each is declared by some module.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::source;

/// Every Rust file opens with a `//!` header.
pub(crate) fn check_headers(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut broken = Vec::new();
    for path in source::rust_files(root)? {
        if !source::read(&path)?.starts_with("//! ") {
            broken.push(format!("{}: opens without a `//!` header", relative(root, &path)));
        }
    }
    Ok(broken)
}

/// Every Rust file is reached from a crate root by `mod` lines; one that is not has silently stopped compiling.
pub(crate) fn check_orphans(root: &Path) -> anyhow::Result<Vec<String>> {
    let files = source::rust_files(root)?;
    let all: BTreeSet<PathBuf> = files.iter().cloned().collect();
    let mut reached: BTreeSet<PathBuf> = BTreeSet::new();
    let mut waiting: Vec<PathBuf> = files.into_iter().filter(|path| is_crate_root(path)).collect();
    while let Some(path) = waiting.pop() {
        if !all.contains(&path) || !reached.insert(path.clone()) {
            continue;
        }
        waiting.extend(declared_by(&path)?);
    }
    Ok(all
        .difference(&reached)
        .map(|path| format!("{}: no module declares it", relative(root, path)))
        .collect())
}

fn is_crate_root(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let parent = path.parent().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default();
    let grandparent = path.parent().and_then(Path::parent);
    let above = grandparent.and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default();
    match parent {
        "src" => name == "lib.rs" || name == "main.rs",
        "tests" | "benches" | "examples" | "fuzz_targets" => true,
        _ => name == "build.rs" || (name == "main.rs" && (above == "tests" || above == "benches")),
    }
}

/// The files that `path` may declare as modules: `mod x;` is `x.rs` or `x/mod.rs` beside or below it.
fn declared_by(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let below = if is_crate_root(path) || stem == "mod" { folder.to_path_buf() } else { folder.join(stem) };
    let text = source::read(path)?;
    Ok(text
        .lines()
        .filter_map(module_name)
        .flat_map(|name| [below.join(format!("{name}.rs")), below.join(name).join("mod.rs")])
        .collect())
}

fn module_name(line: &str) -> Option<&str> {
    let words: Vec<&str> = line.trim().strip_suffix(';')?.split_whitespace().collect();
    match words.as_slice() {
        ["mod", name] => Some(name),
        [visibility, "mod", name] if visibility.starts_with("pub") => Some(name),
        _ => None,
    }
}

fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::module_name;

    #[test]
    fn module_lines() {
        assert_eq!(module_name("    pub(crate) mod tests;"), Some("tests"));
        assert_eq!(module_name("mod edges;"), Some("edges"));
        assert_eq!(module_name("mod edges {"), None);
        assert_eq!(module_name("use mod_name;"), None);
    }
}
