use std::fs;
use std::path::PathBuf;

use super::*;

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("metadata-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        Self(folder)
    }

    /// With a repository of two commits by two authors.
    fn repository(name: &str) -> Self {
        let folder = Self::new(name);
        folder.git("init --quiet");
        for author in ["Ada", "Grace"] {
            fs::write(folder.0.join("file"), author).expect("a file");
            folder.git("add file");
            folder.git(&format!(
                "-c user.name={author} -c user.email=a@b.test commit --quiet -m {author}"
            ));
        }
        folder
    }

    fn git(&self, arguments: &str) -> String {
        let output = Command::new("git")
            .args(arguments.split(' '))
            .current_dir(&self.0)
            .output()
            .expect("git");
        assert!(output.status.success(), "git {arguments}: {output:?}");
        String::from_utf8(output.stdout)
            .expect("UTF-8")
            .trim()
            .to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_repository_says_where_a_component_is_from() {
    let folder = Folder::repository("clean");
    folder.git("remote add origin https://forge.test/cards/mixpanel.git");
    let known = Provenance::of(&folder.0);
    assert_eq!(
        known.repository.as_deref(),
        Some("https://forge.test/cards/mixpanel")
    );
    assert_eq!(known.revision, Some(folder.git("rev-parse HEAD")));
    assert_eq!(known.authors.as_deref(), Some("Ada, Grace"));
}

#[test]
fn what_is_not_known_is_left_out() {
    let none = Folder::new("none");
    assert_eq!(Provenance::of(&none.0), Provenance::default());

    let changed = Folder::repository("changed");
    fs::write(changed.0.join("file"), "changed").expect("a file");
    let known = Provenance::of(&changed.0);
    assert_eq!((known.repository, known.revision), (None, None));

    let inner = changed.0.join("inner");
    fs::create_dir(&inner).expect("a folder");
    assert_eq!(Provenance::of(&inner), Provenance::default());

    let shallow = Folder::new("shallow");
    let address = format!("file://{}", changed.0.display());
    shallow.git(&format!("clone --quiet --depth 1 {address} clone"));
    let known = Provenance::of(&shallow.0.join("clone"));
    assert_eq!((known.repository, known.authors), (None, None));
    assert!(known.revision.is_some());
}

#[test]
fn the_address_of_a_repository_holds_no_secret() {
    let public = Some("https://forge.test/a/b".to_owned());
    for remote in [
        "https://forge.test/a/b",
        "https://forge.test/a/b.git",
        "https://forge.test/a/b/",
        "https://secret@forge.test/a/b.git",
        "https://user:secret@forge.test/a/b.git",
        "https://user:s@cret@forge.test/a/b.git",
    ] {
        assert_eq!(web_address(remote), public, "{remote}");
    }
    for remote in [
        "/srv/git/b",
        "../b",
        "file:///srv/git/b",
        "http://forge.test/a/b",
        "git@forge.test:a/b.git",
        "ssh://git@forge.test/a/b.git",
        "https://localhost/a/b",
        "https://forge.test",
        "https://forge.test/",
        "https://forge.test/a/b?token=secret",
        "https://forge.test/a/b#secret",
    ] {
        assert_eq!(web_address(remote), None, "{remote}");
    }
}

#[test]
fn the_rest_of_the_component_stays_as_it_is() {
    let component = wat::parse_str("(component (core module (memory 1)))").expect("WAT");
    let provenance = Provenance {
        repository: Some("https://forge.test/a/b".to_owned()),
        revision: Some("0123abcd".to_owned()),
        authors: Some("Ada, Grace".to_owned()),
    };
    let stamped = stamp(&component, NAME, &provenance).expect("a component");
    assert!(stamped.starts_with(&component));
    let added = String::from_utf8_lossy(&stamped[component.len()..]);
    for text in [
        NAME,
        env!("CARGO_PKG_VERSION"),
        env!("CARGO_PKG_LICENSE"),
        "https://forge.test/a/b",
        "0123abcd",
        "Ada, Grace",
    ] {
        assert!(added.contains(text), "{text}");
    }
    let unknown = stamp(&component, NAME, &Provenance::default()).expect("a component");
    let added = String::from_utf8_lossy(&unknown[component.len()..]);
    for section in ["source", "homepage", "revision", "authors"] {
        assert!(!added.contains(section), "{section}");
    }
}

#[test]
fn what_is_no_component_is_refused() {
    for bytes in [&b"no component"[..], b"", b"\0asm\x01\0\0\0"] {
        stamp(bytes, NAME, &Provenance::default()).expect_err("an error");
    }
}
