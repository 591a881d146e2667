//! Tables for the forms of a request and what may be wrong with it.

use super::*;

fn port(name: &str, element: Element, shape: &[&str]) -> Port {
    let size = |text: &&str| text.parse().map_or_else(|_| Size::Free((*text).to_owned()), Size::Fixed);
    Port { name: name.to_owned(), element, shape: Some(shape.iter().map(size).collect()) }
}

fn one_input() -> Signature {
    Signature {
        inputs: vec![port("features", Element::Float, &["batch", "3"])],
        outputs: Vec::new(),
        labels: None,
    }
}

fn two_inputs() -> Signature {
    let inputs = vec![
        port("ids", Element::Integer, &["batch", "length"]),
        port("mask", Element::Integer, &["batch", "length"]),
    ];
    Signature { inputs, outputs: Vec::new(), labels: None }
}

fn floats(shape: &[usize], values: &[f32]) -> Array {
    Array { shape: shape.to_vec(), content: Content::Floats(values.to_vec()) }
}

fn refused(body: &str, signature: &Signature) -> String {
    read(body.as_bytes(), signature).unwrap_err().to_string()
}

#[test]
fn takes_every_documented_form() {
    let bodies = [
        r#"{"data": [[1, 2.5, -3e0], [4, 5, 6]]}"#,
        r#"{"input_data": [[1, 2.5, -3], [4, 5, 6]]}"#,
        r#"{"input_data": {"columns": ["a", "b", "c"], "index": [0, 1], "data": [[1, 2.5, -3], [4, 5, 6]]}}"#,
        r#"{"input_data": {"columns": [0, 1, 2], "data": [[1, 2.5, -3], [4, 5, 6]]}, "params": {"x": [1]}}"#,
        r#"{"input_data": {"index": [], "columns": [], "data": [[1, 2.5, -3], [4, 5, 6]]}}"#,
        r#"{"data": {"features": [[1, 2.5, -3], [4, 5, 6]]}}"#,
        r#"{"input_data": {"features": [[1, 2.5, -3], [4, 5, 6]]}}"#,
    ];
    for body in bodies {
        assert_eq!(
            read(body.as_bytes(), &one_input()),
            Ok(vec![floats(&[2, 3], &[1.0, 2.5, -3.0, 4.0, 5.0, 6.0])]),
            "{body}"
        );
    }
    let both = read(br#"{"data": {"mask": [[1, 0]], "ids": [[7, 8.0]]}}"#, &two_inputs()).unwrap();
    let integers = |values: &[i32]| Array { shape: vec![1, 2], content: Content::Integers(values.to_vec()) };
    assert_eq!(both, [integers(&[7, 8]), integers(&[1, 0])]);
}

#[test]
fn says_what_is_wrong_with_the_body() {
    let table = [
        ("", "the body is empty, expected JSON as {\"data\": [[…], …]}"),
        (" \n", "the body is empty, expected JSON as {\"data\": [[…], …]}"),
        ("{\"data\": [[1, 2", "the body is no JSON: it ends early at line 1, column 15"),
        ("data=1", "the body is no JSON: unexpected character at line 1, column 1"),
        (
            "{\"data\": [[NaN, 1, 2]]}",
            "the body is no JSON: unexpected character at line 1, column 12; NaN and Infinity are no JSON numbers",
        ),
        ("{\"data\": [[1, 2, 3]]} x", "the body is no JSON: unexpected character at line 1, column 23"),
        ("[[1, 2, 3]]", "the body is a list, expected `data` or `input_data`, as {\"data\": [[…], …]}"),
        (
            "\"{}\"",
            "the body is a text, expected `data` or `input_data`, as {\"data\": [[…], …]}; was the JSON quoted twice?",
        ),
        (
            "{\"rows\": [[1]]}",
            "the body has neither `data` nor `input_data`, expected `data` or `input_data`, as {\"data\": [[…], …]}",
        ),
        (
            "{\"data\": [[1,2,3]], \"input_data\": [[1,2,3]]}",
            "`data` and `input_data` are given more than once, expected one of them",
        ),
        ("{\"data\": 4}", "`data` is a number, expected nested lists"),
        ("{\"data\": \"1,2,3\"}", "`data` is a text, expected a number"),
        ("{\"data\": null}", "`data` is null, expected a number"),
        (
            "{\"input_data\": {\"columns\": [\"a\"]}}",
            "`input_data` has `columns` or `index` and no `data`, expected the rows there",
        ),
        (
            "{\"input_data\": {\"columns\": [\"a\"], \"data\": [[1,2,3]]}}",
            "`columns` names 1 columns and `data` has 3",
        ),
        (
            "{\"input_data\": {\"index\": [1,2], \"data\": [[1,2,3]]}}",
            "`index` names 2 rows and `data` has 1",
        ),
    ];
    for (body, expected) in table {
        assert_eq!(refused(body, &one_input()), expected, "{body}");
    }
}

#[test]
fn says_which_value_is_wrong() {
    let table = [
        ("[[1, 2, null]]", "`data[0][2]` is null, expected a number"),
        ("[[1, 2, 3], [1, \"2\", 3]]", "`data[1][1]` is a text, expected a number"),
        ("[[true, 2, 3]]", "`data[0][0]` is a boolean, expected a number"),
        ("[[{\"a\": [1]}, 2, 3]]", "`data[0][0]` is an object, expected a number"),
        (
            "[[1, 2, 3], [1, 2, 1e300]]",
            "`data[1][2]` is 1000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000, expected a number that fits float32",
        ),
        ("[[1, 2, 3], [1, 2]]", "`data[1]` has 2 elements, expected 3 as in the lists before it"),
        (
            "[[1, 2, 3], 4]",
            "`data[1]` stands at another depth than the numbers before it, expected lists that nest equally",
        ),
        (
            "[[1, [2], 3]]",
            "`data[0][1]` stands at another depth than the numbers before it, expected lists that nest equally",
        ),
        (
            "[[[], 1]]",
            "`data[0][1]` stands at another depth than the numbers before it, expected lists that nest equally",
        ),
        ("[[[[[[[[[1]]]]]]]]]", "`data[0][0][0][0][0][0][0][0]` nests deeper than 8 lists"),
    ];
    for (data, expected) in table {
        assert_eq!(refused(&format!("{{\"data\": {data}}}"), &one_input()), expected, "{data}");
    }
    let fraction = refused(r#"{"data": {"ids": [[1.5]], "mask": [[1]]}}"#, &two_inputs());
    assert_eq!(fraction, "`data.ids[0][0]` is 1.5, expected a whole number that fits int32");
    let large = refused(r#"{"data": {"ids": [[1]], "mask": [[3000000000]]}}"#, &two_inputs());
    assert_eq!(large, "`data.mask[0][0]` is 3000000000, expected a whole number that fits int32");
}

#[test]
fn says_which_shape_was_expected() {
    let table = [
        ("[]", "`data` is empty, expected at least one row"),
        ("[[]]", "`data` is empty, expected at least one row"),
        ("[[1, 2]]", "input `features`: expected [N,3], got [1,2]"),
        ("[[1, 2, 3, 4], [1, 2, 3, 4]]", "input `features`: expected [N,3], got [2,4]"),
        ("[1, 2, 3]", "input `features`: expected [N,3], got [3]; put a single row into a list of its own"),
        ("[[[1, 2, 3]]]", "input `features`: expected [N,3], got [1,1,3]"),
        ("{\"other\": [[1, 2, 3]]}", "input `features` is missing, expected `features`"),
        (
            "{\"features\": [[1, 2, 3]], \"other\": [[1]]}",
            "the model has no input `other`, expected `features`",
        ),
    ];
    for (data, expected) in table {
        assert_eq!(refused(&format!("{{\"data\": {data}}}"), &one_input()), expected, "{data}");
    }
    let plain = refused(r#"{"data": [[1]]}"#, &two_inputs());
    assert_eq!(plain, "the model has 2 inputs, expected an object with `ids`, `mask`");
    let uneven = refused(r#"{"data": {"ids": [[1, 2]], "mask": [[1]]}}"#, &two_inputs());
    assert_eq!(uneven, "input `mask`: expected [N,length], got [1,1]; it differs from another input's");
}
