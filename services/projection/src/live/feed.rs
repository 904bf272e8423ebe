//! The feed that all live streams of one tenant share: its newest events, rendered once, as many as fit.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{broadcast, watch};

use super::{frame::Frame, passing::Passing};

/// Of what is told in passing, how much may wait for a subscriber.
const PASSING: usize = 256;

/// Most frames that a feed keeps, whatever their size.
const MOST: usize = 4096;

/// The newest frames of a tenant. Whoever wants older ones reads the log.
pub struct Feed {
    ring: Mutex<Ring>,
    /// What is told in passing goes to those who listen now.
    passing: broadcast::Sender<Arc<Passing>>,
    /// The last position that was added. The channel is closed when the reader of the log has ended.
    through: watch::Receiver<u64>,
}

struct Ring {
    frames: VecDeque<Arc<Frame>>,
    bytes: usize,
    /// `frames` holds everything after this position.
    floor: u64,
}

/// What the reader of the log adds to a feed with.
pub struct Feeder {
    feed: Arc<Feed>,
    through: watch::Sender<u64>,
}

/// The wanted frames are no longer in the feed.
#[derive(Debug, PartialEq, Eq)]
pub struct Gone;

impl Feed {
    /// An empty feed that begins behind `floor`.
    pub fn new(floor: u64) -> (Arc<Self>, Feeder) {
        let (sender, through) = watch::channel(floor);
        let ring = Mutex::new(Ring { frames: VecDeque::new(), bytes: 0, floor });
        let feed = Arc::new(Self { ring, passing: broadcast::Sender::new(PASSING), through });
        (feed.clone(), Feeder { feed, through: sender })
    }

    /// To wait with, until the feed has more.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.through.clone()
    }

    /// What is told in passing from now on; whoever is too slow misses some of it.
    pub fn passing(&self) -> broadcast::Receiver<Arc<Passing>> {
        self.passing.subscribe()
    }

    /// The position at which the feed begins: what is older must come from the log.
    pub fn floor(&self) -> u64 {
        self.ring().floor
    }

    /// Whether the reader of the log has ended.
    pub fn is_closed(&self) -> bool {
        self.through.has_changed().is_err()
    }

    /// The frames behind a position, the oldest first, about `bytes` of them.
    ///
    /// # Errors
    /// Some of the frames behind the position were dropped.
    pub fn after(&self, position: u64, bytes: usize) -> Result<Vec<Arc<Frame>>, Gone> {
        let ring = self.ring();
        if position < ring.floor {
            return Err(Gone);
        }
        let start = ring.frames.partition_point(|frame| frame.position <= position);
        let mut together = 0;
        let fitting = ring.frames.range(start..).take_while(|frame| {
            let before = together;
            together += frame.bytes();
            before < bytes
        });
        Ok(fitting.take(MOST / 8).cloned().collect())
    }

    fn ring(&self) -> std::sync::MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Feeder {
    /// Tells something in passing to those who listen now.
    pub fn tell(&self, passing: Passing) {
        // Nobody listens: then nobody misses it.
        let _ = self.feed.passing.send(Arc::new(passing));
    }

    /// Adds the next frame, and drops the oldest ones beyond `most` bytes.
    pub fn add(&self, frame: Arc<Frame>, most: usize) {
        let position = frame.position;
        {
            let mut ring = self.feed.ring();
            ring.bytes += frame.bytes();
            ring.frames.push_back(frame);
            while ring.frames.len() > MOST || ring.bytes > most {
                let Some(oldest) = ring.frames.pop_front() else { break };
                ring.bytes -= oldest.bytes();
                ring.floor = oldest.position;
            }
        }
        self.through.send_replace(position);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use steward_domain::kernel::Live;

    use super::*;

    fn frame(position: u64, bytes: usize) -> Arc<Frame> {
        let shown = Some((Live::NewMessage, vec![0; bytes].into()));
        Arc::new(Frame { position, conversation_id: None, shown })
    }

    #[test]
    fn a_feed_holds_what_fits_and_says_what_it_has_dropped() {
        let (feed, feeder) = Feed::new(10);
        assert_eq!(feed.after(9, 1).unwrap_err(), Gone, "it begins behind 10");
        assert!(feed.after(10, 1).unwrap().is_empty());
        for position in 11..=14 {
            feeder.add(frame(position, 1000), 4000);
        }
        let positions = |after, bytes| feed.after(after, bytes).unwrap().iter().map(|f| f.position).collect::<Vec<_>>();
        assert_eq!(positions(12, usize::MAX), [13, 14]);
        assert_eq!(positions(11, 1), [12]);
        assert_eq!(feed.after(10, 1).unwrap_err(), Gone);
        // A frame larger than all that a feed may hold is dropped at once; whoever wants it reads the log.
        feeder.add(frame(15, 9000), 4000);
        assert_eq!((feed.after(14, 1).unwrap_err(), feed.floor()), (Gone, 15));
        assert!(!feed.is_closed());
        drop(feeder);
        assert!(feed.is_closed());
    }
}
