//! What goes wrong on the simulated network, one thing at a time, as a client sees it.
//!
//! What the link decides is tested where it is; here, that it happens to real connections.

#[path = "network/scene.rs"]
mod scene;

use engine::fault::Fault;
use engine::time::{Duration, Instant};
use simnet::net::*;
use simnet::profile::Outage;
use tokio::time::{sleep, timeout};

use scene::{BIG_LEN, Scene, big_url, drain, get, is_truth, plain, send};

#[test]
fn a_killed_hub_resets_and_another_one_goes_on() {
    let scene = Scene::new(plain(100_000, 20));
    let network = scene.run_with(
        |sim, network| {
            let at = |millis| sim.elapsed() == Duration::from_millis(millis);
            if at(1000) {
                network.lose_hub();
                sim.crash(HUB_NODE);
            } else if at(3000) {
                sim.bounce(HUB_NODE);
            }
        },
        |http, network| async move {
            let url = big_url(&http).await;
            let (_, body) = send(&http, get(&url)).await.unwrap();
            let (bytes, fault) = drain(body).await;
            assert_eq!(fault, Some(Fault::Reset));
            assert!(is_truth(&network, &bytes) && bytes.len() < 100_000, "{}", bytes.len());
            assert_eq!(send(&http, get(&url)).await.unwrap_err(), Fault::Refused);
            sleep(Duration::from_secs(3)).await;
            assert_eq!(send(&http, get(&url)).await.unwrap().0.status, 200);
        },
    );
    assert_eq!(network.hubs().len(), 2);
    let endings: Vec<_> = network.connections().flows().iter().map(|flow| flow.ending).collect();
    let (reset, refused) = (Some(Ending::Reset), Some(Ending::NoAnswer));
    assert_eq!(endings[..3], [reset, reset, refused]);
}

#[test]
fn a_link_that_resets_is_heard_of_on_both_sides() {
    let mut profile = plain(100_000, 20);
    profile.reset_every = Some(Duration::from_secs(2));
    Scene::new(profile).run(|http, network| async move {
        let url = loop {
            if let Ok(url) = scene::try_big_url(&http).await {
                break url;
            }
        };
        let fault = loop {
            if let Ok((_, body)) = send(&http, get(&url)).await
                && let (bytes, Some(fault)) = drain(body).await
            {
                assert!(is_truth(&network, &bytes) && !bytes.is_empty());
                break fault;
            }
        };
        assert_eq!(fault, Fault::Reset);
        sleep(Duration::from_secs(1)).await;
        let stats = network.hubs()[0].stats();
        assert_eq!(stats.connections_open as usize, network.connections().open());
    });
}

#[test]
fn a_connection_that_dies_stays_silent_and_another_one_works() {
    let mut profile = plain(100_000, 20);
    profile.stall_every = Some(Duration::from_secs(10));
    Scene::new(profile).run(|http, network| async move {
        let moment = Duration::from_secs(5);
        let url = loop {
            if let Ok(url) = timeout(moment, big_url(&http)).await {
                break url;
            }
        };
        let body = loop {
            if let Ok(answer) = timeout(moment, send(&http, get(&url))).await {
                break answer.unwrap().1;
            }
        };
        let silence = timeout(Duration::from_secs(300), drain(body));
        let crash = async {
            sleep(Duration::from_secs(100)).await;
            network.lose_hub();
        };
        assert!(tokio::join!(silence, crash).0.is_err(), "it ended");
        sleep(moment).await;
        let flow = network.connections().flows().last().unwrap().clone();
        assert!((1..BIG_LEN).contains(&flow.received), "{flow:?}");
        assert_eq!(flow.ending, Some(Ending::Dropped));
        assert_eq!(network.hubs()[0].stats().connections_open, 0, "servers are patient, not dumb");
    });
}

#[test]
fn a_forgotten_connection_swallows_the_next_request() {
    let mut profile = plain(100_000, 20);
    (profile.nat_after, profile.p_dead_percent) = (Some(Duration::from_secs(5)), 100);
    Scene::new(profile).run(|http, network| async move {
        big_url(&http).await;
        sleep(Duration::from_secs(4)).await;
        big_url(&http).await;
        assert_eq!(network.connections().flows().len(), 1);
        sleep(Duration::from_secs(6)).await;
        let lost = timeout(Duration::from_secs(100), big_url(&http)).await;
        assert!(lost.is_err(), "{lost:?}");
        assert_eq!(network.hubs()[0].stats().requests, 2);
    });
}

#[test]
fn one_connection_too_many_is_reset() {
    let mut profile = plain(100_000, 20);
    profile.conn_limit = Some(2);
    Scene::new(profile).run(|http, network| async move {
        let url = big_url(&http).await;
        let (_, body) = send(&http, get(&url)).await.unwrap();
        assert_eq!(send(&http, get(&url)).await.unwrap_err(), Fault::Reset);
        drop(body);
        sleep(Duration::from_secs(1)).await;
        assert_eq!(send(&http, get(&url)).await.unwrap().0.status, 200);
        let connections = network.connections();
        assert_eq!((connections.flows().len(), connections.open_max()), (4, 3));
    });
}

#[test]
fn an_outage_holds_everything_back() {
    let mut profile = plain(100_000, 20);
    let (first, lasting) = (Duration::from_millis(1500), Duration::from_secs(20));
    profile.outages = vec![Outage { first, lasting, every: None }];
    Scene::new(profile).run(|http, network| async move {
        let url = big_url(&http).await;
        let (_, body) = send(&http, get(&url)).await.unwrap();
        let reading = tokio::spawn(drain(body));
        sleep(Duration::from_secs(2)).await;
        let before = network.connections().received();
        assert!((50_000..150_000).contains(&before), "{before}");
        // The first packet is sent again after 1, 3, 7, 15 and 31 s.
        let asked_at = now().unwrap();
        assert_eq!(send(&http, get(&url)).await.unwrap().0.status, 200);
        let waited = now().unwrap().since(asked_at).as_secs_f64();
        assert!((31.0..31.2).contains(&waited), "{waited} s");
        let (bytes, fault) = reading.await.unwrap();
        assert!(fault.is_none() && is_truth(&network, &bytes) && bytes.len() as u64 == BIG_LEN);
    });
}

#[test]
fn whoever_dials_through_a_long_outage_gives_up() {
    let mut profile = plain(1_000_000, 20);
    let (first, lasting) = (Duration::ZERO, Duration::from_secs(1000));
    profile.outages = vec![Outage { first, lasting, every: None }];
    Scene::new(profile).run(|http, network| async move {
        let fault = scene::try_big_url(&http).await.unwrap_err();
        assert_eq!(fault, Fault::Link("the connection timed out".to_owned()));
        assert_eq!(network.connections().flows()[0].ending, Some(Ending::NoAnswer));
        let waited = now().unwrap().since_start().as_secs();
        assert!((127..129).contains(&waited), "{waited} s");
    });
}

#[test]
fn names_may_take_long_or_be_out_of_reach() {
    let seconds = Duration::from_secs;
    let slow = Resolver::Slow { by: seconds(3) };
    let away = Resolver::Away { after: seconds(10) };
    let during = |from, to| Instant::at(seconds(from))..Instant::at(seconds(to));
    let mut scene = Scene::new(plain(100_000, 20));
    scene.names = Names::default()
        .trouble(Trouble { during: during(0, 10), resolver: slow })
        .trouble(Trouble { during: during(100, 110), resolver: away });
    scene.run(move |http, network| async move {
        big_url(&http).await;
        assert!((3..4).contains(&now().unwrap().since_start().as_secs()));
        sleep(seconds(100)).await;
        let fault = scene::try_big_url(&http).await.unwrap_err();
        assert_eq!(fault, Fault::Lookup(HUB_NAME.to_owned()));
        assert!((113..114).contains(&now().unwrap().since_start().as_secs()));
        assert_eq!(network.connections().flows()[1].ending, Some(Ending::NoName));
        big_url(&http).await;
    });
}

#[test]
fn a_partition_is_no_refusal() {
    let scene = Scene::new(plain(100_000, 20));
    scene.run_with(
        |sim, _| {
            if sim.elapsed().is_zero() {
                sim.partition(HUB_NODE, scene::CLIENT_NODE);
            }
        },
        |http, _| async move {
            let lost = timeout(Duration::from_secs(100), scene::try_big_url(&http)).await;
            assert!(lost.is_err(), "{lost:?}");
        },
    );
}

#[test]
fn connections_share_the_link() {
    Scene::new(plain(400_000, 100)).run(|http, network| async move {
        let url = big_url(&http).await;
        let started_at = now().unwrap();
        let mut readers = Vec::new();
        for _ in 0..4 {
            let (http, url) = (http.clone(), url.clone());
            readers.push(tokio::spawn(async move {
                let (_, body) = send(&http, get(&url)).await.unwrap();
                let _ = drain(body).await;
                now().unwrap()
            }));
        }
        for reader in readers {
            let took = reader.await.unwrap().since(started_at).as_secs_f64();
            let least = 4.0 * BIG_LEN as f64 / 400_000.0;
            assert!((least * 0.97..least * 1.03 + 0.5).contains(&took), "{took} s, not {least} s");
        }
        assert_eq!(network.connections().open_max(), 5);
        assert!(network.connections().received() > 4 * BIG_LEN);
    });
}

#[test]
fn a_fast_link_is_as_fast_as_it_says() {
    Scene::new(plain(125_000_000, 10)).run(|http, _| async move {
        let url = big_url(&http).await;
        let started_at = now().unwrap();
        for _ in 0..5 {
            let (_, body) = send(&http, get(&url)).await.unwrap();
            assert_eq!(drain(body).await.1, None);
        }
        let took = now().unwrap().since(started_at).as_secs_f64();
        let least = 5.0 * BIG_LEN as f64 / 125_000_000.0;
        assert!((least..least + 0.15).contains(&took), "{took} s, not {least} s");
    });
}

#[test]
fn a_body_that_nobody_reads_does_not_pile_up() {
    Scene::new(plain(100_000_000, 20)).run(|http, network| async move {
        let url = big_url(&http).await;
        let (_, body) = send(&http, get(&url)).await.unwrap();
        sleep(Duration::from_secs(10)).await;
        let received = network.connections().received();
        assert!(received < 1 << 20, "{received} bytes");
        drop(body);
        sleep(Duration::from_secs(1)).await;
        assert_eq!(network.hubs()[0].stats().connections_open, 1);
    });
}
