//! Where a person's words end and their signature begins: the mark of RFC 3676, a phone's own line, the writer's name.

use std::sync::LazyLock;

use regex::Regex;

/// A signature below its mark has at most this many lines that aren't blank; what is longer is text.
const LONGEST: usize = 16;

/// Signatures one above the other that are cut.
const MOST: usize = 5;

/// The same, for a mark that may also be a rule between two paragraphs.
const SHORT: usize = 10;

macro_rules! pattern {
    ($text:expr) => {
        LazyLock::new(|| Regex::new($text).expect("it is a constant"))
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
/// Lines that phones and programs write by themselves.
static MACHINE: LazyLock<Regex> = pattern!(
    r"(?ix)^[\s<(\[*_]*(?:
        sent \s+ from \s .{2,60}
      | get \s .{2,30} \s for \s (?:ios|android|iphone|windows|mac)
      | envoyé \s (?:depuis|à\spartir\sde) \s .{2,40}
      | télécharger \s outlook \s pour .{2,20}
      | von \s meinem \s .{2,60} \s gesendet
      | diese \s nachricht \s wurde \s von \s .{2,80} \s gesendet
      | outlook \s für \s .{2,20} \s herunterladen
      | inviato \s (?:da|dal) \s .{2,40}
      | enviado \s (?:desde|do) \s .{2,40}
      | obtener \s outlook \s para \s .{2,20}
      | verzonden \s (?:vanaf|vanuit) \s .{2,40}
      | verstuurd \s (?:vanaf) \s .{2,40}
      | sendt \s fra \s .{2,40}
      | skickat \s från \s .{2,40}
      | lähetetty \s minun .{2,40}
      | wysłane \s z \s .{2,40}
      | odesláno \s z \s .{2,40}
      | отправлено \s (?:с|из) \s .{2,60}
      | послано \s (?:с|из) \s .{2,40}
      | надіслано \s (?:з|із) \s .{2,40}
      | 從我的 .{2,20} 傳送
      | 发自我的 .{1,20}
      | .{1,20} から送信
      | (?:iPhone|iPad|Android) \s?에서\s보냄
    )[\s>)\]*_.!]*$"
);
/// Lines that say what the mail was sent with, if they name such a thing.
static SENT_WITH: LazyLock<Regex> = pattern!(
    r"(?ix)^[\s<(\[*_]*(?:sent|from|written|typed|via|gesendet|envoyé|enviado|inviato|verzonden|skickat|sendt|wysłane|отправлено|написано|надіслано|mit|[\p{L}]{2,20}\sfrom)\b .{0,50}
      (?:i(?:phone|pad|pod|os)|android|samsung|galaxy|xiaomi|redmi|huawei|pixel|nokia|blackberry|smart-?phone|mobile|handy|cell\s?phone|tablet|my\sphone|a\sphone|(?:yahoo|proton|k-9|aqua)\s?mail|gmail|airmail|sparrow|outlook|thunderbird|windows\s(?:mail|phone)|mail\.ru|яндекс|мобильн\p{L}+|смартфон\p{L}*|телефон\p{L}*|móvil|celular|téléphone|telefoon|telefono) .{0,40}$"
);
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
        || lines.iter().any(|l| CONTACT.is_match(l) || MACHINE.is_match(l) || SENT_WITH.is_match(l))
            && lines.iter().all(|l| l.chars().count() <= 90)
}

/// Without the line that a phone or program adds at the end.
fn by_machine(lines: &[&str], end: usize) -> usize {
    let last = trimmed(lines, end);
    let Some(line) = last.checked_sub(1).map(|n| lines[n]) else { return end };
    let alone = last < 2 || blank(lines[last - 2]);
    // `Get Outlook for Android<https://…>`, `Get [Outlook for iOS](https://…)`
    let line = &*LINK.replace_all(line, "").replace(['[', ']'], "");
    let named = SENT_WITH.is_match(line);
    if one_phrase(line)
        && (MACHINE.is_match(line) && (alone || named) || named && (alone || line.split_whitespace().count() < 6))
    {
        return trimmed(lines, last - 1);
    }
    end
}

/// A sentence of the person's has commas, or ends and goes on; the name of a device has neither.
fn one_phrase(line: &str) -> bool {
    let plain = line.trim().trim_end_matches(['.', '!', '>', ')', ']', '*', '_']);
    let goes_on = [", ", ". ", "? ", "! ", "; "].iter().any(|mark| plain.contains(mark));
    !goes_on && !line.trim_end().ends_with('?') && plain.split_whitespace().count() <= 14 && plain.len() <= 160
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
