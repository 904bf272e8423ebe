//! Encoded words of headers (RFC 2047) put right before they are parsed: split inside a letter, in an unknown charset or a
//! wrong one, or not encoded at all.

use base64::{
    Engine as _, alphabet,
    engine::{
        DecodePaddingMode,
        general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD},
    },
};

use super::charset;

/// The longest charset of an encoded word, in bytes.
const LONGEST_LABEL: usize = 60;

/// Bytes of one header that are looked at.
const LONGEST: usize = 64 << 10;

/// Last bits that programs forget to clear are no error.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// One encoded word: where it ends, and what is in it.
struct Word<'a> {
    end: usize,
    label: &'a str,
    base64: bool,
    text: &'a [u8],
}

/// The header's value with words of UTF-8 in the place of those that no parser reads right. `None`: it needs no repair.
pub fn repaired(value: &[u8], domain: &str) -> Option<String> {
    let value = &value[..value.len().min(LONGEST)];
    let plain = value.is_ascii() || std::str::from_utf8(value).is_ok();
    if plain && !value.windows(2).any(|two| two == b"=?") {
        return None;
    }
    let mut out = String::with_capacity(value.len());
    let (mut at, mut literal, mut changed) = (0, 0, !plain);
    while at < value.len() {
        let Some(first) = word_at(value, at) else {
            at += 1;
            continue;
        };
        out.push_str(&unencoded(&value[literal..at], domain));
        // Words that stand next to each other are one text, cut where the line was full. In charsets that switch between
        // others each begins anew.
        let switches = first.label.to_ascii_lowercase().starts_with("iso-2022");
        let mut run = vec![first];
        while let Some(last) = run.last().filter(|_| !switches) {
            let blanks = value[last.end..].iter().take_while(|b| b.is_ascii_whitespace()).count();
            let alike = |next: &Word<'_>| last.label.eq_ignore_ascii_case(next.label) && last.base64 == next.base64;
            let Some(next) = word_at(value, last.end + blanks).filter(alike) else { break };
            run.push(next);
        }
        let bytes = bytes_of(&run);
        changed |= run.len() > 1 || charset::corrected(&bytes, run[0].label, domain).is_some();
        push_word(&mut out, &charset::read(&bytes, run[0].label, domain));
        at = run.last().map_or(at + 1, |word| word.end);
        literal = at;
    }
    out.push_str(&unencoded(&value[literal..], domain));
    changed.then_some(out)
}

/// `=?charset*language?B?text?=` at this place.
fn word_at(value: &[u8], at: usize) -> Option<Word<'_>> {
    let rest = value.get(at..)?.strip_prefix(b"=?")?;
    let label = rest.iter().take(LONGEST_LABEL).position(|b| *b == b'?')?;
    let base64 = match rest.get(label + 1..label + 3)? {
        [b'b' | b'B', b'?'] => true,
        [b'q' | b'Q', b'?'] => false,
        _ => return None,
    };
    let text = &rest[label + 3..];
    let length = text.iter().position(|b| *b == b'?')?;
    if text.get(length + 1) != Some(&b'=') {
        return None;
    }
    let name = std::str::from_utf8(&rest[..label]).ok()?;
    let label_only = name.split('*').next().unwrap_or_default();
    Some(Word { end: at + 2 + label + 3 + length + 2, label: label_only, base64, text: &text[..length] })
}

/// The bytes of words of one charset and one encoding.
fn bytes_of(run: &[Word<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut open: Vec<u8> = Vec::new();
    for word in run {
        if !word.base64 {
            bytes.extend(unquoted(word.text));
            continue;
        }
        // A word may end inside of four letters that belong together.
        open.extend(word.text.iter().filter(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/')));
        if open.len().is_multiple_of(4) || word.text.ends_with(b"=") {
            bytes.extend(from_base64(&open));
            open.clear();
        }
    }
    bytes.extend(from_base64(&open));
    bytes
}

fn from_base64(letters: &[u8]) -> Vec<u8> {
    let whole = if letters.len() % 4 == 1 { &letters[..letters.len() - 1] } else { letters };
    LENIENT.decode(whole).unwrap_or_default()
}

fn unquoted(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut at = 0;
    let digit = |b: Option<&u8>| b.and_then(|b| char::from(*b).to_digit(16));
    while let Some(byte) = text.get(at) {
        match (byte, digit(text.get(at + 1)), digit(text.get(at + 2))) {
            (b'=', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                at += 2;
            }
            (b'_', ..) => bytes.push(b' '),
            _ => bytes.push(*byte),
        }
        at += 1;
    }
    bytes
}

/// What stands between encoded words, in the charset that it is in.
fn unencoded(bytes: &[u8], domain: &str) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| charset::read(bytes, "", domain), str::to_owned)
}

fn push_word(out: &mut String, text: &str) {
    out.push_str("=?utf-8?B?");
    STANDARD.encode_string(text, out);
    out.push_str("?=");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::email::message::decoded;

    fn read(value: &[u8]) -> String {
        decoded(&repaired(value, "example.ru").unwrap_or_else(|| String::from_utf8_lossy(value).into_owned()))
    }

    #[test]
    fn words_that_are_split_inside_a_letter_are_one() {
        let text = "Договор на завтра";
        for cut in 0..text.len() {
            let (one, two) = text.as_bytes().split_at(cut);
            let word = |bytes: &[u8]| format!("=?UTF-8?B?{}?=", STANDARD.encode(bytes));
            let quoted = |bytes: &[u8]| {
                let hex: String = bytes.iter().map(|b| format!("={b:02X}")).collect();
                format!("=?utf-8?q?{hex}?=")
            };
            assert_eq!(read(format!("{}\r\n {}", word(one), word(two)).as_bytes()), text);
            assert_eq!(read(format!("{} {}", quoted(one), quoted(two)).as_bytes()), text);
            // Four letters of base64 may be parted, too.
            let all = STANDARD.encode(text);
            let (one, two) = all.split_at(cut.min(all.len()));
            assert_eq!(read(format!("=?UTF-8?B?{one}?= =?UTF-8?B?{two}?=").as_bytes()), text);
        }
    }

    #[test]
    fn words_in_unknown_or_wrong_charsets_and_bare_bytes_are_read() {
        let cp1251: Vec<u8> = encoding_rs::WINDOWS_1251.encode("Напишите мне завтра утром").0.into_owned();
        let word = |label: &str, bytes: &[u8]| format!("Re: =?{label}?B?{}?=", STANDARD.encode(bytes));
        for label in ["x-unknown", "unknown-8bit", "us-ascii", "cp-1251", "windows-1251", "iso-8859-1", "utf-8"] {
            assert_eq!(read(word(label, &cp1251).as_bytes()), "Re: Напишите мне завтра утром", "{label}");
        }
        assert_eq!(read(word("us-ascii", "Grüße".as_bytes()).as_bytes()), "Re: Grüße");
        assert_eq!(read(b"=?utf-7?Q?+BB8EQAQ4BDIENQRC_+BDQEMA-?="), "Привет да");
        assert_eq!(read(&[b"Re: ".as_slice(), &cp1251].concat()), "Re: Напишите мне завтра утром");
        for plain in ["Hello", "1 =? 2", "=?utf-8?", "=?utf-8?X?a?="] {
            assert_eq!(read(plain.as_bytes()), plain);
        }
    }
}
