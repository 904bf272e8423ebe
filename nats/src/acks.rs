//! What this process answers the server about a message that it was given: done, in hand, once more, given up.

use std::time::Duration;

use crate::Log;

/// The message is done: the server doesn't deliver it again.
pub(crate) const DONE: &str = "+ACK";
/// The message is still in hand: the server gives it to nobody else.
pub(crate) const IN_HAND: &str = "+WPI";
/// The server delivers the message again at once, to whichever process has room for it.
pub(crate) const AGAIN: &str = "-NAK";
/// The message is given up: the server doesn't deliver it again.
pub(crate) const GIVEN_UP: &str = "+TERM";

/// How often to say that a message is still in hand, so that the server, which waits for `ack_wait`, gives it to nobody
/// else.
pub(crate) fn renewal(ack_wait: Duration) -> Duration {
    ack_wait.mul_f32(0.375).max(Duration::from_millis(50))
}

/// Sends an acknowledgement. Whether it arrives isn't asked: one that is lost means a redelivery, no more.
pub(crate) async fn tell(log: &Log, ack: &str, what: &str) {
    metrics::counter!("steward_nats_requests_total", "kind" => "acknowledgement").increment(1);
    let publish = log.client().publish(ack.to_owned(), what.to_owned().into());
    let _ = tokio::time::timeout(Duration::from_secs(2), publish).await;
}

/// Hands a message back: the server delivers it again after `delay`, to whichever process has room for it then.
pub(crate) async fn hand_back(log: &Log, ack: &str, delay: Duration) {
    tell(log, ack, &format!("{AGAIN} {{\"delay\": {}}}", delay.as_nanos())).await;
}
