//! A talk with many steps is the same whoever is asked, and whoever is asked next.

use serde_json::json;
use steward_agent_brain::models::{CallResult, Effort, Request, Step, Text};
use steward_settings::Model;
use steward_tests::llm::{Format, Piece, Play};

use crate::world::{World, question, turn};

/// Steps of a talk with tools: thoughts, words, one call or several, calls without words, and the end.
fn script() -> Vec<Play> {
    let schedule = |n: usize| Piece::call("schedule", json!({ "when": format!("в {n} часов"), "n": n }));
    let recall = |n: usize| Piece::call("recall", json!({ "n": n }));
    let mut plays: Vec<Play> = Vec::new();
    for n in 1..=12 {
        let pieces = match n % 4 {
            0 => vec![Piece::Thought("А что было раньше?"), Piece::text(" \n"), recall(n)],
            1 => vec![Piece::text("Смотрю…"), recall(n), schedule(n)],
            2 => vec![Piece::Thought("Два дела сразу."), Piece::text("Так."), schedule(n), recall(n), recall(n + 100)],
            _ => vec![schedule(n), Piece::Thought("И всё.")],
        };
        plays.push(pieces.into());
    }
    plays.push(vec![Piece::Thought("Готово."), Piece::text("Всё записал 🙂")].into());
    plays
}

/// Plays the script with the model that `whom` names at each step; returns the talk in neutral words.
async fn talk(world: &World, effort: Option<Effort>, whom: impl Fn(usize) -> Model) -> Vec<String> {
    script().into_iter().for_each(|play| world.llm.play(play));
    let mut request = Request { effort, ..question() };
    let mut transcript = Vec::new();
    for step in 0.. {
        let came = world.ask(&[whom(step)], &request).await;
        let wrong: Vec<String> = world.llm.wrong().into_iter().filter(|wrong| !wrong.contains("Unsupported")).collect();
        assert_eq!(wrong, Vec::<String>::new(), "step {step}");
        let answer = came.result.unwrap();
        transcript.push(turn(&answer.said));
        if answer.said.calls.is_empty() {
            break;
        }
        let results = answer.said.calls.iter().enumerate().map(|(i, call)| CallResult {
            call: call.id.clone(),
            content: Text::Untrusted { label: "result", text: format!("result of {}", call.id) },
            failed: i == 1,
        });
        // In whatever order they are done.
        let results = Step::Results(results.rev().collect());
        request.steps.extend([answer.said.clone().into(), results]);
        // The client says something more in the midst of it.
        if step == 6 {
            request.steps.push(Step::User(vec![Text::Trusted("И ещё одно".to_owned())]));
        }
    }
    assert_eq!(world.llm.left(), 0);
    transcript
}

#[tokio::test]
async fn a_talk_of_many_steps_is_the_same_in_every_format_and_with_another_provider_at_every_step() {
    let mut talks = Vec::new();
    for effort in [None, Some(Effort::Medium)] {
        for format in Format::ALL {
            let world = World::new().await;
            talks.push(talk(&world, effort, |_| world.model(format)).await);
        }
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [0, 3, 0, 3], [0, 1, 0, 2], [3, 3, 0, 0], [2, 2, 0, 2], [2, 3, 2, 1]]
        {
            let world = World::new().await;
            let chain = Format::ALL.map(|format| world.model(format));
            talks.push(talk(&world, effort, |step| chain[order[step % 4]].clone()).await);
        }
        // The same provider, and another model of it at every step.
        for format in Format::ALL {
            let world = World::new().await;
            let model = |step: usize| Model { name: format!("m-{}", step % 2), ..world.model(format) };
            talks.push(talk(&world, effort, model).await);
        }
    }
    // Where thoughts can't be had to send back, what was said with them is said in neutral words.
    let world = World::new().await;
    world.llm.does_not_take("include");
    talks.push(talk(&world, None, |_| world.model(Format::Responses)).await);
    assert_eq!(talks[0].len(), 13);
    assert!(talks[0][1].contains("call_5:recall"), "{:?}", talks[0]);
    for other in &talks[1..] {
        assert_eq!(other, &talks[0]);
    }
}

/// What goes back is what was said: the thoughts and signatures themselves, to the very model they came from.
#[tokio::test]
async fn thoughts_and_signatures_go_back_to_their_model_alone() {
    for (format, key) in [(Format::Anthropic, "signature"), (Format::Gemini, "thoughtSignature")] {
        let world = World::new().await;
        talk(&world, None, |_| world.model(format)).await;
        let last = world.llm.asked().pop().unwrap().body.to_string();
        assert!(last.matches(&format!("\"{key}\":")).count() >= 6, "{last}");
        assert!(!last.contains("skip_thought_signature_validator"));
        let other = World::new().await;
        talk(&other, None, |step| Model { name: format!("m-{step}"), ..other.model(format) }).await;
        let last = other.llm.asked().pop().unwrap().body.to_string();
        let skipped = last.matches("skip_thought_signature_validator").count();
        assert_eq!(last.matches(&format!("\"{key}\":")).count(), skipped);
    }
}
