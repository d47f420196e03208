//! The journal of a run, as a crash or a bad disk may leave it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reseal_node::journal::History;

fuzz_target!(|bytes: &[u8]| {
    let Ok(history) = History::read(bytes) else { return };
    let good = usize::try_from(history.good_bytes).expect("no more than was read");
    assert!(good <= bytes.len());
    // What was found good is good on its own, and nothing is torn in it.
    let again = History::read(&bytes[..good]).expect("the good part reads");
    assert_eq!((again.entries.len(), again.good_bytes, again.is_torn), (history.entries.len(), history.good_bytes, false));
});
