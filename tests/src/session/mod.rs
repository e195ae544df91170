//! Private buses, and who speaks on them: a real elogind, a simulated logind for what cannot be
//! produced for real (sleep, shutdown), screen savers, and a real gnome-keyring.
//!
//! Nothing here touches the machine's own buses or sessions: each bus is a `dbus-daemon` of its own, and
//! elogind runs in a mount namespace with a `/run` of its own.

pub mod bus;
pub mod elogind;
pub mod keyring;
pub mod peer;
pub mod simulated;

/// A trigger that a mount shows in `status` once it would fire.
///
/// # Panics
/// It is not armed in time.
pub fn wait_armed(fixture: &crate::fixture::Fixture, triggers: &[&str]) {
    crate::wait::until(&format!("{triggers:?} are armed"), || {
        let status = fixture.status();
        let armed = status["triggers"].as_array().expect("a list").clone();
        triggers
            .iter()
            .all(|wanted| armed.iter().any(|trigger| trigger == wanted))
            .then_some(())
    });
}
