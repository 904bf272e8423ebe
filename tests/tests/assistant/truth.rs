//! No unbacked word (N11): what a model claims and nothing backs never reaches the client.

use steward_tests::llm::Format;

use crate::world::{World, data, schedules};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_that_claims_a_promise_it_did_not_make_is_told_and_may_make_it() {
    let world = World::with(&[Format::Openai], "").await;
    world.llm.play("I'll remind you tomorrow at 9.");
    world.llm.play(schedules("tomorrow at 9", "the invoice"));
    world.llm.play("I'll remind you tomorrow at 9.");
    world.says("the invoice, tomorrow at 9, you know what I mean").await;
    assert_eq!(world.heard(1).await, ["I'll remind you tomorrow at 9."]);
    let events = world.events(1, &["FollowUpScheduled"]).await;
    assert_eq!(events.len(), 1, "it was made after all");
    let noted = world.noted("StepTaken", 1).await;
    assert_eq!(data(&noted[0], "kind"), "reflection");
    world.all_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_it_claims_again_without_doing_it_is_not_said() {
    let world = World::with(&[Format::Anthropic], "").await;
    for _ in 0..2 {
        world.llm.play("The tiles are slate. I have cancelled your order and will write to you on Friday at 10.");
    }
    world.says("what colour are the tiles, by the way?").await;
    assert_eq!(world.heard(1).await, ["The tiles are slate."]);
    let corrected = world.noted("ClaimCorrected", 1).await;
    assert!(data(&corrected[0], "sentence").contains("cancelled"), "{corrected:?}");
    assert!(world.events(1, &["FollowUpScheduled"]).await.is_empty());
    world.all_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_time_that_is_not_the_decided_one_gives_way_to_our_own_words() {
    let world = World::with(&[Format::Gemini], "").await;
    world.llm.play(schedules("tomorrow at 9", "the invoice"));
    world.llm.play("I'll remind you tomorrow at 10.");
    world.llm.play("I'll remind you tomorrow at 10.");
    world.says("would you remind me of the invoice tomorrow at 9?").await;
    let heard = world.heard(1).await;
    assert!(heard[0].contains("9:00") && !heard[0].contains("10"), "{heard:?}");
    let corrected = world.noted("ClaimCorrected", 1).await;
    assert!(!data(&corrected[0], "instead").is_empty(), "{corrected:?}");
    world.all_sound();
}
