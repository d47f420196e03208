//! Where it is remembered: below `/var/lib/reseal/`, `signers/<SHA-256>.json` and `sites/<site>.json`, each 0600 in a folder of 0700.
//!
//! What is there decides whom this node trusts, so what is odd about it is an error and never passed over: a link, another kind of
//! file, one that others may write, a name that is not its content's, too many, too large, not understood. Only names that begin
//! with a dot are not looked at: a write that was cut off leaves one.

use bundle_format::{digest::Digest, text, word};
use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;

use super::{Floor, Lesson, Memory, Pin, VERSION};
use crate::machine::{Kind, Machine, MachineError, Place, PlaceError, Sight};

/// The most files of a kind.
const MOST_FILES: usize = 64;
/// The most bytes of a file.
const MOST_BYTES: u64 = 4096;
/// Permission bits that let others write.
const OTHERS_WRITE: u32 = 0o022;

/// Why what is remembered cannot be used.
#[derive(Debug, Error)]
pub enum MemoryError {
    /// A system call failed.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// The folder leads elsewhere.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// A record has no text form.
    #[error("{}", text!("a record cannot be written: {_0}", "记录无法写入：{_0}"))]
    Record(#[from] serde_json::Error),
    /// Something there is not what this program writes.
    #[error("{}", text!("`{file}` cannot be used: {why}", "`{file}` 不可用：{why}"))]
    Unusable {
        /// The file or folder.
        file: String,
        /// The reason.
        why: String,
    },
}

/// Reads and writes what a machine remembers. Whoever writes holds the lock.
pub struct Keeper<'a> {
    machine: &'a Machine,
    signers: Place,
    sites: Place,
}

impl<'a> Keeper<'a> {
    /// The keeper of a machine, whose folders need not exist yet.
    ///
    /// # Errors
    /// When the executor's own folder leads out of the root.
    pub fn of(machine: &'a Machine) -> Result<Self, MemoryError> {
        let state = machine.state_folder()?;
        Ok(Self { machine, signers: state.join("signers"), sites: state.join("sites") })
    }

    /// Reads everything. Who is not root sees nothing of it.
    ///
    /// # Errors
    /// When something there is not what this program writes.
    pub fn read(&self) -> Result<Memory, MemoryError> {
        if self.machine.lacks_root() {
            return Ok(Memory::default());
        }
        Ok(Memory {
            pins: self.records(&self.signers, |pin: &Pin| (pin.version, pin_name(pin)))?,
            floors: self.records(&self.sites, |floor: &Floor| (floor.version, floor_name(floor)))?,
        })
    }

    fn records<T: DeserializeOwned>(&self, folder: &Place, of: impl Fn(&T) -> (u32, String)) -> Result<Vec<T>, MemoryError> {
        match self.machine.look_at(folder) {
            Sight::Absent => return Ok(Vec::new()),
            Sight::NotAFile(Kind::Folder) => {}
            _ => return Err(unusable(folder, word!("it is not a folder", "它不是目录"))),
        }
        let mut names = self.machine.names(folder, MOST_FILES)?;
        names.sort();
        names.into_iter().filter(|name| !name.starts_with('.')).map(|name| self.record(&folder.join(&name), &name, &of)).collect()
    }

    fn record<T: DeserializeOwned>(&self, place: &Place, name: &str, of: &impl Fn(&T) -> (u32, String)) -> Result<T, MemoryError> {
        let seen = match self.machine.look_at(place) {
            Sight::File(seen) => seen,
            Sight::NotAFile(kind) => return Err(unusable(place, kind.is_what())),
            Sight::Unreadable(why) => return Err(unusable(place, why)),
            _ => return Err(unusable(place, word!("it is gone or too large", "它已不存在或过大"))),
        };
        if seen.snapshot.size > MOST_BYTES {
            return Err(unusable(
                place,
                text!("it has {} bytes, and at most {MOST_BYTES} are read", "它有 {} 字节，最多读取 {MOST_BYTES} 字节"; seen.snapshot.size),
            ));
        }
        if seen.snapshot.metadata.mode & OTHERS_WRITE != 0 {
            return Err(unusable(place, word!("others than its owner may write it", "所有者以外的用户可以写入")));
        }
        let record = serde_json::from_slice(&seen.content)
            .map_err(|why| unusable(place, text!("it is not understood: {why}", "无法理解：{why}")))?;
        match of(&record) {
            (version, _) if version != VERSION => Err(unusable(
                place,
                text!("it has the form {version}, and this version knows {VERSION}", "其格式版本为 {version}，本版本只认识 {VERSION}"),
            )),
            (_, expected) if expected != name => {
                Err(unusable(place, text!("what it says belongs into `{expected}`", "其内容应在 `{expected}` 中")))
            }
            _ => Ok(record),
        }
    }

    /// Writes what was learned.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn write(&self, lesson: &Lesson) -> Result<(), MemoryError> {
        for pin in &lesson.pins {
            self.put(&self.signers, &pin_name(pin), pin)?;
        }
        match &lesson.floor {
            Some(floor) => self.put(&self.sites, &floor_name(floor), floor),
            None => Ok(()),
        }
    }

    fn put(&self, folder: &Place, name: &str, record: &impl Serialize) -> Result<(), MemoryError> {
        self.machine.make_folder(folder)?;
        let mut content = serde_json::to_vec_pretty(record)?;
        content.push(b'\n');
        Ok(self.machine.put(&folder.join(name), &content)?)
    }

    /// Forgets a signer.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn forget_signer(&self, pin: &Pin) -> Result<(), MemoryError> {
        self.forget(&self.signers, &pin_name(pin))
    }

    /// Forgets a site: its serial, and how many signers it needs.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn forget_site(&self, floor: &Floor) -> Result<(), MemoryError> {
        self.forget(&self.sites, &floor_name(floor))
    }

    fn forget(&self, folder: &Place, name: &str) -> Result<(), MemoryError> {
        self.machine.remove(&folder.join(name))?;
        Ok(self.machine.sync_folder(folder)?)
    }
}

fn unusable(place: &Place, why: impl Into<String>) -> MemoryError {
    MemoryError::Unusable { file: place.to_string(), why: why.into() }
}

/// A signer's file is called by the hexadecimal form of its fingerprint, which has no character that a path minds.
fn pin_name(pin: &Pin) -> String {
    format!("{}.json", Digest::from(pin.fingerprint))
}

fn floor_name(floor: &Floor) -> String {
    format!("{}.json", floor.site)
}
