//! Messages on their way out, as tests put and find them.

use steward_domain::{
    conversation::{Author, MessageState, outbox::Queue},
    ids::MessageId,
};

use super::{Answer, World};

pub fn state<'a>(world: &'a World, message_id: &MessageId) -> &'a MessageState {
    &world.state.outbox[message_id].state
}

/// The state's name and its reason's code.
pub fn told(world: &World, message_id: &MessageId) -> (&'static str, String) {
    match state(world, message_id) {
        MessageState::Queued { .. } => ("queued", String::new()),
        MessageState::Held { why, .. } => ("held", why.code.clone()),
        MessageState::Claimed(_) => ("claimed", String::new()),
        MessageState::Sent(receipts) => (receipts.state(), String::new()),
        MessageState::Failed(why) => ("failed", why.code.clone()),
        MessageState::Unknown(why) => ("unknown", why.code.clone()),
        MessageState::Cancelled(why) => ("cancelled", why.code.clone()),
        MessageState::Expired(why) => ("expired", why.code.clone()),
    }
}

pub fn is(world: &World, message_id: &MessageId, state: &str, code: &str) {
    let (found, why) = told(world, message_id);
    assert_eq!((found, why.as_str()), (state, code), "{:?}", world.state.outbox[message_id]);
}

pub fn queued(world: &mut World, change: impl FnOnce(&mut Queue)) -> MessageId {
    let mut q = world.a_message(Author::Bot);
    change(&mut q);
    let id = q.message_id;
    world.do_queue(q).unwrap();
    id
}

/// An answer that the provider took.
pub fn sent(world: &mut World) -> MessageId {
    let id = queued(world, |_| {});
    let claim = world.claim(&id);
    world.answer(&claim, Answer::Success);
    id
}

pub fn approve(world: &mut World, id: &MessageId) {
    let hash = world.state.approval_hash(&world.state.outbox[id]);
    let events = world.state.approve_message(id, &hash, "anna").unwrap();
    world.record_all(events);
}
