//! The view as lines, for a log or a terminal without a cursor: one for each fact and chunk, and
//! a heartbeat.
//!
//! Says nothing on its own account; the words are the view's.

use std::time::Duration;

use engine::time::Instant;

use super::view::{Notice, View};

/// When the last line with figures was said.
#[derive(Debug)]
pub(crate) struct Lines {
    last_figures: Instant,
}

impl Lines {
    /// Nothing was said yet.
    pub(crate) const fn new(now: Instant) -> Self {
        Self { last_figures: now }
    }

    /// The line for a notice.
    pub(crate) fn on_notice(&mut self, notice: &Notice, now: Instant) -> String {
        if let Notice::Chunk(_) = notice {
            self.last_figures = now;
        }
        notice.words().to_owned()
    }

    /// The heartbeat, when it is due.
    pub(crate) fn on_tick(&mut self, view: &View, now: Instant) -> Option<String> {
        if now.since(self.last_figures) < HEARTBEAT {
            return None;
        }
        self.last_figures = now;
        let sentence = view.sentence(now);
        Some(match view.total(now) {
            Some(total) => format!("{total}; {sentence}"),
            None => sentence,
        })
    }
}

/// Silence is never longer than this; a little less than 10 s, since ticks are not exact.
const HEARTBEAT: Duration = Duration::from_millis(9_500);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heart_beats_between_chunks() {
        let at = |millis| Instant::at(Duration::from_millis(millis));
        let view = View::new("org/name", at(0));
        let mut lines = Lines::new(at(0));
        assert_eq!(lines.on_tick(&view, at(9_000)), None);
        assert_eq!(lines.on_tick(&view, at(9_500)).as_deref(), Some("starting"));
        assert_eq!(lines.on_tick(&view, at(10_000)), None);
        lines.on_notice(&Notice::Fact("a fact has no figures".to_owned()), at(15_000));
        assert!(lines.on_tick(&view, at(19_000)).is_some());
        lines.on_notice(&Notice::Chunk("a chunk has".to_owned()), at(25_000));
        assert_eq!(lines.on_tick(&view, at(30_000)), None);
    }
}
