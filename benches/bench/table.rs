//! The table that is printed: a row a figure.

use std::fmt;

/// One figure's samples, one a round.
pub struct Row {
    what: &'static str,
    unit: &'static str,
    /// What it is to be, where something is promised.
    goal: &'static str,
    samples: Vec<f64>,
    /// Of the other commit, by the round.
    before: Vec<f64>,
    /// Of one of Mixpanel's own libraries, by the round.
    peer: (&'static str, Vec<f64>),
}

impl Row {
    pub fn new(what: &'static str, unit: &'static str) -> Self {
        Row {
            what,
            unit,
            goal: "",
            samples: vec![],
            before: vec![],
            peer: ("", vec![]),
        }
    }

    pub fn with_goal(self, goal: &'static str) -> Self {
        Row { goal, ..self }
    }

    /// What the figure is called: the same in all versions of this program.
    pub fn what(&self) -> &'static str {
        self.what
    }

    pub fn push(&mut self, sample: f64) {
        self.samples.push(sample);
    }

    pub fn push_before(&mut self, sample: f64) {
        self.before.push(sample);
    }

    pub fn push_peer(&mut self, name: &'static str, sample: f64) {
        self.peer.0 = name;
        self.peer.1.push(sample);
    }

    /// The median of the other's figure, and that of the rounds' ratios to it.
    fn beside(&self, other: &[f64]) -> (String, String) {
        if other.is_empty() {
            return (String::new(), String::new());
        }
        let ratios = self
            .samples
            .iter()
            .zip(other)
            .map(|(own, other)| own / other);
        let ratio = median(&ratios.collect::<Vec<_>>());
        (number(median(other)), format!("{ratio:.2}"))
    }
}

impl fmt::Display for Row {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let least = self.samples.iter().copied().fold(f64::INFINITY, f64::min);
        let most = self.samples.iter().copied().fold(0.0, f64::max);
        let (before, to_before) = self.beside(&self.before);
        let (peer, to_peer) = self.beside(&self.peer.1);
        write!(
            formatter,
            "| {} | {} | {} | {} to {} | {} | {before} | {to_before} | {} {peer} | {to_peer} |",
            self.what,
            self.unit,
            number(median(&self.samples)),
            number(least),
            number(most),
            self.goal,
            self.peer.0,
        )
    }
}

fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Three significant digits are more than a benchmark knows.
fn number(number: f64) -> String {
    match number {
        n if n >= 100.0 => format!("{number:.0}"),
        n if n >= 10.0 => format!("{number:.1}"),
        _ => format!("{number:.2}"),
    }
}

pub fn head() {
    println!(
        "| what | unit | median | least to most | goal | before | ratio to it | Mixpanel's own library | ratio to it |"
    );
    println!("| --- | --- | ---: | ---: | --- | ---: | ---: | ---: | ---: |");
}
