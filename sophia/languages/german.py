"""German. Data only; :mod:`sophia.languages.table` says what each member is for."""

from __future__ import annotations

from sophia.languages.german_dictation import DICTATION
from sophia.languages.table import Clauses, Language, Words, listed, phrases

GERMAN = Language(
    code="de",
    name="German",
    words=Words(
        trailing=listed(
            "und oder aber sondern denn weil dass ob wenn als während obwohl damit bis seit der die den dem des eine "
            "einen einem einer eines mein meine meinen dein deine sein seine ihre unser unsere dieser diese dieses "
            "kein keine jeder jede zu von im am für zwischen durch ohne gegen wie sehr plus minus mal geteilt"
        ),
        stranded=listed(
            "in an auf mit bei nach aus über unter um vor ein das ich wir er sie ihr ist sind war waren bin bist wird "
            "werden würde kann können könnte soll sollte muss müssen will wollen möchte möchten darf hat haben habe "
            "hatte dann"
        ),
        fillers=listed("äh ähm hm hmm also naja tja öhm halt eigentlich"),
        numbers=listed("hundert tausend million komma null und"),
        openers=listed(
            "was wer wo wann warum wieso wie welche welcher welches wohin woher ist sind war kannst können könntest "
            "hast haben willst würdest soll erzähl erzähle sag sage zeig zeige spiel stopp geh mach gib wiederhole "
            "hilf"
        ),
        requests=listed(
            "bestell bestelle bring bringe buch buche dreh drehe füge gibt kauf kaufe leg lege lies nenn nenne öffne "
            "reservier reserviere schalte schick schicke schließ schließe schreib schreibe setz setze stell stelle "
            "such suche weck wecke zähl zähle übersetze"
        ),
        verbs=listed(
            "bin bist ist sind seid war waren habe hab hast hat haben hatte hatten wird wurde wurden heiße heißt "
            "wohne wohnt wohnen lebe lebt komme kommt kommen gehe geht gehen ging mache macht machen brauche braucht "
            "brauchen kostet kosten stimmt steht stehe liegt liege fahre fährt fahren nehme nimmt nehmen treffe "
            "treffen gibt arbeite arbeitet spiele spielt liebe mag suche sucht finde findet kenne kennt weiß sehe "
            "sieht höre hört bleibe bleibt läuft"
        ),
        infinitives=("n",),
        modals=listed(
            "möchte möchten würde würden kann können könnte soll sollte muss müssen will wollen darf dürfen werde"
        ),
        genitive=listed("von"),
        pronouns=listed("ich du er sie es wir ihr das"),
        relatives=listed("als wie was wer wo wann warum dass ob wenn weil"),
        subordinate=listed("wenn weil obwohl falls während bevor nachdem sobald solange seit"),
        whole=frozenset(phrases(
            "ja, nein, doch, okay, ok, klar, stopp, stop, halt, warte, danke, hallo, danke schön, vielen dank, "
            "tschüss, auf wiedersehen, guten morgen, guten tag, guten abend, hallo sophia, weiter, mach weiter, "
            "genau, wie geht's, wie geht es dir, nö, ja bitte, ja gerne, nein danke"
        )),
        backchannels=frozenset(phrases(
            "mhm, mm, hm, hmm, ja, ja ja, jaja, ok, okay, genau, klar, stimmt, aha, ach so, achso, ach, oh, ah, gut, "
            "alles klar, verstehe, richtig, echt, wirklich, cool, super, na klar"
        )),
        leads=listed("sophia hey hello yes no yeah yep nope okay ok ja nein doch nö bitte"),
    ),
    clauses=Clauses(
        abbreviations=listed(
            "abb kap ziff bzw usw ggf evtl inkl exkl zzgl sog vgl nr str tel hr fr frl hrn dipl mio mrd tsd std min "
            "sek jh jhd abs bd ungef gegr gest okt dez bspw dgl zb dh ua uvm"
        ),
        conjunctions=listed(
            "und aber oder denn sondern weil dass wenn ob während damit obwohl sodass bevor nachdem indem"
        ),
        openers=listed(
            "mit ohne von aus über zwischen durch für gegen nach bei seit vor hinter neben auf an unter als wie um"
        ),
        endings=("str",),
        ordinals=True,
    ),
    dictation=DICTATION,
    yes=phrases(
        "ja, jawohl, jo, klar, na klar, ja klar, gern, gerne, ja gerne, ja bitte, bitte, okay, ok, genau, in ordnung, "
        "einverstanden, natürlich, sicher, mach das, ja mach das, tu das, leg los, nur zu, stimmt, passt"
    ),
    no=phrases(
        "nein, nö, nee, ne, nein danke, lieber nicht, bitte nicht, nicht, noch nicht, jetzt nicht, auf keinen fall, "
        "lass das, lass es, stopp, stop, halt, abbrechen, warte, vergiss es"
    ),
    waiting={
        "look": (
            "Einen Moment, ich sehe nach.",
            "Ich schaue kurz nach.",
            "Das sehe ich gleich nach.",
            "Moment, ich schaue.",
        ),
        "work": (
            "Einen Moment, ich bin dabei.",
            "Das mache ich gerade.",
            "Einen kleinen Moment.",
        ),
        "reckon": (
            "Moment, ich rechne kurz.",
            "Das rechne ich gerade aus.",
            "Einen Moment, ich überlege.",
        ),
        "ask": (
            "Einen Moment, ich frage nach.",
            "Da frage ich kurz nach.",
            "Das finde ich heraus.",
        ),
    },
    still=("Ich bin noch dabei.", "Es dauert noch einen Moment.", "Ich arbeite noch daran."),
    shall="Soll ich {tool} ausführen?",
    shall_with="Soll ich {tool} ausführen, mit {given}?",
    phrases={
        "reprompt": "Entschuldigung, das habe ich nicht verstanden. Sagst du es noch einmal?",
        "away": "Entschuldigung, ich kann dich gerade nicht hören.",
        "recorded": "Ein Hinweis vorab: Dieses Gespräch wird aufgezeichnet.",
        "llm": "Entschuldigung, ich kann gerade nicht klar denken.",
        "tts": "Entschuldigung, mir ist kurz die Stimme weggeblieben.",
        "asr": "Entschuldigung, ich kann dich nicht mehr hören.",
    },
    inviting=("ja oder nein", "sag mir", "sag es mir", "sagen sie mir", "sagen sie es mir",
              "lass mich wissen", "lass es mich wissen", "lassen sie mich wissen", "lassen sie es mich wissen"),
    answer_in="Antworte auf Deutsch.",
    trial="Wie spät ist es?",
    signs={
        "×": "mal", "÷": "geteilt durch", "+": "plus", "−": "minus", "±": "plus minus", "^": "hoch", "²": "Quadrat",
        "³": "hoch drei", "<": "weniger als", ">": "mehr als", "≤": "höchstens", "≥": "mindestens",
        "is <": "ist kleiner als", "is >": "ist größer als", "is ≤": "ist höchstens", "is ≥": "ist mindestens",
        "=": "ist gleich", "≠": "ist ungleich", "≈": "etwa", "is ≈": "ist etwa", "to": "bis", "from": "von",
        "/": "durch", "#": "Nummer", "§": "Paragraf", "‰": "Promille", "√": "Wurzel aus", "∞": "unendlich",
        "∑": "die Summe von", "∏": "das Produkt von", "∫": "das Integral von", "∂": "partiell", "∇": "Nabla",
        "∆": "Delta", "∈": "Element von", "∉": "kein Element von", "∀": "für alle", "∃": "es gibt",
        "∪": "vereinigt mit", "∩": "geschnitten mit", "⊂": "ist Teilmenge von", "∅": "die leere Menge",
        "∝": "ist proportional zu", "∥": "ist parallel zu", "⊥": "senkrecht zu", "∠": "Winkel", "∴": "also",
        "∧": "und", "∨": "oder", "¬": "nicht", "by": "mal", "given": "gegeben", "choose": "über", "and": "und",
        "½": "ein halb", "⅓": "ein Drittel", "⅔": "zwei Drittel", "¼": "ein Viertel", "¾": "drei Viertel",
        "⅛": "ein Achtel", "up": "plus", "down": "minus", "yes": "ja", "no": "nein", "m²": "Quadratmeter",
        "km²": "Quadratkilometer", "cm²": "Quadratzentimeter", "m³": "Kubikmeter", "km³": "Kubikkilometer",
        "cm³": "Kubikzentimeter", "dot": "Punkt", "@": "ät", "code": "Codebeispiel.",
    },
    grouping=".",
)  # fmt: skip
