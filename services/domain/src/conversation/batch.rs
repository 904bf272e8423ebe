//! What is recorded together: as many events as one append takes, by count and by bytes.

use steward_proto::Event;

use super::follow_ups::AT_ONCE;

/// Bytes of what is recorded in one batch, at most, unless one thing alone is larger. The log takes 4 MB, headers included.
pub const BYTES_AT_ONCE: usize = 2 << 20;

/// Events for one append.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    pub events: Vec<Event>,
    /// Something was to be added that fits no more.
    pub full: bool,
    bytes: usize,
}

impl Batch {
    /// Adds events that belong together, if they fit; the first always do. Whether they were added.
    pub fn add(&mut self, events: Vec<Event>) -> bool {
        let bytes = self.bytes + events.iter().map(|event| event.encode().len()).sum::<usize>();
        let fits = self.events.len() + events.len() <= AT_ONCE && bytes <= BYTES_AT_ONCE;
        if self.full || (!fits && !self.events.is_empty()) {
            self.full = true;
            return false;
        }
        self.bytes = bytes;
        self.events.extend(events);
        true
    }

    /// As many of these as fit, in their order.
    pub fn of(events: impl IntoIterator<Item = Event>) -> Self {
        let mut batch = Self::default();
        for event in events {
            if !batch.add(vec![event]) {
                break;
            }
        }
        batch
    }
}

#[cfg(test)]
mod tests {
    use steward_proto::v1;

    use super::*;

    /// An event of exactly so many bytes.
    fn event(bytes: usize) -> Event {
        let of = |length| Event::from(v1::FollowUpDone { result: "x".repeat(length), ..Default::default() });
        let frame = of(bytes).encode().len() - bytes;
        let event = of(bytes - frame);
        assert_eq!(event.encode().len(), bytes);
        event
    }

    #[test]
    fn a_batch_ends_at_its_count_and_at_its_bytes_and_never_before_its_first_event() {
        let half = BYTES_AT_ONCE / 2;
        for (sizes, expected) in [
            (vec![half, half], 2),
            (vec![half, half + 1], 1),
            (vec![half, half + 1, 10], 1),
            (vec![3 * BYTES_AT_ONCE, 10], 1),
            (vec![10; AT_ONCE], AT_ONCE),
            (vec![10; AT_ONCE + 1], AT_ONCE),
            (vec![], 0),
        ] {
            let batch = Batch::of(sizes.iter().map(|bytes| event(*bytes)));
            assert_eq!((batch.events.len(), batch.full), (expected, expected < sizes.len()), "{} events", sizes.len());
        }
    }
}
