//! Whether what is said in a group is meant for the bot: it names the bot, answers it, or is a command to it.

use std::ops::Range;

use super::itself::Itself;
use crate::json::Object;

/// Mentions of the bot that are taken out of one text; nobody means more of them.
const NAMED: usize = 8;

/// A message of a group.
pub fn is_addressed(message: &Object<'_>, bot: &Itself) -> bool {
    let text = message.text("text").or_else(|| message.text("caption")).unwrap_or_default();
    is_command(&text, bot) || answers(message, bot) || names(&text, bot) || is_linked(message, bot)
}

/// `/start`, or `/start@our_bot`. Another bot's command is none of ours.
fn is_command(text: &str, bot: &Itself) -> bool {
    let Some(rest) = text.strip_prefix('/') else { return false };
    let word = rest.split(char::is_whitespace).next().unwrap_or_default();
    let (command, whose) = word.split_once('@').map_or((word, None), |(command, whose)| (command, Some(whose)));
    let is_name = !command.is_empty() && command.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_name
        && match (whose, &bot.username) {
            (Some(whose), Some(username)) => whose.eq_ignore_ascii_case(username),
            // Not knowing our own name, we can't tell it from another's.
            (None, _) | (Some(_), None) => true,
        }
}

/// An answer to one of the bot's own messages. The opening of a topic is no message.
fn answers(message: &Object<'_>, bot: &Itself) -> bool {
    let answered = message.object("reply_to_message").filter(|m| !m.has("forum_topic_created"));
    answered.and_then(|m| m.object("from")).is_some_and(|from| is_bot(&from, bot))
}

fn is_bot(user: &Object<'_>, bot: &Itself) -> bool {
    let by_name = || {
        let (theirs, ours) = (user.text("username"), bot.username.as_ref());
        theirs.zip(ours).is_some_and(|(theirs, ours)| theirs.eq_ignore_ascii_case(ours))
    };
    match (user.int("id"), bot.id) {
        (Some(theirs), Some(ours)) => theirs == ours,
        _ => by_name(),
    }
}

fn names(text: &str, bot: &Itself) -> bool {
    bot.username.as_ref().is_some_and(|username| mention(text, username).is_some())
}

/// The first `@our_bot` that is a word of its own, in whatever case.
fn mention(text: &str, username: &str) -> Option<Range<usize>> {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices('@').find_map(|(at, _)| {
        let end = at + 1 + username.len();
        let is_name = text.get(at + 1..end)?.eq_ignore_ascii_case(username);
        (is_name && !text[..at].ends_with(in_word) && !text[end..].starts_with(in_word)).then_some(at..end)
    })
}

/// What is left for the bot to understand when its own name is taken out; `None` if it isn't named.
pub fn without_name(text: &str, bot: &Itself) -> Option<String> {
    let username = bot.username.as_ref()?;
    let mut left = text.to_owned();
    if is_command(text, bot)
        && let Some((command, rest)) = text.split_once('@')
    {
        let rest = rest.split_at_checked(username.len()).filter(|(name, _)| name.eq_ignore_ascii_case(username));
        left = rest.map_or(left, |(_, arguments)| format!("{command}{arguments}"));
    }
    for _ in 0..NAMED {
        let Some(name) = mention(&left, username) else { break };
        let joined = |c: char| c.is_whitespace() || matches!(c, ',' | ':');
        let (before, after) = (left[..name.start].trim_end(), &left[name.end..]);
        // What stood between the name and the rest goes with it; a sentence's own end stays.
        let after = after.trim_start_matches(joined);
        let ends = after.is_empty() || after.starts_with(['.', '!', '?', ')']);
        let open = if ends { before.trim_end_matches(joined) } else { before };
        let gap = if open.is_empty() || ends { "" } else { " " };
        left = format!("{open}{gap}{after}");
    }
    (left != text).then_some(left)
}

/// A name with a link to the bot behind it, as people without a username are mentioned.
fn is_linked(message: &Object<'_>, bot: &Itself) -> bool {
    let entities = ["entities", "caption_entities"].into_iter().flat_map(|field| message.objects(field));
    entities.filter_map(|entity| entity.object("user")).any(|user| is_bot(&user, bot))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn addressed(message: &Value, username: Option<&str>) -> bool {
        let bot = Itself { id: Some(1), username: username.map(str::to_owned) };
        is_addressed(&Object::read(&message.to_string()).unwrap(), &bot)
    }

    #[test]
    fn a_group_speaks_to_the_bot_by_name_by_command_or_by_answering_it() {
        let bot = Some("steward_test_bot");
        for text in [
            "@steward_test_bot напиши мне завтра",
            "hey @Steward_Test_Bot, ping me in 2 hours",
            "write to me tomorrow (@steward_test_bot)",
            "/start",
            "/list@steward_test_bot now",
        ] {
            assert!(addressed(&json!({ "text": text }), bot), "{text}");
            assert!(addressed(&json!({ "caption": text }), bot), "{text}");
        }
        for text in [
            "",
            "hello everybody",
            "steward_test_bot",
            "@steward_test_bot2 hi",
            "@steward_test_b",
            "mail@steward_test_bot",
            "@steward_test_botя",
            "/list@other_bot",
            "/",
            "/ list",
            "/привет",
            "see /start",
        ] {
            assert!(!addressed(&json!({ "text": text }), bot), "{text}");
        }
        let from = |id: i64| json!({ "text": "yes", "reply_to_message": { "message_id": 5, "from": { "id": id } } });
        assert!(addressed(&from(1), bot) && !addressed(&from(2), bot));
        let topic = json!({ "text": "yes", "reply_to_message":
            { "message_id": 5, "from": { "id": 1 }, "forum_topic_created": { "name": "x" } } });
        assert!(!addressed(&topic, bot));
        let linked = json!({ "text": "Steward, hi", "entities":
            [{ "type": "text_mention", "offset": 0, "length": 7, "user": { "id": 1 } }] });
        assert!(addressed(&linked, bot));
    }

    #[test]
    fn the_bots_own_name_is_no_part_of_what_it_is_asked() {
        let bot = Itself { id: Some(1), username: Some("steward_test_bot".to_owned()) };
        for (text, left) in [
            ("@steward_test_bot напиши мне завтра", "напиши мне завтра"),
            ("@Steward_Test_Bot, write to me tomorrow", "write to me tomorrow"),
            ("write to me tomorrow, @steward_test_bot", "write to me tomorrow"),
            ("hey @steward_test_bot, ping me in 2 hours", "hey ping me in 2 hours"),
            ("what do you promise, @steward_test_bot?", "what do you promise?"),
            ("(@steward_test_bot)", "()"),
            ("/list@steward_test_bot all", "/list all"),
            ("@steward_test_bot @steward_test_bot", ""),
        ] {
            assert_eq!(without_name(text, &bot).as_deref(), Some(left), "{text}");
        }
        for text in ["write to ana@steward_test_bot", "/list@other_bot", "hi", ""] {
            assert_eq!(without_name(text, &bot), None, "{text}");
        }
    }

    #[test]
    fn without_its_username_a_bot_still_hears_commands_and_answers() {
        assert!(addressed(&json!({ "text": "/start@any_bot" }), None));
        assert!(addressed(&json!({ "text": "yes", "reply_to_message": { "from": { "id": 1 } } }), None));
        assert!(!addressed(&json!({ "text": "@any_bot hi" }), None));
    }
}
