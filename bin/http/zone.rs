//! Which addresses a hub may send us to: anywhere on the internet, but not into this machine or
//! this network, unless it is there itself.
//!
//! Looks nothing up itself, and says nothing of hosts behind a proxy: it is the proxy that
//! connects to those.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use engine::fault::Fault;
use url::{Host, Url};

use super::addresses::Lookup;
use super::fault::Known;

/// How near an address is: to one of these leads only what is at least as near itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Zone {
    /// Anywhere.
    #[default]
    Internet,
    /// In this network: RFC 1918, 4193, 6598 and the like.
    Network,
    /// On this link: RFC 3927 and 4291. Clouds answer there with secrets of a machine.
    Link,
    /// On this machine.
    Machine,
}

/// The hosts that the person has named, and how near they are.
#[derive(Debug)]
pub(super) struct Home {
    hosts: Vec<String>,
    zone: Arc<Mutex<Zone>>,
}

impl Home {
    /// The hosts of these addresses.
    pub(super) fn new(urls: &[Url]) -> Self {
        let hosts = urls.iter().filter_map(|url| url.host_str().map(str::to_owned));
        Self { hosts: hosts.collect(), zone: Arc::default() }
    }

    /// How the name in an address is to be looked up.
    ///
    /// # Errors
    ///
    /// When it has no name, but an address that it may not lead to.
    pub(super) fn guard(&self, url: &Url, lookup: Arc<Lookup>) -> Result<Arc<Lookup>, Fault> {
        let is_home = url.host_str().is_some_and(|host| self.hosts.iter().any(|it| it == host));
        let address: IpAddr = match url.host() {
            Some(Host::Ipv4(address)) => address.into(),
            Some(Host::Ipv6(address)) => address.into(),
            Some(Host::Domain(_)) | None => return Ok(self.guarded(is_home, lookup)),
        };
        if is_home {
            come_nearer(&self.zone, zone_of(address));
        } else if zone_of(address) > zone(&self.zone) {
            return Err(astray(address));
        }
        Ok(lookup)
    }

    fn guarded(&self, is_home: bool, lookup: Arc<Lookup>) -> Arc<Lookup> {
        let known_zone = Arc::clone(&self.zone);
        Arc::new(move |host| {
            let (looking, known_zone) = (lookup(host), Arc::clone(&known_zone));
            Box::pin(async move {
                let mut found = looking.await?;
                if is_home {
                    found.iter().for_each(|it| come_nearer(&known_zone, zone_of(*it)));
                    return Ok(found);
                }
                let first = found.first().copied();
                found.retain(|address| zone_of(*address) <= zone(&known_zone));
                match first {
                    Some(first) if found.is_empty() => Err(io::Error::other(Known(astray(first)))),
                    Some(_) | None => Ok(found),
                }
            })
        })
    }
}

fn zone(known: &Mutex<Zone>) -> Zone {
    *known.lock().unwrap_or_else(PoisonError::into_inner)
}

fn come_nearer(known: &Mutex<Zone>, zone: Zone) {
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    *known = zone.max(*known);
}

fn astray(address: IpAddr) -> Fault {
    let place = match zone_of(address) {
        Zone::Internet => "elsewhere",
        Zone::Network => "in this network",
        Zone::Link => "on this link",
        Zone::Machine => "on this machine",
    };
    Fault::Malformed(format!("it leads to {address}, {place}, where the hub is not itself"))
}

fn zone_of(address: IpAddr) -> Zone {
    match address {
        IpAddr::V4(address) => zone_of_v4(address),
        IpAddr::V6(address) => zone_of_v6(address),
    }
}

fn zone_of_v4(address: Ipv4Addr) -> Zone {
    let [a, b, c, _] = address.octets();
    if address.is_loopback() || a == 0 {
        Zone::Machine
    } else if address.is_link_local() || address.is_multicast() || address.is_broadcast() {
        Zone::Link
    } else if address.is_private()
        // Carriers' NAT, protocol assignments. Not the 198.18.0.0/15 of RFC 2544: clients of some
        // VPNs let names be found there that they carry to anywhere.
        || (a, b & 0xc0) == (100, 64)
        || (a, b, c) == (192, 0, 0)
    {
        Zone::Network
    } else {
        Zone::Internet
    }
}

fn zone_of_v6(address: Ipv6Addr) -> Zone {
    let [a, b, c, ..] = address.segments();
    // What stands for an address of the fourth version: mapped, by NAT64, by 6to4.
    let [.., w, x, y, z] = address.octets();
    let embedded = match (a, b) {
        (0x64, 0xff9b) => Some(Ipv4Addr::new(w, x, y, z)),
        (0x2002, _) => {
            let ([w, x], [y, z]) = (b.to_be_bytes(), c.to_be_bytes());
            Some(Ipv4Addr::new(w, x, y, z))
        }
        _ => address.to_ipv4_mapped(),
    };
    if let Some(embedded) = embedded {
        zone_of_v4(embedded)
    } else if address.is_loopback() || address.is_unspecified() {
        Zone::Machine
    } else if a & 0xffc0 == 0xfe80 || address.is_multicast() {
        Zone::Link
    } else if a & 0xfe00 == 0xfc00 || a & 0xffc0 == 0xfec0 {
        Zone::Network
    } else {
        Zone::Internet
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_as_near_as_they_are() {
        for (address, expected) in [
            ("93.184.215.14", Zone::Internet),
            ("172.32.0.1", Zone::Internet),
            ("100.128.0.1", Zone::Internet),
            ("198.18.0.1", Zone::Internet),
            ("2606:2800::1", Zone::Internet),
            ("10.0.0.1", Zone::Network),
            ("172.16.0.1", Zone::Network),
            ("192.168.1.1", Zone::Network),
            ("100.64.0.1", Zone::Network),
            ("fd00::1", Zone::Network),
            ("169.254.169.254", Zone::Link),
            ("fe80::1", Zone::Link),
            ("224.0.0.1", Zone::Link),
            ("127.0.0.1", Zone::Machine),
            ("127.9.9.9", Zone::Machine),
            ("0.0.0.0", Zone::Machine),
            ("::1", Zone::Machine),
            ("::", Zone::Machine),
            ("::ffff:127.0.0.1", Zone::Machine),
            ("::ffff:169.254.169.254", Zone::Link),
            ("64:ff9b::10.0.0.1", Zone::Network),
            ("2002:7f00:1::1", Zone::Machine),
        ] {
            assert_eq!(zone_of(address.parse().unwrap()), expected, "{address}");
        }
    }

    /// What comes of going to `to` when the hub was found at `home`.
    async fn lead(home: &str, to: &str) -> Result<(), Fault> {
        let url = |host: &str| -> Url { format!("https://{host}/x").parse().unwrap() };
        let home = Home::new(&[url(home)]);
        // A name is the address that it begins with.
        let system: Arc<Lookup> = Arc::new(|host| {
            let address = host.trim_end_matches(".test").replace('-', ".");
            Box::pin(std::future::ready(Ok(vec![address.parse().expect("an address")])))
        });
        let hosts = home.hosts.clone();
        for host in [hosts[0].as_str(), to] {
            let guarded = home.guard(&url(host), Arc::clone(&system))?;
            if host.ends_with(".test") {
                let found = guarded(host.to_owned()).await;
                let fault = |error: io::Error| crate::http::fault_of(&error, true, host);
                found.map_err(fault)?;
            }
        }
        Ok(())
    }

    #[tokio::test]
    async fn a_hub_leads_no_nearer_than_it_is_itself() {
        for (home, to, is_allowed) in [
            ("93-184-215-14.test", "93.184.215.15", true),
            ("93-184-215-14.test", "10-0-0-1.test", false),
            ("93-184-215-14.test", "10.0.0.1", false),
            ("93-184-215-14.test", "127-0-0-1.test", false),
            ("93-184-215-14.test", "[::1]", false),
            ("93-184-215-14.test", "169.254.169.254", false),
            ("10-0-0-1.test", "10.0.0.2", true),
            ("10-0-0-1.test", "192-168-0-1.test", true),
            ("10-0-0-1.test", "127.0.0.1", false),
            ("10-0-0-1.test", "169.254.169.254", false),
            ("127.0.0.1", "127.0.0.2", true),
            ("127.0.0.1", "10-0-0-1.test", true),
            ("127-0-0-1.test", "[::1]", true),
        ] {
            let led = lead(home, to).await;
            assert_eq!(led.is_ok(), is_allowed, "{home} to {to}: {led:?}");
            if let Err(fault) = led {
                let told = fault.to_string();
                assert!(told.contains("where the hub is not itself"), "{told}");
            }
        }
    }
}
