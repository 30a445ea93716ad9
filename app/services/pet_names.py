"""Names for applications that were given none: two random words, such as "Proud Marmot"."""

from app.crypto.secrets import random_bytes

_QUALITIES = """
    agile amber artful balmy bold brave breezy bright brisk calm candid cheery civil clever cosmic cosy crisp curious
    dapper daring deft eager earnest easy epic fair fancy fluent fond frank fresh gentle giddy glad golden grand happy
    hardy hearty honest humble jolly keen kind lively loyal lucid lucky mellow merry mighty modest neat nimble noble
    patient playful plucky polite proud quick quiet ready robust sage serene sharp silver sincere smart snug solid
    spry steady stellar sunny swift tidy tranquil trusty upbeat valiant vivid warm wise witty zesty
"""
_ANIMALS = """
    alpaca badger beaver bison bobcat buzzard camel caribou cheetah chinook condor cormorant cougar coyote crane
    cricket curlew dingo dolphin donkey dormouse dove eagle egret falcon ferret finch fox gannet gazelle gecko gibbon
    goose grouse hare hawk hedgehog heron hornbill ibex ibis iguana jackal jackdaw jaguar kestrel kiwi koala lapwing
    lark lemur leopard lizard llama lynx macaw magpie mallard marmot marten meerkat mole moose narwhal newt ocelot
    okapi osprey otter owl panda panther pelican penguin petrel plover puffin puma quail rabbit raven robin salmon
    seal shrew sparrow squirrel starling stoat stork swallow swan tapir tern thrush tortoise toucan turtle vole
    wagtail walrus wombat wren yak zebra
"""


def pet_name() -> str:
    """Return two random words in title case."""
    return f"{_pick(_QUALITIES)} {_pick(_ANIMALS)}".title()


def _pick(words: str) -> str:
    choices = words.split()
    return choices[int.from_bytes(random_bytes(4)) % len(choices)]
