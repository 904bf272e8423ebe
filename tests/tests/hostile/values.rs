//! What a stranger may put in the place of a value, and the places of a payload where they may put it.

use serde_json::{Value, json};

/// Stands in a payload where the hostile value is to be: JSON has ways to write what no `Value` holds.
const PLACE: &str = "@@hostile@@";

/// One hostile value.
#[derive(Clone)]
pub struct Hostile {
    pub name: &'static str,
    /// As JSON.
    pub json: String,
    /// As bytes of a form's field or a mail; `None` where it is JSON's own.
    pub bytes: Option<Vec<u8>>,
    /// Large ones aren't tried everywhere in the short form.
    pub large: bool,
}

/// All of them.
pub fn all() -> Vec<Hostile> {
    let text = |name, text: String| Hostile {
        name,
        json: Value::String(text.clone()).to_string(),
        bytes: Some(text.into_bytes()),
        large: false,
    };
    let json = |name, json: String| Hostile { name, json, bytes: None, large: false };
    let nested = |open: &str, close: &str| format!("{}1{}", open.repeat(5_000), close.repeat(5_000));
    let mut all = vec![
        text("a line break", "a\r\nNats-Msg-Id: forged\r\n\r\nb@example.org".to_owned()),
        text("a bare CR", "a\rb@example.org".to_owned()),
        text("a NUL", "a\0b@example.org".to_owned()),
        text("10 kB", format!("{}@example.org", "x".repeat(10_000))),
        text("RTL", "\u{202e}gro.elpmaxe@a\u{2066}\u{200f}\u{feff}".to_owned()),
        text("nothing", String::new()),
        text("a subject's signs", "ev.*.>.$JS.API ../../%00%0d%0a{{x}}'\";--".to_owned()),
        text("HTML", "<div>".repeat(3_000) + "<script>alert(1)</script>"),
        text("a year", "99999-12-31T99:99:99Z".to_owned()),
        json("half a surrogate pair", r#""\ud800x\udc00\ud800@example.org""#.to_owned()),
        json("a huge number", "18446744073709551616".to_owned()),
        json("a huge exponent", "1e999".to_owned()),
        json("the least number", "-9223372036854775808".to_owned()),
        json("the greatest number", "9223372036854775807".to_owned()),
        json("null", "null".to_owned()),
        json("true", "true".to_owned()),
        json("an empty object", "{}".to_owned()),
        json("deep arrays", nested("[", "]")),
        json("deep objects", nested("{\"a\":", "}")),
    ];
    all.push(Hostile { large: true, ..text("900 kB", "y".repeat(900_000)) });
    all.push(Hostile {
        name: "bytes of no charset",
        json: "false".to_owned(),
        bytes: Some(b"\xff\xfe\xed\xa0\x80\xc3 =?utf-8?B?//79?= %ff".to_vec()),
        large: false,
    });
    all
}

/// Where something stands in a payload: names of fields and numbers of items.
pub type Path = Vec<String>;

/// Every place in a payload, values before what holds them.
pub fn places(value: &Value) -> Vec<Path> {
    let mut found = Vec::new();
    walk(value, &mut Vec::new(), &mut found);
    found
}

fn walk(value: &Value, at: &mut Path, found: &mut Vec<Path>) {
    let inside: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(n, value)| (n.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    for (name, value) in inside {
        at.push(name);
        walk(value, at, found);
        found.push(at.clone());
        at.pop();
    }
}

/// The payload with a hostile value in one place, as text.
pub fn with(payload: &Value, path: &Path, hostile: &Hostile) -> String {
    let mut payload = payload.clone();
    let mut place = &mut payload;
    for name in path {
        place = match place {
            Value::Array(items) => &mut items[name.parse::<usize>().expect("it was an item's number")],
            other => &mut other[name],
        };
    }
    *place = json!(PLACE);
    payload.to_string().replacen(&format!("\"{PLACE}\""), &hostile.json, 1)
}
