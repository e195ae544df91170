//! How problems are drawn and listed.

use super::{PATH, accepted, parsed};
use miette::{GraphicalReportHandler, GraphicalTheme};

fn drawn(text: &str) -> String {
    let errors = parsed(text).unwrap_err();
    let mut out = String::new();
    GraphicalReportHandler::new_themed(GraphicalTheme::none())
        .render_report(&mut out, &errors)
        .unwrap();
    out.lines().map(|l| format!("{}\n", l.trim_end())).collect()
}

#[test]
fn every_problem_is_drawn_with_its_excerpt_and_help() {
    let text = "secrets:\n- name: A\n  fle: a\n- {name: B, file: b}\n- {name: C, file: b}\n";
    let expected = r"  x the map /home/u/secrets.yml has 2 problems

Error:
  x unknown key `fle` in an entry
   ,-[/home/u/secrets.yml:3:3]
 2 | - name: A
 3 |   fle: a
   :   ^|^
   :    `-- here
 4 | - {name: B, file: b}
   `----
  help: did you mean `file`?

Error:
  x two entries show `b`
   ,-[/home/u/secrets.yml:5:19]
 3 |   fle: a
 4 | - {name: B, file: b}
   :                   |
   :                   `-- first here
 5 | - {name: C, file: b}
   :                   |
   :                   `-- and here
   `----
  help: give one of them another path
";
    assert_eq!(drawn(text), expected);
}

#[test]
fn escapes_of_a_hostile_map_do_not_reach_the_terminal() {
    let text =
        "secrets:\n- {name: A, file: a} # \u{1b}]0;x\u{7} \u{202e} \u{9b}31m\n- {\"\\e[31m\": x}\n";
    let out = drawn(text);
    let hostile = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert!(!out.contains(hostile), "{out:?}");
    assert!(out.contains("# ?]0;x? ??? ??31m"), "{out}");
    let lines = parsed(text).unwrap_err().lines().join("\n");
    assert!(!lines.contains(hostile), "{lines:?}");
}

#[test]
fn places_are_right_behind_characters_of_several_bytes() {
    let text = format!(
        "# {}\nsecrets:\n- {{name: 🔑ä, fle: x}}\n",
        "ü🔑".repeat(2_000)
    );
    let errors = parsed(&text).unwrap_err();
    assert_eq!(
        (errors.problems[0].line, errors.problems[0].column),
        (Some(3), Some(14))
    );
    assert!(
        drawn(&text).contains("- {name: 🔑ä, fle: x}\n"),
        "{}",
        drawn(&text)
    );
}

#[test]
fn the_summary_is_one_line() {
    let one = parsed("secrets:\n- {name: A, fle: a}\n").unwrap_err();
    assert_eq!(
        one.summary(),
        format!("{PATH}:2:13: unknown key `fle` in an entry (did you mean `file`?)")
    );
    let two = parsed("secrets:\n- {name: A, fle: a}\n- {name: A, fle: a}\n").unwrap_err();
    assert_eq!(two.summary(), format!("{}, and 1 more", one.summary()));
    assert_eq!(one.to_string(), format!("the map {PATH} has a problem"));
}

#[test]
fn a_thousand_problems_are_counted_and_a_hundred_shown() {
    let text = format!("secrets:\n{}", "- {}\n".repeat(1_000));
    let errors = parsed(&text).unwrap_err();
    assert_eq!((errors.problems.len(), errors.more), (100, 1_900));
    assert_eq!(
        errors.to_string(),
        format!("the map {PATH} has 2000 problems")
    );
}

#[test]
fn a_password_in_an_address_is_not_repeated() {
    let text = "providers:\n  i: {type: infisical, project_id: p, site_url: 'https://u:hunter2@x'}\n\
                secrets:\n- {name: A, file: a}\n";
    let errors = parsed(text).unwrap_err();
    assert!(!errors.lines().join("").contains("hunter2"));
}

#[test]
fn a_valid_map_prints_the_same_after_every_round() {
    let map = accepted(super::accepted::FULL);
    let text = crate::map::print(&map);
    assert_eq!(crate::map::print(&accepted(&text)), text);
}
