"""Prints python_ids.jsonl: JSON texts with the canonical text and the id (at index 0) that CPython gives them."""
import hashlib
import json
import random
import struct

rng = random.Random(20)


def any_float():
    """Any bit pattern, so every magnitude, subnormals included."""
    while True:
        value = struct.unpack("<d", rng.randbytes(8))[0]
        if value - value == 0:
            return value


def float_text():
    form = rng.randrange(7)
    if form == 0:
        return repr(any_float())
    if form == 1:
        return repr(struct.unpack("<d", struct.pack("<Q", rng.getrandbits(rng.randrange(1, 53))))[0])  # subnormal
    if form == 2:
        return repr(rng.choice([-1, 1]) * 2.0 ** rng.randrange(-1074, 1024))
    if form == 3:
        return repr(rng.uniform(-1, 1) * 10.0 ** rng.randrange(-7, 19))  # around both changes of notation
    if form == 4:
        return "%d.%d" % (rng.getrandbits(70), rng.getrandbits(40))  # more digits than a float holds
    if form == 5:
        return "%d%s%s%d" % (rng.randrange(-9, 10), rng.choice("eE"), rng.choice(["", "+", "-"]), rng.randrange(420))
    return "%d.%s" % (rng.randrange(-99, 100), "0" * rng.randrange(1, 4))


def int_text():
    sign = rng.choice(["", "-"])
    return sign + str(rng.getrandbits(rng.choice([1, 8, 53, 64, 65, 128, 200])))


ALPHABETS = ["abzAZ_ 09/~", "\x00\x01\x08\t\n\x0b\x0c\r\x1f\"\\/\x7f\x80", "éßñ\u2028\u2029\ud7ff\ue000\uffff", "😀🦀\U00010000\U0010ffff", "漢字한국"]


def string_text():
    text = "".join(rng.choice(rng.choice(ALPHABETS)) for _ in range(rng.randrange(4)))
    escaped = json.dumps(text, ensure_ascii=rng.random() < 0.5)
    return escaped.replace("/", "\\/") if rng.random() < 0.3 else escaped


def gap():
    return rng.choice(["", "", "", " ", "\n", "\t "])


def text(depth):
    form = rng.randrange(10 if depth else 7)
    if form < 2:
        return float_text()
    if form < 3:
        return int_text()
    if form < 6:
        return string_text()
    if form < 7:
        return rng.choice(["null", "true", "false"])
    if form < 8:
        return "[" + ",".join(gap() + text(depth - 1) + gap() for _ in range(rng.randrange(4))) + "]"
    return object_text(depth - 1)


def object_text(depth):
    keys = [string_text() for _ in range(rng.randrange(4))]
    if keys and rng.random() < 0.1:
        keys.append(keys[0])  # the last one wins
    return "{" + ",".join(gap() + key + gap() + ":" + gap() + text(depth) + gap() for key in keys) + "}"


def vector(source):
    canonical = json.dumps(json.loads(source), sort_keys=True)
    digest = hashlib.sha256((canonical + "0").encode()).hexdigest()[:16]
    return json.dumps({"json": source, "canonical": canonical, "id": "EXT-" + digest}, ensure_ascii=False)


def sources():
    yield "[-0, -0.0, -0e5, 0E-9, 1e400, -1e400, 1e-400]"
    yield "[9.999e15, 9999999999999998.0, 1e16, 0.0001, 0.00009999999999999999, 1e22, 1e23, 5e-324, 2.2250738585072014e-308]"
    yield "[1957229105206497.25, 1957229105206497.75, -1125899906842624.125]"  # halfway: to the even digit
    yield json.dumps([2.0 ** power for power in (-1074, -1022, -44, -24, -1, 53, 54, 89, 255, 1023)])
    yield "[" * 50 + "]" * 50
    for _ in range(22):
        yield "[" + ", ".join(float_text() for _ in range(10)) + "]"
    for _ in range(8):
        yield "[" + ", ".join(int_text() for _ in range(6)) + "]"
    for _ in range(30):
        yield '{"inputs": ' + object_text(0) + "}"
    for _ in range(140):
        yield '{"inputs":' + object_text(2) + ',"ground_truth":' + text(1) + "}"


for source in dict.fromkeys(sources()):
    print(vector(source))
