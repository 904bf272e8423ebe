//! Forms: `multipart/form-data` and `application/x-www-form-urlencoded`, as bytes, because not every provider writes UTF-8.

use axum::http::{HeaderMap, header};
use bytes::Bytes;
use mail_parser::decoders::charsets::map::charset_decoder;

/// Fields of one form, at most.
const MOST_FIELDS: usize = 500;

/// What a form holds.
#[derive(Debug, Default)]
pub struct Form {
    fields: Vec<Field>,
}

#[derive(Debug)]
pub struct Field {
    pub name: String,
    pub value: Bytes,
    /// Of a file.
    pub file_name: Option<String>,
    pub mime_type: String,
}

impl Form {
    /// The form in a body, if it says that it is one and can be read.
    pub async fn read(headers: &HeaderMap, body: &Bytes) -> Option<Self> {
        let content_type = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
        if content_type.trim_start().to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
            let pairs = form_urlencoded::parse(body).take(MOST_FIELDS);
            let field = |(name, value): (std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)| Field {
                name: name.into_owned(),
                value: Bytes::from(value.into_owned()),
                file_name: None,
                mime_type: String::new(),
            };
            return Some(Self { fields: pairs.map(field).collect() });
        }
        let boundary = multer::parse_boundary(content_type).ok()?;
        let whole = body.clone();
        let stream = futures::stream::once(async move { Ok::<_, std::convert::Infallible>(whole) });
        let mut multipart = multer::Multipart::new(stream, boundary);
        let mut fields = Vec::new();
        while let Some(field) = multipart.next_field().await.ok()? {
            if fields.len() == MOST_FIELDS {
                return None;
            }
            let name = field.name().unwrap_or_default().to_owned();
            let file_name = field.file_name().map(str::to_owned);
            let mime_type = field.content_type().map(|m| m.essence_str().to_owned()).unwrap_or_default();
            fields.push(Field { name, value: field.bytes().await.ok()?, file_name, mime_type });
        }
        Some(Self { fields })
    }

    pub fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|f| f.name == name)
    }

    pub fn bytes(&self, name: &str) -> Option<&Bytes> {
        self.fields.iter().find(|f| f.name == name).map(|f| &f.value)
    }

    /// A field as text; bytes that aren't UTF-8 become U+FFFD.
    pub fn text(&self, name: &str) -> String {
        self.bytes(name).map(|b| String::from_utf8_lossy(b).into_owned()).unwrap_or_default()
    }

    /// A field in a charset that the form names elsewhere.
    pub fn text_in(&self, name: &str, charset: Option<&str>) -> String {
        let Some(bytes) = self.bytes(name) else { return String::new() };
        match charset.filter(|c| !c.is_empty()).and_then(|c| charset_decoder(c.as_bytes())) {
            Some(decode) => decode(bytes),
            None => String::from_utf8_lossy(bytes).into_owned(),
        }
    }

    /// The files in it whose field begins like this.
    pub fn files<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a Field> {
        self.fields.iter().filter(move |f| f.name.starts_with(prefix) && f.file_name.is_some())
    }

    pub fn is_of_mailgun(&self) -> bool {
        self.has("signature") && self.has("timestamp") && self.has("token")
    }

    pub fn is_of_sendgrid(&self) -> bool {
        self.has("email")
            || (self.has("headers") && self.has("envelope"))
            || self.has("sender_ip")
            || self.has("charsets")
    }
}
