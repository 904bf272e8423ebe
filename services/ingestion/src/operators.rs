//! Operators who write to the bot alone: they name the client, and are told when it can't be done.

use steward_domain::{
    address::Address,
    conversation::{Author, Conversation, OnReply, Refused, outbox::Queue},
    ids::{self, ConversationId},
    person::language_of,
};
use steward_http::Problem;
use steward_language::{Language, wording::operator};
use steward_log::{AtLeast, DecideError};
use steward_proto::Event;
use steward_settings::Channel;
use uuid::Uuid;

use crate::{
    arrival::{Action, Chat, Command},
    intake::Intake,
    names::address_of,
    origin::{Origin, new_event},
    ways::way_of,
};

/// Why a command wasn't carried out.
enum Failure {
    Incomplete,
    NoClient(String),
    NotActive(String),
    Refused(String),
}

impl Intake {
    /// Carries a command out, then keeps it in the operator's own conversation, with an answer if it failed.
    ///
    /// The kept command is the mark that it is done; a redelivery before that carries it out again, which changes
    /// nothing: a takeover and a release already are, and the message has the same id.
    pub(crate) async fn command_in_own_chat(
        &self,
        channel: &Channel,
        origin: &Origin,
        command: Command,
    ) -> Result<(), Problem> {
        let own = self.log.load::<Conversation>(&origin.aggregate(), AtLeast::Latest).await?.state;
        if own.inbound.contains(&origin.source.key) {
            return Ok(());
        }
        let failure = self.carry_out(channel, origin, command).await?;
        let tag = origin.from.as_ref().map(|f| f.language.as_str());
        let language = language_of(tag, &self.settings.now().defaults);
        self.note_once(origin, |seen| {
            let mut events = vec![origin.kept("operator_command")];
            if let (Some(failure), None) = (&failure, &seen.ahead) {
                let answer =
                    message(origin.conversation, &origin.source.key, Author::Bot, "", failure.told_in(language));
                events.extend(origin.placed(&seen.state).queue(answer).unwrap_or_default());
            }
            events
        })
        .await
    }

    async fn carry_out(
        &self,
        channel: &Channel,
        origin: &Origin,
        command: Command,
    ) -> Result<Option<Failure>, Problem> {
        let Command { action, client: Some(client) } = command else { return Ok(Some(Failure::Incomplete)) };
        let Some(conversation) = self.conversation_of(channel, origin, &client).await? else {
            return Ok(Some(Failure::NoClient(client.into())));
        };
        let by = origin.by();
        let aggregate = ids::conversation_aggregate(&origin.tenant, conversation);
        let decided = self.log.decide(&aggregate, AtLeast::Cached, |state: &Conversation, _| {
            let events: Vec<Event> = match &action {
                Action::TakeOver => state.take_over(by, "command", "")?,
                Action::Release => state.release(by, "command")?,
                Action::Resolve => state.release(by, "resolve")?,
                Action::Write(text) => write(state, conversation, by, &origin.source.key, text)?,
                Action::Incomplete => Vec::new(),
            };
            Ok((events.into_iter().map(|event| new_event(&self.log, &origin.cause, event)).collect(), ()))
        });
        match decided.await {
            Ok(_) => Ok(None),
            Err(DecideError::Refused(refused)) => Ok(match refused {
                Refused::AlreadyTakenOver { .. } => None,
                Refused::UnknownConversation => Some(Failure::NoClient(client.into())),
                Refused::NotTakenOver => Some(Failure::NotActive(client.into())),
                other => Some(Failure::Refused(other.to_string())),
            }),
            Err(DecideError::SchemaAhead(ahead)) => Ok(Some(Failure::Refused(ahead.to_string()))),
            Err(DecideError::Append(error)) => Err(error.into()),
            Err(DecideError::Log(error)) => Err(error.into()),
        }
    }

    async fn conversation_of(
        &self,
        channel: &Channel,
        origin: &Origin,
        client: &str,
    ) -> Result<Option<ConversationId>, Problem> {
        if client.starts_with('@') {
            let address = ids::address(&origin.tenant, &channel.id, &address_of(client));
            return Ok(self.log.load::<Address>(&address, AtLeast::Latest).await?.state.conversation_id);
        }
        let at = async |address: &str| {
            let chat = Chat { external_id: address.into(), may_be_bound: true, ..Chat::default() };
            self.conversation_at(&origin.tenant, channel, &chat).await
        };
        for address in way_of(channel).known_as(client) {
            let conversation = at(&address).await?;
            if self.is_there(&origin.tenant, conversation).await? {
                return Ok(Some(conversation));
            }
        }
        at(client).await.map(Some)
    }
}

/// The human's message, and the takeover it begins.
fn write(
    state: &Conversation,
    conversation: ConversationId,
    by: &str,
    key: &str,
    text: &str,
) -> Result<Vec<Event>, Refused> {
    let message = message(conversation, key, Author::Human, by, text.to_owned());
    if state.outbox.contains_key(&message.message_id) {
        return Ok(Vec::new());
    }
    let mut events = if state.human_active() { Vec::new() } else { state.take_over(by, "prefix", "")? };
    events.extend(state.queue(message)?);
    Ok(events)
}

/// A message to go out at once. Its id comes from the command, so it is made once.
fn message(conversation: ConversationId, key: &str, author: Author, author_id: &str, text: String) -> Queue {
    Queue {
        message_id: ids::message(conversation, Uuid::new_v5(&conversation.uuid(), key.as_bytes())),
        author,
        author_id: author_id.to_owned(),
        text,
        due_at: None,
        on_reply: OnReply::Keep,
        key: String::new(),
        turn_id: None,
        follow_up_id: None,
        proactive: false,
        buttons: Vec::new(),
    }
}

impl Failure {
    fn told_in(&self, language: Language) -> String {
        match self {
            Self::Incomplete => operator::name_the_client(language).to_owned(),
            Self::NoClient(client) => operator::no_such_client(language, client),
            Self::NotActive(client) => operator::no_human_active(language, client),
            Self::Refused(detail) => detail.clone(),
        }
    }
}
