//! `moshi-fetch verify`: says of each file whether it is right, and mends what is not.
//!
//! Reads and judges nothing itself; the library does.

use std::path::PathBuf;

use clap::Args;
use moshi_fetch::error::Error;
use moshi_fetch::fetch::{Fetch, FetchBuilder};
use moshi_fetch::verify::{Verified, Verify as Looking, VerifyNews};

use super::arguments::{Files, Place};
use super::json::{self, Json};
use super::screen::{Drawing, Screen};
use super::verify_progress::{Reading, Show};
use super::{Setting, download, failure, panic_hook, terminal, verify_report};

/// Read again what was fetched, and say what is intact and what is not; downloads nothing
#[derive(Debug, Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    files: Files,
    #[command(flatten)]
    place: Place,
    /// Judge this file, whole or a part of the one that is named, instead of what is in its place
    #[arg(long, value_name = "PARTIAL", conflicts_with = "repair")]
    path: Option<PathBuf>,
    /// Fetch again what is not intact, and no more
    #[arg(long)]
    repair: bool,
    /// Access token; HF_TOKEN keeps it out of the list of processes
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// What the file behind a plain URL must hash to
    #[arg(long, value_name = "HEX")]
    sha256: Option<String>,
    /// Write what happens to stdout, one JSON object per line
    #[arg(long)]
    json: bool,
}

impl Verify {
    /// Runs the command and says with which code to exit.
    pub(crate) async fn run(self, setting: Setting) -> u8 {
        let (is_json, is_repair, is_elsewhere) = (self.json, self.repair, self.path.is_some());
        let subject = self.files.subject();
        let ended = match self.looking(&setting) {
            Ok(looking) => look(looking, &setting, is_json).await,
            Err(error) => Err(error),
        };
        let count = ended.as_ref().map_or(0, |verified| verified.findings.len());
        let ended = match ended {
            Ok(verified) if verified.is_intact() => Ok(()),
            Ok(verified) if !is_repair => {
                return tell(&verified, &subject, is_json, is_elsewhere);
            }
            Ok(verified) => mend(verified, &subject, &setting, is_json).await,
            Err(error) => Err(error),
        };
        if let Some(place) = panic_hook::place() {
            return setting.report_mishap(place);
        }
        let Err(error) = ended else {
            if is_json {
                terminal::object(&verify_report::all_intact(count));
            }
            return 0;
        };
        terminal::complain(&failure::render(&error, 0, &setting.typed), setting.paint);
        if is_json {
            terminal::object(&json::error(&error));
        }
        error.exit_code()
    }

    fn looking(self, setting: &Setting) -> Result<Looking, Error> {
        let mut fetch = Fetch::builder(self.files.repo.clone());
        fetch = fetch.environment(setting.environment.clone());
        fetch = self.place.apply(self.files.apply(fetch));
        fetch = self.token.into_iter().fold(fetch, FetchBuilder::token);
        fetch = self.sha256.into_iter().fold(fetch, FetchBuilder::sha256);
        let looking = Looking::new(fetch.build()?).repair(self.repair);
        Ok(self.path.into_iter().fold(looking, Looking::path))
    }
}

/// The last word when something is not as it should be. What that is was said already.
fn tell(verified: &Verified, subject: &str, is_json: bool, is_elsewhere: bool) -> u8 {
    let Some(error) = verified.error().map(|error| error.about(subject)) else { return 0 };
    if is_json {
        terminal::object(&json::error(&error));
    } else if !is_elsewhere {
        terminal::say(&error.to_string());
        terminal::say("hint: with --repair, what is not intact is fetched again, and no more");
    }
    error.exit_code()
}

/// Shows what is read until all is judged.
async fn look(looking: Looking, setting: &Setting, is_json: bool) -> Result<Verified, Error> {
    let mut run = looking.run()?;
    let show = match (is_json, setting.can_draw) {
        (true, _) => Show::Json,
        (false, true) => Show::Bar,
        (false, false) => Show::Lines,
    };
    let mut reading = Reading::new(show);
    while let Some(news) = run.next().await {
        match news {
            VerifyNews::Hub(_) => {}
            VerifyNews::Planned { files } => reading.on_planned(&files),
            VerifyNews::Read { file, read } => reading.on_read(file, read),
            VerifyNews::Judged { finding, .. } => {
                reading.close();
                if is_json {
                    terminal::object(&verify_report::object(&finding));
                } else {
                    terminal::result(&verify_report::render(&finding));
                }
            }
        }
    }
    reading.close();
    run.finish().await
}

/// Fetches again what is not intact. What comes of that is verified before it is in its place.
async fn mend(
    verified: Verified,
    subject: &str,
    setting: &Setting,
    is_json: bool,
) -> Result<(), Error> {
    let mut wire = 0;
    for repair in verified.repairs {
        let drawing = if is_json { Drawing::Nothing } else { setting.drawing() };
        let mut screen = Screen::new(subject, drawing, is_json.then(Json::new));
        let ended = download::watch(repair.run()?, &mut screen).await;
        screen.close();
        let report = ended?;
        wire += report.stats.received;
        if is_json {
            terminal::object(&json::done(&report, false));
        }
    }
    if !is_json {
        let fetched = super::units::size(wire);
        terminal::result(&format!("all is intact now; {fetched} were fetched for that"));
    }
    Ok(())
}
