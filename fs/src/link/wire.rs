//! Frames on a stream socket: a 4-byte length, then JSON, with descriptors beside the first byte.
