"""Names and addresses for people who do not exist, as they are in Viet Nam.

Weights follow common estimates of family names (two in five are Nguyễn) and of the sizes of
the ethnic groups; given names are roughly as frequent as one hears them.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from random import Random

from idp.core.person import Address, Name, Sex


def _choice(words: str) -> Callable[[Random], str]:
    """A weighted choice from ``word:weight`` items; ``_`` is a space inside a word."""
    pairs = [each.partition(":") for each in words.split()]
    values = ["" if value == "-" else value.replace("_", " ") for value, _, _ in pairs]
    weights = list(accumulate(float(weight or 1) for _, _, weight in pairs))
    return lambda random: random.choices(values, cum_weights=weights)[0]


_KINH_FAMILY = _choice(
    "Nguyễn:38.4 Trần:12.1 Lê:9.5 Phạm:7 Hoàng:3.1 Huỳnh:2 Phan:4.5 Vũ:2.2 Võ:1.7 Đặng:2.1"
    " Bùi:2 Đỗ:1.4 Hồ:1.3 Ngô:1.3 Dương:1 Lý:0.5 Đào:0.8 Đoàn:0.7 Trịnh:0.8 Trương:1.2 Đinh:0.8"
    " Lâm:0.5 Phùng:0.5 Mai:0.5 Tô:0.3 Hà:0.6 Tạ:0.4 Lương:0.6 Lưu:0.4 Cao:0.5 Chu:0.3 Châu:0.3"
    " Tăng:0.2 Thái:0.3 Quách:0.2 Kiều:0.2 Tống:0.2 Vương:0.3 Đàm:0.2 Nghiêm:0.1 La:0.1 Khổng:0.1"
    " Âu:0.05 Ông:0.05 Tôn_Thất:0.05"
)
_MIDDLE = {
    Sex.MALE: _choice(
        "Văn:26 Đức:7 Hữu:6 Quang:5 Minh:6 Công:4 Thành:4 Xuân:3 Ngọc:4 Đình:4 Quốc:5 Anh:3 Trung:2"
        " Duy:4 Gia:3 Bảo:2 Tuấn:2 Hoàng:4 Thanh:4 Viết:1 Tiến:2 Mạnh:2 Khắc:1 Trọng:2 Thế:2 Bá:1"
        " Nhật:2 Huy:1 Phúc:1 Hoàng_Minh:0.6 Nguyễn_Gia:0.3 Trần_Anh:0.2 -:2"
    ),
    Sex.FEMALE: _choice(
        "Thị:34 Ngọc:7 Thu:4 Thanh:5 Thị_Thu:2 Thị_Thanh:2 Thị_Ngọc:2 Thị_Kim:1.5 Thị_Hồng:2"
        " Thị_Mỹ:1 Thùy:3 Phương:3 Hoài:2 Minh:3 Bích:2 Kim:3 Mỹ:2 Diệu:1.5 Khánh:2 Bảo:2 Quỳnh:2"
        " Lan:1 Hồng:2 Mai:1.5 Hà:1 Vân:1 Tường:0.5 Ánh:1 Như:1 Ngọc_Bảo:0.6 Hoàng_Ngọc:0.3 -:1.5"
    ),
}
_GIVEN = {
    Sex.MALE: _choice(
        "Anh:4 Dũng:3 Hùng:4 Tuấn:4 Minh:4 Cường:3 Nam:4 Long:3 Thắng:3 Hải:3 Sơn:3 Đức:3 Hiếu:3"
        " Quân:2 Phúc:2 Huy:3 Khoa:2 Khánh:2 Kiên:2 Trung:3 Thành:3 Tùng:2 Việt:2 Vinh:2 Bình:2"
        " Hòa:1 Lâm:2 Phong:2 Quang:2 Tài:2 Thịnh:2 Toàn:2 Trí:1 Tú:1 Bảo:2 Đạt:3 Hoàng:3 Hưng:3"
        " Lộc:1 Mạnh:2 Nghĩa:2 Nhân:2 Phát:1 Phước:1 Quý:1 Tâm:1 Tân:1 Thiện:1 Tiến:2 Trường:2"
        " Đông:1 Giang:1 Chiến:1 Thọ:1 Ngữ:0.2 Nguyên:1 Khôi:1 Duy:1 Kỳ:0.3 Thuận:1 Vũ:1 Ý:0.1"
    ),
    Sex.FEMALE: _choice(
        "Lan:3 Hương:4 Hoa:3 Linh:4 Trang:4 Hà:3 Thảo:4 Mai:3 Ngọc:3 Anh:4 Nga:2 Thủy:2 Hằng:3"
        " Nhung:2 Yến:2 Huyền:3 Thu:2 Dung:2 Phương:4 Vân:3 Hạnh:2 Hồng:2 Loan:2 Oanh:1 Hiền:3"
        " Nguyệt:1 Tuyết:2 Xuân:1 Châu:2 Chi:2 Diệp:1 Duyên:2 Giang:2 Hân:2 My:2 Ngân:2 Nhi:3"
        " Như:2 Quỳnh:2 Tâm:2 Thanh:2 Thơ:1 Thúy:2 Trâm:2 Trinh:1 Tú:1 Uyên:2 Vy:3 Liên:2 Mận:0.5"
        " Ái:0.3 Ước:0.1 Thắm:0.5 Gấm:0.3 Sen:0.5 Ngoan:0.3 Bưởi:0.1"
    ),
}
_ETHNICITY = _choice(  # those not among the 11 here count for those that are
    "Kinh:85.3 Tày:2.6 Thái:2.6 Mường:2.1 Khmer:2 Mông:2 Nùng:1.5 Gia_Rai:0.7 Ê_Đê:0.6"
    " Cơ_Ho:0.3 Xơ_Đăng:0.3"
)
_FAMILY = {
    "Kinh": _KINH_FAMILY,
    "Tày": _choice("Nông:4 Hoàng:3 Ma:2 Hà:1 Bế:1 Lèng:0.5 Triệu:1 Đàm:1"),
    "Thái": _choice("Lò:5 Quàng:2 Cầm:2 Lường:2 Cà:1 Tòng:2 Điêu:1 Vì:2 Hà:1 Vi:2 Lô:1"),
    "Mường": _choice("Bùi:4 Đinh:2 Quách:2 Hà:1 Bạch:1 Phùng:0.5"),
    "Khmer": _choice("Thạch:5 Sơn:3 Kim:3 Danh:3 Lâm:2 Châu:1 Neáng:1 Chau:1"),
    "Mông": _choice("Giàng:4 Vàng:4 Thào:3 Sùng:4 Mùa:2 Lý:3 Hạng:1 Cứ:1 Tráng:1 Vừ:2"),
    "Nùng": _choice("Nông:4 Lương:2 Hoàng:2 Vi:2 Chu:1 Lục:1 Mông:1 Lã:0.5"),
    "Gia Rai": _choice("Ksor:4 Rmah:3 Siu:3 Kpă:3 Nay:2 Rahlan:1 Rơ_Mah:1 Puih:1 Rcom:2"),
    "Ê Đê": _choice("Niê:4 Mlô:2 Êban:2 Byă:2 Ayŭn:1 Kbuôr:1 Adrơng:1 Êñuôl:1 Niê_K'đăm:1"),
}
_GIVEN_KHMER = _choice("Sa_Rinh Chanh_Đa Sô_Phia Sa_Ret Phol Đa_Ra Sô_Khôm Rith Ria Sa_Vuth Thi_Đa")
_GIVEN_MONG = {
    Sex.MALE: _choice("Sử Páo Tủa Chu Dính Súa Của Lềnh Vảng Phử Chống Sình"),
    Sex.FEMALE: _choice("Mỷ Dợ Páo Chía Sua Mai Dí Pàng Xua Say Ca Chư"),
}
_GIVEN_HIGHLAND = {
    Sex.MALE: _choice("Wang Blok Khăm Thông Brĭt Djŭ Klơng Blăh Lŏ Krĭng Phin Tŏr Nhơl Hlŏi"),
    Sex.FEMALE: _choice("Hĕn Blâm Lĭm Nhi Rê Ñar Bliŏ Lŭn Mrai Yŭn Đơm Klĕ Wer Juĭn"),
}
_PREFIX: Mapping[tuple[str, Sex], str] = {
    ("Ê Đê", Sex.MALE): "Y ",
    ("Ê Đê", Sex.FEMALE): "H'",
    ("Gia Rai", Sex.MALE): "",
    ("Gia Rai", Sex.FEMALE): "H'",
    ("Cơ Ho", Sex.MALE): "K'",
    ("Cơ Ho", Sex.FEMALE): "Ka ",
    ("Xơ Đăng", Sex.MALE): "A ",
    ("Xơ Đăng", Sex.FEMALE): "Y ",
}


def name(random: Random, sex: Sex) -> tuple[Name, str]:
    """A name and the ethnic group that has such names."""
    ethnicity = _ETHNICITY(random)
    if (ethnicity, sex) in _PREFIX:
        return _highland(random, ethnicity, sex), ethnicity
    family = _FAMILY[ethnicity](random)
    if ethnicity == "Khmer":
        return _in_order(family, "", _GIVEN_KHMER(random)), ethnicity
    if ethnicity == "Mông":
        middle = "A" if sex is Sex.MALE else "Thị"
        return _in_order(family, middle, _GIVEN_MONG[sex](random)), ethnicity
    return _in_order(family, _MIDDLE[sex](random), _GIVEN[sex](random)), ethnicity


def _in_order(family: str, middle: str, given: str) -> Name:
    return Name(f"{family} {middle} {given}", family, middle, given)


def _highland(random: Random, ethnicity: str, sex: Sex) -> Name:
    """Ê Đê put the clan last, Gia Rai first; Cơ Ho and Xơ Đăng here have none."""
    given = _PREFIX[ethnicity, sex] + _GIVEN_HIGHLAND[sex](random)
    if ethnicity not in _FAMILY:
        return Name(given, "", "", given)
    family = _FAMILY[ethnicity](random)
    full = f"{given} {family}" if ethnicity == "Ê Đê" else f"{family} {given}"
    return Name(full, family, "", given)


_COMMUNES: Sequence[tuple[str, str, str]] = tuple(
    (code, province, commune.strip())
    for code, province, communes in (
        ("001", "Hà Nội", "Phường Hoàn Kiếm, Phường Ba Đình, Phường Cầu Giấy, Xã Sóc Sơn"),
        ("079", "Hồ Chí Minh", "Phường Sài Gòn, Phường Thủ Đức, Phường Vũng Tàu, Đặc khu Côn Đảo"),
        ("048", "Đà Nẵng", "Phường Hải Châu, Phường Thanh Khê, Phường Hội An"),
        ("046", "Huế", "Phường Thuận Hóa, Phường Phú Xuân"),
        ("031", "Hải Phòng", "Phường Hồng Bàng, Phường Lê Chân, Đặc khu Cát Hải"),
        ("092", "Cần Thơ", "Phường Ninh Kiều, Phường Cái Răng"),
        ("066", "Đắk Lắk", "Phường Buôn Ma Thuột, Phường Tuy Hòa"),
        ("064", "Gia Lai", "Phường Pleiku, Phường Quy Nhơn"),
        ("068", "Lâm Đồng", "Phường Xuân Hương - Đà Lạt, Phường Phan Thiết"),
        ("056", "Khánh Hòa", "Phường Nha Trang"),
        ("022", "Quảng Ninh", "Phường Bãi Cháy, Phường Hồng Gai, Đặc khu Vân Đồn"),
        ("011", "Điện Biên", "Phường Điện Biên Phủ, Phường Mường Thanh"),
        ("010", "Lào Cai", "Phường Sa Pa, Phường Yên Bái"),
        ("040", "Nghệ An", "Phường Thành Vinh, Phường Trường Vinh"),
        ("091", "An Giang", "Phường Rạch Giá, Phường Long Xuyên, Đặc khu Phú Quốc"),
        ("096", "Cà Mau", "Phường An Xuyên, Phường Bạc Liêu"),
    )
    for commune in communes.split(",")
)
_STREET = _choice("Trần_Hưng_Đạo Lê_Lợi Hùng_Vương Quang_Trung Hai_Bà_Trưng Nguyễn_Trãi Lý_Thái_Tổ")


def address(random: Random) -> Address:
    """An address in the two-tier form; the house is made up."""
    code, province, commune = random.choice(_COMMUNES)
    if commune.startswith("Phường"):
        street = f"Số {random.randrange(1, 300)}, đường {_STREET(random)}"
    else:
        street = f"Thôn {random.randrange(1, 13)}"
    return Address(province_code=code, province=province, commune=commune, street=street)
