//! The kinds of outcomes, and which of them are final.

use std::fmt;

use crate::records::{Error, Outcome};

/// What is counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Status(u16),
    InvalidInput,
    Denied,
    Transport,
    ExecutionFailed,
}

impl Kind {
    pub fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Ok(output) => Kind::Status(output.status_code),
            Outcome::Err(Error::PermanentInvalidInput(_)) => Kind::InvalidInput,
            Outcome::Err(Error::PermanentDenied(_)) => Kind::Denied,
            Outcome::Err(Error::Transport(_)) => Kind::Transport,
            Outcome::Err(Error::ExecutionFailed) => Kind::ExecutionFailed,
        }
    }
}

impl Kind {
    /// Whether the profile was created, or was there already.
    pub fn is_success(self) -> bool {
        matches!(self, Kind::Status(200..=299))
    }

    /// Whether sending the same again would be of no use: it succeeded, or was refused for good.
    ///
    /// Not so where Mixpanel was busy or out of reach (408, 425, 429, 5xx, `transport`), or where the
    /// host stopped or forbade the call.
    pub fn is_settled(self) -> bool {
        match self {
            Kind::Status(code) => !matches!(code, 408 | 425 | 429 | 500..=599),
            Kind::InvalidInput => true,
            Kind::Denied | Kind::Transport | Kind::ExecutionFailed => false,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Status(code) => code.fmt(formatter),
            Kind::InvalidInput => formatter.write_str("permanent-invalid-input"),
            Kind::Denied => formatter.write_str("permanent-denied"),
            Kind::Transport => formatter.write_str("transport"),
            Kind::ExecutionFailed => formatter.write_str("execution-failed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Kind;

    #[test]
    fn what_is_final() {
        for code in 100..=999 {
            let kind = Kind::Status(code);
            let open = matches!(code, 408 | 425 | 429) || code / 100 == 5;
            assert_eq!(kind.is_settled(), !open, "{code}");
            assert_eq!(kind.is_success(), code / 100 == 2, "{code}");
        }
        assert!(Kind::InvalidInput.is_settled());
        for kind in [Kind::Denied, Kind::Transport, Kind::ExecutionFailed] {
            assert!(!kind.is_settled() && !kind.is_success(), "{kind}");
        }
    }
}
