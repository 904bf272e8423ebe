//! The evaluation sets, played by the rules: their score doesn't fall, and every word they say is backed.

use std::{collections::BTreeMap, fs, path::Path};

use steward_agent_brain::{
    eval::{
        format::{Expect, talks},
        play,
    },
    rules::Rules,
};

/// Talks of each set that end as they should, by language, when the sets were last looked through. What ends otherwise
/// is a known gap of the rules: mend one, and raise its figure.
const HELD: &[(&str, &[(&str, usize)])] = &[
    ("handoff", &[("en", 60), ("es", 60), ("ru", 60)]),
    ("injection", &[("en", 72), ("es", 72), ("ru", 72)]),
    ("optout", &[("en", 62), ("es", 62), ("ru", 62)]),
    ("promises", &[("en", 64), ("es", 66), ("ru", 66)]),
    ("published", &[("en", 8), ("es", 4)]),
];

fn set(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../tests/eval/{name}.jsonl"));
    fs::read_to_string(path).expect("the set")
}

#[tokio::test]
async fn the_rules_score_as_they_did_and_say_only_what_is_backed() {
    let brain = Rules::default();
    for (name, held) in HELD {
        let (mut ok, mut failed, mut unbacked) = (BTreeMap::<String, usize>::new(), Vec::new(), Vec::new());
        for talk in talks(&set(name)).expect("a set") {
            let played = play(&talk, &brain).await.unwrap_or_else(|error| panic!("{}: {error}", talk.id));
            *ok.entry(played.lang.clone()).or_default() += usize::from(played.ok);
            if !played.ok {
                failed.push(format!("{}: {:?}, said {:?}", played.id, played.wrong, played.said));
            }
            unbacked.extend(played.unbacked);
        }
        assert!(unbacked.is_empty(), "{name}: {unbacked:#?}");
        for (language, least) in *held {
            let got = ok.get(*language).copied().unwrap_or_default();
            assert!(got >= *least, "{name} {language}: {got} of {least}\n{}", failed.join("\n"));
        }
    }
}

#[tokio::test]
async fn a_set_is_read_strictly_and_may_ask_for_what_is_not_kept_yet() {
    let row = |say: &str, expect: &str| {
        format!(
            r#"{{"id":"a","lang":"en","zone":"Europe/Madrid","now":"2026-11-18T09:00:00+01:00","say":[{say}],"expect":[{expect}],"forbid":["reply"],"tags":["x"]}}"#
        )
    };
    let hello = r#"{"by":"client","text":"Hello!","at":"2026-11-18T09:05:00+01:00"}"#;
    let asked = r#"{"goal":{"has":"marathon"}},{"milestone":{"has":"10 km"}}"#;
    let [talk] = &talks(&row(hello, asked)).expect("a talk")[..] else { panic!("one talk") };
    assert!(matches!(&talk.expect[..], [Expect::Goal(goal), Expect::Milestone(_)] if goal.has == "marathon"));
    let played = play(talk, &Rules::default()).await.expect("it is played");
    assert!(!played.ok && played.wrong.len() == 3, "{:?}", played.wrong);
    for wrong in [row(r#"{"by":"dog","text":"woof"}"#, ""), row(hello, r#"{"dance":true}"#), "{}".to_owned()] {
        assert!(talks(&format!("\n{wrong}")).expect_err("no talk").starts_with("line 2: "), "{wrong}");
    }
}

#[tokio::test]
async fn what_is_due_between_two_lines_goes_out_and_a_wrong_end_is_told() {
    let talk = r#"{"id":"a","lang":"en","zone":"Europe/Madrid","now":"2026-11-18T09:00:00+01:00","say":[
        {"by":"client","text":"ping me in two hours"},
        {"by":"bot","text":"OK"},
        {"by":"client","text":"thanks","at":"2026-11-18T12:00:00+01:00"}],"expect":[{"none":true}]}"#;
    let mut talk = talks(&talk.replace('\n', " ")).expect("a talk").remove(0);
    assert!(play(&talk, &Rules::default()).await.expect("it is played").ok);
    talk.say.truncate(1);
    let played = play(&talk, &Rules::default()).await.expect("it is played");
    assert_eq!(played.wrong, ["not so: nothing is pending"]);
    assert_eq!(played.pending, ["2026-11-18T11:00:00"]);
}
