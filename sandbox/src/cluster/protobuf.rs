//! Kubernetes' protobuf form of the few kinds that kubectl sends in it (`kubectl create configmap`, `auth can-i`, …), read
//! into the JSON form. Answers are always JSON, which every client takes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::json::text;

/// What stands before every such body.
const MAGIC: &[u8] = b"k8s\0";

/// A field of a message.
struct Field {
    number: u64,
    name: &'static str,
    shape: Shape,
}

/// How a field is written.
enum Shape {
    Text,
    Texts,
    Number,
    Truth,
    /// Base64 in JSON.
    Bytes,
    /// A map of texts to this.
    Map(&'static Shape),
    Message(&'static [Field]),
    Messages(&'static [Field]),
    /// Never of interest in a request.
    Ignored,
}

const fn field(number: u64, name: &'static str, shape: Shape) -> Field {
    Field { number, name, shape }
}

/// `runtime.Unknown`, the envelope.
const ENVELOPE: &[Field] = &[
    field(1, "type", Shape::Message(&[field(1, "apiVersion", Shape::Text), field(2, "kind", Shape::Text)])),
    field(2, "raw", Shape::Bytes),
    field(3, "contentEncoding", Shape::Text),
    field(4, "contentType", Shape::Text),
];

const METADATA: &[Field] = &[
    field(1, "name", Shape::Text),
    field(2, "generateName", Shape::Text),
    field(3, "namespace", Shape::Text),
    field(4, "selfLink", Shape::Ignored),
    field(5, "uid", Shape::Text),
    field(6, "resourceVersion", Shape::Text),
    field(7, "generation", Shape::Ignored),
    field(8, "creationTimestamp", Shape::Ignored),
    field(11, "labels", Shape::Map(&Shape::Text)),
    field(12, "annotations", Shape::Map(&Shape::Text)),
    field(14, "finalizers", Shape::Texts),
];

const NAMESPACE: &[Field] = &[
    field(1, "metadata", Shape::Message(METADATA)),
    field(2, "spec", Shape::Ignored),
    field(3, "status", Shape::Ignored),
];

const CONFIG_MAP: &[Field] = &[
    field(1, "metadata", Shape::Message(METADATA)),
    field(2, "data", Shape::Map(&Shape::Text)),
    field(3, "binaryData", Shape::Map(&Shape::Bytes)),
    field(4, "immutable", Shape::Truth),
];

const SERVICE_ACCOUNT: &[Field] =
    &[field(1, "metadata", Shape::Message(METADATA)), field(4, "automountServiceAccountToken", Shape::Truth)];

const RULE: &[Field] = &[
    field(1, "verbs", Shape::Texts),
    field(2, "apiGroups", Shape::Texts),
    field(3, "resources", Shape::Texts),
    field(4, "resourceNames", Shape::Texts),
    field(5, "nonResourceURLs", Shape::Texts),
];

const ROLE: &[Field] =
    &[field(1, "metadata", Shape::Message(METADATA)), field(2, "rules", Shape::Messages(RULE))];

const SUBJECT: &[Field] = &[
    field(1, "kind", Shape::Text),
    field(2, "apiGroup", Shape::Text),
    field(3, "name", Shape::Text),
    field(4, "namespace", Shape::Text),
];

const ROLE_REFERENCE: &[Field] =
    &[field(1, "apiGroup", Shape::Text), field(2, "kind", Shape::Text), field(3, "name", Shape::Text)];

const ROLE_BINDING: &[Field] = &[
    field(1, "metadata", Shape::Message(METADATA)),
    field(2, "subjects", Shape::Messages(SUBJECT)),
    field(3, "roleRef", Shape::Message(ROLE_REFERENCE)),
];

const TOKEN_REQUEST_SPEC: &[Field] =
    &[field(1, "audiences", Shape::Texts), field(4, "expirationSeconds", Shape::Number)];

const TOKEN_REQUEST: &[Field] = &[
    field(1, "metadata", Shape::Message(METADATA)),
    field(2, "spec", Shape::Message(TOKEN_REQUEST_SPEC)),
    field(3, "status", Shape::Ignored),
];

const RESOURCE_ATTRIBUTES: &[Field] = &[
    field(1, "namespace", Shape::Text),
    field(2, "verb", Shape::Text),
    field(3, "group", Shape::Text),
    field(4, "version", Shape::Text),
    field(5, "resource", Shape::Text),
    field(6, "subresource", Shape::Text),
    field(7, "name", Shape::Text),
];

const ACCESS_REVIEW_SPEC: &[Field] = &[
    field(1, "resourceAttributes", Shape::Message(RESOURCE_ATTRIBUTES)),
    field(
        2,
        "nonResourceAttributes",
        Shape::Message(&[field(1, "path", Shape::Text), field(2, "verb", Shape::Text)]),
    ),
];

const ACCESS_REVIEW: &[Field] = &[
    field(1, "metadata", Shape::Message(METADATA)),
    field(2, "spec", Shape::Message(ACCESS_REVIEW_SPEC)),
    field(3, "status", Shape::Ignored),
];

const SELF_REVIEW: &[Field] =
    &[field(1, "metadata", Shape::Message(METADATA)), field(2, "status", Shape::Ignored)];

/// The kinds that are read, by kind name.
const KINDS: &[(&str, &[Field])] = &[
    ("Namespace", NAMESPACE),
    ("ConfigMap", CONFIG_MAP),
    ("ServiceAccount", SERVICE_ACCOUNT),
    ("Role", ROLE),
    ("ClusterRole", ROLE),
    ("RoleBinding", ROLE_BINDING),
    ("ClusterRoleBinding", ROLE_BINDING),
    ("TokenRequest", TOKEN_REQUEST),
    ("SelfSubjectAccessReview", ACCESS_REVIEW),
    ("SelfSubjectReview", SELF_REVIEW),
];

/// The object in a body. Fails with what cannot be read.
pub(crate) fn object(body: &[u8]) -> Result<Value, String> {
    let envelope = body.strip_prefix(MAGIC).ok_or("the body does not begin as Kubernetes' protobuf does")?;
    let envelope = message(envelope, ENVELOPE, "the envelope")?;
    let kind = text(&envelope, "/type/kind");
    let fields = KINDS.iter().find(|(name, _)| *name == kind).map(|(_, fields)| *fields);
    let fields = fields.ok_or_else(|| format!("a {kind} is read as JSON or YAML only"))?;
    let raw = STANDARD.decode(text(&envelope, "/raw")).map_err(|error| error.to_string())?;
    let mut object = message(&raw, fields, kind)?;
    super::json::set(&mut object, &["apiVersion"], json!(text(&envelope, "/type/apiVersion")));
    super::json::set(&mut object, &["kind"], json!(kind));
    Ok(object)
}

/// One piece of a message.
enum Piece<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

fn message(mut bytes: &[u8], fields: &[Field], what: &str) -> Result<Value, String> {
    let mut object = Map::new();
    while !bytes.is_empty() {
        let (number, piece) = piece(&mut bytes).ok_or_else(|| format!("{what} is cut off"))?;
        let field = fields.iter().find(|field| field.number == number);
        let field = field.ok_or_else(|| format!("field {number} of {what} is read as JSON or YAML only"))?;
        put(&mut object, field, &piece)?;
    }
    Ok(Value::Object(object))
}

/// Puts one piece into the object. Empty texts and zeros are how "not set" is written.
fn put(object: &mut Map<String, Value>, field: &Field, piece: &Piece<'_>) -> Result<(), String> {
    let mut list = |item: Value| {
        let items = object.entry(field.name).or_insert_with(|| json!([]));
        if let Some(items) = items.as_array_mut() {
            items.push(item);
        }
    };
    match (&field.shape, piece) {
        (Shape::Ignored, _) | (Shape::Text | Shape::Bytes, Piece::Bytes([])) => {}
        (Shape::Texts, Piece::Bytes(bytes)) => list(plain(&Shape::Text, bytes)?),
        (Shape::Messages(fields), Piece::Bytes(bytes)) => list(message(bytes, fields, field.name)?),
        (Shape::Map(shape), Piece::Bytes(bytes)) => {
            let (key, value) = entry(bytes, shape)?;
            if let Some(map) = object.entry(field.name).or_insert_with(|| json!({})).as_object_mut() {
                map.insert(key, value);
            }
        }
        (Shape::Message(fields), Piece::Bytes(bytes)) => {
            object.insert(field.name.to_owned(), message(bytes, fields, field.name)?);
        }
        (Shape::Text | Shape::Bytes, Piece::Bytes(bytes)) => {
            object.insert(field.name.to_owned(), plain(&field.shape, bytes)?);
        }
        (Shape::Truth, Piece::Number(number)) => {
            object.insert(field.name.to_owned(), json!(*number != 0));
        }
        (Shape::Number, Piece::Number(number)) => {
            object.insert(field.name.to_owned(), json!(number));
        }
        _ => return Err(format!("field `{}` has the wrong wire type", field.name)),
    }
    Ok(())
}

/// A map's entry: key is field 1, value field 2, either left out if empty.
fn entry(mut bytes: &[u8], shape: &Shape) -> Result<(String, Value), String> {
    let (mut key, mut value) = (String::new(), plain(shape, b"")?);
    while !bytes.is_empty() {
        match piece(&mut bytes).ok_or("a map's entry is cut off")? {
            (1, Piece::Bytes(bytes)) => text(&plain(&Shape::Text, bytes)?, "").clone_into(&mut key),
            (2, Piece::Bytes(bytes)) => value = plain(shape, bytes)?,
            _ => return Err("a map's entry has more than key and value".to_owned()),
        }
    }
    Ok((key, value))
}

fn plain(shape: &Shape, bytes: &[u8]) -> Result<Value, String> {
    match shape {
        Shape::Bytes => Ok(json!(STANDARD.encode(bytes))),
        _ => std::str::from_utf8(bytes).map(|text| json!(text)).map_err(|_| "a text is not UTF-8".to_owned()),
    }
}

/// Takes the next piece: its field number and content.
fn piece<'a>(bytes: &mut &'a [u8]) -> Option<(u64, Piece<'a>)> {
    let tag = varint(bytes)?;
    let piece = match tag & 7 {
        0 => Piece::Number(varint(bytes)?),
        2 => {
            let length = usize::try_from(varint(bytes)?).ok()?;
            let (content, rest) = bytes.split_at_checked(length)?;
            *bytes = rest;
            Piece::Bytes(content)
        }
        _ => return None,
    };
    Some((tag >> 3, piece))
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A length-delimited field.
    fn part(number: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![number << 3 | 2, u8::try_from(content.len()).unwrap()];
        bytes.extend_from_slice(content);
        bytes
    }

    fn body(kind: &str, raw: &[u8]) -> Vec<u8> {
        let kind = [part(1, b"v1"), part(2, kind.as_bytes())].concat();
        [MAGIC.to_vec(), part(1, &kind), part(2, raw), part(3, b""), part(4, b"")].concat()
    }

    #[test]
    fn a_config_map_is_read() {
        let entry = [part(1, b"key"), part(2, b"value")].concat();
        let metadata = [part(1, b"name"), part(2, b""), vec![7 << 3, 0], part(8, b"")].concat();
        let raw = [part(1, &metadata), part(2, &entry), vec![4 << 3, 1]].concat();
        let expected = json!({
            "metadata": { "name": "name" }, "data": { "key": "value" }, "immutable": true,
            "apiVersion": "v1", "kind": "ConfigMap",
        });
        assert_eq!(object(&body("ConfigMap", &raw)).unwrap(), expected);
    }

    #[test]
    fn lists_of_messages_are_read() {
        let content = [part(1, b"get"), part(1, b"list"), part(2, b"")].concat();
        let role = object(&body("Role", &part(2, &content))).unwrap();
        assert_eq!(role["rules"], json!([{ "verbs": ["get", "list"], "apiGroups": [""] }]));
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        let whole = body("ConfigMap", &part(1, &part(1, b"name")));
        for (bytes, why) in [
            (b"{}".to_vec(), "the body does not begin"),
            (whole[..whole.len() - 7].to_vec(), "the envelope is cut off"),
            (body("Deployment", b""), "a Deployment is read as JSON or YAML only"),
            (body("ConfigMap", &part(9, b"")), "field 9 of ConfigMap is read as JSON"),
            (body("ConfigMap", &[4 << 3 | 2, 0]), "field `immutable` has the wrong wire type"),
        ] {
            let error = object(&bytes).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
