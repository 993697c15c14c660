//! Whom to believe that a host is who it says: the system's authorities, or those of a bundle.
//!
//! A bundle takes the place of the system's, as with curl, requests and OpenSSL. If several are
//! named, all of them count. Checks no certificate of a host itself, but one case that OpenSSL
//! allows and webpki does not.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::fault::Fault;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

use super::certificate::is_self_made;
use super::network::Network;

/// How TLS is spoken, where it is.
#[derive(Clone, Debug)]
pub(super) struct Trust {
    pub(super) config: Option<ClientConfig>,
}

impl Trust {
    /// Believes nobody: for what is not secure anyway, so that it needs no authorities.
    pub(super) const fn needless() -> Self {
        Self { config: None }
    }

    /// Reads the authorities. Blocks for a moment.
    ///
    /// # Errors
    ///
    /// When there are none, or those that are named cannot be read.
    pub(super) fn new(network: &Network) -> Result<Self, Fault> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier: Result<Arc<dyn ServerCertVerifier>, String> = if network.bundles.is_empty() {
            // On Linux this fails only if there are none.
            let system = rustls_platform_verifier::Verifier::new(Arc::clone(&provider));
            system.map(|system| Arc::new(system) as _).map_err(|_| NO_AUTHORITIES.to_owned())
        } else {
            read_bundles(&network.bundles)
                .and_then(|named| Named::new(named, Arc::clone(&provider)))
                .map(|named| Arc::new(named) as _)
        };
        let config = verifier.and_then(|verifier| config(provider, verifier));
        config.map(|config| Self { config: Some(config) }).map_err(Fault::NoAuthorities)
    }
}

fn config(
    provider: Arc<CryptoProvider>,
    verifier: Arc<dyn ServerCertVerifier>,
) -> Result<ClientConfig, String> {
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

fn read_bundles(
    bundles: &[(&'static str, PathBuf)],
) -> Result<Vec<CertificateDer<'static>>, String> {
    let mut all = Vec::new();
    for (variable, path) in bundles {
        let flaw = |why: &str| format!("{variable} names {}, {why}", path.display());
        let is_folder = path.is_dir();
        let found = if is_folder { read_folder(path) } else { read_file(path) };
        let found = found.map_err(|error| flaw(&format!("which cannot be read: {error}")))?;
        if found.is_empty() && !is_folder {
            return Err(flaw("in which there is no certificate"));
        }
        all.extend(found);
    }
    if let (true, Some((variable, path))) = (all.is_empty(), bundles.first()) {
        let path = path.display();
        return Err(format!("{variable} names {path}, in which there is no certificate"));
    }
    Ok(all)
}

/// All certificates of all files in a folder: as `openssl rehash` leaves it, or not.
fn read_folder(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let entries: io::Result<Vec<PathBuf>> =
        std::fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut files = entries?;
    files.retain(|file| file.is_file());
    files.sort();
    let mut all = Vec::new();
    for file in files {
        // A key that only its owner may read lies beside many a certificate.
        for certificate in read_file(&file).unwrap_or_default() {
            if !all.contains(&certificate) {
                all.push(certificate);
            }
        }
    }
    Ok(all)
}

fn read_file(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let text = std::fs::read(path)?;
    // What else is in it is not ours to judge.
    Ok(CertificateDer::pem_slice_iter(&text).filter_map(Result::ok).collect())
}

/// Believes the authorities that a person has named, and a host whose own certificate is among
/// them although it is made like an authority's: what `openssl req -x509` makes, and OpenSSL
/// accepts.
#[derive(Debug)]
struct Named {
    inner: Arc<WebPkiServerVerifier>,
    named: Vec<CertificateDer<'static>>,
}

impl Named {
    fn new(
        named: Vec<CertificateDer<'static>>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(named.iter().cloned());
        let inner = WebPkiServerVerifier::builder_with_provider(roots.into(), provider).build();
        Ok(Self { inner: inner.map_err(|error| error.to_string())?, named })
    }
}

impl ServerCertVerifier for Named {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let checked = self.inner.verify_server_cert(certificate, intermediates, name, ocsp, now);
        match checked {
            // webpki finds this after it has looked at the dates, and before the name.
            Err(Error::InvalidCertificate(CertificateError::Other(other)))
                if is_self_made(&other) && self.named.contains(certificate) =>
            {
                verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            checked => checked,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

const NO_AUTHORITIES: &str = "no certificate authorities are installed on this machine";
