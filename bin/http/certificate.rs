//! What is wrong with a certificate, in words that say what to look at.
//!
//! Checks no certificate; rustls does.

use std::time::{Duration, SystemTime};

use engine::fault::Fault;
use rustls::pki_types::UnixTime;
use rustls::{CertificateError, InvalidMessage};

/// Why there is no secure connection to `host`.
#[expect(clippy::wildcard_enum_match_arm, reason = "rustls may add errors at any time")]
pub(super) fn fault_of_tls(error: &rustls::Error, host: &str) -> Fault {
    match error {
        rustls::Error::InvalidCertificate(flaw) => Fault::Certificate(words(flaw, host)),
        // What is not TLS is most often HTTP.
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => Fault::Tls(format!(
            "{host} does not speak TLS here: is it an http: address, or a proxy on the way?"
        )),
        rustls::Error::AlertReceived(alert) => Fault::Tls(format!("{host} refuses: {alert:?}")),
        other => Fault::Tls(other.to_string()),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "rustls may add errors at any time")]
fn words(flaw: &CertificateError, host: &str) -> String {
    match flaw {
        CertificateError::ExpiredContext { time, not_after } => format!(
            "the certificate of {host} ended {}, and this machine's clock says {}",
            date(*not_after),
            date(*time)
        ),
        CertificateError::NotValidYetContext { time, not_before } => format!(
            "the certificate of {host} begins {}, and this machine's clock says {}",
            date(*not_before),
            date(*time)
        ),
        CertificateError::Expired => format!("the certificate of {host} has ended"),
        CertificateError::NotValidYet => format!("the certificate of {host} has not begun"),
        CertificateError::Revoked => format!("the certificate of {host} was revoked"),
        CertificateError::UnknownIssuer => {
            format!("the certificate of {host} is by an authority that this machine does not know")
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names = presented.iter().take(NAMES_MAX).map(|name| clean(inner(name)));
            let names: Vec<String> = names.filter(|name| !name.is_empty()).collect();
            let of = if names.is_empty() { "no host".to_owned() } else { names.join(", ") };
            format!("the certificate is not for {host}, but for {of}")
        }
        CertificateError::NotValidForName => format!("the certificate is not for {host}"),
        CertificateError::Other(other) if is_self_made(other) => {
            format!("the certificate of {host} is by itself, not by an authority")
        }
        other => format!("the certificate of {host} is not valid: {}", clean(&other.to_string())),
    }
}

/// A certificate of an authority where that of a host should be: what `openssl req -x509` makes.
pub(super) fn is_self_made(other: &rustls::OtherError) -> bool {
    format!("{other:?}").contains("CaUsedAsEndEntity")
}

fn date(time: UnixTime) -> String {
    let since = Duration::from_secs(time.as_secs().min(DATE_MAX));
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + since)
}

/// The name in what rustls presents, such as `DnsName("hub.test")`.
fn inner(presented: &str) -> &str {
    let quoted = presented.split_once('"').and_then(|(_, rest)| rest.rsplit_once('"'));
    quoted.map_or(presented, |(name, _)| name)
}

/// Text of a stranger: a certificate's names may be anything.
fn clean(text: &str) -> String {
    let plain = text.chars().filter(|c| c.is_ascii_graphic() || *c == ' ');
    plain.take(TEXT_MAX).collect()
}

/// As many of a certificate's names are told, ...
const NAMES_MAX: usize = 3;
/// ... and as many characters of each.
const TEXT_MAX: usize = 100;
/// The end of the year 9999, after which dates have no text.
const DATE_MAX: u64 = 253_402_300_799;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flaws_are_told_with_what_to_look_at() {
        let at = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let name = rustls::pki_types::ServerName::try_from("hub.test").unwrap();
        for (flaw, expected) in [
            (
                CertificateError::ExpiredContext { time: at(86_400), not_after: at(0) },
                "the certificate of hub.test ended Thu, 01 Jan 1970 00:00:00 GMT, and this \
                 machine's clock says Fri, 02 Jan 1970 00:00:00 GMT",
            ),
            (
                CertificateError::NotValidYetContext { time: at(0), not_before: at(u64::MAX) },
                "the certificate of hub.test begins Fri, 31 Dec 9999 23:59:59 GMT, and this \
                 machine's clock says Thu, 01 Jan 1970 00:00:00 GMT",
            ),
            (
                CertificateError::UnknownIssuer,
                "the certificate of hub.test is by an authority that this machine does not know",
            ),
            (
                CertificateError::NotValidForNameContext {
                    expected: name.to_owned(),
                    presented: ["DnsName(\"a\u{1b}[1m.test\")", "b", "c", "d"]
                        .map(String::from)
                        .into(),
                },
                "the certificate is not for hub.test, but for a[1m.test, b, c",
            ),
            (CertificateError::Revoked, "the certificate of hub.test was revoked"),
            (
                CertificateError::BadEncoding,
                "the certificate of hub.test is not valid: BadEncoding",
            ),
        ] {
            let error = rustls::Error::InvalidCertificate(flaw);
            let expected = Fault::Certificate(expected.to_owned());
            assert_eq!(fault_of_tls(&error, "hub.test"), expected);
        }
    }

    #[test]
    fn what_is_no_certificate_is_trouble_with_tls() {
        for (error, words) in [
            (InvalidMessage::InvalidContentType.into(), "does not speak TLS"),
            (rustls::Error::AlertReceived(rustls::AlertDescription::AccessDenied), "AccessDenied"),
            (rustls::Error::DecryptError, "cannot decrypt"),
        ] {
            let fault = fault_of_tls(&error, "hub.test");
            assert!(matches!(&fault, Fault::Tls(told) if told.contains(words)), "{fault}");
        }
    }
}
