//! What runs on this node, and what etcd and the database say: gathered once, here, and judged elsewhere.

use std::collections::BTreeMap;

use bundle_format::{
    name::{Label, TargetPath},
    slice::{Slice, Step},
};
use time::OffsetDateTime;

use crate::{
    cluster::{self, ClusterError},
    containers::{Container, ContainerError, Detection, Runtime, Wanted},
    etcd::MemberSight,
    kubectl::Kubectl,
    machine::{
        Machine, Volume,
        database::{Database, DatabaseError, Survey},
    },
    steps::{generation, manifests, manifests::Whereabouts},
};

/// What runs, as far as a slice is about it.
#[derive(Debug)]
pub struct Services {
    /// When the files that services read at their start last changed.
    pub changed: Option<OffsetDateTime>,
    /// The etcd clusters, each as its members answered.
    pub clusters: BTreeMap<Label, Result<Vec<MemberSight>, ClusterError>>,
    /// The database; `None` where no step touches one, or it is left alone.
    pub database: Option<Result<Survey, DatabaseError>>,
    /// The file systems of the folders that manifests are moved to.
    pub holding: BTreeMap<TargetPath, Option<Volume>>,
    /// Why kubectl cannot be used, where pods are to be restarted.
    pub kubectl: Option<Result<(), String>>,
    /// Where each manifest is.
    pub manifests: BTreeMap<TargetPath, Whereabouts>,
    /// What containers are asked of, where there are some to restart.
    pub runtime: Option<Detection>,
    /// The running containers of each step that restarts some, by its place in the slice.
    pub running: BTreeMap<usize, Result<Vec<Container>, ContainerError>>,
}

/// What is to be looked at beside the slice.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wishes<'a> {
    /// The database; none to leave it alone.
    pub database: Option<&'a Database>,
}

impl Services {
    /// Looks at all that a slice is about.
    pub fn gather(machine: &Machine, slice: &Slice, wishes: Wishes<'_>) -> Self {
        let mut services = Self {
            changed: generation::changed(&slice.etcd, machine),
            clusters: BTreeMap::new(),
            database: None,
            holding: BTreeMap::new(),
            kubectl: None,
            manifests: BTreeMap::new(),
            runtime: None,
            running: BTreeMap::new(),
        };
        for (number, step) in slice.steps.iter().enumerate() {
            services.look(machine, number, step, wishes);
        }
        if services.runtime.is_some() {
            services.clusters = slice.etcd.iter().map(|cluster| (cluster.name.clone(), cluster::look(machine, cluster))).collect();
        }
        services
    }

    fn look(&mut self, machine: &Machine, number: usize, step: &Step, wishes: Wishes<'_>) {
        match step {
            Step::RestartPods(step) => {
                let runtime = self.runtime(machine);
                drop(self.running.insert(number, runtime.running(machine, &Wanted::Pods(step))));
                let kubectl = Kubectl::detect(machine, &machine.host(), &step.namespace);
                self.kubectl = Some(kubectl.map(drop).map_err(|why| why.to_string()));
            }
            Step::RestartStaticPods(step) => {
                let runtime = self.runtime(machine);
                drop(self.running.insert(number, runtime.running(machine, &Wanted::Workloads(&step.workloads))));
                self.manifests
                    .extend(step.manifests.iter().map(|manifest| (manifest.clone(), manifests::whereabouts(step, manifest, machine))));
                let holding = machine.place(&step.holding).ok().map(|place| place.join("manifest"));
                let volume = holding.and_then(|place| machine.volume(&place.folder()).ok());
                drop(self.holding.insert(step.holding.clone(), volume));
                let folder = step.manifests.first().and_then(|manifest| machine.place(manifest).ok());
                if let (Some(manifest), Some(place)) = (step.manifests.first(), folder) {
                    drop(self.holding.insert(manifest.clone(), machine.volume(&place.folder()).ok()));
                }
            }
            Step::UpdateDatabase(step) => self.database = wishes.database.map(|database| database.survey(step)),
            _ => {}
        }
    }

    fn runtime(&mut self, machine: &Machine) -> Runtime {
        self.runtime.get_or_insert_with(|| Runtime::detect(machine)).runtime
    }
}
