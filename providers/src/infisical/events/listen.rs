//! A stream while it is alive. The server pings every 15 s (contract §3); one that is silent for longer
//! than two of them is dead, whatever TCP says.

use super::lines::Lines;
use crate::hints::Hints;
use crate::http::Response;
use hyper::body::Bytes;
use std::time::Duration;
use tokio::time::sleep;

/// How long a stream may be silent.
const QUIET: Duration = Duration::from_secs(40);
/// The pause after a hint: a flood of events costs a little of the daemon's one thread and no more. The
/// rest waits at the server, which drops what it cannot send.
const PAUSE: Duration = Duration::from_millis(100);

/// Where pieces of a stream come from.
pub(super) trait Pieces {
    /// The next one; `None`: the stream ended, or was silent for longer than this.
    async fn next(&mut self, within: Duration) -> Option<Bytes>;
}

impl Pieces for Response {
    async fn next(&mut self, within: Duration) -> Option<Bytes> {
        self.piece(within).await.ok().flatten()
    }
}

/// Listens to the end of the stream.
pub(super) async fn listen(stream: &mut impl Pieces, hints: &Hints) {
    // What changed while nobody listened was told to nobody: there is no replay.
    hints.give();
    let mut lines = Lines::default();
    while let Some(piece) = stream.next(QUIET).await {
        if lines.push(&piece) {
            hints.give();
            sleep(PAUSE).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::mpsc;
    use tokio::time::{Instant, timeout};

    struct Fake(mpsc::UnboundedReceiver<&'static str>);

    impl Pieces for Fake {
        async fn next(&mut self, within: Duration) -> Option<Bytes> {
            let piece = timeout(within, self.0.recv()).await.ok()??;
            Some(Bytes::from_static(piece.as_bytes()))
        }
    }

    fn start() -> (
        mpsc::UnboundedSender<&'static str>,
        Hints,
        tokio::task::JoinHandle<Duration>,
    ) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let hints = Hints::default();
        let counting = hints.clone();
        let listening = tokio::spawn(async move {
            let started = Instant::now();
            listen(&mut Fake(receiver), &counting).await;
            started.elapsed()
        });
        (sender, hints, listening)
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_a_hint_and_so_is_an_event_but_no_ping() {
        let (stream, hints, _listening) = start();
        let before = hints.mark();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(before.is_over(), "there is no replay");
        let connected = hints.mark();
        stream.send("event: ping\n\n").unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(!connected.is_over());
        stream.send("event: secret:update\ndata: {}\n\n").unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(connected.is_over());
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_without_pings_is_given_up_and_one_with_them_is_not() {
        let (stream, _, listening) = start();
        for _ in 0..100 {
            stream.send("event: ping\n\n").unwrap();
            tokio::time::sleep(Duration::from_secs(15)).await;
        }
        assert!(!listening.is_finished());
        let lived = listening.await.unwrap();
        let alive = Duration::from_secs(15 * 99);
        assert!(
            lived >= alive + QUIET && lived <= alive + QUIET * 2,
            "{lived:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_the_server_ends_is_over_at_once() {
        let (stream, _, listening) = start();
        drop(stream);
        assert!(listening.await.unwrap() < Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_of_events_is_read_slowly() {
        let (stream, _, listening) = start();
        for _ in 0..1000 {
            stream.send("data: 1\n\n").unwrap();
        }
        drop(stream);
        assert!(listening.await.unwrap() >= PAUSE * 1000);
    }
}
