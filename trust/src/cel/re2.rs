//! RE2's regular expressions in the words of the `regex` crate: classes are ASCII's, some characters need no escape, and
//! there are neither look-arounds nor references. <https://github.com/google/re2/wiki/Syntax>

/// A pattern may repeat something this often, as in RE2.
const MOST_REPETITIONS: u32 = 1000;

/// `pattern` in the words of the `regex` crate; nothing if RE2 would not take it. What both take alike is left to that crate.
pub(super) fn translate(pattern: &str) -> Option<String> {
    Translation::of(pattern)
}

struct Translation<'p> {
    rest: &'p str,
    out: String,
    /// Whether what stands before may be repeated; nothing after another repetition.
    repeatable: bool,
}

impl<'p> Translation<'p> {
    fn of(pattern: &'p str) -> Option<String> {
        let mut translation =
            Self { rest: pattern, out: String::with_capacity(pattern.len()), repeatable: false };
        while let Some(next) = translation.take() {
            translation.one(next)?;
        }
        Some(translation.out)
    }

    fn take(&mut self) -> Option<char> {
        let next = self.rest.chars().next()?;
        self.rest = self.rest.get(next.len_utf8()..).unwrap_or_default();
        Some(next)
    }

    fn one(&mut self, next: char) -> Option<()> {
        match next {
            '\\' => self.escape(false),
            '[' => self.class(),
            '*' | '+' | '?' => self.repeat(next.encode_utf8(&mut [0; 4])),
            '{' => self.brace(),
            '(' => self.group(),
            '|' => {
                self.out.push('|');
                self.repeatable = false;
                Some(())
            }
            other => {
                self.push(other.encode_utf8(&mut [0; 4]));
                Some(())
            }
        }
    }

    /// A count of repetitions, or a bracket like any other character.
    fn brace(&mut self) -> Option<()> {
        let Some(length) = braces(self.rest) else {
            self.push("\\{");
            return Some(());
        };
        let inner = self.rest.get(..length)?;
        self.rest = self.rest.get(length + 1..)?;
        if !in_bounds(inner) {
            return None;
        }
        self.repeat(&format!("{{{inner}}}"))
    }

    /// Something that may be repeated.
    fn push(&mut self, text: &str) {
        self.out.push_str(text);
        self.repeatable = true;
    }

    /// A repetition, with the `?` that makes it lazy; RE2 takes no repetition of a repetition.
    fn repeat(&mut self, text: &str) -> Option<()> {
        if !self.repeatable {
            return None;
        }
        self.out.push_str(text);
        if let Some(after) = self.rest.strip_prefix('?') {
            self.rest = after;
            self.out.push('?');
        }
        self.repeatable = false;
        Some(())
    }

    fn group(&mut self) -> Option<()> {
        self.out.push('(');
        self.repeatable = false;
        let Some(after) = self.rest.strip_prefix('?') else { return Some(()) };
        let named = after.starts_with("P<") || after.starts_with('<');
        let end = if named { after.find('>')? } else { after.find([':', ')'])? };
        let head = after.get(..=end)?;
        let flags = |text: &str| text.chars().all(|flag| "imsU-:)".contains(flag));
        let name = head.trim_start_matches('P').trim_matches(['<', '>']);
        let word = |text: &str| text.chars().all(|one| one == '_' || one.is_ascii_alphanumeric());
        if (named && !word(name)) || (!named && !flags(head)) {
            return None;
        }
        self.out.push('?');
        self.out.push_str(head);
        self.rest = after.get(end + 1..)?;
        Some(())
    }

    /// After a backslash.
    fn escape(&mut self, in_class: bool) -> Option<()> {
        let kind = self.take()?;
        let simple = match kind {
            'd' => {
                if in_class {
                    "0-9"
                } else {
                    "[0-9]"
                }
            }
            'w' => {
                if in_class {
                    "0-9A-Za-z_"
                } else {
                    "[0-9A-Za-z_]"
                }
            }
            's' => {
                if in_class {
                    "\\t\\n\\x0C\\r "
                } else {
                    "[\\t\\n\\x0C\\r ]"
                }
            }
            'D' => "[^0-9]",
            'W' => "[^0-9A-Za-z_]",
            'S' => "[^\\t\\n\\x0C\\r ]",
            'b' if !in_class => "(?-u:\\b)",
            'B' if !in_class => "(?-u:\\B)",
            'A' if !in_class => "\\A",
            'z' if !in_class => "\\z",
            'a' => "\\x07",
            'f' => "\\x0C",
            't' => "\\t",
            'n' => "\\n",
            'r' => "\\r",
            'v' => "\\x0B",
            'x' | 'p' | 'P' => return self.braced(kind),
            'Q' if !in_class => {
                self.literally();
                return Some(());
            }
            '0'..='7' => return self.octal(kind),
            other if other.is_ascii_punctuation() => {
                self.out.push('\\');
                self.push(other.encode_utf8(&mut [0; 4]));
                return Some(());
            }
            _ => return None,
        };
        self.push(simple);
        Some(())
    }

    /// `\pL`, `\p{Greek}`, `\x41` or `\x{1F600}`, after its first letter.
    fn braced(&mut self, kind: char) -> Option<()> {
        let length = match self.rest.strip_prefix('{') {
            Some(inner) => inner.find('}')? + 2,
            None if kind == 'x' => 2,
            None => self.rest.chars().next()?.len_utf8(),
        };
        let named = self.rest.get(..length)?;
        self.rest = self.rest.get(length..)?;
        self.push(&format!("\\{kind}{named}"));
        Some(())
    }

    /// `\012`: up to three digits, of which a first other than zero needs a second, or it would be a reference backwards.
    fn octal(&mut self, first: char) -> Option<()> {
        let mut code = first.to_digit(8)?;
        let mut count = 1;
        while count < 3
            && let Some(digit) = self.rest.chars().next().and_then(|next| next.to_digit(8))
        {
            self.take();
            code = code * 8 + digit;
            count += 1;
        }
        if first != '0' && count == 1 {
            return None;
        }
        self.push(&format!("\\x{{{code:x}}}"));
        Some(())
    }

    /// `\Q…\E`
    fn literally(&mut self) {
        let (inner, after) = self.rest.split_once("\\E").unwrap_or((self.rest, ""));
        self.rest = after;
        for one in inner.chars() {
            self.push(&regex::escape(one.encode_utf8(&mut [0; 4])));
        }
    }

    fn class(&mut self) -> Option<()> {
        self.out.push('[');
        if let Some(after) = self.rest.strip_prefix('^') {
            self.rest = after;
            self.out.push('^');
        }
        let mut first = true;
        loop {
            let next = self.take()?;
            match next {
                ']' if !first => break,
                '\\' => self.escape(true)?,
                '[' if self.rest.starts_with(':') => {
                    let length = self.rest.find(":]")? + 2;
                    self.out.push('[');
                    self.out.push_str(self.rest.get(..length)?);
                    self.rest = self.rest.get(length..)?;
                }
                '-' => self.out.push_str(if first || self.rest.starts_with(']') { "\\-" } else { "-" }),
                // Alone or doubled these mean something to the `regex` crate.
                '[' | ']' | '&' | '~' | '^' => {
                    self.out.push('\\');
                    self.out.push(next);
                }
                other => self.out.push(other),
            }
            first = false;
        }
        self.push("]");
        Some(())
    }
}

/// The length of `2`, `2,` or `2,5` before `}`.
fn braces(rest: &str) -> Option<usize> {
    let end = rest.find('}')?;
    let inner = rest.get(..end)?;
    let (least, most) = inner.split_once(',').unwrap_or((inner, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    (!least.is_empty() && digits(least) && digits(most)).then_some(end)
}

fn in_bounds(inner: &str) -> bool {
    inner
        .split(',')
        .filter(|number| !number.is_empty())
        .all(|number| number.parse().is_ok_and(|times: u32| times <= MOST_REPETITIONS))
}
