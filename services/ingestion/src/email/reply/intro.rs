//! What stands before a quotation: "On … wrote:", "-----Original Message-----", a block of From, Sent, To, Subject.

use std::sync::LazyLock;

use regex::Regex;

/// The longest introduction, in characters: names and addresses are long, a person's sentence is longer.
const LONGEST: usize = 320;

/// An introduction is wrapped over this many lines at most.
const WRAPPED: usize = 4;

/// Verbs that end or stand in an introduction: wrote, says.
const WROTE: &str = r"(?:wrote|writes|said|says|schrieben Sie|schrieb|geschrieben|schreibt|a écrit|a ecrit|écrit|nous a dit|escribió|escribio|escribe|escreveu|ha scritto|scrive|het volgende geschreven|schreef|skrev följande|skrev følgende|skrev|skriver|napisał\(a\)|napisała|napisał|napisal|pisze|написал\(а\)|написала|написал|написали|пишет|писал\(а\)|писал|пише|написав|написала\(в\)|napsal\(a\)|napsala|napsal|napísal\(a\)|napísal|kirjoitti|yazdı|írta|a scris|έγραψε|写道|寫道|đã viết|さんは書きました|님이 작성)";

/// Words an introduction opens with: on, at.
const OPENS: &str = r"(?:On|At|In message|In article|Am|Le|El|Em|Il|Op|Den|Dnia|Dňa|W dniu|Dana|Dne|V|On the|Le\s|Quoting|В сообщении|En date de|Il giorno|A las|Il\s|Vào|在)";

/// What marks the start of a mail that is carried along, by language.
const MARKS: &str = r"(?:original message|forwarded message|reply message|original mail|original email|ursprüngliche nachricht|original-?nachricht|weitergeleitete nachricht|message d['’]origine|message original|message transféré|message transmis|mensaje original|mensaje reenviado|mensagem original|mensagem encaminhada|messaggio originale|messaggio inoltrato|oorspronkelijk bericht|doorgestuurd bericht|originele bericht|исходное сообщение|оригинальное сообщение|пересылаемое сообщение|пересланное сообщение|конец пересылаемого сообщения|оригінальне повідомлення|oryginalna wiadomość|wiadomość oryginalna|treść przekazanej wiadomości|ursprungligt meddelande|originalmeddelande|opprinnelig melding|oprindelig meddelelse|alkuperäinen viesti|původní zpráva|orijinal mesaj|原始邮件|转发邮件|原郵件|轉寄郵件|元のメッセージ|転送メッセージ|원본 메시지)";

/// The names of the headers that mail programs write above what they quote, by language.
const HEADERS: &str = r"(?:from|sent|date|to|cc|bcc|subject|reply-to|von|gesendet|datum|an|kopie|betreff|antwort an|de|envoyé|envoyé par|à|a|cc ?i|objet|répondre à|para|enviado|enviado el|enviada em|fecha|asunto|assunto|data|da|inviato|oggetto|van|verzonden|aan|onderwerp|från|skickat|till|ämne|fra|sendt|til|emne|lähettäjä|lähetetty|vastaanottaja|aihe|od|wysłano|do|temat|odesláno|komu|předmět|kopia|от|отправлено|дата|кому|копия|тема|от кого|від|надіслано|кому|тема|发件人|发送时间|收件人|抄送|主题|日期|寄件者|收件者|主旨|gönderen|gönderildi|kime|konu|tarih)";

macro_rules! pattern {
    ($($arg:tt)*) => { LazyLock::new(|| Regex::new(&format!($($arg)*)).expect("it is a constant")) };
}

/// A date or a time of day: what an introduction says besides the name.
static DATED: LazyLock<Regex> = pattern!(
    r"\b(?:19|20)\d\d\b|\d{{1,2}}[:.h]\d\d\b|\b\d{{1,2}}[./-]\d{{1,2}}[./-]\d{{2,4}}\b|(?:19|20)\d\d\s?[年년]"
);
static ADDRESS: LazyLock<Regex> = pattern!(r"[\w.+'-]+@[\w-]+(?:\.[\w-]+)*|[\w.+-]+@\S*");
/// `On … wrote:`
static OPENED: LazyLock<Regex> = pattern!(r"(?i)^[\s<>*_-]*{OPENS}\s?.+{WROTE}(?:\s?\([^()]{{0,12}}\))?[\s.:：>*_-]*$");
/// `Op … schreef Name <…>:`
static OPENED_THEN_NAME: LazyLock<Regex> =
    pattern!(r"(?i)^[\s<>*_-]*(?:{OPENS}|\p{{L}}{{2,5}}\.?,?)\s.*\d.*\b{WROTE}\s+[^:]{{1,160}}:[\s*>_-]*$");
/// `понедельник, 6 октября 2014 г. пользователь lidel написал:`, `Some One <a@b.c> wrote:`
static ENDED: LazyLock<Regex> = pattern!(r"(?i)^.+{WROTE}(?:\s?\([^()]{{0,12}}\))?\s?[:：][\s>*_-]*$");
/// `Some One <a@b.c> wrote` without its colon, but with the address.
static ADDRESS_WROTE: LazyLock<Regex> =
    pattern!(r"(?i)^.*[<(\[]?[\w.+'-]+@[\w.-]+\.\w{{2,}}[>)\]]*\S*\s+{WROTE}\s?:?\s*$");
/// `Max Mustermann <…> schrieb am Fr., 28. Apr. 2017 um 11:53 Uhr:`
static WROTE_ON: LazyLock<Regex> = pattern!(
    r"(?i)^[\s>*]*\S.{{0,120}}\s(?:wrote\s+on|schrieb\s+am|schreef\s+op|skrev\s+den|a écrit\s+le|escribió\s+el|escreveu\s+em|ha scritto\s+il|napisał\(a\)\s+dnia)\s.*\d.*:[\s*]*$"
);
/// `someone via Some Forum wrote:`
static VIA: LazyLock<Regex> = pattern!(r"(?i)^\S.{{0,80}} via .{{1,80}} {WROTE}:?\s*$");
/// `вт, 5 янв. 2016 г. в 23:39, Erlend <a@b.c>:`, `2013/10/2 camilohollanda <a@b.c>`
static DATE_THEN_ADDRESS: LazyLock<Regex> = pattern!(
    r"^[\s>*]*(?:\d|\p{{L}}{{2,12}}\.?,?\s+\d|\p{{L}}{{2,12}}\.?,\s).{{0,100}}(?:\d[:.h]\d\d|(?:19|20)\d\d).{{0,120}}<\s?[^<>@\s]+@[^<>\s]+\s?>\s?:?\s*$"
);
/// `2016-03-03 17:21 GMT+01:00 Some One`
static STAMP_THEN_NAME: LazyLock<Regex> =
    pattern!(r"^[\s>]*20\d\d-\d\d-\d\d \d{{1,2}}:\d\d(?: GMT)?(?:[+-]\d\d:?\d\d) [^:]{{1,60}}:?\s*$");
static POSTED_BY: LazyLock<Regex> = pattern!(r"(?i)^[\s>]*Posted by .{{1,80}} on \d{{1,2}}/\d{{1,2}}/\d{{4}}\.?\s*$");
static OPENING: LazyLock<Regex> = pattern!(r"(?i)^[\s<>*_-]*{OPENS}\b");
static MARK: LazyLock<Regex> = pattern!(r"(?i)^[\s>*_]*-{{2,}}\s*{MARKS}\s*-{{2,}}[\s*_]*$");
/// `---- John Smith wrote ----`
static DASHED_WROTE: LazyLock<Regex> = pattern!(r"(?i)^\s*-{{2,}}\s?.{{1,100}}\s{WROTE}\s?:?\s?-{{2,}}\s*$");
static FORWARD: LazyLock<Regex> = pattern!(
    r"(?i)^[\s>]*(?:begin forwarded message|début du message (?:transféré|réexpédié)|anfang der weitergeleiteten nachricht|inicio del mensaje reenviado|inizio messaggio inoltrato|início da mensagem (?:encaminhada|reenviada)|начало переадресованного сообщения|начало пересылаемого сообщения|begin doorgestuurd bericht|vidarebefordrat brev|videresendt melding|początek przekazanej wiadomości)\s?:\s*$"
);
static HEADER: LazyLock<Regex> = pattern!(r"(?i)^[\s>*_|]{{0,8}}({HEADERS})[\s\u{{a0}}*_]*[:：][\s*_]*(.*)$");

/// Where an introduction stands: its lines, and what kind of thing follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intro {
    /// How many lines it takes.
    pub lines: usize,
    /// It is only believed when a quotation follows.
    pub needs_quote: bool,
}

/// The introduction that begins with the first of these lines.
pub fn at(lines: &[&str]) -> Option<Intro> {
    let first = lines.first().filter(|l| !l.trim().is_empty())?;
    if MARK.is_match(first) || DASHED_WROTE.is_match(first) || FORWARD.is_match(first) || POSTED_BY.is_match(first) {
        return Some(Intro { lines: 1 + header_block(&lines[1..]).unwrap_or(0), needs_quote: false });
    }
    if let Some(lines) = header_block(lines) {
        return Some(Intro { lines, needs_quote: false });
    }
    let mut joined = String::new();
    for (n, line) in lines.iter().take(WRAPPED).enumerate() {
        let line = line.trim();
        if line.is_empty()
            || (n > 0 && line.starts_with('>') && !first.trim_start().starts_with('>') && !ends_address(line))
        {
            break;
        }
        if n > 0 {
            joined.push(' ');
        }
        joined.push_str(line);
        if joined.chars().count() > LONGEST {
            break;
        }
        if let Some(needs_quote) = introduces(&joined) {
            // The introduction may begin further down: this line is then the end of what the person wrote.
            let later = n > 0 && !opens(first) && (1..=n).any(|k| introduces(&spaced(&lines[k..=n])).is_some());
            return (!later).then_some(Intro { lines: n + 1, needs_quote });
        }
    }
    None
}

/// The rest of a wrapped `<address` + `> wrote:`; anything else that begins with `>` is quoted.
fn ends_address(line: &str) -> bool {
    line.len() < 60 && !line.starts_with(">>") && line.ends_with(':') && !line.contains('@')
}

fn spaced(lines: &[&str]) -> String {
    let lines: Vec<&str> = lines.iter().map(|l| l.trim()).collect();
    lines.join(" ")
}

/// Whether an introduction would begin like this.
fn opens(line: &str) -> bool {
    OPENING.is_match(line) && (line.contains(|c: char| c.is_ascii_digit()) || ADDRESS.is_match(line))
        || starts_like_a_date(line)
}

/// Whether a text introduces a quotation, and if so, whether only in front of one.
fn introduces(text: &str) -> Option<bool> {
    let text = &text.replace("&lt;", "<").replace("&gt;", ">");
    let (dated, addressed) = (DATED.is_match(text), ADDRESS.is_match(text));
    // Without it, it may be a line of a longer sentence.
    let colon = text.trim_end().ends_with([':', '：', '-', '*', '>', '_']);
    if (dated || addressed) && OPENED.is_match(text) {
        return Some(!colon);
    }
    if dated && OPENED_THEN_NAME.is_match(text) {
        return Some(!addressed);
    }
    if DATE_THEN_ADDRESS.is_match(text) {
        return Some(!text.trim_end().ends_with(':'));
    }
    if STAMP_THEN_NAME.is_match(text) {
        return Some(false);
    }
    if addressed && ADDRESS_WROTE.is_match(text) || dated && WROTE_ON.is_match(text) {
        return Some(!colon);
    }
    if ENDED.is_match(text) {
        return Some(!(dated && (addressed || starts_like_a_date(text))));
    }
    (VIA.is_match(text) || OPENED.is_match(text) && text.trim_end().ends_with([':', '-'])).then_some(true)
}

/// `30 серп. …`, `понедельник, 6 …`, `23 mar 2017 …`
fn starts_like_a_date(text: &str) -> bool {
    let text = text.trim_start_matches([' ', '>', '*']);
    let day = text.split_once([',', ' ']).map_or("", |(_, rest)| rest.trim_start());
    text.starts_with(|c: char| c.is_ascii_digit()) || day.starts_with(|c: char| c.is_ascii_digit())
}

/// Of these, one is in every block: a person's own list may have a From, a To and a Date.
const TELLING: &[&str] = &[
    "sent",
    "gesendet",
    "envoyé",
    "enviado",
    "enviado el",
    "enviada em",
    "inviato",
    "verzonden",
    "skickat",
    "sendt",
    "lähetetty",
    "wysłano",
    "odesláno",
    "отправлено",
    "надіслано",
    "gönderildi",
    "发送时间",
    "subject",
    "betreff",
    "objet",
    "asunto",
    "assunto",
    "oggetto",
    "onderwerp",
    "ämne",
    "emne",
    "aihe",
    "temat",
    "předmět",
    "тема",
    "主题",
    "主旨",
    "konu",
];

/// The lines of a block of headers that begins here: three different ones at least, continuations between them.
pub fn header_block(lines: &[&str]) -> Option<usize> {
    let mut names: Vec<String> = Vec::new();
    let (mut end, mut wrapped) = (0, 0);
    for (n, line) in lines.iter().enumerate().take(40) {
        if line.trim_matches(['>', ' ', '\t', '\u{a0}', '*', '_']).is_empty() {
            // Some programs put a blank line between two headers; the block is over when none follows.
            if names.is_empty() && n > 2 || lines.get(n + 1).is_none_or(|next| header_name(next).is_none()) {
                if names.is_empty() && n <= 2 {
                    continue;
                }
                break;
            }
            continue;
        }
        match header_name(line) {
            Some(name) => {
                if !names.contains(&name) {
                    names.push(name);
                }
                (end, wrapped) = (n + 1, 0);
            }
            None if names.is_empty() => return None,
            // A long list of recipients or a subject goes on.
            None if wrapped < 3 => {
                wrapped += 1;
                if !continues(&lines[n + 1..]) && !line.starts_with([' ', '\t']) {
                    break;
                }
                end = n + 1;
            }
            None => break,
        }
    }
    let told = names.iter().any(|n| TELLING.contains(&n.as_str())) || lines[..end].iter().any(|l| ADDRESS.is_match(l));
    let dated = || lines[..end].iter().any(|l| DATED.is_match(l)) && lines[..end].iter().any(|l| ADDRESS.is_match(l));
    (names.len() >= 3 && told || names.len() == 2 && end == 2 && dated()).then_some(end)
}

/// Whether a header still comes in the next few lines of the same block.
fn continues(rest: &[&str]) -> bool {
    rest.iter().take(3).take_while(|l| !l.trim().is_empty()).any(|l| header_name(l).is_some())
}

fn header_name(line: &str) -> Option<String> {
    let found = HEADER.captures(line)?;
    Some(found[1].to_lowercase())
}
