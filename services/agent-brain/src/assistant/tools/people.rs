//! Who speaks: a person of ours, or nobody.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Hands, Spec, read};

pub const TOOLS: &[Spec] = &[
    Spec::of::<HandOff>(
        "hand_off_to_human",
        "Calls a person of ours: the client asks for one, is upset, or wants what you can't do or don't know.",
        hand_off,
    ),
    Spec::of::<Silence>(
        "stay_silent",
        "Ends the turn without a word: what the client wrote needs no answer.",
        stay_silent,
    ),
];

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct HandOff {
    /// Why, for the person.
    #[serde(default)]
    #[allow(dead_code, reason = "it stands in the recorded call, where the person reads it")]
    why: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Silence {
    /// Why nothing need be said.
    why: String,
}

fn hand_off(hands: &mut Hands<'_>, arguments: Value) -> Result<String, String> {
    let HandOff { .. } = read(arguments)?;
    hands.desk.hand_off()
}

fn stay_silent(hands: &mut Hands<'_>, arguments: Value) -> Result<String, String> {
    let Silence { why } = read(arguments)?;
    hands.silent = Some(why.chars().take(500).collect());
    Ok("nothing will be said, unless you go on to say something".to_owned())
}
