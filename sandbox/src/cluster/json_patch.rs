//! JSON patch (RFC 6902): what `kubectl rollout undo` and `kubectl patch --type=json` send.

use serde_json::Value;

use super::json::text;

/// Applies every operation in turn. Fails with what could not be done; the target is then half-changed and of no use.
pub(crate) fn apply(target: &mut Value, operations: &Value) -> Result<(), String> {
    let operations = operations.as_array().ok_or("a JSON patch is a list of operations")?;
    operations.iter().try_for_each(|operation| one(target, operation))
}

fn one(target: &mut Value, operation: &Value) -> Result<(), String> {
    let (path, from) = (text(operation, "/path"), text(operation, "/from"));
    let value = || operation.get("value").cloned().ok_or_else(|| format!("no `value` for `{path}`"));
    let there = |target: &Value, path: &str| {
        target.pointer(path).cloned().ok_or_else(|| format!("nothing stands at `{path}`"))
    };
    match text(operation, "/op") {
        "add" => add(target, path, value()?),
        "replace" => {
            there(target, path)?;
            if let Some(slot) = target.pointer_mut(path) {
                *slot = value()?;
            }
            Ok(())
        }
        "remove" => remove(target, path).map(drop),
        "copy" => add(target, path, there(target, from)?),
        "move" => {
            let moved = remove(target, from)?;
            add(target, path, moved)
        }
        "test" if there(target, path)? == value()? => Ok(()),
        "test" => Err(format!("testing value `{path}` failed")),
        other => {
            Err(format!("unknown operation `{other}`, expected add, replace, remove, copy, move or test"))
        }
    }
}

/// The container of a path's last step, and that step unescaped.
fn parent<'a>(target: &'a mut Value, path: &str) -> Result<(&'a mut Value, String), String> {
    let (parent, last) = path.rsplit_once('/').ok_or_else(|| format!("`{path}` is no JSON pointer"))?;
    let container = target.pointer_mut(parent).ok_or_else(|| format!("nothing stands at `{parent}`"))?;
    Ok((container, last.replace("~1", "/").replace("~0", "~")))
}

fn add(target: &mut Value, path: &str, value: Value) -> Result<(), String> {
    if path.is_empty() {
        *target = value;
        return Ok(());
    }
    let (container, last) = parent(target, path)?;
    match container {
        Value::Object(map) => drop(map.insert(last, value)),
        Value::Array(items) => {
            let at = if last == "-" { Some(items.len()) } else { last.parse().ok() };
            let at =
                at.filter(|at| *at <= items.len()).ok_or_else(|| format!("`{path}` is out of the list"))?;
            items.insert(at, value);
        }
        _ => return Err(format!("`{path}` is inside a plain value")),
    }
    Ok(())
}

fn remove(target: &mut Value, path: &str) -> Result<Value, String> {
    let (container, last) = parent(target, path)?;
    let removed = match container {
        Value::Object(map) => map.shift_remove(&last),
        Value::Array(items) => {
            last.parse().ok().filter(|at: &usize| *at < items.len()).map(|at| items.remove(at))
        }
        _ => None,
    };
    removed.ok_or_else(|| format!("nothing stands at `{path}`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn operations_follow_their_standard() {
        let cases = [
            (
                json!({ "a": 1 }),
                json!([{ "op": "add", "path": "/b", "value": 2 }]),
                Ok(json!({ "a": 1, "b": 2 })),
            ),
            (json!([1, 3]), json!([{ "op": "add", "path": "/1", "value": 2 }]), Ok(json!([1, 2, 3]))),
            (json!([1]), json!([{ "op": "add", "path": "/-", "value": 2 }]), Ok(json!([1, 2]))),
            (json!({ "a/b": 1 }), json!([{ "op": "remove", "path": "/a~1b" }]), Ok(json!({}))),
            (
                json!({ "a": 1 }),
                json!([{ "op": "replace", "path": "/a", "value": 2 }]),
                Ok(json!({ "a": 2 })),
            ),
            (json!({ "a": 1 }), json!([{ "op": "move", "from": "/a", "path": "/b" }]), Ok(json!({ "b": 1 }))),
            (
                json!({ "a": 1 }),
                json!([{ "op": "copy", "from": "/a", "path": "/b" }]),
                Ok(json!({ "a": 1, "b": 1 })),
            ),
            (json!({ "a": 1 }), json!([{ "op": "test", "path": "/a", "value": 1 }]), Ok(json!({ "a": 1 }))),
            (json!({ "a": 1 }), json!([{ "op": "test", "path": "/a", "value": 2 }]), Err(())),
            (json!({ "a": 1 }), json!([{ "op": "remove", "path": "/b" }]), Err(())),
            (json!({ "a": 1 }), json!([{ "op": "replace", "path": "/b", "value": 1 }]), Err(())),
            (json!([]), json!([{ "op": "add", "path": "/2", "value": 1 }]), Err(())),
            (json!({}), json!([{ "op": "grow", "path": "/a" }]), Err(())),
            (json!({}), json!({}), Err(())),
        ];
        for (target, patch, expected) in cases {
            let mut changed = target;
            let done = apply(&mut changed, &patch).map_err(drop);
            assert_eq!(done.map(|()| changed), expected, "{patch}");
        }
    }
}
