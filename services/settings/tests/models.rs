//! Which models may be asked, with which key and at which price.

use std::fs;

use steward_settings::{Environment, ModelKind, Price, Rate, Settings, read};
use tempfile::TempDir;

fn load(toml: &str, variables: &[(&str, &str)]) -> Result<Settings, String> {
    let dir = TempDir::new().expect("a temp dir");
    let path = dir.path().join("steward.toml");
    fs::write(&path, toml).expect("written");
    let environment: Environment = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    read(Some(&path), &environment).map(|loaded| loaded.settings).map_err(|problem| problem.to_string())
}

fn key(settings: &Settings, provider: &str) -> Option<String> {
    let model = settings.brain.model(provider, Some("m")).ok()?;
    model.api_key.map(|key| key.expose().to_owned())
}

#[test]
fn a_key_in_the_environment_is_enough_to_ask_its_provider() {
    for (kind, variable) in ModelKind::ALL.map(|kind| (kind, kind.key_variable())) {
        let settings = load("", &[(variable, " k1 ")]).expect("valid");
        let model = settings.brain.model(kind.name(), Some("m-1")).expect("known");
        assert_eq!((model.kind, model.name.as_str(), model.genuine), (kind, "m-1", true));
        assert_eq!(key(&settings, kind.name()).as_deref(), Some("k1"));
        for other in ModelKind::ALL.into_iter().filter(|other| other.key_variable() != variable) {
            let problem = settings.brain.model(other.name(), Some("m")).expect_err("it has no key");
            assert!(problem.contains(other.key_variable()), "{problem}");
        }
    }
}

#[test]
fn a_key_in_the_file_wins_and_a_server_of_ones_own_never_gets_the_providers() {
    let toml = "[brain.providers.openai]\napi_key='own'\n[brain.providers.second]\nkind='openai'\n\
                [brain.providers.local]\nkind='openai'\nbase_url='http://127.0.0.1:11434/v1/'\nmodel='llama'\n";
    let settings = load(toml, &[("OPENAI_API_KEY", "env")]).expect("valid");
    assert_eq!(key(&settings, "openai").as_deref(), Some("own"));
    assert_eq!(key(&settings, "second").as_deref(), Some("env"));
    let local = settings.brain.model("local", None).expect("known");
    assert_eq!((local.api_key, local.base_url.as_str()), (None, "http://127.0.0.1:11434/v1"));
    assert_eq!((local.name.as_str(), local.genuine), ("llama", false));
}

#[test]
fn a_variable_of_steward_may_hold_a_key_as_well() {
    let variables = [("STEWARD__BRAIN__PROVIDERS__GEMINI__API_KEY", "1234"), ("GEMINI_API_KEY", "other")];
    assert_eq!(key(&load("", &variables).expect("valid"), "gemini").as_deref(), Some("1234"));
}

#[test]
fn the_chain_is_the_provider_asked_for_and_then_the_fallbacks() {
    let toml = "[brain]\nfallback=['anthropic','openai']\n[brain.providers.openai]\nmodel='o'\n\
                [brain.providers.anthropic]\nmodel='a'\napi_version='2023-06-01'\nmax_output=4096\n";
    let settings = load(toml, &[("OPENAI_API_KEY", "1"), ("ANTHROPIC_API_KEY", "2")]).expect("valid");
    let chain = settings.brain.chain("openai", Some("o-large")).expect("known");
    let names: Vec<_> = chain.iter().map(|model| (model.provider.as_str(), model.name.as_str())).collect();
    assert_eq!(names, [("openai", "o-large"), ("anthropic", "a")]);
    assert_eq!((chain[1].api_version.as_deref(), chain[1].max_output), (Some("2023-06-01"), Some(4096)));
}

#[test]
fn prices_are_written_in_usd_and_kept_in_micro_usd() {
    let toml =
        "[brain.prices.'m-1.5']\ninput=3\noutput=15.0\ncache_read=0.3\n[brain.providers.gemini]\nmodel='m-1.5'\n";
    let settings = load(toml, &[("GEMINI_API_KEY", "1")]).expect("valid");
    let price = settings.brain.model("gemini", None).expect("known").price;
    let expected =
        Price { input: Rate(3_000_000), output: Rate(15_000_000), cache_read: Some(Rate(300_000)), cache_write: None };
    assert_eq!(price, Some(expected));
}

#[test]
fn what_cannot_be_asked_is_refused_with_its_key() {
    for (toml, words) in [
        ("[brain]\nfallback=['other']\n", "`brain.fallback[0]`"),
        ("[brain]\nfallback=['openai']\n", "`brain.providers.openai.model` is missing"),
        ("[brain]\nfallback=['openai']\n[brain.providers.openai]\nmodel='m'\n", "OPENAI_API_KEY isn't set"),
        ("[brain.providers.mine]\nbase_url='http://h'\n", "`brain.providers.mine.kind`"),
        ("[brain.providers.openai]\nkind='cohere'\n", "`brain.providers.openai.kind`"),
        ("[brain.providers.openai]\napi_version='v1'\n", "`brain.providers.openai.api_version`"),
        ("[brain.providers.gemini]\napi_version='../v1'\n", "`brain.providers.gemini.api_version`"),
        ("[brain.providers.openai]\nbase_url='ftp://h'\n", "`brain.providers.openai.base_url`"),
        ("[brain.providers.openai]\napi_key='hunter 2'\n", "`brain.providers.openai.api_key`"),
        ("[brain.providers.openai]\ntemperature=1\n", "temperature"),
        ("[brain.prices.m]\ninput=-1\noutput=1\n", "brain.prices.m.input"),
        ("[brain.prices.m]\ninput=1\n", "brain.prices.m"),
    ] {
        let problem = load(toml, &[]).expect_err(toml);
        assert!(problem.contains(words) && !problem.contains("hunter"), "{toml}: {problem}");
    }
}

#[test]
fn no_key_of_a_provider_is_shown() {
    let settings = load("[brain.providers.openai]\napi_key='hunter2'\n", &[("GEMINI_API_KEY", "hunter2")]);
    let settings = settings.expect("valid");
    let model = settings.brain.model("gemini", Some("m")).expect("known");
    let written = toml::to_string(&settings).expect("settings are a table");
    for shown in [written, format!("{settings:?}"), format!("{model:?}")] {
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
