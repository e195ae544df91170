//! `secrets.yml`: from text to [`CompiledMap`], and everything that can be wrong with it.

pub mod compiled;
pub mod plan;

pub use compiled::{CompileError, CompiledMap, NodeKind, compile};
pub use plan::{
    Decode, EntryId, EntryPlan, Fallback, Format, MountSettings, NodeId, ProviderSettings,
    ProviderSpec, Source, ValueKey,
};
