//! The test that a bug while publishing ends neither the writer nor other appends.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::support::events::{conversation, event};
use crate::support::server::Server;
use crate::{Append, Condition, ConnectOptions, Expected, Log};

async fn log(server: &Server) -> Log {
    let log =
        Log::connect(&server.url(), ConnectOptions::new("test"), CancellationToken::new()).await.expect("connects");
    log.ensure_streams().await.expect("streams");
    log
}

fn fact(id: impl std::fmt::Display) -> Append {
    Append { aggregate: conversation(id), events: vec![event()], expected: Expected::Any, dedupe_key: None }
}

#[tokio::test]
async fn a_panic_with_one_append_is_that_ones_alone() {
    let server = Server::start().await;
    let log = log(&server).await;
    let (reply, answer) = oneshot::channel();
    let mut broken = log.unit(&conversation("a"), &[event()], Expected::Any, None, reply).expect("a valid unit");
    // `append` would let nothing through that is as broken as this: publishing it looks for a first event.
    broken.events.clear();
    log.writer().send(broken).expect("the writer is there");
    assert!(answer.await.is_err(), "it is given up");
    log.append(fact("a")).await.expect("the same aggregate goes on");
    let burst = (0..100).map(|i| log.append(fact(i)));
    assert!(futures::future::join_all(burst).await.iter().all(Result::is_ok));
    let conditions = log.health().conditions();
    assert!(conditions.iter().all(|(_, condition)| *condition == Condition::Well), "{conditions:?}");
}

#[tokio::test]
async fn the_end_of_the_writer_is_known_to_all_who_ask() {
    let server = Server::start().await;
    let log = log(&server).await;
    let failed = log.failed();
    log.tasks().spawn("writer", async { panic!("oh no") });
    let said = tokio::time::timeout(Duration::from_secs(5), failed).await.expect("it is told");
    assert_eq!(said, "the log's writer has ended: it panicked: oh no");
    let writer = log.health().conditions().into_iter().find(|(name, _)| name == "writer").expect("registered");
    assert_eq!(writer.1, Condition::Dead("it panicked: oh no".to_owned()));
}
