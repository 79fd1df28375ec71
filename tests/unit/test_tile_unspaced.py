"""Prompts in scripts without spaces between words: Chinese, Japanese, Thai and their like."""

import pytest

from mosaic_mcp.contract.tiles.params import ClipsParams, RoughCutParams
from mosaic_mcp.errors import Unsupported
from mosaic_mcp.studio.tiles import clips, rough_cut
from mosaic_mcp.studio.tiles.speech.relevance import frequent, relevance, stems, topic
from mosaic_mcp.studio.tiles.speech.wishes import wishes
from tests.support.tiles import context, talk, whole

CHINESE = (
    "大家好我们今天谈天气。 (0.9) 今天我们谈价格和市场。 (0.9) 价格取决于你们的地区。 (0.9) "
    "我的猫睡了一整天。 (0.9) 谢谢大家再见。"
)
JAPANESE = (
    "今日は天気の話をします。 (0.9) 次は価格について話します。 (0.9) ありがとうございました。"
)
THAI = "วันนี้อากาศดีมาก (0.9) สินค้าราคาสี่ดอลลาร์ (0.9) ขอบคุณทุกคน"


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("谈价格", ["谈价", "价格"]),
        ("猫", ["猫"]),
        ("AI技术 2025", ["ai", "技术", "2025"]),
        ("价 格", ["价格"]),
        ("สินค้า", ["สิ", "ิน", "นค", "ค้", "้า"]),
        ("カメラ", ["カメ", "メラ"]),
        ("don't stop", ["don't", "stop"]),
    ],
)
def test_a_run_of_letters_is_divided_into_pairs(text, pairs):
    assert stems(text, "zh") == pairs


def test_words_of_a_prompt_are_not_joined_to_each_other():
    assert topic("the best parts about 价格 天气", "zh") == ["价格", "天气"]


def test_a_single_chinese_character_is_found_in_a_sentence():
    said = [stems("我的猫睡了", "zh"), stems("价格很高", "zh")]
    assert relevance(topic("猫", "zh"), said) == [1, 0]


@pytest.mark.parametrize(
    ("script", "language", "prompt", "said"),
    [
        (CHINESE, "zh", "价格", "价格"),
        (CHINESE, "zh", "the best part about 猫", "猫"),
        (JAPANESE, "ja", "価格", "価格"),
        (THAI, "th", "ราคาสินค้า", "ราคา"),
    ],
)
async def test_clips_are_found_by_a_prompt(script, language, prompt, said):
    uncut, known = talk(script)
    known.language = language
    params = ClipsParams(prompt=prompt, num_clips=1, target_duration=1.5)
    [found] = await clips.apply([uncut], params, context(known))
    assert said in "".join(whole(found, known.truth["talk"]))


async def test_what_nobody_says_is_refused_with_words_that_are_said():
    uncut, known = talk(CHINESE)
    known.language = "zh"
    params = ClipsParams(prompt="火箭", num_clips=1, target_duration=1.5)
    with pytest.raises(Unsupported, match="None of the prompt's words") as refusal:
        await clips.apply([uncut], params, context(known))
    assert "价格" in refusal.value.remedy
    assert "价格" in frequent("价 格 (价格)", "zh", 8)


@pytest.mark.parametrize(
    ("prompt", "gone", "left"),
    [
        ("Keep only the part about 价格。", ("天气", "猫"), ("价格",)),
        ("Remove the 天气 section", ("天气",), ("价格", "猫")),
        ("Remove the parts about 天气、价格", ("天气", "价格"), ("猫",)),
        ("Keep only 猫", ("天气", "价格"), ("猫",)),
    ],
)
async def test_a_rough_cut_keeps_or_removes_a_topic(prompt, gone, left):
    uncut, known = talk(CHINESE)
    known.language = "zh"
    [cut] = await rough_cut.apply([uncut], RoughCutParams(prompt=prompt), context(known))
    text = "".join(whole(cut, known.truth["talk"]))
    assert [word for word in gone if word in text] == []
    assert [word for word in left if word in text] == list(left)


def test_the_marks_that_end_a_clause_there_are_read():
    found = wishes("Remove the part about 天气。Keep only the part about 价格！", "zh")
    assert [(w.kind, w.phrase) for w in found.topics] == [("remove", "天气"), ("keep", "价格")]
