//! What is shown while a fetch runs: the view, in the form that suits where it is shown.
//!
//! Words are the view's; this only chooses between bars, lines, JSON and silence.

use std::time::Instant as StdInstant;

use engine::time::Instant;
use moshi_fetch::news::News;

use super::bars::Bars;
use super::json::Json;
use super::lines::Lines;
use super::terminal;
use super::view::View;

/// The view and its drawing.
#[derive(Debug)]
pub(crate) struct Screen {
    view: View,
    drawing: Drawing,
    json: Option<Json>,
    began: StdInstant,
}

/// How the view is drawn on stderr.
#[derive(Debug)]
pub(crate) enum Drawing {
    /// Moving bars.
    Bars(Bars),
    /// One line after another.
    Lines(Lines),
    /// Not at all.
    Nothing,
}

impl Screen {
    /// A screen for the fetch of `subject`.
    pub(crate) fn new(subject: &str, drawing: Drawing, json: Option<Json>) -> Self {
        let view = View::new(subject, Instant::START);
        Self { view, drawing, json, began: StdInstant::now() }
    }

    /// The view so far.
    pub(crate) const fn view(&self) -> &View {
        &self.view
    }

    /// The time on the screen's clock.
    pub(crate) fn now(&self) -> Instant {
        Instant::at(self.began.elapsed())
    }

    /// Takes in what the fetch tells.
    pub(crate) fn on_news(&mut self, news: &News) {
        let now = self.now();
        let notice = self.view.on_news(news, now);
        if let Some(json) = &mut self.json
            && let Some(line) = json.on_news(news, &self.view, now)
        {
            terminal::object(&line);
        }
        let Some(notice) = notice else { return };
        match &mut self.drawing {
            Drawing::Bars(bars) => bars.on_notice(&notice),
            Drawing::Lines(lines) => terminal::say(&lines.on_notice(&notice, now)),
            Drawing::Nothing => {}
        }
    }

    /// Time has passed.
    pub(crate) fn on_tick(&mut self) {
        let now = self.now();
        if let Some(json) = &mut self.json {
            json.on_tick(&self.view, now, |line| terminal::object(line));
        }
        match &mut self.drawing {
            Drawing::Bars(bars) => bars.on_tick(&self.view, now),
            Drawing::Lines(lines) => {
                if let Some(line) = lines.on_tick(&self.view, now) {
                    terminal::say(&line);
                }
            }
            Drawing::Nothing => {}
        }
    }

    /// The person wants to stop.
    pub(crate) fn on_cancel(&mut self) {
        self.view.on_cancel(self.now());
        match &self.drawing {
            Drawing::Bars(bars) => bars.say(SAVING),
            Drawing::Lines(_) => terminal::say(SAVING),
            Drawing::Nothing => {}
        }
        self.on_tick();
    }

    /// Leaves the terminal to whoever writes next.
    pub(crate) fn close(&self) {
        if let Drawing::Bars(bars) = &self.drawing {
            bars.close();
        }
    }
}

const SAVING: &str = "saving what has arrived… (once more to stop at once)";
