//! The HTTP client of outgoing webhooks, which reaches only the public internet unless it is told otherwise.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};
use steward_domain::webhook::is_public;

/// Longest time from the first byte of a request to the end of its answer; the scheme recommends 15 to 30 s.
const TIMEOUT: Duration = Duration::from_secs(15);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The address isn't one of the public internet.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` leads into a private network, which [webhooks] allow_private doesn't allow")]
pub struct Private(String);

/// An HTTP client that checks where it connects to.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    allow_private: bool,
}

impl Client {
    /// # Errors
    /// There is no TLS back end.
    pub fn new(allow_private: bool) -> reqwest::Result<Self> {
        let mut builder = steward_http::client_builder()
            .timeout(TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            // A redirect could lead anywhere, so none is followed.
            .redirect(reqwest::redirect::Policy::none())
            // A proxy would look names up itself, without our check.
            .no_proxy()
            .pool_idle_timeout(Duration::from_secs(20))
            .pool_max_idle_per_host(4)
            .user_agent(concat!("Steward/", env!("CARGO_PKG_VERSION")));
        if !allow_private {
            builder = builder.dns_resolver(Arc::new(PublicOnly));
        }
        Ok(Self { http: builder.build()?, allow_private })
    }

    /// A POST to this URL, not yet sent.
    ///
    /// # Errors
    /// The host is an address that may not be reached. A name is checked when the connection is made.
    pub fn post(&self, url: Url) -> Result<reqwest::RequestBuilder, Private> {
        // An address needn't be looked up, so the resolver never sees it.
        if let Some(address) = address_of(&url)
            && !self.allow_private
            && !is_public(address)
        {
            return Err(Private(address.to_string()));
        }
        Ok(self.http.post(url))
    }
}

/// The host, if it is an address. However an IPv4 address was written, the URL has it in its usual form.
fn address_of(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// Looks names up and lets only public addresses be connected to. What is checked is what is used, so a name that
/// changes its address in between gains nothing.
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err(Private(host).into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_recognised_however_it_is_written() {
        let client = Client::new(false).unwrap();
        for url in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0177.0.0.1/",
            "http://127.0.0.1./",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://169.254.169.254/latest/meta-data",
            "http://0/",
            "https://10.0.0.1:8443/",
            "http://①②⑦.⓪.⓪.①/",
        ] {
            assert!(client.post(url.parse().unwrap()).is_err(), "{url}");
        }
        assert!(client.post("https://1.1.1.1/".parse().unwrap()).is_ok());
        assert!(Client::new(true).unwrap().post("http://127.0.0.1/".parse().unwrap()).is_ok());
    }

    #[tokio::test]
    async fn a_name_that_leads_home_is_not_connected_to() {
        // Somebody listens at this address, so only the check stops the request.
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://localhost:{}/", listener.local_addr().unwrap().port());
        let client = Client::new(false).unwrap();
        let error = client.post(url.parse().unwrap()).unwrap().send().await.unwrap_err();
        let mut source = std::error::Error::source(&error);
        let mut refused = false;
        while let Some(cause) = source {
            refused |= cause.is::<Private>();
            source = cause.source();
        }
        assert!(refused, "{error:?}");
        let accepted = tokio::time::timeout(Duration::ZERO, listener.accept()).await;
        assert!(accepted.is_err(), "nobody connected");
    }
}
