"""French. Data only; :mod:`sophia.languages.table` says what each member is for."""

from __future__ import annotations

from sophia.languages.french_dictation import DICTATION
from sophia.languages.table import Clauses, Language, Words, listed, phrases

FRENCH = Language(
    code="fr",
    name="French",
    words=Words(
        trailing=listed(
            "et ou mais donc car que parce puisque quand lorsque si comme un une des du de au aux mon ma mes ton ta "
            "tes son sa ses notre nos votre vos leurs cet cette ces à dans sur sous pour par avec sans chez vers "
            "entre depuis pendant jusque jusqu'à très je j'ai c'était qu'il qu'elle qu'on qu'un qu'une d'un d'une "
            "l'on n'est n'ai s'il plutôt"
        ),
        stranded=listed(
            "c'est le la les en y leur ce est es suis sont était a as ai ont avons avez vais va vas veux veut peux "
            "peut dois doit tu il elle on nous vous ils elles"
        ),
        fillers=listed("euh heu hum hmm ben bah genre"),
        numbers=listed("cent cents mille million millions vingt trente quarante cinquante soixante virgule zéro"),
        openers=listed(
            "qui que quoi quel quelle quels quelles où quand comment pourquoi combien qu est peux peut pouvez "
            "pourrais pourriez pourrait veux voulez sais savez as avez es êtes connais connaissez dis dites donne "
            "donnez raconte racontez montre montrez joue arrête arrêtez va ouvre ferme répète répétez continue aide "
            "aidez allume éteins explique expliquez lance mets commence laisse y"
        ),
        asking=phrases(
            "à quelle, à quel, à qui, de quoi, de quel, de quelle, d'où, avec qui, pour qui, depuis quand, en quelle"
        ),
        requests=listed(
            "ajoute ajoutez achète achetez réserve réservez annule annulez cherche cherchez trouve trouvez envoie "
            "envoyez écris écrivez note notez traduis traduisez lis lisez commande commandez convertis compte "
            "programme rappelle appelle appelez réveille supprime prends"
        ),
        verbs=listed(
            "suis es est sommes êtes sont ai as a avons avez ont c'est c'était j'ai j'aime j'habite j'aimerais "
            "j'étais n'est n'ai n'a n'y j'avais vais vas va allons allez vont veux veut voulons voudrais voudrait "
            "habite habites habitons travaille travaillons pense penses crois sais sait aime aimes préfère fais fait "
            "faisons font faut était étais avait avais sera serai reste cherche trouve appelle coûte coûtent marche "
            "fonctionne semble manque viens vient arrive prends prend mets comprends connais oublié s'appelle "
            "m'appelle"
        ),
        modals=listed("peux peut pouvons pouvez peuvent dois doit devons devez doivent"),
        infinitives=phrases("er, ir, re, oir"),
        genitive=listed("de du des"),
        pronouns=listed("je tu il elle on nous vous ils elles ça cela"),
        relatives=listed("que qui où quand comment pourquoi comme si quoi dont combien"),
        subordinate=listed("si parce puisque quand lorsque comme quoique tandis"),
        leads=listed("sophia bonjour bonsoir salut oui non ok okay ouais eh hé bon alors"),
        whole=frozenset(phrases(
            "oui, non, si, d'accord, ok, okay, bien sûr, merci, merci beaucoup, bonjour, bonsoir, salut, au revoir, "
            "stop, arrête, arrêtez, attends, attendez, continue, continuez, répète, répétez, ça va, comment ça va, "
            "comment vas tu, comment allez vous, quelle heure est il, qui es tu, qui êtes vous, s'il te plaît, "
            "s'il vous plaît, oui merci, non merci, oui s'il te plaît, oui s'il vous plaît, bonjour sophia, "
            "salut sophia, tout à fait, c'est ça, c'est tout, c'est bon, laisse tomber, vas y, allez y, avec plaisir"
        )),
        backchannels=frozenset(phrases(
            "mhm, mm, mmm, hm, hmm, ouais, oui, oui oui, ok, okay, d'accord, ah, oh, ah bon, ah oui, ah ouais, bien, "
            "très bien, super, génial, exactement, voilà, je vois, je comprends, c'est vrai, tout à fait, vraiment, "
            "bien sûr, c'est ça, effectivement"
        )),
    ),
    clauses=Clauses(
        abbreviations=listed("mm mme mmes mlle dr pr env ex av bd vol éd fig etc tél janv févr juil sept oct nov déc"),
        conjunctions=listed("et ou mais car donc parce puisque quand lorsque tandis qui dont où"),
        openers=listed("que avec sans dans sur sous pour par chez vers entre depuis pendant avant après de en à comme"),
    ),
    dictation=DICTATION,
    yes=phrases(
        "oui, ouais, ok, okay, d'accord, bien sûr, volontiers, avec plaisir, s'il te plaît, s'il vous plaît, "
        "oui s'il te plaît, oui s'il vous plaît, oui merci, vas y, allez y, fais le, faites le, c'est bon, c'est ça, "
        "exactement, tout à fait, parfait, absolument, oui vas y"
    ),
    no=phrases(
        "non, non merci, pas maintenant, pas encore, surtout pas, plutôt pas, ne fais pas ça, ne le fais pas, "
        "ne faites pas ça, arrête, arrêtez, stop, annule, annulez, laisse tomber, attends, attendez, pas question, "
        "pas la peine"
    ),
    waiting={
        "look": (
            "Un instant, je regarde.",
            "Je regarde tout de suite.",
            "Laissez-moi vérifier.",
        ),
        "work": (
            "Un instant, je m'en occupe.",
            "Je le fais tout de suite.",
            "Une petite seconde.",
        ),
        "reckon": (
            "Un instant, je calcule.",
            "Laissez-moi calculer.",
            "Je réfléchis un instant.",
        ),
        "ask": (
            "Un instant, je me renseigne.",
            "Je pose la question.",
            "Je vais le savoir.",
        ),
    },
    still=("J'y suis encore.", "Cela prend un peu plus de temps.", "J'y travaille toujours."),
    shall="Dois-je lancer {tool} ?",
    shall_with="Dois-je lancer {tool}, avec {given} ?",
    phrases={
        "reprompt": "Désolée, je n'ai pas compris. Pouvez-vous répéter ?",
        "away": "Désolée, je ne vous entends pas en ce moment.",
        "recorded": "Pour information : cette conversation est enregistrée.",
        "llm": "Désolée, je n'arrive pas à réfléchir en ce moment.",
        "tts": "Désolée, j'ai perdu ma voix un instant.",
        "asr": "Désolée, je ne vous entends plus.",
    },
    inviting=phrases("oui ou non, dis moi, dites moi, fais moi savoir, faites moi savoir"),
    answer_in="Réponds en français.",
    trial="Quelle heure est-il ?",
    signs={
        "×": "fois", "÷": "divisé par", "+": "plus", "−": "moins", "±": "plus ou moins", "^": "puissance",
        "²": "au carré", "³": "au cube", "<": "moins de", ">": "plus de", "≤": "au plus", "≥": "au moins",
        "is <": "est inférieur à", "is >": "est supérieur à", "is ≤": "est au plus", "is ≥": "est au moins",
        "=": "égale", "≠": "n'est pas égal à", "≈": "environ", "is ≈": "est environ", "to": "à", "from": "de",
        "/": "sur", "#": "numéro", "§": "paragraphe", "‰": "pour mille", "√": "la racine carrée de", "∞": "l'infini",
        "∑": "la somme de", "∏": "le produit de", "∫": "l'intégrale de", "∂": "partielle", "∇": "nabla", "∆": "delta",
        "∈": "appartient à", "∉": "n'appartient pas à", "∀": "pour tout", "∃": "il existe", "∪": "union",
        "∩": "intersection", "⊂": "est inclus dans", "∅": "l'ensemble vide", "∝": "est proportionnel à",
        "∥": "est parallèle à", "⊥": "est perpendiculaire à", "∠": "angle", "∴": "donc", "∧": "et", "∨": "ou",
        "¬": "non", "by": "sur", "given": "sachant", "choose": "parmi", "and": "et", "½": "un demi", "⅓": "un tiers",
        "⅔": "deux tiers", "¼": "un quart", "¾": "trois quarts", "⅛": "un huitième", "up": "plus", "down": "moins",
        "yes": "oui", "no": "non", "m²": "mètres carrés", "km²": "kilomètres carrés", "cm²": "centimètres carrés",
        "m³": "mètres cubes", "km³": "kilomètres cubes", "cm³": "centimètres cubes", "dot": "point", "@": "arobase",
        "code": "Exemple de code.",
    },
)  # fmt: skip
