//! Google's `extract`: the part of a text that stands where a template has `{name}`.

/// The part of `text` at the place of the one `{name}` in `template`; empty if the template's text does not occur.
/// Nothing if the template has no such place, or several.
pub(super) fn extract<'t>(text: &'t str, template: &str) -> Option<&'t str> {
    let (prefix, rest) = template.split_once('{')?;
    let (name, suffix) = rest.split_once('}')?;
    let several = suffix.contains(['{', '}']) || name.contains('{') || prefix.contains('}');
    if name.is_empty() || several {
        return None;
    }
    let Some((_, after)) = split_at_first(text, prefix) else { return Some("") };
    if suffix.is_empty() {
        return Some(after);
    }
    Some(split_at_first(after, suffix).map_or("", |(part, _)| part))
}

/// Before and after the first occurrence; an empty separator stands at the start.
fn split_at_first<'t>(text: &'t str, separator: &str) -> Option<(&'t str, &'t str)> {
    if separator.is_empty() { Some(("", text)) } else { text.split_once(separator) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_documented_examples() {
        let bucket = "projects/_/buckets/acme/objects/data/x";
        let table = [
            (bucket, "/buckets/{bucket}/", Some("acme")),
            (bucket, "buckets/{rest}", Some("acme/objects/data/x")),
            (bucket, "{first}/", Some("projects")),
            (bucket, "{all}", Some(bucket)),
            (bucket, "/nothing/{x}/", Some("")),
            (bucket, "/buckets/{x}?", Some("")),
            ("/eid1/c/pub/t/abc/a/def/oid", "/eid1/c/pub/t/{sub_claim}", Some("abc/a/def/oid")),
            ("arn:aws:sts::1:assumed-role/r/s", "assumed-role/{role}/", Some("r")),
            ("überweg/é", "ü{x}/", Some("berweg")),
            (bucket, "no place", None),
            (bucket, "{a}{b}", None),
            (bucket, "{}", None),
            (bucket, "{a", None),
        ];
        for (text, template, expected) in table {
            assert_eq!(extract(text, template), expected, "{text} {template}");
        }
    }
}
