//! What a mail means: a client's word, a machine's, an operator's command, a person of ours writing past Steward, a meeting.

use chrono_tz::Tz;
use sha2::{Digest as _, Sha256};
use steward_domain::mail::own_message;
use steward_settings::Email;

use super::{
    authenticity,
    automatic::{self, Automatic, Bounce, Outcome},
    calendar,
    message::{Address, Attachment, LONGEST_ADDRESS, Mail},
    operator, reply,
};
use crate::{
    arrival::{Arrival, Chat, Media, Person, Report, Said, What},
    outside::{OutsideId, OutsideName, OutsideText, WholeText},
};

/// The longest Message-ID that stands in a key as it is, in bytes.
const LONGEST_ID: usize = 200;

/// How a mail came to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folder {
    /// Somebody sent it to us, or says so.
    Inbox,
    /// It was posted as it is, signed with the channel's own secret: its sender is whoever holds that, or whoever sent it
    /// to them.
    Posted,
    /// It lies among the sent mails of our own mailbox, where only we can put it.
    Sent,
}

/// Whose mail it is.
#[derive(Debug, Clone, Copy)]
pub struct Mailbox<'a> {
    pub settings: &'a Email,
    /// Addresses of people of ours.
    pub operators: &'a [String],
    /// The zone of times in calendars that name none.
    pub timezone: Tz,
    pub folder: Folder,
}

/// What the mail means: one arrival, or one for each meeting in it.
pub fn read(mail: &Mail, mailbox: &Mailbox<'_>) -> Vec<Arrival> {
    let ours = mailbox.settings.address.trim().to_lowercase();
    let groups = &mailbox.settings.groups;
    let kind = automatic::kind(mail, groups);
    let Some(sender) = sender(mail) else {
        return vec![match kind {
            // Bounces often come from nobody: what they are about has an address.
            Some(Automatic::Bounce(bounce)) if bounce.recipient.contains('@') => {
                let from = Address { name: OutsideName::default(), address: bounce.recipient.clone() };
                of_bounce(mail, of_person(mail, &from), &bounce, &ours)
            }
            Some(Automatic::Bounce(_)) => kept(mail, "bounce"),
            Some(Automatic::Reply) => kept(mail, "auto_reply"),
            Some(Automatic::List) => kept(mail, "list"),
            None => kept(mail, "mail_without_sender"),
        }];
    };
    if sender.key() == ours {
        return of_ours(mail, mailbox, kind.is_some());
    }
    // A group that writes itself into the From says elsewhere who wrote to it. Nobody becomes an operator by that.
    let written_through = written_through(mail, &sender, mailbox);
    let by_group = written_through.is_some();
    let from = written_through.unwrap_or(sender);
    let mut arrival = of_person(mail, &from);
    if let Some(Automatic::Bounce(bounce)) = &kind {
        return vec![of_bounce(mail, arrival, bounce, &ours)];
    }
    if kind.is_none() && !by_group && is_operator(mail, mailbox, &from) {
        return of_operator(mail, mailbox, arrival, &from);
    }
    // Calendars send their invitations by themselves, and say so.
    if let Some(meetings) = meetings(mail, mailbox, &arrival) {
        return meetings;
    }
    arrival.what = match kind {
        None => What::Said(said(mail, &from)),
        Some(Automatic::List) => aside(mail, &from, "list"),
        Some(Automatic::Reply | Automatic::Bounce(_)) => aside(mail, &from, "auto_reply"),
    };
    vec![arrival]
}

/// Who wrote it. A mail without From is its Sender's, or that of whoever answers are to go to.
fn sender(mail: &Mail) -> Option<Address> {
    let usable = |a: &Address| a.address.contains('@') && a.address.len() <= LONGEST_ADDRESS;
    mail.from
        .clone()
        .filter(usable)
        .or_else(|| {
            let others = ["sender", "reply-to", "from"].iter().filter_map(|name| mail.header(name));
            others.flat_map(super::message::addresses_in).find(usable)
        })
        .or_else(|| {
            let path = mail.envelope_from.clone()?;
            Some(Address { name: OutsideName::default(), address: path }).filter(usable)
        })
}

/// Who wrote a mail that comes from a group of ours: `'Ana' via Support <support@example.com>`.
fn written_through(mail: &Mail, sender: &Address, mailbox: &Mailbox<'_>) -> Option<Address> {
    if !is_group(sender, mailbox) {
        return None;
    }
    let own = |a: &Address| is_group(a, mailbox) || a.key() == mailbox.settings.address.trim().to_lowercase();
    let named = ["x-original-from", "x-original-sender", "reply-to"].iter().flat_map(|name| mail.header_values(name));
    named
        .flat_map(super::message::addresses_in)
        .find(|a| a.address.contains('@') && a.address.len() <= LONGEST_ADDRESS && !own(a))
}

fn is_group(address: &Address, mailbox: &Mailbox<'_>) -> bool {
    mailbox.settings.groups.iter().any(|group| group.trim().eq_ignore_ascii_case(&address.key()))
}

/// From this mailbox itself: our own send come back, or a person of ours who writes with it.
fn of_ours(mail: &Mail, mailbox: &Mailbox<'_>, by_machine: bool) -> Vec<Arrival> {
    let settings = mailbox.settings;
    if own_message(&mail.message_id, &settings.address).is_some() {
        return vec![kept(mail, "own_mail")];
    }
    // A forged From must not silence the bot. With no server whose word counts, what lies among the sent mails is ours,
    // and nothing else. With one, a mail that no server ever handled was handed over by whoever holds the secret.
    let trusted = settings.trusted_authserv_id.as_deref();
    let handed_over = || mailbox.folder == Folder::Posted && !authenticity::travelled(mail);
    let believed = mailbox.folder == Folder::Sent
        || trusted.is_some() && (authenticity::passed_dmarc(mail, trusted) || handed_over());
    if !believed {
        return vec![kept(mail, "unverified_own_mail")];
    }
    let Some(client) = client_among(mail, mailbox) else { return vec![kept(mail, "own_mail")] };
    let arrival =
        human_wrote(mail, &client, &Address { name: OutsideName::default(), address: settings.address.clone() });
    match meetings(mail, mailbox, &arrival) {
        Some(meetings) => meetings,
        None if by_machine => vec![kept(mail, "own_mail")],
        None => vec![arrival],
    }
}

/// One arrival for each meeting that the mail's calendars speak of, in the conversation of `like`.
fn meetings(mail: &Mail, mailbox: &Mailbox<'_>, like: &Arrival) -> Option<Vec<Arrival>> {
    let news = calendar::news(&mail.calendars, mailbox.timezone);
    let one = |(n, news)| {
        let key = if n == 0 { like.key.clone() } else { format!("{}#{n}", like.key).into() };
        Arrival { key, what: What::Meeting(news), ..like.clone() }
    };
    (!news.is_empty()).then(|| news.into_iter().enumerate().map(one).collect())
}

fn is_operator(mail: &Mail, mailbox: &Mailbox<'_>, from: &Address) -> bool {
    mailbox.operators.iter().any(|o| o.trim().eq_ignore_ascii_case(&from.key()))
        && authenticity::passed_dmarc(mail, mailbox.settings.trusted_authserv_id.as_deref())
}

fn of_operator(mail: &Mail, mailbox: &Mailbox<'_>, mut arrival: Arrival, from: &Address) -> Vec<Arrival> {
    let said = said(mail, from);
    if let Some(command) = operator::command(&said.text) {
        arrival.what = What::Operator(command);
        return vec![arrival];
    }
    match client_among(mail, mailbox) {
        // Written to a client, with us among the readers: a person of ours has answered.
        Some(client) => arrival = human_wrote(mail, &client, from),
        None => arrival.what = What::Said(said),
    }
    meetings(mail, mailbox, &arrival).unwrap_or_else(|| vec![arrival])
}

/// The first recipient who is none of ours.
fn client_among(mail: &Mail, mailbox: &Mailbox<'_>) -> Option<Address> {
    let ours = |a: &&Address| {
        a.key() == mailbox.settings.address.trim().to_lowercase()
            || is_group(a, mailbox)
            || mailbox.operators.iter().any(|o| o.trim().eq_ignore_ascii_case(&a.key()))
    };
    mail.recipients().find(|a| !ours(a)).cloned()
}

fn human_wrote(mail: &Mail, client: &Address, from: &Address) -> Arrival {
    Arrival {
        key: key(mail),
        at: mail.date,
        chat: Some(chat_of(client)),
        from: Some(person(from)),
        what: What::HumanWrote { said: said(mail, from), via: "email", takes_over: Some("detected") },
    }
}

/// A bounce of a mail of ours is news of that message; of anything else it is only kept.
fn of_bounce(mail: &Mail, mut arrival: Arrival, bounce: &Bounce, address: &str) -> Arrival {
    let recipient = Address { name: OutsideName::default(), address: bounce.recipient.clone() };
    let ours = own_message(&bounce.about, address).filter(|_| recipient.address.contains('@'));
    let from =
        arrival.from.as_ref().map(|p| Address { name: p.name.clone(), address: p.id.to_string() }).unwrap_or_default();
    let report = ours.and_then(|(message_id, part)| {
        let status = match bounce.outcome {
            Outcome::Failed => "failed",
            Outcome::Delivered => "delivered",
            Outcome::Read => "read",
            Outcome::Delayed | Outcome::Complained => return None,
        };
        let failed = bounce.outcome == Outcome::Failed;
        Some(Report {
            message_id: Some(message_id),
            part,
            provider_message_id: bracketed(&bounce.about),
            status,
            at: mail.date,
            failure: failed.then(|| ("bounced", bounce.diagnostic.as_str().into())),
            provider_code: bounce.status.as_str().into(),
            // The mail system has given up, also where its reason was a passing one.
            permanent: failed && !bounce.status.starts_with('4'),
            ..Report::default()
        })
    });
    match report {
        Some(report) => {
            arrival.chat = Some(chat_of(&recipient));
            arrival.from = None;
            arrival.what = What::Reported(report);
        }
        None => {
            if ours.is_some() {
                arrival.chat = Some(chat_of(&recipient));
            }
            let about = bracketed(&bounce.about);
            arrival.what = What::Aside { kind: "bounce", said: Said { kind: "bounce", ..said(mail, &from) }, about };
        }
    }
    arrival
}

fn aside(mail: &Mail, from: &Address, kind: &'static str) -> What {
    let about = mail.in_reply_to.first().or(mail.references.last()).map(|id| bracketed(id)).unwrap_or_default();
    What::Aside { kind, said: Said { kind, ..said(mail, from) }, about }
}

fn of_person(mail: &Mail, from: &Address) -> Arrival {
    Arrival {
        key: key(mail),
        at: mail.date,
        chat: Some(chat_of(from)),
        from: Some(person(from)),
        what: What::Kept("mail".into()),
    }
}

/// It belongs to no conversation.
pub fn kept(mail: &Mail, kind: &str) -> Arrival {
    Arrival { key: key(mail), at: mail.date, chat: None, from: None, what: What::Kept(kind.into()) }
}

fn chat_of(address: &Address) -> Chat {
    let key = OutsideId::from(address.key());
    Chat { external_id: key.clone(), contact: key, private: true, may_be_bound: true, ..Chat::default() }
}

fn person(address: &Address) -> Person {
    Person { id: address.key().into(), name: address.name.clone(), ..Person::default() }
}

fn said(mail: &Mail, from: &Address) -> Said {
    let media: Vec<Media> = mail.attachments.iter().map(media).collect();
    let mut text = reply::read(&mail.text, &format!("{} <{}>", from.name, from.address)).new;
    // Some people write all they have to say into the subject.
    if text.is_empty() && media.is_empty() {
        text.clone_from(&mail.subject);
    }
    let full = mail.text.trim();
    Said {
        kind: match media.first() {
            Some(first) if text.is_empty() => kind_of(&first.mime_type),
            _ => "text",
        },
        full_text: if full == text { WholeText::if_cut(full) } else { full.into() },
        text: text.into(),
        provider_message_id: bracketed(&mail.message_id),
        reply_to: mail.in_reply_to.first().or(mail.references.last()).map(|id| bracketed(id)).unwrap_or_default(),
        media,
        subject: mail.subject.chars().take(998).collect::<String>().into(),
        thread: OutsideText::from(mail.thread()),
        ..Said::default()
    }
}

fn bracketed(id: &str) -> OutsideId {
    if id.is_empty() { OutsideId::default() } else { format!("<{id}>").into() }
}

/// Its content stays in the raw mail, which the event names.
fn media(attachment: &Attachment) -> Media {
    Media {
        kind: kind_of(&attachment.mime_type),
        provider_id: format!("attachment:{}", attachment.place).into(),
        mime_type: attachment.mime_type.clone(),
        file_name: attachment.file_name.clone(),
        size: attachment.size,
    }
}

fn kind_of(mime_type: &str) -> &'static str {
    match mime_type.split('/').next() {
        Some("image") => "image",
        Some("audio") => "audio",
        Some("video") => "video",
        _ => "document",
    }
}

/// The same mail has the same key, whichever way it came.
fn key(mail: &Mail) -> OutsideId {
    if !mail.message_id.is_empty() && mail.message_id.len() <= LONGEST_ID && mail.message_id.is_ascii() {
        return format!("mail:{}", mail.message_id).into();
    }
    let mut hash = Sha256::new();
    let from = mail.from.as_ref().map(Address::key).unwrap_or_default();
    let date = mail.header("date").unwrap_or_default();
    for field in [mail.message_id.as_str(), &mail.provider_id, &from, date, &mail.subject, &mail.text] {
        hash.update(field.len().to_le_bytes());
        hash.update(field.as_bytes());
    }
    format!("mail:sha256:{}", hex::encode(hash.finalize())).into()
}
