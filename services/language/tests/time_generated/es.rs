//! Spanish phrases and what they mean.

use chrono::{Datelike, Days, NaiveDate, NaiveTime, Weekday};
use chrono_tz::Tz;

use crate::{Book, FOLLOWUP, Now, by_day, clock, counted};

pub const AROUND: [(&str, &str); 10] = [
    ("escríbeme ", ""),
    ("recuérdame ", " lo del contrato"),
    ("por favor, llámame ", "!"),
    ("hola, ¿me escribes ", "?"),
    ("", " por favor"),
    ("avísame ", ", gracias"),
    ("vale, ", " entonces"),
    ("recuérdame ", " llamar a Ana"),
    ("Escríbame ", ". Gracias."),
    ("recuérdame ", " que cuesta 300 €"),
];

const NUMBERS: [&str; 13] =
    ["cero", "una", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez", "once", "doce"];

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("lunes", Weekday::Mon),
    ("martes", Weekday::Tue),
    ("miércoles", Weekday::Wed),
    ("jueves", Weekday::Thu),
    ("viernes", Weekday::Fri),
    ("sábado", Weekday::Sat),
    ("domingo", Weekday::Sun),
];

const MONTHS: [&str; 12] = [
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
];

fn clocks(hour: u32, minute: u32) -> Vec<(String, NaiveTime)> {
    let article = if hour == 1 { "a la" } else { "a las" };
    let mut said = vec![
        (format!("a las {hour:02}:{minute:02}"), clock(hour, minute)),
        (format!("a las {hour:02}{minute:02}"), clock(hour, minute)),
    ];
    let bare = clock(by_day(hour), minute);
    if hour >= 1 {
        said.push((format!("{article} {hour}:{minute:02}"), bare));
        said.push((format!("{article} {hour}'{minute:02}"), bare));
        said.push((format!("{article} {hour},{minute:02}"), bare));
        said.push((format!("{article} {hour}.{minute:02}"), bare));
        said.push((format!("{article} {hour}h{minute:02}"), bare));
        said.push((format!("{article} {hour}: {minute:02}"), bare));
    }
    if (1..=11).contains(&hour) {
        let word = NUMBERS[hour as usize];
        for (part, plus) in [("de la mañana", 0), ("de la tarde", 12), ("de la noche", 12)] {
            if plus == 12 && (part.ends_with("tarde") != (hour <= 8)) || part.ends_with("noche") && hour < 8 {
                continue;
            }
            let time = clock(hour + plus, minute);
            match minute {
                0 => {
                    said.push((format!("{article} {word} {part}"), time));
                    said.push((format!("{article} {hour} {part}"), time));
                }
                15 => {
                    said.push((format!("{article} {word} y cuarto {part}"), time));
                    said.push((format!("{article} {hour} {part} y cuarto"), time));
                }
                30 => {
                    said.push((format!("{article} {word} y media {part}"), time));
                    said.push((format!("{article} {hour} {part} y media"), time));
                }
                20 => said.push((format!("{article} {word} y veinte {part}"), time)),
                _ => {}
            }
        }
        said.push((format!("{article} {hour}:{minute:02} pm"), clock(hour + 12, minute)));
        said.push((format!("{article} {hour}:{minute:02} a.m."), clock(hour, minute)));
        match minute {
            0 => said.push((format!("{article} {word}"), bare)),
            5 => said.push((format!("{article} {word} cero cinco"), bare)),
            10 => said.push((format!("{article} {word} y diez"), bare)),
            15 => said.push((format!("{article} {word} y cuarto"), bare)),
            30 => said.push((format!("{article} {word} y media"), bare)),
            45 => {
                said.push((format!("a las {} menos cuarto", NUMBERS[hour as usize + 1]), bare));
            }
            _ => {}
        }
    }
    said
}

fn days(now: Now) -> Vec<(String, NaiveDate)> {
    let mut said = vec![
        ("mañana".to_owned(), now.day(1)),
        ("pasado mañana".to_owned(), now.day(2)),
        ("mañana en ocho".to_owned(), now.day(8)),
        ("dentro de ocho días".to_owned(), now.day(7)),
        ("dentro de quince días".to_owned(), now.day(14)),
        ("dentro de 15 días".to_owned(), now.day(15)),
    ];
    for (name, weekday) in WEEKDAYS {
        let nearest = now.weekday(weekday);
        said.push((format!("el {name}"), nearest));
        said.push((format!("el {name} que viene"), nearest));
        said.push((format!("el próximo {name}"), nearest));
        said.push((format!("el {name} en ocho"), nearest + Days::new(7)));
        said.push((format!("del {name} en quince"), nearest + Days::new(14)));
        said.push((format!("el {name}, pero no este"), nearest + Days::new(7)));
        said.push((format!("el {name} {}", nearest.day()), nearest));
        said.push((format!("{name} {}", nearest.day()), nearest));
    }
    for day in [3, 11, 22, 28] {
        said.push((format!("el {day} del mes que viene"), now.of_month(day, 1)));
        said.push((format!("el mes que viene, el {day}"), now.of_month(day, 1)));
        said.push((format!("el próximo mes el día {day}"), now.of_month(day, 1)));
    }
    for (month, day) in [(1, 5), (2, 14), (4, 21), (6, 30), (9, 3), (12, 8)] {
        let date = now.date(month, day);
        let name = MONTHS[month as usize - 1];
        said.push((format!("el {day} de {name}"), date));
        said.push((format!("el {day}/{month}"), date));
        said.push((format!("el {day}/{month}/{}", date.format("%y")), date));
        said.push((format!("el {day}-{month}-{}", date.format("%y")), date));
        said.push((format!("el {day} del {month}"), date));
    }
    said
}

const ORDINALS: [&str; 4] = ["", "primer", "segundo", "tercer"];

const COUNTED: counted::Words = counted::Words {
    lengths: &[("5 minutos", 5), ("20 minutos", 20), ("media hora", 30), ("una hora", 60), ("dos horas", 120)],
    before: |length, clock| format!("mañana {length} antes de las {clock}"),
    behind: |length, clock| format!("mañana {length} después de las {clock}"),
    weekday_behind: |weekday, n, (month, day)| {
        format!("el {} {} después del {day} de {}", ORDINALS[n], WEEKDAYS[weekday].0, MONTHS[month as usize - 1])
    },
    weekday_before: |weekday, (month, day)| {
        format!("el {} antes del {day} de {}", WEEKDAYS[weekday].0, MONTHS[month as usize - 1])
    },
    places: &[
        ("hora de Moscú", Tz::Europe__Moscow),
        ("en Londres", Tz::Europe__London),
        ("hora de Buenos Aires", Tz::America__Argentina__Buenos_Aires),
        ("en Buenos Aires", Tz::America__Argentina__Buenos_Aires),
        ("en Lima", Tz::America__Lima),
        ("hora de Ciudad de México", Tz::America__Mexico_City),
        ("en Madrid", Tz::Europe__Madrid),
    ],
    there: |clock, place| format!("mañana a las {clock} {place}"),
    range: &[|from, to| format!("mañana entre las {from} y las {to}"), |from, to| format!("mañana de {from} a {to}")],
};

pub fn make(book: &mut Book) {
    counted::make(book, &COUNTED);
    let now = book.now;
    let times: Vec<(String, NaiveTime)> = (1..=23)
        .flat_map(|hour| [0, 5, 10, 15, 20, 30, 40, 45, 50, 55].into_iter().map(move |minute| (hour, minute)))
        .flat_map(|(hour, minute)| clocks(hour, minute))
        .collect();
    let all = days(now);
    for (number, (text, time)) in times.iter().enumerate() {
        for step in 0..2 {
            let (day, date) = &all[(number + step * 13) % all.len()];
            book.add("day and clock", format!("{day} {text}"), date.and_time(*time));
        }
        let day = 1 + u32::try_from(number % 28).unwrap();
        book.add(
            "day of the month and clock",
            format!("el {day} {text}"),
            now.day_of_month(day, *time).and_time(*time),
        );
    }
    for (day, date) in &all {
        book.add("bare day", day, date.and_time(clock(FOLLOWUP, 0)));
        for (part, hour) in [
            ("a primera hora", 9),
            ("por la mañana", 10),
            ("al mediodía", 12),
            ("después de comer", 15),
            ("por la tarde", 15),
            ("por la noche", 19),
            ("a última hora", 18),
        ] {
            book.add("day and part", format!("{day} {part}"), date.and_time(clock(hour, 0)));
        }
    }
    for day in 1..=28 {
        for (part, hour) in [("por la mañana", 10), ("por la tarde", 15), ("por la noche", 19), ("a mediodía", 12)] {
            let time = clock(hour, 0);
            book.add(
                "day of the month and part",
                format!("el {day} {part}"),
                now.day_of_month(day, time).and_time(time),
            );
        }
    }
    for hours in 1..=9_i64 {
        let word = NUMBERS[usize::try_from(hours).unwrap()];
        let unit = if hours == 1 { "hora" } else { "horas" };
        for minutes in [5, 10, 15, 20, 25, 30, 40, 45, 50, 55] {
            let at = now.later(hours, minutes);
            for text in [
                format!("en {hours}h{minutes:02}"),
                format!("en {hours} h {minutes} min"),
                format!("dentro de {hours} {unit} {minutes}"),
                format!("en {word} {unit} y {minutes} minutos"),
                format!("dentro de {hours} {unit} y {minutes}"),
            ] {
                book.add("hours and minutes", text, at);
            }
        }
        book.add("hours and a fraction", format!("en {word} {unit} y cuarto"), now.later(hours, 15));
        book.add("hours and a fraction", format!("dentro de {word} {unit} y media"), now.later(hours, 30));
    }
    for months in 1..=11_u32 {
        let word = if months == 1 { "un mes".to_owned() } else { format!("{months} meses") };
        let time = clock(FOLLOWUP, 0);
        book.add("calendar lengths", format!("en {word}"), now.months(months).and_time(time));
        book.add(
            "calendar lengths",
            format!("en {word} y una semana"),
            (now.months(months) + Days::new(7)).and_time(time),
        );
        book.add("calendar lengths", format!("en {word} y 3 días"), (now.months(months) + Days::new(3)).and_time(time));
    }
    for (name, weekday) in WEEKDAYS {
        for same in ["a la misma hora", "a esta hora"] {
            book.add("same time", format!("el {name} {same}"), now.weekday(weekday).and_time(now.0.time()));
        }
    }
}
