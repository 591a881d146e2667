//! The answer to a scoring request: every output of the model by its ONNX name, and `predictions` where they are known.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use crate::model::{Array, Content, Signature};

/// The answer, serialized as `{"predictions": […], "OUTPUT": […], …}`.
///
/// `predictions` holds one value a row: the label, where `labels.json` is there (of an integer output, else of the largest
/// value of a float output with as many columns as labels); else the single value of an output with one column. With
/// neither it is absent, and so it is if the model has an output of that name.
pub struct Answer<'a> {
    signature: &'a Signature,
    outputs: &'a [Array],
}

impl<'a> Answer<'a> {
    /// The answer with these outputs, in the order of the signature.
    pub fn new(signature: &'a Signature, outputs: &'a [Array]) -> Self {
        Self { signature, outputs }
    }
}

impl Serialize for Answer<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let taken = self.signature.outputs.iter().any(|port| port.name == "predictions");
        if let Some(predictions) = predictions(self.signature, self.outputs).filter(|_| !taken) {
            map.serialize_entry("predictions", &predictions)?;
        }
        for (port, output) in self.signature.outputs.iter().zip(self.outputs) {
            map.serialize_entry(&port.name, &Nested::of(output))?;
        }
        map.end()
    }
}

/// One value a row.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(untagged)]
enum Predictions<'a> {
    Labels(Vec<&'a str>),
    Integers(Vec<i32>),
    Floats(Vec<f32>),
}

fn predictions<'a>(signature: &'a Signature, outputs: &[Array]) -> Option<Predictions<'a>> {
    if let Some(labels) = &signature.labels
        && let Some(classes) = outputs.iter().find_map(|output| classes(output, labels.len()))
    {
        let label = |class: usize| labels.get(class).map(String::as_str);
        return classes.into_iter().map(label).collect::<Option<Vec<_>>>().map(Predictions::Labels);
    }
    outputs.iter().find_map(single_column)
}

/// The class of each row, if `output` tells it.
fn classes(output: &Array, labels: usize) -> Option<Vec<usize>> {
    match &output.content {
        Content::Integers(integers) if is_single_column(&output.shape) => {
            integers.iter().map(|class| usize::try_from(*class).ok()).collect()
        }
        Content::Floats(floats)
            if labels > 1 && output.shape.len() == 2 && output.shape.last() == Some(&labels) =>
        {
            Some(floats.chunks_exact(labels).map(largest).collect())
        }
        Content::Integers(_) | Content::Floats(_) => None,
    }
}

/// The first of the largest, as numpy's argmax.
fn largest(row: &[f32]) -> usize {
    let start = (0, f32::NEG_INFINITY);
    let larger = |best: (usize, f32), (index, value): (usize, &f32)| {
        if *value > best.1 { (index, *value) } else { best }
    };
    row.iter().enumerate().fold(start, larger).0
}

fn single_column(output: &Array) -> Option<Predictions<'static>> {
    is_single_column(&output.shape).then(|| match &output.content {
        Content::Integers(integers) => Predictions::Integers(integers.clone()),
        Content::Floats(floats) => Predictions::Floats(floats.clone()),
    })
}

fn is_single_column(shape: &[usize]) -> bool {
    matches!(shape, [_] | [_, 1])
}

/// A tensor as nested lists. Float32 keeps its short form: as float64 it would grow digits that nobody computed.
enum Nested<'a> {
    Floats(&'a [usize], &'a [f32]),
    Integers(&'a [usize], &'a [i32]),
}

impl<'a> Nested<'a> {
    fn of(array: &'a Array) -> Self {
        match &array.content {
            Content::Floats(floats) => Self::Floats(&array.shape, floats),
            Content::Integers(integers) => Self::Integers(&array.shape, integers),
        }
    }
}

impl Serialize for Nested<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Floats(shape, values) => nested(serializer, shape, values, Nested::Floats),
            Self::Integers(shape, values) => nested(serializer, shape, values, Nested::Integers),
        }
    }
}

fn nested<'a, S: Serializer, T: Serialize>(
    serializer: S,
    shape: &'a [usize],
    values: &'a [T],
    inner: fn(&'a [usize], &'a [T]) -> Nested<'a>,
) -> Result<S::Ok, S::Error> {
    let Some((size, rest)) = shape.split_first() else {
        return match values.first() {
            Some(value) => value.serialize(serializer),
            None => serializer.serialize_none(),
        };
    };
    let mut list = serializer.serialize_seq(Some(*size))?;
    let step = rest.iter().product::<usize>();
    for index in 0..*size {
        let part = values.get(index * step..(index + 1) * step).unwrap_or_default();
        list.serialize_element(&inner(rest, part))?;
    }
    list.end()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Element, Port};

    fn answer(labels: Option<&[&str]>, outputs: &[(&str, Array)]) -> String {
        let port = |name: &str| Port { name: name.to_owned(), element: Element::Float, shape: None };
        let signature = Signature {
            inputs: Vec::new(),
            outputs: outputs.iter().map(|(name, _)| port(name)).collect(),
            labels: labels.map(|labels| labels.iter().map(|label| (*label).to_owned()).collect()),
        };
        let arrays: Vec<Array> = outputs.iter().map(|(_, array)| array.clone()).collect();
        serde_json::to_string(&Answer::new(&signature, &arrays)).unwrap()
    }

    fn floats(shape: &[usize], values: &[f32]) -> Array {
        Array { shape: shape.to_vec(), content: Content::Floats(values.to_vec()) }
    }

    fn integers(shape: &[usize], values: &[i32]) -> Array {
        Array { shape: shape.to_vec(), content: Content::Integers(values.to_vec()) }
    }

    #[test]
    fn gives_labels_where_they_are_known() {
        let probabilities = floats(&[2, 2], &[0.1, 0.9, 0.5, 0.5]);
        assert_eq!(
            answer(Some(&["no", "yes"]), &[("probabilities", probabilities.clone())]),
            r#"{"predictions":["yes","no"],"probabilities":[[0.1,0.9],[0.5,0.5]]}"#
        );
        assert_eq!(
            answer(Some(&["no", "yes"]), &[("label", integers(&[2], &[1, 1])), ("p", probabilities.clone())]),
            r#"{"predictions":["yes","yes"],"label":[1,1],"p":[[0.1,0.9],[0.5,0.5]]}"#
        );
        assert_eq!(answer(None, &[("p", probabilities)]), r#"{"p":[[0.1,0.9],[0.5,0.5]]}"#);
    }

    #[test]
    fn gives_the_value_of_a_single_column() {
        assert_eq!(
            answer(None, &[("variable", floats(&[2, 1], &[1.5, 2.5]))]),
            r#"{"predictions":[1.5,2.5],"variable":[[1.5],[2.5]]}"#
        );
        assert_eq!(answer(None, &[("predictions", integers(&[1], &[4]))]), r#"{"predictions":[4]}"#);
    }

    #[test]
    fn nests_any_shape() {
        let cube = floats(&[1, 2, 2], &[1.0, 2.0, 3.0, f32::NAN]);
        assert_eq!(answer(None, &[("x", cube)]), r#"{"x":[[[1.0,2.0],[3.0,null]]]}"#);
        assert_eq!(answer(None, &[("x", floats(&[], &[7.0]))]), r#"{"x":7.0}"#);
        assert_eq!(answer(None, &[("x", floats(&[0, 3], &[]))]), r#"{"x":[]}"#);
    }
}
