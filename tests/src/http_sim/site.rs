//! What a simulated service says of itself.

use super::answer::Answer;
use super::clock::Clock;
use super::request::Request;
use std::fmt::Debug;

/// A service: its routes, its state and its answers.
pub trait Site: Send + 'static {
    /// What faults and counts are told apart by.
    type Route: Copy + Ord + Debug + Send + Sync + 'static;

    /// Which route a request is for. Nothing is judged here.
    fn route(&self, request: &Request) -> Self::Route;

    /// Answers, when the answer starts: after any hang.
    fn answer(&mut self, route: Self::Route, request: &Request) -> Reply;

    /// Answers with the name and the value of something that was not asked for.
    fn lie(&mut self, route: Self::Route, request: &Request) -> Reply;

    /// What it says with this status when it is broken.
    fn broken(&mut self, status: u16) -> Answer;

    /// Its time.
    fn clock(&self) -> &Clock;
}

/// An answer, and what was wrong with the request.
#[derive(Debug)]
pub struct Reply {
    /// What is sent.
    pub answer: Answer,
    /// What no client should have sent: each fails the test.
    pub violations: Vec<String>,
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        Self {
            answer,
            violations: Vec::new(),
        }
    }
}
