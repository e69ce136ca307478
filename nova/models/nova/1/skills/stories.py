"""The long and the light: stories that leave time to interrupt, and a few jokes. Told in turn, never at random."""

import re

STORIES = (
    "Gladly. Once there was a lighthouse on a rock so small that only one person could live there. Her name was "
    "Mara, and every "
    "evening she climbed ninety-two steps to light the lamp. One autumn the fog came in and would not leave. For "
    "three "
    "days the lamp was no use at all, because nobody could see it. On the third night Mara heard a ship's bell, faint "
    "and far too close. She ran down, took the biggest pot from the kitchen, and began to beat it with a spoon. One, "
    "two, "
    "pause. One, two, pause. The bell answered. So she kept on, all night, until her arms were like lead. In the "
    "morning "
    "the fog lifted, and there lay a fishing boat, safe behind the rock, with seven sailors asleep on deck. They had "
    "steered by the sound of soup. Since then a pot has hung beside the lamp, polished every Sunday. And if you "
    "visit on "
    "a foggy day, you may still hear it. One, two, pause.",
    "All right. There was once a clockmaker who had promised his town the most exact clock in the world. He worked "
    "for eleven years. "
    "When it was done, the whole town came to see it. It was so exact that it never rang a second too soon or too "
    "late. "
    "But soon people grew unhappy. The baker found that his bread was always four minutes late. The teacher learned "
    "that "
    "her lessons were too long. Even the dog seemed ashamed of its dinner time. One night the clockmaker climbed the "
    "tower with a small brass screw. He turned it by a hair, to the left. From then on the clock was wrong, but "
    "kindly "
    "wrong. It waited for the baker. It hurried for the children on the last day of school. And when two old friends "
    "sat talking on the bench below, it forgot for a while to strike at all. Nobody ever complained about the clock "
    "again, and visitors still set their watches by it. Then they wonder why they have so much time.",
    "Listen, then. A young fox once found a mirror in the woods. She had never seen one, so she thought it was a "
    "very quiet neighbour. "
    "Good morning, said the fox. The neighbour moved her lips but said nothing. What a good listener, thought the "
    "fox, and "
    "told her everything. About the cold winter, and the owl that laughed at her, and how she could not catch a "
    "single "
    "hare. Each day she came back, and each day she found that she knew a little better what to do. In spring a "
    "badger "
    "came by and laughed. That is only you in there, he said. The fox looked for a long time. Then she smiled, and "
    "the "
    "neighbour smiled too. I know, said the fox. But she gives excellent advice. After that the badger came every "
    "evening "
    "when he thought nobody was watching. He would sit before the mirror, clear his throat, and begin. Good evening, "
    "he "
    "said. I have had rather a difficult day.",
)

JOKES = (
    "Here's one. I told my computer that I needed a break. It said no problem, and went to sleep.",
    "Let me think. Why do programmers mix up Halloween and Christmas? Because October thirty-one equals December "
    "twenty-five. It's an old one, and it only works in octal.",
    "All right. A loudspeaker and a microphone met at a party. It went well at first, but then there was too much "
    "feedback.",
    "Try this. I used to be afraid of pauses. Now I just wait three hundred milliseconds.",
    "One more. Why did the scarecrow get a prize? It was outstanding in its field.",
    "A short one. I would tell you a joke about packets, but you might not get it.",
    "Well. There are ten kinds of people. Those who understand binary numbers, and those who do not.",
    "How about this. A skeleton walks into a bar. A glass of water, please, and a mop.",
)

_STORY = re.compile(r"\b(story|stories|fairy tale|tale|geschichte|märchen)\b")
_JOKE = re.compile(r"\b(jokes?|witz|something funny|make me laugh|pun)\b")
_ANOTHER = re.compile(r"\b(another|one more|again|next)\b")


def answer(text, turns):
    """The story or joke that plain ``text`` asks for, or None."""
    hers = turns.said_by("assistant")
    if _STORY.search(text) and not re.search(r"\b(your story|what is a|write|define)\b", text):
        return in_turn(STORIES, hers)
    if _JOKE.search(text) and not re.search(r"\bwhat is a\b", text):
        return in_turn(JOKES, hers)
    if hers and _ANOTHER.search(text) and len(text.split()) <= 5 and not text.endswith("again"):
        for kind in (STORIES, JOKES):
            if any(hers[-1].startswith(tale[:24]) for tale in kind):
                return in_turn(kind, hers)
    return None


def in_turn(choices, told):
    """The first of ``choices`` that has not been told yet, judged by how it begins; then from the start again."""
    for choice in choices:
        if not any(reply.startswith(choice[:24]) for reply in told):
            return choice
    beginnings = [choice[:24] for choice in choices]
    latest = next((at for said in reversed(told) for at, start in enumerate(beginnings) if said.startswith(start)), -1)
    return choices[(latest + 1) % len(choices)]
