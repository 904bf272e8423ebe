//! Mails on their way into the world, and what became of them.

use std::{collections::BTreeMap, fs, path::Path};

use axum::http::{Method, StatusCode};
use chrono::Utc;
use hmac::{Hmac, KeyInit as _, Mac as _};
use steward_domain::ids::{self, ConversationId};
use steward_proto::{Event, v1};

use super::{Answer, MAIL_SECRET, World};

pub const PATH: &str = "/webhooks/email/mail";

pub fn hex_hmac(key: &str, pieces: &[&[u8]]) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key.as_bytes()).unwrap();
    pieces.iter().for_each(|piece| mac.update(piece));
    hex::encode(mac.finalize().into_bytes())
}

/// Posts a raw mail, signed.
pub async fn post(world: &World, raw: &[u8]) -> Answer {
    let signature = hex_hmac(MAIL_SECRET, &[raw]);
    let headers = [("content-type", "message/rfc822"), ("x-steward-signature", signature.as_str())];
    world.send(Method::POST, PATH, &headers, raw.to_vec()).await
}

/// A mail with these headers and words comes in and is accepted.
pub async fn mail(world: &World, headers: &str, text: &str) {
    let raw = format!("{headers}\nDate: {}\n\n{text}\n", Utc::now().to_rfc2822()).replace('\n', "\r\n");
    let answer = post(world, raw.as_bytes()).await;
    assert_eq!(answer.status, StatusCode::OK, "{headers}: {:?}", answer.body);
}

pub fn conversation(world: &World, address: &str) -> ConversationId {
    ids::conversation(&world.tenant, "mail", address)
}

pub async fn of(world: &World, address: &str) -> Vec<Event> {
    let id = conversation(world, address).to_string();
    let events = world.events().await.into_iter();
    events.filter(|r| &*r.subject.id == id.as_str()).map(|r| r.event).collect()
}

pub async fn types(world: &World, address: &str) -> Vec<String> {
    of(world, address).await.iter().map(|e| e.type_name().to_owned()).collect()
}

pub async fn said(world: &World, address: &str) -> v1::ClientResponded {
    match of(world, address).await.pop() {
        Some(Event::ClientResponded(said)) => said,
        other => panic!("{address}: {:?}", other.as_ref().map(Event::type_name)),
    }
}

pub fn recorded(folder: &str) -> BTreeMap<String, Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/email");
    let (mut found, mut open) = (BTreeMap::new(), vec![root.join(folder)]);
    while let Some(folder) = open.pop() {
        for path in fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
            if path.is_dir() {
                open.push(path);
            } else {
                found
                    .insert(path.strip_prefix(&root).unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap());
            }
        }
    }
    found
}
