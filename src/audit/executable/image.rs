//! What addresses of a program stand where in its file, and where its build information may be: read by the crate `object` from the
//! headers of ELF, Mach-O and PE files.

use std::cell::Cell;

use object::macho::{MachHeader32, MachHeader64};
use object::pe::{ImageDosHeader, ImageNtHeaders32, ImageNtHeaders64};
use object::read::elf::{FileHeader, ProgramHeader as _, SectionHeader as _};
use object::read::macho::{FatArch, MachHeader, MachOFatFile32, MachOFatFile64, Section as _, Segment};
use object::read::pe::{ImageNtHeaders, ImageOptionalHeader as _, optional_header_magic};
use object::{LittleEndian, elf, pe};

use super::headers::{FilePart, Headers};
use super::{Format, NoBuildInfo};
use crate::sumdb::dirhash::ReadAt;
use crate::sumdb::number::wide;

/// What the linker of Go calls the section with build information, and others that only it makes.
const BUILD_INFO: [&[u8]; 2] = [b".go.buildinfo", b"__go_buildinfo"];
const GO_SECTIONS: [&[u8]; 4] = [b".gopclntab", b"__gopclntab", b".note.go.buildid", b".gosymtab"];

/// Neighbouring addresses that stand in the file side by side.
struct Region {
    address: u64,
    size: u64,
    offset: u64,
}

/// What is known of a program.
pub(super) struct Image<'a, R: ?Sized> {
    file: FilePart<'a, R>,
    regions: Vec<Region>,
    /// the address and the size of what holds the build information: a section of that name, else the first data that a program
    /// may write
    pub build_info: Option<(u64, u64)>,
    /// it has sections that only the linker of Go makes
    pub is_go: bool,
}

impl<'a, R: ReadAt + ?Sized> Image<'a, R> {
    /// Reads the headers of a program for one processor.
    pub(super) fn read(file: FilePart<'a, R>, format: Format) -> Result<Image<'a, R>, NoBuildInfo> {
        let failure = Cell::new(None);
        let headers = Headers::new(file, &failure);
        let mut image = Image { file, regions: Vec::new(), build_info: None, is_go: false };
        let mut start = [0; 8];
        file.read_exact_at(0, &mut start)?;
        let outcome = match (format, start) {
            (Format::Elf, [_, _, _, _, 1, ..]) => image.elf::<elf::FileHeader32<object::Endianness>>(&headers),
            (Format::Elf, _) => image.elf::<elf::FileHeader64<object::Endianness>>(&headers),
            (Format::Pe, _) => match optional_header_magic(&headers) {
                Ok(pe::IMAGE_NT_OPTIONAL_HDR32_MAGIC) => image.pe::<ImageNtHeaders32>(&headers),
                Ok(_) => image.pe::<ImageNtHeaders64>(&headers),
                Err(error) => Err(error),
            },
            (Format::MachO, [_, _, _, 0xCE, ..] | [0xCE, ..]) => {
                image.macho::<MachHeader32<object::Endianness>>(&headers)
            }
            (Format::MachO | Format::Fat, _) => image.macho::<MachHeader64<object::Endianness>>(&headers),
        };
        match (outcome, failure.take()) {
            (_, Some(error)) => Err(error.into()),
            (Err(_), None) => {
                Err(NoBuildInfo::Damaged("its headers lead out of the file, or are not those of a program"))
            }
            (Ok(()), None) => Ok(image),
        }
    }

    fn elf<H: FileHeader>(&mut self, headers: &Headers<'_, R>) -> object::Result<()> {
        let header = H::parse(headers)?;
        let endian = header.endian()?;
        let sections = header.sections(endian, headers)?;
        let mut writable = None;
        for segment in header.program_headers(endian, headers)? {
            let (offset, size) = segment.file_range(endian);
            self.regions.push(Region { address: segment.p_vaddr(endian).into(), size, offset });
            let is_data = segment.p_type(endian) == elf::PT_LOAD
                && segment.p_flags(endian).0 & (elf::PF_X.0 | elf::PF_W.0) == elf::PF_W.0;
            if is_data && writable.is_none() {
                writable = Some((segment.p_vaddr(endian).into(), segment.p_memsz(endian).into()));
            }
        }
        for section in sections.iter() {
            let name = sections.section_name(endian, section)?;
            self.add_section(name, section.sh_addr(endian).into(), section.sh_size(endian).into());
        }
        self.build_info = self.build_info.or(writable);
        Ok(())
    }

    fn pe<H: ImageNtHeaders>(&mut self, headers: &Headers<'_, R>) -> object::Result<()> {
        let mut offset = ImageDosHeader::parse(headers)?.nt_headers_offset().into();
        let (header, _) = H::parse(headers, &mut offset)?;
        let base = header.optional_header().image_base();
        for section in header.sections(headers, offset)?.iter() {
            let address = section.virtual_address.get(LittleEndian);
            let size = section.size_of_raw_data.get(LittleEndian);
            let at = base.wrapping_add(address.into());
            let offset = section.pointer_to_raw_data.get(LittleEndian);
            self.regions.push(Region { address: at, size: size.into(), offset: offset.into() });
            let flags = section.characteristics.get(LittleEndian).0 & !pe::IMAGE_SCN_ALIGN_32BYTES.0;
            let data = pe::IMAGE_SCN_CNT_INITIALIZED_DATA.0 | pe::IMAGE_SCN_MEM_READ.0 | pe::IMAGE_SCN_MEM_WRITE.0;
            if flags == data && address != 0 && size != 0 && self.build_info.is_none() {
                self.build_info = Some((at, section.virtual_size.get(LittleEndian).into()));
            }
        }
        Ok(())
    }

    fn macho<H: MachHeader>(&mut self, headers: &Headers<'_, R>) -> object::Result<()> {
        let header = H::parse(headers, 0)?;
        let endian = header.endian()?;
        let mut commands = header.load_commands(endian, headers, 0)?;
        let mut writable = None;
        while let Some(command) = commands.next()? {
            let Some((segment, data)) = H::Segment::from_command(command)? else { continue };
            let (address, size): (u64, u64) = (segment.vmaddr(endian).into(), segment.filesize(endian).into());
            if segment.name() != b"__PAGEZERO" {
                self.regions.push(Region { address, size, offset: segment.fileoff(endian).into() });
            }
            let is_data = segment.initprot(endian).0 == 3 && segment.maxprot(endian).0 == 3;
            if is_data && address != 0 && size != 0 && writable.is_none() {
                writable = Some((address, segment.vmsize(endian).into()));
            }
            for section in segment.sections(endian, data)? {
                self.add_section(section.name(), section.addr(endian).into(), section.size(endian).into());
            }
        }
        self.build_info = self.build_info.or(writable);
        Ok(())
    }

    fn add_section(&mut self, name: &[u8], address: u64, size: u64) {
        if BUILD_INFO.contains(&name) && self.build_info.is_none() {
            self.build_info = Some((address, size));
        }
        self.is_go |= GO_SECTIONS.contains(&name);
    }
}

impl<R: ReadAt + ?Sized> Image<'_, R> {
    /// How many bytes stand in the file from an address on; none for an address that is not in it.
    pub(super) fn room(&self, address: u64) -> Option<u64> {
        self.place(address).map(|(_, room)| room)
    }

    /// The bytes from an address on, `size` of them or as many as there are.
    pub(super) fn read_up_to(&self, address: u64, size: u64) -> Result<Vec<u8>, NoBuildInfo> {
        let Some((offset, room)) = self.place(address) else { return Ok(Vec::new()) };
        let size = usize::try_from(size.min(room)).map_err(|_| NoBuildInfo::Damaged("a size is too large"))?;
        let mut bytes = vec![0; size];
        self.file.read_exact_at(offset, &mut bytes)?;
        Ok(bytes)
    }

    /// Fills `buf` from an address on; none where there are fewer bytes.
    pub(super) fn read_exact(&self, address: u64, buf: &mut [u8]) -> Result<Option<()>, NoBuildInfo> {
        let Some((offset, _)) = self.place(address).filter(|(_, room)| *room >= wide(buf.len())) else {
            return Ok(None);
        };
        self.file.read_exact_at(offset, buf)?;
        Ok(Some(()))
    }

    /// Where in the file an address stands, and how many bytes follow there.
    fn place(&self, address: u64) -> Option<(u64, u64)> {
        let region = self
            .regions
            .iter()
            .find(|region| address.checked_sub(region.address).is_some_and(|offset| offset < region.size))?;
        let inside = address.checked_sub(region.address)?;
        let offset = region.offset.checked_add(inside)?;
        let in_file = self.file.size.checked_sub(offset)?;
        Some((offset, region.size.checked_sub(inside)?.min(in_file)))
    }
}

/// The programs for one processor each in a Mach-O file for several.
pub(super) fn slices<R: ReadAt + ?Sized>(
    file: FilePart<'_, R>,
    most: usize,
) -> Result<Vec<FilePart<'_, R>>, NoBuildInfo> {
    let failure = Cell::new(None);
    let headers = Headers::new(file, &failure);
    let damaged = |_| match failure.take() {
        Some(error) => NoBuildInfo::Read(error),
        None => NoBuildInfo::Damaged("its list of processors leads out of the file"),
    };
    let mut magic = [0; 4];
    file.read_exact_at(0, &mut magic)?;
    let ranges: Vec<(u64, u64)> = if u32::from_be_bytes(magic) == object::macho::FAT_MAGIC {
        MachOFatFile32::parse(&headers).map_err(damaged)?.arches().iter().map(FatArch::file_range).collect()
    } else {
        MachOFatFile64::parse(&headers).map_err(damaged)?.arches().iter().map(FatArch::file_range).collect()
    };
    if ranges.is_empty() || ranges.len() > most {
        return Err(NoBuildInfo::Damaged("it is for no processor, or for too many"));
    }
    let slice = |(start, size): (u64, u64)| {
        let fits = start.checked_add(size).is_some_and(|end| end <= file.size) && size >= wide(super::HEADER);
        fits.then_some(FilePart { file: file.file, start, size })
    };
    let slices: Option<Vec<_>> = ranges.into_iter().map(slice).collect();
    slices.ok_or(NoBuildInfo::Damaged("its list of processors leads out of the file"))
}
