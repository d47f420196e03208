//! Docker's engine, by its command line: versions 1.13 to 28.
//!
//! `docker ps` knows names but no exact times, so those that are asked for are inspected. In between one may go. Clients before 17.06
//! stop at the first that is gone and keep silent about the rest, so whatever has no answer is asked for once more, alone.

use std::{collections::BTreeMap, time::Duration};

use bundle_format::{text, word};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{ANSWER, BEYOND_GRACE, Container, ContainerError, Listed, PAUSE, Wanted, excerpt, is_id, says_gone};
use crate::machine::Machine;

const PROGRAM: &str = "docker";
/// Engines take one request for each id, and command lines are bounded.
const AT_ONCE: usize = 100;

/// When containers started, by id; none for one that does not run any more.
pub type Starts = BTreeMap<String, Option<OffsetDateTime>>;

/// A container as its name tells it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Named {
    /// Its id.
    pub id: String,
    /// Its name in the pod.
    pub container: String,
    /// The pod.
    pub pod: String,
    /// The pod's namespace.
    pub namespace: String,
}

pub(super) fn running(machine: &Machine, wanted: &Wanted<'_>) -> Result<Vec<Container>, ContainerError> {
    let arguments = ["ps", "--no-trunc", "--format", "{{.ID}} {{.Names}}"];
    let listed = names_in(&machine.run(PROGRAM, &arguments, None, ANSWER)?.stdout)?;
    let named: Vec<Named> = listed.into_iter().filter(|named| wanted.fits(&named.container, &named.pod, &named.namespace)).collect();
    let starts = starts(&named, |ids| inspect(machine, ids))?;
    Ok(named.into_iter().filter_map(|named| started(named, &starts)).collect())
}

pub(super) fn all(machine: &Machine) -> Result<Vec<Listed>, ContainerError> {
    let arguments = ["ps", "--all", "--no-trunc", "--format", "{{.ID}} {{.Names}} {{.Image}}"];
    all_in(&machine.run(PROGRAM, &arguments, None, ANSWER)?.stdout)
}

fn started(named: Named, starts: &Starts) -> Option<Container> {
    let started = (*starts.get(&named.id)?)?;
    Some(Container { id: named.id, container: named.container, pod: named.pod, namespace: named.namespace, started })
}

pub(super) fn stop(machine: &Machine, id: &str, grace: Duration) -> Result<(), ContainerError> {
    let seconds = grace.as_secs().to_string();
    let output = machine.attempt(PROGRAM, &["stop", "-t", &seconds, id], None, grace + BEYOND_GRACE)?;
    if !says_gone(&output, &[id]) {
        output.success()?;
    }
    Ok(())
}

/// When each started; none for one that has ended meanwhile, nothing for one that is gone.
fn starts(named: &[Named], mut inspect: impl FnMut(&[&str]) -> Result<Starts, ContainerError>) -> Result<Starts, ContainerError> {
    let ids: Vec<&str> = named.iter().map(|named| named.id.as_str()).collect();
    let mut starts = Starts::new();
    for some in ids.chunks(AT_ONCE) {
        starts.append(&mut inspect(some)?);
    }
    for &id in &ids {
        if !starts.contains_key(id) {
            starts.append(&mut inspect(&[id])?);
        }
    }
    Ok(starts)
}

fn inspect(machine: &Machine, ids: &[&str]) -> Result<Starts, ContainerError> {
    let mut arguments = vec!["inspect", "--type", "container", "--format", "{{.Id}} {{.State.Running}} {{.State.StartedAt}}"];
    arguments.extend(ids);
    let output = machine.attempt(PROGRAM, &arguments, None, ANSWER)?;
    if says_gone(&output, ids) {
        return starts_in(&output.stdout);
    }
    let starts = starts_in(&output.success()?.stdout)?;
    match ids.iter().find(|&&id| !starts.contains_key(id)) {
        Some(id) => Err(malformed(word!("a line about each container", "每个容器的一行"), id)),
        None => Ok(starts),
    }
}

/// The application containers of pods among the lines `<id> <names>` of `docker ps`. Containers of no pod are left out.
///
/// # Errors
/// When a line is another.
pub fn names_in(output: &[u8]) -> Result<Vec<Named>, ContainerError> {
    let mut found = Vec::new();
    for line in lines(output)? {
        // One that is just being removed has no name any more.
        let (id, names) = line.split_once(' ').unwrap_or((line, ""));
        if !is_id(id) {
            return Err(malformed(word!("an id", "容器 id"), line));
        }
        let Some((container, pod, namespace)) = names.split(',').find_map(parts) else { continue };
        if container != PAUSE {
            found.push(Named { id: id.to_owned(), container: container.to_owned(), pod: pod.to_owned(), namespace: namespace.to_owned() });
        }
    }
    Ok(found)
}

/// The application containers of pods among the lines `<id> <names> <image>` of `docker ps`.
///
/// # Errors
/// When a line is another.
pub fn all_in(output: &[u8]) -> Result<Vec<Listed>, ContainerError> {
    let mut found = Vec::new();
    for line in lines(output)? {
        let (named, image) = line.rsplit_once(' ').ok_or_else(|| malformed(word!("id, names and image", "id、名称和镜像"), line))?;
        let named = names_in(named.as_bytes())?.into_iter();
        found.extend(named.map(|Named { container, pod, namespace, .. }| Listed { container, pod, namespace, image: image.to_owned() }));
    }
    Ok(found)
}

/// Container, pod and namespace of `k8s_<container>_<pod>_<namespace>_<uid>_<attempt>`. A seventh part comes after a conflict of names; kubelets
/// before 1.6 put `.<hash>` behind the container.
fn parts(name: &str) -> Option<(&str, &str, &str)> {
    let parts: Vec<&str> = name.splitn(8, '_').collect();
    let (["k8s", container, pod, namespace, _, _] | ["k8s", container, pod, namespace, _, _, _]) = parts.as_slice() else { return None };
    let container = container.split_once('.').map_or(*container, |(container, _)| container);
    let is_whole = [container, pod, namespace].iter().all(|part| !part.is_empty() && !part.contains(char::is_whitespace));
    is_whole.then_some((container, pod, namespace))
}

/// When the containers of the lines `<id> <running> <started at>` of `docker inspect` started; none where one does not run any more.
///
/// # Errors
/// When a line is another.
pub fn starts_in(output: &[u8]) -> Result<Starts, ContainerError> {
    lines(output)?.map(|line| start_in(line).ok_or_else(|| malformed(word!("id, state and time", "id、状态和时间"), line))).collect()
}

fn start_in(line: &str) -> Option<(String, Option<OffsetDateTime>)> {
    let mut words = line.split(' ');
    let (id, running, time) = (words.next().filter(|id| is_id(id))?, words.next()?, words.next()?);
    let started = match (running, words.next()) {
        ("true", None) => Some(OffsetDateTime::parse(time, &Rfc3339).ok()?),
        ("false", None) => None,
        _ => return None,
    };
    Some((id.to_owned(), started))
}

fn lines(output: &[u8]) -> Result<impl Iterator<Item = &str>, ContainerError> {
    let text = std::str::from_utf8(output).map_err(|error| ContainerError::Malformed { program: PROGRAM, what: error.to_string() })?;
    Ok(text.lines().map(str::trim_end).filter(|line| !line.is_empty()))
}

fn malformed(expected: &str, found: &str) -> ContainerError {
    ContainerError::Malformed {
        program: PROGRAM,
        what: text!("`{}` where {expected} should be", "此处是 `{}`，应为：{expected}"; excerpt(found)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    const ETCD: &str = "92dd8d1b36be88e9e7ddfcc2c28093fcf737f4479e3e60ad10eef686e3bb1cb3";
    const PAUSE_OF_ETCD: &str = "3b4bed0fa989a5ac76ab5e23d3ffc3a363cd26961de54646b448d18ef4825e2e";
    const DATABASE: &str = "b66518af940c7e328e4cd43aad9917157c63cc101a65b4baa0a36180d63221af";
    const UID: &str = "e6a3c26e60fad7c80fea893016c4a9e8";

    fn names(output: &str) -> Vec<(String, String, String)> {
        let found = names_in(output.as_bytes()).expect("these are lines of docker ps");
        found.into_iter().map(|named| (named.container, named.pod, named.namespace)).collect()
    }

    fn one(container: &str, pod: &str) -> Vec<(String, String, String)> {
        vec![(container.to_owned(), pod.to_owned(), "kube-system".to_owned())]
    }

    #[test]
    fn application_containers_of_pods_are_told_from_the_rest() {
        let output = format!(
            "{DATABASE} manager-db\n{ETCD} k8s_tos-etcd-tos_tos-etcd-n1_kube-system_{UID}_0\n{PAUSE_OF_ETCD} k8s_POD_tos-etcd-n1_kube-system_{UID}_0\n"
        );
        assert_eq!(names(&output), one("tos-etcd-tos", "tos-etcd-n1"));
        assert!(names("").is_empty() && names("\n").is_empty());
    }

    #[test]
    fn all_containers_are_read_with_their_images() {
        let output = format!(
            "{ETCD} k8s_registry_registry-n1_kube-system_{UID}_0 transwarp/registry:tos-2.1\n{PAUSE_OF_ETCD} k8s_POD_tos-etcd-n1_kube-system_{UID}_0 pause\n{DATABASE} manager-db mysql\n"
        );
        let found = all_in(output.as_bytes()).expect("these are lines of docker ps");
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].container.as_str(), found[0].image.as_str()), ("registry", "transwarp/registry:tos-2.1"));
        for output in ["x", "--all a b", "Cannot connect to it"] {
            assert!(all_in(output.as_bytes()).is_err(), "{output}");
        }
    }

    #[test]
    fn every_form_of_a_name_that_kubelets_give_is_read() {
        for name in [
            format!("k8s_tos-etcd_tos-etcd-n1.site.cn_kube-system_{UID}_12"),
            format!("k8s_tos-etcd_tos-etcd-n1.site.cn_kube-system_{UID}_0_5b3f7a10"),
            format!("k8s_tos-etcd.d8dbe16c_tos-etcd-n1.site.cn_kube-system_{UID}_87c4a2b1"),
            format!("other/alias,k8s_tos-etcd_tos-etcd-n1.site.cn_kube-system_{UID}_0"),
        ] {
            assert_eq!(names(&format!("{ETCD} {name}\n")), one("tos-etcd", "tos-etcd-n1.site.cn"), "{name}");
        }
        assert!(names(&format!("{ETCD} k8s_POD.d8dbe16c_tos-etcd-n1_kube-system_{UID}_87c4a2b1\n")).is_empty());
    }

    #[test]
    fn a_name_that_no_kubelet_gives_is_nobodys_pod() {
        for name in [
            "k8s_",
            "k8s_tos-etcd",
            "k8s_a_b_c_d",
            "k8s_a_b_c_d_e_f_g",
            "k8s__b_c_d_0",
            "k8s_a__c_d_0",
            "xk8s_a_b_c_d_0",
            "k8s_a b_p_n_u_0",
            "",
        ] {
            assert!(names(&format!("{ETCD} {name}\n")).is_empty(), "{name}");
        }
    }

    #[test]
    fn a_line_that_is_none_is_an_error_and_not_an_empty_list() {
        for output in ["Cannot connect", "--all k8s_a_b_c_d_0", "xyz", &format!("{ETCD}\tk8s_a_b_c_d_0")] {
            assert!(matches!(names_in(output.as_bytes()), Err(ContainerError::Malformed { .. })), "{output}");
        }
        assert!(names_in(&[ETCD.as_bytes(), b" k8s_\xff_b_c_d_0\n"].concat()).is_err());
        let long = "x".repeat(100_000);
        let error = names_in(long.as_bytes()).expect_err("it is no line").to_string();
        assert!(error.len() < 300, "{} bytes of error", error.len());
    }

    #[test]
    fn starts_are_read_and_the_ended_have_none() {
        let output = format!(
            "{ETCD} true 2026-11-24T22:22:06.763923119Z\n{PAUSE_OF_ETCD} false 0001-01-01T00:00:00Z\n{DATABASE} true 2022-08-05T10:00:00+08:00\n"
        );
        let starts = starts_in(output.as_bytes()).expect("these are lines of docker inspect");
        assert_eq!(starts[ETCD], Some(datetime!(2026-11-24 22:22:06.763_923_119 UTC)));
        assert_eq!(starts[PAUSE_OF_ETCD], None);
        assert_eq!(starts[DATABASE], Some(datetime!(2022-08-05 02:00:00 UTC)));
    }

    fn named(ids: &[&str]) -> Vec<Named> {
        ids.iter()
            .map(|id| Named { id: (*id).to_owned(), container: String::new(), pod: String::new(), namespace: String::new() })
            .collect()
    }

    #[test]
    fn one_that_is_gone_hides_no_other_from_a_client_that_stops_there() {
        let old_client = |ids: &[&str]| Ok(ids.iter().take_while(|&&id| id != PAUSE_OF_ETCD).map(|&id| (id.to_owned(), None)).collect());
        let starts = super::starts(&named(&[PAUSE_OF_ETCD, ETCD, DATABASE]), old_client).expect("answers");
        assert_eq!(starts.keys().collect::<Vec<_>>(), [ETCD, DATABASE]);
    }

    #[test]
    fn many_are_asked_for_some_at_a_time_and_none_at_all_is_not_asked_for() {
        let ids: Vec<String> = (0..250).map(|number| format!("{number:064x}")).collect();
        let mut asked = Vec::new();
        let answer = |ids: &[&str]| {
            asked.push(ids.len());
            Ok(ids.iter().map(|&id| (id.to_owned(), None)).collect())
        };
        let found = starts(&named(&ids.iter().map(String::as_str).collect::<Vec<_>>()), answer).expect("answers");
        assert_eq!((found.len(), asked), (250, vec![100, 100, 50]));
        assert!(starts(&[], |_| panic!("nobody is asked for")).expect("nothing").is_empty());
    }

    #[test]
    fn a_client_that_found_nothing_writes_an_empty_line() {
        assert!(starts_in(b"\n").expect("1.13 does").is_empty());
    }

    #[test]
    fn a_start_that_is_none_is_an_error() {
        for line in [
            "true",
            "true 2026-11-24",
            "true yesterday",
            "maybe 2026-11-24T22:22:06Z",
            "true 2026-11-24T22:22:06Z more",
            "<no value> <no value>",
        ] {
            assert!(starts_in(format!("{ETCD} {line}\n").as_bytes()).is_err(), "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_output_panics(output: Vec<u8>) {
            let _ = (names_in(&output), starts_in(&output), all_in(&output));
        }

        #[test]
        fn a_name_made_as_kubelets_do_is_read_back(container in "[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?", pod in "[a-z0-9]([-a-z0-9.]{0,40}[a-z0-9])?", namespace in "[a-z0-9]{1,20}") {
            let output = format!("{ETCD} k8s_{container}_{pod}_{namespace}_{UID}_0\n");
            prop_assert_eq!(names(&output), vec![(container, pod, namespace)]);
        }
    }
}
