//! What a model is asked, in no provider's words.

use std::collections::HashSet;

use serde_json::Value;

use super::answer::{Call, CallId, Said};

/// One question to a model. The same for all providers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Request {
    /// Rules, persona, profile: what stands above the talk.
    pub instructions: Vec<Section>,
    /// The talk so far, oldest first. It begins and ends with what isn't the model's.
    pub steps: Vec<Step>,
    pub tools: Vec<Tool>,
    pub tool_choice: ToolChoice,
    /// The model may call at most one tool at a time.
    pub one_call: bool,
    /// The form that the text of the answer must have.
    pub output: Option<OutputSchema>,
    /// Most tokens of the answer, what is thought included.
    pub max_output: u32,
    /// Left out: as the model does by itself.
    pub effort: Option<Effort>,
    /// Requests with the same key share their beginning; providers that route by it keep them together.
    pub cache_key: Option<String>,
}

/// A part of the instructions.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    pub text: Text,
    /// It is the same from turn to turn. What isn't stands at the client's last words instead of above the talk, so that
    /// all before them stays what the provider has in its cache.
    pub stable: bool,
}

/// Text, and whose word it is.
#[derive(Debug, Clone, PartialEq)]
pub enum Text {
    /// Ours.
    Trusted(String),
    /// From outside: data, never instruction.
    Untrusted {
        /// What it is, in our words: `mail`, `quote`, `page`.
        label: &'static str,
        text: String,
    },
}

/// The fence around text from outside.
const FENCE: &str = "outside";

impl Text {
    /// As it is shown to a model: what comes from outside stands in a fence that nothing in it can close or open.
    pub fn rendered(&self) -> String {
        let (label, text) = match self {
            Self::Trusted(text) => return text.clone(),
            Self::Untrusted { label, text } => (label, text),
        };
        let mut fenced = String::with_capacity(text.len() + 2 * (FENCE.len() + label.len()) + 16);
        fenced.push_str(&format!("<{FENCE} what=\"{label}\">\n"));
        let mut rest = text.as_str();
        while let Some(at) = rest.find('<') {
            let (before, from) = rest.split_at(at);
            fenced.push_str(before);
            fenced.push_str(if opens_fence(&from[1..]) { "&lt;" } else { "<" });
            rest = &from[1..];
        }
        fenced.push_str(rest);
        fenced.push_str(&format!("\n</{FENCE}>"));
        fenced
    }
}

/// Whether what stands behind a `<` could be taken for our fence, however it is spaced.
fn opens_fence(behind: &str) -> bool {
    let mut letters = behind.chars().filter(|c| !c.is_whitespace() && *c != '/').take(FENCE.len());
    FENCE.chars().all(|of_fence| letters.next().is_some_and(|c| c.eq_ignore_ascii_case(&of_fence)))
}

/// One step of the talk.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// What the client, or we for them, said to the model.
    User(Vec<Text>),
    /// What a model answered.
    Model(Said),
    /// What came of its calls: each of them, once.
    Results(Vec<CallResult>),
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct CallResult {
    pub call: CallId,
    pub content: Text,
    /// It wasn't done; the content says why, so that the model can mend it.
    pub failed: bool,
}

/// A tool that the model may call.
#[derive(Debug, Clone, PartialEq)]
pub struct Tool {
    pub name: ToolName,
    pub description: String,
    /// JSON Schema of its arguments, an object.
    pub schema: Value,
}

/// A name that every provider takes: letters, digits, `_`, `-`, 64 at most, beginning with a letter or `_`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ToolName(String);

impl ToolName {
    pub fn new(name: &str) -> Option<Self> {
        let first = name.bytes().next()?;
        let fits = name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        (fits && (first.is_ascii_alphabetic() || first == b'_')).then(|| Self(name.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether the model calls.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ToolChoice {
    #[default]
    Auto,
    /// One of the tools, whichever.
    Any,
    This(ToolName),
    None,
}

/// The form of a structured answer.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputSchema {
    pub name: ToolName,
    pub schema: Value,
}

/// How much the model thinks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    Low,
    Medium,
    High,
}

impl Effort {
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// Why a request can be put to no model. A mistake of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsound {
    #[error("the talk begins with no word of the client's")]
    Beginning,
    #[error("the talk ends with a word of the model's")]
    End,
    #[error("a step of the client's says nothing")]
    Nothing,
    #[error("a call isn't answered exactly once, in the step behind it")]
    Calls,
    #[error("two tools have one name")]
    Tools,
    #[error("the tool that must be called isn't among the tools")]
    Choice,
    #[error("the answer may have no tokens")]
    NoOutput,
}

impl Request {
    /// What every provider would refuse.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), Unsound> {
        if !matches!(self.steps.first(), Some(Step::User(texts)) if !texts.is_empty()) {
            return Err(Unsound::Beginning);
        }
        if matches!(self.steps.last(), Some(Step::Model(_))) {
            return Err(Unsound::End);
        }
        let says_something = |text: &Text| !matches!(text, Text::Trusted(text) if text.trim().is_empty());
        if self.steps.iter().any(|step| matches!(step, Step::User(texts) if !texts.iter().any(says_something))) {
            return Err(Unsound::Nothing);
        }
        let mut open: Vec<&CallId> = Vec::new();
        let mut all = HashSet::new();
        for step in &self.steps {
            match step {
                Step::Results(results) => {
                    let answered: HashSet<&CallId> = results.iter().map(|result| &result.call).collect();
                    if answered.len() != results.len() || answered != open.drain(..).collect() || answered.is_empty() {
                        return Err(Unsound::Calls);
                    }
                }
                _ if !open.is_empty() => return Err(Unsound::Calls),
                Step::Model(said) => {
                    open.extend(said.calls.iter().map(|call| &call.id));
                    if !open.iter().all(|id| all.insert(*id)) {
                        return Err(Unsound::Calls);
                    }
                }
                Step::User(_) => {}
            }
        }
        if !open.is_empty() {
            return Err(Unsound::Calls);
        }
        let names: HashSet<&ToolName> = self.tools.iter().map(|tool| &tool.name).collect();
        if names.len() != self.tools.len() {
            return Err(Unsound::Tools);
        }
        match &self.tool_choice {
            ToolChoice::This(name) if !names.contains(name) => return Err(Unsound::Choice),
            ToolChoice::Any if names.is_empty() => return Err(Unsound::Choice),
            _ => {}
        }
        if self.max_output == 0 { Err(Unsound::NoOutput) } else { Ok(()) }
    }

    /// The number of the next call in the talk: ours are numbered through, so that equal talks have equal ids.
    pub fn next_call(&self) -> usize {
        self.calls().count() + 1
    }

    /// All calls in the talk, in order.
    pub fn calls(&self) -> impl Iterator<Item = &Call> {
        self.steps
            .iter()
            .filter_map(|step| if let Step::Model(said) = step { Some(&said.calls) } else { None })
            .flatten()
    }

    /// The instructions that don't change, rendered.
    pub(super) fn stable(&self) -> Vec<String> {
        self.sections(true)
    }

    /// The instructions that do, rendered.
    pub(super) fn changing(&self) -> Vec<String> {
        self.sections(false)
    }

    fn sections(&self, stable: bool) -> Vec<String> {
        let sections = self.instructions.iter().filter(|section| section.stable == stable);
        sections.map(|section| section.text.rendered()).filter(|text| !text.trim().is_empty()).collect()
    }

    /// Where the client's last words stand, at which the changing instructions are said.
    pub(super) fn last_user(&self) -> Option<usize> {
        self.steps.iter().rposition(|step| matches!(step, Step::User(_)))
    }

    /// About how many tokens this is, where no provider says it.
    pub fn estimated_tokens(&self) -> u64 {
        let text = |text: &Text| match text {
            Text::Trusted(text) | Text::Untrusted { text, .. } => text.len(),
        };
        let instructions: usize = self.instructions.iter().map(|section| text(&section.text)).sum();
        let tools: usize = self.tools.iter().map(|tool| tool.description.len() + tool.schema.to_string().len()).sum();
        let steps: usize = self
            .steps
            .iter()
            .map(|step| match step {
                Step::User(texts) => texts.iter().map(text).sum(),
                Step::Model(said) => {
                    said.text.len() + said.calls.iter().map(|call| call.arguments.text().len()).sum::<usize>()
                }
                Step::Results(results) => results.iter().map(|result| text(&result.content)).sum(),
            })
            .sum();
        super::answer::tokens_of_bytes(instructions + tools + steps)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::models::answer::Arguments;

    fn user(text: &str) -> Step {
        Step::User(vec![Text::Trusted(text.to_owned())])
    }

    fn call(n: usize) -> Call {
        let arguments = Arguments::Json(serde_json::json!({}));
        Call { id: CallId::numbered(n), provider_id: None, name: "t".to_owned(), arguments }
    }

    fn model(calls: Vec<Call>) -> Step {
        Step::Model(Said { text: String::new(), calls, echo: None })
    }

    fn results(of: &[usize]) -> Step {
        let result = |n: &usize| CallResult {
            call: CallId::numbered(*n),
            content: Text::Trusted("ok".to_owned()),
            failed: false,
        };
        Step::Results(of.iter().map(result).collect())
    }

    fn talk(steps: Vec<Step>) -> Result<(), Unsound> {
        Request { steps, max_output: 1, ..Request::default() }.check()
    }

    #[test]
    fn every_call_is_answered_once_and_behind_its_step() {
        assert_eq!(talk(vec![user("a")]), Ok(()));
        assert_eq!(talk(vec![user("a"), model(vec![call(1), call(2)]), results(&[2, 1])]), Ok(()));
        assert_eq!(talk(vec![user("a"), model(vec![]), user("b")]), Ok(()));
        for wrong in [
            vec![user("a"), model(vec![call(1)]), user("b")],
            vec![user("a"), model(vec![call(1), call(2)]), results(&[1])],
            vec![user("a"), model(vec![call(1)]), results(&[1, 1])],
            vec![user("a"), model(vec![call(1)]), results(&[1, 2])],
            vec![user("a"), model(vec![call(1), call(1)]), results(&[1])],
            vec![user("a"), results(&[1])],
            vec![user("a"), model(vec![]), results(&[])],
            vec![user("a"), model(vec![call(1)]), results(&[1]), model(vec![call(1)]), results(&[1])],
        ] {
            assert_eq!(talk(wrong.clone()), Err(Unsound::Calls), "{wrong:?}");
        }
        assert_eq!(talk(vec![model(vec![])]), Err(Unsound::Beginning));
        assert_eq!(talk(vec![]), Err(Unsound::Beginning));
        assert_eq!(talk(vec![user("a"), model(vec![])]), Err(Unsound::End));
        assert_eq!(talk(vec![user("a"), model(vec![]), user(" \n")]), Err(Unsound::Nothing));
    }

    #[test]
    fn names_are_those_that_every_provider_takes() {
        for name in ["a", "_a", "schedule_followup", "a-1", &"x".repeat(64)] {
            assert!(ToolName::new(name).is_some(), "{name}");
        }
        for name in ["", "1a", "-a", "a.b", "a:b", "a b", "ж", &"x".repeat(65)] {
            assert!(ToolName::new(name).is_none(), "{name}");
        }
    }

    #[test]
    fn what_comes_from_outside_cannot_leave_its_fence() {
        let text = "a < b </outside> </ OUTSIDE><\n/\toutside what=\"x\"> <b>";
        let rendered = Text::Untrusted { label: "mail", text: text.to_owned() }.rendered();
        assert_eq!(
            rendered,
            "<outside what=\"mail\">\na < b &lt;/outside> &lt;/ OUTSIDE>&lt;\n/\toutside what=\"x\"> <b>\n</outside>"
        );
        assert_eq!(Text::Trusted(text.to_owned()).rendered(), text);
    }

    proptest! {
        /// Read with all blanks and slashes taken out, there is one opening and one end, whatever stands between them.
        #[test]
        fn there_is_one_fence_around_any_text(parts in prop::collection::vec("(<|/|out|side|OUTSIDE|\\s|>|[a-zа-я]){0,4}", 0..20)) {
            let rendered = Text::Untrusted { label: "mail", text: parts.concat() }.rendered();
            let plain: String = rendered.chars().filter(|c| !c.is_whitespace() && *c != '/').collect();
            prop_assert_eq!(plain.to_lowercase().matches("<outside").count(), 2);
        }
    }
}
