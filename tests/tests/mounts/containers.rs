//! What docs/containers.md says of rootless podman, with a real one.

use secretfs_tests::fixture::{Fixture, told, value};
use secretfs_tests::podman;

fn mounted() -> Fixture {
    let fixture = Fixture::new();
    let mut vault = fixture.vault();
    vault.set("A", &value("a", 64));
    fixture.write_map(&format!(
        "providers: {{v: {{type: local, file: {:?}}}}}\nsecrets: [{{name: A, file: a}}]\n",
        vault.file()
    ));
    fixture.mount();
    fixture
}

#[test]
fn root_inside_of_a_rootless_container_is_the_user() {
    let fixture = mounted();
    let output = podman::run(&fixture, "id -u; cat /secrets/a");
    assert!(output.status.success(), "{}", told(&output));
    let expected = [b"0\n".to_vec(), value("a", 64)].concat();
    assert_eq!(output.stdout, expected, "{}", told(&output));
    fixture.unmount();
}
