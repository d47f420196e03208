//! A bundle as its tarball.
//!
//! What a hostile tarball may try, and what stops it here: a second gzip member or trailing data ([`BundleError::Trailing`]);
//! any type but a regular file, PAX and GNU extensions, sparse maps, base-256 numbers, odd checksums, owners or modes (the header
//! must equal the one that the writer makes); sizes that lie (the next header is then not where it must be) or overflow (limits,
//! checked before a byte of content is read); compressed bombs (content is read up to its claimed and limited size only).

use std::io::{self, BufRead as _, BufReader, Chain, Cursor, Read};

use flate2::bufread::GzDecoder;
use tar::{EntryType, Header};

use super::{BundleError, Source};
use crate::{
    digest::Hasher,
    limits::Limits,
    name::EntryPath,
    tarball::{self, BLOCK, GZIP_DATA, GZIP_HEADER},
    word,
};

/// Passes bytes on and hashes them.
struct Hashing<R> {
    inner: R,
    hasher: Hasher,
    /// How many bytes may still come.
    left: u64,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.inner.read(&mut buffer[..most])?;
        if most == 0 && !buffer.is_empty() && self.inner.read(&mut [0])? != 0 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.left -= count as u64;
        self.hasher.update(&buffer[..count]);
        Ok(count)
    }
}

/// The gzip header, which was read already, and then the rest of the file.
type File<R> = Chain<Cursor<[u8; GZIP_DATA]>, BufReader<Hashing<R>>>;

/// A tarball as a [`Source`] of entries.
pub struct Tarball<R: Read> {
    data: GzDecoder<File<R>>,
    claimed_digest: [u8; 32],
    folder: Option<(String, u64)>,
    last: String,
    unread: u64,
    padding: u64,
}

impl<R: Read> Tarball<R> {
    /// Reads the gzip header.
    ///
    /// # Errors
    /// When it is not a bundle's.
    pub fn open(mut from: R) -> Result<Self, BundleError> {
        let mut head = [0; GZIP_DATA];
        from.read_exact(&mut head).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => BundleError::NotABundle,
            _ => BundleError::Io(error),
        })?;
        let (fixed, digest) = head.split_at(GZIP_HEADER.len());
        let claimed_digest = digest.try_into().map_err(|_| BundleError::NotABundle)?;
        if fixed != GZIP_HEADER {
            return Err(BundleError::NotABundle);
        }
        let rest = BufReader::with_capacity(1 << 16, Hashing { inner: from, hasher: Hasher::default(), left: Limits::default().packed });
        Ok(Self {
            data: GzDecoder::new(Cursor::new(head).chain(rest)),
            claimed_digest,
            folder: None,
            last: word!("its beginning", "开头").to_owned(),
            unread: 0,
            padding: 0,
        })
    }

    /// The top folder, and the time in every header, in seconds since 1970; known once an entry was read.
    #[must_use]
    pub fn folder_and_time(&self) -> (&str, u64) {
        self.folder.as_ref().map_or(("", 0), |(folder, time)| (folder, *time))
    }

    fn next_header(&mut self) -> Result<Option<Header>, BundleError> {
        self.skip_to_header()?;
        let mut header = Header::new_old();
        self.read_exactly(header.as_mut_bytes())?;
        if header.as_bytes().iter().any(|byte| *byte != 0) {
            return Ok(Some(header));
        }
        let mut second = [0; BLOCK];
        self.read_exactly(&mut second)?;
        if second != [0; BLOCK] || self.data.read(&mut [0]).map_err(broken)? != 0 {
            return Err(if self.is_damaged() { BundleError::Damaged } else { BundleError::Trailing });
        }
        Ok(None)
    }

    fn skip_to_header(&mut self) -> Result<(), BundleError> {
        io::copy(&mut (&mut self.data).take(self.unread), &mut io::sink()).map_err(broken)?;
        self.unread = 0;
        let mut zeros = [0; BLOCK];
        let padding = usize::try_from(self.padding).unwrap_or(0);
        self.read_exactly(&mut zeros[..padding])?;
        if zeros != [0; BLOCK] {
            return Err(BundleError::Header(self.last.clone()));
        }
        self.padding = 0;
        Ok(())
    }

    fn read_exactly(&mut self, buffer: &mut [u8]) -> Result<(), BundleError> {
        self.data.read_exact(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => BundleError::Cut(self.last.clone()),
            _ => broken(error),
        })
    }

    /// The entry that a header announces, if the header is exactly that entry's.
    fn accept(&mut self, header: &Header) -> Result<(EntryPath, u64), BundleError> {
        let shown: String = String::from_utf8_lossy(&header.path_bytes()).escape_debug().take(200).collect();
        if let Some(kind) = foreign_kind(header.entry_type()) {
            return Err(BundleError::EntryType { path: shown, kind });
        }
        let malformed = || BundleError::Header(shown.clone());
        let size = header.entry_size().map_err(|_| malformed())?;
        let mtime = header.mtime().map_err(|_| malformed())?;
        let bytes = header.path_bytes();
        let text = std::str::from_utf8(&bytes).map_err(|_| malformed())?;
        let (folder, path) =
            text.split_once('/').ok_or_else(|| BundleError::Outside { path: shown.clone(), folder: self.folder_name() })?;
        let (expected, first_mtime) = self.folder.get_or_insert_with(|| (folder.to_owned(), mtime));
        if folder != expected {
            return Err(BundleError::Outside { path: shown.clone(), folder: expected.clone() });
        }
        let path: EntryPath = path.parse()?;
        let canonical = tarball::header(folder, &path, size, *first_mtime).map_err(|_| malformed())?;
        if canonical.as_bytes() != header.as_bytes() {
            return Err(malformed());
        }
        Ok((path, size))
    }

    fn folder_name(&self) -> String {
        self.folder.as_ref().map_or_else(|| "<site>-<serial>".to_owned(), |(name, _)| name.clone())
    }
}

impl<R: Read> Source for Tarball<R> {
    fn next(&mut self) -> Result<Option<(EntryPath, u64)>, BundleError> {
        let Some(header) = self.next_header()? else {
            return Ok(None);
        };
        let (path, size) = self.accept(&header)?;
        path.as_str().clone_into(&mut self.last);
        self.unread = size;
        self.padding = tarball::padding(size);
        Ok(Some((path, size)))
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, BundleError> {
        let most = usize::try_from(self.unread).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        let count = self.data.read(&mut buffer[..most]).map_err(broken)?;
        if count == 0 {
            return Err(BundleError::Cut(self.last.clone()));
        }
        self.unread -= count as u64;
        Ok(count)
    }

    fn folder(&self) -> Option<&str> {
        self.folder.as_ref().map(|(name, _)| name.as_str())
    }

    fn finish(&mut self) -> Result<(), BundleError> {
        let (_, rest) = self.data.get_mut().get_mut();
        if !rest.fill_buf().map_err(BundleError::Io)?.is_empty() {
            return Err(BundleError::Trailing);
        }
        if self.is_damaged() { Err(BundleError::Damaged) } else { Ok(()) }
    }

    fn is_damaged(&mut self) -> bool {
        let (_, rest) = self.data.get_mut().get_mut();
        let rest = rest.get_mut();
        let readable = io::copy(rest, &mut io::sink()).is_ok();
        readable && std::mem::take(&mut rest.hasher).finish().as_bytes() != &self.claimed_digest
    }
}

/// What a type other than a regular file is called.
fn foreign_kind(kind: EntryType) -> Option<&'static str> {
    match kind {
        EntryType::Regular => None,
        EntryType::Link => Some(word!("hard link", "硬链接")),
        EntryType::Symlink => Some(word!("symbolic link", "符号链接")),
        EntryType::Char => Some(word!("character device", "字符设备")),
        EntryType::Block => Some(word!("block device", "块设备")),
        EntryType::Directory => Some(word!("folder", "目录")),
        EntryType::Fifo => Some(word!("named pipe", "命名管道")),
        EntryType::Continuous => Some(word!("contiguous file", "连续文件")),
        EntryType::GNULongName | EntryType::GNULongLink => Some(word!("GNU long name", "GNU 长文件名")),
        EntryType::GNUSparse => Some(word!("GNU sparse file", "GNU 稀疏文件")),
        EntryType::XGlobalHeader | EntryType::XHeader => Some(word!("PAX extension", "PAX 扩展")),
        _ => Some(word!("entry of unknown type", "未知类型的条目")),
    }
}

/// An error of the decoder: of the data, or of what it reads from.
fn broken(error: io::Error) -> BundleError {
    match error.kind() {
        io::ErrorKind::FileTooLarge => BundleError::PackedTooLarge(Limits::default().packed),
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof => BundleError::Gzip(error.to_string()),
        _ => BundleError::Io(error),
    }
}
