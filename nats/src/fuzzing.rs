//! What the fuzzer does with any bytes.

/// Sends whatever the bytes hold as metadata, message ids and subjects, and reads it back.
///
/// # Panics
/// One of the promises of `header` is broken.
pub fn header(bytes: &[u8]) {
    let mut texts = bytes.splitn(5, |byte| *byte == 0xff).map(String::from_utf8_lossy);
    let [actor, traceparent, key, other_key, tokens] = std::array::from_fn(|_| texts.next().unwrap_or_default());
    crate::header::promises::hold(&actor, &traceparent, &key, &other_key, &tokens);
    crate::header::promises::hold(&tokens, &key, &actor, &actor, &format!("dead.{tokens}.1"));
    // A header as somebody else may have written it.
    let _ = crate::header::read(&other_key);
}
