"""The identity card's chip: a signature over a challenge of ours (ICAO 9303-11 §6.1)."""
