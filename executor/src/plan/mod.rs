//! The plan: slice, material and facts to what will be done. A pure function; `plan` shows it and `apply` does it.
//!
//! A target that cannot be planned for stays in the plan as it was found, so that it can be shown; [`crate::preflight`] refuses it.

mod check;
pub mod downtime;
pub mod services;

use bundle_format::{
    certificate::Certificate,
    digest::Digest,
    name::{EntryPath, TargetPath},
    receipt::Content,
    slice::{EditJson, InstallFile, InstallFiles, Slice, Step},
};

pub use check::Rejection;

use crate::{
    bundle::{Bundle, Material},
    facts::{Facts, Found, Target},
    journal::{Contents, DiskEnd, FileChange, RowChange, StepRecord},
    json::{self, JsonError},
    keys,
    mode::Mode,
    steps::generation,
    trust,
};
use services::{PlannedService, Todo};

/// What will be done, step by step.
#[derive(Debug)]
pub struct Plan<'a> {
    /// The steps of the slice, those too that have nothing left to do.
    pub steps: Vec<PlannedStep<'a>>,
    /// The end of the certificate on this node that ends first, before anything is replaced.
    pub first_end: Option<DiskEnd>,
    /// Whether a quorum is guarded.
    pub mode: Mode,
}

/// One step.
#[derive(Debug)]
pub enum PlannedStep<'a> {
    /// Edit a document.
    EditJson(PlannedEdit<'a>),
    /// Replace files.
    InstallFiles(Vec<PlannedFile<'a>>),
    /// Restart something, wait for something, or change rows.
    Service(PlannedService<'a>),
}

/// One file of a step.
#[derive(Debug)]
pub struct PlannedFile<'a> {
    /// What the slice says.
    pub file: &'a InstallFile,
    /// What the machine says.
    pub found: &'a Found,
    /// What will be there.
    pub content: &'a [u8],
}

/// One document.
#[derive(Debug)]
pub struct PlannedEdit<'a> {
    /// What the slice says.
    pub step: &'a EditJson,
    /// What the machine says.
    pub found: &'a Found,
    /// What will be there, where there is a document.
    pub edited: Option<Result<json::Edited, JsonError>>,
}

/// What happens to a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Change {
    /// It is not there, and will be.
    Create,
    /// It is as it will be.
    Keep,
    /// It will be another.
    Replace,
    /// It cannot be said.
    Unclear,
}

impl<'a> Plan<'a> {
    /// Plans a slice.
    ///
    /// # Errors
    /// When the bundle contradicts itself in a way that only its contents show.
    pub fn of(bundle: &'a Bundle, slice: &'a Slice, facts: &'a Facts) -> Result<Self, Rejection> {
        let mut steps = Vec::new();
        for step in &slice.steps {
            steps.push(plan_stored(step, &bundle.material, facts)?);
        }
        let renews = renews_what_services_read(slice, &steps);
        let steps = slice.steps.iter().zip(steps).enumerate().map(|(number, (step, stored))| match stored {
            Some(stored) => Ok(stored),
            None => services::plan(number, step, slice, facts.services.as_ref(), renews, &bundle.material).map(PlannedStep::Service),
        });
        let steps = steps.collect::<Result<_, _>>()?;
        let first_end = first_end(slice, facts);
        let plan = Self { steps, mode: Mode::at(facts.now, first_end.as_ref()), first_end };
        check::one_step_for_each_file(&plan)?;
        check::certificates_as_listed(bundle)?;
        check::clusters(slice)?;
        Ok(plan)
    }

    /// The same plan, when an interrupted run has already replaced the certificates that prove the mode.
    #[must_use]
    pub fn going_on_from(self, facts: &Facts, first_end: Option<DiskEnd>) -> Self {
        Self { mode: Mode::at(facts.now, first_end.as_ref()), first_end, ..self }
    }

    /// The planned services.
    pub fn services(&self) -> impl Iterator<Item = &PlannedService<'a>> {
        self.steps.iter().filter_map(|step| match step {
            PlannedStep::Service(service) => Some(service),
            _ => None,
        })
    }

    /// The steps that a run records: what changes, numbered through.
    pub fn records(&self) -> Vec<StepRecord> {
        let mut numbers = Numbers(0);
        self.steps
            .iter()
            .filter_map(|step| match step {
                PlannedStep::EditJson(edit) => edit_record(edit, &mut numbers),
                PlannedStep::InstallFiles(files) => files_record(files, &mut numbers),
                PlannedStep::Service(service) => service_record(service, &mut numbers),
            })
            .collect()
    }

    /// Every file that the plan touches or would touch: its path in the bundle, and what was found.
    pub fn found(&self) -> impl Iterator<Item = (&'a TargetPath, &'a Found)> {
        self.steps.iter().flat_map(|step| match step {
            PlannedStep::EditJson(edit) => vec![(&edit.step.target, edit.found)],
            PlannedStep::InstallFiles(files) => files.iter().map(|file| (&file.file.target, file.found)).collect(),
            PlannedStep::Service(_) => Vec::new(),
        })
    }

    /// Whether a run would be begun: something changes or is restarted.
    pub fn has_work(&self) -> bool {
        !self.records().is_empty()
    }

    /// The bytes that each changing file needs, now and then.
    pub fn sizes(&self) -> Vec<(&'a Target, u64, u64)> {
        let size = |target: Option<&'a Target>, change: Change, then: usize| {
            let target = target.filter(|_| matches!(change, Change::Create | Change::Replace))?;
            Some((target, target.sight.file().map_or(0, |seen| seen.snapshot.size), then as u64))
        };
        self.steps
            .iter()
            .flat_map(|step| match step {
                PlannedStep::EditJson(edit) => {
                    let then = edit.edited.as_ref().and_then(|edited| edited.as_ref().ok()).map_or(0, |edited| edited.content.len());
                    vec![size(edit.target(), edit.change(), then)]
                }
                PlannedStep::InstallFiles(files) => {
                    files.iter().map(|file| size(file.target(), file.change(), file.content.len())).collect()
                }
                PlannedStep::Service(_) => Vec::new(),
            })
            .flatten()
            .collect()
    }
}

impl<'a> PlannedFile<'a> {
    /// The target, where its path is clear.
    pub fn target(&self) -> Option<&'a Target> {
        at(self.found)
    }

    /// What happens to it.
    pub fn change(&self) -> Change {
        match self.target().map(|target| &target.sight) {
            Some(crate::machine::Sight::Absent) => Change::Create,
            Some(crate::machine::Sight::File(seen)) if seen.snapshot.sha256 == Digest::of(self.content) => Change::Keep,
            Some(crate::machine::Sight::File(_)) => Change::Replace,
            _ => Change::Unclear,
        }
    }
}

impl<'a> PlannedEdit<'a> {
    /// The target, where its path is clear.
    pub fn target(&self) -> Option<&'a Target> {
        at(self.found)
    }

    /// What happens to it.
    pub fn change(&self) -> Change {
        match &self.edited {
            Some(Ok(edited)) if edited.changed == 0 => Change::Keep,
            Some(Ok(_)) => Change::Replace,
            _ => Change::Unclear,
        }
    }
}

fn at(found: &Found) -> Option<&Target> {
    match found {
        Found::At(target) => Some(target),
        _ => None,
    }
}

/// The numbers of what a run changes, from 0; each names a backup.
struct Numbers(u32);

impl Numbers {
    fn next(&mut self) -> u32 {
        let number = self.0;
        self.0 = self.0.saturating_add(1);
        number
    }

    fn change(&mut self, target: &Target, new: &[u8], is_secret: bool, mode: u32) -> FileChange {
        let seen = target.sight.file();
        let told = |bytes: &[u8]| Content::of(bytes, is_secret, keys::public_key);
        let contents = Contents { former: seen.map(|seen| told(&seen.content)), new: told(new) };
        let former = seen.map(|seen| seen.snapshot.clone());
        FileChange { number: self.next(), target: target.path.clone(), former, new: Digest::of(new), mode, contents: Some(contents) }
    }
}

fn edit_record(edit: &PlannedEdit<'_>, numbers: &mut Numbers) -> Option<StepRecord> {
    let (Some(target), Some(Ok(edited)), Change::Replace) = (edit.target(), &edit.edited, edit.change()) else { return None };
    let EditJson { member, from, to, .. } = edit.step.clone();
    let file = Box::new(numbers.change(target, &edited.content, false, 0o600));
    Some(StepRecord::EditJson { file, member, from, to })
}

fn files_record(files: &[PlannedFile<'_>], numbers: &mut Numbers) -> Option<StepRecord> {
    let changing = files.iter().filter(|file| file.change() != Change::Keep);
    let files: Vec<FileChange> = changing
        .filter_map(|file| Some(numbers.change(file.target()?, file.content, file.file.entry.is_secret(), file.file.mode.0)))
        .collect();
    (!files.is_empty()).then_some(StepRecord::InstallFiles { files })
}

fn service_record(service: &PlannedService<'_>, numbers: &mut Numbers) -> Option<StepRecord> {
    Some(match (service.step, &service.todo) {
        (Step::AwaitContainers(step), Todo::Await) => StepRecord::AwaitContainers(step.clone()),
        (Step::AwaitEtcd(step), Todo::Await) => StepRecord::AwaitEtcd(step.clone()),
        (Step::RestartPods(step), Todo::Restart { former, .. }) => StepRecord::RestartPods { step: step.clone(), former: former.clone() },
        (Step::RestartStaticPods(step), Todo::Restart { former, .. }) => {
            StepRecord::RestartStaticPods { step: step.clone(), former: former.clone() }
        }
        (Step::UpdateDatabase(step), Todo::Rows { schema, rows }) => {
            let row = |(key, former, new): &(String, Digest, Digest)| RowChange {
                number: numbers.next(),
                key: key.clone(),
                former: *former,
                new: *new,
            };
            StepRecord::UpdateDatabase { step: Box::new(step.clone()), schema: schema.clone(), rows: rows.iter().map(row).collect() }
        }
        _ => return None,
    })
}

/// Whether a file changes that services have read at their start.
fn renews_what_services_read(slice: &Slice, steps: &[Option<PlannedStep<'_>>]) -> bool {
    let is_read = |target: &TargetPath| generation::files(&slice.etcd).any(|file| file == target);
    steps.iter().flatten().any(|step| match step {
        PlannedStep::InstallFiles(files) => files.iter().any(|file| file.change() != Change::Keep && is_read(&file.file.target)),
        _ => false,
    })
}

/// The end of the certificate that ends first, of those that etcd on this node has.
fn first_end(slice: &Slice, facts: &Facts) -> Option<DiskEnd> {
    let homes = slice.etcd.iter().flat_map(|cluster| [&cluster.authority, &cluster.certificate]);
    let ends = homes.filter_map(|home| facts.target(home)).flat_map(|target| {
        let end = |certificate: Certificate| DiskEnd { target: target.path.clone(), not_after: certificate.not_after() };
        trust::certificates(target).into_iter().map(end)
    });
    ends.min_by_key(|end| end.not_after)
}

/// A step about files; nothing for one about services.
fn plan_stored<'a>(step: &'a Step, material: &'a Material, facts: &'a Facts) -> Result<Option<PlannedStep<'a>>, Rejection> {
    match step {
        Step::EditJson(step) => Ok(Some(PlannedStep::EditJson(plan_edit(step, found(facts, &step.target))))),
        Step::InstallFiles(InstallFiles { files }) => {
            let plan = |file: &'a InstallFile| {
                let content = content(material, &file.entry)?;
                Ok(PlannedFile { file, found: found(facts, &file.target), content })
            };
            Ok(Some(PlannedStep::InstallFiles(files.iter().map(plan).collect::<Result<_, _>>()?)))
        }
        _ => Ok(None),
    }
}

fn plan_edit<'a>(step: &'a EditJson, found: &'a Found) -> PlannedEdit<'a> {
    let seen = at(found).and_then(|target| target.sight.file());
    let edited = seen.map(|seen| json::edit(&seen.content, &step.member, &step.from, &step.to));
    PlannedEdit { step, found, edited }
}

fn content<'a>(material: &'a Material, entry: &EntryPath) -> Result<&'a [u8], Rejection> {
    material.get(entry).map(|content| content.as_slice()).ok_or_else(|| Rejection::NoEntry(entry.clone()))
}

fn found<'a>(facts: &'a Facts, target: &TargetPath) -> &'a Found {
    facts.found.get(target).unwrap_or(&Found::Nowhere)
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::{
        identity::Evidence,
        machine::{Metadata, Seen, Sight, Snapshot, Volume},
    };
    use bundle_format::{
        digest::Fingerprint,
        manifest::Manifest,
        name::NodeName,
        reader::Complete,
        slice::{Identity, Mode},
        sums::Sums,
    };
    use std::collections::BTreeMap;
    use time::macros::datetime;
    use zeroize::Zeroizing;

    /// A bundle without certificates, of one slice with these steps.
    pub fn bundle(steps: Vec<Step>, material: &[(&str, &[u8])]) -> Bundle {
        let (site, serial, node): (_, _, NodeName) = ("site".parse().unwrap(), "7".parse().unwrap(), "n1".parse().unwrap());
        let manifest = Manifest {
            format: 1,
            needs_executor: bundle_format::version::Version::own(),
            needs_signers: bundle_format::signature::SignerCount::ONE,
            site,
            serial,
            created: datetime!(2026-01-02 03:04:05 UTC),
            not_after: datetime!(2026-04-02 03:04:05 UTC),
            profile: "tos".parse().unwrap(),
            sealing: None,
            authorities: Vec::new(),
            nodes: Vec::new(),
        };
        let identity = Identity { host_names: Vec::new(), addresses: Vec::new(), machine_id: None };
        let slice = Slice {
            format: 1,
            site: manifest.site.clone(),
            serial,
            node: node.clone(),
            identity,
            roles: Vec::new(),
            folders_to_back_up: Vec::new(),
            etcd: Vec::new(),
            steps,
        };
        let sums = Sums { name: manifest.name(), digests: BTreeMap::new() };
        let material = material.iter().map(|(path, content)| (path.parse().unwrap(), Zeroizing::new(content.to_vec())));
        Bundle {
            complete: Complete { signers: vec![Fingerprint::of_spki(b"")], identity: Digest::of(b""), sums, manifest },
            fitting: vec![(node, Evidence::Named)],
            slice: Some(slice),
            nodes: Vec::new(),
            material: material.collect(),
            memory: crate::memory::Memory::default(),
            sealed: Material::new(),
        }
    }

    /// A machine on which these are the files; `None` is an absent one.
    pub fn facts(files: &[(&str, Option<&[u8]>)]) -> Facts {
        let found = files.iter().map(|(path, content)| {
            let path: TargetPath = path.parse().unwrap();
            let sight = content.map_or(Sight::Absent, file);
            let volume = Some(Volume { device: 1, free: 1 << 30, free_files: None, closed: None });
            (path.clone(), Found::At(Box::new(Target { path, place: None, sight, volume, obstacle: None, links: 1, elsewhere: None })))
        });
        let now = datetime!(2026-02-02 0:00 UTC);
        Facts {
            found: found.collect(),
            now,
            lacks_root: false,
            other_run: None,
            state_volume: None,
            folder_bytes: 0,
            folder_files: 0,
            services: None,
        }
    }

    fn file(content: &[u8]) -> Sight {
        let metadata = Metadata { mode: 0o640, uid: 0, gid: 0, modified: (0, 0), xattrs: BTreeMap::new() };
        let snapshot = Snapshot { sha256: Digest::of(content), size: content.len() as u64, metadata };
        Sight::File(Seen { content: Zeroizing::new(content.to_vec()), snapshot })
    }

    pub fn install(files: &[(&str, &str)]) -> Step {
        let file = |(target, entry): &(&str, &str)| InstallFile {
            target: target.parse().unwrap(),
            entry: entry.parse().unwrap(),
            mode: Mode(0o600),
        };
        Step::InstallFiles(InstallFiles { files: files.iter().map(file).collect() })
    }

    pub fn edit(target: &str) -> Step {
        let word = str::to_owned;
        Step::EditJson(EditJson { target: target.parse().unwrap(), member: word("e"), from: word("x"), to: word("y") })
    }

    #[test]
    fn what_is_so_already_is_not_part_of_a_run() {
        let steps = vec![install(&[("/s/a", "certs/a"), ("/s/b", "certs/b")]), install(&[("/s/c", "certs/a")]), edit("/s/j"), edit("/s/k")];
        let bundle = bundle(steps, &[("certs/a", b"A"), ("certs/b", b"B")]);
        let files: [(&str, Option<&[u8]>); 5] = [
            ("/s/a", Some(b"A")),
            ("/s/b", Some(b"old")),
            ("/s/c", None),
            ("/s/j", Some(b"{\"e\":\"y\"}")),
            ("/s/k", Some(b"{\"e\":\"x\"}")),
        ];
        let facts = facts(&files);
        let plan = Plan::of(&bundle, bundle.slice.as_ref().unwrap(), &facts).unwrap();
        let records = plan.records();
        let changes: Vec<(u32, &str, bool)> =
            records.iter().flat_map(StepRecord::files).map(|file| (file.number, file.target.as_str(), file.former.is_some())).collect();
        assert_eq!(changes, [(0, "/s/b", true), (1, "/s/c", false), (2, "/s/k", true)]);
        assert_eq!(records.len(), 3);
        assert_eq!(records[2].files()[0].new, Digest::of(b"{\"e\":\"y\"}"));
        assert_eq!(plan.sizes().iter().map(|(_, now, then)| (*now, *then)).collect::<Vec<_>>(), [(3, 1), (0, 1), (9, 9)]);
    }

    #[test]
    fn one_file_is_changed_once() {
        let bundle = bundle(vec![install(&[("/s/a", "certs/a")]), edit("/s/a")], &[("certs/a", b"A")]);
        let facts = facts(&[("/s/a", None)]);
        assert!(matches!(Plan::of(&bundle, bundle.slice.as_ref().unwrap(), &facts), Err(Rejection::Twice { .. })));
    }

    #[test]
    fn an_entry_that_was_not_kept_is_named() {
        let bundle = bundle(vec![install(&[("/s/a", "certs/a")])], &[]);
        let facts = facts(&[("/s/a", None)]);
        assert!(matches!(Plan::of(&bundle, bundle.slice.as_ref().unwrap(), &facts), Err(Rejection::NoEntry(_))));
    }
}
