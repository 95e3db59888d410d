//! The component's bytes.

use anyhow::Result;

use crate::Options;
use crate::beside::Checkout;
use crate::table::Row;

pub fn measure(options: &Options) -> Result<Vec<Row>> {
    let bytes = |checkout: &Checkout| Ok(std::fs::metadata(checkout.component())?.len() as f64);
    let mut row = Row::new("the component", "bytes").with_goal("≤ 229376");
    row.push(bytes(&Checkout::own()?)?);
    if let Some(before) = &options.beside {
        let bytes: Result<f64> = bytes(before);
        row.push_before(bytes?);
    }
    Ok(vec![row])
}
