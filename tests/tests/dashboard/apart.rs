//! What is another tenant's is nobody else's, and what runs apart works together.

use reqwest::redirect::Policy;
use serde_json::json;
use steward_tests::{Browser, Config, System, system};

use super::inbox::client_writes;

#[tokio::test]
async fn no_page_shows_what_is_another_tenants() {
    let system = System::start(Config::web().with_auth("keys")).await.unwrap();
    let (ours, _) = system.create_key("default", "admin").await.unwrap();
    let (theirs, _) = system.create_key("other", "admin").await.unwrap();
    let contact = json!({ "id": "ana", "name": "Secretname" });
    let body =
        json!({ "channel_id": "web-main", "contact": contact, "text": "ping me tomorrow at 9 about secretwords" });
    let said = system.client.post(format!("{}/api/v1/messages", system.write)).bearer_auth(&ours).json(&body);
    let said: serde_json::Value = said.send().await.unwrap().error_for_status().unwrap().json().await.unwrap();
    let id = said["conversation_id"].as_str().unwrap();
    let read = async |key: &str, path: &str| {
        let after = said["position"].to_string();
        let request = system.client.get(format!("{}{path}", system.read)).header("Steward-After", after);
        let answer = request.header("cookie", format!("steward_session={key}")).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let pages = [
        "/inbox?tab=all".to_owned(),
        format!("/inbox/{id}"),
        format!("/inbox/{id}?at=100"),
        "/promises".to_owned(),
        "/promises?view=week".to_owned(),
        "/outbox".to_owned(),
        "/outbox?tab=done".to_owned(),
        "/live".to_owned(),
        "/system".to_owned(),
        "/try".to_owned(),
        format!("/ui/time?text=tomorrow&conversation_id={id}"),
    ];
    let mut seen = 0;
    for path in &pages {
        let (status, page) = read(&ours, path).await;
        assert_eq!(status, 200, "{path}");
        seen += usize::from(page.contains("Secretname"));
        let (status, page) = read(&theirs, path).await;
        assert_eq!(status, if path.contains(id) { 404 } else { 200 }, "{path}: {page}");
        for secret in ["Secretname", "secretwords"] {
            assert!(!page.contains(secret), "{path} shows {secret}");
        }
    }
    assert!(seen >= 3, "our own pages show it");
    let take = system
        .client
        .post(format!("{}/ui/conversations/{id}/takeover", system.read))
        .header("cookie", format!("steward_session={theirs}"))
        .header("origin", &system.read)
        .form(&[("key", "x")]);
    assert_eq!(take.send().await.unwrap().status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tenants_in_two_browsers_receive_nothing_of_each_other() {
    let other = "id = \"web-other\"\nkind = \"web\"\ntenant = \"other\"";
    let system = System::start(Config::web().with_auth("keys").with_channel(other)).await.unwrap();
    let tenants = [("default", "web-main", "Oursecret"), ("other", "web-other", "Theirsecret")];
    let browser = Browser::start().await.unwrap();
    let mut tabs = Vec::new();
    for (tenant, ..) in tenants {
        let (key, _) = system.create_key(tenant, "admin").await.unwrap();
        let tab = browser.tab(&system.read, true).await.unwrap();
        tab.open("/inbox").await.unwrap();
        tab.write("#your_key", &key).await.unwrap();
        tab.press("button.filled").await.unwrap();
        tab.until("document.getElementById('line')?.dataset.state === 'live'").await.unwrap();
        tabs.push((tab, key));
    }
    let mut conversations = Vec::new();
    for ((_, channel, secret), (_, key)) in tenants.into_iter().zip(&tabs) {
        let body = json!({ "channel_id": channel, "contact": { "id": "ana", "name": secret }, "text": format!("ping me tomorrow at 9 about {secret}") });
        let said = system.client.post(format!("{}/api/v1/messages", system.write)).bearer_auth(key).json(&body);
        let said: serde_json::Value = said.send().await.unwrap().error_for_status().unwrap().json().await.unwrap();
        conversations.push(said["conversation_id"].as_str().unwrap().to_owned());
    }
    for (n, (tab, _)) in tabs.iter().enumerate() {
        let (own, other) = (tenants[n].2, tenants[1 - n].2);
        let pages = [
            "/inbox?tab=all".to_owned(),
            format!("/inbox/{}?tab=all", conversations[n]),
            format!("/inbox/{}?tab=all", conversations[1 - n]),
            "/promises".to_owned(),
            "/promises?view=month".to_owned(),
            "/outbox?tab=done".to_owned(),
            "/live?all=1".to_owned(),
            "/system".to_owned(),
            "/settings".to_owned(),
            "/ui/find?q=secret".to_owned(),
        ];
        let (mut bodies, mut seen) = (Vec::new(), 0);
        for path in &pages {
            tab.open(path).await.unwrap();
            bodies.extend(tab.received().await.unwrap());
        }
        for body in &bodies {
            assert!(!body.contains(other), "{} received {other}: {body}", tenants[n].0);
            seen += usize::from(body.contains(own));
        }
        assert!(seen >= 5, "{} of {} bodies are its own", seen, bodies.len());
    }
}

#[tokio::test]
async fn where_services_run_alone_forms_give_their_commands_to_ingestion() {
    let port = system::free_port().unwrap();
    let config = Config::web().with(&format!("[server]\ncommands_url = \"http://127.0.0.1:{port}\""));
    let relay = system::free_port().unwrap();
    assert_ne!(port, relay);
    let system = System::start_separately(config, &[]).await.unwrap();
    // Ingestion has a port of its own choice: whoever stands at the configured one passes on to it.
    let to = system.base_of(system::INGESTION).unwrap();
    let to = to.strip_prefix("http://").unwrap().to_owned();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    tokio::spawn(async move {
        while let Ok((mut from, _)) = listener.accept().await {
            let to = to.clone();
            tokio::spawn(async move {
                let mut to = tokio::net::TcpStream::connect(to).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
            });
        }
    });
    let id = client_writes(&system, "ana", "Ana", "hello").await;
    let client = steward_http::client_builder().redirect(Policy::none()).build().unwrap();
    let form = [("key", "one"), ("back", "/inbox")];
    let take = client.post(format!("{}/ui/conversations/{id}/takeover", system.read)).header("origin", &system.read);
    let taken = take.form(&form).send().await.unwrap();
    assert_eq!((taken.status().as_u16(), &taken.headers()["location"]), (303, &"/inbox".parse().unwrap()));
    let look = || async {
        let read = system.get(&format!("/api/v1/conversations/{id}")).await?;
        Ok((read["owner"] == "human").then_some(()))
    };
    system.until(std::time::Duration::from_secs(120), look).await.unwrap();
    assert_eq!(system.get(&format!("/api/v1/conversations/{id}")).await.unwrap()["takeover"]["by"], "local");
}
