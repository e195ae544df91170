//! `text/event-stream`, as little of it as is needed: where an event ends, and whether it was only a
//! ping. Sources disagree about what an event says (contract §3), so nothing of it is read, and a line
//! is never kept beyond its first bytes.

/// As much of a line as tells what it is.
const KEPT: usize = 32;

/// A stream on its way.
#[derive(Debug, Default)]
pub(in crate::infisical) struct Lines {
    line: Vec<u8>,
    after_return: bool,
    has_type: bool,
    is_ping: bool,
    has_data: bool,
}

impl Lines {
    /// Takes a piece; says whether an event ended in it that was no ping.
    pub(in crate::infisical) fn push(&mut self, piece: &[u8]) -> bool {
        let mut any = false;
        for byte in piece {
            let after_return = std::mem::take(&mut self.after_return);
            match byte {
                // The second half of one end.
                b'\n' if after_return => {}
                b'\n' | b'\r' => {
                    self.after_return = *byte == b'\r';
                    any |= self.end_of_line();
                }
                _ if self.line.len() < KEPT => self.line.push(*byte),
                _ => {}
            }
        }
        any
    }

    fn end_of_line(&mut self) -> bool {
        if self.line.is_empty() {
            let is_event = (self.has_type || self.has_data) && !self.is_ping;
            (self.has_type, self.is_ping, self.has_data) = (false, false, false);
            return is_event;
        }
        let split = self.line.iter().position(|byte| *byte == b':');
        let (field, value) = self.line.split_at(split.unwrap_or(self.line.len()));
        match field {
            b"event" => {
                self.has_type = true;
                self.is_ping = value.strip_prefix(b":").unwrap_or(value).trim_ascii() == b"ping";
            }
            b"data" => self.has_data = true,
            // A comment, an id, a pause to keep.
            _ => {}
        }
        self.line.clear();
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn events(pieces: &[&str]) -> usize {
        let mut lines = Lines::default();
        pieces.iter().filter(|p| lines.push(p.as_bytes())).count()
    }

    #[test]
    fn an_event_is_told_when_it_ends_whatever_it_says() {
        let long = format!("data: {}\n\n", "x".repeat(100_000));
        for text in [
            "event: secret:create\ndata: {\"x\":1}\n\n",
            "event: secret:create\r\ndata: {}\r\n\r\n",
            "event: secret:create\rdata: {}\r\r",
            "event:secret:update\n\n",
            "data: {\n\n",
            "data\n\n",
            "id: 7\nevent: import-mutation\ndata: 1\ndata: 2\n\n",
            &long,
            ": hello\n\ndata: 1\n\n",
            "event: ping\n\nevent: pings\n\n",
        ] {
            assert_eq!(events(&[text]), 1, "{text:.60}");
            // Wherever it is cut.
            let bytes: Vec<String> = text.chars().map(String::from).collect();
            let bytes: Vec<&str> = bytes.iter().map(String::as_str).collect();
            assert_eq!(events(&bytes), 1, "{text:.60}");
        }
    }

    #[test]
    fn pings_and_what_does_not_end_are_no_events() {
        for text in [
            "",
            "event: ping\n\n",
            "event:ping\r\n\r\n",
            "event: ping\ndata: {}\n\n",
            ": a comment\n\n",
            "retry: 5\n\n",
            "\n\n\n",
            "event: secret:create\ndata: {}\n",
        ] {
            assert_eq!(events(&[text]), 0, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken_and_little_is_kept(pieces: Vec<Vec<u8>>) {
            let mut lines = Lines::default();
            for piece in pieces {
                lines.push(&piece);
                prop_assert!(lines.line.len() <= KEPT);
            }
        }
    }
}
