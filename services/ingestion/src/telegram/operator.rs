//! Chat commands of operators: `/human_active`, `/human_release`, `/human_resolve`, `HUMAN:`.

use crate::{
    arrival::{Action, Command},
    outside::OutsideId,
};

/// Where the operator writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Where {
    /// In the client's own chat: the client is known.
    ClientsChat,
    /// Alone with the bot: the client must be named.
    OwnChat,
    /// Alone with the bot on a channel whose addresses are any words: the first names the client.
    OwnWords,
}

/// The command in a text of an operator, if there is one.
pub fn command(text: &str, place: Where) -> Option<Command> {
    let text = text.trim();
    if let Some(rest) = text.strip_prefix("HUMAN:") {
        return Some(write(rest.trim(), place));
    }
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    // In a group a command may name its bot: `/human_active@my_bot`.
    let action = match word.split_once('@').map_or(word, |(command, _)| command) {
        "/human_active" => Action::TakeOver,
        "/human_release" => Action::Release,
        "/human_resolve" => Action::Resolve,
        _ => return None,
    };
    let client = place.client(rest.trim());
    Some(match place {
        Where::ClientsChat => Command { action, client: None },
        Where::OwnChat | Where::OwnWords if client.is_none() => Command { action: Action::Incomplete, client: None },
        Where::OwnChat | Where::OwnWords => Command { action, client },
    })
}

fn write(rest: &str, place: Where) -> Command {
    let incomplete = Command { action: Action::Incomplete, client: None };
    match place {
        Where::ClientsChat if rest.is_empty() => incomplete,
        Where::ClientsChat => Command { action: Action::Write(rest.into()), client: None },
        Where::OwnChat | Where::OwnWords => {
            let Some((name, text)) = rest.split_once(char::is_whitespace) else { return incomplete };
            match place.client(name) {
                Some(client) => Command { action: Action::Write(text.trim().into()), client: Some(client) },
                None => incomplete,
            }
        }
    }
}

impl Where {
    /// The client that the operator names.
    fn client(self, text: &str) -> Option<OutsideId> {
        match self {
            Self::OwnWords => text.split_whitespace().next().map(OutsideId::from),
            Self::ClientsChat | Self::OwnChat => client(text),
        }
    }
}

/// `@username`, lower-cased, or a chat's address.
fn client(text: &str) -> Option<OutsideId> {
    let word = text.split_whitespace().next()?;
    if let Some(name) = word.strip_prefix('@') {
        return (!name.is_empty()).then(|| word.to_lowercase().into());
    }
    let address = word.rsplit_once(':').map_or(word, |(_, chat)| chat);
    let chat = address.split_once('/').map_or(address, |(chat, _)| chat);
    chat.parse::<i64>().is_ok().then(|| word.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(action: Action, client: Option<&str>) -> Option<Command> {
        Some(Command { action, client: client.map(OutsideId::from) })
    }

    #[test]
    fn an_operators_command_is_understood_where_it_stands() {
        let own = |text| command(text, Where::OwnChat);
        let clients = |text| command(text, Where::ClientsChat);
        assert_eq!(clients("/human_active"), is(Action::TakeOver, None));
        assert_eq!(clients("/human_release@steward_bot"), is(Action::Release, None));
        assert_eq!(clients("HUMAN: добрый день"), is(Action::Write("добрый день".into()), None));
        assert_eq!(clients("HUMAN:"), is(Action::Incomplete, None));
        assert_eq!(clients("/human_resolve"), is(Action::Resolve, None));
        let words = |text| command(text, Where::OwnWords);
        assert_eq!(words("/human_active ann-17"), is(Action::TakeOver, Some("ann-17")));
        assert_eq!(words("HUMAN: ann-17 hi"), is(Action::Write("hi".into()), Some("ann-17")));
        for incomplete in ["/human_active", "HUMAN:", "HUMAN: ann-17"] {
            assert_eq!(words(incomplete), is(Action::Incomplete, None), "{incomplete}");
        }
        assert_eq!(own("/human_active @Ana_B"), is(Action::TakeOver, Some("@ana_b")));
        assert_eq!(own("/human_release -10042"), is(Action::Release, Some("-10042")));
        assert_eq!(own("/human_release bc1:42"), is(Action::Release, Some("bc1:42")));
        assert_eq!(own("HUMAN: @ana hola\nqué tal"), is(Action::Write("hola\nqué tal".into()), Some("@ana")));
        assert_eq!(own("HUMAN: 42 hi"), is(Action::Write("hi".into()), Some("42")));
        for incomplete in ["/human_active", "/human_active ana", "HUMAN: hello there", "HUMAN: @ana", "HUMAN: @ x"] {
            assert_eq!(own(incomplete), is(Action::Incomplete, None), "{incomplete}");
        }
        for ordinary in ["", "human: hi", "/human", "/human_actively", "please /human_active", "/start"] {
            assert_eq!(clients(ordinary), None, "{ordinary}");
        }
    }
}
