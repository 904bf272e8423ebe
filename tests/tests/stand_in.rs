//! The stand-in for the Bot API behaves as the Bot API does, and fails as it is told to.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use steward_tests::{Telegram, api::client_builder, telegram::Fault};

struct Bot {
    telegram: Telegram,
    client: Client,
}

impl Bot {
    async fn new() -> Self {
        let client = client_builder().build().unwrap();
        Self { telegram: Telegram::start().await.unwrap(), client }
    }

    async fn call(&self, method: &str, body: Value) -> reqwest::Result<(StatusCode, Value)> {
        let url = format!("{}/bot1:test/{method}", self.telegram.base());
        let response = self.client.post(url).json(&body).timeout(Duration::from_secs(120)).send().await?;
        let status = response.status();
        Ok((status, response.json().await?))
    }

    async fn send(&self, text: &str) -> reqwest::Result<(StatusCode, Value)> {
        self.call("sendMessage", json!({ "chat_id": 42, "text": text })).await
    }
}

#[tokio::test]
async fn a_message_is_delivered_and_answered_with_its_id() {
    let bot = Bot::new().await;
    let (status, answer) = bot.send("привет").await.unwrap();
    assert_eq!((status, &answer["ok"]), (StatusCode::OK, &json!(true)));
    let delivered = bot.telegram.until_delivered_to(42, 1, Duration::from_secs(120)).await.unwrap();
    assert_eq!(delivered[0].text, "привет");
    assert_eq!(answer["result"]["message_id"], delivered[0].message_id);
}

#[tokio::test]
async fn a_text_is_one_to_4096_units_after_trimming() {
    let bot = Bot::new().await;
    for (text, description) in [
        (String::new(), Some("Bad Request: message text is empty")),
        (" \n".to_owned(), Some("Bad Request: message text is empty")),
        ("я".repeat(4096) + "  ", None),
        ("я".repeat(4097), Some("Bad Request: message is too long")),
        ("🙂".repeat(2048), None),
        ("🙂".repeat(2049), Some("Bad Request: message is too long")),
    ] {
        let (status, answer) = bot.send(&text).await.unwrap();
        assert_eq!(answer["description"].as_str(), description);
        assert_eq!(status.as_u16(), if description.is_some() { 400 } else { 200 });
    }
    assert_eq!(bot.telegram.delivered().len(), 2);
}

#[tokio::test]
async fn a_form_is_read_like_json() {
    let bot = Bot::new().await;
    let url = format!("{}/bot1:test/sendmessage", bot.telegram.base());
    let request = bot.client.post(url).header("content-type", "application/x-www-form-urlencoded");
    let status = request.body("chat_id=42&text=hello%20there").send().await.unwrap().status();
    assert_eq!((status, bot.telegram.delivered()[0].text.as_str()), (StatusCode::OK, "hello there"));
}

#[tokio::test]
async fn refusals_have_the_form_of_the_bot_api() {
    let bot = Bot::new().await;
    bot.telegram.forget_chat(42);
    assert_eq!(bot.send("x").await.unwrap().1["description"], "Bad Request: chat not found");
    for (fault, code, description) in [
        (Fault::RetryAfter(8), 429, "Too Many Requests: retry after 8"),
        (Fault::ServerError(500), 500, "Internal Server Error"),
        (Fault::Blocked, 403, "Forbidden: bot was blocked by the user"),
        (Fault::MigratedTo(-1001), 400, "Bad Request: group chat was upgraded to a supergroup chat"),
    ] {
        bot.telegram.fail_next(fault);
        let (status, answer) = bot.send("x").await.unwrap();
        assert_eq!((status.as_u16(), &answer["error_code"]), (code, &json!(code)));
        assert_eq!((&answer["ok"], &answer["description"]), (&json!(false), &json!(description)));
    }
    bot.telegram.fail_next(Fault::RetryAfter(8));
    assert_eq!(bot.send("x").await.unwrap().1["parameters"]["retry_after"], 8);
    assert!(bot.telegram.delivered().is_empty());
    assert_eq!(bot.call("sendPidgeon", json!({})).await.unwrap().0, StatusCode::NOT_FOUND);
    bot.telegram.only_token("2:other");
    assert_eq!(bot.send("x").await.unwrap().0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_gateways_page_is_no_json() {
    let bot = Bot::new().await;
    bot.telegram.fail_next(Fault::GatewayPage(502));
    assert!(bot.send("x").await.unwrap_err().is_decode());
}

#[tokio::test]
async fn a_line_cut_before_delivers_nothing_and_a_line_cut_after_delivers() {
    let bot = Bot::new().await;
    bot.telegram.fail_next(Fault::DropBefore);
    assert!(bot.send("before").await.is_err());
    bot.telegram.fail_next(Fault::DropAfter);
    assert!(bot.send("after").await.is_err());
    bot.telegram.fail_next(Fault::Truncated);
    assert!(bot.send("truncated").await.is_err());
    let texts: Vec<_> = bot.telegram.delivered().into_iter().map(|d| d.text).collect();
    assert_eq!(texts, ["after", "truncated"]);
}

#[tokio::test]
async fn a_fault_can_be_meant_for_one_chat() {
    let bot = Bot::new().await;
    bot.telegram.fail_next_to(43, Fault::Blocked);
    assert_eq!(bot.send("x").await.unwrap().0, StatusCode::OK);
    let (status, _) = bot.call("sendMessage", json!({ "chat_id": 43, "text": "x" })).await.unwrap();
    assert_eq!(status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_server_that_is_down_refuses_and_can_come_back() {
    let mut bot = Bot::new().await;
    assert!(bot.send("one").await.is_ok());
    bot.telegram.go_down();
    assert!(bot.send("two").await.is_err());
    assert!(bot.send("two").await.unwrap_err().is_connect());
    bot.telegram.come_back().await.unwrap();
    assert!(bot.send("three").await.is_ok());
    let texts: Vec<_> = bot.telegram.delivered().into_iter().map(|d| d.text).collect();
    assert_eq!(texts, ["one", "three"]);
}
