//! Who uses the product: starts it, and starts it again when it ends in an error, until all is
//! there.
//!
//! Knows nothing of what goes wrong; a user only sees an exit code.

use std::sync::Arc;

use engine::fault::Blame;
use moshi_fetch::cache::environment::Environment;
use moshi_fetch::error::Error;
use moshi_fetch::fetch::Fetch;
use moshi_fetch::news::Report;
use tokio::time::sleep;

use crate::disk::WorldDisk;
use crate::http::SimHttp;
use crate::scenario::Refusal;
use crate::stage::{HOME, Host, REPO, Stage, TOKEN};
use crate::witness::Death;
use simnet::net;

/// What the user does, for as long as the machine is on.
pub(crate) async fn live(stage: Arc<Stage>, host: Host) {
    stage.on_boot(host);
    loop {
        let disk = stage.start_process(host);
        let number = disk.number();
        let ended = fetch(&stage, host, disk).await;
        let Some(now) = net::now().filter(|_| stage.computer.is_alive(number)) else {
            // Killed while it ran: what it seemed to say came from no living process.
            return std::future::pending().await;
        };
        if ended.as_ref().is_err_and(|error| error.blame() == Some(Blame::Disk)) {
            stage.witness().on_disk_trouble(number);
        }
        stage.on_exit(host, number, Death::Exit, now);
        match ended {
            Ok(report) => return stage.on_report(host, &report, now),
            Err(error) if stage.on_error(host, &error, now) => return,
            Err(_) => {}
        }
        sleep(stage.pause_of(host)).await;
    }
}

/// One run of the command.
async fn fetch(stage: &Stage, host: Host, disk: WorldDisk) -> Result<Report, Error> {
    let number = disk.number();
    let http = SimHttp::new(&stage.network, number);
    let refusal = stage.scenario.refusal;
    let mut builder = Fetch::builder(REPO)
        .environment(environment(refusal != Some(Refusal::NotForYou)))
        .config(stage.scenario.config.clone())
        .seed(stage.scenario.seed.0 ^ number);
    if refusal == Some(Refusal::NoSuchRevision) {
        builder = builder.revision("nothing-of-this-name");
    }
    if refusal == Some(Refusal::NoSuchFile) {
        builder = builder.file("nothing.safetensors");
    } else if stage.files.len() == 1 {
        builder = builder.file(&stage.files[0].0);
    }
    let mut run = builder.build()?.run_on(http, disk);
    let cancelled = stage.cancelled(host);
    let mut is_cancelled = false;
    loop {
        let news = tokio::select! {
            biased;
            () = cancelled.notified(), if !is_cancelled => {
                is_cancelled = true;
                run.cancel();
                continue;
            }
            news = run.next() => news,
        };
        let Some(news) = news else { break };
        if let Some(now) = net::now() {
            stage.on_news(number, &news, now);
        }
    }
    run.finish().await
}

/// Nothing of the machine that the simulation runs on.
fn environment(has_token: bool) -> Environment {
    let lookup = |name: &str| match name {
        "HF_TOKEN" if !has_token => None,
        "HF_ENDPOINT" => Some(format!("http://{}", net::HUB_NAME).into()),
        "HF_HOME" => Some(HOME.into()),
        "HF_TOKEN" => Some(TOKEN.into()),
        _ => None,
    };
    Environment::read(lookup, std::path::Path::new(HOME))
}
