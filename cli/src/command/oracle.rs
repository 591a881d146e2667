//! What scikit-learn answers to the seeded samples, and comparing a service with it.

use ::sandbox::seed;
use serde_json::Value;

use crate::report::Failure;

/// How far a probability may be from scikit-learn's: the models compute in single precision, it in double.
pub const TOLERANCE: f64 = 1e-5;

/// The seeded sample of a model.
pub fn sample(model: &str) -> Option<&'static [u8]> {
    seed::SAMPLES.iter().find(|(name, _)| *name == model).map(|(_, bytes)| *bytes)
}

/// scikit-learn's classes and probabilities for the sample, for one version of a model.
pub fn expected(model: &str, version: &str) -> Option<Value> {
    let (_, bytes) = seed::EXPECTED.iter().find(|(name, _)| *name == model)?;
    let versions: Value = serde_json::from_slice(bytes).ok()?;
    versions.get(version).cloned()
}

/// Whether an answer has the classes, and probabilities within [`TOLERANCE`]; the largest difference if so.
pub fn compare(expected: &Value, answer: &Value) -> Result<f64, String> {
    let (wanted, found) = (expected.get("classes"), answer.get("predictions"));
    if wanted.is_none() || wanted != found {
        return Err(format!("expected the classes {}, found {}", shown(wanted), shown(found)));
    }
    let (wanted, found) = (numbers(expected.get("probabilities")), numbers(answer.get("probabilities")));
    if wanted.is_empty() || wanted.len() != found.len() {
        return Err(format!("expected {} probabilities, found {}", wanted.len(), found.len()));
    }
    let largest = wanted.iter().zip(&found).map(|(one, other)| (one - other).abs()).fold(0.0, f64::max);
    if largest <= TOLERANCE { Ok(largest) } else { Err(format!("a probability is off by {largest:e}")) }
}

/// Scores the sample at `url` and compares; the words say how close it came.
pub async fn check(url: &str, model: &str, version: &str) -> Result<String, Failure> {
    let (Some(body), Some(expected)) = (sample(model), expected(model, version)) else {
        return Err(Failure::failed(format!("no sample of `{model}:{version}` is seeded")));
    };
    let request = reqwest::Client::new().post(url).header("content-type", "application/json").body(body);
    let unanswered = |error: reqwest::Error| Failure::failed(format!("no answer from {url}")).because(&error);
    let answer: Value = request.send().await.map_err(unanswered)?.json().await.map_err(unanswered)?;
    let largest = compare(&expected, &answer).map_err(|difference| {
        Failure::failed(format!("{url} does not answer as scikit-learn does: {difference}"))
    })?;
    let classes = shown(answer.get("predictions"));
    Ok(format!("{classes}, as scikit-learn says; probabilities within {largest:.0e}"))
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), Value::to_string)
}

/// All numbers in a nest of lists, in order.
fn numbers(value: Option<&Value>) -> Vec<f64> {
    match value {
        Some(Value::Array(items)) => items.iter().flat_map(|item| numbers(Some(item))).collect(),
        Some(Value::Number(number)) => number.as_f64().into_iter().collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn other_classes_and_far_probabilities_are_told() {
        let expected = json!({"classes": ["a"], "probabilities": [[0.25, 0.75]]});
        let answer = |class: &str, one: f64| json!({"predictions": [class], "probabilities": [[one, 0.75]]});
        assert!(compare(&expected, &answer("a", 0.250_001)).is_ok());
        assert!(compare(&expected, &answer("b", 0.25)).unwrap_err().contains("classes"));
        assert!(compare(&expected, &answer("a", 0.26)).unwrap_err().contains("off by"));
        assert!(compare(&expected, &json!({"predictions": ["a"]})).unwrap_err().contains("found 0"));
    }
}
