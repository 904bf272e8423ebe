//! What pages say is said to people, in their language.

use reqwest::header::ACCEPT_LANGUAGE;
use steward_tests::{Config, System};

/// What a page shows as text: without tags, and without what stands below Details.
fn shown(html: &str) -> String {
    let body = html.split_once("<body").unwrap().1.split_once('>').unwrap().1;
    let mut text = String::new();
    let mut inside = false;
    for c in body.chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            c if !inside => text.push(c),
            _ => {}
        }
    }
    text
}

#[tokio::test]
async fn every_page_speaks_each_language_and_none_shows_a_name_of_the_codes() {
    let system = System::start(Config::web()).await.unwrap();
    let titles = [("en", "Inbox"), ("es", "Bandeja"), ("ru", "Входящие")];
    let pages = [
        "/inbox",
        "/inbox?tab=all",
        "/promises",
        "/outbox",
        "/outbox?tab=waiting",
        "/goals",
        "/live",
        "/system",
        "/try",
        "/settings",
    ];
    for (language, title) in titles {
        for path in pages {
            let request = system.client.get(format!("{}{path}", system.read)).header(ACCEPT_LANGUAGE, language);
            let html = request.send().await.unwrap().error_for_status().unwrap().text().await.unwrap();
            assert!(html.contains(&format!("<html lang=\"{language}\"")), "{path}");
            let text = shown(&html);
            assert!(text.contains(title), "{path} in {language}: {text}");
            let snake = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').find(|word| {
                let (start, end) = (word.trim_matches('_'), word.contains('_'));
                end && !start.is_empty() && start.chars().any(|c| c.is_ascii_lowercase()) && path != "/settings"
            });
            assert_eq!(snake, None, "{path} in {language}");
        }
    }
}
