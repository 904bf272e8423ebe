//! Words in the making: what a model is saying, told in passing to whoever watches the conversation. They may be a moment late, and
//! nothing depends on them; the client gets nothing of it before the turn's decisions are recorded.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use crate::{brain::Run, models::Delta};

/// Pieces that wait to be told.
pub const WAITING: usize = 64;
/// From one piece that is told to the next, at least.
const PAUSE: Duration = Duration::from_millis(200);
/// Bytes of one answer that are told, and of one piece.
const MOST: usize = 16 << 10;
const PIECE: usize = 4 << 10;

/// Tells the words of one step as they come, until the last has come. Dropped before, it takes back what it told.
pub async fn tell(mut deltas: mpsc::Receiver<Delta>, run: &dyn Run) {
    let mut words = Words { run, told: 0, waiting: String::new(), complete: false };
    let mut next = Instant::now();
    loop {
        let delta = tokio::select! {
            delta = deltas.recv() => delta,
            () = sleep_until(next), if !words.waiting.is_empty() => {
                words.flush();
                next = Instant::now() + PAUSE;
                continue;
            }
        };
        match delta {
            // A model is asked anew: what another said is void.
            Some(Delta::Asked { .. }) => words.take_back(),
            Some(Delta::Text(text)) => words.add(&text),
            Some(Delta::Call(_) | Delta::Usage(_)) => {}
            None => {
                words.flush();
                words.complete = true;
                return;
            }
        }
    }
}

struct Words<'a> {
    run: &'a dyn Run,
    /// Bytes that were told.
    told: usize,
    waiting: String,
    /// Whatever comes of them is an event.
    complete: bool,
}

impl Words<'_> {
    fn add(&mut self, text: &str) {
        let room = MOST.saturating_sub(self.told + self.waiting.len());
        self.waiting.push_str(beginning(text, room));
    }

    /// Tells what waits, in pieces.
    fn flush(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        let mut rest = waiting.as_str();
        while !rest.is_empty() {
            let piece = beginning(rest, PIECE);
            self.run.tell(json!({ "from": self.told, "text": piece }));
            self.told += piece.len();
            rest = &rest[piece.len()..];
        }
    }

    fn take_back(&mut self) {
        self.waiting.clear();
        if std::mem::take(&mut self.told) > 0 {
            self.run.tell(json!({ "from": 0, "text": Value::Null }));
        }
    }
}

impl Drop for Words<'_> {
    fn drop(&mut self) {
        if !self.complete {
            self.take_back();
        }
    }
}

/// As much of a text as so many bytes hold.
fn beginning(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use bytes::Bytes;
    use steward_domain::ids::TurnId;
    use steward_proto::Event;
    use uuid::Uuid;

    use super::*;
    use crate::brain::Keeping;

    #[derive(Default)]
    struct Watched(Mutex<Vec<Value>>);

    impl Run for Watched {
        fn id(&self) -> TurnId {
            TurnId::new(Uuid::nil())
        }

        fn note(&self, _: Event) {}

        fn trace(&self, _: Bytes) -> String {
            String::new()
        }

        fn tell(&self, words: Value) {
            self.0.lock().unwrap().push(words);
        }

        fn keep<'a>(&'a self) -> Keeping<'a> {
            Box::pin(async { Ok(()) })
        }
    }

    /// What a watcher has in the end, who puts pieces together as they say.
    fn seen(told: &[Value]) -> String {
        told.iter().fold(String::new(), |mut seen, piece| {
            seen.truncate(usize::try_from(piece["from"].as_u64().unwrap()).unwrap());
            seen.push_str(piece["text"].as_str().unwrap_or_default());
            seen
        })
    }

    fn asked() -> Delta {
        Delta::Asked { provider: "p".to_owned(), model: "m".to_owned() }
    }

    #[tokio::test(start_paused = true)]
    async fn all_words_are_told_in_few_pieces_and_a_model_asked_anew_begins_anew() {
        let (watched, (sender, receiver)) = (Watched::default(), mpsc::channel(WAITING));
        let speaking = async {
            for delta in [asked(), Delta::Text("Wrong".to_owned()), asked()] {
                sender.send(delta).await.unwrap();
            }
            for n in 0..1_000 {
                sender.send(Delta::Text(format!("{n} "))).await.unwrap();
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            drop(sender);
        };
        tokio::join!(speaking, tell(receiver, &watched));
        let told = watched.0.into_inner().unwrap();
        let expected: String = (0..1_000).map(|n| format!("{n} ")).collect();
        assert_eq!(seen(&told), expected);
        assert!(told.len() <= 10, "one each fifth of a second: {}", told.len());
    }

    #[tokio::test(start_paused = true)]
    async fn who_says_too_much_is_cut_off_between_characters_and_who_is_dropped_takes_it_back() {
        let (watched, (sender, receiver)) = (Watched::default(), mpsc::channel(WAITING));
        let speaking = async {
            for _ in 0..100 {
                sender.send(Delta::Text("ж".repeat(999))).await.unwrap();
            }
            drop(sender);
        };
        tokio::join!(speaking, tell(receiver, &watched));
        let told = watched.0.into_inner().unwrap();
        assert!(seen(&told).len() <= MOST && seen(&told).chars().all(|c| c == 'ж'));
        assert!(told.iter().all(|piece| piece["text"].as_str().unwrap().len() <= PIECE));

        let (watched, (sender, receiver)) = (Watched::default(), mpsc::channel(WAITING));
        sender.send(Delta::Text("Well".to_owned())).await.unwrap();
        let telling = tokio::time::timeout(Duration::from_secs(1), tell(receiver, &watched)).await;
        assert!(telling.is_err(), "the model goes on");
        assert_eq!(seen(&watched.0.into_inner().unwrap()), "");
    }
}
