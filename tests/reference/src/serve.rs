//! Hugging Face's storage server, on loopback.
//!
//! It asks for no token and signs no address: whoever stands in front of it does.

use std::error::Error;
use std::io;

use tokio::io::{AsyncReadExt, stdin};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use xet_client::cas_client::{LocalServer, LocalServerConfig};
use xet_runtime::core::XetContext;

/// Serves what is in a folder, which need not exist yet, until stdin ends. The first line of stdout
/// is the address.
#[tokio::main]
pub(crate) async fn serve(folder: &str) -> Result<(), Box<dyn Error>> {
    let config = LocalServerConfig { data_directory: folder.into(), ..Default::default() };
    let server = LocalServer::new(XetContext::default()?, config).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    // Never used: connections that are kept open would keep it from ending.
    let (_stop, is_stopped) = oneshot::channel();
    tokio::select! {
        served = server.serve_until_stopped(listener, is_stopped) => Ok(served?),
        ended = input_ends() => Ok(ended?),
    }
}

async fn input_ends() -> io::Result<()> {
    stdin().read_to_end(&mut Vec::new()).await.map(drop)
}
