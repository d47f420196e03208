//! What a file is besides its content: owner, mode, times, extended attributes the label of `SELinux` and the ACL among them.

use std::{
    collections::BTreeMap,
    fs::{File, Permissions},
    io,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown},
    time::{Duration, SystemTime},
};

use bundle_format::digest::Digest;
use serde::{Deserialize, Serialize};
use xattr::FileExt as _;

/// Attributes that the kernel makes for one content and one inode; copied to another they would lock the file up.
const KERNEL_MADE: [&str; 2] = ["security.evm", "security.ima"];

/// Owner, mode, time of change and extended attributes.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// Permission bits with the set-id bits and the sticky bit.
    pub mode: u32,
    /// The owner's number.
    pub uid: u32,
    /// The group's number.
    pub gid: u32,
    /// When the content last changed: seconds since 1970, and nanoseconds.
    pub modified: (i64, u32),
    /// The values of the extended attributes, in hexadecimal.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub xattrs: BTreeMap<String, String>,
}

/// A file as it was seen, without its bytes.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// The SHA-256 of the content.
    pub sha256: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// All else.
    pub metadata: Metadata,
}

impl Metadata {
    pub(super) fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self {
            mode: metadata.mode() & 0o7777,
            uid: metadata.uid(),
            gid: metadata.gid(),
            modified: (metadata.mtime(), u32::try_from(metadata.mtime_nsec()).unwrap_or(0)),
            xattrs: read_xattrs(file)?,
        })
    }

    /// Whether two files are equal but for their times.
    pub fn is_like(&self, other: &Self) -> bool {
        (self.mode, self.uid, self.gid, &self.xattrs) == (other.mode, other.uid, other.gid, &other.xattrs)
    }

    /// Gives a file this owner, attributes and mode. The mode comes last: the steps before it may take bits away.
    pub(super) fn put_on(&self, file: &File) -> io::Result<()> {
        own(file, self.uid, self.gid)?;
        write_xattrs(file, &self.xattrs)?;
        file.set_permissions(Permissions::from_mode(self.mode))
    }

    pub(super) fn put_time_on(&self, file: &File) -> io::Result<()> {
        let (seconds, nanoseconds) = self.modified;
        let whole = Duration::from_secs(seconds.unsigned_abs());
        let base = if seconds < 0 { SystemTime::UNIX_EPOCH.checked_sub(whole) } else { SystemTime::UNIX_EPOCH.checked_add(whole) };
        let time = base.and_then(|base| base.checked_add(Duration::from_nanos(nanoseconds.into())));
        time.map_or(Ok(()), |time| file.set_modified(time))
    }
}

/// Changes the owner only where it differs, which needs no privilege where nothing changes.
pub(super) fn own(file: &File, uid: u32, gid: u32) -> io::Result<()> {
    let now = file.metadata()?;
    if (now.uid(), now.gid()) == (uid, gid) { Ok(()) } else { fchown(file, Some(uid), Some(gid)) }
}

fn read_xattrs(file: &File) -> io::Result<BTreeMap<String, String>> {
    let names = match file.list_xattr() {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::Unsupported => return Ok(BTreeMap::new()),
        Err(error) => return Err(error),
    };
    let mut found = BTreeMap::new();
    for name in names {
        let Some(text) = name.to_str().filter(|text| !KERNEL_MADE.contains(text)) else { continue };
        if let Some(value) = file.get_xattr(&name)? {
            found.insert(text.to_owned(), hex::encode(value));
        }
    }
    Ok(found)
}

fn write_xattrs(file: &File, wanted: &BTreeMap<String, String>) -> io::Result<()> {
    let present = read_xattrs(file)?;
    for name in present.keys().filter(|name| !wanted.contains_key(*name)) {
        file.remove_xattr(name)?;
    }
    for (name, value) in wanted.iter().filter(|(name, value)| present.get(*name) != Some(*value)) {
        file.set_xattr(name, &hex::decode(value).map_err(|error| io::Error::other(error.to_string()))?)?;
    }
    Ok(())
}
