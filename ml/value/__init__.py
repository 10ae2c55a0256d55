"""What customers are worth: how often they will buy and for how much, with intervals, against naive baselines."""
