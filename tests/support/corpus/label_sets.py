"""Sets of labels as people send them back, and what each label is to be read as, for one set of classes each."""

from __future__ import annotations

# ruff: noqa: RUF001  letters that look like others are among the labels
from dataclasses import dataclass

type Label = str | int | float | bool
type Pairs = tuple[tuple[object, Label | None], ...]


@dataclass(frozen=True, slots=True)
class LabelSet:
    """The classes of a version (None: a regression), and labels.

    `read` has each label that is one, with the class or number that it means; `new` names a class that the version
    does not have, with its text; the labels of `unreadable` mean nothing.
    """

    name: str
    classes: tuple[Label, ...] | None
    read: Pairs = ()
    new: Pairs = ()
    unreadable: tuple[object, ...] = ()


WORDS, BOOLEANS, BITS, NUMBERS = ("no", "yes"), (False, True), (0, 1), (1, 2, 3)
GAPS = (None, "", "  ", "null", "NA", "N/A", "NaN", "None", float("nan"))


def _same(*labels: object, value: Label) -> Pairs:
    return tuple((label, value) for label in labels)


TEXTS = [
    LabelSet("words as they are", WORDS, (("yes", "yes"), ("no", "no"))),
    LabelSet("spaces around words", WORDS, _same(" yes", "yes ", "\tyes\n", "\u00a0yes\u3000", value="yes")),
    LabelSet("another case is another word", WORDS, new=(("Yes", "Yes"), ("NO", "NO"))),
    LabelSet("a word that is no class", WORDS, new=(("maybe", "maybe"), (" maybe ", "maybe"))),
    LabelSet("true and false for words", WORDS, new=((True, "true"), (False, "false"), ("True", "True"))),
    LabelSet("numbers for words", WORDS, new=((1, "1"), (0, "0"), (1.5, "1.5"), (2.0, "2"))),
    LabelSet("nothing for words", WORDS, unreadable=GAPS),
    LabelSet("lists and objects for words", WORDS, unreadable=([], ["yes"], {}, {"label": "yes"}, b"yes")),
    LabelSet(
        "words with spaces inside",
        ("not good", "very good"),
        (("very good", "very good"),),
        (("very  good", "very  good"),),
    ),
    LabelSet(
        "words with other letters", ("größer", "kleiner"), _same("größer", "gro\u0308ßer", " größer ", value="größer")
    ),
    LabelSet("words in Greek", ("ναι", "όχι"), _same("όχι", "ο\u0301χι", value="όχι")),
    LabelSet("words in Korean", ("아니", "예"), _same("아니", "\u110b\u1161\u1102\u1175", value="아니")),
    LabelSet("words in Arabic", ("لا", "نعم"), (("نعم", "نعم"), ("لا", "لا"))),
    LabelSet("emoji", ("👍", "👎"), (("👍", "👍"), (" 👎", "👎")), (("👍🏽", "👍🏽"),)),
    LabelSet("letters that only look alike", ("a", "b"), (("a", "a"),), (("а", "а"),)),
    LabelSet("wide letters are others", ("A", "B"), (("A", "A"),), (("\uff21", "\uff21"),)),
    LabelSet("ligatures are others", ("file", "folder"), (("file", "file"),), (("ﬁle", "ﬁle"),)),
    LabelSet("zero-width marks are others", ("yes", "no"), (("yes", "yes"),), (("ye\u200bs", "ye\u200bs"),)),
    LabelSet("three words", ("high", "low", "mid"), (("low", "low"), ("mid", "mid"), ("high", "high"))),
    LabelSet("words in two cases", ("Yes", "no", "yes"), (("Yes", "Yes"), ("yes", "yes")), (("YES", "YES"),)),
    LabelSet("classes with quotes", ('"a"', "a"), (('"a"', '"a"'), ("a", "a"))),
    LabelSet("classes with commas", ("a, b", "c"), (("a, b", "a, b"),), (("a,b", "a,b"),)),
    LabelSet(
        "species",
        ("Adelie", "Chinstrap", "Gentoo"),
        _same("Adelie", " Adelie", "Adelie ", value="Adelie"),
        (("adelie", "adelie"),),
    ),
    LabelSet("the class other", ("a", "b", "other"), (("other", "other"),), (("Other", "Other"),)),
]

TRUTHS = [
    LabelSet("truth values of JSON", BOOLEANS, ((True, True), (False, False))),
    LabelSet("truth values of Python", BOOLEANS, (("True", True), ("False", False))),
    LabelSet("truth values of Excel and R", BOOLEANS, (("TRUE", True), ("FALSE", False))),
    LabelSet("truth values of SQL", BOOLEANS, (("true", True), ("false", False))),
    LabelSet("truth values in mixed case", BOOLEANS, (("tRuE", True), ("fAlSe", False))),
    LabelSet("spaces around truth values", BOOLEANS, ((" True ", True), ("false\n", False))),
    LabelSet(
        "0 and 1 for truth values",
        BOOLEANS,
        ((1, True), (0, False), ("1", True), ("0", False), (1.0, True), ("1.0", True)),
    ),
    LabelSet("letters for truth values", BOOLEANS, new=(("t", "t"), ("f", "f"), ("T", "T"), ("y", "y"))),
    LabelSet("yes and no for truth values", BOOLEANS, new=(("yes", "yes"), ("no", "no"))),
    LabelSet("2 for a truth value", BOOLEANS, new=((2, "2"), ("2.0", "2"))),
    LabelSet("nothing for a truth value", BOOLEANS, unreadable=GAPS),
    LabelSet("TRUE and FALSE that are text", ("FALSE", "TRUE"), _same("TRUE", "True", "true", True, value="TRUE")),
    LabelSet("True and False that are text", ("False", "True"), _same("False", "FALSE", "false", False, value="False")),
    LabelSet(
        "truth values beside another word",
        ("false", "maybe", "true"),
        ((True, "true"), ("TRUE", "true"), ("maybe", "maybe")),
    ),
    LabelSet(
        "two spellings of one truth value",
        ("TRUE", "True", "x"),
        (("TRUE", "TRUE"), ("True", "True")),
        unreadable=("true", True),
    ),
]

WHOLES = [
    LabelSet("0 and 1", BITS, ((0, 0), (1, 1), ("0", 0), ("1", 1))),
    LabelSet("0 and 1 with decimals", BITS, ((0.0, 0), (1.0, 1), ("0.0", 0), ("1.0", 1), ("1.00", 1))),
    LabelSet("truth values for 0 and 1", BITS, ((True, 1), (False, 0), ("True", 1), ("FALSE", 0), ("true", 1))),
    LabelSet("spaces around 0 and 1", BITS, ((" 1", 1), ("0 ", 0), ("\t1.0 ", 1))),
    LabelSet("2 for 0 or 1", BITS, new=((2, "2"), ("2", "2"), ("2.0", "2"))),
    LabelSet("leading zeros are no numbers", BITS, new=(("01", "01"), ("00", "00"))),
    LabelSet("plus signs are no numbers", BITS, new=(("+1", "+1"),)),
    LabelSet("nothing for 0 or 1", BITS, unreadable=GAPS),
    LabelSet("three numbers", NUMBERS, ((1, 1), ("2", 2), (3.0, 3), ("3.0", 3))),
    LabelSet("exponents for three numbers", NUMBERS, (("1e0", 1), ("2E0", 2), ("0.3e1", 3))),
    LabelSet("truth values for three numbers", NUMBERS, new=((True, "true"), (False, "false"))),
    LabelSet("a number beside three", NUMBERS, new=((4, "4"), ("4.0", "4"), (2.5, "2.5"))),
    LabelSet("decimal commas for three numbers", NUMBERS, new=(("1,0", "1,0"),)),
    LabelSet("negative numbers", (-1, 1), ((-1, -1), ("-1", -1), ("-1.0", -1), (1, 1))),
    LabelSet("numbers with decimals", (0.5, 1.5), ((0.5, 0.5), ("0.5", 0.5), ("0.50", 0.5), ("1.5e0", 1.5))),
    LabelSet(
        "beyond 53 bits",
        (9007199254740992, 9007199254740994),
        ((9007199254740992, 9007199254740992), ("9007199254740994", 9007199254740994)),
        (("9007199254740993", "9007199254740993"),),
    ),
    LabelSet(
        "beyond 53 bits, as text",
        ("9007199254740992", "9007199254740993"),
        ((9007199254740992, "9007199254740992"), ("9007199254740993", "9007199254740993")),
    ),
    LabelSet("codes with leading zeros", ("01", "02"), (("01", "01"), ("02", "02")), ((1, "1"), ("1", "1"))),
    LabelSet("01 beside 1", ("01", "1"), (("01", "01"), ("1", "1"), (1, "1"), ("1.0", "1"))),
    LabelSet("numbers that are text", ("1", "2", "x"), ((1, "1"), ("1", "1"), (1.0, "1"), ("1.0", "1"), ("x", "x"))),
    LabelSet("1 beside 1.0", ("1", "1.0", "x"), (("1", "1"), ("1.0", "1.0"), (1, "1")), unreadable=("1.00",)),
    LabelSet(
        "postal codes",
        ("04109", "10115"),
        (("04109", "04109"), (10115, "10115"), ("10115.0", "10115")),
        (("4109", "4109"),),
    ),
]

QUANTITIES = [
    LabelSet("numbers of JSON", None, ((1, 1.0), (1.5, 1.5), (-2, -2.0), (0, 0.0))),
    LabelSet("numbers as text", None, (("1", 1.0), ("1.5", 1.5), ("-2", -2.0), ("1e3", 1000.0))),
    LabelSet("spaces around numbers", None, ((" 1.5 ", 1.5), ("\t2\n", 2.0), ("\u00a03", 3.0))),
    LabelSet("words for numbers", None, unreadable=("many", "ten", "1 or 2")),
    LabelSet("decimal commas", None, unreadable=("3,5", "1.234,5")),
    LabelSet("thousands", None, unreadable=("1,234", "1 234", "1'234")),
    LabelSet("currencies and units", None, unreadable=("$5", "5 €", "5kg", "12%")),
    LabelSet("truth values for numbers", None, unreadable=(True, False, "true")),
    LabelSet("nothing for a number", None, unreadable=GAPS),
    LabelSet("no end", None, unreadable=(float("inf"), float("-inf"), "inf", "Infinity", "1e999", 10**400)),
    LabelSet("signs and zeros", None, unreadable=("+5", "007", ".5", "5.", "0x10", "1_000")),
    LabelSet("digits of other scripts", None, unreadable=("٣", "\uff15", "५")),
    LabelSet("lists and objects for numbers", None, unreadable=([], [1.0], {}, b"1")),
    LabelSet(
        "more digits than a float has", None, (("0.1000000000000000055", 0.1), ("9007199254740993", 9007199254740992.0))
    ),
]

SETS = [*TEXTS, *TRUTHS, *WHOLES, *QUANTITIES]
