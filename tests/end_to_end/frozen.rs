//! The interface of a released version is frozen: today's is held against a copy of each.

use std::path::Path;

use wit_component::semver_check;
use wit_parser::{Resolve, WorldId};

/// The interface as it was released.
const FROZEN: &str = include_str!("../semver/card-0.1.0.wit");

/// Today's world and the one of `wit`, which bears the same version, in one set of packages.
fn worlds(wit: &str) -> anyhow::Result<(Resolve, WorldId, WorldId)> {
    let mut resolve = Resolve::default();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("wit");
    let (today, _) = resolve.push_dir(folder)?;
    // One set has one package of a name and version; the check itself ignores versions.
    let wit = wit.replacen("@0.1.0;", "@0.1.0-copy;", 1);
    let copy = resolve.push_str("copy.wit", &wit)?;
    let today = resolve.select_world(&[today], None)?;
    let copy = resolve.select_world(&[copy], None)?;
    Ok((resolve, today, copy))
}

/// Hosts made for the copy run today's card, and cards made for the copy run in today's hosts.
fn check(wit: &str) -> anyhow::Result<()> {
    let (resolve, today, copy) = worlds(wit)?;
    semver_check(resolve.clone(), today, copy)?;
    semver_check(resolve, copy, today)
}

#[test]
fn the_interface_is_that_of_the_released_version() {
    check(FROZEN).expect("the same interface: CHANGELOG.md says what a new version must do");
}

#[test]
fn a_change_of_the_interface_is_noticed() {
    let changes = [
        (
            "status-code: u16,\n        /// Reason",
            "status-code: u32,\n        /// Reason",
        ),
        ("reason: option<string>", "reason: string"),
        ("profile-id: string", "id: string"),
        ("avatar: option<string>,", ""),
        (
            "enum region { standard, eu, india }",
            "enum region { standard, eu }",
        ),
        ("boolean(bool),", ""),
        ("execution-failed,", "execution-failed, cancelled,"),
        (
            "name: string,\n        value: property-value,",
            "value: property-value,\n        name: string,",
        ),
        (
            "create-profile: func(connection: connection, input: input)",
            "create-profile: func(input: input)",
        ),
        ("-> result<connection-check, error>", "-> connection-check"),
        ("export connections;", ""),
        ("import wasi:http/outgoing-handler@0.2.12;", ""),
        (
            "export profiles;",
            "import wasi:clocks/wall-clock@0.2.12; export profiles;",
        ),
    ];
    for (from, to) in changes {
        assert!(FROZEN.contains(from), "{from:?} is not in the interface");
        assert!(
            check(&FROZEN.replacen(from, to, 1)).is_err(),
            "{from:?} became {to:?} unnoticed"
        );
    }
}

#[test]
fn labels_and_help_texts_may_change() {
    check(&FROZEN.replace("Maximum Retries", "Retries")).expect("the same interface");
}
