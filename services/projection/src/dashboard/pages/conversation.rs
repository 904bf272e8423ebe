//! `/inbox/{id}`: the chat, who answers, what is promised and why; now, or as it was.

use std::collections::HashMap;

use askama::Template;
use axum::extract::{Query, State};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::Deserialize;
use steward_http::Problem;
use steward_proto::{Event, from_timestamp};

use super::{
    super::{
        Dashboard, Page,
        frame::{Frame, language_name},
        html,
        viewer::Viewer,
        when::{self, Clock},
    },
    Chip, WHOLE, because, beginning, called, channel_name, conversation, inbox,
    why::{About, Why},
    zone_of,
};
use crate::{
    models::{
        EventRow, MessageView, OutgoingView,
        conversations::{
            at::Then,
            follow_ups::{FollowUpRow, FollowUpView, read as follow_ups},
            messages::{MessageRow, read as messages},
            read,
            view::ConversationView,
        },
    },
    read::{Params, answer::Id, snapshot::Snapshot, time, timeline},
};

/// How many messages the chat shows, and how many events are told between them.
const MESSAGES: usize = 60;
const EVENTS: usize = 300;

/// How many promises are shown.
const PROMISES: usize = 100;

/// How much of a promise's text is shown, in characters.
const SHOWN: usize = 600;

/// Messages of one author within this time share their meta line.
const TOGETHER: TimeDelta = TimeDelta::minutes(2);

/// What of a conversation is shown.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Asked {
    at: Option<u64>,
    /// `f:{id}` or `m:{id}`.
    #[serde(default)]
    why: String,
}

impl Asked {
    /// As it is now, with the answer about one thing.
    pub fn why(why: String) -> Self {
        Self { at: None, why }
    }
}

/// Something in the chat.
pub enum Item {
    Day(String),
    System { id: String, text: String },
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

/// A promise, with what can be done about it.
pub struct Promise {
    pub id: String,
    pub title: String,
    pub chip: Chip,
    pub pending: bool,
    pub due: String,
    pub due_at: String,
    pub beside: String,
    pub text: String,
    /// The text to be edited; none if it is too long for that.
    pub whole: Option<String>,
    pub reason: String,
    pub renewed: String,
    pub why: String,
    /// A held message of it, to be approved as it is.
    pub held: Option<Held>,
    pub can_renew: bool,
}

pub struct Held {
    pub message_id: String,
    pub hash: String,
    pub since: String,
}

/// The time that is looked at, and the events before and behind it.
pub struct Slider {
    pub positions: String,
    pub last: usize,
    pub index: usize,
    pub earlier: Option<u64>,
    pub later: Option<u64>,
    pub said: String,
}

/// All that is shown of one conversation.
pub struct Subject {
    pub id: String,
    pub name: String,
    pub facts: String,
    pub by_human: Option<String>,
    pub taking_over: String,
    pub needs: bool,
    pub cannot_write: bool,
    pub items: Vec<Item>,
    pub promises: Vec<Promise>,
    pub ended: Vec<Promise>,
    pub ended_said: String,
    pub contact: Contact,
    pub why: Option<Why>,
    pub slider: Option<Slider>,
    pub past: bool,
    pub write_to: String,
    pub if_writes: [String; 2],
    pub about: String,
}

pub struct Contact {
    pub id: String,
    pub name: String,
    pub language: &'static str,
    pub zone: String,
}

#[derive(Template)]
#[template(path = "conversation.html")]
struct One {
    f: Frame,
    list: inbox::List,
    s: Subject,
    /// The page's path without the moment and the question.
    path: String,
    /// What both are added behind.
    query: String,
    /// The same with the question, but for what is asked about.
    why_path: String,
    here_id: String,
}

pub async fn one(
    State(dashboard): State<Dashboard>,
    viewer: Viewer,
    Id(id): Id,
    Query(asked): Query<Asked>,
    Query(shown): Query<inbox::Shown>,
) -> Page {
    let mut reading = dashboard.desk.begin(&viewer.caller).await?;
    let snapshot = reading.snapshot().await?;
    let s = Subject::of(&viewer, &dashboard, &snapshot, &id, &asked).await?;
    let mut f = Frame::of(&viewer, &dashboard, &snapshot, ("/inbox", s.name.clone())).await?;
    f.inside = true;
    if s.past {
        f.cannot = Some(viewer.w.looking_at);
    }
    let list = inbox::List::of(&viewer, &snapshot, &f, &shown, &id).await?;
    let query =
        form_urlencoded::Serializer::new(String::new()).append_pair("tab", list.tab).append_pair("q", &list.q).finish();
    let path = format!("/inbox/{id}");
    let at = asked.at.map(|at| format!("&at={at}")).unwrap_or_default();
    let why_path = format!("{path}?{query}{at}&why=");
    html(&One { f, list, s, path, query, why_path, here_id: id })
}

impl Subject {
    /// # Errors
    /// 404 if there is no such conversation; 503 when Postgres doesn't answer.
    pub async fn of(
        viewer: &Viewer,
        dashboard: &Dashboard,
        snapshot: &Snapshot<'_>,
        id: &str,
        asked: &Asked,
    ) -> Result<Self, Problem> {
        let (w, words) = (viewer.w, viewer.words);
        let c = read::whole(snapshot, &viewer.caller, id, asked.at).await?;
        let zone = zone_of(&c, dashboard);
        let clock = viewer.clock().at(zone);
        let name = called(&c, viewer);
        let (rows, promised) = said_and_promised(snapshot, viewer, id, asked.at).await?;
        let events = events_of(snapshot, viewer, id, asked.at).await?;
        let items = items(&rows, &promised, &events, (viewer, clock, &name));
        let why = match asked.why.split_once(':') {
            Some((kind, wanted)) => {
                let scene = (viewer, snapshot, clock);
                let promise = promised.iter().find(|f| kind == "f" && f.id == wanted);
                let message = rows.iter().find(|m| kind == "m" && m.id == wanted);
                match (promise, message) {
                    (Some(f), _) => Some(Why::of(About::Promise(f), id, scene, (&name, asked.at)).await?),
                    (_, Some(m)) => {
                        let view = MessageView::from(m.clone());
                        Some(Why::of(About::Message(&view), id, scene, (&name, asked.at)).await?)
                    }
                    _ => None,
                }
            }
            None => None,
        };
        let held: HashMap<&str, &MessageRow> =
            rows.iter().filter(|m| m.state == "held").map(|m| (m.follow_up_id.as_str(), m)).collect();
        let promise =
            |f: &FollowUpView| Promise::of(f, held.get(f.id.as_str()).copied(), &c, (viewer, zone, &name), &promised);
        // A promise that another renewed is shown as what it is now.
        let current = promised.iter().filter(|f| f.renewed_by.is_none());
        let (mut pending, ended): (Vec<_>, Vec<_>) = current.partition(|f| f.state == "pending");
        pending.sort_by_key(|f| f.due_at.0);
        let kept = ended.iter().filter(|f| matches!(f.state.as_str(), "sent" | "done")).count();
        let gone = ended.iter().filter(|f| f.state == "cancelled").count();
        let waiting =
            rows.iter().filter(|m| matches!(m.state.as_str(), "queued" | "deferred" | "held") && m.author == "bot");
        let local = words.there(&clock.hour(viewer.now), &when::place(zone));
        let language =
            c.contact.language.as_deref().and_then(steward_language::Language::of_tag).map_or("", language_name);
        let channel = channel_name(c.channel.as_deref().unwrap_or_default());
        let facts: Vec<&str> = [channel, language, &local].into_iter().filter(|fact| !fact.is_empty()).collect();
        let somebody = || w.nobody_named.to_owned();
        Ok(Self {
            facts: facts.join(" · "),
            by_human: c.takeover.as_ref().map(|t| words.bot_is_silent(&t.by.clone().unwrap_or_else(somebody))),
            taking_over: words.taking_over(waiting.count(), pending.len()),
            needs: c.attention.iter().any(|a| matches!(a.code, "asked_for_person" | "failed")),
            cannot_write: c.blocked,
            items,
            ended_said: words.ended(kept, gone),
            promises: pending.into_iter().map(promise).collect(),
            ended: ended.into_iter().map(promise).collect(),
            contact: Contact {
                id: c.contact.id.clone().unwrap_or_default(),
                name: c.contact.name.clone().unwrap_or_default(),
                language,
                zone: c.contact.timezone.clone().unwrap_or_else(|| zone.name().to_owned()),
            },
            why,
            slider: slider(&all_events(snapshot, viewer, id).await?, asked.at, clock, viewer),
            past: asked.at.is_some(),
            write_to: words.write_to(&name),
            if_writes: [true, false].map(|cancels| words.if_writes(&name, cancels)),
            about: words.about(&name),
            id: id.to_owned(),
            name,
        })
    }
}

/// The latest messages, newest first, and the promises.
async fn said_and_promised(
    snapshot: &Snapshot<'_>,
    viewer: &Viewer,
    id: &str,
    at: Option<u64>,
) -> Result<(Vec<MessageRow>, Vec<FollowUpView>), Problem> {
    if let Some(at) = at {
        let then = Then::of(snapshot, &viewer.caller, id, at).await?;
        let here = then.row();
        let (mut rows, mut promised) = (then.messages(), then.follow_ups());
        rows.truncate(MESSAGES);
        promised.truncate(PROMISES);
        let promised = promised.into_iter().map(|row| FollowUpView::of(row, here.as_ref())).collect();
        return Ok((rows, promised));
    }
    let asked = Params::of([("limit", MESSAGES.to_string())]);
    let (rows, _) = messages::page_of_conversation(snapshot, &viewer.caller, id, asked).await?.into_parts();
    let asked = Params::of([("limit", PROMISES.to_string()), ("conversation_id", id.to_owned())]);
    let (page, own) = follow_ups::page(snapshot, &viewer.caller, asked).await?;
    let view = |row: FollowUpRow| {
        let conversation = own.get(&row.conversation_id);
        FollowUpView::of(row, conversation)
    };
    Ok((rows, page.into_parts().0.into_iter().map(view).collect()))
}

/// The latest events, newest first.
async fn events_of(
    snapshot: &Snapshot<'_>,
    viewer: &Viewer,
    id: &str,
    at: Option<u64>,
) -> Result<Vec<EventRow>, Problem> {
    let mut asked = vec![("limit", EVENTS.to_string())];
    if let Some(at) = at {
        asked.push(("before", at.saturating_add(1).to_string()));
    }
    Ok(timeline::page(snapshot, &viewer.caller, id, Params::of(asked)).await?.into_parts().0)
}

/// The events that the slider goes by: the latest ones, whatever moment is looked at.
async fn all_events(snapshot: &Snapshot<'_>, viewer: &Viewer, id: &str) -> Result<Vec<(u64, DateTime<Utc>)>, Problem> {
    let events = events_of(snapshot, viewer, id, None).await?;
    Ok(events.iter().rev().map(|e| (e.position, e.at)).collect())
}

fn slider(events: &[(u64, DateTime<Utc>)], at: Option<u64>, clock: Clock, viewer: &Viewer) -> Option<Slider> {
    let last = events.len().checked_sub(1)?;
    let index = at.map_or(last, |at| events.iter().rposition(|(position, _)| *position <= at).unwrap_or_default());
    let moment = events[index].1;
    let positions: Vec<String> = events.iter().map(|(position, _)| position.to_string()).collect();
    let said = format!("{}, {}", clock.date(moment), clock.seconds(moment));
    Some(Slider {
        positions: positions.join(","),
        last,
        index,
        earlier: index.checked_sub(1).map(|i| events[i].0),
        later: events.get(index + 1).filter(|_| index + 1 < last).map(|e| e.0),
        said: viewer.words.looking_at(&said),
    })
}

/// Messages and what happened between them, oldest first, with the days.
fn items(
    rows: &[MessageRow],
    promised: &[FollowUpView],
    events: &[EventRow],
    (viewer, clock, who): (&Viewer, Clock, &str),
) -> Vec<Item> {
    let oldest = if rows.len() < MESSAGES { 0 } else { rows.last().map_or(0, |m| m.position) };
    let told = events.iter().filter(|e| e.position >= oldest);
    let told = told.filter_map(|e| Some((e.position, e.at, beside(e, promised, (viewer, clock, who))?)));
    let last_ours = rows.iter().find(|m| m.direction == "out").map(|m| m.position);
    let mut all: Vec<(u64, DateTime<Utc>, Item)> = told.collect();
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

/// What stands between the messages: a line, or what the bot would have said.
fn beside(row: &EventRow, promised: &[FollowUpView], (viewer, clock, who): (&Viewer, Clock, &str)) -> Option<Item> {
    let id = format!("e{}", row.position);
    let event = Event::decode(&row.type_name, row.schema_version, &row.payload).ok()?;
    let Event::DraftSuppressed(draft) = event else {
        return Some(Item::System { id, text: said(row, promised, viewer, clock, who)? });
    };
    let reason = draft.reason.as_ref().map(|reason| because(&reason.into(), who, viewer.words)).unwrap_or_default();
    Some(Item::Bubble(Box::new(Bubble {
        id,
        ours: true,
        person: false,
        unsent: Some(format!("{}: {reason}", viewer.w.not_sent)),
        text: beginning(&draft.text, WHOLE),
        meta: String::new(),
        exact: when::exact(row.at),
        files: Vec::new(),
        chip: None,
        why: String::new(),
    })))
}

/// What happened beside the messages, in one line; `None` for what a person needn't see there.
fn said(row: &EventRow, promised: &[FollowUpView], viewer: &Viewer, clock: Clock, who: &str) -> Option<String> {
    let (words, w) = (viewer.words, viewer.w);
    let event = Event::decode(&row.type_name, row.schema_version, &row.payload).ok()?;
    let somebody = |by: &str| {
        if by.is_empty() { w.nobody_named.to_owned() } else { by.trim_start_matches("operator:").to_owned() }
    };
    let moment = |at: Option<DateTime<Utc>>| at.map(|at| clock.moment(at)).unwrap_or_default();
    let renewed = |id: &str| promised.iter().any(|f| f.renews.as_deref() == Some(id));
    Some(match &event {
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

impl Promise {
    pub fn of(
        f: &FollowUpView,
        held: Option<&MessageRow>,
        conversation: &ConversationView,
        (viewer, zone, who): (&Viewer, Tz, &str),
        all: &[FollowUpView],
    ) -> Self {
        let (words, w) = (viewer.words, viewer.w);
        let clock = viewer.clock();
        let pending = f.state == "pending";
        let reason = f.reason.as_ref().map(|reason| because(reason, who, words)).unwrap_or_default();
        let mut renewals = 0;
        let mut id = f.renews.as_deref();
        while let Some(earlier) =
            id.and_then(|id| all.iter().find(|other| other.id == id)).filter(|_| renewals < PROMISES)
        {
            renewals += 1;
            id = earlier.renews.as_deref();
        }
        let quoted = f.topic.as_ref().map(|topic| format!("“{topic}”"));
        let held = held.filter(|_| pending).map(|m| Held {
            message_id: m.id.clone(),
            hash: OutgoingView::approval_of(conversation.external_id.as_deref().unwrap_or_default(), &m.text),
            since: words.waits_since(&clock.hour(m.at)),
        });
        Self {
            title: quoted.unwrap_or_else(|| {
                if f.text.is_empty() { w.promises.to_owned() } else { f.text.chars().take(80).collect() }
            }),
            chip: if held.is_some() { Chip::of("held", words) } else { Chip::of(&f.state, words) },
            due: clock.for_client(f.due_at.0, zone),
            due_at: when::exact(f.due_at.0),
            beside: if pending { words.if_writes(who, f.cancel_on == "client_response") } else { String::new() },
            text: if f.topic.is_some() { beginning(&f.text, SHOWN) } else { String::new() },
            whole: Some(f.text.clone()).filter(|text| !text.is_empty() && text.chars().nth(WHOLE).is_none()),
            renewed: if renewals > 0 { words.renewed(renewals) } else { String::new() },
            why: format!("f:{}", f.id),
            can_renew: f.state == "cancelled" && f.due_at.0 > viewer.now,
            id: f.id.clone(),
            pending,
            reason,
            held,
        }
    }
}

#[derive(Deserialize)]
pub struct Phrase {
    #[serde(default)]
    text: String,
    #[serde(default)]
    conversation_id: String,
    #[serde(default)]
    follow_up_id: String,
}

/// What a phrase would mean, as it stands below the field that it is typed in.
#[derive(Template)]
#[template(path = "parts/meaning.html")]
struct Meaning {
    said: String,
    readings: Vec<Reading>,
}

struct Reading {
    at: String,
    said: String,
}

pub async fn time(State(dashboard): State<Dashboard>, viewer: Viewer, Query(phrase): Query<Phrase>) -> Page {
    let (w, text) = (viewer.w, phrase.text.chars().take(400).collect::<String>());
    let given = |id: &'_ String| Some(id.clone()).filter(|id| !id.is_empty());
    let (conversation, follow_up) = (given(&phrase.conversation_id), given(&phrase.follow_up_id));
    let about = (conversation.as_deref(), follow_up.as_deref());
    let read = time::of(&dashboard.desk, &viewer.caller, &text, about).await?;
    let zone: Tz = read.timezone.parse().unwrap_or(viewer.zone);
    let said = |at: DateTime<Utc>| viewer.clock().dated_for_client(at, zone);
    let readings: Vec<Reading> = match read.outcome {
        "ambiguous" => read.readings.iter().map(|r| Reading { at: when::exact(r.at.0), said: said(r.at.0) }).collect(),
        _ => Vec::new(),
    };
    let said = match (read.outcome, read.readings.first()) {
        ("instant", Some(reading)) => said(reading.at.0),
        ("ambiguous", Some(_)) => w.choose_one.to_owned(),
        ("past", _) => w.preview_past.to_owned(),
        ("too_far", _) => w.preview_far.to_owned(),
        _ => w.preview_none.to_owned(),
    };
    html(&Meaning { said, readings })
}
