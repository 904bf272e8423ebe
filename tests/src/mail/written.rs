//! Mails as people's programs write them.

use chrono::Utc;

use super::Received;
use crate::config::AGENT;

/// A person's mail to the mailbox under test; `more` are header lines, each with its end.
pub fn written(from: &str, id: &str, subject: &str, more: &str, text: &str) -> String {
    let date = Utc::now().to_rfc2822();
    format!(
        "From: Ann <{from}>\r\nTo: {AGENT}\r\nDate: {date}\r\nMessage-ID: <{id}>\r\nSubject: {subject}\r\n{more}\
         MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{text}\r\n"
    )
}

/// An answer to one of ours, with what it answers quoted below.
pub fn answer(to: &Received, from: &str, id: &str, text: &str) -> String {
    let thread = format!("In-Reply-To: {0}\r\nReferences: {0}\r\n", to.message_id());
    let quoted: String = to.text().lines().map(|line| format!("> {line}\r\n")).collect();
    let text = format!("{text}\r\n\r\nOn Sat, Nov 21, 2026 at 10:00 AM <{AGENT}> wrote:\r\n\r\n{quoted}");
    written(from, id, &to.subject, &thread, &text)
}
