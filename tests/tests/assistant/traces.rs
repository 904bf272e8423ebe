//! What models were asked and answered, kept beside the log for a while.

use serde_json::Value;
use steward_tests::{
    Config, Llm, System, Telegram,
    llm::{Format, KEY},
    updates,
};

use crate::world::{CHAT, SOON, World, brain, data};

/// What is read under a hash, by its status.
async fn read(system: &System, key: Option<&str>, run: &str, sha256: &str) -> (u16, String) {
    let mut request = system.client.get(format!("{}/api/v1/runs/{run}/traces/{sha256}", system.read));
    if let Some(key) = key {
        request = request.bearer_auth(key);
    }
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn answered(system: &System) -> Vec<Value> {
    let look = || async {
        let events = system.events_of_type("ModelCallCompleted").await?;
        Ok((!events.is_empty()).then_some(events))
    };
    system.until(SOON, look).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_asked_and_answered_is_read_by_its_tenants_operators_and_holds_no_secret() {
    let (telegram, llm) = (Telegram::start().await.unwrap(), Llm::start().await.unwrap());
    let config = Config::telegram(&telegram)
        .with(&brain(&llm, &[Format::Anthropic], ""))
        .with("[defaults]\nturn_debounce = \"0s\"")
        .with_channel("id = \"web-other\"\nkind = \"web\"\ntenant = \"other\"")
        .with_auth("keys");
    let system = System::start(config).await.unwrap();
    let (operator, _) = system.create_key("default", "operator").await.unwrap();
    let (reader, _) = system.create_key("default", "reader").await.unwrap();
    let (stranger, _) = system.create_key("other", "admin").await.unwrap();
    let mut api = system.api().clone();
    api.key = Some(operator.clone());
    let story = "and so they lived on, each in a house of their own. ".repeat(190);
    llm.play(story.as_str());
    system.telegram(&updates::text(CHAT, "tell me a long story, will you?")).await.unwrap();
    let look = || async {
        let found = api.items("/api/v1/events?type=ModelCallCompleted").await?;
        Ok((!found.is_empty()).then_some(found))
    };
    let call = api.until(SOON, look).await.unwrap().remove(0);
    let run = data(&call, "run_id");
    let (request, answer) = (data(&call, "request_trace"), data(&call, "answer_trace"));
    assert!(data(&call, "text").len() < story.len(), "the event holds its beginning");

    let (status, asked) = read(&system, Some(&operator), run, request).await;
    assert_eq!(status, 200, "{asked}");
    assert!(asked.contains("tell me a long story, will you?") && asked.contains("schedule_followup"), "{asked}");
    let sent = &llm.asked()[0].body;
    assert_eq!(*sent, serde_json::from_str::<Value>(&asked).unwrap(), "as it went over the wire");
    let (status, said) = read(&system, Some(&operator), run, answer).await;
    assert_eq!((status, said.contains(story.trim())), (200, true));
    for body in [&asked, &said] {
        assert!(!body.contains(KEY) && !body.contains(steward_tests::config::TOKEN), "{body}");
    }

    assert_eq!(read(&system, Some(&reader), run, request).await.0, 403);
    assert_eq!(read(&system, None, run, request).await.0, 401);
    let theirs = read(&system, Some(&stranger), run, request).await;
    let nobodys = read(&system, Some(&stranger), &uuid::Uuid::now_v7().to_string(), request).await;
    assert_eq!((theirs.0, &theirs.1), (404, &nobodys.1), "another tenant's is as unknown as none");
    let elsewhere = read(&system, Some(&operator), &uuid::Uuid::now_v7().to_string(), request).await;
    assert_eq!(elsewhere.0, 404, "another run doesn't name it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_is_gone_when_its_life_is_over_and_where_none_are_kept_none_is_named() {
    let world = World::with(&[Format::Openai], "traces = \"1s\"").await;
    world.llm.play("Good.");
    world.says("it all went well, by the way").await;
    world.heard(1).await;
    let call = answered(&world.system).await.remove(0);
    let (run, request) = (data(&call, "run_id").to_owned(), data(&call, "request_trace").to_owned());
    assert_eq!(request.len(), 64, "{call}");
    let look = || async { Ok((read(&world.system, None, &run, &request).await.0 == 404).then_some(())) };
    world.system.until(SOON, look).await.unwrap();

    let world = World::with(&[Format::Openai], "traces = 0").await;
    world.llm.play("Good.");
    world.says("it all went well, by the way").await;
    world.heard(1).await;
    let call = answered(&world.system).await.remove(0);
    assert_eq!(data(&call, "request_trace"), "", "{call}");
    world.all_sound();
}
