//! What is said back in Russian.

use chrono::{DateTime, Datelike, NaiveDate};
use chrono_tz::Tz;

use crate::{
    understanding::Intent,
    wording::{Wording, clock, days_ahead, days_between, first_word, month, stopped, weekday},
};

pub struct Russian;

const WEEKDAYS: [&str; 7] =
    ["в понедельник", "во вторник", "в среду", "в четверг", "в пятницу", "в субботу", "в воскресенье"];
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
/// Words that join a topic to "написать" or "напоминаю" by themselves.
const JOINS: [&str; 11] = ["про", "о", "об", "обо", "насчёт", "насчет", "по", "относительно", "касательно", "с", "со"];

impl Wording for Russian {
    fn when(&self, at: &DateTime<Tz>, now: &DateTime<Tz>, seconds: bool) -> String {
        let clock = clock(at, seconds);
        match days_ahead(at, now) {
            0 => format!("сегодня в {clock}"),
            1 => format!("завтра в {clock}"),
            -1 => format!("вчера в {clock}"),
            _ => {
                let year = if at.year() == now.year() { String::new() } else { format!(" {} года", at.year()) };
                format!("{}, {} {}{year}, в {clock}", WEEKDAYS[weekday(at)], at.day(), MONTHS[month(at)])
            }
        }
    }

    fn day(&self, day: NaiveDate, today: NaiveDate) -> String {
        match days_between(day, today) {
            0 => "сегодня".to_owned(),
            1 => "завтра".to_owned(),
            -1 => "вчера".to_owned(),
            _ => {
                let year = if day.year() == today.year() { String::new() } else { format!(" {} года", day.year()) };
                format!("{}, {} {}{year}", WEEKDAYS[weekday(&day)], day.day(), MONTHS[month(&day)])
            }
        }
    }

    fn all_day(&self, last: Option<NaiveDate>) -> String {
        match last {
            None => "весь день".to_owned(),
            Some(last) => format!("весь день, по {} {} включительно", last.day(), MONTHS[month(&last)]),
        }
    }

    fn verb(&self, intent: Intent, will: bool) -> &'static str {
        match (intent, will) {
            (Intent::Write, true) => "напишу",
            (Intent::Write, false) => "написать",
            (Intent::Remind, true) => "напомню",
            (Intent::Remind, false) => "напомнить",
        }
    }

    fn and(&self) -> &'static str {
        "и"
    }

    fn or(&self) -> &'static str {
        "или"
    }

    fn confirmed(&self, intent: Intent, when: &str) -> String {
        match intent {
            Intent::Write => format!("Хорошо, напишу вам {when}"),
            Intent::Remind => format!("Хорошо, напомню {when}"),
        }
    }

    fn due_already(&self, intent: Intent, when: &str) -> String {
        match intent {
            Intent::Write => format!("Вы просили написать {when}; это время уже прошло, поэтому пишу сразу"),
            Intent::Remind => format!("Вы просили напомнить {when}; это время уже прошло, поэтому напоминаю сразу"),
        }
    }

    fn moved(&self, what: &str) -> String {
        format!("Хорошо, перенёс: {what}")
    }

    fn kept(&self, what: &str) -> String {
        format!("Хорошо, всё в силе: {what}")
    }

    fn others_kept(&self, what: &str) -> String {
        format!("Остальное в силе: {what}")
    }

    fn lost(&self, what: &str) -> String {
        format!("Вы написали, поэтому прежнее обещание отменено: {what}. Если оно ещё нужно, попросите снова.")
    }

    fn cancelled(&self, what: &str) -> String {
        format!("Хорошо, {what}")
    }

    fn promises(&self, what: &[String]) -> String {
        format!("Что я обещал:\n— {}", what.join("\n— "))
    }

    fn no_promises(&self) -> &'static str {
        "Сейчас я вам ничего не обещал."
    }

    fn not_there(&self, what: &str) -> String {
        format!("Такого обещания нет. Есть: {what}.")
    }

    fn which_to_cancel(&self, what: &str) -> String {
        format!("Что отменить: {what}? Назовите день или тему, например «отмени на завтра», или скажите «отмени все».")
    }

    fn which_to_move(&self, what: &str) -> String {
        format!("Что перенести: {what}? Назовите тему, например «перенеси про договор на завтра».")
    }

    fn ask_when(&self, intent: Intent) -> &'static str {
        match intent {
            Intent::Write => "Когда вам написать? Скажите, например, «напиши завтра в 10».",
            Intent::Remind => "Когда напомнить? Скажите, например, «напомни завтра в 10» и о чём.",
        }
    }

    fn ask_when_unseen(&self, intent: Intent) -> &'static str {
        match intent {
            Intent::Write => {
                "Сам я не увижу, когда это случится, поэтому нужно время. Когда вам написать? Скажите, например, «напиши завтра в 10»."
            }
            Intent::Remind => {
                "Сам я не увижу, когда это случится, поэтому нужно время. Когда напомнить? Скажите, например, «напомни завтра в 10»."
            }
        }
    }

    fn which_time(&self, readings: &str, intent: Intent) -> String {
        format!("Когда {}: {readings}? Назовите одно точное время.", self.verb(intent, false))
    }

    fn loose_time(&self, intent: Intent) -> &'static str {
        match intent {
            Intent::Write => {
                "Не понял, когда именно написать. Назовите точный день и час, например «напиши завтра в 10»."
            }
            Intent::Remind => {
                "Не понял, когда именно напомнить. Назовите точный день и час, например «напомни завтра в 10»."
            }
        }
    }

    fn already_past(&self, when: &str) -> String {
        format!("Это время уже прошло: {when}. Назовите время впереди.")
    }

    fn too_far(&self) -> &'static str {
        "Обещаю не дальше чем на два года вперёд. Назовите время поближе."
    }

    fn only_once(&self) -> &'static str {
        "Повторять я пока не умею. Назовите одно время, например «напомни завтра в 10»."
    }

    fn person_called(&self) -> &'static str {
        "Позвал человека: он увидит эту беседу и ответит."
    }

    fn noted(&self, what: &str) -> String {
        format!("Записал: {what}.")
    }

    fn noted_as_done(&self, what: &str) -> String {
        format!("Записал как сделанное: {what}.")
    }

    fn noted_as_gone(&self, what: &str) -> String {
        format!("Больше этого не учитываю: {what}.")
    }

    fn in_quotes(&self, words: &str) -> String {
        format!("«{words}»")
    }

    fn cannot_answer(&self) -> &'static str {
        "Ответить на это сам не могу. Умею написать или напомнить в нужное время («напиши завтра в 10 про договор») и позвать человека."
    }

    fn abilities(&self) -> &'static str {
        "Здравствуйте! Могу написать или напомнить о чём-нибудь в нужное время: «напиши завтра в 10 про договор», «напомни в пятницу позвонить Анне». Покажу, что обещал, перенесу или отменю; могу позвать человека."
    }

    fn unsure(&self, what: &str) -> String {
        format!(
            "Не совсем понял, поэтому всё остаётся как было: {what}. Чтобы перенести, назовите другое время; чтобы отменить, скажите «отмени»."
        )
    }

    fn opted_out(&self) -> &'static str {
        "Хорошо, больше писать вам не буду. Если понадоблюсь, просто попросите о чём-нибудь."
    }

    fn erasure(&self) -> &'static str {
        "Сам я ничего не удаляю: я передал человеку, что вы просите удалить ваши данные."
    }

    fn verb_not(&self, intent: Intent) -> &'static str {
        match intent {
            Intent::Write => "не буду писать",
            Intent::Remind => "не буду напоминать",
        }
    }

    fn more(&self, count: usize) -> String {
        format!("и ещё {count}")
    }

    fn too_many(&self) -> &'static str {
        "Обещаний уже слишком много, новое принять не могу. Отмените часть, например «отмени все», и попросите снова."
    }

    fn read_in_part(&self) -> &'static str {
        "Сообщение длинное: я прочитал только начало и мог что-то пропустить. Важное пришлите отдельным коротким сообщением."
    }

    fn failed(&self) -> &'static str {
        "У нас произошёл сбой, и прочитать ваше сообщение не получилось. Позвал человека: он его увидит."
    }

    fn buttons(&self) -> [&'static str; 3] {
        ["Всё верно", "Отменить", "На день позже"]
    }

    fn message(&self, intent: Intent, topic: &str) -> String {
        let first = first_word(topic);
        let joins = JOINS.contains(&first.as_str());
        match intent {
            Intent::Write if topic.is_empty() => "Здравствуйте! Вы просили написать вам сегодня.".to_owned(),
            Intent::Write if joins => stopped(format!("Здравствуйте! Вы просили написать {topic}")),
            Intent::Write => stopped(format!("Здравствуйте! Вы просили написать: {topic}")),
            Intent::Remind if topic.is_empty() => "Вы просили напомнить о себе сегодня.".to_owned(),
            Intent::Remind if joins => format!("Напоминаю {topic}"),
            Intent::Remind if first == "что" => format!("Напоминаю, {topic}"),
            Intent::Remind => format!("Напоминаю: {topic}"),
        }
    }

    fn frames(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("Здравствуйте! Вы просили написать: ", "."),
            ("Здравствуйте! Вы просили написать: ", ""),
            ("Здравствуйте! Вы просили написать ", "."),
            ("Здравствуйте! Вы просили написать ", ""),
            ("Напоминаю: ", ""),
            ("Напоминаю, ", ""),
            ("Напоминаю ", ""),
        ]
    }

    fn name_the_client(&self) -> &'static str {
        "Назовите клиента: /human_active @имя или id чата, /human_release …, \
         HUMAN: @имя или id чата, затем текст."
    }

    fn no_such_client(&self, client: &str) -> String {
        format!("Не нахожу {client}. Разговор начинается с первого сообщения клиента; можно назвать и id чата.")
    }

    fn no_human_active(&self, client: &str) -> String {
        format!("В разговоре с {client} никто из людей не участвует.")
    }
}
