//! `secretfs doctor`: whether a mount would work here, and what protects it. It holds no secret and
//! needs no mount.

mod credentials;
mod facts;
mod machine;
mod print;
mod rows;
mod session;
#[cfg(test)]
mod tests;

use crate::args::DoctorArgs;
use crate::error::{CliError, Status};
use rows::State;

/// Runs the command; status 1 where no mount would work.
pub(crate) fn run(args: &DoctorArgs) -> Result<(), CliError> {
    let rows = rows::all(&machine::look());
    let text = if args.json {
        print::json(&rows).map_err(|error| {
            CliError::new(
                Status::Other,
                format!("cannot write the report: {error}"),
                "",
            )
        })?
    } else {
        print::table(&rows, crate::screen::Look::of_stdout())
    };
    crate::output::print(text)?;
    if rows.iter().any(|row| row.state == State::Failed) {
        return Err(CliError::told(Status::Other));
    }
    Ok(())
}
