//! What a model did in a turn, as sentences of the conversation's timeline, between its other events and in its pages.

use serde_json::Value;
use steward_tests::llm::Format;

use crate::world::{CHAT, World, schedules};

fn types(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(|entry| entry["type"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn models_and_tools_are_told_between_the_conversations_events_in_order_and_page_by_page() {
    let world = World::with(&[Format::Anthropic], "").await;
    for n in 0..3 {
        world.llm.play(schedules("tomorrow at 9", &format!("the invoice {n}")));
        world.llm.play("Of course.");
        world.says(&format!("could you remind me of the invoice {n} tomorrow at 9? I keep forgetting")).await;
        world.heard(n + 1).await;
        world.noted("ModelCallCompleted", 2 * (n + 1)).await;
    }
    let conversation = world.system.conversation(CHAT).await.unwrap();
    let path = format!("/api/v1/conversations/{conversation}/timeline");
    let whole = world.system.get(&format!("{path}?limit=1000")).await.unwrap();
    let whole = whole["items"].as_array().unwrap().clone();
    for (name, count) in
        [("ModelCallStarted", 6), ("ModelCallCompleted", 6), ("ToolCallReturned", 3), ("TurnCompleted", 3)]
    {
        assert_eq!(types(&whole).iter().filter(|one| **one == name).count(), count, "{name}: {:?}", types(&whole));
    }
    let said = |name: &str| whole.iter().find(|entry| entry["type"] == name).unwrap()["summary"].as_str().unwrap();
    assert_eq!((said("ModelCallStarted"), said("ToolCallReturned")), ("m-1 is asked", "schedule_followup is done"));
    let positions =
        |entries: &[Value]| entries.iter().map(|entry| entry["position"].as_u64().unwrap()).collect::<Vec<_>>();
    let all = positions(&whole);
    assert!(all.is_sorted_by(|a, b| a > b), "newest first, each once: {all:?}");

    for limit in [1, 2, 3, 7, 20] {
        let (mut paged, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = world.system.get(&format!("{path}?limit={limit}{cursor}")).await.unwrap();
            let items = page["items"].as_array().unwrap();
            assert!(items.len() <= limit, "{limit}: {}", items.len());
            paged.extend(items.iter().cloned());
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(positions(&paged), all, "{limit}");
    }
    let only = world.system.get(&format!("{path}?type=TurnCompleted")).await.unwrap();
    assert_eq!(types(only["items"].as_array().unwrap()), ["TurnCompleted"; 3]);
    world.all_sound();
}
