//! An error text, made comparable. Logs escape, colour, wrap and quote what a service said; two forms are made of it,
//! one of words and one of nothing but characters that carry meaning.

/// One text in the forms that are searched.
#[derive(Debug, Clone, Default)]
pub(super) struct Text {
    /// Lower case, escapes undone, one space between words.
    pub(super) words: String,
    /// The same without spaces, quotes and whatever else a log puts between two words, or into the middle of one.
    pub(super) squeezed: Vec<u8>,
    /// Where each byte of `squeezed` stands in `shown`.
    origin: Vec<u32>,
    /// As `words`, in the case it came in and with secrets cut out: what may be quoted back.
    shown: String,
}

/// What Resource Manager appends to every refusal, whatever its reason; it says nothing about this one.
const BOILERPLATE: [&str; 2] =
    ["if access was recently granted, please refresh your credentials", "wait a few minutes and try again"];

/// How much of the text is quoted back, in bytes.
const QUOTED: usize = 240;

impl Text {
    /// Reads any bytes; what is not UTF-8 is passed over.
    pub(super) fn read(bytes: &[u8]) -> Self {
        let plain = without_colours(&String::from_utf8_lossy(bytes));
        let shown = without_secrets(&one_space(&unescaped(&plain)));
        let mut text = Self { words: shown.to_ascii_lowercase(), shown, ..Self::default() };
        for (at, byte) in text.shown.bytes().enumerate() {
            if carries_meaning(byte) {
                text.squeezed.push(byte.to_ascii_lowercase());
                text.origin.push(u32::try_from(at).unwrap_or(u32::MAX));
            }
        }
        for phrase in BOILERPLATE {
            text.words = text.words.replace(phrase, "");
        }
        text
    }

    /// Whether a word or a run of words stands in the text, not as a part of a longer word.
    pub(super) fn has_words(&self, wanted: &str) -> bool {
        self.words.match_indices(wanted).any(|(at, found)| {
            let before = self.words.get(..at).and_then(|head| head.chars().next_back());
            let after = self.words.get(at + found.len()..).and_then(|tail| tail.chars().next());
            !joins(before, wanted.chars().next()) && !joins(after, wanted.chars().next_back())
        })
    }

    /// Where a whole word first stands in the squeezed form, if it does.
    pub(super) fn word(&self, wanted: &str) -> Option<(usize, usize)> {
        let squeezed = squeeze(wanted);
        let place = || self.squeezed.windows(squeezed.len().max(1)).position(|window| window == squeezed);
        self.has_words(wanted).then(place).flatten().map(|at| (at, at + squeezed.len()))
    }

    /// The words around a stretch of the squeezed form, as they came.
    pub(super) fn quote(&self, from: usize, to: usize) -> String {
        let place = |at: usize| self.origin.get(at).map_or(self.shown.len(), |at| *at as usize);
        let start = place(from);
        let end = place(to).min(start.saturating_add(QUOTED));
        let from = (0..=start).rev().find(|at| self.shown.is_char_boundary(*at)).unwrap_or(0);
        let to = (end..=self.shown.len()).find(|at| self.shown.is_char_boundary(*at)).unwrap_or(from);
        let quoted = self.shown.get(from..to).unwrap_or_default();
        quoted.trim_matches([' ', '"', '\'', '`', '\\']).to_owned()
    }
}

/// A pattern in the form of [`Text::squeezed`].
pub(super) fn squeeze(pattern: &str) -> Vec<u8> {
    let lower = pattern.to_ascii_lowercase();
    lower.bytes().filter(|byte| carries_meaning(*byte)).collect()
}

/// Spaces, quotes, backslashes, table borders, emphasis and everything beyond ASCII come and go with who wrote the log.
fn carries_meaning(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'`' | b'\\' | b'|' | b'*' | b'+')
}

fn joins(neighbour: Option<char>, edge: Option<char>) -> bool {
    let word = |char: Option<char>| char.is_some_and(|char| char.is_alphanumeric() || char == '_');
    word(neighbour) && word(edge)
}

fn without_colours(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        if char == '\u{1b}' {
            if chars.next_if_eq(&'[').is_some() {
                // The sequence ends at its first letter.
                while chars.next_if(|char| !char.is_ascii_alphabetic()).is_some() {}
                chars.next();
            }
        } else {
            plain.push(char);
        }
    }
    plain
}

/// Undoes the escapes of JSON, HTML and URLs.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        let (read, length) = match char {
            '\\' => after_backslashes(rest),
            '&' => entity(rest),
            '%' => percent(rest),
            _ => (char, char.len_utf8()),
        };
        plain.push(read);
        rest = rest.get(length..).unwrap_or_default();
    }
    plain
}

/// `\n`, `\\n` and `\u0027`, escaped however often.
fn after_backslashes(text: &str) -> (char, usize) {
    let count = text.bytes().take_while(|byte| *byte == b'\\').count();
    let tail = text.get(count..).unwrap_or_default();
    match tail.bytes().next() {
        Some(b'n' | b'r' | b't') => (' ', count + 1),
        Some(b'u') => hexadecimal(tail.get(1..5)).map_or(('\\', count), |char| (char, count + 5)),
        _ => ('\\', count),
    }
}

fn entity(text: &str) -> (char, usize) {
    const ENTITIES: [(&str, char); 9] = [
        ("&quot;", '"'),
        ("&#34;", '"'),
        ("&#39;", '\''),
        ("&#x27;", '\''),
        ("&apos;", '\''),
        ("&lt;", '<'),
        ("&gt;", '>'),
        ("&amp;", '&'),
        ("&nbsp;", ' '),
    ];
    let found = ENTITIES.iter().find(|(name, _)| text.starts_with(name));
    found.map_or(('&', 1), |(name, char)| (*char, name.len()))
}

fn percent(text: &str) -> (char, usize) {
    let decoded = hexadecimal(text.get(1..3)).filter(|char| char.is_ascii_graphic() || *char == ' ');
    decoded.map_or(('%', 1), |char| (char, 3))
}

fn hexadecimal(digits: Option<&str>) -> Option<char> {
    char::from_u32(u32::from_str_radix(digits?, 16).ok()?)
}

fn one_space(text: &str) -> String {
    let mut words = String::with_capacity(text.len());
    for word in text.split(|char: char| char.is_whitespace() || char.is_control()) {
        if !word.is_empty() {
            if !words.is_empty() {
                words.push(' ');
            }
            words.push_str(word);
        }
    }
    words
}

/// What stands right before a secret.
const SECRET_AFTER: [&str; 7] =
    ["eyJ", "sig=", "ya29.", "client_secret=", "password=", "AccountKey=", "Bearer "];

/// Cuts out tokens, signatures and passwords: they are quoted nowhere.
fn without_secrets(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        let mark = SECRET_AFTER.iter().find(|mark| rest.starts_with(**mark));
        let length = mark.map_or(char.len_utf8(), |mark| mark.len());
        let (head, tail) = rest.split_at(length);
        clean.push_str(head);
        rest = tail;
        if mark.is_some() {
            let secret = rest.bytes().take_while(|byte| of_a_secret(*byte)).count();
            if secret >= 12 {
                clean.push_str("[cut]");
                rest = rest.get(secret..).unwrap_or_default();
            }
        }
    }
    clean
}

fn of_a_secret(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'+' | b'/' | b'=' | b'%' | b'~')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn squeezed(text: &str) -> String {
        String::from_utf8(Text::read(text.as_bytes()).squeezed).unwrap()
    }

    #[test]
    fn a_text_is_the_same_however_it_was_logged() {
        let plain = squeezed(r#"Permission "a.b.get" denied on resource"#);
        for logged in [
            r#"Permission \"a.b.get\" denied on resource"#,
            r#"Permission \\\"a.b.get\\\" denied\\non resource"#,
            "\u{1b}[31mPermission\u{1b}[0m \u{1b}[1;33m'a.b.get'\u{1b}[0m denied on resource",
            "Permission &quot;a.b.get&quot; denied on resource",
            "Permission%20%22a.b.get%22%20denied on resource",
            "│ Permission \"a.b.get\" den ││ ied on\n│ resource",
            r"Permission \u0022a.b.get\u0022 denied on resource",
            "PERMISSION “a.b.get” DENIED ON RESOURCE",
            "permission+a.b.get+denied+on+resource",
        ] {
            assert_eq!(squeezed(logged), plain, "{logged}");
        }
    }

    #[test]
    fn words_are_whole() {
        let text = Text::read(b"run with sudo, not pseudonym");
        assert!(text.has_words("sudo") && !text.has_words("pseudo") && text.has_words("not pseudonym"));
        assert!(Text::read(b"role:sudo").has_words("sudo"));
    }

    #[test]
    fn what_is_quoted_holds_no_secret() {
        let text = Text::read(
            b"token eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln and url?sig=aBcDeFgHiJkLmN%3D&x=1 failed",
        );
        let all = text.quote(0, text.squeezed.len());
        assert_eq!(all, "token eyJ[cut] and url?sig=[cut]&x=1 failed");
        assert!(!text.words.contains("hbgcioijsuzi1nij9"));
    }

    #[test]
    fn a_quotation_keeps_case_and_spaces() {
        let text = Text::read("x: The Audience é ends".as_bytes());
        let at = text.squeezed.windows(3).position(|window| window == b"the").unwrap();
        assert_eq!(text.quote(at, at + 11), "The Audience é");
        assert_eq!(text.quote(9000, 9001), "");
    }
}
