//! A recording as a picture that explains a run at a glance.
//!
//! Judges nothing, and measures nothing that is not in the rows. The same recording gives the same
//! picture, of bounded size however long it is.
//!
//! From the top: what happened, in words; bytes over time, in all and by worker; how fast they
//! came, against what the link carried; how many workers were open; what went wrong. A worker has
//! the colour of the lowest place that was free when it began, so that few colours tell apart all
//! that ran side by side.

mod canvas;
mod labels;
mod panels;
mod scale;
mod story;

use std::path::Path;
use std::{env, fs, io};

use self::canvas::{Canvas, INK, PALE};
use self::panels::Panels;
use self::scale::{bytes, count, span};
use self::story::Story;
use crate::recording::Recording;

/// The picture of a recording, as the text of an SVG file.
pub fn svg(recording: &Recording, title: &str) -> String {
    let mut text = String::new();
    let canvas = Canvas::new(&mut text, WIDTH, HEIGHT);
    canvas.text(LEFT, 26, title, 20, INK);
    match Story::of(recording) {
        Some(story) => {
            canvas.text(LEFT, 46, &summary(&story), 15, PALE);
            Panels::new(&canvas, &story).draw();
        }
        None => canvas.text(LEFT, 46, "Nothing happened.", 15, PALE),
    }
    canvas.finish();
    text
}

/// Writes the picture to `NAME.svg` in the folder that `MOSHI_PLOT_DIR` names, creating it; does
/// nothing if it names none. What no file name should have in it becomes a dash.
///
/// # Errors
///
/// When the folder or the file cannot be written.
pub fn write_if_asked(recording: &Recording, name: &str) -> io::Result<()> {
    match env::var_os("MOSHI_PLOT_DIR").filter(|folder| !folder.is_empty()) {
        Some(folder) => write(recording, name, Path::new(&folder)),
        None => Ok(()),
    }
}

/// Writes the picture to `NAME.svg` in a folder, creating it.
///
/// # Errors
///
/// When the folder or the file cannot be written.
pub fn write(recording: &Recording, name: &str, folder: &Path) -> io::Result<()> {
    let plain = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let file: String = name.chars().map(plain).collect();
    fs::create_dir_all(folder)?;
    fs::write(folder.join(format!("{file}.svg")), svg(recording, name))
}

fn summary(story: &Story) -> String {
    let seconds = story.seconds;
    let rate = story.arrived as f64 / seconds;
    let mut text = format!("{} arrived in {}", bytes(story.arrived as f64), span(seconds));
    text += &format!(", {}/s on average", bytes(rate));
    if let Some(proven) = story.proven {
        text += &format!(" · {} proven", bytes(proven as f64));
    }
    text += &format!(" · {} worker{}", count(story.workers), plural(story.workers));
    text += &format!(", at most {} at once", count(story.open_max));
    text + &format!(" · {} fault{}", count(story.faults), plural(story.faults))
}

const fn plural(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// In pixels.
const WIDTH: i32 = 1280;
const HEIGHT: i32 = 900;
/// Where the panels begin, and the words above them.
const LEFT: i32 = 84;
