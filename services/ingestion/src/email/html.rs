//! HTML to text, for mails that have nothing else: paragraphs become lines, quotations get their `>`.

use mail_parser::decoders::html::add_html_token;

/// Quotations deeper than this are written as if they were this deep.
const DEEPEST: usize = 8;

/// A page longer than this, in bytes, is read up to there.
const LONGEST: usize = 1 << 20;

/// The longest entity worth looking up, in bytes with `&` and `;`.
const ENTITY: usize = 34;

/// Reads a page as a person would see it. Any text may come in; the work is in proportion to its length.
pub fn to_text(html: &str) -> String {
    let mut end = html.len().min(LONGEST);
    while !html.is_char_boundary(end) {
        end -= 1;
    }
    let mut page = Page::default();
    let mut rest = &html[..end];
    let mut heads_close = true;
    while !rest.is_empty() {
        let Some(open) = rest.find('<') else {
            page.text(rest);
            break;
        };
        page.text(&rest[..open]);
        rest = &rest[open..];
        rest = if let Some(comment) = rest.strip_prefix("<!--") {
            comment.find("-->").map_or("", |end| &comment[end + 3..])
        } else if rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?')) {
            let end = end_of_tag(rest);
            page.tag(&rest[1..end]);
            skipped(&rest[1..end], rest.get(end + 1..).unwrap_or(""), &mut heads_close)
        } else {
            page.text("<");
            &rest[1..]
        };
    }
    page.finish()
}

/// Where the tag ends: the next `>` outside of quotes, if it isn't far.
fn end_of_tag(rest: &str) -> usize {
    let mut quote = None;
    for (at, byte) in rest.bytes().enumerate().skip(1).take(2048) {
        match (quote, byte) {
            (None, b'"' | b'\'') if rest.as_bytes()[at - 1] == b'=' => quote = Some(byte),
            (Some(q), b) if q == b => quote = None,
            (None, b'>') => return at,
            _ => {}
        }
    }
    rest.find('>').unwrap_or(rest.len())
}

/// What follows an element whose content nobody sees. `heads_close`: no head has been found that is never closed.
fn skipped<'a>(tag: &str, rest: &'a str, heads_close: &mut bool) -> &'a str {
    let name = name_of(tag);
    if !["style", "script", "head", "title", "template"].iter().any(|n| name.eq_ignore_ascii_case(n))
        || tag.ends_with('/')
    {
        return rest;
    }
    let head = name.eq_ignore_ascii_case("head") || name.eq_ignore_ascii_case("title");
    if head && !*heads_close {
        return rest;
    }
    let bytes = rest.as_bytes();
    let mut from = 0;
    while let Some(at) = rest[from..].find("</").map(|n| from + n) {
        let after = &bytes[at + 2..];
        if after.len() >= name.len() && after[..name.len()].eq_ignore_ascii_case(name.as_bytes()) {
            return rest[at..].find('>').map_or("", |end| &rest[at + end + 1..]);
        }
        from = at + 2;
    }
    // Never closed: a broken page is better read than lost.
    if head {
        *heads_close = false;
        return rest;
    }
    ""
}

fn name_of(tag: &str) -> &str {
    let tag = tag.trim_start_matches('/');
    &tag[..tag.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(tag.len())]
}

#[derive(Default)]
struct Page {
    out: String,
    line: String,
    /// Blank space was read and may separate two words.
    space: bool,
    /// Depth of quotation of the line being written.
    quotes: usize,
    /// The same, of the line before it.
    before: usize,
    /// Inside `<pre>`: line breaks count.
    pre: usize,
    /// A blank line is wanted before the next text.
    gap: bool,
}

impl Page {
    fn text(&mut self, text: &str) {
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if first == '&'
                && let Some(end) = rest.as_bytes().iter().take(ENTITY).position(|b| *b == b';')
            {
                let mut decoded = String::new();
                add_html_token(&mut decoded, &rest.as_bytes()[..=end], false);
                rest = &rest[end + 1..];
                for c in decoded.chars() {
                    self.char(if c == '\u{a0}' { ' ' } else { c }, c == '\u{a0}');
                }
                continue;
            }
            self.char(first, false);
            rest = &rest[first.len_utf8()..];
        }
    }

    fn char(&mut self, c: char, hard: bool) {
        if c == '\n' && self.pre > 0 {
            return self.line_break();
        }
        if c.is_ascii_whitespace() && !hard && self.pre == 0 {
            self.space = true;
            return;
        }
        if matches!(c, '\u{200b}' | '\u{feff}' | '\u{ad}' | '\r') {
            return;
        }
        if std::mem::take(&mut self.space) && !self.line.is_empty() && !self.line.ends_with(' ') {
            self.line.push(' ');
        }
        self.line.push(c);
    }

    fn tag(&mut self, tag: &str) {
        let closes = tag.starts_with('/');
        match name_of(tag).to_ascii_lowercase().as_str() {
            "br" => self.line_break(),
            "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "ul" | "ol" | "table" | "hr" => {
                self.block();
                self.gap = true;
            }
            "div" | "tr" | "section" | "article" | "header" | "footer" | "dl" | "dt" | "dd" | "form" | "center"
            | "address" | "body" | "html" => self.block(),
            "li" => {
                self.block();
                if !closes {
                    self.line.push_str("- ");
                }
            }
            "td" | "th" => self.space = true,
            "blockquote" => {
                self.block();
                self.quotes = if closes { self.quotes.saturating_sub(1) } else { self.quotes + 1 };
                self.gap = true;
            }
            "pre" | "textarea" => {
                self.block();
                self.pre = if closes { self.pre.saturating_sub(1) } else { self.pre + 1 };
            }
            _ => {}
        }
    }

    /// Ends the line, if there is one.
    fn block(&mut self) {
        if !self.line.trim().is_empty() {
            self.line_break();
        }
        self.line.clear();
        self.space = false;
    }

    fn line_break(&mut self) {
        let line = std::mem::take(&mut self.line);
        self.space = false;
        let mark = ">".repeat(self.quotes.min(DEEPEST));
        // Between a quotation and what is around it no line belongs to it.
        let between = ">".repeat(self.quotes.min(self.before).min(DEEPEST));
        let line = line.trim_end();
        if std::mem::take(&mut self.gap) && !self.out.is_empty() && !self.out.ends_with("\n\n") && !line.is_empty() {
            self.out.push_str(&between);
            self.out.push('\n');
        }
        self.before = self.quotes;
        self.out.push_str(&mark);
        if self.quotes > 0 && !line.is_empty() {
            self.out.push(' ');
        }
        self.out.push_str(line);
        self.out.push('\n');
    }

    fn finish(mut self) -> String {
        self.block();
        let mut text = String::with_capacity(self.out.len());
        let mut blank = 0;
        for line in self.out.lines() {
            blank = if line.trim().is_empty() { blank + 1 } else { 0 };
            if blank <= 2 {
                text.push_str(line);
                text.push('\n');
            }
        }
        text.trim_matches('\n').to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::to_text;

    #[test]
    fn a_page_reads_as_a_person_sees_it() {
        for (html, text) in [
            ("<p>Hello&nbsp;&amp; welcome</p><p>Bye</p>", "Hello & welcome\n\nBye"),
            ("one<br>two<br/>three", "one\ntwo\nthree"),
            ("<div>a</div><div>b</div>", "a\nb"),
            ("<head><title>x</title></head><body><style>p{}</style>seen<script>1<2</script></body>", "seen"),
            ("yes<blockquote>no<blockquote>older</blockquote></blockquote>", "yes\n\n> no\n>\n>> older"),
            ("<ul><li>first</li><li>second</li></ul>", "- first\n- second"),
            ("1 < 2 &lt; 3 & 4 &unknown; &#1055;", "1 < 2 < 3 & 4 &unknown; П"),
            ("<a href=\"x>y\">link</a> after", "link after"),
            ("<!-- gone -->left", "left"),
            ("", ""),
        ] {
            assert_eq!(to_text(html), text, "{html}");
        }
    }

    #[test]
    fn broken_pages_are_read_as_far_as_they_go() {
        for html in
            ["<", "<a", "<a href=\"", "&", "&#xffffffff;", "<!--", "<style>", "a<b", "</", "<é>", "&é;", "<pre>\n\n"]
        {
            let _ = to_text(html);
        }
        assert_eq!(to_text("before<div"), "before");
    }
}
