"""Papers before the document camera: photographed at full resolution before there is a call."""

from __future__ import annotations

from datetime import date

import pytest
from playwright.async_api import expect

from counter_client.invented import id_number
from tests.support.screens import Screen, Stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(420)]

ITEM = "城乡居民养老保险个人账户余额一次性提取"
FULL_HD = 1920
# Every track that the page opens, so that one can see whether it was closed.
KEEP_TRACKS = """() => {
    const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    window.tracks = [];
    navigator.mediaDevices.getUserMedia = async (wanted) => {
        if (window.refusal) throw new DOMException("x", window.refusal);
        const stream = await real(wanted);
        window.tracks.push(...stream.getTracks());
        return stream;
    };
}"""
LIVE = "() => window.tracks.filter((track) => track.readyState === 'live').length"
READ_CASE = """async () => {
    const id = new URL(location.href).searchParams.get("case");
    return (await (await fetch(`/api/cases/${id}`)).json()).data;
}"""


async def open_materials(counter: Screen) -> None:
    await counter.click("new-case")
    await counter.choose("item-select", ITEM)
    await counter.choose("jurisdiction-select", "安徽省 六安市霍邱县")
    await counter.fill("applicant-name", "张三丰")
    await counter.fill("applicant-id-number", id_number("341522", date(1955, 3, 4)))
    await counter.fill("applicant-phone", "13800000000")
    await counter.click("case-create")
    await counter.says("case-number", "320509-")
    await counter.click("tab-materials")
    await counter.page.evaluate(KEEP_TRACKS)


async def test_a_paper_is_photographed_again_and_filed_at_full_resolution(stage: Stage) -> None:
    async with stage.desk("wujiang-counter") as counter:
        await open_materials(counter)
        await counter.click("material-camera-id-card")
        await counter.sees_moving("paper-live", within=30)
        await counter.click("paper-take")
        await expect(counter.at("paper-shot")).to_be_visible()
        await counter.click("paper-retake")
        await expect(counter.at("paper-shot")).to_be_hidden()
        await counter.click("paper-take")
        await counter.click("paper-keep-more")
        await counter.says("paper-dialog", "已存入 1 张")
        await counter.click("paper-take")
        await counter.click("paper-keep")
        await expect(counter.at("paper-dialog")).to_be_hidden()
        await expect(counter.at("material-id-card").filter(has_text="高拍仪")).to_have_count(2)
        assert await counter.page.evaluate(LIVE) == 0
        case = await counter.page.evaluate(READ_CASE)
        assert [one["origin"] for one in case["materials"]] == ["document_camera"] * 2
        assert all(one["width"] >= FULL_HD for one in case["materials"])
        assert "id-card" not in case["missing_materials"]
    assert stage.faults() == []


async def test_a_camera_that_is_not_to_be_had_is_told_in_words(stage: Stage) -> None:
    async with stage.desk("wujiang-counter") as counter:
        await open_materials(counter)
        for refusal, words in (
            ("NotFoundError", "没有找到高拍仪"),
            ("NotAllowedError", "浏览器没有允许使用高拍仪"),
            ("NotReadableError", "高拍仪正被其他程序占用"),
        ):
            await counter.page.evaluate("refusal => { window.refusal = refusal }", refusal)
            await counter.click("material-camera-id-card")
            await counter.says("paper-trouble", words)
            await counter.click("paper-close")
            await expect(counter.at("paper-dialog")).to_be_hidden()
        await counter.click("material-camera-id-card")
        await counter.says("paper-trouble", words)
        await counter.page.evaluate("() => { window.refusal = '' }")
        await counter.click("paper-again")
        await counter.sees_moving("paper-live", within=30)
        await counter.page.keyboard.press("Escape")
        await expect(counter.at("paper-dialog")).to_be_hidden()
        assert await counter.page.evaluate(LIVE) == 0
    assert stage.faults() == []
