//! The OpenAPI document by itself: every operation is described in full, and no code of a refusal is missing.

use std::collections::{BTreeSet, HashSet};

use serde_json::Value;
use steward::openapi::document;

/// Each operation with its method and path.
fn all(document: &Value) -> Vec<(String, &Value)> {
    let items = document["paths"].as_object().expect("paths").iter();
    let operations = items.flat_map(|(path, item)| {
        item.as_object().expect("methods").iter().map(move |(m, o)| (format!("{m} {path}"), o))
    });
    operations.collect()
}

#[test]
fn every_operation_has_a_name_a_tag_and_words_and_no_reference_dangles() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let tags: HashSet<&Value> = document["tags"].as_array().expect("tags").iter().map(|tag| &tag["name"]).collect();
    let mut names = HashSet::new();
    for (operation, described) in all(&document) {
        assert!(names.insert(&described["operationId"]) && described["operationId"].is_string(), "{operation}");
        assert!(
            described["tags"].as_array().is_some_and(|own| own.iter().all(|tag| tags.contains(tag))),
            "{operation}"
        );
        assert!(described["summary"].is_string(), "{operation}");
        let parameters = described["parameters"].as_array().into_iter().flatten().map(|p| (&p["in"], &p["name"]));
        let parameters: Vec<_> = parameters.collect();
        assert_eq!(parameters.iter().collect::<HashSet<_>>().len(), parameters.len(), "{operation}");
    }
    assert!(names.len() > 50, "only {} operations", names.len());
    for reference in document.to_string().split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap_or_default();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
    let reasons = &document["components"]["schemas"]["Reason"]["properties"]["code"]["enum"];
    assert!(reasons.as_array().expect("codes").contains(&"waits_its_turn".into()));
}

#[test]
fn whoever_brings_a_key_or_a_body_is_told_how_that_may_be_refused() {
    let document = document();
    let text = document.to_string();
    for (operation, described) in all(&document) {
        let answers = &described["responses"];
        let keyed = described["security"] != serde_json::json!([]);
        for status in ["401", "403", "429"] {
            assert!(!keyed || answers[status].is_object(), "{operation} is never {status}");
        }
        let takes_a_body = answers["413"].is_object();
        assert!(!takes_a_body || answers["507"].is_object(), "{operation} is never 507");
        assert!(described["requestBody"].is_null() || takes_a_body, "{operation} is never 413");
    }
    for code in [
        "too_many_refused",
        "too_many_reads",
        "too_many_waits",
        "too_many_streams",
        "too_many_replays",
        "reads_busy",
        "too_slow",
        "busy",
        "log_full",
        "too_many_follow_ups",
        "too_many_webhooks",
    ] {
        assert!(text.contains(&format!("{code}: ")), "{code}");
    }
}

/// If two types had one name, they would be one schema, and one of them would be described as the other.
#[test]
fn no_two_schemas_have_one_name() {
    let parts = [steward_ingestion::openapi(), steward_projection::openapi()];
    let [ingestion, projection] = parts.map(|part| part.components.map(|all| all.schemas).unwrap_or_default());
    let both: Vec<&String> = ingestion.keys().filter(|name| projection.contains_key(*name)).collect();
    assert!(both.is_empty(), "{both:?}");
}

/// Collects the codes of refusals from a crate's sources.
fn codes_in(folder: &std::path::Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            codes_in(&path, found);
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        for made in ["Problem::", "Refused::"] {
            for after in text.split(made).skip(1) {
                let Some((name, rest)) = after.split_once('(') else { continue };
                let words = name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
                let code = rest.trim_start().strip_prefix('"').and_then(|rest| rest.split_once('"'));
                // The problems of the configuration name keys, which have dots in them.
                let is_code = |(code, _): &(&str, &str)| words && !code.contains('.');
                found.extend(code.filter(is_code).map(|(code, _)| code.to_owned()));
            }
        }
    }
}

#[test]
fn no_code_of_a_refusal_is_missing() {
    let services = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the services");
    let mut codes = BTreeSet::new();
    for name in ["http", "ingestion", "projection", "steward", "domain"] {
        codes_in(&services.join(name).join("src"), &mut codes);
    }
    assert!(codes.len() > 60, "only {} codes were found", codes.len());
    let text = document().to_string();
    // Codes for paths that don't exist have no operation under which they could stand.
    let missing: Vec<_> = codes.iter().filter(|code| !text.contains(&format!("\"{code}\""))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
