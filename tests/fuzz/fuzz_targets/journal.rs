//! The journal of a run, as a crash or a bad disk may leave it; and, since no fuzzer finds a digest, each line of the input once more as
//! a record that is sealed here: what can be read, leads to a state, and goes on from there.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reseal_node::journal::{Entry, History, Phase, Record, undo_order};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(history) = History::read(bytes) {
        let good = usize::try_from(history.good_bytes).expect("no more than was read");
        assert!(good <= bytes.len());
        // What was found good is good on its own, and nothing is torn in it.
        let again = History::read(&bytes[..good]).expect("the good part reads");
        assert_eq!((again.entries.len(), again.good_bytes, again.is_torn), (history.entries.len(), history.good_bytes, false));
        stand(&history);
    }
    let (written, history) = sealed(bytes);
    if history.entries.is_empty() {
        return;
    }
    if let Ok(read) = History::read(&written) {
        assert!(read == history, "what was written is read");
        stand(&read);
        torn(&written, &read, bytes.len());
    }
});

/// A journal of the lines that are records, whatever digits stand before them.
fn sealed(bytes: &[u8]) -> (Vec<u8>, History) {
    let mut history = History::default();
    let mut written = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let document = line.iter().position(|byte| *byte == b'{').map_or(line, |at| &line[at..]);
        if let Ok(entry) = serde_json::from_slice::<Entry>(document)
            && let Ok(line) = history.add(entry)
        {
            written.extend(line);
        }
    }
    (written, history)
}

/// What follows from the records, within its bounds.
fn stand(history: &History) {
    let Ok(state) = history.state() else { return };
    let steps = state.begin.map_or(&[][..], |begin| &begin.steps);
    match state.phase {
        Phase::Applying { done, started } => assert!(done + usize::from(started) <= steps.len()),
        Phase::Undoing { reached, undone, .. } => {
            assert!(undone <= reached && reached <= steps.len());
            let mut order = undo_order(steps, reached);
            order.sort_unstable();
            assert!(order.into_iter().eq(0..reached), "each step is undone once");
        }
        Phase::Empty => assert!(history.entries.is_empty()),
        Phase::Abandoned | Phase::Applied | Phase::Preparing | Phase::RolledBack => {}
    }
    assert!(!state.is_unfinished() || state.can_be_undone());
    assert!(!state.is_stillborn() || !state.can_be_undone());
    follow(history, state.can_be_undone());
}

/// A rollback may begin exactly where there is something to undo.
fn follow(history: &History, can_be_undone: bool) {
    let Some(last) = history.entries.last() else { return };
    let mut next = history.clone();
    let undo = Record::UndoStarted { why: "to see".to_owned(), discard_changes: false };
    next.add(Entry { at: last.at, record: undo }).expect("a time that was read can be written");
    let after = next.state();
    assert_eq!(after.is_ok(), can_be_undone);
    assert!(after.is_ok_and(|state| state.is_unfinished()) || !can_be_undone);
}

/// Cut anywhere within its last line, a journal is all but that, and says so.
fn torn(written: &[u8], whole: &History, at: usize) {
    let kept = written[..written.len() - 1].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let cut = kept + at % (written.len() - kept);
    let torn = History::read(&written[..cut]).expect("a torn tail is no damage");
    assert_eq!((torn.good_bytes, torn.is_torn), (kept as u64, cut != kept));
    assert!(torn.entries == whole.entries[..whole.entries.len() - 1]);
}
