"""What sounds finished, what does not, and where a reply is cut, by examples of each language's table."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from plain_sentences import PLAIN

from sophia.clauses import ClauseSplitter
from sophia.completeness import WordTurnModel, is_backchannel
from sophia.languages import LANGUAGES


@dataclass(frozen=True)
class Examples:
    """Utterances by how they sound, backchannels and what is none, and a reply with its clauses parted by ``|``.

    ``dictated`` are those in which something is being dictated and not whole, ``given`` those in which it is.
    """

    complete: tuple[str, ...]
    unfinished: tuple[str, ...]
    opened: tuple[str, ...]
    listening: tuple[str, ...]
    words: tuple[str, ...]
    replies: tuple[str, ...]
    dictated: tuple[str, ...] = ()
    given: tuple[str, ...] = ()


EXAMPLES = {
    "en": Examples(
        complete=("What time is it?", "where is my order", "I live in Berlin.", "yes please"),
        unfinished=("I would like to", "what is the", "the red one and", "I think um"),
        opened=("the blue box", "what are you waiting for"),
        listening=("mhm", "okay okay", "I see."),
        words=("stop that", "no wait a moment please"),
        replies=("Hello! |I am Sophia, |and I help you.", "Mr. Smith lives on the third floor. |He is in now."),
        dictated=(
            "my phone number is",
            "my number is 0 1 7",
            "set a timer for",
            "my name is Meier spelled M E",
            "wake me at half past",
        ),
        given=(
            "my PIN is 1234",
            "wake me at 7:30",
        ),
    ),
    "de": Examples(
        complete=("Wie spät ist es?", "wo ist mein Paket", "Ich wohne in Berlin.", "ja bitte"),
        unfinished=("ich möchte gerne und", "wo ist mein", "das rote oder", "das war ähm"),
        opened=("das blaue Paket", "ich möchte einen Tisch"),
        listening=("mhm", "ach so", "ja genau."),
        words=("hör auf", "nein warte mal bitte"),
        replies=(
            "Guten Tag! |Ich bin Sophia, |und ich helfe.",
            "Am 3. Mai kommt Dr. Schmidt. |Er bleibt bis zum 5. Mai.",
        ),
        dictated=(
            "meine Telefonnummer ist",
            "meine Nummer ist 0 1 7",
            "stell einen Timer auf",
            "Meier geschrieben M E",
        ),
        given=(
            "meine PIN ist 1234",
            "weck mich um 7:30",
        ),
    ),
    "es": Examples(
        complete=(
            "¿Qué hora es en Berlín?", "¿Dónde está mi pedido?", "¿Por qué llueve tanto?", "Vivo en Madrid desde mayo.",
            "sí, por favor", "dime una historia", "puedo venir a comer",
        ),
        unfinished=("quiero el rojo y", "¿dónde está mi", "la capital de", "creo que eh", "necesito una mesa para"),
        opened=("la caja azul", "puedes", "si llueve mañana temprano"),
        listening=("ajá", "sí, sí", "ya veo", "De acuerdo."),
        words=("no, espera un momento", "para eso"),
        replies=(
            "¡Hola! |Soy Sofía, y estoy aquí para ayudarte.", "El Sr. Pérez vive en la Av. Central. |Llegará mañana.",
            "¿Qué quieres saber? |Dímelo.",
        ),
        dictated=(
            "mi teléfono es",
            "mi teléfono es 612 34",
            "mi número de teléfono es seis uno dos",
            "pon un temporizador para",
            "me llamo",
            "se escribe M E",
            "mi correo es ana arroba",
        ),
        given=(
            "mi pin es 1234",
            "mi teléfono es 612 345 678",
            "pon una alarma para las 7:30",
            "despiértame a las siete",
        ),
    ),
    "fr": Examples(
        complete=(
            "Quelle heure est-il à Berlin ?", "Où est ma commande ?", "Est-ce que tu peux m'aider ?",
            "J'habite à Paris.", "oui, s'il vous plaît", "raconte-moi une histoire",
            "À quelle heure ferme le musée ?", "je peux venir manger", "dis-moi où il est",
        ),
        unfinished=("je voudrais le rouge et", "où est ma", "la capitale de", "je crois que euh", "une table pour"),
        opened=("la boîte bleue", "s'il pleut demain matin", "est-ce que tu"),
        listening=("mhm", "ah oui", "d'accord.", "je vois"),
        words=("non attends un peu", "arrête ça"),
        replies=(
            "Bonjour ! |Je suis Sophia, |et je suis là pour vous aider.",
            "M. Dupont habite au no 5. |Il arrive demain.",
            "Mme Martin et le Dr. Petit viennent. |Ils restent.",
        ),
        dictated=(
            "mon numéro de téléphone est",
            "mon portable c'est 06 12",
            "mets un minuteur de",
            "je m'appelle",
            "ça s'écrit M E",
            "mon mail c'est anne arobase",
        ),
        given=(
            "mon code pin est 1234",
            "mon portable est 06 12 34 56 78",
            "mets un réveil à 7:30",
        ),
    ),
    "it": Examples(
        complete=(
            "Che ore sono a Berlino?", "Dov'è il mio ordine?", "Abito a Roma da maggio.", "sì, grazie",
            "raccontami una storia", "A che ora chiude il museo?", "posso venire a mangiare", "C'è un treno stasera?",
        ),
        unfinished=("vorrei quello rosso e", "dov'è il", "la capitale della", "penso che ehm", "un tavolo per"),
        opened=("la scatola blu", "se piove domani mattina", "puoi"),
        listening=("mhm", "sì sì", "ho capito", "va bene."),
        words=("no aspetta un momento", "basta così adesso per favore"),
        replies=(
            "Ciao! |Sono Sofia, e sono qui per aiutarti.", "Il sig. Rossi abita qui. |Arriva domani.",
            "Che cosa vuoi sapere? |Dimmi.",
        ),
        dictated=(
            "il mio telefono è",
            "il mio numero di telefono è 3 4 7",
            "metti un timer di",
            "mi chiamo",
            "si scrive M E",
            "la mia mail è anna chiocciola",
        ),
        given=(
            "il mio pin è 1234",
            "il mio telefono è 347 123 4567",
            "metti una sveglia per le 7:30",
            "svegliami alle sette",
        ),
    ),
}  # fmt: skip

every_language = pytest.mark.parametrize("code", sorted(LANGUAGES))


@every_language
def test_how_examples_of_a_language_sound(code: str) -> None:
    judge, examples = WordTurnModel().judge, EXAMPLES[code]
    wrong = [
        (said, judgement.sounds, judgement.reason)
        for sounds, many in (
            ("complete", examples.complete),
            ("unfinished", examples.unfinished),
            ("open", examples.opened),
        )
        for said in many
        if (judgement := judge(said, code)).sounds != sounds
    ]
    assert not wrong


@every_language
def test_how_dictations_in_a_language_sound(code: str) -> None:
    judge, examples = WordTurnModel().judge, EXAMPLES[code]
    both = (("unfinished", examples.dictated), ("complete", examples.given))
    wrong = [
        (said, judgement.sounds, judgement.reason)
        for sounds, many in both
        for said in many
        if (judgement := judge(said, code)).sounds != sounds
    ]
    assert not wrong


@pytest.mark.parametrize("code", sorted(PLAIN))
def test_nobody_waits_long_after_an_ordinary_sentence(code: str) -> None:
    sounds = [WordTurnModel().judge(said, code).sounds for said in PLAIN[code].strip().splitlines()]
    assert sounds.count("unfinished") == 0
    assert sounds.count("complete") > 0.7 * len(sounds)


@every_language
def test_what_says_no_more_than_that_the_user_listens(code: str) -> None:
    examples = EXAMPLES[code]
    assert [said for said in examples.listening if not is_backchannel(said, code)] == []
    assert [said for said in examples.words if is_backchannel(said, code)] == []


@every_language
def test_where_a_reply_is_cut(code: str) -> None:
    for reply in EXAMPLES[code].replies:
        splitter, text = ClauseSplitter(code), reply.replace("|", "")
        clauses = [clause for character in text for clause in splitter.feed(character)]
        assert [*clauses, *splitter.flush()] == [clause.strip() for clause in reply.split("|")]
