//! What bytes say in letters: in the charset that a mail names, or in the one that they are in when it names none, one that
//! nobody knows, or a wrong one.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, ISO_2022_JP, UTF_8, WINDOWS_1252};

/// Bytes that a guess looks at: enough to be sure, whatever follows.
const LOOKED_AT: usize = 64 << 10;

/// The longest domain whose last label is looked for, in bytes.
const LONGEST_LABEL: usize = 63;

/// Reads bytes by what a mail says they are. `label`: the charset that it names, may be empty; `domain`: where the writer
/// is at home, which decides between charsets that fit equally well.
///
/// `None`: nothing speaks against the reading by the label, or no better one is known.
pub fn corrected(bytes: &[u8], label: &str, domain: &str) -> Option<String> {
    if is_utf7(label) {
        return Some(utf7(bytes));
    }
    let named = encoding_of(label);
    // Only this crate knows what is meant.
    let misspelled = named.is_some() && Encoding::for_label(label.trim().as_bytes()).is_none();
    if bytes.is_ascii() {
        // Escapes that switch to Japanese and back are ASCII, too.
        let escapes = bytes.windows(2).any(|two| two == b"\x1b$");
        return (escapes && named.is_none_or(|e| e == WINDOWS_1252 || e == UTF_8)).then(|| decoded(ISO_2022_JP, bytes));
    }
    let many_bytes = named.is_some_and(|e| e != UTF_8 && !e.is_single_byte());
    if let Ok(text) = std::str::from_utf8(bytes) {
        // By chance that happens to short texts of the charsets with two bytes for each letter, and to no others.
        return (!many_bytes && (named != Some(UTF_8) || misspelled)).then(|| text.to_owned());
    }
    match named {
        Some(encoding) if encoding == UTF_8 => Some(mostly_utf8(bytes).unwrap_or_else(|| guessed(bytes, domain))),
        Some(encoding) if encoding == WINDOWS_1252 => {
            let guess = guess(bytes, domain);
            let better = is_ascii_label(label) || mostly_high(bytes) && !is_latin(guess);
            (better || misspelled).then(|| decoded(if better { guess } else { encoding }, bytes))
        }
        // What its own charset can't be was written in another.
        Some(encoding) => {
            let fits = |encoding: &'static Encoding| !encoding.decode_without_bom_handling(bytes).1;
            if fits(encoding) {
                return misspelled.then(|| decoded(encoding, bytes));
            }
            Some(guess(bytes, domain)).filter(|guess| fits(guess)).map(|guess| decoded(guess, bytes))
        }
        None if known_to_parser(label) => None,
        None => Some(mostly_utf8(bytes).unwrap_or_else(|| guessed(bytes, domain))),
    }
}

/// The same where there is no other reading: a word of a header.
pub fn read(bytes: &[u8], label: &str, domain: &str) -> String {
    corrected(bytes, label, domain).unwrap_or_else(|| decoded(encoding_of(label).unwrap_or(UTF_8), bytes))
}

fn decoded(encoding: &'static Encoding, bytes: &[u8]) -> String {
    encoding.decode_without_bom_handling(bytes).0.into_owned()
}

fn guessed(bytes: &[u8], domain: &str) -> String {
    decoded(guess(bytes, domain), bytes)
}

fn guess(bytes: &[u8], domain: &str) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(&bytes[..bytes.len().min(LOOKED_AT)], true);
    let label = domain.rsplit('.').next().unwrap_or_default();
    let usable = !label.is_empty()
        && label.len() <= LONGEST_LABEL
        && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    detector.guess(usable.then_some(label.as_bytes()), Utf8Detection::Deny)
}

/// The charset of a label, also as people misspell it: `cp-1251`, `win1251`, `koi8r`, `utf8mb4`.
fn encoding_of(label: &str) -> Option<&'static Encoding> {
    let label = label.trim().trim_matches(['"', '\'']);
    Encoding::for_label(label.as_bytes()).or_else(|| {
        let plain: String =
            label.chars().filter(char::is_ascii_alphanumeric).take(40).collect::<String>().to_lowercase();
        let number: String = plain.chars().filter(char::is_ascii_digit).collect();
        let spelled = if plain.starts_with("utf8") || plain.starts_with("unicode11utf8") {
            "utf-8".to_owned()
        } else if number.starts_with("125") && number.len() == 4 {
            format!("windows-{number}")
        } else if let Some(kind) = plain.strip_prefix("koi8").or_else(|| plain.strip_prefix("xkoi8")) {
            format!("koi8-{}", if kind.starts_with('u') { 'u' } else { 'r' })
        } else if let Some(part) = number.strip_prefix("8859").filter(|_| plain.contains("iso")) {
            format!("iso-8859-{part}")
        } else if plain.contains("latin1") || plain.contains("ansi") {
            "windows-1252".to_owned()
        } else {
            return None;
        };
        Encoding::for_label(spelled.as_bytes())
    })
}

/// Labels that the parser of mails reads and this crate's decoder has no charset for.
fn known_to_parser(label: &str) -> bool {
    let plain: String = label.chars().filter(char::is_ascii_alphanumeric).take(20).collect::<String>().to_lowercase();
    plain.starts_with("utf16") || matches!(plain.as_str(), "ibm850" | "cp850" | "850" | "cspc850multilingual")
}

fn is_ascii_label(label: &str) -> bool {
    let plain: String = label.chars().filter(char::is_ascii_alphanumeric).take(20).collect::<String>().to_lowercase();
    matches!(
        plain.as_str(),
        "usascii" | "ascii" | "ansix341968" | "iso646us" | "iso646irv1991" | "csascii" | "us" | "isoir6"
    )
}

fn is_latin(encoding: &'static Encoding) -> bool {
    ["windows-1252", "windows-1250", "windows-1254", "windows-1257", "windows-1258"].contains(&encoding.name())
        || ["ISO-8859-2", "ISO-8859-4", "ISO-8859-10", "ISO-8859-13"].contains(&encoding.name())
}

/// Of the letters most are none of ASCII's: no language that Latin-1 is for writes like that.
fn mostly_high(bytes: &[u8]) -> bool {
    let high = bytes.iter().filter(|b| **b >= 0xa0).count();
    high > bytes.iter().filter(|b| b.is_ascii_alphabetic()).count()
}

/// UTF-8 of which a few bytes are broken or cut off.
fn mostly_utf8(bytes: &[u8]) -> Option<String> {
    let (mut right, mut broken) = (0, 0);
    for chunk in bytes.utf8_chunks() {
        right += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    (right > 0 && broken <= 1 + right / 20).then(|| String::from_utf8_lossy(bytes).into_owned())
}

fn is_utf7(label: &str) -> bool {
    let plain: String = label.chars().filter(char::is_ascii_alphanumeric).take(20).collect::<String>().to_lowercase();
    matches!(plain.as_str(), "utf7" | "unicode11utf7" | "xunicode20utf7" | "csutf7" | "unicode20utf7")
}

/// RFC 2152. What is no base64 stands for itself.
pub fn utf7(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    let mut units: Vec<u16> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] != b'+' {
            text.push(char::from(bytes[at]));
            at += 1;
            continue;
        }
        let begin = at + 1;
        let length = bytes[begin..].iter().take_while(|b| sextet(**b).is_some()).count();
        let end = begin + length;
        let shut = bytes.get(end) == Some(&b'-');
        at = end + usize::from(shut);
        if length == 0 {
            text.push('+');
            continue;
        }
        let (mut bits, mut held) = (0_u32, 0);
        for value in bytes[begin..end].iter().filter_map(|b| sextet(*b)) {
            bits = bits << 6 | u32::from(value);
            held += 6;
            if held >= 16 {
                held -= 16;
                units.push((bits >> held) as u16);
                bits &= (1 << held) - 1;
            }
        }
        text.extend(char::decode_utf16(units.drain(..)).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
    }
    text
}

fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUSSIAN: &str = "Добрый день! Напишите мне, пожалуйста, завтра утром про договор.";

    fn bytes(text: &str, label: &str) -> Vec<u8> {
        Encoding::for_label(label.as_bytes()).unwrap().encode(text).0.into_owned()
    }

    #[test]
    fn a_label_that_lies_is_not_believed() {
        for (charset, text) in [
            ("windows-1251", RUSSIAN),
            ("koi8-r", RUSSIAN),
            ("windows-1251", "Здравствуйте, перезвоните мне"),
            ("windows-1253", "Καλημέρα σας, γράψτε μου αύριο το πρωί για το συμβόλαιο."),
            ("windows-1255", "שלום, אנא כתבו לי מחר בבוקר בקשר לחוזה."),
            ("windows-1252", "Grüße aus München, schöne Woche, können wir uns am Donnerstag hören?"),
            ("windows-1252", "Déjà reçu, merci. Rappelez-moi à midi."),
            ("windows-1250", "Prosím, napište mi zítra ráno kvůli smlouvě, děkuji. Příště zavolám."),
            ("shift_jis", "明日の朝、契約について連絡してください。よろしくお願いします。"),
            ("euc-kr", "내일 아침에 계약에 대해 연락해 주세요. 감사합니다."),
            ("gbk", "请明天早上写信给我谈谈合同的事情。谢谢您的帮助。"),
            ("utf-8", RUSSIAN),
            ("utf-8", "Grüße"),
        ] {
            for label in ["", "us-ascii", "x-unknown", "unknown-8bit", "default", "utf-8"] {
                assert_eq!(read(&bytes(text, charset), label, "example.com"), text, "{charset} as {label:?}");
            }
        }
        for (charset, label) in [
            ("windows-1251", "iso-8859-1"),
            ("koi8-r", "windows-1252"),
            ("utf-8", "windows-1251"),
            ("utf-8", "koi8-r"),
            ("utf-8", "iso-8859-1"),
        ] {
            assert_eq!(read(&bytes(RUSSIAN, charset), label, ""), RUSSIAN, "{charset} as {label}");
        }
    }

    #[test]
    fn a_label_that_is_right_is_believed() {
        for (charset, text) in [
            ("windows-1251", RUSSIAN),
            ("windows-1251", "да"),
            ("koi8-r", "да"),
            ("iso-8859-1", "Grüße"),
            ("iso-8859-1", "é"),
            ("iso-8859-2", "Žluťoučký kůň"),
            ("iso-8859-15", "5 €"),
            ("gbk", "联通"),
            ("big5", "謝謝"),
            ("shift_jis", "はい"),
            ("iso-2022-jp", "はい"),
            ("utf-8", "да"),
        ] {
            assert_eq!(read(&bytes(text, charset), charset, "example.com"), text, "{charset}");
        }
        for label in ["cp1251", "cp-1251", "win-1251", "WINDOWS1251", "x-cp1251"] {
            assert_eq!(read(&bytes("да", "windows-1251"), label, ""), "да", "{label}");
        }
        for label in ["koi8r", "KOI8", "x-koi8-r"] {
            assert_eq!(read(&bytes("да", "koi8-r"), label, ""), "да", "{label}");
        }
    }

    /// Charsets that mails were written in before UTF-8, by language.
    const LEGACY: &[(&str, &[&str])] = &[
        ("ru", &["windows-1251", "koi8-r", "ibm866", "iso-8859-5"]),
        ("uk", &["windows-1251", "koi8-u"]),
        ("bg", &["windows-1251"]),
        ("sr", &["windows-1251"]),
        ("el", &["windows-1253", "iso-8859-7"]),
        ("he", &["windows-1255"]),
        ("ar", &["windows-1256"]),
        ("th", &["windows-874"]),
        ("de", &["windows-1252"]),
        ("fr", &["windows-1252"]),
        ("es", &["windows-1252"]),
        ("pt", &["windows-1252"]),
        ("sv", &["windows-1252"]),
        ("cs", &["windows-1250", "iso-8859-2"]),
        ("pl", &["windows-1250", "iso-8859-2"]),
        ("hu", &["windows-1250", "iso-8859-2"]),
        ("tr", &["windows-1254"]),
        ("ja", &["shift_jis", "euc-jp", "iso-2022-jp"]),
        ("ko", &["euc-kr"]),
        ("zh-CN", &["gbk", "gb18030"]),
        ("zh-TW", &["big5"]),
    ];

    #[test]
    fn words_of_every_language_are_read_in_their_old_charsets_whatever_the_label() {
        let (mut wrong, mut all) = (Vec::new(), 0);
        for language in crate::email::reply::languages() {
            let Some((code, charsets)) = LEGACY.iter().find(|(code, _)| *code == language.code) else { continue };
            let country = match *code {
                "uk" => "ua",
                "el" => "gr",
                "he" => "il",
                "ar" => "eg",
                "cs" => "cz",
                "sv" => "se",
                "ja" => "jp",
                "ko" => "kr",
                "zh-CN" => "cn",
                "zh-TW" => "tw",
                "sr" => "rs",
                other => other,
            };
            let text = language.words.join("\n");
            for charset in *charsets {
                let (bytes, _, lost) = Encoding::for_label(charset.as_bytes()).unwrap().encode(&text);
                if lost {
                    continue;
                }
                for label in ["", "us-ascii", "x-unknown", "utf-8", charset] {
                    for domain in ["example.com", &format!("example.{country}")] {
                        // One letter of Hungarian in a short text needs the country to be told from French.
                        if *code == "hu" && domain == "example.com" {
                            continue;
                        }
                        all += 1;
                        if read(&bytes, label, domain) != text {
                            wrong.push(format!(
                                "{code} in {charset} as {label:?} from {domain}: {}",
                                read(&bytes, label, domain)
                            ));
                        }
                    }
                }
            }
        }
        println!("texts in old charsets: {all}, wrong {}", wrong.len());
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn a_text_that_is_broken_in_one_place_is_read() {
        let cut = &RUSSIAN.as_bytes()[..RUSSIAN.len() - 2];
        for label in ["utf-8", "", "x-unknown"] {
            assert!(read(cut, label, "").starts_with("Добрый день! Напишите мне"), "{label}");
        }
    }

    #[test]
    fn utf7_keeps_its_blanks_and_signs() {
        for (coded, text) in [
            ("Hello, World+ACE-", "Hello, World!"),
            ("+BB8EQAQ4BDIENQRC +BDQEMA", "Привет да"),
            ("+BB8EQAQ4BDIENQRC, +BDQEMA-.", "Привет, да."),
            ("1 +- 1 = 2", "1 + 1 = 2"),
            ("a + b", "a + b"),
            ("+2D3eAA-", "😀"),
            ("+", "+"),
            ("", ""),
        ] {
            assert_eq!(read(coded.as_bytes(), "utf-7", ""), text, "{coded}");
        }
    }
}
