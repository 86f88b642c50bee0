//! Binding as a user meets it: text of a file in, cells and findings out.

mod blanks;
mod build;
mod columns;
mod crossing;
mod groups;
mod init;
mod new_rows;
mod ordering;
mod pieces;
mod real_files;
mod streams;
mod supports;
mod tables;
