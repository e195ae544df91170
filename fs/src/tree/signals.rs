//! Whether a signal waits for a thread that FUSE keeps in an uninterruptible sleep: fuser answers
//! INTERRUPT with ENOSYS, and the kernel stops sending it (contract fuse.md §2.1).

use std::io::Read;

const HUP: u64 = 1 << 0;
const INT: u64 = 1 << 1;
const QUIT: u64 = 1 << 2;
const KILL: u64 = 1 << 8;
const ALRM: u64 = 1 << 13;
const TERM: u64 = 1 << 14;

/// What ends a blocked open; CHLD, WINCH, URG, PROF, CONT and TSTP do not.
const ENDING: u64 = HUP | INT | QUIT | TERM | ALRM;

/// The lines before the signals hold the supplementary groups, of which there may be 65,536.
const MAX_STATUS: u64 = 1 << 20;

/// Reads from `/proc/PID/status` whether the thread should be let go. An unreadable one tells
/// nothing, and the open goes on.
pub(super) fn is_signalled(pid: u32) -> bool {
    let mut text = String::new();
    std::fs::File::open(format!("/proc/{pid}/status"))
        .and_then(|file| file.take(MAX_STATUS).read_to_string(&mut text))
        .is_ok()
        && parse(&text)
}

/// The same, of the file's text: a pending (thread or process) signal of [`ENDING`] that is neither
/// blocked nor ignored, or KILL.
pub(super) fn parse(status: &str) -> bool {
    let mask = |name: &str| {
        status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok())
            .unwrap_or(0)
    };
    let pending = mask("SigPnd") | mask("ShdPnd");
    if pending == 0 {
        return false;
    }
    pending & KILL != 0 || pending & ENDING & !mask("SigBlk") & !mask("SigIgn") != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(own: u64, shared: u64, blocked: u64, ignored: u64) -> String {
        format!(
            "Name:\tcat\nPid:\t7\nSigQ:\t0/1\nSigPnd:\t{own:016x}\nShdPnd:\t{shared:016x}\n\
             SigBlk:\t{blocked:016x}\nSigIgn:\t{ignored:016x}\nSigCgt:\t0000000000000000\n"
        )
    }

    #[test]
    fn a_pending_signal_of_thread_or_process_lets_the_reader_go() {
        for signal in [HUP, INT, QUIT, TERM, ALRM, KILL] {
            assert!(parse(&status(signal, 0, 0, 0)));
            assert!(parse(&status(0, signal, 0, 0)));
        }
    }

    #[test]
    fn a_blocked_or_ignored_signal_does_not_but_kill_always_does() {
        for signal in [HUP, INT, QUIT, TERM, ALRM] {
            assert!(!parse(&status(signal, 0, signal, 0)));
            assert!(!parse(&status(0, signal, 0, signal)));
        }
        assert!(parse(&status(KILL, 0, u64::MAX, u64::MAX)));
    }

    #[test]
    fn signals_that_only_inform_do_not() {
        // CHLD 17, CONT 18, TSTP 20, URG 23, PROF 27, WINCH 28.
        for number in [17_u64, 18, 20, 23, 27, 28] {
            assert!(!parse(&status(1 << (number - 1), 1 << (number - 1), 0, 0)));
        }
    }

    #[test]
    fn text_that_makes_no_sense_tells_nothing() {
        for text in ["", "SigPnd:\n", "SigPnd:\tzz\n", "SigPnd 0000000000000100"] {
            assert!(!parse(text));
        }
    }

    #[test]
    fn the_status_of_this_very_thread_is_readable() {
        assert!(!is_signalled(std::process::id()));
        assert!(!is_signalled(u32::MAX));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,400}") {
            let _ = parse(&text);
        }
    }
}
