//! Russian phrases and what they mean.

use chrono::{Datelike, Days, NaiveDate, NaiveTime, Weekday};
use chrono_tz::Tz;

use crate::{Book, FOLLOWUP, Now, by_day, clock, counted};

pub const AROUND: [(&str, &str); 10] = [
    ("напиши ", ""),
    ("напомни ", " про договор"),
    ("пожалуйста, напишите мне ", "!"),
    ("привет, можешь написать ", "?"),
    ("", " пожалуйста"),
    ("набери меня ", ", спасибо"),
    ("ок, ", " тогда"),
    ("напомни ", " позвонить Ане"),
    ("Позвоните ", ". Спасибо."),
    ("напомни ", ", что это стоит 300 ₽"),
];

const HOURS: [&str; 13] = [
    "ноль",
    "час",
    "два",
    "три",
    "четыре",
    "пять",
    "шесть",
    "семь",
    "восемь",
    "девять",
    "десять",
    "одиннадцать",
    "двенадцать",
];
const OF_HOURS: [&str; 13] = [
    "",
    "первого",
    "второго",
    "третьего",
    "четвертого",
    "пятого",
    "шестого",
    "седьмого",
    "восьмого",
    "девятого",
    "десятого",
    "одиннадцатого",
    "двенадцатого",
];

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("в понедельник", Weekday::Mon),
    ("во вторник", Weekday::Tue),
    ("в среду", Weekday::Wed),
    ("в четверг", Weekday::Thu),
    ("в пятницу", Weekday::Fri),
    ("в субботу", Weekday::Sat),
    ("в воскресенье", Weekday::Sun),
];

const MONTHS: [&str; 12] = [
    "января",
    "февраля",
    "марта",
    "апреля",
    "мая",
    "июня",
    "июля",
    "августа",
    "сентября",
    "октября",
    "ноября",
    "декабря",
];

fn clocks(hour: u32, minute: u32) -> Vec<(String, NaiveTime)> {
    let bare = clock(by_day(hour), minute);
    let mut said = vec![
        (format!("в {hour:02}:{minute:02}"), clock(hour, minute)),
        (format!("в {hour:02}{minute:02}"), clock(hour, minute)),
        (format!("в {hour}:{minute:02}"), bare),
        (format!("в {hour}.{minute:02}"), bare),
        (format!("в {hour}-{minute:02}"), bare),
        (format!("в {hour} {minute:02}"), bare),
        (format!("в {hour}ч{minute:02}"), bare),
        (format!("в {hour}: {minute:02}"), bare),
    ];
    if (1..=11).contains(&hour) {
        for (part, plus) in [("утра", 0), ("вечера", 12)] {
            if part == "вечера" && hour < 5 || part == "утра" && hour < 4 {
                continue;
            }
            let time = clock(hour + plus, minute);
            said.push((format!("в {hour}:{minute:02} {part}"), time));
            if minute == 0 {
                said.push((format!("в {hour} {part}"), time));
                said.push((format!("в {} часов {part}", HOURS[hour as usize]), time));
            } else {
                said.push((format!("в {hour} {part} {minute} минут"), time));
                said.push((format!("в {hour} часов {minute} минут {part}"), time));
            }
            if minute == 30 {
                said.push((format!("в половине {} {part}", OF_HOURS[hour as usize + 1]), time));
            }
        }
        if minute == 30 {
            said.push((format!("в пол{}", OF_HOURS[hour as usize + 1]), bare));
            said.push((format!("в половине {}", OF_HOURS[hour as usize + 1]), bare));
        }
        if minute == 45 && hour < 11 {
            said.push((format!("без четверти {}", HOURS[hour as usize + 1]), bare));
            said.push((format!("без пятнадцати {}", HOURS[hour as usize + 1]), bare));
        }
        if minute == 5 && hour > 1 {
            said.push((format!("в {} ноль пять", HOURS[hour as usize]), bare));
        }
        if minute == 20 && hour > 1 {
            said.push((format!("в {} двадцать", HOURS[hour as usize]), bare));
        }
        if minute == 0 && hour > 1 {
            said.push((format!("в {hour}"), bare));
            said.push((format!("часов в {hour}"), bare));
            said.push((format!("в {}", HOURS[hour as usize]), bare));
        }
    }
    said
}

fn days(now: Now) -> Vec<(String, NaiveDate)> {
    let mut said = vec![
        ("завтра".to_owned(), now.day(1)),
        ("послезавтра".to_owned(), now.day(2)),
        ("через неделю".to_owned(), now.day(7)),
        ("через 3 дня".to_owned(), now.day(3)),
    ];
    for (name, weekday) in WEEKDAYS {
        let nearest = now.weekday(weekday);
        said.push((name.to_owned(), nearest));
        said.push((format!("{name}, {}", nearest.format("%d.%m")), nearest));
        said.push((format!("{name} {}.{}", nearest.day(), nearest.month()), nearest));
        if !name.ends_with("воскресенье") {
            let this = if name.ends_with('у') { "эту" } else { "этот" };
            said.push((format!("{name}, но не {this}"), nearest + Days::new(7)));
        }
    }
    for day in [3, 11, 22, 28] {
        said.push((format!("{day} числа следующего месяца"), now.of_month(day, 1)));
        said.push((format!("в следующем месяце {day} числа"), now.of_month(day, 1)));
        said.push((format!("в следующем месяце, {day}-го"), now.of_month(day, 1)));
    }
    for (month, day) in [(1, 5), (2, 14), (4, 21), (6, 30), (9, 3), (12, 8)] {
        let date = now.date(month, day);
        let name = MONTHS[month as usize - 1];
        said.push((format!("{day} {name}"), date));
        said.push((format!("{day}-го {name}"), date));
        said.push((format!("{day}.{month:02}.{}", date.format("%Y")), date));
    }
    said
}

/// "Second" and "third", and the weekday they belong to, in the accusative.
const LATER: [(&str, &str, &str); 7] = [
    ("второй", "третий", "понедельник"),
    ("второй", "третий", "вторник"),
    ("вторую", "третью", "среду"),
    ("второй", "третий", "четверг"),
    ("вторую", "третью", "пятницу"),
    ("вторую", "третью", "субботу"),
    ("второе", "третье", "воскресенье"),
];

const COUNTED: counted::Words = counted::Words {
    lengths: &[("5 минут", 5), ("20 минут", 20), ("полчаса", 30), ("час", 60), ("два часа", 120)],
    before: |length, clock| format!("завтра за {length} до {clock}"),
    behind: |length, clock| format!("завтра через {length} после {clock}"),
    weekday_behind: |weekday, n, (month, day)| {
        let date = format!("{day} {}", MONTHS[month as usize - 1]);
        let (second, third, name) = LATER[weekday];
        match n {
            1 => format!("{} после {date}", WEEKDAYS[weekday].0),
            2 => format!("во {second} {name} после {date}"),
            _ => format!("в {third} {name} после {date}"),
        }
    },
    weekday_before: |weekday, (month, day)| {
        format!("{} перед {day} {}", WEEKDAYS[weekday].0, MONTHS[month as usize - 1])
    },
    places: &[
        ("по Москве", Tz::Europe__Moscow),
        ("по Киеву", Tz::Europe__Kyiv),
        ("по Лондону", Tz::Europe__London),
        ("по Екатеринбургу", Tz::Asia__Yekaterinburg),
        ("по Мадриду", Tz::Europe__Madrid),
        ("по Нью-Йорку", Tz::America__New_York),
    ],
    there: |clock, place| format!("завтра в {clock} {place}"),
    range: &[|from, to| format!("завтра с {from} до {to}"), |from, to| format!("завтра между {from} и {to}")],
};

pub fn make(book: &mut Book) {
    counted::make(book, &COUNTED);
    let now = book.now;
    let times: Vec<(String, NaiveTime)> = (2..=23)
        .flat_map(|hour| [0, 5, 10, 15, 20, 30, 40, 45, 50, 55].into_iter().map(move |minute| (hour, minute)))
        .flat_map(|(hour, minute)| clocks(hour, minute))
        .collect();
    let all = days(now);
    for (number, (text, time)) in times.iter().enumerate() {
        for step in 0..2 {
            let (day, date) = &all[(number + step * 13) % all.len()];
            book.add("day and clock", format!("{day} {text}"), date.and_time(*time));
        }
        book.add("clock and day", format!("{text} завтра"), now.day(1).and_time(*time));
        let day = 1 + u32::try_from(number % 28).unwrap();
        book.add(
            "day of the month and clock",
            format!("{day}-го {text}"),
            now.day_of_month(day, *time).and_time(*time),
        );
    }
    for (day, date) in &all {
        book.add("bare day", day, date.and_time(clock(FOLLOWUP, 0)));
        for (part, hour) in
            [("утром", 10), ("днём", 15), ("в обед", 13), ("после обеда", 15), ("вечером", 19), ("поздно вечером", 22)]
        {
            book.add("day and part", format!("{day} {part}"), date.and_time(clock(hour, 0)));
        }
    }
    for (month, day) in [(1, 5), (2, 14), (4, 21), (6, 30), (9, 3), (12, 8)] {
        let date = now.date(month, day);
        for (text, time) in
            [("в 10", clock(10, 0)), ("в 18:30", clock(18, 30)), ("утром", clock(10, 0)), ("вечером", clock(19, 0))]
        {
            book.add("date in digits", format!("{day}.{month:02} {text}"), date.and_time(time));
            book.add("date in digits", format!("{day:02}.{month:02} {text}"), date.and_time(time));
            book.add("date in digits", format!("{day}.{month}.{} {text}", date.format("%y")), date.and_time(time));
        }
        book.add("date in digits", format!("{day}.{month:02}. в 10"), date.and_time(clock(10, 0)));
    }
    for hours in 1..=9_i64 {
        let unit = match hours {
            1 => "час",
            2..=4 => "часа",
            _ => "часов",
        };
        for minutes in [5, 10, 15, 20, 25, 30, 40, 45, 50, 55] {
            let at = now.later(hours, minutes);
            for text in [
                format!("через {hours}ч {minutes}"),
                format!("через {hours}ч{minutes:02}"),
                format!("через {hours}ч {minutes}м"),
                format!("через {hours} {unit} {minutes} минут"),
                format!("через {hours} {unit} и {minutes} минут"),
                format!("через {hours} {unit} {minutes}"),
            ] {
                book.add("hours and minutes", text, at);
            }
        }
        book.add("hours and a fraction", format!("через {hours} {unit} с четвертью"), now.later(hours, 15));
        book.add("hours and a fraction", format!("через {hours} с половиной часа"), now.later(hours, 30));
    }
    for months in 1..=11_u32 {
        let word = match months {
            1 => "месяц".to_owned(),
            2..=4 => format!("{months} месяца"),
            _ => format!("{months} месяцев"),
        };
        let time = clock(FOLLOWUP, 0);
        book.add("calendar lengths", format!("через {word}"), now.months(months).and_time(time));
        book.add(
            "calendar lengths",
            format!("через {word} и неделю"),
            (now.months(months) + Days::new(7)).and_time(time),
        );
        book.add(
            "calendar lengths",
            format!("через {word} и 3 дня"),
            (now.months(months) + Days::new(3)).and_time(time),
        );
    }
    for (name, weekday) in WEEKDAYS {
        for same in ["в это же время", "в то же время"] {
            book.add("same time", format!("{name} {same}"), now.weekday(weekday).and_time(now.0.time()));
        }
    }
}
