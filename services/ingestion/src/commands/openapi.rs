//! How commands stand in the OpenAPI document: what they refuse, and the key that makes a repeat harmless.

use std::{collections::BTreeMap, marker::PhantomData};

use axum::http::StatusCode;
use steward_domain::{
    contact::{self, Contact},
    conversation::{self, CancelOn, Conversation, OnReply},
    kernel::{Nature, Refusal as _},
    tenant::{self, Tenant},
    webhook::{self, Webhook},
};
use steward_http::{
    openapi::{APPEND, BODY, Code, GUARD, JSON, LISTENER, PATH, ROLE, operations, problems, text_parameter},
    status,
};
use utoipa::{
    IntoResponses, PartialSchema, ToSchema,
    openapi::{
        OpenApi, RefOr, Response,
        path::ParameterIn,
        schema::{Object, ObjectBuilder, Schema, Type},
    },
};

use crate::outside::Given;

/// What a command on an aggregate answers that isn't carried out.
pub struct Refuses<A>(PhantomData<A>);

pub type Rule = (&'static str, Nature, &'static str);

/// What a command is refused for that concerns this aggregate.
pub trait Ruled {
    /// By the rules of the domain: the code, its nature, and advice.
    const RULES: &'static [Rule];
    /// Before the rules are asked.
    const BEFORE: &'static [Code];
}

impl<A: Ruled> IntoResponses for Refuses<A> {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let rules: Vec<Code> =
            A::RULES.iter().map(|(code, nature, when)| Code::new(status(*nature), code, when)).collect();
        problems([LISTENER, GUARD, ROLE, PATH, BODY, JSON, KEY, APPEND, A::BEFORE, &rules])
    }
}

/// What an idempotency key is refused for.
const KEY: &[Code] = &[
    Code::new(StatusCode::BAD_REQUEST, "bad_key", "Idempotency-Key must be 1 to 255 visible ASCII characters"),
    unprocessable("key_reused", "this idempotency key came with another body before"),
];

const fn unprocessable(code: &'static str, when: &'static str) -> Code {
    Code::new(StatusCode::UNPROCESSABLE_ENTITY, code, when)
}

const fn not_found(code: &'static str, when: &'static str) -> Code {
    Code::new(StatusCode::NOT_FOUND, code, when)
}

const fn conflict(code: &'static str, when: &'static str) -> Code {
    Code::new(StatusCode::CONFLICT, code, when)
}

impl Ruled for Conversation {
    const RULES: &'static [Rule] = conversation::Refused::CODES;
    const BEFORE: &'static [Code] = &[
        unprocessable(
            "bad_time",
            "`due_at` or `send_at` is no time with an offset, or not exactly one of `due_at` and `phrase` is given",
        ),
        unprocessable("ambiguous_time", "the phrase can mean several instants; the detail names them"),
        unprocessable("no_time", "no time was found in the phrase"),
    ];
}

impl Ruled for Contact {
    const RULES: &'static [Rule] = contact::Refused::CODES;
    const BEFORE: &'static [Code] = PERSON;
}

/// What is said of a person and can't be.
const PERSON: &[Code] = &[
    unprocessable("unknown_language", "no language that Steward speaks"),
    unprocessable("unknown_timezone", "no IANA zone"),
    unprocessable("bad_time", "`due_at` or `happened_at` is no time with an offset"),
];

impl Ruled for Tenant {
    const RULES: &'static [Rule] = tenant::Refused::CODES;
    const BEFORE: &'static [Code] = &[];
}

/// Marks the choice of a brain, for a tenant or for one conversation.
pub struct BrainOf<A>(PhantomData<A>);

impl<A: Ruled> Ruled for BrainOf<A> {
    const RULES: &'static [Rule] = A::RULES;
    const BEFORE: &'static [Code] = &[
        unprocessable("no_such_brain", "the configuration describes no such provider, or not all that it needs"),
        unprocessable("no_such_model", "the rules have no models"),
        unprocessable("unpriced_model", "there is a budget, and what the model costs isn't configured"),
    ];
}

impl Ruled for Webhook {
    const RULES: &'static [Rule] = webhook::Refused::CODES;
    const BEFORE: &'static [Code] = &[
        unprocessable("bad_url", "`url` is none that can be posted to"),
        unprocessable("private_address", "`url` leads into a private network"),
        unprocessable("unknown_type", "`types` names no event that webhooks tell of"),
        unprocessable("unknown_channel", "`filter.channel_id` names no channel of yours"),
        conflict("too_many_webhooks", "there are as many as [limits] webhooks_per_tenant allows; delete one first"),
        conflict("secret_shown", "a repeat came long after; the secret is shown no more"),
    ];
}

/// Marks the command that records what a client wrote: no rule of the conversation can refuse that.
pub struct Fact;

impl Ruled for Fact {
    const RULES: &'static [Rule] = &[];
    const BEFORE: &'static [Code] = &[
        not_found("unknown_channel", "`channel_id` names no channel of yours; the detail names them"),
        unprocessable("wrong_channel", "the channel isn't of kind web"),
        unprocessable("bad_contact", "`contact.id` must have 1 to 256 bytes"),
        unprocessable("empty_text", "`text` says nothing"),
        PERSON[0],
        PERSON[1],
    ];
}

/// Names what every command takes.
pub fn name_key(document: &mut OpenApi) {
    let described = "the same key does the same thing once: a repeat is answered as the first was, with the position to wait for by then. For 24 hours the process refuses another body under it (422). A process that has started since, or another one, refuses it where the command schedules, queues, writes or records a message, as far as the log says what that was; elsewhere it carries out another body as a new command";
    for (_, operation) in operations(document) {
        let key = text_parameter("Idempotency-Key", ParameterIn::Header).description(Some(described)).build();
        operation.parameters.get_or_insert_default().push(key.into());
    }
}

impl<const MOST: usize> PartialSchema for Given<MOST> {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String).max_length(Some(MOST));
        text.description(Some(format!("at most {MOST} bytes"))).into()
    }
}

impl<const MOST: usize> ToSchema for Given<MOST> {
    fn name() -> std::borrow::Cow<'static, str> {
        format!("TextOf{MOST}").into()
    }
}

/// One of these words.
fn one_of(words: impl IntoIterator<Item = &'static str>) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).build()
}

pub fn cancel_on() -> Object {
    one_of(CancelOn::ALL.map(CancelOn::name))
}

pub fn on_reply() -> Object {
    one_of(OnReply::ALL.map(OnReply::name))
}

pub fn outcome() -> Object {
    one_of(["sent", "not_sent"])
}

pub fn action_kind() -> Object {
    one_of(super::follow_ups::ACTIONS)
}
