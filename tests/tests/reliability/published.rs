//! Values that say what they are: a name, a version, and bytes that follow from both, so that a part, a
//! mixture, or another file's value is seen for what it is.

use secretfs_tests::fixture::MARKER;
use secretfs_tests::seed::Seed;

const LETTERS: &[u8; 64] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

/// The value of this version: text of about `len` bytes.
pub(crate) fn value(name: &str, version: u64, len: usize) -> String {
    let mut text = format!("{MARKER} {name} {version} {len} ");
    let start = name.bytes().fold(version, |seed, byte| {
        seed.wrapping_mul(0x100_0000_01b3).wrapping_add(byte.into())
    });
    let mut seed = Seed::new(start);
    while text.len() < len {
        let mut drawn = seed.draw();
        for _ in 0..10 {
            let at = usize::try_from(drawn % 64).expect("below 64");
            text.push(char::from(LETTERS[at]));
            drawn >>= 6;
        }
    }
    text.truncate(len.max(text.find(&format!(" {len} ")).unwrap_or(0) + 4));
    text
}

/// Which version these bytes are of this name, all of them.
pub(crate) fn version(name: &str, bytes: &[u8]) -> Result<u64, String> {
    let shown = || {
        let beginning = &bytes[..bytes.len().min(60)];
        format!(
            "{} bytes, {:?}…",
            bytes.len(),
            String::from_utf8_lossy(beginning)
        )
    };
    let parts: Vec<_> = bytes.splitn(5, |byte| *byte == b' ').collect();
    let part = |at: usize| std::str::from_utf8(parts.get(at).copied().unwrap_or_default());
    let (Ok(of), Ok(version), Ok(len)) = (part(1), part(2), part(3)) else {
        return Err(format!("no value of ours: {}", shown()));
    };
    if of != name {
        return Err(format!("a value of another file: {}", shown()));
    }
    let (Ok(version), Ok(len)) = (version.parse(), len.parse()) else {
        return Err(format!("no value of ours: {}", shown()));
    };
    if bytes != value(name, version, len).as_bytes() {
        return Err(format!("a part or a mixture: {}", shown()));
    }
    Ok(version)
}

#[test]
fn a_part_a_mixture_and_the_value_of_another_are_told_from_a_value() {
    let (one, two) = (value("a", 1, 500), value("a", 2, 500));
    assert_eq!(version("a", one.as_bytes()), Ok(1));
    assert_eq!(version("a", two.as_bytes()), Ok(2));
    assert_eq!(one.len(), 500);
    let mixed = format!("{}{}", &one[..250], &two[250..]);
    let other = value("b", 1, 500);
    for wrong in ["", &one[..499], &mixed, &other, "pL41nT3xT a 1 500 "] {
        assert!(version("a", wrong.as_bytes()).is_err(), "{wrong}");
    }
}
