//! The two arms: where a case runs, against a hub or against a puppet.
//!
//! The cases know nothing of it, and the settings of the hub are the same.

use std::ops::Deref;
use std::sync::Arc;

use fake_hub::{Builder, FakeHub, Hub, RepoSpec};
use moshi_fetch::http::Http;

use crate::exchange::{BIG, BIG_LEN, EMPTY, REPO, SMALL, TOKEN};
use crate::puppet::Puppet;

/// A client and the hub it can reach.
pub(crate) struct HubScene<H: Http> {
    pub(crate) http: H,
    pub(crate) hub: Box<dyn Deref<Target = Hub>>,
}

/// A client and a server that says what it was told to, under two names.
pub(crate) struct PuppetScene<H: Http> {
    pub(crate) http: H,
    pub(crate) puppet: Arc<Puppet>,
    pub(crate) urls: [String; 2],
}

fn builder(rules: &[&str]) -> Builder {
    let big: Vec<u8> = (0..BIG_LEN).map(|at| (at * at % 251) as u8).collect();
    let files = [(BIG, big), (SMALL, b"{\"is\": \"small\"}".to_vec()), (EMPTY, Vec::new())];
    let repo = RepoSpec::files(REPO, files);
    let builder = FakeHub::builder().repo(repo).token(TOKEN).seed(7);
    rules.iter().fold(builder, |builder, rule| builder.rule(rule.parse().unwrap()))
}

pub(crate) mod real {
    //! reqwest on loopback.
    //!
    //! Time passes as it will, so nothing here may depend on it.

    use std::sync::Arc;

    use moshi_fetch::http::ReqwestHttp;
    use tokio::net::TcpListener;
    use tokio::runtime::{Builder, Runtime};

    use super::{HubScene, PuppetScene, builder};
    use crate::puppet::{Puppet, Reply};

    pub(crate) fn hub<F: Future<Output = ()>>(
        rules: &[&str],
        case: impl FnOnce(HubScene<ReqwestHttp>) -> F,
    ) {
        runtime().block_on(async {
            let hub = Box::new(builder(rules).start().await.unwrap());
            case(HubScene { http: ReqwestHttp::direct(), hub }).await;
        });
    }

    pub(crate) fn puppet<F: Future<Output = ()>>(
        replies: &[&'static Reply],
        case: impl FnOnce(PuppetScene<ReqwestHttp>) -> F,
    ) {
        runtime().block_on(async {
            let puppet = Arc::new(Puppet::new(replies));
            let mut urls = Vec::new();
            for _ in 0..2 {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                urls.push(format!("http://{}/", listener.local_addr().unwrap()));
                let puppet = puppet.clone();
                tokio::spawn(async move {
                    while let Ok((socket, _)) = listener.accept().await {
                        tokio::spawn(puppet.clone().play(socket));
                    }
                });
            }
            let urls = urls.try_into().unwrap();
            case(PuppetScene { http: ReqwestHttp::direct(), puppet, urls }).await;
        });
    }

    fn runtime() -> Runtime {
        Builder::new_current_thread().enable_all().build().unwrap()
    }
}

pub(crate) mod simulated {
    //! hyper on simulated sockets, behind a link that only delays.
    //!
    //! Time passes at once.

    use std::net::Ipv4Addr;
    use std::num::NonZeroU64;
    use std::sync::Arc;

    use engine::time::Duration;
    use simnet::link::Link;
    use simnet::net::{
        CDN_NAME, CDN_PORT, HUB_NAME, HUB_NODE, HUB_PORT, Names, Network, simulation,
    };
    use simnet::profile::Profile;
    use simnet::seed::Seed;
    use simnet::trace::Trace;
    use turmoil::net::TcpListener;
    use world::http::SimHttp;

    use super::{HubScene, PuppetScene, builder};
    use crate::puppet::{Puppet, Reply};

    pub(crate) fn hub<F: Future<Output = ()> + 'static>(
        rules: &[&str],
        case: impl FnOnce(HubScene<SimHttp>) -> F + 'static,
    ) {
        let builder = builder(rules);
        let serve = move |network: Network| {
            let builder = builder.clone();
            async move { network.serve(builder).await }
        };
        run(serve, |network| async move {
            // The hub's host may come after ours in the first step.
            tokio::time::sleep(RTT).await;
            let hub = Box::new(network.hubs()[0].clone());
            case(HubScene { http: SimHttp::new(&network, 0), hub }).await;
        });
    }

    pub(crate) fn puppet<F: Future<Output = ()> + 'static>(
        replies: &[&'static Reply],
        case: impl FnOnce(PuppetScene<SimHttp>) -> F + 'static,
    ) {
        let puppet = Arc::new(Puppet::new(replies));
        let played = puppet.clone();
        let serve = move |network: Network| {
            let puppet = played.clone();
            async move {
                for port in [HUB_PORT, CDN_PORT] {
                    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await?;
                    let (network, puppet) = (network.clone(), puppet.clone());
                    tokio::spawn(async move {
                        while let Ok((socket, _)) = listener.accept().await {
                            let socket = network.accept(socket).unwrap().unwrap();
                            tokio::spawn(puppet.clone().play(socket));
                        }
                    });
                }
                std::future::pending().await
            }
        };
        run(serve, |network| async move {
            tokio::time::sleep(RTT).await;
            let urls = [HUB_NAME, CDN_NAME].map(|name| format!("http://{name}/"));
            case(PuppetScene { http: SimHttp::new(&network, 0), puppet, urls }).await;
        });
    }

    fn run<S, C>(
        serve: impl Fn(Network) -> S + 'static,
        client: impl FnOnce(Network) -> C + 'static,
    ) where
        S: Future<Output = turmoil::Result> + 'static,
        C: Future<Output = ()> + 'static,
    {
        let trace = Trace::constant(NonZeroU64::new(10_000_000).unwrap());
        let link = Link::new(&Profile::plain(trace, RTT), Seed(1));
        let network = Network::new(link, Names::default());
        let mut sim = simulation(Seed(1), RTT / 2, Duration::from_millis(2))
            .simulation_duration(Duration::from_secs(600))
            .build();
        let served = network.clone();
        sim.host(HUB_NODE, move || serve(served.clone()));
        sim.client("client", async move {
            client(network).await;
            Ok(())
        });
        sim.run().unwrap();
    }

    const RTT: Duration = Duration::from_millis(20);
}
