//! What the hub needs of a stream beyond reading and writing: to end it rudely, and honestly.
//!
//! For TCP it is here; a simulated network brings its own.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// A stream that can be reset.
pub trait Socket: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Whether the peer has received everything that was written, as far as can be told.
    fn is_drained(&self) -> bool;

    /// Makes the coming drop a reset.
    fn abort(&mut self);
}

impl Socket for TcpStream {
    fn is_drained(&self) -> bool {
        let ends = self.local_addr().and_then(|local| Ok((local, self.peer_addr()?)));
        ends.is_ok_and(|(local, peer)| unacknowledged(local, peer).unwrap_or(0) == 0)
    }

    fn abort(&mut self) {
        // If it fails, the close is orderly after all: a lie less, and nothing to do about it.
        let _ = SockRef::from(&*self).set_linger(Some(Duration::ZERO));
    }
}

/// Bytes in the kernel's send queue, from Linux's table of TCP sockets: there is no safe call for
/// SIOCOUTQ, and this is needed only once per reset.
fn unacknowledged(local: SocketAddr, peer: SocketAddr) -> io::Result<u64> {
    let table = if local.is_ipv4() { "/proc/self/net/tcp" } else { "/proc/self/net/tcp6" };
    let ends = [table_form(local), table_form(peer)];
    let text = std::fs::read_to_string(table)?;
    let queue = text.lines().find_map(|line| {
        let mut words = line.split_whitespace().skip(1);
        let is_ours = ends.iter().all(|end| words.next() == Some(end));
        let (send_queue, _) = words.nth(1)?.split_once(':')?;
        is_ours.then(|| u64::from_str_radix(send_queue, 16).ok()).flatten()
    });
    Ok(queue.unwrap_or(0))
}

/// `0100007F:1F90`: the address as native words in hex, and the port.
fn table_form(address: SocketAddr) -> String {
    let octets = match address.ip() {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let word = |bytes: &[u8]| {
        let bytes = bytes.try_into().expect("addresses are multiples of four bytes");
        format!("{:08X}", u32::from_ne_bytes(bytes))
    };
    let ip: String = octets.chunks(4).map(word).collect();
    format!("{ip}:{:04X}", address.port())
}
