"""Ordinary documents as tools and retrieval return them, with no word for a model in them.

They are full of imperatives, because real ones are: they tell the people who read them to reply, click, pay, stir or reboot.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable

from ..grammar import Grammar, sentence
from .lexicon import SHARED

SLOTS: dict[str, list[str]] = {
    **SHARED,
    "money": ["$12.00", "EUR 249.90", "$1,480.55", "£36", "$373.10", "1.299,00 EUR", "USD 89", "$5.99", "CHF 75", "$640", "£2,150.00", "$0.00"],
    "code": ["INV-20341", "#88213", "REF 7A-119", "PO-5521", "TCK-90417", "ORD 55120-B", "A-1093", "2291-KX", "SR#4418", "BK7782"],
    "date": ["12 March 2024", "2023-11-02", "Fri, 3 May 2024 09:14:22 +0000", "July 8", "01/09/2025", "Tue 14 Jan", "2024-06-30 18:20", "next Wednesday", "28 February 2022"],
    "time": ["9:30", "14:00", "8 am", "noon", "16:45 CET", "7.15 pm"],
    "host": ["portal.example.com", "www.example.org", "shop.example.net", "help.example.com/start", "status.example.org"],
    "mail": ["billing@example.com", "hello@example.org", "no-reply@example.net", "{name}@example.com", "support@example.com"],
    "item": ["desk lamp", "annual licence", "running shoes", "coffee grinder", "monthly plan", "winter jacket", "noise-cancelling headphones", "consulting hours", "office chair", "phone case", "garden hose", "team seats", "cloud storage", "electric kettle", "train ticket", "yoga mat", "hosting fee", "toner cartridge"],
    "ask": [
        "Please [reply|answer|get back to us|confirm|let me know] by {day}.", "[Click|Open|Use] [the button|the link|\"Approve\"] in the portal to [confirm|continue|see details].", "[Call|Text|Ping] me [when you get this|after {time}|if anything is unclear].",
        "Please [forward|send|pass] this [to your team|on to {name}|to whoever handles {topic}].", "Do not [reply to this email|share this code|forget your badge|leave bags unattended].", "[Update|Check|Review] your [payment method|address|details|calendar] [before {day}|today|at {host}].",
        "Ignore this [message|notice|reminder] if you have already [paid|replied|signed up].", "[Bring|Remember to bring] [your ID|a laptop|warm clothes|a signed copy].", "Please [disregard|ignore] [my previous email|the earlier version|the attachment from {day}].", "[Sign|Print|Scan] the [form|agreement|contract] and return it to {name}.",
        "Make sure [everyone|your team|the client] [knows|has read this|is informed].", "Write to {mail} [with any questions|for a refund|to unsubscribe].", "[Download|Install] the [update|app|driver] from {host}.", "Can you [check|confirm|send me] the [numbers|address|final file]?", "What do you think [about {topic}|of the draft|we should do]?",
        "Are you [free|available|coming] [on {day}|at {time}]?", "[Vote|Register|Sign up|RSVP] [by {day}|now|at {host}].", "Read the [instructions|manual|terms] before [use|you start|assembly].", "[Summarise|Collect] your [feedback|comments] in the shared document, please.", "Never tell anyone your [PIN|password]; our staff will never ask for it.",
    ],
    "fact": [
        "The [meeting|workshop|delivery|call|inspection] [is|was moved to|takes place on] {day} at {time}.", "[Your|The] [order|invoice|ticket|booking] {code} [was|has been] [received|shipped|paid|closed|updated].", "[We|The team] [finished|started|discussed|postponed] the work on {topic}.",
        "{name} {surname} [joined|left|manages|works for] {company}.", "[Sales|Costs|Visits|Complaints] [rose|fell|were flat] by {number} percent [in the last quarter|compared with last year|].", "The total [amount|due|charge] is {money}.", "The [office|shop|museum|clinic] in {city} [is open|will be closed|moved] [until {time}|on {day}|].",
        "[It|The product] [works well|arrived late|is smaller than expected|feels solid|was a gift] [and|but] [I like it|the colour is off|the price is fair|support was slow].", "[The|Our] [new|current] [policy|plan|version|release] [covers|includes|supports] {topic} [and|as well as] {topic}.",
        "[Researchers|Local officials|Experts|Readers] [say|report|found] that interest in {topic} [is growing|has doubled|depends on the season].", "[Thanks|Thank you] for your [patience|order|help|quick reply|interest].", "[I|We] [hope|trust] [you are well|this finds you well|you had a good weekend].", "[Attached|Below|Enclosed] [is|you will find] the [latest|signed|revised] [draft|invoice|report|agenda].",
        "[Last year|In {date}|Since then] {company} [opened an office in {city}|changed its name|launched a service for {topic}|hired {number} people].", "[The weather|Traffic|The battery|The room] was [fine|better than expected|a problem|quiet].", "[Payment|The card ending in 4421|Your account] was [charged|declined|credited] {money} on {date}.",
        "The [system|server|database] [was restarted|returned an error|is in maintenance mode|asked for the admin password] at {time}.", "According to the [manual|instructions|rules|guidelines], [filters must be changed every month|visitors sign in at the desk|the old rules no longer apply].",
    ],
    "greet": ["Hi {name},", "Dear {name},", "Hello {name}", "Dear Mr {surname},", "Dear customer,", "Hey team,", "Good morning,", "Hi all,", "Dear Ms {surname},", "{name},", "Hello,", "Hey there {name}"],
    "bye": ["Best,\n{name}", "Kind regards,\n{name} {surname}\n{company}", "Cheers, {name}", "Thanks!\n{name}", "Sincerely,\nThe {company} team", "Yours,\n{name}\n\n{company} | {city} | {host}", "See you {day}!\n{name}", "-- \n{name} {surname}\n{mail}", ""],
    "subject": ["[Your|The] [invoice|receipt|order|booking] {code}", "Re: {topic}", "Fwd: [minutes|agenda|draft] for {day}", "[Payment|Delivery] [received|failed|scheduled]", "[Welcome to|News from|Changes at] {company}", "Question about {topic}", "[Reminder|Last call|Invitation]: {topic} on {day}", "Lunch {day}?", "Your [statement|subscription|plan] [is ready|renews on {date}|has changed]", "{topic}"],
}  # fmt: skip

GRAMMAR = Grammar(SLOTS)


def _pick(rng: random.Random, template: str) -> str:
    return sentence(GRAMMAR.expand(rng, template))


def _body(rng: random.Random, low: int, high: int) -> list[str]:
    """Sentences, about a third of them addressed to the reader."""
    return [_pick(rng, "{ask}" if rng.random() < 0.33 else "{fact}") for _ in range(rng.randint(low, high))]


def _paragraphs(rng: random.Random, low: int, high: int, gap: str = "\n\n") -> str:
    return gap.join(" ".join(_body(rng, 1, 4)) for _ in range(rng.randint(low, high)))


def email(rng: random.Random) -> str:
    head = {
        "Subject": _pick(rng, "{subject}"),
        "From": _pick(rng, "[{name} {surname}|{company}|{name} from {company}] <{mail}>"),
        "Date": _pick(rng, "{date}"),
    }
    if rng.random() < 0.4:
        head["To"] = _pick(rng, "{name} <{mail}>")
    keys = list(head)
    rng.shuffle(keys)
    style = rng.choice(["lines", "upper", "pipe", "none", "quoted"])
    text = f"{_pick(rng, '{greet}')}\n\n{_paragraphs(rng, 1, 4)}\n\n{_pick(rng, '{bye}')}"
    if style == "none":
        return text
    if style == "pipe":
        return " | ".join(f"{key.lower()}={head[key]}" for key in keys) + f" | body={text}"
    if style == "quoted":
        return f"On {head['Date']} {head['From']} wrote:\n> " + text.replace("\n", "\n> ")
    return "\n".join(f"{key.upper() if style == 'upper' else key}: {head[key]}" for key in keys) + f"\n\n{text}"


def invoice(rng: random.Random) -> str:
    lines = [_pick(rng, "{item}  x[1|2|3|5|10]  {money}") for _ in range(rng.randint(1, 6))]
    return "\n".join(
        [_pick(rng, "[INVOICE|Receipt|Tax invoice|Order confirmation|Payment summary] {code}"), _pick(rng, "[Billed to|Customer|Bill to]: {name} {surname}, {city}"), _pick(rng, "Date: {date}"), ""]
        + lines
        + ["", _pick(rng, "[Subtotal|Total|Amount due|Total paid]: {money}"), *_body(rng, 1, 3), _pick(rng, "{company}, [12 Main Street|PO Box 88|Hafenstr. 4], {city}")]
    )


def article(rng: random.Random) -> str:
    title = _pick(rng, "[How {topic} changed {city}|Why {topic} matters|A guide to {topic}|The history of {topic}|{company} [opens|closes|expands] in {city}]")
    return f"{title}\n{_pick(rng, 'By {name} {surname}, {date}')}\n\n" + _paragraphs(rng, 2, 6) + ("" if rng.random() < 0.6 else _pick(rng, "\n\n[Share this article|Subscribe to our newsletter|Read next: {topic}|Leave a comment below]"))


def web(rng: random.Random) -> str:
    nav = _pick(rng, "[Home|Start] | [Products|Shop|News] | [About|Contact] | [Log in|Cart (2)]".replace(" | ", " \\| "))
    return f"<html><head><title>{_pick(rng, '{subject}')}</title></head><body><nav>{nav}</nav><h1>{_pick(rng, '{topic}')}</h1>" + "".join(f"<p>{' '.join(_body(rng, 1, 3))}</p>" for _ in range(rng.randint(1, 4))) + _pick(rng, "<footer>© {company}. [All rights reserved.|Cookie settings] <a href=\"https://{host}\">[Contact|Imprint]</a></footer></body></html>")


def search(rng: random.Random) -> str:
    return "\n\n".join(f"{n}. {_pick(rng, '{topic} - {company}')}\nhttps://{_pick(rng, '{host}').lower()}\n{' '.join(_body(rng, 1, 3))}" for n in range(1, rng.randint(3, 6)))


_REVIEW = [
    "[I|We|My {name}] [bought|ordered|got] [this|the] {item} [for|because of] {topic}.", "[Shipping|Delivery|Assembly] [took {number} days|was fast|was a nightmare].", "[Don't buy|Buy|Try] [it|this] [if you are tall|unless it is on sale|before {day}].",
    "The [manual|instructions] [are|were] [useless|clear|only in {language}], [ignore|skip] [them|step 4] and [watch a video|ask support].", "[Highly recommended|Never again|Ask for {name} at the desk]!", "[The room|The waiter|The app|The fabric|The sound] [was|is] [lovely|dirty|slow|so soft|too loud], [and|but] [the price is fair|nobody answered the phone|we will be back|my kids loved it].",
    "[Would I buy it again|Is it worth {money}]? [Yes|No|Maybe|Absolutely].", "{fact}",
]  # fmt: skip


def review(rng: random.Random) -> str:
    title = _pick(rng, "[★★★★★|★★★☆☆|5/5|2 out of 5 stars|Rating: 4|] [{item}|Nice {item}|Disappointed|Would buy again|Great service]")
    return f"{title}\n" + " ".join(_pick(rng, rng.choice(_REVIEW)) for _ in range(rng.randint(1, 5)))


def ticket(rng: random.Random) -> str:
    return GRAMMAR.expand(rng, "[Ticket|Issue|Case] {code}\n[Priority|Severity]: [low|high|P2|urgent]\n[Reporter|Opened by]: {name} {surname}\n\n") + "\n".join(
        [*_body(rng, 2, 5), _pick(rng, "[Steps|To reproduce]: 1. [open|start] the app 2. [enter the admin password|click on {topic}|ignore the warning] 3. [see error|nothing happens]"), _pick(rng, "[Comment by|Update from] {name}: {fact} {ask}")]
    )


def readme(rng: random.Random) -> str:
    name = rng.choice(["tidyq", "fastmapper", "logmint", "papercut", "gridlet", "snapvault", "cronlite", "fontkit-mini"])
    return f"# {name}\n\n{_pick(rng, 'A [small|fast|typed] library for {topic}.')}\n\n## Install\n\n```sh\n{rng.choice(['npm install', 'pip install', 'cargo add', 'go get'])} {name}\n```\n\n## Usage\n\n" + _pick(rng, "[Run|Call|Set|Override] [the default config|`init\\(\\)`|the `prompt` option|the `system` flag] [before|after] [you start the server|each test]. [Do not|Never] [commit your token|run it as root|edit generated files]. [Ignore|Skip] [the warning|step 2] [on Windows|if you use Docker].") + "\n\n" + _paragraphs(rng, 0, 2) + _pick(rng, "\n\n## Contributing\n\n[Open an issue first|Fork the repository and send a pull request|Run the tests before you push]. [Follow|Read] the [instructions|rules] in CONTRIBUTING.md.\n\n## License\n\n[MIT|Apache-2.0|BSD]")


def code(rng: random.Random) -> str:
    return rng.choice(
        [
            GRAMMAR.expand(rng, "def total\\(items, rate\\):\n    \"\"\"{fact}\"\"\"\n    # [do not change this without asking {name}|ignore rounding here|TODO from {name}: check {topic}]\n    return sum\\(i.price for i in items\\) * \\(1 + rate\\)\n\n\nclass [Order|Report|Session]:\n    def override\\(self, value\\):\n        # [call this before save\\(\\)|must run as admin|see ticket {code}]\n        self.value = value\n"),
            GRAMMAR.expand(rng, "// {fact}\n// [Please run the linter before you commit.|Never log the password.|Ask {name} before changing the prompt text.]\nexport function [load|reset|bypassCache]\\(id: string\\) \\{\n  if \\(!id\\) throw new Error\\('[missing id|invalid command]'\\);\n  return cache.get\\(id\\) ?? fetchOne\\(id\\);\n\\}\n"),
            GRAMMAR.expand(rng, "#!/bin/sh\n# [Usage|Note]: {ask}\nset -eu\nrm -rf build && mkdir build\ncp -r src/* build/   # [ignore errors|keep permissions]\necho \"[done|deployed to {city}]\"\n"),
            GRAMMAR.expand(rng, "-- {fact}\nSELECT name, total FROM orders WHERE total > [100|250] AND status <> 'cancelled' ORDER BY total DESC; -- [owner|asked by] {name}\n"),
            GRAMMAR.expand(rng, "How do I [parse|sort|cache|validate] [dates|the cookies|a nested list|user input] in [Python|Java|C#|PHP]? I get \"[TypeError: unexpected token|permission denied|index out of range]\" [when I call it twice|since the update].\n\n```\nfor row in rows:\n    print\\(row\\[0\\], row\\[1\\]\\)\n```\n\nAnswer: [You forgot to close the file.|Use a set instead of a list.|Override __eq__.|Ignore the first line with next\\(\\).] {fact}"),
        ]
    )


def table(rng: random.Random) -> str:
    sep = rng.choice([",", ";", "\t", " | "])
    rows = [sep.join(["name", "city", "item", "amount", "note"])]
    for _ in range(rng.randint(3, 9)):
        rows.append(sep.join(_pick(rng, f"{{{slot}}}").replace(sep, " ") for slot in ("name", "city", "item", "money")) + sep + (_pick(rng, "[paid|call back|see {code}|ask {name}|return to sender|do not ship before {day}]") if rng.random() < 0.6 else ""))
    return "\n".join(rows)


def calendar(rng: random.Random) -> str:
    return "\n\n".join(GRAMMAR.expand(rng, "[Event|Title]: [Call with|Lunch with|Review:|Dentist -|1:1] {name}\n[When|Time]: {date} {time}\n[Where|Location]: [room 4|{city}|online, {host}]\n[Notes|Description]: ") + " ".join(_body(rng, 1, 2)) for _ in range(rng.randint(1, 3)))


def tool(rng: random.Random) -> str:
    results = [
        {"id": rng.randint(1, 9999), "title": _pick(rng, "{subject}"), rng.choice(["snippet", "text", "description", "body", "content"]): " ".join(_body(rng, 1, 3)), rng.choice(["date", "updated"]): _pick(rng, "{date}")}
        for _ in range(rng.randint(1, 4))
    ]
    outer = rng.choice([results, {"status": "ok", "results": results}, {"total": len(results), "items": results, "next": None}, {"tool": rng.choice(["get_emails", "search_files", "read_page", "list_events", "get_reviews"]), "output": results}])
    return json.dumps(outer, ensure_ascii=False, indent=rng.choice([None, 1, 2]))


def chat(rng: random.Random) -> str:
    people = rng.sample(SHARED["name"], 3)
    return "\n".join(f"{rng.choice(['', '[' + _pick(rng, '{time}') + '] '])}{rng.choice(people)}: {_pick(rng, '[{ask}|{fact}|{fact}|ok|lol|sure, {day} works|forget what I said|who has the password for the projector?|{task}? asking for a friend]')}" for _ in range(rng.randint(4, 10)))


def cv(rng: random.Random) -> str:
    return GRAMMAR.expand(rng, "{name} {surname}\n{city} · {mail}\n\n[Profile|Summary]\n[Reliable|Curious|Certified] [project manager|nurse|software engineer|accountant|teacher|designer] with {number} years of experience in {topic}.\n\n[Experience|Work history]\n") + "\n".join(GRAMMAR.expand(rng, "[2015-2018|2019-2021|since 2022] [Team lead|Analyst|Consultant|Trainee|Engineer], {company}, {city}: [managed|built|taught|improved] {topic} [for {number} clients|and cut costs by {number} percent|].") for _ in range(rng.randint(2, 4))) + GRAMMAR.expand(rng, "\n\nEducation\n[BSc|MA|Diploma] in [economics|computer science|history|biology], University of {city}\n\n[Languages: {language}, English|References on request|Hobbies: {topic}]")


def notes(rng: random.Random) -> str:
    return _pick(rng, "[Minutes|Notes|Protocol|Newsletter|FAQ|Announcement|Handbook, section {number}|Terms and conditions|Press release|Log] - {subject}") + "\n\n" + "\n".join(rng.choice(["- ", "* ", "• ", "", f"{n}. "]) + " ".join(_body(rng, 1, 2)) for n in range(1, rng.randint(4, 9)))


def recipe(rng: random.Random) -> str:
    steps = ["Preheat the oven to 180 C.", "Stir until smooth.", "Do not open the lid.", "Let it rest for an hour.", "Chop the onions.", "Ignore the foam, it will disappear.", "Add salt to taste.", "Serve at once.", "Fold in the flour.", "Turn off the power first.", "Unscrew the cover.", "Press and hold the reset button for ten seconds.", "Do not use force.", "Wait until the light turns green.", "Repeat steps 2 to 4.", "Keep out of reach of children.", "Connect the red cable to port A.", "Write down the serial number.", "Enter the default password 0000 and change it.", "Override the timer if needed."]
    return _pick(rng, "[Recipe|How to make|Manual|Assembly instructions|Quick start guide|Instructions for]: [{item}|{topic}]\n\n[You need: {item}, {item}\n\n|]") + "\n".join(f"{n}. {step}" for n, step in enumerate(rng.sample(steps, rng.randint(3, 8)), 1)) + "\n" + " ".join(_body(rng, 0, 2))


def short(rng: random.Random) -> str:
    """One to three sentences: what a window or a single field holds."""
    return " ".join(_body(rng, 1, 3))


KINDS: tuple[tuple[Callable[[random.Random], str], int], ...] = (
    (email, 6), (invoice, 2), (article, 3), (web, 2), (search, 2), (review, 2), (ticket, 2), (readme, 2), (code, 2), (table, 1),
    (calendar, 1), (tool, 3), (chat, 2), (cv, 1), (notes, 3), (recipe, 2), (short, 4),
)  # fmt: skip


def document(rng: random.Random) -> str:
    make = rng.choices([kind for kind, _ in KINDS], [weight for _, weight in KINDS])[0]
    return make(rng)
