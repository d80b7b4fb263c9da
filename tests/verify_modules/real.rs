//! Real modules: those of a go command's module cache.
