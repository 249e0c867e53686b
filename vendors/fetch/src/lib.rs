//! The one part of Provenote that gets published terms: from the addresses that a practice lists, and no other.
//!
//! [`Web`] follows redirects by itself, so that each is checked and told; keeps no cookies; says who it is; and tells a
//! page that was kept from it from a page that is not there. [`history`] reads what others kept: a git folder of Open
//! Terms Archive, or a folder of dated files.

pub mod history;
mod walls;
mod web;

pub use web::{LARGEST, MOST_REDIRECTS, USER_AGENT, Web};
