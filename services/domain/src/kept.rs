//! Which states a process keeps at hand, and their versions.
//!
//! A version goes up with whatever changes what a fold makes of an event that may be in a log already, or the order, number or
//! type of a state's fields: kept states of another version are made again from the log. The tests hold a state that was
//! made of every kind of event against its fingerprint, so that nobody changes one and forgets the other.

use steward_proto::{Aggregate, Kept};

use crate::{address::Address, contact::Contact, conversation::Conversation};

impl Kept for Conversation {
    const AGGREGATE: Aggregate = Aggregate::Conversation;
    const VERSION: u32 = 4;
}

impl Kept for Contact {
    const AGGREGATE: Aggregate = Aggregate::Contact;
    const VERSION: u32 = 2;
}

impl Kept for Address {
    const AGGREGATE: Aggregate = Aggregate::Address;
    const VERSION: u32 = 1;
}
