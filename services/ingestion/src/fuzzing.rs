//! One entry for each parser of bytes from outside, with what it promises of any input. The fuzz targets (`fuzz/`) and
//! the test of mutated inputs run these; a broken promise panics.

use steward_domain::settings::{Channel, ChannelKind, OnUnknown, WhatsApp};

pub use crate::email::{
    fuzzing::{calendar, mail, page, reply},
    providers::fuzzing::{mailgun, postmark, sendgrid, ses},
};
use crate::{
    telegram::{itself::Itself, update},
    whatsapp::notification,
};

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
            access_token: String::new(),
            app_secret: String::new(),
            verify_token: String::new(),
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
