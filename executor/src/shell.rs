//! Commands that a person may paste into a shell. Nothing here runs one.

/// A word of a shell command.
pub fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%".contains(c);
    if word.chars().all(is_plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_of_a_command_are_quoted_where_they_must_be() {
        assert_eq!(quoted("/srv/kubernetes/etcd.pem"), "/srv/kubernetes/etcd.pem");
        assert_eq!(quoted("/srv/a b'c"), "'/srv/a b'\\''c'");
    }
}
