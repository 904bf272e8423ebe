//! The chat of a conversation: its messages, and what happened between them.

use chrono::{DateTime, TimeDelta, Utc};
use steward_proto::{Event, from_timestamp, v1};

use super::{
    super::{
        viewer::Viewer,
        when::{self, Clock},
    },
    Chip, WHOLE, because, beginning,
    conversation::Promise,
};
use crate::models::{
    EventRow,
    conversations::{follow_ups::FollowUpView, messages::MessageRow},
};

/// The events that are told between messages.
pub const TOLD: &str = "FollowUpScheduled,FollowUpMoved,FollowUpCancelled,HumanTakeoverStarted,HumanTakeoverEnded,\
                        HumanRequested,RecipientBlocked,RecipientUnblocked,DraftSuppressed";

/// Messages of one author within this time share their meta line.
const TOGETHER: TimeDelta = TimeDelta::minutes(2);

/// Something in the chat.
pub enum Item {
    Day(String),
    System { id: String, text: String },
    Back(Box<GaveBack>),
    Bubble(Box<Bubble>),
}

/// A message, or what was no message in the end.
pub struct Bubble {
    pub id: String,
    pub ours: bool,
    pub person: bool,
    /// It never went out: why.
    pub unsent: Option<String>,
    pub text: String,
    pub meta: String,
    pub exact: String,
    pub files: Vec<String>,
    pub chip: Option<Chip>,
    pub why: String,
}

/// A conversation given back to the bot, with what had come to nothing meanwhile.
pub struct GaveBack {
    pub id: String,
    pub text: String,
    /// What came to nothing, counted; empty if nothing did.
    pub said: String,
    pub cancelled: Vec<Promise>,
    /// What the bot would have said.
    pub drafts: Vec<String>,
    /// Nothing was given back after it.
    pub latest: bool,
}

/// Messages and what happened between them, oldest first, with the days.
pub fn items(
    (rows, from): (&[MessageRow], u64),
    promised: &[FollowUpView],
    events: &[EventRow],
    promise: &dyn Fn(&FollowUpView) -> Promise,
    (viewer, clock, who): (&Viewer, Clock, &str),
) -> Vec<Item> {
    let mut all: Vec<(u64, DateTime<Utc>, Item)> = Vec::new();
    let mut stretch = Stretch::default();
    let decoded = |e: &EventRow| Event::decode(&e.type_name, e.schema_version, &e.payload).ok();
    let handed_back = |e: &&EventRow| e.type_name == "HumanTakeoverEnded";
    let latest = events.iter().find(handed_back).map(|e| e.position);
    for row in events.iter().rev() {
        let Some(event) = decoded(row) else { continue };
        stretch.take(&event);
        let scene = (viewer, clock, who);
        let item = match &event {
            Event::HumanTakeoverEnded(_) => {
                Some(stretch.given_back(row, &event, promised, promise, latest == Some(row.position), scene))
            }
            Event::DraftSuppressed(draft) => Some(unsent(row, draft, scene)),
            other => said(other, promised, scene).map(|text| Item::System { id: format!("e{}", row.position), text }),
        };
        if let Some(item) = item.filter(|_| row.position >= from) {
            all.push((row.position, row.at, item));
        }
    }
    let last_ours = rows.iter().find(|m| m.direction == "out").map(|m| m.position);
    let mut earlier: Option<&MessageRow> = None;
    for m in rows.iter().rev() {
        let grouped =
            earlier.is_some_and(|e| e.author == m.author && m.at - e.at < TOGETHER && e.author_id == m.author_id);
        earlier = Some(m);
        let bubble = bubble(m, (viewer, clock, who), last_ours == Some(m.position), grouped);
        all.push((m.position, m.at, Item::Bubble(Box::new(bubble))));
    }
    all.sort_by_key(|(position, _, _)| *position);
    let mut items = Vec::with_capacity(all.len() + 8);
    let mut day = String::new();
    for (_, at, item) in all {
        let date = clock.date(at);
        if date != day {
            day.clone_from(&date);
            items.push(Item::Day(date));
        }
        items.push(item);
    }
    items
}

fn bubble(m: &MessageRow, (viewer, clock, who): (&Viewer, Clock, &str), is_last: bool, grouped: bool) -> Bubble {
    let (w, words) = (viewer.w, viewer.words);
    let ours = m.direction == "out";
    let author = match m.author.as_str() {
        "human" if m.author_id.is_empty() => w.you,
        "human" => &m.author_id,
        "bot" => w.bot,
        _ => "",
    };
    let ended = matches!(m.state.as_str(), "cancelled" | "expired");
    let hour = clock.hour(m.sent_at.unwrap_or(m.at));
    let reason = m.reason.as_ref().map(|reason| because(&reason.0, who, words)).unwrap_or_default();
    let shows_state = ours && !ended && (is_last || !matches!(m.state.as_str(), "sent" | "delivered" | "read"));
    let mut chip = Chip::of(&m.state, words);
    if m.state == "deferred"
        && let Some(due_at) = m.due_at
    {
        chip.word = format!("{}, {}", chip.word, clock.moment(due_at));
    }
    if !reason.is_empty() {
        chip.word = format!("{}: {reason}", chip.word);
    }
    let files = m.media.iter().flat_map(|media| &media.0).map(|file| {
        let name = if file.file_name.is_empty() { &file.kind } else { &file.file_name };
        format!("{name} · {} · {} kB", file.mime_type, file.size.div_ceil(1024))
    });
    let text = if m.text.is_empty() && m.kind != "text" {
        format!("{}: {}", w.media, m.kind)
    } else {
        beginning(&m.text, WHOLE)
    };
    Bubble {
        id: m.id.clone(),
        ours,
        person: m.author == "human",
        unsent: ended.then(|| {
            format!("{}: {}", w.not_sent, if reason.is_empty() { words.state(&m.state).to_lowercase() } else { reason })
        }),
        text,
        meta: if grouped && !ours {
            String::new()
        } else {
            [author, hour.as_str()].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
        },
        exact: when::exact(m.at),
        files: files.collect(),
        chip: shows_state.then_some(chip),
        why: format!("m:{}", m.id),
    }
}

/// What comes to nothing while a person answers.
#[derive(Default)]
struct Stretch {
    /// The ids of promises that were cancelled.
    cancelled: Vec<String>,
    drafts: Vec<String>,
}

impl Stretch {
    fn take(&mut self, event: &Event) {
        match event {
            Event::HumanTakeoverStarted(_) => *self = Self::default(),
            Event::FollowUpCancelled(e) => self.cancelled.push(e.follow_up_id.clone()),
            Event::DraftSuppressed(e) => self.drafts.push(beginning(&e.text, WHOLE)),
            _ => {}
        }
    }

    /// The end of it, after which it begins anew.
    fn given_back(
        &mut self,
        row: &EventRow,
        event: &Event,
        promised: &[FollowUpView],
        promise: &dyn Fn(&FollowUpView) -> Promise,
        latest: bool,
        scene: (&Viewer, Clock, &str),
    ) -> Item {
        let Self { cancelled, drafts } = std::mem::take(self);
        let gone = promised.iter().filter(|f| cancelled.contains(&f.id) && f.state == "cancelled");
        // What the same message had renewed goes on.
        let gone: Vec<&FollowUpView> = gone.filter(|f| !renewed_at_once(f, promised)).collect();
        let said_of = |none: bool| {
            if none { String::new() } else { scene.0.words.came_to_nothing(gone.len(), drafts.len()) }
        };
        Item::Back(Box::new(GaveBack {
            id: format!("e{}", row.position),
            text: said(event, promised, scene).unwrap_or_default(),
            said: said_of(gone.is_empty() && drafts.is_empty()),
            cancelled: gone.into_iter().map(promise).collect(),
            drafts,
            latest,
        }))
    }
}

/// The client's message that cancelled it had made it again.
fn renewed_at_once(f: &FollowUpView, promised: &[FollowUpView]) -> bool {
    let next = f.renewed_by.as_ref().and_then(|id| promised.iter().find(|other| other.id == *id));
    next.is_some_and(|next| next.by.as_deref() == Some("client"))
}

/// What the bot would have said.
fn unsent(row: &EventRow, draft: &v1::DraftSuppressed, (viewer, _, who): (&Viewer, Clock, &str)) -> Item {
    let reason = draft.reason.as_ref().map(|reason| because(&reason.into(), who, viewer.words)).unwrap_or_default();
    Item::Bubble(Box::new(Bubble {
        id: format!("e{}", row.position),
        ours: true,
        person: false,
        unsent: Some(format!("{}: {reason}", viewer.w.not_sent)),
        text: beginning(&draft.text, WHOLE),
        meta: String::new(),
        exact: when::exact(row.at),
        files: Vec::new(),
        chip: None,
        why: format!("d:{}", row.position),
    }))
}

/// What happened beside the messages, in one line; `None` for what a person needn't see there.
fn said(event: &Event, promised: &[FollowUpView], (viewer, clock, who): (&Viewer, Clock, &str)) -> Option<String> {
    let (words, w) = (viewer.words, viewer.w);
    let somebody = |by: &str| {
        if by.is_empty() { w.nobody_named.to_owned() } else { by.trim_start_matches("operator:").to_owned() }
    };
    let moment = |at: Option<DateTime<Utc>>| at.map(|at| clock.moment(at)).unwrap_or_default();
    let renewed = |id: &str| promised.iter().any(|f| f.renews.as_deref() == Some(id));
    Some(match event {
        // The same promise, cancelled and made again by one message, is no news.
        Event::FollowUpScheduled(e) if !e.renews.is_empty() => return None,
        Event::FollowUpScheduled(e) => words.promised(&moment(from_timestamp(e.due_at.as_ref())), &e.topic),
        Event::FollowUpMoved(e) => words.moved_to(&moment(from_timestamp(e.due_at.as_ref()))),
        Event::FollowUpCancelled(e) if !renewed(&e.follow_up_id) => {
            let why = e.reason.as_ref().map(|reason| because(&reason.into(), who, words)).unwrap_or_default();
            words.cancelled_since(&why)
        }
        Event::HumanTakeoverStarted(e) => words.took_over(&somebody(&e.by)),
        Event::HumanTakeoverEnded(e) if e.via == "silence" => words.silence_ended_it().to_owned(),
        Event::HumanTakeoverEnded(e) => words.gave_back(&somebody(&e.by)),
        Event::HumanRequested(_) => words.asked_for_a_person(who),
        Event::RecipientBlocked(_) => words.blocked(who),
        Event::RecipientUnblocked(_) => words.unblocked(who),
        _ => return None,
    })
}
