//! English phrases and what they mean.

use chrono::{NaiveDate, NaiveTime, Weekday};
use chrono_tz::Tz;

use crate::{Book, FOLLOWUP, Now, by_day, clock, counted};

pub const AROUND: [(&str, &str); 10] = [
    ("ping me ", ""),
    ("remind me ", " about the contract"),
    ("please write to me ", "!"),
    ("hi, could you text me ", "?"),
    ("", " please"),
    ("message me ", ", thanks"),
    ("ok, ", " then"),
    ("remind me ", " to call Ana"),
    ("Call me ", ". Thanks!"),
    ("remind me ", " that it costs $300"),
];

const NUMBERS: [&str; 13] =
    ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("Monday", Weekday::Mon),
    ("Tuesday", Weekday::Tue),
    ("Wednesday", Weekday::Wed),
    ("Thursday", Weekday::Thu),
    ("Friday", Weekday::Fri),
    ("Saturday", Weekday::Sat),
    ("Sunday", Weekday::Sun),
];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

fn minutes_in_words(minute: u32) -> &'static str {
    match minute {
        5 => "five",
        10 => "ten",
        20 => "twenty",
        25 => "twenty-five",
        30 => "thirty",
        40 => "forty",
        45 => "forty-five",
        50 => "fifty",
        55 => "fifty-five",
        _ => "fifteen",
    }
}

/// Ways to say a time of day, and the time each means.
fn clocks(hour: u32, minute: u32) -> Vec<(String, NaiveTime)> {
    let mut said = vec![
        (format!("at {hour}:{minute:02}"), if hour < 10 { clock(by_day(hour), minute) } else { clock(hour, minute) }),
        (format!("at {hour:02}:{minute:02}"), clock(hour, minute)),
        (format!("at {hour:02}{minute:02}"), clock(hour, minute)),
        (format!("at {hour:02}h{minute:02}"), clock(hour, minute)),
    ];
    if (1..=11).contains(&hour) {
        for (half, plus) in [("am", 0), ("pm", 12), (" am", 0), (" p.m.", 12)] {
            said.push((format!("at {hour}:{minute:02}{half}"), clock(hour + plus, minute)));
            said.push((format!("{hour}{minute:02}{half}"), clock(hour + plus, minute)));
            said.push((format!("at {hour}.{minute:02}{half}"), clock(hour + plus, minute)));
        }
        let word = NUMBERS[hour as usize];
        if minute == 30 {
            said.push((format!("at half {word}"), clock(by_day(hour), 30)));
            said.push((format!("at half past {word}"), clock(by_day(hour), 30)));
        }
        if minute == 15 {
            said.push((format!("at quarter past {word}"), clock(by_day(hour), 15)));
            said.push((format!("at quarter after {hour}"), clock(by_day(hour), 15)));
        }
        if minute == 45 {
            said.push((format!("at quarter to {}", NUMBERS[hour as usize + 1]), clock(by_day(hour), 45)));
        }
        if minute == 20 {
            said.push((format!("at twenty after {word}"), clock(by_day(hour), 20)));
            said.push((format!("at twenty past {word}"), clock(by_day(hour), 20)));
        }
        if minute == 5 {
            said.push((format!("at {word} oh five"), clock(by_day(hour), 5)));
        }
        if minute >= 10 {
            said.push((format!("at {word} {}", minutes_in_words(minute)), clock(by_day(hour), minute)));
        }
        if minute == 0 {
            said.push((format!("at {hour}"), clock(by_day(hour), 0)));
            said.push((format!("at {word} o'clock"), clock(by_day(hour), 0)));
            said.push((format!("at {hour} in the morning"), clock(hour, 0)));
            if hour >= 5 {
                said.push((format!("at {word} in the evening"), clock(hour + 12, 0)));
            }
        }
    }
    said
}

/// Ways to say a day, and the day.
fn days(now: Now) -> Vec<(String, NaiveDate)> {
    let mut said = vec![
        ("tomorrow".to_owned(), now.day(1)),
        ("the day after tomorrow".to_owned(), now.day(2)),
        ("a week today".to_owned(), now.day(7)),
        ("in 3 days".to_owned(), now.day(3)),
    ];
    for (name, weekday) in WEEKDAYS {
        let nearest = now.weekday(weekday);
        said.push((format!("on {name}"), nearest));
        said.push((format!("a week on {name}"), nearest + chrono::Days::new(7)));
        said.push((format!("a fortnight on {name}"), nearest + chrono::Days::new(14)));
        said.push((format!("{name} week"), nearest + chrono::Days::new(7)));
        said.push((format!("the {name} after this one"), nearest + chrono::Days::new(7)));
    }
    for (day, th) in [(3, "rd"), (11, "th"), (22, "nd"), (28, "th")] {
        said.push((format!("on the {day}{th} of next month"), now.of_month(day, 1)));
        said.push((format!("next month on the {day}{th}"), now.of_month(day, 1)));
        said.push((format!("next month, the {day}{th}"), now.of_month(day, 1)));
    }
    for (month, day) in [(1, 5), (2, 14), (4, 21), (6, 30), (9, 3), (12, 8)] {
        let date = now.date(month, day);
        let name = MONTHS[month as usize - 1];
        let th = if day % 10 == 3 { "rd" } else { "th" };
        let th = if day == 21 { "st" } else { th };
        said.push((format!("in {name} on the {day}{th}"), date));
        said.push((format!("on {name} {day}"), date));
        said.push((format!("on {day} {name}"), date));
        said.push((format!("on {month}/{day}"), date));
        said.push((format!("{month}-{day}-{}", date.format("%y")), date));
        said.push((format!("on {}", date.format("%Y-%m-%d")), date));
    }
    said
}

const ORDINALS: [&str; 4] = ["", "first", "second", "third"];

const COUNTED: counted::Words = counted::Words {
    lengths: &[("5 minutes", 5), ("20 minutes", 20), ("half an hour", 30), ("an hour", 60), ("two hours", 120)],
    before: |length, clock| format!("tomorrow {length} before {clock}"),
    behind: |length, clock| format!("tomorrow {length} after {clock}"),
    weekday_behind: |weekday, n, (month, day)| {
        format!("the {} {} after {} {day}", ORDINALS[n], WEEKDAYS[weekday].0, MONTHS[month as usize - 1])
    },
    weekday_before: |weekday, (month, day)| {
        format!("the {} before {} {day}", WEEKDAYS[weekday].0, MONTHS[month as usize - 1])
    },
    places: &[
        ("Moscow time", Tz::Europe__Moscow),
        ("in Moscow", Tz::Europe__Moscow),
        ("in London", Tz::Europe__London),
        ("New York time", Tz::America__New_York),
        ("in New York", Tz::America__New_York),
        ("in Buenos Aires", Tz::America__Argentina__Buenos_Aires),
        ("in Tokyo", Tz::Asia__Tokyo),
        ("in Madrid", Tz::Europe__Madrid),
    ],
    there: |clock, place| format!("tomorrow at {clock} {place}"),
    range: &[
        |from, to| format!("tomorrow between {from} and {to}"),
        |from, to| format!("tomorrow from {from} to {to}"),
    ],
};

pub fn make(book: &mut Book) {
    counted::make(book, &COUNTED);
    let now = book.now;
    let times: Vec<(String, NaiveTime)> = (1..=23)
        .flat_map(|hour| [0, 5, 10, 15, 20, 25, 30, 40, 45, 50, 55].into_iter().map(move |minute| (hour, minute)))
        .flat_map(|(hour, minute)| clocks(hour, minute))
        .collect();
    for (number, (text, time)) in times.iter().enumerate() {
        let all = days(now);
        for step in 0..2 {
            let (day, date) = &all[(number + step * 11) % all.len()];
            book.add("day and clock", format!("{day} {text}"), date.and_time(*time));
        }
        book.add("clock and day", format!("{text} tomorrow"), now.day(1).and_time(*time));
    }
    let is_bare = |day: &str| !day.contains('-') || day.starts_with("on");
    for (day, date) in days(now).into_iter().filter(|(day, _)| is_bare(day)) {
        book.add("bare day", day, date.and_time(clock(FOLLOWUP, 0)));
    }
    for hour in 1..=12 {
        book.add("bare hour and day", format!("{hour} tomorrow"), now.day(1).and_time(clock(by_day(hour), 0)));
        book.add("bare hour and day", format!("tomorrow {hour}"), now.day(1).and_time(clock(by_day(hour), 0)));
    }
    for (part, hour) in [
        ("first thing", 9),
        ("in the morning", 10),
        ("at noon", 12),
        ("at lunch", 13),
        ("after lunch", 15),
        ("in the afternoon", 15),
        ("in the evening", 19),
        ("at night", 22),
        ("at the end of the day", 18),
    ] {
        for (day, date) in days(now).into_iter().filter(|(day, _)| is_bare(day)) {
            book.add("day and part", format!("{day} {part}"), date.and_time(clock(hour, 0)));
        }
    }
    for hours in 1..=9_i64 {
        let word = NUMBERS[usize::try_from(hours).unwrap()];
        let unit = if hours == 1 { "hour" } else { "hours" };
        for minutes in [5, 10, 15, 20, 25, 30, 40, 45, 50, 55] {
            let at = now.later(hours, minutes);
            let spoken = minutes_in_words(u32::try_from(minutes).unwrap());
            for text in [
                format!("in {hours}h{minutes:02}"),
                format!("in {hours}h {minutes}m"),
                format!("in {hours} {unit} {minutes}"),
                format!("in {hours} {unit} and {minutes} minutes"),
                format!("in {word} {unit} {spoken}"),
                format!("in {hours} hr {minutes} min"),
                format!("{hours} {unit} {minutes} minutes from now"),
            ] {
                book.add("hours and minutes", text, at);
            }
        }
        book.add("hours and a fraction", format!("in {word} {unit} and a quarter"), now.later(hours, 15));
        book.add("hours and a fraction", format!("in {hours} and a half hours"), now.later(hours, 30));
        book.add("hours and a fraction", format!("in {hours}.5 hours"), now.later(hours, 30));
    }
    for months in 1..=11_u32 {
        let word = if months == 1 { "a month".to_owned() } else { format!("{months} months") };
        let time = clock(FOLLOWUP, 0);
        book.add("calendar lengths", format!("in {word}"), now.months(months).and_time(time));
        book.add(
            "calendar lengths",
            format!("in {word} and a week"),
            (now.months(months) + chrono::Days::new(7)).and_time(time),
        );
        book.add(
            "calendar lengths",
            format!("in {word} and 3 days"),
            (now.months(months) + chrono::Days::new(3)).and_time(time),
        );
    }
    for (name, _) in WEEKDAYS {
        let day = WEEKDAYS.iter().find(|(n, _)| *n == name).map(|(_, w)| now.weekday(*w)).unwrap();
        book.add("same time", format!("same time on {name}"), day.and_time(now.0.time()));
        book.add("same time", format!("this time next {name}"), next_week(now, name).and_time(now.0.time()));
    }
    book.add("same time", "this time tomorrow", now.day(1).and_time(now.0.time()));
    for day in 1..=28 {
        let time = clock(16, 0);
        let ending = match day {
            1 | 21 => "st",
            2 | 22 => "nd",
            3 | 23 => "rd",
            _ => "th",
        };
        book.add(
            "day of the month",
            format!("on the {day}{ending} at 4pm"),
            now.day_of_month(day, time).and_time(time),
        );
        let date = now.day_of_month(day, time);
        let named = date.format("%A");
        book.add("day of the month", format!("{named} the {day}{ending} at 16:00"), date.and_time(time));
    }
}

/// That weekday of the next calendar week.
fn next_week(now: Now, name: &str) -> NaiveDate {
    let (index, _) = WEEKDAYS.iter().enumerate().find(|(_, (n, _))| *n == name).unwrap();
    let monday = now.weekday(Weekday::Mon);
    monday + chrono::Days::new(index as u64)
}
