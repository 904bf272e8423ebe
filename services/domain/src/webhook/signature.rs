//! Signing what is delivered, by the Standard Webhooks scheme (https://www.standardwebhooks.com, specification 1.0).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// What a secret's text begins with.
const PREFIX: &str = "whsec_";

/// A secret that signs deliveries, as its holder has it: `whsec_` and base64.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl Secret {
    /// Of random bytes; the scheme wants 24 to 64 of them.
    pub fn of_bytes(random: &[u8; 32]) -> Self {
        Self(format!("{PREFIX}{}", STANDARD.encode(random)))
    }

    /// As the log holds it.
    pub fn recorded(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text itself, for its holder and for the log.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// `v1,` and the base64 of HMAC-SHA256 over `{id}.{timestamp}.{body}`. `timestamp`: Unix seconds.
    pub fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let text = self.0.strip_prefix(PREFIX).unwrap_or(&self.0);
        // The log holds only what `of_bytes` made; whatever else it might hold still signs, as its own bytes.
        let key = STANDARD.decode(text).unwrap_or_else(|_| text.as_bytes().to_vec());
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes a key of any length");
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example that the published libraries of the scheme are tested with.
    #[test]
    fn the_published_example_is_signed_as_published() {
        let secret = Secret::recorded("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let signature = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_is_not_shown() {
        assert_eq!(format!("{:?}", Secret::of_bytes(&[7; 32])), "***");
    }
}
