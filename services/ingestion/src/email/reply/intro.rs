//! What stands before a quotation: "On … wrote:", "-----Original Message-----", a block of From, Sent, To, Subject.

use std::{collections::HashSet, sync::LazyLock};

use regex::Regex;

use super::programs;

/// The longest introduction, in characters: names and addresses are long, a person's sentence is longer.
const LONGEST: usize = 320;

/// An introduction is wrapped over this many lines at most.
const WRAPPED: usize = 5;

macro_rules! pattern {
    ($($arg:tt)*) => { LazyLock::new(|| Regex::new(&format!($($arg)*)).expect("it is a constant")) };
}

/// A date or a time of day: what an introduction says besides the name.
static DATED: LazyLock<Regex> = pattern!(
    r"\b(?:19|20)\d\d\b|{TIME}|\b\d{{1,2}}\s?[./-]\s?\d{{1,2}}\s?[./-]\s?\d{{2,4}}\b|\d\d\d\d\s?[年년]|[٠-٩۰-۹]{{1,4}}"
);
/// A day with its year, in any order: 2013/7/20, 20.11.26, 20 Nov 2026, ٢٠ نوفمبر ٢٠٢٦.
static DAY: LazyLock<Regex> = pattern!(
    r"\b\d{{1,4}}\s?[./-]\s?(?:0?[1-9]|[12]\d|3[01])\s?[./-]\s?\d{{1,4}}\b|\b(?:19|20)\d\d\b|\d\d\d\d\s?[年년]|[٠-٩۰-۹]{{1,2}}[^٠-٩۰-۹]{{1,20}}[٠-٩۰-۹]{{4}}"
);
const TIME: &str = r"\d{1,2}\s?[:.h時点]\s?\d\d\b|\d{1,2}\s?[ap]\.?m\b|[٠-٩۰-۹]{1,2}:[٠-٩۰-۹]{2}";
/// A time of day that is no part of a date: 10:00, 10h30, 10.30.
static TIMED: LazyLock<Regex> = pattern!(
    r"(?i)\d{{1,2}}\s?[:h時点]\s?\d\d\b|(?:^|[\s,(])\d{{1,2}}\.\d\d(?:\.\d\d)?(?:[\s,:)]|$)|\d{{1,2}}\s?[ap]\.?m\b|[٠-٩۰-۹]{{1,2}}:[٠-٩۰-۹]{{2}}"
);
static ADDRESS: LazyLock<Regex> = pattern!(r"[\w.+'-]+@[\w-]+(?:\.[\w-]+)*|[\w.+-]+@\S*");
/// The same as it stands beside a name, with all that programs write around it.
static WRITTEN_ADDRESS: LazyLock<Regex> =
    pattern!(r#"[<(\["']*\s?(?:mailto:)?[\w.+'=-]+@[\w.-]*\s?(?:[<\[(]\s?mailto:[^\s>\])]*[>\])]*)?\s?[>)\]"']*"#);
/// An address in its brackets at the end.
static ENDS_WITH_ADDRESS: LazyLock<Regex> =
    pattern!(r"<\s?(?:mailto:)?[^<>@\s]+@[^<>\s]+(?:\s?<mailto:[^<>\s]+>)?\s?>\s?{COLON}?\s*$");
/// What ends an introduction, by script.
const COLON: &str = "[:：﹕︰៖՝`፦]";
const COLONS: [char; 8] = [':', '：', '﹕', '︰', '៖', '՝', '`', '፦'];
static VERB: LazyLock<Regex> = pattern!(
    r"(?i)(?:^|[^\p{{L}}\p{{M}}])(?:{})(?:[^\p{{L}}\p{{M}}]|$)|(?:{})",
    programs::any_of(&[programs::WROTE]),
    programs::any_of(&[programs::WROTE_UNSPACED])
);
static OPENING: LazyLock<Regex> =
    pattern!(r"(?i)^(?:{}[-־]?)(?:[^\p{{L}}\p{{M}}'’]|$)", programs::any_of(&[programs::OPENS]));
/// `2016-03-03 17:21 GMT+01:00 Some One`
static STAMP_THEN_NAME: LazyLock<Regex> =
    pattern!(r"^[\s>]*20\d\d-\d\d-\d\d \d{{1,2}}:\d\d(?: GMT)?(?:[+-]\d\d:?\d\d) [^:]{{1,60}}:?\s*$");
/// `Quoting Sam <a@b.c>:`
static QUOTING: LazyLock<Regex> =
    pattern!(r"(?i)^[\s*]*{}\s.{{1,100}}[:：]\s*$", programs::any_of(&[programs::QUOTING]));
static POSTED_BY: LazyLock<Regex> = pattern!(r"(?i)^[\s>]*Posted by .{{1,80}} on \d{{1,2}}/\d{{1,2}}/\d{{4}}\.?\s*$");
static MARK: LazyLock<Regex> =
    pattern!(r"(?i)^[\s>*_]*{DASH}{{2,}}\s*{}\s*{DASH}{{2,}}[\s*_]*$", programs::any_of(&[programs::MARKS]));
/// Dashes of all widths: programs draw their lines with any.
const DASH: &str = "[-‐‑–—―]";
/// Words between dashes: the mark of a mail carried along, if its headers follow.
static DASHED: LazyLock<Regex> = pattern!(r"^[\s>*_]*{DASH}{{4,}}\s*\p{{L}}[^-]{{2,60}}{DASH}{{4,}}[\s*_]*$");
static FORWARD: LazyLock<Regex> = pattern!(r"(?i)^[\s>]*{}\s?[:：]\s*$", programs::any_of(&[programs::FORWARDS]));
/// The longest name of a header with what stands around it, in characters.
const LONGEST_HEADER: usize = 40;

/// The names of headers, in lower case.
static HEADERS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    let lists = [programs::HEADERS, programs::TELLING].into_iter().flatten();
    lists.flat_map(|line| line.split('|')).collect()
});
/// Of the names of headers, those that tell.
static TELLING: LazyLock<HashSet<&str>> =
    LazyLock::new(|| programs::TELLING.iter().flat_map(|line| line.split('|')).collect());

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
    if MARK.is_match(first) || FORWARD.is_match(first) || POSTED_BY.is_match(first) {
        return Some(Intro { lines: 1 + header_block(&lines[1..]).unwrap_or(0), needs_quote: false });
    }
    if DASHED.is_match(first)
        && let Some(headers) = header_block(&lines[1..])
    {
        return Some(Intro { lines: 1 + headers, needs_quote: false });
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
        match introduces(&joined) {
            // It may go on: `On …, Agent <a@b.c>` and `wrote:` in the next line.
            Some(true) if !super::quote_follows(&lines[n + 1..]) => {}
            Some(needs_quote) => return (!begins_later(&lines[..=n])).then_some(Intro { lines: n + 1, needs_quote }),
            None => {}
        }
        // It ends with its colon.
        if line.ends_with(COLONS) {
            break;
        }
    }
    None
}

/// Whether what these lines introduce with begins further down: the first is then the end of what the person wrote.
fn begins_later(lines: &[&str]) -> bool {
    let first = plain(lines[0]);
    let ended = ends_sentence(&first);
    (1..lines.len()).any(|from| {
        let goes_on = !ended
            && wraps(lines[from - 1], lines[from])
            && goes_on(&first, &spaced(&lines[..from]), &spaced(&lines[from..]));
        !goes_on && introduces(&spaced(&lines[from..])).is_some()
    })
}

/// The narrowest line that programs fill, in characters: most wrap at 65 to 80.
const NARROWEST: usize = 64;

/// Whether a program would break its line here: it was full, or what comes next are an address or its verb.
fn wraps(line: &str, next: &str) -> bool {
    let next = next.trim();
    let word = next.split_whitespace().next().map_or(0, |word| word.chars().count());
    line.trim().chars().count() + 1 + word > NARROWEST
        || line.trim_end().ends_with('<')
        || next.starts_with(['<', '(', '['])
        || VERB.find(next).is_some_and(|verb| verb.start() == 0 && !next[verb.end()..].contains(char::is_alphanumeric))
}

/// Whether an introduction that began with `first` goes on: what comes next lacks what stood before it.
fn goes_on(first: &str, before: &str, after_raw: &str) -> bool {
    let after = plain(after_raw);
    let dated_anew = DAY.is_match(&after);
    if opens(first) {
        // One introduction has one date.
        let opens_anew = dated_anew && (OPENING.is_match(&after) || DAY.is_match(first) && starts_like_a_date(&after));
        return !opens_anew;
    }
    let addressed_anew = after.contains('@') && ADDRESS.is_match(&after);
    let written = before.contains('@') && before.contains(['<', '(', '[']);
    if written && (!addressed_anew || after_raw.trim_start().starts_with(['<', '(', '['])) {
        return words_in(&without_addresses(before)) <= 8;
    }
    if after_raw.trim_start().starts_with(['<', '(']) && is_name(before) {
        return true;
    }
    let bare = without_addresses(&after);
    let named_anew = name_words(&bare, true).iter().any(|word| !VERB.is_match(word));
    // `Agent` and `<a@b.c> wrote:`, `Agent je 20. 11. 2026 ob` and `10:00 napisal:`
    !named_anew && (is_name(before) || DAY.is_match(before) && !dated_anew && words_in(before) <= 6)
}

/// Whether a line has nothing but what may be a name.
fn is_name(line: &str) -> bool {
    let line = without_addresses(line);
    name_of(&name_words(&line, false)) == Name::Person && !line.contains(['.', '!', '?', ':'])
}

/// `… see you there.`: no abbreviation has so many letters.
fn ends_sentence(line: &str) -> bool {
    let line = line.trim_end();
    let word = line.strip_suffix('.').and_then(|rest| rest.split_whitespace().last()).unwrap_or_default();
    line.ends_with(['!', '?', '…', '！', '？', '。']) || word.chars().filter(|c| c.is_alphabetic()).count() >= 6
}

/// The rest of a wrapped `<address` + `> wrote:`; anything else that begins with `>` is quoted.
fn ends_address(line: &str) -> bool {
    line.len() < 60 && !line.starts_with(">>") && line.ends_with([':', '：']) && !line.contains('@')
}

fn spaced(lines: &[&str]) -> String {
    let lines: Vec<&str> = lines.iter().map(|l| l.trim()).collect();
    lines.join(" ")
}

/// Without marks of direction, with usual blanks and brackets, without quotation marks and emphasis at its start.
fn plain(text: &str) -> String {
    let seen = |c: &char| !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    let text: String = text.chars().filter(seen).map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
    let text = text.replace("&lt;", "<").replace("&gt;", ">");
    text.trim_start_matches([' ', '<', '>', '*', '_', '-', '|', '–', '—', '#']).trim_end().to_owned()
}

/// Bytes of an opening that nothing else begins with: `Wiadomość napisana przez`.
const LONG: usize = 20;

/// Whether an introduction would begin like this.
fn opens(plain: &str) -> bool {
    let told = |words: &str| words.len() >= LONG || plain.contains(char::is_numeric) || plain.contains('@');
    OPENING.find(plain).is_some_and(|opening| told(opening.as_str())) || starts_like_a_date(plain)
}

/// Whether a text introduces a quotation, and if so, whether only in front of one.
fn introduces(text: &str) -> Option<bool> {
    // Most lines of most mails are none by these signs alone.
    if !text.contains(|c: char| c.is_numeric() || matches!(c, '@' | ':' | '：' | '៖' | '՝' | '`' | '፦'))
        && !text.contains("--")
    {
        return None;
    }
    let dashed = text.trim_start().starts_with("--") && text.trim_end().ends_with("--");
    let text = &plain(text);
    let end = text.trim_end_matches([' ', '*', '_', '>', '-']);
    // Without it, it may be a line of a longer sentence.
    let colon = dashed || end.ends_with(COLONS);
    let (dated, addressed) = (DATED.is_match(text), text.contains('@') && ADDRESS.is_match(text));
    if !dated && !addressed && !colon {
        return None;
    }
    if colon && QUOTING.is_match(text) {
        return Some(true);
    }
    let by_verb = VERB.find_iter(end).take(MOST_VERBS).find_map(|verb| {
        let moment = dated && DAY.is_match(end) && TIMED.is_match(end);
        // The letter behind it belongs to what follows.
        let right = &end[if verb.as_str().ends_with('(') { verb.end() - 1 } else { verb.end() }..];
        with_verb(&Told { left: &end[..verb.start()], right, colon, dated, addressed, moment })
    });
    let by_verb = by_verb.map(|needs_quote| needs_quote && !dashed);
    by_verb.or_else(|| without_verb(text, colon, dated))
}

/// Verbs that are looked at: names and sentences may have one, too.
const MOST_VERBS: usize = 4;

/// An introduction by its verb.
struct Told<'a> {
    left: &'a str,
    right: &'a str,
    colon: bool,
    dated: bool,
    addressed: bool,
    /// Dated by day and time.
    moment: bool,
}

fn with_verb(told: &Told<'_>) -> Option<bool> {
    let (left, right) = (without_addresses(told.left), without_addresses(told.right));
    let last = in_brackets(right.trim()) || !right.contains(|c: char| c.is_alphabetic() || c.is_numeric());
    // `Some One <a@b.c> wrote` may lack its colon; what goes on behind the verb has one.
    if !told.colon && !(last && (told.dated || told.addressed)) {
        return None;
    }
    let begins = opens(told.left) || told.left.trim().is_empty();
    let name = name_between(&left, &right);
    let believed = match name {
        Name::Person => true,
        // `20 November 2026, 10:00, you wrote:`, as one program has it.
        Name::Nobody => told.addressed || told.dated && begins || told.moment && words_to_number(told.left) <= 3,
        Name::Words => told.addressed && (begins || last) && words_in(&left) + words_in(&right) <= 12,
    };
    if !believed {
        return None;
    }
    let certain =
        told.colon && (told.addressed && (told.dated || last) || told.dated && begins && name == Name::Person);
    Some(!certain)
}

/// Whether a line could introduce a quotation by its verb or its date, with its colon.
pub fn could_end_with(line: &str) -> bool {
    let text = plain(line);
    let end = text.trim_end_matches([' ', '*', '_']);
    let (dated, addressed) = (DATED.is_match(end), end.contains('@'));
    dated && addressed || end.ends_with([':', '：']) && (VERB.is_match(end) || dated || addressed)
}

fn in_brackets(text: &str) -> bool {
    text.starts_with('(') && text.chars().count() <= 14
}

fn words_in(text: &str) -> usize {
    text.split_whitespace().filter(|w| w.chars().filter(|c| c.is_alphabetic()).count() > 1).count()
}

/// Words before the first number.
fn words_to_number(text: &str) -> usize {
    text.split_whitespace().take_while(|word| !word.contains(char::is_numeric)).count()
}

fn without_addresses(text: &str) -> String {
    WRITTEN_ADDRESS.replace_all(text, " ").into_owned()
}

/// What stands where an introduction has a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    /// Words that may be one.
    Person,
    /// Nothing, or a pronoun.
    Nobody,
    /// Words that are none: a sentence.
    Words,
}

/// The longest name, in words: those of firms are long.
const LONGEST_NAME: usize = 8;

/// Reads the name from what stands on both sides of the verb, of which one may be a date.
fn name_between(left: &str, right: &str) -> Name {
    let mut words = name_words(left, true);
    if !right.contains(char::is_numeric) {
        words.extend(name_words(right, false));
    }
    name_of(&words)
}

fn name_of(words: &[&str]) -> Name {
    let is = |list: &[&str], word: &str| list.contains(&word.to_lowercase().as_str());
    let words: Vec<&&str> = words.iter().filter(|w| !is(programs::PARTICLES, w) && !is(programs::USER, w)).collect();
    match words.as_slice() {
        [] => Name::Nobody,
        [one] if is(programs::PRONOUNS, one) => Name::Nobody,
        [_] => Name::Person,
        // A sentence has words that no name has, and small ones above all.
        all if all.len() <= LONGEST_NAME
            && all.iter().filter(|w| w.starts_with(char::is_lowercase)).count() <= usize::from(all.len() > 3)
            && !all.iter().any(|w| is(programs::PRONOUNS, w)) =>
        {
            Name::Person
        }
        _ => Name::Words,
    }
}

/// The words beside a date that may be a name: those behind its last number, or all where there is no date.
fn name_words(text: &str, before_verb: bool) -> Vec<&str> {
    let words: Vec<&str> = text.split([' ', '\u{3001}', '，', '،']).filter(|w| !w.is_empty()).collect();
    let numbered = |w: &&str| w.contains(char::is_numeric);
    let from = if before_verb { words.iter().rposition(numbered).map_or(0, |n| n + 1) } else { 0 };
    let opened = usize::from(
        before_verb
            && from == 0
            && words.len() > 1
            && OPENING.is_match(text.trim_start())
            && words[0].chars().all(char::is_alphabetic),
    );
    words[from + opened..]
        .iter()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|word| word.contains(char::is_alphabetic))
        .filter(|word| !programs::BETWEEN.contains(&word.to_lowercase().as_str()))
        .collect()
}

/// `вт, 5 янв. 2016 г. в 23:39, Erlend <a@b.c>:`, `2013/7/20 sam via Discourse <a@b.c>`, `20.11.2026 10:00, Agent:`
fn without_verb(text: &str, colon: bool, dated: bool) -> Option<bool> {
    if !dated {
        return None;
    }
    let begins = starts_like_a_date(text);
    let (day, time) = (DAY.is_match(text), TIMED.is_match(text));
    if begins && STAMP_THEN_NAME.is_match(text) {
        return Some(false);
    }
    let addressed = text.contains('@') && ENDS_WITH_ADDRESS.is_match(text);
    if addressed
        && (day || time)
        && (begins || OPENING.is_match(text) && day && time)
        && words_in(&without_addresses(text)) <= 20
    {
        return Some(!(colon && begins));
    }
    // In no language that is listed, but with all that introductions have.
    let bare = without_addresses(text);
    if text.contains('@') && colon && day && time && words_in(&bare) <= 14 && ADDRESS.is_match(text) {
        // `20 Nov 2026, 10:00 by a@b.c:`
        let by_address = begins && bare.trim_end_matches([':', ' ']).len() < bare.len() && words_in(&bare) <= 5;
        return Some(!by_address);
    }
    let named = || name_of(&name_words(bare.trim_end_matches(['*', '_', ' ']), true)) == Name::Person;
    (begins && day && (time && colon || bare.contains(" via ")) && named()).then_some(true)
}

/// `30 серп. …`, `понедельник, 6 …`, `23 mar 2017 …`
fn starts_like_a_date(text: &str) -> bool {
    let text = text.trim_start_matches([' ', '>', '*']);
    let mut words = text.split([' ', ',']).filter(|w| !w.is_empty());
    let numbered = |word: Option<&str>| word.is_some_and(|w| w.starts_with(char::is_numeric));
    let first = words.next();
    // `Friday, November 20`: a month stands between.
    numbered(first)
        || numbered(words.next())
        || text.contains(", ") && first.is_some_and(|w| text[w.len()..].starts_with(',')) && numbered(words.next())
}

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
    let told = names.iter().any(|n| TELLING.contains(n.as_str())) || lines[..end].iter().any(|l| ADDRESS.is_match(l));
    let dated = || lines[..end].iter().any(|l| DATED.is_match(l)) && lines[..end].iter().any(|l| ADDRESS.is_match(l));
    (names.len() >= 3 && told || names.len() == 2 && end == 2 && dated()).then_some(end)
}

/// Whether a header still comes in the next few lines of the same block.
fn continues(rest: &[&str]) -> bool {
    rest.iter().take(3).take_while(|l| !l.trim().is_empty()).any(|l| header_name(l).is_some())
}

/// The name of a header before its colon, in lower case: `*From:* Ana`, `À : Ana`.
fn header_name(line: &str) -> Option<String> {
    let line = line.trim_start_matches([' ', '\t', '\u{a0}', '>', '*', '_', '|', '\u{200e}', '\u{200f}', '\u{202b}']);
    let (at, _) = line.char_indices().take(LONGEST_HEADER).find(|(_, c)| COLONS.contains(c))?;
    let name = line[..at].trim_end_matches([' ', '\u{a0}', '\u{202f}', '*', '_']).to_lowercase();
    HEADERS.contains(name.as_str()).then_some(name)
}
