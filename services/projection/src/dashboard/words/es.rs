//! What the dashboard says in Spanish.

mod fixed;

use chrono::{Datelike, NaiveDate, Weekday};

use self::fixed::FIXED;
use super::{Fixed, Words};

pub struct Spanish;

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

    fn short_weekday(&self, day: Weekday) -> &'static str {
        ["lun", "mar", "mié", "jue", "vie", "sáb", "dom"][day.num_days_from_monday() as usize]
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

    fn seconds(&self) -> &'static str {
        "s"
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
            "unknown_session" => "Esa sesión ya no está en vigor.",
            "unknown_letter" => "El evento ya no está entre los abandonados.",
            "needs_rebuild" => "Para eso hay que rehacer los modelos de lectura.",
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
                    ("g g", "Objetivos; donde espera algo nuevo, arriba"),
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
            ("Objetivos", &[("y n", "Correcto, no es así")]),
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

    fn sure(&self, percent: u32) -> &'static str {
        match percent {
            100.. => "seguro",
            80.. => "casi seguro",
            55.. => "bastante probable",
            _ => "una suposición",
        }
    }

    fn due_by(&self, date: &str) -> String {
        format!("para el {date}")
    }

    fn offers(&self) -> [&'static str; 3] {
        ["escríbeme dentro de 20 segundos", "escríbeme en 20 segundos sobre el contrato", "¿qué has prometido?"]
    }
}
