//! Mail that no person wrote: automatic replies, bounces, reports and lists (RFC 3834, 3464, 5965, 2369).

use std::sync::LazyLock;

use regex::Regex;
use steward_domain::mail::own_message;

use super::{
    message::{Mail, addresses_in, decoded, first_of, ids_in},
    subjects,
};

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
/// The subjects of automatic replies begin like this. What follows is a colon or nothing: people write about their
/// absences, too.
static REPLY_SUBJECT: LazyLock<Regex> = LazyLock::new(|| {
    let text = format!(r"(?i)^\s*[\[(<*]*(?:{})[\])>*!.]*\s*(?:[:：]|$)", subjects::ABSENT.join("|"));
    Regex::new(&text).expect("it is a constant")
});
/// What list servers say of a mail that they didn't pass on.
static NOT_PASSED_ON: LazyLock<Regex> = pattern!(
    r"(?i)loop alert|security alert|not (?:a )?member|mail loop|\bignored\b|\brejected\b|restriction|too (?:big|large) mail|error"
);
static STATUS: LazyLock<Regex> = pattern!(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b");
static SMTP_CODE: LazyLock<Regex> = pattern!(r"(?:^|[\s:;<'(#-])([45])\d\d(?:[\s:;.#-]|$)");
/// Where plain bounces name the recipient.
static NAMED: LazyLock<Regex> = pattern!(
    r"(?im)(?:recipient|address|to|rcpt|user)[^\n<@]{0,40}[:\s<]+<?([\w.+=-]+@[\w.-]+\.\w{2,})>?|^\s*<?([\w.+=-]+@[\w.-]+\.\w{2,})>?:?\s*$"
);
/// A Message-ID in the headers of a returned mail.
static RETURNED_ID: LazyLock<Regex> = pattern!(r"(?im)^[>\s]*message-id\s*:\s*<([^<>\s]{3,250})>");

/// What a mail is if no person wrote it. `groups`: addresses of our own lists, through which clients write to us.
pub fn kind(mail: &Mail, groups: &[String]) -> Option<Automatic> {
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
    if listed(mail) && !through_own_group(mail, groups) {
        return Some(Automatic::List);
    }
    (SYSTEM.is_match(&from) || empty_path || NOBODY.is_match(&from)).then_some(Automatic::Reply)
}

fn automatic_by_header(mail: &Mail) -> bool {
    let submitted = ["auto-submitted", "x-auto-submitted"].iter().filter_map(|name| mail.header(name));
    let submitted = submitted.map(|v| v.trim().split([';', '(', ' ']).next().unwrap_or_default().to_lowercase());
    if submitted.into_iter().any(|v| !v.is_empty() && v != "no") {
        return true;
    }
    let precedence = mail.header("precedence").unwrap_or_default().trim().to_lowercase();
    matches!(precedence.as_str(), "auto_reply" | "auto-reply" | "junk")
        || [
            "x-autoreply",
            "x-autorespond",
            "x-autoresponder",
            "x-auto-reply",
            "x-auto-respond",
            "x-autoreply-from",
            "x-vacation",
            "x-autogenerated",
            "x-mail-autoreply",
            // Exchange: a rule of a mailbox or the system wrote it.
            "x-ms-exchange-generated-message-source",
        ]
        .iter()
        .any(|name| mail.header(name).is_some_and(|v| !v.trim().is_empty() && !v.trim().eq_ignore_ascii_case("no")))
        || mail.header("x-post-messageclass").is_some_and(|v| v.to_lowercase().contains("autoresponder"))
        || mail.header("x-apple-action").is_some_and(|v| v.to_lowercase().contains("vacation"))
        || mail.header("delivered-to").is_some_and(|v| v.trim().eq_ignore_ascii_case("autoresponder"))
        || mail.header("x-precedence").is_some_and(|v| v.to_lowercase().contains("auto_reply"))
        || server_wrote(mail)
}

/// A list server (fml) that speaks for itself: what it passes on is counted.
fn server_wrote(mail: &Mail) -> bool {
    mail.header("x-mlserver").is_some() && !PASSED_ON.iter().any(|name| mail.header(name).is_some())
}

/// Headers by which list servers count what they pass on.
const PASSED_ON: &[&str] = &["x-mail-count", "x-sequence", "x-ml-count"];

fn listed(mail: &Mail) -> bool {
    let precedence = mail.header("precedence").unwrap_or_default().trim().to_lowercase();
    matches!(precedence.as_str(), "bulk" | "list") || LIST_HEADERS.iter().any(|name| mail.header(name).is_some())
}

const LIST_HEADERS: &[&str] = &[
    "list-id",
    "list-unsubscribe",
    "list-post",
    "list-help",
    "list-owner",
    "list-archive",
    "list-subscribe",
    "mailing-list",
    "x-mailing-list",
    "x-mlserver",
    "x-ml-name",
];

/// Whether nothing makes it a list's but a group of ours, through which a client wrote to us: each header of a list that
/// it has must name one.
fn through_own_group(mail: &Mail, groups: &[String]) -> bool {
    let named = |value: &str| groups.iter().any(|group| names(value, group));
    let mut headers = LIST_HEADERS.iter().flat_map(|name| mail.header_values(name)).peekable();
    if headers.peek().is_some() {
        return headers.all(named);
    }
    let precedence = mail.header("precedence").unwrap_or_default().trim().to_lowercase();
    precedence == "list"
        && mail.recipients().any(|to| groups.iter().any(|group| group.trim().eq_ignore_ascii_case(&to.key())))
}

/// Whether a header of a list speaks of this group: `<support.example.com>`, `<mailto:support+help@example.com>`,
/// `<https://groups.google.com/a/example.com/group/support/subscribe>`.
fn names(value: &str, group: &str) -> bool {
    let (value, group) = (value.to_lowercase(), group.trim().to_lowercase());
    let Some((name, domain)) = group.split_once('@') else { return false };
    let around = |at: usize| {
        let bounds = [value[..at].chars().next_back(), value[at + name.len()..].chars().next()];
        bounds.iter().all(|c| c.is_none_or(|c| !c.is_alphanumeric() && c != '_'))
    };
    value.contains(domain) && value.match_indices(name).any(|(at, _)| around(at))
}

/// A list's program that refuses a mail: from a stranger, or one that runs in circles.
fn rejected_by_program(mail: &Mail) -> bool {
    let server = ["x-mlserver", "x-ml-info", "x-fml-subject-tag", "x-mail-count"];
    server.iter().any(|name| mail.header(name).is_some())
        && (mail.text.contains("not a member")
            || mail.text.contains("NOT MEMBER")
            || mail.subject.contains("not member")
            || server_wrote(mail) && NOT_PASSED_ON.is_match(&mail.subject))
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
        kind(&mail(&format!("{headers}\n\nhello")), &["support@example.com".to_owned()])
    }

    #[test]
    fn notices_of_absence_are_told_by_their_subject_in_every_language() {
        let all: Vec<_> = crate::email::reply::languages().into_iter().flat_map(|l| l.absences).collect();
        assert!(all.len() > 60, "{}", all.len());
        for subject in &all {
            for written in [subject.clone(), format!("[{subject}"), format!("{subject} ")] {
                let is = REPLY_SUBJECT.is_match(&written);
                assert!(is, "{written}");
            }
            // A person who answers it, and one who says more.
            assert!(!REPLY_SUBJECT.is_match(&format!("Re: {subject}")), "{subject}");
            let begun = subject.split([':', '：']).next().unwrap_or_default();
            assert!(!REPLY_SUBJECT.is_match(&format!("{begun}, can we meet on 5.12.?")), "{subject}");
        }
    }

    #[test]
    fn list_servers_that_speak_for_themselves_are_no_people() {
        let fml = "From: neko-admin@b.com\nX-MLServer: fml [fml 4.0.3]";
        let refused =
            |subject: &str| matches!(kind_of(&format!("{fml}\nSubject: {subject}")), Some(Automatic::Bounce(_)));
        assert!(refused("Loop Alert: neko ML"));
        assert!(refused("NOT MEMBER article from a@b.com (neko ML)"));
        assert_eq!(kind_of(&format!("{fml}\nSubject: fml Command Status report (neko ML)")), Some(Automatic::Reply));
        assert_eq!(
            kind_of("From: a@b.com\nX-MLServer: fml [x]\nX-Mail-Count: 77\nSubject: hello"),
            Some(Automatic::List)
        );
    }

    #[test]
    fn a_clients_mail_through_a_group_of_ours_is_a_clients() {
        let google = "Precedence: list\nMailing-list: list support@example.com; contact support+owners@example.com\nList-ID: <support.example.com>\nList-Post: <https://groups.google.com/a/example.com/group/support/post>, <mailto:support@example.com>\nList-Unsubscribe: <mailto:googlegroups-manage+77+unsubscribe@googlegroups.com>, <https://groups.google.com/a/example.com/group/support/subscribe>";
        let mailman = "Precedence: list\nList-Id: Support <support.example.com>\nList-Unsubscribe: <mailto:support-leave@example.com>";
        for headers in [google, mailman, "To: support@example.com\nPrecedence: list"] {
            assert_eq!(kind_of(&format!("From: ana@b.com\n{headers}")), None, "{headers}");
        }
        for headers in [
            google.replace("support", "team"),
            format!("{mailman}\nList-Unsubscribe: <https://shop.example.org/leave>"),
            "List-Id: <news.example.com>".to_owned(),
            "List-Id: <mysupport.example.com>".to_owned(),
            "To: team@example.com\nPrecedence: bulk".to_owned(),
        ] {
            assert_eq!(kind_of(&format!("From: ana@b.com\n{headers}")), Some(Automatic::List), "{headers}");
        }
        let reply = format!("From: ana@b.com\n{mailman}\nAuto-Submitted: auto-replied");
        assert_eq!(kind_of(&reply), Some(Automatic::Reply));
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
            "From: a@b.com\nX-Auto-Submitted: auto-replied",
            "From: a@b.com\nX-MS-Exchange-Generated-Message-Source: Mailbox Rules Agent",
            "From: a@b.com\nSubject: Нет на месте: встреча",
            "From: a@b.com\nSubject: Estoy de vacaciones",
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
            "From: a@b.com\nX-Auto-Submitted: no",
            "From: a@b.com\nSubject: Estoy de vacaciones, ¿podemos cambiar la cita?",
            "From: a@b.com\nSubject: Я в отпуске с понедельника",
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
