//! Issued certificates and slices to a bundle: what goes in, under which name, and a last look at the outcome.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use askama::Template;
use bundle_format::{
    FORMAT,
    digest::Digest,
    limits::Limits,
    manifest::{AuthorityRecord, CertificateRecord, LeafRecord, Manifest, NodeRecord},
    name::{BundleName, EntryPath, NameError},
    reader::{BundleError, Tarball, Unverified},
    slice::{DatabaseRow, Slice, Step},
    text,
    version::Version,
    writer::{self, Entries, WriteError},
};
use thiserror::Error;
use time::Duration;
use zeroize::Zeroizing;

use crate::{
    elf::{self, Architecture, ElfError},
    files::{self, FileError},
    issue::{Issued, IssuedAuthority},
    note::{Note, NoteNodes},
    profile::Part,
    seal::Sealing,
    signer::SignerKey,
    site::{Site, Warning},
    sql,
};

/// How long after its making a bundle should be applied.
const SHELF_LIFE: Duration = Duration::days(90);
/// How many nodes the readme lists one by one.
const NODES_LISTED: usize = 500;
/// Runs the executor for the machine's architecture.
const LAUNCHER: &str = include_str!("../templates/reseal-node.sh");

/// Why a bundle was not made.
#[derive(Debug, Error)]
pub enum AssembleError {
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// An executor that a node could not run.
    #[error("`{}` {why}", .path.display())]
    Executor {
        /// The file.
        path: PathBuf,
        /// The reason.
        why: ElfError,
    },
    /// Two executors for one architecture.
    #[error("{}", text!(
        "`{}` and `{}` are both for {architecture}",
        "`{}` 与 `{}` 都用于 {architecture} 架构"; first.display(), second.display()
    ))]
    SameArchitecture {
        /// One file.
        first: PathBuf,
        /// The other.
        second: PathBuf,
        /// The architecture.
        architecture: &'static str,
    },
    /// No executor at all.
    #[error("{}", text!("no executor is given and none lies beside this program", "没有指定执行程序，本程序旁边也没有"))]
    NoExecutor,
    /// A step is about an entry that the bundle does not have.
    #[error("{}", text!("a step is about the entry `{_0}`, and there is none", "有步骤引用条目 `{_0}`，但没有这个条目"))]
    NoEntry(EntryPath),
    /// A name that cannot stand in a bundle.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A document cannot be written as JSON.
    #[error("{}", text!("a document cannot be written: {_0}", "无法生成文档：{_0}"))]
    Json(#[from] serde_json::Error),
    /// A readme cannot be written.
    #[error("{}", text!("a readme cannot be written: {_0}", "无法生成说明文件：{_0}"))]
    Readme(#[from] askama::Error),
    /// The writer refuses.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The bundle does not read back.
    #[error("{}", text!("the bundle that was just made does not read back: {_0}", "刚制作的证书包读回时出错：{_0}"))]
    ReadBack(#[from] BundleError),
}

/// Executors by architecture.
#[derive(Default)]
pub struct Executors(BTreeMap<Architecture, (PathBuf, Zeroizing<Vec<u8>>)>);

impl Executors {
    /// Reads executors and checks that nodes can run them.
    ///
    /// # Errors
    /// When one is not a static Linux program, or two are for one architecture.
    pub fn load(paths: &[PathBuf]) -> Result<Self, AssembleError> {
        let mut executors = BTreeMap::new();
        for path in paths {
            let content = files::read(path, files::MOST_EXECUTOR)?;
            let architecture = elf::static_program(&content).map_err(|why| AssembleError::Executor { path: path.clone(), why })?;
            if let Some((first, _)) = executors.insert(architecture, (path.clone(), content)) {
                return Err(AssembleError::SameArchitecture { first, second: path.clone(), architecture: architecture.name() });
            }
        }
        if executors.is_empty() { Err(AssembleError::NoExecutor) } else { Ok(Self(executors)) }
    }

    /// The file that this machine can run.
    #[must_use]
    pub fn for_this_machine(&self) -> Option<&Path> {
        let of_this = self.0.iter().find(|(architecture, _)| architecture.name() == std::env::consts::ARCH);
        of_this.map(|(_, (path, _))| path.as_path())
    }

    /// Warnings for architectures that nodes may have and this bundle has not.
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        let absent = |architecture: &Architecture| !self.0.contains_key(architecture);
        Architecture::ALL.into_iter().filter(absent).map(|architecture| Warning::NoExecutorFor(architecture.name())).collect()
    }
}

/// The executors that `program` brings along: those of a release, in `../libexec/reseal/linux-<architecture>/`; otherwise the one beside
/// it, where a build leaves it. None where there are none.
#[must_use]
pub fn executors_of(program: &Path) -> Vec<PathBuf> {
    let Some(folder) = program.parent() else { return Vec::new() };
    let released = |architecture: Architecture| folder.join(format!("../libexec/reseal/linux-{}/reseal-node", architecture.name()));
    let there = |path: &PathBuf| path.is_file();
    let released: Vec<PathBuf> = Architecture::ALL.map(released).into_iter().filter(there).collect();
    if released.is_empty() { Some(folder.join("reseal-node")).filter(there).into_iter().collect() } else { released }
}

/// A bundle in memory.
pub struct Assembled {
    /// Its name.
    pub name: BundleName,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What it says of itself.
    pub manifest: Manifest,
    /// SHA-256 of its bytes.
    pub digest: Digest,
    /// What its delivery note says.
    pub note: Note,
}

/// Makes the bundle, and reads it back as a node would.
///
/// # Errors
/// When the writer refuses, for example because an entry holds a CA's private key, or the outcome does not read back.
pub fn assemble(
    site: &Site,
    issued: &Issued,
    executors: &Executors,
    signer: &SignerKey,
    sealing: &Sealing,
) -> Result<Assembled, AssembleError> {
    let plain_slices = site.profile.compile(site, &issued.authorities)?;
    let mut material = material(issued)?;
    let scripts = scripts(&plain_slices, &material)?;
    material.extend(scripts);
    let secrets = sealing.secrets(site, &plain_slices, &material)?;
    let mut slices = plain_slices.clone();
    sealing.rename(&mut slices)?;
    let manifest = manifest(site, &issued.authorities, &slices, sealing)?;
    let mut entries = documents(&manifest, &slices, executors, signer)?;
    let open = material.iter().filter(|(path, _)| !path.is_secret() || matches!(sealing, Sealing::Unsealed));
    entries.extend(open.map(|(path, content)| (path.clone(), content.clone())));
    let name = manifest.name();
    let bytes = writer::write_sealed(&name, site.created, entries, &secrets, signer, &issued.forbidden)?;
    let note = read_back(&bytes, signer)?;
    Ok(Assembled { name, digest: note.digest, bytes, manifest, note })
}

/// What is installed: certificates and keys, under the names that they have unsealed.
fn material(issued: &Issued) -> Result<Entries, NameError> {
    let mut entries = Entries::new();
    let mut add = |path: EntryPath, content: &[u8]| entries.insert(path, Zeroizing::new(content.to_vec()));
    for authority in &issued.authorities {
        add(authority.entry()?, authority.renewed.to_pem().as_bytes());
        for leaf in &authority.leaves {
            add(leaf.certificate_entry()?, leaf.renewed.to_pem().as_bytes());
            add(leaf.key_entry()?, leaf.key_pem.as_bytes());
        }
    }
    Ok(entries)
}

/// What tells of it: manifest, slices and readmes; and the programs.
fn documents(manifest: &Manifest, slices: &[Slice], executors: &Executors, signer: &SignerKey) -> Result<Entries, AssembleError> {
    let mut entries = Entries::new();
    let mut add = |path: EntryPath, content: Vec<u8>| entries.insert(path, Zeroizing::new(content));
    add("bundle.json".parse()?, json(manifest)?);
    for slice in slices {
        add(EntryPath::slice_of(&slice.node), json(slice)?);
    }
    for (architecture, (_, content)) in &executors.0 {
        add(format!("executor/linux-{}/reseal-node", architecture.name()).parse()?, content.to_vec());
    }
    add("reseal-node".parse()?, LAUNCHER.as_bytes().to_vec());
    let update = slices.iter().flat_map(|slice| &slice.steps).find_map(|step| match step {
        Step::UpdateDatabase(step) => Some(&step.update_sql),
        _ => None,
    });
    let (fingerprint, needed) = (signer.fingerprint().to_string(), manifest.needs_signers.into());
    let facts = ReadmeFacts { manifest, slices, fingerprint, needed, listed: NODES_LISTED, update };
    add("README.txt".parse()?, English(&facts).render()?.into_bytes());
    add("README.zh-CN.txt".parse()?, Chinese(&facts).render()?.into_bytes());
    Ok(entries)
}

/// The by-hand SQL of each database step, from the same data as the step.
fn scripts(slices: &[Slice], entries: &Entries) -> Result<Entries, AssembleError> {
    let steps = slices.iter().flat_map(|slice| &slice.steps).filter_map(|step| match step {
        Step::UpdateDatabase(step) => Some(step),
        _ => None,
    });
    let mut scripts = Entries::new();
    for step in steps {
        let content = |row: &DatabaseRow| {
            let value = entries.get(&row.entry).ok_or_else(|| AssembleError::NoEntry(row.entry.clone()))?;
            Ok((row.key.clone(), Zeroizing::new(DatabaseRow::value(value).to_vec())))
        };
        let values = step.rows.iter().map(content).collect::<Result<Vec<_>, AssembleError>>()?;
        let contents: Vec<(&str, &[u8])> = values.iter().map(|(key, value)| (key.as_str(), value.as_slice())).collect();
        drop(scripts.insert(step.update_sql.clone(), sql::update_script(step, &contents)));
        drop(scripts.insert(step.undo_sql.clone(), Zeroizing::new(sql::undo_script(step, &contents))));
    }
    Ok(scripts)
}

fn json<T: serde::Serialize>(document: &T) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = serde_json::to_vec_pretty(document)?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn manifest(site: &Site, authorities: &[IssuedAuthority], slices: &[Slice], sealing: &Sealing) -> Result<Manifest, NameError> {
    let recipients = sealing.recipients(site);
    let authority = |authority: &IssuedAuthority| {
        let leaves = authority.leaves.iter().map(|leaf| {
            Ok(LeafRecord {
                name: leaf.name.clone(),
                certificate: leaf.certificate_entry()?,
                key: leaf.key_entry()?,
                installed: site.profile.home(&leaf.name, Part::Certificate)?,
                former: CertificateRecord::from(&leaf.former),
                renewed: CertificateRecord::from(&leaf.renewed),
            })
        });
        Ok(AuthorityRecord {
            name: authority.name.clone(),
            certificate: authority.entry()?,
            installed: site.profile.home(&authority.name, Part::Authority)?,
            public_key: authority.renewed.public_key(),
            former: CertificateRecord::from(&authority.former),
            renewed: CertificateRecord::from(&authority.renewed),
            leaves: leaves.collect::<Result<_, NameError>>()?,
        })
    };
    Ok(Manifest {
        format: FORMAT,
        needs_executor: Version::own(),
        needs_signers: site.needs_signers,
        site: site.name.clone(),
        serial: site.serial,
        created: site.created,
        not_after: site.created.checked_add(SHELF_LIFE).unwrap_or(site.created),
        profile: site.profile.name().parse()?,
        sealing: sealing.record(),
        authorities: authorities.iter().map(authority).collect::<Result<_, NameError>>()?,
        nodes: slices
            .iter()
            .map(|slice| NodeRecord {
                name: slice.node.clone(),
                roles: slice.roles.clone(),
                recipient: recipients.get(&slice.node).map(|recipient| (*recipient).clone()),
            })
            .collect(),
    })
}

struct ReadmeFacts<'a> {
    manifest: &'a Manifest,
    slices: &'a [Slice],
    fingerprint: String,
    needed: usize,
    listed: usize,
    /// The entry with the SQL of a database step, where there is one.
    update: Option<&'a EntryPath>,
}

impl ReadmeFacts<'_> {
    /// The file name of the SQL, as it is once it is unsealed.
    fn update_file(&self) -> &str {
        let name = self.update.and_then(|entry| entry.as_str().rsplit('/').next()).unwrap_or_default();
        name.strip_suffix(".age").unwrap_or(name)
    }

    fn has_passphrase(&self) -> bool {
        self.manifest.sealing.as_ref().is_some_and(|sealing| sealing.site_recipient.is_some())
    }
}

#[derive(Template)]
#[template(path = "README.txt", escape = "none")]
struct English<'a>(&'a ReadmeFacts<'a>);

#[derive(Template)]
#[template(path = "README.zh-CN.txt", escape = "none")]
struct Chinese<'a>(&'a ReadmeFacts<'a>);

/// Reads the bundle as a node would, but for the signatures that others are to add.
fn read_back(bytes: &[u8], signer: &SignerKey) -> Result<Note, BundleError> {
    let trusted = [signer.fingerprint()].into_iter().collect();
    let mut nodes = NoteNodes::default();
    let complete = Unverified::open(Tarball::open(bytes)?, Limits::default())?.verify_unfinished(&trusted)?.read(&mut nodes)?;
    Ok(Note::new(Digest::of(bytes), complete, nodes))
}
