//! Collections: `$filter`, `$select`, `$top` and pages.

use serde_json::{Map, Value, json};

use super::refusal::Refusal;
use super::{Call, Done, shown};

/// The largest page Graph gives.
const LARGEST_PAGE: usize = 999;
/// The page it gives unless asked.
const PAGE: usize = 100;

/// One condition of a filter; all must hold.
#[derive(Debug, PartialEq, Eq)]
enum Condition {
    Equals(String, String),
    StartsWith(String, String),
    AnyEquals(String, String),
    OneOf(String, Vec<String>),
}

impl Call<'_> {
    /// Answers with those of `all` that the query asks for.
    pub(super) fn list<'i, T: serde::Serialize + 'i>(
        &self,
        set: &str,
        all: impl Iterator<Item = &'i T>,
    ) -> Result<Done, Refusal> {
        let conditions =
            self.query.get("$filter").map(|filter| parse(filter, set)).transpose()?.unwrap_or_default();
        let mut matching = Vec::new();
        for item in all {
            let item = shown(item)?;
            if conditions.iter().all(|condition| condition.holds(&item)) {
                matching.push(item);
            }
        }
        self.page(set, matching)
    }

    fn page(&self, set: &str, matching: Vec<Value>) -> Result<Done, Refusal> {
        let number = |name: &str| self.query.get(name).map(str::parse::<usize>).transpose();
        let invalid = |_| Refusal::bad_request("Request_BadRequest", "Invalid page size specified.");
        let top = number("$top").map_err(invalid)?.unwrap_or(PAGE);
        if top == 0 || top > LARGEST_PAGE {
            return Err(Refusal::bad_request(
                "Request_BadRequest",
                format!("Invalid page size specified: '{top}'. Must be between 1 and 999 inclusive."),
            ));
        }
        let skip = number("$skiptoken").map_err(invalid)?.unwrap_or(0);
        let more = matching.len() > skip + top;
        let items: Vec<Value> =
            matching.into_iter().skip(skip).take(top).map(|item| self.select(item)).collect();
        let base = self.shared.addresses().map(|it| format!("https://{}", it.graph)).unwrap_or_default();
        let mut page = json!({ "@odata.context": format!("{base}/v1.0/$metadata#{set}") });
        if more && let Some(page) = page.as_object_mut() {
            let query = self.query.with("$skiptoken", &(skip + top).to_string());
            page.insert("@odata.nextLink".to_owned(), json!(format!("{base}{}?{query}", self.path)));
        }
        if let Some(page) = page.as_object_mut() {
            page.insert("value".to_owned(), Value::Array(items));
        }
        Ok(Done::Found(page))
    }

    fn select(&self, item: Value) -> Value {
        match (self.query.get("$select"), item) {
            (Some(select), Value::Object(item)) => {
                let wanted: Vec<&str> = select.split(',').map(str::trim).collect();
                let kept: Map<_, _> =
                    item.into_iter().filter(|(name, _)| wanted.contains(&name.as_str())).collect();
                Value::Object(kept)
            }
            (_, item) => item,
        }
    }
}

impl Condition {
    fn holds(&self, item: &Value) -> bool {
        let text = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default().to_lowercase();
        match self {
            Self::Equals(name, value) => item.get(name).is_some() && text(name) == value.to_lowercase(),
            Self::StartsWith(name, value) => text(name).starts_with(&value.to_lowercase()),
            Self::OneOf(name, values) => {
                item.get(name).is_some() && values.iter().any(|value| text(name) == value.to_lowercase())
            }
            Self::AnyEquals(name, value) => {
                let all = item.get(name).and_then(Value::as_array);
                all.is_some_and(|all| all.iter().any(|one| one.as_str() == Some(value)))
            }
        }
    }
}

/// The conditions of a filter such as `appId eq 'x' and tags/any(t:t eq 'y')`.
fn parse(filter: &str, set: &str) -> Result<Vec<Condition>, Refusal> {
    clauses(filter)
        .iter()
        .map(|clause| {
            condition(clause.trim()).ok_or_else(|| {
                let message = format!(
                    "Unsupported or invalid query filter clause specified for property of resource '{set}'."
                );
                Refusal::bad_request("Request_UnsupportedQuery", message)
            })
        })
        .collect()
}

/// Splits at ` and ` outside quotes.
fn clauses(filter: &str) -> Vec<String> {
    let mut clauses = vec![String::new()];
    for (index, piece) in filter.split('\'').enumerate() {
        let quoted = index % 2 == 1;
        let mut parts =
            if quoted { vec![piece] } else { piece.split(" and ").collect::<Vec<_>>() }.into_iter();
        if let (Some(last), Some(first)) = (clauses.last_mut(), parts.next()) {
            if index > 0 {
                last.push('\'');
            }
            last.push_str(first);
        }
        clauses.extend(parts.map(str::to_owned));
    }
    clauses
}

fn condition(clause: &str) -> Option<Condition> {
    if let Some(arguments) = clause.strip_prefix("startswith(").or_else(|| clause.strip_prefix("startsWith("))
    {
        let (name, value) = arguments.strip_suffix(')')?.split_once(',')?;
        return Some(Condition::StartsWith(name.trim().to_owned(), literal(value)?));
    }
    if let Some((name, lambda)) = clause.split_once("/any(") {
        let (variable, comparison) = lambda.strip_suffix(')')?.split_once(':')?;
        let (left, value) = comparison.split_once(" eq ")?;
        return (left.trim() == variable.trim())
            .then_some(())
            .and_then(|()| Some(Condition::AnyEquals(name.to_owned(), literal(value)?)));
    }
    if let Some((name, values)) = clause.split_once(" in (") {
        let values: Option<Vec<String>> = values.strip_suffix(')')?.split(',').map(literal).collect();
        // More than fifteen expressions are "too many".
        let values = values.filter(|values| values.len() <= 15)?;
        return Some(Condition::OneOf(name.to_owned(), values));
    }
    let (name, value) = clause.split_once(" eq ")?;
    let plain = name.chars().all(char::is_alphanumeric);
    plain.then_some(()).and_then(|()| Some(Condition::Equals(name.to_owned(), literal(value)?)))
}

/// The text of a quoted literal; a doubled quote stands for one.
fn literal(text: &str) -> Option<String> {
    let quoted = text.trim().strip_prefix('\'')?.strip_suffix('\'')?;
    let ends_early = quoted.replace("''", "").contains('\'');
    (!ends_early).then(|| quoted.replace("''", "'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters() {
        let conditions =
            parse("displayName eq 'a and b' and tags/any(t:t eq 'x:y')", "applications").unwrap();
        assert_eq!(
            conditions,
            [
                Condition::Equals("displayName".into(), "a and b".into()),
                Condition::AnyEquals("tags".into(), "x:y".into()),
            ]
        );
        assert_eq!(
            parse("displayName eq 'it''s'", "s").unwrap(),
            [Condition::Equals("displayName".into(), "it's".into())]
        );
        assert_eq!(
            parse("appId in ('a', 'b')", "s").unwrap(),
            [Condition::OneOf("appId".into(), vec!["a".into(), "b".into()])]
        );
        let many = format!("appId in ({})", vec!["'x'"; 16].join(","));
        assert!(parse(&many, "s").is_err());
        for wrong in
            ["", "appId", "appId ne 'x'", "appId eq x", "tags/any(t:u eq 'x')", "a eq 'b' or c eq 'd'"]
        {
            assert!(parse(wrong, "s").is_err(), "{wrong}");
        }
    }
}
