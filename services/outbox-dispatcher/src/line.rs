//! A channel's line: who may send next, and when those come back for whom there is no room to wait.
//!
//! A few wait here for the channel's rate limit and for a place to send. They hold up nobody else, because they are
//! only a share of those that may wait in all. The others are told when their turn will be, and wait in the log until
//! then.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use steward_settings::Channel;

use chrono::{DateTime, Utc};
use steward_log::{Clock, Place, Shares};
use tokio::time::Instant;

use crate::{channels::Way, limits::Limits, turnstile::Turnstile};

/// Most sends of one channel that wait here; below, how many of them may be ones that were never put off.
const WAITING: usize = 256;
const NEW: usize = 192;
/// Most sends of one tenant that wait here; below, most in all.
const WAITING_OF_TENANT: usize = 512;
const WAITING_IN_ALL: usize = 1_024;
/// Most sends of one tenant that are under way; below, most in all.
const SENDING_OF_TENANT: usize = 256;
const SENDING_IN_ALL: usize = 512;

/// Nobody is put off for less than this, because an alarm has its price.
const SHORTEST: Duration = Duration::from_secs(1);
/// Nobody is put off for longer than this where the limiter alone says how fast it goes …
const LONGEST: Duration = Duration::from_secs(600);
/// … or for longer than this where the provider is slow, because it may be fast again at any time.
const LONGEST_FOR_A_SLOW_ONE: Duration = Duration::from_secs(60);

/// The room that the lines of all channels share.
#[derive(Clone)]
pub struct Room {
    waiting: Shares,
    sending: Shares,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            waiting: Shares::new(WAITING_IN_ALL, WAITING_OF_TENANT),
            sending: Shares::new(SENDING_IN_ALL, SENDING_OF_TENANT),
        }
    }
}

impl Room {
    /// Whether a channel that has nothing here yet would find no place but the few that each channel has in any case.
    pub fn is_full(&self) -> bool {
        self.waiting.free() == 0 || self.sending.free() == 0
    }
}

/// Who wants to send.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    pub chat: &'a str,
    /// Nobody waits for the message.
    pub proactive: bool,
    /// The message was put off, and now its turn has come.
    pub returned: bool,
    /// So much stands behind the message in its conversation that it mustn't wait here: all of that would wait with it.
    pub hurried: bool,
}

/// What becomes of a wish.
pub enum Turn {
    /// It is the wish's turn: send, and keep this until that is done.
    Now(Going),
    /// There is no room to wait; come again at this time.
    At(DateTime<Utc>),
}

/// A send under way.
pub struct Going {
    /// Whether it had to wait.
    pub waited: bool,
    key: (Instant, u64),
    line: Arc<State>,
    place: Option<Place>,
}

/// The line of one channel.
pub struct Line {
    limits: Limits,
    turnstile: Turnstile,
    room: Room,
    clock: Clock,
    state: Arc<State>,
}

struct State {
    channel: String,
    tenant: String,
    /// Most sends under way at the same time.
    at_once: usize,
    changing: Mutex<Changing>,
    /// For the metrics.
    room: Room,
}

struct Changing {
    /// Since when each wish has waited.
    since: BTreeSet<(Instant, u64)>,
    /// Since when each send has been under way.
    going: BTreeSet<(Instant, u64)>,
    counted: u64,
    /// How many wishes were put off for the longest time.
    longest: u32,
    /// The turn that the last wish got that was put off.
    end: Instant,
    /// How many seconds a send has taken lately.
    takes: f64,
}

/// A wish that waits here.
struct Waiting {
    line: Arc<State>,
    key: (Instant, u64),
    _place: Place,
}

impl Line {
    pub fn new(channel: &Channel, way: &dyn Way, room: &Room, clock: Clock) -> Self {
        Self::of(&channel.id, &channel.tenant, way.at_once(), Limits::new(channel.rate_limit), room, clock)
    }

    fn of(channel: &str, tenant: &str, at_once: usize, limits: Limits, room: &Room, clock: Clock) -> Self {
        let (since, going) = (BTreeSet::new(), BTreeSet::new());
        let changing = Changing { since, going, counted: 0, longest: 0, end: Instant::now(), takes: 0.0 };
        let state = State {
            channel: channel.to_owned(),
            tenant: tenant.to_owned(),
            at_once,
            changing: Mutex::new(changing),
            room: room.clone(),
        };
        Self { limits, turnstile: Turnstile::default(), room: room.clone(), clock, state: Arc::new(state) }
    }

    /// Waits for the wish's turn, or says when to come again. If this is dropped while it waits, nothing is left
    /// behind.
    pub async fn turn(&self, wish: Wish<'_>) -> Turn {
        let began = Instant::now();
        let Some(waiting) = self.state.wait(wish.returned) else { return Turn::At(self.put_off()) };
        while let Err(wait) = self.limits.of_chat(wish.chat) {
            if wish.hurried {
                return Turn::At(self.put_off());
            }
            tokio::time::sleep(wait).await;
        }
        let head = match self.turnstile.try_enter() {
            Some(head) => head,
            None if wish.hurried => return Turn::At(self.put_off()),
            None => self.turnstile.enter(wish.proactive).await,
        };
        let State { tenant, channel, at_once, .. } = &*self.state;
        let place = match self.room.sending.try_take(tenant, channel, *at_once) {
            Some(place) => place,
            None if wish.hurried => return Turn::At(self.put_off()),
            None => self.room.sending.take(tenant, channel, *at_once).await,
        };
        while let Err(wait) = self.limits.of_all() {
            tokio::time::sleep(wait).await;
        }
        drop(head);
        drop(waiting);
        let waited = began.elapsed();
        metrics::histogram!("steward_send_wait_seconds", "channel" => channel.clone()).record(waited.as_secs_f64());
        let line = Arc::clone(&self.state);
        let key = {
            let mut changing = line.lock();
            let key = changing.count(Instant::now());
            changing.going.insert(key);
            key
        };
        Turn::Now(Going { waited: !waited.is_zero(), key, line, place: Some(place) })
    }

    /// Adds one to the end of the line; returns when its turn will be.
    pub fn put_off(&self) -> DateTime<Utc> {
        metrics::counter!("steward_sends_put_off_total", "channel" => self.state.channel.clone()).increment(1);
        let now = Instant::now();
        let mut changing = self.state.lock();
        let at_once = self.state.at_once;
        let slow = Duration::try_from_secs_f64(changing.takes(at_once) / at_once as f64).unwrap_or(LONGEST);
        let limited = self.limits.pace();
        let (pace, longest) = if slow > limited { (slow, LONGEST_FOR_A_SLOW_ONE) } else { (limited, LONGEST) };
        // It comes back while half of those that wait here now still wait, so that no token is left unused.
        let waiting = u32::try_from(changing.since.len() / 2).unwrap_or(u32::MAX);
        let turn = changing.end.max(now + pace.saturating_mul(waiting).min(longest)) + pace;
        changing.end = turn.min(now + longest);
        let mut wait = changing.end.saturating_duration_since(now);
        if wait >= longest {
            wait = longest.mul_f64(changing.spread());
        }
        self.clock.now() + wait.max(SHORTEST)
    }

    /// The turn of a message that stands behind another one of its chat.
    pub fn behind(&self, last: DateTime<Utc>) -> DateTime<Utc> {
        let apart = self.limits.pace_of_chat().max(Duration::from_millis(1));
        last.max(self.clock.now()) + apart
    }

    /// Notes for the metrics how many wait, and since when the first of them has waited.
    pub fn note(&self) -> (usize, Duration) {
        let changing = self.state.lock();
        self.state.note(&changing);
        let oldest = changing.since.first().map_or(Duration::ZERO, |(since, _)| since.elapsed());
        (changing.since.len(), oldest)
    }

    pub fn channel(&self) -> &str {
        &self.state.channel
    }
}

impl Changing {
    /// A key that nobody else has.
    fn count(&mut self, since: Instant) -> (Instant, u64) {
        self.counted += 1;
        (since, self.counted)
    }

    /// How many seconds a send takes: as lately, or as long as those under way have been so already. A silent server ends
    /// none, and all that wait for it would come back each second.
    fn takes(&self, at_once: usize) -> f64 {
        let under_way: f64 = self.going.iter().map(|(since, _)| since.elapsed().as_secs_f64()).sum();
        self.takes.max(under_way / at_once as f64)
    }

    /// Which part of the longest time the next one is put off: a half to all of it, so that not all come back at once.
    fn spread(&mut self) -> f64 {
        self.longest = self.longest.wrapping_add(1);
        // Steps of the golden ratio fill the span evenly, however many there are.
        1.0 - (f64::from(self.longest) * 0.618_034).fract() / 2.0
    }
}

impl State {
    fn lock(&self) -> MutexGuard<'_, Changing> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(self: &Arc<Self>, returned: bool) -> Option<Waiting> {
        let most = if returned { WAITING } else { NEW };
        let place = self.room.waiting.try_take(&self.tenant, &self.channel, most)?;
        let mut changing = self.lock();
        let key = changing.count(Instant::now());
        changing.since.insert(key);
        self.note(&changing);
        Some(Waiting { line: Arc::clone(self), key, _place: place })
    }

    fn note(&self, changing: &Changing) {
        let oldest = changing.since.first().map_or(0.0, |(since, _)| since.elapsed().as_secs_f64());
        let sending = self.room.sending.of(&self.tenant, &self.channel);
        let gauge =
            |name: &'static str, value: f64| metrics::gauge!(name, "channel" => self.channel.clone()).set(value);
        gauge("steward_sends_waiting", changing.since.len() as f64);
        gauge("steward_sends_oldest_wait_seconds", oldest);
        gauge("steward_sends_in_flight", sending as f64);
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut changing = self.line.lock();
        changing.since.remove(&self.key);
        self.line.note(&changing);
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        drop(self.place.take());
        let mut changing = self.line.lock();
        changing.going.remove(&self.key);
        changing.takes = changing.takes * 0.9 + self.key.0.elapsed().as_secs_f64() * 0.1;
        self.line.note(&changing);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use steward_settings::RateLimit;
    use tokio::task::JoinSet;

    use super::*;

    const TEN_A_SECOND: RateLimit = RateLimit { per_second: 10, burst: 1, per_chat_per_second: 1, per_chat_burst: 3 };

    pub fn line(channel: &str, tenant: &str, at_once: usize, limit: Option<RateLimit>, room: &Room) -> Arc<Line> {
        Arc::new(Line::of(channel, tenant, at_once, Limits::new(limit), room, Clock::system()))
    }

    fn wish(chat: &str) -> Wish<'_> {
        Wish { chat, proactive: false, returned: false, hurried: false }
    }

    /// Lets `n` wishes ask at once, each for a chat of its own. Returns how many were put off, and those that wait.
    pub async fn flood(line: &Arc<Line>, n: usize) -> (usize, JoinSet<Turn>) {
        let mut waiting = JoinSet::new();
        for i in 0..n {
            let line = Arc::clone(line);
            waiting.spawn(async move { line.turn(wish(&i.to_string())).await });
        }
        for _ in 0..64 {
            tokio::task::yield_now().await;
        }
        let mut put_off = 0;
        let mut going = Vec::new();
        while let Some(turn) = waiting.try_join_next() {
            match turn.unwrap() {
                Turn::At(_) => put_off += 1,
                Turn::Now(go) => going.push(go),
            }
        }
        waiting.spawn(async move {
            std::future::pending::<()>().await;
            drop(going);
            unreachable!()
        });
        (put_off, waiting)
    }

    #[tokio::test(start_paused = true)]
    async fn nine_hundred_at_one_bot_leave_another_tenants_at_once() {
        let room = Room::default();
        let bot = line("tg-a", "a", 128, Some(TEN_A_SECOND), &room);
        let (put_off, _waiting) = flood(&bot, 900).await;
        assert_eq!(put_off, 900 - NEW - 1, "one goes, and as many wait as may");
        assert_eq!(bot.note().0, NEW);
        assert!(!room.is_full());
        let began = Instant::now();
        let other = line("tg-b", "b", 128, Some(TEN_A_SECOND), &room);
        let Turn::Now(going) = other.turn(wish("1")).await else { panic!("there is room") };
        assert!(!going.waited && began.elapsed().is_zero());
        let mail_of_the_same = line("mail-a", "a", 10, None, &room);
        assert!(matches!(mail_of_the_same.turn(wish("1")).await, Turn::Now(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_provider_has_its_own_places_and_no_more() {
        let room = Room::default();
        let silent = line("mail-a", "a", 10, None, &room);
        // The sends that have their turn are under way and give no place back.
        let (_, _waiting) = flood(&silent, 900).await;
        assert_eq!(room.sending.of("a", "mail-a"), 10);
        let bot = line("tg-a", "a", 128, None, &room);
        let Turn::Now(going) = bot.turn(wish("1")).await else { panic!("there is room") };
        assert!(!going.waited);
    }

    #[tokio::test(start_paused = true)]
    async fn behind_a_silent_provider_all_stay_away_and_come_back_apart() {
        let silent = line("mail-a", "a", 10, None, &Room::default());
        let (_, _waiting) = flood(&silent, 900).await;
        tokio::time::advance(Duration::from_secs(2)).await;
        let now = Utc::now();
        let mut waits: Vec<_> = (0..700).map(|_| (silent.put_off() - now).as_seconds_f64()).collect();
        waits.sort_by(f64::total_cmp);
        assert!(waits[0] >= 10.0 && waits[699] <= 60.5, "{} to {}", waits[0], waits[699]);
        for half in 0..2 {
            let from = 30.0 + 15.0 * f64::from(half);
            let there = waits.iter().filter(|wait| (from..from + 15.0).contains(*wait)).count();
            assert!(there > 200, "{there} come back in the 15 seconds from {from} s on");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_send_that_hangs_says_nothing_of_the_others() {
        let bot = line("tg-a", "a", 128, Some(TEN_A_SECOND), &Room::default());
        let Turn::Now(_hangs) = bot.turn(wish("1")).await else { panic!("there is room") };
        tokio::time::advance(Duration::from_secs(30)).await;
        let now = Utc::now();
        let turns: Vec<_> = (0..20).map(|_| (bot.put_off() - now).as_seconds_f64()).collect();
        assert!(turns[19] < 3.0, "{turns:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn many_silent_providers_of_many_tenants_leave_room_for_one_more() {
        let room = Room::default();
        let mut floods = Vec::new();
        for tenant in 0..30 {
            let silent = line("tg", &tenant.to_string(), 128, None, &room);
            floods.push(flood(&silent, 600).await);
        }
        let other = line("tg", "other", 128, None, &room);
        let Turn::Now(going) = other.turn(wish("1")).await else { panic!("there is room") };
        assert!(!going.waited);
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_wait_go_at_the_limiters_rate_and_no_token_is_idle() {
        let room = Room::default();
        let bot = line("tg-a", "a", 128, Some(TEN_A_SECOND), &room);
        let began = Instant::now();
        let mut waiting = JoinSet::new();
        for i in 0..101 {
            let bot = Arc::clone(&bot);
            waiting.spawn(async move { matches!(bot.turn(wish(&i.to_string())).await, Turn::Now(_)) });
        }
        assert!(waiting.join_all().await.into_iter().all(|went| went));
        let took = began.elapsed();
        assert!((Duration::from_secs(10)..Duration::from_millis(10_200)).contains(&took), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_put_off_comes_back_one_by_one_before_the_others_are_through() {
        let room = Room::default();
        let bot = line("tg-a", "a", 128, Some(TEN_A_SECOND), &room);
        let (_, _waiting) = flood(&bot, 500).await;
        let now = Utc::now();
        let turns: Vec<_> = (0..20).map(|_| (bot.put_off() - now).as_seconds_f64()).collect();
        let apart = turns.windows(2).map(|t| t[1] - t[0]);
        assert!(apart.into_iter().all(|apart| (apart - 0.1).abs() < 0.05), "{turns:?}");
        // 308 were put off before and 192 wait: the next is back when half of these, and those 308, are through.
        assert!((turns[0] - (9.6 + 30.8)).abs() < 0.5, "{turns:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_much_behind_it_never_waits_here() {
        let room = Room::default();
        let bot = line("tg-a", "a", 128, Some(TEN_A_SECOND), &room);
        let hurried = Wish { hurried: true, ..wish("1") };
        let mut turns = Vec::new();
        for _ in 0..5 {
            turns.push(bot.turn(hurried).await);
        }
        let went = turns.iter().filter(|turn| matches!(turn, Turn::Now(_))).count();
        assert_eq!((went, turns.len()), (3, 5), "the chat's burst goes");
    }
}
