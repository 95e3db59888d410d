//! Create Profile: an action card that creates users' profiles in Mixpanel.
//!
//! The data's way through, one file a step, always forwards:
//!
//! 1. An engine calls an interface of `wit/` ([`bindings`]) with a connection and an input, or a list
//!    of inputs.
//! 2. [`destination`] makes of the connection where requests go ([`token`] is the project's),
//!    [`update`] makes of each input what Mixpanel takes, with [`properties`] ([`custom_properties`] and
//!    [`date_time`] for some of them). Where a field breaks a rule, [`invalid`] names it, and nothing of
//!    that input is sent.
//! 3. [`batch`] puts the updates of a list into as few requests as it can.
//! 4. [`delivery`] sends a request by [`http`], has [`response`] read what came back, and asks [`retry`]
//!    whether to do so again, and after how long.
//! 5. What comes out is a status code, and a reason where it is no success ([`excerpt`] keeps it short).
//!
//! [`credentials`] asks Mixpanel whether a project token is right, over the same steps.

pub mod batch;
pub mod bindings;
pub mod credentials;
pub mod custom_properties;
pub mod date_time;
pub mod delivery;
pub mod destination;
pub mod excerpt;
pub mod http;
pub mod invalid;
pub mod properties;
pub mod response;
pub mod retry;
pub mod strings;
pub mod token;
pub mod update;

use batch::Batch;
use bindings::connections::{self, ConnectionCheck};
use bindings::profiles::{self, Connection, Error, Input, Output};
use delivery::Delivery;
use destination::Destination;
use invalid::InvalidFields;
use update::Update;

/// What becomes of one input.
pub type Outcome = Result<Output, Error>;

/// In the place of an outcome that is not known yet.
const PENDING: Outcome = Err(Error::ExecutionFailed);

/// What engines call.
pub struct Card;

impl profiles::Guest for Card {
    fn create_profile(connection: Connection, input: Input) -> Outcome {
        let mut invalid = InvalidFields::default();
        let destination = invalid.join(Destination::new(&connection));
        let update = invalid.join(Update::new(&input));
        let (Some(destination), Some(update)) = (destination, update) else {
            return Err(invalid.into());
        };
        let update = update.to_json(destination.token)?;
        Delivery::new(&destination).send(&batch::body(&[(0, update)]), 1)
    }

    fn create_profiles(connection: Connection, inputs: Vec<Input>) -> Result<Vec<Outcome>, Error> {
        let destination = Destination::new(&connection)?;
        let mut delivery = Delivery::new(&destination);
        let mut outcomes = vec![PENDING; inputs.len()];
        let mut request = |body: &[u8], updates| delivery.send(body, updates);
        let mut batch = Batch::default();
        for (index, input) in inputs.iter().enumerate() {
            match Update::new(input).and_then(|update| update.to_json(destination.token)) {
                Ok(update) => {
                    if !batch.has_room_for(&update) {
                        batch.send(&mut request, &mut outcomes);
                    }
                    batch.push(index, update);
                }
                Err(invalid) => outcomes[index] = Err(invalid.into()),
            }
        }
        batch.send(&mut request, &mut outcomes);
        Ok(outcomes)
    }
}

impl connections::Guest for Card {
    fn check_connection(connection: Connection) -> Result<ConnectionCheck, Error> {
        credentials::check(&Destination::new(&connection)?)
    }
}

impl From<InvalidFields> for Error {
    fn from(invalid: InvalidFields) -> Self {
        Error::PermanentInvalidInput(invalid.into())
    }
}
