//! What models say comes to the same in every format, in whatever manner it comes.

use std::time::Duration;

use serde_json::json;
use steward_agent_brain::models::{Asking, Delta, Deltas, Effort, Limits, OutputSchema, ToolChoice, ToolName, Usage};
use steward_tests::llm::{Format, Manner, Piece, Play, Says, Split};
use tokio::{sync::mpsc, time::Instant};

use crate::world::{World, line, question};

/// What was answered to a play, in all formats.
async fn all(play: impl Fn() -> Vec<Play>) -> [String; 4] {
    let mut lines = Vec::new();
    for format in Format::ALL {
        let world = World::new().await;
        play().into_iter().for_each(|play| world.llm.play(play));
        let came = world.ask(&[world.model(format)], &question()).await;
        assert_eq!((world.llm.wrong(), world.llm.left()), (vec![], 0), "{format:?}: {}", line(&came));
        lines.push(line(&came));
    }
    lines.try_into().unwrap()
}

fn alike(line: &str) -> [String; 4] {
    [line; 4].map(str::to_owned)
}

/// An answer with all that one may have.
fn rich() -> Vec<Piece> {
    vec![
        Piece::Thought("Что он просит? 🤔"),
        Piece::text("Сейчас посмотрю — 🙂 один момент."),
        Piece::call("recall", json!({ "when": "вчера \"\n" })),
        Piece::call("schedule", json!({ "when": "завтра", "n": 2 })),
    ]
}

const RICH: &str = r#"calls "Сейчас посмотрю — 🙂 один момент." call_1:recall{"when":"вчера \"\n"} call_2:schedule{"n":2,"when":"завтра"} <- answered"#;

#[tokio::test]
async fn text_and_calls_are_the_same_in_every_format() {
    assert_eq!(all(|| vec!["Здравствуйте!".into()]).await, alike(r#"end "Здравствуйте!" <- answered"#));
    assert_eq!(all(|| vec![rich().into()]).await, alike(RICH));
    let bare = || vec![Piece::call("recall", json!({})).into()];
    assert_eq!(all(bare).await, alike("calls call_1:recall{} <- answered"));
}

#[tokio::test]
async fn the_manner_in_which_an_answer_comes_changes_nothing() {
    let plain = Manner::default;
    for manner in [
        Manner { split: Split::Nowhere, ..plain() },
        Manner { split: Split::WithinCharacters, ..plain() },
        Manner { split: Split::WithinBlankLines, ..plain() },
        Manner { split: Split::WithinBlankLines, crlf: true, ..plain() },
        Manner { split: Split::Bytes, crlf: true, ..plain() },
        Manner { gzip: true, ..plain() },
        Manner { gzip: true, split: Split::Bytes, ..plain() },
        Manner { unknown: true, ..plain() },
        Manner { usage: false, ..plain() },
        Manner { whole: true, ..plain() },
    ] {
        let play = || vec![Play { says: Says::Pieces(rich()), manner: manner.clone() }];
        assert_eq!(all(play).await, alike(RICH), "{manner:?}");
    }
}

#[tokio::test]
async fn arguments_that_are_no_json_are_kept_as_they_are_and_not_taken_for_any() {
    let broken = || vec![Piece::Broken { name: "recall", arguments: "{\"when\": tomorrow" }.into(), "Ok".into()];
    let mut lines = Vec::new();
    for format in Format::ALL {
        let world = World::new().await;
        broken().into_iter().for_each(|play: Play| world.llm.play(play));
        lines.push(line(&world.ask(&[world.model(format)], &question()).await));
    }
    // Gemini's own end of such an answer is an error, and it is asked once more.
    let raw = r#"calls call_1:recall"raw {\"when\": tomorrow" <- answered"#;
    assert_eq!(lines, [raw, raw, raw, r#"end "Ok" <- malformed, answered"#]);
}

#[tokio::test]
async fn refused_and_blocked_are_answers() {
    assert_eq!(
        all(|| vec![Says::Refusal("I won't.").into()]).await,
        [
            r#"refused(cyber: I won't.) "I won't." <- answered"#,
            "refused(-: I won't.) <- answered",
            "refused(-: I won't.) <- answered",
            "blocked(safety) <- answered",
        ]
    );
    assert_eq!(
        all(|| vec![Says::Filtered.into()]).await,
        [
            "refused(-: ) <- answered",
            "blocked(content_filter) <- answered",
            "blocked(content_filter) <- answered",
            "blocked(safety) <- answered",
        ]
    );
    // With Gemini there is no candidate at all.
    assert_eq!(
        all(|| vec![Says::Blocked.into()]).await,
        [
            "refused(-: ) <- answered",
            "blocked(content_filter) <- answered",
            "blocked(content_filter) <- answered",
            "blocked(prohibited_content) <- answered",
        ]
    );
}

#[tokio::test]
async fn at_the_limit_half_a_call_is_dropped_and_named() {
    assert_eq!(all(|| vec![Says::Nothing.into()]).await, alike("length <- answered"));
    for format in Format::ALL {
        let world = World::new().await;
        let half = Piece::Broken { name: "schedule", arguments: "{\"when\": \"to" };
        let whole = Piece::call("recall", json!({ "n": 1 }));
        world.llm.play(Says::UpToTheLimit(vec![Piece::text("So"), whole, half]));
        let came = world.ask(&[world.model(format)], &question()).await;
        assert_eq!(line(&came), r#"length "So" call_1:recall{"n":1} <- answered"#, "{format:?}");
        // Gemini's calls come whole or not at all.
        let named: &[&str] = if format == Format::Gemini { &[] } else { &["schedule"] };
        assert_eq!(came.result.unwrap().broken_off, named, "{format:?}");
    }
}

#[tokio::test]
async fn tokens_are_told_exactly_or_said_to_be_guessed() {
    for format in Format::ALL {
        let world = World::new().await;
        world.llm.play("Здравствуйте!");
        world.llm.play(Play {
            says: Says::Pieces(vec![Piece::text("Да.")]),
            manner: Manner { usage: false, ..Manner::default() },
        });
        let chain = [world.model(format)];
        let exact = world.ask(&chain, &question()).await;
        let usage = exact.result.unwrap().usage;
        assert!(usage.exact && usage.input > 50 && usage.output > 3, "{format:?}: {usage:?}");
        assert_eq!((exact.attempts[0].usage, exact.attempts[0].cost), (usage, Some(usage.input + usage.output)));
        let guessed = world.ask(&chain, &question()).await.result.unwrap().usage;
        let Usage { input, output, exact, .. } = guessed;
        assert!(!exact && input > 20 && output > 0, "{format:?}: {guessed:?}");
    }
}

#[tokio::test]
async fn pieces_are_shown_while_they_come() {
    for format in Format::ALL {
        let world = World::new().await;
        world.llm.play(rich());
        let (sender, mut receiver) = mpsc::channel(1_000);
        let request = question();
        let asking =
            Asking { request: &request, correlation: "turn-7", deadline: Instant::now() + Duration::from_secs(60) };
        let mut attempts = Vec::new();
        let chain = [world.model(format)];
        let answer = world.models.answer(&chain, &asking, &mut Deltas::to(sender), &mut attempts).await.unwrap();
        let (mut text, mut calls, mut pieces, mut first, mut last) = (String::new(), Vec::new(), 0, None, None);
        while let Ok(delta) = receiver.try_recv() {
            first.get_or_insert(delta.clone());
            match delta {
                Delta::Text(more) => (text, pieces) = (text + &more, pieces + 1),
                Delta::Call(name) => calls.push(name),
                Delta::Usage(usage) => last = Some(usage),
                Delta::Asked { .. } => {}
            }
        }
        assert!(matches!(first, Some(Delta::Asked { model, .. }) if model == "m-1"));
        assert!(pieces >= 3, "{format:?}");
        assert_eq!((text, calls.as_slice()), (answer.said.text, &["recall".to_owned(), "schedule".to_owned()][..]));
        assert_eq!(last, Some(answer.usage), "{format:?}");
    }
}

#[tokio::test]
async fn every_way_of_asking_is_one_that_the_provider_takes() {
    let form = OutputSchema {
        name: ToolName::new("goals").unwrap(),
        schema: json!({
            "type": "object",
            "properties": {
                "goals": { "type": "array", "minItems": 2, "maxItems": 9, "items": { "$ref": "#/$defs/goal" } },
                "minimum": { "type": "integer", "minimum": 1, "description": "How many" },
            },
            "required": ["goals", "minimum"],
            "additionalProperties": false,
            "$defs": { "goal": { "type": "object", "properties": { "has": { "type": "string" } } } },
        }),
    };
    for format in Format::ALL {
        let world = World::new().await;
        let chain = [world.model(format)];
        let recall = ToolName::new("recall").unwrap();
        for choice in [ToolChoice::Auto, ToolChoice::Any, ToolChoice::This(recall), ToolChoice::None] {
            for effort in [None, Some(Effort::Low), Some(Effort::High)] {
                for (one_call, output) in [(false, None), (true, Some(form.clone()))] {
                    let tool_choice = choice.clone();
                    let request = steward_agent_brain::models::Request {
                        tool_choice,
                        effort,
                        one_call,
                        output,
                        cache_key: Some("t1".to_owned()),
                        ..question()
                    };
                    world.llm.play("Ok");
                    let came = world.ask(&chain, &request).await;
                    assert_eq!(line(&came), r#"end "Ok" <- answered"#, "{format:?}: {:?}", world.llm.wrong());
                }
            }
        }
        let asked = world.llm.asked();
        for asked in &asked {
            assert!(asked.body.get("temperature").is_none() && !asked.path.contains("sk-test"));
            let id = asked.headers.get("x-client-request-id").map(|id| id.to_str().unwrap());
            assert_eq!(id, matches!(format, Format::Openai | Format::Responses).then_some("turn-7"));
        }
    }
}

#[tokio::test]
async fn what_a_model_does_not_take_is_left_out_at_once_and_from_then_on() {
    for (format, parameter) in [
        (Format::Openai, "role"),
        (Format::Openai, "max_completion_tokens"),
        (Format::Openai, "reasoning_effort"),
        (Format::Openai, "parallel_tool_calls"),
        (Format::Openai, "stream_options"),
        (Format::Openai, "prompt_cache_key"),
        (Format::Responses, "effort"),
        (Format::Responses, "include"),
        (Format::Responses, "parallel_tool_calls"),
        (Format::Responses, "prompt_cache_key"),
        (Format::Anthropic, "effort"),
        (Format::Gemini, "effort"),
    ] {
        let world = World::new().await;
        world.llm.does_not_take(parameter);
        let request = steward_agent_brain::models::Request {
            effort: Some(Effort::Low),
            one_call: true,
            cache_key: Some("t1".to_owned()),
            ..question()
        };
        let chain = [world.model(format)];
        for expected in [r#"end "Ok" <- invalid, answered"#, r#"end "Ok" <- answered"#] {
            world.llm.play("Ok");
            assert_eq!(line(&world.ask(&chain, &request).await), expected, "{format:?} {parameter}");
        }
    }
    // What can't be left out is refused for good.
    let world = World::new().await;
    for parameter in ["max_tokens", "max_completion_tokens"] {
        world.llm.does_not_take(parameter);
    }
    let came = world.ask(&[world.model(Format::Openai)], &question()).await;
    assert!(line(&came).ends_with("max_tokens <- invalid, invalid"), "{}", line(&came));
}

#[tokio::test]
async fn a_server_of_ones_own_is_asked_in_the_older_words_and_without_a_key() {
    let world = World::new().await;
    let model = steward_settings::Model { genuine: false, ..world.model(Format::Openai) };
    world.llm.play("Ok");
    world.ask(&[model], &question()).await.result.unwrap();
    let body = &world.llm.asked()[0].body;
    assert_eq!((&body["messages"][0]["role"], &body["max_tokens"]), (&json!("system"), &json!(500)));
    let keyless = steward_settings::Model { genuine: false, api_key: None, ..world.model(Format::Openai) };
    let came = world.ask(&[keyless], &question()).await;
    assert_eq!(line(&came), "no model answered: the provider refuses the key <- auth");
    assert!(world.llm.asked()[1].headers.get("authorization").is_none());
}

#[tokio::test]
async fn an_answer_without_an_end_is_not_read_to_its_end() {
    let limits = Limits { answer: 2_000, frame: 1_000, ..Limits::default() };
    for format in Format::ALL {
        for manner in [Manner::default(), Manner { gzip: true, split: Split::Nowhere, ..Manner::default() }] {
            for text in ["a".repeat(100_000), "я 1".repeat(500)] {
                let world = World::with(limits).await;
                for _ in 0..2 {
                    world.llm.play(Play { says: Says::Pieces(vec![Piece::text(&text)]), manner: manner.clone() });
                }
                let came = world.ask(&[world.model(format)], &question()).await;
                assert_eq!(
                    line(&came),
                    "no model answered: the answer can't be read <- malformed, malformed",
                    "{format:?}"
                );
            }
        }
    }
}
