//! How times, sizes and names are said in `status`.

/// What locks a mount, as a user knows it.
pub(super) fn trigger(name: &str) -> &str {
    match name {
        "command" => "`secretfs lock`",
        "sigterm" => "SIGTERM",
        "lock" => "the session's lock",
        "sleep-unheld" => "sleep (which does not wait)",
        "shutdown-unheld" => "shutdown (which does not wait)",
        "screensaver" => "the screen saver",
        "system-bus" => "loss of the system bus",
        "session-bus" => "loss of the session bus",
        other => other,
    }
}

/// A time in its largest whole unit, at most four characters: `59s`, `59m`, `47h`, `99d`.
pub(super) fn age(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0..=119 => format!("{seconds}s"),
        120..=7_199 => format!("{}m", seconds / 60),
        7_200..=172_799 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// Bytes: `51 B`, `3.0 KiB`, `8.0 MiB`.
pub(super) fn size(bytes: u64) -> String {
    let tenths = |unit: u64| {
        let tenths = (u128::from(bytes) * 10 + u128::from(unit) / 2) / u128::from(unit);
        format!("{}.{}", tenths / 10, tenths % 10)
    };
    match bytes {
        0..=1023 => format!("{bytes} B"),
        1024..=1_048_575 => format!("{} KiB", tenths(1 << 10)),
        1_048_576..=1_073_741_823 => format!("{} MiB", tenths(1 << 20)),
        _ => format!("{} GiB", tenths(1 << 30)),
    }
}
