//! The hub on TCP: a listener for each host, and a task for each connection.
//!
//! The program and the tests start it; a simulation calls [`Hub::serve`] itself.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tower_service::Service;

use crate::builder::{BuildError, Builder};
use crate::connection::Connection;
use crate::fault::Cut;
use crate::hub::{Host, Hub};
use crate::interface::Interface;
use crate::path::with_one_slash;
use crate::socket::Socket;
use crate::wire::Wire;

/// A running hub. Dropping it closes its listeners and connections.
#[derive(Debug)]
pub struct FakeHub {
    hub: Arc<Hub>,
    _listeners: JoinSet<()>,
}

impl FakeHub {
    /// Begins a new hub.
    pub fn builder() -> Builder {
        Builder::default()
    }
}

impl Deref for FakeHub {
    type Target = Hub;

    fn deref(&self) -> &Hub {
        &self.hub
    }
}

impl Builder {
    /// Builds the hub and listens, on the current tokio runtime.
    pub async fn start(self) -> Result<FakeHub, BuildError> {
        let send_buffer_bytes = self.send_buffer_bytes;
        let address = self.listen;
        let failed = |source| BuildError::Listen { address, source };
        let mut hosts = vec![Host::Hub, Host::Cdn];
        hosts.extend(self.has_xet().then_some(Host::Cas));
        hosts.extend(self.has_two_storages.then_some(Host::SecondCdn));
        let bound = bind_all(address, &hosts).await.map_err(failed)?;
        let mut builder = self;
        for (host, listener) in hosts.iter().zip(&bound) {
            let address = listener.local_addr().map_err(failed)?.to_string();
            builder = match host {
                Host::Hub | Host::Cdn => builder,
                Host::Cas => builder.cas(&address),
                Host::SecondCdn => builder.second_storage(&address),
            };
        }
        let lacks_cas = builder.lacks.contains(&Interface::Cas);
        let at = |number: usize| Ok(bound[number].local_addr().map_err(failed)?.to_string());
        let hub = builder.build(&at(0)?, &at(1)?)?;
        let mut listeners = JoinSet::new();
        for (host, listener) in hosts.iter().copied().zip(bound) {
            // Where there is no CAS, nobody listens.
            if !(lacks_cas && host == Host::Cas) {
                listeners.spawn(listen(hub.clone(), host, listener, send_buffer_bytes));
            }
        }
        Ok(FakeHub { hub, _listeners: listeners })
    }
}

impl Hub {
    /// Serves one connection to its end, with all faults and shaping. Needs no real socket.
    pub async fn serve<S: Socket>(self: Arc<Self>, mut socket: S) {
        if self.link.is_full(self.tally.connections_open()) {
            self.tally.refuse_connection();
            socket.abort();
            return;
        }
        let connection = Connection::new(self.tally.open_connection());
        let _guard = Guard { hub: self.clone(), connection: connection.clone() };
        self.link.lag().await;
        let io = TokioIo::new(Wire::new(socket, connection.clone(), self.link.clone()));
        let service = service_fn(|mut request: Request<Incoming>| {
            request.extensions_mut().insert(connection.clone());
            if let Some(uri) = with_one_slash(request.uri()) {
                *request.uri_mut() = uri;
            }
            self.router.clone().call(request)
        });
        let mut http = http1::Builder::new()
            .max_buf_size(HTTP_BUFFER_BYTES)
            .auto_date_header(false)
            .serve_connection(io, service);
        let cut = tokio::select! {
            biased;
            cut = connection.wait_cut() => cut,
            // How a connection ends is the client's affair; what was sent is in the log.
            _ = &mut http => return,
        };
        end(http.into_parts().io.into_inner().into_socket(), cut).await;
    }
}

/// Ends the books of a connection, however it ended.
struct Guard {
    hub: Arc<Hub>,
    connection: Connection,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.connection.end();
        self.hub.tally.close_connection();
    }
}

/// Ends a connection from our side. What was counted as sent arrives before a reset does.
async fn end<S: Socket>(mut socket: S, cut: Cut) {
    match cut {
        Cut::Close => drop(socket.shutdown().await),
        Cut::Reset => {
            for _ in 0..DRAIN_POLLS_MAX {
                if socket.is_drained() {
                    break;
                }
                sleep(DRAIN_POLL).await;
            }
            socket.abort();
        }
    }
}

async fn listen(hub: Arc<Hub>, host: Host, listener: TcpListener, send_buffer_bytes: usize) {
    let Ok(address) = listener.local_addr() else {
        return;
    };
    let mut connections = JoinSet::new();
    let mut listener = Some(listener);
    loop {
        let open = match listener.take() {
            Some(open) => open,
            None => match TcpListener::bind(address).await {
                Ok(open) => open,
                Err(_) => {
                    sleep(REBIND_PAUSE).await;
                    continue;
                }
            },
        };
        tokio::select! {
            biased;
            () = hub.door(host).wait_shut() => {}
            () = accept(&hub, &open, &mut connections, send_buffer_bytes) => {}
        }
        drop(open);
        while connections.try_join_next().is_some() {}
        hub.door(host).wait_open().await;
    }
}

/// Accepts until it is cancelled.
async fn accept(
    hub: &Arc<Hub>,
    listener: &TcpListener,
    connections: &mut JoinSet<()>,
    send_buffer_bytes: usize,
) {
    loop {
        match listener.accept().await {
            Ok((socket, _)) => {
                prepare(&socket, send_buffer_bytes);
                connections.spawn(hub.clone().serve(socket));
            }
            // Out of descriptors, or the peer was faster: neither is for ever.
            Err(_) => sleep(REBIND_PAUSE).await,
        }
        while connections.try_join_next().is_some() {}
    }
}

/// Settings that make the counters honest; a kernel that refuses them still serves.
fn prepare(socket: &TcpStream, send_buffer_bytes: usize) {
    let _ = socket.set_nodelay(true);
    let _ = SockRef::from(socket).set_send_buffer_size(send_buffer_bytes);
}

/// Binds a listener for each host, all on the same port if their addresses differ.
async fn bind_all(address: SocketAddr, hosts: &[Host]) -> io::Result<Vec<TcpListener>> {
    let mut last = None;
    for _ in 0..BIND_TRIES {
        match try_bind(address, hosts).await {
            Ok(listeners) => return Ok(listeners),
            // The hub's port is free, the others' are not: any other may do.
            Err(error) if address.port() == 0 => last = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(last.unwrap_or_else(|| io::ErrorKind::AddrInUse.into()))
}

async fn try_bind(address: SocketAddr, hosts: &[Host]) -> io::Result<Vec<TcpListener>> {
    let hub = TcpListener::bind(address).await?;
    let first = hub.local_addr()?;
    let mut listeners = vec![hub];
    for host in &hosts[1..] {
        listeners.push(match TcpListener::bind(other_address(first, *host)).await {
            Ok(other) => other,
            Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => {
                TcpListener::bind((first.ip(), 0)).await?
            }
            Err(error) => return Err(error),
        });
    }
    Ok(listeners)
}

/// The loopback address that is the host's, and the same port; elsewhere the same address and any
/// port.
fn other_address(hub: SocketAddr, host: Host) -> SocketAddr {
    let number: u8 = match host {
        Host::Hub => 0,
        Host::Cdn => 1,
        Host::Cas => 2,
        Host::SecondCdn => 3,
    };
    match hub.ip() {
        IpAddr::V4(ip) if ip.is_loopback() => {
            let [a, b, c, d] = ip.octets();
            let last = (u16::from(d) + u16::from(number) - 1) % 254 + 1;
            (Ipv4Addr::new(a, b, c, last as u8), hub.port()).into()
        }
        IpAddr::V6(ip) if ip.is_loopback() => {
            (Ipv4Addr::new(127, 0, 0, 1 + number), hub.port()).into()
        }
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => (ip, 0).into(),
    }
}

/// What hyper may hold back of a response.
const HTTP_BUFFER_BYTES: usize = 64 << 10;
const DRAIN_POLL: Duration = Duration::from_millis(1);
const DRAIN_POLLS_MAX: u32 = 1000;
const REBIND_PAUSE: Duration = Duration::from_millis(10);
const BIND_TRIES: u32 = 20;
