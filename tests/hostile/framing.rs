//! The file and its gzip member.

use super::{Bench, forge, forge::with_digest, scene};

const NO_BUNDLE: &str = "this is not a reseal bundle";
const DAMAGED: &str = "the file is damaged or cut short";
const TRAILING: &str = "there is data after the bundle's end";

#[test]
fn other_files() {
    let mut bench = Bench::new();
    let good = forge().pack();
    let tar = forge().tar();
    bench.refuses("an empty file", b"", NO_BUNDLE);
    bench.refuses("a plain tarball", &tar, NO_BUNDLE);
    bench.refuses("another gzip file", b"\x1f\x8b\x08\x00\0\0\0\0\0\xff\x03\0\0\0\0\0\0\0\0\0", NO_BUNDLE);
    bench.refuses("a zip file", b"PK\x03\x04 and nothing that anybody needs to know about it, in 48 bytes", NO_BUNDLE);
    for byte in 0..16 {
        let mut bad = good.clone();
        bad[byte] ^= 1 << (byte % 8);
        bench.refuses(&format!("a flip in byte {byte} of the gzip header"), &bad, NO_BUNDLE);
    }
    let mut named = good.clone();
    named[3] |= 8;
    bench.refuses("a gzip header that announces a file name", &with_digest(named), NO_BUNDLE);
}

#[test]
fn damage() {
    let mut bench = Bench::new();
    let good = forge().pack();
    for byte in [16, 47, 48, 60, good.len() / 2, good.len() - 9, good.len() - 8, good.len() - 4, good.len() - 1] {
        let mut bad = good.clone();
        bad[byte] ^= 0x10;
        bench.refuses(&format!("a flip in byte {byte}"), &bad, DAMAGED);
    }
    for length in (0..good.len()).step_by(512) {
        bench.refuses(&format!("cut after {length} bytes"), &good[..length], if length < 48 { NO_BUNDLE } else { DAMAGED });
    }
    let real = &scene().1;
    for length in [real.len() / 3, real.len() - 1] {
        bench.refuses(&format!("the real bundle cut after {length} bytes"), &real[..length], DAMAGED);
    }
}

#[test]
fn a_digest_that_fits_makes_no_gzip_member() {
    let mut bench = Bench::new();
    let good = forge().pack();
    let mut bad = good.clone();
    bad[48] = 0x07; // the reserved block type of deflate (RFC 1951, 3.2.3)
    bench.refuses("a reserved block type", &with_digest(bad), "the compressed data is invalid");
    let mut bad = good.clone();
    let crc = good.len() - 8;
    bad[crc] ^= 1;
    bench.refuses("a wrong CRC-32", &with_digest(bad), "the compressed data is invalid");
    let mut bad = good.clone();
    *bad.last_mut().unwrap() ^= 1;
    bench.refuses("a wrong length", &with_digest(bad), "the compressed data is invalid");
    bench.refuses("no trailer", &with_digest(good[..good.len() - 8].to_vec()), "the compressed data is invalid");
}

#[test]
fn what_follows_the_member() {
    let mut bench = Bench::new();
    let good = forge().pack();
    for (name, more) in [("a byte", &b"x"[..]), ("zeros", &[0; 512]), ("a second member", &good)] {
        bench.refuses(&format!("{name} after the end"), &[&good, more].concat(), TRAILING);
        bench.refuses(&format!("{name} after the end, hashed"), &with_digest([&good, more].concat()), TRAILING);
    }
}
