//! Where a person's words end and their signature begins: the mark of RFC 3676, a phone's own line, the writer's name.

use std::sync::LazyLock;

use regex::Regex;

use super::programs;

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

/// RFC 3676 §4.3, and without the blank that many programs lose.
static MARK: LazyLock<Regex> = pattern!(r"^\s?(?:--|—|––)\s*$");
/// A rule of dashes, underscores, stars.
static RULE: LazyLock<Regex> = pattern!(r"^\s*(?:-{3,}|_{2,}|={3,}|\*{3,}|—{2,}|~{3,}|#{3,}|(?:- ){3,}-?)\s*$");
/// What stands in signatures and in the footers of lists, and hardly in a person's own text.
static CONTACT: LazyLock<Regex> = pattern!(
    r"(?i)https?://|www\.|[\w.+-]+@[\w-]+\.\w|\+?\(?\d[\d() .-]{6,}\d|mailing list|unsubscribe|reply to this email|отписаться|skype|tel\b|phone|mobile"
);
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
/// The word before a name.
static CLOSING: LazyLock<Regex> = pattern!(
    r"(?i)^\s*(?:thanks|thank you|many thanks|thanks again|thx|cheers|best|best regards|kind regards|warm regards|regards|sincerely|sincerely yours|yours|yours truly|yours sincerely|all the best|с уважением|с наилучшими пожеланиями|всего доброго|спасибо|mit freundlichen grüßen|viele grüße|liebe grüße|beste grüße|mfg|lg|cordialement|bien cordialement|merci|bien à vous|saludos|un saludo|saludos cordiales|gracias|atentamente|atenciosamente|obrigado|obrigada|abraços|cordiali saluti|grazie|met vriendelijke groet|groeten|pozdrawiam|z poważaniem|з повагою|дякую)\s*[,.!]?\s*$"
);
/// What a company's mail server hangs on every mail.
static DISCLAIMER: LazyLock<Regex> = pattern!(
    r"(?i)(?:confidential|vertraulich|confidentiel|confidencial|конфиденциальн).*(?:intended (?:recipient|solely|only)|addressee|empfänger|destinataire|destinatario|адресат|получател|disclos|unauthori[sz]ed)|(?:intended (?:recipient|solely|only)|received this (?:e-?mail|message|communication) in error).*(?:confidential|delete|notify)"
);

/// How many of these lines are the person's own; the rest is a signature. `writer` is their name, if it is known.
pub fn begins(lines: &[&str], writer: &str) -> usize {
    let mut end = trimmed(lines, lines.len());
    for _ in 0..MOST {
        let before = end;
        if let Some(mark) = below_mark(&lines[..end]) {
            end = trimmed(lines, mark);
        }
        end = by_machine(lines, end);
        end = disclaimer(lines, end);
        if end == before {
            break;
        }
    }
    let named = by_name(&lines[..end], writer);
    let dashed = dashed_name(&lines[..named]);
    trimmed(lines, dashed)
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
fn below_mark(lines: &[&str]) -> Option<usize> {
    let mut fenced = false;
    let mut left = lines.iter().filter(|l| !blank(l)).count();
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
        if RULE.is_match(line) && left <= SHORT {
            let below: Vec<&str> = lines[n + 1..].iter().copied().filter(|l| !blank(l)).collect();
            if looks_like_footer(&below) {
                return Some(n);
            }
        }
    }
    None
}

/// Short lines, one of which is a way to reach somebody or somewhere.
fn looks_like_footer(lines: &[&str]) -> bool {
    lines.is_empty()
        || lines.iter().any(|l| CONTACT.is_match(l) || sent_from(l)) && lines.iter().all(|l| l.chars().count() <= 90)
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
        && (DEVICE.is_match(text) || words >= 2 && words <= 5 && text.trim_start().starts_with("my ") && called(text))
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
    if paragraph.len() >= 150 && DISCLAIMER.is_match(&paragraph) { trimmed(lines, start) } else { end }
}

/// The lines from the writer's own name to the end, with the greeting right above it.
fn by_name(lines: &[&str], writer: &str) -> usize {
    let writer = writer.trim().to_lowercase();
    if writer.chars().count() < 3 || writer.contains('@') {
        return lines.len();
    }
    let first = writer.split_whitespace().next().unwrap_or_default();
    let from = lines.len().saturating_sub(12);
    for n in from.max(1)..lines.len() {
        let line = lines[n]
            .trim()
            .trim_start_matches(['-', '—', '~', '*'])
            .trim_end_matches([',', '.', '*'])
            .trim()
            .to_lowercase();
        let named = line == writer
            || line == first
            || line.starts_with(&format!("{writer},"))
            || line.starts_with(&format!("{writer} |"));
        let rest: Vec<&str> = lines[n + 1..].iter().copied().filter(|l| !blank(l)).collect();
        if !named || rest.len() > 8 || !rest.iter().all(|l| l.chars().count() <= 70 && !l.trim_end().ends_with('?')) {
            continue;
        }
        // A first name alone is a signature only at the very end.
        if line != writer && line == first && !rest.is_empty() && !rest.iter().any(|l| CONTACT.is_match(l)) {
            continue;
        }
        let above = trimmed(lines, n);
        let greeted = above > 1 && CLOSING.is_match(lines[above - 1]);
        let start = trimmed(lines, if greeted { above - 1 } else { n });
        if start > 0 {
            return start;
        }
    }
    lines.len()
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
