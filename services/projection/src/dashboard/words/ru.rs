//! What the dashboard says in Russian.

use chrono::{Datelike, NaiveDate, Weekday};

use super::{Fixed, Words};

pub struct Russian;

const FIXED: Fixed = Fixed {
    inbox: "Входящие",
    promises: "Обещания",
    outbox: "Исходящие",
    live: "Эфир",
    system: "Система",
    settings: "Настройки",
    try_it: "Попробовать",
    skip: "К содержанию",
    sections: "Разделы",
    line_live: "На связи",
    line_again: "Соединяемся снова… на экране то, что было в {}",
    line_away: "Steward не отвечает по этому адресу",
    read_only: "Ваш ключ даёт только читать.",
    no_commands: "Этот процесс только читает; команды принимает тот, где работает служба ingestion.",
    refused: "Не сделано. Посмотрите на страницу ещё раз и повторите.",
    unsent: "Ещё не отправлено: нет связи. Уйдёт, когда связь вернётся.",
    undo: "Вернуть как было",
    it_is_done: "Сделано.",
    soon: "вот-вот",
    within: "через {}",
    units: "д|ч|мин|с",
    language: "Язык",
    theme: "Цвета",
    like_the_system: "Как в системе",
    light: "Светлые",
    dark: "Тёмные",
    leave: "Выйти",
    open_here: "Этот Steward открыт только этой машине.",
    save: "Сохранить",
    back: "Назад",
    keys_title: "Клавиши",
    keys_text: "g, затем i p o x s y t: на страницу · / поиск · j k: следующее, предыдущее · Enter: открыть · Esc: шаг назад · r: написать · s: отправить позже · t: взять или вернуть · w: почему · [ ]: на событие назад, вперёд · Ctrl+Enter: отправить",
    your_key: "Ваш ключ",
    enter: "Войти",
    make_a_key: "Создайте его командой",
    wrong_key: "Этот ключ не действует. `steward keys list` покажет действующие.",
    needs_you: "Нужны вы",
    all: "Все",
    with_a_person: "С человеком",
    by_bot: "Бот",
    search: "Поиск по имени или адресу",
    nothing_found: "По этим словам никто не нашёлся.",
    no_conversation: "Разговоров ещё нет.",
    nothing_needs_you: "Вы никому не нужны прямо сейчас.",
    try_yourself: "Попробуйте сами",
    more: "Ещё",
    bot: "Бот",
    you: "Вы",
    nobody_named: "Некто",
    asked_for_person: "Просит человека",
    failed_here: "Не доставлено",
    unknown_here: "Могло дойти",
    held_here: "Ждёт вас",
    choose: "Выберите разговор слева.",
    bot_answers: "Отвечает бот",
    you_answer: "Отвечаете вы",
    give_back: "Вернуть боту",
    done: "Готово",
    send: "Отправить",
    later: "Позже…",
    text: "Текст",
    when: "Когда",
    preview_none: "Назовите день или час.",
    preview_past: "Это уже прошло.",
    preview_far: "До этого больше двух лет.",
    choose_one: "Что именно?",
    if_cancels: "отменить",
    if_keeps: "оставить",
    promise_it: "Пообещать",
    no_promises_here: "Обещаний нет. Клиент может попросить, или «Позже…» создаст одно.",
    edit: "Изменить",
    move_: "Перенести",
    cancel: "Отменить",
    approve: "Разрешить",
    promise_again: "Обещать снова",
    new_text: "Новый текст",
    new_time: "Новое время",
    why: "Почему",
    what_was_said: "Сообщение",
    details: "Подробности",
    checked: "Проверено перед отправкой",
    not_sent: "Не отправлено",
    looking_at: "Прошлое",
    to_now: "Вернуться к настоящему",
    earlier: "На событие назад",
    later_event: "На событие вперёд",
    silence: "Здесь ещё ничего не сказано.",
    name: "Имя",
    zone: "Пояс",
    media: "Файл",
    contact_gone: "С клиентом нельзя связаться.",
    position: "Позиция",
    actor: "Кто",
    not_chosen: "Выберите сообщение или обещание, и здесь будет его история.",
    overdue: "Просрочено или ждёт",
    today: "Сегодня",
    tomorrow: "Завтра",
    this_week: "На этой неделе",
    later_on: "Позже",
    nothing_promised: "Ничего не обещано. Когда клиент скажет «напиши через неделю», это будет здесь, пока не исполнится.",
    as_list: "Список",
    week: "Неделя",
    week_before: "Неделей раньше",
    week_after: "Неделей позже",
    waiting: "Ждут",
    finished: "Готово",
    everything_out: "Всё, чему пора, ушло.",
    nothing_waits: "Ничто не ждёт отправки.",
    nothing_finished: "Ещё ничего не отправлено.",
    try_again: "Ещё раз",
    it_arrived: "Дошло",
    send_again: "Отправить снова",
    twice: "Если отправить снова, может дойти дважды.",
    breaker_open: "Самостоятельная отправка остановлена",
    let_them_go: "Отпустить",
    sure_breaker: "Всё задержанное уйдёт сейчас. Отпустить?",
    quiet: "Тихо. Ещё ничего не произошло.",
    all_is_well: "Всё хорошо.",
    parts: "Части",
    part: "Часть",
    state: "Состояние",
    channels: "Каналы",
    channel: "Канал",
    kind: "Вид",
    well: "Хорошо",
    behind: "Отстаёт",
    dead: "Стоит",
    read_up_to: "Прочитано до позиции",
    version: "Версия",
    none: "нет",
    mine: "Моё",
    mine_text: "Для этого браузера.",
    connect: "Подключить канал",
    how_to_connect: "Добавьте это в steward.toml и запустите Steward снова:",
    first_minute: "Первая минута",
    step_ask: "Попросите о чём-нибудь.",
    step_wait: "Подождите: идёт отсчёт, сообщение придёт.",
    step_again: "Попросите ещё раз и напишите раньше срока: обещание отменится, и «Почему» это скажет.",
    say_something: "Напишите как клиент",
    what_steward_knows: "Что знает Steward",
    nothing_yet: "Пока ничего. Заполнится, когда вы напишете.",
    no_web_channel: "Нет канала вида web, поэтому здесь некем быть. Добавьте это в steward.toml и запустите Steward снова:",
    that_is_all: "Это всё.",
    open_inbox: "Открыть входящие",
    offers_title: "Нажмите, и оно отправится",
};

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

impl Words for Russian {
    fn fixed(&self) -> &'static Fixed {
        &FIXED
    }

    fn weekday(&self, day: Weekday) -> &'static str {
        ["понедельник", "вторник", "среда", "четверг", "пятница", "суббота", "воскресенье"]
            [day.num_days_from_monday() as usize]
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

    fn taking_over(&self, waiting: usize, promises: usize) -> String {
        let replies = match waiting {
            0 => String::new(),
            n => {
                let what = counted(n as u64, ["ожидающий ответ", "ожидающих ответа", "ожидающих ответов"]);
                format!("Не уйдёт {n} {what}. ")
            }
        };
        let promises = match promises {
            0 => "",
            1 => "Обещание не уйдёт, пока вы здесь.",
            _ => "Обещания не уйдут, пока вы здесь.",
        };
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
