//! The smallest programs that carry Go's build information, made byte by byte.

/// What the text about modules is framed by (cmd/go/internal/modload, infoStart and infoEnd): any 16 bytes on either side.
const FRAME: [u8; 16] = [0x30; 16];

/// The form since Go 1.18: a header, and two texts behind their lengths.
pub fn inline(version: &str, modules: &str) -> Vec<u8> {
    let mut bytes = b"\xff Go buildinf:\x08\x02".to_vec();
    bytes.resize(32, 0);
    let framed = [&FRAME[..], modules.as_bytes(), &FRAME].concat();
    for text in [version.as_bytes(), &framed] {
        let mut length = text.len();
        while length >= 0x80 {
            bytes.push(length as u8 | 0x80);
            length >>= 7;
        }
        bytes.push(length as u8);
        bytes.extend_from_slice(text);
    }
    bytes
}

/// The form before Go 1.18: a header with pointers of `size` bytes to strings, which point to their bytes.
pub fn by_pointers(version: &str, modules: &str, size: usize, is_big: bool) -> Vec<u8> {
    let framed = [&FRAME[..], modules.as_bytes(), &FRAME].concat();
    let number = |value: u64| {
        let bytes = value.to_be_bytes()[8 - size..].to_vec();
        if is_big { bytes } else { bytes.into_iter().rev().collect() }
    };
    let mut bytes = b"\xff Go buildinf:".to_vec();
    bytes.extend([size as u8, is_big.into()]);
    bytes.extend([number(ADDRESS + 32), number(ADDRESS + 48)].concat());
    bytes.resize(32, 0);
    for (at, length) in [(64, version.len()), (64 + version.len(), framed.len())] {
        bytes.extend([number(ADDRESS + at as u64), number(length as u64)].concat());
        bytes.resize(bytes.len().next_multiple_of(16), 0);
    }
    [&bytes, version.as_bytes(), &framed].concat()
}

/// Where the data of [`elf`] begins in memory.
const ADDRESS: u64 = 0x40_0000;

/// An ELF file for 64 bits whose only segment is writable and holds this.
pub fn elf(data: &[u8]) -> Vec<u8> {
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(16, 0);
    file.extend([2, 0, 62, 0, 1, 0, 0, 0]); // executable, x86-64
    file.extend([ADDRESS, 64, 0].iter().flat_map(|word| word.to_le_bytes())); // entry, program headers, sections
    file.extend([0, 0, 0, 0, 64, 0, 56, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    file.extend([1, 0, 0, 0, 6, 0, 0, 0]); // PT_LOAD, to be read and written
    let length = data.len() as u64;
    file.extend([128, ADDRESS, ADDRESS, length, length, 16].iter().flat_map(|word| word.to_le_bytes()));
    file.resize(128, 0);
    [&file, data].concat()
}

/// A Mach-O file for 64 bits whose only segment is writable and holds this.
pub fn macho(data: &[u8]) -> Vec<u8> {
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>();
    let mut file = words(&[0xfeed_facf, 0x0100_0007, 3, 2, 1, 72, 0, 0]);
    file.extend(words(&[0x19, 72]));
    file.extend(b"__DATA\0\0\0\0\0\0\0\0\0\0");
    let length = data.len() as u64;
    file.extend([ADDRESS, length, 104, length].iter().flat_map(|word| word.to_le_bytes()));
    file.extend(words(&[3, 3, 0, 0]));
    [&file, data].concat()
}

/// A Mach-O file for several processors that holds these.
pub fn fat(files: &[Vec<u8>]) -> Vec<u8> {
    let mut file = vec![0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, files.len() as u8];
    let mut at = 8 + 20 * files.len();
    for one in files {
        file.extend([0x0100_0007, 3, at as u32, one.len() as u32, 0].iter().flat_map(|word: &u32| word.to_be_bytes()));
        at += one.len();
    }
    [file, files.concat()].concat()
}

/// A PE file for 64 bits whose only section is writable and holds this.
pub fn pe(data: &[u8]) -> Vec<u8> {
    let mut file = b"MZ".to_vec();
    file.resize(60, 0);
    file.extend(64_u32.to_le_bytes());
    file.extend(b"PE\0\0\x64\x86\x01\0");
    file.resize(84, 0);
    file.extend([112, 0, 0x22, 0]);
    file.extend([0x0b, 0x02]);
    file.resize(88 + 24, 0);
    file.extend(ADDRESS.to_le_bytes());
    file.resize(88 + 112, 0);
    file.extend(b".data\0\0\0");
    let length = data.len() as u32;
    file.extend([length, 0x1000, length, 240, 0, 0, 0, 0xc000_0040].iter().flat_map(|word: &u32| word.to_le_bytes()));
    file.resize(240, 0);
    [&file, data].concat()
}
