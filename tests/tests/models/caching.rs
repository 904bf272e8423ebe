//! What is stable in a talk is what the provider has in its cache.

use steward_agent_brain::models::{Request, Said, Section, Step, Text};
use steward_tests::llm::Format;

use crate::world::{World, question};

/// Of the tokens of a talk with changing instructions, all but a few are read from the cache.
#[tokio::test]
async fn the_beginning_of_a_talk_stays_in_the_cache_while_the_time_changes() {
    for format in Format::ALL {
        let world = World::new().await;
        let chain = [world.model(format)];
        let rules = "You keep promises, and never say what isn't so. ".repeat(120);
        let mut steps = Vec::new();
        let (mut input, mut cached, mut written) = (0, 0, 0);
        for turn in 0..8 {
            steps.push(Step::User(vec![Text::Trusted(format!("Question {turn}"))]));
            let request = Request {
                instructions: vec![
                    Section { text: Text::Trusted(rules.clone()), stable: true },
                    Section { text: Text::Trusted(format!("It is 10:0{turn}.")), stable: false },
                ],
                steps: steps.clone(),
                ..question()
            };
            world.llm.play("An answer of some length, as answers are.");
            let answer = world.ask(&chain, &request).await.result.unwrap();
            (input, cached) = (input + answer.usage.input, cached + answer.usage.input_cached);
            written += answer.usage.input_cache_write;
            assert!(answer.usage.exact && (turn == 0) == (answer.usage.input_cached == 0), "{format:?} {turn}");
            // The next turn's talk is built anew from what was said.
            steps.push(Said { text: answer.said.text, ..Said::default() }.into());
        }
        assert!(cached * 100 >= input * 80, "{format:?}: {cached} of {input}");
        assert_eq!(written > 0, format == Format::Anthropic);
    }
}
