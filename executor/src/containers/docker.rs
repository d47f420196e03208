//! Docker's engine, by its command line: versions 1.13 to 28.
//!
//! `docker ps` knows names but no exact times, so those that are asked for are inspected. In between one may go. Clients before 17.06
//! stop at the first that is gone and keep silent about the rest, so whatever has no answer is asked for once more, alone.

use std::{collections::BTreeMap, time::Duration};

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{ANSWER, BEYOND_GRACE, Container, ContainerError, PAUSE, Wanted, excerpt, is_id, says_gone};
use crate::machine::Machine;

const PROGRAM: &str = "docker";
/// Engines take one request for each id, and command lines are bounded.
const AT_ONCE: usize = 100;

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
    let starts = starts(machine, &named)?;
    Ok(named.into_iter().filter_map(|named| started(named, &starts)).collect())
}

fn started(named: Named, starts: &BTreeMap<String, Option<OffsetDateTime>>) -> Option<Container> {
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
fn starts(machine: &Machine, named: &[Named]) -> Result<BTreeMap<String, Option<OffsetDateTime>>, ContainerError> {
    let ids: Vec<&str> = named.iter().map(|named| named.id.as_str()).collect();
    let mut starts = BTreeMap::new();
    for some in ids.chunks(AT_ONCE) {
        starts.append(&mut inspect(machine, some)?);
    }
    for &id in &ids {
        if !starts.contains_key(id) {
            starts.append(&mut inspect(machine, &[id])?);
        }
    }
    Ok(starts)
}

fn inspect(machine: &Machine, ids: &[&str]) -> Result<BTreeMap<String, Option<OffsetDateTime>>, ContainerError> {
    let mut arguments = vec!["inspect", "--type", "container", "--format", "{{.Id}} {{.State.Running}} {{.State.StartedAt}}"];
    arguments.extend(ids);
    let output = machine.attempt(PROGRAM, &arguments, None, ANSWER)?;
    if says_gone(&output, ids) {
        return starts_in(&output.stdout);
    }
    let starts = starts_in(&output.success()?.stdout)?;
    match ids.iter().find(|&&id| !starts.contains_key(id)) {
        Some(id) => Err(malformed("a line about each container", id)),
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
        let (id, names) = line.split_once(' ').filter(|(id, _)| is_id(id)).ok_or_else(|| malformed("id and names", line))?;
        let Some((container, pod, namespace)) = names.split(',').find_map(parts) else { continue };
        if container != PAUSE {
            found.push(Named { id: id.to_owned(), container: container.to_owned(), pod: pod.to_owned(), namespace: namespace.to_owned() });
        }
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
pub fn starts_in(output: &[u8]) -> Result<BTreeMap<String, Option<OffsetDateTime>>, ContainerError> {
    lines(output)?.map(|line| start_in(line).ok_or_else(|| malformed("id, state and time", line))).collect()
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
    ContainerError::Malformed { program: PROGRAM, what: format!("`{}` where {expected} should be", excerpt(found)) }
}
