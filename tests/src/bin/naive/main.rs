//! `naive FILE…`: reads files into ordinary memory, keeps one copy and gives others back, as programs
//! do. The control of every test of memory: what does not find this finds nothing.

use std::io::Read;

fn main() {
    let files: Vec<Vec<u8>> = std::env::args()
        .skip(1)
        .map(|path| std::fs::read(path).expect("a file"))
        .collect();
    let texts: Vec<serde_json::Value> = files
        .iter()
        .map(|bytes| String::from_utf8_lossy(bytes).into_owned().into())
        .collect();
    drop(files);
    #[expect(clippy::print_stdout, reason = "says that it has read them")]
    {
        println!("{}", texts.len());
    }
    // Until its parent is done.
    let mut rest = Vec::new();
    let _ = std::io::stdin().read_to_end(&mut rest);
    drop(texts);
}
