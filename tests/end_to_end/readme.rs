//! What README and docs show: code that is compiled, commands that are run, figures that were printed.

use std::path::{Path, PathBuf};
use std::process::Command;

use host_harness::stand_in::{self, StandIn};

use crate::support::{TOKEN, built};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(file: impl AsRef<Path>) -> String {
    let file = root().join(file);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// README and docs, but not the pages of integrations, which their own tests go by.
fn pages() -> Vec<PathBuf> {
    let docs = std::fs::read_dir(root().join("docs")).expect("docs");
    docs.map(|entry| entry.expect("an entry").path())
        .filter(|file| file.extension().is_some_and(|ending| ending == "md"))
        .chain(["README.md", "SECURITY.md"].map(PathBuf::from))
        .collect()
}

/// The blocks of a page that are in this language.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let start = format!("\n```{language}\n");
    page.split(&start)
        .skip(1)
        .map(|rest| rest.split("\n```").next().expect("a block"))
        .collect()
}

#[test]
fn the_page_shows_the_example_that_is_compiled() {
    let page = read("docs/hosts.md");
    let (_, code) = include_str!("../../examples/embed.rs")
        .split_once("\n\n")
        .expect("a heading and code");
    assert!(page.contains(&format!("```rust\n{code}```")));
}

#[test]
fn the_example_creates_a_profile() {
    let stand_in = StandIn::start(stand_in::Options::default()).expect("a stand-in");
    let output = Command::new(built("examples/embed"))
        .current_dir(root())
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

#[test]
fn make_run_prints_what_the_readme_shows() {
    let readme = read("README.md");
    let shown = blocks(&readme, "text")[0];
    let output = Command::new(built("host-harness"))
        .current_dir(root())
        .args(["run", "--stand-in"])
        .args(["--input", "examples/new-profile.json"])
        .args(["--input", "examples/same-profile-again.json"])
        .output()
        .expect("the harness");
    assert!(output.status.success());
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).expect("UTF-8");
    for line in shown.lines() {
        for part in line.split('…') {
            assert!(said.contains(part), "{part:?} was not printed:\n{said}");
        }
    }
}

/// Whatever is shown as a command is run by a test, or says what it needs that a test has not.
#[test]
fn commands_are_run_by_tests() {
    let scripts =
        ["wasmtime/run.sh", "http/serve.sh"].map(|file| read(format!("tests/hosts/{file}")));
    for page in pages() {
        let text = read(&page);
        for block in blocks(&text, "sh") {
            if block.starts_with("# needs a ")
                || scripts.iter().any(|file| file.trim_end() == block)
            {
                continue;
            }
            for line in block.lines() {
                let command = line.split('#').next().unwrap_or_default().trim();
                // The test above, and this one.
                assert!(
                    ["make run", "make test"].contains(&command),
                    "{}: no test runs {command:?}",
                    page.display()
                );
            }
        }
    }
}

#[test]
fn targets_that_are_named_are_there() {
    let makefile = read("Makefile");
    for page in pages() {
        let text = read(&page);
        for rest in text.split("`make ").skip(1) {
            let target: String = rest
                .chars()
                .take_while(|c| c.is_ascii_lowercase() || *c == '-')
                .collect();
            assert!(
                makefile.contains(&format!("\n{target}:")),
                "{}: there is no make {target}",
                page.display()
            );
        }
    }
}

#[test]
fn files_that_are_linked_are_there() {
    for page in pages() {
        let text = read(&page);
        let folder = root().join(&page);
        let folder = folder.parent().expect("a folder");
        let links = text
            .split("](")
            .skip(1)
            .chain(text.split("srcset=\"").skip(1));
        for link in links {
            let target = link.split([')', '"', '#', ' ']).next().unwrap_or_default();
            if !target.is_empty() && !target.contains("://") {
                assert!(
                    folder.join(target).exists(),
                    "{}: {target} is not there",
                    page.display()
                );
            }
        }
    }
}

#[test]
fn the_readme_is_short() {
    const MAX_LINES: usize = 120;
    let lines = read("README.md").lines().count();
    assert!(lines <= MAX_LINES, "{lines} lines, more than {MAX_LINES}");
}

/// `scripts/chart.sh` draws the chart, from figures that were printed by the last measurement.
#[test]
fn the_chart_shows_figures_that_were_printed() {
    let figures = read("scripts/chart/figures.csv");
    let rows: Vec<_> = figures.lines().skip(1).collect();
    assert_eq!(
        read("README.md").contains("docs/images/chart-"),
        !rows.is_empty(),
        "README shows the chart where there are figures for it"
    );
    let without_commas = |file: &str| read(file).replace(',', "");
    let printed = ["BENCHMARKS.md", "integrations/node-red/README.md"].map(without_commas);
    for row in rows {
        let figure = row.rsplit(',').nth(1).expect("a figure");
        assert!(
            printed.iter().any(|page| page.contains(figure)),
            "{figure} is in no table"
        );
        for theme in ["light", "dark"] {
            let chart = without_commas(&format!("docs/images/chart-{theme}.svg"));
            assert!(
                chart.contains(figure),
                "{figure} is not in the {theme} chart"
            );
        }
    }
}
