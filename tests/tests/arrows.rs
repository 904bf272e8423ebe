//! The arrows between the crates point one way, as ARCHITECTURE.md says.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};

use serde_json::Value;

/// Whom of ours a crate may know; a crate that isn't here may not exist.
const MAY_KNOW: [(&str, &[&str]); 12] = [
    ("steward-proto", &[]),
    ("steward-language", &[]),
    ("steward-domain", &["steward-language", "steward-proto"]),
    ("steward-log", &["steward-proto"]),
    ("steward-http", &["steward-domain", "steward-log", "steward-proto"]),
    ("steward-ingestion", SERVICE),
    ("steward-agent-brain", SERVICE),
    ("steward-scheduler", SERVICE),
    ("steward-outbox-dispatcher", SERVICE),
    ("steward-projection", SERVICE),
    ("steward", ALL),
    ("steward-tests", &["steward-domain", "steward-http", "steward-log", "steward-proto"]),
];

/// What a service may know: what all share, and no other service.
const SERVICE: &[&str] = &["steward-domain", "steward-http", "steward-language", "steward-log", "steward-proto"];

/// The binary puts everything together.
const ALL: &[&str] = &[
    "steward-agent-brain",
    "steward-domain",
    "steward-http",
    "steward-ingestion",
    "steward-language",
    "steward-log",
    "steward-outbox-dispatcher",
    "steward-projection",
    "steward-proto",
    "steward-scheduler",
];

/// What the pure crates may use of others: nothing that reads a file, a socket, a clock or chance.
const PURE: [(&str, &[&str]); 2] = [
    ("steward-language", &["chrono", "chrono-tz", "serde", "thiserror"]),
    (
        "steward-domain",
        &["base64", "chrono", "chrono-tz", "hex", "hmac", "serde", "serde_json", "sha2", "thiserror", "uuid"],
    ),
];

/// Only these may speak to NATS themselves: the log, and tests that look at it from outside.
const KNOW_NATS: [&str; 2] = ["steward-log", "steward-tests"];

/// A crate and what it depends on, tests aside.
type Crates = BTreeMap<String, BTreeSet<String>>;

/// Every arrow that points where none may.
fn wrong_arrows(crates: &Crates) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, uses) in crates {
        let Some((_, known)) = MAY_KNOW.iter().find(|(of, _)| of == name) else {
            wrong.push(format!("{name} has no place in the layout"));
            continue;
        };
        let pure = PURE.iter().find(|(of, _)| of == name);
        for used in uses {
            let ours = crates.contains_key(used);
            if ours && !known.contains(&used.as_str()) {
                wrong.push(format!("{name} may not know {used}"));
            }
            if !ours && pure.is_some_and(|(_, may)| !may.contains(&used.as_str())) {
                wrong.push(format!("{name} is pure and may not use {used}"));
            }
            if used == "async-nats" && !KNOW_NATS.contains(&name.as_str()) {
                wrong.push(format!("{name} may not speak to NATS but through steward-log"));
            }
        }
    }
    wrong
}

/// The workspace as it is.
fn workspace() -> Vec<(String, BTreeSet<String>, String)> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    let asked = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1", "--manifest-path"])
        .arg(manifest)
        .output()
        .unwrap();
    assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
    let said: Value = serde_json::from_slice(&asked.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let crates = said["packages"].as_array().unwrap().iter().map(|package| {
        let uses = package["dependencies"].as_array().unwrap().iter();
        let uses = uses.filter(|dependency| dependency["kind"] != "dev").map(|dependency| text(&dependency["name"]));
        (text(&package["name"]), uses.collect(), text(&package["manifest_path"]))
    });
    crates.collect()
}

fn crates() -> Crates {
    workspace().into_iter().map(|(name, uses, _)| (name, uses)).collect()
}

#[test]
fn the_arrows_point_one_way() {
    assert_eq!(wrong_arrows(&crates()), Vec::<String>::new());
}

#[test]
fn an_arrow_that_is_wrong_is_seen() {
    for (from, to, problem) in [
        ("steward-scheduler", "steward-ingestion", "steward-scheduler may not know steward-ingestion"),
        ("steward-language", "steward-domain", "steward-language may not know steward-domain"),
        ("steward-log", "steward-domain", "steward-log may not know steward-domain"),
        ("steward-domain", "tokio", "steward-domain is pure and may not use tokio"),
        ("steward-projection", "async-nats", "steward-projection may not speak to NATS but through steward-log"),
        ("steward-common", "serde", "steward-common has no place in the layout"),
    ] {
        let mut crates = crates();
        crates.entry(from.to_owned()).or_default().insert(to.to_owned());
        assert_eq!(wrong_arrows(&crates), [problem]);
    }
}

/// What isn't in a manifest can still be reached, through what another crate gives on.
#[test]
fn nobody_uses_the_nats_client_through_the_log() {
    fn sources(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|end| end == "rs") {
                found.push(path);
            }
        }
    }
    let mut reached = Vec::new();
    for (name, _, manifest) in workspace() {
        if KNOW_NATS.contains(&name.as_str()) {
            continue;
        }
        let mut files = Vec::new();
        sources(&Path::new(&manifest).parent().unwrap().join("src"), &mut files);
        assert!(!files.is_empty(), "{name} has sources");
        reached.extend(files.into_iter().filter(|file| std::fs::read_to_string(file).unwrap().contains("async_nats")));
    }
    assert_eq!(reached, Vec::<std::path::PathBuf>::new());
}
