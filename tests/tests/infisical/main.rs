//! The Infisical client against the simulator, without a mount: what each row of the contract becomes,
//! and how many requests it takes. One subject of `contracts/infisical.md` a file.

mod checking;
mod expansion;
mod faults;
mod imports;
mod missing;
mod names;
mod outages;
mod permission;
mod personal;
mod reading;
mod rig;
mod stack;
mod together;
