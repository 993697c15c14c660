//! Which process this is, and whether another one still runs.
//!
//! Knows nothing of files that are claimed. Everything unknown is an empty text, and an empty
//! text proves nothing. A simulated world has processes of its own, behind
//! [`Disk::process`](crate::disk::Disk::process).

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;

/// A process, told apart from every other one that ever ran.
#[derive(Clone)]
pub struct Process {
    /// Name of the host, for people: two hosts may have the same.
    pub host: String,
    /// Which boot of which kernel: random, so that no two are the same.
    pub boot: String,
    /// The namespace in which `pid` is meant.
    pub namespace: String,
    /// Its number there.
    pub pid: u32,
    /// When it started, in ticks of its kernel since boot.
    pub started: u64,
    /// Looks for a process in the same boot and namespace.
    pub look_up: Arc<dyn Fn(u32) -> Life + Send + Sync>,
}

/// What can be said of a process number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// A process has it, and started then.
    Running {
        /// In ticks since boot.
        started: u64,
    },
    /// No process has it.
    Gone,
    /// The system does not say.
    Unknown,
}

impl Process {
    /// This process. Without `/proc` little is known of it, and its claims are believed for as
    /// long as it renews them.
    pub fn current() -> Self {
        let text = |path: &str| {
            std::fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default()
        };
        let namespace = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
        let pid = std::process::id();
        let started = match look_up(pid) {
            Life::Running { started } => started,
            Life::Gone | Life::Unknown => 0,
        };
        Self {
            host: text("/proc/sys/kernel/hostname"),
            boot: boot(),
            namespace: namespace.to_string_lossy().into_owned(),
            pid,
            started,
            look_up: Arc::new(look_up),
        }
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} of {} in {}", self.pid, self.host, self.boot)
    }
}

/// A number that nobody else draws: from the operating system, by way of std's hasher.
pub fn nonce() -> u128 {
    let random = || RandomState::new().build_hasher().finish();
    u128::from(random()) << 64 | u128::from(random())
}

#[cfg(not(target_os = "macos"))]
fn boot() -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
    boot.map(|text| text.trim().to_owned()).unwrap_or_default()
}

#[cfg(target_os = "macos")]
fn boot() -> String {
    let mut sysctl = std::process::Command::new("/usr/sbin/sysctl");
    let output = sysctl.args(["-n", "kern.bootsessionuuid"]).output();
    output.map(|it| String::from_utf8_lossy(&it.stdout).trim().to_owned()).unwrap_or_default()
}

fn look_up(pid: u32) -> Life {
    let stat = |pid: &str| {
        let text = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        parse_stat(&text).ok_or_else(|| std::io::Error::other("not as proc(5) says"))
    };
    // `/proc` may be that of another namespace, or hide what belongs to others: an absence means
    // something only where this process and the first one can be seen.
    let sees_itself = stat("self").is_ok_and(|own| own.pid == std::process::id());
    if !sees_itself || stat("1").is_err() {
        return Life::Unknown;
    }
    match stat(&pid.to_string()) {
        // A zombie has closed its files. (A first thread that ended before the others looks the
        // same; those of our programs never do.)
        Ok(stat) if matches!(stat.state, 'Z' | 'X') => Life::Gone,
        Ok(stat) => Life::Running { started: stat.started },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Life::Gone,
        Err(_) => Life::Unknown,
    }
}

struct ProcessStat {
    pid: u32,
    state: char,
    started: u64,
}

/// The line of `/proc/PID/stat`, proc(5). The second field is a name in parentheses that may
/// contain anything.
fn parse_stat(line: &str) -> Option<ProcessStat> {
    let (before, after) = line.rsplit_once(") ")?;
    let mut fields = after.split(' ');
    Some(ProcessStat {
        pid: before.split(' ').next()?.parse().ok()?,
        state: fields.next()?.chars().next()?,
        // The 22nd of the line; the third was taken already.
        started: fields.nth(18)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_contain_anything() {
        let line = "77 (a) b (c) Z 1 77 77 0 -1 4194560 1 0 0 0 3 4 0 0 20 0 1 0 123456 9 9\n";
        let stat = parse_stat(line).unwrap();
        assert_eq!((stat.pid, stat.state, stat.started), (77, 'Z', 123_456));
        assert!(parse_stat("").is_none());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_runs_and_no_process_is_gone() {
        let process = Process::current();
        assert_eq!(look_up(process.pid), Life::Running { started: process.started });
        assert_eq!(look_up(u32::MAX), Life::Gone);
        assert!(!process.boot.is_empty() && !process.namespace.is_empty());
    }
}
