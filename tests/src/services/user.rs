//! Under which user a server runs. PostgreSQL refuses to run as root; the others need not.

use std::os::unix::fs::MetadataExt;

/// A user of this machine, by numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    pub uid: u32,
    pub gid: u32,
}

impl User {
    /// The user `name`, to run a server as; `None` when the tests do not run as root and so cannot choose.
    ///
    /// # Panics
    /// When there is no such user: the Debian package of the server makes it.
    pub fn for_server(name: &str) -> Option<Self> {
        let we_are_root = std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
        if !we_are_root {
            return None;
        }
        let users = std::fs::read_to_string("/etc/passwd").expect("every system has /etc/passwd");
        let user = Self::find(name, &users);
        Some(user.unwrap_or_else(|| panic!("there is no user {name}: run ./tests/run, it installs the server")))
    }

    /// Finds `name` in the text of a passwd(5) file: `name:password:uid:gid:…`.
    fn find(name: &str, users: &str) -> Option<Self> {
        users.lines().map(|line| line.split(':').collect::<Vec<_>>()).find_map(|fields| match fields[..] {
            [found, _, uid, gid, ..] if found == name => Some(Self { uid: uid.parse().ok()?, gid: gid.parse().ok()? }),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let users = "root:x:0:0:root:/root:/bin/bash\npostgres2:x:7:8:::\npostgres:x:101:104:,,,:/var/lib:/bin/sh\n";
        assert_eq!(User::find("postgres", users), Some(User { uid: 101, gid: 104 }));
        assert_eq!(User::find("post", users), None);
    }
}
