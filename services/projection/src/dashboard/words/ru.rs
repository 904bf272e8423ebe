//! What the dashboard says in Russian.

mod fixed;

use chrono::{Datelike, NaiveDate, Weekday};

use self::fixed::FIXED;
use super::{Fixed, Words};

pub struct Russian;

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

/// The same standing alone.
const NAMED: [&str; 12] = [
    "январь",
    "февраль",
    "март",
    "апрель",
    "май",
    "июнь",
    "июль",
    "август",
    "сентябрь",
    "октябрь",
    "ноябрь",
    "декабрь",
];

impl Words for Russian {
    fn fixed(&self) -> &'static Fixed {
        &FIXED
    }

    fn weekday(&self, day: Weekday) -> &'static str {
        ["понедельник", "вторник", "среда", "четверг", "пятница", "суббота", "воскресенье"]
            [day.num_days_from_monday() as usize]
    }

    fn short_weekday(&self, day: Weekday) -> &'static str {
        ["Пн", "Вт", "Ср", "Чт", "Пт", "Сб", "Вс"][day.num_days_from_monday() as usize]
    }

    fn date(&self, day: NaiveDate, year: bool) -> String {
        let year = if year { format!(" {} года", day.year()) } else { String::new() };
        format!("{}, {} {}{year}", self.weekday(day.weekday()), day.day(), MONTHS[day.month0() as usize])
    }

    fn yesterday(&self) -> &'static str {
        "вчера"
    }

    fn minutes(&self, n: i64) -> String {
        format!("{n} мин")
    }

    fn hours(&self, n: i64) -> String {
        format!("{n} ч")
    }

    fn days(&self, n: i64) -> String {
        format!("{n} д")
    }

    fn seconds(&self) -> &'static str {
        "с"
    }

    fn there(&self, clock: &str, place: &str) -> String {
        format!("{clock}, {place}")
    }

    fn yours(&self, clock: &str) -> String {
        format!("{clock} у вас")
    }

    fn state(&self, state: &str) -> &'static str {
        match state {
            "pending" | "due" => "Обещано",
            "queued" => "Ждёт отправки",
            "held" => "Ждёт вас",
            "deferred" => "Отложено",
            "claimed" => "Отправляется",
            "sent" => "Отправлено",
            "done" => "Сделано",
            "delivered" => "Доставлено",
            "read" => "Прочитано",
            "failed" => "Не удалось",
            "unknown" => "Могло дойти",
            "cancelled" => "Отменено",
            "expired" => "Опоздало",
            _ => "",
        }
    }

    fn reason(&self, code: &str, who: &str) -> Option<String> {
        Some(match code {
            "client_responded" | "injected" => format!("{who}: клиент написал раньше"),
            "by_client" => format!("{who}: клиент сам попросил"),
            "request_revoked" => format!("{who}: сообщение с просьбой удалено"),
            "human_active" => "отвечал человек".to_owned(),
            "said_by_human" => "человек уже сказал ровно это".to_owned(),
            "quiet_hours" => format!("{who}: у клиента ночь"),
            "frequency_cap" => format!("{who}: сегодня от нас уже достаточно сообщений"),
            "needs_approval" => "то, что начинает бот, требует вашего слова".to_owned(),
            "window_closed" => {
                "канал не принимает свободный текст так долго после последнего сообщения клиента".to_owned()
            }
            "breaker_open" => "самостоятельная отправка остановлена".to_owned(),
            "too_late" => "было слишком поздно".to_owned(),
            "by_command" => "так решил один из нас".to_owned(),
            "replaced" => "его место заняло более новое".to_owned(),
            "blocked" => format!("{who}: клиент нас заблокировал"),
            "opted_out" => format!("{who}: клиент больше ничего от нас не хочет"),
            "no_answer" | "claim_expired" => "канал не ответил вовремя".to_owned(),
            "not_connected" | "network" => "не было связи с каналом".to_owned(),
            "rate_limited" | "waits_its_turn" => "канал занят".to_owned(),
            "provider_down" => "у канала свои неполадки".to_owned(),
            "unauthorized" | "account_stopped" => "канал не даёт нам доступа".to_owned(),
            "contact_archived" => format!("{who}: клиент в архиве"),
            "no_such_recipient" => "канал никого там не знает".to_owned(),
            _ => return None,
        })
    }

    fn refusal(&self, code: &str) -> Option<&'static str> {
        Some(match code {
            "already_taken_over" => "Здесь уже отвечает кто-то из ваших.",
            "not_taken_over" => "Здесь уже отвечает бот.",
            "human_active" => "Здесь отвечаете вы: сначала верните разговор боту.",
            "past" => "Это уже прошло; назовите время впереди.",
            "too_far" => "До этого больше двух лет.",
            "ambiguous_time" => "Эти слова можно понять по-разному; выберите одно.",
            "no_time" => "Назовите день или час.",
            "bad_time" => "Назовите день или час.",
            "empty_text" => "Сначала напишите что-нибудь.",
            "approval_stale" => "Текст изменился с тех пор, как вы его прочли. Прочтите ещё раз и разрешите.",
            "already_cancelled" => "Уже отменено.",
            "already_sent" => "Уже отправлено.",
            "already_due" => "Отправляется прямо сейчас.",
            "not_queued" => "Отправляется или уже завершилось.",
            "not_cancelled" => "Это не отменено.",
            "too_many_follow_ups" => "Обещаний уже столько, сколько может быть; отмените какое-нибудь.",
            "role" => "Ваш ключ этого не позволяет.",
            "unknown_timezone" => "Такого пояса нет; пишите как Europe/Madrid.",
            "log_unavailable" => "Журнал не ответил вовремя. Повторите: это считается один раз.",
            "key_shown" => "Этот ключ уже создан, а показывается он один раз: создайте другой.",
            "too_many_keys" => "Ключей уже столько, сколько может быть; сначала отзовите один.",
            "unknown_key" => "Этот ключ уже не действует.",
            "unknown_session" => "Этот сеанс больше не действует.",
            "unknown_letter" => "Этого события уже нет среди отложенных.",
            "needs_rebuild" => "Для этого модели чтения надо построить заново.",
            "no_such_brain" => "В настройках нет такого мозга или описано не всё, что ему нужно.",
            _ => return None,
        })
    }

    fn answers(&self, who: &str) -> String {
        format!("Отвечает {who}")
    }

    fn nothing_needs_you_but(&self, promises: u64, next: &str) -> String {
        format!(
            "Вы никому не нужны прямо сейчас. {promises} {}, ближайшее {next}.",
            counted(promises, ["обещание", "обещания", "обещаний"])
        )
    }

    fn write_to(&self, who: &str) -> String {
        format!("Напишите сами, {who} ждёт; бот замолчит")
    }

    fn if_writes(&self, who: &str, cancels: bool) -> String {
        format!("Если {who} напишет раньше: {}", if cancels { "отменится" } else { "останется" })
    }

    fn taking_over(&self, waiting: usize, promises: usize, first: &str) -> String {
        let replies = match waiting {
            0 => String::new(),
            n => {
                let what = counted(n as u64, ["ожидающий ответ", "ожидающих ответа", "ожидающих ответов"]);
                format!("Не уйдёт {n} {what}. ")
            }
        };
        let promises = match promises {
            0 => String::new(),
            1 => format!("Обещание на {first} не уйдёт, если вы ещё будете здесь."),
            n => format!(
                "{n} {}, первое на {first}, не уйдут, если вы ещё будете здесь.",
                counted(n as u64, ["обещание", "обещания", "обещаний"])
            ),
        };
        if waiting + promises.len() == 0 {
            return FIXED.silent_till_back.to_owned();
        }
        format!("{replies}{promises}")
    }

    fn bot_is_silent(&self, who: &str) -> String {
        format!("Отвечает {who}. Бот молчит, пока разговор ему не вернут.")
    }

    fn promised(&self, when: &str, topic: &str) -> String {
        if topic.is_empty() {
            format!("Обещано: {when}")
        } else {
            format!("Обещано: {when}, «{topic}»")
        }
    }

    fn moved_to(&self, when: &str) -> String {
        format!("Перенесено: {when}")
    }

    fn cancelled_since(&self, why: &str) -> String {
        format!("Отменено: {why}")
    }

    fn took_over(&self, who: &str) -> String {
        format!("Разговор ведёт {who}")
    }

    fn gave_back(&self, who: &str) -> String {
        format!("Разговор снова ведёт бот, вернул {who}")
    }

    fn silence_ended_it(&self) -> &'static str {
        "Снова отвечает бот: давно никто не писал"
    }

    fn asked_for_a_person(&self, who: &str) -> String {
        format!("{who}: просьба позвать человека")
    }

    fn blocked(&self, who: &str) -> String {
        format!("{who}: больше нельзя связаться")
    }

    fn unblocked(&self, who: &str) -> String {
        format!("{who}: снова можно связаться")
    }

    fn about(&self, who: &str) -> String {
        format!("О собеседнике: {who}")
    }

    fn ended(&self, kept: usize, cancelled: usize) -> String {
        format!("исполнено: {kept}, отменено: {cancelled}")
    }

    fn renewed(&self, n: usize) -> String {
        format!("возобновлено {n} {}", counted(n as u64, ["раз", "раза", "раз"]))
    }

    fn waits_since(&self, clock: &str) -> String {
        format!("ждёт вас с {clock}")
    }

    fn looking_at(&self, when: &str) -> String {
        format!("На экране: {when}.")
    }

    fn behind(&self, seconds: u64) -> String {
        format!("На экране то, что было {seconds} с назад.")
    }

    fn events(&self, n: usize) -> String {
        format!("{n} {}", counted(n as u64, ["событие", "события", "событий"]))
    }

    fn new_since(&self, n: u64) -> String {
        format!("с тех пор {n} {}", counted(n, ["новое", "новых", "новых"]))
    }

    fn came_to_nothing(&self, promises: usize, drafts: usize) -> String {
        let promises = (promises > 0).then(|| {
            let n = promises as u64;
            format!(
                "{} {n} {}",
                counted(n, ["отменено", "отменены", "отменено"]),
                counted(n, ["обещание", "обещания", "обещаний"])
            )
        });
        let drafts = (drafts > 0).then(|| {
            let n = drafts as u64;
            format!(
                "{} {n} {}",
                counted(n, ["не ушёл", "не ушли", "не ушло"]),
                counted(n, ["ответ", "ответа", "ответов"])
            )
        });
        let said: Vec<String> = [promises, drafts].into_iter().flatten().collect();
        format!("Тем временем: {}", said.join(", "))
    }

    fn bot_is_silent_until(&self, who: &str, until: &str, minutes: i64) -> String {
        format!("Отвечает {who}. Бот молчит до {until}: {minutes} мин после нашего последнего сообщения.")
    }

    fn keys(&self) -> &'static [(&'static str, &'static [(&'static str, &'static str)])] {
        &[
            (
                "Везде",
                &[
                    ("g i", "Входящие"),
                    ("g p", "Обещания"),
                    ("g o", "Исходящие"),
                    ("g x", "Эфир"),
                    ("g s", "Система"),
                    ("g y", "Настройки"),
                    ("g t", "Попробовать"),
                    ("g g", "Цели; где ждёт новое — наверх"),
                    ("/", "Поиск"),
                    ("Ctrl+K", "К клиенту, странице или команде"),
                    ("j k", "Следующее, предыдущее"),
                    ("Enter", "Открыть"),
                    ("Esc", "На шаг назад"),
                    ("?", "Этот список"),
                ],
            ),
            (
                "Разговор",
                &[
                    ("r", "Написать"),
                    ("s", "Отправить позже"),
                    ("t", "Взять на себя, вернуть боту"),
                    ("w", "Почему"),
                    ("[ ]", "На событие назад, вперёд"),
                    ("Ctrl+Enter", "Отправить"),
                ],
            ),
            (
                "Его прошлое",
                &[
                    ("← →", "На событие"),
                    ("Shift+← →", "На сообщение"),
                    ("PgUp PgDn", "На день"),
                    ("Home End", "Первое событие, настоящее"),
                ],
            ),
            (
                "Обещание, сообщение",
                &[
                    ("e", "Изменить"),
                    ("m", "Перенести"),
                    ("x", "Отменить"),
                    ("a", "Разрешить"),
                    ("z", "Вернуть как было"),
                ],
            ),
            ("Цели", &[("y n", "Верно, не так")]),
            ("Обещания", &[("1 2 3", "Список, неделя, месяц"), ("← →", "Раньше, позже"), ("n", "Пообещать")]),
            ("Исходящие, эфир", &[("Space", "Выбрать; придержать поток")]),
        ]
    }

    fn quiet_since(&self, ago: &str) -> String {
        format!("Тихо. Последнее событие было {ago} назад.")
    }

    fn month_of(&self, day: NaiveDate) -> String {
        format!("{} {}", NAMED[day.month0() as usize], day.year())
    }

    fn lag(&self, events: u64, seconds: u64) -> String {
        if events == 0 {
            format!("{seconds} с")
        } else {
            format!("{}, {seconds} с", self.events(usize::try_from(events).unwrap_or(usize::MAX)))
        }
    }

    fn sure(&self, percent: u32) -> &'static str {
        match percent {
            100.. => "точно",
            80.. => "почти наверняка",
            55.. => "скорее всего",
            _ => "предположение",
        }
    }

    fn due_by(&self, date: &str) -> String {
        format!("срок: {date}")
    }

    fn offers(&self) -> [&'static str; 3] {
        ["напиши через 20 секунд", "напиши через 20 секунд про договор", "что ты обещал?"]
    }
}

/// The form of a noun that stands behind a number: 1 раз, 2 раза, 5 раз.
fn counted(n: u64, [one, few, many]: [&'static str; 3]) -> &'static str {
    match (n % 10, n % 100) {
        (_, 11..=14) => many,
        (1, _) => one,
        (2..=4, _) => few,
        _ => many,
    }
}
