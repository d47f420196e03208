//! Which node is which: duplicates, names, addresses, and whether the leaf names them all.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use bundle_format::{
    certificate::San,
    facts::AddressFact,
    name::{Label, NodeName},
    text, word,
};
use time::{Duration, OffsetDateTime};

use super::{Finding, Told, material::Material};
use crate::{
    present,
    profile::tos,
    site::{Node, host_name},
};

/// A clock may be ahead by this much.
const AHEAD: Duration = Duration::minutes(2);
/// On one walk, the next node is visited within this time.
const APART: Duration = Duration::hours(1);
/// The most addresses of a node in a site file.
const MOST_ADDRESSES: usize = 8;
/// How the names of interfaces begin that containers bring along: their addresses tell no node from another.
const VIRTUAL: [&str; 13] =
    ["br-", "cali", "cni", "docker", "dummy", "flannel", "kube-", "nodelocaldns", "ovs", "tunl", "veth", "virbr", "weave"];

/// The facts of each node once: of several, the newest.
pub fn distinct(mut told: Vec<Told>, findings: &mut Vec<Finding>) -> Vec<Told> {
    told.sort_by(|one, other| (other.facts.gathered, &other.file).cmp(&(one.facts.gathered, &one.file)));
    let mut kept: Vec<Told> = Vec::new();
    for told in told {
        match kept.iter().find(|kept| is_same(kept, &told)) {
            Some(newer) => findings.push(Finding::Duplicate {
                node: told.facts.called(),
                kept: newer.file.clone(),
                kept_time: present::moment(newer.facts.gathered),
                left: told.file.clone(),
                left_time: present::moment(told.facts.gathered),
            }),
            None => kept.push(told),
        }
    }
    kept.sort_by_key(|told| natural(&told.facts.called()));
    kept
}

/// The same host name, and something else that only one node has. Machines that were cloned share names and machine-ids, never addresses.
fn is_same(one: &Told, other: &Told) -> bool {
    let own = |told: &Told| usable(told).filter(|found| !is_virtual(&found.from)).map(|found| found.address).collect::<BTreeSet<IpAddr>>();
    let (mine, its) = (own(one), own(other));
    let (one, other) = (&one.facts, &other.facts);
    let is_elsewhere = !mine.is_empty() && !its.is_empty() && mine.is_disjoint(&its);
    let is_equal = |one: Option<&str>, other: Option<&str>| one.is_some() && one == other;
    let has_same_id = is_equal(one.host.machine_id.as_deref(), other.host.machine_id.as_deref());
    let has_same_key = one.recipient.is_some() && one.recipient == other.recipient;
    let knows_no_better = one.host.machine_id.is_none() || other.host.machine_id.is_none();
    is_equal(one.host.name.as_deref(), other.host.name.as_deref()) && !is_elsewhere && (has_same_id || has_same_key || knows_no_better)
}

/// Numbers in names count as numbers: `tos2` comes before `tos10`.
fn natural(name: &str) -> Vec<(String, u64)> {
    let mut parts = vec![(String::new(), 0_u64)];
    let mut was_digit = false;
    for c in name.to_ascii_lowercase().chars() {
        if c.is_ascii_digit() != was_digit && was_digit {
            parts.push((String::new(), 0));
        }
        was_digit = c.is_ascii_digit();
        if let Some((text, number)) = parts.last_mut() {
            match c.to_digit(10) {
                Some(digit) => *number = number.saturating_mul(10).saturating_add(digit.into()),
                None => text.push(c),
            }
        }
    }
    parts
}

/// Clocks against the workstation's and one another.
pub fn check_clocks(told: &[Told], now: OffsetDateTime, findings: &mut Vec<Finding>) {
    let mut in_time: Vec<&Told> = told.iter().collect();
    in_time.sort_by_key(|told| told.facts.gathered);
    let mut reported = BTreeSet::new();
    for (place, told) in in_time.iter().enumerate() {
        let said = told.facts.gathered;
        if said > now + AHEAD {
            let by = span(said - now);
            findings.push(Finding::ClockAhead { node: told.facts.called(), by, said: present::moment(said), now: present::moment(now) });
            continue;
        }
        let neighbours =
            [place.checked_sub(1), Some(place + 1)].into_iter().flatten().filter_map(|place| Some((place, *in_time.get(place)?)));
        let nearest = neighbours.min_by_key(|(_, other)| (other.facts.gathered - said).abs());
        let Some((other_place, other)) = nearest.filter(|(_, other)| (other.facts.gathered - said).abs() > APART) else { continue };
        if reported.insert((place.min(other_place), place.max(other_place))) {
            findings.push(Finding::ClockApart {
                node: told.facts.called(),
                said: present::moment(said),
                by: span((other.facts.gathered - said).abs()),
                other: other.facts.called(),
                other_said: present::moment(other.facts.gathered),
            });
        }
    }
}

fn span(time: Duration) -> String {
    match (time.whole_days(), time.whole_hours(), time.whole_minutes() % 60) {
        (0, 0, minutes) => text!("{minutes} min", "{minutes} 分钟"),
        (0, hours, minutes) => text!("{hours} h {minutes} min", "{hours} 小时 {minutes} 分钟"),
        (days, hours, _) => text!("{days} d {} h", "{days} 天 {} 小时"; hours % 24),
    }
}

/// The nodes in visiting order.
pub fn nodes(told: &[Told], material: &Material, findings: &mut Vec<Finding>) -> Vec<Node> {
    let names = shared(
        told,
        word!("the host name", "主机名"),
        word!("each is called by its address", "分别以各自的地址称呼"),
        |told| own_name(told).into_iter().collect(),
        findings,
    );
    let ids = shared(
        told,
        word!("the machine-id", "machine-id"),
        word!("it tells neither from the other, and is left out", "无法用它区分节点，不采用"),
        |told| own_id(told).into_iter().collect(),
        findings,
    );
    let recipient = |told: &Told| told.facts.recipient.iter().map(ToString::to_string).collect();
    let _ = shared(
        told,
        word!("the recipient", "接收方"),
        word!(
            "what is sealed to one can be read by the other; move `/var/lib/reseal/identity` away on all but one, and run `reseal-node facts` there again",
            "为其中一个封存的机密，另一个也能打开；请只保留一个节点的 `/var/lib/reseal/identity`，其余移走，并在那些节点上重新运行 `reseal-node facts`"
        ),
        recipient,
        findings,
    );
    let mut silent = Vec::new();
    let usable_by = |told: &Told| usable(told).map(|found| found.address.to_string()).collect::<BTreeSet<_>>().into_iter().collect();
    let taken = shared(told, word!("the address", "地址"), word!("it is left out", "不采用"), usable_by, &mut silent);
    let mut nodes = Vec::new();
    for told in told {
        let Some(cluster) = told.cluster().filter(|cluster| !cluster.roles.is_empty()) else {
            findings.push(Finding::NoRole(told.facts.called()));
            continue;
        };
        if !told.facts.is_whole {
            findings.push(Finding::Tree(told.facts.called()));
        }
        if told.facts.recipient.is_none() {
            findings.push(Finding::NoRecipient(told.facts.called()));
        }
        let roles: Vec<Label> = cluster.roles.iter().map(|found| found.role.clone()).collect();
        let addresses = addresses_of(told, &taken, material);
        let host_names = host_names(told, &names, material);
        let Some(name) = node_name(told, &host_names, &addresses) else {
            findings.push(Finding::NoAddress(told.facts.called()));
            continue;
        };
        if addresses.is_empty() && told.has_role(tos::ETCD) {
            findings.push(Finding::NoAddress(told.facts.called()));
        }
        let machine_id = own_id(told).filter(|id| !ids.contains(id));
        nodes.push(Node { name, host_names, addresses, machine_id, recipient: told.facts.recipient.clone(), roles });
    }
    nodes.sort_by_key(|node| (tos::rank(node), natural(node.name.as_str())));
    nodes
}

/// What several nodes have, each value said once.
fn shared(
    told: &[Told],
    what: &'static str,
    consequence: &'static str,
    values: impl Fn(&Told) -> Vec<String>,
    findings: &mut Vec<Finding>,
) -> BTreeSet<String> {
    let mut by: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for told in told {
        for value in values(told) {
            by.entry(value).or_default().push(format!("`{}` (`{}`)", told.facts.called(), told.file));
        }
    }
    by.retain(|_, nodes| nodes.len() > 1);
    for (value, nodes) in &by {
        findings.push(Finding::Same { what, value: value.clone(), nodes: nodes.join(word!(" and ", "、")), consequence });
    }
    by.into_keys().collect()
}

/// Its host name, in lower case, unless it is none or that of every machine.
fn own_name(told: &Told) -> Option<String> {
    let name = told.facts.host.name.as_deref()?.trim_end_matches('.').to_ascii_lowercase();
    let is_of_all = matches!(name.split('.').next(), Some("localhost" | "localhost4" | "localhost6"));
    host_name(&name).filter(|_| !is_of_all)
}

fn own_id(told: &Told) -> Option<String> {
    let id = told.facts.host.machine_id.clone()?;
    (id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(id)
}

/// The host name as it is, and the leaf's name for the same host; first what the leaf has, which is asked for in TLS.
fn host_names(told: &Told, taken: &BTreeSet<String>, material: &Material) -> Vec<String> {
    let Some(own) = own_name(told).filter(|name| !taken.contains(name)) else { return Vec::new() };
    let mut names: Vec<String> = material
        .names()
        .filter_map(|san| match san {
            San::Dns(name) if is_same_host(name, &own) => Some(name.to_ascii_lowercase()),
            _ => None,
        })
        .collect();
    names.push(own);
    let mut seen = BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

/// Equal, or up to the first dot where one of the two has no domain.
fn is_same_host(one: &str, other: &str) -> bool {
    let short = |name: &str| name.split('.').next().unwrap_or_default().to_ascii_lowercase();
    one.eq_ignore_ascii_case(other) || (!(one.contains('.') && other.contains('.')) && short(one) == short(other))
}

/// Whether an address is of an interface that containers bring along.
fn is_virtual(from: &str) -> bool {
    from.strip_prefix("interface ").is_some_and(|name| VIRTUAL.iter().any(|prefix| name.starts_with(prefix)))
}

fn usable(told: &Told) -> impl Iterator<Item = &AddressFact> {
    told.facts.host.addresses.iter().filter(|found| {
        let is_link_local = match found.address {
            IpAddr::V4(address) => address.is_link_local() || address.is_broadcast(),
            IpAddr::V6(address) => address.is_unicast_link_local(),
        };
        !is_link_local && !found.address.is_loopback() && !found.address.is_unspecified() && !found.address.is_multicast()
    })
}

/// Its own addresses: first those that the leaf has, which others dial; then what its etcd tells others; none of the containers'.
fn addresses_of(told: &Told, taken: &BTreeSet<String>, material: &Material) -> Vec<IpAddr> {
    let is_in_leaf = |address: IpAddr| material.names().any(|san| *san == San::Ip(address));
    let is_advertised = |from: &str| from.ends_with(".manifest");
    let own = usable(told).filter(|found| !taken.contains(&found.address.to_string()));
    let mut own: Vec<&AddressFact> = own.filter(|found| is_in_leaf(found.address) || !is_virtual(&found.from)).collect();
    own.sort_by_key(|found| (!is_in_leaf(found.address), !is_advertised(&found.from)));
    let mut addresses: Vec<IpAddr> = Vec::new();
    for found in own {
        if !addresses.contains(&found.address) && addresses.len() < MOST_ADDRESSES {
            addresses.push(found.address);
        }
    }
    addresses
}

/// Its name in the bundle: the host name, else an address, else the machine-id.
fn node_name(told: &Told, host_names: &[String], addresses: &[IpAddr]) -> Option<NodeName> {
    let own = own_name(told).filter(|name| host_names.contains(name));
    let address = addresses.first().map(|address| address.to_string().replace(':', "-"));
    [own, host_names.first().cloned(), address, own_id(told)].into_iter().flatten().find_map(|name| name.parse().ok())
}

/// Every name of the leaf belongs to a node, and every master has one.
pub fn check_sans(told: &[Told], nodes: &[Node], material: &Material, findings: &mut Vec<Finding>) {
    let all = told;
    let more: Vec<San> = material.sans.iter().filter_map(|san| crate::site::parse_san(san).ok()).collect();
    for san in material.names().chain(&more) {
        findings.extend(unexplained(san, told));
    }
    for node in nodes.iter().filter(|node| node.has_role(tos::ETCD)) {
        let own: Vec<San> = node.host_names.iter().cloned().map(San::Dns).chain(node.addresses.iter().copied().map(San::Ip)).collect();
        if !own.iter().any(|own| material.names().chain(&more).any(|san| san == own)) {
            let names = own.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            findings.push(Finding::NotInSans { node: node.name.to_string(), names });
        }
    }
    for told in told {
        let members = told.cluster().and_then(|cluster| cluster.etcd.as_ref()).into_iter().flat_map(|etcd| &etcd.members);
        for address in members.copied().filter(|address| !all.iter().flat_map(addresses).any(|own| own == *address)) {
            if !findings.iter().any(|said| matches!(said, Finding::MemberMissing { address: other, .. } if *other == address)) {
                findings.push(Finding::MemberMissing { node: told.facts.called(), address });
            }
        }
    }
}

fn addresses(told: &Told) -> impl Iterator<Item = IpAddr> {
    told.facts.host.addresses.iter().map(|found| found.address)
}

/// What to say of a name, unless it is a node's or one that every leaf has.
fn unexplained(san: &San, told: &[Told]) -> Option<Finding> {
    match san {
        San::Dns(name) => {
            let is_of_all = name.starts_with("localhost") || name.starts_with("kubernetes") || name.starts_with("*.");
            let is_nodes = told.iter().filter_map(own_name).any(|own| is_same_host(name, &own));
            (!is_of_all && !is_nodes).then(|| Finding::SanWithoutNode(san.to_string()))
        }
        San::Ip(address) => {
            let address = *address;
            let services = told.iter().filter_map(Told::cluster).flat_map(|cluster| &cluster.service_addresses);
            let is_nodes = told.iter().flat_map(addresses).any(|own| own == address);
            if address.is_loopback() || is_nodes || services.into_iter().any(|found| found.address == address) {
                return None;
            }
            Some(if is_like_a_service(address, told) { Finding::ServiceAddress(address) } else { Finding::SanWithoutNode(san.to_string()) })
        }
        San::Other { .. } => None,
    }
}

/// Whether an address is the first of a network in which no node is: that of the service `kubernetes` always is.
fn is_like_a_service(address: IpAddr, told: &[Told]) -> bool {
    let network = |address: IpAddr| match address {
        IpAddr::V4(address) => address.octets()[..3].to_vec(),
        IpAddr::V6(address) => address.octets()[..8].to_vec(),
    };
    let is_first = match address {
        IpAddr::V4(address) => address.octets()[3] == 1,
        IpAddr::V6(address) => address.segments()[7] == 1,
    };
    is_first && !told.iter().flat_map(addresses).any(|own| network(own) == network(address))
}
