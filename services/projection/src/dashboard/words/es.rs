//! What the dashboard says in Spanish.

use chrono::{Datelike, NaiveDate, Weekday};

use super::{Fixed, Words};

pub struct Spanish;

const FIXED: Fixed = Fixed {
    inbox: "Bandeja",
    promises: "Promesas",
    outbox: "Salida",
    live: "En vivo",
    system: "Sistema",
    settings: "Ajustes",
    try_it: "Probar",
    skip: "Al contenido",
    sections: "Secciones",
    line_live: "En vivo",
    line_again: "Conectando de nuevo… lo que ve es de las {}",
    line_away: "Steward no responde en esta dirección",
    read_only: "Su clave solo puede leer.",
    no_commands: "Este proceso solo lee; las órdenes las recibe el que ejecuta el servicio ingestion.",
    refused: "No se hizo. Mire la página otra vez y repítalo.",
    unsent: "Aún no enviado: sin conexión. Saldrá cuando vuelva la línea.",
    undo: "Deshacer",
    it_is_done: "Hecho.",
    soon: "en cualquier momento",
    within: "en {}",
    units: "d|h|min|s",
    language: "Idioma",
    theme: "Colores",
    like_the_system: "Como el sistema",
    light: "Claro",
    dark: "Oscuro",
    leave: "Salir",
    open_here: "Este Steward solo está abierto a esta máquina.",
    save: "Guardar",
    back: "Atrás",
    keys_title: "Teclas",
    your_key: "Su clave",
    enter: "Entrar",
    make_a_key: "Cree una con",
    wrong_key: "Esta clave no está en vigor. `steward keys list` muestra las que lo están.",
    needs_you: "Le necesitan",
    all: "Todas",
    with_a_person: "Con una persona",
    by_bot: "Bot",
    search: "Buscar por nombre o dirección",
    nothing_found: "No se encuentra a nadie con estas palabras.",
    no_conversation: "Aún no hay conversaciones.",
    nothing_needs_you: "Nada le necesita.",
    try_yourself: "Pruébelo usted",
    more: "Más",
    bot: "Bot",
    you: "Usted",
    nobody_named: "Alguien",
    asked_for_person: "Pidió una persona",
    failed_here: "No entregado",
    unknown_here: "Quizá llegó",
    held_here: "Pendiente de usted",
    choose: "Elija una conversación a la izquierda.",
    bot_answers: "Responde el bot",
    you_answer: "Responde usted",
    give_back: "Devolver",
    done: "Hecho",
    send: "Enviar",
    later: "Más tarde…",
    text: "Texto",
    when: "Cuándo",
    preview_none: "Diga un día o una hora.",
    preview_past: "Eso ya pasó.",
    preview_far: "Faltan más de dos años.",
    choose_one: "¿Cuál?",
    if_cancels: "cancelarla",
    if_keeps: "mantenerla",
    promise_it: "Prometerlo",
    no_promises_here: "Sin promesas. El cliente puede pedirlas, o Más tarde… hace una.",
    edit: "Editar",
    move_: "Mover",
    cancel: "Cancelar",
    approve: "Aprobar",
    promise_again: "Prometer de nuevo",
    new_text: "Texto nuevo",
    new_time: "Hora nueva",
    why: "Por qué",
    what_was_said: "Mensaje",
    details: "Detalles",
    checked: "Comprobado antes de enviar",
    not_sent: "No enviado",
    looking_at: "Pasado",
    to_now: "Volver a ahora",
    earlier: "Un evento atrás",
    later_event: "Un evento adelante",
    silence: "Aquí aún no se ha dicho nada.",
    name: "Nombre",
    zone: "Zona",
    media: "Archivo",
    contact_gone: "No se puede contactar con el cliente.",
    position: "Posición",
    actor: "Por",
    not_chosen: "Elija un mensaje o una promesa, y aquí estará su historia.",
    overdue: "Vencidas o retenidas",
    today: "Hoy",
    tomorrow: "Mañana",
    this_week: "Esta semana",
    later_on: "Después",
    nothing_promised: "Nada prometido. Cuando un cliente dice «escríbeme en una semana», está aquí hasta que se cumple.",
    as_list: "Lista",
    week: "Semana",
    week_before: "Semana anterior",
    week_after: "Semana siguiente",
    waiting: "En espera",
    finished: "Hecho",
    everything_out: "Todo lo que tocaba ha salido.",
    nothing_waits: "Nada espera ser enviado.",
    nothing_finished: "Aún no se ha enviado nada.",
    try_again: "Reintentar",
    it_arrived: "Llegó",
    send_again: "Enviar otra vez",
    twice: "Si se envía otra vez, puede llegarle dos veces.",
    breaker_open: "El envío automático está parado",
    let_them_go: "Dejarlos salir",
    sure_breaker: "Todo lo retenido sale ahora. ¿Dejarlo salir?",
    quiet: "Silencio. Aún no ha pasado nada.",
    all_is_well: "Todo va bien.",
    parts: "Partes",
    part: "Parte",
    state: "Estado",
    channels: "Canales",
    channel: "Canal",
    kind: "Tipo",
    well: "Bien",
    behind: "Atrasado",
    dead: "Parado",
    read_up_to: "Leído hasta la posición",
    version: "Versión",
    none: "ninguno",
    mine: "Lo mío",
    mine_text: "Para este navegador.",
    connect: "Conectar un canal",
    how_to_connect: "Añada esto a steward.toml y reinicie Steward:",
    first_minute: "El primer minuto",
    step_ask: "Pida algo.",
    step_wait: "Espere: corre la cuenta atrás y llega el mensaje.",
    step_again: "Pida otra vez y escriba antes de la hora: la promesa se cancela, y Por qué lo dice.",
    say_something: "Escriba como un cliente",
    what_steward_knows: "Lo que sabe Steward",
    nothing_yet: "Aún nada. Se llena según escribe.",
    no_web_channel: "No hay un canal de tipo web, así que aquí no se puede ser nadie. Añada esto a steward.toml y reinicie Steward:",
    that_is_all: "Eso es todo.",
    open_inbox: "Abrir la bandeja",
    offers_title: "Pulse una y se envía",
    older_messages: "Mensajes anteriores",
    new_below: "one={} mensaje nuevo ↓|other={} mensajes nuevos ↓",
    would_have_said: "El bot habría dicho",
    promised_again: "Prometido de nuevo",
    silent_till_back: "El bot callará hasta que le devuelva la conversación.",
    unread: "Sin leer",
    open_it: "Abrir",
    take_over: "Responder yo",
    new_rows: "one={} nueva ↑|other={} nuevas ↑",
    nobody_with_person: "Ninguna conversación está con una persona.",
    nobody_with_bot: "El bot no responde a nadie ahora.",
    jump: "Ir a…",
    jump_hint: "Un cliente, una página o una orden",
    nothing_like_it: "Nada se llama así.",
    single_keys: "Teclas sueltas",
    switched_on: "Activadas",
    switched_off: "Desactivadas",
    density: "Densidad",
    roomy: "Cómoda",
    compact: "Compacta",
    zone_of_browser: "Como el navegador",
    any_kind: "Todo",
    kind_messages: "Mensajes",
    kind_promises: "Promesas",
    kind_sending: "Envíos",
    kind_people: "Personas",
    kind_brain: "Trabajo del bot",
    anybody: "Cualquiera",
    a_client: "Un cliente",
    one_of_us: "Uno de nosotros",
    itself: "Steward",
    search_events: "Buscar en estos sucesos",
    important_only: "Solo lo importante",
    only_of: "Solo de",
    everybody: "De todos",
    show_: "Mostrar",
    hold: "Detener",
    held_new: "one=Detenido, {} nuevo|other=Detenido, {} nuevos",
    causes: "Qué llevó a esto",
    effects: "A qué llevó",
    nothing_led: "Nada antes.",
    led_to_nothing: "Nada todavía.",
    older_events: "Sucesos anteriores",
    nothing_of_that: "Ningún suceso es así.",
    close: "Cerrar",
    month: "Mes",
    month_before: "Mes anterior",
    month_after: "Mes siguiente",
    night: "Noche",
    with_cancelled: "Con las canceladas",
    without_cancelled: "Sin las canceladas",
    my_time: "Mi hora",
    their_time: "La hora de cada cliente",
    make_promise: "Prometer algo",
    client: "Cliente",
    move_it: "Mover la promesa",
    move_hint: "Lo que no diga se queda: «a las 18» conserva el día, «el lunes» conserva la hora.",
    send_now: "Enviar ahora",
    sure_now: "Sale ahora y no se puede deshacer. ¿Enviarlo?",
    pick: "Elegir",
    picked: "one={} elegido|other={} elegidos",
    unpick: "No elegir ninguno",
    changed_since: "El texto cambió desde que lo leyó; lo nuevo está marcado.",
    in_force: "Lo que rige",
    in_force_text: "Solo lectura: cámbielo donde está escrito y reinicie Steward.",
    admins_only: "Solo lo ve una clave con el papel admin.",
    setting: "Ajuste",
    value: "Valor",
    comes_from: "De",
    by_default: "por defecto",
    keys_in_force: "Claves",
    no_keys: "Aún no hay claves: este Steward solo está abierto a esta máquina.",
    role: "Papel",
    create: "Crear",
    revoke: "Revocar",
    sure_revoke: "Quien use esta clave queda fuera en segundos. ¿Revocarla?",
    shown_once: "Guárdela: solo se muestra esta vez.",
    copy: "Copiar",
    copied: "Copiada",
    brain: "Cerebro",
    brain_text: "Qué cerebro responde desde el próximo mensaje, donde una conversación no tiene uno propio.",
    as_configured: "Según la configuración",
    rules_brain: "Reglas, sin modelo",
    model: "Modelo",
    test_channel: "Pruébelo",
    test_text: "Escriba como cliente: la conversación aparece en la Bandeja en un segundo. Si no, `steward doctor` dice qué falta.",
    last_in: "Última entrada",
    last_out: "Última salida",
    timers: "Temporizadores",
    pending: "Pendientes",
    next_one: "Siguiente",
    lag: "Retraso",
    behind_advice: "Se pone al día solo. Si sigue así, `steward doctor` dice qué lo impide.",
    dead_advice: "Reinicie Steward; lo que estaba en curso sigue. Sus últimas palabras están en el registro del proceso.",
    breaker_advice: "Revise lo que espera en la Salida y déjelo salir allí.",
};

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

impl Words for Spanish {
    fn fixed(&self) -> &'static Fixed {
        &FIXED
    }

    fn weekday(&self, day: Weekday) -> &'static str {
        ["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"][day.num_days_from_monday() as usize]
    }

    fn date(&self, day: NaiveDate, year: bool) -> String {
        let year = if year { format!(" de {}", day.year()) } else { String::new() };
        format!("{} {} de {}{year}", self.weekday(day.weekday()), day.day(), MONTHS[day.month0() as usize])
    }

    fn yesterday(&self) -> &'static str {
        "ayer"
    }

    fn minutes(&self, n: i64) -> String {
        format!("{n} min")
    }

    fn hours(&self, n: i64) -> String {
        format!("{n} h")
    }

    fn days(&self, n: i64) -> String {
        format!("{n} d")
    }

    fn there(&self, clock: &str, place: &str) -> String {
        format!("{clock} en {place}")
    }

    fn yours(&self, clock: &str) -> String {
        format!("{clock} para usted")
    }

    fn state(&self, state: &str) -> &'static str {
        match state {
            "pending" | "due" => "Prometido",
            "queued" => "En espera",
            "held" => "Pendiente de usted",
            "deferred" => "Aplazado",
            "claimed" => "Enviando",
            "sent" => "Enviado",
            "done" => "Hecho",
            "delivered" => "Entregado",
            "read" => "Leído",
            "failed" => "Falló",
            "unknown" => "Quizá llegó",
            "cancelled" => "Cancelado",
            "expired" => "Caducó",
            _ => "",
        }
    }

    fn reason(&self, code: &str, who: &str) -> Option<String> {
        Some(match code {
            "client_responded" | "injected" => format!("{who} escribió antes"),
            "by_client" => format!("{who} lo pidió"),
            "request_revoked" => format!("{who} borró el mensaje que lo pedía"),
            "human_active" => "respondía uno de nosotros".to_owned(),
            "said_by_human" => "uno de nosotros ya dijo justo esto".to_owned(),
            "quiet_hours" => format!("es de noche para {who}"),
            "frequency_cap" => format!("{who} ya recibió hoy bastantes mensajes nuestros"),
            "needs_approval" => "lo que empieza el bot necesita su visto bueno".to_owned(),
            "window_closed" => "el canal no admite texto libre tanto después del último mensaje del cliente".to_owned(),
            "breaker_open" => "el envío automático está parado".to_owned(),
            "too_late" => "era demasiado tarde".to_owned(),
            "by_command" => "lo decidió uno de nosotros".to_owned(),
            "replaced" => "otra más nueva ocupó su lugar".to_owned(),
            "blocked" => format!("{who} nos ha bloqueado"),
            "opted_out" => format!("{who} no quiere nada más de nosotros"),
            "no_answer" | "claim_expired" => "el canal no respondió a tiempo".to_owned(),
            "not_connected" | "network" => "no hubo conexión con el canal".to_owned(),
            "rate_limited" | "waits_its_turn" => "el canal está ocupado".to_owned(),
            "provider_down" => "el canal tiene problemas propios".to_owned(),
            "unauthorized" | "account_stopped" => "el canal rechaza nuestro acceso".to_owned(),
            "contact_archived" => format!("{who} está archivado"),
            "no_such_recipient" => "el canal no conoce a nadie allí".to_owned(),
            _ => return None,
        })
    }

    fn refusal(&self, code: &str) -> Option<&'static str> {
        Some(match code {
            "already_taken_over" => "Aquí ya responde uno de los suyos.",
            "not_taken_over" => "Aquí ya responde el bot.",
            "human_active" => "Aquí responde usted: devuelva antes la conversación.",
            "past" => "Eso ya pasó; diga una hora futura.",
            "too_far" => "Faltan más de dos años.",
            "ambiguous_time" => "Estas palabras pueden ser varias horas; elija una.",
            "no_time" => "Diga un día o una hora.",
            "bad_time" => "Diga un día o una hora.",
            "empty_text" => "Escriba algo antes.",
            "approval_stale" => "El texto cambió desde que lo leyó. Léalo otra vez y apruébelo.",
            "already_cancelled" => "Ya está cancelada.",
            "already_sent" => "Ya se envió.",
            "already_due" => "Se está enviando ahora.",
            "not_queued" => "Se está enviando o ha terminado.",
            "not_cancelled" => "No está cancelada.",
            "too_many_follow_ups" => "Ya hay tantas promesas como puede haber; cancele alguna.",
            "role" => "Su clave no lo permite.",
            "unknown_timezone" => "No hay tal zona; escríbala como Europe/Madrid.",
            "log_unavailable" => "El registro no respondió a tiempo. Repítalo: cuenta una vez.",
            "key_shown" => "Esta clave ya se creó y solo se muestra una vez: cree otra.",
            "too_many_keys" => "Ya hay tantas claves como puede haber; revoque una antes.",
            "unknown_key" => "Esa clave ya no está en vigor.",
            "no_such_brain" => "La configuración no describe ese cerebro, o no todo lo que necesita.",
            _ => return None,
        })
    }

    fn answers(&self, who: &str) -> String {
        format!("Responde {who}")
    }

    fn nothing_needs_you_but(&self, promises: u64, next: &str) -> String {
        let promises =
            if promises == 1 { "1 promesa pendiente".to_owned() } else { format!("{promises} promesas pendientes") };
        format!("Nada le necesita. {promises}, la próxima {next}.")
    }

    fn write_to(&self, who: &str) -> String {
        format!("Escriba usted a {who}; el bot callará")
    }

    fn if_writes(&self, who: &str, cancels: bool) -> String {
        format!("Si {who} escribe antes: {}", if cancels { "se cancela" } else { "se mantiene" })
    }

    fn taking_over(&self, waiting: usize, promises: usize, first: &str) -> String {
        let replies = match waiting {
            0 => String::new(),
            1 => "Se cancelará 1 respuesta en espera. ".to_owned(),
            n => format!("Se cancelarán {n} respuestas en espera. "),
        };
        let promises = match promises {
            0 => String::new(),
            1 => format!("La promesa para {first} no saldrá si aún está aquí entonces."),
            n => format!("{n} promesas, la primera para {first}, no saldrán si aún está aquí entonces."),
        };
        if waiting + promises.len() == 0 {
            return FIXED.silent_till_back.to_owned();
        }
        format!("{replies}{promises}")
    }

    fn bot_is_silent(&self, who: &str) -> String {
        format!("Responde {who}. El bot calla hasta que se le devuelva.")
    }

    fn promised(&self, when: &str, topic: &str) -> String {
        if topic.is_empty() { format!("Prometido: {when}") } else { format!("Prometido: {when}, «{topic}»") }
    }

    fn moved_to(&self, when: &str) -> String {
        format!("Movido a: {when}")
    }

    fn cancelled_since(&self, why: &str) -> String {
        format!("Cancelado: {why}")
    }

    fn took_over(&self, who: &str) -> String {
        format!("{who} tomó la conversación")
    }

    fn gave_back(&self, who: &str) -> String {
        format!("{who} devolvió la conversación al bot")
    }

    fn silence_ended_it(&self) -> &'static str {
        "Responde otra vez el bot: hacía rato que nadie escribía"
    }

    fn asked_for_a_person(&self, who: &str) -> String {
        format!("{who} pidió una persona")
    }

    fn blocked(&self, who: &str) -> String {
        format!("Ya no se puede contactar con {who}")
    }

    fn unblocked(&self, who: &str) -> String {
        format!("Se puede contactar otra vez con {who}")
    }

    fn about(&self, who: &str) -> String {
        format!("Sobre {who}")
    }

    fn ended(&self, kept: usize, cancelled: usize) -> String {
        format!("cumplidas: {kept}, canceladas: {cancelled}")
    }

    fn renewed(&self, n: usize) -> String {
        match n {
            1 => "renovada una vez".to_owned(),
            n => format!("renovada {n} veces"),
        }
    }

    fn waits_since(&self, clock: &str) -> String {
        format!("le espera desde las {clock}")
    }

    fn looking_at(&self, when: &str) -> String {
        format!("Está viendo: {when}.")
    }

    fn behind(&self, seconds: u64) -> String {
        format!("Lo que ve lleva {seconds} s de retraso.")
    }

    fn events(&self, n: usize) -> String {
        if n == 1 { "1 evento".to_owned() } else { format!("{n} eventos") }
    }

    fn new_since(&self, n: u64) -> String {
        if n == 1 { "1 nuevo desde entonces".to_owned() } else { format!("{n} nuevos desde entonces") }
    }

    fn came_to_nothing(&self, promises: usize, drafts: usize) -> String {
        let promises = match promises {
            0 => None,
            1 => Some("1 promesa cancelada".to_owned()),
            n => Some(format!("{n} promesas canceladas")),
        };
        let drafts = match drafts {
            0 => None,
            1 => Some("1 respuesta no enviada".to_owned()),
            n => Some(format!("{n} respuestas no enviadas")),
        };
        let said: Vec<String> = [promises, drafts].into_iter().flatten().collect();
        format!("Mientras tanto: {}", said.join(", "))
    }

    fn bot_is_silent_until(&self, who: &str, until: &str, minutes: i64) -> String {
        format!("Responde {who}. El bot calla hasta {until}, {minutes} min después de nuestro último mensaje.")
    }

    fn keys(&self) -> &'static [(&'static str, &'static [(&'static str, &'static str)])] {
        &[
            (
                "En todas partes",
                &[
                    ("g i", "Bandeja"),
                    ("g p", "Promesas"),
                    ("g o", "Salida"),
                    ("g x", "En vivo"),
                    ("g s", "Sistema"),
                    ("g y", "Ajustes"),
                    ("g t", "Probar"),
                    ("g g", "Arriba, con lo nuevo"),
                    ("/", "Buscar"),
                    ("Ctrl+K", "Ir a un cliente, página u orden"),
                    ("j k", "Siguiente, anterior"),
                    ("Enter", "Abrir"),
                    ("Esc", "Un paso atrás"),
                    ("?", "Esta lista"),
                ],
            ),
            (
                "Una conversación",
                &[
                    ("r", "Escribir"),
                    ("s", "Enviar más tarde"),
                    ("t", "Tomar, devolver"),
                    ("w", "Por qué"),
                    ("[ ]", "Un suceso atrás, adelante"),
                    ("Ctrl+Enter", "Enviar"),
                ],
            ),
            (
                "Su pasado",
                &[
                    ("← →", "Un suceso"),
                    ("Shift+← →", "Un mensaje"),
                    ("PgUp PgDn", "Un día"),
                    ("Home End", "El primer suceso, ahora"),
                ],
            ),
            (
                "Una promesa, un mensaje",
                &[("e", "Editar"), ("m", "Mover"), ("x", "Cancelar"), ("a", "Aprobar"), ("z", "Deshacer")],
            ),
            ("Promesas", &[("1 2 3", "Lista, semana, mes"), ("← →", "Antes, después"), ("n", "Prometer algo")]),
            ("Salida, En vivo", &[("Space", "Elegir; detener el flujo")]),
        ]
    }

    fn quiet_since(&self, ago: &str) -> String {
        format!("Tranquilo. El último suceso fue hace {ago}.")
    }

    fn month_of(&self, day: NaiveDate) -> String {
        format!("{} de {}", MONTHS[day.month0() as usize], day.year())
    }

    fn lag(&self, events: u64, seconds: u64) -> String {
        if events == 0 {
            format!("{seconds} s")
        } else {
            format!("{}, {seconds} s", self.events(usize::try_from(events).unwrap_or(usize::MAX)))
        }
    }

    fn offers(&self) -> [&'static str; 3] {
        ["escríbeme dentro de 20 segundos", "escríbeme en 20 segundos sobre el contrato", "¿qué has prometido?"]
    }
}
