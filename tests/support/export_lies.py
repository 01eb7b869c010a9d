"""The lies somebody may tell in an export: each with the step of LOG.md 7 that finds it and the place that is named.
What takes a forger's own signatures, or another file, is in `export_forgeries`."""

from __future__ import annotations

import lies_of_entries as entries
import lies_of_shards as shards
from export_sample import Lie

Found = tuple[int, str]
"""The step that finds a lie first, and the place it names."""
_NEW, _OLD = "musterstadt.example/24m/2026-11", "musterstadt.example/24m/2026-10"
_NEW_12, _OLD_12 = "musterstadt.example/12m/2026-11", "musterstadt.example/12m/2026-10"
_PERSON, _ABSENT = f"{_NEW}, form 1", f"{_NEW}, form 2"
LIES: dict[Lie, Found] = {
    entries.drop_entry: (5, _PERSON),
    entries.drop_all_entries: (5, _PERSON),
    entries.truncate_entries: (5, _PERSON),
    entries.swap_entries: (5, _PERSON),
    entries.repeat_entry: (5, _PERSON),
    entries.swap_openings: (5, f"{_PERSON}, entry 1"),
    entries.swap_salts: (5, f"{_PERSON}, entry 1"),
    entries.move_entry: (5, f"{_PERSON}, entry 1"),
    entries.truncate_path: (5, f"{_PERSON}, entry 1"),
    entries.lengthen_path: (5, f"{_PERSON}, entry 1"),
    entries.entry_of_another: (5, f"{_PERSON}, entry 3"),
    entries.relabel_entry_of_another: (5, f"{_PERSON}, entry 3"),
    entries.withhold_without_norm: (5, f"{_PERSON}, entry 1"),
    entries.withhold_for_no_reason: (5, f"{_PERSON}, entry 1"),
    entries.withhold_in_part: (5, f"{_PERSON}, entry 1"),
    entries.withhold_what_opens: (5, f"{_PERSON}, entry 1"),
    entries.another_persons_vrf_proof: (5, _PERSON),
    entries.another_persons_everything: (5, _PERSON),
    entries.another_months_form: (5, _PERSON),
    entries.another_label_for_one_who_is_absent: (5, _ABSENT),
    entries.subject_renamed: (5, f"{_OLD_12}, form 1"),
    entries.not_a_subject: (5, f"{_OLD_12}, form 2"),
    entries.form_left_out: (6, _NEW_12),
    entries.form_in_one_shard_only: (6, _NEW),
    entries.form_twice: (6, _NEW_12),
    entries.no_forms: (6, _OLD_12),
    shards.shard_left_out: (3, _NEW),
    shards.oldest_shard_left_out: (3, _NEW_12),
    shards.oldest_of_every_class_left_out: (3, _NEW_12),
    shards.newest_shard_left_out: (4, _OLD),
    shards.class_left_out: (3, "class 12m"),
    shards.shards_swapped: (3, _OLD),
    shards.classes_mixed: (3, "shards"),
    shards.shard_twice: (3, _OLD_12),
    shards.no_shards: (3, "shards"),
    shards.foreign_key: (2, _OLD_12),
    shards.foreign_name: (1, "authority"),
    shards.cosigner_as_authority: (1, "authority"),
    shards.origin_renamed: (2, "musterstadt.example/24m/2026-12"),
    shards.foreign_origin: (2, "other.example/24m/2026-11"),
    shards.nonsense_origin: (2, "shards"),
    shards.start_of_another_shard: (2, _NEW),
    shards.opening_of_another_shard: (2, _NEW),
    shards.leaf_0_of_another_index: (2, _NEW),
    shards.head_of_another_shard: (3, _NEW),
    shards.head_signed_by_another_key: (3, _NEW),
    shards.index_of_another_shard: (4, _NEW),
    shards.older_epoch: (4, _NEW),
    shards.index_size_changed: (4, _NEW),
    shards.index_too_old: (4, _NEW_12),
    shards.index_taken_out_but_not_the_places: (5, _PERSON),
    entries.place_in_the_index_missing: (5, _PERSON),
    entries.place_in_the_index_moved: (5, _PERSON),
    entries.presence_and_absence: (5, _PERSON),
    entries.absence_missing: (5, _ABSENT),
    entries.absence_without_neighbours: (5, _ABSENT),
    entries.absence_on_one_side_only: (5, _ABSENT),
    entries.absence_of_another_label: (5, _ABSENT),
    entries.absence_of_one_who_is_there: (5, _PERSON),
    shards.period_longer_than_the_log: (3, _OLD_12),
    shards.ends_before_it_begins: (3, "from, to"),
    shards.no_day: (3, "from, to"),
}
OMISSION = {
    entries.drop_entry,
    entries.drop_all_entries,
    entries.truncate_entries,
    shards.newest_shard_left_out,
}
"""They are seen with an index only."""
ABOUT_THE_INDEX = {
    shards.index_of_another_shard,
    shards.older_epoch,
    shards.index_size_changed,
    shards.index_too_old,
    shards.index_taken_out_but_not_the_places,
    entries.place_in_the_index_missing,
    entries.place_in_the_index_moved,
    entries.presence_and_absence,
    entries.absence_missing,
    entries.absence_without_neighbours,
    entries.absence_on_one_side_only,
    entries.absence_of_another_label,
    entries.absence_of_one_who_is_there,
}
"""They can't be told of an export that has no index."""
