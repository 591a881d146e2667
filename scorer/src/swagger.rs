//! Describes the loaded model as OpenAPI 3, with its real names and shapes.

use serde_json::{Map, Value, json};

use crate::model::{Element, Port, Signature, Size};

/// The OpenAPI document.
pub fn describe(signature: &Signature) -> Value {
    json!({
        "openapi": "3.0.3",
        "info": {
            "title": "ONNX model",
            "description": format!("{signature}"),
            "version": env!("CARGO_PKG_VERSION"),
        },
        "paths": {
            "/": {"get": {
                "operationId": "Liveness",
                "responses": {"200": {"description": "the model is loaded and answers", "content": {
                    "text/plain": {"schema": {"type": "string", "example": "Healthy"}}
                }}},
            }},
            "/score": {"post": {
                "operationId": "Score",
                "requestBody": {"required": true, "content": {"application/json": {
                    "schema": {"$ref": "#/components/schemas/Request"},
                    "example": {"data": example(signature)},
                }}},
                "responses": {
                    "200": response("one element for each row", "Answer"),
                    "default": response("what is wrong, and what was expected", "Error"),
                },
            }},
        },
        "components": {"schemas": {
            "Data": data(&signature.inputs),
            "Request": request(),
            "Answer": answer(signature),
            "Error": error(),
        }},
    })
}

fn response(description: &str, schema: &str) -> Value {
    let schema = json!({"$ref": format!("#/components/schemas/{schema}")});
    json!({"description": description, "content": {"application/json": {"schema": schema}}})
}

fn request() -> Value {
    let data = json!({"$ref": "#/components/schemas/Data"});
    let split = json!({
        "type": "object",
        "required": ["data"],
        "properties": {"columns": {"type": "array", "items": {}}, "index": {"type": "array", "items": {}}, "data": data},
    });
    json!({"oneOf": [
        {"type": "object", "required": ["data"], "properties": {"data": data}},
        {"type": "object", "required": ["input_data"], "properties": {"input_data": {"anyOf": [data, split]}}},
    ]})
}

/// Nested lists for a model with one input; an object of them works for any.
fn data(inputs: &[Port]) -> Value {
    let named = object(inputs);
    match inputs {
        [only] => json!({"anyOf": [tensor(only), named]}),
        _ => named,
    }
}

fn object(ports: &[Port]) -> Value {
    let properties: Map<String, Value> = ports.iter().map(|port| (port.name.clone(), tensor(port))).collect();
    let required: Vec<&str> = ports.iter().map(|port| port.name.as_str()).collect();
    json!({"type": "object", "required": required, "properties": properties})
}

fn answer(signature: &Signature) -> Value {
    let mut schema = object(&signature.outputs);
    let item = match &signature.labels {
        Some(labels) => json!({"type": "string", "enum": labels}),
        None => json!({"type": "number"}),
    };
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.entry("predictions").or_insert(json!({"type": "array", "items": item}));
    }
    schema
}

fn error() -> Value {
    let text = json!({"type": "string"});
    let inner = json!({"type": "object", "required": ["code", "message"], "properties": {"code": text, "message": text}});
    json!({"type": "object", "required": ["error"], "properties": {"error": inner}})
}

/// Lists within lists, innermost last.
fn tensor(port: &Port) -> Value {
    let item = match port.element {
        Element::Float => json!({"type": "number", "format": "float"}),
        Element::Integer => json!({"type": "integer", "format": "int32"}),
    };
    let Some(shape) = &port.shape else { return json!({"type": "array", "items": {}}) };
    shape.iter().rev().fold(item, |item, size| match size {
        Size::Fixed(size) => json!({"type": "array", "items": item, "minItems": size, "maxItems": size}),
        Size::Free(_) => json!({"type": "array", "items": item, "minItems": 1}),
    })
}

/// One row of zeros.
fn example(signature: &Signature) -> Value {
    match signature.inputs.as_slice() {
        [only] => zeros(only),
        several => several.iter().map(|port| (port.name.clone(), zeros(port))).collect::<Map<_, _>>().into(),
    }
}

fn zeros(port: &Port) -> Value {
    /// Beyond this an example explains nothing.
    const LONGEST: usize = 64;
    let sizes = port.shape.iter().flatten().rev();
    sizes.fold(json!(0), |item, size| match size {
        Size::Fixed(size) => Value::Array(vec![item; (*size).min(LONGEST)]),
        Size::Free(_) => json!([item]),
    })
}
