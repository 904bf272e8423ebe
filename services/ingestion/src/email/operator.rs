//! Commands of operators by mail: `/human_active`, `/human_release`, `/human_resolve`, `HUMAN:`, with the client named by address.

use crate::{
    arrival::{Action, Command},
    outside::OutsideId,
};

/// The command that a mail begins with, if there is one.
pub fn command(text: &str) -> Option<Command> {
    let text = text.trim();
    if let Some(rest) = text.strip_prefix("HUMAN:") {
        let (name, words) = rest.trim_start().split_once(char::is_whitespace).unwrap_or((rest.trim(), ""));
        return Some(match (client(name), words.trim()) {
            (Some(client), words) if !words.is_empty() => {
                Command { action: Action::Write(words.into()), client: Some(client) }
            }
            _ => Command { action: Action::Incomplete, client: None },
        });
    }
    let first = text.lines().next().unwrap_or_default();
    let (word, rest) = first.split_once(char::is_whitespace).unwrap_or((first, ""));
    let action = match word {
        "/human_active" => Action::TakeOver,
        "/human_release" => Action::Release,
        "/human_resolve" => Action::Resolve,
        _ => return None,
    };
    let client = rest.split_whitespace().next().and_then(client);
    let action = if client.is_some() { action } else { Action::Incomplete };
    Some(Command { action, client })
}

/// `<Ana@Example.com>`, `mailto:ana@example.com`.
fn client(word: &str) -> Option<OutsideId> {
    let word = word.trim_matches(['<', '>', ',', ';', ':', '"']);
    let address = word.strip_prefix("mailto:").unwrap_or(word).to_lowercase();
    let (local, domain) = address.split_once('@')?;
    (!local.is_empty() && !domain.is_empty() && !domain.contains('@')).then(|| address.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_names_its_client_by_address() {
        let is = |action, client: Option<&str>| Some(Command { action, client: client.map(OutsideId::from) });
        assert_eq!(command("/human_active Ana@Example.com\n\nthanks"), is(Action::TakeOver, Some("ana@example.com")));
        assert_eq!(command(" /human_release <ana@example.com>"), is(Action::Release, Some("ana@example.com")));
        assert_eq!(command("/human_resolve ana@example.com"), is(Action::Resolve, Some("ana@example.com")));
        assert_eq!(
            command("HUMAN: ana@example.com good morning,\nhow are you?"),
            is(Action::Write("good morning,\nhow are you?".into()), Some("ana@example.com"))
        );
        for incomplete in
            ["/human_active", "/human_active ana", "HUMAN: hello", "HUMAN: ana@example.com", "HUMAN:", "HUMAN: @ x"]
        {
            assert_eq!(command(incomplete), is(Action::Incomplete, None), "{incomplete}");
        }
        for ordinary in
            ["", "please /human_active a@b.c", "human: hi", "/human_actively a@b.c", "Hello\n/human_active a@b.c"]
        {
            assert_eq!(command(ordinary), None, "{ordinary}");
        }
    }
}
