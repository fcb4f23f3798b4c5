"""Code that runs inside Rasa's interpreter: a channel, a featurizer and the arbiter. Of ours it imports only what needs no more than numpy."""
