//! Messages of the schema inside what serde writes, a state that is kept: as their own bytes.

use prost::Message;
use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

/// # Errors
/// What the serializer can't write.
pub fn serialize<M: Message, S: Serializer>(message: &M, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(&message.encode_to_vec())
}

/// # Errors
/// These bytes are no such message.
pub fn deserialize<'de, M: Message + Default, D: Deserializer<'de>>(deserializer: D) -> Result<M, D::Error> {
    M::decode(Vec::<u8>::deserialize(deserializer)?.as_slice()).map_err(D::Error::custom)
}

/// Several of them.
pub mod list {
    use prost::Message;
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    /// # Errors
    /// What the serializer can't write.
    pub fn serialize<M: Message, S: Serializer>(messages: &[M], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(messages.iter().map(Message::encode_to_vec))
    }

    /// # Errors
    /// Some of these bytes are no such message.
    pub fn deserialize<'de, M: Message + Default, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<M>, D::Error> {
        let messages = Vec::<Vec<u8>>::deserialize(deserializer)?;
        messages.iter().map(|bytes| M::decode(bytes.as_slice()).map_err(D::Error::custom)).collect()
    }
}
