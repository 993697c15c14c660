//! One suite over both ways to speak HTTP: reqwest on loopback, and hyper on simulated sockets.
//! What holds for one holds for the other, or the simulation proves nothing.
//!
//! Does not test what a transfer makes of an answer. What differs between the two by nature:
//!
//! - A name that does not exist: the real resolver may be out of reach, which is another fault.
//! - The version in `User-Agent` is the crate's own.
//! - TLS and proxies: the simulation has neither.
//! - When a connection ends by a reset, simulated TCP delivers what was sent before; real TCP
//!   does, too, if the hub waits until it was acknowledged, which it does.

#![expect(clippy::unwrap_used, reason = "what a case needs and does not get fails it")]

#[path = "conformance/answers.rs"]
mod answers;
#[path = "conformance/arm.rs"]
mod arm;
#[path = "conformance/connections.rs"]
mod connections;
#[path = "conformance/endings.rs"]
mod endings;
#[path = "conformance/exchange.rs"]
mod exchange;
#[path = "conformance/puppet.rs"]
mod puppet;
#[path = "conformance/words.rs"]
mod words;

/// Runs each case over both: against a hub with these rules, or against these replies.
macro_rules! conformance {
    ($($kind:ident $case:ident::$name:ident $given:expr;)*) => {
        mod over_reqwest {
            use crate::words;
            $(#[test] fn $name() { crate::arm::real::$kind($given, crate::$case::$name); })*
        }
        mod over_simulated_sockets {
            use crate::words;
            $(#[test] fn $name() { crate::arm::simulated::$kind($given, crate::$case::$name); })*
        }
    };
}

conformance! {
    hub answers::a_small_file_is_answered_at_once &[];
    hub answers::a_head_has_no_body &[];
    hub answers::a_range_is_exactly_that &[];
    hub answers::an_empty_file_has_an_empty_body &[];
    hub answers::redirects_are_not_followed &[];
    hub answers::a_post_takes_its_body_along &[];
    hub answers::the_token_goes_where_it_is_sent &[];
    hub answers::a_refusal_says_when_to_come_back &["status 429 retry-after=7"];
    hub answers::a_portal_is_seen_as_such &["portal"];
    hub answers::a_compressed_body_stays_compressed &["gzip route=resolve-cache"];
    hub answers::a_head_may_come_byte_by_byte &["slow-loris interval=1ms route=resolve-cache"];
    hub answers::a_big_body_comes_in_pieces &[];
    hub connections::requests_in_turn_share_a_connection &[];
    hub connections::requests_at_once_have_a_connection_each &[];
    hub connections::a_body_that_is_dropped_ends_its_connection &[];
    hub endings::a_close_in_the_body_is_a_cut &["fin after=100000 route=cdn times=1"];
    hub endings::a_reset_in_the_body_is_one_after_what_came &["rst after=100000 route=cdn times=1"];
    hub endings::a_reset_before_the_head_is_one &["refuse"];
    hub endings::a_door_that_is_shut_refuses &["refuse"];
    hub endings::a_stalled_body_stays_pending &["stall after=100000 route=cdn"];
    hub endings::a_name_that_does_not_exist_is_said_so &[];
    puppet words::a_request_says_no_more_than_it_must &[&words::OK];
    puppet words::a_chunked_body_is_put_together &[&words::CHUNKED];
    puppet words::a_chunked_body_that_ends_early_is_a_cut &[&words::CHUNKED_CUT];
    puppet words::a_body_may_end_with_its_connection &[&words::UNBOUNDED];
    puppet words::odd_bytes_in_a_header_do_no_harm &[&words::ODD];
    puppet words::an_interim_answer_is_passed_over &[&words::INTERIM];
    puppet words::nonsense_is_told &[&words::NONSENSE];
    puppet words::a_close_without_a_word_is_a_cut &[&words::NOTHING];
    puppet connections::a_connection_that_was_closed_while_idle_is_no_fault
        &[&words::CLOSED_WHEN_TOLD, &words::OK, &words::OK];
    puppet connections::a_connection_that_was_reset_while_idle_is_no_fault
        &[&words::RESET_WHEN_TOLD, &words::OK, &words::OK];
}
