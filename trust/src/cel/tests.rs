//! Tables for the CEL door: what it evaluates, what it refuses, and that nothing brings it down.

use super::*;
use proptest::prelude::*;
use serde_json::json;

fn run(source: &str, assertion: &Json) -> Result<Value, Problem> {
    with_stack(|stack| evaluate(stack, source, 4096, &[("assertion", assertion)])).unwrap()
}

#[expect(clippy::unnecessary_wraps, reason = "stands in a table of results")]
fn text(text: &str) -> Result<Value, Problem> {
    Ok(Value::Text(text.to_owned()))
}

#[test]
fn evaluates_googles_dialect() {
    let assertion = json!({
        "sub": "abc", "roles": ["A", "B"], "n": 3, "nothing": null, "nested": {"k": "v"},
        "arn": "arn:aws:sts::000:assumed-role/ec2/instance",
    });
    let table = [
        ("assertion.sub", text("abc")),
        ("assertion['sub'] + '!'", text("abc!")),
        ("has(assertion.roles) ? assertion.roles : []", Ok(Value::Texts(vec!["A".into(), "B".into()]))),
        ("has(assertion.azp) ? assertion.azp : ''", text("")),
        ("has(assertion.absent) ? assertion.absent : []", Ok(Value::Texts(vec![]))),
        ("assertion.roles.exists(r, r == 'B')", Ok(Value::Bool(true))),
        ("'B' in assertion.roles", Ok(Value::Bool(true))),
        ("assertion.roles.map(r, r.lowerAscii()).join('/')", text("a/b")),
        ("assertion.sub.startsWith('a') && assertion.sub.endsWith('c')", Ok(Value::Bool(true))),
        ("assertion.sub.matches('^[a-c]+$')", Ok(Value::Bool(true))),
        ("assertion.sub.split('b')[1].upperAscii()", text("C")),
        ("assertion.sub.extract('a{x}')", text("bc")),
        (
            "assertion.arn.contains('assumed-role') ? assertion.arn.extract('{account_arn}assumed-role/') + \
             'assumed-role/' + assertion.arn.extract('assumed-role/{role_name}/') : assertion.arn",
            text("arn:aws:sts::000:assumed-role/ec2"),
        ),
        ("string(assertion.n)", text("3")),
        ("assertion.n", Ok(Value::Other("a number"))),
        ("assertion.nested", Ok(Value::Other("a map"))),
        ("assertion.nothing", Ok(Value::Null)),
        ("[1, 2]", Ok(Value::Other("a list with elements that are no texts"))),
        ("assertion.sub == 'abc'", Ok(Value::Bool(true))),
        ("type(assertion.sub) == string", Ok(Value::Bool(true))),
    ];
    for (source, expected) in table {
        assert_eq!(run(source, &assertion), expected, "{source}");
    }
}

#[test]
fn says_what_is_wrong_in_our_words() {
    let assertion = json!({"sub": "abc", "n": 3});
    let table = [
        ("assertion.oid", "there is no `oid`"),
        ("assertion.sub +", "syntax error at line 1, column 16"),
        ("", "syntax error at line 1, column 1"),
        ("claims.sub", "unknown name `claims`"),
        ("true || claims.sub == 'a'", "unknown name `claims`"),
        ("true || now()", "unknown function `now`"),
        ("assertion.sub < 3", "`<` does not take (string, int)"),
        ("assertion.sub.extract('none')", "`extract`: the template of `extract` needs exactly one `{name}`"),
        ("[1][4] == 1", "the list has no such element"),
        ("1 / 0", "division by zero"),
        (
            "[1].map(a, [1].map(b, [1].map(c, [1].map(d, a + b + c + d))))",
            "`exists`, `all`, `map` and `filter` nest deeper than 3",
        ),
    ];
    for (source, expected) in table {
        let found = run(source, &assertion).map_err(|problem| problem.to_string());
        assert_eq!(found, Err(expected.to_owned()), "{source}");
    }
    let long = format!("'{}'", "x".repeat(4095));
    assert_eq!(run(&long, &assertion), Err(Problem::TooLong { length: 4097, limit: 4096 }));
}

#[test]
fn nested_and_long_expressions_are_refused_or_evaluated_and_never_fatal() {
    let deep = |open: &str, middle: &str, close: &str, times: usize| {
        format!("{}{middle}{}", open.repeat(times), close.repeat(times))
    };
    let assertion = json!({"a": true, "n": 1});
    let sources = [
        deep("(", "true", ")", 2000),
        format!("{}1{}{}", "(".repeat(24), "+1".repeat(770), ")".repeat(24)),
        deep("[", "", "]", 2000),
        deep("{1:", "2", "}", 1000),
        deep("!", "true", "", 4000),
        deep("- ", "1", "", 2000),
        deep("size([", "1", "])", 500),
        format!("1{}", "+1".repeat(2000)),
        format!("true{}", "||true".repeat(650)),
        format!("true{}", "&&true".repeat(650)),
        format!("{}1", "true?1:".repeat(500)),
        format!("assertion{}", ".a".repeat(2000)),
        format!("assertion{}", "[0]".repeat(800)),
        format!("{}true{}", "(".repeat(24), ")".repeat(24)),
        format!("1{}", "+1".repeat(800)),
        format!("{}1", "true?1:".repeat(400)),
        format!("assertion{}", ".a".repeat(800)),
        format!("'a'{}", ".trim()".repeat(399)),
        format!("true{}", "&&true".repeat(200)),
    ];
    for source in sources {
        let _ = run(&source, &assertion);
    }
    assert_eq!(run(&deep("(", "true", ")", 24), &assertion), Ok(Value::Bool(true)));
    assert_eq!(run(&deep("(", "true", ")", 25), &assertion), Err(Problem::TooDeep));
}

#[test]
fn names_the_operand_that_is_false() {
    let assertion = json!({"tid": "other", "sub": "abc"});
    let bindings: [(&str, &Json); 1] = [("assertion", &assertion)];
    let table = [
        ("assertion.tid == 'mine'", "false: assertion.tid is \"other\""),
        (
            "assertion.sub == 'abc' && assertion.tid == 'mine'",
            "`assertion.tid == 'mine'` is false: assertion.tid is \"other\"",
        ),
        (
            "has(assertion.oid) && assertion.tid == 'mine'",
            "`has(assertion.oid)` is false: assertion.oid is absent",
        ),
    ];
    for (source, expected) in table {
        let found = with_stack(|stack| first_false_operand(stack, source, &bindings)).unwrap();
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
    assert_eq!(run(&alternatives.join("||"), &assertion), Ok(Value::Bool(true)));
}
