//! Errors of HTTP clients that are built on hyper, as faults.
//!
//! Knows no client by its type: it goes through the causes, so that every client that has them
//! tells the same fault for the same event.

use std::error::Error;
use std::fmt;
use std::io::ErrorKind;

use engine::fault::Fault;

use super::certificate::fault_of_tls;

/// A fault that is known already, on its way through an HTTP client.
#[derive(Debug)]
pub(super) struct Known(pub(super) Fault);

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Known {}

/// One error as one fault, by the first cause that says what happened. `is_connecting` if there
/// was no connection yet, to `host`.
pub fn fault_of(error: &(dyn Error + 'static), is_connecting: bool, host: &str) -> Fault {
    // Clients put words of their own around it.
    if let Some(Known(fault)) = causes(error).find_map(|cause| cause.downcast_ref()) {
        return fault.clone();
    }
    for cause in causes(error) {
        if let Some(error) = cause.downcast_ref::<rustls::Error>() {
            return fault_of_tls(error, host);
        }
        let words = cause.to_string();
        if words.contains("dns error") {
            return fault_of_lookup(error, host);
        }
        // hyper's words for a head that is none: "invalid HTTP version parsed" and the like.
        if words.starts_with("invalid HTTP") {
            return Fault::Malformed(NOT_HTTP.to_owned());
        }
        if let Some(fault) = cause.downcast_ref::<std::io::Error>().and_then(fault_of_io) {
            return fault;
        }
    }
    if is_connecting { Fault::Link(words_of(error)) } else { Fault::Cut }
}

/// An error and all that caused it, the outermost first.
pub(super) fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |current: &&'a (dyn Error + 'static)| {
        let current: &'a (dyn Error + 'static) = *current;
        // What is wrapped in an I/O error is not its source: its source's source is.
        let io = current.downcast_ref::<std::io::Error>();
        match io.and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => current.source(),
        }
    })
}

/// The last cause of an error, which says the most.
pub(super) fn words_of(error: &(dyn Error + 'static)) -> String {
    causes(error).last().unwrap_or(error).to_string()
}

/// What it means that `host` could not be looked up. The words are those of the C libraries:
/// glibc, macOS and FreeBSD; musl; Windows.
pub(super) fn fault_of_lookup(error: &(dyn Error + 'static), host: &str) -> Fault {
    if let Some(Known(fault)) = causes(error).find_map(|cause| cause.downcast_ref()) {
        return fault.clone();
    }
    let words = words_of(error).to_ascii_lowercase();
    let certain = ["not known", "does not resolve", "no such host", "no address associated"];
    let host = host.to_owned();
    if certain.iter().any(|part| words.contains(part)) {
        Fault::NoSuchHost(host)
    } else {
        Fault::Lookup(host)
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "std may add kinds at any time")]
pub(super) fn fault_of_io(error: &std::io::Error) -> Option<Fault> {
    let fault = match error.kind() {
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
            Fault::Reset
        }
        ErrorKind::ConnectionRefused => Fault::Refused,
        ErrorKind::UnexpectedEof => Fault::Cut,
        ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable | ErrorKind::NetworkDown => {
            Fault::Unreachable
        }
        ErrorKind::TimedOut => Fault::Link("the connection timed out".to_owned()),
        _ => return None,
    };
    Some(fault)
}

const NOT_HTTP: &str = "it is not HTTP; is it an https: address, or another kind of server?";

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug)]
    struct Around(Known);

    impl fmt::Display for Around {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("dns error")
        }
    }

    impl Error for Around {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn the_first_cause_that_says_what_happened_is_told() {
        let lookup = |words: &str| io::Error::other(format!("dns error: {words}"));
        let host = "hub.test";
        for (error, expected) in [
            (io::Error::from(ErrorKind::ConnectionRefused), Fault::Refused),
            (io::Error::from(ErrorKind::HostUnreachable), Fault::Unreachable),
            (io::Error::other(io::Error::from(ErrorKind::ConnectionReset)), Fault::Reset),
            (io::Error::other(Known(Fault::Portal)), Fault::Portal),
            (io::Error::other(Around(Known(Fault::Portal))), Fault::Portal),
            (lookup("Name or service not known"), Fault::NoSuchHost(host.to_owned())),
            (lookup("Name does not resolve"), Fault::NoSuchHost(host.to_owned())),
            (lookup("No such host is known. (os error 11001)"), Fault::NoSuchHost(host.to_owned())),
            (lookup("Temporary failure in name resolution"), Fault::Lookup(host.to_owned())),
            (
                io::Error::other("invalid HTTP version parsed"),
                Fault::Malformed(NOT_HTTP.to_owned()),
            ),
            (io::Error::other("odd"), Fault::Link("odd".to_owned())),
        ] {
            assert_eq!(fault_of(&error, true, host), expected, "{error}");
        }
        assert_eq!(fault_of(&io::Error::other("odd"), false, host), Fault::Cut);
    }
}
