//! Links from text: our own recordings, and the two formats in which others publish theirs.
//!
//! Opens no file.

use std::fmt::Write;

use engine::time::Duration;

use super::Profile;
use crate::trace::{Trace, TraceError, TraceFlaw};

impl Profile {
    /// Reads a recorded link, in whichever of three formats it is:
    ///
    /// 1. our own: a line `# moshi-link 1`, any number of lines `NAME VALUE`, then a recording in
    ///    the second format. The names are `rtt_ms` and `queue_bytes`; both are whole numbers and
    ///    may be missing. Further lines that begin with `#` are for people.
    /// 2. `dur_ms,bytes`: see [`Trace::parse`];
    /// 3. Mahimahi's: see [`Trace::parse`].
    ///
    /// What is not recorded is 120 ms for the round trip, 64 KiB for the queue, and nothing for
    /// the rest.
    ///
    /// # Errors
    ///
    /// The first line that cannot be read.
    pub fn read(text: &str) -> Result<Self, TraceError> {
        if text.lines().next() != Some(SIGNATURE) {
            return Ok(with_trace(Trace::parse(text)?));
        }
        let mut settings = Vec::new();
        let mut skipped = 0;
        let mut rest = text;
        loop {
            let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
            let line_text = line.trim_end_matches('\r');
            if line_text == Trace::HEADER {
                break;
            }
            if !line_text.starts_with('#') {
                let setting = setting(line_text);
                let wrong = TraceError { line: skipped + 1, flaw: TraceFlaw::NotASetting };
                settings.push(setting.ok_or(wrong)?);
            }
            (rest, skipped) = (after, skipped + 1);
        }
        let further = |error: TraceError| TraceError { line: error.line + skipped, ..error };
        let mut profile = with_trace(Trace::parse(rest).map_err(further)?);
        for setting in settings {
            match setting {
                Setting::RttMillis(millis) => profile.rtt = Duration::from_millis(millis.into()),
                Setting::QueueBytes(len) => profile.queue = len.into(),
            }
        }
        Ok(profile)
    }
}

/// A recorded link as text, in our own format: the round trip if it is known, and for each
/// interval how many milliseconds it lasted and how many bytes it carried.
pub fn write_recorded(rtt: Option<Duration>, rows: &[(u32, u64)]) -> String {
    let mut text = format!("{SIGNATURE}\n");
    if let Some(rtt) = rtt {
        writeln!(text, "rtt_ms {}", rtt.as_millis()).expect("a string takes all");
    }
    writeln!(text, "{}", Trace::HEADER).expect("a string takes all");
    for (millis, len) in rows {
        writeln!(text, "{millis},{len}").expect("a string takes all");
    }
    text
}

enum Setting {
    RttMillis(u32),
    QueueBytes(u32),
}

fn setting(line: &str) -> Option<Setting> {
    let (name, value) = line.split_once(' ')?;
    let value = value.parse().ok()?;
    match name {
        "rtt_ms" => Some(Setting::RttMillis(value)),
        "queue_bytes" => Some(Setting::QueueBytes(value)),
        _ => None,
    }
}

fn with_trace(trace: Trace) -> Profile {
    Profile { queue: QUEUE, ..Profile::plain(trace, RTT) }
}

const SIGNATURE: &str = "# moshi-link 1";
const RTT: Duration = Duration::from_millis(120);
const QUEUE: u64 = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        let rows = [(1000, 5000), (500, 0)];
        let text = write_recorded(Some(Duration::from_millis(80)), &rows);
        let profile = Profile::read(&text).unwrap();
        assert_eq!(profile.rtt, Duration::from_millis(80));
        assert_eq!(profile.trace, Trace::parse("dur_ms,bytes\n1000,5000\n500,0\n").unwrap());
        let unknown = Profile::read(&write_recorded(None, &rows)).unwrap();
        assert_eq!(unknown, Profile { rtt: RTT, ..profile });
    }

    #[test]
    fn recognises_three_formats() {
        let rows = "dur_ms,bytes\r\n1000,3000\r\n";
        let ours = format!("# moshi-link 1\r\n# by night\nqueue_bytes 7\n{rows}");
        let queue = |text: &str| Profile::read(text).map(|profile| profile.queue);
        assert_eq!(queue(&ours), Ok(7));
        assert_eq!(queue(rows), Ok(QUEUE));
        assert_eq!(queue("500\n1000\n"), Ok(QUEUE));
        for text in [ours.as_str(), rows, "500\n1000\n"] {
            assert_eq!(Profile::read(text).unwrap().trace.mean(), 3000, "{text}");
        }
    }

    #[test]
    fn a_bad_line_is_named_where_it_stands() {
        let cases = [
            ("# moshi-link 2\ndur_ms,bytes\n1,1", 1, TraceFlaw::NoHeader),
            ("# moshi-link 1\nrtt_ms fast\n", 2, TraceFlaw::NotASetting),
            ("# moshi-link 1\nhue 3\ndur_ms,bytes\n1,1\n", 2, TraceFlaw::NotASetting),
            ("# moshi-link 1\nrtt_ms 3\n", 3, TraceFlaw::NotASetting),
            ("# moshi-link 1", 2, TraceFlaw::NotASetting),
            ("# moshi-link 1\nrtt_ms 3\ndur_ms,bytes\n1,x\n", 4, TraceFlaw::NotARow),
        ];
        for (text, line, flaw) in cases {
            assert_eq!(Profile::read(text), Err(TraceError { line, flaw }), "{text:?}");
        }
    }
}
