//! How much a page may weigh, as it is sent.

use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING};
use steward_tests::{Config, System};

use super::inbox::client_writes;

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
    for path in ["/inbox?tab=all", "/promises", "/promises?view=week", "/live", "/try"] {
        let (headers, body) = read(path).await;
        assert_eq!(headers[CONTENT_ENCODING], "gzip", "{path}");
        assert!(body.len() <= 40_000, "{path} has {} bytes", body.len());
    }
    let html = system.client.get(format!("{}/try", system.read)).send().await.unwrap().text().await.unwrap();
    let (mut styles, mut scripts) = (0, 0);
    let mut open = loaded(&html);
    let hash = open[0].split('/').nth(2).unwrap().to_owned();
    open.extend(
        ["stream", "regions", "morph", "commands", "clock", "keys", "composer", "slider"]
            .map(|name| format!("/assets/{hash}/js/{name}.js")),
    );
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
