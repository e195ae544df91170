//! `config:`.

use super::Decoder;
use crate::map::marked::Node;
use crate::map::source::Config;

/// Its keys.
const KEYS: &[&str] = &[
    "provider",
    "mountpoint",
    "ttl",
    "stale",
    "open_timeout",
    "max_size",
    "on_lock",
    "remount_on_unlock",
    "idle",
    "audit",
    "infisical_project_id",
];

impl Decoder<'_> {
    pub(super) fn config(&mut self, node: Node<'_>) -> Config {
        let mut config = Config::default();
        for (key, value) in self.pairs(node, "`config`", KEYS) {
            let key = key.value.as_ref();
            match key {
                "provider" => config.provider = self.text(value, key),
                "mountpoint" => config.mountpoint = self.text(value, key),
                "ttl" => config.ttl = self.unit(value, key),
                "stale" => config.stale = self.unit(value, key),
                "open_timeout" => config.open_timeout = self.unit(value, key),
                "max_size" => config.max_size = self.unit(value, key),
                "on_lock" => config.on_lock = self.word(value, key),
                "remount_on_unlock" => config.remount_on_unlock = self.truth(value, key),
                "idle" => config.idle = self.unit(value, key),
                "audit" => config.audit = self.truth(value, key),
                _ => config.infisical_project_id = self.text(value, key),
            }
        }
        config
    }
}
