//! How the program was called, to say how to call it next.

use std::fmt::Display;

/// How the program was called.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// The program as it was typed.
    pub program: String,
    /// `--root DIR`, where given.
    pub root: Option<String>,
    /// How it was asked to speak, in the words that were typed.
    pub speech: Vec<String>,
    /// The subcommand.
    pub command: &'static str,
    /// Everything after it.
    pub rest: Vec<String>,
}

impl Call {
    /// The same call with more at its end.
    pub(super) fn again(&self, more: &str) -> String {
        let mut words = vec![self.program.as_str(), self.command];
        words.extend(self.rest.iter().map(String::as_str));
        let more = if more.is_empty() { String::new() } else { format!(" {more}") };
        format!("`{}{}{more}`", words.join(" "), self.everywhere())
    }

    /// The same call for another node.
    pub(super) fn as_node(&self, name: &str) -> String {
        let rest = self.rest.iter().take_while(|word| *word != "--node").cloned().collect();
        Self { rest, ..self.clone() }.again(&format!("--node {name}"))
    }

    /// Another command on the same machine.
    pub(super) fn other(&self, command: &str) -> String {
        format!("`{} {command}{}`", self.program, self.everywhere())
    }

    /// A path of the node as it is found from here: below `--root DIR`, where given.
    pub(super) fn at(&self, path: &impl Display) -> String {
        format!("{}{path}", self.root.as_deref().unwrap_or_default().trim_end_matches('/'))
    }

    /// The folder of such a path.
    pub(super) fn folder_of(&self, path: &impl Display) -> String {
        let path = self.at(path);
        path.rsplit_once('/').map_or_else(|| path.clone(), |(folder, _)| folder.to_owned())
    }

    /// What each command is called with.
    fn everywhere(&self) -> String {
        let root = self.root.as_ref().map_or_else(String::new, |root| format!(" --root {root}"));
        self.speech.iter().fold(root, |words, word| format!("{words} {word}"))
    }
}
