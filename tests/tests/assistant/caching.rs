//! What stays the same stands first: most of a talk's input is what the provider has in its cache.

use crate::world::{CHAT, FORMATS, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_fifths_of_a_talks_input_come_from_the_providers_cache() {
    for format in FORMATS {
        let world = World::with(&[format], "").await;
        for n in 0..20 {
            world.llm.play(format!("That is a long story, and this is part {n} of it, told in some thirty words, so that it weighs as much as answers do.").as_str());
            world.says(&format!("and what came after part {n}, if I may ask, for I like stories?")).await;
            world.heard(n + 1).await;
        }
        let conversation = world.system.conversation(CHAT).await.unwrap();
        let look = || async {
            let used = world.system.get(&format!("/api/v1/usage?conversation_id={conversation}")).await?;
            Ok((used["total"]["calls"] == 20 && used["total"]["open"] == 0).then_some(used))
        };
        let used = world.system.until(crate::world::SOON, look).await.unwrap();
        let number = |key: &str| used["total"][key].as_f64().unwrap();
        let share = number("input_cached") / number("input");
        println!("{format:?}: {:.0} % of {} tokens", share * 100.0, number("input"));
        assert!(share >= 0.8, "{format:?}: {share:.2} of {used}");
        world.all_sound();
    }
}
