//! HMAC-SHA256 in hex, as providers and we sign.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// Whether `given` signs the pieces one after the other; in constant time. An empty secret signs nothing.
pub fn is_signed(secret: &str, pieces: &[&[u8]], given: &str) -> bool {
    let (Ok(given), false) = (hex::decode(given), secret.is_empty()) else { return false };
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    for piece in pieces {
        mac.update(piece);
    }
    mac.verify_slice(&given).is_ok()
}

#[cfg(test)]
mod tests {
    use super::is_signed;

    #[test]
    fn only_the_right_secret_over_the_same_bytes_signs() {
        // RFC 4231, test case 2.
        let right = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        let text: &[&[u8]] = &[b"what do ya want ", b"for nothing?"];
        assert!(is_signed("Jefe", text, right));
        for (secret, given) in [("jefe", right), ("Jefe", ""), ("Jefe", &right[2..]), ("Jefe", "zz"), ("", right)] {
            assert!(!is_signed(secret, text, given), "{secret} {given}");
        }
        assert!(!is_signed("Jefe", &[b"what"], right));
    }
}
