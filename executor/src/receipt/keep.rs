//! Where receipts are: `/var/lib/reseal/receipts/<number>-<run>.json`, each 0600 and never written over.
//!
//! Every run whose journal says more than its last receipt is owed one. Each call of `apply` and `rollback` pays what earlier calls owe
//! before it drives a run, and its own afterwards; so one that was cut off, or could not write, is made up for.

use bundle_format::{
    digest::Digest,
    receipt::{Document, Flaw, JournalLink, Receipt, ReceiptError, read, verify, write},
};
use thiserror::Error;

use super::{Call, Head, of, significant};
use crate::{
    machine::{Machine, MachineError, Place},
    run::{Run, Store, StoreError},
};

/// The most receipts of one node.
const MOST_RECEIPTS: usize = 9999;

/// Why a receipt cannot be written.
#[derive(Debug, Error)]
pub enum KeepError {
    /// It would not be read again.
    #[error(transparent)]
    Receipt(#[from] ReceiptError),
    /// What is kept cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<MachineError> for KeepError {
    fn from(error: MachineError) -> Self {
        Self::Store(error.into())
    }
}

/// A receipt that is kept.
pub struct Kept {
    /// Its number, by its name.
    pub number: u32,
    /// The run that it is of, by its name.
    pub run: String,
    /// Its path, for people.
    pub path: String,
    /// Its text.
    pub text: Vec<u8>,
    /// What it says, where it is whole.
    pub document: Result<Document, ReceiptError>,
}

/// The receipts of a machine.
pub struct Receipts<'a> {
    machine: &'a Machine,
    folder: Place,
}

impl<'a> Receipts<'a> {
    /// The receipts of a machine, whose folder need not exist yet.
    ///
    /// # Errors
    /// When the executor's own folder leads out of the root.
    pub fn of(machine: &'a Machine) -> Result<Self, StoreError> {
        Ok(Self { machine, folder: machine.state_folder()?.join("receipts") })
    }

    /// All of them, by number.
    ///
    /// # Errors
    /// When one cannot be read at all; one that is damaged is among them.
    pub fn all(&self) -> Result<Vec<Kept>, StoreError> {
        self.names()?.iter().map(|name| self.kept(name)).collect()
    }

    /// The runs of a store that are owed a receipt.
    ///
    /// # Errors
    /// When receipts or runs cannot be read.
    pub fn owed(&self, store: &Store<'_>) -> Result<Vec<Run>, StoreError> {
        let names = self.names()?;
        let mut owed = Vec::new();
        for run in store.runs()? {
            let last = names.iter().rfind(|name| name.run == run.folder.name);
            let document = last.map(|name| self.kept(name)).transpose()?.and_then(|kept| kept.document.ok());
            let told = document.map_or(0, |document| document.receipt.run.journal.records);
            if significant(&run.history) > told {
                owed.push(run);
            }
        }
        Ok(owed)
    }

    /// Writes what is owed. Who calls it holds the lock. `call` is the one that ends now, if it is its receipts.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn pay(&self, store: &Store<'_>, call: Option<&Call>) -> Result<(), KeepError> {
        for run in self.owed(store)? {
            let last = self.names()?.pop();
            let former = last.as_ref().map(|name| self.kept(name)).transpose()?;
            let number = former.as_ref().map_or(1, |former| former.number.saturating_add(1));
            let head = self.head(number, former.as_ref().map(digest));
            if let Some(receipt) = of(&head, &run.folder.name, &run.history, self.journal(&run)?, call) {
                self.put(&receipt)?;
            }
        }
        Ok(())
    }

    /// What is wrong with receipts as a whole: links that do not hold, and journals that are not as a receipt says.
    pub fn flaws(&self, kept: &[Kept], store: &Store<'_>) -> Vec<String> {
        let documents: Vec<Document> = kept.iter().filter_map(|kept| kept.document.as_ref().ok().cloned()).collect();
        let damaged = kept.iter().filter_map(|kept| Some(format!("`{}`: {}", kept.path, kept.document.as_ref().err()?)));
        let links = verify(&documents);
        let is_damaged = |number: u32| kept.iter().any(|kept| kept.number == number && kept.document.is_err());
        // A damaged receipt is there: it is not missing, and was named already.
        let links = links.iter().filter(|flaw| !matches!(flaw, Flaw::Missing { from, to, .. } if (*from..=*to).all(is_damaged)));
        let folders = store.folders().unwrap_or_default();
        let journals = documents.iter().filter_map(|Document { receipt, .. }| {
            let folder = folders.iter().find(|folder| folder.name == receipt.run.name)?;
            let bytes = self.machine.read(&folder.place.join("journal")).ok()?;
            let told = usize::try_from(receipt.run.journal.bytes).ok().and_then(|length| bytes.get(..length));
            let is_so = told.is_some_and(|told| Digest::of(told) == receipt.run.journal.sha256);
            (!is_so).then(|| {
                let (journal, number) = (folder.place.join("journal"), receipt.number);
                bundle_format::text!(
                    "the journal `{journal}` is not the one of receipt {number}: it was changed since",
                    "日志记录 `{journal}` 与回执 {number} 不符：之后被改动过"
                )
            })
        });
        damaged.chain(links.map(ToString::to_string)).chain(journals).collect()
    }

    fn names(&self) -> Result<Vec<Name>, StoreError> {
        let names = match self.machine.names(&self.folder, MOST_RECEIPTS) {
            Err(error) if error.is_missing() => return Ok(Vec::new()),
            names => names?,
        };
        let mut names: Vec<Name> = names.iter().filter_map(|name| Name::parse(name)).collect();
        names.sort_by_key(|name| name.number);
        Ok(names)
    }

    fn kept(&self, name: &Name) -> Result<Kept, StoreError> {
        let place = self.folder.join(&name.file());
        let text = self.machine.read(&place)?.to_vec();
        let document = read(&text);
        Ok(Kept { number: name.number, run: name.run.clone(), path: place.to_string(), text, document })
    }

    fn head(&self, number: u32, former: Option<Digest>) -> Head {
        Head { number, former, written: self.machine.now(), is_whole: self.machine.is_whole(), host: self.machine.host().name }
    }

    fn journal(&self, run: &Run) -> Result<JournalLink, StoreError> {
        let bytes = self.machine.read(&run.folder.place.join("journal"))?;
        let good = usize::try_from(run.history.good_bytes).unwrap_or(usize::MAX).min(bytes.len());
        Ok(JournalLink { records: run.history.entries.len() as u64, bytes: good as u64, sha256: Digest::of(&bytes[..good]) })
    }

    fn put(&self, receipt: &Receipt) -> Result<(), KeepError> {
        let (text, _) = write(receipt)?;
        self.machine.make_folder(&self.folder)?;
        let name = Name { number: receipt.number, run: receipt.run.name.clone() };
        let _ = self.machine.create_once(&self.folder.join(&name.file()), text.as_bytes())?;
        Ok(())
    }
}

/// The digest by which the next one names a receipt. Of one that was altered, the digest of what is there: that it was altered is told
/// whenever it is read.
fn digest(kept: &Kept) -> Digest {
    match &kept.document {
        Ok(document) => document.digest,
        Err(ReceiptError::Altered { found, .. }) => *found,
        Err(_) => Digest::of(&kept.text),
    }
}

/// A receipt's file name.
struct Name {
    number: u32,
    run: String,
}

impl Name {
    fn parse(name: &str) -> Option<Self> {
        let (number, run) = name.strip_suffix(".json")?.split_once('-')?;
        Some(Self { number: number.parse().ok()?, run: run.to_owned() })
    }

    fn file(&self) -> String {
        format!("{:04}-{}.json", self.number, self.run)
    }
}
