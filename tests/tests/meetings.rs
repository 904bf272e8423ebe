//! A calendar's invitation by mail: its reminders are promised, follow it when it moves, and go when it is called off.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use steward_tests::{Config, Mail, System, config::AGENT};

const SOON: Duration = Duration::from_secs(120);
const ANN: &str = "ann@example.org";

/// A mail as calendar programs send it (RFC 6047).
fn calendar_mail(id: &str, method: &str, sequence: u32, starts_at: DateTime<Utc>) -> String {
    let (start, end) = (starts_at, starts_at + TimeDelta::hours(1));
    let time = |at: DateTime<Utc>| at.format("%Y%m%dT%H%M%SZ");
    let ics = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Example//Calendar//EN\r\nMETHOD:{method}\r\nBEGIN:VEVENT\r\n\
         UID:demo-1@example.org\r\nSEQUENCE:{sequence}\r\nDTSTAMP:{}\r\nDTSTART:{}\r\nDTEND:{}\r\nSUMMARY:Demo\r\n\
         ORGANIZER:mailto:{ANN}\r\nATTENDEE:mailto:{AGENT}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
        time(Utc::now()),
        time(start),
        time(end),
    );
    format!(
        "From: Ann <{ANN}>\r\nTo: {AGENT}\r\nSubject: Demo\r\nMessage-ID: <{id}@example.org>\r\nDate: {}\r\n\
         MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=\"b\"\r\n\r\n\
         --b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nDemo\r\n\
         --b\r\nContent-Type: text/calendar; charset=utf-8; method={method}\r\n\r\n{ics}\r\n--b--\r\n",
        Utc::now().to_rfc2822(),
    )
}

/// The pending reminders' due times, earliest first, once there are those.
async fn until_due(system: &System, expected: &[DateTime<Utc>]) -> Vec<Value> {
    let look = || async {
        let mut pending = system.items("/api/v1/follow-ups?state=pending").await?;
        pending.sort_by_key(|f| f["due_at"].as_str().unwrap().parse::<DateTime<Utc>>().unwrap());
        let due: Vec<DateTime<Utc>> = pending.iter().map(|f| f["due_at"].as_str().unwrap().parse().unwrap()).collect();
        Ok((due == expected).then_some(pending))
    };
    system.until(SOON, look).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invitation_moved_and_then_cancelled_takes_its_reminders_along() {
    let mail = Mail::start(&[AGENT]).await.unwrap();
    let system = System::start(Config::mail(&mail)).await.unwrap();
    // Calendars count in whole seconds.
    let today = DateTime::from_timestamp(Utc::now().timestamp(), 0).unwrap();
    let (first, second) = (today + TimeDelta::days(3), today + TimeDelta::days(4));
    let before = |at: DateTime<Utc>| [at - TimeDelta::hours(24), at - TimeDelta::hours(1)];

    mail.send(ANN, AGENT, &calendar_mail("invitation", "REQUEST", 0, first)).await.unwrap();
    let promised = until_due(&system, &before(first)).await;
    assert!(promised.iter().all(|f| f["intention"] == "remind" && f["text"].as_str().unwrap().contains("Demo")));

    mail.send(ANN, AGENT, &calendar_mail("moved", "REQUEST", 1, second)).await.unwrap();
    let moved = until_due(&system, &before(second)).await;
    assert_eq!(moved[0]["id"], promised[0]["id"], "moved, not made anew");

    mail.send(ANN, AGENT, &calendar_mail("cancelled", "CANCEL", 2, second)).await.unwrap();
    until_due(&system, &[]).await;
    let ended = system.items("/api/v1/follow-ups?state=cancelled").await.unwrap();
    assert!(ended.len() == 2 && ended.iter().all(|f| f["reason"]["code"] == "meeting_cancelled"), "{ended:?}");
}
