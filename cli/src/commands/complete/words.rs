//! Where in the command line the cursor stands, by the definition of the command line.

use super::Candidate;
use clap::{Arg, Command};

/// The place of the cursor.
pub(super) struct Place<'a> {
    /// The commands that were typed: `["vault", "set"]`.
    pub(super) commands: Vec<&'a str>,
    /// The values that were typed for the arguments of the last of them, by the argument's name.
    pub(super) values: Vec<(&'a str, &'a str)>,
    /// What belongs to the word and stands before the value: `--only=`.
    pub(super) prefix: String,
    /// What is typed of the value.
    pub(super) value: String,
    /// Files of the shell, where nothing of ours fits.
    pub(super) else_files: bool,
}

/// What may stand there.
pub(super) enum Wanted<'a> {
    /// One of these.
    Words(Vec<Candidate>),
    /// A value of an argument, or one of these words.
    Value { arg: &'a Arg, words: Vec<Candidate> },
    /// Another program and its arguments.
    Command,
}

/// The place at the end of these words, of which the first is the program's name; `None`: no word.
pub(super) fn at_the_end<'a>(
    root: &'a Command,
    words: &'a [String],
) -> Option<(Place<'a>, Wanted<'a>)> {
    let (current, before) = words.split_last()?;
    let before = before.split_first()?.1;
    let mut reading = Reading {
        command: root,
        place: Place {
            commands: Vec::new(),
            values: Vec::new(),
            prefix: String::new(),
            value: current.clone(),
            else_files: false,
        },
        position: 0,
        pending: None,
        escaped: false,
        used: Vec::new(),
    };
    for word in before {
        reading.word(word);
    }
    Some(reading.end(current))
}

struct Reading<'a> {
    command: &'a Command,
    place: Place<'a>,
    /// How many positional arguments there were.
    position: usize,
    /// The option whose value comes next.
    pending: Option<&'a Arg>,
    /// After `--`.
    escaped: bool,
    used: Vec<&'a str>,
}

impl<'a> Reading<'a> {
    fn word(&mut self, word: &'a str) {
        if let Some(option) = self.pending.take() {
            self.place.values.push((option.get_id().as_str(), word));
        } else if self.is_command_of_its_own() {
            self.position += 1;
        } else if !self.escaped && word == "--" {
            self.escaped = true;
        } else if let Some(long) = word.strip_prefix("--").filter(|_| !self.escaped) {
            let (name, value) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (long, None),
            };
            self.option(|arg| arg.get_long() == Some(name), value);
        } else if let Some(short) = word.strip_prefix('-').filter(|_| self.is_option(word)) {
            for (at, letter) in short.char_indices() {
                let rest = short
                    .get(at + letter.len_utf8()..)
                    .filter(|rest| !rest.is_empty());
                if self.option(|arg| arg.get_short() == Some(letter), rest) {
                    break;
                }
            }
        } else if let Some(inner) = self.inner(word) {
            self.command = inner;
            self.place.commands.push(inner.get_name());
            self.place.values.clear();
            self.used.clear();
            self.position = 0;
        } else {
            if let Some(arg) = self.positional() {
                self.place.values.push((arg.get_id().as_str(), word));
            }
            self.position += 1;
        }
    }

    fn is_option(&self, word: &str) -> bool {
        !self.escaped && word.starts_with('-') && word.len() > 1
    }

    fn inner(&self, word: &str) -> Option<&'a Command> {
        let may_be = !self.escaped && self.position == 0;
        may_be.then(|| self.command.find_subcommand(word)).flatten()
    }

    /// Takes an option; whether it has a value.
    fn option(&mut self, is_it: impl Fn(&Arg) -> bool, value: Option<&'a str>) -> bool {
        let Some(arg) = self.command.get_arguments().find(|arg| is_it(arg)) else {
            return false;
        };
        self.used.push(arg.get_id().as_str());
        let takes = takes_value(arg);
        match value {
            Some(value) if takes => self.place.values.push((arg.get_id().as_str(), value)),
            None if takes => self.pending = Some(arg),
            _ => {}
        }
        takes
    }

    /// The positional argument that comes next; the last one where it may come again.
    fn positional(&self) -> Option<&'a Arg> {
        let mut all = self.command.get_positionals();
        let last = self.command.get_positionals().last();
        all.nth(self.position)
            .or(last.filter(|arg| arg.get_num_args().is_some_and(|n| n.max_values() > 1)))
    }

    /// `run -- CMD …`: the rest is not ours.
    fn is_command_of_its_own(&self) -> bool {
        let is_last = self.positional().is_some_and(Arg::is_trailing_var_arg_set);
        is_last && (self.escaped || self.position > 0)
    }

    fn end(mut self, current: &'a str) -> (Place<'a>, Wanted<'a>) {
        let mut wanted = Wanted::Words(Vec::new());
        if let Some(arg) = self.pending {
            let words = Vec::new();
            wanted = Wanted::Value { arg, words };
        } else if self.is_command_of_its_own() {
            wanted = Wanted::Command;
        } else if let Some((name, value)) =
            current.split_once('=').filter(|_| self.is_option(current))
        {
            let is_it = |arg: &&Arg| {
                arg.get_long()
                    .is_some_and(|long| name == format!("--{long}"))
            };
            if let Some(arg) = self.command.get_arguments().find(is_it) {
                self.place.prefix = format!("{name}=");
                self.place.value = value.to_owned();
                let words = Vec::new();
                wanted = Wanted::Value { arg, words };
            }
        } else if !self.escaped && current.starts_with('-') {
            wanted = Wanted::Words(self.options());
        } else {
            let words = self.commands();
            wanted = match self.positional() {
                Some(arg) if arg.is_trailing_var_arg_set() => Wanted::Command,
                Some(arg) => Wanted::Value { arg, words },
                // Where nothing else fits, what there is may be worth knowing.
                None if words.is_empty() && !self.escaped && self.position == 0 => {
                    Wanted::Words(self.options())
                }
                None => Wanted::Words(words),
            };
            // A path is a file's: what is inside a mount is seen there too.
            let is_path = ["/", "~", "."]
                .iter()
                .any(|start| current.starts_with(start));
            self.place.else_files = is_path && self.positional().is_some();
        }
        (self.place, wanted)
    }

    fn commands(&self) -> Vec<Candidate> {
        if self.escaped || self.position > 0 {
            return Vec::new();
        }
        self.command
            .get_subcommands()
            .filter(|command| !command.is_hide_set())
            .flat_map(|command| {
                let about = command
                    .get_about()
                    .map(ToString::to_string)
                    .unwrap_or_default();
                command
                    .get_name_and_visible_aliases()
                    .into_iter()
                    .map(move |name| Candidate {
                        word: name.to_owned(),
                        about: about.clone(),
                    })
            })
            .collect()
    }

    fn options(&self) -> Vec<Candidate> {
        self.command
            .get_arguments()
            .filter(|arg| !arg.is_hide_set() && !self.used.contains(&arg.get_id().as_str()))
            .filter_map(|arg| {
                Some(Candidate {
                    word: format!("--{}", arg.get_long()?),
                    about: arg.get_help().map(ToString::to_string).unwrap_or_default(),
                })
            })
            .collect()
    }
}

fn takes_value(arg: &Arg) -> bool {
    arg.get_num_args().is_some_and(|range| range.takes_values())
}

/// The values that an argument may have, where that is a list.
pub(super) fn possible(arg: &Arg) -> Vec<Candidate> {
    arg.get_possible_values()
        .iter()
        .filter(|value| !value.is_hide_set())
        .map(|value| Candidate {
            word: value.get_name().to_owned(),
            about: value
                .get_help()
                .map(ToString::to_string)
                .unwrap_or_default(),
        })
        .collect()
}
