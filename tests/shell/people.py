"""Invented persons and synthetic case texts, the same in every run, with the truth beside each text."""

from __future__ import annotations

import random
from collections.abc import Iterator

from msgspec import Struct

from yishenqing.core.identity import resident_check
from yishenqing.core.surnames import COMPOUND, SINGLE

_COMMON = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗"
_GIVEN = (
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红建国志文斌婷梅宇浩轩梓涵子墨雨桐晨阳思佳怡欣然诗琪朗伦尚德旺福"
    "贵财发根水生春秋菊连凤翠莲香喜庆祥瑞海波江峰岩松柏林森鑫淼焱垚煜烨炜晔昊晟晗旭昕曦睿哲翰博彦辰奕泽宸珺瑾瑜璇玥琳珊"
)
TOLD = (
    "申请人{n}于2024年3月5日向本机关提出申请，要求公开柳湾片区土地征收公告。",
    "原告{n}不服被告某县自然资源局作出的答复，诉至法院。",
    "经查，{n}名下的房屋位于拆迁范围内，面积120平方米。",
    "{n}、{m}等五户村民要求公开分户补偿情况。",
    "委托代理人{n}，某律师事务所律师。",
    "该信息由{n}签收，{m}在场见证。",
    "{n}诉某县住房和城乡建设局政府信息公开一案。",
    "工作人员询问{n}得知，其承包地已经流转给{m}。",
    "第三人{n}书面表示不同意公开，理由是涉及个人隐私。",
    "本机关向{n}寄送告知书，{n}于次日签收。",
    "申请公开{n}与{m}签订的房屋买卖合同备案材料。",
    "{n}认为机关未尽检索义务。",
    "会议由副镇长{n}主持，办公室主任{m}参加。",
    "{n}（女，1968年出生）系本村村民。",
    "关于{n}信访事项的处理意见。",
    "户主{n}，家庭人口四人，妻子{m}。",
    "其后{n}又以同样理由申请行政复议。",
    "公司法定代表人{n}变更为{m}。",
    "将补偿款支付给{n}，共计35万元。",
    "坐落于柳湾村，所有权人为{n}，共有人{m}。",
    "由于{n}多次来访，机关予以解释。",
    "{n}女士2020年去世，其子{m}继承房屋。",
)
CLEAN = (
    "高度重视政府信息公开工作，严格按照程序办理。",
    "方案经县政府常务会议审议通过，安置房面积为平方米。",
    "申请公开土地征收公告、补偿安置方案、听证材料及勘测定界图。",
    "成立工作专班，明确任务分工，任何单位和个人不得拒绝。",
    "水利工程、江河治理、林地占用审核意见书。",
    "许可证、施工图审查合格书、规划条件、金额和时间。",
    "关于做好通知公告、文件汇编的意见（云自然资〔2024〕12号）。",
    "由于档案管理不善，查询无结果；和解协议达成后，申请人撤回申请。",
    "车辆购置、公务接待、因公出国境经费，2024年第3号公告。",
    "项目位于城东新区YX2024-15号地块，路线全长10公里，投资3500万元。",
    "全国建筑市场编号2101999101040112，统一社会信用代码91330100MA2GXXXX1T。",
    "依照条例第三十六条第四项，自2024年5月6日起二十个工作日内答复。",
)


class Told(Struct, frozen=True):
    """A text with what must be found in it: names, and numbers or addresses by kind."""

    text: str
    names: frozenset[str]
    values: frozenset[tuple[str, str]]


def name(r: random.Random) -> str:
    """Return an invented name: common, rare and compound family names."""
    drawn = r.random()
    if drawn < 0.55:
        family = r.choice(_COMMON)
    elif drawn < 0.88:
        family = r.choice(sorted(SINGLE))
    else:
        family = r.choice(COMPOUND)
    return family + "".join(r.choice(_GIVEN) for _ in range(1 if r.random() < 0.25 else 2))


def resident(r: random.Random) -> str:
    """Return an identity number that passes, of a place that there is not."""
    born = f"{r.randint(1940, 2005)}{r.randint(1, 12):02}{r.randint(1, 28):02}"
    body = f"9991{r.randint(1, 20):02}{born}{r.randint(0, 999):03}"
    return body + resident_check(body)


def card(r: random.Random) -> str:
    """Return a bank card's number whose last digit fits (Luhn)."""
    body = "62" + "".join(str(r.randint(0, 9)) for _ in range(16))
    total = sum(sum(divmod(int(d) * (2 - n % 2), 10)) for n, d in enumerate(reversed(body)))
    return body + str(-total % 10)


def address(r: random.Random) -> str:
    """Return an invented address, as people write them in towns and villages."""
    town = r.choice(["云溪县青禾镇", "云溪市东城区", "白塘县石桥乡", ""])
    home = r.choice(
        [
            f"柳湾村{r.choice('一二三四五')}组{r.randint(1, 99)}号",
            f"府前路{r.randint(1, 300)}号{r.randint(1, 20)}栋{r.randint(1, 4)}单元{r.randint(101, 1802)}室",
            f"南浦花园{r.randint(1, 30)}幢{r.randint(101, 906)}室",
            f"解放街{r.randint(1, 99)}弄{r.randint(1, 40)}号{r.randint(101, 606)}室",
        ]
    )
    return town + home


def valued(r: random.Random) -> tuple[str, set[tuple[str, str]]]:
    """Return a sentence with a number or a home of somebody, in the many ways in which it is written."""
    number = resident(r)
    mobile = f"1{r.choice('3589')}{r.randint(0, 999999999):09}"
    plate = f"云{r.choice('ABCD')}{r.choice(['', '·'])}{r.randint(10000, 99999)}"
    mail = f"{r.choice(['liuwan', 'a.b', 'x_1'])}{r.randint(1, 999)}@example.com"
    where, bank = address(r), card(r)
    wide = number.translate({code: code + 0xFEE0 for code in range(0x30, 0x3A)})
    spaced = " ".join(bank[n : n + 4] for n in range(0, len(bank), 4))
    return r.choice(
        [
            (f"身份证号码{number}。", {("id", number)}),
            (f"公民身份号码：{wide}。", {("id", wide)}),
            (f"（{number}）", {("id", number)}),
            (f"联系电话{mobile}。", {("phone", mobile)}),
            (
                f"可拨打{mobile[:3]}-{mobile[3:7]}-{mobile[7:]}联系。",
                {("phone", f"{mobile[:3]}-{mobile[3:7]}-{mobile[7:]}")},
            ),
            (f"座机0999-{r.randint(2000000, 8999999)}。", set()),
            (f"补偿款汇入{bank}。", {("bank", bank)}),
            (f"银行卡号 {spaced} 。", {("bank", spaced)}),
            (f"驾驶{plate}小型客车。", {("plate", plate)}),
            (f"以{mail}接收答复。", {("email", mail)}),
            (f"住{where}。", {("address", where)}),
            (f"家庭住址：{where}，", {("address", where)}),
        ]
    )


def texts(count: int, seed: int = 7) -> Iterator[Told]:
    """Yield ``count`` texts with their truth."""
    r = random.Random(seed)  # noqa: S311 - the same texts in every run
    for _ in range(count):
        one, other = name(r), name(r)
        told = r.choice(TOLD)
        said, values = valued(r)
        names = {one, other} if "{m}" in told else {one}
        yield Told(told.format(n=one, m=other) + said + r.choice(CLEAN), frozenset(names), frozenset(values))
