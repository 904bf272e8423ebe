//! Takes the events that a subscriber is given, and acknowledges each when it is done with it.
//!
//! `steward-proto` is the crate of the `.proto` files; `prost-build` makes one of your own from them.

use anyhow::Context as _;
use futures::StreamExt as _;

fn handle(message: &async_nats::jetstream::Message) -> anyhow::Result<()> {
    let headers = message.headers.as_ref().context("every event has headers")?;
    let name = headers.get("Steward-Type").context("every event has a type")?.as_str();
    let position = message.info().map_err(anyhow::Error::from_boxed)?.stream_sequence;
    let data = steward_proto::event_json(name, &message.payload);
    println!("{}", serde_json::json!({ "position": position, "type": name, "data": data }));
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let [url, inbox, subject] = ["NATS_URL", "NATS_INBOX_PREFIX", "STEWARD_SUBJECT"].map(std::env::var);
    let server: async_nats::ServerAddr = url?.parse()?;
    // The client doesn't take them from the URL by itself.
    let (user, password) = (server.username().unwrap_or_default(), server.password().unwrap_or_default());
    let options = async_nats::ConnectOptions::with_user_and_password(user.to_owned(), password.to_owned());
    let client = options.custom_inbox_prefix(inbox?).connect(server).await?;
    let context = async_nats::jetstream::new(client.clone());
    let mut events = client.subscribe(subject?).await?;
    while let Some(message) = events.next().await {
        let message = async_nats::jetstream::Message { message, context: context.clone() };
        handle(&message)?;
        // Only now: an event that isn't acknowledged within 30 s comes again. So one may come twice, with the same
        // header Steward-Event-Id.
        message.ack().await.map_err(anyhow::Error::from_boxed)?;
    }
    Ok(())
}
