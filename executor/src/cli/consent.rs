//! A person's consent: typed at the console, or given beforehand by `--yes`.

use bundle_format::word;

use super::Context;
use crate::{error::Failure, preflight::Refusal};

/// Asks for consent to `what` until there is an answer: `word`, or anything else, which refuses.
///
/// # Errors
/// When nobody agrees.
pub fn agree(context: &Context, yes: bool, question: &str, word: &str, what: &str) -> Result<(), Failure> {
    let refused = |why| Err(Refusal::Unconfirmed { what: what.to_owned(), why }.into());
    if yes {
        return Ok(());
    }
    if !context.machine.has_person() {
        return refused(word!("there is no terminal to ask at", "没有可以询问的终端"));
    }
    match context.machine.ask_line(question) {
        Ok(answer) if answer == word => Ok(()),
        Ok(answer) if answer.is_empty() => refused(word!("nothing was typed", "没有输入任何内容")),
        _ => refused(word!("something else was typed", "输入的内容不符")),
    }
}
