//! Modules of the corpus: their hashes, their lists, their log.
