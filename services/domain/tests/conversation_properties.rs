//! Random lives of a conversation: clients, operators, alarms, two dispatchers, two brains, answers late and out of order.
//! After every step the rules of [`conversation_world::ledger`] hold, and at the end everything comes to an end.
#![allow(clippy::unwrap_used, reason = "tests")]

mod conversation_world;

use std::sync::Arc;

use conversation_world::{Answer, World, ledger::Ledger, message_of};
use proptest::{collection::vec, prelude::*, sample::Index};
use steward_domain::{
    conversation::{
        Author, CancelOn, Conversation, FollowUpState, MessageState, OnReply,
        dispatch::Step,
        follow_ups::Alarmed,
        turns::{TurnStanding, TurnStart},
    },
    ids::{ClaimId, FollowUpId, MessageId, TurnId},
    kernel::Why,
};
use steward_proto::{Event, to_timestamp, v1};
use uuid::Uuid;

/// One thing that happens.
#[derive(Debug, Clone)]
enum Op {
    Pass(i64),
    ClientWrites {
        person: u8,
    },
    KeptUpdate,
    TakeOver(u8),
    Release,
    Silence,
    Blocked(bool),
    Schedule {
        until_reply: bool,
        seconds: i64,
        keyed: bool,
        asker: u8,
        action: bool,
        long: bool,
    },
    Renew(Index, Option<i64>),
    Move(Index, i64),
    ChangeText(Index),
    Cancel(Index),
    Queue {
        human: bool,
        seconds: Option<i64>,
        on_reply: OnReply,
        keyed: bool,
        proactive: bool,
        long: bool,
    },
    CancelMessage(Index),
    Hold(Index),
    Approve(Index),
    Edit(Index),
    MoveMessage(Index, i64),
    /// The provider reports on an attempt that was claimed, by our ids or by its own.
    Report(Index, &'static str, bool),
    Retry(Index),
    Ring(Index),
    RingMessage(Index),
    Announce,
    /// A dispatcher reads the log; what it decides later rests on this.
    Look(u8),
    /// A dispatcher acts on what it read; the log refuses it if the conversation has moved on.
    Dispatch(u8, Index),
    /// The worker of some claim says what came of it; each says so once, however late.
    Answered(Index, AnswerKind),
    StartTurn(u8, Option<Index>),
    FinishTurn(u8),
}

#[derive(Debug, Clone, Copy)]
enum AnswerKind {
    Success,
    Failure,
    Deferral(i64),
    Unknown,
}

fn op() -> impl Strategy<Value = Op> {
    let index = any::<Index>;
    let seconds = || 1i64..600;
    let answer = prop_oneof![
        5 => Just(AnswerKind::Success),
        1 => Just(AnswerKind::Failure),
        2 => (0i64..60).prop_map(AnswerKind::Deferral),
        2 => Just(AnswerKind::Unknown),
    ];
    let on_reply = prop::sample::select(vec![OnReply::Cancel, OnReply::Hold, OnReply::Inject, OnReply::Keep]);
    prop_oneof![
        6 => prop_oneof![0i64..20, 0i64..600, 0i64..8000].prop_map(Op::Pass),
        4 => (0u8..2).prop_map(|person| Op::ClientWrites { person }),
        1 => Just(Op::KeptUpdate),
        2 => (0u8..2).prop_map(Op::TakeOver),
        2 => Just(Op::Release),
        1 => Just(Op::Silence),
        1 => any::<bool>().prop_map(Op::Blocked),
        6 => (any::<bool>(), seconds(), prop::bool::weighted(0.2), 0u8..2, prop::bool::weighted(0.15), prop::bool::weighted(0.2))
            .prop_map(|(until_reply, seconds, keyed, asker, action, long)| Op::Schedule { until_reply, seconds, keyed, asker, action, long }),
        2 => (index(), proptest::option::of(seconds())).prop_map(|(i, s)| Op::Renew(i, s)),
        1 => (index(), seconds()).prop_map(|(i, s)| Op::Move(i, s)),
        1 => index().prop_map(Op::ChangeText),
        1 => index().prop_map(Op::Cancel),
        4 => (any::<bool>(), proptest::option::of(seconds()), on_reply, prop::bool::weighted(0.2), any::<bool>(), prop::bool::weighted(0.2))
            .prop_map(|(human, seconds, on_reply, keyed, proactive, long)| Op::Queue { human, seconds, on_reply, keyed, proactive, long }),
        1 => index().prop_map(Op::CancelMessage),
        1 => index().prop_map(Op::Hold),
        2 => index().prop_map(Op::Approve),
        1 => index().prop_map(Op::Edit),
        1 => (index(), seconds()).prop_map(|(i, s)| Op::MoveMessage(i, s)),
        6 => (index(), prop::sample::select(vec!["sent", "delivered", "read", "failed"]), any::<bool>())
            .prop_map(|(i, status, ours)| Op::Report(i, status, ours)),
        2 => index().prop_map(Op::Retry),
        8 => index().prop_map(Op::Ring),
        2 => index().prop_map(Op::RingMessage),
        1 => Just(Op::Announce),
        6 => (0u8..2).prop_map(Op::Look),
        12 => (0u8..2, index()).prop_map(|(d, i)| Op::Dispatch(d, i)),
        10 => (index(), answer).prop_map(|(i, a)| Op::Answered(i, a)),
        2 => (0u8..2, proptest::option::weighted(0.4, index())).prop_map(|(b, i)| Op::StartTurn(b, i)),
        2 => (0u8..2).prop_map(Op::FinishTurn),
    ]
}

/// A world with its witnesses.
struct Life {
    world: World,
    ledger: Ledger,
    checked: usize,
    /// What each dispatcher last read, and at which version.
    seen: [(Conversation, usize); 2],
    /// Claims whose worker has said nothing yet.
    unheard: Vec<ClaimId>,
    turns: [Option<TurnId>; 2],
}

impl Life {
    fn new(group: bool) -> Self {
        let mut world = World::new();
        world.group = group;
        world.client_writes("hello");
        let seen = [(world.state.clone(), 1), (world.state.clone(), 1)];
        Self { world, ledger: Ledger::default(), checked: 0, seen, unheard: Vec::new(), turns: [None, None] }
    }

    fn pick<Id: Copy>(&self, index: Index, of: impl Iterator<Item = Id>) -> Option<Id> {
        let all: Vec<Id> = of.collect();
        (!all.is_empty()).then(|| *index.get(&all))
    }

    fn follow_up(&self, index: Index) -> Option<FollowUpId> {
        self.pick(index, self.world.state.follow_ups.keys().copied())
    }

    fn message(&self, index: Index) -> Option<MessageId> {
        self.pick(index, self.world.state.outbox.keys().copied())
    }

    /// Records what was decided; a refusal is an answer too.
    fn try_record<R>(&mut self, decided: Result<Vec<Event>, R>) {
        if let Ok(events) = decided {
            self.world.record_all(events);
        }
    }

    fn step(&mut self, op: &Op) {
        let before = self.world.state.clone();
        let retried = self.happen(op);
        while let Some(recorded) = self.world.log.get(self.checked) {
            self.ledger.record(recorded);
            self.checked += 1;
        }
        self.ledger.check(&self.world.state);
        Ledger::check_change(&before, &self.world.state, retried);
    }

    /// The message that an operator retried, if that is what happened.
    fn happen(&mut self, op: &Op) -> Option<MessageId> {
        let now = self.world.now;
        match op {
            Op::Pass(seconds) => self.world.pass(*seconds),
            Op::ClientWrites { person } => {
                self.world.person_writes(&format!("client-{}", person + 1), "words");
            }
            Op::KeptUpdate => {
                self.world.record(v1::UpdateKept { kind: "edited_message".to_owned(), ..Default::default() });
            }
            Op::TakeOver(who) => {
                let decided = self.world.state.take_over(&format!("operator-{who}"), "http", "");
                self.try_record(decided);
            }
            Op::Release => {
                let decided = self.world.state.release("operator-0", "http");
                self.try_record(decided);
            }
            Op::Silence => {
                let silence = std::time::Duration::from_secs(1800);
                if let Alarmed::Decided(events) = self.world.state.silence_due(now, silence).unwrap() {
                    self.world.record_all(events);
                }
            }
            Op::Blocked(true) => {
                self.world.record(v1::RecipientBlocked::default());
            }
            Op::Blocked(false) => {
                self.world.record(v1::RecipientUnblocked::default());
            }
            Op::Schedule { until_reply, seconds, keyed, asker, action, long } => {
                let cancel_on = if *until_reply { CancelOn::ClientResponse } else { CancelOn::Never };
                let mut s = self.world.a_schedule(cancel_on, *seconds);
                s.asked_by = format!("client-{}", asker + 1);
                if *keyed {
                    s.key = "key".to_owned();
                }
                if *action {
                    s.action = v1::Action { kind: "compose".to_owned(), ..Default::default() };
                }
                if *long {
                    s.text = "word ".repeat(1200);
                }
                self.world.do_schedule(s).unwrap();
            }
            Op::Renew(index, seconds) => {
                let old = self.pick(*index, self.world.state.cancelled.iter().map(|f| f.id))?;
                let new_id = self.world.follow_up_id();
                let due = seconds.map(|s| (self.world.at(s), "later".to_owned(), "test".to_owned()));
                let decided = self.world.state.renew(&old, new_id, due, None);
                assert!(decided.is_ok(), "what is offered for renewal can be renewed");
                self.try_record(decided);
            }
            Op::Move(index, seconds) => {
                let id = self.follow_up(*index)?;
                let (due_at, words) = (self.world.at(*seconds), ("later".to_owned(), "test".to_owned()));
                let decided = self.world.state.move_follow_up(now, &id, due_at, words, ("client", None));
                self.try_record(decided);
            }
            Op::ChangeText(index) => {
                let id = self.follow_up(*index)?;
                let decided = self.world.state.change_follow_up_text(&id, "other words".to_owned(), "operator-0");
                self.try_record(decided);
            }
            Op::Cancel(index) => {
                let id = self.follow_up(*index)?;
                let decided = self.world.state.cancel(&id, Why::new("by_command", "", ""), None);
                self.try_record(decided);
            }
            Op::Queue { human, seconds, on_reply, keyed, proactive, long } => {
                let mut q = self.world.a_message(if *human { Author::Human } else { Author::Bot });
                q.due_at = seconds.map(|s| self.world.at(s));
                q.on_reply = *on_reply;
                q.proactive = *proactive;
                if *keyed {
                    q.key = "key".to_owned();
                }
                if *long {
                    q.text = "word ".repeat(1200);
                }
                self.world.do_queue(q).unwrap();
            }
            Op::CancelMessage(index) => {
                let id = self.message(*index)?;
                let decided = self.world.state.cancel_message_by(&id, "operator-0");
                self.try_record(decided);
            }
            Op::Hold(index) => {
                let id = self.message(*index)?;
                let decided = self.world.state.hold_message(&id, "operator-0");
                self.try_record(decided);
            }
            Op::Approve(index) => {
                let id = self.message(*index)?;
                self.approve(&id);
            }
            Op::Edit(index) => {
                let id = self.message(*index)?;
                let decided = self.world.state.edit_message(&id, "better words", "operator-0");
                self.try_record(decided);
            }
            Op::MoveMessage(index, seconds) => {
                let id = self.message(*index)?;
                let decided = self.world.state.move_message(now, &id, self.world.at(*seconds), "operator-0");
                self.try_record(decided);
            }
            Op::Report(index, status, ours) => {
                let claims = self.world.log.iter().filter_map(|r| match &r.event {
                    Event::DispatchStarted(e) => e.claim_id.parse::<ClaimId>().ok(),
                    _ => None,
                });
                let claim = self.pick(*index, claims)?;
                if *ours {
                    self.world.report_claim(&claim, status);
                } else {
                    let e = self.world.claimed(&claim);
                    self.world.report(&e.message_id.parse().unwrap(), e.part, status);
                }
            }
            Op::Retry(index) => {
                let id = self.message(*index)?;
                let events = self.world.state.retry_message(&id, "operator-0").ok()?;
                self.world.record_all(events);
                return Some(id);
            }
            Op::Ring(index) => {
                let id = self.follow_up(*index)?;
                self.world.ring(&id);
            }
            Op::RingMessage(index) => {
                let id = self.message(*index)?;
                self.world.ring_message(&id);
            }
            Op::Announce => {
                let events = self.world.state.announcements().events;
                self.world.record_all(events);
                assert!(self.world.state.unannounced.is_empty(), "what is announced is announced once");
            }
            Op::Look(d) => self.seen[usize::from(*d)] = (self.world.state.clone(), self.world.log.len()),
            Op::Dispatch(d, index) => self.dispatch(*d, *index),
            Op::Answered(index, kind) => {
                if self.unheard.is_empty() {
                    return None;
                }
                let claim = self.unheard.remove(index.index(self.unheard.len()));
                let answer = match kind {
                    AnswerKind::Success => Answer::Success,
                    AnswerKind::Failure => Answer::Failure,
                    AnswerKind::Deferral(seconds) => Answer::Deferral(*seconds),
                    AnswerKind::Unknown => Answer::Unknown,
                };
                self.world.answer(&claim, answer);
            }
            Op::StartTurn(brain, follow_up) => {
                let follow_up_id = match follow_up {
                    Some(index) => Some(self.follow_up(*index)?),
                    None => None,
                };
                let turn_id = self.world.turn_id();
                if let TurnStart::Started(started) = self.world.start_turn(turn_id, follow_up_id) {
                    self.world.record(*started);
                    self.turns[usize::from(*brain)] = Some(turn_id);
                }
            }
            Op::FinishTurn(brain) => {
                let turn_id = self.turns[usize::from(*brain)].take()?;
                self.finish_turn(turn_id);
            }
        }
        None
    }

    fn approve(&mut self, id: &MessageId) {
        let hash = self.world.state.approval_hash(&self.world.state.outbox[id]);
        let decided = self.world.state.approve_message(id, &hash, "operator-0");
        self.try_record(decided);
    }

    /// The append carries the version that the dispatcher read: if the log has moved on, it is refused.
    fn dispatch(&mut self, d: u8, index: Index) {
        let (state, version) = self.seen[usize::from(d)].clone();
        let Some(message_id) = self.pick(index, state.outbox.keys().copied()) else { return };
        let claim_id = self.world.claim_id();
        let step = self.world.next_step(&state, &message_id, claim_id, &format!("worker-{d}"));
        if version == self.world.log.len() {
            match step {
                Step::Claim { event, .. } => {
                    self.world.record(*event);
                    self.unheard.push(claim_id);
                }
                Step::Record(events) => self.world.record_all(events),
                Step::Waits | Step::Busy(_) | Step::Nothing => {}
            }
        }
        self.seen[usize::from(d)] = (self.world.state.clone(), self.world.log.len());
    }

    fn finish_turn(&mut self, turn_id: TurnId) {
        match self.world.state.turn_standing(turn_id, self.world.state.human_active()) {
            TurnStanding::Lost => {}
            TurnStanding::Superseded(code) => {
                self.world.record(Conversation::supersede(turn_id, code));
            }
            TurnStanding::Valid => {
                let open = self.world.state.turn.clone().unwrap();
                let waits = |s: &FollowUpState| matches!(s, FollowUpState::Due { message_id: None });
                if let Some(follow_up_id) = open.follow_up_id
                    && self.world.state.follow_ups.get(&follow_up_id).is_some_and(|f| waits(&f.state))
                {
                    let follow_up_id = follow_up_id.to_string();
                    self.world.record(v1::FollowUpDone { follow_up_id, ..Default::default() });
                }
                let through_position = open.through;
                self.world.record(v1::TurnCompleted {
                    turn_id: turn_id.to_string(),
                    through_position,
                    ..Default::default()
                });
            }
        }
    }

    /// Calm weather from here on: every alarm rings, every claim succeeds, brains answer. Everything must come to its end.
    fn calm_down(&mut self) {
        self.step(&Op::Release);
        for _ in 0..12 {
            self.step(&Op::Pass(700));
            for id in self.world.state.follow_ups.keys().copied().collect::<Vec<_>>() {
                self.world.ring(&id);
                let waits = |s: &FollowUpState| matches!(s, FollowUpState::Due { message_id: None });
                if waits(&self.world.state.follow_ups[&id].state) {
                    self.world.pass(60);
                    let turn_id = self.world.turn_id();
                    if let TurnStart::Started(started) = self.world.start_turn(turn_id, Some(id)) {
                        self.world.record(*started);
                        self.finish_turn(turn_id);
                    }
                }
            }
            for id in self.world.state.outbox.keys().copied().collect::<Vec<_>>() {
                self.approve(&id);
                self.world.ring_message(&id);
                if let (_, Some(claim)) = self.world.dispatch(&id) {
                    self.world.answer(&claim, Answer::Success);
                }
            }
            self.step(&Op::Announce);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn every_rule_holds_after_every_step_and_everything_ends(group in any::<bool>(), ops in vec(op(), 1..120)) {
        let mut life = Life::new(group);
        for op in &ops {
            life.step(op);
        }
        life.calm_down();
        for f in life.world.state.follow_ups.values() {
            prop_assert!(!f.is_open(), "{} never ended: {:?}", f.id, f.state);
        }
        for m in life.world.state.outbox.values() {
            prop_assert!(!m.is_open(), "{} never ended: {:?}", m.id, m.state);
        }
        prop_assert!(life.world.state.unannounced.is_empty());
    }

    #[test]
    fn a_fold_of_the_log_gives_the_same_state_as_folding_as_it_grows(ops in vec(op(), 1..60)) {
        let mut life = Life::new(false);
        for op in &ops {
            life.step(op);
        }
        let again = life.world.refolded();
        prop_assert_eq!(format!("{:?}", again.follow_ups), format!("{:?}", life.world.state.follow_ups));
        prop_assert_eq!(format!("{:?}", again.outbox), format!("{:?}", life.world.state.outbox));
        prop_assert_eq!(again.takeover, life.world.state.takeover);
    }
}

/// The witnesses can fail: each of these histories breaks a rule, and the ledger says so.
mod witnesses {
    use super::*;

    fn broken(history: impl FnOnce(&mut World) + std::panic::UnwindSafe) -> String {
        let result = std::panic::catch_unwind(|| {
            let mut world = World::opened();
            history(&mut world);
            let mut ledger = Ledger::default();
            for recorded in &world.log {
                ledger.record(recorded);
            }
            ledger.check(&world.state);
        });
        let payload = result.expect_err("a broken history must be noticed");
        payload
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| payload.downcast_ref::<&str>().map(|s| (*s).to_owned()))
            .unwrap()
    }

    fn claim(message_id: MessageId, follow_up_id: FollowUpId, claim_id: u128) -> v1::DispatchStarted {
        v1::DispatchStarted {
            message_id: message_id.to_string(),
            follow_up_id: follow_up_id.to_string(),
            claim_id: ClaimId::new(Uuid::from_u128(claim_id)).to_string(),
            parts: 1,
            attempt: 1,
            ..Default::default()
        }
    }

    #[test]
    fn notice_a_follow_up_due_under_a_human() {
        let said = broken(|world| {
            let id = world.promised(CancelOn::Never, 1);
            world.record(v1::HumanTakeoverStarted::default());
            world.record(v1::FollowUpDue {
                follow_up_id: id.to_string(),
                due_at: Some(to_timestamp(world.now)),
                ..Default::default()
            });
        });
        assert!(said.contains("while a human is active"), "{said}");
    }

    #[test]
    fn notice_a_claim_after_the_clients_message() {
        let said = broken(|world| {
            let id = world.promised(CancelOn::ClientResponse, 1);
            world.pass(1);
            world.ring(&id);
            world.client_writes("I'm back");
            world.record(claim(message_of(&id), id, u128::MAX));
        });
        assert!(said.contains("a claim after the client's message"), "{said}");
    }

    #[test]
    fn notice_two_open_claims() {
        let said = broken(|world| {
            let id = world.promised(CancelOn::Never, 1);
            world.pass(1);
            world.ring(&id);
            world.claim(&message_of(&id));
            world.record(claim(message_of(&id), id, u128::MAX));
        });
        assert!(said.contains("a second claim while one is open"), "{said}");
    }

    #[test]
    fn notice_a_second_attempt_after_an_unknown() {
        let said = broken(|world| {
            let id = world.promised(CancelOn::Never, 1);
            world.pass(1);
            world.ring(&id);
            let first = world.claim(&message_of(&id));
            world.answer(&first, Answer::Unknown);
            world.record(claim(message_of(&id), id, u128::MAX));
        });
        assert!(said.contains("without a deferral"), "{said}");
    }

    #[test]
    fn notice_an_end_that_is_taken_back() {
        let mut world = World::opened();
        let id = world.promised(CancelOn::Never, 1);
        world.record(v1::FollowUpExpired { follow_up_id: id.to_string(), ..Default::default() });
        let before = world.state.clone();
        let mut revived = world.state.clone();
        Arc::make_mut(revived.follow_ups.get_mut(&id).unwrap()).state = FollowUpState::Pending;
        let result = std::panic::catch_unwind(|| Ledger::check_change(&before, &revived, None));
        assert!(result.is_err());
    }

    #[test]
    fn notice_an_open_message_whose_follow_up_has_ended() {
        let said = broken(|world| {
            let id = world.promised(CancelOn::Never, 1);
            world.pass(1);
            world.ring(&id);
            Arc::make_mut(world.state.follow_ups.get_mut(&id).unwrap()).state = FollowUpState::Done;
            assert!(matches!(world.state.outbox[&message_of(&id)].state, MessageState::Queued { .. }));
        });
        assert!(said.contains("is not due"), "{said}");
    }
}
