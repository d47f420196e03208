//! A bundle with any single bit flipped is refused. All bits of a small one: `bundle-format/tests/reader.rs`. Here: bits of a real one
//! with a part of its executor, drawn by a seed that is printed, and read by the reader in this process, as the executor does.

use std::{
    thread,
    time::{Instant, SystemTime},
};

use bundle_format::{
    digest::Fingerprint,
    limits::Limits,
    reader::{BundleError, Nothing, Tarball, Unverified},
    signature::TrustedSigners,
};

use super::{forge::Forge, scene};

/// How much of the real executor is in it: enough for a bundle of about 1 MB, which is read in milliseconds.
const MOST_EXECUTOR: usize = 1_500_000;

fn read(bundle: &[u8], trusted: &TrustedSigners) -> Result<(), BundleError> {
    Unverified::open(Tarball::open(bundle)?, Limits::default())?.verify(trusted)?.read(&mut Nothing).map(drop)
}

/// Numbers without a pattern (Marsaglia's xorshift), the same for the same seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

#[expect(clippy::print_stdout, reason = "the seed and how far a long run has come")]
fn flip(count: usize) {
    let forge = Forge::of(&scene().1, MOST_EXECUTOR);
    let bundle = &forge.pack();
    let trusted: TrustedSigners = [forge.fingerprint().parse::<Fingerprint>().unwrap()].into_iter().collect();
    read(bundle, &trusted).unwrap();
    let seed = u64::from(SystemTime::UNIX_EPOCH.elapsed().unwrap().subsec_nanos()) << 20 | 1;
    println!("seed {seed}, {count} flips of {} bytes", bundle.len());
    let (begin, threads) = (Instant::now(), thread::available_parallelism().unwrap().get());
    thread::scope(|scope| {
        for thread in 0..threads {
            let trusted = &trusted;
            scope.spawn(move || {
                let (mut random, mut bundle) = (Random(seed ^ (thread as u64) << 32), bundle.clone());
                for done in 0..count.div_ceil(threads) {
                    if done % 10_000 == 0 {
                        println!("{done} of thread {thread} in {:.0?}", begin.elapsed());
                    }
                    let bit = usize::try_from(random.next() % (bundle.len() as u64 * 8)).unwrap();
                    bundle[bit / 8] ^= 1 << (bit % 8);
                    let refused = read(&bundle, trusted);
                    assert!(
                        matches!(refused, Err(BundleError::Damaged | BundleError::NotABundle | BundleError::Trailing)),
                        "bit {bit}: {refused:?}"
                    );
                    bundle[bit / 8] ^= 1 << (bit % 8);
                }
            });
        }
    });
    println!("{count} flips in {:.0?}", begin.elapsed());
}

#[test]
fn some_flips_of_a_real_bundle() {
    flip(300);
}

#[test]
#[ignore = "takes an hour; `tests/all --only exhaustive`"]
fn a_million_flips() {
    flip(1_000_000);
}
