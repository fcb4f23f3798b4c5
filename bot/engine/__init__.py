"""Code that runs inside Rasa's interpreter: a channel, a featurizer and the arbiter. It imports nothing of ours but ``nlu.encoder``."""
