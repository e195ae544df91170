//! The format, written: a JSON object as a stream into the encryption.

use super::plain::PlainValue;
use base64::engine::general_purpose::STANDARD;
use base64::write::EncoderWriter;
use std::io::{self, Write};
use struson::writer::{JsonStreamWriter, JsonWriter, StringValueWriter, WriterSettings};

/// Writes a vault's content.
pub(super) struct VaultWriter<W: Write> {
    json: JsonStreamWriter<W>,
}

impl<W: Write> VaultWriter<W> {
    /// Starts the object.
    pub(super) fn new(output: W) -> io::Result<Self> {
        let settings = WriterSettings {
            // One secret a line, for people who decrypt it with age.
            pretty_print: true,
            ..WriterSettings::default()
        };
        let mut json = JsonStreamWriter::new_custom(output, settings);
        json.begin_object()?;
        Ok(Self { json })
    }

    /// Starts a member whose value the caller writes.
    pub(super) fn name(&mut self, name: &str) -> io::Result<&mut impl JsonWriter> {
        self.json.name(name)?;
        Ok(&mut self.json)
    }

    /// Writes a member: as text where it is text, as base64 where it is not.
    pub(super) fn value(&mut self, name: &str, value: &PlainValue) -> io::Result<()> {
        self.json.name(name)?;
        if value.is_utf8() {
            let mut text = self.json.string_value_writer()?;
            for piece in value.pieces() {
                text.write_all(piece)?;
            }
            return text.finish_value();
        }
        self.json.begin_object()?;
        self.json.name("base64")?;
        let mut text = self.json.string_value_writer()?;
        let mut encoder = EncoderWriter::new(&mut text, &STANDARD);
        for piece in value.pieces() {
            encoder.write_all(piece)?;
        }
        encoder.finish()?;
        drop(encoder);
        text.finish_value()?;
        self.json.end_object()
    }

    /// Ends the object.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.json.end_object()?;
        self.json.finish_document()?;
        Ok(())
    }
}
