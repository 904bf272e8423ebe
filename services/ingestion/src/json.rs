//! Reading JSON that somebody else shapes: a field that isn't what was expected is absent, never an error.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// A JSON object, read one level deep; what is inside stays text until it is asked for. Depth costs no stack.
#[derive(Debug, Default)]
pub struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Object<'a> {
    /// # Errors
    /// The text is no JSON, or no object.
    pub fn read(text: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The field's JSON; `null` counts as absent.
    pub fn get(&self, name: &str) -> Option<&'a RawValue> {
        let (_, value) = self.0.iter().find(|(key, _)| key == name)?;
        (value.get() != "null").then_some(*value)
    }

    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(key, _)| key.as_ref())
    }

    pub fn int(&self, name: &str) -> Option<i64> {
        self.get(name)?.get().parse().ok()
    }

    pub fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|v| v.get() == "true")
    }

    pub fn text(&self, name: &str) -> Option<String> {
        string(self.get(name)?.get())
    }

    pub fn object(&self, name: &str) -> Option<Self> {
        Self::read(self.get(name)?.get()).ok()
    }

    /// The items of an array, whatever they are.
    pub fn items(&self, name: &str) -> Vec<&'a RawValue> {
        self.get(name).and_then(|array| serde_json::from_str(array.get()).ok()).unwrap_or_default()
    }

    /// The objects of an array; anything else in it is left out.
    pub fn objects(&self, name: &str) -> Vec<Self> {
        self.items(name).into_iter().filter_map(|item| Self::read(item.get()).ok()).collect()
    }
}

/// A JSON string. Half of a surrogate pair, which no string of ours can hold, becomes U+FFFD.
fn string(json: &str) -> Option<String> {
    struct Bytes;
    impl Visitor<'_> for Bytes {
        type Value = String;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }
        fn visit_bytes<E>(self, bytes: &[u8]) -> Result<String, E> {
            Ok(String::from_utf8_lossy(bytes).into_owned())
        }
    }
    if !json.starts_with('"') {
        return None;
    }
    serde_json::from_str(json).or_else(|_| serde_json::Deserializer::from_str(json).deserialize_bytes(Bytes)).ok()
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Vec<(Cow<'de, str>, &'de RawValue)>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::with_capacity(8);
                while let Some(key) = map.next_key_seed(Key)? {
                    fields.push((key, map.next_value()?));
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(Fields).map(Self)
    }
}

/// A key, borrowed unless it holds escapes.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Cow<'de, str>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(key))
            }
            fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
                Ok(Cow::Owned(key.to_owned()))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_of_another_shape_is_absent() {
        let object = Object::read(r#"{"a": 1, "b": "x", "c": null, "d": {"e": true}, "f": [{"g": 1}, 2]}"#).unwrap();
        assert_eq!((object.int("a"), object.int("b"), object.int("z")), (Some(1), None, None));
        assert_eq!((object.text("b").as_deref(), object.text("a")), (Some("x"), None));
        assert!(!object.has("c") && object.object("d").unwrap().is_true("e") && object.object("a").is_none());
        assert_eq!(object.objects("f").len(), 1);
        assert!(Object::read("[]").is_err() && Object::read("{").is_err());
    }

    #[test]
    fn half_a_surrogate_pair_loses_one_character_and_not_the_text() {
        let object = Object::read(r#"{"text": "a\ud83db"}"#).unwrap();
        let text = object.text("text").unwrap();
        assert!(text.starts_with('a') && text.ends_with('b') && text.contains('\u{fffd}'));
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep = format!(r#"{{"x": {}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert!(Object::read(&deep).unwrap().has("x"));
    }
}
