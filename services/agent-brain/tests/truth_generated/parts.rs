//! The parts of replies in each language.

use chrono::{DateTime, Days, NaiveDate, TimeZone as _, Utc};
use steward_language::Language;

use crate::truth_world::ZONE;

/// A time as it is said: the words are made of the day and the hour, not read.
pub struct Time {
    pub at: DateTime<Utc>,
    /// "15:30".
    pub clock: String,
    /// "on Friday at 15:30".
    pub said: String,
    /// Behind a word that takes it: "(for) Friday at 15:30", "(на) пятницу, 15:30".
    pub to: String,
    /// "Friday's", "(за) пятницу": of the day alone.
    pub of: String,
}

pub struct Parts {
    pub times: Vec<Time>,
    /// What a promise begins with, and the verbs behind it.
    pub openers: &'static [&'static str],
    pub verbs: &'static [&'static str],
    /// Verbs that are in the first person by themselves.
    pub own_verbs: &'static [&'static str],
    /// What may stand before a claim and behind it.
    pub around: &'static [(&'static str, &'static str)],
    pub reminders: &'static [&'static str],
    pub cancelled: &'static [&'static str],
    pub moved: &'static [&'static str],
    pub booked: &'static [&'static str],
    /// `{v}`: an opener and a verb, that claim nothing here.
    pub offers: &'static [&'static str],
    pub harmless: &'static [&'static str],
    pub honest: &'static [&'static str],
    /// How the client asks.
    pub request: &'static str,
}

/// Days from the Wednesday on which it is said, hour and minute.
const TIMES: [(u64, u32, u32); 12] = [
    (1, 10, 0),
    (1, 16, 30),
    (2, 11, 0),
    (2, 18, 15),
    (3, 12, 30),
    (5, 13, 45),
    (6, 14, 0),
    (12, 16, 0),
    (17, 19, 30),
    (30, 10, 45),
    (44, 17, 0),
    (0, 15, 0),
];

type Names = [&'static str; 7];

fn times(said: impl Fn(u64, NaiveDate, &str) -> [String; 3]) -> Vec<Time> {
    let today = NaiveDate::from_ymd_opt(2026, 11, 18).expect("a day");
    TIMES
        .into_iter()
        .map(|(days, hour, minute)| {
            let day = today.checked_add_days(Days::new(days)).expect("a day");
            let local = day.and_hms_opt(hour, minute, 0).expect("a time");
            let clock = format!("{hour}:{minute:02}");
            let [said, to, of] = said(days, day, &clock);
            let at = ZONE.from_local_datetime(&local).single().expect("no clock change").to_utc();
            Time { at, clock, said, to, of }
        })
        .collect()
}

/// Whose name a day has when it is near, else its date.
fn name<'a>(days: u64, day: NaiveDate, today: &'a str, tomorrow: &'a str, names: &Names) -> Option<&'a str> {
    use chrono::Datelike as _;
    let weekday: &'static str = names[day.weekday().num_days_from_monday() as usize];
    match days {
        0 => Some(today),
        1 => Some(tomorrow),
        2..=6 => Some(weekday),
        _ => None,
    }
}

fn date(day: NaiveDate, months: [&str; 3]) -> String {
    use chrono::Datelike as _;
    // November, December and January are all that the times reach.
    let month = match day.month() {
        11 => months[0],
        12 => months[1],
        _ => months[2],
    };
    format!("{} {month}", day.day())
}

fn english() -> Vec<Time> {
    const DAYS: Names = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    times(|days, day, clock| match name(days, day, "today", "tomorrow", &DAYS) {
        Some(name) => {
            let on = if days > 1 { "on " } else { "" };
            [format!("{on}{name} at {clock}"), format!("{name} at {clock}"), name.to_owned()]
        }
        None => {
            let date = date(day, ["November", "December", "January"]);
            [format!("on {date} at {clock}"), format!("{date} at {clock}"), date]
        }
    })
}

fn russian() -> Vec<Time> {
    const DAYS: Names = ["понедельник", "вторник", "среду", "четверг", "пятницу", "субботу", "воскресенье"];
    times(|days, day, clock| match name(days, day, "сегодня", "завтра", &DAYS) {
        Some(name) => {
            let on = match name {
                "вторник" => "во ",
                "сегодня" | "завтра" => "",
                _ => "в ",
            };
            [format!("{on}{name} в {clock}"), format!("{name}, {clock}"), name.to_owned()]
        }
        None => {
            let date = date(day, ["ноября", "декабря", "января"]);
            [format!("{date} в {clock}"), format!("{date}, {clock}"), date]
        }
    })
}

fn spanish() -> Vec<Time> {
    const DAYS: Names = ["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"];
    times(|days, day, clock| match name(days, day, "hoy", "mañana", &DAYS) {
        Some(name) if days < 2 => {
            [format!("{name} a las {clock}"), format!("{name} a las {clock}"), format!("de {name}")]
        }
        Some(name) => [format!("el {name} a las {clock}"), format!("el {name} a las {clock}"), format!("del {name}")],
        None => {
            let date = date(day, ["de noviembre", "de diciembre", "de enero"]);
            [format!("el {date} a las {clock}"), format!("el {date} a las {clock}"), format!("del {date}")]
        }
    })
}

pub fn parts(language: Language) -> Parts {
    match language {
        Language::En => Parts {
            times: english(),
            openers: &["I'll ", "I will ", "We'll definitely ", "I'm going to ", "OK, I'll also ", "Let me "],
            verbs: &[
                "remind you",
                "write to you",
                "text you",
                "call you",
                "get back to you",
                "follow up with you",
                "ping you",
                "let you know",
                "send you a reminder",
                "check in with you",
            ],
            own_verbs: &["I've set a reminder", "You'll hear from me", "I promise to write to you"],
            around: &[("", ""), ("Sure! ", ", as you asked"), ("Thanks for asking — ", " about the contract")],
            reminders: &[
                "I've scheduled a reminder for {to}",
                "Your reminder is set for {to}",
                "Reminder set for {to}",
                "A follow-up is planned for {to}",
                "I have created a follow-up for {to}",
            ],
            cancelled: &[
                "I've cancelled the reminder for {to}",
                "Your reminder for {to} has been cancelled",
                "I have removed your reminder for {to}",
                "OK, cancelled: the one {t}",
            ],
            moved: &[
                "I've moved it to {to}",
                "Your appointment has been rescheduled to {to}",
                "I have rescheduled the call to {to}",
                "Moved to {to}",
                "OK, I'll move it to {to}",
            ],
            booked: &[
                "I've booked you in for {to}",
                "Your appointment is confirmed for {to}",
                "I have reserved a table for {to}",
                "Your meeting with Anna is booked for {to}",
            ],
            offers: &[
                "If you like, {v} {t}.",
                "{v} {t} if you want.",
                "Just say so and {v} {t}.",
                "Tell me the topic and {v} {t}.",
                "Do you mean \"{v} {t}\"?",
                "I can't promise that {v} {t}.",
                "{v} {t}, ok?",
                "> {v} {t}",
            ],
            harmless: &[
                "Shall I remind you {t}?",
                "I can remind you {t}.",
                "I won't write to you {t}.",
                "I can't remind you {t}.",
                "You'll get an email from the bank {t}.",
                "Anna will call you {t}.",
                "I haven't cancelled the reminder for {of}.",
                "Your parcel arrives {t}.",
                "Do you want me to move it?",
                "Could I write to you {t}?",
                "The train leaves {t}.",
            ],
            honest: &[
                "Thanks for the message!",
                "The weather is fine.",
                "What else can I do for you?",
                "On Friday the office is closed.",
                "Prices start at 25 euros.",
            ],
            request: "please write to me",
        },
        Language::Ru => Parts {
            times: russian(),
            openers: &["", "Я ", "Хорошо, ", "Конечно, я обязательно ", "Мы сами "],
            verbs: &[
                "напомню вам",
                "напишу вам",
                "позвоню вам",
                "свяжусь с вами",
                "сообщу вам",
                "отпишусь",
                "дам вам знать",
                "напомним",
                "перезвоню",
                "буду напоминать вам",
                "пришлю напоминание",
            ],
            own_verbs: &["Поставил напоминание", "Обещаю написать вам"],
            around: &[("", ""), ("Спасибо! ", ", как вы просили"), ("Понял вас — ", " про договор")],
            reminders: &[
                "Поставила напоминание на {to}",
                "Напоминание установлено на {to}",
                "Ваше напоминание стоит на {to}",
                "Запланировал напоминание на {to}",
            ],
            cancelled: &[
                "Отменил напоминание на {to}",
                "Ваше напоминание на {to} отменено",
                "Хорошо, отменила встречу на {to}",
                "Снял напоминание на {to}",
            ],
            moved: &[
                "Перенёс на {to}",
                "Ваша встреча перенесена на {to}",
                "Хорошо, переношу на {to}",
                "Сдвинула напоминание на {to}",
            ],
            booked: &[
                "Записал вас на {to}",
                "Ваша встреча подтверждена на {to}",
                "Вы записаны на {to}",
                "Забронировала столик на {to}",
            ],
            offers: &[
                "Если хотите, {v} {t}.",
                "{v} {t}, если хотите.",
                "Хотите, {v} {t}?",
                "Назовите тему, и {v} {t}.",
                "Вы пишете «{v} {t}»?",
                "Не могу обещать, что {v} {t}.",
                "{v} {t}, хорошо?",
                "> {v} {t}",
            ],
            harmless: &[
                "Напомнить вам {t}?",
                "Могу напомнить {t}.",
                "Не буду писать вам {t}.",
                "Не смогу напомнить {t}.",
                "Банк пришлёт вам письмо {t}.",
                "Анна позвонит вам {t}.",
                "Я не отменял напоминание на {of}.",
                "Посылка придёт {t}.",
                "Перенести встречу?",
                "Поезд отправляется {t}.",
            ],
            honest: &[
                "Спасибо за сообщение!",
                "Погода хорошая.",
                "Чем ещё помочь?",
                "В пятницу офис закрыт.",
                "Цены от 25 евро.",
            ],
            request: "напиши мне",
        },
        Language::Es => Parts {
            times: spanish(),
            openers: &["", "De acuerdo, ", "Claro, yo "],
            verbs: &[
                "le escribiré",
                "se lo recordaré",
                "te avisaré",
                "le llamaré",
                "me pondré en contacto con usted",
                "te escribiremos",
                "voy a escribirle",
                "vamos a recordárselo",
                "se lo haré saber",
                "le enviaré un recordatorio",
                "te escribo",
                "volveré a llamarle",
            ],
            own_verbs: &["He puesto un recordatorio", "Le prometo escribirle"],
            around: &[("", ""), ("¡Claro! ", ", como me pidió"), ("Gracias por preguntar: ", " sobre el contrato")],
            reminders: &[
                "He programado un recordatorio para {to}",
                "Su recordatorio está programado para {to}",
                "Recordatorio creado para {to}",
                "Le he puesto un recordatorio para {to}",
            ],
            cancelled: &[
                "He cancelado el recordatorio {of}",
                "Su cita {of} ha sido cancelada",
                "Queda anulado el recordatorio {of}",
                "Ya he eliminado el recordatorio {of}",
            ],
            moved: &[
                "Lo he movido para {to}",
                "Su cita ha sido reprogramada para {to}",
                "He aplazado la reunión para {to}",
                "La muevo para {to}",
            ],
            booked: &[
                "Le he apuntado para {to}",
                "Su cita está confirmada para {to}",
                "He reservado una mesa para {to}",
                "Queda agendada la reunión para {to}",
            ],
            offers: &[
                "Si quiere, {v} {t}.",
                "{v} {t} si lo desea.",
                "¿{v} {t}?",
                "Dígame el tema y {v} {t}.",
                "¿Quiere decir «{v} {t}»?",
                "No puedo prometer que {v} {t}.",
                "{v} {t}, ¿vale?",
                "> {v} {t}",
            ],
            harmless: &[
                "¿Quiere que le escriba {t}?",
                "Puedo recordárselo {t}.",
                "No le escribiré {t}.",
                "No puedo recordárselo {t}.",
                "El banco le enviará un correo {t}.",
                "Ana le llamará {t}.",
                "No he cancelado el recordatorio {of}.",
                "El paquete llega {t}.",
                "¿Lo muevo?",
                "El tren sale {t}.",
            ],
            honest: &[
                "¡Gracias por su mensaje!",
                "Hace buen tiempo.",
                "¿Qué más puedo hacer por usted?",
                "El viernes la oficina está cerrada.",
                "Los precios empiezan en 25 euros.",
            ],
            request: "escríbeme",
        },
    }
}
