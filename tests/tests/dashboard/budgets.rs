//! How much a page may weigh, as it is sent.

use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING};
use steward_tests::{Config, System};

use super::inbox::client_writes;

const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../services/projection/dashboard/assets/js");

/// The URLs that a page loads.
fn loaded(html: &str) -> Vec<String> {
    let links = html.split(['"', '\'']).filter(|part| part.starts_with("/assets/"));
    links.map(str::to_owned).collect()
}

#[tokio::test]
async fn pages_scripts_and_styles_stay_small_and_are_kept_by_the_browser() {
    let system = System::start(Config::web()).await.unwrap();
    for n in 0..60 {
        client_writes(&system, &format!("client-{n}"), &format!("Client {n}"), "ping me tomorrow at 9").await;
    }
    let read = async |path: &str| {
        let request = system.client.get(format!("{}{path}", system.read)).header(ACCEPT_ENCODING, "gzip");
        let answer = request.header("Steward-After", system.position()).send().await.unwrap();
        let answer = answer.error_for_status().unwrap();
        let headers = answer.headers().clone();
        (headers, answer.bytes().await.unwrap())
    };
    let one = system.get("/api/v1/conversations?limit=1").await.unwrap()["items"][0]["id"].clone();
    let conversation = format!("/inbox/{}?tab=all", one.as_str().unwrap());
    let pages = [
        "/inbox?tab=all",
        &conversation,
        "/promises",
        "/promises?view=week",
        "/promises?view=month",
        "/outbox?tab=done",
        "/goals",
        "/live",
        "/live?all=1",
        "/system",
        "/settings",
        "/try",
    ];
    for path in pages {
        let (headers, body) = read(path).await;
        assert_eq!(headers[CONTENT_ENCODING], "gzip", "{path}");
        assert!(body.len() <= 40_000, "{path} has {} bytes", body.len());
    }
    let html = system.client.get(format!("{}/try", system.read)).send().await.unwrap().text().await.unwrap();
    let (mut styles, mut scripts) = (0, 0);
    let mut open = loaded(&html);
    let hash = open[0].split('/').nth(2).unwrap().to_owned();
    let scripts_there = std::fs::read_dir(SCRIPTS).unwrap().map(|file| file.unwrap());
    for file in scripts_there {
        let name = file.file_name().into_string().unwrap();
        let lines = std::fs::read_to_string(file.path()).unwrap().lines().count();
        assert!(lines <= 200, "{name} has {lines} lines");
        open.push(format!("/assets/{hash}/js/{name}"));
    }
    open.sort_unstable();
    open.dedup();
    for path in open {
        let (headers, body) = read(&path).await;
        assert!(headers["cache-control"].to_str().unwrap().contains("immutable"), "{path}");
        match path.rsplit('.').next() {
            Some("css") => styles += body.len(),
            Some("js") => scripts += body.len(),
            _ => {}
        }
    }
    println!("styles {styles} bytes, scripts {scripts} bytes");
    assert!(styles > 0 && styles <= 12_000, "{styles}");
    assert!(scripts > 0 && scripts <= 30_000, "{scripts}");
    let old = system.client.get(format!("{}/assets/0000/css/base.css", system.read)).send().await.unwrap();
    assert_eq!(old.headers()["cache-control"], "no-cache");
    let none = system.client.get(format!("{}/assets/{hash}/../Cargo.toml", system.read)).send().await.unwrap();
    assert_eq!(none.status(), 404);
}

#[tokio::test]
async fn a_page_that_a_browser_has_is_not_sent_again_and_origins_are_let_in_by_name() {
    let config = Config::web().with("[server]\ncors_origins = [\"https://app.example.com\"]").with_auth("keys");
    let system = System::start(config).await.unwrap();
    let (key, _) = system.create_key("default", "operator").await.unwrap();
    let page = |tag: Option<String>| {
        let request =
            system.client.get(format!("{}/outbox", system.read)).bearer_auth(&key).header(ACCEPT_ENCODING, "zstd");
        match tag {
            Some(tag) => request.header("if-none-match", tag),
            None => request,
        }
    };
    let first = page(None).send().await.unwrap().error_for_status().unwrap();
    assert_eq!(first.headers()[CONTENT_ENCODING], "zstd");
    // Once the read models have all that the start wrote, it stays the same.
    let mut tag = first.headers()["etag"].to_str().unwrap().to_owned();
    let mut tick = tokio::time::interval(std::time::Duration::from_millis(50));
    for tries in 0.. {
        let again = page(Some(tag.clone())).send().await.unwrap();
        if again.status() == 304 {
            break;
        }
        assert!(tries < 200, "it is another page each time");
        again.headers()["etag"].to_str().unwrap().clone_into(&mut tag);
        tick.tick().await;
    }
    // Whatever happens makes it another page.
    let body = serde_json::json!({ "channel_id": "web-main", "contact": { "id": "ana" }, "text": "hello" });
    let said = system.client.post(format!("{}/api/v1/messages", system.write)).bearer_auth(&key).json(&body);
    let said: serde_json::Value = said.send().await.unwrap().error_for_status().unwrap().json().await.unwrap();
    let after = page(Some(tag)).header("Steward-After", said["position"].to_string()).send().await.unwrap();
    assert_eq!(after.status(), 200);
    // The live stream is never packed.
    let stream = system.client.get(format!("{}/api/v1/stream", system.read)).bearer_auth(&key);
    let stream = stream.header(ACCEPT_ENCODING, "gzip, zstd").send().await.unwrap().error_for_status().unwrap();
    assert!(stream.headers().get(CONTENT_ENCODING).is_none());
    drop(stream);
    // A page of another origin asks first, and reads, if the origin is named; cookies are never let in.
    for (origin, known) in [("https://app.example.com", true), ("https://evil.example", false)] {
        let asked = system.client.request(reqwest::Method::OPTIONS, format!("{}/api/v1/messages", system.write));
        let asked =
            asked.header("origin", origin).header("access-control-request-method", "POST").send().await.unwrap();
        assert_eq!(asked.status() == 204, known, "{origin}");
        let read = system.client.get(format!("{}/api/v1/attention", system.read)).bearer_auth(&key);
        let read = read.header("origin", origin).send().await.unwrap();
        let allowed = read.headers().get("access-control-allow-origin").map(|origin| origin.to_str().unwrap());
        assert_eq!(allowed, known.then_some(origin));
        assert!(read.headers().get("access-control-allow-credentials").is_none());
    }
}
