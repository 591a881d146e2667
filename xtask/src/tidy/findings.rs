//! Every finding code has a page under `docs/findings/`, and every page a code.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, ensure};

use crate::source;

/// Compares the list `CODES` in `bridge/src/finding.rs` with the pages.
pub(crate) fn check(root: &Path) -> anyhow::Result<Vec<String>> {
    let codes = codes(&source::read(&root.join("bridge/src/finding.rs"))?)?;
    let pages = pages(&root.join("docs/findings"))?;
    let without_page = codes
        .difference(&pages)
        .map(|code| format!("docs/findings/{code}.md: the finding `{code}` has no page"));
    let without_code =
        pages.difference(&codes).map(|page| format!("docs/findings/{page}.md: no finding has this code"));
    Ok(without_page.chain(without_code).collect())
}

/// The string literals between `CODES` and the closing bracket.
fn codes(source: &str) -> anyhow::Result<BTreeSet<String>> {
    let list =
        source.split_once("CODES: &[&str] = &[").context("bridge/src/finding.rs has no list `CODES`")?.1;
    let list = list.split_once(']').context("the list `CODES` does not end")?.0;
    let codes: BTreeSet<String> = list.split('"').skip(1).step_by(2).map(str::to_owned).collect();
    ensure!(!codes.is_empty(), "the list `CODES` is empty");
    Ok(codes)
}

fn pages(folder: &Path) -> anyhow::Result<BTreeSet<String>> {
    let mut pages = BTreeSet::new();
    for cloud in std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let cloud = cloud?.path();
        if !cloud.is_dir() {
            continue;
        }
        for page in std::fs::read_dir(&cloud)? {
            let page = page?.path();
            let name =
                |path: &Path| path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
            pages.insert(format!("{}/{}", name(&cloud), name(&page)));
        }
    }
    Ok(pages)
}
