use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use super::Cache;
use crate::engine::{Engine, Limits};

/// A component that the engine compiles something of.
const COMPONENT: &str = "(component (core module (func (export \"f\") unreachable)))";

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let name = format!("card-cache-{}-{test}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).expect("a folder");
        permit(&folder, 0o700);
        Folder(folder)
    }

    fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn permit(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("permissions");
}

fn refusal(folder: &Path) -> String {
    let refused = Cache::open(folder).map(drop).expect_err("a refusal");
    let refused = format!("{refused:#}");
    assert!(refused.contains(&folder.display().to_string()), "{refused}");
    refused
}

/// Whether the component was compiled before.
fn load(folder: &Path) -> bool {
    let cache = Cache::open(folder).expect("a cache");
    let counts = cache.0.clone();
    let engine = Engine::new(Limits::default(), Some(cache)).expect("an engine");
    let component = wat::parse_str(COMPONENT).expect("WAT");
    engine.load(&component).map(drop).expect("the component");
    assert_eq!(counts.cache_hits() + counts.cache_misses(), 1);
    counts.cache_hits() == 1
}

#[test]
fn what_was_compiled_once_is_not_compiled_again() {
    let folder = Folder::new("again");
    let cache = folder.join("new/folder");
    assert!(!load(&cache));
    assert!(load(&cache));
    for made in [&cache, &folder.join("new")] {
        let mode = fs::metadata(made).expect("the folder").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}

#[test]
fn a_damaged_file_is_compiled_anew() {
    let folder = Folder::new("damaged");
    assert!(!load(&folder.0));
    let mut files = fs::read_dir(folder.join("modules")).expect("the modules");
    let versions = files.next().expect("a version").expect("a version").path();
    let is_code = |path: &PathBuf| path.extension().is_none();
    let code = fs::read_dir(versions)
        .expect("the version")
        .map(|file| file.expect("a file").path())
        .find(is_code)
        .expect("compiled code");
    let good = fs::read(&code).expect("the code");
    for bytes in [&good[..good.len() / 2], b"no code"] {
        fs::write(&code, bytes).expect("the damage");
        assert!(!load(&folder.0));
        assert!(load(&folder.0));
    }
}

#[test]
fn a_folder_that_others_may_write_to_is_refused() {
    let folder = Folder::new("write");
    for mode in [0o770, 0o702, 0o1777] {
        permit(&folder.0, mode);
        assert!(refusal(&folder.0).contains("others may write to it"));
    }
    permit(&folder.0, 0o755);
    Cache::open(&folder.0).map(drop).expect("a cache");
}

#[test]
fn a_folder_that_others_may_replace_is_refused() {
    let folder = Folder::new("replace");
    let cache = folder.join("a/b/cache");
    Cache::open(&cache).map(drop).expect("a cache");
    for parent in ["a", "a/b"] {
        permit(&folder.join(parent), 0o777);
        assert!(refusal(&cache).contains("others may replace it"));
        // As /tmp.
        permit(&folder.join(parent), 0o1777);
        Cache::open(&cache).map(drop).expect("a cache");
    }
}

#[test]
fn a_link_is_as_good_as_what_it_leads_to() {
    let folder = Folder::new("link");
    let (open, own, link) = (folder.join("open"), folder.join("own"), folder.join("link"));
    fs::create_dir_all(open.join("cache")).expect("a folder");
    permit(&open, 0o777);
    symlink(open.join("cache"), &link).expect("a link");
    assert!(refusal(&link).contains("others may replace it"));

    fs::create_dir(&own).expect("a folder");
    fs::write(own.join("letter.txt"), "Dear").expect("a file");
    fs::remove_file(&link).expect("the link");
    symlink(&own, &link).expect("a link");
    assert!(refusal(&link).contains("it holds letter.txt"));
}

#[test]
fn files_of_others_are_never_removed() {
    let folder = Folder::new("files");
    load(&folder.0);
    for name in ["letter.txt", "old.cwasm", ".hidden"] {
        let file = folder.join(name);
        fs::write(&file, "").expect("a file");
        assert!(refusal(&folder.0).contains(&format!("it holds {name}")));
        assert!(file.exists());
        fs::remove_file(&file).expect("the file");
    }
    assert!(load(&folder.0));
}

#[test]
fn what_is_no_folder_is_refused() {
    let folder = Folder::new("none");
    let file = folder.join("file");
    fs::write(&file, "").expect("a file");
    refusal(&file);
    refusal(&file.join("below"));
    refusal(Path::new("/proc/cache"));
}
