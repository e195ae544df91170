//! Values that 1Password's `op` prints, and the token that it is given: what passes through secretfs, for
//! the memory of `op` is its own.

use crate::world::SIZES;
use secretfs_tests::fixture::Fixture;
use secretfs_tests::memory::client::Scanner;
use secretfs_tests::memory::marker::{Marker, Pattern};
use secretfs_tests::op::{Item, Op, Vault};
use secretfs_tests::wait;

struct World {
    fixture: Fixture,
    op: Op,
    values: Vec<Marker>,
    token: Marker,
}

fn world() -> World {
    let mut fixture = Fixture::shipped();
    let op = Op::install(&mut fixture);
    let values: Vec<_> = SIZES
        .iter()
        .map(|size| Marker::new(&format!("{size} bytes")))
        .collect();
    let token = Marker::new("the token");
    let mut item = Item::new(1, "memory");
    let mut map = "providers: {p: {type: onepassword, backend: op}}\nsecrets:\n".to_owned();
    for (marker, size) in values.iter().zip(SIZES) {
        let (name, value) = (format!("V{size}"), marker.value(size));
        item = match std::str::from_utf8(&value) {
            Ok(text) if size < 100_000 => item.field(&name, text),
            _ => item.file(&name, &value),
        };
        map.push_str(&format!(
            "- {{ref: op://Prod/memory/{name}, file: v{size}}}\n"
        ));
    }
    op.change(&fixture, |account| {
        account.token = Some(format!("ops_{}", token.core()));
        account.vaults.push(Vault {
            id: format!("v{:0>25}", 1),
            name: "Prod".to_owned(),
            items: vec![item],
        });
    });
    fixture.write_map(&map);
    World {
        fixture,
        op,
        values,
        token,
    }
}

impl World {
    fn read_all(&self) {
        for (marker, size) in self.values.iter().zip(SIZES) {
            let seen = self.fixture.read(&format!("v{size}"));
            assert!(seen == Ok(marker.value(size)), "v{size}: not its bytes");
        }
    }

    fn secrets(&self) -> Vec<Pattern> {
        let values = self.values.iter().flat_map(Marker::patterns);
        values.chain(self.token.patterns()).collect()
    }

    fn pids(&self) -> Vec<u32> {
        [
            "internal-daemon",
            "internal-mount-helper",
            "internal-sentinel",
        ]
        .map(|role| self.fixture.process(role).pid)
        .into()
    }
}

#[test]
fn what_op_prints_and_its_token_are_at_rest_in_memory_that_nobody_can_read() {
    let world = world();
    let mut command = world.fixture.secretfs(world.fixture.mount_args());
    let token = format!("ops_{}", world.token.core());
    let output = command.env("OP_SERVICE_ACCOUNT_TOKEN", token).output();
    assert!(output.expect("secretfs").status.success());
    world.read_all();
    let mut scanner = Scanner::start(&world.fixture);
    let secrets = world.secrets();
    let report = scanner.look(&world.pids(), &secrets);
    assert!(report.exposed().is_empty(), "{report:#?}");
    assert!(report.unreadable >= 1 << 20, "{}", report.unreadable);
    wait::until("no copy is left", || {
        let report = scanner.look(&world.pids(), &secrets);
        report.findings.is_empty().then_some(())
    });
    // Still served, so it is not that they are gone.
    let runs = world.op.calls().len();
    world.read_all();
    assert_eq!(world.op.calls().len(), runs);
}
