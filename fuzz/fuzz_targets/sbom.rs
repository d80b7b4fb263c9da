#![no_main]

#[path = "../../tests/fuzz/checks/mod.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    _ = checks::sboms::sbom(bytes);
});
