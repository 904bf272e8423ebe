//! Mails made of what programs write (`tests/fixtures/replies/languages.txt`) around words that are known beforehand:
//! languages × programs × layouts. Of each, exactly the client's words must be left.

use std::{fmt::Write as _, path::Path};

use super::{super::html, read};

/// What programs write in one language.
#[derive(Debug, Default)]
pub struct Language {
    pub code: String,
    /// The client's own words, line by line.
    pub words: Vec<String>,
    pub intros: Vec<String>,
    /// From, Sent, To, Subject.
    pub headers: Vec<String>,
    pub mark: String,
    pub phones: Vec<String>,
    pub closing: String,
    pub absences: Vec<String>,
}

/// Every language of the table.
pub fn languages() -> Vec<Language> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/replies/languages.txt");
    let mut all: Vec<Language> = Vec::new();
    for line in std::fs::read_to_string(path).unwrap().lines().filter(|l| !l.starts_with('#') && !l.is_empty()) {
        if let Some(code) = line.strip_prefix('[') {
            all.push(Language { code: code.trim_end_matches(']').to_owned(), ..Language::default() });
            continue;
        }
        let language = all.last_mut().unwrap();
        let (key, value) = line.split_once(" = ").unwrap();
        match key {
            "words" => language.words = value.split(" / ").map(str::to_owned).collect(),
            "intro" => language.intros.push(value.to_owned()),
            "headers" => language.headers = value.split('|').map(str::to_owned).collect(),
            "mark" => value.clone_into(&mut language.mark),
            "phone" => language.phones.push(value.to_owned()),
            "closing" => value.clone_into(&mut language.closing),
            "absence" => language.absences.push(value.to_owned()),
            other => panic!("no such key: {other}"),
        }
    }
    all
}

const ADDRESS: &str = "agent@example.com";

const NAMES: &[&str] = &["Agent Smith", "Ana-María O'Neill", "Иван Петров", "Example", "李雷"];

/// How a name and an address stand together.
const WRITERS: &[&str] = &[
    "{name} <{address}>",
    "\"{name}\" <{address}>",
    "{name} <{address} <mailto:{address}>>",
    "{name} <mailto:{address}>",
    "{name} via Example Forum <{address}>",
];

fn filled(template: &str, name: &str, writer: &str) -> String {
    template.replace("{who}", writer).replace("{name}", name).replace("{address}", ADDRESS)
}

/// Broken at blanks into lines of at most so many characters, as programs wrap a plain text.
fn wrapped(text: &str, width: usize) -> String {
    let (mut out, mut length) = (String::new(), 0);
    for word in text.split(' ') {
        let letters = word.chars().count();
        if length > 0 && length + 1 + letters > width {
            out.push('\n');
            length = 0;
        } else if length > 0 {
            out.push(' ');
            length += 1;
        }
        out.push_str(word);
        length += letters;
    }
    out
}

const QUOTED: &[&str] = &["Hello,", "", "when shall we call you? Our hours are 9:00 to 17:00.", "Bye, the team"];

fn quoted(mark: &str) -> String {
    QUOTED.iter().map(|l| format!("{mark} {l}").trim_end().to_owned() + "\n").collect()
}

/// A mail, with how it was laid out. `intro` stands above the quotation.
fn layouts(words: &str, intro: &str, phone: &str) -> Vec<(&'static str, String)> {
    let quote = quoted(">");
    let nested = format!("{quote}>\n> {intro}\n>\n{}", quoted(">>"));
    let page = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\n', "<br>");
    let in_html = format!(
        "<div dir=ltr>{}</div><br><div class=quote><div>{}<br></div><blockquote>{}</blockquote></div>",
        page(words),
        page(intro),
        page(&QUOTED.join("\n"))
    );
    vec![
        ("above", format!("{words}\n\n{intro}\n\n{quote}")),
        ("close above", format!("{words}\n{intro}\n{quote}")),
        ("wrapped", format!("{words}\n\n{}\n\n{quote}", wrapped(intro, 72))),
        ("wrapped and close", format!("{words}\n\n{}\n{quote}", wrapped(intro, 65))),
        ("initials", format!("{words}\n\n{intro}\n\n{}", quoted("AS>"))),
        ("below", format!("{intro}\n{quote}\n{words}\n")),
        ("nested", format!("{words}\n\n{intro}\n{nested}")),
        ("with a phone's line", format!("{words}\n\n{phone}\n\n{intro}\n\n{quote}")),
        ("html", html::to_text(&in_html)),
        ("carriage returns", format!("{words}\n\n{intro}\n\n{quote}").replace('\n', "\r\n")),
    ]
}

/// What differs, shortened to what fits a screen.
fn report(failed: &[String], all: usize) {
    let mut text = String::new();
    for one in failed.iter().take(60) {
        let _ = writeln!(text, "{one}\n");
    }
    assert!(failed.is_empty(), "{text}{} of {all} differ", failed.len());
}

#[test]
fn introductions_of_every_language_and_program_leave_the_clients_words() {
    let (mut failed, mut all) = (Vec::new(), 0);
    for language in languages() {
        let words = language.words.join("\n");
        for (n, template) in language.intros.iter().enumerate() {
            for (m, name) in NAMES.iter().enumerate() {
                let writer = WRITERS[(n + m) % WRITERS.len()];
                let intro = filled(template, name, writer);
                let phone = &language.phones[(n + m) % language.phones.len()];
                for (layout, mail) in layouts(&words, &intro, phone) {
                    all += 1;
                    let new = read(&mail, "").new;
                    if new != words {
                        failed.push(format!("[{}] {layout}: {intro}\n{new}", language.code));
                    }
                }
            }
        }
    }
    println!("mails with introductions: {all}");
    report(&failed, all);
}

#[test]
fn blocks_of_headers_of_every_language_leave_the_clients_words() {
    let (mut failed, mut all) = (Vec::new(), 0);
    for language in languages() {
        let words = language.words.join("\n");
        assert_eq!(language.headers.len(), 4, "{}", language.code);
        let colon = if language.code == "fr" { " :" } else { ":" };
        for name in NAMES {
            let values = [
                format!("{name} <{ADDRESS}>"),
                "20.11.2026 10:00".to_owned(),
                "Ana Borg <ana@example.org>".to_owned(),
                "Re: 4711".to_owned(),
            ];
            let block = |before: &str, after: &str| {
                let line = |(name, value)| format!("{before}{name}{colon}{after} {value}\n");
                language.headers.iter().zip(&values).map(line).collect::<String>()
            };
            let text = QUOTED.join("\n");
            let rule = "_".repeat(32);
            let mark = &language.mark;
            let phone = &language.phones[0];
            let mails = [
                ("rule", format!("{words}\n\n{rule}\n{}\n{text}", block("", ""))),
                ("no rule", format!("{words}\n\n{}\n{text}", block("", ""))),
                ("bold", format!("{words}\n\n{}\n{text}", block("*", "*"))),
                ("mark and block", format!("{words}\n\n-----{mark}-----\n{}\n{text}", block("", ""))),
                ("mark", format!("{words}\n\n-------- {mark} --------\n\n{text}")),
                ("phone and rule", format!("{words}\n\n{phone}\n{rule}\n{}\n{text}", block("", ""))),
                ("quoted", format!("{words}\n\n{}>\n{}", block("> ", ""), quoted(">"))),
            ];
            for (layout, mail) in mails {
                all += 1;
                let new = read(&mail, "").new;
                if new != words {
                    failed.push(format!("[{}] {layout}: {}\n{new}", language.code, block("", "").trim()));
                }
            }
        }
    }
    println!("mails with headers: {all}");
    report(&failed, all);
}

#[test]
fn lines_of_phones_and_programs_of_every_language_are_no_words() {
    let (mut failed, mut all) = (Vec::new(), 0);
    for language in languages() {
        let words = language.words.join("\n");
        for phone in &language.phones {
            let bare = phone.trim_end_matches('.');
            for mail in [
                format!("{words}\n\n{phone}"),
                format!("{words}\n\n-- \n{phone}\n"),
                format!("{words}\n\n{bare}.\n\n"),
                format!("{words}\n\n<{bare}>"),
                format!("{words}\n\n{bare}<https://example.com/phone>\n"),
            ] {
                all += 1;
                let new = read(&mail, "").new;
                if new != words {
                    failed.push(format!("[{}] {phone}\n{new}", language.code));
                }
            }
        }
    }
    println!("mails with a phone's line: {all}");
    report(&failed, all);
}

/// What people write above and around quotations that programs didn't introduce, or that looks like what programs write.
const OWN_WORDS: &[&str] = &[
    "Here is what you wrote on 20.11.2026 at 10:00:",
    "As you wrote:",
    "On Monday my boss wrote:",
    "This is what my husband said:",
    "On 20 November 2026 at 10:00 your colleague wrote to me:",
    "My answer to the mail of 20.11.2026, 10:00:",
    "I got this from agent@example.com:",
    "Please look at this:",
    "Das haben Sie am 20.11.2026 geschrieben:",
    "Das haben Sie mir am 20.11.2026 um 10:00 geschrieben:",
    "Hier ist, was Sie geschrieben haben:",
    "Voici ce que vous avez écrit le 20/11/2026 :",
    "Esto es lo que usted escribió el 20 de noviembre de 2026:",
    "Вот что вы писали 20.11.2026 в 10:00:",
    "Вчера ваш менеджер написал:",
    "Мне пришло такое письмо:",
    "See my answers below:",
    "From: Paris\nTo: London\nDate: 5 May 2027",
    "At 12:30 on Monday the manager said\nthat we may go.",
    "The price was 20.11 when I wrote.",
    "Two points:\n-- the first\n-- the second",
    "I wrote to agent@example.com on 20.11.2026.",
    "Call me at 10:00 on 20.11.2026, Ana",
    "Name: Ana Borg\nDate: 20.11.2026 10:00\nGuests: 4",
    "C> is what the prompt says",
    "Menu> Settings> Mail\nMenu> Settings> Phone",
    "Sent it from my phone yesterday.",
    "The invoice was sent to my Android phone",
    "I have sent the mail with Outlook for Windows to your colleague in Berlin yesterday",
];

#[test]
fn what_only_looks_like_a_programs_is_kept() {
    let (mut failed, mut all) = (Vec::new(), 0);
    let intro = "On Fri, 20 Nov 2026 at 10:00, Agent <agent@example.com> wrote:";
    for own in OWN_WORDS {
        for words in [
            (*own).to_owned(),
            format!("Hello,\n\n{own}"),
            format!("{own}\n\nThe rest of it comes here."),
            format!("Hello,\n{own}\n\nCan you tell me when it is done?"),
        ] {
            for (layout, mail) in [
                ("alone", words.clone()),
                ("quoted below", format!("{words}\n\n{}", quoted(">"))),
                ("close", format!("{words}\n{}", quoted(">"))),
                ("introduced", format!("{words}\n\n{intro}\n{}", quoted(">"))),
                ("introduced closely", format!("{words}\n{intro}\n{}", quoted(">"))),
                ("below", format!("{intro}\n{}\n{words}", quoted(">"))),
            ] {
                all += 1;
                let new = read(&mail, "Ana Borg").new;
                if new != words {
                    failed.push(format!("{layout}: {words}\n--- found\n{new}"));
                }
            }
        }
    }
    println!("mails of own words: {all}");
    report(&failed, all);
}

/// Who writes: a From, and names that they sign with.
const SIGNERS: &[(&str, &[&str])] = &[
    ("Ana Borg <ana@example.org>", &["Ana Borg", "Ana", "ANA BORG", "Ana M. Borg"]),
    ("Borg, Ana <x77@example.org>", &["Ana Borg", "Ana", "Borg, Ana"]),
    ("ana.borg@example.org", &["Ana Borg", "Ana"]),
    ("Иван Петров <i1@example.org>", &["Иван Петров", "Иван", "Ivan Petrov", "Ivan"]),
    ("Ivan Petrov <i1@example.org>", &["Иван Петров", "Иван", "Иван Сергеевич Петров"]),
    ("ivan.petrov@example.org", &["Иван Петров", "Ivan Petrov"]),
    ("Yulia Shchukina <y@example.org>", &["Юлия Щукина", "Юлия"]),
    ("Jürgen Müller <jm@example.org>", &["Juergen Mueller", "Jürgen"]),
];

/// What stands below a name.
const BELOW_NAMES: &[&str] =
    &["", "Head of Sales\nExample Ltd", "+34 600 123 456", "Example Ltd | www.example.org\nTel. +49 30 901820"];

#[test]
fn signatures_with_a_name_in_any_form_leave_the_clients_words() {
    let (mut failed, mut all) = (Vec::new(), 0);
    for (n, language) in languages().iter().enumerate() {
        let words = language.words.join("\n");
        let closing = &language.closing;
        for (m, (from, names)) in SIGNERS.iter().enumerate() {
            let name = names[(n + m) % names.len()];
            let below = BELOW_NAMES[(n + m) % BELOW_NAMES.len()];
            let same_line = closing.trim_end_matches([',', '.', '،', '。']);
            for (layout, signature) in [
                ("a name", format!("{name}\n{below}")),
                ("goodbye and a name", format!("{closing}\n{name}\n{below}")),
                ("goodbye, a name apart", format!("{closing}\n\n{name}\n\n{below}")),
                ("in one line", format!("{same_line}, {name}\n")),
                ("a mark and a name", format!("-- \n{name}\n{below}")),
                ("a broken mark and a name", format!("--\n{name}\n{below}")),
                ("goodbye, mark, name", format!("--\n{closing}\n{name}\n{below}")),
                ("a rule and a name", format!("__________\n{name}\n{below}")),
            ] {
                // A first name alone with more below it needs a goodbye.
                let weak =
                    !name.contains(' ') && ["a name", "a rule and a name"].contains(&layout) && !below.is_empty();
                if weak {
                    continue;
                }
                all += 1;
                let mail = format!("{words}\n\n{}\n", signature.trim_end());
                let new = read(&mail, from).new;
                if new != words {
                    failed.push(format!("[{}] {layout}, {from}:\n{mail}--- found\n{new}", language.code));
                }
            }
        }
        for from in ["info@example.org", "Example Shop <shop@example.org>"] {
            for signature in
                [format!("{closing}\nPeter Jansson"), format!("{closing}\n\nMaria Sala\nExample Ltd\n+34 600 123 456")]
            {
                all += 1;
                let mail = format!("{words}\n\n{signature}\n");
                let new = read(&mail, from).new;
                if new != words {
                    failed.push(format!("[{}] {from}:\n{mail}--- found\n{new}", language.code));
                }
            }
        }
    }
    println!("mails with signatures: {all}");
    report(&failed, all);
}

/// Texts of a person whose rules, lists, names and numbers are their own words.
const UNSIGNED: &[&str] = &[
    "Part one\n\n---\n\nPart two",
    "Part one\n\n---\n\nSee https://example.com/page",
    "Part one\n\n***\n\nCall me at +34 600 123 456 please.",
    "Title\n-----\nCall +34 600 123 456",
    "Title\n=====\n\nana@example.org is mine",
    "Points:\n\n-- the first\n-- the second",
    "Points:\n- one\n- two\n-- three",
    "One thing.\n\n--\n\nAnother thing that I want to say.\n\n--\n\nA third.",
    "We have two questions.\n--\nWhen do you open?",
    "The table:\n\n| a | b |\n|---|---|\n| 1 | 2 |",
    "a | b\n--|--\n1 | 2",
    "```\n-- \nselect 1;\n```",
    "Please send it to:\n\nAna Borg\nHauptstr. 5\n10115 Berlin",
    "Please send it to\nAna Borg\nHauptstr. 5\n10115 Berlin",
    "My details:\n\nAna Borg\n+34 600 123 456\nana@example.org",
    "The names are:\nAna Borg",
    "Who comes:\n\nPeter Smith\n\nAna Borg",
    "Thanks,\nMonday",
    "Danke,\nMontag",
    "Thank you!\n\nAna Borg\nP.S. Please call me before noon.",
    "Best regards to your boss, too.",
    "Best, I think, is Monday",
    "Give my best regards to\nPeter",
    "Yes\n\n1. Monday\n2. Tuesday",
    "I'd like to see you.\n\nBest regards\nI can also come on Friday",
    "Viele Grüße auch an Peter",
    "С уважением отношусь к вашей работе, но деньги верните.",
    "Привет!\n\nИван сказал, что приедет.",
    "Call me tomorrow\n—\nor today",
    "Hi\n\n____\n\nIs this yours?",
];

#[test]
fn what_is_no_signature_is_kept() {
    let (mut failed, mut all) = (Vec::new(), 0);
    for words in UNSIGNED {
        for from in ["Ana Borg <ana@example.org>", "ana.borg@example.org", "info@example.org", ""] {
            for mail in [
                (*words).to_owned(),
                format!("Hello,\n\n{words}"),
                format!("{words}\n\n{}\n{}", "On 20.11.2026 10:00, Agent <a@b.com> wrote:", quoted(">")),
            ] {
                all += 1;
                let kept = mail
                    .strip_suffix(&format!("\n\n{}\n{}", "On 20.11.2026 10:00, Agent <a@b.com> wrote:", quoted(">")))
                    .unwrap_or(&mail);
                let new = read(&mail, from).new;
                if new != kept {
                    failed.push(format!("{from}:\n{mail}\n--- found\n{new}"));
                }
            }
        }
    }
    println!("mails without signatures: {all}");
    report(&failed, all);
}

/// Last lines of a person's that look like the beginning of what a program writes below them.
const LAST_LINES: &[&str] = &[
    "See you on 20.11.2026 at 10:00",
    "See you on Friday, 20 November 2026 at 10:00.",
    "On Monday 5 December I can come",
    "On 5 December at 10:00 please",
    "My mail is ana@example.org",
    "You reach me at Ana <ana@example.org>",
    "I wrote to agent@example.com yesterday",
    "Call Peter at 10:00",
    "Le lundi 5 décembre me convient",
    "El lunes 5 de diciembre a las 10:00 puedo",
    "Am Montag, 5. Dezember um 10:00 Uhr passt es",
    "В понедельник 5 декабря в 10:00 могу",
    "Monday",
    "12:30",
    "Yes, 20.11.2026",
    "Anna said: yes",
    "That's what she wrote",
    "- 20.11.2026 10:00",
    "* Monday, 10:00",
    "2026-11-20",
    "Order 4711 of 20.11.2026, 10:00",
    "Thank you, see you then!",
];

#[test]
fn a_last_line_close_to_an_introduction_is_kept() {
    let (mut failed, mut all) = (Vec::new(), 0);
    for language in languages() {
        for (n, template) in language.intros.iter().enumerate() {
            // Every third pair of the two, so that all lines and all introductions have their turns.
            for (m, last) in LAST_LINES.iter().enumerate().filter(|(m, _)| (n + m) % 3 == 0) {
                let intro = filled(template, NAMES[(n + m) % NAMES.len()], WRITERS[(n + m) % WRITERS.len()]);
                let words = format!("{}\n{last}", language.words.join("\n"));
                for (layout, mail) in [
                    ("close", format!("{words}\n{intro}\n{}", quoted(">"))),
                    ("close and wrapped", format!("{words}\n{}\n{}", wrapped(&intro, 65), quoted(">"))),
                    ("apart", format!("{words}\n\n{intro}\n\n{}", quoted(">"))),
                ] {
                    all += 1;
                    let new = read(&mail, "").new;
                    if new != words {
                        failed.push(format!("[{}] {layout}: {last} | {intro}\n{new}", language.code));
                    }
                }
            }
        }
    }
    println!("mails with a last line: {all}");
    report(&failed, all);
}
