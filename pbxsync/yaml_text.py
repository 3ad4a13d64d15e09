"""What YAML makes of a plain (unquoted) value: text, or something that a route can't hold.

A dial plan is full of digits, and YAML reads ``011`` as the number 9, ``22:30`` as 1350 and ``no`` as false. The rules
are those of YAML 1.1 (its type repository: bool, int, float, null, timestamp, merge, value) and of YAML 1.2's core
schema, taken together: a value that either of them reads as anything but text is not text here.
"""

from __future__ import annotations

import re

_NULL = re.compile(r"~|null|Null|NULL|")
_TRUE = re.compile(r"y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON")
_FALSE = re.compile(r"n|N|no|No|NO|false|False|FALSE|off|Off|OFF")
_BASE_2 = re.compile(r"[-+]?0b[01_]+")
_OCTAL_11 = re.compile(r"[-+]?0[0-7_]+")
_OCTAL_12 = re.compile(r"0o[0-7]+")
_DECIMAL = re.compile(r"[-+]?[0-9][0-9_]*")
_BASE_16 = re.compile(r"[-+]?0x[0-9a-fA-F_]+")
_BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_FLOAT = re.compile(
    r"[-+]?(?:[0-9][0-9_]*\.[0-9_.]*(?:[eE][-+]?[0-9]+)?|\.[0-9][0-9_.]*(?:[eE][-+]?[0-9]+)?|[0-9][0-9_]*[eE][-+]?[0-9]+)"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_DATE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?"
    r"(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?"
)
#: What a value that is no text can begin with, and how long the longest word of them is: false.
_FIRST = frozenset("~<=+-.0123456789nNyYtTfFoO")
_LONGEST_WORD = 5
# Beyond this many digits a number is only called long, not computed.
_LONG = 30


def reading(text: str) -> str | None:
    """What YAML 1.1 or 1.2 reads in a plain value, in words such as «the number 9»; None where it is text to both."""
    if text and (text[0] not in _FIRST or (len(text) > _LONGEST_WORD and text[0].isalpha())):
        return None  # as nearly all are
    if _NULL.fullmatch(text):
        return "null"
    if _TRUE.fullmatch(text):
        return "the boolean true"
    if _FALSE.fullmatch(text):
        return "the boolean false"
    if _DATE.fullmatch(text):
        return "a date"
    if text == "<<":
        return "a merge key"
    if text == "=":
        return "a default value"
    return _number(text)


def _number(text: str) -> str | None:
    digits = text.replace("_", "").lstrip("+-")
    if len(digits) > _LONG:
        kinds = (_DECIMAL, _OCTAL_11, _OCTAL_12, _BASE_2, _BASE_16, _BASE_60, _FLOAT)
        long = any(kind.fullmatch(text) for kind in kinds)
        return "a number" if long else None
    sign = -1 if text.startswith("-") else 1
    for kind, base, skip in ((_BASE_2, 2, 2), (_OCTAL_11, 8, 1), (_OCTAL_12, 8, 2), (_BASE_16, 16, 2)):
        if kind.fullmatch(text):
            value = digits[skip:]
            return f"the number {sign * int(value, base)}" if value else "the number 0"
    if _DECIMAL.fullmatch(text):
        return f"the number {sign * int(digits)}"
    if _BASE_60.fullmatch(text):
        return f"the number {_base_60(digits, sign)} (base 60)"
    return "a number" if _FLOAT.fullmatch(text) else None


def _base_60(digits: str, sign: int) -> str:
    whole, dot, rest = digits.partition(".")
    value = 0
    for part in whole.split(":"):
        value = value * 60 + int(part)
    return f"{sign * value}{dot}{rest}".rstrip(".")


def truth(text: str) -> bool | None:
    """The truth value that a plain value is to every version of YAML (``true``, ``False``), else None."""
    return {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}.get(text)


def integer(text: str) -> int | None:
    """The integer that a plain value is to every version of YAML (``1``, ``-7``), else None."""
    return int(text) if re.fullmatch(r"-?(?:0|[1-9][0-9]{0,17})", text) else None
