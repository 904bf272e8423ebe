//! Messages of Amazon SNS: signed with a certificate of Amazon's, for a topic that must be ours
//! (docs.aws.amazon.com/sns, "Verifying the signatures of Amazon SNS messages").

use std::{sync::OnceLock, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use moka::sync::Cache;
use reqwest::Url;
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use steward_http::Problem;
use subtle::ConstantTimeEq as _;
use x509_cert::{Certificate, der::DecodePem as _};

use super::refused;
use crate::json::Object;

const NAME: &str = "Amazon SES";

/// A call to Amazon ends within this.
const PATIENCE: Duration = Duration::from_secs(4);

/// The longest URL of Amazon's that is called, in bytes.
const LONGEST_URL: usize = 1024;

/// The largest certificate, in bytes.
const LARGEST: usize = 64 << 10;

/// Public keys of the certificates that were seen, by their URL. Cheap to clone.
#[derive(Clone)]
pub struct Certificates {
    keys: Cache<String, Vec<u8>>,
    client: std::sync::Arc<OnceLock<Option<reqwest::Client>>>,
}

impl Default for Certificates {
    fn default() -> Self {
        let keys = Cache::builder().max_capacity(16).time_to_live(Duration::from_secs(24 * 3600)).build();
        Self { keys, client: std::sync::Arc::default() }
    }
}

/// The fields that a signature covers, in their order; one that is absent is left out.
const NOTIFIED: &[&str] = &["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"];
const CONFIRMED: &[&str] = &["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"];

/// Whether Amazon signed it for one of these topics. Anybody can have Amazon sign something: the topic makes it ours.
pub async fn check(topics: &[&str], certificates: &Certificates, json: &Object<'_>) -> Result<(), Problem> {
    let topic = json.text("TopicArn").unwrap_or_default();
    if !topics.iter().any(|t| !t.is_empty() && bool::from(t.as_bytes().ct_eq(topic.as_bytes()))) {
        return Err(refused(NAME, "its topic isn't this channel's topic_arn"));
    }
    let fields = if json.text("Type").as_deref() == Some("Notification") { NOTIFIED } else { CONFIRMED };
    let mut signed = String::new();
    for field in fields {
        if let Some(value) = json.text(field) {
            signed.extend([*field, "\n", &value, "\n"]);
        }
    }
    let algorithm: &dyn VerificationAlgorithm = match json.text("SignatureVersion").as_deref() {
        Some("2") => &RSA_PKCS1_2048_8192_SHA256,
        Some("1") => &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
        _ => return Err(refused(NAME, "its SignatureVersion is neither 1 nor 2")),
    };
    let signature = STANDARD.decode(json.text("Signature").unwrap_or_default()).unwrap_or_default();
    let key = certificates.key(&json.text("SigningCertURL").unwrap_or_default()).await?;
    if UnparsedPublicKey::new(algorithm, key).verify(signed.as_bytes(), &signature).is_ok() {
        return Ok(());
    }
    Err(refused(NAME, "its signature isn't right"))
}

impl Certificates {
    /// The key in the certificate at this URL, which must be Amazon's own.
    async fn key(&self, url: &str) -> Result<Vec<u8>, Problem> {
        let place = certificate_url(url).ok_or_else(|| refused(NAME, "its SigningCertURL isn't Amazon's"))?;
        if let Some(known) = self.keys.get(place.as_str()) {
            return Ok(known);
        }
        let name = place.to_string();
        let pem = self.get(place).await?;
        let key = key_in(&pem).ok_or_else(|| refused(NAME, "its certificate can't be read"))?;
        self.keys.insert(name, key.clone());
        Ok(key)
    }

    /// Says yes to a subscription to this topic.
    pub async fn confirm(&self, url: &str, topic: &str) -> Result<(), Problem> {
        let place = subscription_url(url, topic).ok_or_else(|| refused(NAME, "its SubscribeURL isn't Amazon's"))?;
        self.get(place).await.map(|_| ())
    }

    async fn get(&self, url: Url) -> Result<Vec<u8>, Problem> {
        let gone = || Problem::unavailable("sns_unreachable", "Amazon SNS couldn't be asked; send the same again");
        let build = || {
            let builder = steward_http::client_builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none());
            builder.https_only(true).build().ok()
        };
        let client = self.client.get_or_init(build).as_ref().ok_or_else(gone)?;
        let mut response = client.get(url).send().await.map_err(|_| gone())?;
        if !response.status().is_success() {
            return Err(gone());
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|_| gone())? {
            body.extend_from_slice(&chunk);
            if body.len() > LARGEST {
                return Err(refused(NAME, "what its URL leads to is too large"));
            }
        }
        Ok(body)
    }

    /// As if the certificate had been fetched.
    #[cfg(test)]
    pub fn seen(&self, url: &str, pem: &[u8]) {
        self.keys.insert(url.to_owned(), key_in(pem).unwrap());
    }
}

/// `https://sns.{region}.amazonaws.com/…`, and nothing that only looks like it: no user, no port, no fragment.
fn of_amazon(url: &str) -> Option<Url> {
    // Only what is written as it is read: a parser makes one of many ways to write.
    let plain = url.len() <= LONGEST_URL && url.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    let url = Url::parse(url).ok().filter(|parsed| plain && parsed.as_str() == url)?;
    let region = url.host_str()?.strip_prefix("sns.")?;
    let region = region.strip_suffix(".amazonaws.com").or_else(|| region.strip_suffix(".amazonaws.com.cn"))?;
    let named = (1..=32).contains(&region.len()) && region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let bare =
        url.port().is_none() && url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    (named && bare && url.scheme() == "https").then_some(url)
}

/// `/SimpleNotificationService-{hex}.pem` of SNS, which is where its certificates are.
pub fn certificate_url(url: &str) -> Option<Url> {
    let url = of_amazon(url).filter(|url| url.query().is_none())?;
    let name = url.path().strip_prefix("/SimpleNotificationService-")?.strip_suffix(".pem")?;
    let is_one = (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_hexdigit());
    is_one.then_some(url)
}

/// `/?Action=ConfirmSubscription&TopicArn={topic}&Token=…` of SNS, in any order, and nothing more.
pub fn subscription_url(url: &str, topic: &str) -> Option<Url> {
    let url = of_amazon(url).filter(|url| url.path() == "/")?;
    let (mut action, mut of_topic, mut token) = (0, 0, 0);
    for (name, value) in url.query_pairs() {
        match &*name {
            "Action" if value == "ConfirmSubscription" => action += 1,
            "TopicArn" if value == topic => of_topic += 1,
            "Token" if !value.is_empty() && value.bytes().all(|b| b.is_ascii_alphanumeric()) => token += 1,
            _ => return None,
        }
    }
    ((action, of_topic, token) == (1, 1, 1)).then_some(url)
}

/// The RSA key of a certificate, as the signature check takes it.
fn key_in(pem: &[u8]) -> Option<Vec<u8>> {
    let certificate = Certificate::from_pem(pem).ok()?;
    Some(certificate.tbs_certificate.subject_public_key_info.subject_public_key.as_bytes()?.to_vec())
}

#[cfg(test)]
mod tests {
    use super::{certificate_url, subscription_url};

    #[test]
    fn only_a_certificate_of_sns_itself_is_asked_for() {
        for url in [
            "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem",
            "https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-01d088a6f77103d0fe307c0069e40ed6.pem",
        ] {
            assert!(certificate_url(url).is_some(), "{url}");
        }
        let name = "SimpleNotificationService-1.pem";
        for url in [
            format!("http://sns.us-east-1.amazonaws.com/{name}"),
            format!("https://sns.us-east-1.amazonaws.com.evil.com/{name}"),
            format!("https://evil.com/sns.us-east-1.amazonaws.com/{name}"),
            format!("https://bucket.s3.amazonaws.com/{name}"),
            format!("https://sns.a.b.amazonaws.com/{name}"),
            format!("https://sns.us-east-1.amazonaws.com:444/{name}"),
            format!("https://sns.us-east-1.amazonaws.com:443/{name}"),
            format!("https://sns.us-east-1.amazonaws.com@evil.com/{name}"),
            format!("https://user:pw@sns.us-east-1.amazonaws.com/{name}"),
            format!("https://sns.us-east-1.amazonaws.com/{name}?x=1"),
            format!("https://sns.us-east-1.amazonaws.com/{name}?"),
            format!("https://sns.us-east-1.amazonaws.com/{name}#x"),
            format!("https://sns.us-east-1.amazonaws.com/a/../{name}"),
            format!("https://sns.us-east-1.amazonaws.com//{name}"),
            format!("https://sns.us-east-1.amazonaws.com\\{name}"),
            format!(" https://sns.us-east-1.amazonaws.com/{name}"),
            format!("https://sns.us-east-1.amazonaws.com/x{name}"),
            "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-%31.pem".to_owned(),
            "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-x.pem".to_owned(),
            format!("https://sns.us-east-1.amazonaws.com/SimpleNotificationService-{}.pem", "a".repeat(65)),
            "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&x=.pem".to_owned(),
            String::new(),
        ] {
            assert!(certificate_url(&url).is_none(), "{url}");
        }
    }

    #[test]
    fn only_a_subscription_to_our_topic_is_confirmed() {
        let topic = "arn:aws:sns:us-east-1:111111111111:SES_Inbound";
        let base = "https://sns.us-east-1.amazonaws.com/";
        let right = format!("{base}?Action=ConfirmSubscription&TopicArn={topic}&Token=2336412f37fb687f");
        assert!(subscription_url(&right, topic).is_some());
        for url in [
            base.to_owned(),
            format!("{base}?Action=DeleteTopic&TopicArn={topic}&Token=1"),
            format!("{base}?Action=ConfirmSubscription&TopicArn={topic}x&Token=1"),
            format!("{base}?Action=ConfirmSubscription&TopicArn={topic}"),
            format!("{right}&Endpoint=x"),
            format!("{right}&Token=2"),
            format!("{right}#x"),
            right.replace("amazonaws.com/", "amazonaws.com/x"),
            right.replace("https", "http"),
        ] {
            assert!(subscription_url(&url, topic).is_none(), "{url}");
        }
    }
}
