//! What the machine is like before anything is done: gathered once, here, and judged elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use bundle_format::{
    manifest::Manifest,
    name::TargetPath,
    slice::{Slice, Step},
};
use time::OffsetDateTime;

use crate::{
    machine::{Located, LockError, Machine, Place, Sight, Volume},
    services::{Services, Wishes},
    steps::generation,
};

/// One target path of a bundle, on this machine.
#[derive(Debug)]
pub enum Found {
    /// This path, and what is there.
    At(Box<Target>),
    /// No folder fits its `*`.
    Nowhere,
    /// Several do.
    Several(Vec<TargetPath>),
}

/// A path and what is there.
#[derive(Debug)]
pub struct Target {
    /// The path, without `*`.
    pub path: TargetPath,
    /// Where it is, if its folder exists.
    pub place: Option<Place>,
    /// What is there.
    pub sight: Sight,
    /// The file system of its folder.
    pub volume: Option<Volume>,
    /// Why it cannot be replaced, where its folder could be written.
    pub obstacle: Option<String>,
    /// How many names the file has: one, unless it has hard links.
    pub links: u64,
    /// Where it really lies, when a link leads its folder elsewhere.
    pub elsewhere: Option<String>,
}

/// The machine as a plan sees it.
#[derive(Debug)]
pub struct Facts {
    /// What is at the targets, by their path in the bundle.
    pub found: BTreeMap<TargetPath, Found>,
    /// The time.
    pub now: OffsetDateTime,
    /// Whether root's rights are needed and missing.
    pub lacks_root: bool,
    /// Another run, if one is in progress.
    pub other_run: Option<LockError>,
    /// The file system of the executor's own folder.
    pub state_volume: Option<Volume>,
    /// The bytes of the folders of which a copy is kept.
    pub folder_bytes: u64,
    /// How many files and folders they hold.
    pub folder_files: u64,
    /// What runs; of a tree of files nothing does.
    pub services: Option<Services>,
}

impl Facts {
    /// Looks at everything that a slice names and everything that its certificates are checked against.
    pub fn gather(machine: &Machine, manifest: &Manifest, slice: Option<&Slice>) -> Self {
        let sizes: Vec<(u64, u64)> =
            slice.iter().flat_map(|slice| &slice.folders_to_back_up).map(|folder| machine.tree_size(folder)).collect();
        let mut facts = Self {
            found: BTreeMap::new(),
            now: machine.now(),
            lacks_root: machine.lacks_root(),
            other_run: None,
            state_volume: None,
            folder_bytes: sizes.iter().map(|(bytes, _)| bytes).sum(),
            folder_files: sizes.iter().map(|(_, files)| files).sum(),
            services: None,
        };
        for target in targets(manifest, slice) {
            facts.found.insert(target.clone(), find(machine, &target));
        }
        if let Ok(state) = machine.state_folder() {
            facts.other_run = machine.lock_holder(&state.join("lock"));
            facts.state_volume = machine.volume(&state).ok();
        }
        facts
    }

    /// Looks at what runs too, unless this is a tree of files.
    #[must_use]
    pub fn with_services(mut self, machine: &Machine, slice: &Slice, wishes: Wishes<'_>) -> Self {
        self.services = machine.is_whole().then(|| Services::gather(machine, slice, wishes));
        self
    }

    /// What is at a target, where its path is clear.
    pub fn target(&self, path: &TargetPath) -> Option<&Target> {
        match self.found.get(path) {
            Some(Found::At(target)) => Some(target),
            _ => None,
        }
    }
}

fn find(machine: &Machine, target: &TargetPath) -> Found {
    match machine.locate(target) {
        Located::Nowhere => Found::Nowhere,
        Located::Several(paths) => Found::Several(paths),
        Located::One(path) => {
            let place = machine.place(&path).ok();
            Found::At(Box::new(Target {
                sight: machine.look(&path),
                volume: place.as_ref().and_then(|place| machine.volume(&place.folder()).ok()),
                obstacle: place.as_ref().and_then(|place| machine.obstacle(place)),
                links: place.as_ref().map_or(0, |place| machine.links(place)),
                elsewhere: place.as_ref().and_then(|place| machine.led_elsewhere(&path, place)),
                place,
                path,
            }))
        }
    }
}

/// The paths of interest: each authority's home, what the slice touches, and the homes of the leaves that it installs.
fn targets(manifest: &Manifest, slice: Option<&Slice>) -> BTreeSet<TargetPath> {
    let mut targets: BTreeSet<TargetPath> = manifest.authorities.iter().map(|authority| authority.installed.clone()).collect();
    let Some(slice) = slice else { return targets };
    targets.extend(slice.installs().map(|file| file.target.clone()));
    targets.extend(generation::files(&slice.etcd).cloned());
    targets.extend(slice.steps.iter().filter_map(|step| match step {
        Step::EditJson(step) => Some(step.target.clone()),
        _ => None,
    }));
    let leaves = manifest.authorities.iter().flat_map(|authority| &authority.leaves);
    targets.extend(leaves.filter(|leaf| slice.installs().any(|file| file.entry == leaf.certificate)).map(|leaf| leaf.installed.clone()));
    targets
}
