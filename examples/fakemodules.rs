//! `fakemodules`: a tree of synthetic modules, laid out as a module proxy, with the go.sum of all of them; for benches and drills.
//!
//! The bytes do not shrink when packed, so that a zip has the size that was asked for. `fakelog --from-gosum` makes their log.

use std::fs;
use std::io::{self, Cursor, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use gosumcheck::sumdb::dirhash::{h1_go_mod, h1_zip};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Writes modules `example.com/mBYTES/nNUMBER` at v1.0.0 below a folder.
#[derive(Parser)]
struct Arguments {
    /// Where to
    dir: PathBuf,
    /// How many of which size: COUNTxBYTES. Repeatable
    #[arg(long, value_name = "COUNTxBYTES", default_values_t = [String::from("100x50000")])]
    zips: Vec<String>,
    /// How many with how many empty files: COUNTxFILES, at `example.com/fFILES/nNUMBER`. Repeatable
    #[arg(long, value_name = "COUNTxFILES")]
    files: Vec<String>,
    /// So many modules more, `example.com/all/nNUMBER`: each requires its part of the others, and all are direct requirements
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    groups: usize,
    /// Change one byte of each zip's content, and nothing else
    #[arg(long)]
    corrupt: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            let _ = writeln!(io::stderr(), "fakemodules: {why}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let (mut sums, mut paths) = (String::new(), Vec::new());
    for zips in &arguments.zips {
        let (count, bytes) = pair(zips)?;
        for number in 0..count {
            let path = format!("example.com/m{bytes}/n{number}");
            sums += &module(&arguments.dir, &path, &[], (bytes, 0), arguments.corrupt)?;
            paths.push(path);
        }
    }
    for files in &arguments.files {
        let (count, files) = pair(files)?;
        for number in 0..count {
            let path = format!("example.com/f{files}/n{number}");
            sums += &module(&arguments.dir, &path, &[], (0, files), arguments.corrupt)?;
            paths.push(path);
        }
    }
    let part = paths.len().div_ceil(arguments.groups.max(1)).max(1);
    for (number, required) in paths.chunks(part).take(arguments.groups).enumerate() {
        sums += &module(&arguments.dir, &format!("example.com/all/n{number}"), required, (0, 0), arguments.corrupt)?;
    }
    fs::write(arguments.dir.join("go.sum"), sums)?;
    Ok(())
}

/// `COUNTxNUMBER`.
fn pair(text: &str) -> Result<(u32, usize), Box<dyn std::error::Error>> {
    let (count, number) = text.split_once('x').ok_or("a count, an x and a number are wanted, as in 100x50000")?;
    Ok((count.parse()?, number.parse()?))
}

/// Writes one module that requires `required`, with `bytes` of noise and so many empty `files`; gives its two lines.
fn module(
    dir: &Path,
    path: &str,
    required: &[String],
    (bytes, files): (usize, usize),
    corrupt: bool,
) -> Result<String, Box<dyn std::error::Error>> {
    let version = "v1.0.0";
    let mut go_mod = format!("module {path}\n\ngo 1.21\n");
    for required in required {
        go_mod += &format!("\nrequire {required} {version}\n");
    }
    let mut content = noise(path, bytes);
    if corrupt && let Some(byte) = content.first_mut() {
        *byte ^= 1;
    }
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    let source = b"// Package m has nothing but its noise.\npackage m\n";
    for (name, content) in [("go.mod", go_mod.as_bytes()), ("m.go", source), ("noise.bin", &content)] {
        zip.start_file(format!("{path}@{version}/{name}"), options)?;
        zip.write_all(content)?;
    }
    for number in 0..files {
        zip.start_file(format!("{path}@{version}/{}/{number}.go", number % 1000), options)?;
    }
    let zip = zip.finish()?.into_inner();
    let folder = dir.join(path).join("@v");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("list"), format!("{version}\n"))?;
    let told = format!("{{\"Version\":\"{version}\",\"Time\":\"2026-01-02T03:04:05Z\"}}");
    fs::write(folder.join(format!("{version}.info")), &told)?;
    fs::write(folder.join("..").join("@latest"), &told)?;
    fs::write(folder.join(format!("{version}.mod")), &go_mod)?;
    fs::write(folder.join(format!("{version}.zip")), &zip)?;
    let (whole, part) = (h1_zip(&zip[..], 1)?, h1_go_mod(go_mod.as_bytes()));
    Ok(format!("{path} {version} h1:{whole}\n{path} {version}/go.mod h1:{part}\n"))
}

/// Bytes that look random and follow from `seed` (xorshift64*).
fn noise(seed: &str, len: usize) -> Vec<u8> {
    let mut state = seed
        .bytes()
        .fold(0x9e37_79b9_7f4a_7c15_u64, |state, byte| (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3) | 1);
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        bytes.extend_from_slice(&state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}
