"""The demo shop: who works there, who writes to it, and what was said so far."""

from collections.abc import Mapping
from dataclasses import dataclass

from models.member import Role, Visibility
from models.message import MessageStatus

SHOP = "Fern & Field"
TIME_ZONE = "Europe/Paris"
CHANNEL = "Shop chat"
TEAMS = ("Sales", "Support")


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody who works in the shop; they log in with `email` and the demo's password."""

    key: str
    name: str
    role: Role
    team: str | None = None
    visibility: Visibility = Visibility.ALL
    language: str | None = None

    @property
    def email(self) -> str:
        """Return the address they log in with."""
        return f"{self.key}@fern.example"


OWNER = Colleague("olivia", "Olivia Hart", Role.OWNER)
COLLEAGUES = (
    OWNER,
    Colleague("marcus", "Marcus Bell", Role.MANAGER, "Support"),
    Colleague("amina", "Amina Diallo", Role.AGENT, "Sales"),
    Colleague("ben", "Ben Okafor", Role.AGENT, "Support", Visibility.TEAM),
    Colleague("chloe", "Chloé Martin", Role.AGENT, "Sales", Visibility.OWN, "fr"),
)


@dataclass(frozen=True, slots=True)
class Wrote:
    """The contact wrote."""

    text: str


@dataclass(frozen=True, slots=True)
class Answered:
    """A colleague wrote, and the message came this far."""

    by: str
    text: str
    status: MessageStatus = MessageStatus.READ


@dataclass(frozen=True, slots=True)
class Assigned:
    """A colleague gave the conversation to somebody."""

    by: str
    to: str


@dataclass(frozen=True, slots=True)
class Snoozed:
    """A colleague put the conversation aside."""

    by: str
    minutes: int


@dataclass(frozen=True, slots=True)
class Closed:
    """A colleague closed the conversation."""

    by: str


@dataclass(frozen=True, slots=True)
class WasRead:
    """A colleague read the conversation."""

    by: str


Step = Wrote | Answered | Assigned | Snoozed | Closed | WasRead


@dataclass(frozen=True, slots=True)
class Thread:
    """A contact, known to the channel by their phone number, and the story with them."""

    first_name: str
    last_name: str
    phone: str
    email: str | None
    language: str
    steps: tuple[Step, ...]

    @property
    def profile(self) -> Mapping[str, str]:
        """Return what the channel tells about the contact."""
        profile = {
            "firstName": self.first_name,
            "lastName": self.last_name,
            "phone": self.phone,
            "language": self.language,
        }
        return profile if self.email is None else profile | {"email": self.email}


BY_HAND = (
    {"first_name": "Hugo", "last_name": "Petit", "email": "hugo.petit@mail.example"},
    {"first_name": "Priya", "last_name": "Nair", "phone": "+442079460321"},
)
"""Contacts whom a colleague added and who have not written yet."""

THREADS = (
    Thread(
        "Carla",
        "Rossi",
        "+33639980101",
        "carla.rossi@mail.example",
        "en",
        (
            Wrote("Hi! Is the big monstera from your window still there?"),
            Answered("amina", "Hello Carla! Yes, and it has a new leaf since yesterday."),
            Wrote("Wonderful. How big is the pot?"),
            Answered("amina", "27 cm across. It fits a corner of about half a metre."),
            Wrote("Could you keep it for me until Saturday?"),
            Assigned("marcus", "amina"),
        ),
    ),
    Thread(
        "Tom",
        "Becker",
        "+493023125044",
        "tom.becker@mail.example",
        "en",
        (
            Wrote("My order #1042 has not arrived. It was promised for Tuesday."),
            Assigned("marcus", "ben"),
            Answered("ben", "I am sorry, Tom. I am asking the carrier and come back to you today."),
            Wrote("Thank you. Please hurry, it is a present."),
        ),
    ),
    Thread(
        "Léa",
        "Dubois",
        "+33639980102",
        "lea.dubois@mail.example",
        "fr",
        (
            Wrote("Bonjour, livrez-vous à Lyon ?"),
            Assigned("olivia", "chloe"),
            Answered("chloe", "Bonjour Léa ! Oui, sous 48 heures, 6,90 € jusqu'à 20 kg."),
            Wrote("Parfait, je prends donc deux oliviers."),
        ),
    ),
    Thread(
        "James",
        "Carter",
        "+12025550143",
        None,
        "en",
        (Wrote("Do you ship to the US? I saw your bonsai class online."),),
    ),
    Thread(
        "Sofia",
        "Lindqvist",
        "+447700900118",
        "sofia@studio-lind.example",
        "en",
        (
            Wrote("We are opening an office and need about 40 plants. Do you do offers?"),
            Answered("olivia", "With pleasure, Sofia. Could you send me the floor plan?"),
            Wrote("Sure, my architect sends it tomorrow morning."),
            WasRead("olivia"),
            Assigned("olivia", "olivia"),
            Snoozed("olivia", 24 * 60),
        ),
    ),
    Thread(
        "Mateo",
        "García",
        "+33639980103",
        None,
        "en",
        (
            Wrote("When do you have peat-free soil again?"),
            Answered("marcus", "The lorry is on its way: I write as soon as it is unloaded."),
            WasRead("marcus"),
            Snoozed("marcus", 3),
        ),
    ),
    Thread(
        "Emma",
        "Novak",
        "+447700900154",
        "emma.novak@mail.example",
        "en",
        (
            Wrote("Brown tips on my calathea, what do I do wrong?"),
            Answered("amina", "Probably hard water. Try rain water for two weeks."),
            Wrote("It works! Thank you so much."),
            Answered("amina", "Lovely to hear. See you soon!"),
            WasRead("amina"),
            Closed("amina"),
        ),
    ),
    Thread(
        "Yusuf",
        "Demir",
        "+493023125071",
        "yusuf.demir@mail.example",
        "en",
        (
            Wrote("The invoice of May has the wrong address."),
            Assigned("olivia", "ben"),
            Answered("ben", "Corrected, you have it by email.", MessageStatus.DELIVERED),
            Closed("ben"),
        ),
    ),
    Thread(
        "Ingrid",
        "Olsen",
        "+447700900177",
        None,
        "en",
        (
            Wrote("Are you open on Sunday?"),
            Answered("marcus", "Yes, 10 to 16 h.", MessageStatus.FAILED),
        ),
    ),
    Thread(
        "Noah",
        "Williams",
        "+12025550172",
        "noah.w@mail.example",
        "en",
        (
            Wrote("A gift card of 50, is that possible?"),
            Wrote("Or of 75, if the design is nice"),
        ),
    ),
    Thread(
        "Amélie",
        "Laurent",
        "+33639980104",
        "amelie.laurent@mail.example",
        "fr",
        (
            Wrote("Bonjour, mon citronnier perd ses feuilles depuis une semaine."),
            Assigned("marcus", "chloe"),
            Answered("chloe", "Bonjour Amélie, l'avez-vous rempoté récemment ?"),
        ),
    ),
    Thread(
        "Grace",
        "Mbeki",
        "+447700900192",
        "grace.mbeki@mail.example",
        "en",
        (
            Wrote("Thank you for the workshop, we loved it!"),
            Answered("olivia", "Thank you for coming, Grace."),
            WasRead("olivia"),
            Closed("olivia"),
            Wrote("One more thing: is there a date for the autumn one?"),
        ),
    ),
)
"""The first one is the conversation that GraphiQL's tabs begin with."""
