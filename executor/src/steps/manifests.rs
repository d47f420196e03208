//! Manifests of static pods: out of the kubelet's folder and back, by rename.
//!
//! Invariant: a manifest is at exactly one of two places, the kubelet's folder and the holding folder, and nothing else is ever
//! made in the kubelet's folder: it takes every file there for a pod, and a copy for a second one.

use bundle_format::{name::TargetPath, slice::RestartStaticPods};

use super::StepError;
use crate::machine::{Machine, Place, Sight};

/// Where a manifest is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Whereabouts {
    /// In the kubelet's folder and in the holding folder.
    Both,
    /// Where the executor puts it meanwhile.
    Held,
    /// Where the kubelet reads it.
    InPlace,
    /// Nowhere.
    Missing,
    /// It cannot be said, or it is no regular file.
    Unclear,
}

/// Where a manifest is kept while its pod is down.
///
/// # Errors
/// When the two paths make none.
pub fn held(step: &RestartStaticPods, manifest: &TargetPath) -> Result<TargetPath, StepError> {
    let name = manifest.as_str().rsplit('/').next().unwrap_or_default();
    format!("{}/{name}", step.holding).parse().map_err(StepError::Name)
}

/// Where a manifest is.
pub fn whereabouts(step: &RestartStaticPods, manifest: &TargetPath, machine: &Machine) -> Whereabouts {
    let Ok(held) = held(step, manifest) else { return Whereabouts::Unclear };
    match (machine.look(manifest), machine.look(&held)) {
        (Sight::File(_), Sight::Absent) => Whereabouts::InPlace,
        (Sight::Absent, Sight::File(_)) => Whereabouts::Held,
        (Sight::File(_), Sight::File(_)) => Whereabouts::Both,
        (Sight::Absent, Sight::Absent) => Whereabouts::Missing,
        _ => Whereabouts::Unclear,
    }
}

/// Whether every manifest is where the kubelet reads it.
pub fn all_in_place(step: &RestartStaticPods, machine: &Machine) -> bool {
    step.manifests.iter().all(|manifest| whereabouts(step, manifest, machine) == Whereabouts::InPlace)
}

/// Takes the manifests out of the kubelet's folder.
///
/// # Errors
/// When one is not where it should be, or the system refuses; some may be out then.
pub fn take_out(step: &RestartStaticPods, machine: &Machine) -> Result<(), StepError> {
    for manifest in &step.manifests {
        match whereabouts(step, manifest, machine) {
            Whereabouts::Held => {}
            Whereabouts::InPlace => shift(machine, manifest, &held(step, manifest)?)?,
            found => return Err(StepError::Manifest { manifest: manifest.clone(), found }),
        }
    }
    Ok(())
}

/// Puts back every manifest that is out, as many as can be. Those that are in place are made to stay there: whoever put them there
/// may have been killed before that.
///
/// # Errors
/// When one cannot be put back: the first that could not.
pub fn put_back(step: &RestartStaticPods, machine: &Machine) -> Result<(), StepError> {
    let one = |manifest: &TargetPath| match whereabouts(step, manifest, machine) {
        Whereabouts::InPlace => Ok(machine.sync_folder(&place(manifest, machine)?.folder())?),
        Whereabouts::Held => shift(machine, &held(step, manifest)?, manifest),
        found => Err(StepError::Manifest { manifest: manifest.clone(), found }),
    };
    let outcomes: Vec<Result<(), StepError>> = step.manifests.iter().map(one).collect();
    outcomes.into_iter().collect()
}

fn shift(machine: &Machine, from: &TargetPath, to: &TargetPath) -> Result<(), StepError> {
    let (from, to) = (place(from, machine)?, place(to, machine)?);
    machine.rename(&from, &to)?;
    machine.sync_folder(&to.folder())?;
    Ok(machine.sync_folder(&from.folder())?)
}

fn place(target: &TargetPath, machine: &Machine) -> Result<Place, StepError> {
    machine.place(target).map_err(|why| StepError::Place { target: target.clone(), why })
}
