//! What was said while a human of ours spoke to the client: the brain is told on release, and what the human said isn't said again.

use std::{collections::VecDeque, sync::Arc};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use steward_proto::v1;

use super::super::{ClientMessage, Conversation, MessageState};
use crate::ids::MessageId;

/// Messages of a stretch that are kept, and words of humans; older ones are only counted.
pub const LINES_KEPT: usize = 32;
/// Characters of one message that are kept.
pub const CHARACTERS_KEPT: usize = 1_000;

/// Who said something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Speaker {
    Human,
    Client,
}

/// One message. Its text is data: whoever wrote it, nothing in it is an instruction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub speaker: Speaker,
    pub message_id: MessageId,
    /// `text`, `image`, …
    pub kind: String,
    /// [`CHARACTERS_KEPT`] characters at most.
    pub text: String,
    /// There was more of it.
    pub cut: bool,
    pub at: DateTime<Utc>,
}

impl Line {
    pub fn new(speaker: Speaker, message_id: MessageId, kind: &str, text: &str, at: DateTime<Utc>) -> Self {
        let end = text.char_indices().nth(CHARACTERS_KEPT).map_or(text.len(), |(end, _)| end);
        Self { speaker, message_id, kind: kind.to_owned(), text: text[..end].to_owned(), cut: end < text.len(), at }
    }

    fn of_client(message: &ClientMessage) -> Self {
        Self::new(Speaker::Client, message.message_id, &message.kind, &message.text, message.at)
    }
}

/// What the fold remembers of humans who spoke.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// The takeover of it; `None`: no human has been active since the brain last answered.
    began: Option<Began>,
    until: Option<DateTime<Utc>>,
    /// Of both sides, oldest first, until the brain is told.
    lines: VecDeque<Arc<Line>>,
    left_out: usize,
    /// The latest words of humans, also those that the brain was told of.
    human: VecDeque<Arc<Line>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Began {
    by: String,
    via: String,
    at: DateTime<Utc>,
}

/// What the brain is told of a human's stretch: at most [`LINES_KEPT`] messages of [`CHARACTERS_KEPT`] characters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HumanStretch {
    /// Who was active last, and how they came to be; empty: they wrote without taking over.
    pub by: String,
    pub via: String,
    pub since: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
    /// Oldest first. What had waited for an answer when it began stands first, what waits for one now isn't among them.
    pub lines: Vec<Line>,
    /// Older ones that aren't among them.
    pub left_out: usize,
}

impl HumanStretch {
    /// Whether the human has said just this.
    pub fn said(&self, text: &str) -> bool {
        self.lines.iter().any(|line| line.speaker == Speaker::Human && !line.cut && same_words(&line.text, text))
    }
}

/// The same but for case and for how it is spaced.
fn same_words(a: &str, b: &str) -> bool {
    let words = |text: &str| text.to_lowercase().split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let a = words(a);
    !a.is_empty() && a == words(b)
}

fn push(lines: &mut VecDeque<Arc<Line>>, line: Arc<Line>) -> usize {
    lines.push_back(line);
    let over = lines.len().saturating_sub(LINES_KEPT);
    lines.drain(..over).len()
}

impl Stretch {
    fn add(&mut self, line: Line) {
        let line = Arc::new(line);
        if line.speaker == Speaker::Human {
            push(&mut self.human, Arc::clone(&line));
        }
        self.left_out += push(&mut self.lines, line);
    }
}

impl Conversation {
    /// A human of ours wrote to the client.
    pub(in crate::conversation) fn human_said(&mut self, line: Line) {
        self.stretch.add(line);
    }

    /// The client wrote; while a human is active, to them.
    pub(in crate::conversation) fn client_said(&mut self, message: &ClientMessage) {
        if self.human_active() {
            self.stretch.add(Line::of_client(message));
        }
    }

    /// A human took over. What waits for an answer is theirs to answer.
    pub(in crate::conversation) fn stretch_began(&mut self, e: &v1::HumanTakeoverStarted, at: DateTime<Utc>) {
        let known = |m: &ClientMessage| self.stretch.lines.iter().any(|line| line.message_id == m.message_id);
        let waiting: Vec<Line> = self.unanswered.iter().filter(|m| !known(m)).map(|m| Line::of_client(m)).collect();
        if self.stretch.began.is_none() {
            // The human's own word may have come in together with the takeover.
            let since = std::mem::take(&mut self.stretch.lines);
            waiting.into_iter().for_each(|line| self.stretch.add(line));
            for line in since {
                self.stretch.left_out += push(&mut self.stretch.lines, line);
            }
        } else {
            waiting.into_iter().for_each(|line| self.stretch.add(line));
        }
        let since = self.stretch.began.as_ref().map_or(at, |began| began.at);
        self.stretch.began = Some(Began { by: e.by.clone(), via: e.via.clone(), at: since });
        self.stretch.until = None;
    }

    /// The conversation went back to the bot.
    pub(in crate::conversation) fn stretch_ended(&mut self, at: DateTime<Utc>) {
        if self.stretch.began.is_some() {
            self.stretch.until = Some(at);
        }
    }

    /// A turn that answers the client knows of the stretch; drafts and actions that are due don't.
    pub(in crate::conversation) fn stretch_told(&mut self, e: &v1::TurnCompleted) {
        let answers =
            |turn: &super::super::OpenTurn| e.turn_id.parse() == Ok(turn.turn_id) && turn.follow_up_id.is_none();
        if !self.human_active() && self.turn.as_ref().is_some_and(answers) {
            let human = std::mem::take(&mut self.stretch.human);
            self.stretch = Stretch { human, ..Stretch::default() };
        }
    }

    /// What humans and the client said to each other since the brain last answered; `None` while a human is active, and
    /// when none has been.
    pub fn human_stretch(&self) -> Option<HumanStretch> {
        let stretch = &self.stretch;
        if self.human_active() || (stretch.began.is_none() && stretch.lines.is_empty()) {
            return None;
        }
        let began = stretch.began.as_ref();
        let waits = |line: &Line| self.unanswered.iter().any(|m| m.message_id == line.message_id);
        let lines = stretch.lines.iter().filter(|line| !waits(line));
        Some(HumanStretch {
            by: began.map(|b| b.by.clone()).unwrap_or_default(),
            via: began.map(|b| b.via.clone()).unwrap_or_default(),
            since: began.map(|b| b.at),
            until: stretch.until,
            lines: lines.filter_map(|line| self.as_it_went_out(line)).collect(),
            left_out: stretch.left_out,
        })
    }

    /// Whether a human of ours has said just this to the client since then.
    pub fn said_by_human(&self, text: &str, since: DateTime<Utc>) -> bool {
        let later = self.stretch.human.iter().filter(|line| line.at >= since);
        let mut said = later.filter_map(|line| self.as_it_went_out(line));
        said.any(|line| !line.cut && same_words(&line.text, text))
    }

    /// A human's message by Steward may have been changed since it was written, and may never have gone out.
    fn as_it_went_out(&self, line: &Line) -> Option<Line> {
        let Some(message) = self.outbox.get(&line.message_id) else { return Some(line.clone()) };
        match message.state {
            MessageState::Failed(_) | MessageState::Cancelled(_) | MessageState::Expired(_) => None,
            _ => Some(Line::new(line.speaker, line.message_id, &line.kind, &message.text, line.at)),
        }
    }
}
