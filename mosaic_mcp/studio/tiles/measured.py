"""What shows that a tile does what it says: the tests and benchmarks that measure it.

A name reads "file::test" below tests/; the test's name is the sentence that it proves. The docs
print them, and a test checks that each of them is there.
"""

from __future__ import annotations

from collections.abc import Mapping

REFUSED = "unit/test_tile_catalogue.py::test_a_tile_that_is_not_built_fails_with_what_to_do"
"""For every tile that the studio cannot do."""
REFUSED_BEFORE = (
    "integration/test_rest_doable.py::"
    "test_a_run_with_a_tile_that_the_studio_does_not_do_is_refused_before_it_is_made"
)
"""For those of them that are part of runs."""

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
        "unit/test_tile_cuts_property.py::"
        "test_a_rough_cut_by_times_tears_no_word_and_keeps_to_them",
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
        "integration/test_tiles_on_media.py::"
        "test_on_one_speaker_the_crop_jumps_only_where_the_shot_changes",
        "unit/test_tile_reframe.py::test_somebody_else_on_the_other_side_is_cut_to_not_panned_to",
        "integration/test_render_look.py::test_the_crop_follows_its_path_in_source_time",
    ),
    "Captions": (
        "integration/test_tiles_on_media.py::test_captions_are_timed_as_spoken",
        "integration/test_render_look.py::test_captions_are_seen_while_they_are_said_and_only_then",
    ),
    "Cinematic Captions": (
        "integration/test_render_drawn.py::test_words_come_as_their_animation_says",
        "unit/test_render_cinematic.py::"
        "test_auto_leaves_the_foot_of_the_picture_to_a_face_that_is_there",
        "unit/test_tile_cinematic_captions.py::"
        "test_colours_that_are_chosen_can_be_read_on_the_picture",
    ),
    "Captions With Emojis": (
        "integration/test_render_drawn.py::"
        "test_an_emoji_is_drawn_in_its_own_colours_from_its_word_on",
        "unit/test_tile_emoji_captions.py::test_words_with_an_emoji_carry_it_apart_from_each_other",
    ),
    "Motion Graphics": (
        "integration/test_render_drawn.py::"
        "test_a_card_covers_the_whole_picture_while_its_span_is_shown",
        "unit/test_render_graphics.py::test_a_graphic_stands_in_the_safe_area_off_the_captions",
        "unit/test_tile_motion_graphics.py::test_graphics_move_with_their_words_and_go_with_them",
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
        "integration/test_tile_looks.py::test_a_table_is_applied_to_the_level",
        "integration/test_render_layers.py::test_a_table_changes_colours_as_it_says",
        "integration/test_render_layers.py::test_a_cutaway_has_a_look_of_its_own",
    ),
    "Mirror": (
        "integration/test_render_layers.py::test_a_mirrored_clip_changes_its_sides",
        "integration/test_render_layers.py::test_a_mirrored_cutaway_changes_its_sides",
    ),
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
    "Montage": (
        "integration/test_sound_tiles.py::"
        "test_a_montage_changes_its_picture_on_the_beats_that_are_heard",
        "unit/test_tile_montage.py::test_every_cut_is_on_a_beat_to_the_frame",
        "unit/test_tile_montage.py::test_no_clip_holds_or_touches_a_change_of_shot",
    ),
    "AI Music": (
        "integration/test_sound_tiles.py::"
        "test_composed_music_lies_18_under_speech_and_ends_with_the_video",
        "integration/test_sound_tiles.py::test_a_song_of_the_music_folder_is_found_by_its_tags",
        "integration/test_sound_tiles.py::"
        "test_of_songs_that_fit_the_words_the_one_of_the_tempo_is_played",
        "unit/test_tile_music.py::test_a_piece_has_its_tempo_level_and_length_and_never_clips",
        "unit/test_tile_music.py::test_a_loop_goes_round_without_a_seam",
    ),
    "AI Voiceover": (
        "integration/test_sound_tiles.py::"
        "test_a_voice_over_is_heard_and_the_video_is_softer_under_it",
        "unit/test_tile_voiceover.py::test_parts_never_overlap_and_always_end_in_time",
    ),
    "Audio Generation": (
        "integration/test_sound_tiles.py::test_generated_music_is_a_playable_file_with_its_wave",
        "unit/test_tile_voiceover.py::test_a_generated_voice_over_says_the_script",
    ),
    "Voice": (
        "unit/test_tile_voiceover.py::test_voice_is_refused_with_what_can_be_done",
        REFUSED_BEFORE,
    ),
    "AI B-Roll": (
        "integration/test_generation.py::"
        "test_b_roll_of_a_file_beside_the_talk_covers_the_picture_and_not_the_sound",
        "unit/test_tile_b_roll.py::"
        "test_a_clip_is_shown_where_its_name_is_said_and_the_sound_goes_on",
        "unit/test_tile_b_roll.py::test_a_scene_covers_the_jump_cuts_under_it",
    ),
    "Image Generation": (
        "integration/test_generation.py::"
        "test_a_providers_picture_flows_through_the_tiles_behind_it",
        "integration/test_making.py::test_a_card_says_what_it_is_even_after_a_crop_to_9_16",
    ),
    "Video Generation": (
        "unit/test_tile_generation.py::test_a_video_is_asked_for_as_said_and_lasts_as_long",
        "integration/test_making.py::test_a_placeholder_for_a_video_has_its_length_and_shape",
    ),
    "AI Content Generation": (
        "unit/test_tile_generation.py::"
        "test_content_is_a_video_or_a_picture_where_only_pictures_are_made",
    ),
    "Destination": (
        "integration/test_builtin_agents.py::"
        "test_a_built_in_agent_runs_to_its_end_and_makes_what_its_graph_says",
    ),
}
"""By the contract's name of the tile."""
