//! The ledger's file: where it is, how it is read, and how it grows.
//!
//! Invariants: what is in it is never changed; lines of two programs at once do not mix (an exclusive lock, one write); a line that a
//! full disk cut short spoils no later one, which begins on a line of its own.

use std::{
    collections::HashMap,
    env, fs, io,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use bundle_format::{digest::Digest, text};
use thiserror::Error;

use super::Record;

/// The largest ledger, in bytes: a hundred thousand certificates.
pub const MOST_BYTES: u64 = 64 << 20;

/// Why the ledger is not used.
#[derive(Debug, Error)]
pub enum LedgerError {
    /// It cannot be read or written.
    #[error("{}", text!("the ledger `{}`: {why}", "台账 `{}`：{why}"; path.display()))]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        why: io::Error,
    },
    /// It has grown beyond what is read.
    #[error("{}", text!("the ledger `{}` is larger than {MOST_BYTES} bytes", "台账 `{}` 超过 {MOST_BYTES} 字节"; _0.display()))]
    TooLarge(PathBuf),
    /// Nothing says where it is.
    #[error("{}", text!("there is no ledger: neither `HOME` nor `XDG_STATE_HOME` is set", "没有台账：`HOME` 和 `XDG_STATE_HOME` 均未设置"))]
    Nowhere,
}

/// Where the ledger is.
#[derive(Clone, Debug)]
pub struct Place(PathBuf);

/// What a ledger holds.
#[derive(Debug, Default)]
pub struct Read {
    /// The records, in the order in which they were written.
    pub records: Vec<Record>,
    /// Lines that were not understood, by their numbers.
    pub unread: Vec<usize>,
}

impl Place {
    /// The file that a flag names, else that of `RESEAL_LEDGER`, else `reseal/ledger` in `XDG_STATE_HOME` or `~/.local/state`.
    /// `Ok(None)` where `RESEAL_LEDGER` is there and empty: then none is kept.
    ///
    /// # Errors
    /// [`LedgerError::Nowhere`].
    pub fn find(flag: Option<&Path>) -> Result<Option<Self>, LedgerError> {
        let named = flag.map(Path::to_owned).or_else(|| env::var_os("RESEAL_LEDGER").map(PathBuf::from));
        if let Some(path) = named {
            return Ok(Some(path).filter(|path| !path.as_os_str().is_empty()).map(Self));
        }
        let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")));
        state.map(|state| Some(Self(state.join("reseal/ledger")))).ok_or(LedgerError::Nowhere)
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Everything in it; nothing where it is not there.
    ///
    /// # Errors
    /// When it cannot be read or is too large.
    pub fn read(&self) -> Result<Read, LedgerError> {
        let file = match fs::File::open(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Read::default()),
            opened => opened.map_err(|why| self.failed(why))?,
        };
        file.lock_shared().map_err(|why| self.failed(why))?;
        self.parse(&file)
    }

    /// Adds what it does not say yet, and makes that last.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub fn add(&self, records: Vec<Record>) -> Result<(), LedgerError> {
        if let Some(folder) = self.0.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|why| self.failed(why))?;
        }
        let opened = fs::OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(&self.0);
        let mut file = opened.map_err(|why| self.failed(why))?;
        file.lock().map_err(|why| self.failed(why))?;
        let lines = self.lines_to_add(&file, records)?;
        if lines.is_empty() {
            return Ok(());
        }
        file.write_all(lines.as_bytes()).and_then(|()| file.sync_all()).map_err(|why| self.failed(why))
    }

    fn lines_to_add(&self, mut file: &fs::File, records: Vec<Record>) -> Result<String, LedgerError> {
        let mut known: HashMap<Digest, Vec<Record>> = HashMap::new();
        self.parse(file)?.records.into_iter().for_each(|record| known.entry(record.fingerprint).or_default().push(record));
        let mut last = [b'\n'];
        let is_empty = file.metadata().map_err(|why| self.failed(why))?.len() == 0;
        if !is_empty {
            file.seek(SeekFrom::End(-1)).and_then(|_| file.read_exact(&mut last)).map_err(|why| self.failed(why))?;
        }
        let mut lines = String::new();
        for record in records {
            let same = known.entry(record.fingerprint).or_default();
            if same.iter().any(|former| former.says_the_same_as(&record)) {
                continue;
            }
            lines.push_str(&serde_json::to_string(&record).map_err(|why| self.failed(why.into()))?);
            lines.push('\n');
            same.push(record);
        }
        Ok(if last == [b'\n'] || lines.is_empty() { lines } else { format!("\n{lines}") })
    }

    fn parse(&self, file: &fs::File) -> Result<Read, LedgerError> {
        let mut content = Vec::new();
        file.take(MOST_BYTES + 1).read_to_end(&mut content).map_err(|why| self.failed(why))?;
        if content.len() as u64 > MOST_BYTES {
            return Err(LedgerError::TooLarge(self.0.clone()));
        }
        let mut read = Read::default();
        for (index, line) in content.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.trim_ascii().is_empty()) {
            match serde_json::from_slice(line).ok().filter(Record::is_sound) {
                Some(record) => read.records.push(record),
                None => read.unread.push(index + 1),
            }
        }
        Ok(read)
    }

    fn failed(&self, why: io::Error) -> LedgerError {
        LedgerError::File { path: self.0.clone(), why }
    }
}
