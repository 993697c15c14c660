//! What an owner file says, and whether its writer may still be writing.
//!
//! Judges only; who acts on it, and how, is the lock's business.

use serde::{Deserialize, Serialize};

use crate::process::{Life, Process};

/// Who holds a file_lock: the content of an owner file, one line of JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Owner {
    /// 32 hex digits, new for every lock.
    pub(super) nonce: String,
    pub(super) host: String,
    pub(super) boot: String,
    pub(super) namespace: String,
    pub(super) pid: u32,
    pub(super) started: u64,
    /// The inode of the lock file that the holder has locked, if it saw that the lock excludes.
    pub(super) lock: Option<u64>,
}

/// Whether the holder of a lock may still be writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It runs.
    Alive,
    /// It has ended, for certain.
    Dead,
    /// It cannot be known from here.
    Unproven,
}

impl Owner {
    pub(super) fn new(process: &Process, nonce: u128, lock: Option<u64>) -> Self {
        Self {
            nonce: format!("{nonce:032x}"),
            host: process.host.clone(),
            boot: process.boot.clone(),
            namespace: process.namespace.clone(),
            pid: process.pid,
            started: process.started,
            lock,
        }
    }

    /// `None` for anything but an owner file: a torn one, or a stranger's. The nonce becomes part
    /// of a file name, so nothing else than hex digits may be in it.
    pub(super) fn parse(content: &[u8]) -> Option<Self> {
        let owner: Self = serde_json::from_slice(content).ok()?;
        let is_nonce =
            owner.nonce.len() == 32 && owner.nonce.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_nonce.then_some(owner)
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec(self).expect("texts and numbers are always JSON");
        bytes.push(b'\n');
        bytes
    }

    /// Judges from what is certain only:
    ///
    /// - the kernel that ran it has ended, and no other one can reach this disk;
    /// - it is this kernel, which says that the process runs or does not;
    /// - it is this kernel, under which the process held the very lock that we now hold.
    pub(super) fn judge(&self, process: &Process, lock: Option<u64>, is_local: bool) -> Verdict {
        if self.boot.is_empty() || process.boot.is_empty() {
            return Verdict::Unproven;
        }
        if self.boot != process.boot {
            return if is_local { Verdict::Dead } else { Verdict::Unproven };
        }
        if !self.namespace.is_empty() && self.namespace == process.namespace {
            match (process.look_up)(self.pid) {
                Life::Running { started } if started == self.started => return Verdict::Alive,
                Life::Running { .. } | Life::Gone => return Verdict::Dead,
                Life::Unknown => {}
            }
        }
        if lock.is_some() && lock == self.lock { Verdict::Dead } else { Verdict::Unproven }
    }

    /// The holder in words.
    pub(super) fn describe(&self, process: &Process) -> String {
        let Self { pid, host, .. } = self;
        if self.boot != process.boot || self.boot.is_empty() {
            format!("process {pid} on {host:?}")
        } else if self.namespace == process.namespace {
            format!("process {pid}")
        } else {
            format!("process {pid} of another container ({host:?})")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(boot: &str, namespace: &str, look_up: fn(u32) -> Life) -> Process {
        Process {
            host: "here".into(),
            boot: boot.into(),
            namespace: namespace.into(),
            pid: 7,
            started: 100,
            look_up: std::sync::Arc::new(look_up),
        }
    }

    #[test]
    fn only_certainty_is_a_proof() {
        const GONE: fn(u32) -> Life = |_| Life::Gone;
        const SAME: fn(u32) -> Life = |_| Life::Running { started: 100 };
        const OTHER: fn(u32) -> Life = |_| Life::Running { started: 101 };
        const UNKNOWN: fn(u32) -> Life = |_| Life::Unknown;
        use Verdict::{Alive, Dead, Unproven};
        let owner = Owner::new(&process("b", "n", GONE), 1, Some(5));
        let check = |boot, namespace, look_up, lock, is_local, expected| {
            let process = process(boot, namespace, look_up);
            let verdict = owner.judge(&process, lock, is_local);
            assert_eq!(verdict, expected, "{boot} {namespace} {lock:?} {is_local}");
        };
        check("b", "n", SAME, Some(5), true, Alive);
        check("b", "n", GONE, None, false, Dead);
        check("b", "n", OTHER, None, false, Dead);
        check("b", "n", UNKNOWN, None, true, Unproven);
        check("b", "n", UNKNOWN, Some(5), false, Dead);
        check("b", "other", GONE, None, true, Unproven);
        check("b", "other", GONE, Some(6), true, Unproven);
        check("b", "other", GONE, Some(5), false, Dead);
        check("other", "n", GONE, Some(5), false, Unproven);
        check("other", "n", SAME, None, true, Dead);
        check("", "n", GONE, Some(5), true, Unproven);
        let unlocked = Owner { lock: None, ..owner.clone() };
        let verdict = unlocked.judge(&process("b", "other", GONE), None, true);
        assert_eq!(verdict, Unproven, "no lock is not the same lock");
    }

    #[test]
    fn an_owner_round_trips_and_nothing_else_is_one() {
        let owner = Owner::new(&process("b", "n", |_| Life::Gone), u128::MAX, None);
        assert_eq!(Owner::parse(&owner.to_bytes()), Some(owner.clone()));
        let bad = Owner { nonce: "../../etc/passwd/and/more/to/get/32".into(), ..owner.clone() };
        assert_eq!(Owner::parse(&bad.to_bytes()), None);
        for content in [&b""[..], b"{}", &owner.to_bytes()[..20], b"\0\0\0\0"] {
            assert_eq!(Owner::parse(content), None);
        }
    }
}
