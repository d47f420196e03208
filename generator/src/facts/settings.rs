//! Edition, version, ports and database of a site, as its nodes' facts tell.

use std::collections::BTreeSet;

use bundle_format::{
    facts::{EtcdFacts, VersionSource},
    name::SiteName,
    text, word,
};

use super::{Finding, Told, Wishes};
use crate::{
    profile::tos::{self, Edition},
    site::{DatabaseSection, Node, RestartSection},
};

/// The name of a site whose nodes' names have nothing in common.
const ANY_SITE: &str = "my-site";

/// What the masters' names begin with.
pub fn site_name(nodes: &[Node]) -> String {
    let mut names = nodes.iter().filter(|node| node.has_role(tos::ETCD)).filter_map(|node| node.host_names.first());
    let first = names.next().map_or("", String::as_str);
    let common = names.fold(first.split('.').next().unwrap_or_default(), |common, name| {
        let length = common.bytes().zip(name.bytes()).take_while(|(one, other)| one == other).count();
        common.get(..length).unwrap_or_default()
    });
    let name = common.trim_end_matches(|c: char| !c.is_ascii_alphabetic());
    name.parse::<SiteName>().ok().filter(|name| name.as_str().len() > 1).map_or_else(|| ANY_SITE.to_owned(), |name| name.to_string())
}

/// What was said, or what flannel or a version tells.
pub fn edition(told: &[Told], wishes: &Wishes, findings: &mut Vec<Finding>) -> Edition {
    let versions = || told.iter().filter_map(Told::cluster).flat_map(|cluster| &cluster.versions);
    let names = |word: &str| versions().any(|version| version.text.as_str().contains(word));
    match wishes.edition {
        Some(edition) => edition,
        None if told.iter().any(|told| told.has_role(tos::FLANNEL)) => Edition::Tdh,
        None if names("tdc") && !names("tdh") => Edition::Tdc,
        None => {
            if !names("tdh") {
                findings.push(Finding::EditionGuessed { taken: "tdh" });
            }
            Edition::Tdh
        }
    }
}

/// The version: as it was said; the one folder of templates, which a renewal has to find; or what all images agree on.
pub fn version(told: &[Told], wishes: &Wishes, findings: &mut Vec<Finding>) -> Option<String> {
    if wishes.version.is_some() {
        return wishes.version.clone();
    }
    let all = || {
        told.iter()
            .filter_map(|told| Some((told, told.cluster()?)))
            .flat_map(|(told, cluster)| cluster.versions.iter().map(move |version| (told, version)))
    };
    let texts = |is_folder: bool| -> BTreeSet<&str> {
        let fits = all().filter(|(_, version)| (version.source == VersionSource::Folder) == is_folder);
        fits.map(|(_, version)| version.text.as_str()).collect()
    };
    let (folders, images) = (texts(true), texts(false));
    let candidates: Vec<(Vec<&str>, &'static str)> = vec![
        (
            if folders.len() == 1 { folders.iter().copied().collect() } else { Vec::new() },
            word!("the Manager has its folder", "Manager 有它的目录"),
        ),
        (
            folders.intersection(&images).copied().collect(),
            word!("both the Manager's folder and images have it", "Manager 的目录和镜像都是它"),
        ),
        (if folders.is_empty() { images.iter().copied().collect() } else { Vec::new() }, word!("all images have it", "所有镜像都是它")),
    ];
    let found = all()
        .map(|(told, version)| text!("{} on `{}`: {}", "{}（`{}`：{}）"; version.text, told.facts.called(), version.from))
        .collect::<BTreeSet<_>>();
    let found = if found.is_empty() {
        word!("nothing was found", "没有发现").to_owned()
    } else {
        found.into_iter().collect::<Vec<_>>().join(word!("; ", "；"))
    };
    let Some((taken, why)) =
        candidates.iter().find_map(|(texts, why)| if let [only] = texts.as_slice() { Some((*only, *why)) } else { None })
    else {
        findings.push(Finding::VersionUnclear { found });
        return None;
    };
    if folders.union(&images).count() > 1 {
        findings.push(Finding::VersionsDiffer { found, taken: taken.to_owned(), why });
    }
    Some(taken.to_owned())
}

/// The ports of etcd, where the masters agree.
pub fn restart(told: &[Told], findings: &mut Vec<Finding>) -> RestartSection {
    let mut port = |what: &'static str, port: fn(&EtcdFacts) -> Option<u16>| {
        let masters = told.iter().filter_map(Told::cluster).filter_map(|cluster| cluster.etcd.as_ref());
        let found: BTreeSet<u16> = masters.filter_map(port).collect();
        if found.len() > 1 {
            let found = found.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            findings.push(Finding::Ports { what, found });
            return None;
        }
        found.first().copied()
    };
    RestartSection {
        etcd_port: port(word!("client", "客户端"), |etcd| etcd.client_port),
        etcd_peer_port: port(word!("peer", "成员间"), |etcd| etcd.peer_port),
        ..RestartSection::default()
    }
}

/// How the Manager's node reaches its database.
pub fn database(told: &[Told], findings: &mut Vec<Finding>) -> DatabaseSection {
    if !told.iter().any(|told| told.has_role(tos::MANAGER)) {
        findings.push(Finding::NoManager);
    }
    let found = told.iter().filter_map(|told| Some((told, told.cluster()?.database.as_ref()?))).collect::<Vec<_>>();
    let best = found.iter().find(|(_, found)| found.keeps_certificates == Some(true)).or_else(|| found.first());
    let Some((told, found)) = best else { return DatabaseSection::default() };
    if found.keeps_certificates == Some(false) {
        findings.push(Finding::WithoutTable(told.facts.called()));
    }
    DatabaseSection {
        keeps_certificates: found.keeps_certificates,
        socket: found.socket.clone(),
        host: found.host,
        port: found.port,
        user: found.user.clone(),
        database: found.database.as_ref().filter(|_| found.keeps_certificates == Some(true)).map(ToString::to_string),
    }
}
