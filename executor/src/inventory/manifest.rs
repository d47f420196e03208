//! What the manifest of a static pod says on the command line of its program. Pure.
//!
//! Manifests are JSON, YAML, or a shell's line within either; all of them write `--option=value` or `--option value`. That is all that is
//! looked for: nothing is run, and what is not understood says nothing.

use std::net::IpAddr;

use bundle_format::facts::EtcdFacts;

/// What separates an option from its value, and values from what follows, in any of the forms.
const BETWEEN: [char; 8] = [' ', '=', '"', '\'', ',', '\n', '\t', '\r'];
const AFTER: [char; 7] = [' ', '"', '\'', '\n', '\t', '\r', '\\'];
/// The most members of a cluster that are read.
const MOST_MEMBERS: usize = 64;

/// The value of an option.
pub fn option<'a>(manifest: &'a str, name: &str) -> Option<&'a str> {
    let flag = format!("--{name}");
    manifest.match_indices(&flag).find_map(|(at, _)| {
        let rest = &manifest[at + flag.len()..];
        let value = rest.strip_prefix(BETWEEN)?.trim_start_matches([' ', '"', '\'', ',', '-', '\n', '\t', '\r']);
        let value = value.split(AFTER).next()?;
        (!value.is_empty()).then_some(value)
    })
}

/// Address and port of the first URL in a value that has an address; names are passed over, none is ever resolved.
pub fn endpoint(value: &str) -> Option<(IpAddr, u16)> {
    endpoints(value).next()
}

fn endpoints(value: &str) -> impl Iterator<Item = (IpAddr, u16)> {
    value.split(',').filter_map(|part| {
        let authority = part.split_once("://")?.1.split('/').next()?;
        let (host, port) = authority.rsplit_once(':')?;
        Some((host.trim_start_matches('[').trim_end_matches(']').parse().ok()?, port.parse().ok()?))
    })
}

/// The port of the first URL in a value, whatever its host.
fn port(value: &str) -> Option<u16> {
    value.split(',').find_map(|part| part.split_once("://")?.1.split('/').next()?.rsplit_once(':')?.1.parse().ok())
}

/// A member of etcd.
pub fn etcd(manifest: &str) -> EtcdFacts {
    let first_port = |names: [&str; 2]| names.into_iter().find_map(|name| port(option(manifest, name)?));
    let mut members: Vec<IpAddr> =
        option(manifest, "initial-cluster").into_iter().flat_map(endpoints).map(|(address, _)| address).collect();
    members.truncate(MOST_MEMBERS);
    EtcdFacts {
        client_port: first_port(["advertise-client-urls", "listen-client-urls"]),
        peer_port: first_port(["initial-advertise-peer-urls", "listen-peer-urls"]),
        members,
    }
}

/// The addresses that a member tells others to dial.
pub fn advertised(manifest: &str) -> Vec<IpAddr> {
    let names = ["initial-advertise-peer-urls", "advertise-client-urls"];
    let found = names.into_iter().filter_map(|name| endpoint(option(manifest, name)?)).map(|(address, _)| address);
    let mut found: Vec<IpAddr> = found.filter(|address| !address.is_unspecified() && !address.is_loopback()).collect();
    found.dedup();
    found
}

/// The address of the service `kubernetes`: the first of the range of services.
pub fn service_address(manifest: &str) -> Option<IpAddr> {
    let (network, _) = option(manifest, "service-cluster-ip-range")?.split(',').next()?.split_once('/')?;
    match network.parse().ok()? {
        IpAddr::V4(network) => Some(IpAddr::V4(u32::from(network).checked_add(1)?.into())),
        IpAddr::V6(network) => Some(IpAddr::V6(u128::from(network).checked_add(1)?.into())),
    }
}

/// The tags of the images that a manifest names.
pub fn image_tags(manifest: &str) -> Vec<&str> {
    let lines = manifest.split("image").skip(1).filter_map(|rest| rest.split(['\n', ',', '}']).next());
    let values = lines.map(|rest| rest.trim_matches(|c: char| c == ':' || c == '"' || c == '\'' || c.is_whitespace()));
    values.filter_map(tag).collect()
}

/// The tag of an image: what follows the last colon, unless that is a registry's port.
pub fn tag(image: &str) -> Option<&str> {
    let (_, tag) = image.rsplit_once(':')?;
    (!tag.is_empty() && !tag.contains('/')).then_some(tag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const JSON: &str = r#"{"spec":{"containers":[{"image": "transwarp/etcd:tos-2.1","command":["/bin/etcd","--name=a","--initial-cluster-state=new",
        "--initial-cluster=a=https://10.0.0.11:2380,b=https://10.0.0.12:2380,c=https://tos3:2380","--listen-client-urls=https://0.0.0.0:4001",
        "--initial-advertise-peer-urls","https://10.0.0.11:2381"]}]}}"#;
    const YAML: &str = "  - image: reg:5000/transwarp/etcd:tos-2.1\n    command:\n    - /bin/sh\n    - -c\n    - 'exec etcd --advertise-client-urls https://[fd00::1]:4001 \\\n      --listen-peer-urls=https://10.0.0.11:2380 --initial-cluster \"a=https://10.0.0.11:2380\"'\n";

    #[test]
    fn options_are_found_in_every_form_of_manifest() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let found = etcd(JSON);
        assert_eq!((found.client_port, found.peer_port), (Some(4001), Some(2381)));
        assert_eq!(found.members, [ip("10.0.0.11"), ip("10.0.0.12")]);
        assert_eq!(advertised(JSON), [ip("10.0.0.11")]);
        let found = etcd(YAML);
        assert_eq!((found.client_port, found.peer_port), (Some(4001), Some(2380)));
        assert_eq!((found.members, advertised(YAML)), (vec![ip("10.0.0.11")], vec![ip("fd00::1")]));
        assert_eq!(etcd("{}"), EtcdFacts::default());
    }

    #[test]
    fn the_service_has_the_first_address_of_its_range() {
        let of = |range: &str| service_address(&format!("- --service-cluster-ip-range={range}\n"));
        assert_eq!(of("10.10.10.0/24"), "10.10.10.1".parse().ok());
        assert_eq!(of("fd00:10::/112"), "fd00:10::1".parse().ok());
        assert_eq!([of("255.255.255.255/32"), of("x/24"), of("10.0.0.0")], [None, None, None]);
    }

    #[test]
    fn tags_of_images_are_found() {
        assert_eq!(image_tags(JSON), ["tos-2.1"]);
        assert_eq!(image_tags(YAML), ["tos-2.1"]);
        assert_eq!([tag("reg:5000/a"), tag("a"), tag("a:")], [None, None, None]);
    }

    proptest! {
        #[test]
        fn any_manifest_ends(text in "(--initial-cluster|--service-cluster-ip-range|image|[ -~\n]){0,40}") {
            let _ = (etcd(&text), advertised(&text), service_address(&text), image_tags(&text));
        }
    }
}
