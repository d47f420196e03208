//! Programs that end badly, late, loudly or not at all.

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use reseal_node::machine::{Ending, Machine, Output, ProcessError};

const PATIENT: Duration = Duration::from_secs(20);

fn sh(script: &str, input: Option<&[u8]>, patience: Duration) -> Result<Output, ProcessError> {
    Machine::whole().run("sh", &["-c", script], input, patience)
}

/// Whether a process with this pid still runs, ended ones that nobody buried left out.
fn runs(pid: &str) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{}/stat", pid.trim())) else { return false };
    !stat.rsplit(')').next().unwrap().trim_start().starts_with('Z')
}

fn is_gone_soon(pid: &str) -> bool {
    (0..200).any(|_| {
        thread::sleep(Duration::from_millis(10));
        !runs(pid)
    })
}

fn zombies_of_ours() -> usize {
    let ours = format!(") Z {} ", std::process::id());
    let stats = fs::read_dir("/proc").unwrap().filter_map(|entry| fs::read_to_string(entry.ok()?.path().join("stat")).ok());
    stats.filter(|stat| stat.contains(&ours)).count()
}

#[test]
fn output_comes_whole_and_apart() {
    let output = sh("echo out; echo complaint >&2", None, PATIENT).unwrap();
    assert_eq!((output.stdout.as_slice(), output.stderr.as_slice()), (b"out\n".as_slice(), b"complaint\n".as_slice()));
    assert_eq!(output.ending, Ending::Exit(0));
}

#[test]
fn a_program_that_fails_says_with_what_and_why() {
    let error = sh("echo first >&2; printf 'no such\\tthing\\n\\n' >&2; exit 7", None, PATIENT).unwrap_err();
    assert_eq!(error.to_string(), "`sh` ended with exit status 7: no such thing");
    let error = sh("kill -9 $$", None, PATIENT).unwrap_err();
    assert_eq!(error.to_string(), "`sh` was ended by signal 9");
}

#[test]
fn a_program_that_is_not_there_is_a_case_of_its_own() {
    for program in ["reseal-no-such-program", "/nowhere/sh", "./sh", "/etc/passwd", "/usr", ""] {
        let error = Machine::whole().run(program, &["x"], None, PATIENT).unwrap_err();
        assert!(error.is_missing(), "{program:?}: {error}");
    }
}

#[test]
fn no_program_runs_for_a_tree() {
    let tree = tempfile::tempdir().unwrap();
    let error = Machine::below(tree.path()).unwrap().run("true", &["x"], None, PATIENT).unwrap_err();
    assert!(matches!(error, ProcessError::Tree(_)), "{error}");
}

#[test]
fn a_program_knows_its_folders_speaks_c_and_stands_nowhere() {
    let output = sh("echo \"$PATH|$LC_ALL|$LANG|${LANGUAGE-none}|$PWD\"", None, PATIENT).unwrap();
    let text = String::from_utf8(output.stdout.to_vec()).unwrap();
    assert!(text.starts_with("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:"), "{text}");
    assert!(text.ends_with("|C|C|none|/\n"), "{text}");
}

#[test]
fn without_input_there_is_none_to_read() {
    assert_eq!(sh("cat", None, PATIENT).unwrap().stdout.len(), 0);
}

#[test]
fn input_larger_than_any_pipe_goes_in_while_as_much_comes_out() {
    let input: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
    let output = sh("tee /dev/stderr | cat", Some(&input), PATIENT).unwrap();
    assert!(output.stdout.as_slice() == input, "{} bytes came back", output.stdout.len());
    assert!(output.stderr.as_slice() == &input[input.len() - (64 << 10)..], "{} bytes of complaint", output.stderr.len());
}

#[test]
fn a_program_that_reads_no_input_ends_as_it_likes() {
    let input = vec![b'x'; 1 << 20];
    assert_eq!(sh("exec <&-; sleep 0.2; echo done", Some(&input), PATIENT).unwrap().stdout.as_slice(), b"done\n");
    let begun = Instant::now();
    let error = sh("sleep 60", Some(&input), Duration::from_millis(300)).unwrap_err();
    assert!(matches!(error, ProcessError::Ended { ending: Ending::OutOfTime(_), .. }), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
fn patience_ends_even_where_sigterm_is_ignored_and_a_grandchild_holds_the_pipes() {
    let folder = tempfile::tempdir().unwrap();
    let pids = folder.path().join("pids");
    let script =
        format!("trap '' TERM HUP INT; (trap '' TERM; echo waiting; sleep 77) & echo $! $$ > {}; echo late >&2; wait", pids.display());
    let begun = Instant::now();
    let output = Machine::whole().attempt("sh", &["-c", &script], None, Duration::from_millis(500)).unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(output.ending, Ending::OutOfTime(Duration::from_millis(500)));
    assert_eq!((output.stdout.as_slice(), output.said.as_str()), (b"waiting\n".as_slice(), "late"));
    assert!(all_gone(&pids));
    assert_eq!(output.success().unwrap_err().to_string(), "`sh` did not end within 500ms: late");
}

#[test]
fn what_a_program_leaves_behind_ends_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let pids = folder.path().join("pids");
    let begun = Instant::now();
    let output = sh(&format!("(trap '' TERM; sleep 77) & echo $! > {}; echo done", pids.display()), None, PATIENT).unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(output.stdout.as_slice(), b"done\n");
    assert!(all_gone(&pids));
}

#[test]
fn a_pipe_that_is_held_open_from_another_group_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let pids = folder.path().join("pids");
    let script = format!("setsid sh -c 'echo $$ > {0}; exec yes' & while [ ! -s {0} ]; do sleep 0.05; done; exec >&-", pids.display());
    let begun = Instant::now();
    let outcome = sh(&script, None, PATIENT);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    // It escaped on purpose; with its reader gone it ends by itself.
    assert!(all_gone(&pids));
    assert!(matches!(outcome, Ok(_) | Err(ProcessError::Flood { .. })));
}

fn all_gone(pids: &Path) -> bool {
    fs::read_to_string(pids).unwrap().split_whitespace().all(is_gone_soon)
}

#[test]
fn output_without_an_end_is_stopped_and_complaint_without_an_end_is_not_kept() {
    let begun = Instant::now();
    let error = sh("exec yes", None, PATIENT).unwrap_err();
    assert!(matches!(error, ProcessError::Flood { most, .. } if most == 4 << 20), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    let output = Machine::whole().attempt("sh", &["-c", "exec yes >&2"], None, Duration::from_millis(500)).unwrap();
    assert_eq!((output.ending, output.stderr.len()), (Ending::OutOfTime(Duration::from_millis(500)), 64 << 10));
    let error = sh("head -c 5000000 /dev/zero >&2; echo >&2; echo last >&2; exit 1", None, PATIENT).unwrap_err();
    assert_eq!(error.to_string(), "`sh` ended with exit status 1: last");
}

#[test]
fn a_secret_that_was_sent_is_in_no_error_and_no_debug_output() {
    let secret = b"insert 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQ'";
    let output = Machine::whole()
        .attempt("sh", &["-c", "read -r line; echo \"ERROR near $line\" | tee /dev/stderr; exit 1"], Some(secret), PATIENT)
        .unwrap();
    assert!(!format!("{output:?}").contains("BADANBgkqhkiG9w0"), "{output:?}");
    let error = output.success().unwrap_err();
    assert!(!format!("{error} {error:?}").contains("BADANBgkqhkiG9w0"), "{error:?}");
    assert!(error.to_string().starts_with("`sh` ended with exit status 1: ERROR near"), "{error}");
}

#[test]
fn the_ended_are_buried() {
    for _ in 0..20 {
        sh("true", None, PATIENT).unwrap();
        sh("false", None, PATIENT).unwrap_err();
        sh("sleep 60", None, Duration::from_millis(5)).unwrap_err();
    }
    // Other tests of this process may be about to bury theirs.
    assert!((0..100).any(|_| {
        thread::sleep(Duration::from_millis(10));
        zombies_of_ours() == 0
    }));
}
