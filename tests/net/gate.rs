//! A hub behind TLS, and the authorities that vouch for it.
//!
//! Adds nothing to what the hub says: bytes pass through.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Who vouches for hosts.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate and its key.
pub(crate) struct Certificate {
    chain: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
    pem: String,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names are good names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a new key");
        let pem = params.self_signed(&key).expect("it can be signed").pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    pub(crate) fn pem(&self) -> String {
        self.pem.clone()
    }

    /// A certificate for a name, good from so many days from now until so many.
    pub(crate) fn issue(&self, name: &str, from: i64, until: i64) -> Certificate {
        let mut params = params(name);
        params.not_before = date_time_ymd(1970, 1, 1) + day(from);
        params.not_after = date_time_ymd(1970, 1, 1) + day(until);
        let key = KeyPair::generate().expect("a new key");
        let signed = params.signed_by(&key, &self.issuer).expect("it can be signed");
        Certificate::new(&signed, &key)
    }

    /// A certificate for `localhost` as `openssl req -x509` makes it by default: signed by its
    /// own key, and an authority's.
    pub(crate) fn self_made() -> Certificate {
        let mut params = params("localhost");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a new key");
        let signed = params.self_signed(&key).expect("it can be signed");
        Certificate::new(&signed, &key)
    }
}

fn params(name: &str) -> CertificateParams {
    CertificateParams::new(vec![name.to_owned()]).expect("a good name")
}

/// The seconds since 1970 so many days from now.
fn day(from_now: i64) -> Duration {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    let seconds = now.as_secs().checked_add_signed(from_now * 86_400);
    Duration::from_secs(seconds.expect("a near date"))
}

impl Certificate {
    fn new(signed: &rcgen::Certificate, key: &KeyPair) -> Self {
        let chain = signed.der().clone();
        Self { chain, key: PrivateKeyDer::Pkcs8(key.serialize_der().into()), pem: signed.pem() }
    }

    pub(crate) fn pem(&self) -> String {
        self.pem.clone()
    }
}

/// Speaks TLS, and passes on what it hears to a hub.
pub(crate) struct Gate {
    port: u16,
}

impl Gate {
    pub(crate) async fn new(hub: u16, certificate: Certificate) -> Self {
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("there are versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.chain], certificate.key)
            .expect("a key for its certificate");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // A client that does not believe us closes the connection.
                    let Ok(mut inside) = acceptor.accept(stream).await else { return };
                    let Ok(mut hub) = TcpStream::connect(("127.0.0.1", hub)).await else { return };
                    let _ = tokio::io::copy_bidirectional(&mut inside, &mut hub).await;
                });
            }
        });
        Self { port }
    }

    /// By its name, since that is what certificates are for.
    pub(crate) fn endpoint(&self) -> String {
        format!("https://localhost:{}", self.port)
    }
}
