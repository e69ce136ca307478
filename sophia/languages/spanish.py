"""Spanish. Data only; :mod:`sophia.languages.table` says what each member is for."""

from __future__ import annotations

from sophia.languages.spanish_dictation import DICTATION
from sophia.languages.table import Clauses, Language, Words, listed, phrases

SPANISH = Language(
    code="es",
    name="Spanish",
    words=Words(
        trailing=listed(
            "y e o u pero sino porque aunque mientras si el la los las un una unos unas mi tu su mis tus sus nuestro "
            "nuestra nuestros nuestras este estos esta esos esas cada cualquier de del a al en para por con sin sobre "
            "entre hasta desde hacia según que muy tan ha han he has hemos"
        ),
        stranded=listed("es son era fue está están yo"),
        fillers=listed("eh em ehm mmm um uh pues"),
        numbers=listed(
            "cien ciento mil millón millones veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa coma "
            "punto cero"
        ),
        openers=listed(
            "qué quién quiénes dónde adónde cuándo cómo cuál cuáles cuánto cuánta cuántos cuántas puedes puede "
            "podrías podría sabes sabe tienes tiene hay dime dame cuéntame explícame muéstrame enséñame pon toca para "
            "detén empieza ve abre cierra repite continúa sigue ayúdame enciende apaga déjame"
        ),
        asking=phrases(
            "por qué, para qué, a qué, de qué, en qué, con qué, con quién, de quién, a quién, de dónde, desde cuándo, "
            "desde dónde"
        ),
        requests=listed(
            "añade compra cómprame reserva cancela convierte cuenta borra busca encuentra haz envía manda lee léeme "
            "escribe apunta llama pide traduce tradúceme recuérdame despiértame programa"
        ),
        verbs=listed(
            "soy eres es somos sois son estoy estás está estamos están tengo tienes tiene tenemos tienen quiero "
            "quieres quiere queremos quisiera necesito necesitas necesita necesitamos vivo vives vive vivimos trabajo "
            "trabaja sé sabe creo cree pienso hago hace hacemos hacen voy vas va vamos fui fue era eran estaba había "
            "hay gusta gustan encanta llamo llama parece cuesta cuestan falta faltan viene vienen vengo llega llegan "
            "prefiero recuerdo uso busco compré perdí encontré olvidé dije dijo hice hizo tuve tuvo"
        ),
        pronounless=True,
        modals=listed("puedo puedes puede podemos pueden debo debes debe debemos deben podría podrías"),
        infinitives=phrases(
            "ar, er, ir, ír, arme, erme, irme, arte, erte, irte, arse, erse, irse, arlo, erlo, irlo, arla, erla, "
            "irla"
        ),
        genitive=listed("de"),
        pronouns=listed("yo tú él ella usted nosotros nosotras ustedes ellos ellas eso esto"),
        relatives=listed("que qué donde dónde cuando cuándo como cómo quien quién cuál cuánto"),
        subordinate=listed("si porque aunque cuando mientras como"),
        leads=listed("sophia sofía hola oye sí si no vale bueno ok okay perdona"),
        whole=frozenset(phrases(
            "sí, si, no, vale, claro, ok, okay, hola, gracias, muchas gracias, adiós, hasta luego, buenos días, "
            "buenas tardes, buenas noches, para, espera, continúa, sigue, repite, repítelo, qué tal, cómo estás, "
            "de acuerdo, perfecto, ya está, eso es todo, hola sophia, hola sofía, sí por favor, no gracias, "
            "por supuesto, claro que sí, da igual, déjalo, basta"
        )),
        backchannels=frozenset(phrases(
            "ajá, mhm, mm, mmm, hm, hmm, ya, ya ya, sí, si, sí sí, claro, vale, ok, okay, ah, oh, entiendo, ya veo, "
            "bien, muy bien, perfecto, exacto, de acuerdo, genial, vaya, eso es, cierto, es verdad, en serio, anda, "
            "estupendo"
        )),
    ),
    clauses=Clauses(
        abbreviations=listed(
            "sr sra srta dr dra ud uds dña etc pág págs núm tel av avda art cap aprox ej ene feb abr ago sept oct nov "
            "dic"
        ),
        conjunctions=listed("y e o u pero sino porque aunque cuando mientras si donde que quien pues"),
        openers=listed("con sin de del en a al para por sobre entre hasta desde hacia según como"),
    ),
    dictation=DICTATION,
    yes=phrases(
        "sí, si, claro, claro que sí, vale, ok, okay, de acuerdo, por supuesto, por favor, sí por favor, adelante, "
        "hazlo, hágalo, sí hazlo, perfecto, bueno, está bien, correcto, exacto, eso es, venga"
    ),
    no=phrases(
        "no, no gracias, mejor no, ahora no, todavía no, no lo hagas, no lo haga, para, déjalo, cancela, cancélalo, "
        "espera, de ninguna manera, ni hablar, no hace falta"
    ),
    waiting={
        "look": (
            "Un momento, lo estoy mirando.",
            "Déjame mirar.",
            "Ahora lo compruebo.",
        ),
        "work": (
            "Un momento, estoy en ello.",
            "Ahora mismo lo hago.",
            "Un segundo.",
        ),
        "reckon": (
            "Déjame calcularlo.",
            "Un momento, lo estoy calculando.",
            "Déjame pensarlo.",
        ),
        "ask": (
            "Un momento, estoy preguntando.",
            "Voy a preguntarlo.",
            "Ahora lo averiguo.",
        ),
    },
    still=("Sigo en ello.", "Tarda un poco más.", "Todavía estoy en ello."),
    shall="¿Ejecuto {tool}?",
    shall_with="¿Ejecuto {tool}, con {given}?",
    phrases={
        "reprompt": "Perdona, no te he entendido. ¿Puedes repetirlo?",
        "away": "Perdona, ahora mismo no te oigo.",
        "recorded": "Te aviso de que esta conversación se graba.",
        "llm": "Perdona, ahora mismo no puedo pensar con claridad.",
        "tts": "Perdona, me he quedado sin voz un momento.",
        "asr": "Perdona, ya no te oigo.",
    },
    inviting=phrases("sí o no, dime, dímelo, hazme saber, avísame"),
    answer_in="Responde en español.",
    trial="¿Qué hora es?",
    signs={
        "×": "por", "÷": "entre", "+": "más", "−": "menos", "±": "más o menos", "^": "elevado a", "²": "al cuadrado",
        "³": "al cubo", "<": "menos de", ">": "más de", "≤": "como máximo", "≥": "al menos", "is <": "es menor que",
        "is >": "es mayor que", "is ≤": "es como máximo", "is ≥": "es al menos", "=": "es igual a",
        "≠": "no es igual a", "≈": "unos", "is ≈": "es aproximadamente", "to": "a", "from": "de", "/": "entre",
        "#": "número", "§": "artículo", "‰": "por mil", "√": "la raíz cuadrada de", "∞": "infinito", "∑": "la suma de",
        "∏": "el producto de", "∫": "la integral de", "∂": "parcial", "∇": "nabla", "∆": "delta", "∈": "pertenece a",
        "∉": "no pertenece a", "∀": "para todo", "∃": "existe", "∪": "unión", "∩": "intersección",
        "⊂": "es subconjunto de", "∅": "el conjunto vacío", "∝": "es proporcional a", "∥": "es paralelo a",
        "⊥": "es perpendicular a", "∠": "ángulo", "∴": "por lo tanto", "∧": "y", "∨": "o", "¬": "no", "by": "por",
        "given": "dado", "choose": "sobre", "and": "y", "½": "un medio", "⅓": "un tercio", "⅔": "dos tercios",
        "¼": "un cuarto", "¾": "tres cuartos", "⅛": "un octavo", "up": "más", "down": "menos", "yes": "sí", "no": "no",
        "m²": "metros cuadrados", "km²": "kilómetros cuadrados", "cm²": "centímetros cuadrados",
        "m³": "metros cúbicos", "km³": "kilómetros cúbicos", "cm³": "centímetros cúbicos", "dot": "punto",
        "@": "arroba", "code": "Ejemplo de código.",
    },
    grouping=".",
)  # fmt: skip
