//! A small server for ONNX models that answers as an Azure ML online endpoint does.
//!
//! 1. [`locate`] finds the one model below the model folder, and its labels.
//! 2. [`model`] loads it, warms it up and runs it.
//! 3. [`request`] reads a request into tensors of the model's shapes, or says what is wrong with it.
//! 4. [`answer`] is what a caller gets: the model's outputs, and classes where the labels are known.
//! 5. [`server`] binds these to paths; [`swagger`] describes them; [`process`] is the process around it.
//!
//! Never: a listener before the model has answered once; the environment read outside the binary; a word on stderr outside
//! [`process`]; another crate of ours.

pub mod answer;
pub mod locate;
pub mod model;
pub mod process;
pub mod request;
pub mod server;
pub mod swagger;
