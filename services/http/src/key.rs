//! API keys, `sk_{tenant}_{random}`, and the sessions of who entered with one, `ss_{tenant}_{random}`. Only their hash is kept.

use rand::Rng;
use sha2::{Digest, Sha256};
use steward_proto::TenantId;

/// A key that was just made. `text` is shown once and kept nowhere.
pub struct NewKey {
    pub key_id: String,
    pub text: String,
    /// SHA-256 of the text, in hex.
    pub hash: String,
}

/// Makes a key of 192 random bits.
pub fn create_key(tenant: &TenantId) -> NewKey {
    let mut random = [0u8; 32];
    rand::rng().fill_bytes(&mut random);
    let text = format!("sk_{tenant}_{}", hex::encode(&random[..24]));
    NewKey { key_id: format!("key_{}", hex::encode(&random[24..])), hash: hash_key(&text), text }
}

/// How the text of a session begins.
pub(crate) const OF_SESSION: &str = "ss_";

/// Makes the text of a session of 192 random bits, and its hash.
pub fn create_session(tenant: &TenantId) -> (String, String) {
    let mut random = [0u8; 24];
    rand::rng().fill_bytes(&mut random);
    let text = format!("{OF_SESSION}{tenant}_{}", hex::encode(random));
    let hash = hash_key(&text);
    (text, hash)
}

/// The SHA-256 of a key or of a session, in hex. A slow hash would add nothing, because keys are random.
pub fn hash_key(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

/// The tenant that a key or a session names as its own; whether that is so isn't checked here.
pub(crate) fn tenant_of(text: &str) -> Option<TenantId> {
    let (tenant, _) = text.strip_prefix("sk_").or_else(|| text.strip_prefix(OF_SESSION))?.rsplit_once('_')?;
    TenantId::new(tenant).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_names_its_tenant_even_with_an_underscore_in_it() {
        let tenant = TenantId::new("a_b-c").unwrap();
        let key = create_key(&tenant);
        assert_eq!(tenant_of(&key.text), Some(tenant.clone()));
        assert_eq!(key.hash, hash_key(&key.text));
        let (text, hash) = create_session(&tenant);
        assert_eq!((tenant_of(&text), hash), (Some(tenant), hash_key(&text)));
        for junk in ["", "sk_", "sk__x", "pk_a_x", "sk_a.b_x"] {
            assert_eq!(tenant_of(junk), None, "{junk}");
        }
    }
}
