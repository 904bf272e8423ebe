//! Mail, both ways, through a real SMTP server and a real IMAP server.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use hmac::{Hmac, KeyInit as _, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use steward_domain::mail::own_message;
use steward_tests::{
    Config, Mail, System,
    config::{AGENT, MAIL_SECRET},
    mail::{Fault, Received, answer, written},
    system::STOP_WITHIN,
};

const SOON: Duration = Duration::from_secs(120);
const ANN: &str = "ann@example.org";

async fn conversation_on(system: &System, channel: &str, address: &str) -> String {
    let path = format!("/api/v1/conversations?channel_id={channel}&external_id={address}");
    let found = system.until(SOON, || async { Ok(system.items(&path).await?.into_iter().next()) }).await.unwrap();
    found["id"].as_str().unwrap().to_owned()
}

async fn conversation(system: &System, address: &str) -> String {
    conversation_on(system, "mail-main", address).await
}

/// A conversation with Ann that has had an answer.
async fn opened(mail: &Mail, system: &System) -> (String, Received) {
    mail.send(ANN, AGENT, &written(ANN, "hello@example.org", "Hello", "", "Good morning")).await.unwrap();
    let first = mail.until_taken_for(ANN, 1, SOON).await.unwrap().remove(0);
    (conversation(system, ANN).await, first)
}

async fn queue(system: &System, conversation: &str, text: &str) -> String {
    let queued = system.post("/api/v1/outbox", &json!({ "conversation_id": conversation, "text": text })).await;
    queued.unwrap()["id"].as_str().unwrap().to_owned()
}

/// The evidence of a message, once it is in this state.
async fn until_ended(system: &System, message: &str, state: &str) -> Value {
    let path = format!("/api/v1/outbox/{message}/evidence");
    let look = || async {
        let evidence = system.get(&path).await?;
        Ok((evidence["message"]["state"] == state).then_some(evidence))
    };
    match system.until(SOON, look).await {
        Ok(evidence) => evidence,
        Err(error) => panic!("waiting for {state}: {error:#}: {}", system.get(&path).await.unwrap()),
    }
}

fn attempts(evidence: &Value) -> Vec<&str> {
    evidence["attempts"].as_array().unwrap().iter().map(|a| a["outcome"].as_str().unwrap()).collect()
}

/// All mails to Ann so far, and none comes later: another one to her, sent now, is the next.
async fn nothing_more(mail: &Mail, system: &System, conversation: &str) -> usize {
    let before = mail.taken_for(ANN).len();
    let witness = queue(system, conversation, "the witness").await;
    until_ended(system, &witness, "sent").await;
    let texts: Vec<_> = mail.taken_for(ANN).iter().map(Received::text).collect();
    assert_eq!((texts.len(), texts.last().unwrap().as_str()), (before + 1, "the witness"), "{texts:?}");
    before
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_goes_both_ways_and_its_promise_is_kept_in_the_thread() {
    let mail = Mail::start(&[AGENT]).await.unwrap();
    let system = System::start(Config::mail(&mail)).await.unwrap();
    let asked = written(
        ANN,
        "q1@example.org",
        "The contract",
        "References: <q0@example.org>\r\n",
        "write to me in 9 seconds about the contract",
    );
    mail.send(ANN, AGENT, &asked).await.unwrap();
    let confirmed = mail.until_taken_for(ANN, 1, SOON).await.unwrap().remove(0);
    assert!(confirmed.text().contains("write to you today at"), "{}", confirmed.content);
    let header = |mail: &Received, name: &str| mail.header(name).unwrap_or_default();
    assert_eq!(confirmed.from, AGENT);
    assert_eq!(header(&confirmed, "From"), AGENT);
    assert_eq!(header(&confirmed, "To"), ANN);
    assert_eq!(confirmed.subject, "Re: The contract");
    assert_eq!(header(&confirmed, "In-Reply-To"), "<q1@example.org>");
    assert_eq!(header(&confirmed, "References"), "<q0@example.org> <q1@example.org>");
    assert_eq!(header(&confirmed, "Auto-Submitted"), "auto-replied");
    assert!(confirmed.header("Date").is_some() && confirmed.header("List-Unsubscribe").is_none());
    assert!(confirmed.part("text/html").unwrap().contains("write to you today at"), "{}", confirmed.content);
    let id = confirmed.message_id();
    let (message, part) = own_message(&id, AGENT).unwrap_or_else(|| panic!("{id} names no message"));
    let evidence = until_ended(&system, &message.to_string(), "sent").await;
    assert_eq!(part, 0);
    assert_eq!(evidence["attempts"][0]["answer"]["provider_message_id"], id.as_str());
    assert_eq!(evidence["attempts"][0]["answer"]["provider_answer"], "250 2.0.0 taken");

    let kept = mail.until_taken_for(ANN, 2, SOON).await.unwrap().remove(1);
    assert!(kept.text().contains("contract"), "{}", kept.content);
    assert_eq!(kept.subject, "Re: The contract");
    assert_eq!(header(&kept, "In-Reply-To"), "<q1@example.org>");
    assert_eq!(header(&kept, "Auto-Submitted"), "auto-generated");
    assert_eq!(header(&kept, "List-Unsubscribe"), format!("<mailto:{AGENT}?subject=unsubscribe>"));
    let conversation = conversation(&system, ANN).await;
    let follow_up = system.follow_ups(&conversation).await.unwrap().remove(0);
    system.until_state(follow_up["id"].as_str().unwrap(), "sent", SOON).await.unwrap();
    // It was marked as seen only once it was in the log; by now it is.
    assert_eq!(mail.seen(AGENT, "INBOX").await.unwrap(), [true]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_posted_and_found_in_the_mailbox_counts_once() {
    let mail = Mail::start(&[AGENT]).await.unwrap();
    let system = System::start(Config::mail(&mail)).await.unwrap();
    let raw = written(ANN, "posted@example.org", "Hello", "", "Good morning");
    let mut signature = Hmac::<Sha256>::new_from_slice(MAIL_SECRET.as_bytes()).unwrap();
    signature.update(raw.as_bytes());
    let signature = hex::encode(signature.finalize().into_bytes());
    let post = |signature: &str| {
        let url = format!("{}/webhooks/email/mail-main", system.write);
        let request = system.client.post(url).header("Content-Type", "message/rfc822");
        request.header("X-Steward-Signature", signature).body(raw.clone()).send()
    };
    assert_eq!(post(&"0".repeat(64)).await.unwrap().status(), 401);
    assert!(post(&signature).await.unwrap().status().is_success());
    let answered = mail.until_taken_for(ANN, 1, SOON).await.unwrap().remove(0);
    assert_eq!(answered.header("In-Reply-To").as_deref(), Some("<posted@example.org>"));
    mail.send(ANN, AGENT, &raw).await.unwrap();
    mail.send(ANN, AGENT, &answer(&answered, ANN, "second@example.org", "ok, thanks")).await.unwrap();
    let conversation = conversation(&system, ANN).await;
    let said = || async {
        let events = system.events(&conversation).await?;
        let said = |e: &&Value| e["type"] == "ClientResponded";
        Ok(Some(events.iter().filter(said).cloned().collect::<Vec<_>>()).filter(|said| said.len() > 1))
    };
    let said = system.until(SOON, said).await.unwrap();
    let texts: Vec<_> = said.iter().map(|e| e["data"]["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["Good morning", "ok, thanks"], "the copy in the mailbox is no second message; quotes are cut");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_that_the_server_tells_nobody_of_is_found_by_the_next_look() {
    let mail = Mail::start(&[AGENT]).await.unwrap();
    let _system = System::start(Config::mail(&mail)).await.unwrap();
    // Each one after a look that found nothing to wait for: of none of them there are news.
    for n in 1..=3 {
        let id = format!("untold{n}@example.org");
        mail.put_untold(AGENT, &written(ANN, &id, "Hello", "", "Good morning")).await.unwrap();
        mail.until_taken_for(ANN, n, SOON).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clients_mail_cancels_the_promise_and_a_human_blocks_another() {
    let mail = Mail::start(&[AGENT]).await.unwrap();
    let system = System::start(Config::mail(&mail)).await.unwrap();
    let (conversation, first) = opened(&mail, &system).await;
    let due = Utc::now() + TimeDelta::seconds(8);
    let cancelled = system.schedule(&conversation, "never sent", due, &json!({})).await.unwrap();
    mail.send(ANN, AGENT, &answer(&first, ANN, "r1@example.org", "The printer is broken")).await.unwrap();
    let ended = system.until_state(&cancelled, "cancelled", SOON).await.unwrap();
    assert_eq!(ended["reason"]["code"], "client_responded");

    let due = Utc::now() + TimeDelta::seconds(4);
    let never = json!({ "cancel_on": "never" });
    let blocked = system.schedule(&conversation, "never sent either", due, &never).await.unwrap();
    let path = format!("/api/v1/conversations/{conversation}");
    system.post(&format!("{path}/takeover"), &json!({ "by": "anna" })).await.unwrap();
    let ended = system.until_state(&blocked, "cancelled", SOON).await.unwrap();
    assert_eq!(ended["reason"]["code"], "human_active");
    // A person's own mail isn't marked as automatic.
    let theirs = system.post(&format!("{path}/messages"), &json!({ "text": "Anna here" })).await.unwrap();
    until_ended(&system, theirs["id"].as_str().unwrap(), "sent").await;
    let all = mail.taken_for(ANN);
    assert_eq!(all.last().unwrap().text(), "Anna here");
    assert_eq!(all.last().unwrap().header("Auto-Submitted"), None);
    // An answer may name what was cancelled; the promises themselves aren't there.
    assert!(all.iter().all(|mail| !mail.text().starts_with("never sent")), "{all:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_breaks_under_the_mail_leaves_it_unknown_and_nothing_is_sent_twice() {
    let mail = Mail::start(&[AGENT]).await.unwrap();
    let system = System::start(Config::mail(&mail)).await.unwrap();
    let (conversation, _) = opened(&mail, &system).await;
    mail.fail_next(Fault::CutAfter).await.unwrap();
    let lost = queue(&system, &conversation, "perhaps").await;
    let evidence = until_ended(&system, &lost, "unknown").await;
    assert_eq!(attempts(&evidence), ["unknown"]);
    assert_eq!(evidence["ending"]["reason"]["code"], "no_answer", "{evidence}");
    assert_eq!(evidence["attempts"][0]["request_hash"].as_str().unwrap().len(), 64);
    assert_eq!(nothing_more(&mail, &system, &conversation).await, 2, "the greeting, and the one that was taken");
    let once = mail.taken_for(ANN).into_iter().filter(|mail| mail.text() == "perhaps").collect::<Vec<_>>();
    assert_eq!(once.len(), 1);

    // An operator sends it again: it carries the same Message-ID, by which receivers know it.
    system.post(&format!("/api/v1/outbox/{lost}/retry"), &json!({})).await.unwrap();
    until_ended(&system, &lost, "sent").await;
    let twice: Vec<_> = mail.taken_for(ANN).into_iter().filter(|mail| mail.text() == "perhaps").collect();
    assert_eq!(twice.len(), 2);
    assert_eq!(twice[0].message_id(), twice[1].message_id());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_among_the_sent_mails_proves_that_an_unknown_mail_was_taken() {
    let mail = Mail::start_with_copies(&[AGENT]).await.unwrap();
    let system = System::start(Config::mail(&mail)).await.unwrap();
    let (conversation, _) = opened(&mail, &system).await;
    mail.fail_next(Fault::CutAfter).await.unwrap();
    let lost = queue(&system, &conversation, "perhaps").await;
    let evidence = until_ended(&system, &lost, "sent").await;
    assert_eq!(attempts(&evidence), ["unknown"], "one attempt, whose answer was lost: {evidence}");
    assert_eq!(evidence["receipts"][0]["status"], "sent", "{evidence}");
    assert_eq!(nothing_more(&mail, &system, &conversation).await, 2);
    let id = mail.taken_for(ANN)[1].message_id();
    assert_eq!(evidence["receipts"][0]["provider_message_id"], id.as_str());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_to_an_unknown_mail_proves_that_it_arrived() {
    let mail = Mail::start(&[AGENT]).await.unwrap();
    let system = System::start(Config::mail(&mail)).await.unwrap();
    let (conversation, _) = opened(&mail, &system).await;
    mail.fail_next(Fault::CutAfter).await.unwrap();
    let lost = queue(&system, &conversation, "perhaps").await;
    until_ended(&system, &lost, "unknown").await;
    let perhaps = mail.until_taken_for(ANN, 2, SOON).await.unwrap().remove(1);
    mail.send(ANN, AGENT, &answer(&perhaps, ANN, "got-it@example.org", "I have it")).await.unwrap();
    let evidence = until_ended(&system, &lost, "delivered").await;
    assert_eq!(attempts(&evidence), ["unknown"], "{evidence}");
    assert_eq!(evidence["receipts"][0]["provider_message_id"], perhaps.message_id().as_str());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_server_says_before_the_mail_is_on_its_way_is_final_or_passing() {
    let mail = Mail::start(&[AGENT]).await.unwrap();
    let system = System::start(Config::mail(&mail)).await.unwrap();
    let (conversation, _) = opened(&mail, &system).await;
    let rows: [(Fault, &[&str], Option<&str>); 6] = [
        (Fault::CutBefore, &["deferred", "sent"], None),
        (Fault::Recipient("451 4.7.1 greylisted, come back"), &["deferred", "sent"], None),
        (Fault::Content("452 4.3.1 no space"), &["deferred", "sent"], None),
        (Fault::Recipient("550 5.1.1 nobody of that name"), &["failed"], Some("no_such_recipient")),
        (Fault::Recipient("550 5.7.1 not from you"), &["failed"], Some("provider_refused")),
        (Fault::Content("554 5.6.0 looks like spam"), &["failed"], Some("provider_refused")),
    ];
    for (n, (fault, outcomes, code)) in rows.into_iter().enumerate() {
        let before = mail.taken_for(ANN).len();
        mail.fail_next(fault).await.unwrap();
        let id = queue(&system, &conversation, &format!("row {n}")).await;
        let evidence = until_ended(&system, &id, outcomes.last().unwrap()).await;
        assert_eq!(attempts(&evidence), outcomes, "{fault:?}: {evidence}");
        assert_eq!(evidence["ending"]["reason"]["code"].as_str(), code, "{fault:?}: {evidence}");
        let taken = usize::from(code.is_none());
        assert_eq!(mail.taken_for(ANN).len(), before + taken, "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_to_go_waits_for_a_server_that_is_down_and_new_mail_is_read_when_it_is_back() {
    let mut mail = Mail::start(&[AGENT]).await.unwrap();
    let system = System::start(Config::mail(&mail)).await.unwrap();
    let (conversation, _) = opened(&mail, &system).await;
    mail.go_down().await.unwrap();
    let waits = queue(&system, &conversation, "it waits").await;
    let deferred = system.until(SOON, || async {
        Ok(system.events(&conversation).await?.into_iter().find(|e| e["type"] == "DispatchDeferred"))
    });
    assert_eq!(deferred.await.unwrap()["data"]["reason"]["code"], "not_connected");
    mail.come_back(&[AGENT]).await.unwrap();
    until_ended(&system, &waits, "sent").await;
    let there = mail.until_taken_for(ANN, 1, SOON).await.unwrap();
    assert_eq!(there[0].text(), "it waits");
    mail.send(ANN, AGENT, &answer(&there[0], ANN, "back@example.org", "Are you there?")).await.unwrap();
    mail.until_taken_for(ANN, 2, SOON).await.unwrap();
    let said = system.events(&conversation).await.unwrap();
    let said: Vec<_> = said.iter().filter(|e| e["type"] == "ClientResponded").map(|e| &e["data"]["text"]).collect();
    assert_eq!(said, ["Good morning", "Are you there?"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_autoresponders_exchange_one_mail() {
    const OTHER: &str = "other@example.net";
    let mail = Mail::start(&[AGENT, OTHER]).await.unwrap();
    let mut config = Config::mail(&mail);
    config.add_mail("mail-other", OTHER, &mail.smtp_url(), Some(&mail.imap_url(OTHER)), "rate_limit = \"off\"");
    let system = System::start(config).await.unwrap();
    // The one writes to the other, as a person did: this is the mail that begins it.
    let first = written(OTHER, "begin@example.net", "Hello", "", "write to me in 1 hour about the contract");
    mail.send(OTHER, AGENT, &first).await.unwrap();
    let answered = mail.until_taken_for(OTHER, 1, SOON).await.unwrap().remove(0);
    assert_eq!(answered.header("Auto-Submitted").as_deref(), Some("auto-replied"));
    // The answer has come in at the other, who keeps it and says nothing.
    let there = conversation_on(&system, "mail-other", AGENT).await;
    let kept = system.until(SOON, || async {
        let events = system.events(&there).await?;
        Ok(events.into_iter().find(|e| e["type"] == "UpdateKept"))
    });
    assert_eq!(kept.await.unwrap()["data"]["kind"], "auto_reply");
    // Whatever the other said would come before this.
    let witness = queue(&system, &there, "the witness").await;
    until_ended(&system, &witness, "sent").await;
    let to_agent: Vec<_> = mail.taken_for(AGENT).iter().map(Received::text).collect();
    assert_eq!(to_agent, ["write to me in 1 hour about the contract", "the witness"]);
    assert_eq!(mail.taken_for(OTHER).len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bounce_marks_the_message_as_failed() {
    let mail = Mail::start(&[AGENT]).await.unwrap();
    let system = System::start(Config::mail(&mail)).await.unwrap();
    let (conversation, _) = opened(&mail, &system).await;
    let id = queue(&system, &conversation, "to be returned").await;
    until_ended(&system, &id, "sent").await;
    let sent = mail.until_taken_for(ANN, 2, SOON).await.unwrap().remove(1);
    // RFC 3464, as mail servers write it.
    let bounce = format!(
        "From: Mail Delivery System <MAILER-DAEMON@mx.example.org>\r\nTo: {AGENT}\r\nSubject: Undelivered Mail Returned to Sender\r\n\
         Date: {date}\r\nMessage-ID: <dsn1@mx.example.org>\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"b1\"\r\n\r\n\
         --b1\r\nContent-Type: text/plain\r\n\r\nI'm sorry to have to inform you that your message could not be delivered.\r\n\r\n\
         --b1\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.org\r\n\r\n\
         Final-Recipient: rfc822; {ANN}\r\nAction: failed\r\nStatus: 5.1.1\r\n\
         Diagnostic-Code: smtp; 550 5.1.1 <{ANN}>: user unknown\r\n\r\n\
         --b1\r\nContent-Type: text/rfc822-headers\r\n\r\nFrom: {AGENT}\r\nTo: {ANN}\r\nMessage-ID: {of}\r\nSubject: {subject}\r\n\r\n--b1--\r\n",
        date = Utc::now().to_rfc2822(),
        of = sent.message_id(),
        subject = sent.subject,
    );
    mail.send("", AGENT, &bounce).await.unwrap();
    let evidence = until_ended(&system, &id, "failed").await;
    assert_eq!(evidence["ending"]["reason"]["code"], "bounced", "{evidence}");
    assert_eq!(evidence["receipts"][0]["provider_code"], "5.1.1", "{evidence}");
    // Nobody answers a bounce.
    assert_eq!(
        mail.taken().into_iter().filter(|mail| mail.to.iter().any(|to| to.contains("mx.example.org"))).count(),
        0
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_who_writes_with_the_same_mailbox_takes_over() {
    let mail = Mail::start_with_copies(&[AGENT]).await.unwrap();
    let system = System::start(Config::mail(&mail)).await.unwrap();
    let (conversation, first) = opened(&mail, &system).await;
    // Their mail program puts its copy among the sent mails.
    let theirs = answer(&first, AGENT, "by-hand@example.com", "I'll see to it myself")
        .replace(&format!("To: {AGENT}"), &format!("To: {ANN}"));
    mail.put(AGENT, "Sent", &theirs, true).await.unwrap();
    let taken = system.until(SOON, || async {
        let found = system.get(&format!("/api/v1/conversations/{conversation}")).await?;
        Ok((found["owner"] == "human").then_some(found))
    });
    assert_eq!(taken.await.unwrap()["takeover"]["via"], "detected");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mail_goes_and_comes_over_tls_with_a_login_and_never_past_a_wrong_certificate() {
    let mail = Mail::start_with_tls(&[AGENT]).await.unwrap();
    let authority = mail.authority().unwrap();
    for smtp_url in [mail.smtps_url(AGENT), mail.submission_url(AGENT)] {
        let mut config = Config::web().with_env("SSL_CERT_FILE", authority.to_str().unwrap());
        config.add_mail("mail-main", AGENT, &smtp_url, Some(&mail.imaps_url(AGENT)), "");
        let mut system = System::start(config).await.unwrap();
        let before = mail.taken_for(ANN).len();
        let id = format!("tls-{before}@example.org");
        mail.send(ANN, AGENT, &written(ANN, &id, "Hello", "", "Good morning")).await.unwrap();
        let answered = mail.until_taken_for(ANN, before + 1, SOON).await.unwrap().remove(before);
        assert_eq!(answered.login.as_deref(), Some(AGENT));
        // Waiting for mail holds up no stop.
        for (name, status, took) in system.stop().await.unwrap() {
            assert!(status.success() && took < STOP_WITHIN, "{name} ended with {status} after {took:?}");
        }
    }
    // The machine's own authorities know nothing of these servers.
    let mut config = Config::web();
    config.add_mail("mail-main", AGENT, &mail.smtps_url(AGENT), None, "");
    let system = System::start(config).await.unwrap();
    let before = mail.taken_for(ANN).len();
    let raw = written(ANN, "untrusted@example.org", "Hello", "", "Good morning");
    let mut signature = Hmac::<Sha256>::new_from_slice(MAIL_SECRET.as_bytes()).unwrap();
    signature.update(raw.as_bytes());
    let posted = system
        .client
        .post(format!("{}/webhooks/email", system.write))
        .header("X-Steward-Signature", hex::encode(signature.finalize().into_bytes()))
        .body(raw)
        .send();
    assert!(posted.await.unwrap().status().is_success());
    let conversation = conversation(&system, ANN).await;
    let deferred = system.until(SOON, || async {
        Ok(system.events(&conversation).await?.into_iter().find(|e| e["type"] == "DispatchDeferred"))
    });
    let deferred = deferred.await.unwrap();
    assert_eq!(deferred["data"]["reason"]["code"], "not_connected", "{deferred}");
    assert_eq!(mail.taken_for(ANN).len(), before);
}
