use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::SystemTime;

use wasmtime::component::Component;
use wasmtime::{Config, Engine, ModuleVersionStrategy};

use super::{Cache, MAX_AGE, OUT_LEN, name};

/// The shortest component there is: it holds nothing.
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let name = format!("card-cache-{}-{test}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&folder);
        Folder(folder)
    }

    fn cache(&self) -> Cache {
        Cache::open(&self.0).expect("a folder of our own")
    }

    fn files(&self) -> Vec<PathBuf> {
        let files = fs::read_dir(&self.0).expect("the folder");
        files.map(|file| file.expect("a file").path()).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Whether it came from the cache.
fn load(cache: &Cache, engine: &Engine) -> bool {
    cache.load(engine, COMPONENT).expect("the component").1
}

fn engine_with_epochs() -> Engine {
    let mut config = Config::new();
    config.epoch_interruption(true);
    Engine::new(&config).expect("an engine")
}

fn permit(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("permissions");
}

#[test]
fn what_was_compiled_once_is_not_compiled_again() {
    let (folder, engine) = (Folder::new("again"), Engine::default());
    assert!(!load(&folder.cache(), &engine));
    assert!(load(&folder.cache(), &engine));
    assert_eq!(folder.files().len(), 1);
}

#[test]
fn another_engine_or_component_has_a_file_of_its_own() {
    let (folder, engine) = (Folder::new("other"), Engine::default());
    let cache = folder.cache();
    assert!(!load(&cache, &engine));
    assert!(!load(&cache, &engine_with_epochs()));
    // The same with a custom section without a name.
    let other = [COMPONENT, b"\0\x01\0"].concat();
    assert!(!cache.load(&engine, &other).expect("the component").1);
    assert_eq!(folder.files().len(), 3);
    assert!(load(&cache, &engine));
}

#[test]
fn a_damaged_file_is_compiled_anew_and_replaced() {
    let (folder, engine) = (Folder::new("damaged"), Engine::default());
    let cache = folder.cache();
    load(&cache, &engine);
    let file = folder.files().remove(0);
    let good = fs::read(&file).expect("the file");
    let mut damaged = vec![vec![], good[..1].to_vec(), [&good[..], b"x"].concat()];
    damaged.push(good[..OUT_LEN].to_vec());
    damaged.push(good[..good.len() / 2].to_vec());
    damaged.push(good[..good.len() - 1].to_vec());
    for at in (0..good.len()).step_by(good.len() / 50) {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        damaged.push(bytes);
    }
    for bytes in damaged {
        fs::write(&file, &bytes).expect("the damage");
        assert!(!load(&cache, &engine), "{} bytes", bytes.len());
        assert!(load(&cache, &engine));
        assert_eq!(fs::read(&file).expect("the file").len(), good.len());
    }
}

#[test]
fn a_file_under_another_name_is_not_taken() {
    let (folder, engine, other) = (Folder::new("name"), Engine::default(), engine_with_epochs());
    let cache = folder.cache();
    load(&cache, &engine);
    let file = folder.files().remove(0);
    fs::rename(file, cache.path(&name(&other, COMPONENT))).expect("another name");
    assert!(!load(&cache, &other));
}

#[test]
fn code_of_another_engine_is_refused_even_with_the_right_checksum() {
    let (folder, engine, other) = (Folder::new("code"), Engine::default(), engine_with_epochs());
    let cache = folder.cache();
    let code = Component::from_binary(&other, COMPONENT)
        .and_then(|component| component.serialize())
        .expect("its code");
    let name = name(&engine, COMPONENT);
    cache.write(&name, &code).expect("the file");
    assert!(!load(&cache, &engine));
    assert!(load(&cache, &engine));

    // What another version wrote.
    let mut config = Config::new();
    config
        .module_version(ModuleVersionStrategy::Custom("another".into()))
        .expect("a version");
    let version = Engine::new(&config).expect("an engine");
    let code = Component::from_binary(&version, COMPONENT)
        .and_then(|component| component.serialize())
        .expect("its code");
    cache.write(&name, &code).expect("the file");
    assert!(!load(&cache, &engine));
    assert!(load(&cache, &engine));
}

#[test]
fn many_writers_at_once_leave_one_whole_file() {
    let (folder, engine) = (Folder::new("writers"), Engine::default());
    folder.cache();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..20 {
                    let cache = folder.cache();
                    load(&cache, &engine);
                    // The next load of any thread writes it again.
                    let _ = fs::remove_file(cache.path(&name(&engine, COMPONENT)));
                    let component = Component::from_binary(&engine, COMPONENT).expect("it");
                    let code = component.serialize().expect("its code");
                    cache.write(&name(&engine, COMPONENT), &code).expect("it");
                }
            });
        }
    });
    assert_eq!(folder.files().len(), 1, "no temporary file is left");
    assert!(load(&folder.cache(), &engine));
}

#[test]
fn a_folder_or_a_file_that_others_may_write_is_not_used() {
    let (folder, engine) = (Folder::new("others"), Engine::default());
    let cache = folder.cache();
    load(&cache, &engine);
    let file = folder.files().remove(0);
    permit(&file, 0o620);
    assert!(!load(&cache, &engine));
    assert!(load(&cache, &engine), "it was replaced by one of our own");
    for mode in [0o770, 0o707] {
        permit(&folder.0, mode);
        let refused = Cache::open(&folder.0).map(drop).expect_err("a refusal");
        assert!(
            refused.to_string().contains("others may write"),
            "{refused}"
        );
    }
    permit(&folder.0, 0o755);
    assert!(load(&folder.cache(), &engine));
}

#[test]
fn a_cache_that_cannot_be_written_does_no_harm() {
    let (folder, engine) = (Folder::new("gone"), Engine::default());
    let cache = folder.cache();
    fs::remove_dir_all(&folder.0).expect("the folder");
    assert!(!load(&cache, &engine));
    assert!(!load(&cache, &engine));
}

#[test]
fn old_files_go_and_those_of_others_stay() {
    let (folder, engine) = (Folder::new("old"), Engine::default());
    let cache = folder.cache();
    for (name, age) in [
        ("a.cwasm", MAX_AGE * 2),
        ("b.tmp", MAX_AGE * 2),
        ("c.txt", MAX_AGE * 2),
        ("d.cwasm", MAX_AGE / 2),
    ] {
        let file = fs::File::create(folder.0.join(name)).expect("a file");
        file.set_modified(SystemTime::now() - age).expect("its age");
    }
    load(&cache, &engine);
    let has = |name: &str| folder.0.join(name).exists();
    assert!(!has("a.cwasm") && !has("b.tmp"));
    assert!(has("c.txt") && has("d.cwasm"));
}
