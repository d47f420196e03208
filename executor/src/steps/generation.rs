//! Which containers were started before the files that they read were replaced, and which after.
//!
//! A container has *left* when its identifier is none of those that ran before. Where that is not known, for a restart that nobody
//! recorded, its start is compared with the last change of the files (the inode's ctime, which a rename sets too).

use bundle_format::{name::TargetPath, slice::EtcdCluster};
use time::{Duration, OffsetDateTime};

use crate::{containers::Container, machine::Machine};

/// How exactly the process table knows when a program was started.
const PRECISION: Duration = Duration::SECOND;

/// The files of which services have what they read at their start in memory.
pub fn files(clusters: &[EtcdCluster]) -> impl Iterator<Item = &TargetPath> {
    clusters.iter().flat_map(|cluster| [&cluster.authority, &cluster.certificate, &cluster.key])
}

/// When the last of these files changed.
pub fn changed(clusters: &[EtcdCluster], machine: &Machine) -> Option<OffsetDateTime> {
    files(clusters).filter_map(|file| machine.changed_at(file)).max()
}

/// Whether a container was started with what is on disk now.
pub fn is_fresh(container: &Container, former: &[String], changed: Option<OffsetDateTime>) -> bool {
    !former.contains(&container.id) && changed.is_none_or(|changed| container.started + PRECISION >= changed)
}
