//! What the engine calls: the two functions of the interface, as the canonical ABI has them.

#![allow(
    unsafe_code,
    reason = "functions under the names that engines look for"
)]

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use crate::Outcome;
use crate::bindings::profiles::{Error, InvalidField, Output};
use crate::input::{Connection, Input, List, Maybe, Region, Text};
use crate::runtime;

/// The parameters of `create-profile`: as there are too many for registers, they lie in memory.
#[repr(C)]
struct Parameters<'a> {
    connection: Connection<'a>,
    input: Input<'a>,
}

/// `result<T, error>`.
#[expect(dead_code, reason = "the engine reads it")]
#[repr(C, u8)]
enum Returned<T> {
    Ok(T),
    Err(ReturnedError),
}

/// `output`.
#[repr(C)]
struct ReturnedOutput {
    status_code: u16,
    reason: Maybe<Text<'static>>,
}

/// `error`.
#[expect(dead_code, reason = "the engine reads it")]
#[repr(C, u8)]
enum ReturnedError {
    PermanentInvalidInput(List<'static, ReturnedField>),
    PermanentDenied(Text<'static>),
    Transport(Text<'static>),
    ExecutionFailed,
}

/// `invalid-field`.
#[repr(C)]
struct ReturnedField {
    field: Text<'static>,
    reason: Text<'static>,
}

#[unsafe(export_name = "mixpanel:cards/profiles@0.1.0#create-profile")]
extern "C" fn create_profile(parameters: &Parameters<'_>) -> &'static Returned<ReturnedOutput> {
    runtime::start_of_call();
    let outcome = crate::create_profile(&parameters.connection, &parameters.input);
    returned(Returned::from(outcome))
}

#[unsafe(export_name = "mixpanel:cards/profiles@0.1.0#create-profiles")]
#[expect(clippy::too_many_arguments, reason = "two parameters, taken to pieces")]
extern "C" fn create_profiles(
    token: *const u8,
    token_length: usize,
    region: i32,
    has_base_url: i32,
    base_url: *const u8,
    base_url_length: usize,
    has_max_retries: i32,
    max_retries: i32,
    inputs: *const Input<'static>,
    inputs_length: usize,
) -> &'static Returned<List<'static, Returned<ReturnedOutput>>> {
    runtime::start_of_call();
    // SAFETY: the engine passes on addresses and lengths of what it has put there.
    let (token, base_url, inputs) = unsafe {
        (
            Text::at(token, token_length),
            Text::at(base_url, base_url_length),
            List::at(inputs, inputs_length),
        )
    };
    let connection = Connection {
        project_token: token,
        region: match region {
            0 => Region::Standard,
            1 => Region::Eu,
            _ => Region::India,
        },
        base_url: Maybe::from((has_base_url != 0).then_some(base_url)),
        max_retries: Maybe::from(
            (has_max_retries != 0).then_some(u8::try_from(max_retries).unwrap_or(u8::MAX)),
        ),
    };
    returned(
        match crate::create_profiles(&connection, inputs.as_slice()) {
            Ok(outcomes) => Returned::Ok(list(outcomes)),
            Err(error) => Returned::Err(error.into()),
        },
    )
}

/// What an engine reads before it calls again: until then, it stays.
fn returned<T>(result: T) -> &'static T {
    let result = Box::leak(Box::new(result));
    runtime::end_of_call();
    result
}

fn list<T, R: From<T>>(items: Vec<T>) -> List<'static, R> {
    let items: Vec<R> = items.into_iter().map(R::from).collect();
    List::from(&*items.leak())
}

impl From<String> for Text<'static> {
    fn from(text: String) -> Self {
        Text::from(&*text.leak())
    }
}

impl From<Outcome> for Returned<ReturnedOutput> {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Ok(Output {
                status_code,
                reason,
            }) => Returned::Ok(ReturnedOutput {
                status_code,
                reason: reason.map(Text::from).into(),
            }),
            Err(error) => Returned::Err(error.into()),
        }
    }
}

impl From<Error> for ReturnedError {
    fn from(error: Error) -> Self {
        match error {
            Error::PermanentInvalidInput(fields) => {
                ReturnedError::PermanentInvalidInput(list(fields))
            }
            Error::PermanentDenied(reason) => ReturnedError::PermanentDenied(reason.into()),
            Error::Transport(reason) => ReturnedError::Transport(reason.into()),
            Error::ExecutionFailed => ReturnedError::ExecutionFailed,
        }
    }
}

impl From<InvalidField> for ReturnedField {
    fn from(field: InvalidField) -> Self {
        ReturnedField {
            field: field.field.into(),
            reason: field.reason.into(),
        }
    }
}
