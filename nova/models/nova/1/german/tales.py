"""German stories that leave time to interrupt, and a few jokes. Told in turn, never at random."""

import re

from ..skills.stories import in_turn

STORIES = (
    "Gern. Es war einmal ein Leuchtturm auf einem Felsen, so klein, dass nur ein Mensch darauf wohnen konnte. Sie hieß "
    "Mara, und jeden Abend stieg sie zweiundneunzig Stufen hinauf und zündete die Lampe an. In einem Herbst kam der "
    "Nebel und wollte nicht mehr gehen. Drei Tage lang nützte die Lampe nichts, denn niemand konnte sie sehen. In der "
    "dritten Nacht hörte Mara eine Schiffsglocke, leise und viel zu nah. Sie lief hinunter, nahm den größten Topf aus "
    "der Küche und schlug mit einem Löffel darauf. Eins, zwei, Pause. Eins, zwei, Pause. Die Glocke antwortete. Also "
    "machte sie weiter, die ganze Nacht, bis ihre Arme schwer wie Blei waren. Am Morgen hob sich der Nebel, und da lag "
    "ein Fischerboot sicher hinter dem Felsen. Sieben Matrosen schliefen an Deck. Sie waren nach dem Klang der Suppe "
    "gesteuert. Seitdem hängt neben der Lampe ein Topf, und jeden Sonntag wird er poliert.",
    "Gut, hör zu. Ein Uhrmacher hatte seiner Stadt die genaueste Uhr der Welt versprochen. Elf Jahre arbeitete er "
    "daran. Als sie fertig war, kam die ganze Stadt, um sie zu sehen. Nie schlug sie eine Sekunde zu früh oder zu "
    "spät. Doch bald wurden die Leute unglücklich. Der Bäcker merkte, dass sein Brot immer vier Minuten zu spät kam. "
    "Die Lehrerin merkte, dass ihre Stunden zu lang waren. Eines Nachts stieg der Uhrmacher auf den Turm und drehte "
    "eine kleine Schraube um ein Haar nach links. Von da an ging die Uhr falsch, aber freundlich falsch. Sie wartete "
    "auf den Bäcker. Sie beeilte sich für die Kinder am letzten Schultag. Und wenn zwei alte Freunde auf der Bank "
    "saßen, vergaß sie eine Weile zu schlagen.",
    "Also gut. Ein junger Fuchs fand im Wald einen Spiegel. Er hatte noch nie einen gesehen und hielt ihn für einen "
    "sehr stillen Nachbarn. Guten Morgen, sagte der Fuchs. Der Nachbar bewegte die Lippen und sagte nichts. Wie gut er "
    "zuhört, dachte der Fuchs, und erzählte ihm alles. Vom kalten Winter, und von der Eule, die über ihn lachte. Jeden "
    "Tag kam er wieder, und jeden Tag wusste er ein wenig besser, was zu tun war. Im Frühling kam ein Dachs vorbei. "
    "Das bist nur du selbst, sagte er. Der Fuchs sah lange hinein und lächelte. Ich weiß, sagte er. Aber er gibt "
    "ausgezeichneten Rat.",
)
JOKES = (
    "Hier ist einer. Ich habe meinem Computer gesagt, dass ich eine Pause brauche. Er sagte, kein Problem, und ging "
    "schlafen.",
    "Mal überlegen. Ein Lautsprecher und ein Mikrofon treffen sich auf einer Feier. Erst lief es gut, dann gab es zu "
    "viel Rückkopplung.",
    "Na gut. Früher hatte ich Angst vor Pausen. Heute warte ich einfach dreihundert Millisekunden.",
    "Noch einer. Es gibt zehn Arten von Menschen. Die einen verstehen Binärzahlen, die anderen nicht.",
)
_STORY = re.compile(r"\b(geschichten?|märchen)\b|^erzähl (mir )?(et)?was$")
_JOKE = re.compile(r"\b(witze?|etwas lustiges|bring mich zum lachen)\b")
_ANOTHER = re.compile(r"\b(noch eine[nr]?|eine andere|einen anderen|die nächste|den nächsten)\b")


def answer(text, turns):
    """The story or joke that plain ``text`` asks for, or None."""
    hers = turns.said_by("assistant")
    if _STORY.search(text) and not re.search(r"\bwas ist\b|\bschreib\b", text):
        return in_turn(STORIES, hers)
    if _JOKE.search(text) and "was ist" not in text:
        return in_turn(JOKES, hers)
    if hers and _ANOTHER.search(text) and len(text.split()) <= 5:
        kinds = (kind for kind in (STORIES, JOKES) if any(hers[-1].startswith(tale[:24]) for tale in kind))
        return next((in_turn(kind, hers) for kind in kinds), None)
    return None
