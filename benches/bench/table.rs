//! The table that is printed: a row a figure, with least, median and most of its rounds.

use std::fmt;

/// One figure's samples, one a round.
pub struct Row {
    what: String,
    unit: &'static str,
    /// What it is to be, where something is promised.
    goal: &'static str,
    samples: Vec<f64>,
}

impl Row {
    pub fn new(what: impl Into<String>, unit: &'static str) -> Self {
        Row {
            what: what.into(),
            unit,
            goal: "",
            samples: vec![],
        }
    }

    pub fn with_goal(self, goal: &'static str) -> Self {
        Row { goal, ..self }
    }

    pub fn push(&mut self, sample: f64) {
        self.samples.push(sample);
    }
}

impl fmt::Display for Row {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sorted = self.samples.clone();
        sorted.sort_by(f64::total_cmp);
        let at = |index: usize| sorted.get(index).map_or(String::new(), |n| number(*n));
        write!(
            formatter,
            "| {} | {} | {} | {} | {} | {} |",
            self.what,
            self.unit,
            at(0),
            at(sorted.len() / 2),
            at(sorted.len().saturating_sub(1)),
            self.goal,
        )
    }
}

/// Three significant digits are more than a benchmark knows.
fn number(number: f64) -> String {
    match number.abs() {
        n if n >= 100.0 => format!("{number:.0}"),
        n if n >= 10.0 => format!("{number:.1}"),
        _ => format!("{number:.2}"),
    }
}

pub fn head() {
    println!("| what | unit | least | median | most | goal |");
    println!("| --- | --- | ---: | ---: | ---: | --- |");
}

/// A row without a sample is left out: what it is of was not measured.
pub fn print(rows: &[Row]) {
    for row in rows.iter().filter(|row| !row.samples.is_empty()) {
        println!("{row}");
    }
}
