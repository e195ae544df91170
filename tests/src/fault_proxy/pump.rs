//! The bytes of one connection, and what happens to them.

use super::plan::{Act, Cut, Plan};
use super::port::Shared;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Up,
    Down,
}

/// Carries the bytes of a connection until both ends have had enough. An error is a reset.
pub(super) async fn carry(
    mut client: TcpStream,
    mut server: TcpStream,
    (plan, born): (Plan, u64),
    shared: &Shared,
) -> io::Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    // Whatever ends the connection early is RST, not FIN. Halves that own the stream would say FIN.
    client.set_zero_linger()?;
    server.set_zero_linger()?;
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let up = (plan.up, plan.latency, born);
    let down = (plan.down, plan.latency, born);
    let up = Pump::new(from_client, to_server, up, (shared, Way::Up));
    let down = Pump::new(from_server, to_client, down, (shared, Way::Down));
    tokio::try_join!(up.run(), down.run())?;
    // Both have ended well: FIN was sent, and no RST may overtake it.
    lingers(&client)?;
    lingers(&server)
}

/// Closing sends FIN again.
fn lingers(stream: &TcpStream) -> io::Result<()> {
    Ok(rustix::net::sockopt::set_socket_linger(stream, None)?)
}

struct Pump<'a> {
    from: ReadHalf<'a>,
    to: WriteHalf<'a>,
    cut: Option<Cut>,
    latency: Duration,
    /// The mending before it: after the next one nothing happens to it any more.
    born: u64,
    shared: &'a Shared,
    way: Way,
    passed: usize,
    /// Bytes are missing, or are others.
    is_damaged: bool,
}

impl<'a> Pump<'a> {
    fn new(
        from: ReadHalf<'a>,
        to: WriteHalf<'a>,
        (cut, latency, born): (Option<Cut>, Duration, u64),
        (shared, way): (&'a Shared, Way),
    ) -> Self {
        Self {
            from,
            to,
            cut,
            latency,
            born,
            shared,
            way,
            passed: 0,
            is_damaged: false,
        }
    }

    async fn run(mut self) -> io::Result<()> {
        let mut buffer = vec![0; 16 << 10];
        loop {
            if self.shared.mendings() != self.born {
                (self.cut, self.latency) = (None, Duration::ZERO);
            }
            if let Some(cut) = self.cut.filter(|cut| self.passed >= cut.after) {
                self.cut = None;
                if !self.act(cut.act).await? {
                    return Ok(());
                }
            }
            // Up to the place, so that it is met exactly.
            let left = self.cut.map_or(buffer.len(), |cut| cut.after - self.passed);
            let most = left.min(buffer.len());
            let read = tokio::select! {
                read = self.from.read(&mut buffer[..most]) => read?,
                // Both ends may wait for bytes that never come.
                _ = self.shared.mended(self.born), if self.is_damaged => {
                    return Err(io::ErrorKind::ConnectionReset.into());
                }
            };
            if read == 0 {
                self.to.shutdown().await?;
                return Ok(());
            }
            if !self.latency.is_zero() {
                tokio::time::sleep(self.latency).await;
            }
            self.to.write_all(&buffer[..read]).await?;
            self.passed += read;
            self.shared.count(self.way, read);
        }
    }

    /// Does it; whether the direction goes on.
    async fn act(&mut self, act: Act) -> io::Result<bool> {
        match act {
            Act::Reset => return Err(io::ErrorKind::ConnectionReset.into()),
            Act::Close => {
                self.to.shutdown().await?;
                // Not by RST: that would overtake what was sent before it.
                lingers(self.to.as_ref())?;
                lingers(self.from.as_ref())?;
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            Act::HalfClose => {
                self.to.shutdown().await?;
                return Ok(false);
            }
            Act::Stall => {
                if self.shared.mended(self.born).await {
                    return Err(io::ErrorKind::ConnectionReset.into());
                }
            }
            Act::Garbage(bytes) => {
                let noise = bytes.min(16 << 10);
                let mut there = vec![0; noise];
                let read = self.from.read(&mut there).await?;
                for byte in &mut there[..read] {
                    *byte ^= 0xa5;
                }
                self.to.write_all(&there[..read]).await?;
                self.passed += read;
                self.is_damaged = true;
            }
            Act::Skip(bytes) => {
                let mut there = vec![0; bytes.min(16 << 10)];
                let read = self.from.read(&mut there).await?;
                self.passed += read;
                self.is_damaged = true;
            }
            Act::Alert(what) => {
                // Fatal, as a record of TLS 1.2 or of a handshake of 1.3.
                self.to.write_all(&[21, 3, 3, 0, 2, 2, what]).await?;
                self.to.shutdown().await?;
                return Ok(false);
            }
        }
        Ok(true)
    }
}
