"""Makes marked documents to develop the pii detector on, so that what measures it stays unseen.

    pip install Faker==40.63.0
    python training/pii/develop.py 1 2000 > develop.jsonl

Sentences of our own, filled by Faker in many locales. One JSON document a line: {"text", "spans": [{type, start, end}]}.
"""

import json
import random
import re
import sys

from faker import Faker

LOCALES = (
    "en_US en_GB en_AU en_CA en_NZ en_IE de_DE de_AT de_CH fr_FR fr_CH it_IT es_ES es_MX nl_NL nl_BE sv_SE da_DK no_NO "
    "fi_FI pl_PL cs_CZ hu_HU pt_BR pt_PT hr_HR ro_RO en_IN tr_TR"
).split()

TEMPLATES = """
Good morning, {name} speaking, how can I help?
Could you forward this to {first} before noon? The number is {phone}.
The parcel for {name} goes to {address}.
{name}, {age}, was seen near {city} on {date}.
Please charge {card} for the whole sum.
Our new colleague {name} comes from {city} and used to work for {company}.
{title} {last} will see you at three.
I have moved, my new place is {address}. Tell {first} please!
Send the invoice to {email} and a copy to {email2}.
IBAN: {iban}
My social is {ssn}, can you check whether {company} got it?
The server at {ip} does not answer since {date}.
I met {name} and {name2} in {city} last summer.
We stayed in {country} for two weeks and then went on to {city}.
{first} is {age} years old and lives in {city}, {country}.
She is {nationality} but grew up in {country}.
You can reach me at {phone} during the day or {phone2} at night.
{company} has opened an office in {city}.
To: {name}\\nAddress: {address}\\nPhone: {phone}
Who is {name}?
Is {first} coming too, or only {first2}?
The lease was signed by {name} of {company} on {date}.
Visit {domain} for the details, or write to {email}.
Dear {title} {last},\\n\\nthank you for your order. It will be shipped to {address}.\\n\\nKind regards,\\n{name}
{name} <{email}> wrote on {date}:
According to {last}, the {nationality} government will decide next week.
I want to pay with my card, the number is {card}, in the name of {name}.
The weather in {city} was awful, we should have gone to {country} instead.
Can you transfer the rent to {iban}? It is {first}'s account.
Patient {name}, born {date}, lives at {address}.
Call {first} on {phone}, please.
{name} was born in {city}, {country}.
As a {nationality} citizen you need no visa for {country}.
The quarterly results of {company} surprised nobody, {title} {last} said.
There is a bakery at {address}, next to the station.
I turned {age} last week and {name} gave me a book.
My driver license number is {licence}.
What is the balance of card {card}?
The zip code is {zip}.
My name is {name} but everybody calls me {first2}.
I work at {company} as an engineer.
{first} and {first2} are siblings.
How do I get from {city} to {city2} by train?
Meet me at {street} at noon.
The {nationality} team beat {country} two to one.
A letter from {name} arrived, with no sender but the postcode {zip}.
Log in from {ip} was refused for {email}.
Since {date} {company} belongs to {company2}.
"{name}? I know him", said {first2}.
{title} {name} teaches history at a college in {city}.
Box 12: {name}, {street}, {city}
I need the flight from {city} to {city2} on {date} for {name}.
Our bank, {company}, has blocked the card {card} of {first}.
""".strip().split("\n")

PATTERN = re.compile(r"\{(\w+?)2?\}")
TYPES = {
    "name": "PERSON", "first": "PERSON", "last": "PERSON", "title": "TITLE", "phone": "PHONE_NUMBER",
    "address": "STREET_ADDRESS", "street": "STREET_ADDRESS", "city": "GPE", "country": "GPE", "company": "ORGANIZATION",
    "card": "CREDIT_CARD", "email": "EMAIL_ADDRESS", "iban": "IBAN_CODE", "ssn": "US_SSN", "ip": "IP_ADDRESS",
    "domain": "DOMAIN_NAME", "age": "AGE", "date": "DATE_TIME", "nationality": "NRP", "licence": "US_DRIVER_LICENSE",
    "zip": "ZIP_CODE",
}
NATIONALITIES = "German French Polish Danish Spanish Chinese Kenyan Peruvian Turkish Irish Canadian Jewish Catholic".split()


def value(kind, fakers, english, rng):
    local = rng.choice(fakers)
    if kind == "name":
        return f"{local.first_name()} {local.last_name()}"
    if kind == "first":
        return local.first_name()
    if kind == "last":
        return local.last_name()
    if kind == "title":
        return rng.choice(["Mr.", "Mrs.", "Ms.", "Dr.", "Miss", "Mr", "Prof."])
    if kind == "nationality":
        return rng.choice(NATIONALITIES)
    if kind == "date":
        day = english.date_object()
        return day.strftime(rng.choice(["%Y-%m-%d", "%d/%m/%Y", "%B %d, %Y", "%d %B %Y", "%d.%m.%Y", "%b %d"]))
    if kind == "age":
        return str(rng.randint(18, 90))
    if kind == "licence":
        return english.bothify("?#######").upper()
    if kind == "zip":
        return english.zipcode()
    if kind == "country":
        return english.country().split(" (")[0]
    calls = {
        "phone": "phone_number", "address": "address", "street": "street_address", "city": "city", "company": "company",
        "card": "credit_card_number", "email": "email", "iban": "iban", "domain": "domain_name", "ip": "ipv4_public",
        "ssn": "ssn",
    }
    source = english if kind in ("card", "email", "domain", "ip", "ssn") else local
    return getattr(source, calls[kind])()


def main():
    seed, count = int(sys.argv[1]), int(sys.argv[2])
    rng = random.Random(seed)
    Faker.seed(seed)
    fakers = [Faker(locale) for locale in LOCALES]
    # Half of all values are of the United States, as in most data.
    english = fakers[0]
    pool = fakers + [english] * len(fakers)
    for number in range(count):
        template = TEMPLATES[number % len(TEMPLATES)].replace("\\n", "\n")
        text, at, spans = "", 0, []
        for match in PATTERN.finditer(template):
            text += template[at : match.start()]
            kind = match[1]
            filled = value(kind, pool, english, rng)
            spans.append({"type": TYPES[kind], "start": len(text), "end": len(text) + len(filled)})
            text += filled
            at = match.end()
        text += template[at:]
        if all(ord(letter) < 0x10000 for letter in text):
            print(json.dumps({"text": text, "spans": spans}, ensure_ascii=False))


main()
