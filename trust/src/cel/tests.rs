//! Tables for the CEL door: what it evaluates, what it refuses, and that nothing brings it down.

use super::*;
use proptest::prelude::*;
use serde_json::json;

fn run(source: &str, assertion: &Json) -> Result<Value, Problem> {
    let program = compile(source, 4096, &["assertion"])?;
    program.evaluate(&Bindings::new(&[("assertion", assertion)]), &mut Meter::new(MAX_STEPS))
}

/// The value as CEL writes it, or what is wrong.
fn shown(source: &str, assertion: &Json) -> String {
    run(source, assertion).map_or_else(|problem| problem.to_string(), |value| value.to_string())
}

#[test]
fn evaluates_googles_dialect() {
    let assertion = json!({
        "sub": "abc", "roles": ["A", "B"], "n": 3, "nothing": null, "nested": {"k": "v"},
        "arn": "arn:aws:sts::000:assumed-role/ec2/instance",
    });
    let table = [
        ("assertion.sub", r#""abc""#),
        ("assertion['sub'] + '!'", r#""abc!""#),
        ("has(assertion.roles) ? assertion.roles : []", r#"["A","B"]"#),
        ("has(assertion.azp) ? assertion.azp : ''", r#""""#),
        ("has(assertion.absent) ? assertion.absent : []", "[]"),
        ("assertion.roles.exists(r, r == 'B')", "true"),
        ("'B' in assertion.roles", "true"),
        ("assertion.roles.map(r, r.lowerAscii()).join('/')", r#""a/b""#),
        ("assertion.sub.startsWith('a') && assertion.sub.endsWith('c')", "true"),
        ("assertion.sub.matches('^[a-c]+$')", "true"),
        ("assertion.sub.split('b')[1].upperAscii()", r#""C""#),
        ("assertion.sub.extract('a{x}')", r#""bc""#),
        (
            "assertion.arn.contains('assumed-role') ? assertion.arn.extract('{account_arn}assumed-role/') + \
             'assumed-role/' + assertion.arn.extract('assumed-role/{role_name}/') : assertion.arn",
            r#""arn:aws:sts::000:assumed-role/ec2""#,
        ),
        ("string(assertion.n)", r#""3""#),
        // A JSON number is a double, and doubles have an exponent from a million on.
        ("string(assertion.n * 1000000.0)", r#""3e+06""#),
        ("assertion.n == 3", "true"),
        ("assertion.nested", r#"{"k":"v"}"#),
        ("assertion.nothing", "null"),
        ("assertion.sub == 'abc'", "true"),
        ("type(assertion.sub) == string", "true"),
        ("type(timestamp('2026-01-31T00:00:00Z')) == google.protobuf.Timestamp", "true"),
        ("string(timestamp('2024-03-01T00:30:00.250+01:00'))", r#""2024-02-29T23:30:00.25Z""#),
        ("{1: 'a', 1u: 'b'}", "the map has the key 1 twice"),
        ("dyn({1: 'a'}) == {1u: 'a'}", "true"),
        ("assertion.absent == 'x' || true", "true"),
        ("assertion.absent == 'x' && false", "false"),
    ];
    for (source, expected) in table {
        assert_eq!(shown(source, &assertion), expected, "{source}");
    }
}

#[test]
fn says_what_is_wrong_in_our_words() {
    let assertion = json!({"sub": "abc", "n": 3});
    let table = [
        ("assertion.oid", "there is no `oid`"),
        ("assertion.sub +", "syntax error at line 1, column 16: expected a value"),
        ("", "syntax error at line 1, column 1: expected a value"),
        ("a\n && && b", "syntax error at line 2, column 5: expected a value"),
        ("(assertion.sub", "syntax error at line 1, column 15: expected an operator or `)`"),
        ("assertion.sub = 'a'", "syntax error at line 1, column 15: a character that no expression holds"),
        ("'open", "syntax error at line 1, column 1: a text that is not closed"),
        (r"'\d+'", r"syntax error at line 1, column 1: an unknown escape; `\\` is a backslash"),
        (
            "has(assertion)",
            "syntax error at line 1, column 1: `has` takes a selection, as `has(assertion.email)`",
        ),
        (
            "assertion.a.exists('r', true)",
            "syntax error at line 1, column 20: expected the name of a variable",
        ),
        ("for == 1", "syntax error at line 1, column 1: a reserved word, expected a value"),
        ("A{}", "syntax error at line 1, column 2: an object of a message type, and there are none here"),
        ("9223372036854775808", "syntax error at line 1, column 1: a number that is too large"),
        ("claims.sub", "unknown name `claims`"),
        ("true || claims.sub == 'a'", "unknown name `claims`"),
        ("true || now()", "unknown function `now`"),
        ("assertion.sub < 3", "`<` does not take (string, int)"),
        ("true || 1 + 'a' == 2", "`+` does not take (int, string)"),
        ("'a'.substring(1, 2, 3)", "`substring` does not take (string, int, int, int)"),
        ("assertion.sub.extract('none')", "`extract`: the template of `extract` needs exactly one `{name}`"),
        ("[1][4] == 1", "the list has no such element"),
        ("1 / 0", "division by zero"),
        ("9223372036854775807 + 1", "a number is too large"),
        ("-9223372036854775808 % -1", "a number is too large"),
        ("18446744073709551615u * 18446744073709551615u", "a number is too large"),
        ("0u - 1u", "a number is too large"),
        ("assertion.sub.matches('(')", "`matches`: the pattern is no regular expression of RE2"),
        ("int(assertion.sub)", "`abc` is not an integer"),
        ("assertion", r#"{"n":3,"sub":"abc"}"#),
    ];
    for (source, expected) in table {
        assert_eq!(shown(source, &assertion), expected, "{source}");
    }
    let long = format!("'{}'", "x".repeat(4095));
    assert_eq!(run(&long, &assertion).unwrap_err(), Problem::TooLong { length: 4097, limit: 4096 });
}

#[test]
fn patterns_are_read_as_re2_reads_them() {
    let table = [
        (r"^\d+$", "123", true),
        (r"^\d+$", "١٢٣", false),
        (r"^\w+$", "é", false),
        (r"^[\w-]+$", "a-b", true),
        (r"^[^\W]+$", "ab", true),
        (r"[[]", "[", true),
        (r"^[]a]+$", "]a", true),
        (r"^[a&&b]+$", "&", true),
        (r"a{,2}", "a{,2}", true),
        (r"^a{2}$", "aa", true),
        (r"\Qa.b\E", "a.b", true),
        (r"\Qa.b\E", "axb", false),
        (r"(?i)ABC", "abc", true),
        (r"(?P<x>a)\z", "ba", true),
        (r"^[[:alpha:]]+$", "abc", true),
        (r"^\pL+$", "é", true),
        (r"^\p{Greek}+[\p{Lu}]$", "αβX", true),
        (r"^\x{1F600}$", "😀", true),
        (r"^\x41\101$", "AA", true),
        (r"\bfoo\b", "a foo b", true),
    ];
    for (pattern, text, expected) in table {
        let source = format!("'{text}'.matches(r'''{pattern}''')");
        assert_eq!(shown(&source, &json!({})), expected.to_string(), "{pattern}");
    }
    for broken in
        [r"a**", r"*a", r"(?=a)", r"(?<=a)b", r"(a)\1", r"a{1001}", r"[b-a]", r"\Z", r"(?x)a b", "("]
    {
        let source = format!("'a'.matches(r'''{broken}''')");
        let expected = "`matches`: the pattern is no regular expression of RE2";
        assert_eq!(shown(&source, &json!({})), expected, "{broken}");
    }
}

fn nested(open: &str, middle: &str, close: &str, times: usize) -> String {
    format!("{}{middle}{}", open.repeat(times), close.repeat(times))
}

#[test]
fn nested_and_long_expressions_are_refused_or_evaluated_and_never_fatal() {
    let assertion = json!({"a": true, "n": 1});
    let sources = [
        nested("(", "true", ")", 2000),
        nested("[", "", "]", 2000),
        nested("{1:", "2", "}", 1000),
        nested("size([", "1", "])", 500),
        nested("[1].map(a,", "1", ")", 300),
        nested("true?true:(", "true", ")", 300),
        format!("assertion{}", ".a".repeat(2000)),
        format!("assertion{}", "[0]".repeat(800)),
        format!("'a'{}", ".trim()".repeat(399)),
    ];
    for source in sources {
        assert_eq!(run(&source, &assertion).unwrap_err(), Problem::TooDeep, "{source}");
    }
    let evaluated = [
        (nested("!", "true", "", 4000), "true"),
        (nested("- ", "1", "", 2000), "1"),
        (format!("1{}", "+1".repeat(2000)), "2001"),
        (format!("true{}", "||true".repeat(650)), "true"),
        (format!("true{}", "&&true".repeat(650)), "true"),
        (format!("{}1", "true?1:".repeat(500)), "1"),
        (nested("(", "true", ")", MAX_DEPTH - 1), "true"),
        (nested("[", "1", "]", 3), "[[[1]]]"),
    ];
    for (source, expected) in evaluated {
        assert_eq!(shown(&source, &assertion), expected, "{source}");
    }
}

#[test]
fn the_deepest_expression_fits_into_a_small_stack() {
    const STACK: usize = 1 << 20;
    let deepest = [
        nested("(", "true", ")", MAX_DEPTH - 1),
        nested("[1].exists(a, ", "true", ")", MAX_DEPTH - 2),
        nested("size([", "1", "])", MAX_DEPTH / 2 - 1),
        nested("{1: ", "1", "}", MAX_DEPTH - 2),
        nested("true ? true : (", "true", ")", MAX_DEPTH - 2),
        nested("!(", "true", ")", MAX_DEPTH - 2),
    ];
    let small = std::thread::Builder::new().stack_size(STACK);
    let run_all = move || deepest.map(|source| run(&source, &json!({})).is_ok());
    assert_eq!(small.spawn(run_all).unwrap().join().unwrap(), [true; 6]);
}

#[test]
fn whatever_takes_long_is_stopped_by_its_steps() {
    let groups: Vec<String> = (0..4000).map(|number| format!("group-{number}")).collect();
    let assertion = json!({"g": groups, "a": "a".repeat(60_000), "b": "ab".repeat(30_000)});
    let endless = [
        "assertion.g.all(a, assertion.g.all(b, assertion.g.all(c, a != '' || b != c)))",
        "assertion.g.map(a, assertion.g + [a])",
        "assertion.g.map(a, assertion.a + a)",
        "assertion.g.map(a, assertion.a.split(''))",
        "assertion.g.exists(a, assertion.a.replace('a', assertion.a) == a)",
        "assertion.g.exists(a, assertion.g == assertion.g && a == '')",
        "assertion.g.exists(a, a.matches(a + '[ab]{1,9}(c|d)*x$'))",
        "assertion.g.exists(a, assertion.b.matches('x'))",
        "assertion.g.map(a, assertion.g.map(b, [a, b]))",
        "assertion.g.exists(a, assertion.a.indexOf('b') > 0)",
        "assertion.a.replace('', assertion.a) == ''",
        // Found by measuring: classes of Unicode's whose cases do not count take a millisecond each.
        r"assertion.g.exists(x, x.matches('(?i)\\p{L}\\p{Greek}(?i)\\p{L}\\p{Greek}(?i)\\p{L}\\p{Greek}' + x))",
        r"assertion.g.exists(x, x.matches('(?i)\\pL{20}' + x))",
        "assertion.g.exists(x, assertion.a.lastIndexOf('baaaaaaaaaaaaaaaaaaaaaa') > 0)",
    ];
    for source in endless {
        assert_eq!(run(source, &assertion).unwrap_err(), Problem::TooMuchWork, "{source}");
    }
    let source = "assertion.b.matches('(a|b)*a(a|b){100}(a|b){100}')";
    let too_large = "`matches`: the pattern is too large for the length of the text";
    assert_eq!(shown(source, &assertion), too_large);
    assert_eq!(shown("assertion.g.exists(g, g in ['x', 'y', 'group-3999'])", &assertion), "true");
}

#[test]
fn steps_are_shared_and_spent_once() {
    let assertion = json!({"a": "abc"});
    let bindings = Bindings::new(&[("assertion", &assertion)]);
    let program = compile("assertion.a == 'abc' && assertion.a != 'b'", 4096, &["assertion"]).unwrap();
    let mut meter = Meter::new(40);
    assert!(program.evaluate(&bindings, &mut meter).is_ok());
    assert!((1..40).contains(&meter.left()), "{}", meter.left());
    while program.evaluate(&bindings, &mut meter).is_ok() {}
    assert_eq!(meter.left(), 0);
}

#[test]
fn names_the_operand_that_is_false() {
    let assertion = json!({"tid": "other", "sub": "abc"});
    let bindings = Bindings::new(&[("assertion", &assertion)]);
    let table = [
        ("assertion.tid == 'mine'", "false: assertion.tid is \"other\""),
        (
            "assertion.sub == 'abc' && assertion.tid == 'mine'",
            "`assertion.tid == 'mine'` is false: assertion.tid is \"other\"",
        ),
        (
            "assertion.sub == 'abc' && (assertion.tid == 'mine' || assertion.tid == 'ours')",
            "`(assertion.tid == 'mine' || assertion.tid == 'ours')` is false: assertion.tid is \"other\"",
        ),
        (
            "has(assertion.oid) && assertion.tid == 'mine'",
            "`has(assertion.oid)` is false: assertion.oid is absent",
        ),
        ("assertion.oid == 'x' && false", "there is no `oid`: assertion.oid is absent"),
    ];
    for (source, expected) in table {
        let program = compile(source, 4096, &["assertion"]).unwrap();
        let found = program.first_false_operand(&bindings, &mut Meter::new(MAX_STEPS));
        assert_eq!(found, expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn never_panics(source in ".{0,120}") {
        let _ = run(&source, &json!({"sub": "abc"}));
    }

    #[test]
    fn never_panics_on_expression_like_text(source in "[a.()\\[\\]{}'\"!&|?:+ =]{0,80}") {
        let _ = run(&source, &json!({"a": "abc"}));
    }
}

#[test]
fn long_lists_of_alternatives_are_evaluated() {
    let assertion = json!({"sub": "s132"});
    let alternatives: Vec<String> = (0..133).map(|number| format!("assertion.sub=='s{number}'")).collect();
    assert_eq!(shown(&alternatives.join("||"), &assertion), "true");
}
