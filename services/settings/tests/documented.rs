//! The documents say of the configuration what its definition says.

use std::{collections::BTreeMap, fs, path::PathBuf};

use steward_settings::{Environment, Limits, Origin, Settings, read};
use tempfile::TempDir;
use toml::{Table, Value};

fn document(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(name);
    fs::read_to_string(&path).unwrap_or_else(|problem| panic!("{}: {problem}", path.display()))
}

/// The first two columns of the table whose first column has the head `section`.
fn rows(document: &str, section: &str) -> BTreeMap<String, String> {
    let lines = document.lines().skip_while(|line| !line.starts_with(&format!("| `{section}` |"))).skip(2);
    let rows = lines.take_while(|line| line.starts_with('|')).map(|line| {
        let mut columns = line.trim_matches('|').split('|').map(str::trim);
        let key = columns.next().unwrap_or_default().trim_matches('`').to_owned();
        (key, columns.next().unwrap_or_default().to_owned())
    });
    rows.collect()
}

/// A default as the table shows it.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[test]
fn every_limit_stands_in_the_table_of_limits_with_its_default() {
    let defined: Table = Table::try_from(Limits::default()).expect("limits are a table");
    let told = rows(&document("deploy/README.md"), "[limits]");
    let keys: Vec<&String> = told.keys().collect();
    assert_eq!(keys, defined.keys().collect::<Vec<_>>());
    for (key, default) in &told {
        let number = default.split_whitespace().next().unwrap_or_default();
        assert_eq!(number, shown(&defined[key]), "the default of `{key}`");
    }
}

#[test]
fn every_key_of_the_servers_table_is_one() {
    let lines: String = rows(&document("deploy/README.md"), "[server]")
        .keys()
        .map(|key| match key.as_str() {
            "trusted_proxies" => format!("{key} = []\n"),
            "commands_url" => format!("{key} = 'http://127.0.0.1:1'\n"),
            _ => format!("{key} = '127.0.0.1:1'\n"),
        })
        .collect();
    assert!(!lines.is_empty());
    toml::from_str::<Settings>(&format!("[server]\n{lines}")).expect("all keys are known");
}

#[test]
fn every_example_of_the_readme_is_a_configuration() {
    let readme = document("README.md");
    let examples: Vec<&str> = readme.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(examples.len() >= 3, "{}", examples.len());
    let variables = [
        "TG_TOKEN",
        "TG_SECRET",
        "WA_TOKEN",
        "WA_APP_SECRET",
        "WA_VERIFY",
        "MAIL_SECRET",
        "OPENAI_API_KEY",
        "ANTHROPIC_API_KEY",
    ];
    let environment: Environment = variables.map(|name| (name.to_owned(), "x1".to_owned())).into();
    let dir = TempDir::new().expect("a temp dir");
    let path = dir.path().join("steward.toml");
    for example in examples {
        fs::write(&path, example).expect("written");
        if let Err(problem) = read(Some(&path), &environment) {
            panic!("{problem}\n{example}");
        }
    }
}

#[test]
fn each_value_tells_where_it_came_from() {
    let dir = TempDir::new().expect("a temp dir");
    let path = dir.path().join("steward.toml");
    fs::write(&path, "[limits]\nreads = 5\nstreams = 7\n").expect("written");
    let environment = Environment::from([("STEWARD__LIMITS__STREAMS".to_owned(), "8".to_owned())]);
    let loaded = read(Some(&path), &environment).expect("valid");
    assert_eq!((loaded.settings.limits.reads, loaded.settings.limits.streams), (5, 8));
    assert_eq!(loaded.origin("limits.reads"), Origin::File(path.clone()));
    assert_eq!(loaded.origin("limits.streams"), Origin::Environment("STEWARD__LIMITS__STREAMS".to_owned()));
    assert_eq!(loaded.origin("limits.replays"), Origin::Default);
    assert_eq!(
        (loaded.file(), loaded.variables().collect::<Vec<_>>()),
        (Some(&path), vec!["STEWARD__LIMITS__STREAMS"])
    );
    let refusal = loaded.refuse("limits.streams", "too few").to_string();
    assert_eq!(refusal, "environment variable STEWARD__LIMITS__STREAMS: `limits.streams`: too few");
}

#[test]
fn settings_are_shown_without_a_secret() {
    let dir = TempDir::new().expect("a temp dir");
    let path = dir.path().join("steward.toml");
    let channel = "[[channels]]\nid='t'\nkind='telegram'\ntoken='1:hunter2'\nsecret_token='hunter2'\n";
    fs::write(&path, format!("[nats]\nurl='nats://a:hunter2@127.0.0.1'\n{channel}")).expect("written");
    let settings = read(Some(&path), &Environment::new()).expect("valid").settings;
    let written = toml::to_string(&settings).expect("settings are a table");
    assert!(written.contains("kind = \"telegram\"") && written.contains("token = \"***\""), "{written}");
    for shown in [written, format!("{settings:?}")] {
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
