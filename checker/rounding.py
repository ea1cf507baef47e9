"""Does this thread compute as IEEE 754 says? Everything that is proved with floats in it rests on that."""

FLUSHES = "this thread flushes subnormal numbers or does not round to nearest, so that nothing is certain"
"""Said where it does not."""


def rounds_to_nearest(one: float = 1.0) -> bool:
    """Does this thread round to nearest, with gradual underflow? `one` is 1, given so that nothing is
    computed ahead of time; the bits of subnormal numbers are compared as text."""
    return (
        one + 1.25 * 2.0**-53 == 1 + 2.0**-52
        and one + 0.75 * 2.0**-53 == 1
        and -one - 0.75 * 2.0**-53 == -1
        and (one * 2.0**-1000 * 2.0**-60).hex() == "0x0.0000000004000p-1022"
        and (one * 2.0**-1060 * 4).hex() == "0x0.0000000010000p-1022"
    )
