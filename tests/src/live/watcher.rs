//! Watches the command lines and environments of all processes of this machine, and so of all nodes, for bytes that must not be there.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

const BETWEEN_LOOKS: Duration = Duration::from_millis(3);

/// A watch that goes on until it is stopped.
pub struct Watcher {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Watched>>,
}

/// What a [`Watcher`] saw.
#[derive(Debug, Default)]
pub struct Watched {
    /// How many times it looked at everything.
    pub looks: u64,
    /// Each command line or environment in which something was found, with what was found cut out.
    pub findings: Vec<String>,
}

impl Watcher {
    /// Watches for these, each of which should be long enough not to occur by chance.
    #[must_use]
    pub fn start(needles: Vec<Vec<u8>>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut watched = Watched::default();
            while !stopped.load(Ordering::Relaxed) {
                look(&needles, &mut watched);
                thread::sleep(BETWEEN_LOOKS);
            }
            watched
        });
        Self { stop, thread: Some(thread) }
    }

    /// Ends the watch.
    ///
    /// # Panics
    /// When it failed.
    #[must_use]
    pub fn stop(mut self) -> Watched {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().expect("it is stopped once").join().expect("the watch does not fail")
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Parts of a PEM file, line by line, as they would appear if it were handed on whole, in lines, or without its line ends.
#[must_use]
pub fn lines_of(pem: &[u8]) -> Vec<Vec<u8>> {
    pem.split(|byte| *byte == b'\n').filter(|line| line.len() >= 40).map(<[u8]>::to_vec).collect()
}

fn look(needles: &[Vec<u8>], watched: &mut Watched) {
    watched.looks += 1;
    for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
        if !process.file_name().to_string_lossy().starts_with(|first: char| first.is_ascii_digit()) {
            continue;
        }
        for file in ["cmdline", "environ"] {
            let content = fs::read(process.path().join(file)).unwrap_or_default();
            if needles.iter().any(|needle| content.windows(needle.len()).any(|window| window == needle)) {
                let name = String::from_utf8_lossy(&fs::read(process.path().join("comm")).unwrap_or_default()).trim().to_owned();
                let begin = String::from_utf8_lossy(&content[..content.len().min(80)]).replace('\0', " ");
                watched.findings.push(format!("{file} of {name}: {begin}…"));
            }
        }
    }
}
