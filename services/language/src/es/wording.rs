//! What is said back in Spanish.

use chrono::{DateTime, Datelike, NaiveDate, Timelike};
use chrono_tz::Tz;

use crate::{
    understanding::Intent,
    wording::{Wording, clock, days_ahead, days_between, first_word, month, stopped, weekday},
};

pub struct Spanish;

const WEEKDAYS: [&str; 7] =
    ["el lunes", "el martes", "el miércoles", "el jueves", "el viernes", "el sábado", "el domingo"];
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
/// Words that join a topic to "escribiera" or "recuerdo" by themselves.
const JOINS: [&str; 7] = ["sobre", "acerca", "respecto", "de", "del", "por", "para"];

impl Wording for Spanish {
    fn when(&self, at: &DateTime<Tz>, now: &DateTime<Tz>, seconds: bool) -> String {
        let article = if at.hour() == 1 { "a la" } else { "a las" };
        let clock = format!("{article} {}", clock(at, seconds));
        match days_ahead(at, now) {
            0 => format!("hoy {clock}"),
            1 => format!("mañana {clock}"),
            -1 => format!("ayer {clock}"),
            _ => {
                let year = if at.year() == now.year() { String::new() } else { format!(" de {}", at.year()) };
                format!("{} {} de {}{year} {clock}", WEEKDAYS[weekday(at)], at.day(), MONTHS[month(at)])
            }
        }
    }

    fn day(&self, day: NaiveDate, today: NaiveDate) -> String {
        match days_between(day, today) {
            0 => "hoy".to_owned(),
            1 => "mañana".to_owned(),
            -1 => "ayer".to_owned(),
            _ => {
                let year = if day.year() == today.year() { String::new() } else { format!(" de {}", day.year()) };
                format!("{} {} de {}{year}", WEEKDAYS[weekday(&day)], day.day(), MONTHS[month(&day)])
            }
        }
    }

    fn all_day(&self, last: Option<NaiveDate>) -> String {
        match last {
            None => "todo el día".to_owned(),
            Some(last) => format!("todo el día, hasta el {} de {} inclusive", last.day(), MONTHS[month(&last)]),
        }
    }

    fn verb(&self, intent: Intent, will: bool) -> &'static str {
        match (intent, will) {
            (Intent::Write, true) => "le escribiré",
            (Intent::Write, false) => "escribirle",
            (Intent::Remind, true) => "se lo recordaré",
            (Intent::Remind, false) => "recordárselo",
        }
    }

    fn and(&self) -> &'static str {
        "y"
    }

    fn or(&self) -> &'static str {
        "o"
    }

    fn confirmed(&self, intent: Intent, when: &str) -> String {
        match intent {
            Intent::Write => format!("De acuerdo, le escribiré {when}"),
            Intent::Remind => format!("De acuerdo, se lo recordaré {when}"),
        }
    }

    fn due_already(&self, intent: Intent, when: &str) -> String {
        match intent {
            Intent::Write => format!("Me pidió que le escribiera {when}; esa hora ya pasó, así que le escribo ahora"),
            Intent::Remind => {
                format!("Me pidió un recordatorio {when}; esa hora ya pasó, así que se lo recuerdo ahora")
            }
        }
    }

    fn moved(&self, what: &str) -> String {
        format!("De acuerdo, cambiado: {what}")
    }

    fn kept(&self, what: &str) -> String {
        format!("De acuerdo, todo sigue en pie: {what}")
    }

    fn others_kept(&self, what: &str) -> String {
        format!("Lo demás sigue en pie: {what}")
    }

    fn lost(&self, what: &str) -> String {
        format!("Como usted ha escrito, queda cancelado lo prometido: {what}. Si aún lo necesita, pídamelo de nuevo.")
    }

    fn cancelled(&self, what: &str) -> String {
        format!("De acuerdo, {what}")
    }

    fn promises(&self, what: &[String]) -> String {
        format!("Lo que le prometí:\n— {}", what.join("\n— "))
    }

    fn no_promises(&self) -> &'static str {
        "Ahora mismo no le he prometido nada."
    }

    fn not_there(&self, what: &str) -> String {
        format!("No tengo esa promesa. Tengo: {what}.")
    }

    fn which_to_cancel(&self, what: &str) -> String {
        format!("¿Qué cancelo: {what}? Dígame el día o el tema, por ejemplo «cancela el de mañana», o «cancela todo».")
    }

    fn which_to_move(&self, what: &str) -> String {
        format!("¿Qué cambio: {what}? Dígame el tema, por ejemplo «cambia el recordatorio del contrato para mañana».")
    }

    fn ask_when(&self, intent: Intent) -> &'static str {
        match intent {
            Intent::Write => "¿Cuándo le escribo? Dígame, por ejemplo, «escríbeme mañana a las 10».",
            Intent::Remind => "¿Cuándo se lo recuerdo? Dígame, por ejemplo, «recuérdame mañana a las 10» y qué.",
        }
    }

    fn ask_when_unseen(&self, intent: Intent) -> &'static str {
        match intent {
            Intent::Write => {
                "No puedo ver cuándo ocurre eso, así que necesito una hora. ¿Cuándo le escribo? Dígame, por ejemplo, «escríbeme mañana a las 10»."
            }
            Intent::Remind => {
                "No puedo ver cuándo ocurre eso, así que necesito una hora. ¿Cuándo se lo recuerdo? Dígame, por ejemplo, «recuérdame mañana a las 10»."
            }
        }
    }

    fn which_time(&self, readings: &str, intent: Intent) -> String {
        match intent {
            Intent::Write => format!("¿Cuándo le escribo: {readings}? Dígame una sola hora exacta."),
            Intent::Remind => format!("¿Cuándo se lo recuerdo: {readings}? Dígame una sola hora exacta."),
        }
    }

    fn loose_time(&self, intent: Intent) -> &'static str {
        match intent {
            Intent::Write => {
                "No me queda claro cuándo escribirle. Dígame el día y la hora, por ejemplo «escríbeme mañana a las 10»."
            }
            Intent::Remind => {
                "No me queda claro cuándo recordárselo. Dígame el día y la hora, por ejemplo «recuérdame mañana a las 10»."
            }
        }
    }

    fn already_past(&self, when: &str) -> String {
        format!("Ese momento ya pasó: {when}. Dígame uno que esté por venir.")
    }

    fn too_far(&self) -> &'static str {
        "No prometo nada a más de dos años. Dígame una fecha más cercana."
    }

    fn only_once(&self) -> &'static str {
        "Todavía no sé repetir. Dígame una sola hora, por ejemplo «recuérdame mañana a las 10»."
    }

    fn person_called(&self) -> &'static str {
        "He avisado a una persona: verá esta conversación y le responderá."
    }

    fn noted(&self, what: &str) -> String {
        format!("Anotado: {what}.")
    }

    fn noted_as_done(&self, what: &str) -> String {
        format!("Anotado como hecho: {what}.")
    }

    fn noted_as_gone(&self, what: &str) -> String {
        format!("Ya no cuento con esto: {what}.")
    }

    fn in_quotes(&self, words: &str) -> String {
        format!("«{words}»")
    }

    fn cannot_answer(&self) -> &'static str {
        "A eso no puedo responder yo. Puedo escribirle o recordarle algo a la hora que me diga («escríbeme mañana a las 10 sobre el contrato») y avisar a una persona."
    }

    fn abilities(&self) -> &'static str {
        "¡Hola! Puedo escribirle o recordarle algo a la hora que me diga: «escríbeme mañana a las 10 sobre el contrato», «recuérdame el viernes llamar a Ana». También le digo qué le he prometido, lo cambio o lo cancelo, y puedo avisar a una persona."
    }

    fn unsure(&self, what: &str) -> String {
        format!(
            "No estoy seguro de haberle entendido, así que no cambio nada: {what}. Para cambiarlo, dígame otra hora; para anularlo, diga «cancela»."
        )
    }

    fn opted_out(&self) -> &'static str {
        "De acuerdo, no le escribiré más. Si vuelve a necesitarme, basta con que me pida algo."
    }

    fn erasure(&self) -> &'static str {
        "Por mi cuenta no borro nada: he avisado a una persona de que quiere que se borren sus datos."
    }

    fn verb_not(&self, intent: Intent) -> &'static str {
        match intent {
            Intent::Write => "no le escribiré",
            Intent::Remind => "no se lo recordaré",
        }
    }

    fn more(&self, count: usize) -> String {
        format!("y {count} más")
    }

    fn too_many(&self) -> &'static str {
        "Ya le he prometido demasiadas cosas y no puedo aceptar más. Cancele algunas, por ejemplo «cancela todo», y pídamelo de nuevo."
    }

    fn read_in_part(&self) -> &'static str {
        "Su mensaje es largo: solo he leído el principio y puede que se me haya escapado algo. Envíe lo importante en un mensaje corto aparte."
    }

    fn failed(&self) -> &'static str {
        "Ha habido un fallo por nuestra parte y no he podido leer su mensaje. He llamado a una persona: lo verá."
    }

    fn buttons(&self) -> [&'static str; 3] {
        ["Está bien", "Cancelar", "Un día después"]
    }

    fn message(&self, intent: Intent, topic: &str) -> String {
        let first = first_word(topic);
        let joins = JOINS.contains(&first.as_str());
        match intent {
            Intent::Write if topic.is_empty() => "¡Hola! Me pidió que le escribiera hoy.".to_owned(),
            Intent::Write if joins => stopped(format!("¡Hola! Me pidió que le escribiera {topic}")),
            Intent::Write => stopped(format!("¡Hola! Me pidió que le escribiera: {topic}")),
            Intent::Remind if topic.is_empty() => "Me pidió un recordatorio para hoy.".to_owned(),
            Intent::Remind if first == "que" => format!("Le recuerdo {topic}"),
            Intent::Remind if joins => format!("Recordatorio {topic}"),
            Intent::Remind => format!("Le recuerdo: {topic}"),
        }
    }

    fn frames(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("¡Hola! Me pidió que le escribiera: ", "."),
            ("¡Hola! Me pidió que le escribiera: ", ""),
            ("¡Hola! Me pidió que le escribiera ", "."),
            ("¡Hola! Me pidió que le escribiera ", ""),
            ("Le recuerdo: ", ""),
            ("Le recuerdo ", ""),
            ("Recordatorio ", ""),
        ]
    }

    fn name_the_client(&self) -> &'static str {
        "Indique el cliente: /human_active @nombre o id del chat, /human_release …, \
         HUMAN: @nombre o id del chat y después el texto."
    }

    fn no_such_client(&self, client: &str) -> String {
        format!(
            "No encuentro a {client}. La conversación empieza con el primer mensaje del cliente; también vale el id del chat."
        )
    }

    fn no_human_active(&self, client: &str) -> String {
        format!("En la conversación con {client} no hay ninguna persona activa.")
    }
}
