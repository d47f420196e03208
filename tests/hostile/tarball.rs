//! Tar headers, names, sizes, padding and the tarball's end.

use super::{
    Bench, forge,
    forge::{BLOCK, Forge, checked, header, pack},
};

/// The entry whose header is played with.
const ENTRY: &str = "certs/etcd.pem";

/// A bundle in which one header is another, its checksum made right.
fn with(change: impl Fn(&mut [u8; BLOCK])) -> Vec<u8> {
    let mut forge = forge();
    let size = forge.find(ENTRY).content.len() as u64;
    let mut header = forge.header(ENTRY, size);
    change(&mut header);
    forge.find(ENTRY).header = Some(checked(header));
    forge.pack()
}

#[test]
fn other_types_than_regular_files() {
    let mut bench = Bench::new();
    for (flag, kind) in [
        (b'1', "hard link"),
        (b'2', "symbolic link"),
        (b'3', "character device"),
        (b'4', "block device"),
        (b'5', "folder"),
        (b'6', "named pipe"),
        (b'7', "contiguous file"),
        (b'L', "GNU long name"),
        (b'K', "GNU long name"),
        (b'S', "GNU sparse file"),
        (b'x', "PAX extension"),
        (b'g', "PAX extension"),
        (b'V', "entry of unknown type"),
        (b'D', "entry of unknown type"),
    ] {
        bench.refuses(kind, &with(|header| header[156] = flag), &format!("is a {kind}; a bundle holds regular files only"));
    }
    let link = with(|header| {
        header[156] = b'2';
        header[157..168].copy_from_slice(b"/etc/shadow");
    });
    bench.refuses("a link to /etc/shadow", &link, "is a symbolic link");
    let mut longname = forge();
    longname.insert(Some(ENTRY), "././@LongLink", &[b'a'; 300]);
    let mut long = header(b"././@LongLink", 0o644, 300, longname.mtime);
    long[156] = b'L';
    longname.find("././@LongLink").header = Some(checked(long));
    bench.refuses("a GNU long name", &longname.pack(), "is a GNU long name");
    let mut pax = forge();
    let attributes = b"30 path=../../../../etc/shadow\n";
    pax.insert(Some(ENTRY), "pax", attributes);
    let mut extended = header(b"PaxHeaders/x", 0o644, attributes.len() as u64, pax.mtime);
    extended[156] = b'x';
    pax.find("pax").header = Some(checked(extended));
    bench.refuses("a PAX path", &pax.pack(), "is a PAX extension");
}

#[test]
fn headers_in_another_form() {
    const HEADER: &str = "the tar header of `";
    let mut bench = Bench::new();
    let field = |name: &str, at: usize, bytes: &'static [u8], bench: &mut Bench| {
        bench.refuses(name, &with(|header| header[at..at + bytes.len()].copy_from_slice(bytes)), HEADER);
    };
    field("a set-user-id bit", 100, b"0004755", &mut bench);
    field("a group that may write", 100, b"0000664", &mut bench);
    field("a user", 108, b"0000001", &mut bench);
    field("a group", 116, b"0000001", &mut bench);
    field("a user's name", 265, b"root", &mut bench);
    field("a group's name", 297, b"root", &mut bench);
    field("another time", 136, b"00000000001", &mut bench);
    field("a link's name", 157, b"x", &mut bench);
    field("a device number", 329, b"0000001", &mut bench);
    field("a number with a space", 100, b" 000644", &mut bench);
    field("a size without digits", 124, b"nonsense---", &mut bench);
    field("a size with signs", 124, b"-0000000001", &mut bench);
    field("GNU's magic", 257, b"ustar  \0", &mut bench);
    field("no magic", 257, &[0; 8], &mut bench);
    field("something at the header's end", 500, b"x", &mut bench);
    field("a type of old tar", 156, &[0], &mut bench);
    let mut bad = forge();
    let mut header = bad.header(ENTRY, bad.clone().find(ENTRY).content.len() as u64);
    header[150] ^= 1;
    bad.find(ENTRY).header = Some(header);
    bench.refuses("a wrong checksum", &bad.pack(), HEADER);
}

/// A bundle in which an entry's header has these bytes as its name.
fn named(name: &[u8]) -> Vec<u8> {
    with(|header| {
        header[..100].fill(0);
        header[..name.len()].copy_from_slice(name);
    })
}

#[test]
fn names() {
    let mut bench = Bench::new();
    for (name, error) in [
        (&b"site-7/../etc/shadow"[..], "has a component `.` or `..`"),
        (b"site-7/certs/../../x", "has a component `.` or `..`"),
        (b"site-7/./certs/etcd.pem", "has more than four components\u{0}"),
        (b"site-7//etc/shadow", "is absolute"),
        (b"/etc/shadow", "is not below the bundle's folder"),
        (b"../site-7/certs/etcd.pem", "is not below the bundle's folder"),
        (b"etcd.pem", "is not below the bundle's folder"),
        (b"site-8/certs/etcd.pem", "is not below the bundle's folder"),
        (b"site-7/certs\\etcd.pem", "has a character other than"),
        (b"site-7/certs/et cd.pem", "has a character other than"),
        (b"site-7/certs/etcd.pem\n", "has a character other than"),
        (b"site-7/certs/\x1b[2J", "has a character other than"),
        (b"site-7/certs/\xe4\xbd\xa0.pem", "has a character other than"),
        (b"site-7/certs/etcd.pem/", "has an empty component"),
        (b"site-7/certs/a/b/c/d", "has more than four components"),
        (b"site-7/certs/\xff\xfe.pem", "the tar header of `"),
        (b"site-7/certs/etcd.pem\0/../../etc/shadow", "the tar header of `"),
        (b"site-7/CERTS/etcd.pem", "is no entry that a bundle has"),
        (b"site-7/other/etcd.pem", "is no entry that a bundle has"),
        (b"site-7/nodes/foo.txt", "is no entry that a bundle has"),
        (b"site-7/nodes/a/b.json", "is no entry that a bundle has"),
        (b"site-7/executor/evil/x", "is no entry that a bundle has"),
        (b"site-7/executor/linux-x86_64/sh", "is no entry that a bundle has"),
        (b"site-7/certs/other.pem", "is not in SHA256SUMS"),
        (b"site-7/certs/ETCD.PEM", "is not in SHA256SUMS"),
    ] {
        let error = if name == b"site-7/./certs/etcd.pem" { "has a component `.` or `..`" } else { error };
        bench.refuses(&String::from_utf8_lossy(name), &named(name), error);
    }
    let mut long = forge();
    let path = format!("certs/{}", "a".repeat(150));
    let size = long.find(ENTRY).content.len() as u64;
    // A name of more than 100 bytes is split at a slash (POSIX.1-1988): here into 195 and 9 bytes, more than a path may have.
    let mut split = header(b"etcd.pem", 0o644, size, long.mtime);
    let prefix = format!("site-7/{path}");
    split[345..345 + 155].copy_from_slice(&prefix.as_bytes()[..155]);
    long.find(ENTRY).header = Some(checked(split));
    bench.refuses("a name of 164 bytes that nobody listed", &long.pack(), "is not in SHA256SUMS");
}

#[test]
fn names_that_differ_in_case_only() {
    let mut bench = Bench::new();
    let mut both = forge();
    both.insert(Some(ENTRY), "certs/ETCD.pem", b"x");
    both.sign();
    bench.refuses("a name in other case", &both.pack(), "differ in upper and lower case only");
}

#[test]
fn sizes_that_lie() {
    let mut bench = Bench::new();
    let size = forge().find(ENTRY).content.len();
    for wrong in [0, 1, size - 1, size + 1, size + BLOCK, 3 * BLOCK + size] {
        let lie = with(|header| header[124..135].copy_from_slice(format!("{wrong:011o}").as_bytes()));
        bench.refuses(&format!("{wrong} instead of {size}"), &lie, "has the SHA-256");
    }
    let most = 1_u64 << 20;
    for claim in [most + 1, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32, (1 << 33) - 1] {
        let lie = with(|header| header[124..135].copy_from_slice(format!("{claim:011o}").as_bytes()));
        bench.refuses(&format!("a claim of {claim}"), &lie, &format!("claims {claim} bytes; at most {most} are taken"));
    }
    for (name, claim) in [("2^33", 1_u64 << 33), ("2^63", 1 << 63), ("2^64 - 1", u64::MAX)] {
        let lie = with(|header| {
            header[124..136].fill(0);
            header[124] = 0x80;
            header[128..136].copy_from_slice(&claim.to_be_bytes());
        });
        bench.refuses(&format!("base-256, {name}"), &lie, &format!("claims {claim} bytes; at most {most} are taken"));
    }
    let negative = with(|header| header[124..136].fill(0xff));
    bench.refuses("base-256, negative", &negative, "the tar header of `");
    let small = with(|header| {
        header[124..136].fill(0);
        header[124] = 0x80;
        header[128..136].copy_from_slice(&(size as u64).to_be_bytes());
    });
    bench.refuses("base-256, the right size", &small, "the tar header of `");
}

#[test]
fn what_stands_between_and_after_entries() {
    let mut bench = Bench::new();
    let tar = forge().tar();
    let end = tar.len() - 2 * BLOCK;
    bench.refuses("no end", &pack(&tar[..end]), "the tarball ends too early");
    bench.refuses("half an end", &pack(&tar[..end + BLOCK]), "the tarball ends too early");
    bench.refuses("a third block of zeros", &pack(&[&tar, &[0; BLOCK][..]].concat()), "there is data after the bundle's end");
    bench.refuses("an entry after the end", &pack(&[&tar, &tar[..end]].concat()), "there is data after the bundle's end");
    let mut second = tar.clone();
    second[end + BLOCK] = 1;
    bench.refuses("a second block that is not zero", &pack(&second), "there is data after the bundle's end");
    let mut first: Forge = forge();
    first.entries.truncate(4);
    bench.refuses("nothing after the manifest", &first.pack(), "is in SHA256SUMS but not in the bundle");
    bench.refuses("nothing but an end", &pack(&[0; 2 * BLOCK]), "the entry `SHA256SUMS` is missing at its place");
    bench.refuses("nothing at all", &pack(b""), "the tarball ends too early");
    let mut padded = forge();
    let size = padded.find("bundle.json").content.len();
    assert!(!size.is_multiple_of(BLOCK));
    let at = padded.entries[..3].iter().map(|entry| BLOCK + entry.content.len().div_ceil(BLOCK) * BLOCK).sum::<usize>() + BLOCK + size;
    let mut padding = tar.clone();
    padding[at] = b'x';
    bench.refuses("padding that is not zero", &pack(&padding), "the tar header of `bundle.json`");
    for length in (0..end).step_by(BLOCK) {
        bench.refuses(&format!("the tarball cut after {length} bytes"), &pack(&tar[..length]), "the tarball ends too early");
    }
}
