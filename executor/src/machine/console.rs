//! The person at the console: asked only where there is one.

use std::io::{self, IsTerminal as _, Write as _};

use zeroize::Zeroizing;

use super::Machine;

impl Machine {
    /// Whether a person can be asked.
    pub fn has_person(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Asks for a line.
    ///
    /// # Errors
    /// When nobody answers.
    pub fn ask_line(&self, question: &str) -> io::Result<String> {
        write!(io::stderr(), "{question}")?;
        let mut line = String::new();
        let _ = io::stdin().read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }

    /// Asks for a secret, which is not shown while it is typed.
    ///
    /// # Errors
    /// When there is no terminal.
    pub fn ask_secret(&self, question: &str) -> io::Result<Zeroizing<String>> {
        rpassword::prompt_password(question).map(Zeroizing::new)
    }
}
