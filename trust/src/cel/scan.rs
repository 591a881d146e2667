//! Looks at an expression's text before the engine does: how deep it nests, how many operators it has, and where its
//! outermost `&&` are. Knows strings and comments, and nothing else of the grammar.

/// What an expression's text shows from outside.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Shape {
    /// Deepest nesting of brackets, plus the longest run of unary operators.
    pub(super) nesting: usize,
    /// Operators (`==` is one), selections, and opening brackets.
    pub(super) operators: usize,
}

/// Measures `source`.
pub(super) fn shape(source: &str) -> Shape {
    let mut shape = Shape::default();
    let (mut depth, mut unary, mut most_unary) = (0_usize, 0_usize, 0_usize);
    let mut in_operator = false;
    for (_, character) in code(source) {
        let opens = matches!(character, '(' | '[' | '{');
        match character {
            _ if opens => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        let operator = "+-*/%<>=!&|?.".contains(character);
        shape.operators += usize::from(opens || (operator && !in_operator));
        in_operator = operator;
        // Unary operators recurse without a bracket.
        unary = match character {
            '!' | '-' => unary + 1,
            space if space.is_whitespace() => unary,
            _ => 0,
        };
        most_unary = most_unary.max(unary);
        shape.nesting = shape.nesting.max(depth);
    }
    shape.nesting += most_unary;
    shape
}

/// The operands of the outermost `&&`; the whole if `||` or a ternary stands outermost.
pub(super) fn conjuncts(source: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    let mut cuts = Vec::new();
    let mut previous = (0, ' ');
    for (place, character) in code(source) {
        match character {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            '?' | '|' if depth == 0 => return vec![source.trim()],
            '&' if depth == 0 && previous == (place.wrapping_sub(1), '&') => cuts.push(place - 1),
            _ => {}
        }
        previous = (place, character);
    }
    let mut parts = Vec::new();
    let mut start = 0;
    for cut in cuts {
        parts.push(source.get(start..cut).unwrap_or_default().trim());
        start = cut + 2;
    }
    parts.push(source.get(start..).unwrap_or_default().trim());
    parts
}

/// The characters outside strings and comments, with their places.
fn code(source: &str) -> impl Iterator<Item = (usize, char)> {
    let mut skip_to = 0;
    let mut previous = ' ';
    source.char_indices().filter(move |(place, character)| {
        if *place < skip_to {
            return false;
        }
        let rest = source.get(*place..).unwrap_or_default();
        let raw = matches!(previous, 'r' | 'R');
        previous = *character;
        let skipped = match character {
            '"' | '\'' => string_length(rest, raw),
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            _ => return true,
        };
        skip_to = place + skipped;
        false
    })
}

/// Bytes of the string that `rest` starts with, quotes included; to the end if it is not closed.
fn string_length(rest: &str, raw: bool) -> usize {
    let quote = rest.get(..1).unwrap_or_default();
    let triple = quote.repeat(3);
    let closing = if rest.starts_with(&triple) { triple.as_str() } else { quote };
    let mut place = closing.len();
    while let Some(ahead) = rest.get(place..).filter(|ahead| !ahead.is_empty()) {
        if ahead.starts_with(closing) {
            return place + closing.len();
        }
        let mut characters = ahead.chars();
        let first = characters.next().map_or(1, char::len_utf8);
        let escaped =
            if ahead.starts_with('\\') && !raw { characters.next().map_or(0, char::len_utf8) } else { 0 };
        place += first + escaped;
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_outside_strings_and_comments() {
        let table = [
            ("a", 0, 0),
            ("((a))", 2, 2),
            ("f([{}])", 3, 3),
            ("'((((' == \"[[\"", 0, 1),
            ("a.b == c && d", 0, 3),
            ("a[0][1]", 1, 2),
            ("'it\\'s (' + x", 0, 1),
            ("r'\\' + (x)", 1, 2),
            ("'''a'(b''' + c", 0, 1),
            ("a // (((\n+ b", 0, 1),
            ("! ! - a", 3, 3),
            ("'open ((", 0, 0),
            ("'é' == assertion.ü", 0, 2),
        ];
        for (source, nesting, operators) in table {
            assert_eq!(shape(source), Shape { nesting, operators }, "{source}");
        }
    }

    #[test]
    fn splits_at_the_outermost_and() {
        let table: [(&str, &[&str]); 7] = [
            ("a", &["a"]),
            ("a && b&&c", &["a", "b", "c"]),
            ("a && (b || c && d)", &["a", "(b || c && d)"]),
            ("a && b || c", &["a && b || c"]),
            ("a ? b && c : d", &["a ? b && c : d"]),
            ("x == 'a && b' && y", &["x == 'a && b'", "y"]),
            ("a &&", &["a", ""]),
        ];
        for (source, expected) in table {
            assert_eq!(conjuncts(source), expected, "{source}");
        }
    }
}
