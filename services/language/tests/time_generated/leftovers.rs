//! A time-like word beside a phrase always counts: adding one never leaves the answer as it was, unless a rule makes it redundant.

use steward_language::{
    Language,
    time::{Meaning, parse},
};

use crate::context;

/// Phrases, and what may be added before or behind each without being redundant.
struct Property {
    language: Language,
    phrases: &'static [&'static str],
    behind: &'static [&'static str],
    before: &'static [&'static str],
}

const PROPERTIES: [Property; 6] = [
    Property {
        language: Language::En,
        phrases: &[
            "tomorrow",
            "on Friday",
            "in a week",
            "December 5",
            "the day after tomorrow",
            "next Tuesday",
            "on the 27th",
        ],
        behind: &[
            "at 14:20",
            "at 1430",
            "230pm",
            "at 25:00",
            "at 12:75",
            "at 31",
            "at 9:5",
            "at 6",
            "at half four",
            "in the evening",
            "first thing",
            "at midnight",
            "before lunch",
            "before the meeting",
            "after work",
            "10 minutes before the call",
            "this time",
            "early",
            "later",
            "4 pm PST",
            "or on Sunday",
            "not at 10",
            "quarter past nine",
            "at 5 minutes",
            "around 3",
            "by 5 pm",
            "15:45 CET",
            "twenty to six",
            "at 16h",
            "at seven oh five",
        ],
        before: &["at 1430", "at 25:00", "5 pm", "half past three", "early", "late", "the week before", "at 6"],
    },
    Property {
        language: Language::En,
        phrases: &["tomorrow at 10:20", "on Friday at 10:20", "December 5 at 10:20", "in a week at 10:20"],
        behind: &[
            "PST",
            "Tokyo time",
            "Lagos time",
            "GMT-7",
            "UTC+9",
            "or 11:40",
            "in the evening",
            "pm",
            "at 11:40",
            "on the 3rd",
            "on Sunday",
            "next month",
            "in June",
            "every day",
        ],
        before: &["on the 3rd", "in June", "every day", "not", "11:40 or", "Sunday"],
    },
    Property {
        language: Language::Es,
        phrases: &["mañana", "el viernes", "en una semana", "el 5 de diciembre", "pasado mañana", "el 27"],
        behind: &[
            "a las 14:20",
            "a las 1430",
            "a las 25:00",
            "a las 12:75",
            "a las 31",
            "a las 6",
            "a las cuatro y media",
            "por la noche",
            "a primera hora",
            "a medianoche",
            "antes de comer",
            "antes de la reunión",
            "después del trabajo",
            "temprano",
            "más tarde",
            "a las 16 CET",
            "o el domingo",
            "a esta hora",
            "sobre las 3",
            "antes de las 5",
            "a las 8,45",
            "a las 9'30",
            "a las seis cero cinco",
            "a las 4 hora de Tokio",
            "diez minutos antes de la llamada",
        ],
        before: &["a las 1430", "a las 25:00", "a las 6", "temprano", "a las 5 y media"],
    },
    Property {
        language: Language::Es,
        phrases: &["mañana a las 10:20", "el viernes a las 10:20", "el 5 de diciembre a las 10:20"],
        behind: &[
            "PST",
            "hora de Tokio",
            "hora de Quito",
            "UTC+9",
            "o a las 11:40",
            "de la noche",
            "pm",
            "el 3",
            "el domingo",
            "en junio",
            "cada día",
        ],
        before: &["el 3", "en junio", "cada día", "a las 11:40 o", "el domingo"],
    },
    Property {
        language: Language::Ru,
        phrases: &["завтра", "в пятницу", "через неделю", "5 декабря", "послезавтра", "27-го"],
        behind: &[
            "в 14:20",
            "в 1430",
            "в 25:00",
            "в 12:75",
            "в 31",
            "в 6",
            "в полпятого",
            "вечером",
            "первым делом",
            "в полночь",
            "до обеда",
            "перед встречей",
            "после работы",
            "за 10 минут до звонка",
            "попозже",
            "пораньше",
            "в 16 по Москве",
            "или в воскресенье",
            "в это же время",
            "около 3",
            "до 17",
            "в 9.05",
            "в 8 вечера 15 минут",
            "без четверти три",
            "часов в 6",
            "в восемь ноль пять",
            "в 4 по Гавайям",
            "к 6 вечера",
        ],
        before: &["в 1430", "в 25:00", "в 6 вечера", "рано", "поздно", "за день до", "в полпятого"],
    },
    Property {
        language: Language::Ru,
        phrases: &["завтра в 10:20", "в пятницу в 10:20", "5 декабря в 10:20", "через неделю в 10:20"],
        behind: &[
            "мск",
            "по Токио",
            "по Гавайям",
            "utc+9",
            "или в 11:40",
            "вечера",
            "3-го",
            "в воскресенье",
            "в июне",
            "каждый день",
        ],
        before: &["3-го", "в июне", "каждый день", "не", "в 11:40 или", "в воскресенье"],
    },
];

#[test]
fn a_time_like_word_beside_a_phrase_never_leaves_its_answer_as_it_was() {
    let mut unchanged = Vec::new();
    let mut tried = 0;
    for property in &PROPERTIES {
        let context = context(property.language, "2026-11-18T12:30:00".parse().unwrap());
        for phrase in property.phrases {
            let Meaning::Instant(alone) = parse(phrase, &context) else { panic!("{phrase} is no instant") };
            let behind = property.behind.iter().flat_map(|word| {
                [format!("{phrase} {word}"), format!("{phrase}, {word}"), format!("{phrase} ({word})")]
            });
            let before = property.before.iter().map(|word| format!("{word} {phrase}"));
            for text in behind.chain(before) {
                tried += 1;
                // "in a week later" is "in a week"
                let again = phrase.starts_with("in ") && text.ends_with("later")
                    || phrase.starts_with("en ") && text.ends_with("más tarde");
                if !again && matches!(parse(&text, &context), Meaning::Instant(moment) if moment.at == alone.at) {
                    unchanged.push(text);
                }
            }
        }
    }
    println!("{tried} additions tried");
    assert!(unchanged.is_empty(), "{} of {tried} change nothing:\n{}", unchanged.len(), unchanged.join("\n"));
}

#[test]
fn what_is_no_time_beside_a_phrase_changes_nothing() {
    let cases: [(Language, &[&str], &[&str]); 3] = [
        (
            Language::En,
            &["tomorrow", "on Friday", "tomorrow at 10:20"],
            &[
                "to buy 3 bottles",
                "about invoice 1430",
                "room 12",
                "in room 12",
                "version 2.30",
                "at $5.30",
                "for 5 people",
                "that I owe 300 euros",
                "gate 17",
                "to buy milk at 1.20 a litre",
                "to sell at 12.50 per share",
                "about bus 15",
                "my number is 555 123 456",
                "to score 3:2",
                "page 12",
                "for 20%",
                "to call +1 555 0100",
                "https://example.com/9:30",
            ],
        ),
        (
            Language::Es,
            &["mañana", "el viernes", "mañana a las 10:20"],
            &[
                "comprar 3 botellas",
                "lo de la factura 1430",
                "en la sala 12",
                "versión 2.30",
                "por 5 euros",
                "para 5 personas",
                "que debo 300 euros",
                "puerta 17",
                "comprar leche a 1,20 el litro",
                "lo del autobús 15",
                "mi número es 612 345 678",
                "página 12",
                "un 20%",
                "https://example.com/9:30",
            ],
        ),
        (
            Language::Ru,
            &["завтра", "в пятницу", "завтра в 10:20"],
            &[
                "купить 3 бутылки",
                "про счёт 1430",
                "в кабинете 12",
                "версия 2.30",
                "за 5 рублей",
                "на 5 человек",
                "что должен 300 евро",
                "про заказ 17",
                "купить молоко по 1.20",
                "автобус 15",
                "мой номер 8 916 123 45 67",
                "страница 12",
                "скидка 20%",
                "https://example.com/9:30",
                "5 бутылок воды",
            ],
        ),
    ];
    let mut changed = Vec::new();
    for (language, phrases, words) in cases {
        let context = context(language, "2026-11-18T12:30:00".parse().unwrap());
        for phrase in phrases {
            let Meaning::Instant(alone) = parse(phrase, &context) else { panic!("{phrase} is no instant") };
            for word in words {
                let text = format!("{phrase} {word}");
                match parse(&text, &context) {
                    Meaning::Instant(moment) if moment.at == alone.at => {}
                    other => changed.push(format!("{text}: {other:?}")),
                }
            }
        }
    }
    assert!(changed.is_empty(), "{} change the answer:\n{}", changed.len(), changed.join("\n"));
}

/// A length of a few units, or of others: how long it is isn't said.
#[test]
fn a_length_with_another_unit_behind_or_is_no_instant() {
    let cases: [(Language, &str, &str, &[&str]); 3] = [
        (Language::En, "in a few", "or", &["hours", "days", "weeks", "months"]),
        (Language::Ru, "через несколько", "или", &["часов", "дней", "недель", "месяцев"]),
        (Language::Es, "dentro de varios", "o", &["días", "meses"]),
    ];
    for (language, opening, or, units) in cases {
        let context = context(language, "2026-11-18T12:30:00".parse().unwrap());
        for one in units {
            for other in units.iter().filter(|unit| *unit != one) {
                for behind in ["", ", please"] {
                    let text = format!("{opening} {one} {or} {other}{behind}");
                    assert!(!matches!(parse(&text, &context), Meaning::Instant(_)), "{text}");
                }
            }
        }
    }
}
