"""Words of dictation that are the same in every language: ends of names on the net, mail providers, short numbers."""

from __future__ import annotations

from sophia.languages.dictation import listed

TLDS = listed(
    "com org net de eu io uk at ch info dev ai edu gov fm tv app me us fr it es nl be pl dk se no fi ca au biz"
)
"""Ends of names on the net that are whole with them; ``co`` is not one, since ``uk`` may follow."""

PROVIDERS = listed(
    "gmail outlook yahoo hotmail icloud proton gmx web googlemail posteo aol live mail protonmail t-online"
)

EMERGENCY = listed("911 112 110 999 115 116 117 118 116117 144")

ACRONYMS = listed(
    "us usa uk eu tv pc cd dvd ai it id uno uefa am pm bbc cnn fbi cia nasa gps usb wifi ok kfz lkw pkw edv"
)
