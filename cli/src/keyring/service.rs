//! The desktop's keyring, by the Secret Service interface of freedesktop.org: gnome-keyring, KWallet,
//! KeePassXC. Written here on the zbus that is in the tree: the crates that do it bring another zbus.
//!
//! Values pass the bus encrypted ([`session`]): the bus daemon copies messages through memory that is
//! not locked. What is decrypted is in the command's locked heap.

mod session;
mod wire;

use super::Asking;
use super::trouble::Trouble;
use secrecy::{ExposeSecret, SecretString};
use session::{Half, Session};
use std::collections::HashMap;
use wire::Wire;
use zbus::{OwnedObjectPath, OwnedVariant, Variant};

const SERVICE: &str = "org.freedesktop.Secret.Service";
const COLLECTION: &str = "org.freedesktop.Secret.Collection";
const ITEM: &str = "org.freedesktop.Secret.Item";
const ROOT: &str = "/org/freedesktop/secrets";
/// Where new entries go.
const DEFAULT: &str = "default";
/// Of what is stored, as the interface wants it named.
const CONTENT: &str = "text/plain; charset=utf8";

/// By what an entry is found.
pub(super) type Attributes<'a> = HashMap<&'a str, &'a str>;
/// A value as it passes the bus: session, parameters, value, content type.
type Secret = (OwnedObjectPath, Vec<u8>, Vec<u8>, String);

/// A Secret Service.
pub(super) struct Service {
    wire: Wire,
}

/// Entries that were found.
pub(super) struct Found {
    open: Vec<OwnedObjectPath>,
    locked: Vec<OwnedObjectPath>,
}

impl Found {
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty() && self.locked.is_empty()
    }
}

impl Service {
    /// The one of this session. It is started only where somebody waits for it.
    pub(super) async fn meet(asking: Asking) -> Result<Self, Trouble> {
        let wire = Wire::connect().await?;
        if asking == Asking::Never && !wire.is_running().await? {
            return Err(Trouble::Absent);
        }
        Ok(Self { wire })
    }

    /// The entries with these attributes.
    pub(super) async fn search(&self, attributes: &Attributes<'_>) -> Result<Found, Trouble> {
        let reply = self
            .wire
            .call(ROOT, SERVICE, "SearchItems", &(attributes,))
            .await?;
        let (open, locked) = wire::body(&reply)?;
        Ok(Found { open, locked })
    }

    /// The value of the first entry with these attributes.
    pub(super) async fn find(
        &self,
        attributes: &Attributes<'_>,
        asking: Asking,
    ) -> Result<Option<SecretString>, Trouble> {
        let found = self.search(attributes).await?;
        let item = match (found.open.first(), found.locked.first()) {
            (Some(item), _) => item,
            (None, Some(item)) => {
                self.unlock(item, asking).await?;
                item
            }
            (None, None) => return Ok(None),
        };
        let (path, session) = self.session().await?;
        let reply = self
            .wire
            .call(item.as_str(), ITEM, "GetSecret", &(&path,))
            .await?;
        let (secret,): (Secret,) = wire::body(&reply)?;
        let value = session.decrypt(&secret.1, &secret.2);
        value.map(Some).ok_or(Trouble::Refused)
    }

    /// Stores a value in the default collection.
    pub(super) async fn put(
        &self,
        label: &str,
        attributes: &Attributes<'_>,
        value: &SecretString,
        asking: Asking,
    ) -> Result<(), Trouble> {
        let collection = self.collection().await?;
        if self.is_locked_at(&collection).await? {
            self.unlock(&collection, asking).await?;
        }
        let (path, session) = self.session().await?;
        let (parameters, encrypted) = session
            .encrypt(value.expose_secret().as_bytes())
            .ok_or(Trouble::Refused)?;
        let secret: Secret = (path, parameters, encrypted, CONTENT.to_owned());
        let properties = HashMap::from([
            ("org.freedesktop.Secret.Item.Label", Variant::from(label)),
            (
                "org.freedesktop.Secret.Item.Attributes",
                Variant::from(attributes.clone()),
            ),
        ]);
        // An entry with the same attributes is replaced.
        let body = (properties, secret, true);
        let reply = self
            .wire
            .call(collection.as_str(), COLLECTION, "CreateItem", &body)
            .await?;
        let (_, prompt): (OwnedObjectPath, OwnedObjectPath) = wire::body(&reply)?;
        self.prompted(&prompt, asking).await
    }

    /// Takes all entries with these attributes away; whether there were any.
    pub(super) async fn forget(
        &self,
        attributes: &Attributes<'_>,
        asking: Asking,
    ) -> Result<bool, Trouble> {
        let found = self.search(attributes).await?;
        let any = !found.is_empty();
        for item in &found.locked {
            self.unlock(item, asking).await?;
        }
        for item in found.open.iter().chain(&found.locked) {
            let reply = self.wire.call(item.as_str(), ITEM, "Delete", &()).await?;
            let prompt: OwnedObjectPath = wire::body(&reply)?;
            self.prompted(&prompt, asking).await?;
        }
        Ok(any)
    }

    /// Whether new entries would have to be asked for.
    pub(super) async fn is_locked(&self) -> Result<bool, Trouble> {
        let collection = self.collection().await?;
        self.is_locked_at(&collection).await
    }

    async fn collection(&self) -> Result<OwnedObjectPath, Trouble> {
        let reply = self
            .wire
            .call(ROOT, SERVICE, "ReadAlias", &(DEFAULT,))
            .await?;
        let path: OwnedObjectPath = wire::body(&reply)?;
        match path.as_str() {
            "/" => Err(Trouble::NoCollection),
            _ => Ok(path),
        }
    }

    async fn is_locked_at(&self, collection: &OwnedObjectPath) -> Result<bool, Trouble> {
        let body = (COLLECTION, "Locked");
        let properties = "org.freedesktop.DBus.Properties";
        let reply = self
            .wire
            .call(collection.as_str(), properties, "Get", &body)
            .await?;
        let value: OwnedVariant = wire::body(&reply)?;
        value.try_into().map_err(|_| Trouble::Refused)
    }

    async fn unlock(&self, what: &OwnedObjectPath, asking: Asking) -> Result<(), Trouble> {
        // Not even asked for: some services put their prompt on the screen without being told to.
        if asking == Asking::Never {
            return Err(Trouble::Locked);
        }
        let reply = self
            .wire
            .call(ROOT, SERVICE, "Unlock", &(vec![what],))
            .await?;
        let (_, prompt): (Vec<OwnedObjectPath>, OwnedObjectPath) = wire::body(&reply)?;
        self.prompted(&prompt, asking).await
    }

    /// Waits for the person at the screen, where the service has to ask.
    async fn prompted(&self, prompt: &OwnedObjectPath, asking: Asking) -> Result<(), Trouble> {
        match (prompt.as_str(), asking) {
            ("/", _) => Ok(()),
            (_, Asking::Never) => Err(Trouble::Locked),
            (path, Asking::Allowed) => self.wire.prompt(path).await,
        }
    }

    /// Agrees on a key with the service.
    async fn session(&self) -> Result<(OwnedObjectPath, Session), Trouble> {
        let half = Half::new().ok_or(Trouble::Refused)?;
        let body = (session::ALGORITHM, Variant::from(half.public()));
        let reply = self.wire.call(ROOT, SERVICE, "OpenSession", &body).await?;
        let (theirs, path): (OwnedVariant, OwnedObjectPath) = wire::body(&reply)?;
        let theirs: Vec<u8> = theirs.try_into().map_err(|_| Trouble::Refused)?;
        let session = half.with(&theirs).ok_or(Trouble::Refused)?;
        Ok((path, session))
    }
}
