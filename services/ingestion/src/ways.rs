//! Ways in: what the kind of a channel decides about what comes in on it stands behind [`Way`], one for each kind.

use std::sync::Arc;

use axum::{extract::Request, http::Method, response::Response};
use futures::future::BoxFuture;
use steward_domain::ids::ConversationId;
use steward_http::Problem;
use steward_log::Tasks;
use steward_settings::{Channel, ChannelKind};
use tokio_util::sync::CancellationToken;

use crate::{
    arrival::{Arrival, Chat},
    intake::Intake,
    people::People,
};

/// A channel's way in, with what it remembers from one arrival to the next.
pub trait Way: Send + Sync {
    /// Whether a provider posts to `/webhooks/{kind}/{channel_id}`.
    fn has_webhook(&self) -> bool {
        true
    }

    /// Whether the webhook answers this method at all.
    fn takes(&self, method: &Method) -> bool {
        method == Method::POST
    }

    /// Takes in what was sent to the webhook: genuine or refused, and durable before it is answered.
    fn accept<'a>(
        &'a self,
        intake: &'a Intake,
        channel: &'a Channel,
        request: Request,
    ) -> BoxFuture<'a, Result<Response, Problem>>;

    /// Starts what runs beside the requests.
    fn listen(&self, _beside: &Beside<'_>, _channel: &Channel) {}

    /// The conversation that the arrival claims to be about, where anybody can write such a thing.
    fn named_by_anybody(&self, _arrival: &Arrival) -> Option<ConversationId> {
        None
    }

    /// The conversation of whoever is at this place.
    fn conversation<'a>(
        &'a self,
        people: &'a People<'a>,
        chat: &'a Chat,
    ) -> BoxFuture<'a, Result<ConversationId, Problem>> {
        Box::pin(people.at_address(chat))
    }

    /// The conversation of whoever was at `from` and is at `to` from now on.
    fn moved<'a>(
        &'a self,
        people: &'a People<'a>,
        _chat: &'a Chat,
        from: &'a str,
        to: &'a str,
    ) -> BoxFuture<'a, Result<ConversationId, Problem>> {
        Box::pin(people.follow(from, to))
    }

    /// Whether the item is in a conversation that its address led to before.
    fn had_it_before<'a>(
        &'a self,
        _people: &'a People<'a>,
        _chat: &'a Chat,
        _now: ConversationId,
        _key: &'a str,
    ) -> BoxFuture<'a, Result<bool, Problem>> {
        Box::pin(std::future::ready(Ok(false)))
    }

    /// The other addresses under which somebody may be whom an operator names so, the likeliest first.
    fn known_as(&self, _client: &str) -> Vec<String> {
        Vec::new()
    }

    /// What names the contact within the channel.
    fn contact(&self, chat: &Chat, _conversation: ConversationId) -> String {
        chat.contact.to_string()
    }

    /// What can be found out about the channel by asking its provider.
    fn check<'a>(&'a self, channel: &'a Channel, _asking: &'a Asking<'a>) -> BoxFuture<'a, Checked> {
        Box::pin(std::future::ready(Checked::Fine(channel.kind.name().to_owned())))
    }
}

/// What runs beside the requests runs as a task of `tasks`, until the shutdown.
pub struct Beside<'a> {
    pub intake: &'a Intake,
    pub tasks: &'a Tasks,
    pub shutdown: &'a CancellationToken,
}

/// Who asks a provider about a channel.
pub struct Asking<'a> {
    pub client: &'a reqwest::Client,
    /// Where the world reaches us, if that is known; without a trailing slash.
    pub public_url: Option<&'a str>,
}

/// What was found out about a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checked {
    Fine(String),
    /// It works, but look at it.
    Notice(String),
    /// What is wrong, and what to do.
    Wrong(String),
}

macro_rules! ways {
    ($($module:ident: $kind:ident,)*) => {
        /// A channel's way in.
        pub fn way_of(channel: &Channel) -> Arc<dyn Way> {
            match &channel.kind {
                ChannelKind::Web => Arc::new(Web),
                $(ChannelKind::$kind(settings) => Arc::new(crate::$module::way_of(settings)),)*
            }
        }
    };
}

steward_settings::each_kind!(ways);

/// What a provider says about a channel, as `steward doctor` tells it.
pub async fn check_channel(channel: &Channel, asking: &Asking<'_>) -> Checked {
    way_of(channel).check(channel, asking).await
}

/// Messages come in as commands, by `POST /api/v1/messages`.
struct Web;

impl Way for Web {
    fn has_webhook(&self) -> bool {
        false
    }

    fn accept<'a>(&'a self, _: &'a Intake, _: &'a Channel, _: Request) -> BoxFuture<'a, Result<Response, Problem>> {
        let problem = Problem::not_found("unknown_channel", "this channel has no webhook; post to /api/v1/messages");
        Box::pin(std::future::ready(Err(problem)))
    }
}
