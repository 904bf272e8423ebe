//! A change of a promise that names an hour by its number alone: templates × hours, in every language. What each means is computed
//! here; where the number counts or names something else, no hour is read.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use chrono::{TimeZone as _, Timelike as _};
use chrono_tz::{Europe::Madrid, Tz};
use steward_language::{
    DateOrder, Language,
    time::{Meaning, PartsOfDay, TimeContext},
    understanding::{Request, Says, understand},
};

const ZONE: Tz = Madrid;

/// `{}` is the hour.
const CHANGES: [(Language, &[&str]); 3] = [
    (
        Language::En,
        &[
            "make it {}",
            "make it {} instead",
            "Make that {}, please",
            "actually make it {}",
            "{} instead",
            "{} is better",
            "better {}",
            "let's do {}",
            "let's say {}.",
            "can we do {}?",
            "how about {}?",
            "no, better {}",
            "move it to {}",
            "Change it to {} please",
            "reschedule to {}",
            "shift it to {}, thanks",
            "move the reminder to {}",
        ],
    ),
    (
        Language::Ru,
        &[
            "лучше {}",
            "давай {}",
            "давай на {}",
            "нет, лучше {}",
            "пусть будет {}",
            "перенеси на {}",
            "Перенесите на {}, пожалуйста",
            "сдвинь на {}",
            "перенеси напоминание на {}",
        ],
    ),
    (Language::Es, &["mejor {}", "mejor a las {}", "que sean las {}", "pásalo a las {}", "cámbialo para las {}"]),
];

/// The number counts or names something else, or there are two.
const OTHERS: [(Language, &[&str]); 3] = [
    (
        Language::En,
        &[
            "make it {} copies",
            "let's do {} push-ups",
            "{} apples instead",
            "move it to room {}",
            "change it to version {}",
            "better {} than {}",
            "make it {}%",
            "make it ${}",
            "make it #{}",
            "make it -{}",
            "make it {}-{}",
            "make it {}.{}",
            "make it {}€",
            "how about {} of them",
            "no, {}",
            "sorry, {}",
        ],
    ),
    (
        Language::Ru,
        &[
            "лучше {} штук",
            "перенеси на {} страниц",
            "давай {} раз",
            "лучше {} чем {}",
            "давай {} рублей",
            "нет, {} кг",
        ],
    ),
    (Language::Es, &["mejor {} euros", "mejor {} copias", "que sean {} cajas", "mejor {} que {}", "no, {}"]),
];

fn context(language: Language) -> TimeContext {
    TimeContext {
        written_at: ZONE.with_ymd_and_hms(2026, 11, 18, 9, 0, 0).unwrap().to_utc(),
        zone: ZONE,
        language,
        date_order: DateOrder::MonthFirst,
        followup_hour: 10,
        parts_of_day: PartsOfDay::default(),
    }
}

/// The hour that a sentence moves a promise to, if that is all it asks for.
fn moved_to(text: &str, language: Language) -> Result<u32, String> {
    let understood = understand(text, &context(language));
    match understood.requests.as_slice() {
        [Request::Move { time, .. }] if time.says == Says::Clock => match &time.meaning {
            Meaning::Instant(moment) => Ok(moment.at.with_timezone(&ZONE).hour()),
            other => Err(format!("{other:?}")),
        },
        other => Err(format!("{other:?}")),
    }
}

#[test]
fn a_number_alone_is_the_hour_that_a_promise_moves_to() {
    let (mut wrong, mut read) = (Vec::new(), 0);
    for (language, templates) in CHANGES {
        for template in templates {
            for hour in 0..24 {
                // A bare hour from one to seven is one of the afternoon.
                let meant = if (1..=7).contains(&hour) { hour + 12 } else { hour };
                let text = template.replace("{}", &hour.to_string());
                read += 1;
                let got = moved_to(&text, language);
                if got != Ok(meant) {
                    wrong.push(format!("{text:?}: {meant} meant, got {got:?}"));
                }
            }
        }
    }
    println!("{read} changes read");
    assert!(wrong.is_empty(), "{} of {read} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_number_of_something_else_is_no_hour() {
    let mut wrong = Vec::new();
    for (language, templates) in OTHERS {
        for template in templates {
            for hour in [0, 2, 5, 8, 11, 12, 17, 23] {
                let text = template.replace("{}", &hour.to_string());
                if let Ok(got) = moved_to(&text, language) {
                    wrong.push(format!("{text:?}: {got}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "hours were read:\n{}", wrong.join("\n"));
}

#[test]
fn what_may_be_an_hour_keeps_a_promise_until_it_is_said_which() {
    for (language, texts) in [
        (Language::En, ["no, 11", "sorry, 11", "11", "11 please"].as_slice()),
        (Language::Ru, &["нет, 11", "а 11", "11", "11, пожалуйста"]),
        (Language::Es, &["no, 11", "11", "11 por favor"]),
    ] {
        for text in texts {
            assert!(understand(text, &context(language)).hints, "{text:?}");
        }
    }
    for text in ["11 copies", "room 11", "my number is 11", "#11", "2026"] {
        assert!(!understand(text, &context(Language::En)).hints, "{text:?}");
    }
}

#[test]
fn an_hour_that_there_is_not_is_none() {
    for (language, templates) in CHANGES {
        for template in templates {
            for number in ["25", "99", "131", "2026", "1075"] {
                let text = template.replace("{}", number);
                assert!(moved_to(&text, language).is_err(), "{text:?}");
            }
        }
    }
}
