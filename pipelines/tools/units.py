"""The tool that converts units. A table: a voice asks for a hundred units, and needs no library's parser of formulas.

Each unit is so many of its quantity's base unit; temperatures have a zero of their own as well. Numbers are exact
fractions until they are written.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated

from pydantic import Field

from nova.functions import tool
from nova.tools import ToolError
from pipelines.tools.expression import DIGITS


@dataclass(frozen=True, slots=True)
class Unit:
    """``size`` base units of ``quantity``, from ``zero`` base units on."""

    name: str
    quantity: str
    size: Fraction
    zero: Fraction = Fraction(0)


_TABLE = """
length | metre meter m | 1 ; kilometre kilometer km | 1000 ; centimetre centimeter cm | 0.01
length | millimetre millimeter mm | 0.001 ; micrometre micrometer micron µm um | 1e-6 ; nanometre nanometer nm | 1e-9
length | inch inches in " | 0.0254 ; foot feet ft ' | 0.3048 ; yard yd | 0.9144 ; mile mi | 1609.344
length | nautical_mile nmi | 1852 ; light_year ly | 9460730472580800 ; astronomical_unit au | 149597870700
mass | gram gramme g | 1 ; kilogram kilo kg | 1000 ; milligram mg | 0.001 ; tonne metric_ton t | 1000000
mass | ounce oz | 28.349523125 ; pound lb lbs | 453.59237 ; stone st | 6350.29318 ; short_ton us_ton | 907184.74
volume | litre liter l | 1 ; millilitre milliliter ml | 0.001 ; centilitre centiliter cl | 0.01
volume | cubic_metre cubic_meter m3 m³ | 1000 ; teaspoon tsp | 0.00492892159375 ; tablespoon tbsp | 0.01478676478125
volume | cup | 0.2365882365 ; pint pt | 0.473176473 ; quart qt | 0.946352946 ; gallon gal | 3.785411784
volume | fluid_ounce fl_oz floz | 0.0295735295625 ; imperial_pint | 0.56826125 ; imperial_gallon | 4.54609
time | second sec s | 1 ; minute min | 60 ; hour hr h | 3600 ; day d | 86400 ; week wk | 604800 ; year yr | 31557600
time | month | 2629800 ; millisecond ms | 0.001 ; microsecond µs us | 0.000001 ; nanosecond ns | 1e-9
area | square_metre square_meter m2 m² sqm | 1 ; square_kilometre square_kilometer km2 km² | 1000000
area | square_foot square_feet ft2 ft² sqft | 0.09290304 ; square_mile mi2 | 2589988.110336 ; hectare ha | 10000
area | acre | 4046.8564224 ; square_centimetre square_centimeter cm2 cm² | 0.0001 ; square_inch in2 | 0.00064516
speed | metre_per_second meter_per_second m/s mps | 1 ; kilometre_per_hour kilometer_per_hour km/h kph kmh | 1000/3600
speed | mile_per_hour mph mi/h | 0.44704 ; knot kn kt | 1852/3600 ; foot_per_second ft/s | 0.3048
temperature | kelvin k | 1 ; celsius centigrade °c c degree_celsius | 1 | 273.15
temperature | fahrenheit °f f degree_fahrenheit | 5/9 | 459.67
energy | joule j | 1 ; kilojoule kj | 1000 ; calorie cal | 4.184 ; kilocalorie kcal food_calorie | 4184
energy | watt_hour wh | 3600 ; kilowatt_hour kwh | 3600000 ; megawatt_hour mwh | 3600000000 ; btu | 1055.05585262
power | watt w | 1 ; kilowatt kw | 1000 ; megawatt mw | 1000000 ; horsepower hp | 745.69987158227022 ; milliwatt | 0.001
pressure | pascal pa | 1 ; kilopascal kpa | 1000 ; hectopascal hpa millibar mbar | 100 ; bar | 100000
pressure | atmosphere atm | 101325 ; psi pound_per_square_inch | 6894.757293168 ; mmhg torr | 133.322387415
force | newton n | 1 ; kilonewton | 1000 ; pound_force lbf | 4.4482216152605
angle | degree deg ° | 1 ; radian rad | 57.29577951308232 ; turn revolution | 360 ; gradian | 0.9
data | byte b | 1 ; bit | 0.125 ; kilobyte kb | 1e3 ; megabyte mb | 1e6 ; gigabyte gb | 1e9 ; terabyte tb | 1e12
data | petabyte pb | 1e15 ; kibibyte kib | 1024 ; mebibyte mib | 1048576 ; gibibyte gib | 1073741824
data | tebibyte tib | 1099511627776 ; kilobit kbit | 125 ; megabit mbit | 125000 ; gigabit gbit | 125000000
rate | bit_per_second bps bit/s | 1 ; kilobit_per_second kbps kbit/s | 1e3 ; megabit_per_second mbps mbit/s | 1e6
rate | gigabit_per_second gbps gbit/s | 1e9 ; megabyte_per_second mb/s | 8e6 ; gigabyte_per_second gb/s | 8e9
frequency | hertz hz | 1 ; kilohertz khz | 1e3 ; megahertz mhz | 1e6 ; gigahertz ghz | 1e9 ; rpm | 1/60
"""
"""A line: the quantity, then units by their names, the first of which is written, and their size (and zero)."""


_PLURALS = {
    "foot": "feet", "inch": "inches", "celsius": "degrees celsius", "fahrenheit": "degrees fahrenheit",
    **dict.fromkeys(("stone", "hertz", "kilohertz", "megahertz", "gigahertz", "kelvin", "horsepower"), ""),
    **dict.fromkeys(("psi", "mmhg", "rpm", "btu"), ""),
}  # fmt: skip
"""Those that do not end with an s; empty: the same as one."""


def _read(table: str) -> dict[str, Unit]:
    units: dict[str, Unit] = {}
    for line in table.strip().splitlines():
        quantity, _, rest = line.partition(" | ")
        for entry in rest.split(" ; "):
            names, size, *zero = (part.strip() for part in entry.split(" | "))
            called = [name.replace("_", " ") for name in names.split()]
            unit = Unit(called[0], quantity, Fraction(size), Fraction(zero[0]) if zero else Fraction(0))
            for name in called:
                assert name not in units, name
                units[name] = unit
    return units


UNITS = _read(_TABLE)
"""Every unit by each of its names."""


def unit_of(name: str) -> Unit | None:
    """The unit of this name, whether it is one or several of them; None if there is none."""
    asked = " ".join(name.casefold().replace("_", " ").replace("-", " ").removesuffix(".").split())
    asked = (
        asked.replace("degrees ", "degree ").replace(" per ", " per ").replace("squared", "2").replace("sq ", "square ")
    )
    first, _, rest = asked.partition(" per ")
    for form in (asked, *(f"{one} per {rest}" if rest else one for one in _singular(first))):
        if unit := UNITS.get(form):
            return unit
    return None


def _singular(name: str) -> tuple[str, ...]:
    """What a plural may be the plural of."""
    return tuple(name.removesuffix(ending) for ending in ("s", "es") if name.endswith(ending))


def convert_exactly(amount: Fraction, of: Unit, to: Unit) -> Fraction:
    """The amount in the other unit."""
    return (amount + of.zero) * of.size / to.size - to.zero


@tool(reads=True, seconds=2.0, waiting="reckon")
async def convert_units(
    amount: Annotated[float, Field(description="how many of the first unit")],
    from_unit: Annotated[str, Field(max_length=40, description="such as mile, kg, fahrenheit, cup")],
    to_unit: Annotated[str, Field(max_length=40, description="such as km, pound, celsius, ml")],
) -> str:
    """Converts an amount from one unit to another: lengths, weights, volumes, temperatures, speeds, data and others."""
    of, to = unit_of(from_unit), unit_of(to_unit)
    for unit, name in ((of, from_unit), (to, to_unit)):
        if unit is None:
            raise ToolError(f"the unit {name} is not known")
    assert of is not None
    assert to is not None
    if of.quantity != to.quantity:
        raise ToolError(f"{of.name} is a {of.quantity} and {to.name} a {to.quantity}")
    try:
        exact = convert_exactly(Fraction(repr(amount)), of, to)
        return f"{_amount(amount, of)} = {_amount(float(exact), to)}"
    except (ValueError, OverflowError):
        raise ToolError("the amount is no number that can be converted") from None


def _amount(value: float, unit: Unit) -> str:
    """So many of a unit, as one says it."""
    head, per, of = unit.name.partition(" per ")
    *before, noun = head.split()
    if abs(value) != 1:
        noun = _PLURALS.get(noun, f"{noun}s") or noun
    return f"{_figure(value)} {' '.join((*before, noun))}{per}{of}"


def _figure(value: float) -> str:
    """Six digits, which is more than anybody can hear; whole numbers in full."""
    return str(int(value)) if value == int(value) and abs(value) < 10**DIGITS else f"{value:.6g}"
