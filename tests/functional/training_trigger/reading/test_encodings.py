"""Text in other encodings: read as it was written, with a warning where that is a guess, or refused."""

from __future__ import annotations

# ruff: noqa: RUF001  letters of other alphabets are what is tested
from typing import TYPE_CHECKING

import pytest

from modelloop.errors import DatasetRejectedError
from training_trigger.reading import plaintext

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.intake_stage import Stage

WESTERN = {
    "cp1252": "Größe,prénom,cidade,œuvre\nhääyöaie,créée,informação,“L’été”\n5 m²,10 µg/m³,São João,½ €\n",
    "latin-1": "Größe,prénom,cidade\nhääyöaie,créée,informação\n5 m²,10 µg/m³,São João\n",
}
OTHER = {
    "cp1251": "имя,город,цена\nАнна,Москва,5\nПётр,Тверь,6\n",
    "koi8-r": "имя,город,цена\nАнна,Москва,5\nПётр,Тверь,6\n",
    "cp1253": "όνομα,πόλη,τιμή\nΆννα,Αθήνα,5\n",
    "cp1255": "שם,עיר,מחיר\nדוד,חיפה,5\n",
    "cp1256": "اسم,مدينة,سعر\nأحمد,القاهرة,5\n",
    "shift_jis": "名前,都市,価格\n花子,東京,5\nカナ,大阪,6\n",
    "euc_jp": "名前,都市,価格\n花子,東京,5\nカナ,大阪,6\n",
    "gbk": "姓名,城市,价格\n王芳,北京,5\n",
    "big5": "姓名,城市,價格\n王芳,台北,5\n",
    "euc_kr": "이름,도시,성별\n김수진,서울,여\n",
    "cp949": "성별,값\n남,1\n여,2\n",
    "tis-620": "ชื่อ,เมือง\nสมชาย,กรุงเทพ\n",
    "cp437": "prénom,classe,école\nHélène,élève,Nîmes\nFrançois,maître,Orléans\n",
    "cp850": "Name,Größe,Straße\nJörg,5,Königsweg\nUwe,6,Ährenweg\n",
    "mac-roman": "prénom,classe,école\nHélène,élève,Nîmes\nFrançois,maître,Orléans\n",
    "cp1250": "imię,miasto,płeć\nMichał,Łódź,męska\nMałgorzata,Białystok,żeńska\n",
    "iso8859-2": "imię,miasto,płeć\nMichał,Łódź,męska\nMałgorzata,Białystok,żeńska\n",
    "cp500": "name,city\nAnna,Bern\n",
}  # fmt: skip
WIDE = ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32")


def decoded(folder: Path, body: bytes) -> tuple[str, str | None]:
    path = folder / "upload"
    path.write_bytes(body)
    plain, warning = plaintext.decode(path, folder / "plain")
    with plain.open(encoding="utf-8", newline="") as stream:
        return stream.read(), warning


@pytest.mark.parametrize("encoding", WIDE)
def test_unicode_is_read_whatever_its_form(tmp_path: Path, encoding: str) -> None:
    text = "x,größe,y\r\n" + "1,a,ja\r\n" * 40
    assert decoded(tmp_path, text.encode(encoding)) == (text, None)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
@pytest.mark.parametrize("text", OTHER.values())
def test_every_alphabet_is_read_after_a_byte_order_mark(tmp_path: Path, encoding: str, text: str) -> None:
    assert decoded(tmp_path, text.encode(encoding)) == (text, None)


@pytest.mark.parametrize("encoding", WESTERN)
def test_western_text_is_read_and_the_guess_is_shown(tmp_path: Path, encoding: str) -> None:
    text, warning = decoded(tmp_path, WESTERN[encoding].encode(encoding))
    assert text == WESTERN[encoding]
    assert warning is not None
    assert warning.startswith("the file is not UTF-8 and was read as cp1252: save it as UTF-8 if its letters beyond")
    assert "é" in warning.rpartition(" are not ")[2].split()


@pytest.mark.parametrize("encoding", OTHER)
def test_other_alphabets_are_refused_and_never_taken_for_western_letters(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(DatasetRejectedError, match=r"save it as UTF-8$|the file is not text"):
        decoded(tmp_path, OTHER[encoding].encode(encoding))


@pytest.mark.parametrize("encoding", ["iso2022_jp", "iso2022_kr"])
def test_text_that_switches_between_alphabets_is_refused(tmp_path: Path, encoding: str) -> None:
    text = "x,y\n" * 5_000 + ("東京" if encoding == "iso2022_jp" else "서울") + ",1\n"
    with pytest.raises(DatasetRejectedError, match="ISO-2022"):
        decoded(tmp_path, text.encode(encoding))


@pytest.mark.parametrize("piece", [7, 1 << 20])
@pytest.mark.parametrize("damage", [b"\xff", b"\xc3", b"\xe6\x9d"])
def test_damaged_utf8_is_refused_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int, damage: bytes
) -> None:
    monkeypatch.setattr(plaintext, "CHUNK", piece)
    lines = ["größe,y", *["straße,1"] * 40]
    for place in (7, 40):
        body = [line.encode() for line in lines]
        body[place] += damage
        with pytest.raises(DatasetRejectedError, match=f"line {place + 1} holds bytes that are not UTF-8, and the r"):
            decoded(tmp_path, b"\n".join(body))


def test_a_zero_byte_late_in_a_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetRejectedError, match="the file is not text"):
        decoded(tmp_path, b"x,y\n" * plaintext.CHUNK + b"\0,1\n")


def test_a_table_in_cp1252_keeps_its_letters(stage: Stage) -> None:
    text = "größe,kind,y\n" + "".join(f"{i},{'äö'[i % 2]},{'ja' if i % 3 else 'nein'}\n" for i in range(60))
    run = stage.upload("t.csv", text.encode("cp1252"))
    assert any("was read as cp1252: save it" in warning for warning in run.warnings)
    columns = stage.table(run)["encoding"]["columns"]
    assert [column["name"] for column in columns] == ["größe", "kind"]
    assert sorted(columns[1]["categories"]) == ["ä", "ö"]
