//! The only module that touches the disk.

pub mod zipfile;
