"""What each model is and costs, by date. What is not known is said to be unknown."""
