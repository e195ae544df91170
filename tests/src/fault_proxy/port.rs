//! The proxy's thread and port, and what a script tells it.

use super::plan::{Door, Plan};
use super::pump::{self, Way};
use crate::http_sim::socket;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// A running proxy. Dropping it ends it.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// The last order and its number.
    orders: watch::Sender<(u64, Order)>,
    /// The number of the order in force.
    obeyed: watch::Receiver<Option<u64>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Door(Door),
    Stop,
}

/// What the script's thread and the carrying one have in common.
#[derive(Debug)]
pub(super) struct Shared {
    server: SocketAddr,
    plans: Mutex<Plans>,
    /// Counts the mendings, and whether what stalls is reset by the last one.
    mendings: watch::Sender<(u64, bool)>,
    up: AtomicUsize,
    down: AtomicUsize,
    connections: AtomicUsize,
}

#[derive(Debug, Default)]
struct Plans {
    /// Of the next connections.
    next: Vec<Plan>,
    /// Of all others.
    all: Plan,
}

impl Shared {
    fn plans(&self) -> MutexGuard<'_, Plans> {
        self.plans.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn count(&self, way: Way, bytes: usize) {
        match way {
            Way::Up => self.up.fetch_add(bytes, Ordering::Relaxed),
            Way::Down => self.down.fetch_add(bytes, Ordering::Relaxed),
        };
    }

    /// How often it was mended.
    pub(super) fn mendings(&self) -> u64 {
        self.mendings.borrow().0
    }

    /// Waits until the proxy is mended once more than `born`; whether that resets what stalls.
    pub(super) async fn mended(&self, born: u64) -> bool {
        let mut mendings = self.mendings.subscribe();
        let mended = mendings.wait_for(|(now, _)| *now != born).await;
        mended.map_or(true, |mended| mended.1)
    }
}

impl FaultProxy {
    /// In front of the server at that address.
    ///
    /// # Panics
    /// There is no port, or no thread.
    #[must_use]
    pub fn start(server: SocketAddr) -> Self {
        let shared = Arc::new(Shared {
            server,
            plans: Mutex::default(),
            mendings: watch::Sender::new((0, false)),
            up: AtomicUsize::new(0),
            down: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
        });
        let (orders, order) = watch::channel((0, Order::Door(Door::Open)));
        let (obeying, obeyed) = watch::channel(None);
        let (tell, told) = std::sync::mpsc::channel();
        let carrying = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async move {
                // Keeps the port while nobody listens, so that nobody else takes it.
                let keeper = socket(([127, 0, 0, 1], 0).into()).expect("a port");
                let address = keeper.local_addr().expect("an address");
                tell.send(address).expect("the starting thread waits");
                run(address, &carrying, order, obeying).await;
            });
        });
        let proxy = Self {
            address: told.recv().expect("the carrying thread has a port"),
            shared,
            orders,
            obeyed,
            thread: Some(thread),
        };
        proxy.wait_obeyed(0);
        proxy
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every connection from now on goes like this, but for those that [`FaultProxy::next`] speaks of.
    pub fn all(&self, plan: Plan) {
        self.shared.plans().all = plan;
    }

    /// The next connection that no earlier line speaks of.
    pub fn next(&self, plan: Plan) {
        self.shared.plans().next.push(plan);
    }

    /// Opens or shuts the door. Connections that are open end when it changes.
    pub fn door(&self, door: Door) {
        self.order(Order::Door(door));
    }

    /// All is well again. What stalls goes on, or is reset; a connection that has lost bytes is reset.
    pub fn mend(&self, reset: bool) {
        let mut plans = self.shared.plans();
        *plans = Plans::default();
        self.shared.mendings.send_modify(|(count, resets)| {
            *count += 1;
            *resets = reset;
        });
        drop(plans);
        if self.orders.borrow().1 != Order::Door(Door::Open) {
            self.door(Door::Open);
        }
    }

    /// Bytes carried to the server and back, and connections, so far.
    #[must_use]
    pub fn carried(&self) -> (usize, usize, usize) {
        let of = |count: &AtomicUsize| count.load(Ordering::Relaxed);
        (
            of(&self.shared.up),
            of(&self.shared.down),
            of(&self.shared.connections),
        )
    }

    fn order(&self, order: Order) {
        let number = self.orders.borrow().0 + 1;
        self.orders.send_replace((number, order));
        self.wait_obeyed(number);
    }

    fn wait_obeyed(&self, number: u64) {
        crate::wait::until("the proxy does as it is told", || {
            (*self.obeyed.borrow() >= Some(number)).then_some(())
        });
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.orders.send_replace((u64::MAX, Order::Stop));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

async fn run(
    address: SocketAddr,
    shared: &Arc<Shared>,
    mut order: watch::Receiver<(u64, Order)>,
    obeying: watch::Sender<Option<u64>>,
) {
    loop {
        let (number, now) = *order.borrow_and_update();
        // Dropped at the next order, with every connection.
        let mut connections = JoinSet::new();
        let mut mute = Vec::new();
        let door = match now {
            Order::Stop => return,
            Order::Door(door) => door,
        };
        let listener = (door != Door::Refuse).then(|| {
            let listening = socket(address).and_then(|socket| socket.listen(1024));
            listening.expect("the port is kept")
        });
        obeying.send_replace(Some(number));
        loop {
            tokio::select! {
                changed = order.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    break;
                }
                stream = accept(listener.as_ref()) => {
                    if door == Door::Mute {
                        mute.push(stream);
                        continue;
                    }
                    shared.connections.fetch_add(1, Ordering::Relaxed);
                    let mut plans = shared.plans();
                    let plan = match plans.next.is_empty() {
                        true => plans.all,
                        false => plans.next.remove(0),
                    };
                    let born = shared.mendings();
                    drop(plans);
                    let shared = Arc::clone(shared);
                    connections.spawn(async move {
                        if let Ok(server) = TcpStream::connect(shared.server).await {
                            // An error is a connection that a plan, or one of its ends, has ended.
                            let _ended = pump::carry(stream, server, (plan, born), &shared).await;
                        }
                    });
                }
                Some(_) = connections.join_next() => {}
            }
        }
    }
}

async fn accept(listener: Option<&TcpListener>) -> TcpStream {
    if let Some(listener) = listener {
        loop {
            if let Ok((stream, _)) = listener.accept().await {
                return stream;
            }
        }
    }
    std::future::pending().await
}
