//! One connection: request after request, each with its fault.

use super::answer::Answer;
use super::fault::Fault;
use super::feed::Feed;
use super::record::Seen;
use super::request::Request;
use super::shared::Shared;
use super::site::{Reply, Site};
use super::wire::{Unreadable, Wire};
use std::io;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

/// How often a stream of events pings (contract infisical.md §3).
const PING: std::time::Duration = std::time::Duration::from_secs(15);

/// Whether the connection goes on.
type GoesOn = Option<Wire>;

pub(super) async fn connection<S: Site>(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    shared: &Shared<S>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut wire = match tls {
        None => Wire::plain(stream),
        // A client that does not trust the certificate ends here, which is its right.
        Some(tls) => Wire::tls(tls.accept(stream).await?),
    };
    loop {
        let request = match wire.request().await {
            Ok(request) => request,
            Err(Unreadable::Ended) => return Ok(()),
            Err(Unreadable::Wrong(what)) => {
                shared.change(|state| state.violations.push(what.to_owned()));
                return wire.write(&Answer::empty(400).head(Some(0))).await;
            }
        };
        if request.header("proxy-authorization").is_some() {
            let what = "what opens a proxy, sent to a server";
            shared.change(|state| state.violations.push(what.to_owned()));
        }
        let is_last = request.is_last();
        let turn = Turn::begin(shared, request);
        match turn.serve(wire).await? {
            Some(next) if is_last => return next.close().await,
            Some(next) => wire = next,
            None => return Ok(()),
        }
    }
}

/// One request on its way. Dropped before its end, it was given up.
struct Turn<'a, S: Site> {
    shared: &'a Shared<S>,
    request: Request,
    route: S::Route,
    fault: Fault,
    /// Its number in the log.
    at: usize,
    /// How often its route had been released when it came: a release from then on is for it too.
    releases: u64,
    is_over: bool,
}

impl<'a, S: Site> Turn<'a, S> {
    fn begin(shared: &'a Shared<S>, request: Request) -> Self {
        let route = shared.site().route(&request);
        let (fault, at, releases) = shared.change(|state| {
            state.log.push(Seen::new(route, &request));
            state.in_flight += 1;
            state.peak = state.peak.max(state.in_flight);
            let at = state.forgotten + state.log.len() - 1;
            (state.faults.take(route), at, state.releases(route))
        });
        Self {
            shared,
            request,
            route,
            fault,
            at,
            releases,
            is_over: false,
        }
    }

    async fn serve(mut self, mut wire: Wire) -> io::Result<GoesOn> {
        match self.fault {
            Fault::Hang => self.hold(&mut wire).await?,
            Fault::Delay(by) => tokio::select! {
                () = wire.gone() => return Err(io::ErrorKind::BrokenPipe.into()),
                () = tokio::time::sleep(by) => {}
            },
            _ => {}
        }
        let answer = self.answer();
        let status = answer.status;
        self.shared.change(|state| {
            let line = self.at.checked_sub(state.forgotten);
            if let Some(seen) = line.and_then(|line| state.log.get_mut(line)) {
                seen.status = Some(status);
            }
        });
        let goes_on = self.send(wire, &answer).await?;
        self.is_over = true;
        Ok(goes_on)
    }

    /// The answer, which a fault may replace.
    fn answer(&self) -> Answer {
        let page = "<html><body><h1>secretfs simulator of a proxy</h1></body></html>\n";
        let mut site = self.shared.site();
        let reply = match &self.fault {
            Fault::Status(status) => Reply::from(site.broken(*status)),
            Fault::Limited(seconds) => {
                let answer = site.broken(429);
                answer.with("retry-after", seconds.to_string()).into()
            }
            Fault::Html(status) => Answer::new(*status, "text/html", page.into()).into(),
            Fault::Redirect(to) => Answer::empty(307).with("location", to).into(),
            Fault::BadJson => {
                let body = b"{\"secret\":{\"secretKey\":".to_vec();
                Answer::new(200, "application/json; charset=utf-8", body).into()
            }
            Fault::WrongSecret => site.lie(self.route, &self.request),
            _ => site.answer(self.route, &self.request),
        };
        drop(site);
        let Reply {
            mut answer,
            violations,
        } = reply;
        let of = |what: String| format!("{} {}: {what}", self.request.method, self.request.path);
        self.shared
            .change(|state| state.violations.extend(violations.into_iter().map(of)));
        if let Fault::Padded(blanks) = self.fault {
            answer.body.splice(0..0, std::iter::repeat_n(b' ', blanks));
        }
        answer
    }

    async fn send(&self, mut wire: Wire, answer: &Answer) -> io::Result<GoesOn> {
        if let Some(feed) = &answer.feed {
            return feed_to(wire, answer, feed).await;
        }
        let has_body = self.request.method != "HEAD" && answer.status != 304;
        let body = if has_body { &answer.body[..] } else { &[] };
        let length = (answer.status != 304).then_some(answer.body.len());
        let head = answer.head(length);
        let cut = |at: usize| body.split_at(at.min(body.len()));
        match self.fault {
            Fault::Garbage => {
                wire.write(b"\x16\x03\x01 this is no answer\r\n\r\n")
                    .await?;
                wire.close().await?;
                return Ok(None);
            }
            Fault::ResetAfter(bytes) => {
                let all = [&head[..], body].concat();
                wire.write(all.get(..bytes).unwrap_or(&all)).await?;
                wire.reset()?;
                return Ok(None);
            }
            Fault::Truncate(bytes) => {
                wire.write(&head).await?;
                wire.write(cut(bytes).0).await?;
                wire.close().await?;
                return Ok(None);
            }
            Fault::Endless => {
                let head = answer.clone().with("connection", "close").head(None);
                wire.write(&head).await?;
                // Until the client has had enough: then this is an error.
                loop {
                    wire.write(&[b' '; 4096]).await?;
                }
            }
            Fault::HangAfter(bytes) => {
                wire.write(&head).await?;
                wire.write(cut(bytes).0).await?;
                self.hold(&mut wire).await?;
                wire.write(cut(bytes).1).await?;
            }
            Fault::Slow { bytes, every } => {
                wire.write(&head).await?;
                for piece in body.chunks(bytes.max(1)) {
                    // Mended, it comes as fast as any other.
                    if self.shared.state().releases(self.route) == self.releases {
                        tokio::time::sleep(every).await;
                    }
                    wire.write(piece).await?;
                }
            }
            _ => wire.write(&[&head[..], body].concat()).await?,
        }
        Ok(Some(wire))
    }

    /// Waits for the test; an error when the client gave up.
    async fn hold(&self, wire: &mut Wire) -> io::Result<()> {
        let _held = Held::new(self.shared, self.route);
        let released = async {
            loop {
                let woken = self.shared.woken.notified();
                tokio::pin!(woken);
                // From here on no wake-up is missed.
                woken.as_mut().enable();
                if self.shared.state().releases(self.route) != self.releases {
                    return;
                }
                woken.await;
            }
        };
        tokio::select! {
            () = released => Ok(()),
            () = wire.gone() => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
}

/// What a ping is.
const PING_TEXT: &[u8] = b"event: ping\n\n";

/// Sends what comes, and a ping now and then, until one of the two is gone.
async fn feed_to(mut wire: Wire, answer: &Answer, feed: &Feed) -> io::Result<GoesOn> {
    wire.write(&answer.head(None)).await?;
    let mut feed = feed.0.lock().await;
    let mut pings = tokio::time::interval(PING);
    // The first tick is at once, but no sooner than the timer's next millisecond: waited for, or chance
    // would say whether an answer that ends at once has a ping.
    pings.tick().await;
    let mut first = Some(PING_TEXT.to_vec());
    loop {
        let piece = match first.take() {
            Some(ping) => Some(ping),
            None => tokio::select! {
                piece = feed.recv() => piece,
                _ = pings.tick() => Some(PING_TEXT.to_vec()),
                () = wire.gone() => {
                    feed.close();
                    return Err(io::ErrorKind::BrokenPipe.into());
                }
            },
        };
        let Some(piece) = piece else {
            wire.write(b"0\r\n\r\n").await?;
            wire.close().await?;
            return Ok(None);
        };
        let mut chunk = format!("{:x}\r\n", piece.len()).into_bytes();
        chunk.extend_from_slice(&piece);
        chunk.extend_from_slice(b"\r\n");
        wire.write(&chunk).await?;
    }
}

impl<S: Site> Drop for Turn<'_, S> {
    fn drop(&mut self) {
        let is_over = self.is_over;
        self.shared.change(|state| {
            state.in_flight -= 1;
            if !is_over {
                state.cancelled += 1;
            }
        });
    }
}

/// Counts as waiting while it lives.
struct Held<'a, S: Site>(&'a Shared<S>, S::Route);

impl<'a, S: Site> Held<'a, S> {
    fn new(shared: &'a Shared<S>, route: S::Route) -> Self {
        shared.change(|state| *state.held.entry(route).or_default() += 1);
        Self(shared, route)
    }
}

impl<S: Site> Drop for Held<'_, S> {
    fn drop(&mut self) {
        self.0.change(|state| {
            if let Some(held) = state.held.get_mut(&self.1) {
                *held -= 1;
            }
        });
    }
}
