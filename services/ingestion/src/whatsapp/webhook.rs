//! `/webhooks/whatsapp/{channel_id}`: the handshake, and notifications, which are durable before they are answered.

use std::{collections::HashMap, sync::Arc};

use axum::{
    extract::{Query, Request},
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use futures::TryStreamExt as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use steward_domain::settings::{Channel, ChannelKind, Settings, WhatsApp};
use steward_http::{Problem, Trace, read_body, wrong_method};
use subtle::ConstantTimeEq;

use super::notification::{self, Piece};
use crate::{arrival::Arrival, intake::Intake, outside::OutsideId, parsing::LARGE};

/// Largest notification, in bytes (Cloud API, "Webhooks").
const LIMIT: usize = 3 << 20;

const SIGNATURE_HEADER: &str = "x-hub-signature-256";

/// Conversations of one notification that are recorded at the same time.
const AT_ONCE: usize = 32;

/// `GET` is the handshake, `POST` a notification.
pub async fn accept(
    intake: &Intake,
    channel: &Channel,
    whatsapp: &WhatsApp,
    request: Request,
) -> Result<Response, Problem> {
    match *request.method() {
        Method::GET => Ok(handshake(whatsapp, request.uri())?.into_response()),
        Method::POST => Ok(notified(intake, channel, whatsapp, request).await?.into_response()),
        _ => Err(wrong_method(request.method().clone(), request.uri().clone()).await),
    }
}

/// Meta asks whether this address is ours: the bare challenge proves it ("Create a webhook endpoint").
fn handshake(whatsapp: &WhatsApp, uri: &Uri) -> Result<impl axum::response::IntoResponse + use<>, Problem> {
    let Query(query) = Query::<Vec<(String, String)>>::try_from_uri(uri).unwrap_or_default();
    let value = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let token = value("hub.verify_token").unwrap_or_default();
    let right = bool::from(token.as_bytes().ct_eq(whatsapp.verify_token.as_bytes()));
    if !right || whatsapp.verify_token.is_empty() {
        return Err(Problem::forbidden(
            "wrong_verify_token",
            "hub.verify_token isn't this channel's verify_token; give the app's webhook the same one",
        ));
    }
    let (Some("subscribe"), Some(challenge)) = (value("hub.mode"), value("hub.challenge")) else {
        return Err(Problem::bad_request(
            "no_challenge",
            "a handshake has hub.mode=subscribe and hub.challenge; anything else is to be posted",
        ));
    };
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    Ok((headers, challenge.to_owned()))
}

async fn notified(
    intake: &Intake,
    channel: &Channel,
    whatsapp: &WhatsApp,
    request: Request,
) -> Result<StatusCode, Problem> {
    let (parts, body) = request.into_parts();
    let signature = signature(&parts.headers)?;
    if whatsapp.app_secret.is_empty() {
        return Err(wrong_signature());
    }
    let trace = Trace::of(&parts.headers);
    let body = read_body(body, LIMIT).await?;
    let (bytes, secret) = (body.clone(), whatsapp.app_secret.clone());
    let large = body.len() > LARGE;
    intake.parsing.read(&channel.tenant, large, async move { verify(&secret, &signature, &bytes) }).await??;
    let work = told(Arc::clone(&intake.settings), channel.clone(), whatsapp.clone(), body.clone());
    let orders = match intake.parsing.read(&channel.tenant, large, work).await {
        Ok(orders) => orders?,
        Err(unread) => {
            intake.keep_unread(channel, unread, body, &trace).await?;
            return Ok(StatusCode::OK);
        }
    };
    futures::stream::iter(orders.into_iter().map(Ok::<_, Problem>))
        .try_for_each_concurrent(AT_ONCE, |all| {
            let trace = &trace;
            async move {
                for Told { channel: of, arrival, raw } in all {
                    let of = of.and_then(|id| intake.settings.channels.iter().find(|c| c.id == id));
                    intake.record(of.unwrap_or(channel), arrival, raw, trace).await?;
                }
                Ok(())
            }
        })
        .await?;
    Ok(StatusCode::OK)
}

/// One thing that a notification tells.
struct Told {
    /// The id of the number's channel.
    channel: Option<String>,
    arrival: Arrival,
    raw: Bytes,
}

/// Reads a notification that came in on this channel: what belongs to one person stays in its order.
async fn told(
    settings: Arc<Settings>,
    channel: Channel,
    whatsapp: WhatsApp,
    body: Bytes,
) -> Result<Vec<Vec<Told>>, Problem> {
    // An app has one address for all of its numbers: each gets what is its own, if it is of the same tenant and app.
    let number = |id: &str| {
        settings.channels.iter().find(|c| match &c.kind {
            ChannelKind::WhatsApp(w) => {
                w.phone_number_id == id && c.tenant == channel.tenant && w.app_secret == whatsapp.app_secret
            }
            _ => false,
        })
    };
    let number = |id: &str| if id == whatsapp.phone_number_id { Some(&channel) } else { number(id) };
    let pieces = notification::read(&body, number)
        .map_err(|e| Problem::bad_request("no_notification", format!("{e}; send a Cloud API notification as JSON")))?;
    let told =
        |Piece { channel, arrival, raw }: Piece<'_>| Told { channel: channel.map(|c| c.id.clone()), arrival, raw };
    Ok(pieces_in_order(pieces).into_iter().map(|order| order.into_iter().map(told).collect()).collect())
}

/// What belongs to one person stays in its order; different people wait for nobody.
fn pieces_in_order(pieces: Vec<Piece<'_>>) -> Vec<Vec<Piece<'_>>> {
    // Where some pieces name a person by number and id and others by one of them, they are the same person's.
    let numbers: HashMap<OutsideId, OutsideId> = pieces
        .iter()
        .filter_map(|piece| piece.arrival.chat.as_ref())
        .filter_map(|chat| Some((chat.person.clone().filter(|p| !p.is_empty())?, chat.external_id.clone())))
        .collect();
    let mut orders: Vec<Vec<Piece<'_>>> = Vec::new();
    let mut places: HashMap<OutsideId, usize> = HashMap::new();
    for piece in pieces {
        let Some(chat) = &piece.arrival.chat else {
            orders.push(vec![piece]);
            continue;
        };
        let person = chat.person.as_ref().filter(|p| !p.is_empty()).unwrap_or(&chat.external_id);
        let name = numbers.get(person).unwrap_or(&chat.external_id).clone();
        match places.get(&name) {
            Some(place) => orders[*place].push(piece),
            None => {
                places.insert(name, orders.len());
                orders.push(vec![piece]);
            }
        }
    }
    orders
}

/// The signature that a notification claims to have.
fn signature(headers: &HeaderMap) -> Result<[u8; 32], Problem> {
    let mut signature = [0; 32];
    headers
        .get(SIGNATURE_HEADER)
        .and_then(|value| value.as_bytes().strip_prefix(b"sha256="))
        .and_then(|digits| hex::decode_to_slice(digits, &mut signature).ok())
        .map(|()| signature)
        .ok_or_else(wrong_signature)
}

/// Over the bytes as they came: JSON written anew would differ.
fn verify(secret: &str, signature: &[u8; 32], body: &Bytes) -> Result<(), Problem> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(body);
    // The comparison is in constant time.
    mac.verify_slice(signature).map_err(|_| wrong_signature())
}

fn wrong_signature() -> Problem {
    Problem::unauthorized(
        "wrong_signature",
        "the header X-Hub-Signature-256 doesn't sign this body with the channel's app_secret; give the channel the secret of the app that sends",
    )
}
