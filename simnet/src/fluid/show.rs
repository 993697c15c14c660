//! A world in words: all that is in it, so that a failure can be understood without a debugger.
//!
//! Not a format to be read back: the seed is.

use std::fmt;

use engine::config::Config;
use engine::time::Duration;

use super::world::World;
use crate::profile::Profile;

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}", self.seed)?;
        writeln!(f, "files {:?} bytes", self.files)?;
        let ahead = self.clock_ahead;
        writeln!(f, "URLs good for {}, clock ahead by {ahead:?}", Maybe(self.ttl))?;
        write_link(f, &self.link, &self.profile)?;
        write_config(f, &self.config)?;
        writeln!(f, "pieces of at least {}, syncs take {:?}", self.piece_min, self.sync_lasts)?;
        for trouble in &self.troubles {
            let (kind, percent) = (trouble.kind, trouble.percent);
            writeln!(f, "{percent} % {kind:?} from {:?} to {:?}", trouble.from, trouble.until)?;
        }
        if let Some(replica) = &self.replica {
            writeln!(f, "wrong byte at {} until {}", replica.offset, Maybe(replica.until))?;
        }
        if let Some(etags) = &self.etags {
            writeln!(f, "ETags: {etags:?}")?;
        }
        if let Some(refusal) = &self.refusal {
            writeln!(f, "the hub says {refusal:?}")?;
        }
        for crash in &self.crashes {
            let what = if crash.is_power_cut { "power cut" } else { "kill" };
            writeln!(f, "{what} after step {}, down {:?}", crash.step, crash.down)?;
        }
        if let Some(full) = &self.disk_full {
            writeln!(f, "disk full after {} bytes for {}", full.at, Maybe(full.lasting))?;
        }
        if let Some(at) = self.cancel_at {
            writeln!(f, "cancelled at {at:?}")?;
        }
        write!(f, "calm from {:?} on", self.calm_at)
    }
}

fn write_link(f: &mut fmt::Formatter<'_>, name: &str, profile: &Profile) -> fmt::Result {
    let Profile {
        trace,
        conn_cap,
        rtt,
        queue,
        reset_every,
        free_connections,
        crowd_reset_every,
        crowd_cost_ppm,
        stall_every,
        nat_after,
        p_dead_percent,
        conn_limit,
        sigma_percent,
        outages,
        setup_rtts,
        reuse_rtts,
    } = profile;
    writeln!(f, "link {name}: {} B/s in {:?}, rtt {rtt:?}", trace.mean(), trace.period())?;
    writeln!(f, "  a connection {conn_cap:?} B/s, limit {conn_limit:?}, queue {queue}")?;
    writeln!(f, "  reset every {}, silent every {}", Maybe(*reset_every), Maybe(*stall_every))?;
    writeln!(
        f,
        "  above {free_connections} connections: reset every {}, {crowd_cost_ppm} ppm",
        Maybe(*crowd_reset_every)
    )?;
    writeln!(f, "  forgotten after {}: {p_dead_percent} %", Maybe(*nat_after))?;
    writeln!(f, "  sigma {sigma_percent} %, {setup_rtts} and {reuse_rtts} RTTs to begin")?;
    for outage in outages {
        let (first, lasting) = (outage.first, outage.lasting);
        writeln!(f, "  out at {first:?} for {lasting:?} every {}", Maybe(outage.every))?;
    }
    Ok(())
}

fn write_config(f: &mut fmt::Formatter<'_>, config: &Config) -> fmt::Result {
    let Config {
        workers_max,
        request_bytes_max,
        request_bytes_min,
        stall_after,
        stall_at_least,
        answer_within,
        backoff_max,
        give_up_after,
        sync_every,
        chunk_bytes,
        use_xet,
    } = config;
    writeln!(f, "{workers_max} workers, requests {request_bytes_min} to {request_bytes_max}")?;
    writeln!(f, "  stall {}, backoff {backoff_max:?}", Maybe(*stall_after))?;
    writeln!(f, "  stall at least {}", Maybe(*stall_at_least))?;
    writeln!(f, "  answer within {}", Maybe(*answer_within))?;
    writeln!(f, "  give up {}, sync {sync_every:?}", Maybe(*give_up_after))?;
    writeln!(f, "  chunk {chunk_bytes}, Xet {use_xet}")
}

/// A time, or never.
struct Maybe(Option<Duration>);

impl fmt::Display for Maybe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(time) => write!(f, "{time:?}"),
            None => f.write_str("never"),
        }
    }
}
