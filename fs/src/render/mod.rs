//! Folders rendered into one file: dotenv, JSON, YAML.
