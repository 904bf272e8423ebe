//! The test of the rule "one append unit per aggregate in a batch".

use std::sync::Arc;
use std::time::Duration;

use steward_proto::AggregateId;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::append::{Append, Appended, Expected, Unit};
use crate::support::events::{conversation, event};
use crate::support::server::Server;
use crate::writer::Writer;
use crate::{AppendError, ConnectOptions, Log};

type Answer = Result<Appended, AppendError>;

async fn log(server: &Server) -> Log {
    let log =
        Log::connect(&server.url(), ConnectOptions::new("test"), CancellationToken::new()).await.expect("connects");
    log.ensure_streams().await.expect("streams");
    log
}

fn unit(log: &Log, aggregate: &AggregateId, expected: Expected) -> (Unit, oneshot::Receiver<Answer>) {
    let (reply, answer) = oneshot::channel();
    (log.unit(aggregate, &[event()], expected, None, reply).expect("a valid unit"), answer)
}

/// Puts appends to one aggregate into the queue before the writer looks, with enough others that they make a batch.
async fn together(
    log: &Log,
    aggregate: &AggregateId,
    expected: &[Expected],
    several_per_aggregate: bool,
) -> Vec<Answer> {
    let (sender, waiting) = mpsc::unbounded_channel();
    let mut answers = Vec::new();
    for &expected in expected {
        let (unit, answer) = unit(log, aggregate, expected);
        sender.send(unit).expect("the writer comes");
        answers.push(answer);
    }
    for other in 0..30 {
        let (unit, answer) = unit(log, &conversation(format!("other-{other}")), Expected::Any);
        sender.send(unit).expect("the writer comes");
        answers.push(answer);
    }
    drop(sender);
    let mut writer = Writer::new(log.session().clone(), Duration::from_secs(15), Arc::default());
    writer.queue.several_per_aggregate = several_per_aggregate;
    writer.run(waiting).await;
    let mut results = Vec::new();
    for answer in answers {
        results.push(answer.await.expect("every unit is answered"));
    }
    assert!(results[expected.len()..].iter().all(Result::is_ok), "the others are stored whatever happens");
    results.truncate(expected.len());
    results
}

async fn version(log: &Log, aggregate: &AggregateId) -> u64 {
    let append =
        Append { aggregate: aggregate.clone(), events: vec![event()], expected: Expected::Any, dedupe_key: None };
    log.append(append).await.expect("a fact is stored").position
}

#[tokio::test]
async fn a_fact_and_a_claim_of_one_aggregate_in_one_group_refuse_the_claim() {
    let server = Server::start().await;
    let log = log(&server).await;
    let aggregate = conversation("a");
    let version = version(&log, &aggregate).await;
    let answers = together(&log, &aggregate, &[Expected::Any, Expected::Version(version)], false).await;
    let fact = answers[0].as_ref().expect("a fact is never refused");
    let Err(AppendError::Conflict { expected, actual }) = &answers[1] else { panic!("stored: {:?}", answers[1]) };
    assert_eq!((*expected, *actual), (version, Some(fact.position)));
}

#[tokio::test]
async fn two_claims_of_one_aggregate_in_one_group_store_the_first() {
    let server = Server::start().await;
    let log = log(&server).await;
    let aggregate = conversation("a");
    let version = version(&log, &aggregate).await;
    let answers = together(&log, &aggregate, &[Expected::Version(version), Expected::Version(version)], false).await;
    assert!(answers[0].is_ok());
    assert!(matches!(answers[1], Err(AppendError::Conflict { .. })), "{:?}", answers[1]);
}

/// If this fails, the server has learnt to check inside a batch, and the rule may be reconsidered.
#[tokio::test]
async fn without_the_rule_both_would_be_stored() {
    let server = Server::start().await;
    let log = log(&server).await;
    let aggregate = conversation("a");
    for first in [Expected::Any, Expected::Version(0)] {
        let version = version(&log, &aggregate).await;
        let first = if first == Expected::Any { first } else { Expected::Version(version) };
        let answers = together(&log, &aggregate, &[first, Expected::Version(version)], true).await;
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    }
}
