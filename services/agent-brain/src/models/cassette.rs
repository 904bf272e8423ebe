//! Cassettes: exchanges with models, kept in a file of JSON lines and played again without a network. What is played are the bytes
//! that came over the wire, so that all that reads them is tried as well.
//!
//! An exchange is found by its [`key`]: model and request, in which ids and times are only numbered, for they differ from run to
//! run. Where the same is asked again, the answers come in the order in which they were recorded, and the last one stays.

use std::{
    collections::{HashMap, VecDeque},
    fs::{File, OpenOptions},
    io::{self, Write as _},
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use reqwest::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use steward_settings::Model;

use super::{
    error::ModelError,
    providers::Without,
    request::{Request, Step, Tool},
};

/// Most bytes of an answer that are recorded.
const LONGEST_ANSWER: usize = 16 << 20;
/// Headers that are about the connection, or about who asked.
const NOT_KEPT: [&str; 6] = ["set-cookie", "date", "connection", "keep-alive", "transfer-encoding", "content-length"];

/// Where exchanges are played from, and recorded to.
#[derive(Debug)]
pub struct Cassette {
    exchanges: Mutex<HashMap<String, VecDeque<Exchange>>>,
    /// What isn't there is asked for over the network, and written here.
    record: Option<Mutex<File>>,
    missed: Mutex<Vec<String>>,
}

/// One line of the file.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Exchange {
    key: String,
    provider: String,
    model: String,
    /// As the key is made of it, for whoever reads the file.
    request: Value,
    status: u16,
    headers: Vec<(String, String)>,
    /// The body as it came, frames and all.
    body: String,
}

/// An exchange that isn't recorded yet.
pub(super) struct Blank {
    key: String,
    provider: String,
    model: String,
    request: Value,
}

impl Cassette {
    /// Plays what the file holds, and nothing else.
    ///
    /// # Errors
    /// The file can't be read, or a line of it is no exchange.
    pub fn play(path: &Path) -> io::Result<Self> {
        Ok(Self { exchanges: Mutex::new(read(path)?), record: None, missed: Mutex::default() })
    }

    /// Plays what the file holds; what it doesn't is asked for and added to it.
    ///
    /// # Errors
    /// The file can't be read or written, or a line of it is no exchange.
    pub fn record(path: &Path) -> io::Result<Self> {
        let exchanges = if path.exists() { read(path)? } else { HashMap::new() };
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self { exchanges: Mutex::new(exchanges), record: Some(Mutex::new(file)), missed: Mutex::default() })
    }

    /// What was asked and isn't there: each in short.
    pub fn missed(&self) -> Vec<String> {
        lock(&self.missed).clone()
    }

    /// The recorded answer; or what to record one under.
    pub(super) fn find(&self, model: &Model, without: &Without, request: &Request) -> Result<Response, Blank> {
        let request = canonical(request);
        let key = key(model, without, &request);
        let mut exchanges = lock(&self.exchanges);
        if let Some(answers) = exchanges.get_mut(&key) {
            let next = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
            if let Some(response) = next.and_then(Exchange::response) {
                return Ok(response);
            }
        }
        Err(Blank { key, provider: model.provider.clone(), model: model.name.clone(), request })
    }

    /// Whether the network may be asked.
    pub(super) fn records(&self, blank: &Blank) -> bool {
        let records = self.record.is_some();
        if !records {
            lock(&self.missed).push(format!("{} {} {}", blank.provider, blank.model, blank.key));
        }
        records
    }

    /// Keeps an answer, and gives it back as if it had just come.
    pub(super) async fn keep(&self, blank: Blank, response: Response) -> Result<Response, ModelError> {
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .filter(|(name, _)| !NOT_KEPT.contains(&name.as_str()))
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
            .collect();
        let body = response.bytes().await.map_err(|_| ModelError::Cut { received: 0 })?;
        let body = String::from_utf8(body.into()).map_err(|_| ModelError::Malformed)?;
        if body.len() > LONGEST_ANSWER {
            return Err(ModelError::Malformed);
        }
        let Blank { key, provider, model, request } = blank;
        let exchange = Exchange { key, provider, model, request, status, headers, body };
        if let Some(file) = &self.record {
            let mut line = serde_json::to_vec(&exchange).expect("texts and numbers are JSON");
            line.push(b'\n');
            if let Err(error) = lock(file).write_all(&line) {
                tracing::error!(%error, "an exchange can't be recorded");
            }
        }
        exchange.response().ok_or(ModelError::Malformed)
    }
}

impl Exchange {
    fn response(self) -> Option<Response> {
        let mut response = http::Response::builder().status(self.status);
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        Some(response.body(self.body).ok()?.into())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read(path: &Path) -> io::Result<HashMap<String, VecDeque<Exchange>>> {
    let mut exchanges: HashMap<String, VecDeque<Exchange>> = HashMap::new();
    for (n, line) in std::fs::read_to_string(path)?.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
        let exchange: Exchange =
            serde_json::from_str(line).map_err(|error| io::Error::other(format!("line {}: {error}", n + 1)))?;
        exchanges.entry(exchange.key.clone()).or_default().push_back(exchange);
    }
    Ok(exchanges)
}

fn key(model: &Model, without: &Without, request: &Value) -> String {
    let mut digest = Sha256::new();
    for part in [model.kind.name(), &model.name, &format!("{without:?}"), &request.to_string()] {
        digest.update(part);
        digest.update([0]);
    }
    digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// The request without what differs from run to run: of what only its provider understands nothing, and ids and times as
/// numbers in the order in which they come.
fn canonical(request: &Request) -> Value {
    let step = |step: &Step| match step {
        Step::User(texts) => json!({ "user": texts.iter().map(super::Text::rendered).collect::<Vec<_>>() }),
        Step::Model(said) => {
            let calls = said.calls.iter().map(|call| json!([call.id.as_str(), call.name, call.arguments.text()]));
            json!({ "model": said.text, "calls": calls.collect::<Vec<_>>() })
        }
        Step::Results(results) => {
            let result =
                |result: &super::CallResult| json!([result.call.as_str(), result.content.rendered(), result.failed]);
            json!({ "results": results.iter().map(result).collect::<Vec<_>>() })
        }
    };
    let tool = |tool: &Tool| json!([tool.name.as_str(), tool.description, tool.schema]);
    let request = json!({
        "instructions": request.instructions.iter().map(|s| json!([s.text.rendered(), s.stable])).collect::<Vec<_>>(),
        "steps": request.steps.iter().map(step).collect::<Vec<_>>(),
        "tools": request.tools.iter().map(tool).collect::<Vec<_>>(),
        "tool_choice": format!("{:?}", request.tool_choice),
        "one_call": request.one_call,
        "output": request.output.as_ref().map(|output| json!([output.name.as_str(), output.schema])),
        "max_output": request.max_output,
        "effort": request.effort.map(super::Effort::name),
    });
    let mut numbered = Numbered::default();
    numbered.value(request)
}

/// The ids and times that were met, in their order.
#[derive(Default)]
struct Numbered {
    met: HashMap<String, usize>,
}

impl Numbered {
    fn value(&mut self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(&text)),
            Value::Array(values) => values.into_iter().map(|value| self.value(value)).collect(),
            Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, self.value(value))).collect(),
            other => other,
        }
    }

    fn text(&mut self, text: &str) -> String {
        let (mut out, mut rest) = (String::with_capacity(text.len()), text);
        while let Some(at) = rest.find(|c: char| c.is_ascii_hexdigit()) {
            let (before, from) = rest.split_at(at);
            out.push_str(before);
            let inside_a_word = out.ends_with(|c: char| c.is_alphanumeric());
            let length = if inside_a_word { None } else { uuid(from).or_else(|| time(from)) };
            // What is neither goes over as a whole word.
            let word = from.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(from.len());
            let (here, behind) = from.split_at(length.unwrap_or(word));
            if length.is_some() {
                let next = self.met.len() + 1;
                let n = *self.met.entry(here.to_ascii_lowercase()).or_insert(next);
                out.push_str(&format!("#{n}"));
            } else {
                out.push_str(here);
            }
            rest = behind;
        }
        out.push_str(rest);
        out
    }
}

/// The length of the pattern that the text begins with: `h` a hexadecimal digit, `d` a decimal one, others themselves.
fn pattern(text: &str, pattern: &str) -> Option<usize> {
    let fits = |(byte, wanted): (u8, u8)| match wanted {
        b'h' => byte.is_ascii_hexdigit(),
        b'd' => byte.is_ascii_digit(),
        other => byte == other,
    };
    (text.len() >= pattern.len() && text.bytes().zip(pattern.bytes()).all(fits)).then_some(pattern.len())
}

fn uuid(text: &str) -> Option<usize> {
    pattern(text, "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh")
}

/// RFC 3339, with or without fractions.
fn time(text: &str) -> Option<usize> {
    let mut end = pattern(text, "dddd-dd-ddTdd:dd:dd")?;
    if let Some(fraction) = text[end..].strip_prefix('.') {
        end += 1 + fraction.bytes().take_while(u8::is_ascii_digit).count();
    }
    let zone = &text[end..];
    let length = pattern(zone, "Z").or_else(|| pattern(zone, "+dd:dd")).or_else(|| pattern(zone, "-dd:dd"))?;
    Some(end + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_times_are_numbered_in_their_order_and_all_else_stays() {
        for (text, expected) in [
            ("a 0198e5a0-7c00-7aaa-8bbb-000000000001 b", "a #1 b"),
            ("0198e5a0-7c00-7aaa-8bbb-00000000000A.0198E5A0-7c00-7aaa-8bbb-00000000000a", "#1.#1"),
            ("2026-11-28T09:00:00Z then 2026-11-28T09:00:00.123+01:00", "#1 then #2"),
            ("2026-11-28, 14:30, 3 cafés, +7 495 1234567", "2026-11-28, 14:30, 3 cafés, +7 495 1234567"),
            ("x0198e5a0-7c00-7aaa-8bbb-000000000001", "x0198e5a0-7c00-7aaa-8bbb-000000000001"),
            ("2026-11-28T09:00:00", "2026-11-28T09:00:00"),
            ("дом 5е, é2026", "дом 5е, é2026"),
            ("", ""),
        ] {
            assert_eq!(Numbered::default().text(text), expected, "{text}");
        }
    }

    #[test]
    fn a_long_text_is_read_once() {
        for word in ["a", "0", "0198e5a0-", "2026-11-28T09:00:00."] {
            let text = word.repeat(200_000 / word.len());
            assert_eq!(Numbered::default().text(&text), text);
        }
    }
}
