//! The format, read: a JSON object as a stream, one member after the other, never in memory as a
//! whole. Hostile content ends in an error, at a bound, never in a panic.

use super::{MAX_NAME, MAX_NAMES};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use struson::reader::{JsonReader, JsonStreamReader, ReaderError, ReaderSettings, ValueType};
use struson::writer::JsonWriter;
use zeroize::Zeroizing;

/// How deep values may nest that are neither text nor base64.
const MAX_DEPTH: u32 = 16;
/// The most bytes that reading a name may take: every byte escaped, and the tokenizer's buffer.
const NAME_BUDGET: usize = MAX_NAME * 6 + 2048;
/// The most bytes between two names or values: white space, a number.
const GAP_BUDGET: usize = 64 * 1024;
/// The most bytes of a value that is neither text nor base64: it is skipped in one go.
const OTHER_BUDGET: usize = 1024 * 1024;
/// How much base64 is decoded at once.
const CODED: usize = 4096;

/// What is wrong with a vault's content.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// The stream itself failed.
    #[error("cannot be read: {0}")]
    Io(io::ErrorKind),
    /// The ciphertext is truncated or was changed.
    #[error("is damaged")]
    Damaged,
    /// Not a JSON object of names and values.
    #[error("is not a JSON object of names and values")]
    Syntax,
    /// A name twice.
    #[error("has the name {0:?} twice")]
    Duplicate(String),
    /// A name that is too long.
    #[error("has a name of more than {MAX_NAME} bytes")]
    LongName,
    /// Too many names.
    #[error("has more than {MAX_NAMES} secrets")]
    TooMany,
    /// No memory for the names.
    #[error("has too many names for the locked memory")]
    NoMemory,
}

/// What is wrong with one value.
#[derive(Debug, thiserror::Error)]
pub enum ValueError {
    /// `{"base64": …}` with something else in it.
    #[error("is not base64")]
    NotBase64,
    /// The vault as a whole.
    #[error(transparent)]
    Vault(#[from] FormatError),
}

/// A vault's content, read member by member: [`next_name`](Self::next_name), then one of
/// [`open`](Self::open) with [`close`](Self::close), until there are no more names; then
/// [`finish`](Self::finish).
pub struct VaultReader<R: Read> {
    json: JsonStreamReader<Gauge<R>>,
    gauge: Arc<Mutex<Budget>>,
    names: HashSet<u64>,
    hasher: RandomState,
    in_base64: bool,
}

impl<R: Read> VaultReader<R> {
    /// Starts to read.
    ///
    /// # Errors
    /// It does not start with an object.
    pub fn new(plain: R) -> Result<Self, FormatError> {
        let gauge = Arc::new(Mutex::new(Budget::default()));
        let settings = ReaderSettings {
            allow_comments: false,
            allow_trailing_comma: false,
            allow_multiple_top_level: false,
            // It would keep names in error messages.
            track_path: false,
            max_nesting_depth: Some(MAX_DEPTH),
            restrict_number_values: true,
        };
        let inner = Gauge {
            inner: plain,
            budget: Arc::clone(&gauge),
        };
        let mut reader = Self {
            json: JsonStreamReader::new_custom(inner, settings),
            gauge,
            names: HashSet::new(),
            hasher: RandomState::new(),
            in_base64: false,
        };
        reader.step(GAP_BUDGET, JsonReader::begin_object)?;
        Ok(reader)
    }

    /// One call of the tokenizer, within a budget.
    fn step<T>(
        &mut self,
        budget: usize,
        step: impl FnOnce(&mut JsonStreamReader<Gauge<R>>) -> Result<T, ReaderError>,
    ) -> Result<T, FormatError> {
        lock(&self.gauge).left = budget;
        step(&mut self.json).map_err(|_| lock(&self.gauge).error())
    }

    /// The next name.
    ///
    /// # Errors
    /// Not JSON, a name twice, one too long, too many.
    pub fn next_name(&mut self) -> Result<Option<String>, FormatError> {
        if !self.step(GAP_BUDGET, JsonReader::has_next)? {
            return Ok(None);
        }
        let name = match self.step(NAME_BUDGET, JsonReader::next_name_owned) {
            Ok(name) if name.len() <= MAX_NAME => name,
            Ok(_) => return Err(FormatError::LongName),
            Err(_) if lock(&self.gauge).spent => return Err(FormatError::LongName),
            Err(e) => return Err(e),
        };
        if self.names.len() >= MAX_NAMES {
            return Err(FormatError::TooMany);
        }
        self.names
            .try_reserve(1)
            .map_err(|_| FormatError::NoMemory)?;
        // 64 random bits a name instead of the name: half a million times fewer than one false
        // alarm in a lifetime, and a tenth of the memory.
        if !self.names.insert(self.hasher.hash_one(&name)) {
            return Err(FormatError::Duplicate(name));
        }
        Ok(Some(name))
    }

    /// Opens the value of the name that was read last; `None`: it is neither text nor base64, and
    /// was skipped.
    ///
    /// # Errors
    /// Not JSON.
    pub fn open(&mut self) -> Result<Option<ValueReader<'_>>, FormatError>
    where
        R: Send,
    {
        self.in_base64 = false;
        self.in_base64 = match self.step(GAP_BUDGET, JsonReader::peek)? {
            ValueType::String => false,
            ValueType::Object => {
                self.step(GAP_BUDGET, JsonReader::begin_object)?;
                if !self.enter_base64()? {
                    return Ok(None);
                }
                true
            }
            _ => {
                self.step(OTHER_BUDGET, JsonReader::skip_value)?;
                return Ok(None);
            }
        };
        let gauge = Arc::clone(&self.gauge);
        // Every read of the value is short by itself.
        lock(&gauge).left = usize::MAX;
        let coded = self.in_base64.then(|| Coded {
            text: Zeroizing::new(vec![0; CODED]),
            ended: false,
        });
        let Ok(text) = self.json.next_string_reader() else {
            return Err(lock(&gauge).error());
        };
        Ok(Some(ValueReader {
            text: Box::new(text),
            coded,
            gauge,
        }))
    }

    /// Whether the object that was begun starts with `"base64": "`; if not, it is skipped.
    fn enter_base64(&mut self) -> Result<bool, FormatError> {
        if self.step(GAP_BUDGET, JsonReader::has_next)? {
            let name = self.step(NAME_BUDGET, JsonReader::next_name_owned)?;
            if name == "base64" && self.step(GAP_BUDGET, JsonReader::peek)? == ValueType::String {
                return Ok(true);
            }
            self.step(OTHER_BUDGET, JsonReader::skip_value)?;
        }
        self.leave_object()?;
        Ok(false)
    }

    /// Skips the members that are left, and the end of the object. Whether there were some.
    fn leave_object(&mut self) -> Result<bool, FormatError> {
        let mut more = false;
        while self.step(GAP_BUDGET, JsonReader::has_next)? {
            more = true;
            self.step(NAME_BUDGET, JsonReader::skip_name)?;
            self.step(OTHER_BUDGET, JsonReader::skip_value)?;
        }
        self.step(GAP_BUDGET, JsonReader::end_object)?;
        Ok(more)
    }

    /// Ends what [`open`](Self::open) opened, after it was read to its end. Does nothing where that
    /// skipped the value.
    ///
    /// # Errors
    /// Not JSON, or the object has more than `base64` in it.
    pub fn close(&mut self) -> Result<(), ValueError> {
        if std::mem::take(&mut self.in_base64) && self.leave_object()? {
            return Err(ValueError::NotBase64);
        }
        Ok(())
    }

    /// Copies the value as it is, whatever it is.
    pub(super) fn copy_to(&mut self, to: &mut impl JsonWriter) -> Result<(), TransferError> {
        lock(&self.gauge).left = usize::MAX;
        self.json.transfer_to(to).map_err(|e| match e {
            struson::reader::TransferError::ReaderError(_) => {
                TransferError::Read(lock(&self.gauge).error())
            }
            struson::reader::TransferError::WriterError(e) => TransferError::Write(e),
        })
    }

    /// Checks that nothing follows. Before that, nothing that was read is known to be whole.
    ///
    /// # Errors
    /// Something follows, or the ciphertext is truncated.
    pub fn finish(mut self) -> Result<(), FormatError> {
        self.step(GAP_BUDGET, JsonReader::end_object)?;
        let gauge = Arc::clone(&self.gauge);
        lock(&gauge).left = usize::MAX;
        let ended = self.json.consume_trailing_whitespace();
        ended.map_err(|_| lock(&gauge).error())
    }
}

/// Why a value could not be copied.
pub(super) enum TransferError {
    Read(FormatError),
    Write(io::Error),
}

/// One value as a stream of bytes.
pub struct ValueReader<'a> {
    text: Box<dyn Read + Send + 'a>,
    coded: Option<Coded>,
    gauge: Arc<Mutex<Budget>>,
}

struct Coded {
    text: Zeroizing<Vec<u8>>,
    ended: bool,
}

impl ValueReader<'_> {
    /// Reads a piece into `into`, which has at least 3 KiB; 0 at the end.
    ///
    /// # Errors
    /// Not JSON, or not base64; after the latter, [`skim`](Self::skim) to the end.
    pub fn piece(&mut self, into: &mut [u8]) -> Result<usize, ValueError> {
        let Some(coded) = &mut self.coded else {
            return Ok(read(&mut self.text, into, &self.gauge)?);
        };
        let mut len = 0;
        while let Some(rest) = coded.text.get_mut(len..).filter(|rest| !rest.is_empty()) {
            match read(&mut self.text, rest, &self.gauge)? {
                0 => break,
                n => len += n,
            }
        }
        // Only the last piece is shorter, and only it may be padded.
        if len > 0 && coded.ended {
            return Err(ValueError::NotBase64);
        }
        let text = coded.text.get(..len).unwrap_or_default();
        coded.ended = len < CODED || text.ends_with(b"=");
        STANDARD
            .decode_slice(text, into)
            .map_err(|_| ValueError::NotBase64)
    }

    /// Reads a piece into `into` and does not care what it is; 0 at the end.
    ///
    /// # Errors
    /// Not JSON.
    pub fn skim(&mut self, into: &mut [u8]) -> Result<usize, FormatError> {
        read(&mut self.text, into, &self.gauge)
    }
}

fn read(
    from: &mut impl Read,
    into: &mut [u8],
    gauge: &Mutex<Budget>,
) -> Result<usize, FormatError> {
    loop {
        match from.read(into) {
            Ok(n) => return Ok(n),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return Err(lock(gauge).error()),
        }
    }
}

/// What the tokenizer may read before it has to come back, so that a name without an end does not
/// grow in memory; and how the stream below failed, which the tokenizer's errors do not tell apart.
#[derive(Debug, Default)]
struct Budget {
    left: usize,
    spent: bool,
    failed: Option<io::ErrorKind>,
}

impl Budget {
    /// What an error of the tokenizer means.
    fn error(&self) -> FormatError {
        match self.failed {
            // What age says of a truncated file, and of a piece that does not authenticate.
            Some(io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData) => FormatError::Damaged,
            Some(kind) => FormatError::Io(kind),
            None => FormatError::Syntax,
        }
    }
}

fn lock(budget: &Mutex<Budget>) -> MutexGuard<'_, Budget> {
    budget.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Gauge<R> {
    inner: R,
    budget: Arc<Mutex<Budget>>,
}

impl<R: Read> Read for Gauge<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut budget = lock(&self.budget);
        let len = into.len().min(budget.left);
        if len == 0 && !into.is_empty() {
            budget.spent = true;
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        let result = self.inner.read(into.get_mut(..len).unwrap_or_default());
        match &result {
            Ok(n) => budget.left = budget.left.saturating_sub(*n),
            Err(e) => budget.failed = Some(e.kind()),
        }
        result
    }
}
