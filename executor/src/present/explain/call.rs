//! How the program was called, to say how to call it next.

/// How the program was called.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// The program as it was typed.
    pub program: String,
    /// `--root DIR`, where given.
    pub root: Option<String>,
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
        format!("`{}{}{more}`", words.join(" "), self.root())
    }

    /// The same call for another node.
    pub(super) fn as_node(&self, name: &str) -> String {
        let rest = self.rest.iter().take_while(|word| *word != "--node").cloned().collect();
        Self { rest, ..self.clone() }.again(&format!("--node {name}"))
    }

    /// Another command on the same machine.
    pub(super) fn other(&self, command: &str) -> String {
        format!("`{} {command}{}`", self.program, self.root())
    }

    fn root(&self) -> String {
        self.root.as_ref().map_or_else(String::new, |root| format!(" --root {root}"))
    }
}
