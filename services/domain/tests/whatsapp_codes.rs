//! Every error code that Meta publishes means something to us.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use serde_json::Value;
use steward_domain::whatsapp::{Meaning, known};

#[test]
fn every_published_code_is_mapped() {
    let list: Value = serde_json::from_str(include_str!("fixtures/whatsapp/error_codes.json")).unwrap();
    let codes: Vec<i64> = list["codes"].as_array().unwrap().iter().map(|c| c["code"].as_i64().unwrap()).collect();
    assert!(codes.len() > 100, "only {} codes", codes.len());
    let unmapped: Vec<i64> = codes.iter().copied().filter(|code| known(*code).is_none()).collect();
    assert!(unmapped.is_empty(), "{unmapped:?}");
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for code in &codes {
        let name = match known(*code).unwrap().meaning {
            Meaning::Permanent => "permanent",
            Meaning::Blocked => "blocked",
            Meaning::WindowClosed => "window closed",
            Meaning::Later { .. } => "later",
            Meaning::Stopped => "stopped",
        };
        *counts.entry(name).or_default() += 1;
    }
    println!("{} codes: {counts:?}", codes.len());
    assert_eq!((counts["window closed"], counts["blocked"]), (1, 1));
    assert!(counts["stopped"] >= 10 && counts["later"] >= 10, "{counts:?}");
}
