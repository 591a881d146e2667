//! Plain questions on a terminal, one line each.

use std::io::{BufRead, Write};

use super::detect::Detected;
use super::{Field, Values};
use crate::report::Failure;

/// Asks for everything that no flag gave; what was detected is offered.
pub(super) fn all(fields: &[Field], given: &Values, detected: &Detected) -> Result<Values, Failure> {
    ask(fields, given, detected, &mut std::io::stdin().lock(), &mut std::io::stderr().lock())
}

fn ask(
    fields: &[Field],
    given: &Values,
    detected: &Detected,
    answers: &mut impl BufRead,
    questions: &mut impl Write,
) -> Result<Values, Failure> {
    let mut values = given.clone();
    for field in fields {
        if values.contains_key(field.name) {
            continue;
        }
        let offered = detected.get(field.name);
        let default = offered.map(|(value, _)| value.as_str()).or(field.default);
        let offer = match (offered, field.default) {
            (Some((value, from)), _) => format!(" [{value}, from {from}]"),
            (None, Some(default)) => format!(" [{default}]"),
            (None, None) => String::new(),
        };
        let answer = loop {
            let asked = write!(questions, "{}{offer}: ", field.what).and_then(|()| questions.flush());
            let mut line = String::new();
            let read = asked.and_then(|()| answers.read_line(&mut line));
            let count =
                read.map_err(|error| Failure::failed("cannot ask on the terminal").because(&error))?;
            let typed = line.trim();
            match (typed, default) {
                ("", _) if count == 0 => return Err(Failure::usage("the questions were left unanswered")),
                ("", Some(default)) => break default.to_owned(),
                ("", None) => {}
                (typed, _) => break typed.to_owned(),
            }
        };
        values.insert(field.name, answer);
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: [Field; 3] = [
        Field { name: "name", what: "the name", default: Some("gangplank") },
        Field { name: "tenant", what: "the tenant", default: None },
        Field { name: "project", what: "the project", default: None },
    ];

    fn answered(given: &Values, typed: &str) -> (Result<Values, Failure>, String) {
        let detected = [("project", ("harbour".to_owned(), "gcloud".to_owned()))].into();
        let mut questions = Vec::new();
        let values = ask(&FIELDS, given, &detected, &mut typed.as_bytes(), &mut questions);
        (values, String::from_utf8(questions).unwrap())
    }

    #[test]
    fn what_is_offered_is_taken_by_an_empty_line() {
        let (values, questions) = answered(&Values::new(), "\n\n t \n\n");
        let values = values.unwrap();
        assert_eq!((values["name"].as_str(), values["tenant"].as_str()), ("gangplank", "t"));
        assert_eq!(values["project"], "harbour");
        assert_eq!(
            questions,
            "the name [gangplank]: the tenant: the tenant: the project [harbour, from gcloud]: "
        );
    }

    #[test]
    fn what_a_flag_gave_is_not_asked_for() {
        let given = Values::from([("name", "n".to_owned()), ("tenant", "t".to_owned())]);
        let (values, questions) = answered(&given, "other\n");
        assert_eq!(values.unwrap()["project"], "other");
        assert_eq!(questions, "the project [harbour, from gcloud]: ");
    }

    #[test]
    fn an_end_of_answers_is_an_end() {
        assert!(answered(&Values::new(), "n\n").0.is_err());
    }
}
