//! What a model answered, in no provider's words.

use std::{borrow::Cow, fmt};

use serde_json::Value;
use steward_settings::{Model, ModelKind};

use super::request::Step;

/// A model's answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub said: Said,
    pub stop: Stop,
    pub usage: Usage,
    /// The model that answered, as the provider names it; empty: it doesn't say.
    pub model: String,
    /// Tools whose call broke off at the limit of the answer. They aren't among the calls; the model must be told.
    pub broken_off: Vec<String>,
}

/// What a model said in one step of the talk.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Said {
    pub text: String,
    pub calls: Vec<Call>,
    /// The same as the provider said it.
    pub echo: Option<Echo>,
}

impl From<Said> for Step {
    fn from(said: Said) -> Self {
        Self::Model(said)
    }
}

/// Our own id of a call, unique in its talk.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(String);

impl CallId {
    /// The id of the n-th call of a talk.
    pub fn numbered(n: usize) -> Self {
        Self(format!("call_{n}"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A tool that the model wants called.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    pub id: CallId,
    /// Its id at the provider that made it, if it has one there. Of use to that provider alone.
    pub provider_id: Option<String>,
    /// The tool, as the model names it: perhaps none of ours.
    pub name: String,
    pub arguments: Arguments,
}

/// The arguments of a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Arguments {
    /// An object.
    Json(Value),
    /// What the model wrote instead of an object. The call isn't run, and the model is told why.
    Raw(String),
}

impl Arguments {
    /// Reads arguments that come as text. Nothing at all means that there are none.
    pub(super) fn of_text(text: String) -> Self {
        if text.trim().is_empty() {
            return Self::Json(Value::Object(serde_json::Map::new()));
        }
        match serde_json::from_str(&text) {
            Ok(object @ Value::Object(_)) => Self::Json(object),
            _ => Self::Raw(text),
        }
    }

    /// Takes arguments that come as a value.
    pub(super) fn of_value(value: Value) -> Self {
        match value {
            object @ Value::Object(_) => Self::Json(object),
            Value::Null => Self::of_text(String::new()),
            other => Self::Raw(other.to_string()),
        }
    }

    /// As an object for a provider that must have one: what was none is shown as none.
    pub(super) fn object(&self) -> Value {
        match self {
            Self::Json(object) => object.clone(),
            Self::Raw(_) => Value::Object(serde_json::Map::new()),
        }
    }

    /// As the model wrote them.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Json(object) => Cow::Owned(object.to_string()),
            Self::Raw(text) => Cow::Borrowed(text),
        }
    }
}

/// Why a model stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// It has said what it has to say.
    End,
    /// It wants calls answered.
    Calls,
    /// The answer reached its limit, or the talk that of the model. What there is isn't all.
    Length,
    /// The model won't answer. That is an answer, and the turn ends with it.
    Refused { category: Option<String>, text: String },
    /// The provider keeps the answer, or the request, back. As above.
    Blocked { category: String },
}

/// Tokens of a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// All that went in.
    pub input: u64,
    /// Of it, what the provider had in its cache.
    pub input_cached: u64,
    /// Of it, what it put into its cache.
    pub input_cache_write: u64,
    /// All that came out, thoughts included.
    pub output: u64,
    /// Of it, thoughts.
    pub output_reasoning: u64,
    /// Whether the provider said all of this, at the end. If not, it is what is known or guessed from the lengths.
    pub exact: bool,
}

impl Usage {
    /// No token went anywhere.
    pub const NONE: Self =
        Self { input: 0, input_cached: 0, input_cache_write: 0, output: 0, output_reasoning: 0, exact: true };

    /// The sum of two calls.
    pub fn and(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            input_cached: self.input_cached.saturating_add(other.input_cached),
            input_cache_write: self.input_cache_write.saturating_add(other.input_cache_write),
            output: self.output.saturating_add(other.output),
            output_reasoning: self.output_reasoning.saturating_add(other.output_reasoning),
            exact: self.exact && other.exact,
        }
    }
}

/// About how many tokens a text of this length is.
pub(super) fn tokens_of_bytes(bytes: usize) -> u64 {
    (bytes as u64).div_ceil(4)
}

/// What a model said, as its provider sent it: thoughts, signatures and ids that only that provider understands. Whoever
/// continues the talk with the same model of the same provider sends it back unchanged; nobody else is shown it.
#[derive(Clone, PartialEq)]
pub struct Echo {
    of: Speaker,
    blocks: Vec<Value>,
}

impl fmt::Debug for Echo {
    /// Leaves out the blocks: they hold what was said, and are long.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Echo").field("of", &self.of).field("blocks", &self.blocks.len()).finish()
    }
}

/// Who said something: a provider and its model.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Speaker {
    pub provider: String,
    pub kind: ModelKind,
    pub model: String,
}

impl From<&Model> for Speaker {
    fn from(model: &Model) -> Self {
        Self { provider: model.provider.clone(), kind: model.kind, model: model.name.clone() }
    }
}

impl Echo {
    pub(super) fn new(of: Speaker, blocks: Vec<Value>) -> Self {
        Self { of, blocks }
    }

    pub fn speaker(&self) -> &Speaker {
        &self.of
    }

    /// The blocks, for the one who said them.
    pub(super) fn of(&self, model: &Model) -> Option<&[Value]> {
        let same = self.of.provider == model.provider && self.of.kind == model.kind && self.of.model == model.name;
        same.then_some(&self.blocks)
    }
}

impl Said {
    /// What the provider said itself, if it was this one.
    pub(super) fn echo_of(&self, model: &Model) -> Option<&[Value]> {
        self.echo.as_ref().and_then(|echo| echo.of(model)).filter(|blocks| !blocks.is_empty())
    }

    /// A call's id as this model knows it.
    pub(super) fn id_for<'a>(&'a self, call: &'a Call, model: &Model) -> &'a str {
        let own = self.echo_of(model).and(call.provider_id.as_deref());
        own.unwrap_or(call.id.as_str())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn arguments_that_are_no_object_are_kept_as_they_were_written() {
        assert_eq!(Arguments::of_text(r#"{"a": 1}"#.to_owned()), Arguments::Json(json!({"a": 1})));
        for nothing in ["", " \n"] {
            assert_eq!(Arguments::of_text(nothing.to_owned()), Arguments::Json(json!({})));
        }
        for other in ["{\"a\": ", "[1]", "\"a\"", "{}{}", "null"] {
            assert_eq!(Arguments::of_text(other.to_owned()), Arguments::Raw(other.to_owned()));
        }
        assert_eq!(Arguments::of_value(json!([1])), Arguments::Raw("[1]".to_owned()));
        assert_eq!(Arguments::of_value(Value::Null).object(), json!({}));
        assert_eq!(Arguments::Raw("x".to_owned()).object(), json!({}));
    }
}
