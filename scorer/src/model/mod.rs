//! A loaded model: what it takes, what it gives, and one run of it.

use std::fmt;

use rten::{DataType, Dimension, Model as Graph, NodeId, Value, ValueOrView, ValueType};
use rten_tensor::prelude::*;
use rten_tensor::{Layout, Tensor};

use crate::locate::Located;

/// A model that has answered once.
pub struct Model {
    graph: Graph,
    input_ids: Vec<NodeId>,
    output_ids: Vec<NodeId>,
    /// What it takes and gives.
    pub signature: Signature,
}

/// What a model takes and gives, by ONNX's names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Inputs.
    pub inputs: Vec<Port>,
    /// Outputs.
    pub outputs: Vec<Port>,
    /// Names of the classes, in the order of the outputs.
    pub labels: Option<Vec<String>>,
}

/// One input or output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// ONNX's name.
    pub name: String,
    /// What it is made of.
    pub element: Element,
    /// Its shape; nothing where the model does not say.
    pub shape: Option<Vec<Size>>,
}

/// What a tensor is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    /// Numbers, as float32.
    Float,
    /// Whole numbers. ONNX's int64 and bool run as int32.
    Integer,
}

/// One dimension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Size {
    /// Always this.
    Fixed(usize),
    /// Up to the caller; equal names are equal sizes.
    Free(String),
}

/// A tensor's content in row order.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Float32.
    Floats(Vec<f32>),
    /// Int32.
    Integers(Vec<i32>),
}

/// A tensor with its shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Sizes, outermost first.
    pub shape: Vec<usize>,
    /// Content in row order; as many elements as the shape says.
    pub content: Content,
}

/// Why a model cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The engine cannot load it.
    #[error(
        "the model `{path}` cannot be loaded; is it an ONNX file with operators of the standard domain only?"
    )]
    Engine {
        /// The file.
        path: String,
        /// Why.
        source: rten::LoadError,
    },
    /// No input or no output.
    #[error("the model `{path}` has no {what}")]
    Nothing {
        /// The file.
        path: String,
        /// `input` or `output`.
        what: &'static str,
    },
    /// An input or output of a type that has no JSON here.
    #[error("`{name}` of the model is a {found}, expected a tensor of float32, int32, int64 or bool{hint}")]
    Type {
        /// The input or output.
        name: String,
        /// Its type.
        found: String,
        /// What to do.
        hint: &'static str,
    },
    /// The labels are not as many as the classes.
    #[error("`labels.json` names {labels} classes, and output `{output}` of the model has {classes}")]
    Labels {
        /// How many labels.
        labels: usize,
        /// Which output.
        output: String,
        /// How many classes.
        classes: usize,
    },
    /// The warm-up failed.
    #[error("the model does not run")]
    WarmUp(#[source] RunError),
}

/// Why a run failed, though the request has the right shape.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The engine says no.
    #[error("the model failed: {0}")]
    Engine(String),
    /// An output of a type that has no JSON here.
    #[error("output `{0}` is neither float32 nor int32")]
    Output(String),
}

impl Model {
    /// Loads the model, checks it and runs it once.
    pub fn load(located: &Located) -> Result<Self, LoadError> {
        let path = located.model.display().to_string();
        let graph = Graph::load_file(&located.model)
            .map_err(|source| LoadError::Engine { path: path.clone(), source })?;
        let (input_ids, output_ids) = (graph.input_ids().to_vec(), graph.output_ids().to_vec());
        for (ids, what) in [(&input_ids, "input"), (&output_ids, "output")] {
            if ids.is_empty() {
                return Err(LoadError::Nothing { path, what });
            }
        }
        let inputs = input_ids.iter().map(|id| port(&graph, *id)).collect::<Result<_, _>>()?;
        let outputs = output_ids.iter().map(|id| port(&graph, *id)).collect::<Result<_, _>>()?;
        let signature = Signature { inputs, outputs, labels: located.labels.clone() };
        let model = Self { graph, input_ids, output_ids, signature };
        model.warm_up()?;
        Ok(model)
    }

    /// Runs the model on one array an input, in the order of the signature.
    pub fn run(&self, inputs: Vec<Array>) -> Result<Vec<Array>, RunError> {
        let values = self.input_ids.iter().copied().zip(inputs.into_iter().map(value)).collect();
        let outputs = self
            .graph
            .run(values, &self.output_ids, None)
            .map_err(|error| RunError::Engine(error.to_string()))?;
        let ports = self.signature.outputs.iter();
        ports.zip(outputs).map(|(port, output)| array(&port.name, output)).collect()
    }

    /// One row of zeros. It must pass if only the number of rows is up to the caller; for freer shapes one cannot know.
    fn warm_up(&self) -> Result<(), LoadError> {
        let zeros = self.signature.inputs.iter().map(zeros).collect();
        let decided = self.signature.inputs.iter().all(Port::is_free_in_rows_only);
        match self.run(zeros) {
            Ok(outputs) => self.require_labels(&outputs),
            Err(error) if decided => Err(LoadError::WarmUp(error)),
            Err(_) => Ok(()),
        }
    }

    fn require_labels(&self, outputs: &[Array]) -> Result<(), LoadError> {
        let Some(labels) = self.signature.labels.as_ref().map(Vec::len) else { return Ok(()) };
        for (port, output) in self.signature.outputs.iter().zip(outputs) {
            if let ([_, classes], Content::Floats(_)) = (output.shape.as_slice(), &output.content)
                && *classes > 1
                && *classes != labels
            {
                return Err(LoadError::Labels { labels, output: port.name.clone(), classes: *classes });
            }
        }
        Ok(())
    }
}

impl Port {
    fn is_free_in_rows_only(&self) -> bool {
        let Some((_, rest)) = self.shape.as_deref().and_then(<[Size]>::split_first) else { return false };
        rest.iter().all(|size| matches!(size, Size::Fixed(_)))
    }

    /// The shape for people: `[N,30]`.
    pub fn shape_text(&self) -> String {
        let Some(shape) = &self.shape else { return "[…]".to_owned() };
        let mut sizes: Vec<String> = shape.iter().map(ToString::to_string).collect();
        // Exporters call the first one `batch`, `None`, `unk__1`; rows are what it is.
        if let (Some(first), Some(Size::Free(_))) = (sizes.first_mut(), shape.first()) {
            "N".clone_into(first);
        }
        format!("[{}]", sizes.join(","))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(size) => write!(formatter, "{size}"),
            Self::Free(name) => write!(formatter, "{name}"),
        }
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |ports: &[Port]| {
            let shown: Vec<String> =
                ports.iter().map(|port| format!("{} {}", port.name, port.shape_text())).collect();
            shown.join(", ")
        };
        write!(formatter, "{} → {}", side(&self.inputs), side(&self.outputs))
    }
}

fn port(graph: &Graph, id: NodeId) -> Result<Port, LoadError> {
    let info = graph.node_info(id);
    let name = info.as_ref().and_then(rten::NodeInfo::name).unwrap_or_default().to_owned();
    let kind = info.as_ref().and_then(rten::NodeInfo::dtype);
    let element = match kind {
        // Outputs often do not say; float32 is what the run then has to give.
        None | Some(ValueType::Tensor(DataType::Float)) => Element::Float,
        Some(ValueType::Tensor(DataType::Int32)) => Element::Integer,
        Some(other) => {
            let sequence = matches!(other, ValueType::Sequence(_));
            let hint = if sequence { "; export it without the ZipMap operator" } else { "" };
            return Err(LoadError::Type { name, found: other.to_string(), hint });
        }
    };
    let shape = info.and_then(|info| info.shape()).map(|shape| shape.into_iter().map(size).collect());
    Ok(Port { name, element, shape })
}

fn size(dimension: Dimension) -> Size {
    match dimension {
        Dimension::Fixed(size) => Size::Fixed(size),
        Dimension::Symbolic(name) => Size::Free(name),
    }
}

fn zeros(port: &Port) -> Array {
    let sizes = port.shape.iter().flatten();
    let shape: Vec<usize> = sizes.map(|size| if let Size::Fixed(size) = size { *size } else { 1 }).collect();
    let length = shape.iter().product();
    let content = match port.element {
        Element::Float => Content::Floats(vec![0.0; length]),
        Element::Integer => Content::Integers(vec![0; length]),
    };
    Array { shape, content }
}

fn value(array: Array) -> ValueOrView<'static> {
    match array.content {
        Content::Floats(floats) => Value::from(Tensor::from_data(&array.shape, floats)).into(),
        Content::Integers(integers) => Value::from(Tensor::from_data(&array.shape, integers)).into(),
    }
}

fn array(name: &str, value: Value) -> Result<Array, RunError> {
    match value {
        Value::FloatTensor(tensor) => {
            Ok(Array { shape: tensor.shape().to_vec(), content: Content::Floats(tensor.to_vec()) })
        }
        Value::Int32Tensor(tensor) => {
            Ok(Array { shape: tensor.shape().to_vec(), content: Content::Integers(tensor.to_vec()) })
        }
        _ => Err(RunError::Output(name.to_owned())),
    }
}
