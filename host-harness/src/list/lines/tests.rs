use super::{Line, Lines, MAX_BYTES, MAX_INPUTS, MAX_LINE_BYTES, next_part};
use crate::records::{Error, Outcome};

fn parts(text: &[u8]) -> Vec<Vec<Line>> {
    let mut lines = Lines::new(text).peekable();
    std::iter::from_fn(|| next_part(&mut lines))
        .map(|part| part.expect("readable"))
        .collect()
}

fn line(id: &str) -> String {
    format!("{{\"profile\":{{\"profile-id\":\"{id}\"}}}}\n")
}

/// The number, the id and, where it was refused, the first field and why.
fn shape(line: &Line) -> (u64, Option<&str>, Option<String>) {
    let refused = match &line.input {
        Ok(_) => None,
        Err(Outcome::Err(Error::PermanentInvalidInput(fields))) => {
            Some(format!("{} {}", fields[0].field, fields[0].reason))
        }
        other => panic!("{other:?}"),
    };
    (line.number, line.profile_id.as_deref(), refused)
}

#[test]
fn each_line_that_is_not_blank_has_its_number() {
    let text = format!("\n{}  \r\nnonsense\n{}", line("a"), line("b").trim_end());
    let parts = parts(text.as_bytes());
    let [part] = &parts[..] else {
        panic!("{} parts", parts.len())
    };
    let shapes: Vec<_> = part.iter().map(shape).collect();
    assert_eq!(
        shapes,
        [
            (2, Some("a"), None),
            (4, None, Some("line 4 is not JSON at column 2".to_owned())),
            (5, Some("b"), None),
        ]
    );
}

#[test]
fn a_refused_line_has_its_id_where_that_can_be_read() {
    let text = r#"{"profile":{"profile-id":"a","time":5}}"#;
    let parts = parts(text.as_bytes());
    assert_eq!(
        shape(&parts[0][0]),
        (
            1,
            Some("a"),
            Some("profile.time is a number: put it in quotes".to_owned())
        )
    );
}

#[test]
fn nothing_is_no_part() {
    for nothing in ["", "\n", " \n\t\n", "\u{feff}", "\u{feff}\n"] {
        assert!(parts(nothing.as_bytes()).is_empty(), "{nothing:?}");
    }
}

#[test]
fn parts_are_bounded_by_lines_and_by_bytes() {
    let many: String = (0..=MAX_INPUTS).map(|n| line(&n.to_string())).collect();
    let counts: Vec<_> = parts(many.as_bytes()).iter().map(Vec::len).collect();
    assert_eq!(counts, [MAX_INPUTS, 1]);

    let long = line(&"x".repeat(MAX_BYTES / 2 - 100));
    let longer = line(&"x".repeat(MAX_BYTES));
    let text = long.repeat(3) + &longer + &long;
    let counts: Vec<_> = parts(text.as_bytes()).iter().map(Vec::len).collect();
    assert_eq!(counts, [2, 1, 1, 1]);
}

#[test]
fn a_line_that_is_too_long_is_not_kept() {
    let text = line(&"x".repeat(MAX_LINE_BYTES)) + &line("b");
    let parts = parts(text.as_bytes());
    let shapes: Vec<_> = parts.iter().flatten().map(shape).collect();
    assert_eq!(
        shapes[0].2.as_deref(),
        Some("line 1 is longer than 8000000 bytes")
    );
    assert_eq!(shapes[1], (2, Some("b"), None));
}

#[test]
fn byte_order_marks_in_front_of_a_file_and_of_a_line_are_skipped() {
    let text = format!("\u{feff}{}\u{feff}{}", line("a"), line("b"));
    let parts = parts(text.as_bytes());
    let ids: Vec<_> = parts[0]
        .iter()
        .map(|line| line.profile_id.as_deref())
        .collect();
    assert_eq!(ids, [Some("a"), Some("b")]);
    assert!(parts[0].iter().all(|line| line.input.is_ok()));
}

#[test]
fn another_encoding_is_named_once_for_the_file() {
    let utf16 = |bytes: fn(u16) -> [u8; 2], mark: &str| {
        let text = format!("{mark}{}{}", line("a"), line("b"));
        text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>()
    };
    for (text, words) in [
        (utf16(u16::to_le_bytes, "\u{feff}"), "UTF-16"),
        (utf16(u16::to_be_bytes, "\u{feff}"), "UTF-16"),
        (utf16(u16::to_le_bytes, ""), "UTF-16"),
        (utf16(u16::to_be_bytes, ""), "UTF-16"),
        (vec![0x1f, 0x8b, 8, 0, 0], "gzip"),
    ] {
        let first = Lines::new(&text[..]).next().expect("a line");
        let error = first.expect_err("another encoding").to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn a_line_that_is_not_utf_8_does_not_hold_back_the_others() {
    let text = [
        b"{\"profile\":{\"profile-id\":\"\xe9\"}}\n",
        line("b").as_bytes(),
    ]
    .concat();
    let parts = parts(&text);
    let shapes: Vec<_> = parts[0].iter().map(shape).collect();
    let reason = "line 1 is not UTF-8: save the file as UTF-8".to_owned();
    assert_eq!(shapes, [(1, None, Some(reason)), (2, Some("b"), None)]);
}
