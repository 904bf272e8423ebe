//! What is shown of an answer while it comes.

use tokio::sync::mpsc::{self, error::TrySendError};

use super::answer::Usage;

/// A piece of an answer in the making. The answer itself is what counts: whoever watches may miss the end.
#[derive(Debug, Clone, PartialEq)]
pub enum Delta {
    /// A model has been asked (again): what came before is void.
    Asked {
        provider: String,
        model: String,
    },
    Text(String),
    /// The model began to call this tool.
    Call(String),
    /// The tokens so far.
    Usage(Usage),
}

/// Where pieces go. A slow watcher holds nobody up: what finds no room is put together and sent with the next piece.
#[derive(Debug)]
pub struct Deltas {
    to: Option<mpsc::Sender<Delta>>,
    waiting: Vec<Delta>,
}

impl Deltas {
    pub fn to(sender: mpsc::Sender<Delta>) -> Self {
        Self { to: Some(sender), waiting: Vec::new() }
    }

    /// Nobody watches.
    pub fn none() -> Self {
        Self { to: None, waiting: Vec::new() }
    }

    pub(super) fn send(&mut self, delta: Delta) {
        let Some(to) = &self.to else { return };
        match (self.waiting.last_mut(), delta) {
            (_, delta @ Delta::Asked { .. }) => self.waiting = vec![delta],
            (Some(Delta::Text(waiting)), Delta::Text(text)) => waiting.push_str(&text),
            (Some(Delta::Usage(waiting)), Delta::Usage(usage)) => *waiting = usage,
            (_, delta) => self.waiting.push(delta),
        }
        let mut waiting = std::mem::take(&mut self.waiting).into_iter();
        while let Some(delta) = waiting.next() {
            match to.try_send(delta) {
                Ok(()) => {}
                Err(TrySendError::Full(delta)) => {
                    self.waiting = std::iter::once(delta).chain(waiting).collect();
                    return;
                }
                Err(TrySendError::Closed(_)) => {
                    self.to = None;
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_watcher_gets_all_in_fewer_pieces_and_holds_nobody_up() {
        let (sender, mut receiver) = mpsc::channel(1);
        let mut deltas = Deltas::to(sender);
        for n in 0..100 {
            deltas.send(Delta::Text(n.to_string()));
        }
        let mut seen = String::new();
        let mut pieces = 0;
        while let Ok(delta) = receiver.try_recv() {
            if let Delta::Text(text) = delta {
                seen.push_str(&text);
            }
            pieces += 1;
            deltas.send(Delta::Text(".".to_owned()));
            if pieces > 5 {
                drop(deltas);
                break;
            }
        }
        let expected: String = (0..100).map(|n| n.to_string()).collect();
        assert!(seen.starts_with(&expected), "{seen}");
    }

    #[test]
    fn what_was_said_before_the_model_was_asked_again_is_forgotten() {
        let (sender, mut receiver) = mpsc::channel(1);
        let mut deltas = Deltas::to(sender);
        let asked = Delta::Asked { provider: "p".to_owned(), model: "m".to_owned() };
        for delta in [Delta::Text("a".to_owned()), Delta::Text("b".to_owned()), asked.clone()] {
            deltas.send(delta);
        }
        assert_eq!(receiver.try_recv(), Ok(Delta::Text("a".to_owned())));
        deltas.send(Delta::Text("c".to_owned()));
        assert_eq!(receiver.try_recv(), Ok(asked));
        drop(receiver);
        deltas.send(Delta::Text("d".to_owned()));
        assert!(deltas.to.is_none());
    }
}
