//! Small pieces of wire syntax that the Azure services share: queries, percent escapes, dates.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use url::form_urlencoded;

/// A decoded query string or form body, in order.
pub(crate) struct Pairs(Vec<(String, String)>);

impl Pairs {
    pub(crate) fn parse(text: &[u8]) -> Self {
        Self(form_urlencoded::parse(text).into_owned().collect())
    }

    pub(crate) fn of(uri: &http::Uri) -> Self {
        Self::parse(uri.query().unwrap_or_default().as_bytes())
    }

    /// The first value of `name`; parameter names are compared without case, as Azure does.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The same pairs with `name` set to `value`, as a query string.
    pub(crate) fn with(&self, name: &str, value: &str) -> String {
        let others = self.0.iter().filter(|(key, _)| !key.eq_ignore_ascii_case(name));
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(others);
        query.append_pair(name, value);
        query.finish()
    }
}

/// A path's segments, percent escapes undone. An escape that is none stays as it is.
pub(crate) fn segments(path: &str) -> Vec<String> {
    path.split('/').filter(|segment| !segment.is_empty()).map(unescape).collect()
}

/// Undoes percent escapes.
pub(crate) fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let escaped = (byte == b'%').then(|| after.split_at_checked(2)).flatten();
        let decoded = escaped.and_then(|(digits, beyond)| {
            let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?;
            Some((u8::from_str_radix(digits, 16).ok()?, beyond))
        });
        match decoded {
            Some((value, beyond)) => {
                bytes.push(value);
                rest = beyond;
            }
            None => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Sets a header whose value is known to be printable.
pub(crate) fn insert_header(response: &mut axum::response::Response, name: &'static str, value: &str) {
    if let Ok(value) = http::HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// `Sun, 22 Nov 2026 19:30:00 GMT`.
pub(crate) fn http_date(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// `2026-11-22 19:30:00Z`, as Entra writes times into its refusals.
pub(crate) fn spaced_date(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// `11/22/2026 7:30:00 PM`, as Resource Manager and Entra write token times.
pub(crate) fn american_date(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC).strftime("%-m/%-d/%Y %-I:%M:%S %p").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_once() {
        for (text, plain) in [
            ("a%20b", "a b"),
            ("%2525", "%25"),
            ("100%", "100%"),
            ("%+1", "%+1"),
            ("%c3%a4", "ä"),
            ("a+b", "a+b"),
        ] {
            assert_eq!(unescape(text), plain, "{text}");
        }
        assert_eq!(segments("/a//b%2Fc/"), ["a", "b/c"]);
    }

    #[test]
    fn pairs_replace_a_parameter() {
        let pairs = Pairs::parse(b"api-version=1&$skip=5");
        assert_eq!(pairs.get("Api-Version"), Some("1"));
        assert_eq!(pairs.with("$skip", "10"), "api-version=1&%24skip=10");
    }

    #[test]
    fn dates() {
        let time: Timestamp = "2026-11-22T19:30:05Z".parse().unwrap();
        assert_eq!(http_date(time), "Sun, 22 Nov 2026 19:30:05 GMT");
        assert_eq!(spaced_date(time), "2026-11-22 19:30:05Z");
        assert_eq!(american_date(time), "11/22/2026 7:30:05 PM");
    }
}
