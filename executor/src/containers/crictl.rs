//! A runtime of the Container Runtime Interface, by `crictl`: versions 1.11 on.

use std::{collections::BTreeMap, time::Duration};

use bundle_format::text;
use serde::Deserialize;
use time::OffsetDateTime;

use super::{ANSWER, BEYOND_GRACE, Container, ContainerError, Listed, Wanted, is_id, says_gone};
use crate::machine::Machine;

const PROGRAM: &str = "crictl";
const RUNNING: &str = "CONTAINER_RUNNING";

pub(super) fn running(machine: &Machine, wanted: &Wanted<'_>) -> Result<Vec<Container>, ContainerError> {
    let output = machine.run(PROGRAM, &["ps", "-o", "json"], None, ANSWER)?;
    let mut running = running_in(&output.stdout)?;
    running.retain(|found| wanted.fits(&found.container, &found.pod, &found.namespace));
    Ok(running)
}

pub(super) fn all(machine: &Machine) -> Result<Vec<Listed>, ContainerError> {
    all_in(&machine.run(PROGRAM, &["ps", "--all", "-o", "json"], None, ANSWER)?.stdout)
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
    #[serde(default)]
    image: Option<Image>,
    state: String,
    created_at: Nanoseconds,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
}

/// The image as the pod named it (of later versions), or as the runtime knows it, which may be a digest.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Image {
    image: String,
    user_specified_image: String,
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

/// The containers of a `crictl ps --all -o json`.
///
/// # Errors
/// When it is none.
pub fn all_in(output: &[u8]) -> Result<Vec<Listed>, ContainerError> {
    let answer: Answer = serde_json::from_slice(output).map_err(|error| malformed(error.to_string()))?;
    answer.containers.into_iter().map(listed).collect()
}

fn listed(mut entry: Entry) -> Result<Listed, ContainerError> {
    let Image { image, user_specified_image } = entry.image.take().unwrap_or_default();
    let image = if user_specified_image.is_empty() { image } else { user_specified_image };
    container(entry).map(|Container { container, pod, namespace, .. }| Listed { container, pod, namespace, image })
}

fn container(entry: Entry) -> Result<Container, ContainerError> {
    let mut labels = entry.labels.unwrap_or_default();
    let mut label = |name: &str| labels.remove(&format!("io.kubernetes.{name}"));
    let started = entry.created_at.time().ok_or_else(|| malformed(text!("a time of creation that is none", "创建时间无效")))?;
    if !is_id(&entry.id) {
        return Err(malformed(text!("an id that is not hexadecimal", "id 不是十六进制")));
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    const OLD: &str = r#"{
  "containers": [
    {
      "id": "2f2b3a4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708",
      "podSandboxId": "0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9",
      "metadata": { "name": "tos-etcd", "attempt": 0 },
      "image": { "image": "sha256:5db7" },
      "imageRef": "sha256:5db7",
      "state": "CONTAINER_RUNNING",
      "createdAt": "1534298400123456789",
      "labels": {
        "io.kubernetes.container.name": "tos-etcd",
        "io.kubernetes.pod.name": "tos-etcd-n1",
        "io.kubernetes.pod.namespace": "kube-system",
        "io.kubernetes.pod.uid": "e6a3c26e60fad7c80fea893016c4a9e8"
      },
      "annotations": { "io.kubernetes.container.restartCount": "0" }
    },
    {
      "id": "aa2b3a4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708",
      "metadata": { "name": "tos-etcd", "attempt": 1 },
      "state": "CONTAINER_EXITED",
      "createdAt": "1534298300000000000",
      "labels": null
    }
  ]
}"#;

    #[test]
    fn all_containers_are_read_with_their_images() {
        let found = all_in(OLD.as_bytes()).expect("an answer");
        let images: Vec<&str> = found.iter().map(|listed| listed.image.as_str()).collect();
        assert_eq!(images, ["sha256:5db7", ""]);
        let named = OLD.replace("\"image\": \"sha256:5db7\"", "\"image\": \"sha256:5db7\", \"userSpecifiedImage\": \"t/etcd:tos-2.1\"");
        assert_eq!(all_in(named.as_bytes()).expect("an answer")[0].image, "t/etcd:tos-2.1");
        assert!(all_in(b"{").is_err());
    }

    #[test]
    fn running_containers_are_read_and_the_ended_are_not() {
        let found = running_in(OLD.as_bytes()).expect("an answer");
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(
            (found[0].container.as_str(), found[0].pod.as_str(), found[0].namespace.as_str()),
            ("tos-etcd", "tos-etcd-n1", "kube-system")
        );
        assert_eq!(found[0].started, datetime!(2018-08-15 02:00:00.123_456_789 UTC));
    }

    #[test]
    fn later_fields_and_missing_labels_do_not_matter() {
        let new = r#"{"containers":[{"id":"0f0f0f0f0f0f0f","metadata":{"name":"flanneld","attempt":2},"state":"CONTAINER_RUNNING",
            "createdAt":1700000000000000000,"imageId":"","image":{"userSpecifiedImage":"x","runtimeHandler":""}}]}"#;
        let found = running_in(new.as_bytes()).expect("an answer");
        assert_eq!((found[0].container.as_str(), found[0].pod.as_str()), ("flanneld", ""));
        assert!(running_in(br#"{"containers":[]}"#).expect("an answer").is_empty());
    }

    #[test]
    fn what_is_no_answer_is_an_error_and_not_an_empty_list() {
        let deep = "[".repeat(100_000);
        for output in ["", "{}", "null", "[]", "time=\"…\" level=warning", &OLD[..OLD.len() - 9], &deep] {
            assert!(running_in(output.as_bytes()).is_err(), "{}", &output[..output.len().min(40)]);
        }
        assert!(running_in(b"{\"containers\":[{\"id\":\"\xff").is_err());
        for (from, to) in [("\"2f2b", "\"--all"), ("1534298400123456789", "soon"), ("1534298400123456789", "99999999999999999999")] {
            let spoilt = OLD.replacen(from, to, 1);
            assert!(matches!(running_in(spoilt.as_bytes()), Err(ContainerError::Malformed { .. })), "{from} to {to}");
        }
    }

    proptest! {
        #[test]
        fn no_output_panics(output: Vec<u8>) {
            let _ = running_in(&output);
        }
    }
}
