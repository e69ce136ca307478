"""What the training voices say. Written to hold every English sound in many neighbourhoods, bilabials above all."""

TRAIN = (
    "Bob may bring the big map up to the pump before Pam comes by.",
    "Please move both boxes into the blue room over there.",
    "Five vivid waves of violet light flew over the foggy valley.",
    "I would like to reserve a quiet table for four on Friday evening, please.",
    "Hello, my name is Sophia, and I am happy to help you find your way.",
    "Perhaps we should push the broken pram away from the wall before people arrive.",
    "She was sure that the sugar shop sold fresh sherbet and shiny shoes.",
    "How do you feel this morning? You look as if you had slept rather well.",
    "My mother made a marvelous plum pie with whipped cream and a pinch of pepper.",
    "Few views are as beautiful as the one from the upper bridge at dawn.",
    "The judge enjoyed a large orange and a cheap sausage in the village church.",
    "We always wear warm wool when windy winter weather comes from the west.",
    "Thirty three thoughtful brothers gathered there on Thursday for a bath.",
    "The boy avoided the noisy toys and pointed at the oil on the coin.",
    "Open the window, would you, and bring me a bottle of water from the fridge.",
    "One, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve.",
    "Go slowly over the old stone road, and then turn left at the yellow gate.",
    "Tom dropped the lamp, the cup, the pot and the drum on my bed.",
    "The cook took a good look at the book, and put the wood under the hook.",
    "It is a pleasure to measure the usual treasure with a leisurely vision.",
    "Every evening Emma remembers the empty theatre and its seven steep steps.",
    "A young king sang a long strong song along the banks of the spring.",
    "Father's car was parked far from the calm garden at the large farm.",
    "It is easy to see three green trees beside this clean little street.",
    "Hurry, the early bird heard the first word, and turned north in the murmuring surf.",
    "Who moved the blue balloon to the moon room? You knew it too.",
    "What is the weather like tomorrow? Will there be rain, or maybe a bit of sun?",
    "Yes, of course. I can tell you a short story about a mouse and a brave bear.",
    "No problem at all. Let me think about that for a moment.",
    "Once upon a time, a poor old man lived by himself at the top of a bare hill.",
    "Mhm, I see. Maybe, maybe not. Bye bye, and have a pleasant afternoon.",
    "Happy puppies jump up and down behind the cabbage patch beyond the pond.",
)

HELD_OUT = (
    "Ben packed an apple, a plum and some bread, but Mabel forgot the map.",
    "When does the exhibition open, and how much do two tickets cost for students?",
    "Thank you so much. I shall remember this day, and I hope that we meet again soon.",
    "A bright moon above the harbour made the whole bay shimmer like pale silver.",
)
"""Said by voices that the network never heard, to judge it by."""
