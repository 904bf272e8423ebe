//! The dispatcher's part in the health of the process: whether it has room for the next message.

use std::sync::Arc;

use steward_log::{Alive, Condition, Log};
use tokio_util::sync::CancellationToken;

use crate::line::{Line, Room};

/// Registers the part `sending`, which is well as long as the returned value lives and there is room. One slow channel
/// doesn't make the process unready: its sends wait beside the others', and the metrics show them.
pub fn register(log: &Log, room: Room, lines: Vec<Arc<Line>>, shutdown: CancellationToken) -> Alive {
    log.health().register_until(shutdown, "sending", move || condition(&room, &lines))
}

fn condition(room: &Room, lines: &[Arc<Line>]) -> Condition {
    let waits = lines.iter().map(|line| (line.note(), line.channel()));
    let longest = waits.max_by_key(|((_, oldest), _)| *oldest);
    match longest {
        Some(((waiting, oldest), channel)) if room.is_full() => Condition::Behind(format!(
            "there is no room for more: on the channel {channel} alone {waiting} sends wait, the oldest for {} s",
            oldest.as_secs()
        )),
        _ => Condition::Well,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::line::tests::{flood, line};

    /// Twelve tenants' bots have a provider that doesn't answer: each leaves room for the next, and still they take all
    /// of it.
    #[tokio::test(start_paused = true)]
    async fn when_every_place_is_taken_it_says_on_which_channel_the_oldest_waits_and_no_longer_once_they_are_free() {
        let room = Room::default();
        let lines: Vec<_> = (0..12).map(|n| line(&format!("tg-{n}"), &format!("t{n}"), 128, None, &room)).collect();
        let mut waiting = Vec::new();
        for line in &lines[..1] {
            waiting.push(flood(line, 400).await.1);
        }
        assert_eq!(condition(&room, &lines), Condition::Well, "one silent provider is no reason to be unready");
        tokio::time::advance(Duration::from_secs(4)).await;
        for line in &lines[1..] {
            waiting.push(flood(line, 400).await.1);
        }
        let said = condition(&room, &lines);
        assert!(
            matches!(&said, Condition::Behind(text) if text.contains("tg-0") && text.contains("oldest for 4 s")),
            "{said:?}"
        );
        waiting.clear();
        for _ in 0..64 {
            tokio::task::yield_now().await;
        }
        assert_eq!(condition(&room, &lines), Condition::Well);
    }
}
