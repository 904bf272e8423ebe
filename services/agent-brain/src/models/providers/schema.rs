//! JSON Schema as the formats take it for structured answers.

use serde_json::{Map, Value, json};

/// Whether a schema is one that the providers' strict modes take: each object closed, and all its properties required.
pub fn is_strict(schema: &Value) -> bool {
    match schema {
        Value::Object(keys) => {
            let closed = match keys.get("properties") {
                Some(Value::Object(properties)) => {
                    let required = keys.get("required").and_then(Value::as_array).map_or(0, Vec::len);
                    keys.get("additionalProperties") == Some(&Value::Bool(false)) && required == properties.len()
                }
                _ => keys.get("type") != Some(&Value::String("object".to_owned())),
            };
            closed && keys.values().all(is_strict)
        }
        Value::Array(values) => values.iter().all(is_strict),
        _ => true,
    }
}

/// Keywords of JSON Schema that Anthropic's format doesn't take.
const NOT_TAKEN: [&str; 11] = [
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
];

/// A schema as Anthropic's format takes it: objects are closed, and limits that it has no words for stand in the description.
pub fn limited(schema: &Value) -> Value {
    match schema {
        Value::Object(keys) => {
            let mut limits = Vec::new();
            let mut own = Map::new();
            for (key, value) in keys {
                // There stand names, not keywords.
                if matches!(key.as_str(), "properties" | "$defs") {
                    let properties = value.as_object().into_iter().flatten();
                    own.insert(key.clone(), properties.map(|(name, of)| (name.clone(), limited(of))).collect());
                } else if NOT_TAKEN.contains(&key.as_str()) || (key == "minItems" && value.as_u64() > Some(1)) {
                    limits.push(format!("{key}: {value}"));
                } else {
                    own.insert(key.clone(), limited(value));
                }
            }
            if own.get("type").is_some_and(|of| of == "object") {
                own.insert("additionalProperties".to_owned(), json!(false));
            }
            if !limits.is_empty() {
                let words = own.get("description").and_then(Value::as_str).into_iter().map(str::to_owned);
                let words: Vec<String> = words.chain([format!("({})", limits.join(", "))]).collect();
                own.insert("description".to_owned(), json!(words.join(" ")));
            }
            Value::Object(own)
        }
        Value::Array(values) => values.iter().map(limited).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_strict_if_every_object_is_closed_and_all_is_required() {
        let inner = |keys: Value| json!({ "type": "array", "items": keys });
        let closed =
            json!({ "type": "object", "properties": { "a": {} }, "required": ["a"], "additionalProperties": false });
        assert!(is_strict(&closed) && is_strict(&inner(closed.clone())) && is_strict(&json!({ "type": "string" })));
        for key in ["required", "additionalProperties"] {
            let mut open = closed.clone();
            open.as_object_mut().unwrap().remove(key);
            assert!(!is_strict(&open) && !is_strict(&inner(open)), "{key}");
        }
        assert!(!is_strict(&json!({ "type": "object" })));
    }

    #[test]
    fn limits_that_there_are_no_words_for_are_said_in_the_description() {
        let schema = json!({
            "type": "object",
            "properties": {
                "minimum": { "type": "integer", "minimum": 1, "maximum": 9, "description": "How many" },
                "all": { "type": "array", "minItems": 3, "items": { "type": "object", "properties": {} } },
                "one": { "type": "array", "minItems": 1 },
            },
        });
        assert_eq!(
            limited(&schema),
            json!({
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "minimum": { "type": "integer", "description": "How many (maximum: 9, minimum: 1)" },
                    "all": {
                        "type": "array",
                        "description": "(minItems: 3)",
                        "items": { "type": "object", "properties": {}, "additionalProperties": false },
                    },
                    "one": { "type": "array", "minItems": 1 },
                },
            })
        );
    }
}
