//! The bundle's outer form, the same for writer and reader: a gzip header that carries a digest of what follows it, and the
//! one ustar header that an entry can have. A reader that compares with these has nothing else to parse.

use tar::{EntryType, Header};

use crate::name::EntryPath;

/// The gzip header (RFC 1952) up to the digest: FEXTRA only, no time, system unknown, one subfield `RS` of 32 bytes.
pub const GZIP_HEADER: [u8; 16] = [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255, 36, 0, b'R', b'S', 32, 0];
/// Where the compressed data begins: after [`GZIP_HEADER`] and the SHA-256 of everything from here on.
pub const GZIP_DATA: usize = GZIP_HEADER.len() + 32;
/// The size of a tar block, in bytes.
pub const BLOCK: usize = 512;

/// The zero bytes that follow `size` bytes of content, up to the next block.
pub const fn padding(size: u64) -> u64 {
    size.wrapping_neg() % BLOCK as u64
}

/// The header of an entry. Times in seconds since 1970.
///
/// # Errors
/// When folder and path together are too long for ustar (POSIX.1-1988: 100 bytes of name after 155 of prefix).
pub fn header(folder: &str, path: &EntryPath, size: u64, mtime: u64) -> std::io::Result<Header> {
    let mut header = Header::new_ustar();
    header.set_path(format!("{folder}/{path}"))?;
    header.set_entry_type(EntryType::Regular);
    header.set_mode(path.mode());
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(mtime);
    header.set_size(size);
    header.set_cksum();
    Ok(header)
}
