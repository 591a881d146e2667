//! "Did you mean": the nearest of the texts that would have been right.

/// The candidate that a text was most likely meant to be, if any is near enough to say so.
pub(crate) fn nearest<'a>(text: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let folded = fold(text);
    let distances = candidates.map(|candidate| (distance(&folded, &fold(candidate)), candidate));
    let (distance, candidate) = distances.min_by_key(|(distance, _)| *distance)?;
    // A third of the letters wrong is a typing error; more is another word.
    (distance <= folded.len().max(2) / 3).then_some(candidate)
}

/// Without what people confuse freely: capitals and separators.
fn fold(text: &str) -> Vec<char> {
    text.to_lowercase().chars().filter(|character| !matches!(character, '-' | '_' | ' ')).collect()
}

/// How many letters must be added, left out, replaced or swapped with their neighbour.
fn distance(one: &[char], other: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX / 2);
    for (i, letter) in one.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, candidate) in other.iter().enumerate() {
            let replaced = at(&last, j) + usize::from(letter != candidate);
            let mut best = replaced.min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            let swapped =
                i > 0 && j > 0 && one.get(i - 1) == Some(candidate) && other.get(j - 1) == Some(letter);
            if swapped {
                best = best.min(at(&before_last, j - 1) + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    at(&last, other.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guesses() {
        let keys = ["resourceGroup", "workspace", "tenant", "subscription", "cloud"];
        for (text, expected) in [
            ("resource_group", Some("resourceGroup")),
            ("resourcegroup", Some("resourceGroup")),
            ("workspce", Some("workspace")),
            ("tenantt", Some("tenant")),
            ("tennat", Some("tenant")),
            ("clodu", Some("cloud")),
            ("region", None),
            ("", None),
        ] {
            assert_eq!(nearest(text, keys.into_iter()), expected, "{text}");
        }
        assert_eq!(nearest("x", std::iter::empty()), None);
    }
}
