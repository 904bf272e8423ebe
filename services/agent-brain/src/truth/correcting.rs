//! A reply without what nothing backs: in its place stands the confirmation that we word ourselves, or nothing.

use std::ops::Range;

use steward_language::wording::{Item, Voice};

use super::{Backed, Backing, Finding, FindingKind, check};

/// How often what is left is read again, at most: taking out a sentence can make none of the others false, but what is said in
/// its place is read like all else.
const ROUNDS: usize = 3;

/// A reply that was mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Corrected {
    /// What may be sent; empty: nothing is left to say.
    pub text: String,
    /// The sentences that our own confirmation stands for, each with it.
    pub replaced: Vec<(String, String)>,
    /// Those in whose place nothing stands.
    pub dropped: Vec<String>,
}

/// The reply without the sentences of these findings ([`check`]). What comes of it has none.
pub fn corrected(reply: &str, findings: &[Finding], backing: &Backing) -> Corrected {
    let mut mended = Corrected { text: reply.to_owned(), replaced: Vec::new(), dropped: Vec::new() };
    let mut left = findings.to_vec();
    for _ in 0..ROUNDS {
        if left.is_empty() {
            return mended;
        }
        mended = mend(mended, &left, backing);
        left = check(&mended.text, backing);
    }
    if !left.is_empty() {
        let mut own = left.iter().filter_map(|finding| confirmation(finding.kind, backing));
        let own = own.find(|own| check(own, backing).is_empty()).unwrap_or_default();
        mended.dropped.push(std::mem::replace(&mut mended.text, own));
    }
    mended
}

fn mend(mut mended: Corrected, findings: &[Finding], backing: &Backing) -> Corrected {
    let text = std::mem::take(&mut mended.text);
    let mut out = String::with_capacity(text.len());
    let mut said: Vec<String> = mended.replaced.iter().map(|(_, own)| own.clone()).collect();
    let mut from = 0;
    for finding in findings {
        let Range { start, end } = with_its_bullet(&text, &finding.sentence);
        if start < from {
            continue;
        }
        out.push_str(&text[from..start]);
        from = end;
        let sentence = text[finding.sentence.clone()].trim().to_owned();
        match confirmation(finding.kind, backing) {
            Some(own) => {
                if !said.contains(&own) {
                    let space = if out.is_empty() || out.ends_with(char::is_whitespace) { "" } else { " " };
                    out = format!("{out}{space}{own}");
                    out.push_str(if text[end..].starts_with(['\n', '\r']) { "" } else { " " });
                    said.push(own.clone());
                }
                mended.replaced.push((sentence, own));
            }
            None => mended.dropped.push(sentence),
        }
    }
    out.push_str(&text[from..]);
    mended.text = tidied(&out);
    mended
}

/// The sentence with the mark of a list before it and the spaces behind it.
fn with_its_bullet(text: &str, sentence: &Range<usize>) -> Range<usize> {
    let line = text[..sentence.start].rfind('\n').map_or(0, |at| at + 1);
    let lead = &text[line..sentence.start];
    let start = if lead.chars().any(char::is_alphabetic) { sentence.start } else { line };
    let rest = &text[sentence.end..];
    let spaces = rest.len() - rest.trim_start_matches([' ', '\t', '*', '_', '»', '”']).len();
    start..sentence.end + spaces
}

/// Without blank lines in a row, and spaces at the ends.
fn tidied(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut blank = 0;
    for line in text.lines().map(str::trim_end) {
        blank = if line.is_empty() { blank + 1 } else { 0 };
        if blank < 2 {
            out.push_str(line);
            out.push('\n');
        }
    }
    out.trim().to_owned()
}

/// What is true in place of such a claim, in our own words.
fn confirmation(kind: FindingKind, backing: &Backing) -> Option<String> {
    let voice = Voice { language: backing.language, now: backing.now.with_timezone(&backing.zone) };
    let items = |list: &[Backed]| list.iter().map(|b| item(b, backing)).collect::<Vec<_>>();
    let said = match kind {
        FindingKind::Cancelled if !backing.cancelled.is_empty() => voice.cancelled(&items(&backing.cancelled)),
        FindingKind::Moved | FindingKind::Time if !backing.moved.is_empty() => voice.moved(&items(&backing.moved)),
        _ if backing.promised.is_empty() => return None,
        FindingKind::Cancelled | FindingKind::Moved => voice.kept(&items(&backing.promised)),
        FindingKind::Promise | FindingKind::Time => match &backing.promised[..] {
            [only] => voice.confirmed(&item(only, backing)),
            several => voice.promises(&items(several)),
        },
        FindingKind::Booked | FindingKind::Remembered | FindingKind::HandedOff => return None,
    };
    let said = if said.ends_with(['.', '!', '?', ')']) { said } else { said + "." };
    check(&said, backing).is_empty().then_some(said)
}

fn item(backed: &Backed, backing: &Backing) -> Item {
    Item {
        intent: backed.intent,
        when: backed.when.with_timezone(&backing.zone),
        seconds: false,
        topic: backed.topic.clone(),
        elsewhere: None,
    }
}
