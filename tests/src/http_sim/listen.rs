//! The thread, the port, and outages of all of it.

use super::serve;
use super::shared::Shared;
use super::site::Site;
use rustls::ServerConfig;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// What the port does instead of serving.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outage {
    /// Connections are refused, as while the server restarts.
    Refuse,
    /// Connections are taken, and nothing is ever said: not even a handshake.
    Mute,
}

/// What the thread is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Serve,
    Fail(Outage),
    Stop,
}

/// The serving thread.
#[derive(Debug)]
pub(super) struct Listening {
    address: SocketAddr,
    /// The last order and its number.
    orders: watch::Sender<(u64, Order)>,
    /// The number of the order in force: a test must not go on before a port refuses.
    obeyed: watch::Receiver<Option<u64>>,
    thread: Option<JoinHandle<()>>,
}

impl Listening {
    pub(super) fn start<S: Site>(shared: Arc<Shared<S>>, tls: Option<Arc<ServerConfig>>) -> Self {
        let (orders, order) = watch::channel((0, Order::Serve));
        let (obeying, obeyed) = watch::channel(None);
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async move {
                // Keeps the port while nobody listens, so that nobody else takes it.
                let keeper = socket(([127, 0, 0, 1], 0).into()).expect("a port");
                let address = keeper.local_addr().expect("an address");
                let port = Port {
                    address,
                    shared,
                    tls: tls.map(TlsAcceptor::from),
                };
                tell.send(address).expect("the starting thread waits");
                port.run(order, obeying).await;
            });
        });
        let address = told.recv().expect("the serving thread has a port");
        let listening = Self {
            address,
            orders,
            obeyed,
            thread: Some(thread),
        };
        listening.wait_obeyed(0);
        listening
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn outage(&self, outage: Option<Outage>) {
        self.order(outage.map_or(Order::Serve, Order::Fail));
    }

    /// Gives an order and waits until it is in force.
    fn order(&self, order: Order) {
        let number = self.orders.borrow().0 + 1;
        self.orders.send_replace((number, order));
        self.wait_obeyed(number);
    }

    fn wait_obeyed(&self, number: u64) {
        let mut obeyed = self.obeyed.clone();
        let waiting = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime");
        drop(waiting.block_on(obeyed.wait_for(|now| *now >= Some(number))));
    }

    pub(super) fn stop(&mut self) {
        self.orders.send_replace((u64::MAX, Order::Stop));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// A bound socket. Several may have the port: the one that keeps it, and the one that listens.
pub(crate) fn socket(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
}

struct Port<S: Site> {
    address: SocketAddr,
    shared: Arc<Shared<S>>,
    tls: Option<TlsAcceptor>,
}

impl<S: Site> Port<S> {
    async fn run(
        &self,
        mut order: watch::Receiver<(u64, Order)>,
        obeying: watch::Sender<Option<u64>>,
    ) {
        loop {
            let (number, now) = *order.borrow_and_update();
            // Dropped at the next order, with every connection.
            let mut connections = JoinSet::new();
            let mut mute = Vec::new();
            let listener = match now {
                Order::Stop => return,
                Order::Fail(Outage::Refuse) => None,
                Order::Serve | Order::Fail(Outage::Mute) => {
                    let listening = socket(self.address).and_then(|socket| socket.listen(1024));
                    Some(listening.expect("the port is kept"))
                }
            };
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
                        if now == Order::Serve {
                            connections.spawn(self.connection(stream));
                        } else {
                            mute.push(stream);
                        }
                    }
                    // Takes what has ended off the set.
                    Some(_) = connections.join_next() => {}
                }
            }
        }
    }

    fn connection(&self, stream: TcpStream) -> impl Future<Output = ()> + Send + 'static {
        let shared = Arc::clone(&self.shared);
        let tls = self.tls.clone();
        shared.change(|state| state.connections += 1);
        async move {
            // An error is a connection that ended: scripted, or the client gave up.
            let _ended = serve::connection(stream, tls, &shared).await;
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
