//! Mail that no person wrote: automatic replies, bounces, reports and lists (RFC 3834, 3464, 5965, 2369).

use std::sync::LazyLock;

use regex::Regex;
use steward_domain::mail::own_message;

use super::message::{Mail, addresses_in, decoded, first_of, ids_in};

/// What kind of machine wrote a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Automatic {
    /// An answer or a notice that a program wrote.
    Reply,
    /// A mail could not be delivered, or its fate is told.
    Bounce(Bounce),
    /// It was sent to many.
    List,
}

/// What a mail system says of a mail.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bounce {
    pub outcome: Outcome,
    /// RFC 3463: `5.1.1`; empty if unknown.
    pub status: String,
    /// In the words of the mail system, shortened.
    pub diagnostic: String,
    /// Where the mail was to go, lower-cased.
    pub recipient: String,
    /// The Message-ID of the mail it is about, without brackets.
    pub about: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Outcome {
    /// It will not arrive.
    #[default]
    Failed,
    /// It may still arrive.
    Delayed,
    Delivered,
    /// Its reader opened it.
    Read,
    /// Its reader complained about it.
    Complained,
}

macro_rules! pattern {
    ($text:expr) => {
        LazyLock::new(|| Regex::new($text).expect("it is a constant"))
    };
}

/// Addresses that mail systems write from.
static SYSTEM: LazyLock<Regex> = pattern!(
    r"(?i)^(?:mailer-?daemon|postmaster|post_master|poostmaster|mail[._-]?delivery[._-]?(?:subsystem|system)|mail-?daemon|bounces?(?:[+=-].*)?|mdaemon|nonresponder)(?:@|$)"
);
static SYSTEM_NAME: LazyLock<Regex> =
    pattern!(r"(?i)mail\s+deliver(?:y)?\s+(?:sub)?system|mailer[ -]daemon|system administrator|NDR administrator");
/// Of these, the ones that nothing but bounces comes from.
static DAEMON: LazyLock<Regex> = pattern!(
    r"(?i)^(?:mailer-?daemon|post_master|mail[._-]?delivery[._-]?(?:subsystem|system)|mail-?daemon|mdaemon)(?:@|$)"
);
/// Addresses that nobody reads.
static NOBODY: LazyLock<Regex> = pattern!(r"(?i)^(?:no|not|do-?not|dont)[._-]?reply(?:[+._-].*)?@");
static BOUNCE_SUBJECT: LazyLock<Regex> = pattern!(
    r"(?ix)(?:
        delivery \s+ status \s+ notification | delivery \s+ (?:failure|report|notification|has \s+ failed) | mail \s+ delivery \s+ (?:failed|failure|status|problem) | email \s+ delivery \s+ failure
      | failure \s+ notice | undeliver(?:able|ed) | returned \s+ (?:mail|to \s+ sender) | message \s+ (?:delivery \s+ has \s+ failed | you \s+ sent \s+ blocked | could \s+ not \s+ be \s+ delivered)
      | (?:could \s+ not|couldn't|cannot) \s+ be \s+ delivered | mail \s+ system \s+ error | error \s+ sending \s+ your \s+ mail | delivery \s+ status | postmaster \s+ notify
      | nicht \s+ zugestellt | unzustellbar | zustellung \s+ fehlgeschlagen | non \s+ remis | échec \s+ de \s+ (?:la \s+)?(?:remise|livraison) | no \s+ se \s+ (?:puede|pudo) \s+ entregar | no \s+ entregado | devuelto \s+ al \s+ remitente
      | недоставлен | не \s+ доставлен | не \s+ может \s+ быть \s+ доставлен | не \s+ удалось \s+ доставить | メールエラー
    )"
);
/// The subjects of automatic replies begin like this, by language. What follows is a colon or nothing: people write
/// about their absences, too.
static REPLY_SUBJECT: LazyLock<Regex> = pattern!(
    r"(?ix)^\s*[\[(]?(?:
        auto(?:matic)? [\s-]? (?:reply|response|answer|antwort|responder) | auto | out \s of \s (?:the \s)? office (?:\s (?:auto-?reply|reply|message|notification|response))?
      | vacation \s (?:reply|response|message|notice|notification)
      | automatische \s antwort | abwesenheits(?:notiz|meldung|nachricht|assistent) | abwesend | abwesenheit
      | réponse \s automatique | (?:absence|absent) \s du \s bureau
      | respuesta \s autom[aá]tica | fuera \s de \s la \s oficina | resposta \s autom[aá]tica | fora \s do \s escrit[oó]rio
      | risposta \s automatica | fuori \s ufficio | automatisch \s antwoord | afwezigheidsbericht | autosvar | automatiskt \s svar | automaattinen \s vastaus | odpowied[zź] \s automatyczna | autoodpowied[zź]
      | автоматический \s ответ | автоответ(?:чик)? | автоматична \s відповідь | 自動返信 | 自动回复 | 自動回覆 | 自动答复
    )[\])]?\s*(?:[:：]|$)"
);
static STATUS: LazyLock<Regex> = pattern!(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b");
static SMTP_CODE: LazyLock<Regex> = pattern!(r"(?:^|[\s:;<'(#-])([45])\d\d(?:[\s:;.#-]|$)");
/// Where plain bounces name the recipient.
static NAMED: LazyLock<Regex> = pattern!(
    r"(?im)(?:recipient|address|to|rcpt|user)[^\n<@]{0,40}[:\s<]+<?([\w.+=-]+@[\w.-]+\.\w{2,})>?|^\s*<?([\w.+=-]+@[\w.-]+\.\w{2,})>?:?\s*$"
);
/// A Message-ID in the headers of a returned mail.
static RETURNED_ID: LazyLock<Regex> = pattern!(r"(?im)^[>\s]*message-id\s*:\s*<([^<>\s]{3,250})>");

/// What a mail is if no person wrote it.
pub fn kind(mail: &Mail) -> Option<Automatic> {
    if let Some(bounce) = report(mail) {
        return Some(bounce);
    }
    let from = mail.from.as_ref().map(|a| a.key()).unwrap_or_default();
    let raw_from = mail.header("from").unwrap_or_default();
    let system = SYSTEM.is_match(&from)
        || SYSTEM_NAME.is_match(raw_from)
        || from.is_empty() && SYSTEM.is_match(raw_from.trim().trim_matches(['<', '>', '"']))
        || mail.header("x-failed-recipients").is_some();
    let empty_path = mail.envelope_from.as_deref() == Some("");
    let path_system = mail.envelope_from.as_deref().is_some_and(|path| SYSTEM.is_match(path));
    let subject = BOUNCE_SUBJECT.is_match(&mail.subject);
    if DAEMON.is_match(&from)
        || system
            && (subject
                || empty_path
                || path_system
                || mail.header("x-failed-recipients").is_some()
                || tells_failure(mail))
        || (empty_path || NOBODY.is_match(&from)) && subject
        || rejected_by_program(mail)
    {
        return Some(Automatic::Bounce(from_text(mail)));
    }
    if automatic_by_header(mail) || REPLY_SUBJECT.is_match(&mail.subject) {
        return Some(Automatic::Reply);
    }
    if listed(mail) {
        return Some(Automatic::List);
    }
    (SYSTEM.is_match(&from) || empty_path || NOBODY.is_match(&from)).then_some(Automatic::Reply)
}

fn automatic_by_header(mail: &Mail) -> bool {
    let submitted =
        mail.header("auto-submitted").map(|v| v.split([';', '(', ' ']).next().unwrap_or_default().to_lowercase());
    if submitted.is_some_and(|v| !v.is_empty() && v != "no") {
        return true;
    }
    let precedence = mail.header("precedence").unwrap_or_default().trim().to_lowercase();
    matches!(precedence.as_str(), "auto_reply" | "auto-reply" | "junk")
        || [
            "x-autoreply",
            "x-autorespond",
            "x-autoresponder",
            "x-auto-reply",
            "x-vacation",
            "x-autogenerated",
            "x-mail-autoreply",
        ]
        .iter()
        .any(|name| mail.header(name).is_some_and(|v| !v.trim().eq_ignore_ascii_case("no")))
        || mail.header("x-apple-action").is_some_and(|v| v.to_lowercase().contains("vacation"))
        || mail.header("delivered-to").is_some_and(|v| v.trim().eq_ignore_ascii_case("autoresponder"))
        || mail.header("x-precedence").is_some_and(|v| v.to_lowercase().contains("auto_reply"))
}

fn listed(mail: &Mail) -> bool {
    let precedence = mail.header("precedence").unwrap_or_default().trim().to_lowercase();
    matches!(precedence.as_str(), "bulk" | "list")
        || [
            "list-id",
            "list-unsubscribe",
            "list-post",
            "list-help",
            "list-owner",
            "list-archive",
            "list-subscribe",
            "mailing-list",
            "x-mailing-list",
        ]
        .iter()
        .any(|name| mail.header(name).is_some())
}

/// A list's program that refuses a mail from a stranger.
fn rejected_by_program(mail: &Mail) -> bool {
    mail.headers
        .iter()
        .any(|(name, _)| matches!(name.as_str(), "x-mlserver" | "x-ml-info" | "x-fml-subject-tag" | "x-mail-count"))
        && (mail.text.contains("not a member")
            || mail.text.contains("NOT MEMBER")
            || mail.subject.contains("not member"))
}

fn tells_failure(mail: &Mail) -> bool {
    let text = mail.text.to_lowercase();
    STATUS.is_match(&mail.text)
        || [
            "could not be delivered",
            "delivery failed",
            "failed to deliver",
            "user unknown",
            "unable to deliver",
            "not delivered",
            "undeliver",
            "unknown user",
            "no such user",
            "invalid recipient",
            "delivery has failed",
            "returned to sender",
            "blocked",
        ]
        .iter()
        .any(|sign| text.contains(sign))
        || !mail.returned.is_empty()
}

/// What a report with a machine-readable part says.
fn report(mail: &Mail) -> Option<Automatic> {
    let feedback = mail.reports.iter().find(|r| r.to_lowercase().contains("feedback-type:"));
    if let Some(feedback) = feedback {
        let fields = fields_of(feedback);
        return Some(Automatic::Bounce(Bounce {
            outcome: Outcome::Complained,
            diagnostic: first_of(&fields, "feedback-type").unwrap_or_default().to_owned(),
            recipient: recipient_of(&fields, mail),
            about: about(mail, &fields),
            ..Bounce::default()
        }));
    }
    let report = mail.reports.first();
    if mail.content_type != "multipart/report" && report.is_none() {
        return None;
    }
    let Some(report) = report else { return Some(Automatic::Bounce(from_text(mail))) };
    let fields = fields_of(report);
    if let Some(disposition) = first_of(&fields, "disposition") {
        let read = disposition.to_lowercase().contains("displayed");
        let outcome = if read { Outcome::Read } else { Outcome::Delivered };
        let about = about(mail, &fields);
        return Some(Automatic::Bounce(Bounce {
            outcome,
            recipient: recipient_of(&fields, mail),
            about,
            ..Bounce::default()
        }));
    }
    let mut status =
        first_of(&fields, "status").and_then(|s| STATUS.find(s)).map(|m| m.as_str().to_owned()).unwrap_or_default();
    let diagnostic = first_of(&fields, "diagnostic-code").unwrap_or_default();
    // 5.0.0 says nothing; the words of the other server may say more.
    if (status.is_empty() || status.ends_with(".0.0"))
        && let Some(better) = STATUS.find(diagnostic)
    {
        status = better.as_str().to_owned();
    }
    let action = first_of(&fields, "action").unwrap_or_default().trim().to_lowercase();
    let outcome = match action.as_str() {
        "delayed" => Outcome::Delayed,
        "delivered" | "relayed" | "expanded" => Outcome::Delivered,
        "failed" => Outcome::Failed,
        _ if status.starts_with('4') => Outcome::Delayed,
        _ if status.starts_with('2') => Outcome::Delivered,
        _ => Outcome::Failed,
    };
    let diagnostic = if diagnostic.is_empty() { words_of(mail) } else { short(diagnostic) };
    let recipient = recipient_of(&fields, mail);
    Some(Automatic::Bounce(Bounce { outcome, status, diagnostic, recipient, about: about(mail, &fields) }))
}

/// The fields of a report: its blocks joined, the first of a name counts.
fn fields_of(report: &str) -> Vec<(String, String)> {
    let blocks = report.replace("\r\n", "\n");
    blocks.split("\n\n").flat_map(super::message::headers_in).collect()
}

fn recipient_of(fields: &[(String, String)], mail: &Mail) -> String {
    let returned = first_of(&mail.returned, "to").and_then(|to| addresses_in(to).into_iter().next()).map(|a| a.key());
    let reported = ["original-recipient", "final-recipient", "original-rcpt-to", "removal-recipient"]
        .iter()
        .find_map(|name| first_of(fields, name))
        .map(|value| {
            value.rsplit_once(';').map_or(value, |(_, address)| address).trim().trim_matches(['<', '>']).to_lowercase()
        })
        .filter(|address| address.contains('@'));
    // What we wrote to is the conversation; the final recipient may be where it was forwarded.
    returned.filter(|a| a.contains('@')).or(reported).unwrap_or_default()
}

/// Which mail it is about: the returned headers, the report's own field, or what it answers if that is one of ours.
fn about(mail: &Mail, fields: &[(String, String)]) -> String {
    let named = first_of(&mail.returned, "message-id").or_else(|| first_of(fields, "original-message-id"));
    if let Some(id) = named.and_then(|value| ids_in(value).into_iter().next()) {
        return id;
    }
    let answered = mail.in_reply_to.iter().chain(&mail.references).find(|id| own_message(id, id).is_some());
    answered.cloned().or_else(|| in_text(mail)).unwrap_or_default()
}

fn in_text(mail: &Mail) -> Option<String> {
    RETURNED_ID.captures_iter(&mail.text).last().map(|found| found[1].to_owned())
}

/// A bounce that is words only.
fn from_text(mail: &Mail) -> Bounce {
    let fields = Vec::new();
    let status = STATUS.find(&mail.text).map(|m| m.as_str().to_owned()).unwrap_or_default();
    let temporary = status.starts_with('4')
        || status.is_empty() && SMTP_CODE.captures(&mail.text).is_some_and(|c| &c[1] == "4")
        || mail.subject.to_lowercase().contains("delay");
    let mut recipient = mail
        .header("x-failed-recipients")
        .and_then(|v| addresses_in(v).into_iter().next())
        .map(|a| a.key())
        .unwrap_or_default();
    if recipient.is_empty() {
        recipient = recipient_of(&fields, mail);
    }
    if recipient.is_empty() {
        let named = NAMED.captures(&mail.text).and_then(|c| c.get(1).or_else(|| c.get(2)));
        recipient = named.map(|m| m.as_str().to_lowercase()).unwrap_or_default();
    }
    Bounce {
        outcome: if temporary { Outcome::Delayed } else { Outcome::Failed },
        status,
        diagnostic: words_of(mail),
        recipient,
        about: about(mail, &fields),
    }
}

/// The line of the text that says why.
fn words_of(mail: &Mail) -> String {
    let why = mail.text.lines().find(|l| STATUS.is_match(l) || SMTP_CODE.is_match(l));
    short(why.unwrap_or(&decoded(&mail.subject)))
}

fn short(text: &str) -> String {
    super::message::one_line(text).chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(raw: &str) -> Mail {
        Mail::read(raw.replace('\n', "\r\n").as_bytes()).unwrap()
    }

    fn kind_of(headers: &str) -> Option<Automatic> {
        kind(&mail(&format!("{headers}\n\nhello")))
    }

    #[test]
    fn what_a_machine_wrote_is_told_from_what_a_person_wrote() {
        for headers in [
            "From: a@b.com\nAuto-Submitted: auto-replied (vacation)",
            "From: a@b.com\nPrecedence: auto_reply",
            "From: a@b.com\nX-Autoreply: yes",
            "From: a@b.com\nX-Apple-Action: OOF/VACATION",
            "From: a@b.com\nSubject: Automatic reply: our call",
            "From: a@b.com\nSubject: Out of Office: back on Monday",
            "From: a@b.com\nSubject: =?utf-8?B?0JDQstGC0L7QvtGC0LLQtdGCOiDQsiDQvtGC0L/Rg9GB0LrQtQ==?=",
            "From: a@b.com\nReturn-Path: <>",
            "From: no-reply@shop.com\nSubject: your order",
        ] {
            assert_eq!(kind_of(headers), Some(Automatic::Reply), "{headers}");
        }
        for headers in [
            "From: a@b.com\nList-Id: <l.b.com>",
            "From: a@b.com\nPrecedence: bulk",
            "From: a@b.com\nList-Unsubscribe: <mailto:x@b.com>",
        ] {
            assert_eq!(kind_of(headers), Some(Automatic::List), "{headers}");
        }
        for headers in [
            "From: a@b.com\nAuto-Submitted: no",
            "From: a@b.com\nSubject: Re: automatic gates",
            "From: a@b.com\nSubject: Out of office next week - can we move our call?",
            "From: a@b.com\nSubject: Auto response times are slow",
            "From: a@b.com\nSubject: Re: Automatic reply: our call",
            "From: a@b.com\nSubject: about the failure notice you sent",
            "From: a@b.com\nX-Auto-Response-Suppress: All",
            "From: postman@b.com\nSubject: hi",
            "From: a@b.com\nReturn-Path: <a@b.com>",
        ] {
            assert_eq!(kind_of(headers), None, "{headers}");
        }
    }
}
