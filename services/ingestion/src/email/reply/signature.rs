//! Where a person's words end and their signature begins: the mark of RFC 3676, a phone's own line, the writer's name.

use std::sync::LazyLock;

use regex::Regex;

use super::{
    closings, programs,
    writer::{Signs, Writer},
};

/// A signature below its mark has at most this many lines that aren't blank; what is longer is text.
const LONGEST: usize = 16;

/// Signatures one above the other that are cut.
const MOST: usize = 5;

/// The same, for a mark that may also be a rule between two paragraphs.
const SHORT: usize = 10;

fn constant(text: &str) -> Regex {
    Regex::new(text).expect("it is a constant")
}

macro_rules! pattern {
    ($text:expr) => {
        LazyLock::new(|| constant($text))
    };
}

/// RFC 3676 §4.3.
static MARK: LazyLock<Regex> = pattern!(r"^--[ \u{a0}]$");
/// The same without the blank, which many programs lose, and which may also part two points of the person's.
static BARE_MARK: LazyLock<Regex> = pattern!(r"^\s?(?:--|—|––)\s*$");
/// A rule of dashes, underscores, stars.
static RULE: LazyLock<Regex> = pattern!(r"^\s*(?:-{3,}|_{2,}|={3,}|\*{3,}|—{2,}|~{3,}|#{3,}|(?:- ){3,}-?)\s*$");
/// What stands in signatures and in the footers of lists, and hardly in a person's own text.
static CONTACT: LazyLock<Regex> = pattern!(
    r"(?i)https?://|www\.|[\w.+-]+@[\w-]+\.\w|\+?\(?\d[\d() .-]{6,}\d|mailing list|unsubscribe|reply to this email|отписаться|skype|tel\b|phone|mobile|тел\.|моб\.|telegram|whatsapp|fax\b"
);
/// The same without links, which people put into their text.
static REACHED: LazyLock<Regex> = pattern!(
    r"(?i)[\w.+-]+@[\w-]+\.\w|\+?\(?\d[\d() .-]{6,}\d|mailing list|unsubscribe|reply to this email|отписаться|skype|tel\b|phone:|mobile:|тел\.|моб\.|fax\b"
);
/// What lists and trackers hang below a mail.
static FOOTER: LazyLock<Regex> =
    pattern!(r"(?i)mailing list|unsubscribe|reply to this email|view it on|отписаться|you received this|signed with");
/// What phones and programs write by themselves before or behind their own name.
static SENT_FROM: LazyLock<Regex> =
    LazyLock::new(|| constant(&format!(r"(?i)^{}", programs::any_of(&[programs::SENT_FROM]))));
static FROM_SENT: LazyLock<Regex> =
    LazyLock::new(|| constant(&format!(r"(?i){}$", programs::any_of(&[programs::FROM_SENT]))));
static DEVICE: LazyLock<Regex> = LazyLock::new(|| constant(&format!("(?i){}", programs::DEVICES)));
static BREVITY: LazyLock<Regex> = LazyLock::new(|| constant(&format!("(?i){}", programs::BREVITY)));
/// `Sent from a magnificent torch of pixels`
static CASUAL: LazyLock<Regex> = pattern!(r"(?i)^sent from (?:my|a|an)\b");
/// `Get Outlook for iOS`, in every language.
static PROGRAM_FOR: LazyLock<Regex> =
    pattern!(r"(?i)\boutlook\b.*\b(?:ios|android|mac|windows)|\b(?:ios|android|mac|windows)\b.*\boutlook\b");
static LINK: LazyLock<Regex> = pattern!(r"\s*[<(]+https?://[^\s>)]*[>)]+");
/// `-Abhishek Kona`, a paragraph of its own.
static DASHED_NAME: LazyLock<Regex> = pattern!(r"^\s?-{1,2}\s?\p{Lu}[\p{L}.'’]*(?: \p{Lu}[\p{L}.'’]*){0,3}\s*$");
/// The word above a name, on a line of its own.
static CLOSING: LazyLock<Regex> = LazyLock::new(|| {
    constant(&format!(r"(?i)^\s*{}[\s,.!，。،…-]*$", programs::any_of(&[closings::REGARDS, closings::THANKS])))
});
static REGARDS: LazyLock<Regex> =
    LazyLock::new(|| constant(&format!(r"(?i)^\s*{}[\s,.!，。،…-]*$", programs::any_of(&[closings::REGARDS]))));
/// Regards and what follows them in the same line: `С ув., Иван`.
static REGARDS_THEN: LazyLock<Regex> =
    LazyLock::new(|| constant(&format!(r"(?i)^\s*{}\s*[\s,.!，،-]\s*(\S.*)$", programs::any_of(&[closings::REGARDS]))));
/// What stands below a signature and is the person's again.
static POSTSCRIPT: LazyLock<Regex> =
    pattern!(r"(?i)^\s*(?:p\.?\s?s\b|p\.\s?d\b|п\.?\s?с\b|з\.?\s?ы\b|n\.?\s?b\b|ps\b)");
/// What a company's mail server hangs on every mail.
static DISCLAIMER: LazyLock<Regex> = pattern!(
    r"(?i)(?:confidential|vertraulich|confidentiel|confidencial|конфиденциальн).*(?:intended (?:recipient|solely|only)|addressee|empfänger|destinataire|destinatario|адресат|получател|disclos|unauthori[sz]ed)|(?:intended (?:recipient|solely|only)|received this (?:e-?mail|message|communication) in error).*(?:confidential|delete|notify)"
);

/// What a scanner of viruses hangs on every mail.
static CHECKED: LazyLock<Regex> = pattern!(
    r"(?i)(?:virus|viren|вирус|virüs|ιού|wirus|vírus).{0,200}(?:avast|avg\.com|eset|kaspersky|norton|mcafee|bitdefender|drweb)|(?:avast|avg|eset|kaspersky|norton|mcafee|bitdefender|drweb).{0,200}(?:virus|viren|вирус|virüs|ιού|wirus|vírus)"
);

/// How many of these lines are the person's own; the rest is a signature. `writer` is what is known of them.
pub fn begins(lines: &[&str], writer: &Writer) -> usize {
    let mut end = trimmed(lines, lines.len());
    for _ in 0..MOST {
        let before = end;
        if let Some(mark) = below_mark(&lines[..end], writer) {
            end = trimmed(lines, mark);
        }
        end = by_machine(lines, end);
        end = disclaimer(lines, end);
        if end == before {
            break;
        }
    }
    let lines = &lines[..end];
    let signed = by_name(lines, writer).or_else(|| by_regards(lines, writer)).or_else(|| by_address(lines, writer));
    let lines = &lines[..signed.unwrap_or(lines.len())];
    trimmed(lines, dashed_name(lines))
}

/// The end without blank lines.
fn trimmed(lines: &[&str], mut end: usize) -> usize {
    while end > 0 && blank(lines[end - 1]) {
        end -= 1;
    }
    end
}

fn blank(line: &str) -> bool {
    line.chars().all(|c| c.is_whitespace() || matches!(c, '\u{200b}' | '\u{feff}' | '\u{200c}' | '\u{200d}' | 'ᐧ'))
}

/// The line with the mark of a signature, from the top: what is under it is one too.
fn below_mark(lines: &[&str], writer: &Writer) -> Option<usize> {
    let mut fenced = false;
    let mut left = lines.iter().filter(|l| !blank(l)).count();
    // Twice in a text, they part its points.
    let parts = lines.iter().filter(|l| BARE_MARK.is_match(l) && !MARK.is_match(l)).take(2).count() > 1;
    for (n, line) in lines.iter().enumerate() {
        if blank(line) {
            continue;
        }
        left -= 1;
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced || left > LONGEST {
            continue;
        }
        if MARK.is_match(line) {
            return Some(n);
        }
        let (bare, rule) = (BARE_MARK.is_match(line), RULE.is_match(line));
        if !bare && !rule || left > SHORT && rule {
            continue;
        }
        let below: Vec<&str> = lines[n + 1..].iter().copied().filter(|l| !blank(l)).collect();
        // A line with dashes right under it is a heading.
        let heading =
            rule && line.trim_start().starts_with(['-', '=']) && n > 0 && !blank(lines[n - 1]) && !below.is_empty();
        if bare
            && looks_like_signature(&below, writer)
            && (!parts || below.len() <= 6 && below.iter().any(|l| REACHED.is_match(l)))
            || rule && !heading && looks_like_footer(&below, writer)
        {
            return Some(n);
        }
    }
    None
}

/// Short lines, one of which is a way to reach somebody or the writer's name, and none of which is a sentence.
fn looks_like_footer(lines: &[&str], writer: &Writer) -> bool {
    let told = |l: &&str| REACHED.is_match(l) || sent_from(l) || writer.signs(l) != Signs::Nothing;
    let named = lines.iter().any(|l| writer.signs(l) == Signs::Whole);
    let said = |l: &str| is_sentence(l) && !FOOTER.is_match(l) && (!named || l.trim_end().ends_with(['.', '!', '?']));
    lines.is_empty()
        || lines.iter().any(told) && lines.iter().all(|l| l.chars().count() <= 90 && !said(l) && !is_markdown(l))
}

/// The same under a mark: a name alone is enough.
fn looks_like_signature(lines: &[&str], writer: &Writer) -> bool {
    lines.is_empty()
        || lines.iter().all(|l| !is_markdown(l))
            && (lines.iter().any(|l| CONTACT.is_match(l) || sent_from(l) || writer.signs(l) != Signs::Nothing)
                && !lines
                    .iter()
                    .any(|l| is_sentence(l) && !CONTACT.is_match(l) && !FOOTER.is_match(l) && !sent_from(l))
                || lines.len() <= 4 && lines.iter().all(|l| is_name(l)))
}

/// A line of a list, of a table, a heading.
fn is_markdown(line: &str) -> bool {
    let line = line.trim_start();
    let numbered = line.trim_start_matches(|c: char| c.is_ascii_digit());
    line.starts_with(['|', '>'])
        || line.trim_start_matches('#').starts_with(' ') && line.starts_with('#')
        || ["- ", "* ", "+ ", "-- ", "• "].iter().any(|bullet| line.starts_with(bullet))
        || numbered.len() < line.len() && numbered.starts_with([')', '.']) && numbered[1..].starts_with(' ')
}

/// Words that go on like those of a person: signatures have names, titles and numbers.
fn is_sentence(line: &str) -> bool {
    let line = line.trim();
    let words = line.split_whitespace().count();
    let small = line.split_whitespace().filter(|w| w.starts_with(char::is_lowercase)).count();
    line.ends_with('?')
        || words >= 4 && (small >= 3 && small * 2 >= words || line.ends_with('!') || line.ends_with('.') && small >= 2)
}

/// Words of which each may belong to a name or a title.
fn is_name(line: &str) -> bool {
    let line =
        line.trim().trim_start_matches(['-', '—', '–', '~', '*', '/', ' ']).trim_end_matches(['*', ',', '.', ' ']);
    let particle = |w: &str| programs::PARTICLES.contains(&w.to_lowercase().as_str());
    let words = || line.split_whitespace();
    (1..=5).contains(&words().count())
        && line.chars().count() <= 50
        && words().all(|w| particle(w) || w.starts_with(|c: char| c.is_alphabetic() && !c.is_lowercase()))
        && !line.contains(|c: char| c.is_numeric() || matches!(c, '?' | '!' | ':' | ';' | '。' | '、'))
}

/// Without the line that a phone or program adds at the end.
fn by_machine(lines: &[&str], end: usize) -> usize {
    let last = trimmed(lines, end);
    let Some(line) = last.checked_sub(1).map(|n| lines[n]) else { return end };
    let alone = last < 2 || blank(lines[last - 2]);
    if sent_from(line) && (alone || line.split_whitespace().count() < 6) { trimmed(lines, last - 1) } else { end }
}

/// Whether a line only says which phone or program the mail was sent with. `Get Outlook for Android<https://…>`,
/// `Sent from [Proton Mail](https://proton.me) for iOS`, `<<sent by galaxy>>`
fn sent_from(line: &str) -> bool {
    if line.len() > 400 {
        return false;
    }
    let line = LINK.replace_all(line, "");
    let line = line.replace(['[', ']', '\u{200e}', '\u{200f}'], "").replace('\u{a0}', " ");
    let plain = line.trim().trim_start_matches(['<', '(', '*', '_', '-', ' ']);
    let plain = plain.trim_end_matches(['.', '!', '>', ')', '*', '_', '。', ' ']);
    // `Sent from my Android device with K-9 Mail. Please excuse my brevity.`
    let plain = match plain.split_once(['.', ',', '。']) {
        Some((first, rest)) if BREVITY.is_match(rest) && rest.split_whitespace().count() <= 10 => first.trim(),
        _ => plain,
    };
    if !one_phrase(plain) {
        return false;
    }
    if PROGRAM_FOR.is_match(plain) && plain.split_whitespace().count() <= 8 {
        return true;
    }
    // Whatever it is, there is hardly anything else that a paragraph of so few words says at the end.
    if CASUAL.is_match(plain) && plain.split_whitespace().count() <= 7 && !line.trim_end().ends_with(['.', '!']) {
        return true;
    }
    if let Some(said) = SENT_FROM.find(plain) {
        return names_device(&plain[said.end()..]);
    }
    FROM_SENT.find(plain).is_some_and(|said| names_device(&plain[..said.start()]))
}

/// A device is called by name, and in few words: `my Verizon Wireless BlackBerry`, `meinem Nothing Phone (2)`.
fn names_device(text: &str) -> bool {
    let words = text.split_whitespace().count();
    let called = |text: &str| {
        text.split_whitespace()
            .skip(1)
            .any(|w| w.contains(char::is_uppercase) || w.contains(|c: char| c.is_ascii_digit()))
    };
    words <= 9
        && (DEVICE.is_match(text) || (2..=8).contains(&words) && text.trim_start().starts_with("my ") && called(text))
}

/// A sentence of the person's has commas, or ends and goes on; the name of a device has neither.
fn one_phrase(line: &str) -> bool {
    let plain = line.trim().trim_end_matches(['.', '!', '>', ')', ']', '*', '_']);
    let goes_on = [", ", ". ", "? ", "! ", "; "].iter().any(|mark| plain.contains(mark));
    !goes_on && !line.trim_end().ends_with(['?', '？']) && plain.split_whitespace().count() <= 14 && plain.len() <= 160
}

fn disclaimer(lines: &[&str], end: usize) -> usize {
    let start = lines[..end].iter().rposition(|l| blank(l)).map_or(0, |n| n + 1);
    if start == 0 {
        return end;
    }
    let paragraph = lines[start..end].join(" ");
    let checked = paragraph.len() <= 400 && CHECKED.is_match(&paragraph);
    if checked || paragraph.len() >= 150 && DISCLAIMER.is_match(&paragraph) { trimmed(lines, start) } else { end }
}

/// Where the lines from the writer's own name to the end begin, with the words of goodbye right above it.
fn by_name(lines: &[&str], writer: &Writer) -> Option<usize> {
    let from = lines.len().saturating_sub(FARTHEST).max(1);
    (from..lines.len()).find_map(|n| {
        let (signs, with_regards) =
            match REGARDS_THEN.captures(lines[n]).map(|found| writer.signs(found.get(1)?.as_str()).some()) {
                Some(Some(signs)) => (signs, true),
                _ => (writer.signs(lines[n]).some()?, false),
            };
        let rest: Vec<&str> = lines[n + 1..].iter().copied().filter(|l| !blank(l)).collect();
        if rest.len() > 8 || !rest.iter().all(|l| below_a_name(l)) {
            return None;
        }
        let above = trimmed(lines, n);
        let last = lines[above.checked_sub(1)?];
        let said_goodbye = above > 1 && !with_regards && CLOSING.is_match(last);
        let goodbye = said_goodbye || with_regards;
        // A first name alone is a signature only at the very end.
        if signs == Signs::First && !rest.is_empty() && !goodbye && !rest.iter().any(|l| CONTACT.is_match(l)) {
            return None;
        }
        if !goodbye && !ends(last, above < n, rest.is_empty()) {
            return None;
        }
        Some(trimmed(lines, if said_goodbye { above - 1 } else { n })).filter(|start| *start > 0)
    })
}

/// Lines from the end in which a signature without a mark may begin.
const FARTHEST: usize = 14;

/// Whether nothing of what the person says goes on below this line of theirs. `apart`: a blank line follows it;
/// `name_only`: and then a name and no more.
fn ends(line: &str, apart: bool, name_only: bool) -> bool {
    let line = line.trim_end();
    let sign = |c: char| c.is_alphanumeric() || matches!(c, ':' | ',' | '-' | '—' | '：' | '，');
    // `please send it to:` is followed by what belongs to it, as is a name by other names.
    if line.ends_with([':', '：']) || line.split_whitespace().count() > 1 && is_name(line) {
        return false;
    }
    !line.ends_with(sign) || name_only || apart && !line.ends_with([',', '-', '—', '，'])
}

fn below_a_name(line: &str) -> bool {
    line.chars().count() <= 70
        && !POSTSCRIPT.is_match(line)
        && (!is_sentence(line) || CONTACT.is_match(line) || FOOTER.is_match(line))
        && !is_markdown(line)
}

/// Where regards begin that have some name below them, though not one that is known.
fn by_regards(lines: &[&str], writer: &Writer) -> Option<usize> {
    if !writer.is_known() {
        return None;
    }
    let from = lines.len().saturating_sub(FARTHEST).max(1);
    (from..lines.len()).find_map(|n| {
        let below: Vec<&str> = lines[n + 1..].iter().copied().filter(|l| !blank(l)).collect();
        let (name, rest) = below.split_first()?;
        let signed =
            REGARDS.is_match(lines[n]) && is_name(name) && rest.len() <= 8 && rest.iter().all(|l| below_a_name(l));
        signed.then(|| trimmed(lines, n)).filter(|start| *start > 0)
    })
}

/// Where a last paragraph of short lines begins that has the writer's own address in it.
fn by_address(lines: &[&str], writer: &Writer) -> Option<usize> {
    let start = lines.iter().rposition(|l| blank(l))? + 1;
    let block = &lines[start..];
    let own = || block.iter().any(|l| !writer.address.is_empty() && l.to_lowercase().contains(&writer.address));
    if !(2..=8).contains(&block.len())
        || !block.iter().all(|l| below_a_name(l) && !l.trim_end().ends_with([':', '?']))
        || !own()
    {
        return None;
    }
    let above = trimmed(lines, start);
    let last = lines[above.checked_sub(1)?];
    let goodbye = above > 1 && CLOSING.is_match(last);
    let sentence_over = last.trim_end().ends_with(['.', '!', '?', '…', ')', '。', '！', '？']);
    (goodbye || sentence_over)
        .then(|| trimmed(lines, if goodbye { above - 1 } else { start }))
        .filter(|start| *start > 0)
}

fn dashed_name(lines: &[&str]) -> usize {
    let end = trimmed(lines, lines.len());
    if end >= 3 && DASHED_NAME.is_match(lines[end - 1]) && blank(lines[end - 2]) {
        let above = trimmed(lines, end - 1);
        if above > 0 && !lines[above - 1].trim_start().starts_with(['-', '*', '•']) {
            return above;
        }
    }
    end
}
