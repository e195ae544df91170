//! Values that cannot be mistaken for anything else, and the forms that a copy may have: as it is,
//! as hexadecimal, as base64 in each of its three alignments.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Serialize};
use std::io::Read;

/// Random letters and digits in a marker. A JSON, YAML or dotenv text shows them as they are, so that
/// an escaped copy is found by them as well.
const CORE: usize = 16;

/// What a scanner looks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pattern {
    /// Whose, and in which form.
    pub name: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// A secret that a scanner recognises.
#[derive(Debug, Clone)]
pub struct Marker {
    name: String,
    core: String,
}

impl Marker {
    /// A fresh one.
    ///
    /// # Panics
    /// There is no randomness.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mut random = [0; CORE];
        std::fs::File::open("/dev/urandom")
            .and_then(|mut file| file.read_exact(&mut random))
            .expect("randomness");
        let letters = b"abcdefghijklmnopqrstuvwxyz012345";
        let core = random.map(|byte| char::from(letters[usize::from(byte) % letters.len()]));
        Self {
            name: name.to_owned(),
            core: core.iter().collect(),
        }
    }

    /// A value of `len` bytes in which the marker stands over and over, between a quote and a line's
    /// end, which every text format writes otherwise.
    ///
    /// # Panics
    /// `len` does not hold it once.
    #[must_use]
    pub fn value(&self, len: usize) -> Vec<u8> {
        assert!(len >= CORE);
        let unit = format!("{}\"\n", self.core);
        unit.bytes().cycle().take(len).collect()
    }

    /// The marker by itself.
    #[must_use]
    pub fn core(&self) -> &str {
        &self.core
    }

    /// Every form of it.
    #[must_use]
    pub fn patterns(&self) -> Vec<Pattern> {
        patterns(&self.name, self.core.as_bytes())
    }
}

/// Every form of some bytes.
#[must_use]
pub fn patterns(name: &str, bytes: &[u8]) -> Vec<Pattern> {
    let pattern = |form: &str, bytes: Vec<u8>| Pattern {
        name: format!("{name}, {form}"),
        bytes,
    };
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut patterns = vec![
        pattern("as it is", bytes.to_vec()),
        pattern("HEX", hex.to_uppercase().into_bytes()),
        pattern("hex", hex.into_bytes()),
    ];
    for before in 0..3 {
        let shifted = [&[0; 3][..before], bytes].concat();
        let text = STANDARD_NO_PAD.encode(&shifted);
        // The letters that the neighbours have no part in.
        let from = (before * 8).div_ceil(6);
        let to = shifted.len() * 8 / 6;
        let name = format!("base64, {before} before");
        patterns.push(pattern(&name, text.as_bytes()[from..to].to_vec()));
    }
    patterns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_of_a_value_is_found_wherever_the_marker_stands_in_it() {
        let marker = Marker::new("a");
        for before in 0..6 {
            let mut value = vec![b'x'; before];
            value.extend(marker.value(90));
            let hex: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
            let texts = [
                value.clone(),
                hex.to_uppercase().into_bytes(),
                hex.into_bytes(),
                STANDARD_NO_PAD.encode(&value).into_bytes(),
                serde_json::to_vec(std::str::from_utf8(&value).unwrap()).unwrap(),
            ];
            for text in texts {
                let found = marker
                    .patterns()
                    .iter()
                    .any(|p| text.windows(p.bytes.len()).any(|at| at == p.bytes));
                assert!(found, "{before}: {}", String::from_utf8_lossy(&text));
            }
        }
    }

    #[test]
    fn two_markers_have_nothing_in_common() {
        let (one, other) = (Marker::new("a"), Marker::new("b"));
        assert_ne!(one.core(), other.core());
        assert_eq!(one.value(32).len(), 32);
    }
}
