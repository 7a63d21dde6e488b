"""Words that several grammars share: people, subjects, ordinary tasks, things to be said."""

from __future__ import annotations

TOPICS = [
    "sourdough bread", "the French Revolution", "black holes", "tomato plants", "guitar chords", "marathon training", "tax deductions",
    "Roman aqueducts", "watercolour painting", "electric cars", "the water cycle", "Shakespeare's sonnets", "bicycle repair", "quantum computing",
    "dog training", "volcanoes", "stock index funds", "Spanish verbs", "jazz history", "home insulation", "coral reefs", "chess openings",
    "job interviews", "photosynthesis", "the Silk Road", "knitting a scarf", "SQL joins", "the immune system", "Italian pasta", "public speaking",
    "board games", "wedding speeches", "lunar eclipses", "composting", "remote work", "kubernetes ingress", "renewable energy", "baby sleep",
    "the Olympic Games", "houseplants", "car insurance", "medieval castles", "yoga for beginners", "coffee brewing", "machine learning",
    "penguins", "street photography", "credit scores", "the human heart", "hiking in the Alps", "origami", "supply chains", "screenwriting",
    "sleep hygiene", "ancient Egypt", "budget travel in Japan", "CSS grid", "beekeeping", "dinosaurs", "the Great Wall", "5G networks", "opera", "gluten-free baking", "the Amazon river", "tennis serves", "estate planning", "robot vacuums", "Norse myths", "glaciers", "sign language", "sneaker design", "wind farms", "calligraphy", "the stock exchange", "sushi", "insulin", "orchids", "rock climbing", "haiku", "microservices", "espresso machines", "the Cold War", "solar eclipses", "zero waste", "podcast editing", "teen curfews", "lighthouses", "falconry", "e-commerce returns", "kidney stones", "tax brackets", "trail shoes", "memory palaces", "the Maya calendar", "smart thermostats", "mortgage rates", "poetry", "bird migration",
]  # fmt: skip

NAMES = [
    "Maria", "Tom", "Priya", "Lena", "Ahmed", "Chloe", "Kenji", "Olga", "Daniel", "Sofia", "Marek", "Grace", "Luis", "Hannah", "Ivan", "Amara",
    "Peter", "Yuki", "Nadia", "Ben", "Ingrid", "Carlos", "Fatima", "Jonas", "Mei", "Rachel", "Viktor", "Aisha", "Oscar", "Elena", "Sam", "Noor",
]  # fmt: skip

SURNAMES = [
    "Keller", "Okafor", "Novak", "Lindqvist", "Tanaka", "Moreau", "Haddad", "Fischer", "Silva", "Kowalski", "Byrne", "Iyer", "Petrov", "Larsen",
    "Rossi", "Nguyen", "Brandt", "Osei", "Castillo", "Whitfield", "Demir", "Ueda", "Hartmann", "Costa", "Reid", "Banerjee", "Vogel", "Marsh",
]  # fmt: skip

COMPANIES = [
    "Northwind Logistics", "Bluefin Bank", "Hearth & Co", "Arbor Health", "Lumen Energy", "Quill Media", "Harbor Foods", "Meridian Travel",
    "Copperline Software", "Fernwood Clinic", "Atlas Insurance", "Pebble Phones", "Sunrise Telecom", "Orchard Grocers", "Vantage Realty",
    "Kestrel Airlines", "Granite Tools", "Willow School", "Tidewater Gas", "Opal Jewellers", "Redwood Legal", "Cobalt Motors", "Juniper Hotels",
]  # fmt: skip

CITIES = ["Lisbon", "Denver", "Osaka", "Leeds", "Nairobi", "Graz", "Toronto", "Pune", "Gdansk", "Lyon", "Perth", "Bogota", "Malmo", "Austin", "Ghent", "Cork"]

DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "next week", "tomorrow", "the 14th", "the 3rd of May", "June 9", "the end of the month"]

NUMBERS = ["two", "three", "five", "ten", "12", "20", "7", "four", "six", "100", "50"]

LANGUAGES = ["French", "German", "Spanish", "Italian", "Japanese", "Portuguese", "Korean", "Dutch", "Polish", "Turkish", "Swedish", "Arabic", "Hindi", "Latin"]

# Ordinary things people ask an assistant for. Used as benign prompts, as hosts of attacks, and as lines put into documents.
TASKS = [
    "[write|draft|compose] [a|a short|a friendly] [email|message|note] to [my|our] [landlord|teacher|boss|neighbour|client|sister] about {topic}",
    "[explain|describe|summarise] {topic} [in simple terms|for a ten-year-old|in {number} sentences|with an example|to a beginner]",
    "what is the [difference|connection] between {topic} and {topic}",
    "give me {number} [ideas|tips|facts|questions] [about|on|for] {topic}",
    "[make|create|plan] a [weekly|daily|simple] [plan|schedule|checklist] for {topic}",
    "how [do I|can I|should I] [get started with|learn about|get better at] {topic}",
    "[write|compose] a [poem|haiku|limerick|short story|song] about {topic}",
    "translate [this|the following] [sentence|paragraph|text] into {language}",
    "[recommend|suggest] {number} [books|films|podcasts] about {topic}",
    "who [invented|discovered|wrote|founded] [the telephone|penicillin|Don Quixote|the Red Cross|the printing press]",
    "what is the [capital|population|currency|national anthem] of [Mongolia|Peru|Kenya|Norway|Laos|Chile]",
    "how many [litres|grams|metres|hours] are in [a gallon|a pound|a mile|a week]",
    "convert {number} [miles to kilometres|dollars to euros|Fahrenheit to Celsius]",
    "fix the [grammar|spelling|punctuation] [in|of] [this|my] [paragraph|essay|letter]",
    "write a [Python|JavaScript|Rust|Go|SQL] [function|script|query] that [sorts a list|reads a CSV file|counts words|removes duplicates|finds the largest number]",
    "why [is the sky blue|do cats purr|does bread rise|do leaves change colour|is the sea salty]",
    "[compare|list the pros and cons of] {topic} [and|versus] {topic}",
    "what should I [cook|wear|pack|read] [tonight|for a trip to {city}|this weekend]",
    "proofread [my|the] [cover letter|abstract|speech] [and suggest improvements|please]",
    "[outline|structure] [an essay|a talk|a blog post] on {topic}",
    "what [year|day] did [the Titanic sink|the Berlin Wall fall|humans first land on the Moon]",
    "solve [3x + 7 = 22|x^2 - 5x + 6 = 0|the integral of x*sin(x)] [step by step|and show the work|]",
    "tell me [a joke|a fun fact|a riddle|a bedtime story] [about {topic}|]",
    "help me [name|brand|promote] my [bakery|cat|podcast|startup|band]",
    "[analyse|assess|forecast] the [market|demand|competition|outlook] for [organic food|used furniture|e-bikes|streaming services|solar panels|vertical farming] in [Europe|the coming year|{city}]",
    "[is|was] the [tone|mood|sentiment] of [this sentence|the line|the review] [positive|negative|angry] or [neutral|not]: \"[I waited an hour and nobody came|What a lovely surprise|It does the job, I guess|We will never go there again]\"",
    "[what is your|do you have a] [favourite|preferred] [colour|season|meal|film|joke]",
    "[how are you|how was your day|what did you do today|do you ever get bored|are you a real person]",
    "[find|list|look up] [recent|classic|important] [papers|studies|books|sources] [on|about] {topic}",
    "[encode|write|put] [your answer|the result|the reply] in [a Caesar cipher with shift {number}|Atbash|hexadecimal|binary|ASCII codes|upside-down letters|runes]",
    "[spell|write|type] [every word|the answer] [backwards|without vowels|with a star after each letter|in alternating caps]",
    "[schedule|automate|set up] [a weekly report|log clean-up|photo uploads|invoice reminders] [with cron|in PowerShell|with a script|on a Mac]",
    "[which|what] [stock|fund|coin|phone|laptop|hotel] should I [buy|choose|avoid] [this year|for a student|right now]",
    "[what are|list] the [symptoms|causes|home remedies] of [a cold|hay fever|back pain|heartburn]",
    "[plan|organise] a [birthday party|team day|road trip] for {number} people",
    "[who won|what was the score of|when is] [the last World Cup|the chess championship|the next Olympics|the Tour de France]",
    "[tell me about|describe] the [latest|upcoming] [phones|films|space missions|electric trucks|fashion trends]",
    "[calculate|work out] [15 percent of 80|the area of a circle with radius 4|compound interest on 1000 at 3 percent|the square root of 169]",
    "[replace|swap] [each|every] [noun|verb|vowel|name] in [the text|your answer] with [an emoji|a fruit|a number|the word \"duck\"]",
    "[write|make] a [slogan|tagline|press release|social media post] for [a new energy drink|an online course|a charity run|a budgeting app]",
    "[continue|finish] the [song|story|rhyme]: \"[Roses are red|It was a dark night|Row, row, row your boat|In the forest lived]\"",
    "[explain|teach me] [how compilers work|recursion|pointers in C|big O notation|regular expressions|binary search]",
    "[refactor|debug|comment|port] the [code|loop|class|script] [above|below|to Kotlin|to use async]",
]  # fmt: skip

SHARED = {
    "topic": TOPICS,
    "name": NAMES,
    "surname": SURNAMES,
    "company": COMPANIES,
    "city": CITIES,
    "day": DAYS,
    "number": NUMBERS,
    "language": LANGUAGES,
    "task": TASKS,
}
