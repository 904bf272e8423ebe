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
    keys_text: "g y luego i p o x s y t: ir a una página · / buscar · j k: siguiente, anterior · Enter: abrir · Esc: un paso atrás · r: escribir · s: enviar más tarde · t: tomar o devolver · w: por qué · [ ]: un evento atrás, adelante · Ctrl+Enter: enviar",
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

    fn taking_over(&self, waiting: usize, promises: usize) -> String {
        let replies = match waiting {
            0 => String::new(),
            1 => "Se cancelará 1 respuesta en espera. ".to_owned(),
            n => format!("Se cancelarán {n} respuestas en espera. "),
        };
        let promises = match promises {
            0 => "",
            1 => "La promesa no saldrá mientras usted esté aquí.",
            _ => "Las promesas no saldrán mientras usted esté aquí.",
        };
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

    fn offers(&self) -> [&'static str; 3] {
        ["escríbeme dentro de 20 segundos", "escríbeme en 20 segundos sobre el contrato", "¿qué has prometido?"]
    }
}
