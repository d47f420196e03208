//! A runtime of the Container Runtime Interface, by `crictl`: versions 1.11 on.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;
use time::OffsetDateTime;

use super::{ANSWER, BEYOND_GRACE, Container, ContainerError, Wanted, is_id, says_gone};
use crate::machine::Machine;

const PROGRAM: &str = "crictl";
const RUNNING: &str = "CONTAINER_RUNNING";

pub(super) fn running(machine: &Machine, wanted: &Wanted<'_>) -> Result<Vec<Container>, ContainerError> {
    let output = machine.run(PROGRAM, &["ps", "-o", "json"], None, ANSWER)?;
    let mut running = running_in(&output.stdout)?;
    running.retain(|found| wanted.fits(&found.container, &found.pod, &found.namespace));
    Ok(running)
}

pub(super) fn stop(machine: &Machine, id: &str, grace: Duration) -> Result<(), ContainerError> {
    let seconds = grace.as_secs().to_string();
    let output = machine.attempt(PROGRAM, &["stop", "--timeout", &seconds, id], None, grace + BEYOND_GRACE)?;
    if !says_gone(&output, &[id]) {
        output.success()?;
    }
    Ok(())
}

/// The answer of `crictl ps -o json`, as far as it matters here.
#[derive(Deserialize)]
struct Answer {
    containers: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    id: String,
    metadata: Metadata,
    state: String,
    created_at: Nanoseconds,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
}

/// Since 1970. JSON of protocol buffers writes 64-bit numbers as strings.
#[derive(Deserialize)]
#[serde(untagged)]
enum Nanoseconds {
    Number(i64),
    Text(String),
}

/// The containers that run, of a `crictl ps -o json`. Pause containers are never in it: the interface calls them sandboxes.
///
/// # Errors
/// When it is none.
pub fn running_in(output: &[u8]) -> Result<Vec<Container>, ContainerError> {
    let answer: Answer = serde_json::from_slice(output).map_err(|error| malformed(error.to_string()))?;
    answer.containers.into_iter().filter(|entry| entry.state == RUNNING).map(container).collect()
}

fn container(entry: Entry) -> Result<Container, ContainerError> {
    let mut labels = entry.labels.unwrap_or_default();
    let mut label = |name: &str| labels.remove(&format!("io.kubernetes.{name}"));
    let started = entry.created_at.time().ok_or_else(|| malformed("a time of creation that is none".to_owned()))?;
    if !is_id(&entry.id) {
        return Err(malformed("an id that is not hexadecimal".to_owned()));
    }
    Ok(Container {
        container: label("container.name").unwrap_or(entry.metadata.name),
        pod: label("pod.name").unwrap_or_default(),
        namespace: label("pod.namespace").unwrap_or_default(),
        id: entry.id,
        started,
    })
}

impl Nanoseconds {
    fn time(&self) -> Option<OffsetDateTime> {
        let nanoseconds = match self {
            Self::Number(number) => *number,
            Self::Text(text) => text.parse().ok()?,
        };
        OffsetDateTime::from_unix_timestamp_nanos(nanoseconds.into()).ok()
    }
}

fn malformed(what: String) -> ContainerError {
    ContainerError::Malformed { program: PROGRAM, what }
}
