use crate::map::*;

#[test]
fn the_short_form_of_existing_maps_is_read() {
    let map = compile_text(
        "config:\n  infisical_project_id: \"p\"\nsecrets:\n  - name: A\n    file: a\n",
    )
    .unwrap();
    assert_eq!(map.entry_path(EntryId(0)), Some("a"));
}
