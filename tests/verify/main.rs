//! `pmc verify`: it passes on what is derived, and fails when something in it is wrong.

mod command;
mod fixture;
mod folders;
mod forms;
mod mutations;
