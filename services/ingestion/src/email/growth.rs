//! Reading a mail costs time in proportion to its length, whatever a stranger puts into it.
//!
//! One test takes a part of the shapes that cost most once and is always run; all of them, at the length of real attacks:
//! `cargo test --release -p steward-ingestion --lib growth -- --ignored --nocapture`.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use super::{calendar, fuzzing, html, message::Mail, providers, reply};

/// Bytes four times as many may take so many times as long: 2.5 for each doubling.
const MOST: f64 = 6.25;

/// A text that is shorter than the length given, or a bit longer.
type Shape = (&'static str, fn(usize) -> String);

fn repeated(unit: &str, bytes: usize) -> String {
    unit.repeat(bytes / unit.len() + 1)
}

fn after(head: &str, unit: &str, bytes: usize) -> String {
    format!("{head}{}", repeated(unit, bytes))
}

/// As many as fit, each with its number.
fn numbered(bytes: usize, one: impl Fn(usize) -> String) -> String {
    let mut text = String::new();
    for n in 0.. {
        if text.len() >= bytes {
            break;
        }
        text.push_str(&one(n));
    }
    text
}

const WROTE: &str = "On Fri, 20 Nov 2026 at 10:00, Agent <agent@example.com> wrote:\n";

/// Texts of a mail, as a person's program writes them.
const TEXTS: &[Shape] = &[
    ("quotation marks", |n| repeated(">\n", n)),
    ("deep quotations", |n| repeated("> > > > x\n", n)),
    ("marks in one line", |n| repeated(">", n)),
    ("introductions", |n| repeated(WROTE, n)),
    ("introductions apart", |n| repeated(&format!("x\n{WROTE}\n"), n)),
    ("introductions that want a quotation", |n| repeated("On Monday, 10:00 Ana wrote\n\n\n", n)),
    ("introductions, then nothing", |n| after(&repeated("Ana wrote:\n", n / 2), "\n", n / 2)),
    ("quoted introductions", |n| repeated(&format!("x\n> {WROTE}> y\n"), n)),
    ("wrapped introductions", |n| repeated("On Fri, 20 Nov 2026\nat 10:00\nAgent\n", n)),
    ("answers between", |n| repeated(&format!("{WROTE}> a\nb\n"), n)),
    ("answers between quotations", |n| after(WROTE, "> a\nb\n", n)),
    ("wrapped links", |n| after(WROTE, "http://a.b>\n", n)),
    ("headers", |n| repeated("From: a\n", n)),
    ("two headers and a word", |n| repeated("From: a\nTo: b\nword\n", n)),
    ("headers with blank lines", |n| repeated("To: a\n\n", n)),
    ("headers without colons", |n| repeated("Subject\n", n)),
    ("marks of signatures", |n| repeated("-- \n", n)),
    ("marks, then a signature", |n| repeated("-- \nAna\n", n)),
    ("rules", |n| repeated("-----\n", n)),
    ("rules in one line", |n| repeated("- ", n)),
    ("phones", |n| repeated("Sent from my iPhone\n\n", n)),
    ("disclaimers", |n| repeated("confidential intended only \n", n)),
    ("a disclaimer in one line", |n| after("x\n\n", "confidential received this email ", n)),
    ("links in one line", |n| repeated("<http://a", n)),
    ("closed links in one line", |n| repeated(" <http://a>", n)),
    ("names", |n| repeated("Ana Borg,\n", n)),
    ("names in one line", |n| repeated("Ana Borg", n)),
    ("blank lines", |n| repeated("\n", n)),
    ("blank lines around words", |n| format!("a{}b", repeated("\n", n))),
    ("spaces", |n| repeated(" ", n)),
    ("zero widths", |n| repeated("\u{200b}\n", n)),
    ("one long line", |n| repeated("word ", n)),
    ("one long word", |n| repeated("x", n)),
    ("long lines with a date", |n| repeated("On 20.11.2026 10:00 a@b.c ", n)),
    ("wrote in one line", |n| repeated("wrote ", n)),
    ("addresses", |n| repeated("a@b.c ", n)),
    ("a broken address", |n| repeated("a.", n)),
    ("fences", |n| repeated("```\n", n)),
    ("ids", |n| repeated("Message-ID: <a@b>\n", n)),
    ("blank quotations before an id", |n| repeated("> \n", n)),
    ("failures", |n| repeated("user <", n)),
    ("words of failures", |n| repeated("recipient address to rcpt user ", n)),
    ("codes", |n| repeated("5.1.1 ", n)),
    ("half codes", |n| repeated("5.1.", n)),
    ("other letters", |n| repeated("в сообщении ", n)),
];

/// Pages.
const PAGES: &[Shape] = &[
    ("tags without end", |n| repeated("<a", n)),
    ("tags with quotes without end", |n| repeated("<a href=\"", n)),
    ("tags whose quotes don't end", |n| repeated("<a href=\">", n)),
    ("comments without end", |n| repeated("<!--", n)),
    ("comments that nearly end", |n| after("<!--", "--", n)),
    ("comments", |n| repeated("<!---->", n)),
    ("styles without end", |n| repeated("<style>", n)),
    ("heads without end", |n| repeated("<head>", n)),
    ("heads and titles without end", |n| repeated("<head><title>", n)),
    ("styles that nearly end", |n| after("<style>", "</styl", n)),
    ("closed styles", |n| repeated("<style></style>", n)),
    ("closed titles, open heads", |n| repeated("<title></title><head>", n)),
    ("style ends without >", |n| repeated("<style></style", n)),
    ("entities", |n| repeated("&amp", n)),
    ("entities with an end", |n| repeated("&amp;", n)),
    ("ampersands", |n| repeated("&", n)),
    ("quotations in quotations", |n| repeated("<blockquote>", n)),
    ("deep quotations and words", |n| repeated("<blockquote>x", n)),
    ("lists", |n| repeated("<li>", n)),
    ("tables", |n| repeated("<table><tr><td>", n)),
    ("preformatted", |n| repeated("<pre>\n", n)),
    ("spaces in preformatted", |n| after("<pre>", " ", n)),
    ("breaks", |n| repeated("<br>", n)),
    ("paragraphs", |n| repeated("<p>a", n)),
    ("spaces that stay", |n| repeated("&nbsp;", n)),
    ("less than", |n| repeated("< ", n)),
    ("brackets", |n| repeated("<", n)),
    ("ends", |n| repeated("</", n)),
    ("one long word", |n| repeated("x", n)),
];

const FROM: &str = "From: ana@b.com\r\nMessage-ID: <1@b.com>\r\n";

/// Mails as bytes off the wire.
const MAILS: &[Shape] = &[
    ("headers", |n| after(FROM, "A: b\r\n", n)),
    ("different headers", |n| format!("{FROM}{}", numbered(n, |n| format!("X-{n}: b\r\n")))),
    ("headers without names", |n| after(FROM, ":\r\n", n)),
    ("headers without colons", |n| after(FROM, "a\r\n", n)),
    ("a folded header", |n| after(&format!("{FROM}X: a\r\n"), " b\r\n", n)),
    ("a folded subject", |n| after(&format!("{FROM}Subject: a\r\n"), " b\r\n", n)),
    ("one long header", |n| after(&format!("{FROM}X: "), "b", n)),
    ("encoded words", |n| after(&format!("{FROM}Subject: "), "=?utf-8?Q?a?= ", n)),
    ("encoded words without end", |n| after(&format!("{FROM}Subject: "), "=?utf-8?Q?", n)),
    ("encoded words in base64 without end", |n| after(&format!("{FROM}Subject: "), "=?utf-8?B?", n)),
    ("encoded words' beginnings", |n| after(&format!("{FROM}Subject: "), "=?", n)),
    ("encoded words in an unknown charset", |n| after(&format!("{FROM}Subject: "), "=?x?Q?a?=", n)),
    ("encoded names", |n| after(&format!("{FROM}To: "), "=?utf-8?Q?", n)),
    ("recipients", |n| format!("{FROM}To: {}\r\n", numbered(n, |n| format!("<a{n}@b.c>, ")))),
    ("a list without ends", |n| after(&format!("{FROM}To: "), "<", n)),
    ("groups", |n| after(&format!("{FROM}To: "), "a: b;", n)),
    ("comments", |n| after(&format!("{FROM}To: "), "(", n)),
    ("quotes", |n| after(&format!("{FROM}To: "), "\"", n)),
    ("escapes", |n| after(&format!("{FROM}To: "), "\\", n)),
    ("many From headers", |n| after(FROM, "From: a@b.c\r\n", n)),
    ("many Date headers", |n| after(FROM, "Date: Fri, 20 Nov 2026 10:00:00 +0000\r\n", n)),
    ("results of a server", |n| after(FROM, "Authentication-Results: mx.example.test; dmarc=fail (\r\n", n)),
    ("a long date", |n| after(&format!("{FROM}Date: "), "Fri, (", n)),
    ("references", |n| format!("{FROM}References: {}\r\n", numbered(n, |n| format!("<{n}@b.c> ")))),
    ("the same reference", |n| after(&format!("{FROM}References: "), "<a@b.c> ", n)),
    ("references without ends", |n| after(&format!("{FROM}References: "), "<a@b", n)),
    ("many References", |n| after(FROM, "References: <a@b.c>\r\n", n)),
    ("answered mails", |n| format!("{FROM}In-Reply-To: {}\r\n", numbered(n, |n| format!("<{n}@b.c> ")))),
    ("a long content type", |n| after(&format!("{FROM}Content-Type: text/plain"), "; a=b", n)),
    ("parameters in pieces", |n| {
        format!("{FROM}Content-Type: text/plain{}\r\n", numbered(n, |n| format!("; a*{n}=b")))
    }),
    ("the same parameter in pieces", |n| after(&format!("{FROM}Content-Type: text/plain"), "; a*1=b", n)),
    ("parts", |n| after(&format!("{FROM}Content-Type: multipart/mixed; boundary=b\r\n\r\n"), "--b\r\n\r\nx\r\n", n)),
    ("typed parts", |n| {
        after(
            &format!("{FROM}Content-Type: multipart/mixed; boundary=b\r\n\r\n"),
            "--b\r\nContent-Type: text/html\r\n\r\nx\r\n",
            n,
        )
    }),
    ("boundaries alone", |n| after(&format!("{FROM}Content-Type: multipart/mixed; boundary=b\r\n\r\n"), "--b\r\n", n)),
    ("near boundaries", |n| {
        after(&format!("{FROM}Content-Type: multipart/mixed; boundary=bbbb\r\n\r\n"), "--bbb\r\n", n)
    }),
    ("dashes", |n| after(&format!("{FROM}Content-Type: multipart/mixed; boundary=b\r\n\r\n"), "-", n)),
    ("multiparts in each other", |n| {
        format!("{FROM}{}", numbered(n, |n| format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n")))
    }),
    ("multiparts without ends, then text", |n| {
        let nested = (0..290).map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n"));
        format!("{FROM}{}\r\n{}", nested.collect::<String>(), repeated("x\r\n", n))
    }),
    ("multiparts without ends, then marks", |n| {
        let nested = (0..290).map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n"));
        format!("{FROM}{}\r\n{}", nested.collect::<String>(), repeated("\r\n--b", n))
    }),
    ("mails in mails", |n| after(FROM, "Content-Type: message/rfc822\r\n\r\n", n)),
    ("parts' headers", |n| {
        after(&format!("{FROM}Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"), "A: b\r\n", n)
    }),
    ("base64", |n| after(&format!("{FROM}Content-Transfer-Encoding: base64\r\n\r\n"), "AAAA", n)),
    ("broken base64", |n| after(&format!("{FROM}Content-Transfer-Encoding: base64\r\n\r\n"), "A!", n)),
    ("quoted-printable", |n| after(&format!("{FROM}Content-Transfer-Encoding: quoted-printable\r\n\r\n"), "=3D", n)),
    ("broken quoted-printable", |n| {
        after(&format!("{FROM}Content-Transfer-Encoding: quoted-printable\r\n\r\n"), "=", n)
    }),
    ("soft breaks", |n| after(&format!("{FROM}Content-Transfer-Encoding: quoted-printable\r\n\r\n"), "= \r\n", n)),
    ("uuencoded", |n| after(&format!("{FROM}\r\n"), "begin 644 a\r\n#0V%T\r\n", n)),
    ("another charset", |n| {
        after(&format!("{FROM}Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n"), "\u{1b}$B", n)
    }),
    ("utf-7", |n| after(&format!("{FROM}Content-Type: text/plain; charset=utf-7\r\n\r\n"), "+", n)),
    ("a report", |n| {
        after(
            "From: mailer-daemon@b.com\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n",
            "Final-Recipient: rfc822; a@b.c\r\n\r\n",
            n,
        )
    }),
    ("a failure in words", |n| after("From: mailer-daemon@b.com\r\n\r\n", "recipient <a@b\r\n", n)),
    ("a failure with ids", |n| after("From: mailer-daemon@b.com\r\n\r\n", "> Message-ID: <aaa@b>\r\n", n)),
    ("failed recipients", |n| after("From: mailer-daemon@b.com\r\nX-Failed-Recipients: ", "a@b.c, ", n)),
];

const OBJECT: &str = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\n";
const START: &str = "DTSTART;TZID=X:20261201T120000\r\n";

/// iCalendar objects.
const CALENDARS: &[Shape] = &[
    ("events", |n| {
        let event = |n| format!("BEGIN:VEVENT\r\nUID:{n}\r\n{START}END:VEVENT\r\n");
        format!("{OBJECT}{}END:VCALENDAR\r\n", numbered(n, event))
    }),
    ("zones", |n| {
        let zone = |n| format!("BEGIN:VTIMEZONE\r\nTZID:X{n}\r\nEND:VTIMEZONE\r\n");
        let events: String = (0..20).map(|n| format!("BEGIN:VEVENT\r\nUID:{n}\r\n{START}END:VEVENT\r\n")).collect();
        format!("{OBJECT}{}{events}END:VCALENDAR\r\n", numbered(n, zone))
    }),
    ("components in each other", |n| after(OBJECT, "BEGIN:VEVENT\r\n", n)),
    ("other components in each other", |n| after(OBJECT, "BEGIN:X\r\n", n)),
    ("ends", |n| after(OBJECT, "END:VEVENT\r\n", n)),
    ("a rule", |n| {
        format!(
            "{OBJECT}BEGIN:VEVENT\r\nUID:1\r\n{START}RRULE:FREQ=DAILY;BYDAY={}\r\nEND:VEVENT\r\n",
            repeated("MO,", n)
        )
    }),
    ("rules", |n| after(&format!("{OBJECT}BEGIN:VEVENT\r\nUID:1\r\n{START}"), "RRULE:FREQ=DAILY\r\n", n)),
    ("attendees", |n| after(&format!("{OBJECT}BEGIN:VEVENT\r\nUID:1\r\n{START}"), "ATTENDEE:mailto:a@b.c\r\n", n)),
    ("a folded title", |n| after(&format!("{OBJECT}BEGIN:VEVENT\r\nUID:1\r\n{START}SUMMARY:a\r\n"), " b\r\n", n)),
    ("a title", |n| after(&format!("{OBJECT}BEGIN:VEVENT\r\nUID:1\r\n{START}SUMMARY:"), "\\,", n)),
    ("parameters", |n| after(&format!("{OBJECT}BEGIN:VEVENT\r\nUID:1\r\nATTENDEE"), ";A=b", n)),
    ("a quoted parameter", |n| after(&format!("{OBJECT}BEGIN:VEVENT\r\nUID:1\r\nATTENDEE;A=\""), "b,", n)),
    ("dates", |n| after(&format!("{OBJECT}BEGIN:VEVENT\r\nUID:1\r\n{START}EXDATE:"), "20261201T120000Z,", n)),
    ("dates in a zone of many parts whose rules give nothing", |n| {
        const PART: &str = "BEGIN:STANDARD\r\nDTSTART:16010101T000000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\n\
                            RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30\r\nEND:STANDARD\r\n";
        let zone = format!("BEGIN:VTIMEZONE\r\nTZID:X\r\n{}END:VTIMEZONE\r\n", repeated(PART, n / 2));
        let event = format!("BEGIN:VEVENT\r\nUID:1\r\n{START}EXDATE;TZID=X:");
        format!("{OBJECT}{zone}{}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n", after(&event, "20261201T120000,", n / 2))
    }),
    ("lines of nothing", |n| after(OBJECT, "\r\n", n)),
    ("blanks", |n| after(OBJECT, " \r\n", n)),
];

/// Forms as providers post them.
const FORMS: &[Shape] = &[
    ("fields", |n| repeated("--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n", n)),
    ("files", |n| {
        repeated("--b\r\nContent-Disposition: form-data; name=\"attachment1\"; filename=\"a\"\r\n\r\nx\r\n", n)
    }),
    ("boundaries", |n| repeated("--b\r\n", n)),
    ("near boundaries", |n| after("--b\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\n", "\r\n--", n)),
    ("headers of a field", |n| after("--b\r\n", "A: b\r\n", n)),
    ("pairs", |n| after("from=a@b.c", "&a=b", n)),
    ("escapes", |n| after("from=a@b.c&text=", "%20", n)),
    ("ands", |n| after("from=a@b.c", "&", n)),
    ("headers in a list", |n| after("from=a@b.c&message-headers=[[\"a\",\"b\"]", ",[\"a\",\"b\"]", n) + "]"),
    ("stored files", |n| after("from=a@b.c&attachments=[{\"name\":\"a\"}", ",{\"name\":\"a\"}", n) + "]"),
];

/// JSON of providers and of the Cloud API: the beginning, what is repeated, the end.
const JSON: &[Shape] = &[
    ("events", |n| after("[{}", ",{\"event\":\"bounce\",\"email\":\"a@b.c\"}", n) + "]"),
    ("fields", |n| after("{\"a\":1", ",\"a\":1", n) + "}"),
    ("objects in each other", |n| format!("{}1{}", repeated("{\"entry\":", n), repeated("}", n / 9))),
    ("lists in each other", |n| format!("{{\"entry\":{}{}}}", repeated("[", n / 2), repeated("]", n / 2))),
    ("escapes", |n| format!("{{\"MessageID\":\"{}\"}}", repeated("\\u0041", n))),
    ("a mail's headers", |n| {
        after("{\"MessageID\":\"1\",\"Headers\":[{\"Name\":\"a\"}", ",{\"Name\":\"a\",\"Value\":\"b\"}", n) + "]}"
    }),
    ("a mail's files", |n| after("{\"MessageID\":\"1\",\"Attachments\":[{}", ",{\"Name\":\"a\"}", n) + "]}"),
    ("entries", |n| after("{\"entry\":[{}", ",{}", n) + "]}"),
    ("changes", |n| after("{\"entry\":[{\"id\":\"1\",\"changes\":[{}", ",{}", n) + "]}]}"),
    ("messages", |n| {
        let message = |n| format!(",{{\"from\":\"{n}\",\"id\":\"{n}\",\"type\":\"text\",\"text\":{{\"body\":\"a\"}}}}");
        format!(
            "{{\"entry\":[{{\"changes\":[{{\"field\":\"messages\",\"value\":{{\"messages\":[{{}}{}]}}}}]}}]}}",
            numbered(n, message)
        )
    }),
    ("messages of many people", |n| {
        let person = |n| format!(",{{\"wa_id\":\"{n}\",\"profile\":{{\"name\":\"a\"}}}}");
        let message = |n| format!(",{{\"from\":\"{n}\",\"id\":\"{n}\",\"type\":\"text\",\"text\":{{\"body\":\"a\"}}}}");
        let value =
            format!("\"contacts\":[{{}}{}],\"messages\":[{{}}{}]", numbered(n / 2, person), numbered(n / 2, message));
        format!("{{\"entry\":[{{\"changes\":[{{\"field\":\"messages\",\"value\":{{{value}}}}}]}}]}}")
    }),
    ("statuses", |n| {
        let status = |n| format!(",{{\"id\":\"{n}\",\"status\":\"sent\",\"recipient_id\":\"{n}\"}}");
        format!(
            "{{\"entry\":[{{\"changes\":[{{\"field\":\"messages\",\"value\":{{\"statuses\":[{{}}{}]}}}}]}}]}}",
            numbered(n, status)
        )
    }),
];

/// Time this thread has run on a processor, whatever else the machine does.
fn processor_time(since: Instant) -> Duration {
    // the kernel counts up to the last time it looked at this thread: now
    std::thread::yield_now();
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let ran = stat.and_then(|s| s.split_whitespace().next()?.parse().ok()).map(Duration::from_nanos);
    ran.unwrap_or_else(|| since.elapsed())
}

/// The least time of some runs, in seconds.
fn cost(text: &str, runs: u32, read: fn(&str)) -> f64 {
    let since = Instant::now();
    let run = |_| {
        let before = processor_time(since);
        read(black_box(text));
        (processor_time(since) - before).as_secs_f64()
    };
    (0..runs).map(run).fold(f64::MAX, f64::min)
}

/// Shapes that grow faster than their length, however often they are measured.
fn growing(what: &str, shapes: &[Shape], length: usize, read: fn(&str)) -> Vec<String> {
    let mut found = Vec::new();
    let mut worst = (0.0, "");
    for (name, shape) in shapes {
        let (short, long) = (shape(length), shape(4 * length));
        let ratio = |runs| {
            let took = cost(&long, runs, read);
            // What takes a moment is as fast as it must be.
            (took, if took < 0.002 { 0.0 } else { took / cost(&short, runs, read).max(1e-6) })
        };
        let (took, mut times) = ratio(1);
        if took > worst.0 {
            worst = (took, name);
        }
        if times > MOST {
            times = ratio(4).1;
        }
        if std::env::var_os("GROWTH").is_some() {
            println!("{what}: {name}: {:.1} ms, {times:.1} times", took * 1e3);
        }
        if times > MOST {
            found.push(format!("{what}: {name}: {:.0} ms, {times:.1} times", took * 1e3));
        }
    }
    println!(
        "{what}: {} shapes; of {} kB the slowest took {:.0} ms: {}",
        shapes.len(),
        4 * length / 1024,
        worst.0 * 1e3,
        worst.1
    );
    found
}

fn mail(raw: &str) {
    fuzzing::mail(raw.as_bytes());
}

/// As text of a person's and as a machine's, whose words are searched for what they are about.
fn text(text: &str) {
    drop(black_box(reply::read(text, "Ana Borg")));
    let said =
        |from: &str| Mail { from: super::message::addresses_in(from).pop(), text: text.to_owned(), ..Mail::default() };
    for from in ["ana@b.com", "mailer-daemon@b.com"] {
        fuzzing::meaning(&said(from));
    }
}

fn form(body: &str) {
    providers::fuzzing::sendgrid(body.as_bytes());
    providers::fuzzing::mailgun(body.as_bytes());
}

fn json(body: &str) {
    form(body);
    providers::fuzzing::postmark(body.as_bytes());
    providers::fuzzing::ses(body.as_bytes());
    crate::fuzzing::whatsapp(body.as_bytes());
    crate::fuzzing::telegram(body.as_bytes());
}

/// `length`: of a text and a page; mails are longer.
fn all(length: usize) -> Vec<String> {
    let mut found = growing("text", TEXTS, length.min(50 << 10), text);
    found.extend(growing("page", PAGES, length, |page| drop(black_box(html::to_text(page)))));
    found.extend(growing("mail", MAILS, length.max(128 << 10), mail));
    found.extend(growing("form", FORMS, length.max(64 << 10), form));
    found.extend(growing("json", JSON, length, json));
    let calendar = |object: &str| drop(black_box(calendar::news(&[object.to_owned()], chrono_tz::Tz::UTC)));
    found.extend(growing("calendar", CALENDARS, length.min(50 << 10), calendar));
    found
}

#[test]
fn mails_cost_in_proportion_to_their_length() {
    let found = all(4 << 10);
    assert!(found.is_empty(), "these grow faster than they are long: {found:#?}");
}

#[test]
#[ignore = "megabytes of every shape: the long form of the test above, for `just growth`, optimised"]
fn long_mails_cost_in_proportion_to_their_length() {
    let found = all(1 << 20);
    assert!(found.is_empty(), "these grow faster than they are long: {found:#?}");
}
