//! Which runtime this node's pods run in, and how that is known.
//!
//! A program that is there and does not answer must not pass for a node without containers. Neither must an engine that answers and has
//! nothing to do with pods: where the kubelet uses containerd, docker often stands beside it.

use std::time::Duration;

use super::{Runtime, excerpt};
use crate::machine::{Machine, ProcessError};
use bundle_format::{text, word};

/// How long one program may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A runtime, and why it was chosen.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Detection {
    /// The runtime.
    pub runtime: Runtime,
    /// What answered and what did not, a sentence for each that was asked.
    pub why: Vec<String>,
}

/// What came of asking one program.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Answer {
    /// Containers of pods, running or ended.
    Pods,
    /// It answers, and knows no pods.
    NoPods,
    /// It is not there, or does not answer.
    None,
}

impl Runtime {
    /// Asks docker, then `crictl`, which of them has pods. Changes nothing.
    #[must_use]
    pub fn detect(machine: &Machine) -> Detection {
        let (docker, said) = ask_docker(machine);
        let mut why = vec![said];
        let mut crictl = Answer::None;
        if docker != Answer::Pods {
            let (answer, said) = ask_crictl(machine);
            crictl = answer;
            why.push(said);
        }
        Detection { runtime: choose(docker, crictl), why }
    }
}

/// Who has pods; of two without, the one that answers; docker before `crictl`, which may be speaking to the containerd below it.
fn choose(docker: Answer, crictl: Answer) -> Runtime {
    match (docker, crictl) {
        (Answer::Pods, _) => Runtime::Docker,
        (_, Answer::Pods) | (Answer::None, Answer::NoPods) => Runtime::Crictl,
        (Answer::NoPods, _) => Runtime::Docker,
        (Answer::None, Answer::None) => Runtime::ProcessTable,
    }
}

fn ask_docker(machine: &Machine) -> (Answer, String) {
    let version = match machine.run("docker", &["version", "--format", "{{.Server.Version}}"], None, PATIENCE) {
        Ok(output) => version_in(&output.stdout),
        Err(error) => return silent(&error),
    };
    // Other engines put a `docker` in its place whose answers are not docker's.
    let Some(version) = version else {
        return (Answer::None, text!("`docker` answers, but names no engine's version", "`docker` 有应答，但没有给出引擎版本"));
    };
    match machine.run("docker", &["ps", "--all", "--quiet", "--filter", "name=k8s_"], None, PATIENCE) {
        Ok(output) => heard(&text!("`docker` answers, version {version},", "`docker` 有应答，版本 {version}，"), count(&output.stdout)),
        Err(error) => silent(&error),
    }
}

fn ask_crictl(machine: &Machine) -> (Answer, String) {
    match machine.run("crictl", &["ps", "--all", "--quiet"], None, PATIENCE) {
        Ok(output) => heard(word!("`crictl` answers", "`crictl` 有应答，"), count(&output.stdout)),
        Err(error) => silent(&error),
    }
}

fn heard(answers: &str, pods: usize) -> (Answer, String) {
    let answer = if pods == 0 { Answer::NoPods } else { Answer::Pods };
    (answer, text!("{answers} and knows {pods} containers of pods, ended ones too", "{answers}有 {pods} 个 Pod 容器，含已结束的"))
}

fn silent(error: &ProcessError) -> (Answer, String) {
    let said = if error.is_missing() { error.to_string() } else { text!("no answer: {error}", "没有应答：{error}") };
    (Answer::None, said)
}

fn count(ids: &[u8]) -> usize {
    ids.split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).count()
}

/// The version that an engine gives itself.
fn version_in(output: &[u8]) -> Option<String> {
    let version = std::str::from_utf8(output).ok()?.trim();
    version.starts_with(|first: char| first.is_ascii_digit()).then(|| excerpt(version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_pods_is_asked_and_who_is_silent_is_not() {
        use Answer::{NoPods, None, Pods};
        for (docker, crictl, runtime) in [
            (Pods, None, Runtime::Docker),
            (NoPods, None, Runtime::Docker),
            (NoPods, NoPods, Runtime::Docker),
            (NoPods, Pods, Runtime::Crictl),
            (None, Pods, Runtime::Crictl),
            (None, NoPods, Runtime::Crictl),
            (None, None, Runtime::ProcessTable),
        ] {
            assert_eq!(choose(docker, crictl), runtime, "{docker:?} {crictl:?}");
        }
    }

    #[test]
    fn an_engine_is_known_by_its_version() {
        assert_eq!(version_in(b"1.13.1\n").as_deref(), Some("1.13.1"));
        assert_eq!(version_in(b"19.03.15\n").as_deref(), Some("19.03.15"));
        for output in [b"".as_slice(), b"<no value>\n", b"<nil>\n", b"\xff1"] {
            assert_eq!(version_in(output), None);
        }
    }

    #[test]
    fn a_tree_has_no_runtime_but_says_why() {
        let tree = tempfile::tempdir().expect("a folder");
        let detection = Runtime::detect(&Machine::below(tree.path()).expect("a tree"));
        assert_eq!(detection.runtime, Runtime::ProcessTable);
        assert_eq!(detection.why.len(), 2, "{:?}", detection.why);
    }
}
