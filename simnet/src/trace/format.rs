//! The two formats in which recordings of capacity are published.
//!
//! Which of them a text is in is known before.

use super::{Trace, TraceError, TraceFlaw};

/// `dur_ms,bytes`: a header, then a row for each interval.
pub(super) fn parse_rows(text: &str) -> Result<Trace, TraceError> {
    let mut trace = Trace::empty();
    let mut line = 1;
    for row in text.lines().skip(1) {
        line += 1;
        add_row(&mut trace, row).map_err(|flaw| TraceError { line, flaw })?;
    }
    if trace.len == 0 {
        return Err(TraceError { line, flaw: TraceFlaw::CarriesNothing });
    }
    Ok(trace)
}

/// Mahimahi's: a line for each packet. A packet takes the millisecond before its time; what is at
/// 0 ms belongs to the millisecond before the next round, as in Mahimahi.
pub(super) fn parse_opportunities(text: &str) -> Result<Trace, TraceError> {
    let mut trace = Trace::empty();
    let (mut line, mut last, mut packets, mut wrapped) = (0, 0, 0, 0);
    for row in text.lines() {
        line += 1;
        let at = |flaw| TraceError { line, flaw };
        let millis: u32 = row.parse().map_err(|_| at(TraceFlaw::NotATime))?;
        if millis < last {
            return Err(at(TraceFlaw::NotATime));
        }
        if millis > last {
            close_millis(&mut trace, last, packets).map_err(at)?;
            wait_until(&mut trace, millis - 1).map_err(at)?;
            (last, packets) = (millis, 0);
        }
        if millis == 0 { wrapped += 1 } else { packets += 1 }
    }
    let at = |flaw| TraceError { line, flaw };
    if last == 0 {
        return Err(at(TraceFlaw::NoTime));
    }
    close_millis(&mut trace, last, packets + wrapped).map_err(at)?;
    Ok(trace)
}

fn add_row(trace: &mut Trace, row: &str) -> Result<(), TraceFlaw> {
    let (millis, len) = row.split_once(',').ok_or(TraceFlaw::NotARow)?;
    let millis: u32 = millis.parse().map_err(|_| TraceFlaw::NotARow)?;
    let len: u64 = len.parse().map_err(|_| TraceFlaw::NotARow)?;
    if millis == 0 {
        return Err(TraceFlaw::NoTime);
    }
    trace.add(u64::from(millis) * NANOS_PER_MILLI, len)
}

/// The millisecond that ends at `millis` has carried so many packets.
fn close_millis(trace: &mut Trace, millis: u32, packets: u64) -> Result<(), TraceFlaw> {
    if millis == 0 {
        return Ok(());
    }
    trace.add(NANOS_PER_MILLI, packets * PACKET_LEN)
}

/// Nothing more is carried before `millis`.
fn wait_until(trace: &mut Trace, millis: u32) -> Result<(), TraceFlaw> {
    let nanos = u64::from(millis) * NANOS_PER_MILLI - trace.period_nanos;
    if nanos == 0 { Ok(()) } else { trace.add(nanos, 0) }
}

const NANOS_PER_MILLI: u64 = 1_000_000;
const PACKET_LEN: u64 = 1500;
