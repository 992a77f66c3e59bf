"""For trying it out: citizens, a relying party and a phone. Nothing of it is for production."""
