//! Preflight of files, folders and file systems. Pure.

use std::collections::BTreeMap;

use bundle_format::name::TargetPath;

use super::{Refusal, Warning};
use crate::{
    facts::{Facts, Found, Target},
    machine::{MOST_BYTES, Sight, Volume},
    plan::{Change, Plan, PlannedStep},
};

/// Journal, `RESTORE.txt`, folders, and what others write meanwhile.
const RESERVE: u64 = 1 << 20;
/// The same, in files and folders.
const RESERVE_FILES: u64 = 16;

/// Every target must be a file, or a place for one.
pub fn usable(plan: &Plan<'_>) -> Vec<Refusal> {
    let mut refusals: Vec<Refusal> = plan.found().filter_map(|(path, found)| unusable(path, found)).collect();
    for step in &plan.steps {
        let PlannedStep::EditJson(edit) = step else { continue };
        match (edit.target(), &edit.edited) {
            (Some(target), Some(Err(why))) => {
                refusals.push(Refusal::Document { target: target.path.clone(), why: why.to_string() });
            }
            (Some(target), None) if matches!(target.sight, Sight::Absent) => {
                refusals.push(Refusal::DocumentMissing { target: target.path.clone() });
            }
            _ => {}
        }
    }
    refusals
}

fn unusable(path: &TargetPath, found: &Found) -> Option<Refusal> {
    let target = match found {
        Found::At(target) => target,
        Found::Nowhere => return Some(Refusal::WildcardNone { target: path.clone() }),
        Found::Several(candidates) => {
            return Some(Refusal::WildcardSeveral { target: path.clone(), candidates: candidates.clone() });
        }
    };
    let path = target.path.clone();
    match &target.sight {
        Sight::Absent | Sight::File(_) => None,
        Sight::NotAFile(kind) => Some(Refusal::NotAFile { target: path, kind: *kind }),
        Sight::NoPlace(why) => Some(Refusal::Place { target: path, why: why.clone() }),
        Sight::TooLarge(size) => Some(Refusal::TooLarge { target: path, size: *size, most: MOST_BYTES }),
        Sight::Unreadable(why) => Some(Refusal::Unreadable { target: path, why: why.clone() }),
    }
}

/// Every target that changes must be replaceable.
pub fn writable(plan: &Plan<'_>) -> Vec<Refusal> {
    let closed = |target: &Target| {
        let why = target.volume.as_ref().and_then(|volume| volume.closed.clone()).or_else(|| target.obstacle.clone())?;
        Some(Refusal::ReadOnly { target: target.path.clone(), why })
    };
    plan.sizes().into_iter().filter_map(|(target, _, _)| closed(target)).collect()
}

/// The executor's own folder must be writable before anything else is touched.
pub fn state(plan: &Plan<'_>, facts: &Facts) -> Vec<Refusal> {
    let why = facts.state_volume.as_ref().and_then(|volume| volume.closed.clone()).filter(|_| !facts.lacks_root && plan.has_work());
    why.map(|why| Refusal::State { why: format!("`/var/lib/reseal`: {why}") }).into_iter().collect()
}

/// What one file system is to hold besides what it holds.
struct Need {
    folder: String,
    volume: Volume,
    bytes: u64,
    files: u64,
}

impl Need {
    fn new(folder: String, volume: &Volume) -> Self {
        Self { folder, volume: volume.clone(), bytes: RESERVE, files: RESERVE_FILES }
    }

    fn refusals(self) -> Vec<Refusal> {
        let Self { folder, volume: Volume { free, free_files, .. }, bytes, files } = self;
        let full = (bytes > free).then(|| Refusal::Full { folder: folder.clone(), needed: bytes, free });
        let no_files = free_files.filter(|free| files > *free).map(|free| Refusal::FullOfFiles { folder, needed: files, free });
        full.into_iter().chain(no_files).collect()
    }
}

/// Every file system must hold what is staged and backed up on it.
pub fn room(plan: &Plan<'_>, facts: &Facts) -> Vec<Refusal> {
    let sizes = plan.sizes();
    if sizes.is_empty() {
        return Vec::new();
    }
    let mut needs: BTreeMap<u64, Need> = BTreeMap::new();
    for (target, now, then) in &sizes {
        if let (Some(volume), Some(place)) = (&target.volume, &target.place) {
            let need = needs.entry(volume.device).or_insert_with(|| Need::new(place.folder().to_string(), volume));
            need.bytes = need.bytes.saturating_add(*now.max(then));
            need.files = need.files.saturating_add(1);
        }
    }
    if let Some(volume) = &facts.state_volume {
        let backups = facts.folder_bytes.saturating_add(sizes.iter().map(|(_, now, _)| now).sum());
        let need = needs.entry(volume.device).or_insert_with(|| Need::new("/var/lib/reseal".to_owned(), volume));
        need.bytes = need.bytes.saturating_add(backups);
        need.files = need.files.saturating_add(facts.folder_files).saturating_add(sizes.len() as u64);
    }
    needs.into_values().flat_map(Need::refusals).collect()
}

/// Files that change and have other names, which do not.
pub fn hard_linked(plan: &Plan<'_>) -> Vec<Warning> {
    let linked = plan.sizes().into_iter().map(|(target, _, _)| target).filter(|target| target.links > 1);
    linked.map(|target| Warning::HardLinked { target: target.path.to_string(), links: target.links }).collect()
}

/// Documents that have neither the value before an edit nor the one after it.
pub fn nothing_to_edit(plan: &Plan<'_>) -> Vec<Warning> {
    let edits = plan.steps.iter().filter_map(|step| match step {
        PlannedStep::EditJson(edit) if edit.change() == Change::Keep => Some(edit),
        _ => None,
    });
    edits
        .filter(|edit| matches!(&edit.edited, Some(Ok(edited)) if edited.already == 0))
        .map(|edit| Warning::NothingToEdit {
            target: edit.target().map_or(&edit.step.target, |target| &target.path).to_string(),
            member: edit.step.member.clone(),
            from: edit.step.from.clone(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        bundle::Bundle,
        plan::tests::{bundle, edit, facts, install},
    };

    fn codes(bundle: &Bundle, facts: &Facts) -> Vec<String> {
        let plan = Plan::of(bundle, bundle.slice.as_ref().unwrap(), facts).unwrap();
        let all = [usable(&plan), writable(&plan), state(&plan, facts), room(&plan, facts)];
        all.iter().flatten().map(|refusal| format!("{refusal:?}").split(' ').next().unwrap().to_owned()).collect()
    }

    fn with_volume(mut facts: Facts, volume: &Volume) -> Facts {
        for found in facts.found.values_mut() {
            if let Found::At(target) = found {
                target.volume = Some(volume.clone());
            }
        }
        facts
    }

    #[test]
    fn room_is_needed_for_backups_and_staging() {
        let bundle = bundle(vec![install(&[("/s/a", "certs/a")])], &[("certs/a", &[b'A'; 1000])]);
        let mut facts = facts(&[("/s/a", Some(&[b'o'; 5000]))]);
        facts.state_volume = Some(Volume { device: 2, free: RESERVE + 5000, free_files: Some(17), closed: None });
        assert!(codes(&bundle, &facts).is_empty());
        facts.state_volume = Some(Volume { device: 2, free: RESERVE + 4999, free_files: Some(16), closed: None });
        assert_eq!(codes(&bundle, &facts), ["Full", "FullOfFiles"]);
    }

    #[test]
    fn what_stays_needs_no_room_and_no_rights() {
        let bundle = bundle(vec![install(&[("/s/a", "certs/a")]), edit("/s/j")], &[("certs/a", b"A")]);
        let closed = Volume { device: 1, free: 0, free_files: Some(0), closed: Some("it is closed".to_owned()) };
        let as_wanted = with_volume(facts(&[("/s/a", Some(b"A")), ("/s/j", Some(b"{}"))]), &closed);
        assert!(codes(&bundle, &as_wanted).is_empty());
        let other = with_volume(facts(&[("/s/a", Some(b"B")), ("/s/j", None)]), &closed);
        assert_eq!(codes(&bundle, &other), ["DocumentMissing", "ReadOnly"]);
    }
}
