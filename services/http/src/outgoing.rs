//! The HTTP client that all outgoing requests are made with.

use std::sync::{Arc, LazyLock};

use reqwest::ClientBuilder;
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tracing::warn;

/// The certificate authorities that all clients trust: the machine's, to which an organisation may have added its own,
/// and the public ones of the time of this build, for a machine that has none.
static TLS: LazyLock<ClientConfig> = LazyLock::new(|| {
    let own = rustls_native_certs::load_native_certs();
    for problem in &own.errors {
        warn!("some of the machine's TLS authorities can't be read: {problem}");
    }
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    roots.add_parsable_certificates(own.certs);
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring knows the protocol versions that rustls takes as safe")
        .with_root_certificates(roots)
        .with_no_client_auth()
});

/// The beginnings of a client for HTTP and HTTPS.
pub fn client_builder() -> ClientBuilder {
    reqwest::Client::builder().tls_backend_preconfigured(TLS.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_can_be_built_before_anybody_chose_a_tls_back_end() {
        client_builder().https_only(true).build().unwrap();
        assert!(!webpki_roots::TLS_SERVER_ROOTS.is_empty());
    }
}
