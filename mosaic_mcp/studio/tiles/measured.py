"""What shows that a tile does what it says: the tests and benchmarks that measure it.

A name reads "file::test" below tests/; the test's name is the sentence that it proves. The docs
print them, and a test checks that each of them is there.
"""

from __future__ import annotations

from collections.abc import Mapping

REFUSED = "unit/test_tile_catalogue.py::test_a_tile_that_is_not_built_fails_with_what_to_do"
"""For every tile that the studio cannot do."""

MEASURED: Mapping[str, tuple[str, ...]] = {
    "Video Input": (
        "integration/test_engine.py::test_several_inputs_go_to_their_own_tiles",
        "unit/test_tile_catalogue.py::test_the_ends_of_a_graph_pass_everything_on",
    ),
    "Silence Removal": (
        "integration/test_tiles_on_media.py::test_silence_and_fillers_go_and_every_word_stays",
        "unit/test_tile_cuts_property.py::"
        "test_silence_removal_keeps_every_word_and_takes_every_filler",
        "integration/test_render_smart_cut.py::"
        "test_cuts_are_on_their_frames_and_copies_are_bit_identical",
    ),
    "Rough Cut": (
        "integration/test_tiles_on_media.py::test_a_rough_cut_drops_the_topic_that_the_prompt_names",
        "unit/test_tile_rough_cut.py::test_of_repeated_takes_the_last_complete_one_stays",
        "unit/test_tile_cuts_property.py::"
        "test_a_rough_cut_of_clips_of_a_tightened_talk_tears_no_word",
    ),
    "Clips": (
        "integration/test_tiles_on_media.py::"
        "test_clips_of_the_tightened_talk_are_about_the_prompt_and_tear_no_word",
        "unit/test_tile_cuts_property.py::test_clips_never_tear_a_word_nor_overlap",
        "unit/test_tile_clips.py::"
        "test_explicit_ranges_are_cut_on_their_frames_in_their_order_and_named",
    ),
    "Reframe": (
        "integration/test_tiles_on_media.py::"
        "test_the_face_is_inside_the_crop_in_98_percent_of_frames",
        "integration/test_tiles_on_media.py::test_the_crop_jumps_only_where_the_shot_changes",
        "integration/test_render_look.py::test_the_crop_follows_its_path_in_source_time",
    ),
    "Captions": (
        "integration/test_tiles_on_media.py::test_captions_are_timed_as_spoken",
        "integration/test_render_look.py::test_captions_are_seen_while_they_are_said_and_only_then",
    ),
    "Watermark": (
        "integration/test_render_look.py::test_a_watermark_has_its_place_size_and_opacity",
    ),
    "Audio Enhance": (
        "integration/test_render_sound.py::test_the_result_is_as_loud_as_asked_without_overs",
        "integration/test_render_sound.py::"
        "test_denoising_lowers_the_noise_between_words_and_moves_nothing",
    ),
    "Color Correction": (
        "integration/test_tile_looks.py::test_every_preset_changes_the_picture_and_breaks_nothing",
        "integration/test_tile_looks.py::test_a_picture_takes_on_the_colours_of_another",
        "integration/test_render_layers.py::test_a_table_changes_colours_as_it_says",
    ),
    "Mirror": ("integration/test_render_layers.py::test_a_mirrored_clip_changes_its_sides",),
    "Intro": (
        "integration/test_render_layers.py::test_a_whole_clip_is_not_cropped_where_the_rest_is",
        "integration/test_builtin_agents.py::"
        "test_branding_adds_a_card_at_both_ends_and_captions_change_no_length",
    ),
    "Outro": (
        "integration/test_render_layers.py::test_a_whole_clip_is_not_cropped_where_the_rest_is",
        "integration/test_builtin_agents.py::"
        "test_branding_adds_a_card_at_both_ends_and_captions_change_no_length",
    ),
    "Destination": (
        "integration/test_builtin_agents.py::"
        "test_a_built_in_agent_runs_to_its_end_and_makes_what_its_graph_says",
    ),
}
"""By the contract's name of the tile."""
