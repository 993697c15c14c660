//! How far the reading of files is: a bar on a terminal, a line now and then elsewhere, or JSON.
//!
//! Says nothing of what was found.

use std::time::{Duration, Instant};

use engine::manifest::FileId;
use indicatif::{ProgressBar, ProgressStyle};
use moshi_fetch::news::PlannedFile;

use super::units::{percent, size};
use super::{gate, terminal, verify_report};

/// How it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Show {
    Bar,
    Lines,
    Json,
}

/// What is being read.
#[derive(Debug)]
pub(crate) struct Reading {
    show: Show,
    files: Vec<PlannedFile>,
    bar: Option<(FileId, ProgressBar)>,
    last_line: Instant,
}

impl Reading {
    /// Nothing is read yet.
    pub(crate) fn new(show: Show) -> Self {
        Self { show, files: Vec::new(), bar: None, last_line: Instant::now() }
    }

    /// What will be read.
    pub(crate) fn on_planned(&mut self, files: &[PlannedFile]) {
        self.files = files.to_vec();
    }

    /// So many bytes of a file were read.
    pub(crate) fn on_read(&mut self, id: FileId, read: u64) {
        let Some(file) = self.files.iter().find(|file| file.file == id) else { return };
        // What is damaged is read a second time.
        let again = if file.size > 0 && read > file.size { read - file.size } else { read };
        match self.show {
            Show::Bar => {
                if self.bar.as_ref().is_none_or(|(shown, _)| *shown != id) {
                    self.bar = Some((id, bar(file)));
                }
                if let Some((_, bar)) = &self.bar {
                    bar.set_position(again);
                }
            }
            Show::Lines if self.last_line.elapsed() >= HEARTBEAT => {
                self.last_line = Instant::now();
                terminal::say(&line(file, again));
            }
            Show::Json if self.last_line.elapsed() >= PROGRESS_EVERY => {
                self.last_line = Instant::now();
                terminal::object(&verify_report::reading(&file.path, read));
            }
            Show::Lines | Show::Json => {}
        }
    }

    /// Leaves the terminal to whoever writes next.
    pub(crate) fn close(&mut self) {
        if let Some((_, bar)) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

fn line(file: &PlannedFile, read: u64) -> String {
    let words = match file.size {
        0 => size(read),
        len => format!("{} of {}, {}", size(read), size(len), percent(read, len)),
    };
    format!("reading {}: {words}", file.path)
}

fn bar(file: &PlannedFile) -> ProgressBar {
    let template = "reading {prefix} [{wide_bar}] {bytes} / {total_bytes}, {bytes_per_sec}";
    let style = ProgressStyle::with_template(template).expect("the template is a constant");
    let bar = ProgressBar::new(file.size).with_style(style.progress_chars("=> "));
    bar.with_prefix(gate::line(&file.path).into_owned())
}

/// Silence is never much longer than this.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How often a program is told.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);
