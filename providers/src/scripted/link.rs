//! One connection to the simulator: frames in, values straight into sealed areas.

use super::wire::{self, Event, HEADER, JSON};
use crate::error::{ErrorKind, ProviderError};
use secretfs_memory::sealed::{Sealed, SealedWriter};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

/// An error of the provider `name`.
pub(super) fn error(name: &str, kind: ErrorKind, what: &str) -> ProviderError {
    ProviderError::new(kind, format!("provider {name:?} {what}"), "this is a test")
}

pub(super) struct Link<'a> {
    stream: UnixStream,
    /// The provider's name.
    name: &'a str,
    piece: Vec<u8>,
}

impl<'a> Link<'a> {
    pub(super) fn new(stream: UnixStream, name: &'a str) -> Self {
        Self {
            stream,
            name,
            piece: vec![0; 4096],
        }
    }

    fn error(&self, kind: ErrorKind, what: &str) -> ProviderError {
        error(self.name, kind, what)
    }

    fn broken(&self) -> ProviderError {
        self.error(ErrorKind::Unreachable, "broke the connection")
    }

    /// Sends a request.
    pub(super) async fn send(&mut self, body: &[u8]) -> Result<(), ProviderError> {
        let header = wire::header(JSON, body)
            .ok_or_else(|| self.error(ErrorKind::Protocol, "cannot be asked for that much"))?;
        let sent = async {
            self.stream.write_all(&header).await?;
            self.stream.write_all(body).await
        };
        sent.await.map_err(|_| self.broken())
    }

    /// Reads the pieces of one value. The outer error ends the call, the inner one this value.
    pub(super) async fn value(
        &mut self,
        mut writer: SealedWriter,
        name: &str,
    ) -> Result<Result<Sealed, ProviderError>, ProviderError> {
        let mut failure = None;
        loop {
            let (kind, len) = self.frame().await?;
            if kind == JSON {
                return match self.body(len).await? {
                    Event::End => Ok(match failure {
                        Some(e) => Err(e),
                        None => writer.finish().map_err(|e| {
                            ProviderError::sealed(e, format_args!("the value of {name:?}"))
                        }),
                    }),
                    _ => Err(self.error(ErrorKind::Protocol, "ended a value with another event")),
                };
            }
            let mut left = len;
            while left > 0 {
                let piece = self.piece.len().min(left);
                let Some(piece) = self.piece.get_mut(..piece) else {
                    break;
                };
                if self.stream.read_exact(piece).await.is_err() {
                    return Err(self.broken());
                }
                left -= piece.len();
                if failure.is_none()
                    && let Err(e) = writer.append(piece)
                {
                    let what = format!("the value of {name:?}");
                    failure = Some(ProviderError::sealed(e, what));
                }
            }
        }
    }

    async fn frame(&mut self) -> Result<(u8, usize), ProviderError> {
        let mut header = [0; HEADER];
        if self.stream.read_exact(&mut header).await.is_err() {
            return Err(self.broken());
        }
        wire::parse_header(header)
            .ok_or_else(|| self.error(ErrorKind::Protocol, "sent a frame that is too long"))
    }

    /// The next step of the answer.
    pub(super) async fn event(&mut self) -> Result<Event, ProviderError> {
        let (kind, len) = self.frame().await?;
        if kind != JSON {
            return Err(self.error(ErrorKind::Protocol, "sent bytes outside a value"));
        }
        self.body(len).await
    }

    async fn body(&mut self, len: usize) -> Result<Event, ProviderError> {
        let mut body = vec![0; len];
        if self.stream.read_exact(&mut body).await.is_err() {
            return Err(self.broken());
        }
        serde_json::from_slice(&body)
            .map_err(|_| self.error(ErrorKind::Protocol, "sent an event that cannot be read"))
    }
}
