//! Buttons below a confirmation: what they are called on the wire, and what a press of one says.
//!
//! A press comes back as `fu:{verb}:{promise}`: 44 bytes at most of the 64 that Telegram takes. The promise is named by the
//! unique part of its follow-up's id. A client's message renews promises under new ids; each is worked out from the one
//! that it renews, so that an old button still finds the promise it stood under.

use std::collections::HashMap;

use steward_domain::ids::FollowUpId;
use uuid::Uuid;

/// Renewals of one promise that a button looks behind.
const RENEWALS: usize = 1_000;

/// What the client wants of the promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Press {
    /// It is fine as it is.
    Keep,
    Cancel,
    /// The same time, a day later.
    Later,
}

impl Press {
    pub const ALL: [Self; 3] = [Self::Keep, Self::Cancel, Self::Later];

    fn verb(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Cancel => "cancel",
            Self::Later => "later",
        }
    }

    /// What the button is to bring back.
    pub fn of(self, follow_up_id: &FollowUpId) -> String {
        format!("fu:{}:{}", self.verb(), follow_up_id.unique().simple())
    }

    /// What a button brought back: the press, and the promise it stood under.
    pub fn read(data: &str) -> Option<(Self, Uuid)> {
        let (verb, promise) = data.strip_prefix("fu:")?.split_once(':')?;
        let press = Self::ALL.into_iter().find(|press| press.verb() == verb)?;
        Some((press, Uuid::try_parse(promise).ok()?))
    }
}

/// Which of these follow-ups is the promise now, whatever renewed it since.
pub fn find(promise: Uuid, follow_up_ids: impl Iterator<Item = Option<FollowUpId>>) -> Option<usize> {
    let known: HashMap<Uuid, usize> =
        follow_up_ids.enumerate().filter_map(|(at, id)| Some((id?.unique(), at))).collect();
    if known.is_empty() {
        return None;
    }
    let chain = std::iter::successors(Some(promise), |renewed| Some(renewal(*renewed)));
    chain.take(RENEWALS).find_map(|id| known.get(&id).copied())
}

/// The unique part of the id of what renews this follow-up.
pub fn renewal_of(follow_up_id: &FollowUpId) -> Uuid {
    renewal(follow_up_id.unique())
}

fn renewal(unique: Uuid) -> Uuid {
    Uuid::new_v5(&unique, b"renewal")
}

#[cfg(test)]
mod tests {
    use steward_domain::ids;

    use super::*;

    #[test]
    fn a_button_finds_its_promise_through_any_number_of_renewals() {
        let conversation = ids::ConversationId::new(Uuid::from_u128(1));
        let first = ids::follow_up(conversation, Uuid::from_u128(7));
        let data = Press::Later.of(&first);
        assert!(data.len() <= 64, "{data}");
        let (press, promise) = Press::read(&data).unwrap();
        assert_eq!(press, Press::Later);
        let mut now = first;
        let other = ids::follow_up(conversation, Uuid::from_u128(8));
        for _ in 0..20 {
            assert_eq!(find(promise, [None, Some(other), Some(now)].into_iter()), Some(2));
            now = ids::follow_up(conversation, renewal_of(&now));
        }
        assert_eq!(find(promise, [Some(other)].into_iter()), None);
        assert_eq!(find(promise, std::iter::empty()), None);
    }

    #[test]
    fn what_no_button_of_ours_says_is_no_press() {
        for data in
            ["", "fu", "fu:", "fu:keep", "fu:keep:", "fu:keep:x", "fu:drop:00000000000000000000000000000007", "yes"]
        {
            assert_eq!(Press::read(data), None, "{data}");
        }
    }
}
