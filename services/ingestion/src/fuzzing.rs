//! One entry for each parser of bytes from outside, with what it promises of any input. The fuzz targets (`fuzz/`) and
//! the test of mutated inputs run these; a broken promise panics.

use steward_domain::settings::OnUnknown;
use steward_settings::{Channel, ChannelKind, Secret, WhatsApp};

pub use crate::email::{
    fuzzing::{calendar, mail, page, reply},
    providers::fuzzing::{mailgun, postmark, sendgrid, ses, sns_url},
};
use crate::{
    commands::bodies,
    outside::{Line, OutsideId, OutsideName, OutsideText, WholeText, Words},
    telegram::{itself::Itself, update},
    whatsapp::notification,
};

/// An id, a name and a text, whatever they are.
pub fn outside(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let id = OutsideId::new(&text);
    assert!(id.len() <= OutsideId::LONGEST && !id.chars().any(char::is_control), "{id:?}");
    let hashed = id.starts_with("sha256:");
    assert!(if hashed { id != *text && OutsideId::new(&id) != id } else { id == *text }, "{id:?}");
    let name = OutsideName::new(&text);
    assert!(name.chars().count() <= OutsideName::LONGEST && !name.chars().any(char::is_control), "{name:?}");
    let (said, whole) = (OutsideText::new(&text), WholeText::new(&text));
    assert!(said.len() <= OutsideText::LONGEST && whole.len() <= WholeText::LONGEST && !said.contains('\0'));
}

/// The body of a command or of a message that is posted: refused, or bounded.
pub fn command(body: &[u8]) {
    bodies(body);
    if let Ok(line) = serde_json::from_slice::<Line>(body) {
        assert!(line.len() <= 512, "{}", line.len());
    }
    if let Ok(words) = serde_json::from_slice::<Words>(body) {
        assert!(words.len() <= OutsideText::LONGEST && !words.contains('\0'));
    }
}

/// An Update of the Bot API.
pub fn telegram(body: &[u8]) {
    let bot = Itself { id: Some(1), username: Some("steward_test_bot".to_owned()) };
    if let Ok(arrival) = update::read(body, &["7001".to_owned()], &bot) {
        assert!(arrival.key.starts_with("update:"), "{arrival:?}");
    }
}

/// A notification of the Cloud API: every piece of it is a notification again.
pub fn whatsapp(body: &[u8]) {
    let channel = Channel {
        id: "wa".to_owned(),
        tenant: "default".to_owned(),
        operators: vec!["7001".to_owned()],
        on_unknown: OnUnknown::Hold,
        rate_limit: None,
        approval: None,
        kind: ChannelKind::WhatsApp(WhatsApp {
            phone_number_id: "1".to_owned(),
            access_token: Secret::new(""),
            app_secret: Secret::new(""),
            verify_token: Secret::new(""),
            api_base: String::new(),
            templates: Vec::new(),
        }),
    };
    let Ok(pieces) = notification::read(body, |_| Some(&channel)) else { return };
    assert!(!pieces.is_empty());
    for piece in pieces {
        assert!(!piece.arrival.key.is_empty(), "{piece:?}");
        assert!(notification::read(&piece.raw, |_| Some(&channel)).is_ok(), "{piece:?}");
    }
}
