//! Trying an expression on claims, for whoever writes one.

use super::mapping::{CONDITION_LENGTH, VARIABLES};
use crate::cel::{self, Bindings, MAX_STEPS, Meter};
use crate::token::Claims;

/// What became of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Its value as JSON writes it, cut where it is long; or what is wrong, in our words.
    pub outcome: Result<String, String>,
    /// The steps it took.
    pub steps: usize,
}

/// The most steps that an expression, or all of a provider's together, may take.
pub const STEPS: usize = MAX_STEPS;

/// Evaluates `expression` over `assertion`; `google` and `attribute` are empty.
pub fn attempt(expression: &str, claims: &Claims) -> Attempt {
    let (assertion, empty) = (claims.as_value(), serde_json::json!({}));
    let mut meter = Meter::new(MAX_STEPS);
    let mut evaluate = || {
        let program = cel::compile(expression, CONDITION_LENGTH, &VARIABLES)?;
        let bindings = Bindings::new(&[("assertion", &assertion), ("google", &empty), ("attribute", &empty)]);
        program.evaluate(&bindings, &mut meter)
    };
    let outcome = evaluate().map(|value| value.to_string()).map_err(|problem| problem.to_string());
    Attempt { outcome, steps: MAX_STEPS - meter.left() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_expression_is_tried() {
        let claims = Claims::from_value(json!({"sub": "a/b", "n": 3})).unwrap();
        let table = [
            ("assertion.sub.split('/')", Ok("[\"a\",\"b\"]")),
            ("assertion.n", Ok("3")),
            ("assertion.oid", Err("there is no `oid`")),
            ("sub", Err("unknown name `sub`")),
        ];
        for (expression, expected) in table {
            let tried = attempt(expression, &claims);
            assert_eq!(tried.outcome.as_deref().map_err(String::as_str), expected, "{expression}");
            assert!(tried.steps < 20, "{}", tried.steps);
        }
    }
}
