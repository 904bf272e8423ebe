//! Whether a mail comes from whom it says: the DMARC result of a mail server that is believed (RFC 8601, RFC 7489).

use super::message::Mail;

/// Whether `trusted`, our own mail server, found that the mail's From domain stands behind it.
///
/// Only the first `Authentication-Results` with its name counts: that is the one our server put on top; one that came with the mail is below it.
pub fn passed_dmarc(mail: &Mail, trusted: Option<&str>) -> bool {
    let Some(trusted) = trusted.map(str::trim).filter(|t| !t.is_empty()) else { return false };
    let Some(domain) = mail.from.as_ref().and_then(|from| from.key().rsplit_once('@').map(|(_, d)| d.to_owned()))
    else {
        return false;
    };
    // Several From headers, or several people in one: nobody can say which was checked.
    if mail.header_values("from").count() != 1
        || mail.header_values("from").any(|v| without_quoted(v).matches('@').count() != 1)
    {
        return false;
    }
    let mut results = mail.header_values("authentication-results").map(without_comments);
    let Some(result) = results.find(|r| authserv_id(r).eq_ignore_ascii_case(trusted)) else { return false };
    result.split(';').skip(1).any(|method| {
        let mut words = method.split_whitespace();
        let passed = words.next().is_some_and(|w| w.eq_ignore_ascii_case("dmarc=pass"));
        // DMARC is about From alone; a server that names the domain must name this one.
        let mut named = words.filter_map(|w| w.to_ascii_lowercase().strip_prefix("header.from=").map(str::to_owned));
        passed && named.all(|named| named.trim_matches('"') == domain)
    })
}

/// Whether any server but our own has handled the mail.
pub fn travelled(mail: &Mail) -> bool {
    mail.header("received").is_some() || mail.header("authentication-results").is_some()
}

/// `mx.example.com` of `mx.example.com 1; dmarc=pass …`.
fn authserv_id(result: &str) -> &str {
    result.split(';').next().unwrap_or_default().split_whitespace().next().unwrap_or_default()
}

/// Without `(comments)`, which may hold anything, also what looks like a result.
fn without_comments(value: &str) -> String {
    let (mut plain, mut depth, mut escaped, mut quoted) = (String::with_capacity(value.len()), 0usize, false, false);
    for c in value.chars() {
        if escaped {
            escaped = false;
            continue;
        }
        match c {
            '\\' => escaped = true,
            '"' if depth == 0 => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth = depth.saturating_sub(1),
            // What is quoted is a value, and separates nothing.
            ';' if quoted => {}
            c if depth == 0 && !(quoted && c.is_whitespace()) => plain.push(c),
            _ => {}
        }
    }
    plain
}

/// A From without its quoted name: `"a@b" <c@d>` is one person.
fn without_quoted(value: &str) -> String {
    let mut quoted = false;
    value
        .chars()
        .filter(|c| {
            quoted ^= *c == '"';
            !quoted && *c != '"'
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRUSTED: Option<&str> = Some("mx.example.com");

    fn passes(headers: &str) -> bool {
        let raw = format!("{headers}\nSubject: x\n\nhello").replace('\n', "\r\n");
        passed_dmarc(&Mail::read(raw.as_bytes()).unwrap(), TRUSTED)
    }

    #[test]
    fn only_the_trusted_servers_pass_for_the_from_domain_counts() {
        let pass = "Authentication-Results: mx.example.com; spf=pass smtp.mailfrom=b.com; dmarc=pass (p=none) header.from=b.com";
        assert!(passes(&format!("{pass}\nFrom: Ana <ana@b.com>")));
        assert!(passes("Authentication-Results: mx.example.com 1; dkim=none; dmarc=pass\nFrom: ana@b.com"));
        assert!(passes(&format!("{pass}\nFrom: \"ana@b.com\" <ana@b.com>")));
        for (why, headers) in [
            ("none", "From: ana@b.com".to_owned()),
            ("another server", format!("{}\nFrom: ana@b.com", pass.replace("mx.example.com", "mx.evil.com"))),
            ("another domain", format!("{pass}\nFrom: ana@c.com")),
            ("a subdomain", format!("{pass}\nFrom: ana@x.b.com")),
            ("failed", format!("{}\nFrom: ana@b.com", pass.replace("dmarc=pass", "dmarc=fail"))),
            ("in a comment", "Authentication-Results: mx.example.com; dmarc=fail (; dmarc=pass header.from=b.com)\nFrom: ana@b.com".to_owned()),
            ("in a quoted value", "Authentication-Results: mx.example.com; spf=pass smtp.mailfrom=\"x; dmarc=pass header.from=b.com\"\nFrom: ana@b.com".to_owned()),
            ("below the server's own", format!("Authentication-Results: mx.example.com; dmarc=fail header.from=b.com\n{pass}\nFrom: ana@b.com")),
            ("two authors", format!("{pass}\nFrom: ana@b.com, eve@c.com")),
            ("two From headers", format!("{pass}\nFrom: ana@b.com\nFrom: eve@c.com")),
        ] {
            assert!(!passes(&headers), "{why}");
        }
        assert!(!passed_dmarc(&Mail::read(b"From: ana@b.com\r\n\r\n").unwrap(), None));
    }
}
