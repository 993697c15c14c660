//! Errors of HTTP clients that are built on hyper, as faults.
//!
//! Knows no client by its type: it goes through the causes, so that every client that has them
//! tells the same fault for the same event.

use std::error::Error;
use std::io::ErrorKind;

use engine::fault::Fault;

/// One error as one fault, by the first cause that says what happened. `is_connecting` if there
/// was no connection yet, to `host`.
pub fn fault_of(error: &(dyn Error + 'static), is_connecting: bool, host: &str) -> Fault {
    let mut cause = Some(error);
    while let Some(current) = cause {
        let text = current.to_string();
        if text.contains("dns error") {
            let is_certain = words_of(error).contains("not known");
            let host = host.to_owned();
            return if is_certain { Fault::NoSuchHost(host) } else { Fault::Lookup(host) };
        }
        if let Some(fault) = current.downcast_ref::<std::io::Error>().and_then(fault_of_io) {
            return fault;
        }
        cause = current.source();
    }
    if is_connecting { Fault::Link(words_of(error)) } else { Fault::Cut }
}

/// The last cause of an error, which says the most.
pub(super) fn words_of(error: &dyn Error) -> String {
    let mut last: &dyn Error = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

#[expect(clippy::wildcard_enum_match_arm, reason = "std may add kinds at any time")]
fn fault_of_io(error: &std::io::Error) -> Option<Fault> {
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
        // Where rustls puts what it does not like about the other side.
        ErrorKind::InvalidData => Fault::Tls(error.to_string()),
        _ => return None,
    };
    Some(fault)
}
