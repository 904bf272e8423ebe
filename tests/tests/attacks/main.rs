//! The house under attack, as one process and as five: while it lasts and after a restart, the neighbour's promise is made, read and kept.
#![allow(clippy::unwrap_used, reason = "tests")]

mod house;

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use base64::Engine as _;
use chrono::{TimeDelta, Utc};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use reqwest::StatusCode;
use serde_json::json;
use steward_tests::{
    lateness::amount,
    mail::written,
    updates::{self, Person},
    whatsapp::notifications::{self, Client},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use house::{House, Shape};

const SOON: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process_holds() {
    holds(Shape::Up).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_processes_hold() {
    holds(Shape::Separate).await;
}

async fn holds(shape: Shape) {
    let mut house = House::start(shape).await.unwrap();
    house.neighbour_is_served("in peace").await;

    ugly_names(&house).await;
    house.neighbour_is_served("ugly names").await;
    house.restarts_in_order("ugly names").await;

    long_texts(&house).await;
    house.restarts_in_order("long texts").await;

    more_promises_than_an_append_holds(&house).await;
    house.restarts_in_order("many promises").await;

    a_crowd_at_one_bot(&house).await;
    let unfinished = unfinished_requests(&house).await;
    house.neighbour_is_served("unfinished requests").await;
    let readers = greedy_readers(&house).await;
    house.neighbour_is_served("greedy readers").await;
    house.restarts_in_order("crowd, unfinished requests, readers").await;
    drop((unfinished, readers));

    house.is_in_order().await;
}

/// Control characters and great lengths where names, addresses and ids are expected.
async fn ugly_names(house: &House) {
    let long = "9".repeat(6_000);
    for recipient in ["ann\rX-Evil: yes@example.org".to_owned(), format!("{long}@example.org"), "a\nb\0c".to_owned()] {
        assert_eq!(house.mail(bounce(&recipient).as_bytes()).await, StatusCode::OK, "{} characters", recipient.len());
    }
    for id in ["wamid.a\r\nb", &long, "\u{0}\u{202e}"] {
        let mut notification = Client::at("34600111222").writes("hello");
        notification["entry"][0]["changes"][0]["value"]["messages"][0]["id"] = json!(id);
        assert_eq!(house.whatsapp(&notification).await, StatusCode::OK);
    }
    for from in [&long, "34\r\n600", "34\u{0}600"] {
        assert_eq!(house.whatsapp(&notifications::text(from, "hello")).await, StatusCode::OK);
    }
    let (owner, client) = (Person::new(7001, "en"), Person::new(55, "en"));
    for connection in [&long, "a\r\nb", "a\u{0}b"] {
        let update = updates::business_message(connection, &client, &owner, "hello");
        assert_eq!(house.telegram(&update).await, StatusCode::OK);
    }
    let named =
        house.system.steward(&["keys", "create", "--tenant", "default", "--role", "reader", "--name", "a\r\nb"]);
    named.unwrap().output().await.unwrap();
}

fn bounce(recipient: &str) -> String {
    let status = format!(
        "Reporting-MTA: dns; mx.example.org\r\n\r\nFinal-Recipient: rfc822; {recipient}\r\nAction: failed\r\nStatus: 5.1.1\r\n"
    );
    let status = base64::engine::general_purpose::STANDARD.encode(status);
    let id = uuid::Uuid::new_v4();
    format!(
        "From: MAILER-DAEMON@example.org\r\nTo: agent@example.com\r\nSubject: Undelivered\r\nMessage-ID: <{id}@example.org>\r\n\
         Date: {}\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nIt failed.\r\n\
         --b\r\nContent-Type: message/delivery-status\r\nContent-Transfer-Encoding: base64\r\n\r\n{status}\r\n--b--\r\n",
        Utc::now().to_rfc2822()
    )
}

/// Texts that took minutes to understand. Meanwhile the house says that it is alive.
async fn long_texts(house: &House) {
    for text in ["a ".repeat(100_000), "write to me in 2 hours, ".repeat(8_000)] {
        let id = format!("{}@example.org", uuid::Uuid::new_v4());
        let mail = written("ann@example.org", &id, "Long", "", &text);
        assert_eq!(house.mail(mail.as_bytes()).await, StatusCode::OK);
        let number = Client::at("34600111333");
        assert_eq!(house.whatsapp(&number.writes(&text)).await, StatusCode::OK);
    }
    for base in [&house.system.read, &house.system.write] {
        let asked = Instant::now();
        let alive = house.system.client.get(format!("{base}/healthz")).send().await.unwrap();
        assert_eq!(alive.status(), StatusCode::OK);
        assert!(asked.elapsed() < Duration::from_secs(10), "it took {:?} to say that it is alive", asked.elapsed());
    }
    house.neighbour_is_served("long texts").await;
    let answered = house.whatsapp.until_taken_for("34600111333", 2, SOON).await;
    answered.unwrap_or_else(|error| panic!("{error:#}\n{}", house.system.said(40)));
}

/// The full show: `STEWARD_CONVERSATIONS=32`.
async fn more_promises_than_an_append_holds(house: &House) {
    let (conversations, promises) = (amount("STEWARD_CONVERSATIONS", 2), 1_050);
    let api = &house.attacked;
    let due_at = (Utc::now() + TimeDelta::days(2)).to_rfc3339();
    let mut made = Vec::new();
    for n in 0..conversations {
        let contact = json!({ "id": format!("keen-{n}") });
        let hello = json!({ "channel_id": "web-main", "contact": contact, "text": "hello" });
        let answer = api.post("/api/v1/messages", &hello).await.unwrap();
        made.push((contact, answer["conversation_id"].as_str().unwrap().to_owned()));
    }
    let wanted = made.iter().flat_map(|(_, id)| (0..promises).map(move |n| (id.clone(), n)));
    let commands = stream::iter(wanted).map(|(id, n)| {
        let due_at = &due_at;
        async move {
            let body = json!({ "conversation_id": id, "text": format!("number {n}"), "due_at": due_at });
            api.post("/api/v1/follow-ups", &body).await
        }
    });
    commands.buffer_unordered(64).try_collect::<Vec<_>>().await.unwrap();
    for (contact, _) in &made {
        let word = json!({ "channel_id": "web-main", "contact": contact, "text": "the colour is green" });
        api.post("/api/v1/messages", &word).await.unwrap();
    }
    house.neighbour_is_served("many promises").await;
    for (_, id) in &made {
        // Of how many it was told that they are cancelled, once none is pending.
        let told_of = Cell::new(None);
        let look = || async {
            // Asked again at each of thousands of events, so no more is read than tells whether it is done.
            let open = api.get(&format!("/api/v1/follow-ups?conversation_id={id}&state=pending&limit=1")).await?;
            if open["items"].as_array().is_none_or(|open| !open.is_empty()) {
                return Ok(None);
            }
            let told = api.items(&format!("/api/v1/events?conversation_id={id}&type=FollowUpCancelled")).await?;
            told_of.set(Some(told.len()));
            Ok((told.len() == promises).then_some(()))
        };
        let told = api.until_in(id, 3 * SOON, look).await;
        told.unwrap_or_else(|error| {
            panic!("not all cancelled and told, told {:?}: {error:#}\n{}", told_of.get(), house.system.said(40))
        });
    }
}

/// Nine hundred people write to one bot that may send thirty messages a second, and others to a mail server that is silent.
async fn a_crowd_at_one_bot(house: &House) {
    let writers = amount("STEWARD_CROWD", 900) as i64;
    stream::iter(0..writers)
        .map(|n| async move { house.telegram(&updates::message(&Person::new(200_000 + n, "en"), "hello")).await })
        .buffer_unordered(32)
        .for_each(|status| async move { assert_eq!(status, StatusCode::OK) })
        .await;
    for n in 0..60 {
        let mail = written(&format!("p{n}@example.org"), &format!("{}@x", uuid::Uuid::new_v4()), "Hi", "", "hello");
        assert_eq!(house.mail(mail.as_bytes()).await, StatusCode::OK);
    }
    house.neighbour_is_served("a crowd at one bot").await;
    assert!(
        house.bot.delivered().len() < writers as usize,
        "the crowd was served before the neighbour: this showed nothing"
    );
}

/// Bodies that don't end, requests that don't begin, connections that say nothing.
async fn unfinished_requests(house: &House) -> Vec<TcpStream> {
    let address = house.system.write.trim_start_matches("http://").to_owned();
    let mut held = Vec::new();
    let body = format!(
        "POST /webhooks/email/mail-main HTTP/1.1\r\nHost: {address}\r\nX-Steward-Signature: {}\r\nContent-Type: message/rfc822\r\n\
         Content-Length: 20000000\r\n\r\n",
        "0".repeat(64)
    );
    for (count, start) in [(40, body.as_str()), (200, "POST /webhooks/telegram/tg-main HTTP/1.1\r\nHo"), (200, "")] {
        for _ in 0..count {
            // Refusing them is fine as well.
            let Ok(mut line) = TcpStream::connect(&address).await else { continue };
            let _ = line.write_all(start.as_bytes()).await;
            held.push(line);
        }
    }
    let some = vec![b'a'; 600_000];
    for line in &mut held[..40] {
        let _ = tokio::time::timeout(Duration::from_millis(200), line.write_all(&some)).await;
    }
    held
}

/// Readers that ask for as much as they can and don't take it.
async fn greedy_readers(house: &House) -> Vec<TcpStream> {
    let address = house.system.read.trim_start_matches("http://").to_owned();
    let key = house.attacked.key.clone().unwrap();
    let mut held = Vec::new();
    for n in 0..60 {
        let path = if n % 2 == 0 { "/api/v1/events?limit=1000" } else { "/api/v1/stream?after=0" };
        let Ok(mut line) = TcpStream::connect(&address).await else { continue };
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\n\r\n");
        let _ = line.write_all(request.as_bytes()).await;
        held.push(line);
    }
    // One at least is answered.
    let mut answer = [0; 12];
    tokio::time::timeout(SOON, held[0].read_exact(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 "), "{}", String::from_utf8_lossy(&answer));
    held
}
