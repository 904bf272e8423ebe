//! The table of sentences, requests and traps, per language: every row must be understood exactly as written.

use std::{collections::BTreeMap, fs, path::Path};

use chrono::{DateTime, TimeZone, Utc};
use chrono_tz::{Europe::Madrid, Tz};
use steward_language::{
    DateOrder, Language,
    time::{Meaning, PartsOfDay, TimeContext},
    understanding::{Asked, Request, Which, hangs_on_condition, understand},
};

const ZONE: Tz = Madrid;

/// Wednesday, 18 November 2026, 09:00 in Madrid.
fn written_at() -> DateTime<Utc> {
    ZONE.with_ymd_and_hms(2026, 11, 18, 9, 0, 0).single().expect("no clock change that day").to_utc()
}

fn context(language: Language) -> TimeContext {
    TimeContext {
        written_at: written_at(),
        zone: ZONE,
        language,
        date_order: DateOrder::MonthFirst,
        followup_hour: 10,
        parts_of_day: PartsOfDay::default(),
    }
}

fn say_time(meaning: &Meaning) -> String {
    match meaning {
        Meaning::Instant(m) => {
            let local = m.at.with_timezone(&ZONE);
            let format = if local.format("%S").to_string() == "00" { "%Y-%m-%dT%H:%M" } else { "%Y-%m-%dT%H:%M:%S" };
            local.format(format).to_string()
        }
        Meaning::Ambiguous { .. } => "?".into(),
        Meaning::Past(_) => "past".into(),
        Meaning::TooFar(_) => "far".into(),
        Meaning::None => "-".into(),
    }
}

fn say_which(which: &Which) -> String {
    let mut out = String::new();
    if which.all {
        out += " all";
    }
    match &which.time {
        Meaning::None => {}
        Meaning::Instant(m) | Meaning::Past(m) => out += &format!(" @{}", m.at.with_timezone(&ZONE).format("%Y-%m-%d")),
        _ => out += " @?",
    }
    if !which.topic.is_empty() {
        out += &format!(" [{}]", which.topic);
    }
    out
}

/// A request in the table's notation.
fn say(request: &Request) -> String {
    let asked = |kind: &str, time: &Asked, topic: &str| {
        let topic = if topic.is_empty() { String::new() } else { format!(" [{topic}]") };
        format!("{kind} {}{topic}", say_time(&time.meaning))
    };
    match request {
        Request::WriteToMe { time, topic, .. } => asked("write", time, topic),
        Request::RemindMe { time, topic, .. } => asked("remind", time, topic),
        Request::Repeated => "repeated".into(),
        Request::Cancel { which } => format!("cancel{}", say_which(which)),
        Request::Move { time, which, .. } => format!("move {}{}", say_time(&time.meaning), say_which(which)),
        Request::List => "list".into(),
        Request::Keep => "keep".into(),
        Request::NotBefore { from, until } => {
            let from = from.map_or(String::new(), |at| format!(" {}", at.with_timezone(&ZONE).format("%Y-%m-%d")));
            format!("not{from} until {}", say_time(&until.meaning))
        }
        Request::Shift { shift, which, .. } => {
            let sign = if shift.later { '+' } else { '-' };
            format!("shift {sign}[{}]{}", shift.phrase, say_which(which))
        }
        Request::OptOut => "opt-out".into(),
        Request::Time(time) => format!("time {}", say_time(&time.meaning)),
        Request::Greeting => "greeting".into(),
        Request::Help => "help".into(),
        Request::Acknowledgement => "ack".into(),
        Request::HumanRequested => "human".into(),
        Request::Other => "other".into(),
    }
}

/// Reads `text => requests` rows and asserts each; prints how many of which kind there were.
fn assert_table(language: Language) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/understanding/{language}.txt"));
    let table = fs::read_to_string(&path).expect("the table stands beside the tests");
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    let mut rows = 0;
    for line in table.lines().filter(|l| !l.trim().is_empty() && !l.starts_with('#')) {
        let (text, expected) = line.rsplit_once(" => ").expect("a row is `text => requests`");
        let text = text.replace("\\n", "\n");
        let understood = understand(&text, &context(language));
        let got = understood.requests.iter().map(say).collect::<Vec<_>>().join("; ");
        let kind = expected.split([' ', ';']).next().unwrap_or_default().to_owned();
        *counts.entry(kind).or_default() += 1;
        rows += 1;
        if got != expected {
            wrong.push(format!("{text:?}\n   expected {expected}\n   got      {got}"));
        }
    }
    println!("{language}: {rows} sentences, {} wrong; {counts:?}", wrong.len());
    assert!(rows >= 80, "{language}: only {rows} rows");
    assert!(wrong.is_empty(), "{} of {rows} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn russian_sentences_are_understood_as_the_table_says() {
    assert_table(Language::Ru);
}

#[test]
fn spanish_sentences_are_understood_as_the_table_says() {
    assert_table(Language::Es);
}

#[test]
fn english_sentences_are_understood_as_the_table_says() {
    assert_table(Language::En);
}

/// A unit's name with this number before it.
fn counted(language: Language, unit: &str, n: i64) -> &'static str {
    let form = match language {
        Language::Ru if n % 10 == 1 && n != 11 => 0,
        Language::Ru if (2..=4).contains(&(n % 10)) && !(12..=14).contains(&n) => 1,
        Language::Ru => 2,
        _ => usize::from(n != 1),
    };
    let forms: &[&str] = match (language, unit) {
        (Language::En, "m") => &["minute", "minutes"],
        (Language::En, "h") => &["hour", "hours"],
        (Language::En, "d") => &["day", "days"],
        (Language::En, _) => &["week", "weeks"],
        (Language::Es, "m") => &["minuto", "minutos"],
        (Language::Es, "h") => &["hora", "horas"],
        (Language::Es, "d") => &["día", "días"],
        (Language::Es, _) => &["semana", "semanas"],
        (Language::Ru, "m") => &["минуту", "минуты", "минут"],
        (Language::Ru, "h") => &["час", "часа", "часов"],
        (Language::Ru, "d") => &["день", "дня", "дней"],
        (Language::Ru, _) => &["неделю", "недели", "недель"],
    };
    forms[form]
}

/// Templates of a shift: `{}` is its length. The second value: later.
const SHIFTS: [(Language, &[(&str, bool)]); 3] = [
    (
        Language::En,
        &[
            ("{} later", true),
            ("make it {} later", true),
            ("Please make it {} later.", true),
            ("push it back {}", true),
            ("postpone it by {}", true),
            ("snooze it for {}", true),
            ("delay the reminder by {}", true),
            ("move it {} later", true),
            ("{} earlier", false),
            ("make it {} earlier please", false),
            ("move it {} earlier", false),
        ],
    ),
    (
        Language::Ru,
        &[
            ("на {} позже", true),
            ("сделай на {} позже", true),
            ("Пожалуйста, на {} позже.", true),
            ("отложи на {}", true),
            ("отложи напоминание на {}", true),
            ("давай на {} позже", true),
            ("перенеси на {} позже", true),
            ("на {} раньше", false),
            ("давайте на {} раньше", false),
            ("перенеси на {} раньше", false),
        ],
    ),
    (
        Language::Es,
        &[
            ("{} más tarde", true),
            ("que sea {} más tarde", true),
            ("{} más tarde, por favor", true),
            ("retrásalo {}", true),
            ("aplázalo {}", true),
            ("pospón el recordatorio {}", true),
            ("{} antes", false),
            ("que sea {} antes", false),
            ("adelántalo {}", false),
        ],
    ),
];

#[test]
fn a_shift_counts_from_the_promises_own_time() {
    let due = ZONE.with_ymd_and_hms(2026, 12, 24, 10, 0, 0).single().expect("no clock change that day").to_utc();
    let (mut made, mut wrong) = ([0; 3], Vec::new());
    for (k, (language, templates)) in SHIFTS.iter().enumerate() {
        for (unit, minutes, most) in [("m", 1, 59), ("h", 60, 23), ("d", 24 * 60, 13), ("w", 7 * 24 * 60, 3)] {
            for n in (2..=most).chain([1]) {
                let length = format!("{n} {}", counted(*language, unit, n));
                for (template, later) in *templates {
                    let text = template.replace("{}", &length);
                    let by = chrono::TimeDelta::minutes(n * minutes);
                    let expected = if *later { due + by } else { due - by };
                    let context = context(*language);
                    let read = understand(&text, &context).requests;
                    let got = match read.as_slice() {
                        [Request::Shift { shift, .. }] => shift.from(due, &context),
                        _ => None,
                    };
                    made[k] += 1;
                    if got != Some(expected) {
                        wrong.push(format!("{text}: {got:?}, {read:?}"));
                    }
                }
            }
        }
    }
    println!("shifts made: {made:?}, wrong: {}", wrong.len());
    wrong.truncate(40);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_person_is_asked_for_by_a_word_for_one_alone() {
    for text in [
        "a",
        "A",
        "an",
        "the",
        "real",
        "live",
        "actual",
        "get",
        "me",
        "us",
        "talk",
        "un",
        "una",
        "el",
        "la",
        "quiero",
        "hablar",
        "hay",
        "живой",
        "реальный",
        "здесь",
        "тут",
        "дай",
        "можно",
        "нужен",
        "хочу",
        "a real",
        "the live",
        "un real",
    ] {
        for language in Language::ALL {
            let read = understand(text, &context(*language)).requests;
            assert!(!read.contains(&Request::HumanRequested), "{text} in {language}: {read:?}");
        }
    }
}

/// Reads `+ text` and `- text` rows: thanks, consent, wishes and greetings, and what is more than that.
fn assert_acknowledgements(language: Language) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(format!("tests/fixtures/understanding/acknowledgements_{language}.txt"));
    let table = fs::read_to_string(&path).expect("the table stands beside the tests");
    let (mut rows, mut wrong) = ([0, 0], Vec::new());
    for line in table.lines().filter(|l| !l.trim().is_empty() && !l.starts_with('#')) {
        let (sign, text) = line.split_once(' ').expect("a row is `+ text` or `- text`");
        let read = understand(text, &context(language)).requests;
        let courteous = read.iter().all(|r| matches!(r, Request::Acknowledgement | Request::Greeting));
        rows[usize::from(sign == "+")] += 1;
        if courteous != (sign == "+") {
            wrong.push(format!("{sign} {text}: {read:?}"));
        }
    }
    println!("{language}: {} acknowledgements, {} others, {} wrong", rows[1], rows[0], wrong.len());
    assert!(rows.iter().sum::<usize>() >= 150, "{language}: only {rows:?} rows");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn thanks_consent_wishes_and_greetings_are_told_from_all_else() {
    let wrong: Vec<String> = Language::ALL
        .iter()
        .filter_map(|language| {
            let failure = std::panic::catch_unwind(|| assert_acknowledgements(*language)).err()?;
            Some(failure.downcast_ref::<String>().cloned().unwrap_or_default())
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_message_is_understood_in_its_own_language_whatever_the_contacts_is() {
    for (text, language) in [
        ("напиши через 8 секунд про договор 3", Language::Ru),
        ("escríbeme dentro de 8 segundos sobre el contrato 3", Language::Es),
        ("write to me in 8 seconds about the contract 3", Language::En),
    ] {
        for contact in [Language::Ru, Language::Es, Language::En] {
            let understood = understand(text, &context(contact));
            assert_eq!(understood.language, Some(language), "{text}");
            let [Request::WriteToMe { time, .. }] = understood.requests.as_slice() else {
                panic!("{text}: {understood:?}")
            };
            assert_eq!(say_time(&time.meaning), "2026-11-18T09:00:08", "{text}");
        }
    }
}

#[test]
fn the_words_of_the_time_are_kept_as_the_phrase() {
    let understood = understand("напиши через 2 минуты про договор", &context(Language::Ru));
    let [Request::WriteToMe { time, topic, .. }] = understood.requests.as_slice() else { panic!("{understood:?}") };
    assert_eq!((time.phrase.as_str(), topic.as_str()), ("через 2 минуты", "про договор"));
}

#[test]
fn a_topic_is_cut_at_500_characters() {
    let text = format!("напомни завтра про {}", "очень длинный договор ".repeat(100));
    let understood = understand(&text, &context(Language::Ru));
    let [Request::RemindMe { topic, .. }] = understood.requests.as_slice() else { panic!("{understood:?}") };
    assert!(topic.chars().count() <= 500 && topic.starts_with("про очень длинный договор"));
}

/// A sentence of a day, the hours and the tasks.
type OfTasks = fn(&str, [u32; 3], [&str; 3]) -> String;

/// What a language says two tasks with, and what hangs on a condition.
struct Said {
    language: Language,
    /// A day and how many days ahead it is.
    days: &'static [(&'static str, u64)],
    tasks: [&'static str; 3],
    /// Two tasks and their hours; of three, joined by commas alone.
    two: &'static [OfTasks],
    three: OfTasks,
    conditions: &'static [&'static str],
    hanging: &'static [fn(&str) -> String],
    courtesies: &'static [&'static str],
}

const SAID: [Said; 3] = [
    Said {
        language: Language::En,
        days: &[("tomorrow", 1), ("on Friday", 2), ("on December 1", 13), ("in two weeks", 14)],
        tasks: ["call mom", "pick up the order", "buy bread"],
        two: &[
            |day, [a, b, _], [x, y, _]| format!("remind me {day} at {a} to {x}, and at {b} {y}"),
            |day, [a, b, _], [x, y, _]| format!("{day} at {a} remind me to {x}, and at {b} to {y}"),
            |day, [a, b, _], [x, y, _]| format!("remind me {day} at {a} to {x} and at {b} to {y}, please"),
        ],
        three: |day, [a, b, c], [x, y, z]| format!("remind me {day} at {a} to {x}, at {b} {y}, at {c} {z}"),
        conditions: &["if he doesn't call", "once the order arrives", "unless she answers"],
        hanging: &[
            |condition| format!("{condition}, remind me"),
            |condition| format!("remind me {condition}"),
            |condition| format!("write to me {condition}, please"),
        ],
        courtesies: &["write to me if you need anything", "write to me when you can"],
    },
    Said {
        language: Language::Es,
        days: &[("mañana", 1), ("el viernes", 2), ("el 1 de diciembre", 13), ("dentro de dos semanas", 14)],
        tasks: ["llamar a mamá", "recoger el pedido", "comprar pan"],
        two: &[
            |day, [a, b, _], [x, y, _]| format!("recuérdame {day} a las {a} {x} y a las {b} {y}"),
            |day, [a, b, _], [x, y, _]| format!("{day} a las {a} recuérdame {x}, y a las {b}, {y}"),
            |day, [a, b, _], [x, y, _]| format!("recuérdame {day} a las {a} {x}, a las {b} {y}, por favor"),
        ],
        three: |day, [a, b, c], [x, y, z]| format!("recuérdame {day} a las {a} {x}, a las {b} {y}, a las {c} {z}"),
        conditions: &["si no llama", "si no llega el pedido", "si ella no contesta"],
        hanging: &[
            |condition| format!("{condition}, recuérdamelo"),
            |condition| format!("recuérdamelo {condition}"),
            |condition| format!("escríbeme {condition}, por favor"),
        ],
        courtesies: &["escríbeme cuando puedas", "escríbeme si necesitas algo"],
    },
    Said {
        language: Language::Ru,
        days: &[("завтра", 1), ("в пятницу", 2), ("1 декабря", 13), ("через две недели", 14)],
        tasks: ["позвонить маме", "забрать заказ", "купить хлеб"],
        two: &[
            |day, [a, b, _], [x, y, _]| format!("напомни {day} в {a} {x}, а в {b} {y}"),
            |day, [a, b, _], [x, y, _]| format!("{day} в {a} напомни {x}, а в {b} — {y}"),
            |day, [a, b, _], [x, y, _]| format!("напомни {day} в {a} {x} и в {b} {y}, пожалуйста"),
        ],
        three: |day, [a, b, c], [x, y, z]| format!("напомни {day} в {a} {x}, в {b} {y}, в {c} {z}"),
        conditions: &["если он не позвонит", "если заказ не придёт", "если она не ответит"],
        hanging: &[
            |condition| format!("{condition}, напомни мне"),
            |condition| format!("напомни, {condition}"),
            |condition| format!("напиши мне, {condition}, пожалуйста"),
        ],
        courtesies: &[],
    },
];

#[test]
fn each_task_of_a_sentence_has_its_own_hour_of_the_day_named_once() {
    let mut made = 0;
    for said in SAID {
        for (day, ahead) in said.days {
            let date = written_at().with_timezone(&ZONE).date_naive() + chrono::Days::new(*ahead);
            for (number, hours) in (8..12).flat_map(|a| (13..16).map(move |b| [a, b, b + 3])).enumerate() {
                let mut tasks = said.tasks;
                tasks.rotate_left(number % 3);
                let sentences = said.two.iter().map(|two| (two(day, hours, tasks), 2));
                for (text, count) in sentences.chain([((said.three)(day, hours, tasks), 3)]) {
                    made += 1;
                    let understood = understand(&text, &context(said.language));
                    assert_eq!(understood.requests.len(), count, "{text}: {:?}", understood.requests);
                    for (n, request) in understood.requests.iter().enumerate() {
                        let Request::RemindMe { time, topic, .. } = request else { panic!("{text}: {request:?}") };
                        assert_eq!(say_time(&time.meaning), format!("{date}T{:02}:00", hours[n]), "{text}");
                        let own = |k: usize| topic.contains(tasks[k]) == (k == n);
                        assert!((0..3).all(own), "{text}: {topic}");
                    }
                }
            }
        }
    }
    assert!(made > 500, "only {made} sentences");
}

#[test]
fn a_condition_instead_of_a_time_is_kept_in_what_the_request_is_about() {
    for said in SAID {
        for condition in said.conditions {
            for text in said.hanging.iter().map(|hanging| hanging(condition)) {
                let understood = understand(&text, &context(said.language));
                let [Request::RemindMe { time, topic, .. } | Request::WriteToMe { time, topic, .. }] =
                    understood.requests.as_slice()
                else {
                    panic!("{text}: {:?}", understood.requests)
                };
                assert_eq!((&time.meaning, topic.as_str()), (&Meaning::None, *condition), "{text}");
                assert!(hangs_on_condition(topic), "{text}");
            }
        }
        for text in said.courtesies {
            assert_eq!(understand(text, &context(said.language)).requests, [Request::Other], "{text}");
        }
        assert!(!hangs_on_condition(said.tasks[0]) && !hangs_on_condition(""));
    }
}
