//! `moshi-fetch status`: what is unfinished, how far it is, and when it last moved.
//!
//! Looks at nothing itself; the library does.

use std::path::PathBuf;

use clap::Args;
use moshi_fetch::cache::inventory::{Leftover, Unfinished};
use moshi_fetch::disk::StdDisk;
use moshi_fetch::status::{Places, Status as Found, idle_for, name_of, status};
use serde::Serialize;

use super::units::{duration, percent, size};
use super::{Setting, failure, json, terminal};

/// List unfinished downloads: what is proven, vouched for, missing; when they last moved
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Look into this cache [default: the cache of the Hugging Face tools]
    #[arg(long, value_name = "DIR")]
    cache_dir: Option<PathBuf>,
    /// Look into this folder, where a download with --local-dir went
    #[arg(long, value_name = "DIR")]
    local_dir: Option<PathBuf>,
    /// Write one JSON object per line
    #[arg(long)]
    json: bool,
}

impl Status {
    /// Runs the command and says with which code to exit.
    pub(crate) async fn run(self, setting: Setting) -> u8 {
        let is_elsewhere = self.cache_dir.is_none() && self.local_dir.is_some();
        let cache = self.cache_dir.or((!is_elsewhere).then_some(setting.environment.hub_cache));
        match status(&StdDisk, Places { cache, local_dir: self.local_dir }).await {
            Ok(found) => {
                if self.json {
                    objects(&found).for_each(|object| terminal::object(&object));
                } else {
                    render(&found).iter().for_each(|line| terminal::result(line));
                }
                0
            }
            Err(error) => {
                terminal::complain(&failure::render(&error, 0, &setting.typed), setting.paint);
                if self.json {
                    terminal::object(&json::error(&error));
                }
                error.exit_code()
            }
        }
    }
}

/// What is found, for a person.
fn render(found: &Found) -> Vec<String> {
    let mut lines: Vec<String> = found.unfinished.iter().flat_map(entry).collect();
    if found.unfinished.is_empty() {
        lines.push("nothing is unfinished".to_owned());
    }
    if !found.leftovers.is_empty() {
        lines.push("left by other tools, and continued by none:".to_owned());
        lines.extend(found.leftovers.iter().map(leftover));
    }
    lines
}

fn entry(unfinished: &Unfinished) -> Vec<String> {
    let (proven, total) = (unfinished.proven_bytes, unfinished.size);
    let idle = duration(idle_for(unfinished.last_activity));
    let figures = format!("{} of {}, {}", size(proven), size(total), percent(proven, total));
    let missing = size(missing(unfinished));
    let name = name_of(unfinished);
    let mut lines =
        vec![format!("{name}: {figures} are proven, {missing} are missing; last moved {idle} ago")];
    if unfinished.vouched_bytes > 0 {
        let vouched = size(unfinished.vouched_bytes);
        lines.push(format!("  vouched by the publisher: {vouched} of {}", size(total)));
    }
    if unfinished.claimed_bytes > 0 {
        let claimed = size(unfinished.claimed_bytes);
        lines.push(format!("  {claimed} more will be read back and checked when it continues"));
    }
    lines.push(match &unfinished.holder {
        Some(holder) => format!("  it is being fetched by {}", holder.by),
        None => "  nobody is fetching it: the same download command continues it".to_owned(),
    });
    lines
}

/// Bytes that are still to be fetched, unless what is claimed turns out to be wrong.
const fn missing(unfinished: &Unfinished) -> u64 {
    let here = unfinished.proven_bytes.saturating_add(unfinished.claimed_bytes);
    unfinished.size.saturating_sub(here)
}

fn leftover(leftover: &Leftover) -> String {
    let idle = duration(idle_for(leftover.modified));
    format!("  {}: {}, last moved {idle} ago", leftover.path.display(), size(leftover.allocated))
}

/// What is found, for a program. Times are in seconds, lengths in bytes.
fn objects(found: &Found) -> impl Iterator<Item = Object<'_>> {
    let unfinished = found.unfinished.iter().map(|unfinished| Object::Unfinished {
        name: name_of(unfinished),
        source: unfinished.source.as_deref(),
        part: unfinished.part.to_string_lossy().into_owned(),
        bytes: unfinished.proven_bytes,
        vouched: unfinished.vouched_bytes,
        claimed: unfinished.claimed_bytes,
        missing: missing(unfinished),
        total: unfinished.size,
        idle: idle_for(unfinished.last_activity).as_secs(),
        held_by: unfinished.holder.as_ref().map(|holder| holder.by.as_str()),
    });
    let leftovers = found.leftovers.iter().map(|leftover| Object::Leftover {
        path: leftover.path.to_string_lossy().into_owned(),
        bytes: leftover.allocated,
        total: leftover.len,
        idle: idle_for(leftover.modified).as_secs(),
    });
    unfinished.chain(leftovers)
}

#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Object<'a> {
    /// A download that continues: `bytes` of `total` are proven, `vouched` of those also by the
    /// publisher; `claimed` more are to be checked, `missing` to be fetched.
    Unfinished {
        name: String,
        source: Option<&'a str>,
        part: String,
        bytes: u64,
        vouched: u64,
        claimed: u64,
        missing: u64,
        total: u64,
        idle: u64,
        held_by: Option<&'a str>,
    },
    /// What another tool left: `bytes` of the disk are taken by a file of `total` bytes.
    Leftover { path: String, bytes: u64, total: u64, idle: u64 },
}
