//! Settings of the go command.
