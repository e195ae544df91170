use super::*;
use proptest::prelude::*;
use secretfs_memory::sealed::SealedPool;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;

fn pool() -> Arc<SealedPool> {
    SealedPool::new(1 << 20, true).unwrap()
}

fn bytes(value: &Sealed) -> Vec<u8> {
    let mut out = vec![0; value.len()];
    assert_eq!(value.read_at(0, &mut out).unwrap(), out.len());
    out
}

fn rendered(format: Format, secrets: &[(&str, &[u8])]) -> (Vec<u8>, Vec<String>) {
    let pool = pool();
    let sealed: Vec<_> = secrets
        .iter()
        .map(|(name, value)| {
            let mut writer = pool.writer(None, 1 << 20);
            writer.append(value).unwrap();
            (*name, writer.finish().unwrap())
        })
        .collect();
    let mut out = pool.writer(None, 1 << 20);
    let left_out = render(
        format,
        sealed.iter().map(|(name, value)| (*name, value)),
        &mut out,
    )
    .unwrap();
    (bytes(&out.finish().unwrap()), left_out)
}

/// What a real shell makes of a dotenv file: name → value.
fn sourced(file: &[u8], names: &[String]) -> BTreeMap<String, Vec<u8>> {
    // printf with each variable, ended by NUL, which no variable can hold.
    let mut script = String::from("set -a; . /dev/fd/3; ");
    for name in names {
        script.push_str(&format!("printf '%s\\0' \"${name}\"; "));
    }
    let mut temp = tempfile::tempfile().unwrap();
    temp.write_all(file).unwrap();
    let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&temp));
    let mut source = std::fs::File::open(path).unwrap();
    std::io::Seek::rewind(&mut source).unwrap();
    let output = Command::new("sh")
        .args(["-c", "exec 3<&0; eval \"$1\"", "sh", &script])
        .env_clear()
        .stdin(Stdio::from(source))
        .output()
        .unwrap();
    assert!(output.stderr.is_empty(), "{output:?}");
    let values: Vec<_> = output.stdout.split(|byte| *byte == 0).collect();
    assert_eq!(values.len(), names.len() + 1, "{output:?}");
    names
        .iter()
        .cloned()
        .zip(values.into_iter().map(<[u8]>::to_vec))
        .collect()
}

const HOSTILE: &[&str] = &[
    "",
    " ",
    "plain",
    "two words",
    "it's",
    "say \"hi\"",
    "it's \"both\"",
    "$HOME ${HOME} $(touch /tmp/x) `id`",
    "it's $HOME `id` \\ \"",
    "back\\slash",
    "two\\\\",
    "end\\",
    "end'\\",
    "line\nfeed\n",
    "\r\n",
    "#hash # comment",
    "a=b=c",
    "!history",
    "'; rm -rf /; '",
    "\"; rm -rf /; \"",
    "tab\tand \u{1b}[31m",
    "é 😀 \u{2028}\u{85}\u{feff}",
    "---\n- yaml: [x]\n",
    "null",
    "0x10",
    "~",
];

fn hostile() -> Vec<(String, &'static [u8])> {
    HOSTILE
        .iter()
        .enumerate()
        .map(|(at, value)| (format!("NAME_{at}"), value.as_bytes()))
        .collect()
}

fn refs<'a>(pairs: &'a [(String, &'a [u8])]) -> Vec<(&'a str, &'a [u8])> {
    pairs
        .iter()
        .map(|(name, value)| (name.as_str(), *value))
        .collect()
}

#[test]
fn a_shell_reads_back_every_hostile_value_from_dotenv() {
    let secrets = hostile();
    let (file, left_out) = rendered(Format::Dotenv, &refs(&secrets));
    assert!(left_out.is_empty());
    let names: Vec<_> = secrets.iter().map(|(name, _)| name.clone()).collect();
    let values = sourced(&file, &names);
    for (name, value) in &secrets {
        assert_eq!(values.get(name).map(Vec::as_slice), Some(*value), "{name}");
    }
}

#[test]
fn json_and_yaml_read_back_every_hostile_value() {
    let secrets = hostile();
    let expected: BTreeMap<String, String> = secrets
        .iter()
        .map(|(name, value)| (name.clone(), String::from_utf8(value.to_vec()).unwrap()))
        .collect();
    let (json, left_out) = rendered(Format::Json, &refs(&secrets));
    assert!(left_out.is_empty());
    let read: BTreeMap<String, String> = serde_json::from_slice(&json).unwrap();
    assert_eq!(read, expected);
    let (yaml, left_out) = rendered(Format::Yaml, &refs(&secrets));
    assert!(left_out.is_empty());
    let read: BTreeMap<String, String> = serde_yaml::from_slice(&yaml).unwrap();
    assert_eq!(read, expected);
}

#[test]
fn a_plain_dotenv_value_stands_in_single_quotes() {
    let (file, _) = rendered(Format::Dotenv, &[("B", b"x y"), ("A", b""), ("C", b"it's")]);
    assert_eq!(file, b"A=''\nB='x y'\nC=\"it's\"\n");
}

#[test]
fn the_order_is_that_of_the_names() {
    let one = rendered(Format::Json, &[("B", b"2"), ("A", b"1")]);
    let other = rendered(Format::Json, &[("A", b"1"), ("B", b"2")]);
    assert_eq!(one, other);
    assert_eq!(one.0, b"{\n  \"A\": \"1\",\n  \"B\": \"2\"\n}\n");
}

#[test]
fn an_empty_folder_is_an_empty_file_or_mapping() {
    assert_eq!(rendered(Format::Dotenv, &[]).0, b"");
    assert_eq!(rendered(Format::Json, &[]).0, b"{}\n");
    assert_eq!(rendered(Format::Yaml, &[]).0, b"{}\n");
}

#[test]
fn names_that_are_no_variables_are_left_out_of_dotenv_and_told() {
    let secrets: &[(&str, &[u8])] = &[
        ("GOOD", b"1"),
        ("1BAD", b"2"),
        ("WITH SPACE", b"3"),
        ("a-b", b"4"),
        ("X=1;id", b"5"),
        ("", b"6"),
        ("É", b"7"),
    ];
    let (file, left_out) = rendered(Format::Dotenv, secrets);
    assert_eq!(file, b"GOOD='1'\n");
    assert_eq!(left_out, ["", "1BAD", "WITH SPACE", "X=1;id", "a-b", "É"]);
    let (json, left_out) = rendered(Format::Json, secrets);
    assert!(left_out.is_empty());
    let read: BTreeMap<String, String> = serde_json::from_slice(&json).unwrap();
    assert_eq!(read.len(), secrets.len());
}

#[test]
fn what_is_not_text_is_left_out_and_told() {
    let secrets: &[(&str, &[u8])] = &[("BIN", b"\xff\xfe"), ("CUT", b"ok\xe2\x82"), ("T", b"t")];
    for format in [Format::Dotenv, Format::Json, Format::Yaml] {
        let (file, left_out) = rendered(format, secrets);
        assert_eq!(left_out, ["BIN", "CUT"]);
        assert!(!file.contains(&0xff));
        assert!(!file.windows(2).any(|two| two == b"ok"));
    }
    let (file, left_out) = rendered(Format::Dotenv, &[("NUL", b"a\0b")]);
    assert_eq!(
        (file.as_slice(), left_out.as_slice()),
        (&b""[..], &["NUL".to_owned()][..])
    );
}

#[test]
fn a_name_that_comes_twice_is_told() {
    let (file, left_out) = rendered(Format::Dotenv, &[("A", b"1"), ("A", b"2"), ("A", b"3")]);
    assert_eq!(file, b"A='1'\n");
    assert_eq!(left_out, ["A"]);
}

#[test]
fn a_character_across_two_pieces_is_whole() {
    for pad in 4090..4100 {
        let value = format!("{}😀{}€", "x".repeat(pad), "y".repeat(5000));
        let (json, left_out) = rendered(Format::Json, &[("A", value.as_bytes())]);
        assert!(left_out.is_empty());
        let read: BTreeMap<String, String> = serde_json::from_slice(&json).unwrap();
        assert_eq!(read.get("A"), Some(&value));
    }
}

#[test]
fn a_rendered_file_is_bounded() {
    let pool = pool();
    let mut writer = pool.writer(None, 100);
    writer.append(&[b'x'; 90]).unwrap();
    let value = writer.finish().unwrap();
    let mut out = pool.writer(None, 50);
    assert!(matches!(
        render(Format::Json, [("A", &value)], &mut out),
        Err(SealedError::TooLarge { .. })
    ));
}

fn secrets() -> impl Strategy<Value = BTreeMap<String, String>> {
    let value = prop_oneof![
        proptest::string::string_regex("[a'\"$`\\\\\n\r#={}!;&|<> \t]{0,24}").unwrap(),
        any::<String>().prop_map(|text| text.replace('\0', "")),
    ];
    proptest::collection::btree_map("[A-Z_][A-Z0-9_]{0,6}X", value, 0..6)
}

proptest! {
    #[test]
    fn json_and_yaml_come_back(secrets in secrets()) {
        let pairs: Vec<_> = secrets.iter().map(|(n, v)| (n.as_str(), v.as_bytes())).collect();
        let (json, _) = rendered(Format::Json, &pairs);
        let read: BTreeMap<String, String> = serde_json::from_slice(&json).unwrap();
        prop_assert_eq!(&read, &secrets);
        let (yaml, _) = rendered(Format::Yaml, &pairs);
        let read: BTreeMap<String, String> = serde_yaml::from_slice(&yaml).unwrap();
        prop_assert_eq!(&read, &secrets);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn dotenv_comes_back_from_a_shell(secrets in secrets()) {
        let pairs: Vec<_> = secrets.iter().map(|(n, v)| (n.as_str(), v.as_bytes())).collect();
        let (file, left_out) = rendered(Format::Dotenv, &pairs);
        prop_assert!(left_out.is_empty());
        let names: Vec<_> = secrets.keys().cloned().collect();
        let read = sourced(&file, &names);
        for (name, value) in &secrets {
            prop_assert_eq!(read.get(name).map(Vec::as_slice), Some(value.as_bytes()));
        }
    }
}
