"""Dictation in Spanish: numbers, letters, signs, units, and what asks for them. Data only."""

from __future__ import annotations

import re

from sophia.languages.dictation import Dictation, asks, listed

_COPULA = r"(?: (?:es|son|era|sería|empieza por|acaba en|termina en|el|la))*"
_NOUN = r"(?:número(?: de \w+)?|código(?: \w+)?|contraseña|matrícula|referencia|iban|dni|nie|clave|pedido|reserva)"
_OWN = r"(?:mi|nuestro|nuestra|su|tu|el|la|este|esta)"
_PHONE = r"(?:teléfono|móvil|celular|fijo|fax|whatsapp|número de teléfono|número de móvil)"
_DIGITS = "cero uno dos tres cuatro cinco seis siete ocho nueve"
_TEENS = "diez once doce trece catorce quince dieciséis diecisiete dieciocho diecinueve"
_TENS = "treinta cuarenta cincuenta sesenta setenta ochenta noventa"
_TWENTIES = (
    "veinte veintiuno veintiún veintidós veintitrés veinticuatro veinticinco veintiséis veintisiete veintiocho "
    "veintinueve"
)

DICTATION = Dictation(
    vague=True,
    phone=9,
    digits=listed(_DIGITS),
    numbers={
        **dict.fromkeys(f"{_TEENS} {_TWENTIES} {_TENS}".split(), 2),
        "cien": 3, "ciento": 3, "doscientos": 3, "trescientos": 3, "quinientos": 3,
        "mil": 4, "millón": 7, "millones": 7,
    },
    tens=listed(_TENS),
    scales=listed("cien ciento mil millón millones"),
    repeats={"doble": 2, "triple": 3},
    letters=listed("eñe equis hache jota zeta uve"),
    likened=("de", "como en", "como"),
    signs=listed("punto coma guion guión barra arroba @ más almohadilla asterisco www http https subrayado"),
    dots=listed("punto"),
    ats=listed("arroba @"),
    links=listed("y o a luego eh mayúscula minúscula espacio"),
    units=listed(
        "segundo segundos minuto minutos hora horas día días semana semanas mes meses año años grados mediodía "
        "medianoche mañana tarde noche"
    ),
    currencies=listed("euro euros dólar dólares céntimo céntimos peso pesos libras € $"),
    months=listed("enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"),
    weekdays=listed("lunes martes miércoles jueves viernes sábado domingo"),
    articles=listed("el la los las un una de en"),
    asks={
        "zip": asks(r"código postal" + _COPULA),
        "pin": asks(r"pin" + _COPULA),
        "card": asks(r"(?:tarjeta|visa|mastercard)" + _COPULA),
        "phone": asks(
            rf"{_OWN} {_PHONE}(?: es| son)*|(?:llámame|llámeme|llama|marca|llamarme)(?: al| a| en)+"
            r"|(?:apunta|anota) (?:mi|el) (?:número|teléfono)"
        ),
        "spelling": asks(r"(?:se escribe|se deletrea|deletreo|con todas las letras)"),
        "name": asks(r"(?:mi (?:nombre|apellido)(?: es)?|me llamo)"),
        "mail": asks(r"(?:(?:correo|email|e-mail|mail|página|web|dirección de correo)(?: electrónico)?(?: es)+)"),
        "price": asks(r"(?:cuesta|cuestan|precio(?: es)+|pagué|presupuesto(?: es)+|total(?: es)+)"),
        "number": asks(_NOUN + _COPULA),
        "clock": asks(
            r"(?:(?:alarma|temporizador|recordatorio)(?: \w+)? (?:para|a|de|en)(?: las| la)?"
            r"|despiértame a(?: las| la)?|recuérdame (?:a|en)(?: las| la)?)"
        ),
    },
    nouns=re.compile(
        rf"(?:{_OWN} )?(?:{_NOUN}|{_PHONE}|código postal|correo(?: electrónico)?|dirección|nombre|apellido)$"
    ),
    expectant=listed("es son era al a en con para llamo escribe las"),
    inquiries=listed("qué quién dónde cuándo cómo cuál cuánto cuánta cuántos cuántas es son tienes"),
    manners=listed("cómo"),
    others=listed("tu su"),
    past=listed("y media menos cuarto"),
    hours=listed("alarma despiértame las"),
    introduces=re.compile(r"(?:mi|su) nombre|.*me llamo"),
    states=listed("no roto rota mal bien lleno vacío caído caída lento nuevo viejo muy"),
    secrets=("contraseña", "clave"),
    pages=listed("página web"),
    conjunctions=listed("y"),
    breaks=listed("punto guion guión barra subrayado arroba @"),
    ambiguous=listed("e u"),
    values={word: str(n) for n, word in enumerate(_DIGITS.split())},
)  # fmt: skip
