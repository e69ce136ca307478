"""She follows the user into another language between two turns: voice, phrases, clauses, and what the model is told."""

from table import Table

from nova.mind import Message
from pipelines.simulation.exact import Says, SimulatedVoice
from sophia.decisions import Switch
from sophia.events import SayRequested
from sophia.languages import language
from sophia.turn_settings import TurnSettings

BOTH = TurnSettings(languages=("de-DE", "ja-JP"))
ENGLISH, GERMAN = Says(1.0, "where is my order"), Says(15.0, "wo ist meine Bestellung", language="de-DE")


class Named(SimulatedVoice):
    """A voice that remembers what it said."""

    def __init__(self, delays):
        super().__init__(delays)
        self.said = []

    async def speak(self, clauses):
        async def heard():
            async for clause in clauses:
                self.said.append(clause)
                yield clause

        async for chunk in super().speak(heard()):
            yield chunk


def talk(script, tokens=("Sehr gern, ", "am 3. Mai ", "kommt es."), seconds=40, **given):
    voices = {}

    def voice(tag):
        return lambda delays: voices.setdefault(tag, Named(delays))

    table = Table(
        list(script), seconds, tokens=list(tokens), settings=BOTH, make_voice=voice("en-US"),
        others={tag: voice(tag) for tag in ("de-DE", "ja-JP")}, **given,
    )  # fmt: skip
    notes = table.talk()
    return table, notes, {tag: made.said for tag, made in voices.items()}


def system(messages: list[Message]) -> str:
    return messages[0].content


def test_voice_clauses_and_the_word_to_the_model_are_of_the_language_of_the_turn():
    table, notes, said = talk([ENGLISH, GERMAN])
    assert [turn.user for turn in notes.turns] == ["where is my order", "wo ist meine Bestellung"]
    assert said["en-US"] == ["Sehr gern, am 3.", "Mai kommt es."]  # in English "3." ends a sentence
    assert said["de-DE"] == ["Sehr gern, am 3. Mai kommt es."]
    assert [system(call).rpartition("\n")[2] for call in table.mind.calls] == [
        "Answer in English.", "Antworte auf Deutsch."
    ]  # fmt: skip
    assert [d.language for d in notes.decisions if isinstance(d, Switch)] == ["de-DE"]


def test_a_canned_phrase_is_said_in_the_language_of_the_conversation():
    _, notes, _ = talk([GERMAN, Says(30.0, "", seconds=1.0)], seconds=50)
    assert notes.turns[-1].heard == language("de").phrases["reprompt"]
    _, notes, _ = talk([ENGLISH, Says(30.0, "", seconds=1.0)], seconds=50)
    assert notes.turns[-1].heard == language("en").phrases["reprompt"]


def test_in_a_language_without_words_she_is_silent_and_the_talk_goes_on():
    japanese = Says(1.0, "荷物はどこにありますか", language="ja-JP")
    again = Says(35.0, "荷物は来ましたか", language="ja-JP")
    table, notes, said = talk([japanese, Says(20.0, "", seconds=1.0), again], seconds=60)
    assert [turn.user for turn in notes.turns] == [japanese.text, "", again.text]
    assert notes.turns[1].heard == ""  # she knows no words to ask again with
    assert len(said["ja-JP"]) > 2
    assert said.get("en-US", []) == []
    assert notes.sounding(20.0, 34.0) == 0.0
    assert "the tag ja-JP" in system(table.mind.calls[0])


def test_what_she_is_asked_to_say_has_the_voice_of_its_language():
    text = "Ihre Bestellung ist da, bitte kommen Sie."
    events = [(20.0, lambda at: SayRequested(at=at, text=text)), (30.0, lambda at: SayRequested(at=at, text="Ping."))]
    _, _, said = talk([ENGLISH], seconds=40, events=events)
    assert "".join(said["de-DE"]).replace(",", ", ") == text
    assert said["en-US"][-1] == "Ping."


def test_who_has_one_language_is_told_nothing_of_it():
    table = Table([ENGLISH], 20)
    table.talk()
    assert "Answer in" not in system(table.mind.calls[0])
