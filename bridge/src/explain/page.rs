//! The essence of a finding's page: what it is, and the narrowest mend.

/// The parts of a page that answer "what is this, and what do I do".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Essence {
    /// The finding's code, the page's title.
    pub code: String,
    /// What it means: the page up to its first heading.
    pub summary: String,
    /// The narrowest mend.
    pub mend: String,
    /// What not to do.
    pub danger: String,
}

/// Takes the essence out of a page of `docs/findings`.
pub fn essence(page: &str) -> Essence {
    let (title, body) = page.trim_start().split_once('\n').unwrap_or((page, ""));
    let mut parts = body.split("\n## ");
    let summary = parts.next().unwrap_or_default().trim().to_owned();
    let sections: Vec<(&str, &str)> = parts.filter_map(|part| part.split_once('\n')).collect();
    let section = |wanted: &str| {
        let found = sections.iter().find(|(heading, _)| heading.to_lowercase().contains(wanted));
        found.map(|(_, text)| text.trim_matches('\n').to_owned()).unwrap_or_default()
    };
    let code = title.trim_start_matches('#').trim().to_owned();
    Essence { code, summary, mend: section("mend"), danger: section("do not") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_an_essence() {
        let essence = essence(
            "# a/b\n\nIt is wrong.\n\n## What it means\n\nx\n\n## The narrowest mend\n\n    do it\n\n## Do not\n\n- that\n",
        );
        assert_eq!((essence.code.as_str(), essence.summary.as_str()), ("a/b", "It is wrong."));
        assert_eq!((essence.mend.as_str(), essence.danger.as_str()), ("    do it", "- that"));
    }

    #[test]
    fn any_text_has_one() {
        for text in ["", "#", "no heading", "# x\n## y"] {
            let _ = essence(text);
        }
    }
}
