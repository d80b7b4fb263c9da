//! The gosumcheck command.

fn main() {}
