//! The README's example is the file that is compiled, and it runs.

use std::process::Command;

use host_harness::stand_in::{self, StandIn};

use crate::support::{TOKEN, built};

#[test]
fn the_readme_shows_the_example_that_is_compiled() {
    let readme = include_str!("../../README.md");
    let (_, code) = include_str!("../../examples/embed.rs")
        .split_once("\n\n")
        .expect("a heading and code");
    assert!(readme.contains(&format!("```rust\n{code}```")));
}

#[test]
fn the_example_creates_a_profile() {
    let stand_in = StandIn::start(stand_in::Options::default()).expect("a stand-in");
    let output = Command::new(built("examples/embed"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("MIXPANEL_PROJECT_TOKEN", TOKEN)
        .env("MIXPANEL_BASE_URL", stand_in.origin())
        .output()
        .expect("the example");
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        said,
        "200 \n",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(stand_in.profile(TOKEN, "user-4711").is_some());
}
