//! What the things of one notification share (the number, the account, a person), and how often it is copied to them.

use std::{cell::RefCell, collections::HashSet};

use serde_json::value::RawValue;

/// A part longer than this, in bytes, is kept with the first thing that it belongs to and not copied; the Cloud API's own
/// are 20 to 200 bytes long.
const LONGEST_COPY: usize = 1024;

/// All copies together are at most so many times as long as the notification.
const MOST_COPIES: usize = 2;

/// Keeps what is shared at least once, and copies it as long as that stays in proportion: otherwise many small things in
/// one call, or one large thing that they share, would make a small notification a large record.
#[derive(Debug)]
pub struct Shared(RefCell<Copies>);

#[derive(Debug)]
struct Copies {
    /// Where each part that was kept stands in memory: all are slices of the one body.
    kept: HashSet<*const u8>,
    /// In bytes.
    left: usize,
}

impl Shared {
    /// `length`: of the notification, in bytes.
    pub fn new(length: usize) -> Self {
        Self(RefCell::new(Copies { kept: HashSet::new(), left: length.saturating_mul(MOST_COPIES) }))
    }

    /// The part's JSON if it is to be kept with the next thing, too.
    pub fn part<'a>(&self, raw: &'a RawValue) -> Option<&'a str> {
        let text = raw.get();
        let mut copies = self.0.borrow_mut();
        if copies.kept.insert(text.as_ptr()) {
            return Some(text);
        }
        if text.len() > LONGEST_COPY {
            return None;
        }
        copies.left = copies.left.checked_sub(text.len())?;
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::{notification::read, recorded::channel};

    #[test]
    fn what_a_notification_of_many_things_is_kept_as_stays_in_proportion_to_it() {
        const MEGABYTE: usize = 1 << 20;
        let channel = channel();
        let long = "x".repeat(MEGABYTE / 2);
        let message =
            json!({ "from": "42", "id": "wamid.1", "timestamp": "1", "type": "text", "text": { "body": "hi" } });
        let value = |metadata: &Value, contact: &Value, item: &Value, count: usize| {
            json!({ "messaging_product": "whatsapp", "metadata": metadata, "contacts": [contact],
                "messages": vec![item; count] })
        };
        let plain = json!({ "phone_number_id": "1" });
        let ana = json!({ "wa_id": "42", "profile": { "name": "Ana" } });
        let many = MEGABYTE / 2 / message.to_string().len();
        let cases = [
            ("many messages of one person", value(&plain, &ana, &message, 2 * many)),
            (
                "long metadata",
                value(&json!({ "phone_number_id": "1", "display_phone_number": long }), &ana, &message, many),
            ),
            ("a long name", value(&plain, &json!({ "wa_id": "42", "profile": { "name": long } }), &message, many)),
            ("a long id", value(&plain, &json!({ "wa_id": "42", "user_id": long }), &message, many)),
            ("many that tell nothing", value(&plain, &ana, &json!({}), MEGABYTE / 3)),
            ("many that tell little", value(&plain, &ana, &json!({ "timestamp": "1700000000000" }), MEGABYTE / 30)),
            (
                "metadata as long as may be copied",
                value(&json!({ "phone_number_id": "1", "x": long[..900] }), &ana, &message, 2 * many),
            ),
        ];
        for (what, value) in cases {
            let body =
                json!({ "entry": [{ "id": "1", "changes": [{ "field": "messages", "value": value }] }] }).to_string();
            let pieces = read(body.as_bytes(), |id| (id == "1").then_some(&channel)).unwrap();
            let of_person = |p: &crate::arrival::Person| p.id.len() + p.name.len() + p.username.len();
            let events: usize = pieces.iter().filter_map(|p| p.arrival.from.as_ref()).map(of_person).sum();
            let stored = pieces.iter().map(|p| p.raw.len()).sum::<usize>() + events;
            let times = stored as f64 / body.len() as f64;
            println!("{what}: {} pieces, {times:.1} times {} bytes", pieces.len(), body.len());
            assert!(times < 8.0, "{what}: {times:.1} times");
            // The first has all that they share.
            let first: Value = serde_json::from_slice(&pieces[0].raw).unwrap();
            let kept = &first["entry"][0]["changes"][0]["value"];
            assert_eq!(
                (&kept["metadata"], &kept["messages"][0]),
                (&value["metadata"], &value["messages"][0]),
                "{what}"
            );
            let count: usize = pieces
                .iter()
                .map(|p| serde_json::from_slice::<Value>(&p.raw).unwrap())
                .map(|p| p["entry"][0]["changes"][0]["value"]["messages"].as_array().unwrap().len())
                .sum();
            assert_eq!(count, value["messages"].as_array().unwrap().len(), "{what}: all are kept");
        }
    }
}
