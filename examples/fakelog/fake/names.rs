//! Record number to module version and back, without a table: the module's name spells its number in syllables.
//!
//! A module has eight versions, strewn over a window of 65,536 records, as in a real log where a module's releases lie
//! apart. The names have the shapes that real logs have: hosts, major-version suffixes, gopkg.in's dots, upper-case letters
//! that need escaping, pseudo-versions, prereleases, `+incompatible`.

/// Versions of one module.
const VERSIONS: u64 = 8;
/// Records in which the versions of a module are strewn.
const WINDOW: u64 = 1 << 16;
/// Odd, so that multiplying by it permutes a window.
const STRIDE: u64 = 40_503;
const CONSONANTS: &[u8; 18] = b"bcdfghjklmnprstvwz";
const VOWELS: &[u8; 5] = b"aeiou";
const SYLLABLES: u64 = 90;
/// Module numbers that four syllables can spell; 50 million records need 6.25 million.
const NAMES: u64 = SYLLABLES * SYLLABLES * SYLLABLES * SYLLABLES;
/// Prime to `NAMES`, so that neighbouring numbers get unlike names and every name stands for one number.
const SCRAMBLE: u64 = 48_271;
/// `SCRAMBLE`'s inverse modulo `NAMES`: by Euler, its power of phi(NAMES) - 1.
const UNSCRAMBLE: u64 = power(SCRAMBLE, 17_496_000 - 1);

const fn power(base: u64, mut exponent: u64) -> u64 {
    let (mut square, mut product) = (base % NAMES, 1);
    while exponent > 0 {
        if exponent & 1 == 1 {
            product = product * square % NAMES;
        }
        square = square * square % NAMES;
        exponent >>= 1;
    }
    product
}

/// 64 well-mixed bits of `x` (the finaliser of splitmix64).
pub fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Appends the module path, a space and the version of record `id`.
pub fn write(seed: u64, id: u64, out: &mut Vec<u8>) {
    let place = (id % WINDOW).wrapping_mul(STRIDE) % WINDOW;
    let module = id / WINDOW * (WINDOW / VERSIONS) + place / VERSIONS;
    let shape = Shape::of(seed, module);
    shape.write_path(out);
    out.push(b' ');
    shape.write_version(place % VERSIONS, out);
}

/// The record number of a module version, if this seed has it at any size of log.
pub fn find(seed: u64, path: &str, version: &str) -> Option<u64> {
    let module = number_in(path)?;
    let shape = Shape::of(seed, module);
    let mut text = Vec::new();
    shape.write_path(&mut text);
    if text != path.as_bytes() {
        return None;
    }
    let spelled = |k: &u64| {
        let mut text = Vec::new();
        shape.write_version(*k, &mut text);
        text == version.as_bytes()
    };
    let k = (0..VERSIONS).find(spelled)?;
    let modules = WINDOW / VERSIONS;
    let place = module % modules * VERSIONS + k;
    Some(module / modules * WINDOW + place.wrapping_mul(inverse(STRIDE)) % WINDOW)
}

/// The inverse of an odd number modulo a power of two (Newton; each step doubles the good bits).
const fn inverse(odd: u64) -> u64 {
    let mut guess = odd;
    let mut step = 0;
    while step < 5 {
        guess = guess.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(guess)));
        step += 1;
    }
    guess
}

/// The module number that the last name in `path` spells.
fn number_in(path: &str) -> Option<u64> {
    let numbered = |tail: &str, mark: &str| tail.strip_prefix(mark).is_some_and(|n| n.parse::<u8>().is_ok());
    let mut elements = path.split('/').rev();
    let mut name = elements.next()?;
    if numbered(name, "v") {
        name = elements.next()?;
    }
    if matches!(name, "sdk" | "api") {
        name = elements.next()?;
    }
    if let Some((before, _)) = name.split_once(".v") {
        name = before;
    }
    let name = name.strip_prefix("go-").unwrap_or(name);
    let name = name.strip_suffix("-go").or_else(|| name.strip_suffix(".go")).unwrap_or(name).to_ascii_lowercase();
    if name.len() != 8 {
        return None;
    }
    let mut scrambled = 0;
    for pair in name.as_bytes().chunks_exact(2) {
        let consonant = CONSONANTS.iter().position(|c| *c == pair[0])? as u64;
        let vowel = VOWELS.iter().position(|v| *v == pair[1])? as u64;
        scrambled = scrambled * SYLLABLES + consonant * 5 + vowel;
    }
    Some(scrambled * UNSCRAMBLE % NAMES)
}

#[derive(Clone, Copy, PartialEq)]
enum Host {
    Github,
    Gitlab,
    Gopkg,
    GolangX,
    K8s,
    Vanity,
}

/// What a module's number decides about its name.
struct Shape {
    module: u64,
    bits: u64,
    owner: u64,
    host: Host,
    major: u64,
    suffixed: bool,
    incompatible: bool,
}

impl Shape {
    fn of(seed: u64, module: u64) -> Shape {
        let salt = mix(seed);
        let bits = mix(salt ^ module);
        let owner = module / 16;
        let host = match bits % 100 {
            0..72 => Host::Github,
            72..78 => Host::Gitlab,
            78..83 => Host::Gopkg,
            83..87 => Host::GolangX,
            87..94 => Host::K8s,
            _ => Host::Vanity,
        };
        let later = 2 + (bits >> 32) % 5;
        let (major, suffixed, incompatible) = match (host, (bits >> 24) % 20) {
            (Host::GolangX, _) => (0, false, false),
            (Host::Gopkg, _) => (later - 1, true, false),
            (_, 0..10) => (0, false, false),
            (_, 10..16) => (1, false, false),
            (_, 16..19) => (later, true, false),
            _ => (later, false, true),
        };
        Shape { module, bits, owner, host, major, suffixed, incompatible }
    }

    fn write_path(&self, out: &mut Vec<u8>) {
        match self.host {
            Host::Github => out.extend_from_slice(b"github.com/"),
            Host::Gitlab => out.extend_from_slice(b"gitlab.com/"),
            Host::Gopkg => out.extend_from_slice(b"gopkg.in/"),
            Host::GolangX => out.extend_from_slice(b"golang.org/x/"),
            Host::K8s => out.extend_from_slice(b"k8s.io/"),
            Host::Vanity => out.extend_from_slice(b"go."),
        }
        let owner = out.len();
        if matches!(self.host, Host::Github | Host::Gitlab | Host::Vanity) {
            spell(self.owner, 3, out);
            if self.host == Host::Vanity {
                out.extend_from_slice(b".dev");
            } else if mix(self.owner).is_multiple_of(8) {
                out[owner].make_ascii_uppercase();
            }
            out.push(b'/');
        }
        self.write_name(out);
        if self.suffixed {
            out.extend_from_slice(if self.host == Host::Gopkg { b".v" } else { b"/v" });
            decimal(self.major, 1, out);
        }
    }

    fn write_name(&self, out: &mut Vec<u8>) {
        let dressed = matches!(self.host, Host::Github | Host::Gitlab);
        let dress = if dressed { (self.bits >> 8) % 16 } else { 15 };
        if dress < 2 {
            out.extend_from_slice(b"go-");
        }
        let name = out.len();
        spell(self.module, 4, out);
        match dress {
            2 => out.extend_from_slice(b"-go"),
            3 => out.extend_from_slice(b".go"),
            4 => out[name].make_ascii_uppercase(),
            5 => {
                out[name].make_ascii_uppercase();
                out[name + 4].make_ascii_uppercase();
            }
            _ => {}
        }
        match (self.bits >> 16) % 24 {
            0 if dressed => out.extend_from_slice(b"/sdk"),
            1 if dressed => out.extend_from_slice(b"/api"),
            _ => {}
        }
    }

    /// Version number `k` of the module: its minor number, or its pseudo-version's year, is `k`'s alone.
    fn write_version(&self, k: u64, out: &mut Vec<u8>) {
        let bits = mix(self.bits ^ (k + 1));
        out.push(b'v');
        decimal(self.major, 1, out);
        if bits % 16 < 5 {
            out.extend_from_slice(b".0.0-");
            decimal(2016 + k, 4, out);
            for (shift, base, range) in [(8, 1, 12), (12, 1, 28), (17, 0, 24), (22, 0, 60), (28, 0, 60)] {
                decimal(base + (bits >> shift) % range, 2, out);
            }
            out.push(b'-');
            for nibble in 0..12 {
                out.push(b"0123456789abcdef"[(mix(bits) >> (4 * nibble)) as usize & 15]);
            }
        } else {
            out.push(b'.');
            decimal(2 * k + (bits >> 8) % 2, 1, out);
            out.push(b'.');
            decimal((bits >> 9) % 30, 1, out);
            match bits % 64 {
                5 | 21 => out.extend_from_slice(b"-rc.1"),
                6 | 22 => out.extend_from_slice(b"-beta.2"),
                37 => out.extend_from_slice(b"-RC1"),
                53 => out.extend_from_slice(b"-alpha"),
                _ => {}
            }
        }
        if self.incompatible {
            out.extend_from_slice(b"+incompatible");
        }
    }
}

/// Spells a number below `NAMES` in syllables; with fewer than four, in its lowest ones.
fn spell(number: u64, syllables: u32, out: &mut Vec<u8>) {
    let mut rest = number % NAMES * SCRAMBLE % NAMES % SYLLABLES.pow(syllables);
    let begin = out.len();
    out.resize(begin + 2 * syllables as usize, 0);
    for pair in out[begin..].chunks_exact_mut(2).rev() {
        let syllable = rest % SYLLABLES;
        rest /= SYLLABLES;
        pair[0] = CONSONANTS[(syllable / 5) as usize];
        pair[1] = VOWELS[(syllable % 5) as usize];
    }
}

/// Appends `number` in decimal with at least `width` digits.
pub fn decimal(number: u64, width: usize, out: &mut Vec<u8>) {
    let mut digits = [b'0'; 20];
    let (mut rest, mut at) = (number, digits.len());
    while rest > 0 || digits.len() - at < width {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    out.extend_from_slice(&digits[at..]);
}
