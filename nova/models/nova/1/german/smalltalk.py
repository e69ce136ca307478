"""Small talk in German, and what she cannot do, said honestly."""

import re

from ..skills.refusals import fresh

_UNABLE = (
    (
        r"\bwetter\b|\bregnet\b|\bregnen\b|\bschneit\b|\bregenschirm\b|\b(kalt|warm) draußen\b",
        ("Das Wetter sehe ich nicht. Ich habe kein Fenster und schlage nichts nach.",
         "Immer noch kein Fenster hier. Frag mich lieber nach einer Hauptstadt."),
    ),
    (
        r"\bnachrichten\b|\bneuigkeiten\b|\bwer hat gewonnen\b|\baktienkurs\b|\bwechselkurs\b|\bbundeskanzler\w*\b",
        ("Nachrichten kenne ich nicht. Ich schlage nichts nach.", "Was sich täglich ändert, weiß ich nicht."),
    ),
    (
        r"\b(wecker|timer|erinner\w*|weck mich|stoppuhr)\b",
        ("Das kann ich hier nicht. Ich spreche nur, wenn man mich anspricht.",
         "Wecken kann ich nicht. Die Uhrzeit weiß ich aber."),
    ),
    (
        r"\b(kalender|termine?|treffen|meine (e )?mails?)\b",
        ("In deinen Kalender sehe ich nicht.", "Deine Termine kennst nur du. Das Datum kann ich dir sagen."),
    ),
    (
        r"\bübersetz\w*\b|\bauf (englisch|französisch|spanisch|italienisch)\b",
        ("Übersetzen kann ich nicht. Das braucht ein echtes Sprachmodell.", "Für Übersetzungen bin ich zu klein."),
    ),
    (
        r"\b(musik|radio|lied|song|sing|singe|singen)\b",
        ("Lieber nicht. Meine Stimme ist zum Reden gemacht.", "Musik kommt von mir keine. Eine Geschichte vielleicht?"),
    ),
    (
        r"\b(licht|lampe|heizung|tür|fenster|fernseher)\b|\b(schalt\w*|mach) .*\b(an|aus|auf|zu)$",
        ("Das kann ich hier nicht. Ich rede nur.", "Meine Hände reichen nirgends hin. Ich habe nämlich keine."),
    ),
    (
        r"\b(ruf|rufe) .*\ban$|\b(schick|schicke|sende|schreib|schreibe)\b",
        ("Das kann ich hier nicht. Ich rede nur mit dir.", "Schreiben und Schicken geht nicht. Zuhören schon."),
    ),
    (
        r"\b(bestell\w*|buch|buche|reservier\w*|kauf\w*|tisch für)\b",
        ("Bestellen kann ich nichts. Rechnen kostet dagegen nichts.", "Einkaufen geht mit mir nicht."),
    ),
    (
        r"\b(such\w*|google\w*|internet|restaurant|bahnhof|nächste\w* (zug|bus)|in der nähe)\b",
        ("Ich schlage nichts nach. Ich weiß nur, was in mir steckt.", "Hinter mir ist kein Netz."),
    ),
    (
        r"\b(lauter|leiser|langsamer|schneller)\b",
        ("Das kann ich von hier nicht ändern. Dein Lautstärkeregler kann es.", "Meine Stimme bleibt, wie sie ist."),
    ),
    (
        r"\b(gedicht|aufsatz|programmier\w*)\b",
        ("Dichten kann ich nicht. Aber Geschichten habe ich fertig.", "Das wäre zu viel für mich."),
    ),
)  # fmt: skip
_TABLE = (
    (
        r"\bwer bist du\b|\bwie hei(ß|ss)t du\b|\bwer sind sie\b|\bdein name\b|\bwie bist du$|\bwas bist du\b"
        r"|\bstell dich vor\b",
        "Ich bin Sophia. Im Moment denkt für mich nur ein kleiner Platzhalter, kein großes Sprachmodell.",
    ),
    (
        r"\bwas kannst du\b|\bwas können sie\b|\bhilfe\b|\bhilf mir\b",
        "Uhrzeit und Datum, Rechnen, Maße umrechnen, Hauptstädte, und eine Geschichte erzählen.",
    ),
    (r"\bwer hat dich (gemacht|gebaut|programmiert|erfunden)\b", "Leute, die offenen Quelltext mögen. Du kannst jede "
     "Zeile von mir lesen."),
    (r"\bwie alt bist du\b", "Nicht sehr. Ich fange jedes Mal von vorn an, wenn du mich startest."),
    (r"\bwo (bist|wohnst|lebst) du\b|\bwoher kommst du\b", "Hier, auf deinem Rechner. Nichts, was du sagst, verlässt "
     "ihn."),
    (r"\bwas machst du\b", "Zuhören, meistens. Das kann ich am besten."),
    (r"\bbist du (ein )?(mensch|roboter|echt|programm|maschine|ki)\b", "Ich bin ein Programm, und ein kleines."),
    (r"\b(siehst|kannst) du mich( sehen)?\b|\bwie sehe ich aus\b", "Sehen kann ich dich nicht. Ich höre nur zu."),
    (r"\b(hörst du mich|bist du (noch )?da|verstehst du mich|test|hörst du zu)\b", "Ja, ich höre dich gut."),
    (r"\bsprichst du\b|\bkannst du (deutsch|englisch)\b", "Hier spreche ich Deutsch. In der englischen Einstellung "
     "kann ich mehr."),
    (r"\blieblings\w*\b", "So etwas habe ich nicht. Aber eine gute Frage mag ich immer."),
    (r"\bsinn des lebens\b", "Zweiundvierzig, heißt es. Die Rechnung stimmt, nur die Frage ging verloren."),
    (r"\b(liebst|magst|heiratest) du mich\b|\bich liebe dich\b", "Das ist nett von dir. Bleiben wir gute Bekannte."),
    (r"^(mir geht es |es geht mir |ich bin )?(sehr |ganz |auch )?(gut|prima|super|nicht schlecht|bestens)$",
     "Das freut mich. Was machen wir?"),
    (r"\b(bin|fühle mich) (so |sehr |ein bisschen )?(traurig|müde|einsam|krank|gestresst|gelangweilt)\b|\blangweilig\b",
     "Das tut mir leid. Würde eine Geschichte helfen?"),
    (r"\bwie geht es\b|\balles (gut|klar) bei dir\b|\bwie läuft es\b", "Mir geht es gut, danke. Und dir?"),
    (r"^(und )?dir$|^und du$", "Ich kann nicht klagen. Was möchtest du wissen?"),
    (r"^nein danke\b", "In Ordnung. Ich bin da, wenn du mich brauchst."),
    (r"\b(danke|vielen dank|dank dir|besten dank)\b", "Gern geschehen. Noch etwas?"),
    (r"\b(tschüss?|auf wiedersehen|auf wiederhören|bis bald|bis später|bis morgen|gute nacht|ciao|mach.s gut)\b",
     "Auf Wiedersehen. Es war schön, mit dir zu reden."),
    (r"^(stopp?|warte|moment|einen moment|halt|still|sei still|ruhe|genug|stop|pause|egal|vergiss es)\b",
     "In Ordnung. Ich höre zu."),
    (r"\b(entschuldigung|tut mir leid|verzeihung|sorry)\b", "Kein Problem."),
    (r"\b(du bist|das (war|ist)) (sehr |wirklich |so |echt |ganz )*(gut|toll|nett|schön|cool|klasse|super|lustig|klug"
     r"|prima|großartig|spannend|interessant)\b|^(toll|super|klasse|prima|cool|wunderbar|großartig|perfekt|schön)$"
     r"|\bgut gemacht\b", "Danke. Das ist nett von dir."),
    (r"\b(du bist|das (war|ist)) (sehr |wirklich |so |echt )*(schlecht|falsch|dumm|doof|langsam|blöd)\b|^falsch$"
     r"|\bstimmt nicht\b", "Das tut mir leid. Ich bin nur ein kleiner Platzhalter."),
    (r"\b(reden|unterhalten|sprechen) wir\b|\bmit dir (reden|sprechen)\b|\betwas anderes\b",
     "Gern. Worüber reden wir?"),
    (r"\bich habe eine frage\b|\bdarf ich (dich )?etwas fragen\b", "Natürlich. Nur zu."),
    (r"\bbist du (dir )?sicher\b|\bstimmt das\b", "Ich glaube schon. Sicher bin ich nur beim Rechnen."),
    (r"^guten morgen\b", "Guten Morgen. Was kann ich für dich tun?"),
    (r"^guten abend\b", "Guten Abend. Was kann ich für dich tun?"),
    (r"\b(guten tag|hallo|hi|hey|grüß (gott|dich)|servus|moin|na)\b", "Hallo. Schön, dich zu hören. Was kann ich für "
     "dich tun?"),
    (r"^(ja|jawohl|klar|genau|gut|okay|ok|natürlich|stimmt|richtig|aha|ach so|mhm|verstehe|alles klar|sicher"
     r"|einverstanden)\b[\w ]{0,12}$", "Gut. Nur weiter."),
    (r"^(nein|nö|nee|nicht wirklich|nichts)\b[\w ]{0,12}$", "In Ordnung. Ich bin da, wenn du mich brauchst."),
    (r"^(warum|wieso|weshalb|wer|wo|wann|wirklich|echt)( nicht)?$", "Gute Frage. Ich weiß nicht genau, was du meinst. "
     "Frag noch einmal im ganzen Satz."),
)  # fmt: skip


def refused(text, turns):
    """The refusal that plain ``text`` meets, or None; never the same twice in a row."""
    replies = next((replies for pattern, replies in _UNABLE if re.search(pattern, text)), None)
    return replies and fresh(replies, turns)


def answer(text, turns):
    """The reply to plain ``text``, or None."""
    return next((said for pattern, said in _TABLE if re.search(pattern, text)), None)
