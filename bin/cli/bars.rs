//! The view as bars on a terminal: one for each file in flight, one for all, and the sentence.
//!
//! Keeps no state of the fetch; every tick draws what the view says then.

use std::collections::BTreeMap;

use engine::manifest::FileId;
use engine::time::Instant;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::gate;
use super::terminal;
use super::units;
use super::view::{Notice, Progress, View};

/// What is drawn.
#[derive(Debug)]
pub(crate) struct Bars {
    multi: MultiProgress,
    files: BTreeMap<FileId, ProgressBar>,
    total: Option<ProgressBar>,
    ground: Option<ProgressBar>,
    sentence: ProgressBar,
}

impl Bars {
    /// An empty drawing on stderr.
    pub(crate) fn new() -> Self {
        let multi = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let sentence = multi.add(ProgressBar::no_length().with_style(style("{wide_msg}")));
        Self { multi, files: BTreeMap::new(), total: None, ground: None, sentence }
    }

    /// Draws what the view says now.
    pub(crate) fn on_tick(&mut self, view: &View, now: Instant) {
        let shown = view.in_flight(BARS_MAX, now);
        self.files.retain(|id, bar| {
            let is_shown = shown.iter().any(|(shown, _)| shown == id);
            if !is_shown {
                bar.finish_and_clear();
                self.multi.remove(bar);
            }
            is_shown
        });
        for (id, progress) in &shown {
            let next = self.total.as_ref().or(self.ground.as_ref()).unwrap_or(&self.sentence);
            let multi = &self.multi;
            let bar = self
                .files
                .entry(*id)
                .or_insert_with(|| multi.insert_before(next, new_bar(&progress.name)));
            draw(bar, progress);
        }
        if view.file_count() > 1
            && let Some(progress) = view.total(now)
        {
            let (multi, next) = (&self.multi, self.ground.as_ref().unwrap_or(&self.sentence));
            let bar = self.total.get_or_insert_with(|| multi.insert_before(next, new_bar("")));
            let name = short(&progress.name);
            if bar.prefix() != name {
                bar.set_prefix(name);
            }
            draw(bar, &progress);
        }
        self.draw_ground(view, now);
        self.sentence.set_message(gate::line(&view.sentence(now)).into_owned());
        terminal::rest_cursor();
    }

    /// A line of its own: the bars have no room for it on a narrow terminal.
    fn draw_ground(&mut self, view: &View, now: Instant) {
        let Some(words) = view.total(now).and_then(|total| total.ground()) else { return };
        let (multi, sentence) = (&self.multi, &self.sentence);
        let line = self.ground.get_or_insert_with(|| {
            let line = ProgressBar::no_length().with_style(style("{wide_msg}"));
            multi.insert_before(sentence, line)
        });
        if line.message() != words {
            line.set_message(words);
        }
    }

    /// Says a line above the bars. Chunks are seen in the bars.
    pub(crate) fn on_notice(&self, notice: &Notice) {
        match notice {
            Notice::Chunk(_) => {}
            Notice::Fact(words) => self.say(words),
        }
    }

    /// Says a line above the bars.
    pub(crate) fn say(&self, line: &str) {
        let _ = self.multi.println(gate::line(line));
        terminal::rest_cursor();
    }

    /// Leaves the terminal as it was, below the lines that were said.
    pub(crate) fn close(&self) {
        let _ = self.multi.clear();
    }
}

fn new_bar(name: &str) -> ProgressBar {
    let style = style("{prefix} [{wide_bar}] {msg}").progress_chars("=> ");
    ProgressBar::new(0).with_style(style).with_prefix(short(name))
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates are constants")
}

fn draw(bar: &ProgressBar, progress: &Progress) {
    let figures = figures(progress);
    if bar.message() != figures {
        bar.set_message(figures);
    }
    bar.update(|state| {
        state.set_len(progress.size);
        state.set_pos(progress.proven);
    });
}

fn figures(progress: &Progress) -> String {
    let (proven, size) = (units::size(progress.proven), units::size(progress.size));
    format!("{proven} / {size}, {}", progress.figures())
}

/// A name of exactly [`NAME_LEN`] characters: a long path keeps its end, which tells it apart.
fn short(name: &str) -> String {
    let name = gate::line(name);
    let len = name.chars().count();
    if len <= NAME_LEN {
        return format!("{name:NAME_LEN$}");
    }
    let end: String = name.chars().skip(len + 1 - NAME_LEN).collect();
    format!("…{end}")
}

/// More bars than this hide each other.
const BARS_MAX: usize = 8;
/// Leaves room for the figures on a terminal of 80 columns.
const NAME_LEN: usize = 17;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_one_length() {
        let table = [
            ("config.json", "config.json      "),
            ("model.safetensors", "model.safetensors"),
            ("onnx/model-00001-of-00004.safetensors", "…0004.safetensors"),
        ];
        for (name, expected) in table {
            assert_eq!(short(name), expected);
        }
    }

    #[test]
    fn figures_fit_beside_a_bar() {
        let progress = Progress {
            name: "model.safetensors".to_owned(),
            proven: 8_180_000_000,
            size: 14_320_000_000,
            certainty: None,
            rate: 87_100,
            left: None,
        };
        assert_eq!(figures(&progress), "8.18 GB / 14.3 GB, 57.1 %, 87.1 KB/s");
    }
}
