//! A client that writes to etcd all the while, and what it saw.

use std::{
    io::Read as _,
    process::{Child, Stdio},
    time::Duration,
};

use serde_json::Value;

use super::{Site, network::wait_for_ready, support};

/// A client that writes every 50 ms and reads back, through all members in turn. Dropping it ends it.
pub struct Writer {
    client: Child,
}

/// What a [`Writer`] saw.
#[derive(Debug)]
pub struct Written {
    /// How many writes were acknowledged.
    pub acknowledged: u64,
    /// How many of them were gone, or otherwise, at the end.
    pub lost: usize,
    /// How many were read back otherwise than they had been acknowledged.
    pub misread: usize,
    /// The longest time from one write that was acknowledged and read back to the next.
    pub longest_interruption: Duration,
    /// All of it, for messages.
    pub report: Value,
}

impl Writer {
    pub(super) fn start(site: &Site) -> Self {
        let mut client = site
            .network()
            .command("python3")
            .arg(support("etcd_writer.py"))
            .arg(site.workshop.path())
            .args(site.masters().iter().map(|node| format!("{}:4001", node.address)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 runs");
        wait_for_ready(&mut client, "the writing client");
        Self { client }
    }

    /// Ends it, has it look for all that it wrote, and gives what it saw.
    ///
    /// # Panics
    /// When it gives no report.
    #[must_use]
    pub fn stop(mut self) -> Written {
        drop(self.client.stdin.take());
        let mut text = String::new();
        let _ = self.client.stdout.take().expect("its output is piped").read_to_string(&mut text);
        let report: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("the writing client: {error}: {text}"));
        let count = |field: &str| report[field].as_array().expect("a list").len();
        Written {
            acknowledged: report["acknowledged"].as_u64().expect("a number"),
            lost: count("lost"),
            misread: count("misread"),
            longest_interruption: Duration::from_secs_f64(report["longest_interruption"].as_f64().expect("a number")),
            report,
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.client.kill();
        let _ = self.client.wait();
    }
}

impl Written {
    /// Checks that there were writes, and that each acknowledged one is still there.
    ///
    /// # Panics
    /// When not.
    pub fn assert_nothing_lost(&self) {
        assert!(self.acknowledged > 0 && self.lost == 0 && self.misread == 0, "{:#}", self.report);
    }
}
