//! Replay: every turn that the system took, decided again from the log alone, comes to what was recorded.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use serde_json::json;
use steward_tests::{Config, System, Telegram, updates};

const SOON: Duration = Duration::from_secs(120);

/// What the clients say, chat by chat: promises made, listed, renewed, moved and cancelled in three languages, times that are
/// unclear, past or never, calls for a person, and words that are nothing of this.
const SAID: &[(i64, &[&str])] = &[
    (11, &["напиши мне в пятницу в 11:00 про договор", "что ты мне обещал?", "лучше в субботу в 12:00", "не пиши мне"]),
    (12, &["напомни через 3 часа позвонить маме", "а какая у вас цена?", "ок, спасибо", "отмени напоминание"]),
    (13, &["escríbeme mañana a las 10 sobre el contrato", "vale, gracias", "mejor el viernes", "¿qué me prometiste?"]),
    (14, &["write to me tomorrow or on Friday", "on Friday", "remind me on 3/4 to pay", "I want to speak to a human"]),
    (15, &["напиши мне вчера в 10", "напиши мне попозже", "напиши через 5 лет", "позови человека"]),
    (16, &["ping me in 2 hours about it and tomorrow at 9 about the invoice", "keep them", "cancel the invoice one"]),
    (17, &["hello", "/start", "🙂", "что?\nчто ты умеешь?"]),
];

async fn completed(system: &System, conversation: &str, turns: usize) {
    let look = || async {
        let events = system.events(conversation).await?;
        Ok((events.iter().filter(|e| e["type"] == "TurnCompleted").count() >= turns).then_some(()))
    };
    system.until(SOON, look).await.unwrap();
}

/// What the command said; it must have found no turn that differs.
async fn replayed(system: &System, arguments: &[&str]) -> String {
    let output = system.steward(arguments).unwrap().output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_turn_of_many_conversations_is_decided_again_as_it_was() {
    let telegram = Telegram::start().await.unwrap();
    let mut system =
        System::start(Config::telegram(&telegram).with("[defaults]\ntimezone = \"Europe/Madrid\"")).await.unwrap();
    for turn in 0..4 {
        for (chat, said) in SAID {
            let Some(text) = said.get(turn) else { continue };
            system.telegram(&updates::text(*chat, text)).await.unwrap();
        }
        for (chat, said) in SAID.iter().filter(|(_, said)| said.len() > turn) {
            completed(&system, &system.conversation(*chat).await.unwrap(), (turn + 1).min(said.len())).await;
        }
    }
    // A contact who lives elsewhere from now on, and one person on two channels.
    let contact = async |chat: i64| {
        let path = format!("/api/v1/conversations/{}", system.conversation(chat).await.unwrap());
        system.get(&path).await.unwrap()["contact"]["id"].as_str().unwrap().to_owned()
    };
    let body = json!({ "timezone": "Asia/Makassar", "language": "en-GB", "followup_hour": 7 });
    system.patch(&format!("/api/v1/contacts/{}", contact(11).await), &body).await.unwrap();
    let merge = format!("/api/v1/contacts/{}/merge", contact(12).await);
    system.post(&merge, &json!({ "into": contact(11).await })).await.unwrap();
    for chat in [11, 12] {
        system.telegram(&updates::text(chat, "write to me on Friday about 3/4")).await.unwrap();
        completed(&system, &system.conversation(chat).await.unwrap(), 5).await;
    }
    // A human takes over: what the bot would have said is a draft. Then it is the bot's again, and told what was said.
    let taken = system.conversation(17).await.unwrap();
    system.post(&format!("/api/v1/conversations/{taken}/takeover"), &json!({ "by": "anna" })).await.unwrap();
    system.telegram(&updates::text(17, "напиши мне завтра в 9")).await.unwrap();
    completed(&system, &taken, 5).await;
    system.post(&format!("/api/v1/conversations/{taken}/release"), &json!({ "by": "anna" })).await.unwrap();
    system.telegram(&updates::text(17, "напиши мне завтра в 9")).await.unwrap();
    completed(&system, &taken, 6).await;
    // Actions that are due.
    let acted = system.conversation(16).await.unwrap();
    for action in
        [json!({ "kind": "compose" }), json!({ "kind": "tool", "tool": "list_follow_ups" }), json!({ "kind": "task" })]
    {
        let more = json!({ "action": action, "cancel_on": "never" });
        system.schedule(&acted, "Hello again", Utc::now() + TimeDelta::seconds(2), &more).await.unwrap();
    }
    completed(&system, &acted, 6).await;

    let turns = system.events_of_type("TurnStarted").await.unwrap();
    let said = replayed(&system, &["replay"]).await;
    assert!(turns.len() >= 30, "{}", turns.len());
    assert_eq!(said.trim(), format!("{} the same, 0 different, 0 skipped", turns.len()));
    let one = turns[3]["data"]["turn_id"].as_str().unwrap();
    assert_eq!(replayed(&system, &["replay", one]).await.trim(), "1 the same, 0 different, 0 skipped");

    // From the middle of the log on, states are made of what stands before it.
    let since = turns[turns.len() / 2]["position"].as_u64().unwrap().to_string();
    let half = turns.len() - turns.len() / 2;
    let said = replayed(&system, &["replay", "--since", &since]).await;
    assert_eq!(said.trim(), format!("{half} the same, 0 different, 0 skipped"));

    // Other settings from now on: each turn by those of its own time.
    let changed = "[defaults]\ntimezone = \"America/Sao_Paulo\"\nfollowup_hour = 14\nrenew = false";
    system.stop().await.unwrap();
    system.configure(Config::telegram(&telegram).with(changed));
    system.start_again().await.unwrap();
    system.telegram(&updates::text(13, "escríbeme el martes")).await.unwrap();
    completed(&system, &system.conversation(13).await.unwrap(), 5).await;
    let all = system.events_of_type("TurnStarted").await.unwrap();
    let mut settings: Vec<_> = all.iter().map(|turn| turn["data"]["settings_hash"].as_str().unwrap()).collect();
    settings.sort_unstable();
    settings.dedup();
    assert_eq!(settings.len(), 2, "{settings:?}");
    let said = replayed(&system, &["replay"]).await;
    assert_eq!(said.trim(), format!("{} the same, 0 different, 0 skipped", all.len()));
}
