//! Reading and changing loosely typed objects without panics: by JSON pointer in, by steps of field names out.

use serde_json::{Map, Value};

/// The text at `pointer`, or the empty text.
pub(crate) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The whole number at `pointer`.
pub(crate) fn number(object: &Value, pointer: &str) -> Option<i64> {
    object.pointer(pointer).and_then(Value::as_i64)
}

/// Whether the boolean at `pointer` is there and true.
pub(crate) fn truth(object: &Value, pointer: &str) -> bool {
    object.pointer(pointer).and_then(Value::as_bool).unwrap_or_default()
}

/// The elements of the list at `pointer`; none where there is no list.
pub(crate) fn list<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The entries of the map at `pointer`; none where there is no map.
pub(crate) fn entries<'a>(object: &'a Value, pointer: &str) -> impl Iterator<Item = (&'a str, &'a Value)> {
    object
        .pointer(pointer)
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.as_str(), value))
}

/// The object behind `value`, made empty first if it is anything else.
pub(crate) fn object_mut(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(map) => map,
        _ => unreachable!("made an object above"),
    }
}

/// Puts `new` at the end of `steps`, making objects on the way.
pub(crate) fn set(object: &mut Value, steps: &[&str], new: Value) {
    let Some((last, way)) = steps.split_last() else {
        *object = new;
        return;
    };
    object_mut(descend(object, way)).insert((*last).to_owned(), new);
}

/// Puts `new` at the end of `steps` unless something other than null stands there.
pub(crate) fn set_default(object: &mut Value, steps: &[&str], new: Value) {
    let Some((last, way)) = steps.split_last() else { return };
    let slot = object_mut(descend(object, way)).entry((*last).to_owned()).or_insert(Value::Null);
    if slot.is_null() {
        *slot = new;
    }
}

/// Removes what stands at the end of `steps` and returns it.
pub(crate) fn remove(object: &mut Value, steps: &[&str]) -> Option<Value> {
    let (last, way) = steps.split_last()?;
    let mut at = object;
    for step in way {
        at = at.get_mut(*step)?;
    }
    at.as_object_mut()?.shift_remove(*last)
}

/// The mutable list at `pointer`; none where there is no list.
pub(crate) fn list_mut<'a>(object: &'a mut Value, pointer: &str) -> impl Iterator<Item = &'a mut Value> {
    object.pointer_mut(pointer).and_then(Value::as_array_mut).into_iter().flatten()
}

fn descend<'a>(object: &'a mut Value, way: &[&str]) -> &'a mut Value {
    let mut at = object;
    for step in way {
        at = object_mut(at).entry((*step).to_owned()).or_insert(Value::Null);
    }
    at
}

/// Drops nulls out of maps, as Kubernetes drops them on the way in.
pub(crate) fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, inner| !inner.is_null());
            map.values_mut().for_each(without_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(without_nulls),
        _ => {}
    }
}
