//! A request under examination: what it says, and what no client should have said.

use super::refusal::{self, Refusal};
use crate::http_sim::Request;
use serde_json::{Map, Value};

/// A request and its violations so far.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    pub(super) request: &'a Request,
    pub(super) violations: Vec<String>,
}

impl<'a> Asked<'a> {
    pub(super) fn new(request: &'a Request) -> Self {
        Self {
            request,
            violations: Vec::new(),
        }
    }

    pub(super) fn wrong(&mut self, what: impl Into<String>) {
        self.violations.push(what.into());
    }

    /// The query has these parameters alone, each at most once. The server would ignore others: a typo
    /// in one is a setting that does nothing.
    pub(super) fn knows_only(&mut self, known: &[&str]) {
        let mut seen: Vec<&str> = Vec::new();
        for (name, _) in &self.request.query {
            if !known.contains(&name.as_str()) {
                self.violations
                    .push(format!("an unknown query parameter `{name}`"));
            } else if seen.contains(&name.as_str()) {
                self.violations
                    .push(format!("the query parameter `{name}` twice"));
            }
            seen.push(name);
        }
    }

    /// A parameter that is not empty.
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        let text = self.request.parameter(name).map(str::trim);
        text.filter(|text| !text.is_empty())
    }

    /// A parameter without which the request makes no sense.
    pub(super) fn needed(&mut self, name: &str, or: Refusal) -> Result<&'a str, Refusal> {
        self.text(name).ok_or_else(|| {
            self.wrong(format!("the query parameter `{name}` is missing"));
            or
        })
    }

    /// A boolean, which has to be told and to be "true" or "false": "1" is 422, and the defaults of
    /// v3 and of the two routers of v4 differ (contract §3).
    pub(super) fn truth(&mut self, name: &str, default: bool) -> Result<bool, Refusal> {
        match self.request.parameter(name) {
            Some("true") => Ok(true),
            Some("false") => Ok(false),
            Some(other) => {
                self.wrong(format!("`{name}` is neither \"true\" nor \"false\""));
                Err(Refusal::invalid(vec![refusal::no_boolean(name, other)]))
            }
            None => {
                self.wrong(format!(
                    "`{name}` is not told, and its default differs between servers"
                ));
                Ok(default)
            }
        }
    }

    /// A body of these fields alone, each a text that is not empty.
    pub(super) fn fields(&mut self, names: &[&str]) -> Result<Vec<String>, Refusal> {
        let body = self.body()?;
        for name in body.keys() {
            if !names.contains(&name.as_str()) {
                self.wrong(format!("an unknown field `{name}`"));
            }
        }
        let mut missing = Vec::new();
        let mut found = Vec::new();
        for name in names {
            match body.get(*name) {
                Some(Value::String(text)) => found.push(text.clone()),
                _ => missing.push(refusal::required(name)),
            }
        }
        if missing.is_empty() {
            return Ok(found);
        }
        self.wrong("a field is missing, or is no text");
        Err(Refusal::invalid(missing))
    }

    /// The body: JSON, or a form, which works too (contract §2).
    pub(super) fn body(&mut self) -> Result<Map<String, Value>, Refusal> {
        let kind = self.request.header("content-type").unwrap_or_default();
        if kind.starts_with("application/x-www-form-urlencoded") {
            let form = String::from_utf8_lossy(&self.request.body);
            let form = crate::http_sim::request::pairs(&form);
            let field = |(key, value)| (key, Value::String(value));
            return Ok(form.into_iter().map(field).collect());
        }
        if !kind.starts_with("application/json") {
            self.wrong("a body that is not said to be JSON");
            return Err(Refusal::new(
                415,
                "Unsupported Media Type",
                "Unsupported Media Type",
            ));
        }
        match serde_json::from_slice(&self.request.body) {
            Ok(Value::Object(body)) => Ok(body),
            _ => {
                self.wrong("a body that is no JSON object");
                // Not 400 (contract §2).
                Err(Refusal::internal())
            }
        }
    }
}
