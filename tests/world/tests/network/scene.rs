//! A client and a hub on a network of one's choice.
//!
//! Asserts nothing but that the run ends.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use engine::fault::Fault;
use engine::hub::head::Head;
use engine::hub::request::Request;
use engine::time::Duration;
use fake_hub::{FakeHub, RepoSpec};
use moshi_fetch::http::{Http, HttpBody};
use simnet::link::Link;
use simnet::net::*;
use simnet::profile::Profile;
use simnet::seed::Seed;
use simnet::trace::Trace;
use turmoil::Sim;

use world::http::{SimBody, SimHttp};

pub(crate) struct Scene {
    pub(crate) profile: Profile,
    pub(crate) names: Names,
}

impl Scene {
    pub(crate) fn new(profile: Profile) -> Self {
        Self { profile, names: Names::default() }
    }

    pub(crate) fn run<F: Future<Output = ()> + 'static>(
        self,
        client: impl FnOnce(SimHttp, Network) -> F + 'static,
    ) -> Network {
        self.run_with(|_, _| {}, client)
    }

    /// Runs the client to its end, and asks the director before each step.
    pub(crate) fn run_with<F: Future<Output = ()> + 'static>(
        self,
        mut director: impl FnMut(&mut Sim<'_>, &Network),
        client: impl FnOnce(SimHttp, Network) -> F + 'static,
    ) -> Network {
        let link = Link::new(&self.profile, Seed(1));
        let network = Network::new(link, self.names);
        let mut sim = simulation(Seed(1), self.profile.rtt / 2, Duration::from_millis(5))
            .simulation_duration(Duration::from_secs(2000))
            .build();
        let builder = FakeHub::builder().repo(RepoSpec::synthetic("org/name", BIG_LEN)).seed(7);
        let served = network.clone();
        sim.host(HUB_NODE, move || {
            let (network, builder) = (served.clone(), builder.clone());
            async move { network.serve(builder).await }
        });
        let is_done = Arc::new(AtomicBool::new(false));
        let (done, own) = (is_done.clone(), network.clone());
        sim.client(CLIENT_NODE, async move {
            tokio::time::sleep(Duration::from_millis(10)).await;
            client(SimHttp::new(&own, 0), own.clone()).await;
            done.store(true, Ordering::SeqCst);
            Ok(())
        });
        while !is_done.load(Ordering::SeqCst) {
            director(&mut sim, &network);
            sim.step().expect("the simulation goes on");
        }
        drop(sim);
        network
    }
}

/// A link that only carries and delays.
pub(crate) fn plain(bytes_per_second: u64, rtt_millis: u64) -> Profile {
    let trace = Trace::constant(NonZeroU64::new(bytes_per_second).expect("a rate"));
    Profile::plain(trace, Duration::from_millis(rtt_millis))
}

pub(crate) fn get(url: &str) -> Request {
    Request::get(url.parse().expect("a URL"))
}

pub(crate) async fn send(http: &SimHttp, request: Request) -> Result<(Head, SimBody), Fault> {
    http.send(request).await
}

/// Reads a body to its end, good or bad.
pub(crate) async fn drain(mut body: SimBody) -> (Vec<u8>, Option<Fault>) {
    let mut bytes = Vec::new();
    loop {
        match body.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => return (bytes, None),
            Err(fault) => return (bytes, Some(fault)),
        }
    }
}

/// The signed URL of the one big file.
pub(crate) async fn try_big_url(http: &SimHttp) -> Result<String, Fault> {
    let url = format!("http://{HUB_NAME}/org/name/resolve/main/model.safetensors");
    let (head, body) = send(http, get(&url)).await?;
    drain(body).await;
    Ok(head.location().expect("a redirect").to_owned())
}

pub(crate) async fn big_url(http: &SimHttp) -> String {
    try_big_url(http).await.expect("the hub answers")
}

/// Whether the big file begins with these bytes.
pub(crate) fn is_truth(network: &Network, bytes: &[u8]) -> bool {
    let file =
        network.hubs()[0].file("org/name", "main", "model.safetensors").expect("it is there");
    let mut content = file.content.open().expect("it can be read");
    content.read_at(0, bytes.len()).expect("it can be read") == bytes
}

pub(crate) const CLIENT_NODE: &str = "client";
pub(crate) const BIG_LEN: u64 = 3_000_000;
