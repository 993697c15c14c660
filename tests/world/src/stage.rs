//! What all parts of one running world share: its network, its disk, its files, and who watches.
//!
//! Moves nothing by itself: the [`run`](crate::run) does, and the product.

mod harm;
mod injected;
mod publisher;
mod script;
mod told;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use engine::hub::path::RepoPath;
use engine::hub::repo::{RepoId, RepoKind};
use engine::range_set::RangeSet;
use engine::time::{Duration, Instant};
use fake_hub::Hub;
use moshi_fetch::cache::layout::RepoFolder;
use simnet::disk::trouble::TroubleId;
use simnet::link::Link;
use simnet::recording::{Recording, Row, What};
use tokio::sync::Notify;

use crate::disk::{Computer, WorldDisk};
use crate::scenario::Scenario;
use crate::sometimes::Sometimes;
use crate::witness::{Aftermath, Death, Truth, Witness};
use simnet::net::{self, Network};

/// What all parts of one world share.
pub(crate) struct Stage {
    pub(crate) scenario: Scenario,
    pub(crate) network: Network,
    pub(crate) computer: Computer,
    /// Paths in the repository, and what is there.
    pub(crate) files: Vec<(String, Truth)>,
    places: OnceLock<Vec<Aftermath>>,
    witness: Mutex<Witness>,
    recording: Arc<Mutex<Recording>>,
    people: Mutex<BTreeMap<Host, User>>,
    has_rotted: AtomicBool,
    /// Bytes that somebody else has taken away.
    taken: AtomicU64,
    /// What was vouched for when that was last held against the truth.
    vouched_checked: AtomicU64,
    /// The last moments before each crash.
    crashes: Mutex<Vec<Range<Instant>>>,
    /// When processes were started.
    starts: Mutex<Vec<Instant>>,
    /// When somebody was served.
    reports: Mutex<Vec<Instant>>,
    /// Errors that the disk reports, or will.
    errors: Mutex<Vec<TroubleId>>,
    /// The same of syncs and journals.
    file_errors: Mutex<Vec<TroubleId>>,
    /// What was proven on the disk when processes began.
    known: Mutex<Vec<Known>>,
}

/// What is proven of a file on the disk, from when on.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) at: Instant,
    pub(crate) path: String,
    pub(crate) proven: RangeSet,
}

/// A machine on which somebody runs the product. Both have the same disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Host {
    First,
    Competitor,
}

impl Host {
    pub(crate) const ALL: [Self; 2] = [Self::First, Self::Competitor];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Competitor => "competitor",
        }
    }
}

#[derive(Debug, Default)]
struct User {
    process: Option<u64>,
    is_served: bool,
    pause: Duration,
    cancelled: Arc<Notify>,
}

impl Stage {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let scenario = scenario.clone();
        let recording = Arc::<Mutex<Recording>>::default();
        let mut profile = scenario.profile.clone();
        profile.outages.extend(scenario.outages());
        let link = Link::new(&profile, scenario.seed);
        let network = Network::recorded(link, scenario.names(), Arc::clone(&recording));
        let computer = Computer::new(&scenario);
        let files = publisher::files(&scenario);
        for (_, truth) in files.iter().filter(|(_, truth)| truth.whole().len() >= HUGE) {
            computer.disk().expect_content(truth.whole().len(), truth.fill());
        }
        Self {
            network,
            computer,
            files,
            places: OnceLock::new(),
            witness: Mutex::default(),
            recording,
            people: Mutex::default(),
            has_rotted: AtomicBool::new(false),
            taken: AtomicU64::new(0),
            vouched_checked: AtomicU64::new(0),
            crashes: Mutex::default(),
            starts: Mutex::default(),
            reports: Mutex::default(),
            errors: Mutex::default(),
            file_errors: Mutex::default(),
            known: Mutex::default(),
            scenario,
        }
    }

    /// The machines that take part.
    pub(crate) fn hosts(&self) -> Vec<Host> {
        let has_rival = self.scenario.rival_at.is_some();
        Host::ALL.into_iter().filter(|host| *host == Host::First || has_rival).collect()
    }

    /// Whether the script has something left.
    pub(crate) fn goes_on_after(&self, now: Instant) -> bool {
        self.scenario.script.iter().any(|step| Instant::at(step.at) >= now)
    }

    /// Bytes of all files together.
    pub(crate) fn size(&self) -> u64 {
        self.files.iter().map(|(_, truth)| truth.whole().len()).sum()
    }

    /// The disk has forgotten what was not durable.
    pub(crate) fn on_power_cut(&self) {
        self.witness().on_power_cut();
    }

    /// Whether the same process has run all the time, and nothing was scripted but what began
    /// before.
    pub(crate) fn is_undisturbed(&self, span: Range<Instant>) -> bool {
        let is_within = |at: &Instant| (span.start..span.end).contains(at);
        let mut steps = self.scenario.script.iter().map(|step| Instant::at(step.at));
        let after_lead = span.start + Duration::from_secs(1);
        self.scenario.rival_at.is_none()
            && !lock(&self.starts).iter().any(is_within)
            && !steps.any(|at| at > after_lead && at < span.end)
            && lock(&self.starts).first().is_some_and(|first| *first < span.start)
            && !lock(&self.reports).iter().any(|at| *at < span.end)
    }

    /// Whether no process was started then.
    pub(crate) fn is_one_process(&self, span: Range<Instant>) -> bool {
        !lock(&self.starts).iter().any(|at| span.contains(at))
    }

    /// Whether somebody was served within the next moment.
    pub(crate) fn is_served_soon_after(&self, at: Instant) -> bool {
        let moment = at..at + Duration::from_millis(100);
        lock(&self.reports).iter().any(|report| moment.contains(report))
    }

    /// When the first byte arrived from then on.
    pub(crate) fn bytes_after(&self, at: Instant) -> Option<Instant> {
        let is_one = |row: &&Row| matches!(row.what, What::Bytes { .. }) && row.at >= at;
        self.recording().rows().iter().find(is_one).map(|row| row.at)
    }

    /// How long something may wait behind other bytes.
    pub(crate) fn queueing(&self) -> Duration {
        let profile = &self.scenario.profile;
        let waiting = profile.queue + u64::from(self.scenario.config.workers_max) * (64 << 10);
        profile.rtt * 2 + Duration::from_secs_f64(waiting as f64 / profile.trace.mean() as f64)
    }

    /// A process died: what came in the last moments need not have been kept. If it was with the
    /// power, that goes for those before it, too: what they wrote may not have been synced since.
    pub(crate) fn on_crash(&self, now: Instant, is_power_cut: bool) {
        let mut crashes = lock(&self.crashes);
        crashes.push((now - KILL_COSTS)..now);
        if is_power_cut {
            let costs = CUT_COSTS + self.scenario.sync_takes * 4;
            crashes.iter_mut().for_each(|span| span.start = span.end - costs);
        }
    }

    /// How many bytes arrived shortly before one of them did.
    pub(crate) fn lost_in_crashes(&self) -> u64 {
        let crashes = lock(&self.crashes);
        let is_lost = |row: &&Row| crashes.iter().any(|span| span.contains(&row.at));
        let recording = self.recording();
        let lost = recording.rows().iter().filter(is_lost);
        let len = |row: &Row| if let What::Bytes { len, .. } = row.what { len } else { 0 };
        lost.map(len).sum()
    }

    /// Where the files go, once a hub has said what they are.
    pub(crate) fn places(&self) -> &[Aftermath] {
        if let Some(places) = self.places.get() {
            return places;
        }
        let Some(hub) = self.network.hubs().first().cloned() else { return &[] };
        self.places.get_or_init(|| self.find_places(&hub))
    }

    fn find_places(&self, hub: &Hub) -> Vec<Aftermath> {
        let repo = RepoId::new(RepoKind::Model, REPO).expect("a good name");
        let folder = RepoFolder::new(&Path::new(HOME).join("hub"), &repo);
        let commit = hub.commit_of(REPO, "main").expect("the hub has a main branch");
        let commit = commit.parse().expect("the hub's commits look like commits");
        let place = |(path, truth): &(String, Truth)| {
            let file = hub.file(REPO, "main", path).expect("the hub has the file");
            let blob = file.etag().parse().expect("a digest is a good name");
            let repo_path: RepoPath = path.parse().expect("our paths are good");
            let place = folder.place(&commit, &repo_path, &blob);
            Aftermath {
                path: path.clone(),
                truth: truth.clone(),
                shown: place.shown().to_owned(),
                target: place.target,
                part: place.part,
                journal: place.journal,
            }
        };
        self.files.iter().map(place).collect()
    }

    pub(crate) fn witness(&self) -> MutexGuard<'_, Witness> {
        lock(&self.witness)
    }

    pub(crate) fn recording(&self) -> MutexGuard<'_, Recording> {
        lock(&self.recording)
    }

    pub(crate) fn mark(&self, now: Instant, what: impl Into<String>) {
        self.recording().push(now, What::Mark { what: what.into() });
    }

    /// A new process of the product.
    pub(crate) fn start_process(&self, host: Host) -> WorldDisk {
        let disk = self.computer.start_process();
        self.user(host, |user| {
            user.process = Some(disk.number());
            user.cancelled = Arc::default();
        });
        if host == Host::Competitor && self.scenario.elsewhere.is_some() {
            self.computer.move_elsewhere(disk.number());
            self.witness().note(Sometimes::RivalElsewhere);
        }
        if let Some(now) = net::now() {
            lock(&self.starts).push(now);
            self.mark(now, format!("{} starts process {}", host.name(), disk.number()));
            let known = self.places().iter().filter_map(|place| {
                let proven = place.proven(self.computer.disk())?;
                Some(Known { at: now, path: place.path.clone(), proven })
            });
            lock(&self.known).extend(known);
        }
        disk
    }

    /// What was proven on the disk when processes began.
    pub(crate) fn known(&self) -> Vec<Known> {
        lock(&self.known).clone()
    }

    /// The first machine sleeps.
    pub(crate) fn suspend(&self, lasting: Duration, now: Instant) {
        let Some(process) = self.process_of(Host::First) else { return };
        self.computer.suspend(process, now + lasting);
        let mut witness = self.witness();
        witness.on_disk_trouble(process);
        if lasting > STALE_AFTER && self.scenario.elsewhere.is_some() {
            witness.note(Sometimes::SleptThroughHeartbeat);
        }
    }

    /// The machine of a user is on, and they want the files.
    pub(crate) fn on_boot(&self, host: Host) {
        self.user(host, |user| user.is_served = false);
    }

    /// The process of a user is no more.
    pub(crate) fn on_exit(&self, host: Host, process: u64, death: Death, now: Instant) {
        self.user(host, |user| user.process = None);
        self.computer.end_process(process);
        self.witness().on_death(process, death, self.scenario.sync_takes, now);
    }

    /// Wakes when the user wants to stop the process that runs now.
    pub(crate) fn cancelled(&self, host: Host) -> Arc<Notify> {
        self.user(host, |user| Arc::clone(&user.cancelled))
    }

    /// The user stops the process, and starts another one after the pause.
    pub(crate) fn cancel(&self, host: Host, pause: Duration, now: Instant) {
        let process = self.user(host, |user| {
            user.pause = pause;
            user.cancelled.notify_one();
            user.process
        });
        if let Some(process) = process {
            self.mark(now, format!("{} stops process {process}", host.name()));
            self.witness().on_cancel(process, now);
        }
    }

    /// How long the user waits before the next try.
    pub(crate) fn pause_of(&self, host: Host) -> Duration {
        self.user(host, |user| std::mem::take(&mut user.pause)).max(PAUSE)
    }

    pub(crate) fn process_of(&self, host: Host) -> Option<u64> {
        self.user(host, |user| user.process)
    }

    pub(crate) fn is_served(&self, host: Host) -> bool {
        self.user(host, |user| user.is_served)
    }

    fn user<T>(&self, host: Host, ask: impl FnOnce(&mut User) -> T) -> T {
        ask(lock(&self.people).entry(host).or_default())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Files from this size on are not kept in memory, where they hold what they should.
const HUGE: u64 = 256 << 20;

/// So often in a download what is vouched for is held against the truth.
const VOUCHED_LOOKS: u64 = 8;

/// What is fetched.
pub(crate) const REPO: &str = "org/name";
/// Whose token is nobody else's business.
pub(crate) const TOKEN: &str = "hf_simulated";
/// Where the product may write.
pub(crate) const HOME: &str = "/home/somebody/.cache/huggingface";

/// What a kill may cost: what is written and recorded only every 400 ms.
const KILL_COSTS: Duration = Duration::from_millis(600);
/// What a power cut may cost, if syncs take no time: one sync interval more.
const CUT_COSTS: Duration = Duration::from_millis(2400);
/// A claim that was not renewed for so long may be taken away.
const STALE_AFTER: Duration = Duration::from_secs(75);
/// How long a user waits before they try again.
const PAUSE: Duration = Duration::from_secs(5);
