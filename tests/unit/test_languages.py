"""The language of a transcript: as named, as its header says, as its words show; or unknown."""

from pathlib import Path

import pytest

from mosaic_mcp.contract.languages import base, is_english, language_tag
from mosaic_mcp.intent.transcripts import language_in_name
from mosaic_mcp.studio.perception.languages import language_of, language_of_words
from mosaic_mcp.studio.perception.subtitles import is_filler

SAID = {
    "en": "So today I want to show you how we built this thing in a week.",
    "de": "Heute zeige ich euch, wie wir das in einer Woche gebaut haben.",
    "fr": "Aujourd'hui je vais vous montrer comment on a fait ça en une semaine.",
    "es": "Hoy les voy a mostrar cómo lo hicimos en una semana, y por qué no fue fácil.",
    "it": "Oggi vi faccio vedere come l'abbiamo costruito in una settimana, ma non è stato facile.",
    "pt": "Hoje eu vou mostrar para vocês como a gente fez isso em uma semana.",
    "nl": "Vandaag laat ik jullie zien hoe we dit in een week hebben gebouwd.",
    "sv": "Idag ska jag visa hur vi byggde det här på en vecka, och varför det inte var lätt.",
    "da": "I dag vil jeg vise jer, hvad vi har bygget på en uge, og hvad der blev af mig.",
    "no": "I dag skal jeg vise deg hva vi har bygd på en uke, og hva som ble av meg, noe mye bra.",
    "fi": "Tänään minä näytän, miten me teimme tämän viikossa, ja se ei ollut helppoa, koska en "
    "tiennyt mitään.",
    "tr": "Bugün size bunu bir haftada nasıl yaptığımızı göstereceğim, ama çok kolay değil.",
    "ru": "Сегодня я покажу вам, как мы это сделали за неделю, и почему это было не так просто.",
    "uk": "Сьогодні я покажу, як ми це зробили за тиждень, і чому це було не так просто.",
    "pl": "Dzisiaj pokażę wam, jak to zrobiliśmy w tydzień i dlaczego nie było to takie proste.",
    "el": "Σήμερα θα σας δείξω πώς το φτιάξαμε σε μια εβδομάδα.",
    "he": "היום אני אראה לכם איך בנינו את זה בשבוע.",
    "ko": "오늘은 이것을 일주일 만에 어떻게 만들었는지 보여 드리겠습니다.",
    "ja": "今日は、これを一週間でどうやって作ったかをお見せします。",
    "zh": "今天我给大家看看我们怎么在一周之内做出来的。",
}


@pytest.mark.parametrize(("language", "text"), SAID.items())
def test_a_sentence_or_two_show_their_language(language, text):
    assert language_of_words(text.split()) == language


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12 34 %",
        "Hello.",
        "Hôm nay tôi sẽ cho các bạn thấy chúng tôi đã làm điều này trong một tuần như thế nào.",
        "Dnes vám ukážem, ako sme to postavili za týždeň.",
        "मैं आज आपको दिखाऊंगा कि हमने इसे एक सप्ताह में कैसे बनाया।",
        "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor.",
    ],
)
def test_what_does_not_show_its_language_is_unknown(text):
    assert language_of_words(text.split()) == "und"


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("talk.de.srt", "de"),
        ("talk.en-US.vtt", "en-US"),
        ("talk.ger.srt", "de"),
        ("talk.pt_br.forced.srt", "pt-BR"),
        ("talk.en.hi.srt", "en"),
        ("talk.hi.srt", "hi"),
        ("talk.zh-Hans.srt", "zh-Hans"),
        ("talk.EN.HI.srt", "en"),
        ("talk.srt", ""),
        ("de.srt", ""),
        ("talk.final.srt", ""),
        ("talk.it.2.srt", ""),
        ("talk.default.srt", ""),
    ],
)
def test_a_files_name_may_say_the_language(name, language):
    assert language_in_name(Path(name)) == language


@pytest.mark.parametrize(
    ("video", "name", "language"),
    [
        ("standup.mon.mp4", "standup.mon.srt", ""),
        ("vlog.my.cat.mp4", "Vlog.My.Cat.srt", ""),
        ("standup.mon.mp4", "standup.mon.de.srt", "de"),
        ("talk.mp4", "words.de.srt", "de"),
    ],
)
def test_a_language_is_read_behind_the_name_of_the_video(video, name, language):
    assert language_in_name(Path(name), video) == language


def test_a_kana_in_a_chinese_text_makes_it_not_japanese():
    assert language_of_words(["今天我给大家看看我们怎么在一周之内做出来的优の良品"]) == "zh"


@pytest.mark.parametrize(
    ("said", "text", "language"),
    [
        ("fr", "WEBVTT\nLanguage: de\n\n", "fr"),
        ("und", "WEBVTT\nKind: captions\nLanguage: de-AT\n\n", "de-AT"),
        ("", "\ufeffWEBVTT - talk\r\nlanguage: GER\r\n\r\n", "de"),
        ("", "WEBVTT\nLanguage: klingon\n\n", "en"),
        ("", "WEBVTT\n\n00:01.000 --> 00:02.000\nLanguage: de\n", "en"),
        ("", "1\n00:00:01,000 --> 00:00:02,000\nLanguage: de\n", "en"),
    ],
)
def test_what_is_said_comes_before_the_header_and_the_header_before_the_words(said, text, language):
    assert language_of(said, text, SAID["en"].split()) == language


def test_tags_are_told_in_one_spelling():
    assert [language_tag(t) for t in ("EN", "eng", " en_gb ")] == ["en", "en", "en-GB"]
    assert [language_tag(t) for t in ("", "english", "xx", "en-", "de\n")] == ["", "", "", "", "de"]
    assert base("en-GB") == "en"
    assert is_english("en-GB")
    assert not is_english("und")


def test_a_hesitation_of_one_language_is_a_word_of_another():
    assert is_filler("Um,", "en-GB")
    assert is_filler("er", "en")
    for language in ("de", "pt", "und"):
        assert not is_filler("um", language)
        assert not is_filler("er", language)
        assert is_filler("ähm", language)
