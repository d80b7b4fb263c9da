//! Programs that lie: an error each, no panic, and no more memory than is asked for honest ones.

use gosumcheck::audit::executable;

use crate::common::random;
use crate::kit::Spec;
use crate::world::World;

/// Bytes at one time. A program's headers may take 16 MiB, and each of its two texts as much.
const MAX_MEMORY: u64 = 64 << 20;

#[test]
fn mutated_programs_are_errors_within_bounds() {
    let Some(world) = World::new(&[Spec::new("a.example/one", "v1.0.0")]) else { return };
    let folder = world.project(&[("a.example/one", "v1.0.0")]);
    let mut random = random();
    for (system, processor) in [("linux", "amd64"), ("windows", "amd64"), ("darwin", "arm64")] {
        let program = world.build(&folder, system, &[], &[("GOOS", system), ("GOARCH", processor)]);
        let honest = std::fs::read(program).unwrap();
        assert!(executable::read(&honest[..]).is_ok());
        let at = memchr::memmem::find(&honest, b"\xff Go buildinf:").unwrap();
        for round in 0..120 {
            let mut bytes = honest.clone();
            match round % 4 {
                // Cut off.
                0 => bytes.truncate(if round < 60 { random(4096) } else { random(at + 40) }),
                // Lengths of the two texts, some with claims of gigabytes.
                1 => {
                    let claim: &[u8] = match random(3) {
                        0 => &[0xff, 0xff, 0xff, 0xff, 0x0f],
                        1 => &[0xff; 10],
                        _ => &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
                    };
                    bytes[at + 32..at + 32 + claim.len()].copy_from_slice(claim);
                }
                // Whatever the headers say of places and sizes.
                2 => {
                    for _ in 0..=random(4) {
                        let field = random(1024) & !3;
                        bytes[field..field + 4].copy_from_slice(&[0xff, 0xff, 0xff, [0xff, 0x7f, 0][random(3)]]);
                    }
                }
                // The old form, whose pointers lead anywhere.
                _ => {
                    bytes[at + 14] = [4, 8, 0, 255][random(4)];
                    bytes[at + 15] = u8::try_from(random(2)).unwrap();
                    (at + 16..at + 32).for_each(|at| bytes[at] = u8::try_from(random(256)).unwrap());
                }
            }
            let mut outcome = None;
            let taken = allocation_counter::measure(|| outcome = Some(executable::read(&bytes[..])));
            assert!(taken.bytes_max < MAX_MEMORY, "{system} {round}: {} bytes", taken.bytes_max);
            // A header field that nobody reads may be anything; all else is an error.
            let is_error = outcome.unwrap().is_err();
            assert!(is_error || round % 4 == 2, "{system} {round} passes");
        }
    }
}
