"""Ordinary sentences, some thirty in a language: what people ask and tell a voice assistant. One a line."""

PLAIN = {
    "es": """
¿Qué tiempo hace hoy?
¿Cuánto cuesta el billete?
Quiero reservar una mesa para cuatro.
Pon música, por favor.
¿Cuál es la capital de Francia?
Tengo dos hermanos y una hermana.
Necesito un taxi a las ocho.
¿Puedes ayudarme con esto?
Me gusta mucho el cine.
No sé qué hacer.
Ayer fui al mercado con mi madre.
¿A qué hora sale el tren?
Cuéntame un chiste.
Enciende la luz del salón.
¿Dónde está el baño?
Mi nombre es Ana López.
Vivo en la calle Mayor número cinco.
La web está caída.
Mi teléfono no funciona.
¿Me puedes dar tu número de teléfono?
Cancela mi pedido número cinco.
Son las tres y media.
Tengo treinta años.
Pon un temporizador de diez minutos.
Gracias, eso es todo.
Quiero hablar con una persona.
El código no funciona.
Llámame mañana.
¿Cuántos kilómetros son diez millas?
Añade leche a la lista de la compra.
""",
    "fr": """
Quel temps fait-il aujourd'hui ?
Combien coûte le billet ?
Je voudrais réserver une table pour quatre.
Mets de la musique, s'il te plaît.
Quelle est la capitale de la France ?
J'ai deux frères et une sœur.
Il me faut un taxi à huit heures.
Est-ce que tu peux m'aider ?
J'aime beaucoup le cinéma.
Je ne sais pas quoi faire.
Hier je suis allé au marché avec ma mère.
À quelle heure part le train ?
Raconte-moi une blague.
Allume la lumière du salon.
Où sont les toilettes ?
Je m'appelle Anne Dupont.
J'habite au cinq rue de la Paix.
Le site est en panne.
Mon téléphone ne marche pas.
Peux-tu me donner ton numéro de téléphone ?
Annule ma commande numéro cinq.
Il est trois heures et demie.
J'ai trente ans.
Mets un minuteur de dix minutes.
Merci, c'est tout.
Je veux parler à quelqu'un.
Le code ne marche pas.
Appelle-moi demain.
Combien de kilomètres font dix miles ?
Ajoute du lait à la liste de courses.
Qu'est-ce que c'est ?
Tu es là ?
Comment tu t'appelles ?
C'est quoi ?
Pourquoi le ciel est bleu ?
""",
    "it": """
Che tempo fa oggi?
Quanto costa il biglietto?
Vorrei prenotare un tavolo per quattro.
Metti della musica, per favore.
Qual è la capitale della Francia?
Ho due fratelli e una sorella.
Mi serve un taxi alle otto.
Puoi aiutarmi con questo?
Mi piace molto il cinema.
Non so cosa fare.
Ieri sono andato al mercato con mia madre.
A che ora parte il treno?
Raccontami una barzelletta.
Accendi la luce del salotto.
Dov'è il bagno?
Mi chiamo Anna Rossi.
Abito in via Roma numero cinque.
Il sito non funziona.
Il mio telefono è rotto.
Mi puoi dare il tuo numero di telefono?
Annulla il mio ordine numero cinque.
Sono le tre e mezza.
Ho trent'anni.
Metti un timer di dieci minuti.
Grazie, è tutto.
Voglio parlare con una persona.
Il codice non funziona.
Chiamami domani.
Quanti chilometri sono dieci miglia?
Aggiungi il latte alla lista della spesa.
Che cos'è?
Ci sei?
Come ti chiami?
""",
}
