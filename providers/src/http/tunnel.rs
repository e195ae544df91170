//! A way through a proxy: CONNECT, and from then on the bytes are the server's. The server's
//! credential goes through it inside TLS; the proxy's own goes no further than the proxy.

use super::connect::{BUFFER, Body, MAX_HEADERS, marked};
use super::endpoint::Address;
use super::failure::Cause;
use hyper::client::conn::http1;
use hyper::header::{self, HeaderValue};
use hyper::upgrade::Upgraded;
use hyper::{Method, Request, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;

/// Ends what drives the exchange, if it is given up.
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Asks the proxy at the other end of `stream` for a way to the server.
pub(super) async fn tunnel<S>(
    stream: S,
    to: &Address,
    authorization: Option<HeaderValue>,
) -> Result<TokioIo<Upgraded>, Cause>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let broken = |error: hyper::Error| Cause::at_proxy(Cause::of(&error));
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(BUFFER)
        .max_headers(MAX_HEADERS)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    let _driver = Driver(tokio::spawn(marked(connection.with_upgrades())));
    let request = request(to, authorization).ok_or(Cause::Broken)?;
    let answer = sender.send_request(request).await.map_err(broken)?;
    if !answer.status().is_success() {
        // Its page is the proxy's text, and not told.
        return Err(Cause::Tunnel(answer.status().as_u16()));
    }
    let upgraded = hyper::upgrade::on(answer).await.map_err(broken)?;
    Ok(TokioIo::new(upgraded))
}

fn request(to: &Address, authorization: Option<HeaderValue>) -> Option<Request<Body>> {
    let authority = to.authority();
    let mut request = Request::new(Body::default());
    *request.method_mut() = Method::CONNECT;
    *request.uri_mut() = Uri::builder().authority(authority.as_str()).build().ok()?;
    let headers = request.headers_mut();
    headers.insert(header::HOST, HeaderValue::from_str(&authority).ok()?);
    let agent = concat!("secretfs/", env!("CARGO_PKG_VERSION"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static(agent));
    if let Some(authorization) = authorization {
        headers.insert(header::PROXY_AUTHORIZATION, authorization);
    }
    Some(request)
}
