//! What a turn did, in short: what two brains are compared by. Their words differ, and need not.

use steward_proto::{Event, from_timestamp};

/// What the events of a turn did, in an order of its own.
pub(super) fn deeds(events: &[Event]) -> Vec<String> {
    let mut deeds: Vec<String> = events.iter().filter_map(deed).collect();
    deeds.sort_unstable();
    deeds.dedup();
    deeds
}

fn deed(event: &Event) -> Option<String> {
    let due = |at| from_timestamp(at).map_or_else(String::new, |at| at.format("%Y-%m-%d %H:%M:%SZ").to_string());
    Some(match event {
        Event::FollowUpScheduled(e) if e.renews.is_empty() => format!("promise {}", due(e.due_at.as_ref())),
        Event::FollowUpScheduled(e) => format!("keep {} for {}", e.renews, due(e.due_at.as_ref())),
        Event::FollowUpMoved(e) => format!("move {} to {}", e.follow_up_id, due(e.due_at.as_ref())),
        Event::FollowUpCancelled(e) => format!("cancel {}", e.follow_up_id),
        Event::MeetingBooked(e) => {
            format!("book {}", due(e.meeting.as_ref().and_then(|meeting| meeting.starts_at.as_ref())))
        }
        Event::HumanRequested(_) => "call a person".to_owned(),
        Event::QuestionAsked(_) => "ask when".to_owned(),
        Event::ContactOptedOut(_) => "opt out".to_owned(),
        Event::ContactOptedIn(_) => "opt in".to_owned(),
        Event::MessageQueued(_) | Event::DraftSuppressed(_) => "reply".to_owned(),
        _ => return None,
    })
}
