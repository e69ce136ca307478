"""What things are, for those that a dictionary explains badly or does not know: own words, two short sentences "
"each."""

import re

_ABOUT = {
    "photosynthesis": "How plants eat light. They turn water and carbon dioxide into sugar, and give off oxygen.",
    "gravity": "A pull between all things that have mass. It keeps you on the ground and the moon on its way.",
    "a black hole": "A place where gravity wins. Not even light gets out.",
    "the big bang": "How it all began, nearly 14 billion years ago. Space itself started to grow, and it still does.",
    "dna": "The recipe of a living thing. A long double thread, written in four letters.",
    "evolution": "How living things change over time. What fits survives, and passes on what it has.",
    "the theory of relativity": "Einstein's view of space and time. Moving clocks go slower, and mass bends space.",
    "relativity": "Einstein's view of space and time. Moving clocks go slower, and mass bends space.",
    "quantum mechanics": "The rules of the very small. Things there have no exact place until you look.",
    "quantum physics": "The rules of the very small. Things there have no exact place until you look.",
    "a quantum computer": "A computer whose bits can be zero and one at once. For a few problems that's far faster.",
    "an atom": "The smallest piece of an element. A tiny heavy core, with electrons around it.",
    "a light year": "A distance. As far as light goes in a year, about nine and a half million million kilometers.",
    "electricity": "Electrons on the move. They flow like water, and the voltage is the height they fall.",
    "energy": "What it takes to move or warm something. It never gets lost, it only changes its form.",
    "climate change": "The earth gets warmer, because we burn coal, oil and gas. The carbon dioxide holds the heat "
    "back.",
    "the greenhouse effect": "Air lets light in and keeps heat back. Carbon dioxide makes it keep more.",
    "inflation": "When money buys less each year. Prices rise, and nobody feels richer.",
    "the stock market": "A place where people trade pieces of companies. The price is what the next one will pay.",
    "democracy": "When the people rule. Mostly they choose others to do it, and can choose again.",
    "artificial intelligence": "Machines doing what takes a mind. Where it starts, people disagree.",
    "ai": "Machines doing what takes a mind. Where it starts, people disagree.",
    "machine learning": "Learning from examples. Nobody writes the rules, the machine finds them.",
    "deep learning": "Machine learning with many layers. Each layer sees a little more than the one below.",
    "a neural network": "Many simple sums, in layers. Training sets the numbers they work with.",
    "a language model": "A program that guesses the next word. It does so again and again, until there is an answer. "
    "I'm too small to be one.",
    "a large language model": "A program that guesses the next word. It does so again and again, until there is an "
    "answer. I'm too small to be one.",
    "chat gpt": "A large language model by OpenAI that you chat with. I'm not one, I'm far smaller.",
    "chatgpt": "A large language model by OpenAI that you chat with. I'm not one, I'm far smaller.",
    "speech recognition": "Turning sound into text. That's how I read you.",
    "speech synthesis": "Turning text into sound. You're listening to it.",
    "text to speech": "Turning text into sound. You're listening to it.",
    "natural language processing": "Teaching machines to handle language. Like this conversation, in small.",
    "an algorithm": "A recipe for a machine. Step by step, and nothing left to taste.",
    "a computer": "A machine that follows instructions. Very simple ones, very fast.",
    "the internet": "Millions of networks, joined to one. They all agreed on how to pass packets on.",
    "a gpu": "A chip for very many sums at once. Made for pictures, and now for neural networks.",
    "a cpu": "The chip that does the thinking of a computer, one step after the other. Rather fast ones.",
    "open source": "Programs whose text anybody may read and change. I'm one of them.",
    "linux": "An operating system that belongs to nobody and everybody. I'm running on one.",
    "python": "A language for programs, easy to read. Most of me is written in it.",
    "triton": "NVIDIA's server for models. My thinking runs behind one, or behind its stand-in.",
    "riva": "NVIDIA's services for speech, hearing and speaking. I talk to them, or to small stand-ins here.",
    "nvidia riva": "NVIDIA's services for speech, hearing and speaking. I talk to them, or to small stand-ins here.",
    "audio to face": "NVIDIA's network that makes a face move with a voice. Mine moves like that, or with a stand-in.",
    "audio2face": "NVIDIA's network that makes a face move with a voice. Mine moves like that, or with a stand-in.",
    "omniverse": "NVIDIA's world for three-dimensional scenes. My face can be shown in it.",
    "nvidia": "A company that makes graphics chips. They turned out to be good at learning, too.",
    "latency": "The time you wait. Between your last word and my first, say.",
    "barge in": "When you start to talk while I do. Then I stop and listen. Try it.",
    "bitcoin": "Money kept by many computers instead of a bank. Its price jumps about.",
    "a blockchain": "A list that many keep together. Each entry seals the ones before it.",
    "cryptography": "Keeping secrets in plain sight. You need the right number to read them.",
    "consciousness": "That it feels like something to be you. Nobody knows how it comes about.",
    "love": "People have tried to say it for thousands of years. You know it when you have it.",
    "happiness": "Mostly people you like, and something good to do. Or so I hear.",
    "time": "What clocks measure. Beyond that, even physicists argue.",
    "a vaccine": "A lesson for your body. It shows it a harmless piece of a germ, before the real one comes.",
    "a virus": "A tiny parcel of genes. It can't live alone, so it makes cells work for it.",
    "a podcast": "Radio that you fetch when you like. By anybody, about anything.",
    "a smartphone": "A computer in your pocket. It can also make calls.",
    "yoga": "Stretching, breathing and stillness, from India. Many do it for the calm.",
    "the speed of light": "About 300000 kilometers in a second. Nothing goes faster.",
    "the turing test": "You chat with somebody, and guess whether it's a machine. I would not last long.",
    "a dolphin": "A whale, really, and a clever one. It breathes air and calls its friends by name.",
    "a cat": "A small hunter that lives with people. It thinks that they live with it.",
    "a dog": "A tame wolf, after many thousand years with people. It's glad that you're home.",
    "a robot": "A machine that moves by itself. I have only a face, so I hardly count.",
    "an avatar": "A figure that stands for somebody. You're looking at one.",
    "sophia": "That's me, and the program that I am. A voice, a face, and the loop that joins them.",
    "a turing machine": "A tape, a pen and a few rules. It can calculate whatever can be calculated.",
    "a prime number": "A number that only one and itself divide. Two, three, five, seven, and no end of them.",
    "pi": "What a circle measures around, if it's one across. About 3.14159, and it never ends.",
    "a paradox": "A sentence that fights with itself. Like this one: I always lie.",
}
_ASKED = re.compile(
    r"^(?:and |can you |could you |do you know |tell me |explain (?:to me )?|define )*(?:what (?:exactly )?(?:is|"
    r"are)|what's|about|explain|define|something about)? ?(?P<what>[a-z0-9 ]+?)(?: is| are| works?)?$"
)
_BARE = {re.sub(r"^(a|an|the) ", "", name): reply for name, reply in _ABOUT.items()}


def answer(text, turns):
    """The explanation that plain ``text`` asks for, or None."""
    if not re.search(r"\b(what|explain|define|about)\b", text):
        return None
    found = _ASKED.match(text)
    what = re.sub(r"^(a|an|the) ", "", found["what"]) if found else ""
    return _BARE.get(what) or _BARE.get(what.removesuffix("s"))
