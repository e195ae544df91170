//! Telling a service manager that the files can be opened (`Type=notify`).

use crate::output::warn;
use sd_notify::NotifyState;

/// The mount answers. Without a service manager nothing happens.
pub(crate) fn ready(mountpoint: &str) {
    let status = format!("mounted {mountpoint}");
    if let Err(error) = sd_notify::notify(&[NotifyState::Ready, NotifyState::Status(&status)]) {
        warn(
            &format!("cannot tell the service manager that the mount answers: {error}"),
            "in a unit: `Type=notify` and `NotifyAccess=main`",
        );
    }
}
