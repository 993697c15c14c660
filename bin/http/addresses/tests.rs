//! Names with several addresses, on loopback: some answer, some refuse, some never answer.
//!
//! Linux only: there, all of 127.0.0.0/8 is this machine. An address that never answers is a
//! listener whose queue is full: Linux drops further SYNs (tcp(7), `tcp_abort_on_overflow`).

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::net::{TcpListener, TcpSocket};

use super::*;

/// Three addresses and a port at which the second and the third answer.
struct Scene {
    first: IpAddr,
    answering: [TcpListener; 2],
    /// What the first does: keeps its listener, if there is one, and what fills its queue.
    _dead: (Option<TcpListener>, Option<TcpStream>),
    is_resolver_down: Arc<AtomicBool>,
    addresses: Addresses,
}

impl Scene {
    /// The first address refuses, or never answers.
    async fn new(is_silent: bool) -> Self {
        let [first, second, third] = [7, 8, 9].map(|last| IpAddr::from([127, 3, 1, last]));
        let listener = TcpListener::bind((second, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let answering = [listener, TcpListener::bind((third, port)).await.unwrap()];
        let dead = if is_silent {
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind((first, port).into()).unwrap();
            let listener = socket.listen(0).unwrap();
            (Some(listener), Some(TcpStream::connect((first, port)).await.unwrap()))
        } else {
            (None, None)
        };
        let is_resolver_down = Arc::new(AtomicBool::new(false));
        let is_down = Arc::clone(&is_resolver_down);
        let lookup: Arc<Lookup> = Arc::new(move |host| {
            assert_eq!(host, "hub.test");
            let down = is_down.load(Ordering::Relaxed);
            let answer = match down {
                true => Err(io::Error::other("Temporary failure in name resolution")),
                false => Ok(vec![first, second, third]),
            };
            Box::pin(std::future::ready(answer))
        });
        let addresses = Addresses::new("hub.test", port, lookup);
        Self { first, answering, _dead: dead, is_resolver_down, addresses }
    }

    async fn choose(&self) -> Result<IpAddr, Fault> {
        timeout(Duration::from_secs(5), self.addresses.choose()).await.expect("within 5 s")
    }

    fn second(&self) -> IpAddr {
        self.answering[0].local_addr().unwrap().ip()
    }

    fn third(&self) -> IpAddr {
        self.answering[1].local_addr().unwrap().ip()
    }
}

#[tokio::test]
async fn a_first_address_that_is_dead_costs_a_moment_and_only_once() {
    for is_silent in [false, true] {
        let scene = Scene::new(is_silent).await;
        for _ in 0..3 {
            assert_eq!(scene.choose().await, Ok(scene.second()), "silent: {is_silent}");
        }
        // One dial found it out; connections are the business of the HTTP client.
        scene.answering[0].accept().await.unwrap();
        let more = timeout(Duration::from_millis(50), scene.answering[0].accept()).await;
        assert!(more.is_err(), "it was dialled again");
    }
}

#[tokio::test]
async fn connections_of_one_moment_cause_one_race() {
    let scene = Scene::new(true).await;
    let (a, b) = tokio::join!(scene.choose(), scene.choose());
    assert_eq!((a, b), (Ok(scene.second()), Ok(scene.second())));
    scene.answering[0].accept().await.unwrap();
    let more = timeout(Duration::from_millis(50), scene.answering[0].accept()).await;
    assert!(more.is_err(), "it was dialled twice");
}

#[tokio::test]
async fn an_address_that_was_no_good_is_the_last_for_a_while() {
    let scene = Scene::new(false).await;
    assert_eq!(scene.choose().await, Ok(scene.second()));
    assert!(scene.addresses.avoid(scene.second()));
    assert!(!scene.addresses.avoid(scene.second()), "it is avoided already");
    assert_eq!(scene.choose().await, Ok(scene.third()));
    assert!(scene.addresses.avoid(scene.third()));
    // None is left that was never any trouble: the one whose trouble is the longest ago.
    assert_eq!(scene.addresses.in_order(vec![scene.third(), scene.second()])[0], scene.second());
    assert_eq!(scene.choose().await, Ok(scene.second()));
    assert_ne!(scene.addresses.best(), Some(scene.first));
}

#[tokio::test]
async fn an_address_that_answers_outlives_the_resolver() {
    let scene = Scene::new(false).await;
    assert_eq!(scene.choose().await, Ok(scene.second()));
    scene.is_resolver_down.store(true, Ordering::Relaxed);
    assert_eq!(scene.choose().await, Ok(scene.second()));
    scene.addresses.avoid(scene.second());
    assert_eq!(scene.choose().await, Err(Fault::Lookup("hub.test".to_owned())));
}

#[tokio::test]
async fn where_nobody_listens_at_any_address_that_is_told() {
    let scene = Scene::new(false).await;
    let Scene { answering, addresses, .. } = scene;
    drop(answering);
    assert_eq!(addresses.choose().await, Err(Fault::Refused));
}

#[tokio::test]
async fn a_single_address_is_not_dialled_and_never_avoided() {
    let only = IpAddr::from([127, 0, 0, 1]);
    let listener = TcpListener::bind((only, 0)).await.unwrap();
    let lookup: Arc<Lookup> = Arc::new(move |_| Box::pin(std::future::ready(Ok(vec![only]))));
    let port = listener.local_addr().unwrap().port();
    let addresses = Addresses::new("hub.test", port, lookup);
    assert_eq!(addresses.choose().await, Ok(only));
    assert!(!addresses.avoid(only));
    assert!(timeout(Duration::from_millis(50), listener.accept()).await.is_err());
}
