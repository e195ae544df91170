//! Resolution against a naive model, over random items: what the rules of contract onepassword.md §4.5
//! say, spelled out without a thought for speed, on the text that the server sent.

use super::super::resolve::{Found, Unresolved, resolve};
use super::*;
use proptest::prelude::*;
use serde_json::json;

/// A field or a file.
#[derive(Debug, Clone)]
struct Thing {
    is_file: bool,
    id: String,
    label: String,
    section: Option<String>,
}

#[derive(Debug, Clone)]
struct World {
    sections: Vec<(String, Option<String>)>,
    things: Vec<Thing>,
    section: Option<String>,
    name: String,
    step: usize,
}

/// What the model says: the index of the thing, or in a word why none.
fn naive(world: &World) -> Result<usize, &'static str> {
    let low = |text: &str| text.to_lowercase();
    let names = |thing: &Thing| [thing.id.clone(), thing.label.clone()];
    let exact = |thing: &Thing| names(thing).contains(&world.name);
    let alike = |thing: &Thing| names(thing).iter().any(|n| low(n) == low(&world.name));
    let section_of = |thing: &Thing| thing.section.clone().unwrap_or_default();
    let label_of = |id: &str| {
        let found: Vec<_> = world.sections.iter().filter(|(s, _)| s == id).collect();
        let labelled = found
            .iter()
            .any(|(_, l)| l.as_deref().is_some_and(|l| !l.is_empty()));
        (!found.is_empty(), labelled)
    };
    let is_top = |thing: &Thing| {
        let id = section_of(thing);
        let (listed, labelled) = label_of(&id);
        id.is_empty() || (listed && !labelled) || (!listed && id == "add more")
    };
    let only = |is: &dyn Fn(&Thing) -> bool| {
        let all: Vec<usize> = (0..world.things.len())
            .filter(|at| is(&world.things[*at]))
            .collect();
        match all.len() {
            0 => None,
            1 => Some(Ok(all[0])),
            _ => Some(Err("several")),
        }
    };
    if let Some(section) = &world.section {
        // Sections that only something unwanted names cannot be asked for by anybody.
        let wanted = |thing: &&Thing| alike(thing);
        let mut all: Vec<(String, String)> = world
            .sections
            .iter()
            .map(|(id, label)| (id.clone(), label.clone().unwrap_or_default()))
            .collect();
        all.extend(
            world
                .things
                .iter()
                .filter(wanted)
                .map(|t| (section_of(t), String::new())),
        );
        let pick = |is: &dyn Fn(&str) -> bool| {
            let mut ids: Vec<String> = all
                .iter()
                .filter(|(id, label)| {
                    (!id.is_empty() && is(id)) || (!label.is_empty() && is(label))
                })
                .map(|(id, _)| id.clone())
                .collect();
            ids.sort();
            ids.dedup();
            ids
        };
        let mut ids = pick(&|text| text == section);
        if ids.is_empty() {
            ids = pick(&|text| low(text) == low(section));
        }
        let [id] = ids.as_slice() else {
            return Err(if ids.is_empty() {
                "no section"
            } else {
                "sections"
            });
        };
        return only(&|t| section_of(t) == *id && exact(t))
            .or_else(|| only(&|t| section_of(t) == *id && alike(t)))
            .unwrap_or(Err("nothing"));
    }
    only(&|t| is_top(t) && exact(t))
        .or_else(|| only(&|t| exact(t)))
        .or_else(|| only(&|t| is_top(t) && alike(t)))
        .or_else(|| only(&|t| alike(t)))
        .unwrap_or(Err("nothing"))
}

/// What the code says, of the item's text.
fn real(world: &World) -> Result<usize, &'static str> {
    let sections: Vec<_> = world
        .sections
        .iter()
        .map(|(id, label)| match label {
            Some(label) => json!({"label": label, "id": id}),
            None => json!({"id": id}),
        })
        .collect();
    let (mut fields, mut files) = (Vec::new(), Vec::new());
    for (at, thing) in world.things.iter().enumerate() {
        let mut one = json!({"id": thing.id});
        one[if thing.is_file { "name" } else { "label" }] = json!(thing.label);
        if let Some(section) = &thing.section {
            one["section"] = json!({"id": section});
        }
        // By these the thing is known again.
        one[if thing.is_file { "size" } else { "value" }] = match thing.is_file {
            true => json!(at),
            false => json!(at.to_string()),
        };
        if thing.is_file {
            files.push(one);
        } else {
            fields.push(one);
        }
    }
    let text = json(json!(sections), json!(fields), json!(files));
    let pool = pool();
    let item = read_by(world.step, text.as_bytes(), &[&world.name], &pool, 64).unwrap();
    match resolve(&item, world.section.as_deref(), &world.name) {
        Ok(Found::File(at)) => Ok(usize::try_from(item.files[at].size.unwrap()).unwrap()),
        Ok(Found::Field(at)) => {
            let value = bytes(&item.fields[at].value).unwrap();
            Ok(std::str::from_utf8(&value).unwrap().parse().unwrap())
        }
        Err(Unresolved::NoSection) => Err("no section"),
        Err(Unresolved::Sections(_)) => Err("sections"),
        Err(Unresolved::Nothing) => Err("nothing"),
        Err(Unresolved::Several(_)) => Err("several"),
    }
}

/// Few names, so that they meet.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => Just("a"), 2 => Just("A"), 2 => Just("b"), 1 => Just("\u{e9}"), 1 => Just("\u{c9}"),
        1 => Just("add more"), 1 => Just("c"),
    ]
    .prop_map(str::to_owned)
}

fn perhaps() -> impl Strategy<Value = String> {
    prop_oneof![4 => name(), 1 => Just(String::new())]
}

prop_compose! {
    fn thing()(
        is_file in proptest::bool::weighted(0.3), id in perhaps(), label in perhaps(),
        section in proptest::option::of(perhaps()),
    ) -> Thing {
        Thing { is_file, id, label, section }
    }
}

prop_compose! {
    fn world()(
        sections in proptest::collection::vec((name(), proptest::option::of(perhaps())), 0..4),
        things in proptest::collection::vec(thing(), 0..6),
        section in proptest::option::of(name()),
        name in name(),
        step in 1_usize..40,
    ) -> World {
        World { sections, things, section, name, step }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn a_reference_means_what_the_naive_model_says(world in world()) {
        prop_assert_eq!(real(&world), naive(&world));
    }
}
