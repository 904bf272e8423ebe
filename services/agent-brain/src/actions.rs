//! Due follow-ups that are no message of their own: composed now, an agent task, a tool call.

use std::time::Duration;

use steward_domain::{
    conversation::{Author, Conversation, FollowUp, OnReply, Refused, Why, outbox::Queue},
    ids,
};
use steward_log::{AtLeast, DecideError, Handled};
use steward_proto::{AggregateId, Cause, Event, Recorded, v1};

use crate::{
    brain::RULES,
    turns::{Claim, Ended, Worker},
};

/// Follow-ups that the result of listing them names, at most: those that are due first.
const LISTED: usize = 100;

/// Carries out the action of a due follow-up, as one turn.
pub async fn carry_out(
    worker: &Worker,
    aggregate: &AggregateId,
    recorded: &Recorded,
    follow_up_id: &str,
) -> Result<Handled, DecideError<Refused>> {
    let cause = Cause::of(recorded, format!("brain:{}", RULES));
    let mut at_least = AtLeast::Position(recorded.position);
    loop {
        worker.log.load::<Conversation>(aggregate, at_least).await?;
        let turn = match worker.claim(aggregate, follow_up_id, &cause).await? {
            Claim::Turn(turn) => turn,
            Claim::Busy(wait) => return Ok(Handled::Later(wait)),
            Claim::NothingToDo => return Ok(Handled::Done),
        };
        let message_id = ids::message_of_follow_up(turn.conversation, follow_up_id);
        let turn_id = turn.id;
        let events = |state: &Conversation| {
            let Some(follow_up) = state.follow_ups.get(follow_up_id) else { return Ok(Vec::new()) };
            let mut events = without_model(state, follow_up, &message_id, &turn_id)?;
            let failed = events.iter().any(|e| matches!(e, Event::FollowUpFailed(_)));
            let completed = v1::TurnCompleted {
                turn_id: turn_id.clone(),
                through_position: state.answered_through,
                outcome: if failed { "failed" } else { "replied" }.to_owned(),
                brain: RULES.to_owned(),
                decisions: 1,
                ..Default::default()
            };
            events.push(completed.into());
            Ok(events)
        };
        match worker.complete(aggregate, &cause, &turn_id, false, events).await? {
            Ended::Done => return Ok(Handled::Done),
            Ended::Superseded => at_least = AtLeast::Latest,
            Ended::PutOff => return Ok(Handled::Later(Duration::ZERO)),
        }
    }
}

/// What can be done without a model: a text that was given is sent; the pending promises can be listed; all else fails and says why.
fn without_model(state: &Conversation, f: &FollowUp, message_id: &str, turn_id: &str) -> Result<Vec<Event>, Refused> {
    match f.action.kind.as_str() {
        "compose" if !f.text.trim().is_empty() => state.queue(Queue {
            message_id: message_id.to_owned(),
            author: Author::Bot,
            author_id: String::new(),
            text: f.text.clone(),
            due_at: None,
            on_reply: OnReply::of_name(if f.cancel_on.name() == "never" { "keep" } else { "cancel" })
                .unwrap_or(OnReply::Cancel),
            key: String::new(),
            turn_id: turn_id.to_owned(),
            follow_up_id: f.id.clone(),
            proactive: true,
            buttons: Vec::new(),
        }),
        "tool" if f.action.tool == "list_follow_ups" => {
            let pending = state.pending();
            let result: Vec<_> = pending
                .iter()
                .take(LISTED)
                .map(|p| serde_json::json!({"id": p.id, "due_at": p.due_at, "text": p.text}))
                .collect();
            let result = serde_json::Value::from(result).to_string();
            Ok(vec![v1::FollowUpDone { follow_up_id: f.id.clone(), result, turn_id: turn_id.to_owned() }.into()])
        }
        kind => {
            let (code, text) = match kind {
                "tool" => ("unknown_tool", format!("there is no tool `{}`", f.action.tool)),
                _ => ("no_model", "this needs a model, and none is configured ([brain] provider)".to_owned()),
            };
            let reason = Some((&Why::new(code, text, "")).into());
            Ok(vec![v1::FollowUpFailed { follow_up_id: f.id.clone(), reason, turn_id: turn_id.to_owned() }.into()])
        }
    }
}
