//! A server that is far away: a port in front of it where every segment takes its time, each way.
//!
//! A server that only answers later would let handshakes and what follows them cost nothing. Here each
//! exchange costs its round trip, as on a wire: what a connection opens with is not sent before the
//! round trip of TCP's own handshake is over, which a loopback port answers at once. Threads that sleep
//! and not a runtime's timers, which know milliseconds alone.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The port. Dropping it ends it; connections that are open end with their ends.
#[derive(Debug)]
pub struct Far {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    is_over: AtomicBool,
    connections: AtomicUsize,
    /// Ways that are still open: two a connection.
    ways: AtomicUsize,
}

/// Bytes, and when they arrive. None: the end.
type Segment = (Instant, Option<Vec<u8>>);

impl Far {
    /// In front of the server at that address, that far away.
    ///
    /// # Panics
    /// There is no port.
    #[must_use]
    pub fn start(server: SocketAddr, round_trip: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            is_over: AtomicBool::new(false),
            connections: AtomicUsize::new(0),
            ways: AtomicUsize::new(0),
        });
        let serving = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            for near in listener.incoming() {
                if serving.is_over.load(Ordering::SeqCst) {
                    return;
                }
                serving.connections.fetch_add(1, Ordering::SeqCst);
                // Either end may be gone by now: then there is nobody to tell.
                if let (Ok(near), Ok(far)) = (near, TcpStream::connect(server)) {
                    let _ = carry(near, far, round_trip, &serving);
                }
            }
        });
        Self {
            address,
            shared,
            thread: Some(thread),
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Of how many connections not both ends have been told that the other one has ended.
    #[must_use]
    pub fn connected(&self) -> usize {
        self.shared.ways.load(Ordering::SeqCst).div_ceil(2)
    }

    /// How many connections were made.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Far {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// Both ways of one connection.
fn carry(
    near: TcpStream,
    far: TcpStream,
    round_trip: Duration,
    shared: &Arc<Shared>,
) -> std::io::Result<()> {
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let connected = Instant::now() + round_trip;
    let there = (near.try_clone()?, far.try_clone()?);
    for (from, to) in [there, (far, near)] {
        shared.ways.fetch_add(1, Ordering::SeqCst);
        way(from, to, connected, round_trip / 2, Arc::clone(shared));
    }
    Ok(())
}

/// One way: a thread that reads at once, and one that writes when it is time.
fn way(from: TcpStream, to: TcpStream, connected: Instant, takes: Duration, shared: Arc<Shared>) {
    let (sender, receiver) = channel();
    std::thread::spawn(move || read(from, &sender, connected, takes));
    std::thread::spawn(move || {
        write(to, &receiver);
        shared.ways.fetch_sub(1, Ordering::SeqCst);
    });
}

fn read(mut from: TcpStream, sender: &Sender<Segment>, connected: Instant, takes: Duration) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let bytes = match from.read(&mut buffer) {
            Ok(len @ 1..) => Some(buffer[..len].to_vec()),
            _ => None,
        };
        let is_last = bytes.is_none();
        let arrives = Instant::now().max(connected) + takes;
        if sender.send((arrives, bytes)).is_err() || is_last {
            return;
        }
    }
}

fn write(mut to: TcpStream, receiver: &Receiver<Segment>) {
    while let Ok((arrives, bytes)) = receiver.recv() {
        std::thread::sleep(arrives.saturating_duration_since(Instant::now()));
        let is_written = bytes.is_some_and(|bytes| to.write_all(&bytes).is_ok());
        if !is_written {
            let _ = to.shutdown(Shutdown::Write);
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Far;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::time::{Duration, Instant};

    const ROUND_TRIP: Duration = Duration::from_millis(20);

    #[test]
    fn the_first_exchange_of_a_connection_takes_two_round_trips_and_each_other_one() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let far = Far::start(server.local_addr().unwrap(), ROUND_TRIP);
        let echo = std::thread::spawn(move || {
            let (mut stream, _) = server.accept().unwrap();
            let mut byte = [0];
            while stream.read(&mut byte).unwrap() == 1 {
                stream.write_all(&byte).unwrap();
            }
        });
        let mut stream = TcpStream::connect(far.address()).unwrap();
        for least in [2, 1, 1] {
            let start = Instant::now();
            stream.write_all(b"x").unwrap();
            stream.read_exact(&mut [0]).unwrap();
            assert!(start.elapsed() >= ROUND_TRIP * least);
        }
        drop(stream);
        // It is told of the end, too.
        echo.join().unwrap();
        crate::wait::until("both are told", || (far.connected() == 0).then_some(()));
        assert_eq!(far.connections(), 1);
    }
}
