//! The OpenAPI document as a judge of requests and answers: whether they are as the document says.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, bail, ensure};
use jsonschema::Validator;
use reqwest::{Method, StatusCode, header::HeaderMap};
use serde_json::{Map, Value, json};

/// The document, with which of its operations were called.
pub struct Document {
    document: Value,
    /// By the operation's name: whether it was answered with a success, and whether with a refusal.
    called: BTreeMap<String, (bool, bool)>,
}

/// An answer to an operation.
#[derive(Debug, Clone)]
pub struct Answered {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// The body; `None` for an answer without an end.
    pub body: Option<String>,
}

impl Answered {
    pub fn json(&self) -> Value {
        self.body.as_deref().and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default()
    }

    fn content_type(&self) -> &str {
        let given = self.headers.get("content-type").and_then(|v| v.to_str().ok()).unwrap_or_default();
        given.split(';').next().unwrap_or_default().trim()
    }
}

/// An operation's name: its method, and its path as the document writes it.
pub fn name(method: &Method, path: &str) -> String {
    format!("{method} {path}")
}

impl Document {
    pub fn new(document: Value) -> Self {
        Self { document, called: BTreeMap::new() }
    }

    /// All operations: method, path, description.
    pub fn operations(&self) -> Vec<(Method, String, Value)> {
        let items = self.document["paths"].as_object().into_iter().flatten();
        let operations = items.flat_map(|(path, item)| {
            item.as_object().into_iter().flatten().filter_map(move |(method, operation)| {
                let method = Method::from_bytes(method.to_uppercase().as_bytes()).ok()?;
                Some((method, path.clone(), operation.clone()))
            })
        });
        operations.collect()
    }

    fn operation(&self, method: &Method, path: &str) -> anyhow::Result<&Value> {
        let operation = &self.document["paths"][path][method.as_str().to_lowercase()];
        ensure!(operation.is_object(), "{} isn't in the document", name(method, path));
        Ok(operation)
    }

    /// Checks that the document names this answer for the operation, and notes that the operation was called.
    pub fn judge(&mut self, method: &Method, path: &str, answered: &Answered) -> anyhow::Result<()> {
        let operation = self.operation(method, path)?;
        let status = answered.status.as_u16().to_string();
        let described = &operation["responses"][&status];
        ensure!(described.is_object(), "{status} isn't described: {:?}", answered.body);
        for (header, of_header) in described["headers"].as_object().into_iter().flatten() {
            let value = answered.headers.get(header).with_context(|| format!("no header {header}"))?;
            let value: Value = serde_json::from_slice(value.as_bytes()).unwrap_or_default();
            self.fits(&of_header["schema"], &value, false).with_context(|| format!("header {header}"))?;
        }
        match described["content"].as_object() {
            None => ensure!(answered.body.as_deref().unwrap_or_default().is_empty(), "a body isn't described"),
            Some(kinds) => {
                let kind = answered.content_type();
                let Some(content) = kinds.get(kind) else { bail!("{status} as {kind:?}, described are {kinds:?}") };
                if kind.ends_with("json") {
                    let body = answered.body.as_deref().context("JSON has an end")?;
                    self.fits(&content["schema"], &serde_json::from_str(body)?, true)?;
                }
            }
        }
        let called = self.called.entry(name(method, path)).or_default();
        called.0 |= answered.status.is_success();
        called.1 |= !answered.status.is_success();
        Ok(())
    }

    /// Checks that the document allows this request, which was granted.
    pub fn judge_request(
        &self,
        method: &Method,
        path: &str,
        query: &[(&str, String)],
        body: Option<&Value>,
    ) -> anyhow::Result<()> {
        let operation = self.operation(method, path)?;
        for (given, value) in query {
            let named = |p: &&Value| p["in"] == "query" && p["name"] == *given;
            let parameter = operation["parameters"].as_array().and_then(|all| all.iter().find(named));
            let schema = &parameter.with_context(|| format!("the parameter {given} isn't described"))?["schema"];
            // The query doesn't show whether the value is a text or a number.
            let number: Value = serde_json::from_str(value).unwrap_or_default();
            self.fits(schema, &value.as_str().into(), false).or_else(|_| self.fits(schema, &number, false))?;
        }
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        match body {
            Some(body) if schema.is_object() => self.fits(schema, body, false),
            Some(body) => {
                ensure!(body == &json!({}), "no body is described");
                Ok(())
            }
            None => {
                ensure!(operation["requestBody"]["required"] != true, "a body is required");
                Ok(())
            }
        }
    }

    /// The examples that don't fit what they are examples of.
    pub fn wrong_examples(&self) -> Vec<String> {
        let schemas = self.document["components"]["schemas"].as_object().into_iter().flatten();
        let judged = schemas.filter(|(_, schema)| schema["example"].is_object()).filter_map(|(name, schema)| {
            self.fits(schema, &schema["example"], false).err().map(|error| format!("{name}: {error:#}"))
        });
        judged.collect()
    }

    /// The example of a schema, or of the schema that it refers to.
    pub fn example(&self, schema: &Value) -> Option<Value> {
        let parts = schema["oneOf"].as_array().cloned().unwrap_or_else(|| vec![schema.clone()]);
        let name = parts.iter().find_map(|part| part["$ref"].as_str()?.strip_prefix("#/components/schemas/"))?;
        let example = &self.document["components"]["schemas"][name]["example"];
        example.is_object().then(|| example.clone())
    }

    /// The operations that were never answered with a success, and those that can refuse and never did.
    pub fn not_called(&self) -> Vec<String> {
        let mut missing = Vec::new();
        for (method, path, operation) in self.operations() {
            let name = name(&method, &path);
            let (granted, refused) = self.called.get(&name).copied().unwrap_or_default();
            let mut statuses = operation["responses"].as_object().into_iter().flatten().map(|(status, _)| status);
            if !granted {
                missing.push(format!("{name} was never granted"));
            }
            if !refused && statuses.any(|status| status.starts_with('4')) {
                missing.push(format!("{name} was never refused"));
            }
        }
        missing
    }

    /// Whether a value fits a schema. If `closed`, a field that isn't described is wrong, even where the document
    /// leaves room for new ones.
    fn fits(&self, schema: &Value, value: &Value, closed: bool) -> anyhow::Result<()> {
        let mut root = schema.clone();
        let mut components = self.document["components"].clone();
        if closed {
            close(&mut root, false);
            for schema in components["schemas"].as_object_mut().into_iter().flatten().map(|(_, schema)| schema) {
                close(schema, true);
            }
        }
        root["components"] = components;
        let validator: Validator =
            jsonschema::options().should_validate_formats(true).build(&root).map_err(|e| anyhow::anyhow!("{e}"))?;
        let wrong: BTreeSet<String> =
            validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        ensure!(wrong.is_empty(), "{}", wrong.into_iter().collect::<Vec<_>>().join("; "));
        Ok(())
    }
}

/// Makes a schema allow no fields but those that it names. If it is a part of another schema, the whole says that.
fn close(schema: &mut Value, part: bool) {
    let Value::Object(members) = schema else { return };
    let is_whole = ["properties", "allOf", "$ref"].iter().any(|keyword| members.contains_key(*keyword));
    let is_closed = members.contains_key("additionalProperties");
    for (keyword, inner) in members.iter_mut() {
        match (keyword.as_str(), inner) {
            ("allOf", Value::Array(parts)) => parts.iter_mut().for_each(|part| close(part, true)),
            ("oneOf" | "anyOf", Value::Array(parts)) => parts.iter_mut().for_each(|part| close(part, false)),
            ("items", items) => close(items, false),
            ("properties", Value::Object(properties)) => close_all(properties),
            _ => {}
        }
    }
    if is_whole && !is_closed && !part {
        members.insert("unevaluatedProperties".to_owned(), false.into());
    }
}

fn close_all(properties: &mut Map<String, Value>) {
    properties.iter_mut().for_each(|(_, property)| close(property, false));
}
