import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlu.text import _simplified, find_phone, mask, mask_phone, normalise, sound


@given(st.text(alphabet=st.characters()))
def test_normalising_keeps_the_length(text: str) -> None:
    assert len(normalise(text)) == len(text)


@given(st.text(alphabet=st.characters()))
def test_normalising_twice_changes_little(text: str) -> None:
    once = normalise(text)
    assert len(normalise(once)) == len(once)


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("ＡＢＣ１２３", "abc123"),
        ("停電，沒水！", "停电,没水!"),
        ("龍華區民治街道", "龙华区民治街道"),
        ("a\u3000b\tc\r\n", "a b c  "),
        ("İ", "i̇"[:1]),
        ("㎡①", "㎡1"),
        ("", ""),
        ("😀", "😀"),
    ],
)
def test_what_is_compared(written: str, compared: str) -> None:
    found = normalise(written)
    assert len(found) == len(written)
    if written != "İ":  # whose small form is two characters
        assert found == compared


def test_simplifying_is_one_character_for_one() -> None:
    assert all(len(old) == len(new) == 1 for old, new in _simplified().items())


@given(st.text(alphabet=st.characters()))
def test_a_sound_text_can_be_written_and_keeps_its_length(text: str) -> None:
    made = sound(text)
    assert len(made) == len(text)
    made.encode("utf-8")


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("电话13812345678", "13812345678"),
        ("打我手机138 1234 5678谢谢", "13812345678"),
        ("138-1234-5678", "13812345678"),
        ("138.1234.5678", "13812345678"),
        ("+8613812345678", "13812345678"),
        ("＋８６ １３８１２３４５６７８", "13812345678"),
        ("008613812345678", "13812345678"),
        ("86-13812345678", "13812345678"),
        ("0755-83123456", "075583123456"),
        ("０７５５ ８３１２３４５６", "075583123456"),
        ("座机83123456", "83123456"),
        ("13812345678和13912345678", "13812345678"),
        ("身份证440301199001011234，电话13812345678", "13812345678"),
    ],
)
def test_a_phone_is_found(text: str, digits: str) -> None:
    found = find_phone(text)
    assert found is not None
    assert found[0] == digits
    assert normalise(text[found[1] : found[2]]).replace(" ", "").replace("-", "").replace(".", "") == digits


@pytest.mark.parametrize(
    "text",
    [
        "",
        "没有电话",
        "身份证440301199001011234",
        "工单202611240001",
        "12345",
        "拨打110",
        "2026年11月24日",
        "20261124",
        "订单20231105没发货",
        "1381234567",
        "138123456789",
        "12812345678",
        "价格3999999",
        "MY202611240001",
    ],
)
def test_what_is_no_phone(text: str) -> None:
    assert find_phone(text) is None


@pytest.mark.parametrize(
    ("text", "secrets"),
    [
        ("我的电话是13812345678，快点", ["13812345678", "1381234", "5678"]),
        ("打+86 138-1234-5678", ["138", "1234", "5678", "86"]),
        ("＋８６１３８１２３４５６７８", ["１３８", "５６７８", "138"]),
        ("008613812345678", ["138", "5678"]),
        ("手机１３８１２３４５６７８。", ["１３８", "５６７８"]),
        ("138 1234 5678", ["138", "1234", "5678"]),
        ("两个号码13812345678/13987654321", ["138", "5678", "139", "4321"]),
        ("座机0755-83123456", ["0755", "83123456", "3456"]),
        ("座机(0755)83123456", ["83123456", "3456"]),
        ("座机83123456", ["83123456"]),
        ("香港电话+852 9123 4567", ["852", "9123", "4567"]),
        ("身份证440301199001011234", ["440301", "19900101", "1234"]),
        ("身份证44030119900101123X", ["440301", "123X"]),
        ("身份证44030119900101123ｘ", ["440301", "ｘ"]),
        ("身份证４４０３０１１９９００１０１１２３４", ["４４０３０１", "１２３４"]),
        ("身份证440301 19900101 1234", ["440301", "19900101", "1234"]),
        ("旧身份证440301900101123", ["440301", "900101"]),
        ("卡号6222021234567890123", ["622202", "0123"]),
        ("我叫王小明，住在南山", ["王小明", "小明"]),
        ("我叫王小明要投诉", ["王小明", "小明"]),
        ("我叫做王大锤", ["王大锤"]),
        ("我叫欧阳娜娜，", ["欧阳", "娜娜"]),
        ("联系人：李四 13812345678", ["李四", "138"]),
        ("姓名:王伟电话13812345678", ["王伟", "138"]),
        ("本人姓名張三豐。", ["張三", "豐"]),
        ("名字是赵六身份证440301199001011234电话13812345678", ["赵六", "4403", "138"]),
    ],
)
def test_nothing_personal_survives_masking(text: str, secrets: list[str]) -> None:
    hidden = mask(text)
    assert [secret for secret in secrets if secret in hidden] == []
    assert mask(hidden) == hidden


@pytest.mark.parametrize(
    "text",
    [
        "楼下烧烤摊半夜油烟大",
        "拨打12345和110",
        "2026年11月24日晚上10点",
        "工单MY202611240001",
        "日期20261124",
        "我叫了师傅来修",
        "欠我3000元",
    ],
)
def test_what_is_not_personal_stays(text: str) -> None:
    assert mask(text) == text


@given(
    st.text(alphabet=st.characters(), max_size=30),
    st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True),
    st.text(alphabet="，。 好的a", max_size=10),
)
def test_a_mobile_number_between_any_words_is_hidden(before: str, number: str, after: str) -> None:
    if normalise(before)[-1:].isdigit():
        before += "："
    assert number not in mask(before + number + after)


@pytest.mark.parametrize(("digits", "shown"), [("13812345678", "138****5678"), ("83123456", "******56"), ("", "")])
def test_a_phone_is_shown_in_part(digits: str, shown: str) -> None:
    assert mask_phone(digits) == shown
