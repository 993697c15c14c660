//! The whole of moshi-fetch in a simulated world: its own driver, hub client, journal and cache,
//! over simulated sockets, against the fake hub, on a simulated disk.
//!
//! Nothing here opens a socket, a file or a clock of the machine that it runs on.

pub mod disk;
pub mod http;
pub mod replay;
pub mod run;
pub mod scenario;
pub mod sometimes;
mod stage;
pub mod swarm;
mod user;
pub mod witness;
