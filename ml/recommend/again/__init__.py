"""What a customer will buy again, of what they have bought before: habit, the item's season, and how long ago."""
