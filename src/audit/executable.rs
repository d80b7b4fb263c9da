//! The build information in a program: where the linker put it and in which form (Go's own debug/buildinfo/buildinfo.go).
//!
//! It begins with a header of 32 bytes. From Go 1.18 on the two texts follow it, each behind its length; before, the header holds
//! pointers to them. The file is a stranger's: what it claims of sizes and places is held to what it has, and no more of it is in
//! memory than its headers and these two texts.

mod headers;
mod image;

use std::io;

use super::buildinfo::{BadBuildInfo, BuildInfo};
use crate::sumdb::dirhash::ReadAt;
use crate::sumdb::number::wide;
use headers::FilePart;
use image::Image;

/// Bytes at the start of a file that tell whether it is a program.
pub const MAGIC_BYTES: usize = 16;
/// What the header begins with.
const BUILD_INFO_MAGIC: &[u8] = b"\xff Go buildinf:";
/// The header's place is a multiple of this.
const ALIGN: u64 = 16;
const HEADER: usize = 32;
/// Bytes that are searched for the header at a time.
const CHUNK: u64 = 1 << 20;
/// Bytes that are searched where the linker made no section for it. It stands at the beginning there.
const MAX_SEARCHED: u64 = 64 << 20;
/// Bytes of the text about modules. Programs of 1,000 modules have 100 KiB.
const MAX_TEXT: u64 = 16 << 20;
/// Programs for several processors in one file.
const MAX_SLICES: usize = 32;
/// Characters around the text about modules (cmd/go/internal/modload, infoStart and infoEnd).
const FRAME: usize = 16;

/// What a program holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// what it says about its build; of a file for several processors that of each, without repeats
    pub builds: Vec<BuildInfo>,
    /// it was linked before Go 1.18, in the form with pointers
    pub is_old: bool,
}

/// Why a file has no build information.
#[derive(Debug, thiserror::Error)]
pub enum NoBuildInfo {
    /// it is neither an ELF, a Mach-O nor a PE file
    #[error("is not a program: neither ELF, Mach-O nor PE")]
    NotProgram,
    /// its headers contradict each other or lead out of it
    #[error("is cut off or damaged: {0}")]
    Damaged(&'static str),
    /// it may be written in any language
    #[error("is not a Go program")]
    NotGo,
    /// it has parts that only Go programs have
    #[error("is a Go program without its build information: it was removed, or linked without it")]
    Stripped,
    /// a packer hides what it is
    #[error("is packed with UPX, so what is in it cannot be seen: unpack it with `upx -d`")]
    Packed,
    /// only the version of Go is in it
    #[error("was built by {} without modules, so it names none", crate::sumdb::printable::quoted(.0))]
    NoModules(String),
    /// the text is not what Go writes
    #[error(transparent)]
    Malformed(#[from] BadBuildInfo),
    /// the disk failed
    #[error("cannot be read: {0}")]
    Read(io::Error),
}

impl From<io::Error> for NoBuildInfo {
    /// A file that ends too early is damaged; the disk did not fail.
    fn from(error: io::Error) -> NoBuildInfo {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => NoBuildInfo::Damaged("it ends before what it should hold"),
            _ => NoBuildInfo::Read(error),
        }
    }
}

/// The formats of programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Elf,
    Pe,
    MachO,
    Fat,
}

/// The version of Go and the text about modules.
type Texts = (Vec<u8>, Vec<u8>);

/// Whether a file that begins with these bytes may be a program.
pub fn is_program(start: &[u8]) -> bool {
    format(start).is_some()
}

/// The format of a file by its first bytes; a Java class begins as a Mach-O file for several processors does.
fn format(start: &[u8]) -> Option<Format> {
    let is_fat = |start: &[u8]| {
        let few = start.get(4..8).is_some_and(|count| count < [0, 0, 0, 33].as_slice());
        few && (start.starts_with(b"\xCA\xFE\xBA\xBE") || start.starts_with(b"\xCA\xFE\xBA\xBF"))
    };
    match start {
        _ if start.starts_with(b"\x7FELF") => Some(Format::Elf),
        _ if start.starts_with(b"MZ") => Some(Format::Pe),
        [0xFE, 0xED, 0xFA, 0xCE | 0xCF, ..] | [0xCE | 0xCF, 0xFA, 0xED, 0xFE, ..] => Some(Format::MachO),
        _ if is_fat(start) => Some(Format::Fat),
        _ => None,
    }
}

/// Reads the build information of a program.
///
/// # Errors
/// What it is instead; `Read` where the disk fails.
pub fn read<R: ReadAt + ?Sized>(file: &R) -> Result<Program, NoBuildInfo> {
    let mut start = [0; MAGIC_BYTES];
    if file.size() < wide(HEADER) {
        return Err(NoBuildInfo::NotProgram);
    }
    file.read_exact_at(0, &mut start)?;
    let format = format(&start).ok_or(NoBuildInfo::NotProgram)?;
    let whole = FilePart { file, start: 0, size: file.size() };
    if format != Format::Fat {
        let (build, is_old) = read_one(whole, format)?;
        return Ok(Program { builds: vec![build], is_old });
    }
    let (mut builds, mut is_any_old) = (Vec::new(), false);
    for slice in image::slices(whole, MAX_SLICES)? {
        let (build, is_old) = read_one(slice, Format::MachO)?;
        is_any_old |= is_old;
        // All but the settings of the processor is the same, as a rule.
        if !builds.iter().any(|known: &BuildInfo| (&known.main, &known.deps) == (&build.main, &build.deps)) {
            builds.push(build);
        }
    }
    Ok(Program { builds, is_old: is_any_old })
}

/// Reads a program for one processor; also whether it was linked before Go 1.18.
fn read_one<R: ReadAt + ?Sized>(file: FilePart<'_, R>, format: Format) -> Result<(BuildInfo, bool), NoBuildInfo> {
    match read_image(file, format) {
        Err(NoBuildInfo::NotGo | NoBuildInfo::Stripped | NoBuildInfo::Damaged(_)) if is_packed(file)? => {
            Err(NoBuildInfo::Packed)
        }
        outcome => outcome,
    }
}

fn read_image<R: ReadAt + ?Sized>(file: FilePart<'_, R>, format: Format) -> Result<(BuildInfo, bool), NoBuildInfo> {
    let image = Image::read(file, format)?;
    let other = || if image.is_go { NoBuildInfo::Stripped } else { NoBuildInfo::NotGo };
    let Some(at) = find_header(&image)? else { return Err(other()) };
    let mut header = [0; HEADER];
    image.read_exact(at, &mut header)?.ok_or_else(other)?;
    let is_inline = header.get(15).is_some_and(|flags| flags & 2 != 0);
    let texts = if is_inline { inline(&image, at)? } else { by_pointers(&image, &header)? };
    let (version, modules) = texts.filter(|(version, _)| !version.is_empty()).ok_or_else(other)?;
    let version = String::from_utf8_lossy(&version).into_owned();
    let text = unframed(&modules).ok_or_else(|| NoBuildInfo::NoModules(version.clone()))?;
    let info = BuildInfo::parse(&String::from_utf8_lossy(text))?;
    Ok((BuildInfo { go_version: version, ..info }, !is_inline))
}

/// Whether the packer UPX left its mark near the start.
fn is_packed<R: ReadAt + ?Sized>(file: FilePart<'_, R>) -> io::Result<bool> {
    let mut start = vec![0; usize::try_from(file.size.min(4096)).unwrap_or_default()];
    file.read_exact_at(0, &mut start)?;
    Ok(memchr::memmem::find(&start, b"UPX!").is_some())
}

/// The address of the header.
fn find_header<R: ReadAt + ?Sized>(image: &Image<'_, R>) -> Result<Option<u64>, NoBuildInfo> {
    let Some((start, size)) = image.build_info else { return Ok(None) };
    let end = start.checked_add(size).ok_or(NoBuildInfo::Damaged("a section ends beyond the last address"))?;
    let end = end.min(start.saturating_add(MAX_SEARCHED));
    let mut at = start.next_multiple_of(ALIGN);
    while at < end {
        let chunk = image.read_up_to(at, (end - at).min(CHUNK))?;
        if chunk.is_empty() {
            return Ok(None);
        }
        // Aligned as it is, it lies in one chunk.
        let found = memchr::memmem::find_iter(&chunk, BUILD_INFO_MAGIC).map(wide);
        if let Some(found) = found.into_iter().find(|found| found % ALIGN == 0) {
            return Ok((end - at - found >= wide(HEADER)).then(|| at + found));
        }
        at = at.saturating_add(CHUNK);
    }
    Ok(None)
}

/// The version and the text about modules behind the header at `at`, each behind its length as a varint.
fn inline<R: ReadAt + ?Sized>(image: &Image<'_, R>, at: u64) -> Result<Option<Texts>, NoBuildInfo> {
    let Some((version, next)) = prefixed(image, at.saturating_add(wide(HEADER)))? else { return Ok(None) };
    Ok(prefixed(image, next)?.map(|(modules, _)| (version, modules)))
}

/// The bytes behind their length at `at`, and the address behind them.
fn prefixed<R: ReadAt + ?Sized>(image: &Image<'_, R>, at: u64) -> Result<Option<(Vec<u8>, u64)>, NoBuildInfo> {
    let start = image.read_up_to(at, 10)?;
    let (mut length, mut taken) = (0_u64, 0_u32);
    loop {
        let Some(byte) = usize::try_from(taken).ok().and_then(|at| start.get(at)) else { return Ok(None) };
        let bits = u64::from(byte & 0x7f);
        if taken == 9 && bits > 1 {
            return Ok(None);
        }
        length |= bits << (7 * taken);
        taken += 1;
        if byte & 0x80 == 0 {
            break;
        }
    }
    let at = at.saturating_add(taken.into());
    let bytes = bounded(image, at, length)?;
    Ok(bytes.map(|bytes| (bytes, at.saturating_add(length))))
}

/// What the two pointers of an old header lead to.
fn by_pointers<R: ReadAt + ?Sized>(image: &Image<'_, R>, header: &[u8]) -> Result<Option<Texts>, NoBuildInfo> {
    let &[.., pointer_size, flags] = header.get(..16).unwrap_or_default() else { return Ok(None) };
    let size = usize::from(pointer_size);
    if size != 4 && size != 8 {
        return Ok(None);
    }
    let number = |bytes: &[u8]| {
        let add = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        if flags & 1 != 0 { bytes.iter().fold(0, add) } else { bytes.iter().rev().fold(0, add) }
    };
    let text = |pointer: &[u8]| -> Result<Vec<u8>, NoBuildInfo> {
        // A string of Go: where its bytes are, and how many.
        let string = image.read_up_to(number(pointer), 2 * u64::from(pointer_size))?;
        let (Some(data), Some(length)) = (string.get(..size), string.get(size..2 * size)) else {
            return Ok(Vec::new());
        };
        Ok(bounded(image, number(data), number(length))?.unwrap_or_default())
    };
    let (Some(version), Some(modules)) = (header.get(16..16 + size), header.get(16 + size..16 + 2 * size)) else {
        return Ok(None);
    };
    Ok(Some((text(version)?, text(modules)?)))
}

/// `length` bytes at `at`; none where there are fewer.
fn bounded<R: ReadAt + ?Sized>(image: &Image<'_, R>, at: u64, length: u64) -> Result<Option<Vec<u8>>, NoBuildInfo> {
    if length > MAX_TEXT {
        return match image.room(at) {
            Some(room) if room >= length => Err(NoBuildInfo::Damaged("its build information is larger than any")),
            _ => Ok(None),
        };
    }
    let bytes = image.read_up_to(at, length)?;
    Ok((wide(bytes.len()) == length).then_some(bytes))
}

/// The text without what marks its ends; none where nothing is in between.
fn unframed(modules: &[u8]) -> Option<&[u8]> {
    let end = modules.len().checked_sub(FRAME)?;
    let text = modules.get(FRAME..end)?;
    text.ends_with(b"\n").then_some(text)
}
