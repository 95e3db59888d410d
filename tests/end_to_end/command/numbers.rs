//! No value is altered: what the stand-in holds is what was given, or the field is refused.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use super::{file, folder, results, run_list, start, stderr, stdout, with_input};
use crate::support::TOKEN;

#[test]
fn numbers_that_would_be_altered_are_refused_by_field() {
    let stand_in = start();
    let folder = folder("numbers");
    let exact = [
        "0",
        "-1",
        "1.5",
        "0.1",
        "1e300",
        "9007199254740992",
        "1152921504606846976",
        "100.0",
        "36893488147419103232",
    ];
    let altered = [
        "738529527931269425",
        "9007199254740993",
        "18446744073709551615",
        "36893488147419103233",
        "0.12345678901234567890123",
        "1e400",
        "NaN",
        "Infinity",
        "-Infinity",
    ];
    let lines: Vec<_> = exact
        .iter()
        .chain(&altered)
        .enumerate()
        .map(|(n, number)| {
            format!(
                r#"{{"profile":{{"profile-id":"n{n}"}},"properties":{{"dynamic-fields":[{{"name":"n","value":{{"number":{number}}}}}]}}}}"#
            )
        })
        .collect();
    let list = file(&folder, "users.jsonl", lines.join("\n"));
    let output = run_list(&stand_in, &list, &[]);
    for (n, (_, _, outcome)) in results(&stdout(&output)).into_iter().enumerate() {
        let number = exact.iter().chain(&altered).nth(n).expect("a number");
        if n < exact.len() {
            assert_eq!(outcome, "200", "{number}");
            let profile = stand_in
                .profile(TOKEN, &format!("n{n}"))
                .expect("a profile");
            let stored = profile["$properties"]["n"].as_f64();
            assert_eq!(stored, number.parse().ok(), "{number}");
        } else {
            assert_eq!(outcome, "permanent-invalid-input", "{number}");
        }
    }
    let said = stdout(&output);
    assert!(
        said.contains("properties.dynamic-fields[0].value.number"),
        "{said}"
    );
    assert!(said.contains("give it as a text"), "{said}");
    assert!(!said.contains("738529527931269425"), "{said}");
    // The same where it is no list.
    let output = with_input(&mut super::run(&stand_in), &lines[exact.len()]);
    assert_eq!(output.status.code(), Some(2));
    let words = "properties.dynamic-fields[0].value.number cannot be carried exactly as a number: give it as a text";
    assert!(stderr(&output).contains(words), "{}", stderr(&output));
}

/// Any text that is visible and has no control characters.
fn text() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9äß€😀\"\\\\/<>&'{}, ]{0,40}x"
}

fn value() -> impl Strategy<Value = (Value, Value)> {
    prop_oneof![
        text().prop_map(|text| (json!({"text": text}), json!(text))),
        any::<bool>().prop_map(|boolean| (json!({"boolean": boolean}), json!(boolean))),
        prop::num::f64::NORMAL.prop_map(|number| (json!({"number": number}), json!(number))),
        any::<i32>().prop_map(|number| (json!({"number": number}), json!(number))),
        prop::collection::vec(text(), 1..5)
            .prop_map(|texts| (json!({"text-list": texts}), json!(texts))),
        (100_000_000_i64..=9_999_999_999).prop_map(|seconds| {
            let date = time::OffsetDateTime::from_unix_timestamp(seconds).expect("a date");
            let written = date.format(&Rfc3339).expect("a date");
            let written = written.trim_end_matches('Z');
            (json!({"date-time": seconds.to_string()}), json!(written))
        }),
    ]
}

#[test]
fn what_is_accepted_is_stored_as_it_was_given() {
    let stand_in = start();
    let mut runner = TestRunner::deterministic();
    let strategy = (text(), text(), text(), prop::collection::vec(value(), 0..6));
    let mut users = vec![];
    for n in 0..2_000 {
        let (name, phone, plan, values) = strategy.new_tree(&mut runner).expect("values").current();
        let dynamic: Vec<_> = values
            .iter()
            .enumerate()
            .map(|(index, (given, _))| json!({"name": format!("p{index}"), "value": given}))
            .collect();
        let input = json!({
            "profile": {"profile-id": format!("{n} {name}")},
            "properties": {
                "name": name,
                "phone": phone,
                "custom-properties": json!({"plan": plan}).to_string(),
                "dynamic-fields": dynamic,
            },
        });
        let mut stored = json!({"$name": name, "$phone": phone, "plan": plan});
        for (index, (_, value)) in values.into_iter().enumerate() {
            stored[format!("p{index}")] = value;
        }
        users.push((input, stored));
    }
    let lines: Vec<_> = users.iter().map(|(input, _)| input.to_string()).collect();
    let list = file(&folder("as_given"), "users.jsonl", lines.join("\n"));
    let output = run_list(&stand_in, &list, &[]);
    assert_eq!(stderr(&output), "200: 2000\n", "{:.2000}", stdout(&output));
    for (input, stored) in users {
        let id = input["profile"]["profile-id"].as_str().expect("an id");
        let profile = stand_in.profile(TOKEN, id).expect("a profile");
        let properties = profile["$properties"].as_object().expect("an object");
        let wanted = stored.as_object().expect("an object");
        assert_eq!(properties.len(), wanted.len(), "{input}");
        for (name, wanted) in wanted {
            let held = &properties[name];
            // 3 and 3.0 are the same number.
            let equal = match (held.as_f64(), wanted.as_f64()) {
                (Some(held), Some(wanted)) => held.to_bits() == wanted.to_bits(),
                _ => held == wanted,
            };
            assert!(equal, "{name}: {held} is not {wanted}: {input}");
        }
    }
}
