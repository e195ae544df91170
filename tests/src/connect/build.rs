//! What a test puts on the server, and what happens there while it runs.

use super::Connect;
use super::ids;
use super::world::{Scope, Stored, Vault};

/// A field of an item.
#[derive(Debug, Clone)]
pub struct Field {
    pub(super) id: Option<String>,
    pub(super) label: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) section: Option<String>,
    /// `None`: left out, as servers do where it is empty.
    pub(super) value: Option<String>,
    /// The period of its codes, where it makes some.
    pub(super) period: Option<u64>,
}

impl Field {
    /// A concealed field of this label; its id is the label too.
    #[must_use]
    pub fn new(label: &str) -> Self {
        Self {
            id: Some(label.to_owned()),
            label: Some(label.to_owned()),
            kind: Some("CONCEALED".to_owned()),
            section: None,
            value: None,
            period: None,
        }
    }

    /// A field that makes one-time passwords, with a period of so many seconds.
    #[must_use]
    pub fn otp(label: &str, period: u64) -> Self {
        let value = format!("otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&period={period}");
        Self {
            kind: Some("OTP".to_owned()),
            period: Some(period),
            ..Self::new(label).value(&value)
        }
    }

    /// With another id.
    #[must_use]
    pub fn id(self, id: &str) -> Self {
        Self {
            id: Some(id.to_owned()),
            ..self
        }
    }

    /// In the section of this id.
    #[must_use]
    pub fn section(self, id: &str) -> Self {
        Self {
            section: Some(id.to_owned()),
            ..self
        }
    }

    /// With this value.
    #[must_use]
    pub fn value(self, value: &str) -> Self {
        Self {
            value: Some(value.to_owned()),
            ..self
        }
    }
}

/// An item.
#[derive(Debug, Clone)]
pub struct Item {
    pub(super) title: String,
    pub(super) category: String,
    /// ARCHIVED, DELETED; `None`: active.
    pub(super) state: Option<String>,
    /// Id and label.
    pub(super) sections: Vec<(String, Option<String>)>,
    pub(super) fields: Vec<Field>,
    pub(super) files: Vec<File>,
}

/// An attached file.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) section: Option<String>,
    pub(super) content: Vec<u8>,
}

impl Item {
    /// A login of this title, with nothing in it.
    #[must_use]
    pub fn new(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            category: "LOGIN".to_owned(),
            state: None,
            sections: Vec::new(),
            fields: Vec::new(),
            files: Vec::new(),
        }
    }

    /// With a section.
    #[must_use]
    pub fn section(mut self, id: &str, label: Option<&str>) -> Self {
        self.sections
            .push((id.to_owned(), label.map(str::to_owned)));
        self
    }

    /// With a field.
    #[must_use]
    pub fn field(mut self, field: Field) -> Self {
        self.fields.push(field);
        self
    }

    /// With a file.
    #[must_use]
    pub fn file(mut self, name: &str, content: &[u8]) -> Self {
        self.files.push(File {
            id: ids::of(&format!("file {name} of {}", self.title)),
            name: name.to_owned(),
            section: None,
            content: content.to_vec(),
        });
        self
    }

    /// Archived, say.
    #[must_use]
    pub fn state(mut self, state: &str) -> Self {
        self.state = Some(state.to_owned());
        self
    }

    /// Writes a field's value.
    ///
    /// # Panics
    /// There is none of that label.
    pub fn set(&mut self, label: &str, value: &str) {
        let found = self
            .fields
            .iter_mut()
            .find(|field| field.label.as_deref() == Some(label));
        found.expect("a field of that label").value = Some(value.to_owned());
    }

    /// Writes a file's content.
    ///
    /// # Panics
    /// There is none of that name.
    pub fn set_file(&mut self, name: &str, content: &[u8]) {
        let found = self.files.iter_mut().find(|file| file.name == name);
        found.expect("a file of that name").content = content.to_vec();
    }

    /// Gives it another title.
    pub fn rename(&mut self, title: &str) {
        title.clone_into(&mut self.title);
    }

    /// Moves it to the archive.
    pub fn archive(&mut self) {
        self.state = Some("ARCHIVED".to_owned());
    }
}

impl Connect {
    /// Makes a vault; its id.
    pub fn vault(&self, name: &str) -> String {
        self.site(|site| {
            site.world.made += 1;
            let id = ids::of(&format!("vault {}", site.world.made));
            site.world.vaults.push(Vault {
                id: id.clone(),
                name: name.to_owned(),
                content: 196,
                items: Vec::new(),
            });
            id
        })
    }

    /// Puts an item into a vault; its id.
    pub fn item(&self, vault: &str, item: Item) -> String {
        self.site(|site| {
            site.world.made += 1;
            let id = ids::of(&format!("item {}", site.world.made));
            let updated = site.clock.now();
            let vault = site.world.vault_mut(vault);
            vault.content += 1;
            vault.items.push(Stored {
                id: id.clone(),
                version: 1,
                updated,
                item,
            });
            id
        })
    }

    /// Changes an item, as the app does.
    ///
    /// # Panics
    /// There is none.
    pub fn change(&self, vault: &str, item: &str, change: impl FnOnce(&mut Item)) {
        self.site(|site| {
            let updated = site.clock.now();
            let vault = site.world.vault_mut(vault);
            vault.content += 1;
            let found = vault.items.iter_mut().find(|stored| stored.id == item);
            let stored = found.expect("an item of that id");
            stored.version += 1;
            stored.updated = updated;
            change(&mut stored.item);
        });
    }

    /// Something else in the vault changes.
    pub fn touch(&self, vault: &str) {
        self.site(|site| site.world.vault_mut(vault).content += 1);
    }

    /// Gives a vault another name, which is no change of its content.
    pub fn rename_vault(&self, vault: &str, name: &str) {
        self.site(|site| name.clone_into(&mut site.world.vault_mut(vault).name));
    }

    /// Deletes an item.
    pub fn delete(&self, vault: &str, item: &str) {
        self.site(|site| {
            let vault = site.world.vault_mut(vault);
            vault.content += 1;
            vault.items.retain(|stored| stored.id != item);
        });
    }

    /// Deletes a vault.
    pub fn delete_vault(&self, vault: &str) {
        self.site(|site| site.world.vaults.retain(|one| one.id != vault));
    }

    /// The id of a file.
    ///
    /// # Panics
    /// There is none.
    #[must_use]
    pub fn file_id(&self, vault: &str, item: &str, name: &str) -> String {
        self.site(|site| {
            let stored = site.world.vault(vault).and_then(|vault| vault.item(item));
            let files = &stored.expect("an item").item.files;
            let found = files.iter().find(|file| file.name == name);
            found.expect("a file").id.clone()
        })
    }

    /// The token may read these vaults alone.
    pub fn allow(&self, vaults: &[&str]) {
        let ids = vaults.iter().map(|id| (*id).to_owned()).collect();
        self.site(|site| site.scope = Scope::These(ids));
    }

    /// The token is no good any more; another one is.
    pub fn set_token(&self, token: &str) {
        self.site(|site| token.clone_into(&mut site.token));
    }

    /// Filters let everything through: a client has to look itself.
    pub fn loose_filters(&self) {
        self.site(|site| site.is_loose = true);
    }

    /// What 429 says of how long to wait, in seconds.
    pub fn retry_after(&self, seconds: u64) {
        self.site(|site| site.retry_after = Some(seconds));
    }

    /// Everything is below this path, as behind a proxy.
    pub fn prefix(&self, prefix: &str) {
        self.site(|site| prefix.clone_into(&mut site.prefix));
    }

    /// An old server: without the version header, and without codes of one-time passwords.
    pub fn old(&self) {
        self.site(|site| site.version = None);
    }

    /// The code that fields of this period show now.
    #[must_use]
    pub fn code(&self, period: u64) -> String {
        self.site(|site| super::shape::code(period, site.clock.now()))
    }
}
