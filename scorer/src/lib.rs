//! A small server for ONNX models that answers as an Azure ML online endpoint does.
