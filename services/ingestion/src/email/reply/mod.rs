//! What is new in a mail: quotations and signatures are cut off, and no word of the writer's own is lost.

mod closings;
#[cfg(test)]
mod generated;
mod intro;
mod programs;
mod signature;
mod writer;

use std::sync::LazyLock;

use regex::Regex;
use writer::Writer;

/// Lines of a text that are taken apart: the longest text that is kept of a mail has as many lines of usual length.
const MOST_LINES: usize = 5_000;

/// What a text ends with that wasn't read to its end.
const UNREAD: &str = "\n…";

/// A mail's text, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reply {
    /// What the person wrote now.
    pub new: String,
    /// The same with the signature.
    pub signed: String,
}

/// Takes a mail's text apart. `writer` is the sender as a From has it: `Ana Borg <ana@example.com>`, a name or an address alone, or nothing.
///
/// Text that is nothing but a quotation, a forwarded mail or a signature is returned as it is: it says something by itself.
pub fn read(text: &str, writer: &str) -> Reply {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let all: Vec<&str> = text.split('\n').collect();
    let (lines, rest) = first_of(&all);
    let lines = &without_initials(lines);
    let kept = without_quotes(lines);
    let signed = joined(&kept);
    let new = joined(&without_signatures(&kept, &Writer::of(writer)));
    let new = if new.is_empty() { signed.clone() } else { new };
    // Whoever reads this is told that there is more, unless a quotation began before it.
    let goes_on = kept.last().zip(lines.last()).is_some_and(|(kept, last)| std::ptr::eq(*kept, *last))
        && rest.iter().map(|line| line.trim().len()).sum::<usize>() > UNREAD.len();
    let marked = |text: String| if goes_on { text + UNREAD } else { text };
    Reply { new: marked(new), signed: marked(signed) }
}

/// The lines that are read, and those after them: the mail as it came has all of it.
fn first_of<'a, 'b>(lines: &'b [&'a str]) -> (&'b [&'a str], &'b [&'a str]) {
    if lines.len() <= MOST_LINES {
        return (lines, &[]);
    }
    // What begins with thousands of blank lines may still say something.
    let begin = lines.iter().position(|line| !line.trim().is_empty()).unwrap_or(0);
    let lines = &lines[begin..];
    lines.split_at(lines.len().min(MOST_LINES))
}

/// The writer's initials or name before the mark of a quotation: `C> `, `Richard>> `.
static INITIALS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\s{0,3}(\p{L}[\p{L}\d_.-]{0,19})>+(?:\s|$)").expect("it is a constant"));

/// Lines that are looked at for a second one with the same name before its mark.
const SAME_NAME: usize = 5;

/// Quoted lines without the initials that some programs put before their mark: only below an introduction, as what looks
/// like them may be a path or a prompt. A name that is longer than initials stands there twice at least.
fn without_initials<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let mut known: Option<&str> = None;
    let mut above = "";
    let mut kept = Vec::with_capacity(lines.len());
    let named =
        |line: &'a str| line.contains('>').then(|| INITIALS.captures(line)).flatten().and_then(|found| found.get(1));
    for (n, line) in lines.iter().copied().enumerate() {
        let found = named(line);
        let repeated =
            |name: &str| lines.get(n + 1).is_some_and(|l| named(l).is_some_and(|other| other.as_str() == name));
        if let Some(name) = found
            && known.is_none()
            // Two letters in two lines: a prompt has one, or more.
            && name.as_str().chars().count() == 2
            && name.as_str().chars().all(char::is_uppercase)
            && repeated(name.as_str())
        {
            known = Some(name.as_str());
        }
        if let Some(name) = found
            && known.is_none()
            && (name.len() <= 4
                || lines[n + 1..]
                    .iter()
                    .take(SAME_NAME)
                    .any(|l| named(l).is_some_and(|other| other.as_str() == name.as_str())))
            && intro::could_end_with(above)
        {
            known = Some(name.as_str());
        }
        kept.push(match found {
            Some(name) if known == Some(name.as_str()) => &line[name.end()..],
            _ => line,
        });
        if !blank(line) {
            above = line;
        }
    }
    kept
}

fn joined(lines: &[&str]) -> String {
    lines.join("\n").trim().to_owned()
}

fn blank(line: &str) -> bool {
    line.chars().all(|c| c.is_whitespace() || c == '\u{200b}' || c == '\u{feff}')
}

fn quoted(line: &str) -> bool {
    line.trim_start().starts_with('>')
}

/// The person's own lines: one block above a quotation, between quotations, or below one.
fn without_quotes<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let Some((start, intro)) = first_intro(lines) else { return without_trailing_quotes(lines) };
    let above = without_rule(&lines[..start]);
    let rest = &lines[start + intro.lines..];
    let first = rest.iter().position(|l| !blank(l));
    let quote_follows = first.is_some_and(|n| quoted(rest[n])) || quoted(lines[start]);
    if !quote_follows {
        // Without marks nobody can tell where the quotation ends: all of it is one. A mail that is only carried along is the message.
        let (nothing_above, nothing_below) = (above.iter().all(|l| blank(l)), rest.iter().all(|l| blank(l)));
        return match (nothing_above, nothing_below) {
            (false, _) => above.to_vec(),
            (true, false) => without_trailing_quotes(rest),
            (true, true) => lines.to_vec(),
        };
    }
    let below = answers(rest);
    let mut kept = above.to_vec();
    if !below.is_empty() {
        if kept.iter().all(|l| blank(l)) {
            kept.clear();
        } else if start > 0 && blank(lines[start - 1]) {
            kept.push("");
        }
        kept.extend(below);
    }
    if kept.iter().all(|l| blank(l)) { lines.to_vec() } else { kept }
}

/// What is said under or between the lines of a quotation. Between them the quotation stays: the answers mean little without it.
fn answers<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let mut own = Vec::new();
    let mut runs = 0;
    let mut n = 0;
    let mut in_quote = true;
    let mut kept: Vec<&'a str> = Vec::new();
    while n < lines.len() {
        let line = lines[n];
        if quoted(line) || in_quote && is_wrapped_link(line) {
            if !in_quote || runs == 0 {
                runs += 1;
            }
            in_quote = true;
            kept.push(line);
            n += 1;
            continue;
        }
        if let Some(intro) = intro::at(&lines[n..]).filter(|i| believed(*i, lines, n)) {
            let rest = &lines[n + intro.lines..];
            let first = rest.iter().position(|l| !blank(l));
            if !first.is_some_and(|f| quoted(rest[f])) {
                break;
            }
            n += intro.lines;
            continue;
        }
        if !blank(line) {
            in_quote = false;
            own.push(line);
        } else if !own.is_empty() {
            own.push(line);
        }
        kept.push(line);
        n += 1;
    }
    if own.iter().all(|l| blank(l)) {
        return Vec::new();
    }
    let interleaved = {
        let first_own = kept.iter().position(|l| !quoted(l) && !blank(l)).unwrap_or(0);
        kept[first_own..].iter().any(|l| quoted(l)) && answered_after(&kept, first_own)
    };
    if interleaved { without_trailing_quotes(&kept) } else { own }
}

/// A link that some program broke out of the quotation, with the mark of the next line behind it.
fn is_wrapped_link(line: &str) -> bool {
    line.contains("://") && line.trim_end().ends_with('>') && line.split_whitespace().count() <= 2
}

/// Whether own text follows a quotation that follows own text: a conversation line by line, not a signature below.
fn answered_after(lines: &[&str], first_own: usize) -> bool {
    let Some(quote) = lines[first_own..].iter().position(|l| quoted(l)).map(|n| first_own + n) else { return false };
    let below: Vec<&str> = lines[quote..].iter().copied().filter(|l| !quoted(l)).collect();
    let end = signature::begins(&below, &Writer::default());
    below[..end].iter().any(|l| !blank(l)) && !only_signature(&below)
}

/// Nothing but a signature below its mark.
fn only_signature(lines: &[&str]) -> bool {
    let first = lines.iter().find(|l| !blank(l));
    first.is_none_or(|l| {
        matches!(l.trim(), "--" | "—") || (l.trim().len() > 4 && l.trim().bytes().all(|b| b == b'_' || b == b'-'))
    })
}

/// The first introduction that is believed, outside code.
fn first_intro(lines: &[&str]) -> Option<(usize, intro::Intro)> {
    let mut fenced = false;
    for n in 0..lines.len() {
        if lines[n].trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced || blank(lines[n]) {
            continue;
        }
        if let Some(intro) = intro::at(&lines[n..]).filter(|i| believed(*i, lines, n)) {
            // A quotation with its own introduction inside isn't introduced by it.
            if quoted(lines[n]) && n > 0 && lines[..n].iter().rev().find(|l| !blank(l)).is_some_and(|l| quoted(l)) {
                continue;
            }
            if quoted(lines[n]) && !whole_quote_follows(&lines[n..]) {
                continue;
            }
            return Some((n, intro));
        }
    }
    None
}

/// From here on everything is quoted.
fn whole_quote_follows(lines: &[&str]) -> bool {
    lines.iter().all(|l| quoted(l) || blank(l))
}

fn believed(intro: intro::Intro, lines: &[&str], at: usize) -> bool {
    if !intro.needs_quote {
        return true;
    }
    quote_follows(&lines[at + intro.lines..])
}

/// Whether a quotation comes next.
fn quote_follows(lines: &[&str]) -> bool {
    lines.iter().find(|l| !blank(l)).is_some_and(|l| quoted(l))
}

/// Without the rule that Outlook draws above its headers.
fn without_rule<'a, 'b>(lines: &'b [&'a str]) -> &'b [&'a str] {
    let mut end = lines.len();
    while end > 0 && blank(lines[end - 1]) {
        end -= 1;
    }
    if let Some(last) = end.checked_sub(1).map(|n| lines[n].trim())
        && last.len() >= 5
        && last.bytes().all(|b| matches!(b, b'_' | b'-' | b'=' | b'*'))
    {
        return &lines[..end - 1];
    }
    &lines[..end]
}

/// Without the quotation at the end, unless there is nothing else.
fn without_trailing_quotes<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let own = lines.iter().rposition(|l| !quoted(l) && !blank(l));
    match own {
        Some(last) => lines[..=last].to_vec(),
        None => lines.to_vec(),
    }
}

/// Signatures stand at the end of what the person wrote, or above a quotation.
fn without_signatures<'a>(lines: &[&'a str], writer: &Writer) -> Vec<&'a str> {
    let mut kept = Vec::new();
    let mut block: Vec<&'a str> = Vec::new();
    for (n, line) in lines.iter().enumerate() {
        if quoted(line) {
            kept.extend(own_part(&block, writer));
            block.clear();
            kept.push(*line);
        } else {
            block.push(line);
            if n + 1 == lines.len() {
                kept.extend(own_part(&block, writer));
            }
        }
    }
    if kept.iter().all(|l| quoted(l) || blank(l)) { lines.to_vec() } else { without_trailing_quotes(&kept) }
}

fn own_part<'a>(block: &[&'a str], writer: &Writer) -> Vec<&'a str> {
    let end = signature::begins(block, writer);
    let mut own = block[..end].to_vec();
    // The blank lines between an answer and the quotation under it stay.
    if end < block.len() && block[end..].iter().all(|l| blank(l)) {
        own.extend(&block[end..]);
    }
    own
}

#[cfg(test)]
pub use generated::languages;

#[cfg(test)]
mod tests {
    use super::read;

    const QUOTE: &str = "> Hello,\n> when shall I write?";

    #[test]
    fn what_stands_above_a_quotation_is_new_in_every_language() {
        for introduction in [
            "On Fri, 20 Nov 2026 at 10:00, Agent <agent@example.com> wrote:",
            "On Nov 20, 2026, at 10:00, Agent wrote:",
            "On 20.11.2026 10:00, Agent via Example wrote:",
            "Le ven. 20 nov. 2026 à 10:00, Agent <agent@example.com> a écrit :",
            "El vie, 20 nov 2026 a las 10:00, Agent (<agent@example.com>) escribió:",
            "Em sex., 20 de nov. de 2026 às 10:00, Agent <agent@example.com> escreveu:",
            "Il giorno ven 20 nov 2026 alle ore 10:00 Agent <agent@example.com> ha scritto:",
            "Am Fr., 20. Nov. 2026 um 10:00 Uhr schrieb Agent <agent@example.com>:",
            "Am 20.11.26 um 10:00 schrieb Agent:",
            "Op vr 20 nov 2026 om 10:00 schreef Agent <agent@example.com>:",
            "Den fre 20 nov. 2026 kl 10:00 skrev Agent <agent@example.com>:",
            "pt., 20 lis 2026 o 10:00 Agent <agent@example.com> napisał(a):",
            "пт, 20 нояб. 2026 г. в 10:00, Agent <agent@example.com>:",
            "20 ноября 2026 г., 10:00, Agent <agent@example.com> написал(а):",
            "20.11.2026 10:00, Agent пишет:",
            "Пятница, 20 ноября 2026, 10:00 +03:00 от Agent <agent@example.com>:",
            "пт, 20 лист. 2026 р. о 10:00 Agent <agent@example.com> пише:",
            "On Fri, 20 Nov 2026 at 10:00, Agent with a long name\n<agent@example.com> wrote:",
            "-----Original Message-----\nFrom: Agent <agent@example.com>\nSent: Friday\nTo: Ana\nSubject: Re: x",
            "________________________________\nFrom: Agent <agent@example.com>\nSent: Friday, 20 November 2026 10:00\nTo: Ana <ana@b.com>\nSubject: x",
            "Von: Agent\nGesendet: Freitag, 20. November 2026 10:00\nAn: Ana\nBetreff: x",
            "De : Agent\nEnvoyé : vendredi 20 novembre 2026 10:00\nÀ : Ana\nObjet : x",
            "De: Agent\nEnviado el: viernes, 20 de noviembre de 2026\nPara: Ana\nAsunto: x",
            "От: Agent\nОтправлено: 20 ноября 2026 г. 10:00\nКому: Ana\nТема: x",
            "*From:* Agent\n*Date:* Friday\n*To:* Ana\n*Subject:* x",
            "From: agent@example.com\nDate: Fri, 20 Nov 2026 10:00:00 +0000",
            "---- Agent wrote ----",
            "In message <1@example.com>, Agent writes:",
            "在 2026年11月20日，Agent <agent@example.com> 写道：",
            "------------------ 原始邮件 ------------------\n发件人: Agent\n发送时间: 2026年11月20日\n收件人: Ana\n主题: x",
            "søn. 22. nov. 2026 kl. 10.00 skrev Agent <agent@example.com>:",
            "Vào 10:00 20 tháng 11, 2026, Agent <agent@example.com> đã viết:",
            "W dniu 20 listopada 2026 10:00 użytkownik Agent <agent@example.com>\nnapisał:",
        ] {
            let mail = format!("Write on Monday, please.\nThanks!\n\n{introduction}\n\n{QUOTE}\n");
            assert_eq!(read(&mail, "").new, "Write on Monday, please.\nThanks!", "{introduction}");
        }
    }

    #[test]
    fn no_word_of_the_persons_is_lost() {
        for text in [
            "On Monday we said: let us go on.\nOn Tuesday we met.",
            "From: Paris\nTo: London\nDate: 5 May 2027\n\nPlease book it.",
            "At 12:30 on Monday the manager said\nthat we may go.",
            "As he wrote on his page:\n\nit is done.",
            "Two points:\n-- the first\n-- the second\nand no more.",
            "Part one\n\n-----\n\nPart two is as long as part one, and says what it says.",
            "See https://example.com/?a=b\n\nSent from my desk, where else, at 10:00?",
            "Отправлено через СДЭК",
            "Hello!\n\nОтправлено через СДЭК вчера.",
            "From my side it is fine.",
            "> 5 is more than 4",
            "Sent by courier\n\nFrom my point of view",
            "My address: bob@example.com\nI wrote: yes.",
            "```\n-- a comment\nselect 1;\n```\nWhat does this do?",
        ] {
            assert_eq!(read(text, "Ana").new, text);
        }
    }

    #[test]
    fn of_a_text_of_very_many_lines_the_first_are_read() {
        let many: String = (0..20_000).map(|n| format!("{n}\n")).collect();
        let new = read(&many, "Ana").new;
        assert!(new.starts_with("0\n1\n") && new.ends_with("\n4999\n…"));
        let quoted = "> x\n".repeat(20_000);
        let on = "On Fri, 20 Nov 2026 at 10:00, Agent <agent@example.com> wrote:";
        assert_eq!(read(&format!("Yes.\n\n{on}\n{quoted}"), "").new, "Yes.");
        assert_eq!(read(&format!("{}Yes.", "\n".repeat(20_000)), "").new, "Yes.");
        assert_eq!(read(&format!("Yes.{}", "\n".repeat(20_000)), "").new, "Yes.");
    }

    #[test]
    fn answers_below_and_between_the_lines_are_kept() {
        let on = "On Fri, 20 Nov 2026 at 10:00, Agent <agent@example.com> wrote:";
        assert_eq!(read(&format!("{on}\n\n{QUOTE}\n\nOn Monday."), "").new, "On Monday.");
        assert_eq!(read(&format!("Hello,\n\n{on}\n{QUOTE}\n\nOn Monday.\n\n-- \nAna"), "").new, "Hello,\n\nOn Monday.");
        let between = format!("{on}\n\n> When?\n\nOn Monday.\n\n> Where?\n\nHere.\n\n> Bye");
        assert_eq!(read(&between, "").new, "> When?\n\nOn Monday.\n\n> Where?\n\nHere.");
        assert_eq!(read(QUOTE, "").new, QUOTE);
        assert_eq!(read("2024\nwrote:", "").new, "2024\nwrote:");
    }

    #[test]
    fn signatures_are_cut() {
        for (signature, writer) in [
            ("-- \nAna Borg\nExample Ltd", ""),
            ("--\nAna", ""),
            ("Sent from my iPhone", ""),
            ("Отправлено с iPhone", ""),
            ("Отправлено из мобильной Почты Mail.ru", ""),
            ("Von meinem iPhone gesendet", ""),
            ("Envoyé de mon iPhone", ""),
            ("Enviado desde mi iPhone", ""),
            ("Get Outlook for iOS", ""),
            ("Get Outlook for Android<https://aka.ms/AAb9ysg>", ""),
            ("Get [Outlook for iOS](https://aka.ms/o0ukef)", ""),
            ("Sent from [Proton Mail](https://proton.me/mail/home) for iOS", ""),
            ("Отправлено из Outlook для Android<https://aka.ms/AAb9ysg>", ""),
            ("Von meinem Samsung Galaxy Smartphone gesendet.", ""),
            ("Sent via mobile", ""),
            ("<<sent by galaxy>>", ""),
            ("From my iPhone 6", ""),
            ("從我的 iPhone 傳送", ""),
            ("Best regards,\nAna Borg\nExample Ltd\n+44 20 7946 0000", "Ana Borg"),
            ("С уважением,\nАнна", "Анна Борг"),
            (
                "_______________________________________________\nlist mailing list\nlist@example.com\nhttp://example.com/list",
                "",
            ),
        ] {
            let mail = format!("Write on Monday, please.\n\n{signature}\n");
            assert_eq!(read(&mail, writer).new, "Write on Monday, please.", "{signature}");
        }
    }
}
