//! A prompt in progress is one prompt, however many files are opened.

use super::Mount;
use secretfs_tests::fixture::value;
use secretfs_tests::op::Act;
use secretfs_tests::script::{Outcome, Step, to_hex};
use std::time::Duration;

fn eight() -> Mount {
    let mount = Mount::new();
    for n in 0..8 {
        mount.item(n, &format!("i{n}"));
    }
    let references: Vec<_> = (0..8).map(|n| format!("op://Prod/i{n}/f")).collect();
    let references: Vec<_> = references.iter().map(String::as_str).collect();
    mount.mount_refs("", &references);
    mount
}

fn each(mount: &Mount) -> Step {
    let path = |n| {
        mount
            .file(&format!("f{n}"))
            .to_str()
            .expect("UTF-8")
            .to_owned()
    };
    Step::SlurpEach {
        paths: (0..8).map(path).collect(),
    }
}

#[test]
fn files_of_eight_items_wait_for_one_prompt_and_are_read_one_after_the_other() {
    let mount = eight();
    mount.next(&[Act::Prompt]);
    let mut probe = mount.probe();
    probe.begin(&each(&mount));
    mount.op.wait_started(1);
    mount.op.answer_prompts(1);
    let expected = (0..8).map(|n| Outcome::Bytes(to_hex(&value(&format!("i{n}"), 64))));
    assert_eq!(probe.finish(), Outcome::Each(expected.collect()));
    let calls = mount.op.calls();
    assert_eq!(calls.len(), 8);
    assert!(calls.iter().all(|call| call.running == 1), "{calls:?}");
}

#[test]
fn a_dismissed_prompt_fails_all_that_waited_for_it_and_nobody_is_asked_again_at_once() {
    let mount = eight();
    let dismissed = "error initializing client: authorization prompt dismissed, please try again";
    mount.next(&[Act::PromptThenFail(dismissed.to_owned())]);
    let mut probe = mount.probe();
    probe.begin(&each(&mount));
    mount.op.wait_started(1);
    mount.op.answer_prompts(1);
    let failed = vec![Outcome::Failed(libc::ENOKEY); 8];
    assert_eq!(probe.finish(), Outcome::Each(failed));
    assert_eq!(mount.op.calls().len(), 1);
    assert!(mount.reason("f3").contains("dismissed"));
    mount.advance(Duration::from_secs(6));
    assert_eq!(mount.read("f1"), Err(libc::ENOKEY));
    assert_eq!(mount.op.calls().len(), 1);
    mount.advance(Duration::from_secs(6));
    assert_eq!(mount.read("f1"), Ok(value("i1", 64)));
}
