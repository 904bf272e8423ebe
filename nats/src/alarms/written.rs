//! Alarms as the stream `TIMERS` holds them: subjects with names, payloads with a version.
//!
//! A former version had alarms of conversations only: subjects `sch.{tenant}.{kind}.{id}`, payloads without a version.
//! Those that are still set keep ringing, and count as set under the name that they would have now.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use steward_proto::{Aggregate, AggregateId, TenantId};
use uuid::Uuid;

use super::{Alarm, AlarmName};

/// Version of the payload. A reader that doesn't know it gives the alarm up, and its sweep sets the alarm again in its
/// own version.
const VERSION: u32 = 2;
/// A message larger than this, in bytes, is none of our alarms.
pub(super) const LARGEST: usize = 4_096;
/// Kinds of alarms of the former version.
const FORMER_KINDS: [&str; 3] = ["follow_up", "message", SILENCE];
/// The one kind of which a conversation had only one alarm: its id was the conversation's.
const SILENCE: &str = "silence";

#[derive(Serialize, Deserialize)]
struct Versioned {
    /// 0 in payloads of the former version, which wrote none.
    #[serde(default)]
    version: u32,
}

#[derive(Serialize, Deserialize)]
struct Written {
    version: u32,
    tenant: String,
    aggregate: String,
    id: String,
    kind: String,
    thing: String,
    due_at: DateTime<Utc>,
    position: u64,
    causation: Uuid,
    correlation: Uuid,
    traceparent: String,
}

#[derive(Deserialize)]
struct Former {
    kind: String,
    id: String,
    due_at: DateTime<Utc>,
    tenant: String,
    conversation: Uuid,
    position: u64,
    causation: Uuid,
    correlation: Uuid,
    traceparent: String,
}

pub(super) fn write(alarm: &Alarm) -> Vec<u8> {
    let AlarmName { aggregate, kind, thing } = &alarm.name;
    let written = Written {
        version: VERSION,
        tenant: aggregate.tenant.to_string(),
        aggregate: aggregate.aggregate.as_str().to_owned(),
        id: aggregate.id().to_owned(),
        kind: kind.clone(),
        thing: thing.clone(),
        due_at: alarm.due_at,
        position: alarm.position,
        causation: alarm.causation,
        correlation: alarm.correlation,
        traceparent: alarm.traceparent.clone(),
    };
    serde_json::to_vec(&written).expect("an alarm has only strings and numbers")
}

/// The alarm in this payload, which rang for this tenant, or why the payload is none.
pub(super) fn read(payload: &[u8], tenant: &TenantId) -> Result<Alarm, &'static str> {
    if payload.len() > LARGEST {
        return Err("it is too large");
    }
    let unreadable = |_| "it can't be read";
    let Versioned { version } = serde_json::from_slice(payload).map_err(unreadable)?;
    let alarm = match version {
        0 => former(serde_json::from_slice(payload).map_err(unreadable)?)?,
        VERSION => current(serde_json::from_slice(payload).map_err(unreadable)?)?,
        _ => return Err("it is of a version that this build doesn't know"),
    };
    if alarm.name.aggregate.tenant != *tenant {
        return Err("it names another tenant than its subject");
    }
    // Both become tokens of a subject when the alarm is set again.
    let AlarmName { kind, thing, .. } = &alarm.name;
    if is_token(kind) && (thing.is_empty() || is_token(thing)) { Ok(alarm) } else { Err("its name can't be one") }
}

fn current(written: Written) -> Result<Alarm, &'static str> {
    let aggregate = TenantId::new(&written.tenant)
        .and_then(|tenant| AggregateId::new(tenant, written.aggregate.parse()?, &written.id))
        .map_err(|_| "it names no aggregate that this build knows")?;
    Ok(Alarm {
        name: AlarmName { aggregate, kind: written.kind, thing: written.thing },
        due_at: written.due_at,
        position: written.position,
        causation: written.causation,
        correlation: written.correlation,
        traceparent: written.traceparent,
    })
}

fn former(former: Former) -> Result<Alarm, &'static str> {
    let tenant = TenantId::new(&former.tenant).map_err(|_| "it names no tenant")?;
    if former.id.is_empty() {
        return Err("it says not what it is for");
    }
    Ok(Alarm {
        name: former_name(tenant, &former.kind, &former.id, former.conversation).ok_or("its kind isn't known")?,
        due_at: former.due_at,
        position: former.position,
        causation: former.causation,
        correlation: former.correlation,
        traceparent: former.traceparent,
    })
}

fn former_name(tenant: TenantId, kind: &str, id: &str, conversation: Uuid) -> Option<AlarmName> {
    let thing = if kind == SILENCE { "" } else { id };
    let aggregate = AggregateId::of_uuid(tenant, Aggregate::Conversation, conversation);
    FORMER_KINDS.contains(&kind).then(|| AlarmName::new(aggregate, kind, thing))
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && !b".*>".contains(&b))
}

/// The name of the alarm whose schedule has this subject; one of the former version gets the name that it would have
/// now.
pub(super) fn name_of(schedule: &str) -> Option<AlarmName> {
    let tokens: Vec<&str> = schedule.strip_prefix("sch.")?.split('.').collect();
    let tenant = TenantId::new(tokens.first()?).ok()?;
    match tokens[1..] {
        // The ids of a conversation's follow-ups and messages begin with the conversation's own.
        [kind, id] => {
            former_name(tenant, kind, id, Uuid::parse_str(id).or_else(|_| id.get(..32).unwrap_or("").parse()).ok()?)
        }
        [aggregate, id, kind] => {
            Some(AlarmName::new(AggregateId::new(tenant, aggregate.parse().ok()?, id).ok()?, kind, ""))
        }
        [aggregate, id, kind, thing] => {
            Some(AlarmName::new(AggregateId::new(tenant, aggregate.parse().ok()?, id).ok()?, kind, thing))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use serde_json::json;

    use super::*;

    const CONVERSATION: Uuid = Uuid::from_u128(0xc0);

    fn tenant() -> TenantId {
        TenantId::new("t").expect("a token")
    }

    fn alarm(aggregate: Aggregate, kind: &str, thing: &str) -> Alarm {
        Alarm {
            name: AlarmName::new(AggregateId::of_uuid(tenant(), aggregate, CONVERSATION), kind, thing),
            due_at: DateTime::UNIX_EPOCH + TimeDelta::days(20_000),
            position: 7,
            causation: Uuid::from_u128(1),
            correlation: Uuid::from_u128(2),
            traceparent: String::new(),
        }
    }

    #[test]
    fn what_is_written_of_any_aggregate_is_read_again() {
        for &aggregate in Aggregate::ALL {
            for thing in ["", "f1"] {
                let alarm = alarm(aggregate, "renewal", thing);
                assert_eq!(read(&write(&alarm), &tenant()), Ok(alarm.clone()));
                assert_eq!(name_of(&alarm.name.schedule()), Some(alarm.name));
            }
        }
    }

    #[test]
    fn an_alarm_of_the_former_version_has_the_name_that_it_would_have_now() {
        let thing = format!("{}f{}", CONVERSATION.simple(), Uuid::from_u128(9).simple());
        for (kind, id) in [("follow_up", thing.clone()), ("message", thing), ("silence", CONVERSATION.to_string())] {
            let now = alarm(Aggregate::Conversation, kind, if kind == "silence" { "" } else { &id });
            assert_eq!(name_of(&format!("sch.t.{kind}.{id}")).as_ref(), Some(&now.name));
            let written = json!({
                "kind": kind, "id": id, "due_at": now.due_at, "tenant": "t", "conversation": CONVERSATION, "position": 7,
                "causation": now.causation, "correlation": now.correlation, "traceparent": "",
            });
            assert_eq!(read(written.to_string().as_bytes(), &tenant()), Ok(now));
        }
    }

    #[test]
    fn what_is_no_alarm_is_told_so() {
        let of_another = write(&alarm(Aggregate::Conversation, "silence", ""));
        assert!(read(&of_another, &TenantId::new("other").expect("a token")).is_err());
        for name in
            ["sch.t", "sch.t.silence.x", "sch.t.nothing.at.all", "due.t.conversation.x.silence", "sch.t.a.b.c.d.e"]
        {
            assert_eq!(name_of(name), None, "{name}");
        }
        let strange = |change: &dyn Fn(&mut serde_json::Value)| {
            let mut value = serde_json::from_slice(&of_another).expect("it is JSON");
            change(&mut value);
            read(value.to_string().as_bytes(), &tenant())
        };
        assert!(strange(&|_| {}).is_ok());
        assert!(strange(&|value| value["version"] = json!(3)).is_err());
        assert!(strange(&|value| value["aggregate"] = json!("of_another_version")).is_err());
        for text in ["a.b", ">", "\r\n", "é", " "] {
            assert!(strange(&|value| value["thing"] = json!(text)).is_err(), "{text}");
            assert!(strange(&|value| value["kind"] = json!(text)).is_err(), "{text}");
        }
        for payload in [&b""[..], b"{", &[0xff; 64], &[b' '; 100_000], &[b'['; 3_000]] {
            assert!(read(payload, &tenant()).is_err());
        }
    }
}
