//! What happened in one run, as typed rows in the order in which it happened.
//!
//! Judges nothing and draws nothing: a [`plot`](crate::plot) shows it, a checker reads it.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use engine::range::ByteRange;
use engine::time::Instant;

/// One run, from its beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Recording {
    rows: Vec<Row>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Row {
    /// When.
    pub at: Instant,
    /// What.
    pub what: What,
}

/// What can happen. A worker is whatever carries bytes by itself: a request of the bare machine,
/// a connection of the whole product.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum What {
    /// A worker begins, to bring this range of a file if that is known.
    Open {
        /// Which worker.
        worker: u64,
        /// What it is to bring.
        range: Option<ByteRange>,
    },
    /// Bytes arrived.
    Bytes {
        /// On which worker.
        worker: u64,
        /// How many.
        len: u64,
    },
    /// A worker ended.
    Close {
        /// Which worker.
        worker: u64,
        /// How, in a word or two.
        how: String,
    },
    /// So many bytes are proven by now, in all files together.
    Proven {
        /// How many.
        len: u64,
    },
    /// So many requests may be open, or are, by now.
    Window {
        /// How many.
        limit: u32,
    },
    /// From now on the link carries this much.
    Capacity {
        /// In bytes per second.
        rate: u64,
    },
    /// Something went wrong.
    Fault {
        /// What, in a word or two.
        what: String,
    },
    /// Something else worth knowing: a kill, an outage and its end, a sealed file, the end.
    Mark {
        /// What, in a few words.
        what: String,
    },
}

impl Recording {
    /// Adds a row, where its time says. Rows of one moment keep the order in which they came:
    /// simulated hosts run one after the other, each a little ahead of the next.
    pub fn push(&mut self, at: Instant, what: What) {
        let place = self.rows.iter().rposition(|row| row.at <= at).map_or(0, |last| last + 1);
        self.rows.insert(place, Row { at, what });
    }

    /// Everything, in order.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// A number that differs as soon as anything in it does: the same for the same run, in every
    /// process of one build.
    pub fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }
}

/// The rows as text, without the single arrivals of bytes: what they come to is said at the end
/// of each worker.
impl fmt::Display for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut arrived = std::collections::BTreeMap::<u64, u64>::new();
        for Row { at, what } in &self.rows {
            let seconds = at.since_start().as_secs_f64();
            match what {
                What::Bytes { worker, len } => {
                    *arrived.entry(*worker).or_default() += len;
                    continue;
                }
                What::Proven { .. } => continue,
                What::Open { worker, range: Some(range) } => {
                    writeln!(f, "{seconds:10.3} open {worker} for {range}")?;
                }
                What::Open { worker, range: None } => writeln!(f, "{seconds:10.3} open {worker}")?,
                What::Close { worker, how } => {
                    let len = arrived.remove(worker).unwrap_or_default();
                    writeln!(f, "{seconds:10.3} close {worker}: {how}, {len} bytes")?;
                }
                What::Window { limit } => writeln!(f, "{seconds:10.3} window {limit}")?,
                What::Capacity { rate } => writeln!(f, "{seconds:10.3} capacity {rate} B/s")?,
                What::Fault { what } => writeln!(f, "{seconds:10.3} fault: {what}")?,
                What::Mark { what } => writeln!(f, "{seconds:10.3} {what}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use engine::time::Duration;

    use super::*;

    fn recording(len: u64) -> Recording {
        let mut recording = Recording::default();
        let at = |millis| Instant::at(Duration::from_millis(millis));
        let range = Some(ByteRange::new(0, 10));
        recording.push(at(0), What::Open { worker: 1, range });
        recording.push(at(5), What::Bytes { worker: 1, len });
        recording.push(at(7), What::Bytes { worker: 1, len: 2 });
        recording.push(at(7), What::Fault { what: "reset".to_owned() });
        recording.push(at(1500), What::Close { worker: 1, how: "reset".to_owned() });
        recording
    }

    #[test]
    fn every_row_counts_for_the_digest() {
        assert_eq!(recording(3).digest(), recording(3).digest());
        assert_ne!(recording(3).digest(), recording(4).digest());
    }

    #[test]
    fn text_sums_up_what_arrived() {
        let text = recording(3).to_string();
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        assert_eq!(
            lines,
            ["0.000 open 1 for 0..10", "0.007 fault: reset", "1.500 close 1: reset, 5 bytes"]
        );
    }
}
