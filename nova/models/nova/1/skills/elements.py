"""The chemical elements: symbols and numbers, as IUPAC lists them."""

import re

_LIST = (
    "hydrogen H helium He lithium Li beryllium Be boron B carbon C nitrogen N oxygen O fluorine F neon Ne sodium Na "
    "magnesium Mg aluminum Al silicon Si phosphorus P sulfur S chlorine Cl argon Ar potassium K calcium Ca scandium "
    "Sc "
    "titanium Ti vanadium V chromium Cr manganese Mn iron Fe cobalt Co nickel Ni copper Cu zinc Zn gallium Ga "
    "germanium Ge arsenic As selenium Se bromine Br krypton Kr rubidium Rb strontium Sr yttrium Y zirconium Zr "
    "niobium Nb molybdenum Mo technetium Tc ruthenium Ru rhodium Rh palladium Pd silver Ag cadmium Cd indium In tin "
    "Sn "
    "antimony Sb tellurium Te iodine I xenon Xe cesium Cs barium Ba lanthanum La cerium Ce praseodymium Pr neodymium "
    "Nd "
    "promethium Pm samarium Sm europium Eu gadolinium Gd terbium Tb dysprosium Dy holmium Ho erbium Er thulium Tm "
    "ytterbium Yb lutetium Lu hafnium Hf tantalum Ta tungsten W rhenium Re osmium Os iridium Ir platinum Pt gold Au "
    "mercury Hg thallium Tl lead Pb bismuth Bi polonium Po astatine At radon Rn francium Fr radium Ra actinium Ac "
    "thorium Th protactinium Pa uranium U neptunium Np plutonium Pu americium Am curium Cm berkelium Bk californium "
    "Cf "
    "einsteinium Es fermium Fm mendelevium Md nobelium No lawrencium Lr rutherfordium Rf dubnium Db seaborgium Sg "
    "bohrium Bh hassium Hs meitnerium Mt darmstadtium Ds roentgenium Rg copernicium Cn nihonium Nh flerovium Fl "
    "moscovium Mc livermorium Lv tennessine Ts oganesson Og"
)
_WORDS = _LIST.split()
_SYMBOLS = {name: _WORDS[2 * at + 1] for at, name in enumerate(_WORDS[::2])}
_NUMBERS = {name: number for number, name in enumerate(_SYMBOLS, 1)}
_ALIASES = {"aluminium": "aluminum", "sulphur": "sulfur", "caesium": "cesium"}
_FORMULAS = {
    "water": "H, two, O.", "salt": "Na, C, l. Sodium chloride.", "table salt": "Na, C, l. Sodium chloride.",
    "carbon dioxide": "C, O, two.", "ozone": "O, three.", "methane": "C, H, four.", "ammonia": "N, H, three.",
}  # fmt: skip


def answer(text, turns):
    """What plain ``text`` asks of an element, or None."""
    if found := re.search(r"\b(?:formula|symbol) (?:of|for) (?P<what>[a-z ]+)$", text):
        if found["what"] in _FORMULAS:
            return _FORMULAS[found["what"]]
        name = _ALIASES.get(found["what"], found["what"])
        return f"{', '.join(_SYMBOLS[name]).upper()}." if name in _SYMBOLS else None
    if found := re.search(r"\b(?:atomic )?number of (?P<what>[a-z]+)$", text):
        name = _ALIASES.get(found["what"], found["what"])
        return f"{_NUMBERS[name]}." if name in _NUMBERS else None
    if re.search(r"\bhow many (chemical )?elements\b", text):
        return "118 have names. The last one is oganesson."
    return None
