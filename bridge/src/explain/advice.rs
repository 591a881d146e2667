//! What to do about a cause, by the part of the way it was met on: the narrowest mend, what not to do instead, and the
//! one piece of evidence that would decide.

use std::sync::LazyLock;

/// Advice about one cause.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Advice {
    /// Why this text can have this cause.
    pub why: String,
    /// What to do, narrowest first.
    pub mend: String,
    /// The same as command lines, with capitals where a name of one's own goes.
    pub commands: Vec<&'static str>,
    /// A "mend" that was seen in the wild and opens more than it repairs.
    pub danger: &'static str,
    /// What would decide whether it is this one.
    pub evidence: &'static str,
    /// The page about it, below `docs/findings`, without its ending; empty if there is none.
    pub page: &'static str,
}

/// The area whose advice holds where there is none of a narrower one.
const ANYWHERE: &str = "any";

struct Row {
    area: &'static str,
    class: &'static str,
    advice: Advice,
}

static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let mut rows = Vec::new();
    for table in [include_str!("table/advice-google.txt"), include_str!("table/advice-azure.txt")] {
        read(table, &mut rows);
    }
    rows
});

/// The advice about a cause that was met in an area.
pub(super) fn about(area: &str, class: &str) -> Advice {
    let find = |area: &str| ROWS.iter().find(|row| row.class == class && row.area == area);
    find(area).or_else(|| find(ANYWHERE)).map(|row| row.advice.clone()).unwrap_or_default()
}

/// Reads `area NAME`, `[class]`, `why`, `mend`, `$`, `not`, `need` and `page`.
fn read(table: &'static str, rows: &mut Vec<Row>) {
    let mut area = "";
    for line in table.lines().map(str::trim) {
        let (key, rest) = line.split_once(' ').unwrap_or((line, ""));
        if key == "area" {
            area = rest;
        } else if let Some(class) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            rows.push(Row { area, class, advice: Advice::default() });
        } else if let Some(Row { advice, .. }) = rows.last_mut() {
            match key {
                "why" => rest.clone_into(&mut advice.why),
                "mend" => rest.clone_into(&mut advice.mend),
                "$" => advice.commands.push(rest),
                "not" => advice.danger = rest,
                "need" => advice.evidence = rest,
                "page" => advice.page = rest,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::signatures;
    use super::*;
    use crate::finding::cause;

    #[test]
    fn every_cause_has_advice_everywhere() {
        for class in cause::ALL {
            assert!(ROWS.iter().any(|row| row.area == ANYWHERE && row.class == *class), "{class}");
        }
        for row in ROWS.iter() {
            let name = format!("{} {}", row.area, row.class);
            let advice = &row.advice;
            assert!(cause::ALL.contains(&row.class), "{name}");
            assert!(
                !advice.why.is_empty() && !advice.mend.is_empty() && !advice.evidence.is_empty(),
                "{name}"
            );
            let known = row.area == ANYWHERE || signatures().iter().any(|one| one.area == row.area);
            assert!(known, "{name}: nothing is recognised there");
        }
    }

    #[test]
    fn every_page_is_there() {
        let pages = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/findings");
        for row in ROWS.iter().filter(|row| !row.advice.page.is_empty()) {
            assert!(pages.join(format!("{}.md", row.advice.page)).is_file(), "{}", row.advice.page);
        }
    }

    #[test]
    fn no_advice_is_wider_than_the_job() {
        for row in ROWS.iter() {
            for command in &row.advice.commands {
                for wide in
                    ["roles/owner", "roles/editor", "allUsers", "/*", "cluster-admin", "--admin-enabled true"]
                {
                    assert!(!command.contains(wide), "{}: {command}", row.class);
                }
            }
        }
    }
}
