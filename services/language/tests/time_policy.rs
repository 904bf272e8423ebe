//! Every row of the policy of time phrases, in the three languages, by example.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Tz;
use steward_language::{
    DateOrder,
    Language::{self, En, Es, Ru},
    time::{Meaning, PartsOfDay, TimeContext, find_all, parse},
};

/// Wednesday 18 November 2026, 12:30 in Madrid.
const WRITTEN: &str = "2026-11-18T12:30:00+01:00";

fn context(language: Language, written_at: &str, zone: Tz) -> TimeContext {
    let written_at: DateTime<Utc> = DateTime::parse_from_rfc3339(written_at).unwrap().to_utc();
    TimeContext {
        written_at,
        zone,
        language,
        date_order: DateOrder::MonthFirst,
        followup_hour: 10,
        parts_of_day: PartsOfDay::default(),
    }
}

/// The local time, or the outcome with its rule, as the tables below write them.
fn told(text: &str, context: &TimeContext) -> String {
    match parse(text, context) {
        Meaning::Instant(moment) => {
            let local = moment.at.with_timezone(&context.zone).naive_local();
            let form = if local.format("%S").to_string() == "00" { "%Y-%m-%d %H:%M" } else { "%Y-%m-%d %H:%M:%S" };
            local.format(form).to_string()
        }
        Meaning::Ambiguous { rule, .. } => format!("ask: {rule}"),
        Meaning::Past(_) => "past".to_owned(),
        Meaning::TooFar(_) => "too far".to_owned(),
        Meaning::None => "none".to_owned(),
    }
}

/// Checks a table of `text | expected` lines, told all at once.
fn check(language: Language, table: &str) {
    let context = context(language, WRITTEN, Tz::Europe__Madrid);
    let mut wrong = Vec::new();
    for line in table.lines().map(str::trim).filter(|l| !l.is_empty()) {
        let (text, expected) = line.rsplit_once('|').unwrap();
        let got = told(text.trim(), &context);
        if got != expected.trim() {
            wrong.push(format!("{:?}: want {}, got {got}", text.trim(), expected.trim()));
        }
    }
    assert!(wrong.is_empty(), "{} of {language}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_bare_day_is_at_the_followup_hour() {
    check(
        Ru,
        "завтра | 2026-11-19 10:00\nпослезавтра | 2026-11-20 10:00\nв пятницу | 2026-11-20 10:00\nсегодня | past\nвчера | past\nк завтрашнему дню | 2026-11-19 10:00\nпослепослезавтра | 2026-11-21 10:00",
    );
    check(
        Es,
        "mañana | 2026-11-19 10:00\nmanana | 2026-11-19 10:00\npasado mañana | 2026-11-20 10:00\nel viernes | 2026-11-20 10:00\nhoy | past\nal día siguiente | 2026-11-19 10:00",
    );
    check(
        En,
        "tomorrow | 2026-11-19 10:00\nthe day after tomorrow | 2026-11-20 10:00\non Friday | 2026-11-20 10:00\ntoday | past\nthe next day | 2026-11-19 10:00\n2 days after tomorrow | 2026-11-21 10:00",
    );
}

#[test]
fn a_part_of_day_is_at_its_hour() {
    check(
        Ru,
        "завтра утром | 2026-11-19 10:00
        завтра днём | 2026-11-19 15:00
        завтра в обед | 2026-11-19 13:00
        завтра в полдень | 2026-11-19 12:00
        завтра вечером | 2026-11-19 19:00
        завтра ночью | 2026-11-19 22:00
        вечером | 2026-11-18 19:00
        утром | 2026-11-19 10:00
        через неделю вечером | 2026-11-25 19:00
        в пятницу после обеда | 2026-11-20 15:00
        сегодня вечером | 2026-11-18 19:00
        сегодня утром | past
        до вечера | ask: deadline
        вечером в субботу | 2026-11-21 19:00
        во второй половине дня | 2026-11-18 15:00
        доброе утро | none
        добрый день, напишите завтра | 2026-11-19 10:00
        добрый вечер | none",
    );
    check(
        Es,
        "mañana por la mañana | 2026-11-19 10:00
        mañana por la tarde | 2026-11-19 15:00
        mañana al mediodía | 2026-11-19 12:00
        mañana por la noche | 2026-11-19 19:00
        esta noche | 2026-11-18 19:00
        esta tarde | 2026-11-18 15:00
        esta mañana | past
        dentro de una semana por la noche | 2026-11-25 19:00
        el sábado por la tarde | 2026-11-21 15:00
        por la mañana | 2026-11-19 10:00
        buenas tardes | none
        buenas noches, escríbeme mañana | 2026-11-19 10:00
        buenos días | none",
    );
    check(
        En,
        "tomorrow morning | 2026-11-19 10:00
        tomorrow at noon | 2026-11-19 12:00
        tomorrow afternoon | 2026-11-19 15:00
        tomorrow evening | 2026-11-19 19:00
        tonight | 2026-11-18 19:00
        tomorrow night | 2026-11-19 22:00
        this evening | 2026-11-18 19:00
        this morning | past
        in the morning | 2026-11-19 10:00
        in a week in the evening | 2026-11-25 19:00
        Friday night | 2026-11-20 22:00
        on Saturday in the afternoon | 2026-11-21 15:00
        Good morning | none
        good evening, ping me tomorrow | 2026-11-19 10:00",
    );
}

#[test]
fn a_bare_weekday_is_the_next_one_strictly_after_today() {
    check(
        Ru,
        "в понедельник | 2026-11-23 10:00\nво вторник | 2026-11-24 10:00\nв среду | 2026-11-25 10:00\nв четверг | 2026-11-19 10:00\nв пт | 2026-11-20 10:00\nв субботу | 2026-11-21 10:00\nв воскресенье | 2026-11-22 10:00\nк четвергу | 2026-11-19 10:00\nдо пятницы | 2026-11-20 10:00\nсреда | 2026-11-25 10:00",
    );
    check(
        Es,
        "el lunes | 2026-11-23 10:00\nel martes | 2026-11-24 10:00\nel miercoles | 2026-11-25 10:00\nel jueves | 2026-11-19 10:00\nel vie | 2026-11-20 10:00\nel sabado | 2026-11-21 10:00\npara el domingo | 2026-11-22 10:00\nlos lunes | ask: recurring",
    );
    check(
        En,
        "on Monday | 2026-11-23 10:00\non Tues | 2026-11-24 10:00\non Wednesday | 2026-11-25 10:00\nby Thursday | 2026-11-19 10:00\non Fri | 2026-11-20 10:00\non Saturday | 2026-11-21 10:00\non sun | 2026-11-22 10:00\nhe sat at the table | none\nthe sun is out | none\nevery Monday | ask: recurring\non Mondays | ask: recurring",
    );
}

#[test]
fn next_wednesday_is_that_of_the_next_calendar_week() {
    check(
        Ru,
        "в следующую среду | 2026-11-25 10:00\nв следующую пятницу | 2026-11-27 10:00\nв след. пятницу | 2026-11-27 10:00\nв пятницу на следующей неделе | 2026-11-27 10:00\nна следующей неделе в пятницу | 2026-11-27 10:00\nв следующий вторник в 14:00 | 2026-11-24 14:00",
    );
    check(
        Es,
        "el viernes de la próxima semana | 2026-11-27 10:00\nel viernes de la semana que viene | 2026-11-27 10:00\nla semana que viene el viernes | 2026-11-27 10:00",
    );
    check(
        En,
        "next Wednesday | 2026-11-25 10:00\nnext Friday | 2026-11-27 10:00\nFriday next week | 2026-11-27 10:00\nnext week on Friday | 2026-11-27 10:00\nnext week Friday at 3pm | 2026-11-27 15:00\non Sunday of next week | 2026-11-29 10:00",
    );
}

#[test]
fn the_nearest_weekday_is_the_one_ahead() {
    check(
        Ru,
        "в ближайшую среду | 2026-11-25 10:00\nв ближайшую пятницу | 2026-11-20 10:00\nв эту пятницу | 2026-11-20 10:00\nв пятницу на этой неделе | 2026-11-20 10:00\nв понедельник на этой неделе | past",
    );
    check(
        Es,
        "el próximo miércoles | 2026-11-25 10:00\nel próximo viernes | 2026-11-20 10:00\nel viernes que viene | 2026-11-20 10:00\neste viernes | 2026-11-20 10:00\nel viernes próximo | 2026-11-20 10:00\nel viernes de esta semana | 2026-11-20 10:00\nel viernes pasado | past",
    );
    check(
        En,
        "this Friday | 2026-11-20 10:00\nthis Wednesday | 2026-11-25 10:00\nthis coming Friday | 2026-11-20 10:00\nFriday this week | 2026-11-20 10:00\nlast Friday | past",
    );
}

#[test]
fn next_week_is_its_monday_and_in_a_week_is_seven_days_on() {
    check(
        Ru,
        "на следующей неделе | 2026-11-23 10:00\nчерез неделю | 2026-11-25 10:00\nчерез неделю в 15:00 | 2026-11-25 15:00\nчерез 2 недели | 2026-12-02 10:00\nчерез недельку | 2026-11-25 10:00\nна этой неделе | ask: loose_period\nна прошлой неделе | none",
    );
    check(
        Es,
        "la semana que viene | 2026-11-23 10:00\nla próxima semana | 2026-11-23 10:00\nen una semana | 2026-11-25 10:00\ndentro de dos semanas | 2026-12-02 10:00\nde aquí a dos semanas | 2026-12-02 10:00\nen una semana a las 15:00 | 2026-11-25 15:00",
    );
    check(
        En,
        "next week | 2026-11-23 10:00\nin a week | 2026-11-25 10:00\na week from now | 2026-11-25 10:00\nin two weeks at 3pm | 2026-12-02 15:00\nthe week after next | 2026-11-30 10:00\nthis week | ask: loose_period\nlast week | none\na week from Friday | 2026-11-27 10:00\nin 2 weeks on Monday | ask: length_and_date",
    );
}

#[test]
fn in_a_month_is_the_same_day_clamped_to_its_end() {
    check(
        Ru,
        "через месяц | 2026-12-18 10:00\nчерез 3 месяца | 2027-02-18 10:00\nчерез полгода | 2027-05-18 10:00\nчерез год | 2027-11-18 10:00\nчерез полтора года | 2028-05-18 10:00",
    );
    check(
        Es,
        "en un mes | 2026-12-18 10:00\ndentro de tres meses | 2027-02-18 10:00\nen medio año | 2027-05-18 10:00\nen un año | 2027-11-18 10:00",
    );
    check(
        En,
        "in a month | 2026-12-18 10:00\nin three months | 2027-02-18 10:00\nin half a year | 2027-05-18 10:00\nin a year | 2027-11-18 10:00\nin 2 quarters | 2027-05-18 10:00",
    );
    let end_of_january = context(En, "2027-01-31T09:00:00Z", Tz::UTC);
    assert_eq!(told("in a month", &end_of_january), "2027-02-28 10:00");
    assert_eq!(told("через месяц", &end_of_january), "2027-02-28 10:00");
    assert_eq!(told("en un mes", &end_of_january), "2027-02-28 10:00");
}

#[test]
fn a_couple_is_two_and_a_few_are_three() {
    check(
        Ru,
        "через пару дней | 2026-11-20 10:00\nчерез несколько дней | 2026-11-21 10:00\nчерез пару часов | 2026-11-18 14:30\nчерез несколько часов | 2026-11-18 15:30\nнесколько часов | none",
    );
    check(
        Es,
        "en un par de días | 2026-11-20 10:00\ndentro de unos cuantos días | 2026-11-21 10:00\nen algunos meses | 2027-02-18 10:00\nen varios días | ask: loose_length\nen unos días | ask: loose_length",
    );
    check(
        En,
        "in a couple of days | 2026-11-20 10:00\nin a few days | 2026-11-21 10:00\nin a couple hours | 2026-11-18 14:30\nin a few hours | 2026-11-18 15:30\nin several days | ask: loose_length\nin 2-3 days | ask: loose_length\nin a day or two | ask: loose_length",
    );
}

#[test]
fn the_end_of_a_period_is_at_eighteen() {
    check(
        Ru,
        "до конца дня | 2026-11-18 18:00\nк концу недели | 2026-11-20 18:00\nв конце месяца | 2026-11-30 18:00\nв конце марта | 2027-03-31 18:00\nк концу следующей недели | 2026-11-27 18:00\nв конце года | 2026-12-31 18:00\nзавтра к концу дня | 2026-11-19 18:00\nв конце следующего месяца | 2026-12-31 18:00",
    );
    check(
        Es,
        "al final del día | 2026-11-18 18:00\na finales de semana | 2026-11-20 18:00\na fin de mes | 2026-11-30 18:00\na finales de marzo | 2027-03-31 18:00\nal finalizar el día de mañana | 2026-11-19 18:00\nal final de la semana que viene | 2026-11-27 18:00",
    );
    check(
        En,
        "by the end of the day | 2026-11-18 18:00\nEOD | 2026-11-18 18:00\nend of week | 2026-11-20 18:00\nby the end of the month | 2026-11-30 18:00\nend of March | 2027-03-31 18:00\nby end of next week | 2026-11-27 18:00\nby EOD tomorrow | 2026-11-19 18:00\nend of the year | 2026-12-31 18:00\nearly next week | ask: loose_period\nmid December | ask: loose_period",
    );
}

#[test]
fn an_hour_without_am_or_pm_is_read_by_day() {
    check(
        Ru,
        "завтра в 5 | 2026-11-19 17:00\nзавтра в 9 | 2026-11-19 09:00\nзавтра в 12 | 2026-11-19 12:00\nзавтра в 17 | 2026-11-19 17:00\nв 5 | 2026-11-18 17:00\nв 9 | 2026-11-19 09:00\nв 12 | 2026-11-19 12:00\nзавтра в 5 утра | 2026-11-19 05:00\nзавтра в 8 вечера | 2026-11-19 20:00\nв 7:30 | 2026-11-18 19:30\nв 07:30 | 2026-11-19 07:30\nзавтра в пять | 2026-11-19 17:00\nв 3 часа | 2026-11-18 15:00\nв час дня | 2026-11-18 13:00\nв 2 часа ночи | 2026-11-19 02:00",
    );
    check(
        Es,
        "mañana a las 5 | 2026-11-19 17:00\nmañana a las 9 | 2026-11-19 09:00\na las 5 | 2026-11-18 17:00\na las 9 | 2026-11-19 09:00\nmañana a las 17 | 2026-11-19 17:00\na las 5 de la mañana | 2026-11-19 05:00\na las 8 de la noche | 2026-11-18 20:00\na la una | 2026-11-18 13:00\na las 07:30 | 2026-11-19 07:30\na las 7 y media | 2026-11-18 19:30",
    );
    check(
        En,
        "tomorrow at 5 | 2026-11-19 17:00\ntomorrow at 9 | 2026-11-19 09:00\nat 5 | 2026-11-18 17:00\nat 9 | 2026-11-19 09:00\ntomorrow at 17 | 2026-11-19 17:00\ntomorrow at 5 in the morning | 2026-11-19 05:00\nat 8 in the evening | 2026-11-18 20:00\nat five | 2026-11-18 17:00\nat 07:30 | 2026-11-19 07:30\ntonight at 8 | 2026-11-18 20:00\ntonight at 2 | 2026-11-19 02:00\nat 5 o'clock | 2026-11-18 17:00",
    );
}

#[test]
fn a_clock_may_be_written_in_many_ways() {
    check(
        Ru,
        "в полпятого | 2026-11-18 16:30
        в половине пятого | 2026-11-18 16:30
        в пол пятого | 2026-11-18 16:30
        без четверти пять | 2026-11-18 16:45
        без десяти пять | 2026-11-18 16:50
        без пяти минут шесть | 2026-11-18 17:55
        четверть пятого | 2026-11-18 16:15
        двадцать минут шестого | 2026-11-18 17:20
        в семь тридцать | 2026-11-18 19:30
        в 17 30 | 2026-11-18 17:30
        завтра в 15.30 | 2026-11-19 15:30
        завтра в 17-30 | 2026-11-19 17:30
        в 16 часов | 2026-11-18 16:00
        в 16 часов 20 минут | 2026-11-18 16:20
        к 5 часам вечера | ask: deadline
        в 14ч30 | 2026-11-18 14:30
        5вечера | 2026-11-18 17:00
        ровно в 18:00 | 2026-11-18 18:00
        где-то в 6 вечера | 2026-11-18 18:00
        около 6 вечера | 2026-11-18 18:00
        после 18:00 | 2026-11-18 18:00
        до 18 | ask: deadline
        завтра с 10 до 12 | 2026-11-19 10:00
        завтра между 15 и 16 | 2026-11-19 15:00
        20:32:13 | 2026-11-18 20:32:13
        в полночь | 2026-11-19 00:00
        в 12 ночи | 2026-11-19 00:00
        завтра в полночь | ask: midnight_side
        в 18:00 мск | 2026-11-18 16:00
        в 18:00 по Москве | 2026-11-18 16:00",
    );
    check(
        Es,
        "a las cuatro y media | 2026-11-18 16:30
        a las siete menos cuarto | 2026-11-18 18:45
        a las siete y cuarto | 2026-11-18 19:15
        a las 5 y 20 | 2026-11-18 17:20
        a las ocho menos diez de la noche | 2026-11-18 19:50
        un cuarto para las ocho de la noche | 2026-11-18 19:45
        a las 17h | 2026-11-18 17:00
        a las 14h30 | 2026-11-18 14:30
        a las 6.30 pm | 2026-11-18 18:30
        hoy a las 5PM | 2026-11-18 17:00
        a las 5 p. m. | 2026-11-18 17:00
        mañana a las 8 de la mañana | 2026-11-19 08:00
        mañana a las 8am | 2026-11-19 08:00
        a las 12 del mediodía de mañana | 2026-11-19 12:00
        a medianoche | 2026-11-19 00:00
        entre las 4 y las 5 de la tarde | 2026-11-18 16:00
        de 6 a 7 pm | 2026-11-18 18:00
        a partir de las 18:00 | 2026-11-18 18:00
        mañana sobre las 6 | 2026-11-19 18:00
        a las 18:00 UTC | 2026-11-18 19:00
        a las 3 de la tarde | 2026-11-18 15:00
        mañana a las tres en punto | 2026-11-19 15:00",
    );
    check(
        En,
        "half past four | 2026-11-18 16:30
        at quarter to seven | 2026-11-18 18:45
        at a quarter past seven | 2026-11-18 19:15
        at ten to six | 2026-11-18 17:50
        twenty past five | 2026-11-18 17:20
        10 minutes to 6 | 2026-11-18 17:50
        at five thirty | 2026-11-18 17:30
        at 8 PM | 2026-11-18 20:00
        8pm | 2026-11-18 20:00
        8 p.m. | 2026-11-18 20:00
        at 8.30 pm | 2026-11-18 20:30
        5:30pm | 2026-11-18 17:30
        14h30 | 2026-11-18 14:30
        at noon | 2026-11-19 12:00
        at midnight | 2026-11-19 00:00
        tomorrow at midnight | ask: midnight_side
        from 5 to 6 pm | 2026-11-18 17:00
        between 4 and 5pm | 2026-11-18 16:00
        10-11 pm | 2026-11-18 22:00
        8pm-10 | 2026-11-18 20:00
        after 6pm | 2026-11-18 18:00
        around 6 tomorrow | 2026-11-19 18:00
        at 6 o'clock in the evening | 2026-11-18 18:00
        at 18:00 UTC | 2026-11-18 19:00
        at 18:00 GMT+3 | 2026-11-18 16:00
        18:00+03:00 | 2026-11-18 16:00
        at 3pm EST | ask: unclear_zone
        noon tomorrow | 2026-11-19 12:00
        at 12am | 2026-11-19 00:00
        at 12 pm | 2026-11-19 12:00
        5 past 6 | 2026-11-18 18:05",
    );
}

#[test]
fn dates_in_digits_follow_the_order_of_the_language() {
    check(
        Ru,
        "12.03.2027 | 2027-03-12 10:00
        3/4 | 2027-04-03 10:00
        01.12.26 | 2026-12-01 10:00
        до 15.12 | 2026-12-15 10:00
        в пятницу, 20.11 | 2026-11-20 10:00
        12.03.2027 в 15:30 | 2027-03-12 15:30
        2027-03-12 | 2027-03-12 10:00
        25/12 | 2026-12-25 10:00
        15.12 в 10:00 | 2026-12-15 10:00",
    );
    check(
        Es,
        "12.03.2027 | 2027-03-12 10:00\nel 3/4 | 2027-04-03 10:00\nel 3-4-2027 | 2027-04-03 10:00\n12/25 | 2026-12-25 10:00\n2027-03-12 | 2027-03-12 10:00\nel 12/03/2027 a las 8pm | 2027-03-12 20:00",
    );
    check(
        En,
        "3/4 | 2027-03-04 10:00\n25/12 | 2026-12-25 10:00\n3/4/2027 | 2027-03-04 10:00\n2027-03-04 | 2027-03-04 10:00\n2027/3/4 | 2027-03-04 10:00\n2027-03-04T15:30:00Z | 2027-03-04 16:30\n2027-03-04T15:30:00+03:00 | 2027-03-04 13:30\n2027-03-04 15:30 | 2027-03-04 15:30\n3/4 of the team | none\n24/7 | none",
    );
    let british = TimeContext { date_order: DateOrder::DayFirst, ..context(En, WRITTEN, Tz::Europe__London) };
    assert_eq!(told("3/4", &british), "2027-04-03 10:00");
    assert_eq!(told("3/4/2027 at 5pm", &british), "2027-04-03 17:00");
    // Canada writes both: what is one day in either order is that day, else it is asked, with both.
    let canadian = TimeContext { date_order: DateOrder::Open, ..context(En, WRITTEN, Tz::America__Toronto) };
    for (phrase, meaning) in [
        ("3/4", "ask: day_or_month"),
        ("on 3/4/2027 at 5pm", "ask: day_or_month"),
        ("25/12", "2026-12-25 10:00"),
        ("12/25", "2026-12-25 10:00"),
        ("5/5", "2027-05-05 10:00"),
        ("2027-03-04", "2027-03-04 10:00"),
        ("tomorrow", "2026-11-19 10:00"),
        ("11/12/2020", "past"),
        ("el 3/4", "2027-04-03 10:00"),
        ("hello", "none"),
    ] {
        assert_eq!(told(phrase, &canadian), meaning, "{phrase}");
    }
    let Meaning::Ambiguous { readings, .. } = parse("3/4 at 5pm", &canadian) else { panic!("it is asked") };
    let shown = readings.iter().map(|m| m.at.with_timezone(&m.zone).format("%m-%d %H").to_string());
    assert_eq!(shown.collect::<Vec<_>>(), ["03-04 17", "04-03 17"]);
}

#[test]
fn dates_with_a_month_name_take_any_usual_form() {
    check(
        Ru,
        "5 марта | 2027-03-05 10:00
        5-го марта | 2027-03-05 10:00
        5го марта в 15:00 | 2027-03-05 15:00
        пятого марта | 2027-03-05 10:00
        двадцать пятое мая | 2027-05-25 10:00
        тридцать первого декабря | 2026-12-31 10:00
        5 мар 2027 | 2027-03-05 10:00
        5 марта 2027 года | 2027-03-05 10:00
        5 марта 2027 г. в 10 утра | 2027-03-05 10:00
        к 1 декабря | 2026-12-01 10:00
        в пятницу 20 ноября | 2026-11-20 10:00
        15 числа | 2026-12-15 10:00
        20 числа | 2026-11-20 10:00
        20-го | 2026-11-20 10:00
        15 числа следующего месяца | 2026-12-15 10:00
        с 10 по 22 декабря | 2026-12-10 10:00
        первый понедельник марта | 2027-03-01 10:00
        в последнюю пятницу ноября | 2026-11-27 10:00
        5 марта 2020 | past
        5 марта 2030 | too far
        32 августа | ask: bare_month
        в марте | ask: bare_month
        1 ноября | 2027-11-01 10:00",
    );
    check(
        Es,
        "5 de marzo | 2027-03-05 10:00
        el cinco de marzo | 2027-03-05 10:00
        el 5 de marzo de 2027 a las 3 de la tarde | 2027-03-05 15:00
        el primero de diciembre | 2026-12-01 10:00
        el 1ro de dic | 2026-12-01 10:00
        el treinta y uno de diciembre | 2026-12-31 10:00
        el viernes 20 de noviembre | 2026-11-20 10:00
        marzo 5 | 2027-03-05 10:00
        el 15 | 2026-12-15 10:00
        el 20 a las 8pm | 2026-11-20 20:00
        el día 20 | 2026-11-20 10:00
        el 15 del próximo mes | 2026-12-15 10:00
        el primer lunes de marzo | 2027-03-01 10:00
        el último viernes de noviembre | 2026-11-27 10:00
        en marzo | ask: bare_month
        del 10 al 22 de diciembre | 2026-12-10 10:00
        5 de marzo de 2020 | past",
    );
    check(
        En,
        "March 5 | 2027-03-05 10:00
        5 March | 2027-03-05 10:00
        5th of May at 3pm | 2027-05-05 15:00
        the 5th of March | 2027-03-05 10:00
        March the 5th | 2027-03-05 10:00
        March fifth | 2027-03-05 10:00
        May twenty-first | 2027-05-21 10:00
        Dec. 1st, 2026 | 2026-12-01 10:00
        Dec 1 at 3pm | 2026-12-01 15:00
        Friday, November 20 | 2026-11-20 10:00
        Friday the 20th | 2026-11-20 10:00
        the 15th | 2026-12-15 10:00
        on the 20th at 8pm | 2026-11-20 20:00
        the 20th of next month | 2026-12-20 10:00
        first Monday of March | 2027-03-01 10:00
        last Friday of November | 2026-11-27 10:00
        first Monday in March at noon | 2027-03-01 12:00
        the second Tuesday of next month | 2026-12-08 10:00
        in March | ask: bare_month
        next month | ask: loose_period
        December 10-22 | 2026-12-10 10:00
        March 5, 2020 | past
        March 5 2030 | too far
        February 30 | ask: bare_month
        we may 5 | none
        May I call you tomorrow? | 2026-11-19 10:00",
    );
}

#[test]
fn lengths_count_from_the_writing() {
    check(
        Ru,
        "через час | 2026-11-18 13:30
        через полчаса | 2026-11-18 13:00
        через полтора часа | 2026-11-18 14:00
        через 2 с половиной часа | 2026-11-18 15:00
        через два с половиной часа | 2026-11-18 15:00
        через 2,5 часа | 2026-11-18 15:00
        через час с половиной | 2026-11-18 14:00
        через 1 час 15 минут | 2026-11-18 13:45
        через час и пятнадцать минут | 2026-11-18 13:45
        через минут 20 | 2026-11-18 12:50
        минут через двадцать | 2026-11-18 12:50
        часа через два | 2026-11-18 14:30
        через четверть часа | 2026-11-18 12:45
        через 30 секунд | 2026-11-18 12:30:30
        через сорок пять минут | 2026-11-18 13:15
        в течение часа | 2026-11-18 13:30
        спустя 2 часа | 2026-11-18 14:30
        +15 минут | 2026-11-18 12:45
        через 3 рабочих дня | 2026-11-23 10:00
        через двое суток | 2026-11-20 12:30
        через пять дней в 9 утра | 2026-11-23 09:00
        через 2 дня после пятницы | 2026-11-22 10:00
        за 2 дня до пятницы | past
        за 3 дня до 5 декабря | 2026-12-02 10:00
        через 1 секунду | 2026-11-18 12:30:01
        через 3 года | too far
        два часа назад | none
        5 дней | none
        15 часов 29 мин | none
        я сделал это за 5 минут | none",
    );
    check(
        Es,
        "en una hora | 2026-11-18 13:30
        en media hora | 2026-11-18 13:00
        en hora y media | 2026-11-18 14:00
        en una hora y media | 2026-11-18 14:00
        en dos horas y media | 2026-11-18 15:00
        en un cuarto de hora | 2026-11-18 12:45
        en tres cuartos de hora | 2026-11-18 13:15
        dentro de 5 minutos | 2026-11-18 12:35
        en 30 segundos | 2026-11-18 12:30:30
        de aquí a tres días | 2026-11-21 10:00
        dentro de 3 días hábiles | 2026-11-23 10:00
        en 1 hora y 15 minutos | 2026-11-18 13:45
        2 horas más tarde | 2026-11-18 14:30
        dos días después del viernes | 2026-11-22 10:00
        tres días antes del 5 de diciembre | 2026-12-02 10:00
        hace dos horas | none
        dos horas atrás | none
        en 3 años | too far
        5 días | none",
    );
    check(
        En,
        "in an hour | 2026-11-18 13:30
        in half an hour | 2026-11-18 13:00
        in an hour and a half | 2026-11-18 14:00
        in two and a half hours | 2026-11-18 15:00
        in 2.5 hours | 2026-11-18 15:00
        in a quarter of an hour | 2026-11-18 12:45
        in three quarters of an hour | 2026-11-18 13:15
        in twenty-five minutes | 2026-11-18 12:55
        within 2 hours | 2026-11-18 14:30
        2 hours from now | 2026-11-18 14:30
        2 hours later | 2026-11-18 14:30
        in 1h 30m | 2026-11-18 14:00
        in 1d 2hr 5min | 2026-11-19 14:35
        +15 min | 2026-11-18 12:45
        in 5 seconds | 2026-11-18 12:30:05
        in 4 seconds | 2026-11-18 12:30:04
        in 4 business days | 2026-11-24 10:00
        two days after Friday | 2026-11-22 10:00
        3 days before December 5 | 2026-12-02 10:00
        in 2 weeks time | 2026-12-02 10:00
        in three years | too far
        in a fortnight | 2026-12-02 10:00
        2 hours ago | none
        5 days | none
        a 30 min meeting | none
        two Sundays from now | 2026-11-29 10:00",
    );
}

#[test]
fn two_different_times_are_asked_about() {
    check(
        Ru,
        "завтра или в пятницу | ask: two_times\nнапиши в 5 или в 6 | ask: two_times\nзавтра в 5 и в пятницу в 6 | ask: two_times\nпришлите завтра, в четверг | 2026-11-19 10:00\nвчера не вышло, напишите завтра | 2026-11-19 10:00\nне завтра, а в пятницу | 2026-11-20 10:00\nзавтра в 5 вечера, в 17:00 | 2026-11-19 17:00",
    );
    check(
        Es,
        "mañana o el viernes | ask: two_times\na las 5 o a las 6 | ask: two_times\nno mañana, sino el viernes | 2026-11-20 10:00",
    );
    check(
        En,
        "tomorrow or Friday | ask: two_times\nat 5 or at 6 | ask: two_times\ntomorrow at 5 and call Ana | 2026-11-19 17:00\nnot tomorrow but on Friday | 2026-11-20 10:00\ntomorrow at 5pm, Thursday | 2026-11-19 17:00",
    );
}

#[test]
fn the_phrase_is_cut_out_of_its_sentence() {
    for (language, text, expected) in [
        (Ru, "напиши мне завтра в 5 про договор", "напиши мне | про договор"),
        (Ru, "Завтра напиши мне в 17:00 про договор", "| напиши мне | про договор"),
        (Ru, "напомни через полтора часа о звонке", "напомни | о звонке"),
        (Es, "escríbeme mañana a las 5 sobre el contrato", "escríbeme | sobre el contrato"),
        (Es, "recuérdame dentro de dos semanas lo del seguro", "recuérdame | lo del seguro"),
        (En, "ping me tomorrow at 5 about the contract", "ping me | about the contract"),
        (En, "remind me in 2 hours to call Ana", "remind me | to call Ana"),
        (En, "on Friday the 20th at 3 pm call Ana", "| call Ana"),
    ] {
        let context = context(language, WRITTEN, Tz::Europe__Madrid);
        let spans = find_all(text, &context);
        let mut rest = String::new();
        let mut from = 0;
        for span in &spans {
            rest.push_str(text[from..span.start].trim());
            rest.push_str(" | ");
            from = span.end;
        }
        rest.push_str(text[from..].trim());
        assert_eq!(rest.trim(), expected, "{text}");
    }
}

#[test]
fn the_phrases_own_language_wins() {
    let english = context(En, WRITTEN, Tz::Europe__Madrid);
    assert_eq!(told("напиши завтра в 5", &english), "2026-11-19 17:00");
    assert_eq!(told("mañana por la tarde", &english), "2026-11-19 15:00");
    let russian = context(Ru, WRITTEN, Tz::Europe__Madrid);
    assert_eq!(told("ping me tomorrow at 5", &russian), "2026-11-19 17:00");
    assert_eq!(told("escríbeme el viernes", &russian), "2026-11-20 10:00");
    assert_eq!(told("Привет! let's talk tomorrow", &russian), "2026-11-19 10:00");
    assert_eq!(told("3/4", &russian), "2027-04-03 10:00");
}

#[test]
fn one_wrong_letter_in_a_name_is_forgiven() {
    check(
        Ru,
        "в понедельнк | 2026-11-23 10:00\nв пятнецу | 2026-11-20 10:00\nв суботу | 2026-11-21 10:00\n5 сентебря | 2027-09-05 10:00\n5 феврадя | 2027-02-05 10:00\nсреди прочего | none\n5 карта | none",
    );
    check(
        Es,
        "el miércoels | 2026-11-25 10:00\nel juves | 2026-11-19 10:00\n5 de setembre | 2027-09-05 10:00\n5 de ferbero | 2027-02-05 10:00\nMarco viene | none\nabrir 5 cajas | none",
    );
    check(
        En,
        "on wednsday | 2026-11-25 10:00\non thrusday | 2026-11-19 10:00\n5 septmber | 2027-09-05 10:00\nFebuary 5 | 2027-02-05 10:00\na match | none",
    );
}

#[test]
fn what_only_looks_like_a_time_is_none() {
    check(
        Ru,
        "это стоит 15.30 рублей | none\nв 5 магазинах | none\nв 2 раза больше | none\nверсия 1.12.27 | none\nмой номер +7 916 123-45-67 | none\nскидка 20% | none\nв 10.1 | none\nhttps://example.com/2026/12/05 | none\nв час пик | none\n5 дней подряд | none\nсекунду | none",
    );
    check(
        Es,
        "cuesta 15.30 euros | none\nel 15 por ciento | none\nen segundo lugar | none\nversion 1.12.27 | none\ntengo 5 días | none\nmi número es 612 345 678 | none\nllego tarde | none",
    );
    check(
        En,
        "it costs $5.30 | none\nat 5 dollars | none\nversion 2.10.27 | none\ncall 555-12-34 | none\nthe second half | none\nI'm at 101 points | none\nwait a second | none\nroom 17:00x | none\n1/2 cup | none\nme@12.12.2026.com | none\nat 6.5 kilograms | none",
    );
}

#[test]
fn a_passed_date_without_a_year_is_next_years() {
    check(Ru, "1 марта | 2027-03-01 10:00\n17 ноября | 2027-11-17 10:00");
    check(Es, "1 de marzo | 2027-03-01 10:00\n17 de noviembre | 2027-11-17 10:00");
    check(En, "March 1 | 2027-03-01 10:00\nNovember 17 | 2027-11-17 10:00\nNovember 17, 2026 | past");
}

#[test]
fn a_spring_gap_ends_at_its_first_instant_and_an_autumn_overlap_begins_at_its_first() {
    // Madrid: 28 March 2027 02:00 → 03:00, 31 October 2027 03:00 → 02:00
    let madrid = context(En, "2027-03-01T12:00:00Z", Tz::Europe__Madrid);
    let at = |text: &str, context: &TimeContext| match parse(text, context) {
        Meaning::Instant(moment) => moment.at.naive_utc(),
        other => panic!("{text}: {other:?}"),
    };
    let utc = |text: &str| text.parse::<NaiveDateTime>().unwrap();
    assert_eq!(at("March 28 at 2:30 am", &madrid), utc("2027-03-28T01:00:00"));
    assert_eq!(at("28 марта в 02:30", &madrid), utc("2027-03-28T01:00:00"));
    assert_eq!(at("el 28 de marzo a las 02:30", &madrid), utc("2027-03-28T01:00:00"));
    assert_eq!(at("October 31 at 2:30 am", &madrid), utc("2027-10-31T00:30:00"));
    // a day keeps its clock time across the change, hours are real hours
    let eve = context(En, "2027-03-27T12:00:00Z", Tz::Europe__Madrid);
    assert_eq!(at("in 24 hours", &eve), utc("2027-03-28T12:00:00"));
    assert_eq!(at("tomorrow at 1 pm", &eve), utc("2027-03-28T11:00:00"));
    // Kolkata is half an hour off, Kathmandu three quarters
    let kathmandu = context(En, "2027-03-27T12:00:00Z", Tz::Asia__Kathmandu);
    assert_eq!(at("tomorrow at 5 pm", &kathmandu), utc("2027-03-28T11:15:00"));
}

#[test]
fn the_writing_decides_what_is_past() {
    let late = context(En, "2026-11-18T23:59:50Z", Tz::UTC);
    assert_eq!(told("today at 5pm", &late), "past");
    assert_eq!(told("at 5pm", &late), "2026-11-19 17:00");
    assert_eq!(told("tomorrow", &late), "2026-11-19 10:00");
    assert_eq!(told("in two years", &late), "2028-11-18 10:00");
    assert_eq!(told("in 25 months", &late), "too far");
}

#[test]
fn what_people_write_in_a_hurry() {
    check(
        Ru,
        "через час-полтора | ask: loose_length
        завтра часов в 6 | 2026-11-19 18:00
        завтра в 15 00 | 2026-11-19 15:00
        неделю спустя | 2026-11-25 10:00
        перенеси на пятницу на 12 | 2026-11-20 12:00
        вс 22.11 10:00 | 2026-11-22 10:00
        завтра в 9:00 (мск) | 2026-11-19 07:00
        понедельник 24 ноября | ask: weekday_mismatch
        вторник, 10 марта | ask: weekday_mismatch
        в 9 ч. вечера | 2026-11-18 21:00
        в пятницу 20 в 10 | 2026-11-20 10:00
        в пятницу 5 человек | 2026-11-20 10:00
        через 5 мин. 30 сек. | 2026-11-18 12:35:30
        10 минут ходьбы, напиши завтра | 2026-11-19 10:00
        встреча на 2 часа завтра в 12 | 2026-11-19 12:00
        завтра на 2 часа дня | 2026-11-19 14:00
        пт 15:00 | 2026-11-20 15:00
        Пн, 23 ноя, 14:30 | 2026-11-23 14:30
        как насчёт вторника в 3? | 2026-11-24 15:00
        напиши через 3 | none
        каждые 2 часа | none
        раз в неделю | none
        от 5 до 10 | none
        завтра около 7 | 2026-11-19 19:00
        завтра вечером 8 | 2026-11-19 20:00
        в 8 завтра вечером | 2026-11-19 20:00
        завтрашним вечером | 2026-11-19 19:00
        до завтрашнего вечера | ask: deadline
        завтр в 5 | ask: loose_time
        завтрак в 5 | 2026-11-18 17:00
        накануне пятницы | 2026-11-19 10:00
        сегодня попозже | ask: loose_time
        через день | ask: loose_time
        через неделю в среду | ask: length_and_date",
    );
    check(
        Es,
        "hasta el 15 | 2026-12-15 10:00
        viernes 13 | ask: weekday_mismatch
        el viernes 13 de noviembre | past
        mar 24 nov | 2026-11-24 10:00
        mañana a primera hora | 2026-11-19 09:00
        mañana a última hora | 2026-11-19 18:00
        hoy más tarde | ask: loose_time
        el día antes del viernes | 2026-11-19 10:00
        a las siete de mañana | ask: tomorrow_or_morning
        a las 7pm de mañana | 2026-11-19 19:00
        hoy 20h | 2026-11-18 20:00
        vie 15:00 | 2026-11-20 15:00
        entre 5 y 10 | none
        una vez por semana | none
        a las 12 de la mañana | ask: hour_and_part_disagree",
    );
    check(
        En,
        "5 May 12:00 | 2027-05-05 12:00
        9 Aug '27 | 2027-08-09 10:00
        3rd Feb 82 | past
        Thu Oct 26 11:00:09 2028 | 2028-10-26 11:00:09
        day before next monday | 2026-11-22 10:00
        the day after Friday | 2026-11-21 10:00
        in 2 1/2 hours | 2026-11-18 15:00
        in ½ hour | 2026-11-18 13:00
        at 13h | 2026-11-18 13:00
        after 2h | 2026-11-18 14:30
        Friday at 2 pm (AEST) | ask: unclear_zone
        Friday 13 | ask: weekday_mismatch
        later today | ask: loose_time
        in 1.5 weeks | 2026-11-29 10:00
        tonight around 7 | 2026-11-18 19:00
        tomorrow around 3ish | 2026-11-19 15:00
        8 tomorrow morning | 2026-11-19 08:00
        between 3 and 5 tomorrow | 2026-11-19 15:00
        2moro at 8pm | 2026-11-19 20:00
        3 hours after noon | ask: loose_length
        within the next hour | 2026-11-18 13:30
        we met yesterday at 5; call me tomorrow at 6 | 2026-11-19 18:00
        my trip is in May, ping me on Friday | 2026-11-20 10:00
        I can do Monday 3pm or Tuesday 4pm | ask: two_times
        every 2 hours | none
        once a week | none
        from 5 to 10 | none
        second thought | none",
    );
}

#[test]
fn holidays_are_right_or_nothing() {
    check(Ru, "на новый год | 2027-01-01 10:00\nна рождество | 2027-01-07 10:00\nна пасху | 2027-05-02 10:00");
    check(
        Es,
        "en navidad | 2026-12-25 10:00\nen nochevieja | 2026-12-31 10:00\nel domingo de pascua | 2027-03-28 10:00\nel día del padre | 2027-03-19 10:00\nel día de la madre | none",
    );
    check(
        En,
        "on Christmas Eve at 6pm | 2026-12-24 18:00\nat Easter | 2027-03-28 10:00\non Thanksgiving | 2026-11-26 10:00\nthe day after Christmas | 2026-12-26 10:00",
    );
    let mexico = context(Es, "2026-11-18T12:00:00Z", Tz::America__Mexico_City);
    assert_eq!(told("el día del padre", &mexico), "2027-06-20 10:00");
    let toronto = context(En, "2026-11-18T12:00:00Z", Tz::America__Toronto);
    assert_eq!(told("on Thanksgiving", &toronto), "none");
}

#[test]
fn what_speaks_of_time_beside_a_phrase_is_asked_about() {
    check(
        Ru,
        "завтра в 25:00 | ask: no_such_clock
        завтра в 10 по Гавайям | ask: unclear_zone
        завтра перед встречей | ask: left_over
        завтра за 10 минут до встречи | ask: before_event
        завтра, только не в 10 | ask: excepted
        завтра до 18 | ask: deadline
        завтра до обеда | ask: deadline
        завтра пораньше | ask: left_over
        завтра в 9 перед встречей | 2026-11-19 09:00
        скидка до 15 | none",
    );
    check(
        Es,
        "mañana a las 25:00 | ask: no_such_clock
        mañana a las 10 hora de Quito | ask: unclear_zone
        mañana antes de la reunión | ask: left_over
        mañana antes de las 12 | ask: deadline
        mañana temprano | ask: left_over
        en año nuevo chino | ask: other_calendar
        mañana comprar leche a 1,20 el litro | 2026-11-19 10:00",
    );
    check(
        En,
        "tomorrow at 9:75 | ask: no_such_clock
        at 10 Lagos time tomorrow | ask: unclear_zone
        tomorrow before the meeting | ask: left_over
        tomorrow 10 minutes before the call | ask: before_event
        tomorrow, not at 10 | ask: excepted
        tomorrow by 5pm | ask: deadline
        room 9 tomorrow | 2026-11-19 10:00
        meeting 9 tomorrow | ask: left_over
        tomorrow about the call at 5 | ask: time_in_topic
        tomorrow at 9 that the flight is at 14:20 | 2026-11-19 09:00
        remind me tomorrow to buy milk at 1.20 a litre | 2026-11-19 10:00",
    );
}

#[test]
fn what_is_said_after_midnight_may_mean_two_days() {
    let at = |text: &str, language, written: &str, zone| told(text, &context(language, written, zone));
    for (language, tomorrow) in [(Ru, "завтра в 10"), (Es, "mañana a las 10"), (En, "tomorrow at 10")] {
        assert_eq!(
            at(tomorrow, language, "2026-11-18T01:10:00+01:00", Tz::Europe__Madrid),
            "ask: tomorrow_after_midnight"
        );
        assert_eq!(at(tomorrow, language, "2026-11-18T04:10:00+01:00", Tz::Europe__Madrid), "2026-11-19 10:00");
    }
    let night = context(En, "2026-11-18T01:10:00+01:00", Tz::Europe__Madrid);
    let Meaning::Ambiguous { readings, .. } = parse("tomorrow at 10", &night) else { panic!("it is asked") };
    let shown = readings.iter().map(|m| m.at.with_timezone(&m.zone).format("%d %H").to_string());
    assert_eq!(shown.collect::<Vec<_>>(), ["18 10", "19 10"]);
    // the coming night, not the last
    for (language, tonight) in [(Ru, "сегодня в 2 ночи"), (Es, "hoy a las 2 de la madrugada"), (En, "today at 2 am")]
    {
        assert_eq!(at(tonight, language, WRITTEN, Tz::Europe__Madrid), "2026-11-19 02:00");
        assert_eq!(at(tonight, language, "2026-11-18T01:10:00+01:00", Tz::Europe__Madrid), "2026-11-18 02:00");
    }
    // when it is tomorrow there already, whose tomorrow?
    assert_eq!(at("tomorrow at 9 Tokyo time", En, "2026-11-18T18:30:00+01:00", Tz::Europe__Madrid), "ask: day_of_zone");
    assert_eq!(at("tomorrow at 9 Tokyo time", En, WRITTEN, Tz::Europe__Madrid), "2026-11-19 01:00");
}

#[test]
fn a_zone_said_in_words_is_honoured_or_asked_about() {
    check(
        Ru,
        "завтра в 10 мск | 2026-11-19 08:00\nзавтра в 10 мск+4 | 2026-11-19 04:00\nзавтра в 10 по Бали | 2026-11-19 03:00\nзавтра в 10, по московскому времени | 2026-11-19 08:00",
    );
    check(
        Es,
        "mañana a las 10 hora española | 2026-11-19 10:00\nmañana a las 10 hora argentina | 2026-11-19 14:00\nmañana a las 10 hora de Canarias | 2026-11-19 11:00",
    );
    check(
        En,
        "tomorrow at 10 Spanish time | 2026-11-19 10:00\ntomorrow at 9 PST | 2026-11-19 18:00\ntomorrow at 9 PDT | ask: unclear_zone\ntomorrow at 9 CEST | ask: unclear_zone\ntomorrow at 9 EST | ask: unclear_zone",
    );
}

#[test]
fn a_time_counted_from_another_or_said_with_a_sign_is_read_whole_or_asked_about() {
    check(
        En,
        "3:18a | 2026-11-19 03:18
        3:18a tomorrow | 2026-11-19 03:18
        in 5' | 2026-11-18 12:35
        in 90\" | 2026-11-18 12:31:30
        'in 5' | none
        ping me at 1430 | 2026-11-18 14:30
        call me at 555 | none
        ping me at 1999 | none
        15 minutes past 15h | 2026-11-18 15:15
        tomorrow, an hour before 8 | 2026-11-19 07:00
        tomorrow, an hour before lunch | ask: left_over
        an hour after midnight | ask: loose_length
        an hour before the 5 pm call | ask: loose_length
        1st week of Oct. on Friday | ask: loose_period
        see you in Oct. On Friday write to me | 2026-11-20 10:00
        third Tuesday after Christmas 2026 | 2027-01-12 10:00
        the last Friday before Christmas | 2026-12-18 10:00
        Friday after Christmas | 2027-01-01 10:00
        next Friday before Christmas | ask: two_times
        remind me between 3 and 5 to call | 2026-11-18 15:00
        between 3 and 5 | none
        write from 3 to 5 pages | none
        Monday to Wednesday | ask: loose_period
        tomorrow at 10 in London | 2026-11-19 11:00
        tomorrow at 10 in London office | 2026-11-19 10:00
        I'm in London tomorrow, ping me at 10 | 2026-11-19 10:00",
    );
    check(
        Es,
        "avísame en 5' | 2026-11-18 12:35
        mañana una hora antes de las 8 | 2026-11-19 07:00
        el viernes antes de Navidad | 2026-12-18 10:00
        recuérdame de 3 a 5 llamar | 2026-11-18 15:00
        de lunes a miércoles | ask: loose_period
        mañana a las 10 en Londres | 2026-11-19 11:00
        mañana a las 10 en Londres llamar a Ana | 2026-11-19 11:00",
    );
    check(
        Ru,
        "завтра за час до 8 | 2026-11-19 07:00
        завтра за час до встречи | ask: before_event
        сделал за час до 17:00 | none
        в первый понедельник после Нового года | 2027-01-04 10:00
        напомни с 3 до 5 позвонить | 2026-11-18 15:00
        напиши от 3 до 5 страниц | none
        с понедельника по среду | ask: loose_period
        с Новым годом! напиши завтра | 2026-11-19 10:00",
    );
}
