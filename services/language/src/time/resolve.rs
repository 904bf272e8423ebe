//! Ties a phrase to the moment it was written: the policy of what "next Friday", "at 5" or "in a month" mean.

use chrono::{DateTime, Datelike, Days, Duration, Months, NaiveDate, NaiveDateTime, NaiveTime, Timelike, Utc, Weekday};

use super::{
    Grain, Moment, TimeContext,
    clock_policy::{TimeOfDay, time_of_day},
    holiday::last_of_month,
    phrase::{DateSpec, MonthRef, Part, Phrase, Shift},
    shifts::{MOST_MILLISECONDS, days_after, finest, is_exact, milliseconds},
    zone::Wall,
};

/// A time is ahead that is so long after it was asked for; a length ("in a second") at once.
pub const SHORTEST_AHEAD: Duration = Duration::seconds(5);
/// The furthest a promise may lie ahead.
const FURTHEST_AHEAD: Months = Months::new(24);
/// Local hour at which a day, a working week, a month ends.
pub const END_OF_DAY_HOUR: u32 = 18;

/// Until this local hour "tomorrow" may mean the day that has just begun.
const LATEST_EVENING_HOUR: u32 = 4;

/// Days around today whose weekdays people know without a calendar.
const KNOWN_BY_HEART_DAYS: i64 = 45;

/// What one phrase came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    Instant(Moment),
    Past(Moment),
    TooFar(Moment),
    /// Several readings, or none precise enough.
    Loose {
        readings: Vec<Moment>,
        rule: &'static str,
    },
    Nothing,
}

/// Whether nothing is promised for this time: it is more than two years ahead. Who says "in two years" may mean any hour of
/// that day, so the limit is a day later.
pub fn is_too_far(now: DateTime<Utc>, at: DateTime<Utc>) -> bool {
    let limit = now.checked_add_months(FURTHEST_AHEAD).and_then(|at| at.checked_add_days(Days::new(1)));
    limit.is_none_or(|limit| at >= limit)
}

/// Resolves `phrase` against the moment of writing.
pub fn resolve(phrase: &Phrase, context: &TimeContext) -> Outcome {
    if phrase.ago {
        return Outcome::Nothing;
    }
    let resolver = Resolver::new(phrase, context);
    let found = resolver.resolve();
    match found {
        Err(Unclear { rule, readings }) => {
            let mut moments: Vec<Moment> = Vec::new();
            for local in readings {
                if let Some(moment) = resolver.moment(local, Grain::Day, rule)
                    && matches!(resolver.judge(moment.clone()), Outcome::Instant(_))
                    && !moments.contains(&moment)
                {
                    moments.push(moment);
                }
            }
            Outcome::Loose { readings: moments, rule }
        }
        Ok(None) => Outcome::Nothing,
        Ok(Some(moment)) => match (resolver.judge(moment.clone()), phrase.leftover.or_else(|| resolver.doubt(&moment)))
        {
            (Outcome::Instant(moment), Some(rule)) => Outcome::Loose { readings: vec![moment], rule },
            (_, Some(rule)) => Outcome::Loose { readings: Vec::new(), rule },
            (outcome, None) => outcome,
        },
    }
}

/// Why there is no one instant, and the local times it may mean.
pub struct Unclear {
    pub rule: &'static str,
    pub readings: Vec<NaiveDateTime>,
}

impl Unclear {
    pub(super) fn new(rule: &'static str) -> Self {
        Self { rule, readings: Vec::new() }
    }
}

pub(super) type Found<T> = Result<Option<T>, Unclear>;

/// A day and the rule that found it.
#[derive(Clone, Copy)]
pub(super) struct Day {
    pub date: NaiveDate,
    pub rule: &'static str,
    pub grain: Grain,
}

impl Day {
    pub(super) fn new(date: Option<NaiveDate>, rule: &'static str) -> Option<Self> {
        date.map(|date| Self { date, rule, grain: Grain::Day })
    }
}

pub(super) struct Resolver<'a> {
    phrase: &'a Phrase,
    pub(super) context: &'a TimeContext,
    wall: Wall,
    /// The wall clock when the phrase was written.
    now: NaiveDateTime,
}

impl<'a> Resolver<'a> {
    fn new(phrase: &'a Phrase, context: &'a TimeContext) -> Self {
        let wall = phrase.zone.map_or(Wall::Zone(context.zone), |zone| zone.wall);
        Self { phrase, context, wall, now: wall.local(context.written_at) }
    }

    /// "By 5 pm": when to write is left open. "CET" in summer: the abbreviation and the place's clock disagree.
    fn doubt(&self, moment: &Moment) -> Option<&'static str> {
        if self.phrase.deadline || self.phrase.by_day && self.phrase.has_time() {
            return Some("deadline");
        }
        let claimed = self.phrase.zone?.claimed?;
        let shown = self.wall.local(moment.at) - moment.at.naive_utc();
        (shown.num_minutes() != i64::from(claimed)).then_some("unclear_zone")
    }

    pub(super) fn today(&self) -> NaiveDate {
        self.now.date()
    }

    fn moment_at(&self, at: DateTime<Utc>, grain: Grain, rule: &'static str) -> Moment {
        let home = Wall::Zone(self.context.zone);
        let elsewhere = self.phrase.zone.map(|zone| zone.wall).filter(|wall| wall.local(at) != home.local(at));
        Moment { at, zone: self.context.zone, grain, span: self.phrase.span.clone(), rule, elsewhere }
    }

    fn moment(&self, local: NaiveDateTime, grain: Grain, rule: &'static str) -> Option<Moment> {
        Some(self.moment_at(self.wall.instant(local)?, grain, rule))
    }

    fn judge(&self, moment: Moment) -> Outcome {
        let written = self.context.written_at;
        let said_as_length = moment.rule == "in_duration" && moment.at > written;
        if moment.at < written + SHORTEST_AHEAD && !said_as_length {
            return Outcome::Past(moment);
        }
        if is_too_far(written, moment.at) {
            return Outcome::TooFar(moment);
        }
        Outcome::Instant(moment)
    }

    fn is_ahead(&self, local: NaiveDateTime) -> bool {
        self.wall.instant(local).is_some_and(|at| at >= self.context.written_at + SHORTEST_AHEAD)
    }

    fn resolve(&self) -> Found<Moment> {
        if let Some((rule, guess)) = self.phrase.loose {
            let day = guess.and_then(|spec| self.day(spec).ok().flatten());
            let readings = day.and_then(|d| d.date.and_hms_opt(self.context.followup_hour, 0, 0)).into_iter().collect();
            return Err(Unclear { rule, readings });
        }
        let mut times = self
            .phrase
            .clocks
            .iter()
            .map(|c| time_of_day(self.phrase, Some(c), self.context).ok().flatten().map(|t| t.time));
        if let Some(first) = times.next()
            && times.any(|other| other != first)
        {
            return Err(self.unclear_clocks());
        }
        if let Some(shift) = &self.phrase.shift {
            return self.shifted(shift);
        }
        let time = self.time()?;
        match self.days()? {
            Some(day) => self.on_day_or_next(day, time),
            None if self.phrase.dates.is_empty() => self.on_no_day(time),
            None => Ok(None),
        }
    }

    /// The time of day said.
    fn time(&self) -> Found<TimeOfDay> {
        if self.phrase.same_time && self.phrase.clocks.is_empty() {
            let time = self.now.time().with_second(0).and_then(|t| t.with_nanosecond(0));
            return Ok(time.map(|time| TimeOfDay {
                time,
                grain: Grain::Minute,
                carry: 0,
                small_hours: false,
                decided: true,
            }));
        }
        time_of_day(self.phrase, self.phrase.clocks.first(), self.context)
    }

    /// A day with its time; what of today is over may mean the next of its kind, and after midnight "tomorrow" two days.
    fn on_day_or_next(&self, day: Day, time: Option<TimeOfDay>) -> Found<Moment> {
        let found = self.on_day(day, time)?;
        let Some(moment) = &found else { return Ok(None) };
        let at_home = Wall::Zone(self.context.zone).local(self.context.written_at);
        let after_midnight = at_home.hour() < LATEST_EVENING_HOUR && at_home.time() != NaiveTime::MIN;
        // "tomorrow at 9 Tokyo time", when there it is tomorrow already
        if at_home.date() != self.today() && self.phrase.dates.iter().any(|d| matches!(d, DateSpec::Offset(_))) {
            return Err(Unclear { rule: "day_of_zone", readings: vec![self.wall.local(moment.at)] });
        }
        if after_midnight && self.phrase.dates.contains(&DateSpec::Offset(1)) {
            let local = self.wall.local(moment.at);
            let before = local.checked_sub_days(Days::new(1));
            return Err(Unclear {
                rule: "tomorrow_after_midnight",
                readings: before.into_iter().chain([local]).collect(),
            });
        }
        if moment.at >= self.context.written_at + SHORTEST_AHEAD {
            return Ok(found);
        }
        let small_hours = time.is_some_and(|t| t.decided && t.time.hour() < 5) && day.date == self.today();
        let next = match self.phrase.dates.as_slice() {
            // "today at 2 am" is said of the coming night
            [DateSpec::Offset(0)] if small_hours => day.date.succ_opt(),
            [] if small_hours && matches!(self.phrase.part, Some(Part::Dawn | Part::Night | Part::EveningOrNight)) => {
                day.date.succ_opt()
            }
            [DateSpec::DayOfMonth { day: of_month, months: None }] => (1..4)
                .filter_map(|m| self.month(m).and_then(|first| first.with_day(*of_month)))
                .find(|date| *date > day.date),
            [DateSpec::EndOfWeek(0)] => self.weekday_of(1, Weekday::Fri),
            [DateSpec::EndOfMonth(MonthRef::Relative(0))] => self.in_month(MonthRef::Relative(1), last_of_month),
            _ => None,
        };
        match next {
            Some(date) => self.on_day(Day { date, ..day }, time),
            None => Ok(found),
        }
    }

    fn unclear_clocks(&self) -> Unclear {
        let day = self.days().ok().flatten().map_or(self.today(), |d| d.date);
        let times =
            self.phrase.clocks.iter().filter_map(|c| time_of_day(self.phrase, Some(c), self.context).ok().flatten());
        Unclear { rule: "two_times", readings: times.map(|t| day.and_time(t.time)).collect() }
    }

    /// A day, with the time of day said or that of a follow-up.
    fn on_day(&self, day: Day, time: Option<TimeOfDay>) -> Found<Moment> {
        if self.phrase.midnight {
            return self.midnight_of(day);
        }
        let ends = matches!(day.rule, "end_of_week" | "end_of_month" | "end_of_year");
        let default = if ends { END_OF_DAY_HOUR } else { self.context.followup_hour };
        let Some(default) = NaiveTime::from_hms_opt(default.min(23), 0, 0) else { return Ok(None) };
        let (at, grain, carry) = time.map_or((default, day.grain, 0), |t| (t.time, t.grain, t.carry));
        let carry = if self.phrase.part_of_today && time.is_some_and(|t| t.small_hours) { 1 } else { carry };
        let Some(date) = day.date.checked_add_days(Days::new(carry)) else { return Ok(None) };
        Ok(self.moment(date.and_time(at), grain, day.rule))
    }

    /// "Today at midnight" ends today, "on the 12th at midnight" begins the 12th, "tomorrow at midnight" is anyone's guess.
    fn midnight_of(&self, day: Day) -> Found<Moment> {
        let starts = day.date.and_time(NaiveTime::MIN);
        let ends = day.date.succ_opt().map(|next| next.and_time(NaiveTime::MIN));
        match day.rule {
            _ if day.date == self.today() => Ok(ends.and_then(|ends| self.moment(ends, Grain::Hour, "midnight"))),
            "calendar_date" | "day_of_month" => Ok(self.moment(starts, Grain::Hour, "midnight")),
            _ => Err(Unclear { rule: "midnight_side", readings: [Some(starts), ends].into_iter().flatten().collect() }),
        }
    }

    /// "This time next week" is seven days on.
    fn same_day_next_week(&self, spec: DateSpec) -> Option<Day> {
        let DateSpec::Week(weeks) = spec else { return None };
        let ahead = Duration::try_weeks(weeks).filter(|_| self.phrase.same_time)?;
        Day::new(self.today().checked_add_signed(ahead), "in_duration")
    }

    /// No day was named: the next time the clock shows it.
    fn on_no_day(&self, time: Option<TimeOfDay>) -> Found<Moment> {
        let phrase = self.phrase;
        if phrase.tomorrow_or_morning {
            let tomorrow = Day::new(self.today().succ_opt(), "relative_day");
            return match (tomorrow, time) {
                (Some(day), None) => self.on_day(day, None),
                (Some(day), Some(t)) if t.decided => self.on_day(day, Some(t)),
                (Some(day), Some(t)) => {
                    let morning = NaiveTime::from_hms_opt(t.time.hour() % 12, t.time.minute(), 0).unwrap_or(t.time);
                    let readings = vec![day.date.and_time(morning), day.date.and_time(t.time)];
                    Err(Unclear { rule: "tomorrow_or_morning", readings })
                }
                (None, _) => Ok(None),
            };
        }
        let today = Day { date: self.today(), rule: "time_today", grain: Grain::Day };
        if phrase.midnight {
            return self.midnight_of(today);
        }
        let Some(time) = time else { return Ok(None) };
        let rule = if phrase.clocks.is_empty() { "part_of_day" } else { "time_of_day" };
        let rule = if phrase.end_of_day { "end_of_day" } else { rule };
        if phrase.part_of_today || phrase.end_of_day {
            return self.on_day(Day { rule, ..today }, Some(time));
        }
        let carried =
            |days: u64| self.today().checked_add_days(Days::new(days + time.carry)).map(|d| d.and_time(time.time));
        let next = [carried(0), carried(1)].into_iter().flatten().find(|local| self.is_ahead(*local));
        Ok(next.and_then(|local| self.moment(local, time.grain, rule)))
    }

    /// The one day that all the dates of the phrase agree on.
    fn days(&self) -> Found<Day> {
        let is_weekday = |spec: &&DateSpec| matches!(spec, DateSpec::Weekday(..));
        let weekday = self.phrase.dates.iter().find(is_weekday);
        let mut rest = self.phrase.dates.iter().filter(|s| !is_weekday(s));
        let Some(main) = rest.next() else {
            if self.phrase.dates.is_empty() && self.phrase.part_of_today {
                return Ok(Some(Day { date: self.today(), rule: "part_of_day", grain: Grain::PartOfDay }));
            }
            return weekday.map_or(Ok(None), |spec| self.day(*spec));
        };
        if let (DateSpec::Week(weeks), Some(DateSpec::Weekday(day, _))) = (main, weekday) {
            return Ok(Day::new(self.weekday_of(*weeks, *day), "weekday_of_week"));
        }
        if *main == DateSpec::Week(0) {
            return Err(Unclear::new("loose_period"));
        }
        let Some(day) = self.day(*main)? else { return Ok(None) };
        let day = self.same_day_next_week(*main).unwrap_or(day);
        for other in rest {
            if let Some(other) = self.day(*other)?
                && other.date != day.date
            {
                let at = |d: NaiveDate| d.and_hms_opt(self.context.followup_hour, 0, 0);
                return Err(Unclear {
                    rule: "two_times",
                    readings: [at(day.date), at(other.date)].into_iter().flatten().collect(),
                });
            }
        }
        if let Some(DateSpec::Weekday(name, _)) = weekday
            && day.date.weekday() != *name
        {
            return self.mismatch(main, day, *name);
        }
        Ok(Some(day))
    }

    /// A date and a weekday that isn't its own: either may be the slip, unless it is one that has just passed.
    fn mismatch(&self, spec: &DateSpec, day: Day, name: Weekday) -> Found<Day> {
        if let DateSpec::MonthDay { month, day: of_month, year: None, .. } = *spec
            && let Some(passed) = NaiveDate::from_ymd_opt(self.today().year(), month, of_month)
            && passed.weekday() == name
            && (0..KNOWN_BY_HEART_DAYS).contains(&(self.today() - passed).num_days())
        {
            return Ok(Day::new(Some(passed), "calendar_date"));
        }
        let readings = day.date.and_hms_opt(self.context.followup_hour, 0, 0).into_iter().collect();
        Err(Unclear { rule: "weekday_mismatch", readings })
    }

    /// A length from now, or from the day named.
    fn shifted(&self, shift: &Shift) -> Found<Moment> {
        let phrase = self.phrase;
        let clash = || Unclear::new("length_and_date");
        let base = match (shift.from, phrase.dates.as_slice()) {
            (Some(from), []) => match (self.day(from)?, shift.weekday) {
                (Some(day), Some((weekday, side))) => self.weekday_beside(from, day, (weekday, side), shift),
                (day, _) => day,
            },
            (None, []) => None,
            (None, [from]) if shift.added => self.day(*from)?,
            (None, [DateSpec::Offset(0)]) if shift.has_clock() => None,
            _ => return Err(clash()),
        };
        if shift.has_clock() {
            if phrase.has_time()
                || phrase.part_of_today && !phrase.clocks.is_empty()
                || base.is_some_and(|b| b.date != self.today())
            {
                return Err(clash());
            }
            let local = days_after(self.now, shift, |unit| !is_exact(unit));
            // a length in days alone that has a fraction is counted in hours
            let exact: i64 =
                shift.amounts.iter().map(|(amount, unit)| milliseconds(*amount, *unit)).fold(0, i64::saturating_add);
            let start = local.filter(|local| *local != self.now).and_then(|local| self.wall.instant(local));
            let at = start
                .unwrap_or(self.context.written_at)
                .checked_add_signed(Duration::milliseconds(exact.min(MOST_MILLISECONDS)));
            let grain = finest(shift);
            return Ok(at.map(|at| self.moment_at(at, grain, "in_duration")));
        }
        let date = base.map_or(self.today(), |b| b.date);
        let Some(local) = days_after(date.and_time(NaiveTime::MIN), shift, |_| true) else { return Ok(None) };
        let rule = if base.is_some() { "after_date" } else { "in_duration" };
        let time = self.time()?;
        if phrase.midnight {
            return Err(Unclear::new("midnight_side"));
        }
        self.on_day(Day { date: local.date(), rule, grain: Grain::Day }, time)
    }
}
