//! The part of JSON Schema that testdata/schema uses, and stricter in one thing: a property that no schema names is an error,
//! because every field of the report has to be documented. A keyword that is not known here fails the test.

use std::collections::BTreeSet;

use serde_json::Value;

/// Every way in which `value` breaks `schema`, each with its path.
pub fn faults(root: &Value, value: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    check(root, root, value, "$", &mut faults);
    faults
}

fn check(root: &Value, schema: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
    let Some(keywords) = schema.as_object() else { return faults.push(format!("{at}: a schema is an object")) };
    for (keyword, rule) in keywords {
        let holds = match keyword.as_str() {
            "$schema" | "title" | "description" | "$defs" => true,
            "type" => types(rule).iter().any(|name| is_type(name, value)),
            "const" => rule == value,
            "enum" => rule.as_array().is_some_and(|allowed| allowed.contains(value)),
            "minimum" => value.is_null() || value.as_u64() >= rule.as_u64(),
            "required" => {
                let names = rule.as_array().into_iter().flatten().filter_map(Value::as_str);
                names.into_iter().all(|name| value.get(name).is_some())
            }
            "properties" => {
                for (name, rule) in rule.as_object().into_iter().flatten() {
                    if let Some(value) = value.get(name) {
                        check(root, rule, value, &format!("{at}.{name}"), faults);
                    }
                }
                true
            }
            "items" => {
                for (index, value) in value.as_array().into_iter().flatten().enumerate() {
                    check(root, rule, value, &format!("{at}[{index}]"), faults);
                }
                true
            }
            "oneOf" => {
                let fits = |branch: &&Value| {
                    let mut faults = Vec::new();
                    check(root, branch, value, at, &mut faults);
                    faults.is_empty()
                };
                rule.as_array().is_some_and(|branches| branches.iter().filter(fits).count() == 1)
            }
            "$ref" => {
                let target = rule.as_str().and_then(|name| root.pointer(name.trim_start_matches('#')));
                check(root, target.unwrap_or(&Value::Null), value, at, faults);
                true
            }
            _ => false,
        };
        if !holds {
            faults.push(format!("{at}: {value} breaks {keyword}: {rule}"));
        }
    }
    // The branches of a oneOf that follow on `type` name only what they restrict.
    if let (Some(Value::Object(known)), Some(_), Some(fields)) =
        (keywords.get("properties"), keywords.get("type"), value.as_object())
    {
        let unknown: BTreeSet<_> = fields.keys().filter(|name| !known.contains_key(*name)).collect();
        if !unknown.is_empty() {
            faults.push(format!("{at}: not documented: {unknown:?}"));
        }
    }
}

fn types(rule: &Value) -> Vec<&str> {
    rule.as_array()
        .map_or_else(|| rule.as_str().into_iter().collect(), |all| all.iter().filter_map(Value::as_str).collect())
}

fn is_type(name: &str, value: &Value) -> bool {
    match name {
        "null" => value.is_null(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        _ => false,
    }
}
