//! Mail by webhook: what is genuine is kept once and told apart, what isn't is refused in words.

#![allow(clippy::unwrap_used)]

mod world;

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode};
use steward_domain::ids;
use steward_proto::Event;
use uuid::Uuid;
use world::{
    MAIL_SECRET, SES_TOPIC, World,
    mails::{PATH, conversation, hex_hmac, mail, of, post, recorded, said, types},
};

#[tokio::test]
async fn what_is_not_genuine_or_no_mail_is_refused() {
    let world = World::start().await;
    let raw = b"From: ana@b.com\r\nSubject: x\r\n\r\nhello".to_vec();
    let signature = hex_hmac(MAIL_SECRET, &[&raw]);
    let of_nothing = hex_hmac(MAIL_SECRET, &[]);
    let large = vec![b'x'; (25 << 20) + 1];
    let of_large = hex_hmac(MAIL_SECRET, &[&large]);
    let json = ("content-type", "application/json");
    let topic = format!(
        r#"{{"Type":"Notification","TopicArn":"{SES_TOPIC}","SignatureVersion":"1","Signature":"AAAA","SigningCertURL":"https://evil.example/x.pem","Message":"x"}}"#
    );
    let foreign = topic.replace("SES_Inbound", "Elsewhere");
    type Case<'a> = (&'a str, StatusCode, Vec<(&'a str, &'a str)>, Vec<u8>);
    let cases: Vec<Case> = vec![
        ("no signature", StatusCode::UNAUTHORIZED, vec![("content-type", "message/rfc822")], raw.clone()),
        ("wrong signature", StatusCode::UNAUTHORIZED, vec![("x-steward-signature", &signature[2..])], raw.clone()),
        ("another body's signature", StatusCode::UNAUTHORIZED, vec![("x-steward-signature", &of_nothing)], raw.clone()),
        ("no mail", StatusCode::BAD_REQUEST, vec![("x-steward-signature", &of_nothing)], Vec::new()),
        ("25 MB and a byte", StatusCode::PAYLOAD_TOO_LARGE, vec![("x-steward-signature", &of_large)], large.clone()),
        ("no provider's JSON", StatusCode::BAD_REQUEST, vec![json], b"{}".to_vec()),
        ("broken JSON", StatusCode::BAD_REQUEST, vec![json], b"{\"MessageID\": ".to_vec()),
        ("not UTF-8", StatusCode::BAD_REQUEST, vec![], b"\xff\xfe".to_vec()),
        (
            "no provider's form",
            StatusCode::BAD_REQUEST,
            vec![("content-type", "application/x-www-form-urlencoded")],
            b"a=b".to_vec(),
        ),
        (
            "Postmark without its password",
            StatusCode::UNAUTHORIZED,
            vec![json],
            b"{\"MessageID\": \"1\", \"From\": \"a@b.c\"}".to_vec(),
        ),
        (
            "Postmark with a wrong one",
            StatusCode::UNAUTHORIZED,
            vec![json, ("authorization", "Basic cG9zdG1hcms6cDRzdA==")],
            b"{\"MessageID\": \"1\", \"From\": \"a@b.c\"}".to_vec(),
        ),
        ("SendGrid without its signature", StatusCode::UNAUTHORIZED, vec![json], b"[{\"event\": \"bounce\"}]".to_vec()),
        (
            "Mailgun without its signature",
            StatusCode::UNAUTHORIZED,
            vec![json],
            b"{\"event-data\": {\"event\": \"delivered\"}}".to_vec(),
        ),
        (
            "another topic of Amazon's",
            StatusCode::UNAUTHORIZED,
            vec![("content-type", "text/plain")],
            foreign.into_bytes(),
        ),
        (
            "a certificate that isn't Amazon's",
            StatusCode::UNAUTHORIZED,
            vec![("content-type", "text/plain")],
            topic.into_bytes(),
        ),
    ];
    for (name, status, headers, body) in cases {
        let answer = world.send(Method::POST, PATH, &headers, body).await;
        assert_eq!(answer.status, status, "{name}: {:?}", answer.body);
        assert!(answer.text("detail").len() > 20, "{name}");
    }
    assert_eq!(world.send(Method::GET, PATH, &[], "").await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(world.events().await.is_empty());
}

#[tokio::test]
async fn every_recorded_mail_is_recorded_once() {
    let world = World::start().await;
    let mut mails: Vec<Vec<u8>> = Vec::new();
    for folder in ["raw", "auto", "replies/mailgun+talon/standard"] {
        mails.extend(recorded(folder).into_iter().filter(|(file, _)| !file.ends_with(".txt")).map(|(_, raw)| raw));
    }
    // Some share a Message-ID, and each is to be a mail of its own.
    for (n, raw) in mails.iter_mut().enumerate() {
        let start = if raw.starts_with(b"From ") { raw.iter().position(|b| *b == b'\n').unwrap() + 1 } else { 0 };
        let mut own = format!("Message-ID: <{n}@recorded.test>\r\n").into_bytes();
        own.extend_from_slice(&raw[start..]);
        *raw = own;
    }
    for raw in &mails {
        assert_eq!(post(&world, raw).await.status, StatusCode::OK);
    }
    let once = world.events().await.len();
    assert_eq!(once, mails.len());
    for raw in &mails {
        assert_eq!(post(&world, raw).await.status, StatusCode::OK);
    }
    let events = world.events().await;
    assert_eq!(events.len(), once);
    let mut counts = BTreeMap::<String, usize>::new();
    for recorded in events {
        let kind = match &recorded.event {
            Event::ClientResponded(_) => "message".to_owned(),
            Event::UpdateKept(kept) => kept.kind.clone(),
            other => other.type_name().to_owned(),
        };
        *counts.entry(kind).or_default() += 1;
    }
    println!("{} recorded mails: {counts:?}", mails.len());
    let expected = [("auto_reply", 7), ("bounce", 80), ("mail_without_sender", 5), ("message", 135)];
    assert_eq!(counts, expected.into_iter().map(|(kind, n)| (kind.to_owned(), n)).collect());
}

#[tokio::test]
async fn a_mail_keeps_what_is_new_apart_from_all_of_it() {
    let world = World::start().await;
    let headers = "From: Ana Borg <Ana@B.com>\nTo: agent@example.test\nSubject: Re: our =?utf-8?Q?pr=C3=ADce?=\nMessage-ID: <m2@b.com>\nIn-Reply-To: <m1@example.test>\nReferences: <m0@b.com> <m1@example.test>";
    mail(&world, headers, "Write to me on Monday.\n\n-- \nAna\n\nOn Fri, 20 Nov 2026 at 10:00, Agent <agent@example.test> wrote:\n> When?").await;
    let said = said(&world, "ana@b.com").await;
    assert_eq!((said.text.as_str(), said.kind.as_str()), ("Write to me on Monday.", "text"));
    assert!(said.full_text.contains("> When?"));
    assert_eq!(said.subject, "Re: our príce");
    assert_eq!((said.provider_message_id.as_str(), said.reply_to.as_str()), ("<m2@b.com>", "<m1@example.test>"));
    assert_eq!(said.thread, "<m0@b.com> <m1@example.test> <m2@b.com>");
    let source = said.source.unwrap();
    assert_eq!((source.external_id.as_str(), source.key.as_str()), ("ana@b.com", "mail:m2@b.com"));
    assert!(!source.raw.is_empty());
    assert_eq!(said.from.unwrap().name, "Ana Borg");
}

#[tokio::test]
async fn attachments_are_named_and_stay_in_the_kept_mail() {
    let world = World::start().await;
    let headers =
        "From: ana@b.com\nMessage-ID: <a1@b.com>\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x";
    let body = "--x\nContent-Type: text/plain\n\nsee the plan\n--x\nContent-Type: application/pdf; name=plan.pdf\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=plan.pdf\n\nAAAAAAAA\n--x--";
    mail(&world, headers, body).await;
    let said = said(&world, "ana@b.com").await;
    let [media] = &said.media[..] else { panic!("{:?}", said.media) };
    assert_eq!((media.file_name.as_str(), media.mime_type.as_str(), media.size), ("plan.pdf", "application/pdf", 6));
    assert_eq!((media.kind.as_str(), said.text.as_str()), ("document", "see the plan"));
}

#[tokio::test]
async fn a_bounce_says_which_of_our_messages_failed() {
    let world = World::start().await;
    let message = ids::message(conversation(&world, "ana@b.com"), Uuid::from_u128(9));
    let report = |status: &str, action: &str, id: &str| {
        format!(
            "This is a MIME message.\n--x\nContent-Type: text/plain\n\nYour mail could not be delivered.\n--x\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.b.com\n\nFinal-Recipient: rfc822; ana@b.com\nAction: {action}\nStatus: {status}\nDiagnostic-Code: smtp; 550 {status} no such user\n--x\nContent-Type: message/rfc822\n\nFrom: agent@example.test\nTo: Ana <Ana@b.com>\nMessage-ID: <{id}>\nSubject: hello\n\nhello\n--x--"
        )
    };
    let headers = |n: u8| {
        format!(
            "From: Mail Delivery Subsystem <mailer-daemon@b.com>\nTo: agent@example.test\nSubject: Undelivered\nAuto-Submitted: auto-replied\nReturn-Path: <>\nMessage-ID: <bounce{n}@b.com>\nMIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=x"
        )
    };
    let ours = format!("{message}-0@example.test");
    mail(&world, "From: ana@b.com\nMessage-ID: <1@b.com>", "hello").await;
    mail(&world, &headers(1), &report("5.1.1", "failed", &ours)).await;
    mail(&world, &headers(2), &report("4.4.7", "delayed", &ours)).await;
    mail(&world, &headers(3), &report("2.0.0", "delivered", &ours)).await;
    mail(&world, &headers(4), &report("5.1.1", "failed", "somebody@else.test")).await;
    let events = of(&world, "ana@b.com").await;
    let [
        Event::ClientResponded(_),
        Event::DeliveryReported(failed),
        Event::UpdateKept(delayed),
        Event::DeliveryReported(delivered),
    ] = &events[..]
    else {
        panic!("{:?}", events.iter().map(Event::type_name).collect::<Vec<_>>())
    };
    assert_eq!(
        (failed.status.as_str(), failed.message_id.as_str(), failed.part),
        ("failed", message.to_string().as_str(), 0)
    );
    assert_eq!((failed.provider_code.as_str(), failed.permanent), ("5.1.1", true));
    assert_eq!(failed.reason.as_ref().unwrap().code, "bounced");
    assert_eq!((delayed.kind.as_str(), delivered.status.as_str()), ("bounce", "delivered"));
    assert_eq!(types(&world, "mailer-daemon@b.com").await, ["UpdateKept"]);
}

#[tokio::test]
async fn a_bounce_of_a_mail_that_we_never_wrote_makes_no_conversation() {
    let world = World::start().await;
    let message = ids::message(ids::ConversationId::new(Uuid::from_u128(7)), Uuid::from_u128(9));
    for (n, (status, action)) in [("5.1.1", "failed"), ("4.4.7", "delayed"), ("2.0.0", "delivered")].iter().enumerate()
    {
        let headers = format!(
            "From: mailer-daemon@b.com\nMessage-ID: <bounce{n}@b.com>\nMIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=x"
        );
        let report = format!(
            "--x\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822; ana@b.com\nAction: {action}\nStatus: {status}\n--x\nContent-Type: message/rfc822\n\nTo: Ana@b.com\nMessage-ID: <{message}-0@example.test>\n\nhello\n--x--"
        );
        mail(&world, &headers, &report).await;
    }
    let events = world.events().await;
    assert_eq!(events.len(), 3);
    for recorded in events {
        let Event::UpdateKept(kept) = &recorded.event else { panic!("{}", recorded.event.type_name()) };
        assert_eq!((&*recorded.subject.aggregate, kept.kind.as_str()), ("inbox", "report_of_unknown"));
        assert!(!kept.source.as_ref().unwrap().raw.is_empty());
    }
}

#[tokio::test]
async fn a_hostile_mail_of_many_megabytes_is_taken_in_and_holds_nobody_up() {
    let world = World::start().await;
    // Each took minutes, or most of the memory.
    let pieces: String = (0..400_000).map(|n| format!("; a*{n}=b")).collect();
    let bodies = [
        format!("Content-Type: text/plain{pieces}\n\nhello"),
        format!("{}\nhello", "A: b\n".repeat(1 << 20)),
        format!("\n{}", "From: a\nTo: b\nword\n".repeat(200_000)),
    ];
    for (n, body) in bodies.iter().enumerate() {
        let raw = format!("From: ana@b.com\nMessage-ID: <{n}@b.com>\n{body}").replace('\n', "\r\n");
        // The test has one thread for everything: it is free while the mail is read.
        let (mut answered, mut free) = (std::pin::pin!(post(&world, raw.as_bytes())), 0);
        let answer = loop {
            match futures::future::select(&mut answered, std::pin::pin!(tokio::task::yield_now())).await {
                futures::future::Either::Left((answer, _)) => break answer,
                futures::future::Either::Right(_) => free += 1,
            }
        };
        assert_eq!(answer.status, StatusCode::OK, "{n}: {:?}", answer.body);
        assert!(free > 100, "{n}: the thread was free {free} times");
    }
    assert_eq!(types(&world, "ana@b.com").await, ["ClientResponded"; 3]);
}

#[tokio::test]
async fn machines_are_no_clients() {
    let world = World::start().await;
    mail(&world, "From: ana@b.com\nAuto-Submitted: auto-replied\nMessage-ID: <1@b.com>", "I am away").await;
    mail(&world, "From: ana@b.com\nList-Id: <l.b.com>\nMessage-ID: <2@b.com>", "news").await;
    mail(&world, "From: ana@b.com\nMessage-ID: <3@b.com>", "hello").await;
    let events = of(&world, "ana@b.com").await;
    let [Event::UpdateKept(away), Event::UpdateKept(list), Event::ClientResponded(_)] = &events[..] else {
        panic!("{:?}", events.iter().map(Event::type_name).collect::<Vec<_>>())
    };
    assert_eq!((away.kind.as_str(), list.kind.as_str(), away.text.as_str()), ("auto_reply", "list", "I am away"));
}

#[tokio::test]
async fn an_operators_command_needs_the_pass_of_the_trusted_server() {
    let world = World::start().await;
    mail(&world, "From: ana@b.com\nMessage-ID: <1@b.com>", "hello").await;
    let operator = |n: u8, result: &str| {
        let pass = format!("Authentication-Results: mx.example.test; dmarc={result} header.from=example.test");
        format!(
            "{pass}\nReceived: from a by b\nFrom: operator@example.test\nTo: agent@example.test\nMessage-ID: <o{n}@example.test>"
        )
    };
    mail(&world, &operator(1, "fail"), "/human_active ana@b.com").await;
    assert_eq!(types(&world, "ana@b.com").await, ["ClientResponded"]);
    assert_eq!(types(&world, "operator@example.test").await, ["ClientResponded"]);
    mail(&world, &operator(2, "pass"), "/human_active <Ana@B.com>\n\n-- \nOp").await;
    assert_eq!(types(&world, "ana@b.com").await, ["ClientResponded", "HumanTakeoverStarted"]);
    mail(&world, &operator(3, "pass"), "HUMAN: ana@b.com good morning").await;
    mail(&world, &operator(4, "pass"), "/human_release ana@b.com").await;
    let events = types(&world, "ana@b.com").await;
    assert!(
        events.contains(&"MessageQueued".to_owned()) && events.contains(&"HumanTakeoverEnded".to_owned()),
        "{events:?}"
    );
}

#[tokio::test]
async fn a_person_who_writes_from_our_mailbox_takes_over_and_a_forger_does_not() {
    let world = World::start().await;
    mail(&world, "From: ana@b.com\nMessage-ID: <1@b.com>", "hello").await;
    let from_us = "From: Agent <agent@example.test>\nTo: Ana <ana@b.com>\nBcc: agent@example.test";
    // Our own send comes back.
    let own = ids::message(conversation(&world, "ana@b.com"), Uuid::from_u128(3));
    mail(&world, &format!("{from_us}\nMessage-ID: <{own}-0@example.test>"), "from the bot").await;
    mail(&world, &format!("{from_us}\nReceived: from evil by mx\nMessage-ID: <2@evil.test>"), "forged").await;
    assert_eq!(types(&world, "ana@b.com").await, ["ClientResponded"]);
    let pass = "Authentication-Results: mx.example.test; dmarc=pass header.from=example.test\nReceived: from us by mx";
    mail(&world, &format!("{pass}\n{from_us}\nMessage-ID: <3@example.test>"), "I'll see to it myself").await;
    assert_eq!(types(&world, "ana@b.com").await, ["ClientResponded", "HumanResponded", "HumanTakeoverStarted"]);
}

#[tokio::test]
async fn an_operator_who_answers_the_client_with_us_in_copy_takes_over() {
    let world = World::start().await;
    let pass = "Authentication-Results: mx.example.test; dmarc=pass header.from=example.test";
    let headers = format!(
        "{pass}\nFrom: operator@example.test\nTo: ana@b.com\nCc: agent@example.test\nMessage-ID: <9@example.test>"
    );
    mail(&world, &headers, "Done.").await;
    assert_eq!(types(&world, "ana@b.com").await, ["HumanResponded", "HumanTakeoverStarted"]);
}

#[tokio::test]
async fn an_invitation_is_booked_moved_and_cancelled() {
    let world = World::start().await;
    for (n, method, sequence) in [(1, "REQUEST", 0), (2, "REQUEST", 1), (3, "CANCEL", 2)] {
        let headers = format!(
            "From: ana@b.com\nSubject: Call\nMessage-ID: <i{n}@b.com>\nAuto-Submitted: auto-generated\nMIME-Version: 1.0\nContent-Type: text/calendar; method={method}; charset=utf-8"
        );
        let event = format!(
            "BEGIN:VCALENDAR\nVERSION:2.0\nMETHOD:{method}\nBEGIN:VEVENT\nUID:u1\nSEQUENCE:{sequence}\nDTSTART;TZID=Europe/Moscow:20270101T1{n}0000\nSUMMARY:Call\nEND:VEVENT\nEND:VCALENDAR"
        );
        mail(&world, &headers, &event).await;
    }
    assert_eq!(types(&world, "ana@b.com").await, ["MeetingBooked", "MeetingMoved", "MeetingCancelled"]);
    let from_us = "From: agent@example.test\nTo: ana@b.com\nMessage-ID: <i4@example.test>\nMIME-Version: 1.0\nContent-Type: text/calendar; method=REQUEST";
    let ours =
        "BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nUID:u2\nDTSTART:20270101T100000Z\nEND:VEVENT\nEND:VCALENDAR";
    mail(&world, from_us, ours).await;
    assert_eq!(types(&world, "ana@b.com").await[3..], ["MeetingBooked"]);
    let Event::MeetingMoved(moved) = &of(&world, "ana@b.com").await[1] else { unreachable!() };
    let meeting = moved.meeting.as_ref().unwrap();
    assert_eq!(
        (meeting.meeting_id.as_str(), meeting.timezone.as_str(), meeting.title.as_str()),
        ("u1", "Europe/Moscow", "Call")
    );
}
