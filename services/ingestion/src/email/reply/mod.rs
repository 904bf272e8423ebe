//! What is new in a mail: quotations and signatures are cut off, and no word of the writer's own is lost.

mod intro;
mod signature;

/// A mail's text, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reply {
    /// What the person wrote now.
    pub new: String,
    /// The same with the signature.
    pub signed: String,
}

/// Takes a mail's text apart. `writer` is the sender's name, which signatures often begin with; may be empty.
///
/// Text that is nothing but a quotation, a forwarded mail or a signature is returned as it is: it says something by itself.
pub fn read(text: &str, writer: &str) -> Reply {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let lines: Vec<&str> = text.split('\n').collect();
    let kept = without_quotes(&lines);
    let signed = joined(&kept);
    let new = joined(&without_signatures(&kept, writer));
    let new = if new.is_empty() { signed.clone() } else { new };
    Reply { new, signed }
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
        return if above.iter().all(|l| blank(l)) { without_quotes_of_forward(rest) } else { above.to_vec() };
    }
    let below = answers(rest);
    let mut kept = above.to_vec();
    if !below.is_empty() {
        if !kept.iter().all(|l| blank(l)) {
            kept.push("");
        } else {
            kept.clear();
        }
        kept.extend(below);
    }
    if kept.iter().all(|l| blank(l)) { lines.to_vec() } else { kept }
}

/// A forwarded mail's own text, as it was.
fn without_quotes_of_forward<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    if lines.iter().all(|l| blank(l)) { Vec::new() } else { without_trailing_quotes(lines) }
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
        if quoted(line) {
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

/// Whether own text follows a quotation that follows own text: a conversation line by line, not a signature below.
fn answered_after(lines: &[&str], first_own: usize) -> bool {
    let Some(quote) = lines[first_own..].iter().position(|l| quoted(l)).map(|n| first_own + n) else { return false };
    let below: Vec<&str> = lines[quote..].iter().copied().filter(|l| !quoted(l)).collect();
    let end = signature::begins(&below, "");
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
    let rest = &lines[at + intro.lines..];
    rest.iter().find(|l| !blank(l)).is_some_and(|l| quoted(l))
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
fn without_signatures<'a>(lines: &[&'a str], writer: &str) -> Vec<&'a str> {
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

fn own_part<'a>(block: &[&'a str], writer: &str) -> Vec<&'a str> {
    let end = signature::begins(block, writer);
    let mut own = block[..end].to_vec();
    // The blank lines between an answer and the quotation under it stay.
    if end < block.len() && block[end..].iter().all(|l| blank(l)) {
        own.extend(&block[end..]);
    }
    own
}
