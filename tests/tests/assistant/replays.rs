//! A brain tried beside the log: talks played from a cassette, and turns that are in the log decided again by a model.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use steward_tests::{Config, Llm, System, Telegram, llm::Format};

use crate::world::{World, brain, schedules};

/// What a command printed, and whether it ended well.
async fn ran(world: &World, arguments: &[&str]) -> (String, bool) {
    let output = world.system.steward(arguments).unwrap().output().await.unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    (said, output.status.success())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_cassette_holds_is_played_without_a_network_and_what_it_lacks_is_named() {
    let world = World::with(&[Format::Anthropic, Format::Openai, Format::Gemini], "").await;
    let folder = tempfile::tempdir().unwrap();
    let (set, tape) = (folder.path().join("set.jsonl"), folder.path().join("tape.jsonl"));
    let talk = |id: &str, text: &str| {
        json!({
            "id": id, "lang": "en", "zone": "Europe/Madrid", "now": "2026-11-18T09:00:00+01:00",
            "say": [{ "by": "client", "text": text }],
            "expect": [{ "schedule": { "due": "2026-11-19T09:00:00+01:00" } }],
        })
        .to_string()
    };
    let (set_name, tape_name) = (set.to_str().unwrap(), tape.to_str().unwrap());
    for name in ["anthropic", "openai/m-1", "gemini"] {
        std::fs::write(&set, talk("one", "would you mind nudging me about the invoice tomorrow at nine?")).unwrap();
        let brain = ["eval", set_name, "--brain", name, "--json", "--cassette", tape_name];
        world.llm.play(schedules("tomorrow at 9", "the invoice"));
        world.llm.play("Of course, tomorrow at 9:00.");
        let (recorded, well) = ran(&world, &[&brain[..], &["--record"]].concat()).await;
        assert!(well && recorded.contains("\"ok\":true"), "{name}: {recorded}");
        let asked = world.llm.asked().len();
        let (played, well) = ran(&world, &brain).await;
        assert!(well, "{name}: {played}");
        assert_eq!(played, recorded, "{name}");
        // What is there is not asked for again.
        let (again, well) = ran(&world, &[&brain[..], &["--record"]].concat()).await;
        assert!(well && again == recorded, "{name}: {again}");
        assert_eq!(world.llm.asked().len(), asked, "{name}");

        std::fs::write(&set, talk("two", "and would you nudge me about the rent tomorrow at nine?")).unwrap();
        let (missed, well) = ran(&world, &brain).await;
        assert!(!well && missed.contains("add them with --record"), "{name}: {missed}");
        assert!(missed.contains("\"ok\":false") && missed.contains("no model answered"), "{name}: {missed}");
        assert_eq!(world.llm.asked().len(), asked, "nobody was asked");
    }
    let tape = std::fs::read_to_string(&tape).unwrap();
    assert_eq!(tape.lines().count(), 6, "two exchanges for each brain");
    assert!(!tape.contains(steward_tests::llm::KEY), "no key is recorded");
    world.all_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_decides_recorded_turns_again_and_what_it_does_otherwise_is_shown_with_its_cost() {
    let (telegram, llm) = (Telegram::start().await.unwrap(), Llm::start().await.unwrap());
    // The rules answer; the model is there to be tried.
    let models = brain(&llm, &[Format::Openai], "").replace("provider = \"openai\"", "provider = \"rules\"");
    let config = Config::telegram(&telegram).with(&models).with("[defaults]\nturn_debounce = \"0s\"");
    let system = System::start(config).await.unwrap();
    let world = World { telegram, llm, system };
    world.says("remind me tomorrow at 9 about the invoice").await;
    world.heard(1).await;
    world.says("and what do you think of cats, by the way?").await;
    let events = world.events(2, &["TurnStarted", "FollowUpScheduled"]).await;
    let asked = world.llm.asked().len();
    let before = world.system.events_of_type("TurnCompleted").await.unwrap().len();
    assert_eq!((events.len(), asked), (3, 0), "{events:?}");

    world.llm.play(schedules("tomorrow at 10", "the invoice"));
    world.llm.play("Gladly.");
    world.llm.play("I like them.");
    let (said, well) = ran(&world, &["replay", "--brain", "openai"]).await;
    assert!(well, "{said}");
    let promise = |events: &[serde_json::Value]| {
        let at = events.iter().find(|e| e["type"] == "FollowUpScheduled").unwrap()["data"]["due_at"].clone();
        at.as_str().unwrap().parse::<DateTime<Utc>>().unwrap()
    };
    let (then, now) = (promise(&events), promise(&events) + TimeDelta::hours(1));
    let at = |time: DateTime<Utc>| time.format("%Y-%m-%d %H:%M:%SZ");
    assert!(said.contains(&format!("recorded promise {}, reply; now promise {}, reply", at(then), at(now))), "{said}");
    assert!(said.contains("1 the same, 1 different"), "{said}");
    let cost = said.lines().find(|line| line.starts_with("models cost 0.000000 USD then, ")).unwrap();
    assert!(!cost.ends_with(" 0.000000 USD now"), "{cost}");
    // Only the later turn, by the position of its claim.
    world.llm.play("I like them.");
    let since = events.last().unwrap()["position"].as_u64().unwrap().to_string();
    let (said, well) = ran(&world, &["replay", "--brain", "openai/m-1", "--since", &since]).await;
    assert!(well && said.contains("1 the same, 0 different, 0 skipped"), "{said}");
    let (said, well) = ran(&world, &["replay", "--brain", "rules"]).await;
    assert!(well && said.contains("2 the same, 0 different, 0 skipped"), "{said}");
    let (said, well) = ran(&world, &["replay", "--since", &since]).await;
    assert!(well && said.contains("1 the same, 0 different, 0 skipped"), "{said}");
    // A model that doesn't answer is not taken for one that does the same as the rules.
    world.llm.play(steward_tests::llm::Says::Refusal("no"));
    let (said, well) = ran(&world, &["replay", "--brain", "openai", "--since", &since]).await;
    assert!(well && said.contains("no model answered") && said.contains("0 the same"), "{said}");
    let (said, well) = ran(&world, &["replay", "--brain", "nobody"]).await;
    assert!(!well && said.contains("nobody"), "{said}");
    assert_eq!(world.system.events_of_type("TurnCompleted").await.unwrap().len(), before, "nothing was recorded");
    world.all_sound();
}
