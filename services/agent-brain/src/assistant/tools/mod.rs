//! What a model may do in a turn: tools that decide and write nothing. A call is checked against the turn's promises, and its
//! answer says what would hold; the model can mend what was refused.
//!
//! A family is one file: the types of its arguments, of which the schemas are made, and what a call does.

mod meetings;
mod memory;
mod people;
mod promises;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    models::{Arguments, Call, CallResult, Text, Tool, ToolName},
    rules::Desk,
};

/// What a model's turn has come to so far.
pub struct Hands<'a> {
    pub desk: Desk<'a>,
    /// The model decided that nothing is to be said, and why.
    pub silent: Option<String>,
}

/// A tool: what the model is told of it, and what a call does.
struct Spec {
    name: &'static str,
    description: &'static str,
    schema: fn() -> Value,
    run: fn(&mut Hands<'_>, Value) -> Result<String, String>,
}

impl Spec {
    /// A tool whose arguments are an `A`.
    const fn of<A: JsonSchema>(
        name: &'static str,
        description: &'static str,
        run: fn(&mut Hands<'_>, Value) -> Result<String, String>,
    ) -> Self {
        Self { name, description, schema: schema_of::<A>, run }
    }
}

fn families() -> impl Iterator<Item = &'static Spec> {
    promises::TOOLS.iter().chain(meetings::TOOLS).chain(memory::TOOLS).chain(people::TOOLS)
}

/// All tools, always in the same order: they stand above the talk.
pub fn all() -> Vec<Tool> {
    let tool = |spec: &Spec| Tool {
        name: ToolName::new(spec.name).expect("our names are such as every provider takes"),
        description: spec.description.to_owned(),
        schema: (spec.schema)(),
    };
    families().map(tool).collect()
}

/// Carries out a call.
pub fn run(hands: &mut Hands<'_>, call: &Call) -> CallResult {
    let done = match (families().find(|spec| spec.name == call.name), &call.arguments) {
        (None, _) => Err(format!("there is no tool `{}`", shortened(&call.name))),
        (Some(_), Arguments::Raw(_)) => Err("the arguments are no JSON object".to_owned()),
        (Some(spec), Arguments::Json(arguments)) => (spec.run)(hands, arguments.clone()),
    };
    let failed = done.is_err();
    let content = Text::Trusted(done.unwrap_or_else(|why| why));
    CallResult { call: call.id.clone(), content, failed }
}

/// A model's words as one line of so many characters at most.
fn line(text: &str, most: usize) -> String {
    let spaced = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    spaced.take(most).collect::<String>().trim().to_owned()
}

/// Reads a call's arguments.
fn read<A: DeserializeOwned>(arguments: Value) -> Result<A, String> {
    serde_json::from_value(arguments).map_err(|error| format!("the arguments don't fit: {error}"))
}

/// The schema of a type, without what no provider needs.
fn schema_of<A: JsonSchema>() -> Value {
    let mut schema = schemars::schema_for!(A).to_value();
    if let Value::Object(parts) = &mut schema {
        parts.remove("$schema");
        parts.remove("title");
    }
    schema
}

/// A name from outside, for a message.
fn shortened(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(64).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_tool_has_its_own_name_and_takes_an_object_of_known_keys() {
        let tools = all();
        let names: HashSet<&str> = tools.iter().map(|tool| tool.name.as_str()).collect();
        assert_eq!(names.len(), tools.len());
        for tool in &tools {
            assert_eq!(tool.schema["type"], "object", "{}", tool.schema);
            assert_eq!(tool.schema["additionalProperties"], false, "{}", tool.schema);
            assert!(!tool.description.is_empty());
        }
        assert_eq!(all(), tools, "the same each time");
    }
}
