//! WhatsApp both ways, on a stand-in for the Cloud API: promises kept and not, takeover, statuses, the service window.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use steward_tests::{
    System, WhatsApp,
    whatsapp::{
        APP_SECRET, Fault, OPERATOR, Taken, VERIFY_TOKEN,
        notifications::{self, Client},
    },
};

const SOON: Duration = Duration::from_secs(120);
const ANA: &str = "34600111222";

async fn start(keys: &str) -> (WhatsApp, System) {
    let whatsapp = WhatsApp::start().await.unwrap();
    let system = System::start(whatsapp.config(keys)).await.unwrap();
    (whatsapp, system)
}

/// Ana has written, and has been answered: her conversation's id.
async fn opened(whatsapp: &WhatsApp, system: &System) -> String {
    system.whatsapp(&notifications::text(ANA, "здравствуйте")).await.unwrap();
    whatsapp.until_taken_for(ANA, 1, SOON).await.unwrap();
    let conversation = system.whatsapp_conversation(ANA).await.unwrap();
    conversation["id"].as_str().unwrap().to_owned()
}

async fn until_message(system: &System, id: &str, state: &str) -> Value {
    let look = || async {
        let found = system.get(&format!("/api/v1/outbox/{id}")).await?;
        Ok((found["state"] == state).then_some(found))
    };
    match system.until(SOON, look).await {
        Ok(found) => found,
        Err(error) => {
            let now = system.get(&format!("/api/v1/outbox/{id}")).await.unwrap();
            panic!("waiting for {state}: {error:#}: {now}");
        }
    }
}

async fn until_event(system: &System, conversation: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let look = || async { Ok(system.events(conversation).await?.into_iter().find(&wanted)) };
    system.until(SOON, look).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handshake_is_answered_with_the_bare_challenge_and_only_with_the_right_token() {
    let (_whatsapp, system) = start("").await;
    let ask = |query: String| {
        let url = format!("{}/webhooks/whatsapp/wa-main?{query}", system.write);
        system.answer(system.client.get(url))
    };
    let query = |token: &str| format!("hub.mode=subscribe&hub.challenge=11582%2001444&hub.verify_token={token}");
    let right = ask(query(VERIFY_TOKEN)).await.unwrap();
    assert!(right.status.is_success() && right.content_type.starts_with("text/plain"), "{right:?}");
    assert_eq!(right.body, json!("11582 01444"));
    for query in [query("verify-mE"), query(""), String::new(), "hub.verify_token=%ff".to_owned()] {
        ask(query).await.unwrap().problem(403).unwrap();
    }
    ask(format!("hub.verify_token={VERIFY_TOKEN}")).await.unwrap().problem(400).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_signed_with_the_apps_secret_or_is_no_notification_is_refused_and_leaves_nothing() {
    let (_whatsapp, system) = start("").await;
    let body = notifications::text(ANA, "здравствуйте").to_string().into_bytes();
    let right = notifications::signature(&body);
    let mut wrong = right.clone().into_bytes();
    *wrong.last_mut().unwrap() ^= 1;
    let wrong = String::from_utf8(wrong).unwrap();
    for signature in ["", "sha256=", "sha256=zz", wrong.as_str(), right.strip_prefix("sha256=").unwrap()] {
        let (status, _) = system.whatsapp_bytes(body.clone(), signature).await.unwrap();
        assert_eq!(status, 401, "{signature}");
    }
    let mut changed = body.clone();
    changed.push(b' ');
    assert_eq!(system.whatsapp_bytes(changed, &right).await.unwrap().0, 401);
    for (body, status) in [
        (b"[1]".to_vec(), 400),
        (b"{".to_vec(), 400),
        (b"{\"x\": \"\xff\"}".to_vec(), 400),
        (Vec::new(), 400),
        (vec![b' '; (3 << 20) + 1], 413),
    ] {
        let signature = notifications::signature(&body);
        assert_eq!(system.whatsapp_bytes(body, &signature).await.unwrap().0, status);
    }
    assert!(system.items("/api/v1/events").await.unwrap().is_empty());
    // Meta escapes what isn't ASCII, and signs what it escaped.
    let escaped = String::from_utf8(body).unwrap().replace("здравствуйте", "\\u0437\\u0434");
    let signature = notifications::signature(escaped.as_bytes());
    assert_eq!(system.whatsapp_bytes(escaped.into_bytes(), &signature).await.unwrap().0, 200);
    system.whatsapp_conversation(ANA).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promise_is_confirmed_kept_and_followed_to_its_reader() {
    let (whatsapp, system) = start("").await;
    system.whatsapp(&notifications::text(ANA, "напиши через 8 секунд про договор")).await.unwrap();
    let confirmed = whatsapp.until_taken_for(ANA, 1, SOON).await.unwrap();
    assert!(confirmed[0].text.contains("напишу вам сегодня в "), "{}", confirmed[0].text);
    let sent = whatsapp.until_taken_for(ANA, 2, SOON).await.unwrap().remove(1);
    assert!(sent.text.contains("договор"), "{}", sent.text);
    let conversation = system.whatsapp_conversation(ANA).await.unwrap();
    assert_eq!((&conversation["channel"], &conversation["contact"]["name"]), (&json!("whatsapp"), &json!("Ana")));
    let conversation = conversation["id"].as_str().unwrap();
    let follow_up = system.follow_ups(conversation).await.unwrap().remove(0);
    let kept = system.until_state(follow_up["id"].as_str().unwrap(), "sent", SOON).await.unwrap();
    let message = kept["message_id"].as_str().unwrap();
    // Statuses come in any order, twice, or not at all; states only go forward.
    for (status, state) in [("read", "read"), ("sent", "read"), ("delivered", "read"), ("read", "read")] {
        system.whatsapp(&notifications::status(&sent, status)).await.unwrap();
        let found = until_message(&system, message, state).await;
        assert_eq!(found["external_id"], json!(sent.id), "{found}");
    }
    let reported = system.events_of_type("DeliveryReported").await.unwrap();
    assert_eq!(reported.len(), 3, "a status that comes twice is recorded once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_turn_answers_is_marked_as_read() {
    let (whatsapp, system) = start("").await;
    let written = notifications::text(ANA, "здравствуйте");
    let id = written["entry"][0]["changes"][0]["value"]["messages"][0]["id"].clone();
    system.whatsapp(&written).await.unwrap();
    let call = whatsapp.until_called(SOON, |call| call.body["status"] == "read").await.unwrap();
    assert_eq!(call.body["message_id"], id);
    whatsapp.until_taken_for(ANA, 1, SOON).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clients_word_cancels_a_promise_and_a_reaction_does_not() {
    let (whatsapp, system) = start("").await;
    let conversation = opened(&whatsapp, &system).await;
    let due = Utc::now() + TimeDelta::seconds(5);
    let kept = system.schedule(&conversation, "kept", due, &json!({})).await.unwrap();
    let answer = whatsapp.taken_for(ANA).remove(0);
    system.whatsapp(&Client::at(ANA).reacts(&answer.id, "👍")).await.unwrap();
    system.whatsapp(&notifications::status(&answer, "read")).await.unwrap();
    system.until_state(&kept, "sent", SOON).await.unwrap();
    let due = Utc::now() + TimeDelta::seconds(30);
    let cancelled = system.schedule(&conversation, "cancelled", due, &json!({})).await.unwrap();
    system.whatsapp(&Client::at(ANA).presses("yes", "Да")).await.unwrap();
    let ended = system.until_state(&cancelled, "cancelled", SOON).await.unwrap();
    assert_eq!(ended["reason"]["code"], "client_responded");
    assert!(whatsapp.taken().iter().all(|t| t.text != "cancelled"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_writes_in_the_business_app_takes_over_and_what_is_due_is_not_sent() {
    let (whatsapp, system) = start("").await;
    let conversation = opened(&whatsapp, &system).await;
    let due = Utc::now() + TimeDelta::seconds(4);
    let never = json!({ "cancel_on": "never" });
    let blocked = system.schedule(&conversation, "blocked", due, &never).await.unwrap();
    system.whatsapp(&notifications::echo(ANA, "Анна на связи")).await.unwrap();
    let look = || async {
        let found = system.get(&format!("/api/v1/conversations/{conversation}")).await?;
        Ok((found["owner"] == "human").then_some(found))
    };
    let taken = system.until(SOON, look).await.unwrap();
    assert_eq!(taken["takeover"]["via"], "detected");
    let ended = system.until_state(&blocked, "cancelled", SOON).await.unwrap();
    assert_eq!(ended["reason"]["code"], "human_active");
    // In the app's own chat the commands work as well.
    system.whatsapp(&notifications::echo(ANA, "/human_release")).await.unwrap();
    let look = || async {
        let found = system.get(&format!("/api/v1/conversations/{conversation}")).await?;
        Ok((found["owner"] == "bot").then_some(()))
    };
    system.until(SOON, look).await.unwrap();
    assert!(whatsapp.taken().iter().all(|t| t.text != "blocked"));
    let words = |e: &Value| e["type"] == "ClientResponded" && e["data"]["text"] == "Анна на связи";
    assert!(!system.events(&conversation).await.unwrap().iter().any(words), "an echo is not the client's word");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_takes_over_writes_and_gives_back_from_their_own_number() {
    let (whatsapp, system) = start("").await;
    let conversation = opened(&whatsapp, &system).await;
    let path = format!("/api/v1/conversations/{conversation}");
    let until_owner = async |owner: &str| {
        let look = || async {
            let found = system.get(&path).await?;
            Ok((found["owner"] == owner).then_some(found))
        };
        system.until(SOON, look).await.unwrap()
    };
    system.whatsapp(&notifications::text(OPERATOR, &format!("/human_active {ANA}"))).await.unwrap();
    assert_eq!(until_owner("human").await["takeover"]["by"], OPERATOR);
    system.whatsapp(&notifications::text(OPERATOR, &format!("HUMAN: {ANA} Добрый день, это Анна"))).await.unwrap();
    whatsapp.until(SOON, |all| all.iter().find(|t| t.text == "Добрый день, это Анна").map(drop)).await.unwrap();
    system.whatsapp(&notifications::text(OPERATOR, &format!("/human_release {ANA}"))).await.unwrap();
    until_owner("bot").await;
    // A prefix in the business app's own chat takes over as well; the client has it already, so nothing is sent.
    system.whatsapp(&notifications::echo(ANA, "HUMAN: уже здесь")).await.unwrap();
    assert_eq!(until_owner("human").await["takeover"]["via"], "prefix");
    system.post(&format!("{path}/release"), &json!({ "by": "anna" })).await.unwrap();
    until_owner("bot").await;
    // Who forgets to name the client is told how.
    system.whatsapp(&notifications::text(OPERATOR, "/human_active")).await.unwrap();
    let told = whatsapp.until_taken_for(OPERATOR, 1, SOON).await.unwrap();
    assert!(told[0].text.contains("/human_active"), "{}", told[0].text);
    assert!(whatsapp.taken().iter().all(|t| !t.text.contains("уже здесь")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_names_a_client_by_any_form_of_their_number() {
    let (whatsapp, system) = start("").await;
    for (client, named) in
        [("5215512345678", "525512345678"), ("551187654321", "+5511987654321"), ("5491123456789", "541123456789")]
    {
        system.whatsapp(&notifications::text(client, "hola")).await.unwrap();
        whatsapp.until_taken_for(client, 1, SOON).await.unwrap();
        let words = format!("Soy Ana, le escribo yo a {client}");
        system.whatsapp(&notifications::text(OPERATOR, &format!("HUMAN: {named} {words}"))).await.unwrap();
        let said = |all: &[Taken]| all.iter().find(|t| t.text == words).map(|t| t.to.clone());
        assert_eq!(whatsapp.until(SOON, said).await.unwrap(), client, "{named}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_call_for_several_numbers_reaches_each_numbers_own_channel() {
    let whatsapp = WhatsApp::start().await.unwrap();
    let other = |id: &str, number: &str, more: &str| {
        format!(
            "id = \"{id}\"\nkind = \"whatsapp\"\nphone_number_id = \"{number}\"\naccess_token = \"a\"\n\
             app_secret = \"{APP_SECRET}\"\nverify_token = \"v\"\napi_base = \"{}\"\n{more}",
            whatsapp.base()
        )
    };
    let config = whatsapp.config("");
    let config =
        config.with_channel(&other("wa-two", "2", "")).with_channel(&other("wa-foreign", "3", "tenant = \"foreign\""));
    let system = System::start(config).await.unwrap();
    let mut call = notifications::text(ANA, "to the first");
    for (number, text) in [("2", "to the second"), ("3", "to another tenant's"), ("4", "to nobody's")] {
        let mut more = notifications::text(ANA, text);
        let mut entry = more["entry"][0].take();
        entry["changes"][0]["value"]["metadata"]["phone_number_id"] = json!(number);
        call["entry"].as_array_mut().unwrap().push(entry);
    }
    system.whatsapp(&call).await.unwrap();
    system.whatsapp_conversation(ANA).await.unwrap();
    let look = || async {
        let events = system.items("/api/v1/events").await?;
        let place = |e: &Value| {
            let text = e["data"]["source"]["channel_id"].as_str()?;
            Some((text.to_owned(), e["type"].as_str()?.to_owned(), e["data"]["kind"].as_str()?.to_owned()))
        };
        let mut found: Vec<_> = events.iter().filter_map(place).collect();
        found.sort();
        Ok((found.len() >= 4).then_some(found))
    };
    let found = system.until(SOON, look).await.unwrap();
    let is = |channel: &str, what: &str, kind: &str| (channel.to_owned(), what.to_owned(), kind.to_owned());
    let kept = is("wa-main", "UpdateKept", "other_number");
    let expected =
        [is("wa-main", "ClientResponded", "text"), kept.clone(), kept, is("wa-two", "ClientResponded", "text")];
    assert_eq!(found, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_echo_of_our_own_send_is_no_human() {
    let (whatsapp, system) = start("").await;
    let conversation = opened(&whatsapp, &system).await;
    let answer = whatsapp.taken_for(ANA).remove(0);
    until_event(&system, &conversation, |e| e["type"] == "DispatchSucceeded").await;
    let mut echo = notifications::echo(ANA, &answer.text);
    echo["entry"][0]["changes"][0]["value"]["message_echoes"][0]["id"] = json!(answer.id);
    system.whatsapp(&echo).await.unwrap();
    until_event(&system, &conversation, |e| e["data"]["kind"] == "own_echo").await;
    let found = system.get(&format!("/api/v1/conversations/{conversation}")).await.unwrap();
    assert_eq!(found["owner"], "bot");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_send_whose_line_broke_is_unknown_until_its_status_proves_it_and_is_never_repeated() {
    let (whatsapp, system) = start("").await;
    let conversation = opened(&whatsapp, &system).await;
    whatsapp.fail_next_to(ANA, Fault::DropAfter);
    let due = Utc::now() + TimeDelta::seconds(1);
    let id = system.schedule(&conversation, "taken, and nobody said so", due, &json!({})).await.unwrap();
    let unknown = system.until_state(&id, "unknown", SOON).await.unwrap();
    let message = unknown["message_id"].as_str().unwrap();
    assert_eq!(until_message(&system, message, "unknown").await["reason"]["code"], "no_answer");
    let taken = whatsapp.taken().into_iter().find(|t| t.text == "taken, and nobody said so").unwrap();
    system.whatsapp(&notifications::status(&taken, "sent")).await.unwrap();
    system.until_state(&id, "sent", SOON).await.unwrap();
    let settled = until_message(&system, message, "sent").await;
    assert_eq!(settled["external_id"], json!(taken.id), "{settled}");
    system.whatsapp(&notifications::status(&taken, "delivered")).await.unwrap();
    until_message(&system, message, "delivered").await;
    assert_eq!(whatsapp.taken().iter().filter(|t| t.text == taken.text).count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outside_the_service_window_a_template_goes_and_without_one_the_message_waits_for_a_person() {
    let keys = "[[channels.templates]]\npurpose = \"reminder\"\nlanguage = \"ru\"\nname = \"we_remind\"\nparameters = [\"name\", \"text\"]\n";
    let (whatsapp, system) = start(keys).await;
    whatsapp.approve_template("we_remind");
    let conversation = opened(&whatsapp, &system).await;
    system.whatsapp(&notifications::text(ANA, "напомни через 9 секунд позвонить маме")).await.unwrap();
    whatsapp.until_taken_for(ANA, 2, SOON).await.unwrap();
    // The provider's own count says that it is closed, whatever ours says.
    whatsapp.close_window(ANA);
    let template = whatsapp.until(SOON, |all| all.iter().find(|t| t.body["type"] == "template").cloned());
    let template = template.await.unwrap();
    assert!(template.text.starts_with("Ana | ") && template.text.contains("позвонить маме"), "{}", template.text);
    assert_eq!(template.body["template"]["language"]["code"], "ru");
    let started = until_event(&system, &conversation, |e| e["data"]["template"] == "we_remind").await;
    assert_eq!(started["type"], "DispatchStarted");
    // No template is for this.
    let due = Utc::now() + TimeDelta::seconds(1);
    let id = system.schedule(&conversation, "about the contract", due, &json!({})).await.unwrap();
    let held = |e: &Value| e["type"] == "MessageHeld" && e["data"]["follow_up_id"] == id.as_str();
    let held = until_event(&system, &conversation, held).await;
    assert_eq!(held["data"]["reason"]["code"], "window_closed");
    let message = held["data"]["message_id"].as_str().unwrap();
    assert_eq!(until_message(&system, message, "held").await["reason"]["code"], "window_closed");
    assert!(whatsapp.taken().iter().all(|t| t.text != "about the contract"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_taken_and_then_reported_as_outside_the_window_goes_once_more_as_a_template() {
    let keys = "[[channels.templates]]\npurpose = \"follow_up\"\nlanguage = \"ru\"\nname = \"we_write\"\nparameters = [\"text\"]\n";
    let (whatsapp, system) = start(keys).await;
    whatsapp.approve_template("we_write");
    system.whatsapp(&notifications::text(ANA, "напиши через 9 секунд про договор")).await.unwrap();
    let first = whatsapp.until_taken_for(ANA, 2, SOON).await.unwrap().remove(1);
    assert_eq!(first.body["type"], "text");
    system.whatsapp(&notifications::failure(&first, 131_047)).await.unwrap();
    let again = whatsapp.until_taken_for(ANA, 3, SOON).await.unwrap().remove(2);
    assert_eq!((&again.body["type"], again.text.as_str()), (&json!("template"), first.text.as_str()));
    // Were that refused as well, nothing more would go.
    system.whatsapp(&notifications::failure(&again, 131_047)).await.unwrap();
    let conversation = system.whatsapp_conversation(ANA).await.unwrap();
    let conversation = conversation["id"].as_str().unwrap();
    let follow_up = system.follow_ups(conversation).await.unwrap().remove(0);
    let failed = system.until_state(follow_up["id"].as_str().unwrap(), "failed", SOON).await.unwrap();
    assert_eq!(failed["reason"]["code"], "window_closed");
    let retried = system.events(conversation).await.unwrap();
    assert_eq!(retried.iter().filter(|e| e["type"] == "MessageRetried").count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_answer_of_the_provider_leads_where_its_code_says() {
    let (whatsapp, system) = start("").await;
    let never = json!({ "cancel_on": "never" });
    let rows: [(&str, Fault, &str, &str, usize); 7] = [
        ("throughput", Fault::Code(130_429), "sent", "", 1),
        ("trouble of its own", Fault::Code(131_016), "sent", "", 1),
        ("undeliverable", Fault::Code(131_026), "failed", "blocked", 0),
        ("marketing unwanted", Fault::Code(131_050), "failed", "opted_out", 0),
        ("a code of tomorrow", Fault::Code(999_999), "failed", "provider_refused", 0),
        ("a gateway's page", Fault::GatewayPage(502), "unknown", "no_answer", 0),
        ("half an answer", Fault::Truncated, "unknown", "no_answer", 1),
    ];
    let mut made = Vec::new();
    for (n, (name, fault, ..)) in rows.iter().enumerate() {
        let number = format!("3460000000{n}");
        system.whatsapp(&notifications::text(&number, "здравствуйте")).await.unwrap();
        whatsapp.until_taken_for(&number, 1, SOON).await.unwrap();
        let conversation = system.whatsapp_conversation(&number).await.unwrap();
        whatsapp.fail_next_to(&number, fault.clone());
        let due = Utc::now() + TimeDelta::seconds(1);
        made.push(system.schedule(conversation["id"].as_str().unwrap(), name, due, &never).await.unwrap());
    }
    for ((name, _, state, code, taken), id) in rows.iter().zip(&made) {
        let found = system.until_state(id, state, SOON).await.unwrap();
        let times = whatsapp.taken().iter().filter(|t| t.text == *name).count();
        println!("{name:<20} {state:<8} {} taken {times}", found["reason"]["text"]);
        assert_eq!(times, *taken, "{name}");
        assert!(code.is_empty() || found["reason"]["code"] == *code, "{name}: {found}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pair_limit_and_a_bad_token_put_a_message_off_and_lose_nothing() {
    let (whatsapp, system) = start("").await;
    let conversation = opened(&whatsapp, &system).await;
    let never = json!({ "cancel_on": "never" });
    for (code, reason, least) in [(131_056, "rate_limited", 6), (190, "unauthorized", 600)] {
        whatsapp.fail_next_to(ANA, Fault::Code(code));
        let due = Utc::now() + TimeDelta::seconds(1);
        system.schedule(&conversation, &format!("after {code}"), due, &never).await.unwrap();
        let is_it = |e: &Value| e["type"] == "DispatchDeferred" && e["data"]["reason"]["code"] == reason;
        let deferred = until_event(&system, &conversation, is_it).await;
        let time = |value: &Value| value.as_str().unwrap().parse::<chrono::DateTime<Utc>>().unwrap();
        let pause = time(&deferred["data"]["until"]) - time(&deferred["at"]);
        assert!((pause - TimeDelta::seconds(least)).abs() < TimeDelta::seconds(2), "{code}: {pause}");
    }
    whatsapp.until(SOON, |all| all.iter().find(|t| t.text == "after 131056").map(drop)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_reported_later_marks_the_message() {
    let (whatsapp, system) = start("").await;
    let conversation = opened(&whatsapp, &system).await;
    let due = Utc::now() + TimeDelta::seconds(1);
    let id = system.schedule(&conversation, "bound to fail", due, &json!({})).await.unwrap();
    let sent = system.until_state(&id, "sent", SOON).await.unwrap();
    let taken = whatsapp.taken().into_iter().find(|t| t.text == "bound to fail").unwrap();
    system.whatsapp(&notifications::failure(&taken, 131_026)).await.unwrap();
    let failed = until_message(&system, sent["message_id"].as_str().unwrap(), "failed").await;
    assert_eq!(failed["reason"]["code"], "blocked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_person_is_one_conversation_by_number_by_id_and_after_a_new_number() {
    let (whatsapp, system) = start("").await;
    let id_alone = Client { number: None, user_id: Some("ES.13491208655302741918") };
    let both = Client { number: Some(ANA), ..id_alone };
    system.whatsapp(&id_alone.writes("hello, it is me")).await.unwrap();
    let answers = whatsapp.until_taken_for("ES.13491208655302741918", 1, SOON).await.unwrap();
    assert_eq!(answers[0].body["recipient"], "ES.13491208655302741918");
    let conversation = system.whatsapp_conversation("ES.13491208655302741918").await.unwrap();
    let conversation = conversation["id"].as_str().unwrap();
    // The number becomes known: from now on that is written to, and it leads here even alone.
    system.whatsapp(&both.writes("now with my number")).await.unwrap();
    whatsapp.until_taken_for(ANA, 1, SOON).await.unwrap();
    system.whatsapp(&Client::at(ANA).writes("only the number")).await.unwrap();
    system.whatsapp(&id_alone.writes("only the id")).await.unwrap();
    // A new number.
    system.whatsapp(&both.moves_to("34600999888")).await.unwrap();
    system.whatsapp(&Client::at("34600999888").writes("from the new one")).await.unwrap();
    whatsapp.until_taken_for("34600999888", 1, SOON).await.unwrap();
    // Whoever has the old one now is somebody else.
    system.whatsapp(&Client::at(ANA).writes("I am somebody else")).await.unwrap();
    let other = until_words(&system, "I am somebody else").await;
    assert_ne!(other["conversation_id"], conversation);
    let words: Vec<String> = system
        .events(conversation)
        .await
        .unwrap()
        .iter()
        .filter(|e| e["type"] == "ClientResponded")
        .map(|e| e["data"]["text"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(words, ["hello, it is me", "now with my number", "only the number", "only the id", "from the new one"]);
    let found = system.get(&format!("/api/v1/conversations/{conversation}")).await.unwrap();
    assert_eq!(found["external_id"], "34600999888");
}

/// The message with these words, in whatever conversation it is.
async fn until_words(system: &System, text: &str) -> Value {
    let look = || async {
        for conversation in system.items("/api/v1/conversations").await? {
            let id = conversation["id"].as_str().unwrap_or_default().to_owned();
            let messages = system.items(&format!("/api/v1/conversations/{id}/messages")).await?;
            if let Some(found) = messages.into_iter().find(|m| m["text"] == text) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    };
    system.until(SOON, look).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_persons_messages_of_one_call_are_recorded_in_their_order() {
    let (_whatsapp, system) = start("").await;
    let mut call = notifications::text(ANA, "0");
    let value = &mut call["entry"][0]["changes"][0]["value"];
    let first = value["messages"][0].clone();
    let messages: Vec<Value> = (0..40)
        .map(|n| {
            let mut message = first.clone();
            message["id"] = json!(notifications::wamid());
            message["from"] = json!(if n % 2 == 0 { ANA } else { "34600333444" });
            message["text"]["body"] = json!(n.to_string());
            message
        })
        .collect();
    value["messages"] = json!(messages);
    value["contacts"] = json!([]);
    system.whatsapp(&call).await.unwrap();
    for (number, first) in [(ANA, 0), ("34600333444", 1)] {
        let conversation = system.whatsapp_conversation(number).await.unwrap();
        let id = conversation["id"].as_str().unwrap();
        until_event(&system, id, |e| e["data"]["text"] == (38 + first).to_string().as_str()).await;
        let events = system.events(id).await.unwrap();
        let words: Vec<&str> = events
            .iter()
            .filter(|e| e["type"] == "ClientResponded")
            .filter_map(|e| e["data"]["text"].as_str())
            .collect();
        let expected: Vec<String> = (0..20).map(|n| (2 * n + first).to_string()).collect();
        assert_eq!(words, expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_edited_is_read_anew_and_one_that_is_deleted_takes_its_promise_back() {
    let (whatsapp, system) = start("").await;
    let ana = Client::at(ANA);
    let asked = ana.writes("напомни через 3 дня в 10 про договор");
    let wamid = asked["entry"][0]["changes"][0]["value"]["messages"][0]["id"].as_str().unwrap().to_owned();
    system.whatsapp(&asked).await.unwrap();
    whatsapp.until_taken_for(ANA, 1, SOON).await.unwrap();
    let conversation = system.whatsapp_conversation(ANA).await.unwrap();
    let conversation = conversation["id"].as_str().unwrap();
    let first = || async { Ok(system.follow_ups(conversation).await?.into_iter().next()) };
    let promise = &system.until(SOON, first).await.unwrap();
    let id = promise["id"].as_str().unwrap();

    system.whatsapp(&ana.edits(&wamid, "напомни через 3 дня в 11 про договор")).await.unwrap();
    whatsapp.until_taken_for(ANA, 2, SOON).await.unwrap();
    let moved = || async { Ok(Some(system.follow_up(id).await?).filter(|f| f["due_at"] != promise["due_at"])) };
    system.until(SOON, moved).await.unwrap();
    assert_eq!(system.follow_ups(conversation).await.unwrap().len(), 1);

    system.whatsapp(&ana.deletes(&wamid)).await.unwrap();
    let ended = system.until_state(id, "cancelled", SOON).await.unwrap();
    assert_eq!(ended["reason"]["code"], "request_revoked");
    let deletion = until_event(&system, conversation, |e| e["data"]["kind"] == "revoke").await;
    assert_eq!(ended["reason"]["event_id"], deletion["id"]);
    whatsapp.until_taken_for(ANA, 3, SOON).await.unwrap();
}
