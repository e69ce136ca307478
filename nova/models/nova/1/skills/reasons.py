"""Why, how and when: what newcomers and children ask, in two short sentences each. Common knowledge, own words."""

import re

_TABLE = (
    (r"\bbirds?\b.*\bsouth\b", "For food and for warmth. They find the way by sun, stars and the earth's magnetism."),
    (r"\bfirst president of (the united states|america)\b", "George Washington. From 1789 on."),
    (r"\b(discovered|found) penicillin\b", "Alexander Fleming, in 1928. He had left a dish uncovered."),
    (r"\blegs (does|has|do|have) (a |an )?spiders?\b", "Eight. That's how you tell them from insects, which have six."),
    (r"\bpandas eat\b", "Bamboo, nearly all day long. It's not very filling."),
    (r"\bcolou?r is the sky\b", "Blue by day. I take your word for today."),
    (r"\bh (two|2) o\b|\bh2o\b", "Water. Two parts of hydrogen, one of oxygen."),
    (r"\b(long|time)\b.*\b(get|fly|travel|go) to mars\b", "About seven months, when the planets stand well."),
    (r"\binvented pizza\b", "Somebody in Naples, long ago. Nobody wrote down who."),
    (r"\bis there (a )?god\b", "That's for you to say. I'm only a program."),
    (r"\bwhen we die\b|\bafter death\b", "Nobody has come back to tell. People have hoped many things."),
    (r"\bwhy are we here\b", "To have this conversation, perhaps. Wiser people have no better answer."),
    (r"\bhow can i be happy\b", "Sleep, walk, and see somebody you like. It helps more than it sounds."),
    (r"\bteaspoons?\b.*\btablespoon\b", "Three."),
    (r"\beiffel tower\b", "330 meters, with its antennas. It was built for the fair of 1889."),
    (r"\bstatue of liberty\b", "93 meters with its pedestal. It came from France in 1886."),
    (r"\bgreat wall( of china)?\b", "About 21000 kilometers, all branches together. You can't see it from the moon."),
    (r"\bweigh\b.*\belephant\b|\belephant weigh\b|\bheavy is an elephant\b", "Up to six tons. As much as four cars."),
    (r"\bbody temperature\b", "About 37 degrees Celsius. A little less in the morning."),
    (r"\bheart beats?\b|\bheartbeats\b", "About 100000 times a day. It never takes a break."),
    (r"\bbrain weigh\b|\bheavy is (the|a) brain\b", "About one and a half kilograms. And a fifth of your energy."),
    (r"\btomato(es)? (are )?(a )?(fruit|vegetable)\b", "A fruit, by botany. A vegetable, by the cook."),
    (r"\b(make|brew) (a )?(cup of )?coffee\b", "Sixty grams to a liter, water just off the boil. Wait four minutes."),
    (r"\b(best|favou?rite) programming language\b", "The one you finish things in. I'm written in Python."),
    (r"\blearn (to )?(program|code)\b", "With something small that you want to have. Python is a good start."),
    (r"\brichest\b|\bmost famous\b", "That changes too fast for me. I only know what stays."),
    (r"\b(when|time) is (the )?(sunset|sunrise)\b", "I don't know where you are. So I can't tell the sun's hours."),
    (r"\bwater (is )?wet\b", "Water clings to you. It likes most things better than itself."),
    (r"\bwater made (of|from)\b", "Hydrogen and oxygen. Two parts to one."),
    (r"\bfish breathe\b", "With gills. They take oxygen out of the water that flows through."),
    (r"\bhow (do|can) i lose weight\b", "Less in, more out. A doctor knows it better than I do."),
    (r"\bsky (is )?blue\b", "Because of the air. It scatters blue light more than red."),
    (
        r"\b(sunset|sunrise|sky)s? (is |are )?(red|orange)\b",
        "Because its light comes a long way through the air. The blue is lost on the way.",
    ),
    (
        r"\bgrass (is )?green\b|\bleaves (are )?green\b",
        "Because of chlorophyll. It keeps red and blue light, and leaves the green.",
    ),
    (
        r"\bleaves (turn|change|fall|get)\b|\btrees lose\b",
        "Because winter is dry and dark. The tree takes the green back, and drops what it can't feed.",
    ),
    (
        r"\b(sea|ocean) (is )?(salty|salt)\b",
        "Because rivers bring salt from the rocks. Water leaves again as vapor, and the salt stays.",
    ),
    (r"\b(sea|ocean|water) (is )?blue\b", "Because water swallows red light. What comes back is blue."),
    (
        r"\b(do )?we (need to |have to )?sleep\b",
        "Nobody knows all of it. Sleep sorts memories, and lets the brain clean itself.",
    ),
    (
        r"\b(do )?we (yawn|yawning)\b|\byawning\b",
        "Nobody is quite sure. It may wake or cool the brain, and it's catching.",
    ),
    (r"\b(do )?we dream\b", "Nobody is sure. Dreams may help to sort memories and feelings."),
    (r"\bcats? purr\b", "Mostly because it's content. But it also purrs to calm itself."),
    (r"\bdogs? (wag|bark)\b", "To talk. Wagging and barking tell others how a dog feels."),
    (
        r"\b(does )?(it rains?|rain (fall|form))\b|\bwhy is it raining\b|\bmakes rain\b",
        "Because clouds get heavy. Their droplets join until the air can't carry them.",
    ),
    (
        r"\b(rainbows?)\b.*\b(form|made|appear|work|come|happen)\b|\bmakes a rainbow\b|\bwhat is a rainbow\b",
        "Sunlight enters raindrops and bends. Each color bends by another angle, so they part.",
    ),
    (r"\bthunder\b", "Lightning heats the air in an instant. It bursts outwards, and that's the bang."),
    (
        r"\b(what is|causes|how does) lightning\b",
        "A giant spark. Charges part inside a cloud, until the air gives way.",
    ),
    (
        r"\bice floats?\b|\bdoes ice float\b",
        "Because ice takes more room than water. So it's lighter than what it pushes aside.",
    ),
    (r"\b(seasons)\b", "Because the earth's axis is tilted. For half a year we lean towards the sun, then away."),
    (r"\b(tides?|high tide)\b", "The moon pulls the sea. Its pull is stronger on the near side, so the water bulges."),
    (r"\bstars? (twinkle|shine)\b", "Stars burn hydrogen and shine. The moving air makes them twinkle."),
    (
        r"\b(planes?|airplanes?|aircraft) (fly|flies|stay)\b",
        "The wings push air down, and the air pushes the wings up. The engines keep it going.",
    ),
    (r"\b(birds?) fly\b", "With wings that push air down. Hollow bones keep them light."),
    (r"\bships? float\b|\bboats? float\b", "It pushes water aside. As long as that water weighs more, it floats."),
    (r"\bmagnets? (work|stick)\b", "Inside, countless tiny magnets point the same way. Together they pull."),
    (r"\b(computers?) work\b", "With switches, billions of them. They're on or off, and that's enough to calculate."),
    (
        r"\b(speech recognition) work\b|\bunderstand (speech|what i say)\b",
        "It turns sound into a picture of pitches. A network has learned which words look like that.",
    ),
    (
        r"\b(language models?|chat ?gpt|gpt) works?\b",
        "It guesses the next word, again and again. It has learned from very much text what usually follows.",
    ),
    (
        r"\b(internet|web) works?\b",
        "Your words are cut into packets. Each finds its own way, and they're put together at the other end.",
    ),
    (r"\b(gps) works?\b", "Satellites send the time. From how late each one arrives, your phone reckons where it is."),
    (
        r"\b(batter(y|ies)) works?\b",
        "Two materials trade particles through a liquid. The electrons have to take the long way, and work for you.",
    ),
    (r"\b(vaccines?) works?\b", "It shows your body a harmless piece of a germ. So it's prepared for the real one."),
    (r"\b(microwaves?) (work|heat)\b", "Its waves shake the water in your food. Shaking is heat."),
    (r"\bspeed of light\b|\bfast is light\b", "Very fast. About 300000 kilometers in a second."),
    (r"\bspeed of sound\b|\bfast is sound\b", "In air, about 343 meters in a second."),
    (
        r"\bold is the (universe|world|earth)\b",
        "The universe, nearly 14 billion years. The earth, some four and a half.",
    ),
    (
        r"\bhighest mountain\b|\btallest mountain\b|\b(tall|high) is (the )?mount everest\b",
        "Mount Everest. 8849 meters.",
    ),
    (r"\blongest river\b", "The Nile, most say. A little over 6600 kilometers."),
    (r"\b(largest|biggest) ocean\b|\bdeepest ocean\b", "The Pacific. It's larger than all land together."),
    (r"\blife on mars\b", "None that anybody has found. There was water once."),
    (
        r"\bsanta( claus)?\b.*\b(real|exist)\b",
        "Ask him on the 24th of December. I've never seen him, but I see nobody.",
    ),
    (r"\b(deepest)\b|\bdeep is the (ocean|sea)\b", "The Mariana Trench. Nearly 11 kilometers deep."),
    (r"\b(largest|biggest) (animal|whale|mammal)\b", "The blue whale. Up to 30 meters, and as heavy as 25 elephants."),
    (r"\bfastest (animal|cat|land)\b", "The cheetah, on land. The peregrine falcon, if diving counts."),
    (
        r"\btallest (animal|building|tower)\b",
        "The giraffe, among animals. Among buildings, the Burj Khalifa with 828 meters.",
    ),
    (
        r"\bhow many (continents)\b",
        "Seven, as most count. Africa, Antarctica, Asia, Australia, Europe, North and South America.",
    ),
    (r"\bhow many (oceans)\b", "Five. The Pacific, the Atlantic, the Indian, the Southern and the Arctic."),
    (r"\bhow many (countries)\b", "195, if you count the members of the United Nations and its two observers."),
    (r"\bhow many bones\b", "206, in a grown-up. Babies have more, and some of them join."),
    (r"\bhow many (teeth)\b", "32, with all four wisdom teeth."),
    (r"\bhow many (states)\b.*\b(usa?|united|america|are there)\b", "Fifty. Alaska and Hawaii came last, in 1959."),
    (
        r"\b(boil|boiling)\b.*\bwater\b|\bwater boil\b",
        "100 degrees Celsius, at sea level. On a mountain it boils earlier.",
    ),
    (r"\b(freez\w+)\b.*\bwater\b|\bwater freeze\b", "At zero degrees Celsius. Salt water needs it colder."),
    (r"\bvalue of pi\b|\bdigits of pi\b", "About 3.14159. It never ends."),
    (r"\bgolden ratio\b", "About 1.618. The whole is to the larger part as the larger is to the smaller."),
    (r"\b(who )?(wrote|author of) romeo and juliet\b|\bwrote (hamlet|macbeth)\b", "William Shakespeare. Around 1600."),
    (r"\bwrote (pride and prejudice|emma)\b", "Jane Austen. Two hundred years ago."),
    (r"\bwrote (faust)\b", "Goethe. He worked on it for sixty years."),
    (r"\bpainted (the )?mona lisa\b", "Leonardo da Vinci. It hangs in the Louvre in Paris."),
    (r"\binvented the telephone\b", "Alexander Graham Bell got the patent. In 1876."),
    (r"\binvented the (light ?bulb)\b", "Many people did. Edison made one that lasted, in 1879."),
    (r"\binvented the (computer)\b", "There was no single one. Babbage drew it, Zuse and others built it."),
    (
        r"\binvented the (internet|web|world wide web)\b",
        "The web was Tim Berners-Lee, in 1989. The internet below it has many parents.",
    ),
    (r"\binvented (python)\b|\bcreated python\b", "Guido van Rossum. The first release was in 1991."),
    (r"\b(created|invented|wrote|made) linux\b", "Linus Torvalds. He began it as a student, in 1991."),
    (r"\bdiscovered america\b", "People from Asia, long ago. Of Europeans, the Vikings, and then Columbus in 1492."),
    (r"\bdiscovered gravity\b", "Newton found its law. The apple may even be true."),
    (
        r"\b(world war (two|2|ii)|second world war) (start|end|begin|over)\b|\bwhen (was|did) (world war (two|2|ii)|"
        r"the "
        r"second world war)\b",
        "It began in 1939. It ended in 1945.",
    ),
    (
        r"\b(world war (one|1|i)|first world war) (start|end|begin|over)\b|\bwhen (was|did) (world war (one|1|i)|the "
        r"first world war)\b",
        "It began in 1914. It ended in 1918.",
    ),
    (r"\bberlin wall\b", "It was built in 1961. It fell on November 9th, 1989."),
    (
        r"\btitanic\b.*\b(sink|sank)\b|\bsinking of the titanic\b",
        "In the night of April 15th, 1912. On its first voyage.",
    ),
    (
        r"\b(chicken|egg) (come|came|was)? ?first\b|\bchicken or the egg\b",
        "The egg. Dinosaurs laid them long before there were chickens.",
    ),
    (r"\bwoodchuck\b", "As much wood as a woodchuck would, if it could. About 300 kilograms, somebody reckoned."),
    (r"\bis the earth flat\b", "No, it's round. Ships vanish behind its curve, keel first."),
    (r"\b(god) exist\b|\bbelieve in god\b", "That's for you to say. I'm only a program."),
    (
        r"\b(aliens?|ufos?)\b.*\b(exist|real|there|believe)\b|\bbelieve in (aliens|ghosts)\b|\bare we alone\b",
        "Nobody has met any. But there's a lot of room out there.",
    ),
    (
        r"\bhow (do|can) i make (a )?(tea|cup of tea)\b|\bmake tea\b",
        "Boil water and pour it on. Wait four minutes, then take the leaves out.",
    ),
    (r"\b(boil|cook) (an )?eggs?\b", "Six minutes for a soft one, ten for a hard one. In boiling water."),
    (r"\b(cook|boil|make) (pasta|spaghetti)\b", "Much water, much salt. Take it out a minute before the packet says."),
)
_COMPILED = tuple((re.compile(pattern), reply) for pattern, reply in _TABLE)


def answer(text, turns):
    """The answer to plain ``text``, or None."""
    return next((reply for pattern, reply in _COMPILED if pattern.search(text)), None)
