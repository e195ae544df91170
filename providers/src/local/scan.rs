//! One pass over a vault, in short steps: what is wanted goes straight into sealed areas, the rest
//! is dropped on the way.

use super::read::{FormatError, ValueError, ValueReader, VaultReader};
use crate::error::{ErrorKind, ProviderError};
use secretfs_memory::heap;
use secretfs_memory::sealed::{Sealed, SealedPool, SealedWriter};
use std::io::Read;
use std::sync::Arc;
use zeroize::Zeroizing;

/// How many pieces of 4 KiB are read before the runtime has its turn: some 0.2 ms of work.
const PIECES: u32 = 16;

/// After how many secrets the room in the heap is looked at, and how much there must be: names and
/// failures take at most 3 KiB each.
const LOOK: usize = 16;
const ROOM: usize = 128 * 1024;

/// Whether there is room to keep a few more secrets than these `count`.
pub(super) fn has_room(count: usize) -> bool {
    !count.is_multiple_of(LOOK) || heap::has_room(ROOM)
}

/// What to do with a secret.
pub(super) enum Take {
    /// Drop it.
    Nothing,
    /// Note that it is there.
    Name,
    /// Read it without keeping it.
    Probe,
    /// Keep it, up to that many bytes.
    Value(usize),
}

/// A secret that was there.
pub(super) struct Taken {
    pub(super) name: String,
    /// For [`Take::Value`], and the failure of [`Take::Probe`].
    pub(super) value: Option<Box<Result<Sealed, ProviderError>>>,
}

/// Why a pass ended early.
pub(super) enum ScanError {
    /// The content.
    Format(FormatError),
    /// A lock.
    Forgotten,
    /// The heap has no room for what was found.
    NoMemory,
}

impl From<FormatError> for ScanError {
    fn from(error: FormatError) -> Self {
        Self::Format(error)
    }
}

/// A pass over a vault.
pub(super) struct Scan<'a> {
    pub(super) pool: &'a Arc<SealedPool>,
    /// What all kept values together may take, where that is bounded.
    pub(super) budget: Option<usize>,
    /// Whether the vault is still unlocked.
    pub(super) alive: &'a (dyn Fn() -> bool + Sync),
}

impl Scan<'_> {
    /// Reads the vault to its end. Nothing of it is known to be whole before.
    pub(super) async fn run<R: Read + Send>(
        mut self,
        plain: R,
        mut take: impl FnMut(&str) -> Take + Send,
    ) -> Result<Vec<Taken>, ScanError> {
        let mut reader = VaultReader::new(plain)?;
        let mut taken = Vec::new();
        let mut turns = 0;
        let mut buffer = Zeroizing::new(vec![0; 4096]);
        while let Some(name) = reader.next_name()? {
            self.pause(&mut turns).await?;
            let wanted = take(&name);
            let what = || format!("the value of {name:?} in the vault");
            let mut sink = match wanted {
                Take::Nothing | Take::Name => Sink::Skim,
                Take::Probe => Sink::Probe,
                Take::Value(max) => {
                    let max = self.budget.map_or(max, |budget| budget.min(max));
                    Sink::Write(self.pool.writer(None, max))
                }
            };
            let mut failure = None;
            let present = if let Some(mut value) = reader.open()? {
                loop {
                    self.pause(&mut turns).await?;
                    match step(&mut value, &mut buffer, &mut sink, &failure) {
                        Ok(0) => break,
                        Ok(_) => {}
                        Err(Step::Vault(e)) => return Err(e.into()),
                        Err(Step::Sealed(e)) => failure = Some(ProviderError::sealed(e, what())),
                        Err(Step::NotBase64) => failure = Some(not_base64(&what())),
                    }
                }
                true
            } else {
                false
            };
            match reader.close() {
                Ok(()) if present => {}
                Err(ValueError::Vault(e)) => return Err(e.into()),
                Ok(()) | Err(ValueError::NotBase64) => failure = Some(not_base64(&what())),
            }
            let value = match (sink, failure) {
                (Sink::Skim, _) | (Sink::Probe, None) => None,
                (_, Some(failure)) => Some(Err(failure)),
                (Sink::Write(writer), None) => {
                    let sealed = writer.finish();
                    if let (Ok(sealed), Some(budget)) = (&sealed, &mut self.budget) {
                        *budget = budget.saturating_sub(sealed.len());
                    }
                    Some(sealed.map_err(|e| ProviderError::sealed(e, what())))
                }
            };
            if !matches!(wanted, Take::Nothing) {
                // An allocation that fails ends the process: twenty thousand names, or as many
                // failures, may be more than the heap has.
                if !has_room(taken.len()) {
                    return Err(ScanError::NoMemory);
                }
                taken.try_reserve(1).map_err(|_| ScanError::NoMemory)?;
                let value = value.map(Box::new);
                taken.push(Taken { name, value });
            }
        }
        reader.finish()?;
        Ok(taken)
    }

    async fn pause(&self, turns: &mut u32) -> Result<(), ScanError> {
        *turns += 1;
        if turns.is_multiple_of(PIECES) {
            tokio::task::yield_now().await;
            if !(self.alive)() {
                return Err(ScanError::Forgotten);
            }
        }
        Ok(())
    }
}

enum Sink {
    Skim,
    Probe,
    Write(SealedWriter),
}

enum Step {
    Vault(FormatError),
    NotBase64,
    Sealed(secretfs_memory::sealed::SealedError),
}

/// One piece. After a failure the rest of the value is dropped.
fn step(
    value: &mut ValueReader<'_>,
    buffer: &mut [u8],
    sink: &mut Sink,
    failure: &Option<ProviderError>,
) -> Result<usize, Step> {
    if failure.is_some() || matches!(sink, Sink::Skim) {
        return value.skim(buffer).map_err(Step::Vault);
    }
    let n = value.piece(buffer).map_err(|e| match e {
        ValueError::Vault(e) => Step::Vault(e),
        ValueError::NotBase64 => Step::NotBase64,
    })?;
    if let (Sink::Write(writer), Some(piece)) = (sink, buffer.get(..n)) {
        writer.append(piece).map_err(Step::Sealed)?;
    }
    Ok(n)
}

fn not_base64(what: &str) -> ProviderError {
    ProviderError::new(
        ErrorKind::Protocol,
        format!("{what} is neither text nor {{\"base64\": …}}"),
        "set it again with `secretfs vault set`",
    )
}
