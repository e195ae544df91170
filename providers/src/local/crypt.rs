//! age: opening a vault as a stream of plaintext, and wrapping its identity with a passphrase.
//!
//! scrypt runs in the commands alone: it takes a second and 256 MiB (architecture.md). The daemon is
//! given the unwrapped identity.

use super::error::VaultError;
use super::{MAX_VAULT, files};
use age::secrecy::{ExposeSecret, SecretString};
use age::stream::StreamReader;
use age::x25519::Identity;
use age::{DecryptError, Decryptor, Encryptor};
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, BufReader, Read, Take, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::time::SystemTime;
use zeroize::Zeroizing;

/// The most bytes of an age header. Ours have some 350; a file without an end to its header would
/// be read into memory whole.
const MAX_HEADER: usize = 16 * 1024;
/// The most bytes of the text in `identity.age`.
const MAX_IDENTITY: u64 = 64 * 1024;
/// The work of scrypt: N = 2^18, age's own default. Not calibrated: a vault made on a fast machine
/// has to open on a slow one, and one made under load must not be weak.
pub const LOG_N: u8 = 18;
/// The most work that is accepted: 1 GiB.
const MAX_LOG_N: u8 = 20;

/// The plaintext of a vault, decrypted in pieces of 64 KiB as it is read. It is complete only when
/// it was read to its end: a truncated file shows there at the latest.
pub type Plaintext = StreamReader<BufReader<Take<File>>>;

/// A vault file, opened and looked at, not yet decrypted.
#[derive(Debug)]
pub struct Opened {
    file: File,
    /// When it changed last.
    pub modified: Option<SystemTime>,
    /// Equal while the file is the same: where and when it was written, and the MAC of its header,
    /// which is another one for each encryption (times are too coarse, inodes are used again).
    pub validator: String,
}

/// Looks at a vault file. `path` is for messages.
///
/// # Errors
/// Not a regular file, too large, not in age's format, or it cannot be read.
pub fn look(file: File, path: &Path) -> Result<Opened, VaultError> {
    let io = |source| VaultError::Io {
        what: "read",
        path: path.to_owned(),
        source,
    };
    let meta = file.metadata().map_err(io)?;
    if !meta.is_file() {
        return Err(VaultError::NotRegular(path.to_owned()));
    }
    if meta.len() > MAX_VAULT {
        return Err(VaultError::VaultTooLarge {
            path: path.to_owned(),
            limit: MAX_VAULT,
        });
    }
    let mut head = vec![0; MAX_HEADER];
    let mut len = 0;
    while let Some(rest) = head.get_mut(len..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, len as u64) {
            Ok(0) => break,
            Ok(n) => len += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(io(e)),
        }
    }
    head.truncate(len);
    let mac = header_mac(&head).ok_or_else(|| {
        // A header that has begun well and does not end is one that was cut off.
        if head.starts_with(b"age-encryption.org/") && len < MAX_HEADER {
            VaultError::Damaged(path.to_owned())
        } else {
            VaultError::NotAge(path.to_owned())
        }
    })?;
    let mut place = DefaultHasher::new();
    let written = (
        meta.mtime(),
        meta.mtime_nsec(),
        meta.ctime(),
        meta.ctime_nsec(),
    );
    (meta.dev(), meta.ino(), meta.len(), written).hash(&mut place);
    // Short: each cached value keeps one.
    let mac = mac.get(..22).unwrap_or(mac);
    let validator = format!("{mac}.{:x}", place.finish());
    Ok(Opened {
        file,
        modified: meta.modified().ok(),
        validator,
    })
}

/// What stands in the last line of an age header.
fn header_mac(head: &[u8]) -> Option<&str> {
    if !head.starts_with(b"age-encryption.org/") {
        return None;
    }
    let line = head
        .split_inclusive(|byte| *byte == b'\n')
        .find(|line| line.starts_with(b"--- "))?;
    let mac = line.strip_prefix(b"--- ")?.strip_suffix(b"\n")?;
    std::str::from_utf8(mac).ok()
}

impl Opened {
    /// Starts to decrypt.
    ///
    /// # Errors
    /// Another identity's, or damaged.
    pub fn decrypt(self, identity: &Identity, path: &Path) -> Result<Plaintext, VaultError> {
        // The limit again: the file may grow while it is read.
        let input = BufReader::new(self.file.take(MAX_VAULT));
        let fail = |e| from_age(e, path, VaultError::WrongIdentity);
        Decryptor::new_buffered(input)
            .map_err(fail)?
            .decrypt(std::iter::once(identity as &dyn age::Identity))
            .map_err(fail)
    }
}

/// What a failure of age means. `refused`: the key does not fit.
fn from_age(
    error: DecryptError,
    path: &Path,
    refused: impl FnOnce(std::path::PathBuf) -> VaultError,
) -> VaultError {
    let path = path.to_owned();
    match error {
        DecryptError::NoMatchingKeys
        | DecryptError::DecryptionFailed
        | DecryptError::KeyDecryptionFailed => refused(path),
        DecryptError::ExcessiveWork { .. } => VaultError::TooMuchWork(path),
        DecryptError::UnknownFormat => VaultError::NotAge(path),
        DecryptError::Io(source)
            if !matches!(
                source.kind(),
                io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData
            ) =>
        {
            VaultError::Io {
                what: "read",
                path,
                source,
            }
        }
        _ => VaultError::Damaged(path),
    }
}

/// Encrypts what `write` writes, to `identity`.
///
/// # Errors
/// Whatever `write` or the output answers.
pub(super) fn encrypt<W: Write>(
    identity: &Identity,
    output: W,
    write: impl FnOnce(&mut age::stream::StreamWriter<W>) -> io::Result<()>,
) -> io::Result<W> {
    let recipient = identity.to_public();
    let recipients = std::iter::once(&recipient as &dyn age::Recipient);
    let encryptor = Encryptor::with_recipients(recipients).map_err(io::Error::other)?;
    let mut writer = encryptor.wrap_output(output)?;
    write(&mut writer)?;
    writer.finish()
}

/// The content of an `identity.age` that holds `identities`, the first one first.
///
/// # Errors
/// No memory for scrypt's table.
pub(super) fn wrap(
    identities: &[&Identity],
    passphrase: &SecretString,
    log_n: u8,
    path: &Path,
) -> Result<Vec<u8>, VaultError> {
    room_for_scrypt(log_n)?;
    let mut text = Zeroizing::new(String::new());
    for identity in identities {
        text.push_str(&format!("# public key: {}\n", identity.to_public()));
        text.push_str(identity.to_string().expose_secret());
        text.push('\n');
    }
    // Not `Encryptor::with_user_passphrase`, which calibrates.
    let mut recipient = age::scrypt::Recipient::new(passphrase.clone());
    recipient.set_work_factor(log_n);
    let write = || {
        let recipients = std::iter::once(&recipient as &dyn age::Recipient);
        let encryptor = Encryptor::with_recipients(recipients).map_err(io::Error::other)?;
        let mut writer = encryptor.wrap_output(Vec::new())?;
        writer.write_all(text.as_bytes())?;
        writer.finish()
    };
    write().map_err(|source| VaultError::Io {
        what: "encrypt",
        path: path.to_owned(),
        source,
    })
}

/// Opens an `identity.age` with its passphrase.
///
/// # Errors
/// The passphrase does not fit, or the file is no such file.
pub(super) fn unwrap(path: &Path, passphrase: &SecretString) -> Result<Vec<Identity>, VaultError> {
    let sealed = files::read_small(path, 2 * MAX_IDENTITY)?;
    room_for_scrypt(LOG_N)?;
    let fail = |e| from_age(e, path, VaultError::WrongPassphrase);
    let decryptor = Decryptor::new_buffered(sealed.as_slice()).map_err(fail)?;
    if !decryptor.is_scrypt() {
        return Err(VaultError::NotAge(path.to_owned()));
    }
    let mut key = age::scrypt::Identity::new(passphrase.clone());
    key.set_max_work_factor(MAX_LOG_N);
    let plain = decryptor
        .decrypt(std::iter::once(&key as &dyn age::Identity))
        .map_err(fail)?;
    let mut text = Zeroizing::new(String::new());
    plain
        .take(MAX_IDENTITY)
        .read_to_string(&mut text)
        .map_err(|_| VaultError::Damaged(path.to_owned()))?;
    let identities = parse_identities(&text);
    if identities.is_empty() {
        return Err(VaultError::Format {
            path: path.to_owned(),
            what: "has no X25519 identity in it".into(),
        });
    }
    Ok(identities)
}

/// The identities of a text as `age-keygen` writes it: one a line, comments between them.
#[must_use]
pub fn parse_identities(text: &str) -> Vec<Identity> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .filter_map(|line| line.parse().ok())
        .collect()
}

/// scrypt's table is allocated by code that ends the process when that fails: try first.
fn room_for_scrypt(log_n: u8) -> Result<(), VaultError> {
    let bytes = 1024_usize
        .checked_shl(u32::from(log_n))
        .ok_or(VaultError::NoMemory)?;
    // Not by having one: freed, its 256 MiB would be wiped.
    match secretfs_memory::heap::has_room(bytes) {
        true => Ok(()),
        false => Err(VaultError::NoMemory),
    }
}
