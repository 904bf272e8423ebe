//! Meetings that a calendar tells of: what is known of each, and which reminders follow from it.

use chrono::{DateTime, TimeDelta, Utc};
use steward_language::time::is_too_far;
use steward_proto::{Event, from_timestamp, v1};
use uuid::Uuid;

use super::{CancelOn, Conversation, Refused, follow_ups::NewFollowUp};
use crate::{
    ids::{self, ConversationId},
    kernel::Why,
};

/// How many meetings a conversation remembers: those that begin first are forgotten first.
const KEPT: usize = 64;
/// Characters of a meeting's title that are kept.
const LONGEST_TITLE: usize = 500;

/// A meeting by its calendar's latest word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meeting {
    /// The calendar's own count of changes (RFC 5545, SEQUENCE): an older one that arrives late changes nothing.
    pub sequence: u32,
    /// `None`: it is called off.
    pub starts_at: Option<DateTime<Utc>>,
    /// IANA; empty: the calendar gave none.
    pub timezone: String,
    pub title: String,
}

/// What reminders are made of.
#[derive(Debug, Clone, Copy)]
pub struct Reminding<'a> {
    pub conversation: ConversationId,
    pub meeting_id: &'a str,
    pub now: DateTime<Utc>,
    /// So many hours before the meeting, each a reminder.
    pub hours: &'a [u32],
    pub timezone: &'a str,
    pub language: &'a str,
    /// Follow-ups that may be open: beyond that no reminder is promised.
    pub most_open: usize,
}

impl Conversation {
    pub(super) fn meeting_set(&mut self, meeting: Option<&v1::Meeting>) {
        let Some(m) = meeting else { return };
        let known = Meeting {
            sequence: m.sequence,
            starts_at: from_timestamp(m.starts_at.as_ref()),
            timezone: m.timezone.clone(),
            title: m.title.chars().take(LONGEST_TITLE).collect(),
        };
        self.take_news(&m.meeting_id, known);
    }

    pub(super) fn meeting_called_off(&mut self, meeting_id: &str, sequence: u32) {
        let old = self.meetings.get(meeting_id);
        let (timezone, title) = old.map(|m| (m.timezone.clone(), m.title.clone())).unwrap_or_default();
        self.take_news(meeting_id, Meeting { sequence, starts_at: None, timezone, title });
    }

    fn take_news(&mut self, meeting_id: &str, news: Meeting) {
        if self.meetings.get(meeting_id).is_some_and(|known| known.sequence > news.sequence) {
            return;
        }
        self.meetings.insert(meeting_id.to_owned(), news);
        if self.meetings.len() > KEPT {
            let first = self.meetings.iter().min_by_key(|(_, m)| m.starts_at).map(|(id, _)| id.clone());
            self.meetings.remove(&first.unwrap_or_default());
        }
    }

    /// What has to change for the reminders of a meeting to be right: promised, moved or taken back.
    ///
    /// `text` is what a reminder says that goes out at the time given.
    pub fn remind_of_meeting(
        &self,
        r: &Reminding<'_>,
        text: impl Fn(&Meeting, DateTime<Utc>) -> String,
    ) -> Result<Vec<Event>, Refused> {
        let Some(meeting) = self.meetings.get(r.meeting_id) else { return Ok(Vec::new()) };
        let mut events = Vec::new();
        let (open, mut made) = (self.open_follow_ups(), 0);
        for hours in r.hours {
            let key = format!("meeting:{}:{hours}", r.meeting_id);
            let standing = self.follow_ups.values().find(|f| f.is_pending() && f.key == key);
            let due_at = meeting
                .starts_at
                .and_then(|at| at.checked_sub_signed(TimeDelta::hours(i64::from(*hours))))
                .filter(|at| *at > r.now);
            let too_far = due_at.is_some_and(|at| is_too_far(r.now, at));
            // Whoever sends an invitation names its time: one that no promise may be made for is an outcome, no error.
            let due_at = due_at.filter(|_| !too_far);
            match (due_at, standing) {
                (Some(due_at), Some(f)) => {
                    let rule = (String::new(), String::new());
                    events.extend(self.move_follow_up(r.now, &f.id, due_at, rule, ("calendar", None))?);
                    events.extend(self.change_follow_up_text(&f.id, text(meeting, due_at), "calendar")?);
                }
                (Some(due_at), None) => {
                    let unique = Uuid::new_v5(&r.conversation.uuid(), format!("{key}:{}", meeting.sequence).as_bytes());
                    let follow_up_id = ids::follow_up(r.conversation, unique);
                    // This very reminder was promised and has ended: the calendar says nothing new.
                    if self.follow_ups.contains_key(&follow_up_id) || open + made >= r.most_open {
                        continue;
                    }
                    made += 1;
                    events.extend(self.schedule(
                        r.now,
                        false,
                        NewFollowUp {
                            follow_up_id,
                            due_at,
                            timezone: r.timezone.to_owned(),
                            phrase: String::new(),
                            rule: "meeting".to_owned(),
                            intention: "remind".to_owned(),
                            text: text(meeting, due_at),
                            cancel_on: CancelOn::Never,
                            action: v1::Action::default(),
                            reason: format!("a meeting begins {hours} h later"),
                            key,
                            asked_by: String::new(),
                            turn_id: None,
                            language: r.language.to_owned(),
                            context: String::new(),
                            by: "calendar".to_owned(),
                        },
                    )?);
                }
                (None, Some(f)) => {
                    let (code, why) = match meeting.starts_at {
                        None => ("meeting_cancelled", "the meeting was called off"),
                        Some(_) if too_far => ("meeting_moved", "the meeting was moved more than two years ahead"),
                        Some(_) => ("meeting_moved", "the meeting was moved too near for this reminder"),
                    };
                    events.extend(self.cancel(&f.id, Why::new(code, why, ""), None)?);
                }
                (None, None) => {}
            }
        }
        Ok(events)
    }
}
