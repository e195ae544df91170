//! Where credentials wait for the next mount: the desktop's keyring, which is unlocked with the
//! session, or where there is none the kernel's, which a reboot empties. Never a file of ours.
//!
//! A credential that is put into one is taken out of the other. So the kernel's, which costs a system
//! call and no bus, is asked first: what is in it came later than anything the desktop's has.
//!
//! | room | idea |
//! |---|---|
//! | [`entry`] | what a credential is stored under |
//! | [`kernel`] | the kernel's keyring |
//! | [`service`] | the desktop's, over D-Bus |
//! | [`trouble`] | why one cannot be used |

mod entry;
mod kernel;
mod service;
mod trouble;

pub(crate) use entry::{Entry, Kind};
pub(crate) use kernel::Outside;
pub(crate) use trouble::Trouble;

use crate::output::warn;
use secrecy::SecretString;
use secretfs_fs::map::ProviderSpec;
use service::Service;
use std::collections::BTreeSet;
use std::future::Future;
use std::time::Duration;

/// How long the desktop's keyring may take for all that one question needs, where nobody is asked.
const LIMIT: Duration = Duration::from_secs(8);
/// How long a person may take to answer its prompt.
const PROMPT_LIMIT: Duration = Duration::from_secs(120);

/// Where a credential is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The Secret Service.
    Desktop,
    /// The kernel's keyring of this user.
    Kernel,
}

impl Place {
    /// For people.
    pub(crate) fn told(self) -> &'static str {
        match self {
            Self::Desktop => "the desktop keyring",
            Self::Kernel => "the kernel keyring, until the next reboot",
        }
    }
}

/// Whether a keyring that is locked may put its prompt on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asking {
    /// A person waits for the command. A keyring that does not run is started, too.
    Allowed,
    /// Nobody may be there: what is locked, or does not run, has nothing.
    Never,
}

impl Asking {
    /// Of this process: whether somebody sits at its terminal.
    pub(crate) fn of_process() -> Self {
        use std::io::IsTerminal;
        if std::io::stdin().is_terminal() && crate::passphrase::has_terminal() {
            Self::Allowed
        } else {
            Self::Never
        }
    }
}

/// Both keyrings, for one command. Its bus is met when it is first needed, and once.
pub(crate) struct Keyring {
    asking: Asking,
    desktop: Desktop,
    outside: Outside,
    /// What was warned of: an entry is looked for by each mount of a command.
    warned: BTreeSet<String>,
}

enum Desktop {
    NotMet,
    Met(tokio::runtime::Runtime, Service),
    Not(Trouble),
}

/// Whether the kernel's keyring can be used here.
pub(crate) fn kernel_is_there() -> bool {
    kernel::is_there()
}

/// How the desktop's keyring is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DesktopState {
    /// It can be used.
    Open,
    /// It has to be unlocked first.
    Locked,
    /// There is none, or it does not answer.
    Not(Trouble),
}

impl Keyring {
    pub(crate) fn new(asking: Asking) -> Self {
        Self {
            asking,
            desktop: Desktop::NotMet,
            outside: Outside::default(),
            warned: BTreeSet::new(),
        }
    }

    /// Looks at these keys, too: the kernel's keyring is another one in this user namespace.
    pub(crate) fn with(mut self, outside: Outside) -> Self {
        self.outside = outside;
        self
    }

    /// The kernel's keys for these providers, for a process in another user namespace.
    pub(crate) fn for_another_namespace(providers: &[ProviderSpec]) -> Outside {
        let entries = providers.iter().flat_map(Entry::all_of);
        Outside::of(entries.map(|entry| entry.description()))
    }

    /// The credential of an entry. To be called where secrets are protected. What cannot be looked at
    /// is warned about, where there may be something in it.
    pub(crate) fn find(&mut self, entry: &Entry) -> Option<SecretString> {
        let description = entry.description();
        let in_kernel = kernel::find(&description).ok().flatten();
        if let Some(found) = in_kernel.or_else(|| self.outside.find(&description)) {
            return Some(found);
        }
        let attributes = entry.attributes();
        match self.ask(async |service, asking| service.find(&attributes, asking).await) {
            Ok(found) => found,
            Err(Trouble::Absent) => None,
            Err(trouble) => {
                self.warn_once(entry, trouble);
                None
            }
        }
    }

    fn warn_once(&mut self, entry: &Entry, trouble: Trouble) {
        let message = match trouble {
            Trouble::Silent => trouble.to_string(),
            _ => format!(
                "the stored credential of {} is not used: {trouble}",
                entry.told()
            ),
        };
        if self.warned.insert(message.clone()) {
            warn(&message, trouble.help());
        }
    }

    /// Where an entry's credential is, without reading it.
    pub(crate) fn holds(&mut self, entry: &Entry) -> Option<Place> {
        if kernel::holds(&entry.description()) {
            return Some(Place::Kernel);
        }
        let attributes = entry.attributes();
        let found = self.ask(async |service, _| service.search(&attributes).await);
        found
            .is_ok_and(|found| !found.is_empty())
            .then_some(Place::Desktop)
    }

    /// Stores a credential in place of the one that is there; where it is now. To be called where
    /// secrets are protected.
    ///
    /// # Errors
    /// Neither keyring takes it.
    pub(crate) fn put(&mut self, entry: &Entry, secret: &SecretString) -> Result<Place, Trouble> {
        let attributes = entry.attributes();
        let label = format!("secretfs: {}", entry.told());
        let put = self
            .ask(async |service, asking| service.put(&label, &attributes, secret, asking).await);
        match put {
            Ok(()) => {
                // What stayed there would be found before it.
                kernel::forget(&entry.description())?;
                return Ok(Place::Desktop);
            }
            // Somebody was asked, and said no.
            Err(Trouble::Dismissed) => return Err(Trouble::Dismissed),
            Err(Trouble::Absent) => {}
            Err(trouble) => warn(
                &format!("the desktop keyring is not used: {trouble}"),
                trouble.help(),
            ),
        }
        kernel::put(&entry.description(), secret)?;
        Ok(Place::Kernel)
    }

    /// Takes a credential out of both; whether there was one.
    ///
    /// # Errors
    /// One is there, and stays.
    pub(crate) fn forget(&mut self, entry: &Entry) -> Result<bool, Trouble> {
        let in_kernel = kernel::forget(&entry.description())?;
        let attributes = entry.attributes();
        let removed = self.ask(async |service, asking| service.forget(&attributes, asking).await);
        removed_from_desktop(removed, in_kernel)
    }

    /// Takes out all that secretfs ever stored; whether there was anything.
    ///
    /// # Errors
    /// Something is there, and stays.
    pub(crate) fn forget_all(&mut self) -> Result<bool, Trouble> {
        let mut any = false;
        for description in kernel::all() {
            any |= kernel::forget(&description)?;
        }
        let attributes = Entry::attributes_of_all();
        let removed = self.ask(async |service, asking| service.forget(&attributes, asking).await);
        removed_from_desktop(removed, any)
    }

    /// How the desktop's is.
    pub(crate) fn desktop(&mut self) -> DesktopState {
        match self.ask(async |service, _| service.is_locked().await) {
            Ok(false) => DesktopState::Open,
            Ok(true) => DesktopState::Locked,
            Err(trouble) => DesktopState::Not(trouble),
        }
    }

    /// Asks the desktop's keyring, within a limit.
    fn ask<T>(
        &mut self,
        question: impl AsyncFnOnce(&Service, Asking) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let asking = self.asking;
        if matches!(self.desktop, Desktop::NotMet) {
            self.desktop = meet(asking);
        }
        let (runtime, service) = match &self.desktop {
            Desktop::Met(runtime, service) => (runtime, service),
            Desktop::Not(trouble) => return Err(*trouble),
            Desktop::NotMet => return Err(Trouble::Absent),
        };
        let limit = match asking {
            Asking::Allowed => PROMPT_LIMIT,
            Asking::Never => LIMIT,
        };
        let answer = within(runtime, limit, question(service, asking));
        if matches!(answer, Err(Trouble::Silent)) {
            // Nor would it answer the next question, and each would wait.
            self.desktop = Desktop::Not(Trouble::Silent);
        }
        answer
    }
}

fn removed_from_desktop(removed: Result<bool, Trouble>, before: bool) -> Result<bool, Trouble> {
    match removed {
        Ok(removed) => Ok(before || removed),
        Err(Trouble::Absent) => Ok(before),
        Err(trouble) => Err(trouble),
    }
}

fn meet(asking: Asking) -> Desktop {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let Ok(runtime) = runtime else {
        return Desktop::Not(Trouble::Absent);
    };
    match within(&runtime, LIMIT, Service::meet(asking)) {
        Ok(service) => Desktop::Met(runtime, service),
        Err(trouble) => Desktop::Not(trouble),
    }
}

/// Boxed: the futures of a debug build are large, and the stack of a command is not.
fn within<T>(
    runtime: &tokio::runtime::Runtime,
    limit: Duration,
    work: impl Future<Output = Result<T, Trouble>>,
) -> Result<T, Trouble> {
    let work = Box::pin(work);
    runtime
        .block_on(async { tokio::time::timeout(limit, work).await })
        .unwrap_or(Err(Trouble::Silent))
}
