//! `secrets.yml`: from text to [`CompiledMap`], and everything that can be wrong with it.

pub mod compiled;
pub mod plan;

pub use compiled::CompiledMap;
pub use plan::{
    Decode, EntryId, EntryPlan, Fallback, Format, NodeId, ProviderSpec, Source, ValueKey,
};
