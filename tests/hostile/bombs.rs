//! What is small on the stick and large in memory, or takes for ever.

use std::fmt::Write as _;

use super::{Bench, forge, forge::Forge};

fn signed(change: impl Fn(&mut Forge)) -> Vec<u8> {
    let mut forge = forge();
    change(&mut forge);
    forge.sign();
    forge.pack()
}

#[test]
fn compressed_a_thousand_to_one() {
    let mut bench = Bench::new();
    let gigabyte = signed(|forge| forge.find("README.txt").content = vec![0; 1 << 28]);
    assert!(gigabyte.len() < 1 << 19);
    bench.refuses("256 MiB of zeros for a readme", &gigabyte, "`README.txt` claims 268435456 bytes; at most 1048576 are taken");
    let mut executor = forge();
    executor.find("executor/linux-x86_64/reseal-node").content = vec![0; 64 << 20];
    bench.refuses("64 MiB of zeros that are not listed so", &executor.pack(), "`executor/linux-x86_64/reseal-node` has the SHA-256");
    let many = signed(|forge| {
        for number in (10..27).rev() {
            forge.insert(Some("reseal-node"), &format!("executor/linux-{}/reseal-node", 36 - number), &vec![0; 64 << 20]);
        }
        let executor = forge.remove("executor/linux-x86_64/reseal-node");
        let at = forge.entries.iter().position(|entry| entry.path == "reseal-node").unwrap();
        forge.entries.insert(at, executor);
    });
    bench.refuses("seventeen executors of 64 MiB", &many, "unpacked, the bundle is larger than 1073741824 bytes");
}

#[test]
fn a_million_entries() {
    let mut bench = Bench::new();
    let mut unlisted = forge();
    let at = unlisted.entries.iter().position(|entry| entry.path == "certs/etcd.pem").unwrap();
    let entry = |number: usize| super::forge::Entry { path: format!("certs/a{number:07}"), content: Vec::new(), header: None };
    unlisted.entries.splice(at..at, (0..1_000_000).map(entry));
    bench.refuses("a million entries that nobody listed", &unlisted.pack(), "`certs/a0000000` is not in SHA256SUMS");
    let many = |count: usize| {
        signed(|forge| {
            let at = forge.entries.iter().position(|entry| entry.path == "certs/etcd-ca.pem").unwrap();
            let _ = forge.entries.splice(at..at, (0..count).map(entry));
        })
    };
    bench.refuses("65,536 entries and the rest, all listed", &many(65_536), "there are more than 65536 entries");
    bench.refuses("200,000 entries, all listed", &many(200_000), "`SHA256SUMS` claims");
}

#[test]
fn documents_without_end() {
    const MANIFEST: &str = "`bundle.json` is malformed";
    const SLICE: &str = "`nodes/tos3.json` is malformed";
    let mut bench = Bench::new();
    let manifest = |content: Vec<u8>| signed(|forge| forge.find("bundle.json").content.clone_from(&content));
    let slice = |content: Vec<u8>| signed(|forge| forge.find("nodes/tos3.json").content.clone_from(&content));
    bench.refuses("a million brackets", &manifest(vec![b'['; 1_000_000]), MANIFEST);
    bench.refuses("a million braces", &manifest(b"{\"a\":".repeat(200_000)), MANIFEST);
    bench.refuses("a number of a million digits", &manifest([b"{\"format\":".to_vec(), vec![b'9'; 1_000_000]].concat()), MANIFEST);
    bench.refuses("an exponent of a million digits", &manifest([b"{\"format\":1e".to_vec(), vec![b'9'; 1_000_000]].concat()), MANIFEST);
    bench.refuses("a string of 4 MB", &manifest([b"{\"site\":\"".to_vec(), vec![b'a'; 4_000_000], b"\"}".to_vec()].concat()), MANIFEST);
    bench.refuses("a slice of brackets", &slice(vec![b'['; 1_000_000]), SLICE);
    bench.refuses("a slice of 2 MB", &slice(vec![b' '; 2_000_000]), "`nodes/tos3.json` claims 2000000 bytes; at most 1048576 are taken");
    let largest = manifest(vec![b' '; 1 << 25]);
    bench.refuses("a manifest of 32 MiB", &largest, "`bundle.json` claims 33554432 bytes");
    let nested = |from: &str| {
        let deep = format!("{from}: {}{}, \"x\"", "[".repeat(100_000), "]".repeat(100_000));
        edited("nodes/tos3.json", from, &deep)
    };
    for field in ["\"files\"", "\"timeout\"", "\"connection\""] {
        bench.refuses(&format!("brackets for {field} of a step"), &nested(field), "recursion limit exceeded");
    }
}

/// A manifest whose nodes are these.
fn with_nodes(nodes: &str) -> Vec<u8> {
    let text = forge().text("bundle.json");
    let (before, after) = text.split_once("\"nodes\"").unwrap();
    let rest = &after[after.rfind(']').unwrap()..];
    signed(|forge| forge.find("bundle.json").content = format!("{before}\"nodes\":[{nodes}{rest}").into_bytes())
}

#[test]
fn lists_without_end() {
    let mut bench = Bench::new();
    let nodes: Vec<String> = (0..100_000).map(|number| format!("{{\"name\":\"n{number}\",\"roles\":[\"a\"]}}")).collect();
    bench.refuses("100,000 nodes", &with_nodes(&nodes.join(",")), "a list has more than 16384 items");
    let roles = vec!["\"a\""; 1_000_000].join(",");
    let node = |roles: &str| format!("{{\"name\":\"tos3\",\"roles\":[{roles}]}}");
    bench.refuses("a million roles", &with_nodes(&node(&roles)), "a list has more than 16 items");
    bench.refuses("a node 16,000 times", &with_nodes(&vec![node("\"a\""); 16_000].join(",")), "names the node `tos3` twice");
    let sixteen = vec!["\"a\""; 16].join(",");
    let nodes: Vec<String> = (0..16_384).map(|number| format!("{{\"name\":\"n{number}\",\"roles\":[{sixteen}]}}")).collect();
    bench.refuses(
        "as many nodes and roles as may be, and no slices",
        &with_nodes(&nodes.join(",")),
        "says node `tos1`, but the bundle's is `not listed in bundle.json`",
    );
    let large = with_nodes(&node(&vec!["\"a\""; 4 << 20].join(",")));
    bench.refuses("a manifest of 16 MiB of roles", &large, "at most 4194304 are taken");
    let more = |from: &str, item: &str| edited("nodes/tos3.json", from, &format!("{from}: [{}], \"x\"", vec![item; 100_000].join(",")));
    for (field, item, most) in [
        ("\"host_names\"", "\"a\"", 256),
        ("\"addresses\"", "\"::1\"", 256),
        ("\"roles\"", "\"a\"", 16),
        ("\"folders_to_back_up\"", "\"/a\"", 64),
        ("\"etcd\"", "1", 16),
        ("\"members\"", "1", 256),
        ("\"steps\"", "1", 256),
        ("\"files\"", "1", 1024),
        ("\"rows\"", "1", 1024),
        ("\"programs\"", "\"a\"", 64),
    ] {
        let error = if item == "1" { "`nodes/tos3.json` is malformed".to_owned() } else { format!("a list has more than {most} items") };
        bench.refuses(&format!("100,000 of {field}"), &more(field, item), &error);
    }
    let long = edited("nodes/tos3.json", "\"host_names\": [", &format!("\"host_names\": [\"{}\",", "a".repeat(900_000)));
    bench.refuses("a host name of 900,000 bytes", &long, "a text has more than 255 bytes");
}

/// A bundle in which a text of a document is another, once; its JSON may be written with or without spaces.
fn edited(path: &str, from: &str, to: &str) -> Vec<u8> {
    signed(|forge| {
        let text = forge.text(path);
        let (from, to) =
            if text.contains(from) { (from.to_owned(), to.to_owned()) } else { (from.replace(": ", ":"), to.replace(": ", ":")) };
        assert!(text.contains(&from), "`{from}` is not in {path}");
        forge.find(path).content = text.replacen(&from, &to, 1).into_bytes();
    })
}

#[test]
fn more_than_memory_is_set_aside_for() {
    let mut bench = Bench::new();
    let names = |forge: &mut Forge| {
        let text = forge.text("nodes/tos1.json");
        let names = vec![format!("\"{}\"", "n".repeat(255)); 256].join(",");
        let at = text.find("\"host_names\"").unwrap();
        let open = at + text[at..].find('[').unwrap();
        let close = at + text[at..].find(']').unwrap();
        let text = format!("{}{names}{}", &text[..=open], &text[close..]);
        let before = forge.text("bundle.json");
        let mut nodes = String::new();
        for number in 0..1000 {
            let name = format!("nodes/x{number:04}.json");
            forge.insert(Some("certs/etcd-ca.pem"), &name, text.replace("\"tos1\"", &format!("\"x{number:04}\"")).as_bytes());
            let _ = write!(nodes, "{{\"name\":\"x{number:04}\",\"roles\":[]}},");
        }
        let at = before.find("\"nodes\"").unwrap();
        let open = at + before[at..].find('[').unwrap();
        forge.find("bundle.json").content = format!("{}{nodes}{}", &before[..=open], &before[open + 1..]).into_bytes();
    };
    let path = bench.bring(&signed(names));
    let (code, said) = bench.run("verify", &path);
    assert_eq!(code, Some(0), "a thousand nodes with as many long names as may be are only many: {said}");
    let many = |forge: &mut Forge| {
        let text = forge.text("nodes/tos3.json");
        let at = text.find("\"files\"").unwrap();
        let open = at + text[at..].find('[').unwrap();
        let mut files = String::new();
        for number in 0..20 {
            let entry = format!("secrets/a{number:02}");
            let first = forge.entries.iter().find(|entry| entry.path.starts_with("secrets/")).unwrap().path.clone();
            let place = if number == 0 {
                first
            } else {
                forge.entries.iter().rfind(|entry| entry.path.starts_with("secrets/a")).unwrap().path.clone()
            };
            let at = forge.entries.iter().position(|entry| entry.path == place).unwrap() + usize::from(number > 0);
            forge.entries.insert(at, super::forge::Entry { path: entry.clone(), content: vec![b'x'; 1 << 20], header: None });
            let _ = write!(files, "{{\"target\":\"/srv/x{number}\",\"entry\":\"{entry}\",\"mode\":\"0600\"}},");
        }
        forge.find("nodes/tos3.json").content = format!("{}{files}{}", &text[..=open], &text[open + 1..]).into_bytes();
    };
    let many = bench.bring(&signed(many));
    bench.refuses_at("a node that needs 20 MiB", &many, &["plan", "apply"], "what is needed of the bundle has more than 8388608 bytes");
}

/// The largest bundle that there may be: it is read within the same memory and time.
#[test]
fn as_much_of_all_as_may_be() {
    const NODES: usize = 16_384;
    let bench = Bench::new();
    let roles = vec!["\"a\""; 16].join(",");
    let largest = signed(|forge| {
        // The three real nodes are there too.
        let names = || (0..NODES - 3).map(|number| format!("n{number:05}"));
        let entry = |path: String, content: &[u8]| super::forge::Entry { path, content: content.to_vec(), header: None };
        let text = forge.text("nodes/tos1.json");
        let slices: Vec<_> = names()
            .take(NODES - 3)
            .map(|name| entry(format!("nodes/{name}.json"), text.replace("\"tos1\"", &format!("\"{name}\"")).as_bytes()))
            .collect();
        let at = forge.entries.iter().position(|entry| entry.path.starts_with("nodes/")).unwrap();
        let _ = forge.entries.splice(at..at, slices);
        let at = forge.entries.iter().position(|entry| entry.path.starts_with("certs/")).unwrap();
        let left = 65_536 - forge.entries.len();
        let _ = forge.entries.splice(at..at, (0..left).map(|number| entry(format!("certs/a{number:055}"), b"")));
        let manifest = forge.text("bundle.json");
        let open = manifest.find("\"nodes\"").map(|at| at + manifest[at..].find('[').unwrap()).unwrap();
        let mut nodes = String::new();
        for name in names() {
            let _ = write!(nodes, "{{\"name\":\"{name}\",\"roles\":[{roles}]}},");
        }
        forge.find("bundle.json").content = format!("{}{nodes}{}", &manifest[..=open], &manifest[open + 1..]).into_bytes();
    });
    let path = bench.bring(&largest);
    for command in ["verify", "plan"] {
        let (code, said) = bench.run(command, &path);
        assert_eq!(code, Some(0), "{command}: {said}");
    }
}

#[test]
fn a_sparse_file() {
    let mut bench = Bench::new();
    let mut damaged = forge().pack();
    damaged[100] ^= 1;
    let path = bench.bring(&damaged);
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(4 << 30).unwrap();
    bench.refuses_at("a damaged bundle with a hole of 4 GiB", &path, &["verify", "apply"], "the file is larger than 268435456 bytes");
    let path = bench.bring(&forge().pack());
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(256 << 20).unwrap();
    bench.refuses_at("a bundle with a hole of 256 MiB", &path, &["verify"], "there is data after the bundle's end");
    let path = bench.bring(b"no bundle");
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(1 << 40).unwrap();
    bench.refuses_at("a file of 1 TiB", &path, &["verify"], "this is not a reseal bundle");
}
