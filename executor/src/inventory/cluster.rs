//! A node's part in one kind of cluster: roles, versions, and what manifests say.

use bundle_format::{
    facts::{AddressFact, ClusterFacts, EtcdFacts, HomeFact, HomePart, RoleFact, VersionFact, VersionSource},
    name::TargetPath,
};

use super::{
    Look, manifest,
    places::{Kind, Role},
    short,
};
use crate::containers::{Runtime, Wanted, is_of};

/// The most reasons for a role.
const MOST_REASONS: usize = 8;
/// The most versions.
const MOST_VERSIONS: usize = 32;

impl Look<'_> {
    /// The node's part in this kind; none where nothing speaks for one.
    pub(super) fn cluster(&mut self, kind: &Kind) -> Option<ClusterFacts> {
        let templates = self.templates(kind);
        let mut roles: Vec<RoleFact> = kind.roles.iter().filter_map(|role| self.role(kind, role)).collect();
        if !templates.is_empty() {
            let because = templates.iter().take(MOST_REASONS).map(|(version, _)| format!("the folder {}/{version}", kind.templates.folder));
            roles.extend(kind.templates.role.parse().ok().map(|role| RoleFact { role, because: because.collect() }));
        }
        let homes = self.homes(kind, &templates);
        if roles.is_empty() && homes.is_empty() {
            return None;
        }
        let etcd = self.manifest(kind, kind.etcd_manifest);
        let api_server = self.manifest(kind, kind.api_server_manifest);
        Some(ClusterFacts {
            profile: kind.profile.parse().ok()?,
            versions: self.versions(kind, &templates, [etcd.as_ref(), api_server.as_ref()]),
            service_addresses: api_server.iter().filter_map(|(path, text)| service(path, text)).collect(),
            etcd: etcd.map(|(_, text)| manifest::etcd(&text)).filter(|etcd| *etcd != EtcdFacts::default()),
            database: self.database(kind, &roles),
            roles,
            homes,
        })
    }

    /// The versions that have templates with a certificate, and where that is.
    fn templates(&mut self, kind: &Kind) -> Vec<(String, TargetPath)> {
        let names = self.names(kind.templates.folder);
        let path = |name: String| {
            let path = format!("{}/{name}/{}", kind.templates.folder, kind.templates.authority).parse().ok()?;
            self.machine.place(&path).is_ok().then_some((name, path))
        };
        names.into_iter().filter_map(path).take(MOST_VERSIONS).collect()
    }

    fn role(&mut self, kind: &Kind, role: &Role) -> Option<RoleFact> {
        let mut because: Vec<String> = Vec::new();
        for folder in kind.manifest_folders {
            let names = if role.manifests.is_empty() { Vec::new() } else { self.names(folder) };
            because.extend(
                names.iter().filter(|name| role.manifests.contains(&name.as_str())).map(|name| format!("the manifest {folder}/{name}")),
            );
        }
        if let Some((folder, word)) = role.names {
            because.extend(self.names(folder).iter().filter(|name| name.contains(word)).map(|name| format!("the file {folder}/{name}")));
        }
        because.extend(self.running(role));
        because.truncate(MOST_REASONS);
        let because: Vec<String> = because.iter().map(|why| short(why)).collect();
        (!because.is_empty()).then_some(())?;
        Some(RoleFact { role: role.name.parse().ok()?, because })
    }

    /// What of a role runs, or did.
    fn running(&mut self, role: &Role) -> Vec<String> {
        if self.runtime.as_ref().is_some_and(|found| found.runtime == Runtime::ProcessTable) {
            let found = Runtime::ProcessTable.running(self.machine, &Wanted::Workloads(&[role.workload()]));
            return found.unwrap_or_default().into_iter().map(|process| format!("the process {}", process.id)).collect();
        }
        let workload = role.workload();
        let is_its = |container: &str, pod: &str, namespace: &str| {
            role.container.is_some() && is_of(container, &workload)
                || role.pod.is_some_and(|word| namespace == "kube-system" && pod.contains(word))
        };
        let found = self.containers.iter().filter(|found| is_its(&found.container, &found.pod, &found.namespace));
        found.map(|found| format!("the container {} of the pod {}", found.container, found.pod)).collect()
    }

    fn homes(&self, kind: &Kind, templates: &[(String, TargetPath)]) -> Vec<HomeFact> {
        let fixed = kind.homes.iter().filter_map(|home| Some((home.name, home.part, home.path.parse::<TargetPath>().ok()?)));
        let of_templates = templates.iter().map(|(_, path)| (kind.templates.name, HomePart::Authority, path.clone()));
        let is_there = |path: &TargetPath| self.machine.look(path).file().is_some();
        let homes = fixed.chain(of_templates).filter(|(_, _, path)| is_there(path));
        homes.filter_map(|(name, part, path)| Some(HomeFact { name: name.parse().ok()?, part, path })).collect()
    }

    /// A manifest where it lies, or where it is held.
    fn manifest(&mut self, kind: &Kind, name: &str) -> Option<(String, String)> {
        kind.manifest_folders.iter().map(|folder| format!("{folder}/{name}")).find_map(|path| Some((path.clone(), self.text(&path)?)))
    }

    fn versions(&self, kind: &Kind, templates: &[(String, TargetPath)], manifests: [Option<&(String, String)>; 2]) -> Vec<VersionFact> {
        let is_version = |text: &&str| kind.version_prefixes.iter().any(|prefix| text.starts_with(prefix));
        let fact = |text: &str, source, from: String| Some(VersionFact { text: text.parse().ok()?, source, from: short(&from) });
        let of_folders = templates.iter().filter_map(|(name, _)| fact(name, VersionSource::Folder, kind.templates.folder.to_owned()));
        let registry = self.containers.iter().filter(|found| found.container.contains(kind.registry) || found.pod.contains(kind.registry));
        let of_images = registry.filter_map(|found| {
            let tag = manifest::tag(&found.image).filter(is_version)?;
            fact(tag, VersionSource::Image, format!("the image {} of the pod {}", found.image, found.pod))
        });
        let of_manifests = manifests.into_iter().flatten().flat_map(|(path, text)| {
            manifest::image_tags(text)
                .into_iter()
                .filter(is_version)
                .filter_map(|tag| fact(tag, VersionSource::Manifest, path.clone()))
                .collect::<Vec<_>>()
        });
        let mut versions: Vec<VersionFact> = of_folders.chain(of_images).chain(of_manifests).collect();
        versions.sort_by(|one, other| (one.source, one).cmp(&(other.source, other)));
        versions.dedup();
        versions.truncate(MOST_VERSIONS);
        versions
    }

    /// The addresses that this node's member of etcd tells others to dial: of a tree, there is hardly another source.
    pub(super) fn advertised(&mut self, kind: &Kind) -> Vec<AddressFact> {
        let Some((path, text)) = self.manifest(kind, kind.etcd_manifest) else { return Vec::new() };
        manifest::advertised(&text).into_iter().map(|address| AddressFact { address, from: path.clone() }).collect()
    }
}

fn service(path: &str, manifest: &str) -> Option<AddressFact> {
    Some(AddressFact { address: manifest::service_address(manifest)?, from: path.to_owned() })
}
