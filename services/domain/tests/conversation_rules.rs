//! The rules of a conversation, one by one: given events, when a command or an alarm comes, then these events.
#![allow(clippy::unwrap_used, reason = "tests")]

mod conversation_world;

use chrono::TimeDelta;
use chrono_tz::Tz;
use conversation_world::{Answer, World, follow_up, message_of, turn};
use steward_domain::{
    conversation::{
        Author, CancelOn, FollowUpState, MessageState, OnReply, Receipts,
        dispatch::Step,
        follow_ups::Alarmed,
        turns::{TurnStanding, TurnStart},
    },
    ids::{FollowUpId, MessageId},
    kernel::Refusal as _,
    policy::parse_quiet_hours,
    settings::Policy,
};
use steward_language::{
    DateOrder, Language,
    time::{Meaning, PartsOfDay, TimeContext, parse},
};
use steward_proto::{Event, v1};

fn state<'a>(world: &'a World, follow_up_id: &FollowUpId) -> &'a FollowUpState {
    &world.state.follow_ups[follow_up_id].state
}

fn message<'a>(world: &'a World, message_id: &MessageId) -> &'a MessageState {
    &world.state.outbox[message_id].state
}

fn code_of_follow_up(world: &World, id: &FollowUpId) -> String {
    match state(world, id) {
        FollowUpState::Cancelled(why)
        | FollowUpState::Expired(why)
        | FollowUpState::Failed(why)
        | FollowUpState::Unknown(why) => why.code.clone(),
        other => panic!("{other:?}"),
    }
}

/// A follow-up that is due, its message queued.
fn due(world: &mut World, cancel_on: CancelOn) -> (FollowUpId, MessageId) {
    let id = world.promised(cancel_on, 60);
    world.pass(60);
    assert!(matches!(world.ring(&id), Alarmed::Decided(_)));
    let message_id = message_of(&id);
    (id, message_id)
}

#[test]
fn a_client_message_cancels_what_waits_for_their_answer_and_leaves_reminders() {
    let mut world = World::opened();
    let promise = world.promised(CancelOn::ClientResponse, 60);
    let reminder = world.promised(CancelOn::Never, 60);
    let written = world.client_writes("I'm back");
    let FollowUpState::Cancelled(why) = state(&world, &promise) else { panic!() };
    assert_eq!((why.code.as_str(), &why.event_id), ("client_responded", &written.metadata.event_id.to_string()));
    assert_eq!(state(&world, &reminder), &FollowUpState::Pending);
}

#[test]
fn a_due_promise_that_nobody_claimed_is_cancelled_by_the_clients_message() {
    let mut world = World::opened();
    let (promise, message_id) = due(&mut world, CancelOn::ClientResponse);
    world.client_writes("I'm back");
    assert_eq!(code_of_follow_up(&world, &promise), "client_responded");
    assert_eq!(world.dispatch(&message_id).0, Step::Nothing);
}

#[test]
fn in_a_group_only_the_askers_message_cancels() {
    let mut world = World::new();
    world.group = true;
    world.person_writes("client-1", "hello");
    let promise = world.promised(CancelOn::ClientResponse, 60);
    world.person_writes("client-2", "hello all");
    assert_eq!(state(&world, &promise), &FollowUpState::Pending);
    world.person_writes("client-1", "done already");
    assert_eq!(code_of_follow_up(&world, &promise), "client_responded");
}

#[test]
fn at_its_time_under_a_human_a_follow_up_ends_cancelled_whatever_its_cancel_on() {
    for cancel_on in [CancelOn::ClientResponse, CancelOn::Never] {
        let mut world = World::opened();
        let promise = world.promised(cancel_on, 60);
        let later = world.promised(cancel_on, 3600);
        world.record_all(world.state.take_over("anna", "http", "").unwrap());
        world.pass(60);
        world.ring(&promise);
        assert_eq!(code_of_follow_up(&world, &promise), "human_active");
        world.record_all(world.state.release("anna", "http").unwrap());
        assert_eq!(code_of_follow_up(&world, &promise), "human_active", "release doesn't revive it");
        world.pass(3600);
        world.ring(&later);
        assert!(matches!(state(&world, &later), FollowUpState::Due { .. }), "what is due later goes on");
    }
}

#[test]
fn release_lists_what_the_takeover_cancelled() {
    let mut world = World::opened();
    let (promise, _) = due(&mut world, CancelOn::Never);
    world.record_all(world.state.take_over("anna", "http", "").unwrap());
    let events = world.state.release("anna", "http").unwrap();
    let [Event::HumanTakeoverEnded(ended)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(ended.cancelled_follow_up_ids, [promise.to_string()]);
}

#[test]
fn release_lists_what_came_due_under_the_human_once() {
    let mut world = World::opened();
    let promise = world.promised(CancelOn::Never, 60);
    world.record_all(world.state.take_over("anna", "http", "").unwrap());
    world.pass(60);
    world.ring(&promise);
    world.record_all(world.state.announcements().events);
    let events = world.state.release("anna", "http").unwrap();
    let [Event::HumanTakeoverEnded(ended)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(ended.cancelled_follow_up_ids, [promise.to_string()]);
}

#[test]
fn release_lists_what_was_being_sent_at_the_takeover_and_was_not() {
    let mut world = World::opened();
    let (promise, message_id) = due(&mut world, CancelOn::Never);
    let claim = world.claim(&message_id);
    world.record_all(world.state.take_over("anna", "http", "").unwrap());
    world.answer(&claim, Answer::Deferral(1));
    let events = world.state.release("anna", "http").unwrap();
    let [Event::HumanTakeoverEnded(ended)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(ended.cancelled_follow_up_ids, [promise.to_string()]);
}

#[test]
fn a_takeover_cancels_unclaimed_bot_messages_and_leaves_the_humans_own() {
    let mut world = World::opened();
    let (bot, human) = (world.a_message(Author::Bot), world.a_message(Author::Human));
    let (bot_id, human_id) = (bot.message_id, human.message_id);
    world.do_queue(bot).unwrap();
    world.do_queue(human).unwrap();
    world.record_all(world.state.take_over("anna", "http", "").unwrap());
    assert!(matches!(message(&world, &bot_id), MessageState::Cancelled(why) if why.code == "human_active"));
    world.claim(&human_id);
}

#[test]
fn a_takeover_stops_an_action_that_the_brain_is_carrying_out() {
    let mut world = World::opened();
    let mut schedule = world.a_schedule(CancelOn::Never, 60);
    schedule.action = v1::Action { kind: "compose".to_owned(), prompt: "greet".to_owned(), ..Default::default() };
    let id = schedule.follow_up_id;
    world.do_schedule(schedule).unwrap();
    world.pass(60);
    world.ring(&id);
    let TurnStart::Started(started) = world.start_turn(turn(1), Some(id)) else { panic!() };
    world.record(*started);
    world.record_all(world.state.take_over("anna", "http", "").unwrap());
    assert_eq!(code_of_follow_up(&world, &id), "human_active");
    assert_eq!(world.state.turn_standing(turn(1), false), TurnStanding::Superseded("human_active"));
}

#[test]
fn the_humans_silence_gives_the_conversation_back_counted_from_their_last_word() {
    let mut world = World::opened();
    let silence = std::time::Duration::from_secs(1800);
    world.record_all(world.state.take_over("anna", "http", "").unwrap());
    world.pass(1000);
    let words = world.a_message(Author::Human);
    world.do_queue(words).unwrap();
    world.pass(1000);
    let early = world.state.silence_due(world.now, silence).unwrap();
    assert_eq!(early, Alarmed::NotYet(world.now + TimeDelta::seconds(800)));
    world.pass(800);
    let Alarmed::Decided(events) = world.state.silence_due(world.now, silence).unwrap() else { panic!() };
    world.record_all(events);
    assert!(!world.state.human_active());
}

#[test]
fn an_alarm_that_rings_early_waits_for_the_due_time() {
    let mut world = World::opened();
    let id = world.promised(CancelOn::Never, 60);
    world.pass(59);
    assert_eq!(world.ring(&id), Alarmed::NotYet(world.now + TimeDelta::seconds(1)));
}

#[test]
fn an_alarm_that_rings_twice_decides_once() {
    let mut world = World::opened();
    let (id, _) = due(&mut world, CancelOn::Never);
    assert_eq!(world.ring(&id), Alarmed::Nothing);
}

#[test]
fn a_follow_up_later_than_the_limit_expires_and_says_so() {
    let mut world = World::opened();
    let id = world.promised(CancelOn::Never, 60);
    world.pass(60 + 3600 + 1);
    world.ring(&id);
    assert_eq!(code_of_follow_up(&world, &id), "too_late");
}

#[test]
fn a_follow_up_as_late_as_the_limit_is_still_sent() {
    let mut world = World::opened();
    let id = world.promised(CancelOn::Never, 60);
    world.pass(60 + 3600);
    world.ring(&id);
    world.claim(&message_of(&id));
}

#[test]
fn a_queued_promise_expires_when_no_dispatcher_came_in_time() {
    let mut world = World::opened();
    let (id, message_id) = due(&mut world, CancelOn::Never);
    world.pass(3601);
    world.dispatch(&message_id);
    assert_eq!(code_of_follow_up(&world, &id), "too_late");
    assert!(matches!(message(&world, &message_id), MessageState::Expired(_)));
}

#[test]
fn lateness_counts_from_the_end_of_a_deferral() {
    let mut world = World::opened();
    let (_, message_id) = due(&mut world, CancelOn::Never);
    let claim = world.claim(&message_id);
    world.answer(&claim, Answer::Deferral(7200));
    assert_eq!(world.dispatch(&message_id).0, Step::Waits);
    world.pass(7200 + 3000);
    world.claim(&message_id);
}

#[test]
fn a_claimed_message_is_busy_for_everyone_else_until_the_claim_expires() {
    let mut world = World::opened();
    let (id, message_id) = due(&mut world, CancelOn::Never);
    let claim_id = world.claim(&message_id);
    let expires = conversation_world::until(&world.claimed(&claim_id));
    assert_eq!(world.dispatch(&message_id).0, Step::Busy(expires));
    world.pass(8);
    let (step, _) = world.dispatch(&message_id);
    assert!(matches!(&step, Step::Record(events) if matches!(events[..], [Event::DispatchUnknown(_)])), "{step:?}");
    assert_eq!(code_of_follow_up(&world, &id), "claim_expired");
    assert_eq!(world.dispatch(&message_id).0, Step::Nothing, "an unknown is not sent again");
}

#[test]
fn a_late_success_settles_an_unknown() {
    let mut world = World::opened();
    let (id, message_id) = due(&mut world, CancelOn::Never);
    let claim = world.claim(&message_id);
    world.answer(&claim, Answer::Unknown);
    world.answer(&claim, Answer::Success);
    assert_eq!(state(&world, &id), &FollowUpState::Sent);
}

#[test]
fn a_late_deferral_of_an_unknown_waits_for_an_operator() {
    let mut world = World::opened();
    let (id, message_id) = due(&mut world, CancelOn::ClientResponse);
    let claim = world.claim(&message_id);
    world.answer(&claim, Answer::Unknown);
    world.client_writes("never mind");
    world.answer(&claim, Answer::Deferral(1));
    world.pass(2);
    assert_eq!(world.dispatch(&message_id).0, Step::Nothing);
    assert!(matches!(state(&world, &id), FollowUpState::Failed(_)));
}

#[test]
fn the_answer_to_an_older_claim_leaves_a_newer_unknown_alone() {
    let mut world = World::opened();
    let (id, message_id) = due(&mut world, CancelOn::Never);
    let first = world.claim(&message_id);
    world.answer(&first, Answer::Unknown);
    world.record_all(world.state.retry_message(&message_id, "anna").unwrap());
    let second = world.claim(&message_id);
    world.answer(&second, Answer::Unknown);
    world.answer(&first, Answer::Failure);
    assert!(matches!(state(&world, &id), FollowUpState::Unknown(_)), "the second may have arrived");
}

#[test]
fn what_the_client_cancelled_while_it_was_being_sent_ends_when_the_claim_ends_without_a_send() {
    let mut world = World::opened();
    let (id, message_id) = due(&mut world, CancelOn::ClientResponse);
    let claim = world.claim(&message_id);
    world.client_writes("I'm back");
    assert!(matches!(state(&world, &id), FollowUpState::Due { .. }), "it is on its way");
    world.answer(&claim, Answer::Deferral(5));
    assert_eq!(code_of_follow_up(&world, &id), "client_responded");
    world.pass(5);
    assert_eq!(world.dispatch(&message_id).0, Step::Nothing);
}

#[test]
fn what_was_claimed_before_the_clients_message_is_sent_when_the_provider_took_it() {
    let mut world = World::opened();
    let (id, message_id) = due(&mut world, CancelOn::ClientResponse);
    let claim = world.claim(&message_id);
    world.client_writes("I'm back");
    world.answer(&claim, Answer::Success);
    assert_eq!(state(&world, &id), &FollowUpState::Sent);
}

#[test]
fn a_long_text_goes_out_in_order_one_claim_per_part() {
    let mut world = World::opened();
    let mut queue = world.a_message(Author::Bot);
    queue.text = "word ".repeat(2000);
    let id = queue.message_id;
    world.do_queue(queue).unwrap();
    for part in 0..3 {
        let claim = world.claim(&id);
        assert_eq!(world.claimed(&claim).part, part);
        assert_eq!(world.claimed(&claim).attempt, 1);
        world.answer(&claim, Answer::Success);
    }
    assert_eq!(message(&world, &id), &MessageState::Sent(Receipts::default()));
}

#[test]
fn a_part_that_fails_holds_the_rest_and_a_retry_goes_on_there() {
    let mut world = World::opened();
    let mut queue = world.a_message(Author::Bot);
    queue.text = "word ".repeat(2000);
    let id = queue.message_id;
    world.do_queue(queue).unwrap();
    let first = world.claim(&id);
    world.answer(&first, Answer::Success);
    let second = world.claim(&id);
    world.answer(&second, Answer::Failure);
    assert_eq!(world.dispatch(&id).0, Step::Nothing);
    world.record_all(world.state.retry_message(&id, "anna").unwrap());
    let third = world.claim(&id);
    assert_eq!(world.claimed(&third).part, 1);
}

#[test]
fn only_what_failed_expired_or_is_unknown_can_be_retried() {
    let mut world = World::opened();
    let (_, message_id) = due(&mut world, CancelOn::Never);
    assert_eq!(world.state.retry_message(&message_id, "anna").unwrap_err().code(), "not_retryable");
    let claim = world.claim(&message_id);
    assert_eq!(world.state.retry_message(&message_id, "anna").unwrap_err().code(), "not_retryable");
    world.answer(&claim, Answer::Success);
    assert_eq!(world.state.retry_message(&message_id, "anna").unwrap_err().code(), "not_retryable");
}

#[test]
fn a_blocked_recipient_gets_nothing_proactive_until_they_write_again() {
    let mut world = World::opened();
    let promise = world.promised(CancelOn::Never, 60);
    let later = world.promised(CancelOn::Never, 120);
    world.record(v1::RecipientBlocked::default());
    world.pass(60);
    world.ring(&promise);
    assert_eq!(code_of_follow_up(&world, &promise), "blocked");
    world.client_writes("I'm back");
    world.pass(60);
    world.ring(&later);
    world.claim(&message_of(&later));
}

#[test]
fn quiet_hours_put_a_promise_off_and_never_an_answer() {
    let mut world = World::opened();
    world.policy = Policy { quiet_hours: parse_quiet_hours("08:00-12:00"), ..Policy::default() };
    let (_, message_id) = due(&mut world, CancelOn::Never);
    let (step, _) = world.dispatch(&message_id);
    assert!(matches!(&step, Step::Record(events) if matches!(events[..], [Event::SendDeferred(_)])), "{step:?}");
    assert_eq!(world.dispatch(&message_id).0, Step::Waits);
    let answer = world.a_message(Author::Bot);
    let answer_id = answer.message_id;
    world.do_queue(answer).unwrap();
    world.claim(&answer_id);
    world.pass(2 * 3600);
    world.claim(&message_id);
}

#[test]
fn the_daily_cap_counts_what_was_sent() {
    let mut world = World::opened();
    world.policy = Policy { daily_cap: Some(1), ..Policy::default() };
    let (_, first) = due(&mut world, CancelOn::Never);
    let claim = world.claim(&first);
    world.answer(&claim, Answer::Success);
    let (_, second) = due(&mut world, CancelOn::Never);
    let (step, _) = world.dispatch(&second);
    assert!(matches!(&step, Step::Record(events) if matches!(events[..], [Event::SendDeferred(_)])), "{step:?}");
}

#[test]
fn the_same_key_replaces_the_pending_promise() {
    let mut world = World::opened();
    let mut first = world.a_schedule(CancelOn::Never, 60);
    first.key = "invoice".to_owned();
    let mut second = first.clone();
    second.follow_up_id = world.follow_up_id();
    let (a, b) = (first.follow_up_id, second.follow_up_id);
    world.do_schedule(first).unwrap();
    world.do_schedule(second).unwrap();
    assert_eq!(code_of_follow_up(&world, &a), "replaced");
    assert_eq!(state(&world, &b), &FollowUpState::Pending);
}

#[test]
fn the_same_key_replaces_the_waiting_message() {
    let mut world = World::opened();
    let mut first = world.a_message(Author::Bot);
    first.key = "offer".to_owned();
    first.due_at = Some(world.at(60));
    let mut second = first.clone();
    second.message_id = world.message_id();
    let (a, b) = (first.message_id, second.message_id);
    world.do_queue(first).unwrap();
    world.do_queue(second).unwrap();
    assert!(matches!(message(&world, &a), MessageState::Cancelled(why) if why.code == "replaced"));
    assert!(matches!(message(&world, &b), MessageState::Queued { .. }));
}

#[test]
fn a_waiting_message_goes_with_the_clients_answer_if_it_says_so() {
    let mut world = World::opened();
    let (mut cancels, mut keeps) = (world.a_message(Author::Bot), world.a_message(Author::Bot));
    cancels.on_reply = OnReply::Cancel;
    keeps.on_reply = OnReply::Keep;
    let (a, b) = (cancels.message_id, keeps.message_id);
    world.do_queue(cancels).unwrap();
    world.do_queue(keeps).unwrap();
    world.client_writes("I'm back");
    assert!(matches!(message(&world, &a), MessageState::Cancelled(why) if why.code == "client_responded"));
    assert!(matches!(message(&world, &b), MessageState::Queued { .. }));
}

#[test]
fn what_a_message_cancelled_can_be_renewed_by_the_turn_that_answers_it_and_names_what_it_renews() {
    let mut world = World::opened();
    let old = world.promised(CancelOn::ClientResponse, 60);
    let due_at = world.state.follow_ups[&old].due_at;
    world.client_writes("ok, thanks");
    let events = world.state.renew(&old, follow_up(1), None, Some(turn(1))).unwrap();
    let [Event::FollowUpScheduled(renewal)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(renewal.renews, old.to_string());
    world.record_all(events);
    assert_eq!(
        (&world.state.follow_ups[&follow_up(1)].due_at, state(&world, &follow_up(1))),
        (&due_at, &FollowUpState::Pending)
    );
    let again = world.state.renew(&old, follow_up(2), None, Some(turn(1))).unwrap_err();
    assert_eq!(again.code(), "not_renewable");
}

#[test]
fn what_no_turn_answered_stays_cancelled_after_a_takeover() {
    let mut world = World::opened();
    let old = world.promised(CancelOn::ClientResponse, 60);
    world.client_writes("ok, thanks");
    world.record_all(world.state.take_over("anna", "http", "").unwrap());
    assert_eq!(world.state.renew(&old, follow_up(1), None, Some(turn(1))).unwrap_err().code(), "not_renewable");
    let events = world.state.release("anna", "http").unwrap();
    let [Event::HumanTakeoverEnded(ended)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(ended.cancelled_follow_up_ids, [old.to_string()]);
}

#[test]
fn a_second_brain_finds_the_turn_taken_until_the_lease_ends() {
    let mut world = World::opened();
    let TurnStart::Started(started) = world.start_turn(turn(1), None) else { panic!() };
    world.record(*started);
    assert_eq!(world.start_turn(turn(2), None), TurnStart::Busy(world.at(30)));
    world.pass(30);
    assert!(matches!(world.start_turn(turn(2), None), TurnStart::Started(_)));
}

#[test]
fn a_message_or_a_takeover_in_between_supersedes_the_turn() {
    let mut world = World::opened();
    let TurnStart::Started(started) = world.start_turn(turn(1), None) else { panic!() };
    world.record(*started);
    assert_eq!(world.state.turn_standing(turn(1), false), TurnStanding::Valid);
    let mut taken = world.clone();
    taken.record_all(taken.state.take_over("anna", "http", "").unwrap());
    assert_eq!(taken.state.turn_standing(turn(1), false), TurnStanding::Superseded("human_active"));
    world.client_writes("one more thing");
    assert_eq!(world.state.turn_standing(turn(1), false), TurnStanding::Superseded("client_responded"));
}

#[test]
fn a_turn_that_is_complete_leaves_nothing_to_do() {
    let mut world = World::opened();
    let TurnStart::Started(started) = world.start_turn(turn(1), None) else { panic!() };
    let through_position = started.through_position;
    world.record(*started);
    world.record(v1::TurnCompleted { turn_id: turn(1).to_string(), through_position, ..Default::default() });
    assert_eq!(world.start_turn(turn(2), None), TurnStart::NothingToDo);
    assert_eq!(world.state.turn_standing(turn(1), false), TurnStanding::Lost);
}

#[test]
fn nothing_is_promised_for_the_past_or_beyond_two_years() {
    let mut world = World::opened();
    for (seconds, code) in [(0, "past"), (-1, "past"), (732 * 24 * 3600, "too_far")] {
        let schedule = world.a_schedule(CancelOn::Never, seconds);
        assert_eq!(world.do_schedule(schedule).unwrap_err().code(), code, "{seconds}");
    }
}

#[test]
fn what_a_phrase_means_within_two_years_can_be_promised_and_nothing_beyond() {
    let mut world = World::opened();
    let mut promised = Vec::new();
    for zone in [Tz::Pacific__Kiritimati, Tz::UTC, Tz::Pacific__Pago_Pago] {
        for text in ["in two years", "21 November 2028 at 11:55 pm", "22 November 2028 at 8 am", "in 25 months"] {
            let (language, parts_of_day) = (Language::En, PartsOfDay::default());
            let written_at = world.now;
            let context = TimeContext {
                written_at,
                zone,
                language,
                date_order: DateOrder::MonthFirst,
                followup_hour: 10,
                parts_of_day,
            };
            let mut follow_up = world.a_schedule(CancelOn::Never, 60);
            let (due_at, expected) = match parse(text, &context) {
                Meaning::Instant(moment) => (moment.at, None),
                Meaning::TooFar(moment) => (moment.at, Some("too_far")),
                other => panic!("{text}: {other:?}"),
            };
            follow_up.due_at = due_at;
            let refused = world.do_schedule(follow_up).err().map(|refused| refused.code());
            assert_eq!(refused, expected, "{text} in {zone}: {due_at}");
            promised.extend(refused.is_none().then(|| due_at - world.now));
        }
    }
    assert!(promised.iter().any(|ahead| *ahead > TimeDelta::days(731)), "the last day is whole: {promised:?}");
}

#[test]
fn what_has_ended_answers_a_command_with_how_it_ended() {
    let mut world = World::opened();
    let (id, message_id) = due(&mut world, CancelOn::Never);
    let claim = world.claim(&message_id);
    world.answer(&claim, Answer::Success);
    let why = steward_domain::kernel::Why::new("by_command", "", "");
    assert_eq!(world.state.cancel(&id, why.clone(), None).unwrap_err().code(), "already_sent");
    assert_eq!(world.state.cancel(&follow_up(1), why, None).unwrap_err().code(), "unknown_follow_up");
}
