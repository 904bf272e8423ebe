//! What an SMTP server's answers mean for a send (RFC 5321, 4.2; enhanced codes: RFC 3463).

use lettre::transport::smtp::{
    Error,
    response::{Response, Severity},
};

use crate::channels::Sent;

/// Most characters of an answer that the evidence holds.
const LONGEST: usize = 300;

/// What the answer to the final dot means, if it isn't a refusal.
pub fn taken(response: &Response, message_id: &str) -> Sent {
    let answer = line(&u16::from(response.code()).to_string(), &response.message().collect::<Vec<_>>().join(" "));
    // An answer 3yz would ask for more, but there is nothing left to say.
    if response.code().severity != Severity::PositiveCompletion {
        return Sent::Unknown { text: format!("the mail server answered {answer}") };
    }
    Sent::Accepted { provider_message_id: message_id.to_owned(), answer }
}

/// What a refusal means that doesn't concern the recipient, or a connection that broke before the mail was on its way.
pub fn refused(error: &Error) -> Sent {
    refusal(error, false)
}

/// What the answer to the recipient's address means.
pub fn refused_recipient(error: &Error) -> Sent {
    refusal(error, true)
}

fn refusal(error: &Error, of_recipient: bool) -> Sent {
    let Some(code) = error.status() else {
        return Sent::Deferred { code: "not_connected", text: shortened(&error.to_string()), retry_at: None };
    };
    let code = u16::from(code);
    let said = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    let text = line(&code.to_string(), &said);
    if error.is_transient() {
        return Sent::Deferred { code: "provider_down", text, retry_at: None };
    }
    let enhanced = enhanced_code(&said);
    // 530 and 535 say that we aren't logged in as we should be, which is ours to mend.
    if matches!(code, 530 | 535) {
        return Sent::Deferred { code: "unauthorized", text, retry_at: None };
    }
    let provider_code = match enhanced {
        Some(enhanced) => format!("{code} {enhanced}"),
        None => code.to_string(),
    };
    let unknown_there = match enhanced {
        // 5.1.0 to 5.1.3, 5.1.6 and 5.1.10 are about the recipient; 5.1.7 and 5.1.8 are about the sender.
        Some(enhanced) => matches!(enhanced, "5.1.0" | "5.1.1" | "5.1.2" | "5.1.3" | "5.1.6" | "5.1.10"),
        None => of_recipient && matches!(code, 550 | 551 | 553),
    };
    let code = if unknown_there { "no_such_recipient" } else { "provider_refused" };
    Sent::Refused { code, text, provider_code }
}

/// The enhanced code at the beginning of an answer's text, such as `5.1.1`.
fn enhanced_code(said: &str) -> Option<&str> {
    let first = said.split_ascii_whitespace().next()?;
    let mut numbers = first.split('.');
    let number = |n: Option<&str>, longest: usize| {
        n.is_some_and(|n| (1..=longest).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit()))
    };
    let three = number(numbers.next(), 1) && number(numbers.next(), 3) && number(numbers.next(), 3);
    (three && numbers.next().is_none()).then_some(first)
}

fn line(code: &str, said: &str) -> String {
    shortened(format!("{code} {said}").trim_end())
}

/// The text in one line of at most [`LONGEST`] characters.
pub fn shortened(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_enhanced_code_is_read_as_one() {
        for (said, code) in [
            ("5.1.1 no such user", Some("5.1.1")),
            ("5.1.10", Some("5.1.10")),
            ("5.1 x", None),
            ("5.1.1.1", None),
            ("no such user", None),
            ("", None),
            ("5..1 x", None),
            ("192.168.1 x", None),
        ] {
            assert_eq!(enhanced_code(said), code, "{said}");
        }
    }

    #[test]
    fn an_answer_in_the_evidence_is_one_short_line() {
        let long = shortened(&format!("250\r\n{}", "ё".repeat(1000)));
        assert_eq!(long.chars().count(), LONGEST);
        assert!(!long.contains(['\r', '\n']));
    }
}
