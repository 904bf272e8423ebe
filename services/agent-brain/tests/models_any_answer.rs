//! Whatever a provider sends, reading it comes to an answer or an error, and no error says what was sent.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

use chrono::Utc;
use proptest::prelude::*;
use serde_json::{Value, json};
use steward_agent_brain::models::{
    Request, Step, Text,
    providers::{self, Asked, Folded, Folder, Refusal},
    sse::Frame,
};
use steward_settings::{Model, ModelKind};

/// What must stand in no error.
const SECRET: &str = "hunter2";

fn model(kind: ModelKind) -> Model {
    Model {
        provider: "p".to_owned(),
        kind,
        name: "m".to_owned(),
        base_url: String::new(),
        genuine: true,
        api_key: None,
        api_version: None,
        max_output: None,
        price: None,
    }
}

/// The values of all recorded answers of a kind, each a list of frames.
fn recorded(kind: ModelKind) -> Vec<Vec<Value>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/recorded/{}.jsonl", kind.name()));
    let text = std::fs::read_to_string(path).unwrap();
    let rows = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let frames = rows.map(|row| {
        if let Some(chunks) = row["chunks"].as_array() {
            return chunks.iter().map(|chunk| serde_json::from_str(chunk.as_str().unwrap()).unwrap()).collect();
        }
        let Some(text) = row["body"].as_str() else { return vec![row["body"].clone()] };
        let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
        data.filter_map(|data| serde_json::from_str(data).ok()).collect()
    });
    frames.collect()
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        Just(json!(u64::MAX)),
        Just(json!(SECRET)),
        Just(json!(format!("try again in {SECRET} 5s, not supported: effort"))),
        Just(json!("")),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let key = prop_oneof![
            Just("type"),
            Just("index"),
            Just("delta"),
            Just("content_block"),
            Just("message"),
            Just("usage"),
            Just("error"),
            Just("choices"),
            Just("tool_calls"),
            Just("function"),
            Just("candidates"),
            Just("content"),
            Just("parts"),
            Just("functionCall"),
            Just("details"),
            Just("code"),
            Just("status"),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec((key, inner), 0..3)
                .prop_map(|keys| { keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect() }),
        ]
    })
}

/// Puts `new` somewhere into a value.
fn changed(value: &mut Value, at: &mut usize, new: &Value) {
    if *at == 0 {
        *value = new.clone();
    }
    *at = at.wrapping_sub(1);
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| changed(value, at, new)),
        Value::Object(keys) => keys.values_mut().for_each(|value| changed(value, at, new)),
        _ => {}
    }
}

fn says_nothing(shown: impl std::fmt::Debug + std::fmt::Display) {
    let shown = format!("{shown} {shown:?}");
    assert!(!shown.contains(SECRET) && !shown.contains("try again"), "{shown}");
}

fn read(kind: ModelKind, values: &[Value]) {
    let request =
        Request { steps: vec![Step::User(vec![Text::Trusted("?".to_owned())])], max_output: 1, ..Request::default() };
    let mut folder = Folder::new(Asked::new(&model(kind), &request));
    let mut shown = Vec::new();
    for value in values {
        let frame = Frame { event: String::new(), data: value.to_string() };
        match folder.frame(&frame, Utc::now(), &mut shown) {
            Ok(Folded::More) => {}
            Ok(Folded::Done) => break,
            Err(error) => {
                says_nothing(error);
                break;
            }
        }
        let _ = folder.usage();
    }
    if let Err(error) = folder.finish(1) {
        says_nothing(error);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_frames_come_to_an_answer_or_an_error(values in prop::collection::vec(any_json(), 1..6)) {
        ModelKind::ALL.into_iter().for_each(|kind| read(kind, &values));
    }

    #[test]
    fn a_recorded_answer_with_something_else_in_it_does(
        row in any::<prop::sample::Index>(), frame in any::<prop::sample::Index>(), at in 0usize..40, new in any_json()
    ) {
        for kind in ModelKind::ALL {
            let all = recorded(kind);
            let mut values = row.get(&all).clone();
            let index = frame.index(values.len());
            changed(&mut values[index], &mut { at }, &new);
            read(kind, &values);
        }
    }

    #[test]
    fn any_refusal_is_one_of_ours_and_says_nothing_of_theirs(
        status in 100u16..600, body in any_json(), text in "[ -~]{0,40}", header in prop_oneof![Just("retry-after"), Just("retry-after-ms"), Just("x-should-retry")]
    ) {
        let body = json!({ "error": body, "text": SECRET }).to_string();
        let headers = [(header.to_owned(), format!("{text}{SECRET}"))];
        for kind in ModelKind::ALL {
            for body in [body.as_bytes(), format!("[{body}]").as_bytes(), text.as_bytes()] {
                let refusal = Refusal { status, headers: &headers, body, now: Utc::now() };
                let failed = providers::error(kind, &refusal);
                says_nothing(failed.error.clone());
                assert!(!format!("{failed:?}").contains(SECRET));
            }
        }
    }
}
