//! Changes to inputs, from a seeded generator: the same seed gives the same inputs on every machine.

/// The longest input.
pub const MAX_BYTES: usize = 64 << 10;
/// An input grows to near that once in so many mutations: long ones cost as much as hundreds of short ones.
const LONG_ONE_IN: usize = 1 << 12;
/// Bytes that formats and machines treat in their own ways.
const BYTES: &[u8] = b"\0\n\r\t !+,-./09:=@AZ[\\]_az|~\x7f\x80\xbf\xc3\xe2\xff";
/// Numbers at the edges of types and of limits, in decimal.
const NUMBERS: &[&str] = &[
    "0",
    "1",
    "-1",
    "+1",
    "00",
    "01",
    "255",
    "256",
    "257",
    "999",
    "1000",
    "65535",
    "65536",
    "2147483648",
    "4294967295",
    "4294967296",
    "4611686018427387904",
    "4611686018427387905",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "340282366920938463463374607431768211456",
];

/// splitmix64 (Steele, Lea, Flood 2014): small, fast, and good enough to choose mutations.
#[derive(Debug, Clone)]
pub struct Random(pub u64);

impl Random {
    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not 0 (0 counts as 1).
    pub fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.next()) * end as u128) >> 64) as usize
    }

    /// One of `choices`, which are not empty.
    pub fn choose<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[self.below(choices.len())]
    }

    /// A range of `length` places, more often short than long.
    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.below(length + 1);
        let most = (length - start).min(1 << self.below(10));
        start..start + self.below(most + 1)
    }
}

/// Applies one to four mutations to `input`; `other` lends what is spliced in, `words` are the format's own.
pub fn mutate(random: &mut Random, input: &mut Vec<u8>, other: &[u8], words: &[&str]) {
    for _ in 0..=random.below(4).min(random.below(4)) {
        once(random, input, other, words);
        input.truncate(MAX_BYTES);
    }
    if random.below(LONG_ONE_IN) == 0 {
        lengthen(random, input);
    }
}

fn once(random: &mut Random, input: &mut Vec<u8>, other: &[u8], words: &[&str]) {
    match random.below(14) {
        0 | 1 => {
            let bit = random.below(8);
            change_byte(random, input, |byte| byte ^ (1 << bit));
        }
        2 => {
            let byte = BYTES[random.below(BYTES.len())];
            change_byte(random, input, |_| byte);
        }
        3 => {
            let byte = random.next() as u8;
            change_byte(random, input, |_| byte);
        }
        4 => {
            let at = random.below(input.len() + 1);
            input.insert(at, BYTES[random.below(BYTES.len())]);
        }
        5 => drop(input.drain(random.range(input.len()))),
        6 => {
            let copy = input[random.range(input.len())].to_vec();
            put(random, input, &copy);
        }
        7 => {
            let piece = &other[random.range(other.len())];
            put(random, input, piece);
        }
        8 => {
            let at = random.below(input.len() + 1);
            input.truncate(at);
            input.extend_from_slice(&other[random.below(other.len() + 1)..]);
        }
        9 | 10 if !words.is_empty() => {
            let word = random.choose(words);
            put(random, input, word.as_bytes());
        }
        11 => change_number(random, input),
        12 => change_field(random, input),
        _ => swap_tokens(random, input),
    }
}

fn change_byte(random: &mut Random, input: &mut [u8], change: impl Fn(u8) -> u8) {
    let at = random.below(input.len());
    if let Some(byte) = input.get_mut(at) {
        *byte = change(*byte);
    }
}

/// Inserts `piece` somewhere, or lays it over what is there.
fn put(random: &mut Random, input: &mut Vec<u8>, piece: &[u8]) {
    let at = random.below(input.len() + 1);
    let end = if random.below(2) == 0 { at } else { (at + piece.len()).min(input.len()) };
    input.splice(at..end, piece.iter().copied());
}

/// Puts an extreme in the place of a decimal number.
fn change_number(random: &mut Random, input: &mut Vec<u8>) {
    let from = random.below(input.len() + 1);
    let Some(start) = input[from..].iter().position(u8::is_ascii_digit).map(|at| from + at) else { return };
    let digits = input[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = random.choose(NUMBERS);
    input.splice(start..start + digits, number.bytes());
}

/// Overwrites two, four or eight bytes by a number at the edge of something, as binary formats write it.
fn change_field(random: &mut Random, input: &mut [u8]) {
    let width = 2 << random.below(3);
    let at = random.below(input.len());
    let near = [0, 1, input.len() as u64, 1 << 15, 1 << 16, 1 << 31, 1 << 32, 1 << 62, 1 << 63, u64::MAX];
    let value = near[random.below(near.len())].wrapping_add(random.below(5) as u64).wrapping_sub(2);
    for (byte, new) in input[at..].iter_mut().zip(&value.to_le_bytes()[..width]) {
        *byte = *new;
    }
}

/// Swaps two neighbours among the tokens between white space, slashes and the like.
fn swap_tokens(random: &mut Random, input: &mut [u8]) {
    let is_edge = |byte: &u8| matches!(byte, b' ' | b'\n' | b'/' | b'+' | b'.' | b',' | b'@');
    let from = random.below(input.len() + 1);
    let Some(middle) = input[from..].iter().position(is_edge).map(|at| from + at) else { return };
    let start = input[..middle].iter().rposition(is_edge).map_or(0, |at| at + 1);
    let end = input[middle + 1..].iter().position(is_edge).map_or(input.len(), |at| middle + 1 + at);
    input[start..end].rotate_left(middle + 1 - start);
}

/// Repeats a piece until the input is long.
fn lengthen(random: &mut Random, input: &mut Vec<u8>) {
    let piece = input[random.range(input.len())].to_vec();
    let length = MAX_BYTES >> random.below(6);
    let room = length.saturating_sub(input.len());
    let at = random.below(input.len() + 1);
    input.splice(at..at, piece.iter().copied().cycle().take(if piece.is_empty() { 0 } else { room }));
}
