"""What registries really send: each kind of line that went wrong once, and what becomes of it."""

import io

import pytest

from idp.core.person import CivilStatus
from idp.registry import importer
from idp.registry.importer import import_persons
from idp.registry.repository import persons
from idp.registry.rows import BIRTH_DATE, NUMBER, STATUS, UPDATED_AT
from tests.registry.bringing import NOW, line


def test_a_repeated_json_member_refuses_the_line(bring):
    refused, _ = bring(line().replace(b"}", b', "status": "deceased", "status": "alive"}'))
    assert refused == ["not JSON with one meaning: a member is repeated"]
    nested = line(address={"street": "x"}).replace(b'"x"', b'"x", "street": "y"')
    assert bring(nested)[0] == refused
    assert bring.person() is None


@pytest.mark.parametrize("batch", [1, 100])
def test_a_line_without_status_leaves_a_dead_person_dead(bring, monkeypatch, batch):
    monkeypatch.setattr(importer, "BATCH", batch)
    assert import_twice(bring, line(status="deceased"), line(name="A C")) == ([], [])
    assert bring.person().status is CivilStatus.DECEASED
    assert bring.person().name.full == "A C"


def import_twice(bring, *lines):
    """Without the dry run, which sees a line of an earlier batch only once it is written."""
    reports = [
        import_persons(bring.registry, io.BytesIO(b"".join(lines))),
        import_persons(bring.registry, io.BytesIO(b"".join(lines))),
    ]
    assert reports[0] == reports[1]
    return list(reports[0].problems), list(reports[0].notes)


@pytest.mark.parametrize("empty", ["", None, "  "])
def test_an_empty_status_is_no_status(bring, empty):
    bring(line(status="missing"))
    bring(line(status=empty))
    assert bring.person().status is CivilStatus.MISSING


def test_reviving_a_dead_person_needs_an_explicit_status_and_is_reported(bring):
    bring(line(status="deceased"))
    assert bring(line(status="alive")) == ([], ["status: was deceased, is alive"])
    assert bring.person().status is CivilStatus.ALIVE


@pytest.mark.parametrize("together", [True, False])
def test_an_older_record_never_overwrites_a_newer_one_and_is_reported(bring, together):
    newer = line(updated_at=2_000, name="Newer", status="deceased")
    older = line(updated_at=1_000, name="Older", status="alive")
    said = bring(newer, older) if together else [bring(newer), bring(older)][1]
    assert said == ([], ["older than the record held; not written"])
    assert bring.person().name.full == "Newer"
    assert bring.person().status is CivilStatus.DECEASED
    bring(line(name="Undated"))
    assert (bring.person().name.full, bring.person().updated_at) == ("Undated", 2_000)
    assert bring(older)[1] == said[1]


def test_what_a_line_does_not_say_is_gone_but_status_and_cards(bring):
    card = {"document_number": "090010070", "issued_on": "2022-01-01"}
    bring(line(phone="0912345678", status="missing", cards=[card], ethnicity="Kinh"))
    bring(line())
    person = bring.person()
    assert (person.phone, person.ethnicity, person.status) == (None, "", CivilStatus.MISSING)
    assert len(bring.cards()) == 1


@pytest.mark.parametrize(
    ("phone", "read", "note"),
    [
        ("024 3825 1234", None, "phone: a landline number, which receives no SMS; left out"),
        ("", None, None),
        ("912345678", "+84912345678", None),
        ("0912345678 (vợ)", None, "phone: not a mobile number of Viet Nam; left out"),
        ("+84 (0) 912 345 678", "+84912345678", None),
        ("0084912345678", "+84912345678", None),
        ("0912345678;0987654321", None, "phone: several numbers; give one; left out"),
        (
            912345678,
            None,
            "phone: not a text; put it in quotes, with its leading zeros; left out",
        ),
    ],
)
def test_a_status_never_hangs_on_a_phone(bring, phone, read, note):
    assert bring(line(phone=phone, status="deceased")) == ([], [note] if note else [])
    assert (bring.person().phone, bring.person().status) == (read, CivilStatus.DECEASED)


@pytest.mark.parametrize(
    "email",
    ["a@b", "a@@b.vn", "a@b.vn, c@d.vn", "@", "Nguyễn@ví-dụ.vn", "không có", "a\ud800@b.vn"],
)
def test_an_email_that_cannot_be_read_is_left_out_and_reported(bring, email):
    assert bring(line(email=email)) == ([], ["email: not one e-mail address in ASCII; left out"])
    assert bring.person().email is None


@pytest.mark.parametrize("address", [{"text": "x\0y"}, "Hà Nội", {"district": "x"}, ["x"]])
def test_an_address_that_cannot_be_read_is_left_out_and_reported(bring, address):
    refused, (note,) = bring(line(address=address, status="deceased"))
    assert refused == []
    assert note.endswith("; left out")
    assert bring.person().status is CivilStatus.DECEASED


@pytest.mark.parametrize("empty", ["", None])
def test_empty_strings_and_null_for_optional_members_are_absent(bring, empty):
    names = ("email", "phone", "updated_at", "nationality", "ethnicity", "status", "address")
    many = dict.fromkeys(names, empty) | {"address": {}, "former_numbers": None}
    assert bring(line(**many | {"updated_at": None})) == ([], [])
    assert (bring.person().nationality, bring.person().status) == ("VNM", CivilStatus.ALIVE)


@pytest.mark.parametrize(
    ("born", "reason"),
    [
        ("1958-02-31", "birth_date: no such day"),
        ("31/02/1958", "birth_date: a birth date is YYYY, YYYY-MM or YYYY-MM-DD"),
        ("1958-00-15", "birth_date: a day without a month"),
        ("0000-00-00", "birth_date: no such birth year"),
        ("2100-01-01", "birth_date: in the future"),
        ("2027", "birth_date: in the future"),
        ("2026-12", "birth_date: in the future"),
        ("", "birth_date: a birth date is YYYY, YYYY-MM or YYYY-MM-DD"),
        ("1990-2-3", "birth_date: a birth date is YYYY, YYYY-MM or YYYY-MM-DD"),
        ("1900-01-01", None),
        ("1958-00-00", None),
        ("2026", None),
    ],
)
def test_birth_dates_that_do_not_exist_or_lie_in_the_future_are_refused(bring, born, reason):
    assert bring(line(birth_date=born))[0] == ([reason] if reason else [])


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("Y", "Y"),
        ("H\u2019Hen Niê", "H\u2019Hen Niê"),
        ("H`Hen Niê", "H\u2019Hen Niê"),
        ("H\u02bc Hen Niê", "H\u2019 Hen Niê"),
        ("H\u00b4Hen Niê", "H\u2019Hen Niê"),
        ("H\u2032Ram", "H\u2019Ram"),
        ("Nguye\u0302\u0303n Thi\u0323 Tha\u0309o", "Nguyễn Thị Thảo"),
        ("Nguyễn Văn\tA", "Nguyễn Văn A"),
        ("Trần\u00b7Vũ", "Trần Vũ"),
        ("\u202aNguyễn Văn An\u202c", "Nguyễn Văn An"),
        ("Nguyễn\u200b Văn Bình", "Nguyễn Văn Bình"),
        ("Trần\u00a0Văn\u2009Cường", "Trần Văn Cường"),
    ],
)
def test_names_lose_invisible_marks_and_typographic_variants(bring, name, kept):
    assert bring(line(name=name)) == ([], [])
    assert bring.person().name.full == kept


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("A Rất (A Lăng)", "no brackets or other punctuation"),
        ("Nguyễn Văn A2", "no digits"),
        ("NGUYEN, VAN A", "no brackets or other punctuation"),
        ("Nguyễn Văn A/JOHN", "no brackets or other punctuation"),
        ("Nguyễn_Văn", "no brackets or other punctuation"),
        ("Nguyễn + Văn", "no symbols"),
        ("Mai\0", "no control characters"),
        ("\u9673\u6c0f (Trần)", "no brackets or other punctuation"),
        *(
            (name, "letters that no card can show (ICAO 9303-3 §6); give it in Latin letters")
            for name in ("\u9673\u6c0f", "Ελένη", "ສົມສັກ", "សុខា", "สมชาย", "Əliyev", "Nguyễn Ω")
        ),
    ],
)
def test_what_is_no_name_is_refused_with_a_reason(bring, name, reason):
    (refused,), _ = bring(line(name=name))
    assert refused.startswith("name: ")
    assert refused.endswith(reason)


@pytest.mark.parametrize(
    ("file", "hint"),
    [
        (b"\xef\xbb\xbf" + line() + b"\xef\xbb\xbf" + line(), "byte order mark (BOM)"),
        (line().decode().encode("utf-16"), "UTF-16"),
        (line(name="x").replace(b'"x"', b'"Nguy\xean B"'), "Windows-1258"),
        (line().strip() + b"\r" + line().strip() + b"\r", "end with CR alone"),
    ],
)
def test_the_message_about_an_encoding_names_it(bring, file, hint):
    refused, _ = bring(file)
    assert refused[0].startswith("not JSON in UTF-8: ")
    assert hint in refused[0]


def test_lines_that_end_with_cr_and_lf_are_read(bring):
    mark = "not JSON in UTF-8: the end-of-file mark of DOS (Ctrl-Z); remove it"
    assert bring(line().strip() + b"\r\n", b"\x1a\n") == ([mark], [])


@pytest.mark.parametrize(
    "said",
    [
        {"status": "deceased\u200b"},
        {"status": "\u00a0deceased "},
        {"status": "deceased", "birth_date": "\u200e1990\u221202\u201303\u200b "},
        {"status": "deceased", "sex": "\ufeffmale"},
        {"status": "deceased", "cards": [{"document_number": "090010070\u200b",
         "issued_on": "2022\u201101\u201101", "status": "valid\u200d"}]},
    ],
)  # fmt: skip
def test_words_and_dates_lose_invisible_marks_so_that_a_death_notice_is_not_lost(bring, said):
    assert bring(line(**said)) == ([], [])
    assert bring.person().status is CivilStatus.DECEASED
    assert str(bring.person().birth_date) == "1990-02-03"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"status": "dead"}, "status: not one of alive, deceased, missing, number_cancelled"),
        ({"birthdate": "1990-02-03"}, "an unknown field; did you mean birth_date?"),
        ({"cards": [{"document_number": "1", "issued_on": "1/2/2022"}]},
         "cards: issued_on: not a date YYYY-MM-DD"),
        ({"cards": [{"document_numer": "1"}]},
         "cards: an unknown field; did you mean document_number?"),
    ],
)  # fmt: skip
def test_a_message_says_what_to_write_instead_and_never_the_data(bring, said, reason):
    assert bring(line(**said)) == ([reason], [])


@pytest.mark.parametrize(
    ("nationality", "kept"),
    [
        ("VN", "VNM"), ("Việt Nam", "VNM"), ("VIỆT NAM", "VNM"), ("Viet Nam", "VNM"),
        ("XXA", "XXA"), ("D", "DEU"), ("LAO", "LAO"), ("Pháp", None), ("vnm", None),
    ],
)  # fmt: skip
def test_nationalities_are_iso_or_icao_codes_or_viet_nam_in_words(bring, nationality, kept):
    refused, _ = bring(line(nationality=nationality))
    assert bool(refused) is (kept is None)
    if kept:
        assert bring.person().nationality == kept


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (90010060, "number: not a text; put it in quotes, with its leading zeros"),
        ("90010061", "number: a personal number has 12 digits"),
        ("000090010070 ", None),
        ("\uff10\uff10\uff10090010070", None),
        ("000 090 010 070", None),
    ],
)
def test_numbers_as_json_numbers_are_refused_and_spaces_in_them_are_not(bring, number, reason):
    assert bring(line(number=number))[0] == ([reason] if reason else [])
    assert (bring.person() is None) is bool(reason)


def test_a_card_with_another_persons_document_number_is_left_out_and_reported(bring):
    issued = {"issued_on": "2022-01-01"}
    cards = [{"document_number": each} | issued for each in ("090010070", "090010071")]
    note = "cards: a document number of another person; that card is left out"
    assert bring(line(cards=cards)) == ([], [note])
    assert [each.document_number for each in bring.cards()] == ["090010070"]


@pytest.mark.parametrize("at", [b"1e9", b"NaN", b"-1", b"1e400", str(NOW + 90_000).encode()])
def test_a_time_that_is_no_whole_number_or_lies_ahead_refuses_the_line(bring, at):
    refused, _ = bring(line(updated_at=0).replace(b": 0}", b": " + at + b"}"))
    assert len(refused) == 1
    assert refused[0].startswith("updated_at: ")


def test_the_rows_have_number_birth_date_status_and_time_where_the_rules_look():
    names = persons.columns.keys()
    places = (NUMBER, BIRTH_DATE, STATUS, UPDATED_AT)
    assert [names[at] for at in places] == ["number", "birth_date", "status", "updated_at"]
