//! The rules that no compiler checks: which crate may know which, what the pure half must never pull in, a header on
//! every file, no file that no module declares, a page for every finding.

mod edges;
mod files;
mod findings;

use std::path::Path;

/// Every broken rule, one line each.
pub(crate) fn check(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut broken = edges::check(root)?;
    broken.extend(edges::check_pure_half(root)?);
    broken.extend(files::check_headers(root)?);
    broken.extend(files::check_orphans(root)?);
    broken.extend(findings::check(root)?);
    Ok(broken)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_house_is_tidy() {
        let broken = super::check(&crate::source::root()).expect("the rules can be checked");
        assert!(broken.is_empty(), "{}", broken.join("\n"));
    }
}
