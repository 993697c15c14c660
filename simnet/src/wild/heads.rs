//! Heads of answers and faults, drawn from choices: what servers, links and disks have been seen to
//! do, and what nobody has.
//!
//! Knows no state.

use engine::fault::{DiskFault, Fault};
use engine::hub::head::Head;
use engine::range::ByteRange;
use engine::time::Duration;

use super::choices::Choices;

pub(super) fn head(choices: &mut Choices<'_>, range: ByteRange, size: u64, whole: bool) -> Head {
    let etag = *choices.one_of(&["\"a\"", "\"a\"", "\"a\"", "\"b\"", "W/\"a\"", ""]);
    let content_range = format!("bytes {}-{}/{size}", range.start, range.end.max(1) - 1);
    let length = (size.to_string(), (size + 1).to_string());
    let mut headers = vec![("etag", etag.to_owned())];
    let status = match choices.below(16) {
        0..=7 if whole => {
            headers.push(("content-length", length.0));
            200
        }
        0..=7 => {
            headers.push(("content-range", content_range));
            206
        }
        8 => {
            headers.push(("content-length", length.0));
            200
        }
        9 => 200,
        10 => 206,
        11 => {
            headers.push(("content-range", format!("bytes 0-0/{}", size + 1)));
            206
        }
        12 => {
            headers.push(("content-type", "text/html".to_owned()));
            200
        }
        13 => {
            headers.push(("retry-after", choices.one_of(&["0", "5", "-1", "x"]).to_string()));
            *choices.one_of(&[429, 503])
        }
        14 => {
            headers.push(("content-length", length.1));
            200
        }
        _ => *choices.one_of(&[403, 401, 404, 416, 500, 302, 410, 206]),
    };
    Head::new(status, headers)
}

pub(super) fn fault(choices: &mut Choices<'_>) -> Fault {
    let pause = [None, Some(Duration::ZERO), Some(Duration::from_secs(7))];
    match choices.below(12) {
        0 | 1 => Fault::Reset,
        2 => Fault::Refused,
        3 => Fault::Cut,
        4 => Fault::Silent(Duration::from_secs(5)),
        5 => Fault::Busy { status: 429, retry_after: *choices.one_of(&pause) },
        6 => Fault::refused(*choices.one_of(&[401, 403])),
        7 => Fault::Portal,
        8 => Fault::Malformed("nonsense".into()),
        9 => Fault::NoXet("a proxy".into()),
        10 => Fault::NoSuchHost("cdn.example".into()),
        _ => Fault::Unreachable,
    }
}

pub(super) fn disk_fault(choices: &mut Choices<'_>) -> Fault {
    Fault::Disk(match choices.below(4) {
        0 => DiskFault::Full,
        1 => DiskFault::Gone("part".into()),
        2 => DiskFault::Touched,
        _ => DiskFault::Io("a bad sector".into()),
    })
}
