//! `/inbox/{id}`: the chat, who answers, what is promised and why; now, or as it was.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::Deserialize;
use steward_http::{ApiQuery, Problem};
use steward_language::Language;

use super::{
    super::{
        Dashboard, Page,
        frame::{Frame, language_name},
        html,
        viewer::Viewer,
        when,
    },
    Chip, WHOLE,
    about::Contact,
    because, beginning, called, channel_name,
    chat::{self, Item},
    conversation, inbox,
    slider::Slider,
    why::{About, Why},
    zone_of,
};
use crate::{
    models::{
        EventRow, MessageView, OutgoingView,
        conversations::{
            at::{EXPECTED, Moment, Then},
            follow_ups::{FollowUpRow, FollowUpView, read as follow_ups},
            messages::{MessageRow, read as messages},
            read,
            view::{ConversationView, TakeoverView},
        },
    },
    read::{Params, answer::Id, snapshot::Snapshot, time, timeline},
};

/// How many messages the chat shows at first, and at most, when earlier ones were asked for.
const MESSAGES: usize = 60;
const MOST: usize = 600;

/// How many events are told between them.
const EVENTS: usize = 1_000;

/// How many promises are shown.
const PROMISES: usize = 100;

/// How much of a promise's text is shown, in characters.
const SHOWN: usize = 600;

/// What of a conversation is shown.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Asked {
    /// A position of the log or a time; empty: now.
    #[serde(default)]
    at: String,
    /// `f:{id}` or `m:{id}`.
    #[serde(default)]
    why: String,
    /// The position from which messages are shown, if more are than at first.
    from: Option<u64>,
}

impl Asked {
    /// As it is now, with the answer about one thing.
    pub fn why(why: String) -> Self {
        Self { why, ..Self::default() }
    }

    async fn position(&self, snapshot: &Snapshot<'_>, viewer: &Viewer, id: &str) -> Result<Option<u64>, Problem> {
        if self.at.is_empty() {
            return Ok(None);
        }
        let moment: Moment = self.at.parse().map_err(|_| {
            Problem::bad_request("bad_query", format!("`at` isn't what it must be; expected {EXPECTED}"))
        })?;
        Ok(Some(moment.position(snapshot, &viewer.caller, id).await?))
    }
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
    /// It was promised again.
    pub again: bool,
}

pub struct Held {
    pub message_id: String,
    pub hash: String,
    pub since: String,
}

/// All that is shown of one conversation.
pub struct Subject {
    pub id: String,
    pub name: String,
    pub facts: String,
    pub by_human: Option<String>,
    /// What taking over does.
    pub taking_over: String,
    pub needs: bool,
    pub cannot_write: bool,
    pub items: Vec<Item>,
    /// What leads to earlier messages.
    pub earlier: Option<Earlier>,
    pub promises: Vec<Promise>,
    pub ended: Vec<Promise>,
    pub ended_said: String,
    pub contact: Contact,
    pub why: Option<Why>,
    pub slider: Option<Slider>,
    pub past: bool,
    /// The position that is looked at, if it isn't now.
    pub at: Option<u64>,
    pub write_to: String,
    pub if_writes: [String; 2],
    pub about: String,
}

/// Where the messages before those shown are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Earlier {
    /// On this page, shown from that position.
    From(u64),
    /// On the page as it was at that position.
    At(u64),
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
    /// Leads to earlier messages.
    earlier: Option<String>,
    here_id: String,
}

pub async fn one(
    State(dashboard): State<Dashboard>,
    viewer: Viewer,
    Id(id): Id,
    ApiQuery(asked): ApiQuery<Asked>,
    ApiQuery(shown): ApiQuery<inbox::Shown>,
) -> Page {
    let mut reading = dashboard.desk.begin(&viewer.caller).await?;
    let snapshot = reading.snapshot().await?;
    let s = Subject::of(&viewer, &dashboard, &snapshot, &id, &asked).await?;
    let mut f = Frame::of(&viewer, &dashboard, &snapshot, ("/inbox", s.name.clone())).await?;
    f.inside = true;
    if s.past {
        f.cannot = Some(viewer.w.looking_at);
    }
    let list = inbox::List::of((&viewer, &dashboard), &snapshot, &f, &shown, &id).await?;
    let query = list.query.clone();
    let path = format!("/inbox/{id}");
    let at = s.at.map(|at| format!("&at={at}")).unwrap_or_default();
    let from = asked.from.map(|from| format!("&from={from}")).unwrap_or_default();
    let why_path = format!("{path}?{query}{at}{from}&why=");
    let earlier = s.earlier.map(|earlier| match earlier {
        Earlier::From(from) => format!("{path}?{query}{at}&from={from}"),
        Earlier::At(at) => format!("{path}?{query}&at={at}"),
    });
    html(&One { f, list, s, path, query, why_path, earlier, here_id: id })
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
        let at = asked.position(snapshot, viewer, id).await?;
        let c = read::whole(snapshot, &viewer.caller, id, at).await?;
        let zone = zone_of(&c, dashboard);
        let clock = viewer.clock().at(zone);
        let name = called(&c, viewer);
        let (Said { rows, earlier }, promised) = said_and_promised(snapshot, viewer, id, (at, asked.from)).await?;
        let from = if earlier.is_none() { 0 } else { rows.last().map_or(0, |m| m.position) };
        let events = events_of(snapshot, viewer, id, at).await?;
        let why = match asked.why.split_once(':') {
            Some((kind, wanted)) => {
                let scene = (viewer, snapshot, clock);
                let promise = promised.iter().find(|f| kind == "f" && f.id == wanted);
                let message = rows.iter().find(|m| kind == "m" && m.id == wanted);
                let is_draft = |e: &&EventRow| kind == "d" && e.type_name == "DraftSuppressed";
                let draft = events.iter().filter(is_draft).find(|e| e.position.to_string() == wanted);
                match (promise, message, draft) {
                    (Some(f), ..) => Some(Why::of(About::Promise(f), id, scene, (&name, at)).await?),
                    (_, Some(m), _) => {
                        let view = MessageView::from(m.clone());
                        Some(Why::of(About::Message(&view), id, scene, (&name, at)).await?)
                    }
                    (.., Some(draft)) => Some(Why::of_draft(draft, id, scene, &name).await?),
                    _ => None,
                }
            }
            None => None,
        };
        let held: HashMap<&str, &MessageRow> =
            rows.iter().filter(|m| m.state == "held").map(|m| (m.follow_up_id.as_str(), m)).collect();
        let promise =
            |f: &FollowUpView| Promise::of(f, held.get(f.id.as_str()).copied(), &c, (viewer, zone, &name), &promised);
        let items = chat::items((&rows, from), &promised, &events, &promise, (viewer, clock, &name));
        // A promise that another renewed is shown as what it is now.
        let current = promised.iter().filter(|f| f.renewed_by.is_none());
        let (mut pending, ended): (Vec<_>, Vec<_>) = current.partition(|f| f.state == "pending");
        pending.sort_by_key(|f| f.due_at.0);
        let kept = ended.iter().filter(|f| matches!(f.state.as_str(), "sent" | "done")).count();
        let gone = ended.iter().filter(|f| f.state == "cancelled").count();
        let waiting =
            rows.iter().filter(|m| matches!(m.state.as_str(), "queued" | "deferred" | "held") && m.author == "bot");
        let local = words.there(&clock.hour(viewer.now), &when::place(zone));
        let language = c.contact.language.as_deref().and_then(Language::of_tag).map_or("", language_name);
        let channel = channel_name(c.channel.as_deref().unwrap_or_default());
        let facts: Vec<&str> = [channel, language, &local].into_iter().filter(|fact| !fact.is_empty()).collect();
        let release_after = dashboard.desk.reads.settings.now().defaults.human_release_after;
        let silent = |t: &TakeoverView| {
            let who = t.by.clone().unwrap_or_else(|| w.nobody_named.to_owned());
            match release_after.and_then(|after| TimeDelta::from_std(after).ok()) {
                Some(after) => {
                    let until = viewer.clock().moment(t.active_at.0 + after);
                    words.bot_is_silent_until(&who, &until, after.num_minutes())
                }
                None => words.bot_is_silent(&who),
            }
        };
        let first_due = pending.first().map(|f| clock.moment(f.due_at.0));
        Ok(Self {
            facts: facts.join(" · "),
            by_human: c.takeover.as_ref().map(silent),
            taking_over: words.taking_over(waiting.count(), pending.len(), first_due.as_deref().unwrap_or_default()),
            needs: c.attention.iter().any(|a| matches!(a.code, "asked_for_person" | "failed")),
            cannot_write: c.blocked,
            items,
            ended_said: words.ended(kept, gone),
            promises: pending.into_iter().map(promise).collect(),
            ended: ended.into_iter().map(promise).collect(),
            contact: Contact::of(&c, (viewer, snapshot), zone, (&rows, at)).await?,
            why,
            slider: Slider::of(snapshot, viewer, (id, at), clock).await?,
            past: at.is_some(),
            at,
            earlier,
            write_to: words.write_to(&name),
            if_writes: [true, false].map(|cancels| words.if_writes(&name, cancels)),
            about: words.about(&name),
            id: id.to_owned(),
            name,
        })
    }
}

/// The messages that are shown, newest first, and what leads to earlier ones.
struct Said {
    rows: Vec<MessageRow>,
    earlier: Option<Earlier>,
}

impl Said {
    /// Of all that was said by then.
    fn of(mut rows: Vec<MessageRow>, from: Option<u64>) -> Self {
        let shown = from.map_or(MESSAGES, |from| rows.iter().take_while(|m| m.position >= from).count());
        let shown = shown.clamp(MESSAGES.min(rows.len()), MOST);
        let earlier = rows.get((shown + MESSAGES).min(rows.len()).saturating_sub(1)).filter(|_| rows.len() > shown);
        let earlier = earlier.map(|first| match rows.get(shown) {
            Some(next) if shown >= MOST => Earlier::At(next.position),
            _ => Earlier::From(first.position),
        });
        rows.truncate(shown);
        Self { rows, earlier }
    }
}

/// The latest messages, newest first, and the promises.
async fn said_and_promised(
    snapshot: &Snapshot<'_>,
    viewer: &Viewer,
    id: &str,
    (at, from): (Option<u64>, Option<u64>),
) -> Result<(Said, Vec<FollowUpView>), Problem> {
    if let Some(at) = at {
        let then = Then::of(snapshot, &viewer.caller, id, at).await?;
        let here = then.row();
        let mut promised = then.follow_ups();
        promised.truncate(PROMISES);
        let promised = promised.into_iter().map(|row| FollowUpView::of(row, here.as_ref())).collect();
        return Ok((Said::of(then.messages(), from), promised));
    }
    let page = async |asked: Vec<(&str, String)>| {
        let page = messages::page_of_conversation(snapshot, &viewer.caller, id, Params::of(asked)).await?;
        Ok::<_, Problem>(page.into_parts())
    };
    let asked = match from {
        Some(from) => vec![("limit", MOST.to_string()), ("after", from.saturating_sub(1).to_string())],
        None => vec![("limit", MESSAGES.to_string())],
    };
    let (rows, more) = page(asked).await?;
    let earlier = match (rows.last(), from) {
        (None, _) => None,
        (Some(oldest), Some(_)) if more.is_some() => Some(Earlier::At(oldest.position.saturating_sub(1))),
        (Some(_), None) if more.is_none() => None,
        (Some(oldest), _) => {
            let before = vec![("limit", MESSAGES.to_string()), ("before", oldest.position.to_string())];
            page(before).await?.0.last().map(|first| Earlier::From(first.position))
        }
    };
    let asked = Params::of([("limit", PROMISES.to_string()), ("conversation_id", id.to_owned())]);
    let (page, own) = follow_ups::page(snapshot, &viewer.caller, asked).await?;
    let view = |row: FollowUpRow| {
        let conversation = own.get(&row.conversation_id);
        FollowUpView::of(row, conversation)
    };
    Ok((Said { rows, earlier }, page.into_parts().0.into_iter().map(view).collect()))
}

/// The latest events that are told between messages, newest first.
async fn events_of(
    snapshot: &Snapshot<'_>,
    viewer: &Viewer,
    id: &str,
    at: Option<u64>,
) -> Result<Vec<EventRow>, Problem> {
    let mut asked = vec![("limit", EVENTS.to_string()), ("type", chat::TOLD.to_owned())];
    if let Some(at) = at {
        asked.push(("before", at.saturating_add(1).to_string()));
    }
    Ok(timeline::page(snapshot, &viewer.caller, id, Params::of(asked)).await?.into_parts().0)
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
        // In the client's words, where there are any: what it is about, else when they wanted it.
        let quoted = f.topic.as_ref().or(f.phrase.as_ref()).map(|words| format!("“{words}”"));
        let held = held.filter(|_| pending).map(|m| Held {
            message_id: m.id.clone(),
            hash: OutgoingView::approval_of(conversation.external_id.as_deref().unwrap_or_default(), &m.text),
            since: words.waits_since(&clock.hour(m.at)),
        });
        Self {
            text: if quoted.is_some() { beginning(&f.text, SHOWN) } else { String::new() },
            title: quoted.unwrap_or_else(|| {
                if f.text.is_empty() { w.promises.to_owned() } else { f.text.chars().take(80).collect() }
            }),
            chip: if held.is_some() { Chip::of("held", words) } else { Chip::of(&f.state, words) },
            due: clock.for_client(f.due_at.0, zone),
            due_at: when::exact(f.due_at.0),
            beside: if pending { words.if_writes(who, f.cancel_on == "client_response") } else { String::new() },
            whole: Some(f.text.clone()).filter(|text| !text.is_empty() && text.chars().nth(WHOLE).is_none()),
            renewed: if renewals > 0 { words.renewed(renewals) } else { String::new() },
            why: format!("f:{}", f.id),
            can_renew: f.state == "cancelled" && f.due_at.0 > viewer.now && f.renewed_by.is_none(),
            again: f.renewed_by.is_some(),
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

pub async fn time(State(dashboard): State<Dashboard>, viewer: Viewer, ApiQuery(phrase): ApiQuery<Phrase>) -> Page {
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
