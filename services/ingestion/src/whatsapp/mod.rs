//! WhatsApp's Cloud API on its way in: what a notification means, and the webhook that brings it.

pub mod identity;
mod message;
pub mod notification;
#[cfg(test)]
mod recorded;
mod shared;
mod status;
pub mod webhook;

use axum::{extract::Request, http::Method, response::Response};
use futures::future::BoxFuture;
use steward_domain::{ids::ConversationId, whatsapp::named_forms};
use steward_http::Problem;
use steward_settings::{Channel, WhatsApp};

use crate::{arrival::Chat, intake::Intake, people::People, ways::Way};

/// A number's way in.
pub fn way_of(whatsapp: &WhatsApp) -> Number {
    Number { whatsapp: whatsapp.clone() }
}

/// A number that notifications come to. Its people are known by more than an address.
pub struct Number {
    whatsapp: WhatsApp,
}

impl Way for Number {
    fn takes(&self, _: &Method) -> bool {
        // GET is the handshake; the webhook itself refuses others.
        true
    }

    fn accept<'a>(
        &'a self,
        intake: &'a Intake,
        channel: &'a Channel,
        request: Request,
    ) -> BoxFuture<'a, Result<Response, Problem>> {
        Box::pin(webhook::accept(intake, channel, &self.whatsapp, request))
    }

    fn conversation<'a>(
        &'a self,
        people: &'a People<'a>,
        chat: &'a Chat,
    ) -> BoxFuture<'a, Result<ConversationId, Problem>> {
        match chat.person {
            Some(_) => Box::pin(people.conversation(chat)),
            None => Box::pin(people.at_address(chat)),
        }
    }

    fn moved<'a>(
        &'a self,
        people: &'a People<'a>,
        chat: &'a Chat,
        from: &'a str,
        to: &'a str,
    ) -> BoxFuture<'a, Result<ConversationId, Problem>> {
        match &chat.person {
            Some(person) => Box::pin(people.moved(from, to, person)),
            None => Box::pin(people.follow(from, to)),
        }
    }

    fn known_as(&self, client: &str) -> Vec<String> {
        named_forms(client)
    }

    fn had_it_before<'a>(
        &'a self,
        people: &'a People<'a>,
        chat: &'a Chat,
        now: ConversationId,
        key: &'a str,
    ) -> BoxFuture<'a, Result<bool, Problem>> {
        match chat.person {
            Some(_) => Box::pin(people.had_it_before(chat, now, key)),
            None => Box::pin(std::future::ready(Ok(false))),
        }
    }

    fn contact(&self, chat: &Chat, conversation: ConversationId) -> String {
        // Whoever may be called by several names is one contact by where they are.
        chat.person.as_ref().map_or_else(|| chat.contact.to_string(), |_| conversation.to_string())
    }
}
