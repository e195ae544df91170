//! The kernel's keyring of this user (`@u`): in memory that is never swapped, gone at a reboot, found
//! by every process of the user. A session's own keyring would be lost with the session, and the
//! persistent one after three days.
//!
//! A key in `@u` is not possessed by whoever has a session keyring of its own, so that it would be
//! refused to the next login and to the mount-helper's child (contract locked-memory-and-session.md
//! §3): its permissions name the user. From another user namespace `@u` is another keyring; there a key
//! is read by the number that it had outside ([`Outside`]).

use super::entry::PREFIX;
use super::trouble::Trouble;
use linux_keyutils::{
    Key, KeyError, KeyPermissionsBuilder, KeyRing, KeyRingIdentifier, KeySerialId, Permission,
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// The most that the kernel lets a key of this type have.
const MOST: usize = 32 << 10;

fn ring() -> Result<KeyRing, Trouble> {
    KeyRing::from_special_id(KeyRingIdentifier::User, true).map_err(trouble)
}

fn search(description: &str) -> Result<Option<(KeyRing, Key)>, Trouble> {
    let ring = ring()?;
    match ring.search(description) {
        Ok(key) => Ok(Some((ring, key))),
        // One that has been taken away is as good as none.
        Err(
            KeyError::KeyDoesNotExist
            | KeyError::KeyringDoesNotExist
            | KeyError::KeyRevoked
            | KeyError::KeyExpired,
        ) => Ok(None),
        Err(error) => Err(trouble(error)),
    }
}

/// Keys of the user namespace that a process has left, by their descriptions. No secrets.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Outside(Vec<(String, i32)>);

impl Outside {
    /// Those that are there now. To be called before the namespace is left.
    pub(super) fn of(descriptions: impl Iterator<Item = String>) -> Self {
        let found = descriptions.filter_map(|description| {
            let (_, key) = search(&description).ok()??;
            Some((description, key.get_id().0))
        });
        Self(found.collect())
    }

    /// What is stored under a description, unless the number is another key's by now.
    pub(super) fn find(&self, description: &str) -> Option<SecretString> {
        let (_, number) = self.0.iter().find(|(known, _)| known == description)?;
        let key = Key::from_id(KeySerialId(*number));
        let metadata = key.metadata().ok()?;
        // The library ends a description at a semicolon.
        let is_it = description.split(';').next() == Some(metadata.get_description());
        is_it.then(|| read(key).ok()).flatten()
    }
}

/// What is stored under a description.
pub(super) fn find(description: &str) -> Result<Option<SecretString>, Trouble> {
    search(description)?.map(|(_, key)| read(key)).transpose()
}

fn read(key: Key) -> Result<SecretString, Trouble> {
    let mut bytes = Zeroizing::new(vec![0; MOST]);
    let length = key.read(&mut *bytes).map_err(trouble)?;
    let text = bytes.get(..length).ok_or(Trouble::KernelRefused)?;
    let text = std::str::from_utf8(text).map_err(|_| Trouble::KernelRefused)?;
    Ok(SecretString::from(text))
}

/// Whether something is.
pub(super) fn holds(description: &str) -> bool {
    search(description).is_ok_and(|found| found.is_some())
}

/// Stores it, in place of what is there.
pub(super) fn put(description: &str, secret: &SecretString) -> Result<(), Trouble> {
    let ring = ring()?;
    // One that was made with other permissions would only be updated.
    forget(description)?;
    let key = ring
        .add_key(description, secret.expose_secret().as_bytes())
        .map_err(trouble)?;
    let own = Permission::VIEW
        | Permission::READ
        | Permission::SEARCH
        | Permission::WRITE
        | Permission::SETATTR
        | Permission::LINK;
    let permissions = KeyPermissionsBuilder::builder()
        .posessor(Permission::ALL)
        .user(own)
        .build();
    key.set_perms(permissions).map_err(|error| {
        let _ = ring.unlink_key(key);
        trouble(error)
    })
}

/// Takes it away; whether it was there.
pub(super) fn forget(description: &str) -> Result<bool, Trouble> {
    match search(description) {
        Ok(Some((ring, key))) => {
            ring.unlink_key(key).map_err(trouble)?;
            Ok(true)
        }
        Ok(None) | Err(Trouble::NoKernel) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The descriptions of all that secretfs stored. Of the kernel's list, because that of the keyring
/// itself has no bound.
pub(super) fn all() -> Vec<String> {
    ours(&std::fs::read_to_string("/proc/keys").unwrap_or_default())
}

/// `0aa8831b I------     1 perm 3f3f0000  1000  1000 user      DESCRIPTION: LENGTH`
fn ours(list: &str) -> Vec<String> {
    list.lines()
        .filter_map(|line| {
            let (head, rest) = line.split_once(PREFIX)?;
            let kind = head.split_whitespace().last()?;
            let (name, _) = rest.rsplit_once(": ")?;
            (kind == "user").then(|| format!("{PREFIX}{name}"))
        })
        .collect()
}

/// Whether the kernel's keyring can be used here.
pub(super) fn is_there() -> bool {
    ring().is_ok()
}

fn trouble(error: KeyError) -> Trouble {
    match error {
        KeyError::QuotaExceeded => Trouble::Full,
        KeyError::OperationNotSupported
        | KeyError::PermissionDenied
        | KeyError::AccessDenied
        | KeyError::KeyringDoesNotExist => Trouble::NoKernel,
        _ => Trouble::KernelRefused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_into_the_kernel_s_keyring_is_found_replaced_and_taken_away() {
        let name = format!("{PREFIX}test:token:{}", std::process::id());
        assert_eq!(find(&name).expect("a keyring").map(|_| ()), None);
        put(&name, &"first \u{e9}".into()).expect("stored");
        put(&name, &"second".into()).expect("stored");
        assert!(holds(&name));
        assert!(all().contains(&name), "{:?}", all());
        let found = find(&name).expect("a keyring").expect("a key");
        assert_eq!(found.expose_secret(), "second");
        let other = format!("{name} of another");
        let outside = Outside::of([name.clone(), other.clone()].into_iter());
        let found = outside.find(&name).expect("a key");
        assert_eq!(found.expose_secret(), "second");
        assert!(outside.find(&other).is_none());
        let Outside(mut numbers) = outside;
        numbers[0].0.clone_from(&other);
        assert!(
            Outside(numbers).find(&other).is_none(),
            "another key's number"
        );
        assert_eq!(forget(&name), Ok(true));
        assert_eq!(forget(&name), Ok(false));
        assert!(!holds(&name));
    }

    #[test]
    fn of_the_kernel_s_list_our_own_keys_are_ours() {
        let list = "\
0aa8831b I------     1 perm 1f3f0000     0     0 keyring   _uid.0: empty
0aa8831c I------     1 perm 3f3f0000  1000  1000 user      secretfs:1:local:passphrase:file:///a b: c.age: 12
0aa8831d I------     1 perm 3f3f0000  1000  1000 logon     secretfs:1:x: 12
0aa8831e I------     1 perm 3f3f0000  1000  1000 user      other:secret: 12
";
        assert_eq!(
            ours(list),
            ["secretfs:1:local:passphrase:file:///a b: c.age"]
        );
        assert_eq!(ours(""), [""; 0]);
    }
}
