//! What the server is told of a message that it has delivered and that is in hand here.

use std::time::Duration;

use crate::Log;

/// It is done, and doesn't come again.
pub(crate) const DONE: &str = "+ACK";
/// It is in hand still: nobody else is to have it.
pub(crate) const IN_HAND: &str = "+WPI";
/// It comes again at once, to whoever has room for it.
pub(crate) const AGAIN: &str = "-NAK";
/// It is given up, and doesn't come again.
pub(crate) const GIVEN_UP: &str = "+TERM";

/// What is in hand is said to be so in this part of the time after which the server would give it to another.
pub(crate) fn renewal(ack_wait: Duration) -> Duration {
    ack_wait.mul_f32(0.375).max(Duration::from_millis(50))
}

/// An acknowledgement that is lost means a redelivery, no more.
pub(crate) async fn tell(log: &Log, ack: &str, what: &str) {
    let publish = log.client().publish(ack.to_owned(), what.to_owned().into());
    let _ = tokio::time::timeout(Duration::from_secs(2), publish).await;
}

/// It comes again after a while, to whoever has room for it then.
pub(crate) async fn hand_back(log: &Log, ack: &str, delay: Duration) {
    tell(log, ack, &format!("{AGAIN} {{\"delay\": {}}}", delay.as_nanos())).await;
}
