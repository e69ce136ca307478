"""Italian. Data only; :mod:`sophia.languages.table` says what each member is for."""

from __future__ import annotations

from sophia.languages.italian_dictation import DICTATION
from sophia.languages.table import Clauses, Language, Words, listed, phrases

ITALIAN = Language(
    code="it",
    name="Italian",
    words=Words(
        trailing=listed(
            "e ed o oppure ma se mentre il lo la i gli le un uno una di del dello della dei degli delle a al allo "
            "alla ai agli alle da dal dallo dalla dai in nel nello nella nei nelle con su sul sulla sui per tra fra "
            "che miei mie tuoi tue suoi sue nostro nostra vostro vostra ogni qualche molto"
        ),
        stranded=listed(
            "è sono era ho hai ha abbiamo hanno sto sta vado va vorrei voglio posso può devo deve mio mia tuo tua suo "
            "sua io questo questa quello quella"
        ),
        fillers=listed("eh ehm uhm mmm cioè"),
        numbers=listed(
            "cento mila mille milione milioni venti trenta quaranta cinquanta sessanta settanta ottanta novanta "
            "virgola punto zero"
        ),
        openers=listed(
            "che chi cosa cos dove dov quando quand come com perché quale quali qual quanto quanta quanti quante "
            "quant puoi può potresti potrebbe vuoi vorresti sai sa hai ha è sei c'è ci dimmi dammi raccontami "
            "mostrami fammi spiegami suona ferma fermati comincia vai apri chiudi ripeti continua aiutami accendi "
            "spegni metti lascia"
        ),
        asking=phrases("a che, di chi, di cosa, a chi, con chi, da dove, di dove, in che, da quando, per quando"),
        requests=listed(
            "aggiungi compra comprami prenota prenotami annulla cerca cercami trova invia manda mandami scrivi leggi "
            "leggimi traduci ordina converti conta imposta ricordami svegliami chiama cancella"
        ),
        verbs=listed(
            "sono sei è siamo siete ho hai ha abbiamo avete hanno sto stai sta stiamo stanno vado vai va andiamo "
            "vanno voglio vuole vogliamo vorrei vorremmo penso credo so sa abito abita vivo vive lavoro lavora faccio "
            "fa facciamo fanno piace piacciono chiamo chiama serve servono costa costano c'è c'era sembra manca "
            "mancano vengo viene arrivo arriva preferisco ricordo uso cerco ero era avevo aveva"
        ),
        pronounless=True,
        modals=listed("posso puoi può possiamo potete possono devo devi deve dobbiamo dovete devono"),
        infinitives=phrases(
            "are, ere, ire, urre, orre, arre, arlo, erlo, irlo, arla, erla, irla, armi, ermi, irmi, arti, erti, irti, "
            "arsi, ersi, irsi"
        ),
        genitive=listed("di del della dei"),
        pronouns=listed("io tu lui lei noi voi loro questo quello ciò"),
        relatives=listed("che chi dove quando come perché se cosa quale quanto"),
        subordinate=listed("se perché poiché quando mentre siccome sebbene benché"),
        leads=listed("sophia sofia ciao ehi senti scusa sì si no ok okay allora beh"),
        whole=frozenset(phrases(
            "sì, si, no, certo, ok, okay, va bene, grazie, grazie mille, ciao, salve, buongiorno, buonasera, "
            "buonanotte, arrivederci, stop, ferma, fermati, aspetta, continua, ripeti, per favore, come stai, "
            "come va, che ore sono, sì grazie, no grazie, sì per favore, ciao sophia, ciao sofia, basta così, esatto, "
            "d'accordo, certo che sì, lascia stare, lascia perdere, basta, è tutto"
        )),
        backchannels=frozenset(phrases(
            "mhm, mm, mmm, hm, hmm, sì, si, sì sì, ok, okay, certo, va bene, ah, oh, ah sì, capisco, ho capito, "
            "capito, vedo, esatto, giusto, bene, benissimo, perfetto, davvero, già, ecco, d'accordo, è vero, infatti, "
            "ottimo, wow"
        )),
    ),
    clauses=Clauses(
        abbreviations=listed(
            "sig sigg sigra dott dottssa prof ecc es pag pagg art cap tel ca gen feb apr giu lug ott nov dic"
        ),
        conjunctions=listed("e ed o oppure ma però perché poiché quando mentre se dove sebbene affinché"),
        openers=listed("che con senza di da in su per tra fra a come dopo prima durante"),
    ),
    dictation=DICTATION,
    yes=phrases(
        "sì, si, certo, certo che sì, va bene, ok, okay, d'accordo, volentieri, per favore, sì per favore, sì grazie, "
        "fallo, lo faccia, procedi, vai, vai pure, fai pure, perfetto, esatto, giusto, certamente, sì fallo, "
        "benissimo"
    ),
    no=phrases(
        "no, no grazie, meglio di no, non ora, non adesso, non ancora, non farlo, non lo faccia, lascia stare, "
        "lascia perdere, ferma, fermati, aspetta, annulla, assolutamente no, non serve, stop"
    ),
    waiting={
        "look": (
            "Un momento, guardo subito.",
            "Fammi dare un'occhiata.",
            "Adesso controllo.",
        ),
        "work": (
            "Un momento, ci penso io.",
            "Lo faccio subito.",
            "Un attimo.",
        ),
        "reckon": (
            "Un momento, faccio il calcolo.",
            "Fammi fare il conto.",
            "Fammi pensare.",
        ),
        "ask": (
            "Un momento, chiedo.",
            "Adesso chiedo.",
            "Mi informo subito.",
        ),
    },
    still=("Ci sto ancora lavorando.", "Ci vuole ancora un momento.", "Sono ancora al lavoro."),
    shall="Devo eseguire {tool}?",
    shall_with="Devo eseguire {tool}, con {given}?",
    phrases={
        "reprompt": "Scusa, non ho capito. Puoi ripetere?",
        "away": "Scusa, in questo momento non ti sento.",
        "recorded": "Ti avviso che questa conversazione viene registrata.",
        "llm": "Scusa, in questo momento non riesco a pensare.",
        "tts": "Scusa, ho perso la voce per un momento.",
        "asr": "Scusa, non ti sento più.",
    },
    inviting=phrases("sì o no, dimmi, fammi sapere, dica, mi dica"),
    answer_in="Rispondi in italiano.",
    trial="Che ore sono?",
    signs={
        "×": "per", "÷": "diviso", "+": "più", "−": "meno", "±": "più o meno", "^": "alla", "²": "al quadrato",
        "³": "al cubo", "<": "meno di", ">": "più di", "≤": "al massimo", "≥": "almeno", "is <": "è minore di",
        "is >": "è maggiore di", "is ≤": "è al massimo", "is ≥": "è almeno", "=": "è uguale a", "≠": "non è uguale a",
        "≈": "circa", "is ≈": "è circa", "to": "a", "from": "da", "/": "fratto", "#": "numero", "§": "paragrafo",
        "‰": "per mille", "√": "la radice quadrata di", "∞": "infinito", "∑": "la somma di", "∏": "il prodotto di",
        "∫": "l'integrale di", "∂": "parziale", "∇": "nabla", "∆": "delta", "∈": "appartiene a",
        "∉": "non appartiene a", "∀": "per ogni", "∃": "esiste", "∪": "unione", "∩": "intersezione",
        "⊂": "è un sottoinsieme di", "∅": "l'insieme vuoto", "∝": "è proporzionale a", "∥": "è parallelo a",
        "⊥": "è perpendicolare a", "∠": "angolo", "∴": "quindi", "∧": "e", "∨": "o", "¬": "non", "by": "per",
        "given": "dato", "choose": "su", "and": "e", "½": "un mezzo", "⅓": "un terzo", "⅔": "due terzi",
        "¼": "un quarto", "¾": "tre quarti", "⅛": "un ottavo", "up": "più", "down": "meno", "yes": "sì", "no": "no",
        "m²": "metri quadrati", "km²": "chilometri quadrati", "cm²": "centimetri quadrati", "m³": "metri cubi",
        "km³": "chilometri cubi", "cm³": "centimetri cubi", "dot": "punto", "@": "chiocciola",
        "code": "Esempio di codice.",
    },
    grouping=".",
)  # fmt: skip
