//! The hub's process on its simulated host: three doors, and a task for each connection.
//!
//! A door that is shut is no listener at all, as on a real host.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;

use fake_hub::{Builder, Host, Hub};
use tokio::task::JoinSet;
use turmoil::net::{TcpListener, TcpStream};

use super::names::{CAS_PORT, CDN_PORT, HUB_PORT};
use super::served::Served;
use super::{CAS_NAME, CDN_NAME, EPOCH, HUB_NAME, Network, lock, now};

impl Network {
    /// Serves a new hub until its host is killed: what the host [`HUB_NODE`](super::HUB_NODE) is
    /// to run, again after each restart. The hub's date is the simulation's.
    ///
    /// # Errors
    ///
    /// When the hub cannot be built, or a port cannot be had.
    pub async fn serve(&self, builder: Builder) -> turmoil::Result {
        let uptime = now().unwrap_or_default().since_start();
        let hub = builder.epoch(EPOCH + uptime).cas(CAS_NAME).build(HUB_NAME, CDN_NAME)?;
        lock(&self.shared.hubs).push(hub.clone());
        let hub_door = self.listen(&hub, Host::Hub, HUB_PORT);
        let cdn_door = self.listen(&hub, Host::Cdn, CDN_PORT);
        let cas_door = self.listen(&hub, Host::Cas, CAS_PORT);
        tokio::select! {
            biased;
            result = hub_door => result,
            result = cdn_door => result,
            result = cas_door => result,
        }
    }

    /// Takes a connection that something else than the hub accepted on its host; `None` if the
    /// link has no place for it, and it was reset.
    ///
    /// # Errors
    ///
    /// When it is over already.
    pub fn accept(&self, tcp: TcpStream) -> io::Result<Option<Served>> {
        Served::accept(self, tcp)
    }

    async fn listen(&self, hub: &Arc<Hub>, host: Host, port: u16) -> turmoil::Result {
        let mut connections = JoinSet::new();
        loop {
            let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await?;
            tokio::select! {
                biased;
                () = hub.door(host).wait_shut() => {}
                result = self.admit(hub, &listener, &mut connections) => result?,
            }
            drop(listener);
            hub.door(host).wait_open().await;
        }
    }

    /// Accepts until it is cancelled.
    async fn admit(
        &self,
        hub: &Arc<Hub>,
        listener: &TcpListener,
        connections: &mut JoinSet<()>,
    ) -> turmoil::Result {
        loop {
            let (tcp, _) = listener.accept().await?;
            if let Some(socket) = self.accept(tcp)? {
                connections.spawn(hub.clone().serve(socket));
            }
            while connections.try_join_next().is_some() {}
        }
    }
}
