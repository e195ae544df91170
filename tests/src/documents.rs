//! What the documents tell people to type, for tests that do it.

/// The fenced blocks of that language in a document of the repository, in order.
///
/// # Panics
/// There is no such document, or no such block in it.
#[must_use]
pub fn blocks(document: &str, language: &str) -> Vec<String> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = std::fs::read_to_string(path.join(document)).expect("the document");
    let mut blocks = Vec::new();
    let mut block: Option<(usize, String)> = None;
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        match (&mut block, line.trim()) {
            (None, fence) if fence.strip_prefix("```") == Some(language) => {
                block = Some((indent, String::new()));
            }
            (Some(_), "```") => blocks.extend(block.take().map(|(_, text)| text)),
            (Some((indent, text)), _) => {
                text.push_str(line.get(*indent..).unwrap_or_default());
                text.push('\n');
            }
            (None, _) => {}
        }
    }
    assert!(!blocks.is_empty(), "no block of {language} in {document}");
    blocks
}
